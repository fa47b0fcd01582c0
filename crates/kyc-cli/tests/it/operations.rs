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
    assert_eq!(lines[0], member);
    assert_eq!(
        (&lines[1]["drift"]["kind"], &lines[1]["drift"]["path"]),
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
}
