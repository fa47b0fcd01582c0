//! `kyc sandbox --state`: a sandbox that is killed goes on where it was.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::kyc::{SandboxProcess, kyc, kyc_with_input};

fn start(file: &Path) -> SandboxProcess {
    let file = file.to_str().unwrap();
    SandboxProcess::start_with(&["--listen", "127.0.0.1:0", "--state", file])
}

#[test]
fn nothing_that_was_answered_is_lost_when_it_is_killed() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("sandbox.state");
    let mut sandbox = start(&file);
    assert!(
        sandbox
            .comments
            .contains(&format!("# State: {}", file.display()))
    );
    assert_eq!(kyc(&["clock", "freeze"], &sandbox.environment).code, 0);
    let mut sessions = Vec::new();
    for _ in 0..5 {
        let session = br#"{"verification":{"person":{"firstName":"Decline","lastName":"Person"}}}"#;
        let create = ["veriff", "create-session", "--json", "--data", "-"];
        let created = kyc_with_input(&create, &sandbox.environment, session).answer();
        sessions.push(created["verification"]["id"].as_str().unwrap().to_owned());
        // As `kill -9` does.
        drop(sandbox);
        sandbox = start(&file);
    }
    let shown = kyc(&["clock", "--json"], &sandbox.environment).answer();
    assert_eq!(shown["mode"], "frozen");
    assert_eq!(
        kyc(&["clock", "advance", "1h"], &sandbox.environment).code,
        0
    );
    drop(sandbox);
    let sandbox = start(&file);
    for session in &sessions {
        let decision = ["veriff", "decision", "--session-id", session, "--json"];
        let decision = kyc(&decision, &sandbox.environment).answer();
        assert_eq!(decision["verification"]["status"], "declined", "{decision}");
    }
    let webhooks = kyc(&["webhooks", "--json"], &sandbox.environment).answer();
    let events = webhooks.as_array().unwrap().iter();
    let declined = events.filter(|webhook| webhook["event"] == "decision.declined");
    assert_eq!(declined.count(), 5);
}

/// Nothing in it is masked.
#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_refused_and_one_is_made_for_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = TempDir::new().unwrap();
    let file = directory.path().join("sandbox.state");
    drop(start(&file));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    let name = file.to_str().unwrap();
    for open in [0o644, 0o640, 0o606] {
        fs::set_permissions(&file, fs::Permissions::from_mode(open)).unwrap();
        let run = kyc(
            &["sandbox", "--listen", "127.0.0.1:0", "--state", name],
            &[],
        );
        assert_eq!(run.code, 2, "{run:?}");
        let told = format!("--state: the state file may be read by others (mode {open:o})");
        assert!(run.stderr.contains(&told), "{run:?}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    drop(start(&file));
}

#[test]
fn a_file_that_cannot_be_used_is_refused() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("notes.txt");
    fs::write(&file, "not a database").unwrap();
    let name = file.to_str().unwrap();
    let by_argument = kyc(
        &["sandbox", "--listen", "127.0.0.1:0", "--state", name],
        &[],
    );
    let variable = [("KYC_SANDBOX_STATE".to_owned(), name.to_owned())];
    let by_variable = kyc(&["sandbox", "--listen", "127.0.0.1:0"], &variable);
    for (run, field) in [(by_argument, "--state"), (by_variable, "KYC_SANDBOX_STATE")] {
        assert_eq!(run.code, 2, "{run:?}");
        let told = format!("{field}: the state file is not an SQLite database");
        assert!(run.stderr.contains(&told), "{run:?}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"not a database");

    let file = directory.path().join("sandbox.state");
    let _running = start(&file);
    let second = [
        "sandbox",
        "--listen",
        "127.0.0.1:0",
        "--state",
        file.to_str().unwrap(),
    ];
    let second = kyc(&second, &[]);
    assert_eq!(second.code, 2, "{second:?}");
    assert!(
        second.stderr.contains("open in another sandbox"),
        "{second:?}"
    );
}
