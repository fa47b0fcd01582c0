//! What a command that steers a sandbox says of what was done, of what was refused, and of what needs no sandbox.

use crate::kyc::{FINPASS, FixedServer, SandboxProcess, kyc};

#[test]
fn what_a_running_sandbox_refuses_was_sent_and_changed_nothing() {
    let sandbox = SandboxProcess::start();
    let wrong = sandbox.with(&[("KYC_SANDBOX_TOKEN", "wrong")]);
    for (arguments, environment) in [
        (&["clock", "to", "2020-01-01"][..], &sandbox.environment),
        (&["clock", "until", "foo"], &sandbox.environment),
        (&["clock", "freeze"], &wrong),
        (&["faults", "off", "f_9"], &sandbox.environment),
        (&["people", "new", "--like", "nobody"], &sandbox.environment),
        (&["trigger", "finpro.DATA_RDY"], &sandbox.environment),
        (&["webhooks", "resend", "w_0009"], &sandbox.environment),
    ] {
        let run = kyc(arguments, environment);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(!run.stderr.contains("Nothing was sent"), "{run:?}");
        assert!(
            run.stderr.contains("refused it, and changed nothing"),
            "{run:?}"
        );
        let json = kyc(&[arguments, &["--json"]].concat(), environment);
        assert_eq!(json.error()["outcome"], "refused", "{json:?}");
    }
    let unsent = kyc(&["clock", "advance", "-1h"], &sandbox.environment);
    assert!(unsent.stderr.contains("Nothing was sent"), "{unsent:?}");
}

#[test]
fn every_fault_is_switched_off_at_once() {
    let sandbox = SandboxProcess::start();
    let faults = |arguments: &[&str]| kyc(&[&["faults"], arguments].concat(), &sandbox.environment);
    assert_eq!(faults(&["off", "all"]).stdout, "no fault was on\n");
    faults(&["on", "finpass=503"]);
    faults(&["on", "veriff=delay:10"]);
    assert_eq!(faults(&["off", "all"]).stdout, "f_1 is off\nf_2 is off\n");
    assert_eq!(faults(&["list"]).stdout, "no fault is on\n");
}

#[test]
fn what_sends_no_webhook_says_so() {
    let sandbox = SandboxProcess::start();
    let run = |arguments: &[&str]| kyc(&[&["webhooks"], arguments].concat(), &sandbox.environment);
    assert_eq!(run(&["resend", "--failed"]).stdout, "no webhook failed\n");
    assert_eq!(run(&["resend", "--failed", "--json"]).stdout, "[]\n");
    for arguments in [
        &["resend", "--journey", "j_999"][..],
        &["list", "--journey", "j_999"],
        &["resend", "--journey", "nobody"],
    ] {
        let unknown = run(&[arguments, &["--json"]].concat());
        assert_eq!(
            (unknown.code, unknown.error()["field"].as_str()),
            (2, Some("--journey")),
            "{unknown:?}"
        );
    }
    kyc(&FINPASS, &sandbox.environment);
    assert_eq!(
        run(&["resend", "--journey", "j_1"]).stdout,
        "no webhook of j_1 was made\n"
    );
}

#[test]
fn an_event_is_sent_as_often_as_it_is_asked_for() {
    let receiver = FixedServer::answering("200 OK", "");
    let sandbox = SandboxProcess::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--webhook-url",
        &receiver.address,
    ]);
    kyc(&["clock", "freeze"], &sandbox.environment);
    let event = ["trigger", "finpro.CONSENT_APPROVED", "--times", "3"];
    let run = kyc(&event, &sandbox.environment);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.ends_with("accepted 200, attempt 3\n"), "{run:?}");
    assert_eq!(receiver.connections(), 3);
    assert_eq!(run.stderr, "");

    let down = FixedServer::answering("503 Service Unavailable", "");
    kyc(&["webhooks", "to", &down.address], &sandbox.environment);
    let refused = kyc(&event[..2], &sandbox.environment);
    assert!(
        refused.stderr.contains("kyc clock until webhook"),
        "{refused:?}"
    );
}

#[test]
fn what_a_number_and_the_library_tell_needs_no_sandbox() {
    let explained = kyc(&["people", "explain", "9001031205"], &[]);
    assert_eq!(explained.code, 0, "{explained:?}");
    for text in [
        "9001031205",
        "onemoney: linked",
        "rejects; webhooks come twice; data after five minutes; accounts: circular",
        "DigiLocker              denies\n",
        "Veriff                  is declined, reason 106\n",
    ] {
        assert!(
            explained.stdout.contains(text),
            "{text} in {}",
            explained.stdout
        );
    }
    assert!(!explained.stdout.contains("null"), "{explained:?}");
    let listed = kyc(&["people", "explain", "9000000010"], &[]);
    assert!(listed.stdout.contains("Finpass breaks"), "{listed:?}");
    let json = kyc(&["people", "explain", "9001130000", "--json"], &[]).answer();
    assert_eq!(json["does"][0], "has no account at any bank");
    assert_eq!(json["digilocker"], "allows everything");

    let events = kyc(&["trigger", "--list"], &[]);
    assert!(
        events.stdout.contains("veriff.watchlist.initial_result\n"),
        "{events:?}"
    );
    assert!(kyc(&["trigger", "--list", "--json"], &[]).answer()["events"].is_array());
}

#[test]
fn of_two_likes_that_exclude_each_other_both_are_named() {
    let sandbox = SandboxProcess::start();
    let new = ["people", "new", "--like", "deny", "--like", "approve"];
    let run = kyc(&new, &sandbox.environment);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("deny and approve"), "{run:?}");
    assert!(run.stderr.len() < 400, "{run:?}");
}

#[test]
fn each_setting_that_is_named_exists() {
    let listed = kyc(&["sandbox", "--settings", "--json"], &[]).answer();
    let rows = listed.as_array().unwrap().iter();
    let names: Vec<_> = rows.map(|row| row["name"].as_str().unwrap()).collect();
    let help = kyc(&["sandbox", "--help"], &[]).stdout;
    let texts = [
        &*help,
        include_str!("../../README.md"),
        include_str!("../workspace.md"),
    ];
    let is_setting = |name: &&str| {
        // A provider's, or one after the flag; `--set MEMBER=VALUE` of `kyc trigger` names a member.
        let of_provider = ["finpass.", "finpro.", "veriff.", "deepvue."];
        of_provider
            .iter()
            .any(|provider| name.starts_with(provider))
            || name.contains('-')
    };
    let mut named = 0;
    for text in texts {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || ".-=".contains(c)));
        let changes = words.filter_map(|word| word.split_once('='));
        for (name, _) in changes.filter(|(name, _)| is_setting(name) && !name.starts_with('-')) {
            assert!(names.contains(&name), "{name} is no setting");
            named += 1;
        }
    }
    assert!(named > 0);
}

#[test]
fn a_refusal_of_a_local_sandbox_names_the_page_that_explains_it() {
    let sandbox = SandboxProcess::start();
    let arguments = [
        "deepvue",
        "issued-files",
        "--consent",
        "--purpose",
        "KYC",
        "--initial-deepvue-transaction-id",
        "00000000-0000-4000-8000-000000000001",
    ];
    let run = kyc(&arguments, &sandbox.environment);
    assert_eq!(run.code, 4, "{run:?}");
    let page = format!(
        "  why: {}/latest?filter=provider:deepvue+operation:issued-files\n",
        sandbox.value("KYC_SANDBOX_URL")
    );
    assert!(run.stderr.contains(&page), "{run:?}");
    let elsewhere = sandbox.with(&[("KYC_SANDBOX_URL", "http://127.0.0.1:9")]);
    let run = kyc(&arguments, &elsewhere);
    assert!(!run.stderr.contains("why:"), "{run:?}");
}

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
        (&["faults", "on", "acme=503"], "PROVIDER=FAULT"),
        (&["faults", "on", "finpass=99"], "PROVIDER=FAULT"),
        (&["faults", "on", "finpass=503:0"], "PROVIDER=FAULT"),
        (&["faults", "on", "finpass=503", "--rate", "0%"], "--rate"),
        (
            &["faults", "on", "finpass=503", "--journey", "j_99"],
            "--journey",
        ),
        (
            &["faults", "on", "finpass=503", "--operation", "init"],
            "--operation",
        ),
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
    let run = kyc(
        &["faults", "on", "veriff=503", "--operation", "x"],
        &sandbox.environment,
    );
    let names = "--operation: must be one of create-session, ";
    assert!(run.stderr.contains(names), "{run:?}");
    let sandbox = ["sandbox", "--json", "--listen", "127.0.0.1:0"];
    let url = ["--webhook-url", "http://127.0.0.1:99999/hooks"];
    let run = kyc(&[&sandbox[..], &url].concat(), &[]);
    assert_eq!(
        (run.code, run.error()["field"].as_str()),
        (2, Some("--webhook-url")),
        "{run:?}"
    );
}
