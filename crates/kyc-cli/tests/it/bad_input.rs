//! Invalid input: exit code 2, the field and the rule are named, nothing is sent, no value is printed.

use crate::kyc::{FINPASS, FixedServer, SandboxProcess, kyc};

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
        (replaced(&onboard, "--mobile", "CANARY"), "mobile_number"),
        (replaced(&onboard, "--pan", "CANARY"), "pan_number"),
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
        (&["onboard"][..], "--mobile-number"),
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
            "kyc: no such command; the commands are onboard, journey, sandbox, ",
        ),
        (
            &["onboard", "--mobil=9000000001"],
            "argument 2: unknown flag --mobil; perhaps --mobile",
        ),
        (
            &["onboard", "--mobil", "x", "--mobile", "9000000001"],
            "argument 2: unknown flag --mobil; perhaps --mobile",
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
            "argument 2: unexpected argument; did you mean --mobile-number?",
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
            "--batch: has no rows",
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
    assert_eq!(allowed.environment.len(), 20, "it listens");
}

#[test]
fn a_deadline_is_offered_where_there_is_a_call() {
    for (command, offered) in [
        ("onboard", true),
        ("finpass init", true),
        ("sandbox", false),
        ("openapi", false),
        ("completions", false),
    ] {
        let words = command.split(' ').chain(["--help"]);
        let run = kyc(&words.collect::<Vec<_>>(), &[]);
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(run.stdout.contains("--timeout"), offered, "{run:?}");
    }
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

#[test]
fn the_sandbox_listens_where_it_is_told_and_its_own_exports_work() {
    for listen in ["localhost:0", "[::ffff:127.0.0.1]:0"] {
        let sandbox = SandboxProcess::start_with(&["--listen", listen]);
        let run = kyc(&FINPASS, &sandbox.environment);
        assert_eq!(run.code, 0, "{listen}: {run:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_text_is_named_by_its_place() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    for before in [
        &["finpass", "init", "--mobile-number"][..],
        &["sandbox", "--listen"],
        &["openapi"],
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_kyc"))
            .args(before)
            .arg(OsStr::from_bytes(b"CANARY\xff"))
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let told = format!("argument {}: is not UTF-8 text", before.len() + 1);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(&told), "{stderr}");
        assert!(!stderr.contains("CANARY"), "{stderr}");
    }
}

#[cfg(unix)]
#[test]
fn too_few_open_files_are_an_error_and_no_panic() {
    for limit in 5..24 {
        let command = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let output = std::process::Command::new("sh")
            .args(["-c", &command, env!("CARGO_BIN_EXE_kyc")])
            .args(FINPASS)
            .env_clear()
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{limit}: {stderr}");
        assert!(stderr.contains("raise the limit"), "{limit}: {stderr}");
    }
}

#[test]
fn an_error_for_machines_says_which_field_breaks_which_rule() {
    let run = kyc(
        &[
            "finpass",
            "init",
            "--mobile-number",
            "CANARY",
            "--consent-type",
            "x",
            "--json",
        ],
        &[],
    );
    let error = run.error();
    assert_eq!(error["field"], "mobile_number");
    assert_eq!(
        error["rule"],
        "must be exactly 10 digits, without a country code"
    );
    assert!(error["retry_after_ms"].is_null());
    let usage = kyc(&["finpass", "refresh-data", "--json"], &[]).error();
    assert_eq!(
        (&usage["field"], &usage["rule"]),
        (&"--client-id".into(), &"required".into())
    );
}

#[test]
fn what_a_provider_does_not_list_is_warned_about_and_sent() {
    const LISTED: &str = "not a listed value; it is sent as it is. Listed are";
    let sandbox = SandboxProcess::start();
    let mut finpass = FINPASS[..6].to_vec();
    finpass[5] = "loan_underwritng";
    let deepvue = [
        "deepvue",
        "session",
        "--consent",
        "--purpose",
        "KYC",
        "--redirect-url",
        "https://a.test",
        "--doc-type",
        "pan",
        "--doc-type",
        "adhaar",
    ];
    let veriff = [
        "veriff",
        "consent",
        "--session-id",
        "s-1",
        "--type",
        "adhaar",
        "--approved",
        "true",
        "--text",
        "I agree.",
    ];
    for (arguments, field) in [
        (&finpass[..], "consent_type"),
        (&deepvue, "doc_types"),
        (&veriff, "type"),
        (
            &[
                "onboard",
                "--mobile-number",
                "9000000001",
                "--consent-type",
                "CANARY",
            ],
            "consent_type",
        ),
        (
            &[
                "onboard",
                "--mobile-number",
                "9000000001",
                "--type",
                "CANARY",
            ],
            "type",
        ),
    ] {
        let run = kyc(arguments, &sandbox.environment);
        let told = format!("warning: {field}: {LISTED} ");
        assert!(run.stderr.contains(&told), "{run:?}");
        assert!(!run.stderr.contains("CANARY"), "{run:?}");
    }
    finpass.push("--json");
    let run = kyc(&finpass, &sandbox.environment);
    let first = run.stderr.lines().next().unwrap();
    let warning: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!(warning["warning"]["field"], "consent_type");
    let run = kyc(&FINPASS, &sandbox.environment);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn an_identifier_that_looks_wrong_is_a_warning_and_on_request_an_error() {
    const CLASS: &str = "the fourth letter must be one of A, B, C, F, G, H, J, L, P and T";
    let sandbox = SandboxProcess::start();
    let pan = ["--pan-number", "AAADT0000Z"];
    let people = |arguments: &[&'static str]| {
        let shown = arguments
            .iter()
            .copied()
            .filter(|argument| *argument != "--json");
        shown.chain(pan).collect::<Vec<_>>()
    };
    let wrong = people(&FINPASS);
    let run = kyc(&wrong, &sandbox.environment);
    let told = format!("warning: pan_number: {CLASS}\n");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (0, told.as_str()),
        "{run:?}"
    );

    // Whatever was sent would not arrive, and end with another code.
    let unreachable = sandbox.with(&[("FINPASS_BASE_URL", "http://127.0.0.1:1")]);
    let onboard = people(&["onboard", "--mobile", "9000000001"]);
    for (arguments, on_finding) in [
        (&wrong[..], "refuse-wrong"),
        (&wrong, "refuse-all"),
        (&onboard, "refuse-wrong"),
    ] {
        let run = kyc(
            &[arguments, &["--on-finding", on_finding]].concat(),
            &unreachable,
        );
        assert_eq!(run.code, 2, "{run:?}");
        let output = format!("{}{}", run.stdout, run.stderr);
        assert!(
            output.contains(CLASS) && !output.contains("AAADT"),
            "{run:?}"
        );
    }
    let run = kyc(
        &[&wrong[..], &["--on-finding", "ignore"]].concat(),
        &sandbox.environment,
    );
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let run = kyc(&onboard, &sandbox.environment);
    assert!(run.stderr.starts_with(&told), "{run:?}");
    let run = kyc(
        &[&wrong[..], &["--on-finding", "deny"]].concat(),
        &sandbox.environment,
    );
    let rule = "--on-finding: must be ignore, warn, refuse-wrong or refuse-all";
    assert!(run.code == 2 && run.stderr.contains(rule), "{run:?}");
}

#[test]
fn an_address_that_a_provider_is_told_is_checked_before_anything_is_sent() {
    let server = FixedServer::answering("200 OK", "{}");
    let onboard = [
        "onboard",
        "--mobile-number",
        "9000000001",
        "--session-id",
        "s-1",
    ];
    let onboard = [
        &onboard[..],
        &["--consent-text", "I agree.", "--purpose", "KYC"],
    ]
    .concat();
    let deepvue = ["deepvue", "session", "--consent", "--purpose", "KYC"];
    for (arguments, flag, field) in [
        (&FINPASS[..6], "--redirect-url", "redirect_url"),
        (&FINPASS[..6], "--webhook-url", "webhook_url"),
        (&deepvue, "--redirect-url", "redirect_url"),
        (&onboard, "--redirect-url", "redirect_url"),
    ] {
        for wrong in ["notaurl", "app://CANARY", "//CANARY", "https://"] {
            let arguments = [arguments, &[flag, wrong, "--json"][..]].concat();
            let run = kyc(&arguments, &server.environment());
            assert_eq!(run.code, 2, "{run:?}");
            let told = format!("{}{}", run.stdout, run.stderr);
            let rule = format!("{field}: must be an absolute http or https URL");
            assert!(told.contains(&rule) && !told.contains("CANARY"), "{told}");
        }
    }
    assert_eq!(server.connections(), 0, "nothing was sent");
}

#[test]
fn verbose_shows_how_a_call_ended_and_nothing_personal() {
    let sandbox = SandboxProcess::start();
    for (flag, begin) in [("-v", false), ("-vv", true)] {
        let mut arguments = FINPASS.to_vec();
        arguments.push(flag);
        let run = kyc(&arguments, &sandbox.environment);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stderr.contains("call ended"), "{run:?}");
        assert_eq!(run.stderr.contains("attempt started"), begin, "{run:?}");
        for (_, value) in &sandbox.environment {
            assert!(!run.stderr.contains(value.as_str()), "{run:?}");
        }
        assert!(!run.stderr.contains("9000000001"), "{run:?}");
    }
}
