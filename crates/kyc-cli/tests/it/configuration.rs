//! Settings from the environment and from files.

use std::fs;

use crate::kyc::{FINPASS, FULL_ONBOARDING, SandboxProcess, kyc};

fn message(environment: &[(String, String)]) -> String {
    let run = kyc(&FINPASS, environment);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(!run.stderr.contains("CANARY"), "{}", run.stderr);
    run.error()["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_secret_may_come_from_a_file() {
    let sandbox = SandboxProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let secret = sandbox.value("FINPASS_API_SECRET").to_owned();
    fs::write(&path, &secret).unwrap();
    let file = path.to_str().unwrap();
    let environment = sandbox.with(&[
        ("FINPASS_API_SECRET", ""),
        ("FINPASS_API_SECRET_FILE", file),
    ]);
    // Others may read it, which is told: in a container nobody else is there.
    #[cfg(unix)]
    for (mode, warns) in [(0o644, true), (0o440, true), (0o600, false)] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let run = kyc(&FINPASS, &environment);
        assert_eq!(run.code, 0, "{run:?}");
        let warned = format!("the file may be read by others (mode {mode:o})");
        assert_eq!(run.stderr.contains(&warned), warns, "{run:?}");
        assert_eq!(run.stderr.contains("FINPASS_API_SECRET_FILE"), warns);
    }
    assert_eq!(kyc(&FINPASS, &environment).code, 0);

    fs::write(&path, format!("{secret}\n")).unwrap();
    let stderr = message(&environment);
    assert!(
        stderr.contains("FINPASS_API_SECRET") && stderr.contains("newline"),
        "{stderr}"
    );
    assert!(!stderr.contains(&secret));

    fs::write(&path, b"CANARY\xff").unwrap();
    assert!(message(&environment).contains("FINPASS_API_SECRET_FILE"));
    fs::remove_file(&path).unwrap();
    assert!(message(&environment).contains("FINPASS_API_SECRET_FILE"));
    let both = sandbox.with(&[
        ("FINPASS_API_SECRET", "CANARY"),
        ("FINPASS_API_SECRET_FILE", file),
    ]);
    assert!(message(&both).contains("keep one"));
}

#[test]
fn every_missing_setting_is_named() {
    let stderr = message(&[]);
    assert!(
        stderr.contains("FINPASS_API_KEY, FINPASS_API_SECRET"),
        "{stderr}"
    );
}

#[test]
fn a_bad_address_is_named_before_anything_is_sent() {
    let sandbox = SandboxProcess::start();
    for address in [
        "CANARY",
        "ftp://CANARY",
        "https://user:CANARY@a.test",
        "https://a.test/?CANARY",
    ] {
        assert!(
            message(&sandbox.with(&[("FINPASS_BASE_URL", address)])).contains("FINPASS_BASE_URL"),
            "{address}"
        );
    }
    let stderr = message(&sandbox.with(&[("FINPASS_BASE_URL", "http://192.0.2.1")]));
    assert!(
        stderr.contains("invalid request"),
        "plain http to another machine: {stderr}"
    );
}

#[test]
fn every_setting_may_come_from_a_file() {
    let sandbox = SandboxProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = sandbox
        .environment
        .iter()
        .map(|(name, value)| {
            let path = folder.path().join(name);
            fs::write(&path, value).unwrap();
            (format!("{name}_FILE"), path.to_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(files.len(), 20);
    let run = kyc(&FULL_ONBOARDING, &files);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.answer()["complete"], true);
}

#[test]
fn an_empty_setting_is_not_replaced_by_the_default() {
    let sandbox = SandboxProcess::start();
    let mut environment = sandbox.with(&[("FINPASS_BASE_URL", "")]);
    environment.push(("FINPASS_BASE_URL".to_owned(), String::new()));
    let stderr = message(&environment);
    assert!(
        stderr.contains("FINPASS_BASE_URL") && stderr.contains("empty"),
        "{stderr}"
    );
}

#[test]
fn an_endless_file_is_not_read_to_its_end() {
    let sandbox = SandboxProcess::start();
    let environment = sandbox.with(&[
        ("FINPASS_API_SECRET", ""),
        ("FINPASS_API_SECRET_FILE", "/dev/zero"),
    ]);
    assert!(message(&environment).contains("longer than"));
}

#[test]
fn what_nobody_sees_in_a_setting_is_named() {
    let sandbox = SandboxProcess::start();
    for name in ["FINPASS_API_KEY", "FINPASS_API_SECRET", "FINPASS_BASE_URL"] {
        let value = sandbox.value(name);
        for (value, word) in [
            (format!("\u{feff}{value}"), "byte order mark"),
            (format!("{value}\u{200b}"), "U+200B"),
            (format!("{value}\n"), "newline"),
            (format!("\"{value}\""), "quotes"),
            (format!("{name}={value}"), "own name"),
            (format!("${{{name}}}"), "placeholder"),
        ] {
            let stderr = message(&sandbox.with(&[(name, &value)]));
            assert!(stderr.contains(name) && stderr.contains(word), "{stderr}");
            assert!(!stderr.contains(sandbox.value(name)), "{stderr}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_is_read_once_and_waited_for_no_longer_than_a_call() {
    let sandbox = SandboxProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let file = path.to_str().unwrap();
    let environment = sandbox.with(&[
        ("FINPASS_API_SECRET", ""),
        ("FINPASS_API_SECRET_FILE", file),
    ]);
    let secret = sandbox.value("FINPASS_API_SECRET").to_owned();
    // It opens once there is a reader, and a second reader would wait for ever.
    let writer = std::thread::spawn({
        let path = path.clone();
        move || fs::write(path, secret)
    });
    let run = kyc(&FULL_ONBOARDING, &environment);
    writer.join().unwrap().unwrap();
    assert_eq!(run.code, 0, "{run:?}");

    let mut arguments = FINPASS.to_vec();
    arguments.extend(["--timeout", "0.05"]);
    let run = kyc(&arguments, &environment);
    assert_eq!(run.code, 2, "{run:?}");
    let stderr = run.error()["message"].to_string();
    assert!(
        stderr.contains("FINPASS_API_SECRET_FILE") && stderr.contains("within 0.05 seconds"),
        "{stderr}"
    );
}
