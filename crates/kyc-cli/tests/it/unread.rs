//! A standard output that nobody reads: no answer is lost unnoticed.

use std::time::Duration;

use serde_json::Value;

use crate::batch_job::Job;
use crate::kyc::{FINPASS, FULL_ONBOARDING, SandboxProcess, kyc, kyc_unread};
use crate::profile_server::ProfileServer;

#[test]
fn an_answer_that_nobody_reads_is_a_failure_that_says_what_was_done() {
    let sandbox = SandboxProcess::start();
    let run = kyc_unread(&FINPASS, &sandbox.environment);
    assert_eq!(run.code, 7, "{run:?}");
    let error = run.error();
    assert_eq!(
        (&error["kind"], &error["outcome"]),
        (&"output".into(), &"done".into())
    );
    assert_eq!(error["request_id"].as_str().unwrap().len(), 32);
    let text = kyc_unread(&FINPASS[..6], &sandbox.environment);
    assert_eq!(text.code, 7, "{text:?}");
    let told =
        "error: it was done, and the answer could not be written: broken pipe\n  request id: ";
    assert!(text.stderr.contains(told), "{text:?}");
    let to_stdout = [&FINPASS[..6], &["--out", "-"]].concat();
    assert_eq!(kyc_unread(&to_stdout, &sandbox.environment).code, 7);
}

#[test]
fn the_steps_of_an_onboarding_whose_report_nobody_reads_are_told() {
    let sandbox = SandboxProcess::start();
    let run = kyc_unread(&FULL_ONBOARDING, &sandbox.environment);
    assert_eq!(run.code, 7, "{run:?}");
    let steps: Vec<Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut named: Vec<_> = steps
        .iter()
        .map(|step| step["not_printed"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            "discover-aggregators",
            "open-aggregator-consent",
            "open-documents",
            "record-consent"
        ]
    );
    assert!(
        steps.iter().all(|step| step["result"] == "was done"),
        "{run:?}"
    );
    let recorded = steps
        .iter()
        .find(|step| step["not_printed"] == "record-consent");
    assert!(recorded.unwrap()["reference"].is_string(), "{run:?}");
    assert!(!run.stderr.contains("http"), "URLs are secrets: {run:?}");
}

#[test]
fn a_batch_s_summary_that_nobody_reads_is_on_stderr() {
    let server = ProfileServer::start(Duration::ZERO);
    let job = Job::of(0..3);
    let arguments = job.arguments(&["--json"]);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let run = kyc_unread(&arguments, &server.environment());
    assert_eq!((run.code, &run.error()["answered"]), (7, &3.into()));
    assert_eq!(job.rows().len(), 3);
}

#[test]
fn what_sends_nothing_says_so() {
    for arguments in [
        &["openapi", "finpass"][..],
        &["openapi", "finpass", "--yaml"],
        &["completions", "bash"],
        &["sandbox", "--listen", "127.0.0.1:0"],
        &["sandbox", "--listen", "127.0.0.1:0", "--json"],
    ] {
        let run = kyc_unread(arguments, &[]);
        assert_eq!(run.code, 7, "{run:?}");
        let told = "nothing was sent; the output could not be written";
        assert!(run.stderr.contains(told), "{run:?}");
    }
}

#[test]
fn what_a_running_sandbox_did_is_not_called_unsent() {
    let sandbox = SandboxProcess::start();
    for arguments in [
        &["clock", "advance", "1h"][..],
        &["clock", "show"],
        &["faults", "on", "finpass=400:1"],
        &["faults", "list"],
        &["faults", "off", "all"],
        &["people", "list"],
        &["people", "new"],
        &["trigger", "finpro.CONSENT_APPROVED"],
        &["webhooks"],
        &["webhooks", "resend", "w_0001"],
        &["webhooks", "resend", "--failed"],
        &["webhooks", "to", "nowhere"],
        &["listen", "--listen", "127.0.0.1:0"],
    ] {
        let run = kyc_unread(arguments, &sandbox.environment);
        assert_eq!(run.code, 7, "{arguments:?} {run:?}");
        assert!(
            !run.stderr.contains("nothing was sent"),
            "{arguments:?} {run:?}"
        );
        assert!(
            run.stderr.contains("it was done, and"),
            "{arguments:?} {run:?}"
        );
    }
    let urls = [
        "webhooks",
        "to",
        "nowhere",
        "--provider",
        "finpro",
        "--json",
    ];
    let urls = kyc(&urls, &sandbox.environment);
    assert_eq!(
        urls.answer(),
        serde_json::json!({}),
        "listen told it to send them elsewhere"
    );
}
