//! Commands derived from the catalogue: flags, `--data`, `--out`.

use std::fs;
use std::path::Path;

use crate::kyc::{FixedServer, Run, SandboxProcess, changed, kyc, kyc_with_input};

const REQUEST: &str = r#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#;

fn refused(run: &Run, expected: &str) {
    assert_eq!(run.code, 2, "{run:?}");
    assert_eq!(run.stdout, "");
    assert!(
        run.stderr.contains(expected),
        "{expected} in {}",
        run.stderr
    );
    assert!(!run.stderr.contains("CANARY"), "{}", run.stderr);
}

#[test]
fn refresh_data_requests_the_data_of_a_session() {
    let sandbox = SandboxProcess::start();
    let opened = kyc_with_input(
        &["finpass", "init", "--data", "-", "--json"],
        &sandbox.environment,
        REQUEST.as_bytes(),
    );
    assert_eq!(opened.code, 0, "{opened:?}");
    let session = opened.answer()["data"]["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for arguments in [
        ["finpass", "refresh-data", "--client-id", &session, "--json"],
        ["finpass", "refresh-data", "--json", "--client-id", &session],
    ] {
        let run = kyc(&arguments, &sandbox.environment);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.answer()["data"]["request_id"].is_string());
    }
    let run = kyc(
        &["finpass", "refresh-data", "--client-id", "CANARY", "--json"],
        &sandbox.environment,
    );
    assert_eq!(run.code, 4, "{run:?}");
    assert_eq!(run.error()["code"], "invalid_client_id");
    assert!(!run.stderr.contains("CANARY"));
    refused(
        &kyc(&["finpass", "refresh-data"], &sandbox.environment),
        "--client-id: required",
    );
    refused(
        &kyc(
            &["finpass", "refresh-data", "--client-id", ""],
            &sandbox.environment,
        ),
        "client_id",
    );
}

#[test]
fn flags_complete_and_replace_members_of_a_request_file() {
    let server = FixedServer::answering(
        "200 OK",
        r#"{"success":true,"data":{"client_id":"c","redirect_url":"https://x.test"}}"#,
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.json");
    fs::write(&file, format!("\u{feff}{REQUEST}\n")).unwrap();
    let file = file.to_str().unwrap();
    for (flags, member, value) in [
        (&[][..], "mobile_number", "9000000001"),
        (
            &["--mobile-number", "9000000002"],
            "mobile_number",
            "9000000002",
        ),
        (
            &["--email", "person@example.test"],
            "email",
            "person@example.test",
        ),
    ] {
        let arguments = [&["finpass", "init", "--data", file], flags].concat();
        let run = kyc(&arguments, &server.environment());
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(server.last_body()[member], value);
    }
    let run = kyc(
        &["finpass", "initialize", "--data", file],
        &server.environment(),
    );
    assert_eq!(run.code, 0, "the operation's own name is an alias: {run:?}");
}

/// The name that the facade has for it, and Deepvue's own.
#[test]
fn a_driving_licence_has_two_names_in_every_command() {
    let server = FixedServer::answering(
        "201 Created",
        r#"{"transaction_id":"t","data":{"authorization_url":"https://x.test"}}"#,
    );
    let session = "deepvue session --consent --purpose KYC --without-redirect-url";
    let onboard = "onboard --sandbox --mobile-number 9000000001";
    for name in ["dl", "driving_licence"] {
        for command in [session, onboard] {
            let words = command.split(' ').chain(["--doc-type", name]);
            let run = kyc(&words.collect::<Vec<_>>(), &server.environment());
            assert_eq!(run.code, 0, "{run:?}");
            assert!(!run.stderr.contains("warning"), "{run:?}");
        }
        assert_eq!(
            server.last_body()["doc_types"],
            serde_json::json!(["dl"]),
            "{name}"
        );
    }
    for command in [session, onboard] {
        let words = command.split(' ').chain(["--doc-type", "passport"]);
        let run = kyc(&words.collect::<Vec<_>>(), &server.environment());
        let told = "warning: doc_types: not a listed value; it is sent as it is. Listed are aadhaar, pan, dl";
        assert!(run.stderr.contains(told), "{run:?}");
    }
}

#[test]
fn lists_and_switches_are_read_from_a_file_too() {
    let server = FixedServer::answering(
        "201 Created",
        r#"{"transaction_id":"t","data":{"authorization_url":"https://x.test"}}"#,
    );
    let arguments = ["deepvue", "session", "--data", "-"];
    let environment = server.environment();
    let run = kyc_with_input(
        &arguments,
        &environment,
        br#"{"consent":"Y","purpose":"KYC","doc_types":["pan","dl"]}"#,
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        server.last_body()["doc_types"],
        serde_json::json!(["pan", "dl"])
    );
    let flags = [
        &arguments[..],
        &[
            "--consent",
            "--doc-type",
            "aadhaar",
            "--without-redirect-url",
        ],
    ]
    .concat();
    let run = kyc_with_input(
        &flags,
        &environment,
        br#"{"purpose":"KYC","doc_types":["pan","dl"],"redirect_url":"https://a.test"}"#,
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        server.last_body(),
        serde_json::json!({"consent": "Y", "purpose": "KYC", "doc_types": ["aadhaar"]})
    );
    refused(
        &kyc_with_input(&arguments, &environment, br#"{"purpose":"KYC"}"#),
        "consent: is required",
    );
    refused(
        &kyc_with_input(
            &arguments,
            &environment,
            br#"{"purpose":"KYC","consent":"CANARY"}"#,
        ),
        "consent: must be Y",
    );
}

#[test]
fn bad_data_names_the_member_or_the_place_and_sends_nothing() {
    let server = FixedServer::answering("200 OK", "{}");
    let long = format!(r#"{{"mobile_number":"{}"}}"#, "CANARY".repeat(200_000));
    for (command, json, expected) in [
        (
            ["finpass", "init"],
            r#"{"mobile_number":"9000000001","consent_typ":"CANARY"}"#,
            "consent_typ: is not a member; expected",
        ),
        (
            ["finpass", "init"],
            r#"{"mobile_number":9000000001,"consent_type":"CANARY"}"#,
            "mobile_number: must be a string",
        ),
        (
            ["finpass", "init"],
            r#"{"mobile_number":"CANARY","consent_type":"x"}"#,
            "mobile_number: must be exactly 10 digits",
        ),
        (
            ["finpass", "init"],
            r#"{"mobile_number":"9000000001"}"#,
            "consent_type: is required",
        ),
        (
            ["finpass", "init"],
            r#"{"mobile_number":"9000000001","mobile_number":"CANARY"}"#,
            "mobile_number: must not appear twice",
        ),
        (["finpass", "init"], &long, "--data: must be at most 1 MiB"),
        (
            ["finpass", "init"],
            "CANARY",
            "--data: is not JSON at line 1, column 1",
        ),
        (["finpass", "init"], "", "--data: is empty"),
        (
            ["finpass", "init"],
            r#"["CANARY"]"#,
            "--data: must be a JSON object",
        ),
        (
            ["finpro", "profile"],
            r#"{"mobileNumber":"9000000001","userConsentId":"r","aaId":["finvu","CANARY@"]}"#,
            "aaId[1]: must be 2 to 50",
        ),
        (
            ["finpro", "profile"],
            r#"{"mobileNumber":"9000000001","userConsentId":"r","aaId":"CANARY"}"#,
            "aaId: must be a list",
        ),
        (
            ["veriff", "consent"],
            r#"{"session_id":"../CANARY","type":"ine","approved":true,"text":"x"}"#,
            "session_id",
        ),
        (
            ["veriff", "consent"],
            r#"{"session_id":"s","type":"ine","approved":"CANARY","text":"x"}"#,
            "approved: must be true or false",
        ),
        (
            ["veriff", "consent"],
            r#"{"session_id":"s","type":"ine","approved":true,"text":" "}"#,
            "text: must be the consent text",
        ),
    ] {
        let arguments = [&command[..], &["--data", "-"]].concat();
        refused(
            &kyc_with_input(&arguments, &server.environment(), json.as_bytes()),
            expected,
        );
        // No credentials are needed to learn that an input is wrong.
        let json_errors = [&arguments[..], &["--json"]].concat();
        let run = kyc_with_input(&json_errors, &[], json.as_bytes());
        refused(&run, expected);
        assert_eq!(run.error()["outcome"], "not_sent");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn unreadable_data_is_reported_without_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("CANARY");
    for path in [missing.to_str().unwrap(), folder.path().to_str().unwrap()] {
        refused(
            &kyc(&["finpass", "init", "--data", path], &[]),
            "--data: cannot be read: ",
        );
    }
    refused(
        &kyc(&["finpass", "init", "--data", ""], &[]),
        "--data: needs a value",
    );
    refused(
        &kyc(&["finpass", "init", "--data", "/dev/zero"], &[]),
        "--data: must be at most 1 MiB",
    );
    refused(
        &kyc(
            &[
                "finpro", "profile", "--data", "-", "--batch", "x.csv", "--out", "y",
            ],
            &[],
        ),
        "together with another",
    );
}

#[test]
fn a_body_is_written_to_a_file_byte_for_byte() {
    let body = "{ \"success\":true, \"new\":1, \"data\":{\"client_id\":\"c\",\"redirect_url\":\"https://x.test\"} }";
    let server = FixedServer::answering("200 OK", body);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("reply.json");
    let call = |path: &Path, more: &[&str], environment: &[(String, String)]| {
        let path = path.to_str().unwrap();
        let arguments = [
            "finpass",
            "init",
            "--mobile-number",
            "9000000001",
            "--consent-type",
            "x",
            "--out",
            path,
        ];
        kyc(&[&arguments[..], more].concat(), environment)
    };
    let environment = server.environment();
    let run = call(&out, &[], &environment);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:?}");
    assert_eq!(fs::read_to_string(&out).unwrap(), body);
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&out).unwrap().permissions()) & 0o777,
        0o600
    );

    refused(
        &call(&out, &[], &environment),
        "--out: already exists; use --overwrite",
    );
    refused(
        &call(folder.path(), &["--overwrite"], &environment),
        "--out: exists and is not a file",
    );
    refused(
        &call(&folder.path().join("no/reply"), &[], &environment),
        "--out: cannot be written: ",
    );
    assert_eq!(
        server.connections(),
        1,
        "nothing is sent whose reply has no place to go"
    );
    fs::write(&out, "older").unwrap();
    assert_eq!(call(&out, &["--overwrite"], &environment).code, 0);
    assert_eq!(fs::read_to_string(&out).unwrap(), body);

    let failing = FixedServer::answering("500 Internal Server Error", "CANARY");
    let other = folder.path().join("other.json");
    assert_eq!(call(&other, &[], &failing.environment()).code, 4);
    assert_eq!(call(&out, &["--overwrite"], &failing.environment()).code, 4);
    assert_eq!(
        fs::read_to_string(&out).unwrap(),
        body,
        "a call that failed leaves the file as it was"
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "and nothing beside it"
    );
}

#[test]
fn bad_flags_are_reported_before_missing_credentials() {
    for (arguments, expected) in [
        (
            &[
                "deepvue",
                "session",
                "--consent",
                "--purpose",
                " ",
                "--without-redirect-url",
            ][..],
            "purpose: must not be empty",
        ),
        (
            &[
                "veriff",
                "consent",
                "--session-id",
                "s",
                "--type",
                "ine",
                "--approved",
                "true",
                "--text",
                "",
            ],
            "text: must be",
        ),
    ] {
        refused(&kyc(arguments, &[]), expected);
    }
    let environment = changed(&[], &[("FINPASS_API_KEY", "k"), ("FINPASS_API_SECRET", "")]);
    let run = kyc(
        &["finpass", "refresh-data", "--client-id", "c"],
        &environment,
    );
    refused(&run, "FINPASS_API_SECRET: not set");
}
