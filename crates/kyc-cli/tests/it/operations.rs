//! One operation each, against the served sandbox.

use serde_json::Value;

use crate::kyc::{FINPASS, FixedServer, SandboxProcess, kyc};

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn answers_have_the_wire_names() {
    let sandbox = SandboxProcess::start();
    let environment = &sandbox.environment;

    let run = kyc(
        &[
            "finpass",
            "init",
            "--mobile-number",
            "9000000001",
            "--consent-type",
            "loan_underwriting",
            "--email",
            "person@example.test",
            "--pan-number",
            "AAAAA0000A",
            "--webhook-url",
            "https://lender.example.test/h",
            "--redirect-url",
            "https://lender.example.test/b",
            "--json",
        ],
        environment,
    );
    assert_eq!(run.code, 0, "{run:?}");
    let answer = run.answer();
    assert_eq!(
        keys(&answer),
        ["data", "message", "message_code", "status_code", "success"]
    );
    assert_eq!(
        keys(&answer["data"]),
        [
            "client_id",
            "email_id",
            "mobile_number",
            "pan_number",
            "redirect_url"
        ]
    );
    assert!(
        answer["data"]["redirect_url"]
            .as_str()
            .unwrap()
            .contains("==")
    );

    let run = kyc(
        &[
            "finpro",
            "profile",
            "--mobile-number",
            "9000000004",
            "--user-consent-id",
            "ref-1",
            "--aa-id",
            "onemoney",
            "--aa-id",
            "finvu",
            "--json",
        ],
        environment,
    );
    assert_eq!(run.code, 0, "{run:?}");
    let answer = run.answer();
    assert_eq!(keys(&answer), ["data", "timestamp", "txnid", "ver"]);
    assert_eq!(
        keys(&answer["data"][0]),
        ["aaId", "hasLinkedAccounts", "registrationStatus", "status"]
    );

    let run = kyc(
        &[
            "veriff",
            "consent",
            "--session-id",
            "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
            "--type",
            "ine",
            "--approved",
            "true",
            "--text",
            "User agrees to share their INE details",
            "--json",
        ],
        environment,
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(keys(&run.answer()), ["context", "id", "sessionId"]);

    let run = kyc(
        &[
            "deepvue",
            "session",
            "--consent",
            "--purpose",
            "KYC",
            "--redirect-url",
            "https://lender.example.test/b",
            "--doc-type",
            "aadhaar",
            "--doc-type",
            "pan",
            "--json",
        ],
        environment,
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        keys(&run.answer()),
        ["code", "data", "timestamp", "transaction_id"]
    );

    let run = kyc(
        &[
            "deepvue",
            "session",
            "--consent",
            "--purpose",
            "KYC",
            "--without-redirect-url",
        ],
        environment,
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.stdout.contains("data.authorization_url"),
        "people read one field a line: {}",
        run.stdout
    );
}

#[test]
fn two_secrets_verify_and_the_first_signs() {
    let sandbox = SandboxProcess::start();
    let arguments = [
        "veriff",
        "consent",
        "--session-id",
        "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
        "--type",
        "aadhaar",
        "--approved",
        "false",
        "--text",
        "I agree.",
        "--json",
    ];
    let right = sandbox
        .environment
        .iter()
        .find(|(name, _)| name == "VERIFF_SHARED_SECRET")
        .map(|(_, value)| value.clone())
        .unwrap();
    let run = kyc(
        &arguments,
        &sandbox.with(&[("VERIFF_SHARED_SECRET", &format!("{right},other"))]),
    );
    assert_eq!(run.code, 0, "{run:?}");
    let run = kyc(
        &arguments,
        &sandbox.with(&[("VERIFF_SHARED_SECRET", &format!("other,{right}"))]),
    );
    assert_eq!(
        run.code, 3,
        "signed with a secret that the other side does not know: {run:?}"
    );
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = kyc(&["completions", shell], &[]);
        assert_eq!(run.code, 0);
        assert!(
            run.stdout.contains("kyc") && run.stdout.contains("onboard"),
            "{shell}"
        );
    }
}

#[test]
fn drift_is_shown_on_stderr_and_changes_no_answer() {
    const REPLY: &str = r#"{"success":true,"status_code":"200","data":{"client_id":"c","redirect_url":"https://x.test","nick_name":"CANARY"}}"#;
    let server = FixedServer::answering("200 OK", REPLY);
    let drift = [&FINPASS[..], &["--drift"]].concat();
    let run = kyc(&drift, &server.environment());
    assert_eq!(
        (run.code, run.answer()["data"]["client_id"].as_str()),
        (0, Some("c"))
    );
    let lines: Vec<serde_json::Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let member = serde_json::json!({ "drift": {
        "provider": "finpass", "operation": "initialize", "kind": "unknown_member", "path": "$.data.nick_name", "status": null,
        "times": 1,
    } });
    let note = "members not shown: data.nick_name; --out FILE keeps the reply as it came";
    assert_eq!(lines[0], serde_json::json!({ "note": note }));
    assert_eq!(lines[1], member);
    assert_eq!(
        (&lines[2]["drift"]["kind"], &lines[2]["drift"]["path"]),
        (&"other_type".into(), &"$.status_code".into())
    );
    assert!(!run.stderr.contains("CANARY"), "{run:?}");
    let shown = drift
        .iter()
        .copied()
        .filter(|argument| *argument != "--json")
        .collect::<Vec<_>>();
    let run = kyc(&shown, &server.environment());
    assert!(
        run.stderr
            .contains("drift: finpass initialize: unknown member $.data.nick_name, 1 times\n"),
        "{run:?}"
    );

    let sandbox = SandboxProcess::start();
    let run = kyc(
        &["onboard", "--mobile", "9000000001", "--drift"],
        &sandbox.environment,
    );
    assert!(run.stderr.ends_with("drift: none\n"), "{run:?}");
    let of_machines = ["onboard", "--mobile", "9000000001", "--drift", "--json"];
    let run = kyc(&of_machines, &sandbox.environment);
    assert!(run.stderr.ends_with("{\"drift\":[]}\n"), "{run:?}");
    let refused = [
        "finpass",
        "init",
        "--mobile-number",
        "1",
        "--consent-type",
        "x",
    ];
    let run = kyc(&[&refused[..], &["--drift"]].concat(), &[]);
    assert!(
        run.stderr.contains("drift: no reply to compare\n"),
        "{run:?}"
    );
    let run = kyc(&[&refused[..], &["--drift", "--json"]].concat(), &[]);
    assert!(run.stderr.contains("{\"drift\":null}\n"), "{run:?}");
}

#[test]
fn members_that_are_not_shown_are_named_and_never_their_values() {
    const REPLY: &str = r#"{"success":true,"data":{"client_id":"c","redirect_url":"https://x.test","9000000001":"CANARY","hits":["CANARY"]}}"#;
    // A byte order mark before the JSON makes no file of it.
    for reply in [format!("\u{feff}{REPLY}\0"), REPLY.to_owned()] {
        let server = FixedServer::answering("200 OK", &reply);
        for arguments in [&FINPASS[..6], &FINPASS] {
            let run = kyc(arguments, &server.environment());
            assert_eq!(run.code, 0, "{run:?}");
            let note =
                "members not shown: data.*, data.hits; --out FILE keeps the reply as it came";
            assert!(run.stderr.contains(note), "{run:?}");
            assert!(!run.stderr.contains("CANARY"), "{run:?}");
        }
        let drift = [&FINPASS[..6], &["--drift"]].concat();
        let run = kyc(&drift, &server.environment());
        assert!(run.stderr.contains("unknown member $.data.hits"), "{run:?}");
    }
    let server = FixedServer::answering("200 OK", REPLY);
    let out = [&FINPASS[..6], &["--out", "-"]].concat();
    let run = kyc(&out, &server.environment());
    assert!(
        run.stdout == REPLY && !run.stderr.contains("not shown"),
        "{run:?}"
    );
}

/// What the sandbox itself replies gives no reason for a warning, and is shown whole.
#[test]
fn replies_of_the_sandbox_are_shown_whole_and_give_no_warning() {
    let sandbox = SandboxProcess::start();
    let ask = |arguments: &[&str]| {
        let run = kyc(arguments, &sandbox.environment);
        assert_eq!(run.code, 0, "{run:?}");
        for told in ["warning", "not shown"] {
            assert!(!run.stderr.contains(told), "{arguments:?} {run:?}");
        }
        run
    };
    let listed = ask(&["finpro", "list-aggregators", "--json"]).answer();
    let base = listed["data"][0]["baseUrl"].as_str().unwrap();
    assert!(base.starts_with("http://127.0.0.1:"), "{base}");
    let customer = ["--vua", "9000000001@onemoney", "--product-id", "LOAN-1"];
    let asked = ask(&[&["finpro", "request-consent-v3", "--json"], &customer[..]].concat());
    let handle = asked.answer()["data"]["consent_handle"].clone();
    let handle = handle.as_str().unwrap();
    let found = ask(&[
        "finpro",
        "list-consents-v3",
        "--consent-handle",
        handle,
        "--json",
    ]);
    let consent = found.answer()["data"][0]["consentID"].clone();
    let request = [
        "finpro",
        "request-fi",
        "--consent-id",
        consent.as_str().unwrap(),
        "--json",
    ];
    assert_eq!(ask(&request).answer()["response"], "ok");

    // A refusal that DigiLocker documents is told with its meaning.
    let about = ["--consent", "--purpose", "KYC"];
    let back = [
        "--redirect-url",
        "https://lender.example.test/back",
        "--json",
    ];
    let opened = ask(&[&["deepvue", "session"], &about[..], &back].concat()).answer();
    let session = opened["transaction_id"].as_str().unwrap();
    let named = ["--initial-deepvue-transaction-id", session];
    let early = [&["deepvue", "e-aadhaar"], &about[..], &named].concat();
    let early = kyc(&early, &sandbox.environment);
    assert_ne!(early.code, 0, "{early:?}");
    let told = "invalid_token: DigiLocker has no authorisation of the person's";
    assert!(early.stderr.contains(told), "{early:?}");
}

#[test]
fn a_value_that_contradicts_itself_is_printed_with_a_warning_and_seven() {
    let redirection = ["finpro", "decrypt-redirection", "--web-redirection-url"];
    let url = "https://lender.example.test/back?ecres=AAAA&resdate=BBBB&fi=CCCC";
    let arguments = [&redirection[..], &[url]].concat();
    for (status, code, exit) in [("S", "0", 0), ("S", "1", 7), ("F", "0", 7)] {
        let reply = format!(r#"{{"ver":"1","data":{{"status":"{status}","errorcode":"{code}"}}}}"#);
        let server = FixedServer::answering("200 OK", &reply);
        let run = kyc(&arguments, &server.environment());
        assert_eq!(run.code, exit, "{run:?}");
        assert!(run.stdout.contains("data.errorcode"), "{run:?}");
        let warned = run.stderr.contains("warning: reply: $.data is unclear: ");
        assert_eq!(warned, exit == 7, "{run:?}");
    }
}

#[test]
fn what_follows_from_a_finding_follows_from_a_value_that_is_not_listed() {
    let server = FixedServer::answering(
        "200 OK",
        r#"{"success":true,"data":{"client_id":"c","redirect_url":"https://x.test"}}"#,
    );
    let environment = server.environment();
    let init = [
        "finpass",
        "init",
        "--mobile-number",
        "9000000001",
        "--consent-type",
        "CANARY",
    ];
    let onboard = [
        "onboard",
        "--mobile",
        "9000000001",
        "--consent-type",
        "CANARY",
    ];
    for command in [&init[..], &onboard] {
        let before = server.connections();
        let run = kyc(
            &[command, &["--on-finding", "refuse-all"]].concat(),
            &environment,
        );
        assert_eq!((run.code, server.connections()), (2, before), "{run:?}");
        assert!(
            run.stderr
                .contains("consent_type: not a listed value. Listed are"),
            "{run:?}"
        );
        assert!(!run.stderr.contains("CANARY"), "{run:?}");
        for (what, warns) in [("ignore", false), ("warn", true), ("refuse-wrong", true)] {
            let run = kyc(&[command, &["--on-finding", what]].concat(), &environment);
            assert_ne!(run.code, 2, "{run:?}");
            assert_eq!(
                run.stderr.contains("not a listed value"),
                warns,
                "{what} {run:?}"
            );
        }
        assert!(server.connections() > before);
    }
}
