//! Signals end a command, whatever it waits for.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use crate::batch_job::wait_until;
use crate::kyc::{FINPASS, FixedServer, Run, WaitingServer, ended, send, started, started_with};
use crate::profile_server::ProfileServer;

/// What is said of a read: it changes nothing.
const BROKEN_OFF: &str = " was broken off; it only reads and can be asked again";

const SIGNALS: [&str; 4] = ["-INT", "-QUIT", "-TERM", "-HUP"];

/// Starts `kyc` with an input that does not end; it reads a part of it.
fn reading(arguments: &[&str]) -> (Child, ChildStdin) {
    let mut child = started_with(arguments, &[], Stdio::piped());
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: when all of it is written, the command has begun to read.
    input.write_all(&[b' '; 128 * 1024]).unwrap();
    (child, input)
}

fn nothing_was_sent(run: &Run) {
    assert_eq!(run.code, 130, "{run:?}");
    assert_eq!(
        run.stderr.trim_end(),
        "interrupted: kyc was ended; nothing was sent"
    );
}

#[test]
fn a_command_that_reads_its_input_ends() {
    for signal in SIGNALS {
        let (child, input) = reading(&["finpass", "init", "--data", "-"]);
        send(signal, &child);
        nothing_was_sent(&ended(child));
        drop(input);
    }
    let (child, input) = reading(&["finpass", "init", "--data", "-", "--json"]);
    send("-TERM", &child);
    let run = ended(child);
    drop(input);
    assert_eq!(run.error()["result"], "was ended; nothing was sent");
}

#[test]
fn a_call_and_an_onboarding_say_what_may_have_been_done() {
    for signal in SIGNALS {
        for arguments in [&FINPASS[..6], &["onboard", "--mobile", "9000000001"]] {
            let server = WaitingServer::start();
            let child = started(arguments, &server.environment());
            let stream = server.request();
            send(signal, &child);
            let run = ended(child);
            drop(stream);
            assert_eq!(run.code, 130, "{run:?}");
            let told = [" may have been done", ", request id "];
            assert!(told.iter().all(|told| run.stderr.contains(told)), "{run:?}");
        }
    }
}

#[test]
fn a_read_is_not_said_to_have_been_done() {
    const PROFILE: &str =
        "finpro profile --mobile-number 9000000001 --user-consent-id r --timeout 600";
    for command in [PROFILE, "onboard --mobile 9000000001 --timeout 600"] {
        let server = ProfileServer::start(Duration::from_secs(600));
        let words: Vec<_> = command.split(' ').collect();
        let child = started(&words, &server.environment());
        wait_until(|| server.requests() == 1);
        send("-INT", &child);
        let run = ended(child);
        assert_eq!(run.code, 130, "{run:?}");
        assert!(run.stderr.contains(BROKEN_OFF), "{run:?}");
        assert!(!run.stderr.contains("may have been done"), "{run:?}");
    }
}

#[test]
fn a_call_that_waits_before_its_next_attempt_was_not_done() {
    for (status, told) in [
        (
            "429 Too Many Requests",
            "was refused, and was to be sent again",
        ),
        ("503 Service Unavailable", BROKEN_OFF.trim_start()),
    ] {
        // Reading, because only a read is sent again after a 503.
        let reply = format!("{status}\r\nretry-after: 20");
        let server = FixedServer::answering(&reply, "");
        let profile = [
            "finpro",
            "profile",
            "--mobile-number",
            "9000000001",
            "--user-consent-id",
            "r",
            "--timeout",
            "600",
            "-v",
        ];
        let mut child = started(&profile, &server.environment());
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut lines = lines.by_ref().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("attempt ended") && line.contains("pause_ms")));
        send("-TERM", &child);
        let words = lines.find(|line| line.starts_with("interrupted"));
        let words = words.unwrap();
        assert!(
            words.contains(&format!("check-profile {told}, request id ")),
            "{words}"
        );
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_whose_answer_nobody_reads_says_that_it_was_done() {
    let server = WaitingServer::start();
    let child = started(&FINPASS, &server.environment());
    let mut stream = server.request();
    // Longer than a pipe holds.
    let message = "x".repeat(512 * 1024);
    let body = format!(
        r#"{{"success":true,"status_code":200,"message":"{message}","data":{{"client_id":"c","redirect_url":"https://a.test"}}}}"#
    );
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut child = child;
    let mut stdout = child.stdout.take().unwrap();
    // Once it has begun to print, the call is over.
    stdout.read_exact(&mut [0]).unwrap();
    send("-TERM", &child);
    let run = ended(child);
    drop(stdout);
    assert_eq!(run.code, 130, "{run:?}");
    assert_eq!(run.error()["result"], "was done");
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_was_ignored_stays_ignored() {
    let server = WaitingServer::start();
    let child = Command::new("sh")
        .args([
            "-c",
            "trap '' HUP; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_kyc"),
        ])
        .args(FINPASS)
        .env_clear()
        .envs(server.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stream = server.request();
    send("-HUP", &child);
    let refused = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(refused.as_bytes()).unwrap();
    // The call ends as its reply says.
    assert_ne!(ended(child).code, 130);
}

#[test]
fn a_command_that_steers_a_sandbox_does_not_say_that_nothing_was_sent() {
    let server = WaitingServer::start();
    let mut environment = server.environment();
    let url = environment[0].1.clone();
    for (name, value) in [
        ("KYC_SANDBOX_URL", url.as_str()),
        ("KYC_SANDBOX_TOKEN", "token"),
    ] {
        environment.push((name.to_owned(), value.to_owned()));
    }
    let child = started(&["clock", "advance", "1h"], &environment);
    let _asked = server.request();
    send("-INT", &child);
    let run = ended(child);
    assert_eq!(run.code, 130, "{run:?}");
    assert!(!run.stderr.contains("nothing was sent"), "{run:?}");
    assert!(run.stderr.contains("may have done"), "{run:?}");
}
