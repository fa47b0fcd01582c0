//! Every exit code and its message. No message contains a secret or a personal value.

use serde_json::Value;

use crate::kyc::{FINPASS, FixedServer, Run, SandboxProcess, kyc};

const VERIFF: [&str; 11] = [
    "veriff",
    "consent",
    "--session-id",
    "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
    "--type",
    "aadhaar",
    "--approved",
    "true",
    "--text",
    "CANARY-text",
    "--json",
];

fn error(run: &Run, code: i32, kind: &str, outcome: &str) -> Value {
    assert_eq!(run.code, code, "{run:?}");
    assert_eq!(run.stdout, "", "an error prints no answer");
    let error = run.error();
    let keys: Vec<_> = error
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "also_failed",
            "attempts",
            "class",
            "code",
            "elapsed_ms",
            "field",
            "idempotency",
            "kind",
            "meaning",
            "message",
            "operation",
            "outcome",
            "provider",
            "request_id",
            "retry_after_ms",
            "retryable",
            "rule",
            "settling",
            "status",
            "unsettled",
            "version"
        ]
    );
    assert_eq!(error["kind"], kind);
    assert_eq!(error["outcome"], outcome);
    for canary in ["CANARY", "9000000001", "AAAAA0000A"] {
        assert!(!run.stderr.contains(canary), "{canary} in {}", run.stderr);
    }
    error
}

#[test]
fn three_for_refused_credentials() {
    let sandbox = SandboxProcess::start();
    let run = kyc(
        &FINPASS,
        &sandbox.with(&[("FINPASS_API_SECRET", "CANARY-secret")]),
    );
    let error = error(&run, 3, "credentials", "refused");
    assert_eq!(error["provider"], "finpass");
    assert_eq!(error["operation"], "initialize");
    assert_eq!(error["status"], 401);
    assert_eq!(error["code"], "unauthorized");
    assert_eq!(error["request_id"].as_str().unwrap().len(), 32);
}

#[test]
fn four_for_a_refusal_whose_text_is_not_printed() {
    let body =
        r#"{"success":false,"message":"CANARY 9000000001 is unknown","message_code":"9000000001"}"#;
    let server = FixedServer::answering("422 Unprocessable Entity", body);
    let error = error(&kyc(&FINPASS, &server.environment()), 4, "api", "refused");
    assert_eq!(error["status"], 422);
    assert_eq!(
        error["code"],
        Value::Null,
        "what does not look like a code is not printed"
    );
}

#[test]
fn four_for_a_failing_provider_and_no_second_request() {
    let server = FixedServer::answering("500 Internal Server Error", "CANARY");
    error(&kyc(&FINPASS, &server.environment()), 4, "api", "unknown");
    assert_eq!(server.connections(), 1, "each call opens a session");
}

#[test]
fn five_for_a_redirect_that_is_not_followed() {
    let body = "";
    let server = FixedServer::answering(
        "307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/",
        body,
    );
    error(
        &kyc(&FINPASS, &server.environment()),
        5,
        "unrecognized",
        "refused",
    );
    assert_eq!(server.connections(), 1);
}

/// Nobody knows who sent it, so nobody says that it was done, or that the credentials are wrong.
#[test]
fn five_for_a_reply_in_the_provider_s_place() {
    for (status, outcome, says) in [
        ("200 OK", "unknown", "Find out whether it was processed"),
        (
            "204 No Content",
            "unknown",
            "Find out whether it was processed",
        ),
        ("403 Forbidden", "refused", "firewall"),
        ("404 Not Found", "refused", "gateway"),
    ] {
        let body = if status.starts_with("204") {
            ""
        } else {
            "<html>CANARY</html>"
        };
        let server = FixedServer::answering(status, body);
        error(
            &kyc(&FINPASS, &server.environment()),
            5,
            "unrecognized",
            outcome,
        );
        assert_eq!(server.connections(), 1, "{status}");
        let run = kyc(&FINPASS[..6], &server.environment());
        assert!(run.stderr.contains(says), "{}", run.stderr);
    }
}

#[test]
fn five_for_a_server_that_is_not_there() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let server = FixedServer::answering("200 OK", "");
    let environment = crate::kyc::changed(&server.environment(), &[("FINPASS_BASE_URL", &closed)]);
    let error = error(&kyc(&FINPASS, &environment), 5, "connect", "not_sent");
    assert_eq!(error["status"], Value::Null);
    assert!(!error["message"].as_str().unwrap().contains("127.0.0.1"));
}

#[test]
fn five_for_too_many_requests() {
    let reply = "429 Too Many Requests\r\nretry-after: 3600";
    let server = FixedServer::answering(reply, r#"{"detail":"Rate limit exceeded."}"#);
    let run = kyc(&FINPASS, &server.environment());
    let error = error(&run, 5, "rate_limited", "refused");
    assert_eq!(error["retry_after_ms"], 3_600_000);
    assert_eq!(
        server.connections(),
        1,
        "an hour does not fit into the deadline"
    );
    let words: Vec<_> = FINPASS.iter().filter(|word| **word != "--json").collect();
    let words: Vec<_> = words.into_iter().copied().collect();
    let told = kyc(&words, &server.environment()).stderr;
    assert!(
        told.ends_with("  wait: 3600 s\n  Try again later.\n"),
        "{told}"
    );
}

#[test]
fn five_for_no_answer_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let server = FixedServer::answering("200 OK", "");
    let environment = crate::kyc::changed(&server.environment(), &[("FINPASS_BASE_URL", &silent)]);
    let mut arguments = FINPASS.to_vec();
    arguments.extend(["--timeout", "0.2"]);
    error(&kyc(&arguments, &environment), 5, "timeout", "unknown");
}

#[test]
fn six_for_a_reply_without_a_signature() {
    let body =
        r#"{"id":"CANARY","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;
    let server = FixedServer::answering("200 OK", body);
    error(
        &kyc(&VERIFF, &server.environment()),
        6,
        "verification",
        "unknown",
    );
    assert_eq!(server.connections(), 1, "a forgery is not asked for again");
}

#[test]
fn seven_for_a_reply_that_cannot_be_decoded() {
    for (body, place) in [
        (
            r#"{"success":true,"data":{"client_id":"CANARY","redirect_url":""}}"#,
            "success without data at $.data.redirect_url",
        ),
        (
            r#"{"success":true,"status_code":200}"#,
            "success without data at $.data",
        ),
        (
            r#"{"success":true,"data":"CANARY"}"#,
            "unexpected shape at $.data",
        ),
    ] {
        let server = FixedServer::answering("200 OK", body);
        let run = kyc(&FINPASS[..6], &server.environment());
        assert_eq!(run.code, 7, "{run:?}");
        assert!(run.stderr.contains(place), "{place} in {}", run.stderr);
        assert!(!run.stderr.contains("CANARY"));
        error(&kyc(&FINPASS, &server.environment()), 7, "decode", "done");
    }
}

#[test]
fn errors_come_with_advice() {
    let sandbox = SandboxProcess::start();
    let run = kyc(
        &FINPASS[..6],
        &sandbox.with(&[("FINPASS_API_SECRET", "CANARY-secret")]),
    );
    assert_eq!(run.code, 3);
    for text in [
        "error: finpass initialize:",
        "HTTP 401",
        "request id: ",
        "Check the credentials",
    ] {
        assert!(run.stderr.contains(text), "{text} in {}", run.stderr);
    }
}

/// What to do is said by the refusal's meaning, and waiting does not help.
#[test]
fn advice_does_not_contradict_a_refusal() {
    let sandbox = SandboxProcess::start();
    let arguments = ["finpro", "profile", "--mobile-number", "9000000007"];
    let arguments = [&arguments[..], &["--user-consent-id", "ref-1"]].concat();
    let run = kyc(&arguments, &sandbox.environment);
    assert_eq!(run.code, 4, "{run:?}");
    for text in ["have the profile API enabled", "Do what the message says"] {
        assert!(run.stderr.contains(text), "{text} in {}", run.stderr);
    }
    assert!(!run.stderr.contains("later"), "{}", run.stderr);
}

#[test]
fn a_reply_over_the_limit_is_said_to_be_one() {
    let body = "x".repeat(8 * 1024 * 1024 + 1);
    let server = FixedServer::answering("200 OK", &body);
    for (arguments, advice) in [
        (&FINPASS[..6], "to reconcile it: no look-up is documented"),
        (
            &["veriff", "decision", "--session-id", "s-1"],
            "Report it: the reply is longer",
        ),
    ] {
        let run = kyc(arguments, &server.environment());
        assert_eq!(run.code, 5, "{run:?}");
        for text in [
            "the reply is longer than the limit",
            "longer than 8388608 bytes",
            advice,
        ] {
            assert!(run.stderr.contains(text), "{text} in {}", run.stderr);
        }
        assert!(!run.stderr.contains("broke off"), "{}", run.stderr);
    }
}

#[test]
fn a_provider_cannot_rewrite_the_terminal() {
    let body = "{\"success\":true,\"data\":{\"client_id\":\"c\",\"redirect_url\":\"https://x.test\"},\"message\":\"\\u001b[2Jx\\nforged\"}";
    let server = FixedServer::answering("200 OK", body);
    let run = kyc(&FINPASS[..6], &server.environment());
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        !run.stdout.contains('\u{1b}') && !run.stdout.contains("\nforged"),
        "{}",
        run.stdout
    );
}

/// Names of members are the provider's words as well, and so is where a reply is not as documented.
#[test]
fn nothing_unseen_is_printed_of_a_reply() {
    let body = "{\"ver\":\"1\",\"status\":\"success\",\"data\":{\"status\":\"SUCCESS\",\"data\":{\"a\\u001b[2J\\nforged\\u202e\":\"\\u2066b\\u009b\u{2028}\"}},\"\\u001bnew\\nforged\":1}";
    let server = FixedServer::answering("200 OK", body);
    let arguments = [
        "finpro",
        "analytics-json",
        "--transaction-id",
        "t-1",
        "--drift",
    ];
    for json in [&[][..], &["--json"]] {
        let run = kyc(&[&arguments[..], json].concat(), &server.environment());
        assert_eq!(run.code, 0, "{run:?}");
        for output in [&run.stdout, &run.stderr] {
            let unseen = ['\u{1b}', '\u{202e}', '\u{2066}', '\u{9b}', '\u{2028}'];
            assert!(
                !output.contains(unseen) && !output.contains("\nforged"),
                "{output}"
            );
        }
        if !json.is_empty() {
            let answer = run.answer();
            assert_eq!(
                answer["data"]["data"]["a\u{1b}[2J\nforged\u{202e}"],
                "\u{2066}b\u{9b}\u{2028}"
            );
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_reply_that_cannot_be_written_was_still_done() {
    let sandbox = SandboxProcess::start();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kyc"))
        .args(FINPASS)
        .env_clear()
        .envs(
            sandbox
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(8));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(
        (&error["kind"], &error["outcome"]),
        (&"output".into(), &"done".into())
    );
    assert_eq!(error["request_id"].as_str().unwrap().len(), 32);
}

#[test]
#[cfg(target_os = "linux")]
fn help_that_cannot_be_written_is_a_failure() {
    for arguments in [
        &["--version"][..],
        &["--help"],
        &["finpass", "init", "--help"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_kyc"))
            .args(arguments)
            .stdout(full.unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(8), "{arguments:?}");
    }
}

#[test]
fn an_address_of_a_reply_that_is_none_is_told() {
    for (url, is_told) in [
        ("javascript:alert(1)", true),
        ("data:text/html,x", true),
        ("//evil.example.test", true),
        ("file:///etc/passwd", true),
        ("https://user@evil.example.test", true),
        ("https://a.example.test/x", false),
    ] {
        let body = format!(
            r#"{{"ver":"1","status":"success","data":{{"data":{{"s3Url":"{url}","urls":[]}}}}}}"#
        );
        let server = FixedServer::answering("200 OK", &body);
        let run = kyc(
            &["finpro", "analytics-excel", "--transaction-id", "t-1"],
            &server.environment(),
        );
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(
            run.stderr.contains("is not a web address"),
            is_told,
            "{run:?}"
        );
    }
}

#[test]
fn a_refusal_says_what_was_counted_and_that_more_is_not_printed() {
    let sandbox = SandboxProcess::start();
    let server = FixedServer::answering(
        "400 Bad Request",
        r#"{"status":"fail","code":"INVALID_OTP","message":"CANARY"}"#,
    );
    let verify = [
        "veriff",
        "verify-mfa",
        "--session-id",
        "s-1",
        "--code",
        "111111",
    ];
    let run = kyc(&verify, &server.environment());
    assert_eq!(run.code, 4, "{run:?}");
    assert!(
        run.stderr.contains("INVALID_OTP: the password is wrong\n"),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("It counts as one of the few attempts"),
        "{run:?}"
    );
    assert!(!run.stderr.contains("Nothing was done"), "{run:?}");
    for (message, told) in [
        ("Resource not found", "1101: there is no such session\n"),
        ("CANARY", "the provider's own text is not printed"),
    ] {
        let body = format!(r#"{{"status":"fail","code":"1101","message":"{message}"}}"#);
        let server = FixedServer::answering("404 Not Found", &body);
        let run = kyc(
            &["veriff", "attempts", "--session-id", "s-1"],
            &server.environment(),
        );
        assert_eq!(run.code, 4, "{run:?}");
        assert!(
            run.stderr.contains(told) && !run.stderr.contains("CANARY"),
            "{run:?}"
        );
    }
    // Whatever the body says beside it.
    for body in [
        r#"{"success":false,"status_code":500}"#,
        r#"{"success":true}"#,
        "<html>",
    ] {
        let server = FixedServer::answering("500 Internal Server Error", body);
        let run = kyc(&FINPASS[..6], &server.environment());
        assert_eq!(run.code, 4, "{run:?}");
        assert!(
            run.stderr.contains("the server failed (HTTP 500)"),
            "{run:?}"
        );
    }
    let help = kyc(&["sandbox", "--help"], &sandbox.environment);
    for flag in ["--on-finding", "--drift", "--timeout", "--verbose"] {
        assert!(!help.stdout.contains(flag), "{flag} {help:?}");
    }
    assert!(kyc(&["openapi", "finpass", "-v", "--drift"], &[]).code == 0);
    let help = kyc(&["finpro", "request-consent-v2", "--help"], &[]);
    for told in ["Deadline: 30 seconds", "Deprecated by the provider"] {
        assert!(help.stdout.contains(told), "{told} {help:?}");
    }
}

#[test]
fn what_excludes_each_other_and_what_is_out_of_range_is_said() {
    let consent = [
        "finpro",
        "request-consent-v3",
        "--vua",
        "9000000001@onemoney",
    ];
    let time = "from: must be a day of the calendar and a time with its zone";
    for (arguments, told) in [
        (
            &[][..],
            "productID: either it or productIDList must be given",
        ),
        (
            &["--product-id", "P", "--product-id-list", "P"],
            "productID: must not be given beside productIDList",
        ),
        (
            &["--produc-id", "1"],
            "argument 5: unknown flag --produc-id; perhaps --product-id",
        ),
        (&["--CANARY", "1"], "argument 5: unknown flag\n"),
    ] {
        let run = kyc(&[&consent[..], arguments].concat(), &[]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(
            run.stderr.contains(told) && !run.stderr.contains("CANARY"),
            "{told} {run:?}"
        );
    }
    for (arguments, told) in [
        (
            &[
                "finpro",
                "get-all-fi-data",
                "--consent-id",
                "c",
                "--account-id",
                "a",
            ][..],
            "consentID: only one of it, accountID and transactionId must be given",
        ),
        (
            &[
                "finpro",
                "analytics-json",
                "--journey-id",
                "3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b",
                "--transaction-id",
                "3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b",
            ],
            "consentID: it and journeyID must not be given beside transactionId",
        ),
        (
            &[
                "finpro",
                "list-unique-accounts",
                "--mobile-number",
                "9000000001",
                "--product-id",
                "P",
                "--page-number",
                "99999999999",
            ],
            "must be a whole number from 0 to 4294967295",
        ),
        (
            &[
                "finpro",
                "get-all-fi-data",
                "--consent-id",
                "c",
                "--transactions-start-date",
                "2026-13-01T00:00:00Z",
            ],
            time.trim_start_matches("from: "),
        ),
    ] {
        let run = kyc(arguments, &[]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(told), "{told} {run:?}");
    }
}
