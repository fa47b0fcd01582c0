//! `kyc onboard`.

use std::io::{BufRead as _, BufReader};

use serde_json::Value;

use crate::kyc::{FULL_ONBOARDING, Run, SandboxProcess, ended, kyc, send, started};

#[test]
fn a_mobile_number_is_enough_with_the_sandbox() {
    let run = kyc(
        &["onboard", "--sandbox", "--mobile", "9000000001", "--json"],
        &[],
    );
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.answer();
    assert_eq!(report["complete"], true);
    assert_eq!(report["aggregator"]["id"], "onemoney");
    assert_eq!(report["aggregator"]["reason"], "ready");
    let steps: Vec<_> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["step"])
        .collect();
    assert_eq!(
        steps,
        [
            "record-consent",
            "open-documents",
            "discover-aggregators",
            "open-aggregator-consent"
        ]
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn the_report_is_a_table() {
    let run = kyc(&["onboard", "--sandbox", "--mobile", "9000000002"], &[]);
    assert_eq!(run.code, 0, "{run:?}");
    for text in [
        "record-consent",
        "veriff",
        "deepvue",
        "finpro",
        "finpass",
        "needs_linking",
        "send the person to",
    ] {
        assert!(run.stdout.contains(text), "{text} in {}", run.stdout);
    }
    let note = "The sandbox ends with this command, and its pages with it: --browser waits for you to visit them.\n";
    assert_eq!(run.stderr, note, "no progress display without a terminal");
}

#[test]
fn all_inputs_are_used() {
    let run = kyc(
        &[
            "onboard",
            "--sandbox",
            "--json",
            "--mobile",
            "9000000001",
            "--pan",
            "AAAAA0000A",
            "--email",
            "person@example.test",
            "--session-id",
            "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
            "--type",
            "bipa",
            "--consent-text",
            "I agree.",
            "--approved",
            "true",
            "--purpose",
            "KYC",
            "--doc-type",
            "pan",
            "--doc-type",
            "dl",
            "--redirect-url",
            "https://lender.example.test/back",
            "--webhook-url",
            "https://lender.example.test/hook",
            "--consent-type",
            "loan_monitoring",
            "--user-consent-id",
            "ref-1",
            "--aa-id",
            "finvu",
            "--aa-id",
            "onemoney",
            "--default-aa-id",
            "anumati",
            "--timeout",
            "20",
        ],
        &[],
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        run.answer()["steps"][2]["value"]["standings"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_refusal_is_recorded_and_ends_the_onboarding() {
    let run = kyc(
        &[
            "onboard",
            "--sandbox",
            "--mobile",
            "9000000001",
            "--approved",
            "false",
            "--json",
        ],
        &[],
    );
    assert_eq!(run.code, 0, "{run:?}");
    let results: Vec<_> = run.answer()["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["result"].clone())
        .collect();
    assert_eq!(results, ["done", "skipped", "skipped", "skipped"]);
}

#[test]
fn the_exit_code_is_the_highest_of_the_steps() {
    let run = kyc(
        &["onboard", "--sandbox", "--mobile", "9000000009", "--json"],
        &[],
    );
    assert_eq!(run.code, 4);
    let steps = run.answer()["steps"].clone();
    assert_eq!(steps[3]["result"], "failed");
    assert_eq!(steps[3]["error"]["kind"], "api");
    assert_eq!(steps[0]["result"], "done", "the others are kept");

    // Two steps fail with different codes: 3 for Deepvue's wrong secret, 4 for the session that Veriff does not know.
    let sandbox = SandboxProcess::start();
    let environment = sandbox.with(&[("DEEPVUE_CLIENT_SECRET", "other")]);
    let arguments = [
        "onboard",
        "--mobile",
        "9000000001",
        "--json",
        "--session-id",
        "00000000-0000-4000-8000-000000000404",
        "--consent-text",
        "I agree.",
        "--purpose",
        "KYC",
        "--redirect-url",
        "https://lender.example.test",
    ];
    let run = kyc(&arguments, &environment);
    assert_eq!(run.code, 4, "{run:?}");
    assert_eq!(run.answer()["steps"][1]["error"]["kind"], "credentials");
    assert_eq!(run.answer()["steps"][0]["error"]["status"], 404);
}

#[test]
fn the_configuration_selects_the_providers() {
    let sandbox = SandboxProcess::start();
    let run = kyc(&FULL_ONBOARDING, &sandbox.environment);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.answer()["complete"], true);

    let bare = kyc(
        &["onboard", "--mobile", "9000000001", "--json"],
        &sandbox.environment,
    );
    assert_eq!(bare.code, 0);
    assert_eq!(
        bare.answer()["steps"][0]["result"],
        "skipped",
        "nothing is invented for real providers"
    );
    assert_eq!(bare.answer()["steps"][1]["result"], "skipped");
}

#[test]
fn a_provider_without_settings_is_skipped_and_one_with_only_some_is_an_error() {
    let sandbox = SandboxProcess::start();
    let without = sandbox.with(&[
        ("FINPASS_BASE_URL", ""),
        ("FINPASS_API_KEY", ""),
        ("FINPASS_API_SECRET", ""),
    ]);
    let run = kyc(&["onboard", "--mobile", "9000000001", "--json"], &without);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.answer()["steps"][3]["reason"], "no_provider");

    let half = sandbox.with(&[("FINPRO_CLIENT_SECRET", ""), ("FINPRO_BASE_URL", "")]);
    let run = kyc(&["onboard", "--mobile", "9000000001", "--json"], &half);
    assert_eq!(run.code, 2);
    let message = run.error()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("FINPRO_BASE_URL, FINPRO_CLIENT_SECRET"),
        "{message}"
    );

    let run = kyc(&["onboard", "--mobile", "9000000001", "--json"], &[]);
    assert_eq!(run.code, 2);
    assert!(
        run.error()["message"]
            .as_str()
            .unwrap()
            .contains("--sandbox")
    );
}

#[test]
fn an_invalid_input_of_one_step_holds_all_back() {
    let sandbox = SandboxProcess::start();
    let consent = ["--session-id", "s-1", "--consent-text", "I agree."];
    let documents = [
        "--purpose",
        "KYC",
        "--redirect-url",
        "https://lender.example.test",
    ];
    for (wrong, step) in [
        (
            &["--session-id", "../CANARY", "--consent-text", "I agree."][..],
            0,
        ),
        (&["--session-id", "s-1", "--consent-text", " "], 0),
        (
            &[
                "--purpose",
                "",
                "--redirect-url",
                "https://a.test",
                "--session-id",
                "s-1",
                "--consent-text",
                "I agree.",
            ],
            1,
        ),
        (
            &[&consent[..], &documents[..], &["--doc-type", ""]].concat(),
            1,
        ),
        (&["--user-consent-id", ""], 2),
        (&["--aa-id", "CANARY@aa"], 2),
        (&["--consent-type", ""], 3),
    ] {
        let arguments = [&["onboard", "--mobile", "9000000001", "--json"], wrong].concat();
        let run = kyc(&arguments, &sandbox.environment);
        assert_eq!(run.code, 2, "{arguments:?} {run:?}");
        let steps = run.answer()["steps"].clone();
        for (at, each) in steps.as_array().unwrap().iter().enumerate() {
            let expected = if at == step { "failed" } else { "skipped" };
            assert_eq!(each["result"], expected, "{arguments:?} step {at}");
        }
        assert_eq!(steps[step]["error"]["kind"], "invalid_request");
        assert!(!run.stdout.contains("CANARY"));
    }
}

#[test]
fn half_of_a_step_s_inputs_is_an_error() {
    let sandbox = SandboxProcess::start();
    for (given, missing) in [
        (&["--session-id", "s-1"][..], "consent_text"),
        (&["--consent-text", "I agree."], "session_id"),
        (&["--purpose", "KYC"], "redirect_url"),
        (
            &["--purpose", "KYC", "--redirect-url", "https://a.test"],
            "consent_text",
        ),
        (&["--doc-type", "pan"], "purpose"),
        (&["--approved", "false"], "--session-id and --consent-text"),
        (
            &["--approved", "false", "--session-id", "s-1"],
            "consent_text",
        ),
    ] {
        let arguments = [&["onboard", "--mobile", "9000000001", "--json"], given].concat();
        let run = kyc(&arguments, &sandbox.environment);
        assert_eq!(run.code, 2, "{arguments:?} {run:?}");
        assert!(
            run.error()["message"].as_str().unwrap().contains(missing),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_step_that_timed_out_can_be_reconciled_by_its_request_id() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = SandboxProcess::start();
    let environment = sandbox.with(&[("FINPASS_BASE_URL", &silent)]);
    let arguments = ["onboard", "--mobile", "9000000001", "--timeout", "0.5"];
    let run = kyc(&[&arguments[..], &["--json"]].concat(), &environment);
    assert_eq!(run.code, 5, "{run:?}");
    let error = run.answer()["steps"][3]["error"].clone();
    assert_eq!(
        (&error["kind"], &error["outcome"]),
        (&"timeout".into(), &"unknown".into())
    );
    assert_eq!(
        error["operation"], "initialize",
        "the client knows more than the flow"
    );
    assert_eq!(error["request_id"].as_str().unwrap().len(), 32);
    let run = kyc(&arguments, &environment);
    assert!(
        run.stdout.contains(
            "reconcile first: open-aggregator-consent may have been done by finpass, request id "
        ),
        "{run:?}"
    );
    assert!(
        run.stdout
            .contains("  to reconcile it: no look-up is documented")
    );
    assert!(!run.stdout.contains("request id none"));
}

#[test]
fn a_failed_read_leaves_nothing_to_reconcile() {
    let run = kyc(&["onboard", "--sandbox", "--mobile", "9000000007"], &[]);
    assert_eq!(run.code, 4, "{run:?}");
    assert!(
        !run.stdout.contains("reconcile") && !run.stdout.contains("may have been done"),
        "{}",
        run.stdout
    );
}

#[test]
#[cfg(unix)]
fn an_interruption_says_what_had_begun() {
    ["-INT", "-TERM"].into_iter().for_each(interrupted_by);
}

#[cfg(unix)]
fn interrupted_by(signal: &str) {
    use std::io::Read as _;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = SandboxProcess::start();
    let environment = sandbox.with(&[("FINPASS_BASE_URL", &silent)]);
    let child = started(&["onboard", "--mobile", "9000000001"], &environment);
    // The request is in flight once its first byte has arrived.
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0]).unwrap();
    send(signal, &child);
    let Run { code, stderr, .. } = ended(child);
    assert_eq!(code, 130);
    assert!(
        stderr.contains("interrupted: discover-aggregators was done by finpro, request id "),
        "{stderr}"
    );
    assert!(
        stderr.contains(
            "interrupted: open-aggregator-consent may have been done by finpass, request id "
        ),
        "{stderr}"
    );
    assert!(!stderr.contains("9000000001"));
}

#[test]
fn a_scripted_person_completes_the_onboarding() {
    let complete = |mobile: &str| {
        let run = kyc(
            &[
                "onboard",
                "--sandbox",
                "--complete",
                "--json",
                "--mobile-number",
                mobile,
            ],
            &[],
        );
        let completed = run.answer()["completed"].as_array().unwrap().clone();
        let steps: Vec<_> = completed
            .iter()
            .map(|step| {
                format!(
                    "{} {}",
                    step["step"].as_str().unwrap(),
                    step["result"].as_str().unwrap()
                )
            })
            .collect();
        (run.code, steps, completed)
    };
    let (code, steps, completed) = complete("9001000000");
    assert_eq!(
        (code, steps),
        (
            0,
            [
                "read-documents done",
                "read-accounts done",
                "read-decision done"
            ]
            .map(str::to_owned)
            .into()
        )
    );
    assert_eq!(completed[2]["detail"], "approved");

    let (code, steps, completed) = complete("9001030000");
    assert_eq!(
        (code, steps),
        (
            4,
            [
                "read-documents ended",
                "read-accounts ended",
                "read-decision ended"
            ]
            .map(str::to_owned)
            .into()
        )
    );
    assert_eq!(completed[0]["detail"], "the person said no");
    assert_eq!(completed[1]["detail"], "the person rejected the consent");
    assert_eq!(completed[2]["detail"], "declined");

    // Nobody answers, and each step says so.
    let (code, steps, _) = complete("9001060000");
    assert_eq!(
        (code, steps),
        (
            4,
            [
                "read-documents ended",
                "read-accounts ended",
                "read-decision ended"
            ]
            .map(str::to_owned)
            .into()
        )
    );
    let (_, _, completed) = complete("9001000508");
    assert_eq!(completed[1]["detail"], "the data was refused");
}

#[test]
fn what_completed_an_onboarding_is_told_in_members() {
    let complete = |mobile: &str| {
        let arguments = ["onboard", "--sandbox", "--complete", "--json"];
        let run = kyc(
            &[&arguments[..], &["--mobile-number", mobile]].concat(),
            &[],
        );
        run.answer()
    };
    let statuses = |report: &Value| {
        let completed = report["completed"].as_array().unwrap().iter();
        let statuses = completed.map(|part| part["status"].as_str().unwrap().to_owned());
        statuses.collect::<Vec<_>>()
    };
    let all = complete("9001000000");
    assert_eq!(statuses(&all), ["shared", "shared", "approved"]);
    assert_eq!(
        (&all["complete"], &all["version"]),
        (&true.into(), &1.into())
    );
    let [documents, accounts, decision] = [0, 1, 2].map(|at| &all["completed"][at]);
    assert_eq!(documents["documents"], 3, "{documents}");
    assert_eq!(accounts["accounts"], 1, "{accounts}");
    assert_eq!(decision["verdict"], "approved");
    for part in [documents, accounts] {
        assert!(part["bytes"].as_u64().unwrap() > 1000, "{part}");
    }
    let opened = &all["steps"][1]["value"]["reference"];
    assert_eq!(&documents["reference"], opened);
    assert!(decision["reference"].is_string());

    let none = complete("9001030000");
    assert_eq!(statuses(&none), ["denied", "rejected", "declined"]);
    assert_eq!(none["complete"], false, "nothing was shared");
    assert_eq!(none["completed"][2]["verdict"], "declined");
    let never = complete("9001060000");
    assert_eq!(statuses(&never), ["link_expired", "expired", "expired"]);
}

#[test]
fn nothing_follows_a_refusal() {
    let run = kyc(
        &[
            "onboard",
            "--sandbox",
            "--complete",
            "--mobile-number",
            "9001000000",
            "--approved",
            "false",
            "--json",
        ],
        &[],
    );
    assert_eq!(run.code, 0, "{run:?}");
    let results = |name: &str| {
        let parts = run.answer()[name].as_array().unwrap().clone();
        let results = parts.iter().map(|part| part["result"].clone());
        results.collect::<Vec<_>>()
    };
    assert_eq!(results("steps"), ["done", "skipped", "skipped", "skipped"]);
    assert_eq!(results("completed"), ["skipped"; 3]);
    assert_eq!(run.answer()["complete"], false);

    // At a sandbox that runs its console would tell of more.
    let sandbox = SandboxProcess::start();
    let refusal = [&FULL_ONBOARDING[..], &["--complete", "--approved", "false"]].concat();
    let run = kyc(&refusal, &sandbox.environment);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.answer()["completed"][2]["result"], "skipped");
}

#[test]
fn the_deadline_covers_the_waiting_for_a_person() {
    let run = kyc(
        &[
            "onboard",
            "--sandbox",
            "--browser",
            "--json",
            "--mobile-number",
            "9001000000",
            "--timeout",
            "4",
        ],
        &[],
    );
    assert_eq!(run.code, 5, "{run:?}");
    for part in run.answer()["completed"].as_array().unwrap() {
        let told = (&part["result"], &part["status"]);
        assert_eq!(told, (&"ended".into(), &"no_answer".into()), "{part}");
    }
    // Where to go, and each part as it ended.
    let told: Vec<Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let wanted = told.iter().filter(|line| line["open"]["url"].is_string());
    let ended = told.iter().filter(|line| line["completed"].is_object());
    assert_eq!((wanted.count(), ended.count()), (3, 3), "{told:?}");
}

#[test]
fn a_link_that_expires_is_told_while_the_rest_is_waited_for() {
    let sandbox = SandboxProcess::start();
    kyc(&["clock", "freeze"], &sandbox.environment);
    // A session of the caller's own would have no link.
    let arguments = [
        "onboard",
        "--complete",
        "--json",
        "--mobile-number",
        "9000000001",
        "--product-id",
        "LOAN-1",
        "--consent-text",
        "I agree.",
        "--purpose",
        "KYC",
        "--redirect-url",
        "https://lender.example.test",
    ];
    let mut child = started(&arguments, &sandbox.environment);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
    };
    // Nobody is waited for who was sent nowhere.
    let links = [next(), next(), next()].map(|line| line["open"]["for"].clone());
    assert_eq!(links, ["documents", "accounts", "identity"]);
    // The person of this number consents at once, and opens no other link.
    let accounts = next();
    assert_eq!(accounts["completed"]["step"], "read-accounts", "{accounts}");
    assert_eq!(accounts["completed"]["status"], "shared", "{accounts}");
    kyc(&["clock", "advance", "11m"], &sandbox.environment);
    let documents = next();
    assert_eq!(
        documents["completed"]["status"], "link_expired",
        "{documents}"
    );
    kyc(&["clock", "advance", "8d"], &sandbox.environment);
    assert_eq!(next()["completed"]["status"], "expired");
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

#[test]
fn a_browser_comes_back_to_the_command_alone() {
    for (arguments, field) in [
        (
            &["--redirect-url", "http://127.0.0.1:18270/back", "--sandbox"][..],
            "--redirect-url",
        ),
        (&[], "--product-id"),
    ] {
        let always = [
            "onboard",
            "--browser",
            "--json",
            "--mobile-number",
            "9001000000",
        ];
        let sandbox = SandboxProcess::start();
        let run = kyc(&[&always, arguments].concat(), &sandbox.environment);
        assert_eq!(
            (run.code, run.error()["field"].as_str()),
            (2, Some(field)),
            "{run:?}"
        );
        assert!(run.stderr.contains("--browser"), "{run:?}");
    }
}

#[test]
fn what_completes_an_onboarding_is_checked_before_anything_is_sent() {
    let sandbox = SandboxProcess::start();
    let whole = [
        "onboard",
        "--complete",
        "--json",
        "--mobile-number",
        "9001000000",
    ];
    let run = kyc(&whole, &sandbox.environment);
    assert_eq!(
        (run.code, run.error()["field"].as_str()),
        (2, Some("--product-id")),
        "{run:?}"
    );
    // A template that FinPro does not have: no session is opened at Veriff, which costs.
    let run = kyc(
        &[&whole[..], &["--product-id", "LOAN-2"]].concat(),
        &sandbox.environment,
    );
    assert_eq!(
        (run.code, run.error()["field"].as_str()),
        (2, Some("--product-id")),
        "{run:?}"
    );
    assert!(run.stderr.contains("Nothing was opened"), "{run:?}");
    // Where it is told of returns from another place than the documents, nobody can be waited for.
    let elsewhere = sandbox.with(&[("DEEPVUE_BASE_URL", "https://deepvue.example.test")]);
    let run = kyc(
        &[&whole[..], &["--product-id", "LOAN-1"]].concat(),
        &elsewhere,
    );
    assert_eq!(
        (run.code, run.error()["field"].as_str()),
        (2, Some("--complete")),
        "{run:?}"
    );
    let nobody = sandbox.with(&[("KYC_SANDBOX_URL", ""), ("KYC_SANDBOX_TOKEN", "")]);
    let run = kyc(&[&whole[..], &["--product-id", "LOAN-1"]].concat(), &nobody);
    assert_eq!(
        (run.code, run.error()["field"].as_str()),
        (2, Some("--complete")),
        "{run:?}"
    );
}

#[test]
fn complete_without_anybody_who_answers_says_who_could() {
    let complete = ["onboard", "--complete", "--mobile-number", "9001000000"];
    // Without a home there is no file of a sandbox that runs.
    let run = kyc(&complete, &[]);
    assert_eq!(run.code, 2, "{run:?}");
    for words in [
        "--complete: has nobody who answers: add --sandbox for an invented person, or use --browser instead",
        "(kyc sandbox), and none does",
    ] {
        assert!(run.stderr.contains(words), "{run:?}");
    }

    // A sandbox runs, and its variables are not exported.
    let sandbox = SandboxProcess::start();
    let only = |start: &str| {
        let variables = sandbox.environment.iter();
        let kept = variables.filter(|(name, _)| name.starts_with(start));
        kept.cloned().collect::<Vec<_>>()
    };
    let run = kyc(&complete, &only("KYC_SANDBOX"));
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains("Export what kyc sandbox printed"),
        "{run:?}"
    );
    // With them, what is missing is said as before.
    let run = kyc(&complete, &sandbox.environment);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("--product-id"), "{run:?}");
}

#[test]
fn the_help_says_what_differs_from_a_journey_and_who_answers() {
    let run = kyc(&["onboard", "--help"], &[]);
    assert_eq!(run.code, 0);
    let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for says in [
        "All of it happens in this process and in memory",
        "`kyc journey` takes the same steps over days, keeps them in a file",
        "For real providers use --browser",
    ] {
        assert!(words.contains(says), "{says}: {words}");
    }
}
