//! Invalid input: exit code 2, the field and the rule are named, nothing is sent, no value is printed.

use crate::kyc::{FixedServer, SandboxProcess, kyc};

#[test]
fn each_bad_input_names_its_field_and_sends_nothing() {
    let server = FixedServer::answering("200 OK", "{}");
    let environment = server.environment();
    let finpass = [
        "finpass",
        "init",
        "--mobile-number",
        "9000000001",
        "--consent-type",
        "loan_underwriting",
    ];
    let finpro = [
        "finpro",
        "profile",
        "--mobile-number",
        "9000000001",
        "--user-consent-id",
        "ref-1",
    ];
    let veriff = [
        "veriff",
        "consent",
        "--session-id",
        "s-1",
        "--type",
        "aadhaar",
        "--approved",
        "true",
        "--text",
        "I agree.",
    ];
    let deepvue = [
        "deepvue",
        "session",
        "--consent",
        "--purpose",
        "KYC",
        "--redirect-url",
        "https://a.test",
    ];
    let onboard = ["onboard", "--mobile", "9000000001"];
    let long = "x".repeat(101);
    let replaced = |base: &[&str], flag: &str, value: &str| -> Vec<String> {
        let mut arguments: Vec<_> = base.iter().map(|text| (*text).to_owned()).collect();
        match arguments.iter().position(|argument| argument == flag) {
            Some(at) => arguments[at + 1] = value.to_owned(),
            None => arguments.extend([flag.to_owned(), value.to_owned()]),
        }
        arguments
    };
    let cases = [
        (
            replaced(&finpass, "--mobile-number", "90000CANARY"),
            "mobile_number",
        ),
        (replaced(&finpass, "--mobile-number", ""), "mobile_number"),
        (replaced(&finpass, "--pan-number", "CANARY"), "pan_number"),
        (replaced(&finpass, "--email", "CANARY"), "email"),
        (replaced(&finpass, "--consent-type", ""), "consent_type"),
        (replaced(&finpass, "--timeout", "CANARY"), "--timeout"),
        (replaced(&finpass, "--timeout", "-1"), "--timeout"),
        (replaced(&finpass, "--CANARY", "x"), "unknown flag"),
        (
            replaced(&finpro, "--mobile-number", "+91CANARY"),
            "mobileNumber",
        ),
        (replaced(&finpro, "--user-consent-id", ""), "userConsentId"),
        (
            replaced(&finpro, "--user-consent-id", &long),
            "userConsentId",
        ),
        (replaced(&finpro, "--aa-id", "CANARY@aa"), "aaId[0]"),
        (replaced(&finpro, "--aa-id", "x"), "aaId[0]"),
        (replaced(&veriff, "--session-id", "../CANARY"), "session_id"),
        (replaced(&veriff, "--session-id", "%2e%2e"), "session_id"),
        (replaced(&veriff, "--session-id", "a/b"), "session_id"),
        (replaced(&veriff, "--session-id", "a\r\nb"), "session_id"),
        (replaced(&veriff, "--session-id", ""), "session_id"),
        (replaced(&veriff, "--type", ""), "type"),
        (replaced(&veriff, "--approved", "CANARY"), "approved"),
        (replaced(&veriff, "--text", " "), "text"),
        (replaced(&deepvue, "--purpose", ""), "purpose"),
        (replaced(&deepvue, "--redirect-url", ""), "redirect_url"),
        (replaced(&deepvue, "--doc-type", ""), "doc_types[0]"),
        (replaced(&onboard, "--mobile", "CANARY"), "mobile"),
        (replaced(&onboard, "--pan", "CANARY"), "pan"),
        (replaced(&onboard, "--email", "CANARY"), "email"),
        (replaced(&onboard, "--approved", "CANARY"), "approved"),
        (replaced(&onboard, "--aa-id", ""), "aggregator"),
    ];
    for (arguments, field) in cases {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        for json in [false, true] {
            let mut arguments = arguments.clone();
            if json {
                arguments.push("--json");
            }
            let run = kyc(&arguments, &environment);
            assert_eq!(run.code, 2, "{arguments:?} {run:?}");
            assert!(run.stderr.contains(field), "{field} in {}", run.stderr);
            assert!(!run.stderr.contains("CANARY"), "{}", run.stderr);
            if json {
                assert_eq!(run.error()["kind"], "invalid_request");
                assert_eq!(run.error()["outcome"], "not_sent");
            }
        }
    }
    assert_eq!(server.connections(), 0, "nothing was sent");
}

#[test]
fn missing_arguments_are_named() {
    for (arguments, missing) in [
        (&["onboard"][..], "--mobile"),
        (
            &["finpass", "init", "--consent-type", "x"],
            "--mobile-number",
        ),
        (&["finpro", "profile"], "--user-consent-id"),
        (&["veriff", "consent", "--approved", "true"], "--session-id"),
        (&["deepvue", "session", "--consent"], "--purpose"),
        (
            &[
                "deepvue",
                "session",
                "--purpose",
                "KYC",
                "--redirect-url",
                "https://a.test",
            ],
            "--consent",
        ),
        (
            &["deepvue", "session", "--consent", "--purpose", "KYC"],
            "redirect_url",
        ),
        (&["onboard", "--mobile"], "--mobile"),
        (&["openapi"], "<PROVIDER>: required"),
        (
            &["--json", "finpass", "foo"],
            "kyc finpass: no such command; the commands are init, refresh-data",
        ),
        (
            &["foo", "bar"],
            "kyc: no such command; the commands are onboard, sandbox, ",
        ),
        (
            &["onboard", "--mobil=9000000001"],
            "argument 2: unknown flag; perhaps --mobile",
        ),
        (
            &["onboard", "--mobil", "x", "--mobile", "9000000001"],
            "argument 2: unknown flag; perhaps --mobile",
        ),
        (
            &["onboard", "-9000000001", "--mobile=9000000001"],
            "argument 2: unknown flag",
        ),
        (
            &["veriff", "decision", "s-1"],
            "argument 3: unexpected argument; did you mean --session-id?",
        ),
        (
            &["finpass", "init", "--mobile-number=9000000001", "x"],
            "argument 4: unexpected argument; did you mean --consent-type?",
        ),
        (
            &["veriff", "decision", "--session-id", "s-1", "s-1"],
            "argument 5: unexpected argument\n",
        ),
        (
            &["onboard", "9000000001"],
            "argument 2: unexpected argument; did you mean --mobile?",
        ),
        (
            &["sandbox", "--listen", "8898"],
            "--listen: must be ADDRESS:PORT",
        ),
        (&["finpass", "init", "--data", "-"], "--data: is empty"),
        (
            &["finpass", "init", "--data", "no.json"],
            "--data: cannot be read: no such file or directory",
        ),
        (
            &["finpro", "profile", "--batch", "no.csv", "--out", "x"],
            "--batch: cannot be read: no such file or directory",
        ),
        (
            &[
                "finpro", "profile", "--batch", "-", "--format", "jsonl", "--out", "-",
            ],
            "FINPRO_BASE_URL",
        ),
        (&["completions", "CANARY"], "<SHELL>: must be one of"),
        (
            &["finpass", "refresh"],
            "kyc finpass: no such command; perhaps refresh-data",
        ),
    ] {
        let run = kyc(arguments, &[]);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(missing), "{missing} in {}", run.stderr);
    }
}

#[test]
fn a_stray_value_is_not_printed() {
    for arguments in [
        &["onboard", "9000000001"][..],
        &["CANARY"],
        &["finpass", "CANARY"],
        &["completions", "CANARY"],
        &["canary"],
        &["finpass", "canary"],
        &["onboard", "--canary"],
        &["onboard", "--canary=x"],
        &["9000000001"],
        &["finpass", "9000000001"],
        &["veriff", "decision", "CANARY"],
        &["sandbox", "--listen", "CANARY"],
        &["onboard", "--mobile=9000000001", "--mobile=9000000001"],
        &["onboard", "--mobile", "9000000001", "--sandbox=CANARY"],
        &["onboard", "--mobil=9000000001"],
        &["onboard", "-9000000001"],
        &["finpass", "refresh-data", "<CANARY>"],
        &["openapi", "finpass", "<CANARY>"],
    ] {
        let run = kyc(arguments, &[]);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(
            !run.stderr.to_lowercase().contains("canary") && !run.stderr.contains("9000000001"),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.is_empty());
    }
}

#[test]
fn an_address_that_is_taken_is_no_riddle() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let run = kyc(&["sandbox", "--listen", &taken], &[]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains(": address already in use"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_sandbox_says_about_which_sessions_it_has_decided() {
    let run = kyc(&["veriff", "decision", "--help"], &[]);
    let id = "00000000-0000-4000-8000-000000009001";
    assert!(run.stdout.contains(id), "{}", run.stdout);
    let sandbox = SandboxProcess::start();
    let printed = format!("#   {id} approved");
    assert!(
        sandbox.comments.contains(&printed),
        "{:?}",
        sandbox.comments
    );
    let arguments = ["veriff", "decision", "--session-id", id, "--json"];
    let run = kyc(&arguments, &sandbox.environment);
    assert_eq!(run.answer()["verification"]["status"], "approved");
}

#[test]
fn the_sandbox_listens_for_this_machine_only_unless_told() {
    let run = kyc(&["sandbox", "--listen", "0.0.0.0:0"], &[]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("--listen"), "{}", run.stderr);
    assert!(
        run.stderr.contains("--allow-other-machines"),
        "{}",
        run.stderr
    );
    let allowed = SandboxProcess::start_with(&["--listen", "0.0.0.0:0", "--allow-other-machines"]);
    assert_eq!(allowed.environment.len(), 14, "it listens");
}

#[test]
fn help_names_every_variable_and_exit_code() {
    let run = kyc(&["--help"], &[]);
    assert_eq!(run.code, 0);
    for name in [
        "FINPASS_BASE_URL",
        "FINPASS_API_KEY",
        "FINPASS_API_SECRET",
        "FINPRO_BASE_URL",
        "FINPRO_CLIENT_ID",
        "FINPRO_CLIENT_SECRET",
        "FINPRO_ORGANISATION_ID",
        "FINPRO_APP_IDENTIFIER",
        "VERIFF_BASE_URL",
        "VERIFF_API_KEY",
        "VERIFF_SHARED_SECRET",
        "DEEPVUE_BASE_URL",
        "DEEPVUE_CLIENT_ID",
        "DEEPVUE_CLIENT_SECRET",
        "NAME_FILE",
        "6 not authentic",
    ] {
        assert!(run.stdout.contains(name), "{name}");
    }
}
