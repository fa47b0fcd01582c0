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

/// Whatever the secret is for, and whoever reads it; nothing is waited for, not even with a writer at the other end.
#[cfg(unix)]
#[test]
fn a_secret_that_is_no_file_is_refused_at_once_and_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let fifo = path.to_str().unwrap();
    let (db, keys) = (
        folder.path().join("journeys.db"),
        folder.path().join("keys"),
    );
    let (db, keys) = (db.to_str().unwrap(), keys.to_str().unwrap());
    let database = "postgres://kyc@127.0.0.1:1/kyc";
    let onboarding = ["onboard", "--mobile", "9000000001"];
    let serve = ["journey", "serve", "--db", db, "--listen", "127.0.0.1:0"];
    let list = ["journey", "list", "--db", database, "--keys", keys];
    let sandbox = SandboxProcess::start();
    let commands: [(&str, &[&str]); 7] = [
        ("FINPASS_API_KEY", &FINPASS[..6]),
        ("FINPASS_API_SECRET", &FINPASS[..6]),
        ("FINPRO_CLIENT_SECRET", &onboarding),
        ("VERIFF_SHARED_SECRET", &onboarding),
        ("DEEPVUE_CLIENT_SECRET", &onboarding),
        ("KYC_JOURNEY_TOKEN", &serve),
        ("KYC_DB_PASSWORD", &list),
    ];
    for (name, arguments) in commands {
        let file = format!("{name}_FILE");
        let run = kyc(arguments, &sandbox.with(&[(name, ""), (&file, fifo)]));
        assert_eq!(run.code, 2, "{name}: {run:?}");
        let says = format!("{file}: names no file");
        assert!(run.stderr.contains(&says), "{name}: {run:?}");
    }
}
