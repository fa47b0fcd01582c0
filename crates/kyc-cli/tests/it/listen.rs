//! `kyc listen`: a sandbox's webhooks are verified, printed and forwarded.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout};

use serde_json::Value;

use crate::kyc::{FixedServer, SandboxProcess, changed, ended, kyc, kyc_with_input, started};

/// A listener, and what it printed when it was ready.
pub(crate) struct Listener {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) ready: Value,
}

impl Listener {
    pub(crate) fn start(arguments: &[&str], environment: &[(String, String)]) -> Self {
        let always = ["listen", "--listen", "127.0.0.1:0", "--json"];
        let mut child = started(&[&always, arguments].concat(), environment);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Self {
            child,
            stdout,
            ready,
        }
    }

    /// The next webhook that it tells of.
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    pub(crate) fn code(self) -> i32 {
        ended(self.child).code
    }
}

/// Creates a session whose person is verified by the script in the name, and lets its time pass.
fn verify_somebody(environment: &[(String, String)]) {
    let session = br#"{"verification":{"person":{"firstName":"Approve","lastName":"Invented"}}}"#;
    let created = kyc_with_input(
        &["veriff", "create-session", "--data", "-"],
        environment,
        session,
    );
    assert_eq!(created.code, 0, "{created:?}");
    let moved = kyc(&["clock", "advance", "1h"], environment);
    assert_eq!(moved.code, 0, "{moved:?}");
}

#[test]
fn a_decision_is_verified_and_forwarded_and_ends_the_wait() {
    let sandbox = SandboxProcess::start();
    let receiver = FixedServer::answering("200 OK", "");
    let arguments = [
        "--forward-to",
        &receiver.address,
        "--until",
        "veriff.decision.approved",
        "--within",
        "30",
    ];
    let mut listener = Listener::start(&arguments, &sandbox.environment);
    assert_eq!(
        listener.ready["verifies"],
        serde_json::json!(["veriff", "finpro"])
    );
    assert_eq!(listener.ready["sandbox"], true);
    verify_somebody(&sandbox.environment);

    let mut told = listener.next();
    while told["event"] != "veriff.decision.approved" {
        assert_eq!(told["verdict"], "verified", "{told}");
        told = listener.next();
    }
    assert_eq!(
        (&told["status"], &told["forwarded"]),
        (&Value::from(200), &Value::from(true))
    );
    assert!(
        told["webhook"].as_str().unwrap().starts_with("w_"),
        "{told}"
    );
    assert_eq!(listener.code(), 0);
    assert_eq!(receiver.last_body()["verification"]["code"], 9001);

    // The sandbox sends them nowhere again, as before.
    let urls = kyc(
        &[
            "webhooks",
            "to",
            "nowhere",
            "--provider",
            "finpro",
            "--json",
        ],
        &sandbox.environment,
    );
    assert_eq!(urls.answer(), serde_json::json!({}));
}

#[test]
fn what_the_receiver_refuses_is_tried_again() {
    let sandbox = SandboxProcess::start();
    let receiver = FixedServer::answering("500 Internal Server Error", "");
    let mut listener = Listener::start(
        &[
            "--forward-to",
            &receiver.address,
            "--events",
            "veriff.decision",
        ],
        &sandbox.environment,
    );
    verify_somebody(&sandbox.environment);
    let first = listener.next();
    assert_eq!(
        (&first["event"], &first["status"]),
        (&Value::from("veriff.decision.approved"), &Value::from(500))
    );
    kyc(&["clock", "advance", "1m"], &sandbox.environment);
    let again = listener.next();
    assert_eq!(again["webhook"], first["webhook"]);
    crate::kyc::send("-INT", &listener.child);
    assert_eq!(listener.code(), 0);
}

#[test]
fn what_is_not_genuine_is_refused_and_not_forwarded() {
    let sandbox = SandboxProcess::start();
    let without_finpro = sandbox.with(&[
        ("FINPRO_WEBHOOK_SECRET", ""),
        ("FINPRO_WEBHOOK_HEADER", ""),
        ("FINPRO_WEBHOOK_ENCODING", ""),
    ]);
    let receiver = FixedServer::answering("200 OK", "");
    let mut listener = Listener::start(
        &["--forward-to", &receiver.address, "--alone"],
        &without_finpro,
    );
    assert_eq!(listener.ready["sandbox"], false);
    let address = listener.ready["ready"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .to_owned();
    let send = |head: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
        )
        .unwrap();
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status).unwrap();
        status
    };
    assert!(send("POST /veriff HTTP/1.1").contains(" 401 "));
    assert!(
        listener.next()["verdict"]
            .as_str()
            .unwrap()
            .starts_with("refused")
    );
    assert!(send("GET /veriff HTTP/1.1").contains(" 405 "));
    listener.next();
    assert!(
        send("POST /finpro HTTP/1.1").contains(" 503 "),
        "it has no secret of FinPro"
    );
    listener.next();
    assert!(send("POST /elsewhere HTTP/1.1").contains(" 404 "));
    assert!(send("POST /finpass HTTP/1.1").contains(" 200 "));
    let hint = listener.next();
    assert_eq!(hint["verdict"], "unsigned: a hint only");
    assert_eq!(receiver.connections(), 1, "only the hint");
    crate::kyc::send("-TERM", &listener.child);
    listener.code();
}

#[test]
fn bad_arguments_are_named_before_it_listens() {
    for (arguments, field) in [
        (&["--forward-to", "nowhere"][..], "--forward-to"),
        (&["--forward-to", "ftp://127.0.0.1"], "--forward-to"),
        (&["--listen", "0.0.0.0:0"], "--listen"),
        (&["--listen", "here"], "--listen"),
        (&["--until", "acme.decision"], "--until"),
        (&["--until", "veriff.decision.aproved"], "--until"),
        (&["--events", "finpro.CONSENT_APROVED"], "--events"),
        (&["--events", "acme.decision"], "--events"),
        (
            &["--forward-to", "http://192.0.2.2:18322/h"],
            "--forward-to",
        ),
        (
            &["--forward-to", "http://127.0.0.1:99999/h"],
            "--forward-to",
        ),
        (&["--until", "veriff.decision", "--within", "0"], "--within"),
    ] {
        let run = kyc(&[&["listen", "--json"], arguments].concat(), &[]);
        assert_eq!(
            (run.code, run.error()["field"].as_str()),
            (2, Some(field)),
            "{run:?}"
        );
    }
    let sandbox = SandboxProcess::start();
    let incomplete = changed(&sandbox.environment, &[("VERIFF_WEBHOOK_SECRET", "")]);
    let run = kyc(
        &["listen", "--alone", "--json", "--listen", "127.0.0.1:0"],
        &incomplete,
    );
    assert_eq!(
        (run.code, run.error()["field"].as_str()),
        (2, Some("VERIFF_WEBHOOK_SECRET"))
    );
}

#[test]
fn finpro_is_verified_as_it_is_configured() {
    let sandbox = SandboxProcess::start();
    let arguments = ["--until", "finpro.CONSENT_APPROVED", "--within", "30"];
    let mut listener = Listener::start(&arguments, &sandbox.environment);
    kyc(
        &["trigger", "finpro.CONSENT_APPROVED"],
        &sandbox.environment,
    );
    let told = listener.next();
    assert_eq!(
        (&told["event"], &told["verdict"]),
        (
            &Value::from("finpro.CONSENT_APPROVED"),
            &Value::from("verified")
        )
    );
    assert_eq!(listener.code(), 0);

    let forged = Listener::start(
        &["--until", "finpro.CONSENT_APPROVED", "--within", "1"],
        &sandbox.environment,
    );
    kyc(
        &["trigger", "finpro.CONSENT_APPROVED", "--sign", "wrong"],
        &sandbox.environment,
    );
    assert_eq!(forged.code(), 5, "a forged one does not count");

    for (name, value) in [
        ("FINPRO_WEBHOOK_HEADER", "a b"),
        ("FINPRO_WEBHOOK_ENCODING", "octal"),
        ("FINPRO_WEBHOOK_HEADER", ""),
    ] {
        let environment = changed(&sandbox.environment, &[(name, value)]);
        let run = kyc(
            &["listen", "--alone", "--json", "--listen", "127.0.0.1:0"],
            &environment,
        );
        assert_eq!(
            (run.code, run.error()["field"].as_str()),
            (2, Some(name)),
            "{run:?}"
        );
    }
}

#[test]
fn an_event_that_can_be_triggered_is_listened_for_by_its_name() {
    let sandbox = SandboxProcess::start();
    for event in [
        "veriff.watchlist.initial_result",
        "veriff.user_defined_status",
        "Veriff.Event.Submitted",
        "finpro.data_ready",
    ] {
        let arguments = ["--events", event, "--until", event, "--within", "30"];
        let mut listener = Listener::start(&arguments, &sandbox.environment);
        let names = kyc(&["trigger", "--list"], &[]).stdout;
        let name = names.lines().find(|name| name.eq_ignore_ascii_case(event));
        let name = name.unwrap();
        let triggered = kyc(&["trigger", name], &sandbox.environment);
        assert_eq!(triggered.code, 0, "{triggered:?}");
        assert_eq!(listener.next()["event"], name);
        assert_eq!(listener.code(), 0, "{event}");
    }
}
