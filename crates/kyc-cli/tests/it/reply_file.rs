//! `--out`: a reply that was paid for is in its file, or somewhere else, and never lost.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::kyc::{FINPASS, FixedServer, WaitingServer, ended, kyc, send, started};

const REPLY: &str = r#"{"success":true, "data":{"client_id":"c","redirect_url":"https://x.test"}}"#;

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

fn into(out: &str) -> Vec<&str> {
    let mut arguments = FINPASS[..6].to_vec();
    arguments.extend(["--out", out]);
    arguments
}

#[test]
fn nothing_is_sent_for_a_file_that_can_never_be() {
    let server = FixedServer::answering("200 OK", REPLY);
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("there")).unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let long = "x".repeat(300);
    for (name, rule) in [
        ("new/", "names no file"),
        ("there/", "names no file"),
        ("foo/.", "names no file"),
        ("there/.", "names no file"),
        ("..", "names no file"),
        ("there", "exists and is not a file"),
        ("new/x", "cannot be written: no such file or directory"),
        ("file/x", "cannot be written: "),
        (&long, "cannot be written: "),
    ] {
        let out = format!("{}/{name}", folder.path().display());
        for more in [&[][..], &["--overwrite"]] {
            let arguments = [&into(&out), more].concat();
            let run = kyc(&arguments, &server.environment());
            assert_eq!(run.code, 2, "{name} {run:?}");
            assert!(run.stderr.contains(&format!("--out: {rule}")), "{run:?}");
        }
    }
    assert_eq!(server.connections(), 0);
    let mut left = names(folder.path());
    left.sort();
    assert_eq!(left, ["file", "there"]);
}

#[test]
fn a_member_that_is_a_file_is_read_from_it_and_checked_before_anything_is_sent() {
    let reply = r#"{"ver":"1","data":{"reference_id":"batch-1","status":"READY"}}"#;
    let server = FixedServer::answering("200 OK", reply);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("consents.csv");
    let upload = || {
        let file = file.to_str().unwrap();
        let upload = ["finpro", "upload-fi-requests", "--file", file];
        let named = [&upload[..], &["--reference-id", "batch-1"]].concat();
        kyc(&named, &server.environment())
    };
    let run = upload();
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains("file: cannot be read: no such file"),
        "{run:?}"
    );
    for (content, rule) in [
        (&b"\xff\xfe"[..], "must be UTF-8"),
        (b"name\nx\n", "must be JSON, or CSV with a column consentId"),
        (&[b'x'; 10 * 1024 * 1024 + 1], "must be"),
    ] {
        fs::write(&file, content).unwrap();
        let run = upload();
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(&format!("file: {rule}")), "{run:?}");
    }
    assert_eq!(server.connections(), 0);
    fs::write(&file, "consentId\nconsent-1\n").unwrap();
    let run = upload();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(server.connections(), 1);
}

/// A signal of the system, which would end the process without a word.
#[test]
fn a_file_past_the_limit_of_the_process_loses_no_reply() {
    let reply = REPLY.replace(
        "\"data\"",
        &format!("\"message\":\"{}\",\"data\"", "x".repeat(100_000)),
    );
    let server = FixedServer::answering("200 OK", &reply);
    let folder = TempDir::new().unwrap();
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -f 8; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_kyc"),
        ])
        .args(into("reply.json"))
        .current_dir(folder.path())
        .env_clear()
        .envs(server.environment())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert_eq!(output.stdout, reply.as_bytes());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_dash_is_stdout() {
    let server = FixedServer::answering("200 OK", REPLY);
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kyc"));
    command.args(into("-")).current_dir(folder.path());
    command.env_clear().envs(server.environment());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, REPLY.as_bytes());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_cannot_get_its_name_stays_in_the_temporary_file() {
    use std::io::Write as _;

    let server = WaitingServer::start();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("reply.json");
    let child = started(&into(out.to_str().unwrap()), &server.environment());
    let mut stream = server.request();
    // Another one takes the name meanwhile.
    fs::write(&out, "another's").unwrap();
    let length = REPLY.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{REPLY}"
    )
    .unwrap();
    let run = ended(child);
    assert_eq!(run.code, 7, "{run:?}");
    assert_eq!(fs::read_to_string(&out).unwrap(), "another's");
    let kept = names(folder.path());
    let kept = kept.iter().find(|name| *name != "reply.json").unwrap();
    assert_eq!(fs::read_to_string(folder.path().join(kept)).unwrap(), REPLY);
    assert!(run.stderr.contains(kept.as_str()), "{run:?}");
    assert!(run.stderr.contains("request id: "), "{run:?}");
}

/// A file may have no byte, as on a full disk.
#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_is_on_stdout() {
    let server = FixedServer::answering("200 OK", REPLY);
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("reply.json");
    let out = out.to_str().unwrap();
    for json in [&[][..], &["--json"]] {
        let child = Command::new("/bin/sh")
            .args(["-c", "trap '' 25; ulimit -f 0; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_kyc"))
            .args(into(out))
            .args(json)
            .env_clear()
            .envs(server.environment())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let run = ended(child);
        assert_eq!((run.code, run.stdout.as_str()), (7, REPLY), "{run:?}");
        assert!(run.stderr.contains("the reply is on stdout"), "{run:?}");
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
#[cfg(unix)]
fn an_interruption_says_what_may_have_been_done_and_leaves_no_file() {
    for (signal, json) in [("-INT", false), ("-TERM", false), ("-INT", true)] {
        let server = WaitingServer::start();
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("reply.json");
        let mut arguments = into(out.to_str().unwrap());
        arguments.extend(json.then_some("--json"));
        let child = started(&arguments, &server.environment());
        let stream = server.request();
        assert_eq!(names(folder.path()).len(), 1, "the temporary file");
        send(signal, &child);
        let run = ended(child);
        drop(stream);
        assert_eq!((run.code, run.stdout.as_str()), (130, ""), "{run:?}");
        if json {
            assert_eq!(run.error()["interrupted"], "finpass initialize");
            assert_eq!(run.error()["result"], "may have been done");
            assert_eq!(run.error()["request_id"].as_str().unwrap().len(), 32);
        } else {
            let told = "interrupted: finpass initialize may have been done, request id ";
            let id = run.stderr.trim_end().strip_prefix(told);
            assert_eq!(id.map(str::len), Some(32), "{run:?}");
        }
        assert!(names(folder.path()).is_empty());
    }
}
