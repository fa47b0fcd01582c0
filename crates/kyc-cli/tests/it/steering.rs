//! The commands that steer a sandbox: what is wrong is named, and another server is no sandbox.

use crate::kyc::{FixedServer, SandboxProcess, kyc};

/// What leads the commands to a server.
fn leads_to(address: &str) -> Vec<(String, String)> {
    let variables = [
        ("KYC_SANDBOX_URL", address),
        ("KYC_SANDBOX_TOKEN", "a-token"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    variables.to_vec()
}

#[test]
fn a_server_that_is_no_sandbox_is_not_believed() {
    for (body, format) in [("{}", &["--json"][..]), ("[]", &[]), (r#"{"id":7}"#, &[])] {
        let server = FixedServer::answering("200 OK", body);
        let environment = leads_to(&server.address);
        for command in [
            &["clock"][..],
            &["clock", "advance", "1d"],
            &["clock", "freeze"],
            &["clock", "until", "j_1.expired"],
            &["faults"],
            &["faults", "on", "finpass=503"],
            &["faults", "off", "f_1"],
            &["people"],
            &["people", "new", "--like", "deny"],
            &["webhooks"],
            &["webhooks", "show", "w_1"],
            &["webhooks", "resend", "w_1"],
            &["webhooks", "resend", "--failed"],
            &["webhooks", "to", "http://127.0.0.1:9/hooks"],
            &["webhooks", "to", "nowhere"],
            &["trigger", "veriff.decision.approved"],
            &[
                "listen",
                "--listen",
                "127.0.0.1:0",
                "--until",
                "veriff.decision",
                "--within",
                "0.1",
            ],
        ] {
            let run = kyc(&[command, format].concat(), &environment);
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (5, ""),
                "{command:?} {body}: {run:?}"
            );
        }
    }
}

#[test]
fn an_id_is_one_segment_and_not_empty() {
    let sandbox = SandboxProcess::start();
    let run = |arguments: &[&str]| kyc(arguments, &sandbox.environment);
    assert_eq!(run(&["faults", "on", "finpass=503"]).code, 0);
    for id in ["", "..", "f_1?x", "f_1#x", "f_%31", "f 1", "f_1/", "\u{e9}"] {
        for command in [
            &["faults", "off", id][..],
            &["webhooks", "show", id],
            &["webhooks", "resend", id],
        ] {
            let run = run(&[command, &["--json"]].concat());
            assert_eq!(
                (run.code, run.error()["field"].as_str()),
                (2, Some("id")),
                "{command:?}: {run:?}"
            );
        }
    }
    let explained = run(&["people", "explain", "", "--json"]);
    assert_eq!(
        (explained.code, explained.error()["field"].as_str()),
        (2, Some("mobile"))
    );
    assert!(
        run(&["faults"]).stdout.starts_with("f_1  "),
        "it is on still"
    );
}

#[test]
fn what_is_wrong_is_named() {
    let sandbox = SandboxProcess::start();
    for (arguments, field) in [
        (&["clock", "to", "2199-01-01T00:00:00Z"][..], "to"),
        (&["clock", "advance", "4000d"], "advance"),
        (&["faults", "on"], "<PROVIDER=FAULT>"),
        (&["listen", "--until", "bogus"], "--until"),
        (&["listen", "--events", "bogus"], "--events"),
        (&["webhooks", "to", "http://127.0.0.1:99999/hooks"], "url"),
    ] {
        let run = kyc(&[arguments, &["--json"]].concat(), &sandbox.environment);
        // A usage error has a note behind it.
        let line = run.stderr.lines().next().unwrap();
        let error: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (run.code, error["field"].as_str()),
            (2, Some(field)),
            "{run:?}"
        );
    }
    let sandbox = ["sandbox", "--json", "--listen", "127.0.0.1:0"];
    let url = ["--webhook-url", "http://127.0.0.1:99999/hooks"];
    let run = kyc(&[&sandbox[..], &url].concat(), &[]);
    assert_eq!(
        (run.code, run.error()["field"].as_str()),
        (2, Some("--webhook-url")),
        "{run:?}"
    );
}
