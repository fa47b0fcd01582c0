//! `kyc onboard --out`: a report that outlives the command, and what goes on from it.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc;
use std::thread;

use kyc_sandbox::settings::Failure;
use kyc_sandbox::{Fault, FaultKind, Provider, Sandbox};
use serde_json::Value;
use tempfile::TempDir;

use crate::kyc::{
    FULL_ONBOARDING, Run, WaitingServer, changed, ended, kyc, send, started, write_for_the_owner,
};

/// A sandbox of this process, whose ledger is looked at, served for commands.
struct Served {
    sandbox: Sandbox,
    environment: Vec<(String, String)>,
    /// Dropped, it ends the server.
    _end: tokio::sync::oneshot::Sender<()>,
}

impl Served {
    fn start() -> Self {
        let sandbox = Sandbox::default();
        let (end, ended) = tokio::sync::oneshot::channel();
        let (tell, told) = mpsc::channel();
        let serving = sandbox.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let served = serving.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
                let environment = served.environment().into_iter();
                let environment = environment.map(|(name, value)| (name.to_string(), value));
                tell.send(environment.collect::<Vec<_>>()).unwrap();
                let _ = ended.await;
            });
        });
        Self {
            sandbox,
            environment: told.recv().unwrap(),
            _end: end,
        }
    }

    /// The requests so far to Veriff, Deepvue, FinPro and Finpass: one provider a step.
    fn requests(&self) -> [u64; 4] {
        let ledger = self.sandbox.ledger();
        [
            Provider::Veriff,
            Provider::Deepvue,
            Provider::Finpro,
            Provider::Finpass,
        ]
        .map(|provider| ledger.counts(provider).requests)
    }

    fn fails(&self, provider: Provider, failure: Failure) {
        let fault = Fault::new(provider, FaultKind::Failure(failure));
        self.sandbox.switch_fault_on(fault).unwrap();
    }

    fn works_again(&self) {
        for (fault, _) in self.sandbox.faults() {
            assert!(self.sandbox.switch_fault_off(fault));
        }
    }
}

/// A folder with a report, or the place for one.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> String {
        let path = self.0.path().join("report.json");
        path.to_str().unwrap().to_owned()
    }

    fn report(&self) -> Value {
        let written: Value = serde_json::from_slice(&fs::read(self.path()).unwrap()).unwrap();
        written["report"].clone()
    }

    /// Waits until three steps are done.
    fn wait_for_three(&self) {
        let count = || {
            let report = self.report();
            let steps = report["steps"].as_array().unwrap().iter();
            steps.filter(|step| step["result"] == "done").count()
        };
        while count() < 3 {
            thread::yield_now();
        }
    }

    /// An onboarding that keeps its report here.
    fn run(&self, more: &[&str], environment: &[(String, String)]) -> Run {
        let path = self.path();
        let kept = ["--out", path.as_str()];
        kyc(&[&FULL_ONBOARDING[..], &kept, more].concat(), environment)
    }

    /// Begins one whose Finpass is silent: its last request is never answered.
    fn start(&self, more: &[&str], sandbox: &Served, finpass: &WaitingServer) -> Child {
        self.start_at("FINPASS_BASE_URL", more, sandbox, finpass)
    }

    /// Begins one of which the provider at this address is silent.
    fn start_at(
        &self,
        variable: &str,
        more: &[&str],
        sandbox: &Served,
        silent: &WaitingServer,
    ) -> Child {
        let address = silent.environment().remove(0).1;
        let environment = changed(&sandbox.environment, &[(variable, address.as_str())]);
        let path = self.path();
        let kept = ["--out", path.as_str()];
        started(&[&FULL_ONBOARDING[..], &kept, more].concat(), &environment)
    }
}

fn references(report: &Value) -> Vec<Value> {
    let steps = report["steps"].as_array().unwrap().iter();
    steps
        .map(|step| step["value"]["reference"].clone())
        .collect()
}

#[test]
fn a_step_that_failed_is_taken_again_and_no_done_one_is() {
    let (sandbox, folder) = (Served::start(), Folder::new());
    sandbox.fails(Provider::Deepvue, Failure::new(422));
    let first = folder.run(&[], &sandbox.environment);
    assert_eq!(first.code, 4, "{first:?}");
    assert_eq!(sandbox.requests(), [1, 1, 1, 1]);
    let printed = first.answer();
    let mut kept = folder.report();
    kept["elapsed_ms"] = printed["elapsed_ms"].clone();
    assert_eq!(kept, printed, "the file has all that is printed");
    sandbox.works_again();

    let again = folder.run(
        &["--resume", "--only", "open-documents"],
        &sandbox.environment,
    );
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(sandbox.requests(), [1, 2, 1, 1], "by the sandbox's ledger");
    let merged = again.answer();
    assert_eq!(merged["complete"], true);
    for other in [0, 2, 3] {
        assert_eq!(merged["steps"][other], printed["steps"][other]);
    }
    let whole = folder.run(&["--resume"], &sandbox.environment);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert_eq!(sandbox.requests(), [1, 2, 1, 1], "nothing is left to do");
    assert_eq!(references(&whole.answer()), references(&merged));
    assert_eq!(references(&folder.report()), references(&merged));
}

#[test]
fn a_step_that_may_have_been_done_is_taken_again_on_request_only() {
    let (sandbox, folder) = (Served::start(), Folder::new());
    sandbox.fails(Provider::Finpass, Failure::new(503).after_effect());
    let first = folder.run(&[], &sandbox.environment);
    assert_eq!(first.code, 4, "{first:?}");
    sandbox.works_again();
    let before = sandbox.requests();

    let held = folder.run(&["--resume"], &sandbox.environment);
    assert_eq!(held.code, 4, "its failure stands: {held:?}");
    assert_eq!(held.answer()["steps"], first.answer()["steps"]);
    let step = "open-aggregator-consent";
    let only = folder.run(&["--resume", "--only", step], &sandbox.environment);
    assert_eq!(only.code, 2, "{only:?}");
    let message = only.error()["message"].as_str().unwrap().to_owned();
    let id = first.answer()["steps"][3]["error"]["request_id"].clone();
    let why = format!(
        "{step} may have been done by finpass, request id {}; reconcile it first: ",
        id.as_str().unwrap()
    );
    assert!(message.contains(&why), "{message}");
    assert!(message.contains("With --repeat open-aggregator-consent"));
    assert_eq!(sandbox.requests(), before, "none of it was sent");

    let repeated = ["--resume", "--only", step, "--repeat", step];
    let repeated = folder.run(&repeated, &sandbox.environment);
    assert_eq!(repeated.code, 0, "{repeated:?}");
    let [veriff, deepvue, finpro, finpass] = before;
    let once_more = finpass.saturating_add(1);
    assert_eq!(sandbox.requests(), [veriff, deepvue, finpro, once_more]);

    // What may have been billed is found still, however often it was repeated.
    let replaced = repeated.answer()["replaced"].clone();
    assert_eq!(folder.report()["replaced"], replaced);
    let first = &first.answer()["steps"][3]["error"];
    assert_eq!(
        (&replaced[0]["request_id"], &replaced[0]["error"]),
        (&id, first)
    );
    sandbox.fails(Provider::Finpass, Failure::new(503).after_effect());
    let other = folder.run(&["--resume", "--repeat", step], &sandbox.environment);
    let other = other.answer()["failed_repeats"][0]["error"].clone();
    sandbox.works_again();
    let path = folder.path();
    let arguments = FULL_ONBOARDING.iter().filter(|word| **word != "--json");
    let kept = ["--out", &path, "--resume", "--repeat", step];
    let arguments: Vec<_> = arguments.copied().chain(kept).collect();
    let told = kyc(&arguments, &sandbox.environment).stdout;
    let replaced = folder.report()["replaced"].clone();
    assert_eq!(replaced[2]["error"], other);
    for at in [0, 2] {
        let id = replaced[at]["request_id"].as_str().unwrap();
        let words = format!(
            "replaced: a try of {step} that may have been done by finpass, request id {id}"
        );
        assert!(told.contains(&words), "{words} in {told}");
    }
}

/// A consent may be recorded again, by Veriff's word; what opens a session or bills may not, as above.
#[test]
#[cfg(unix)]
fn a_consent_whose_recording_was_killed_is_recorded_again() {
    for more in [&["--resume"][..], &["--resume", "--only", "record-consent"]] {
        let (sandbox, folder, silent) = (Served::start(), Folder::new(), WaitingServer::start());
        let mut child = folder.start_at("VERIFF_BASE_URL", &[], &sandbox, &silent);
        let _waiting = silent.request();
        folder.wait_for_three();
        send("-KILL", &child);
        child.wait().unwrap();
        let left = folder.report()["steps"][0]["error"].clone();
        assert_eq!(left["outcome"], "unknown");
        let advice = "take the step again: it does no harm";
        assert_eq!(left["settling"], advice);
        let whole = folder.run(more, &sandbox.environment);
        assert_eq!(whole.code, 0, "{whole:?}");
        assert_eq!(sandbox.requests(), [1, 1, 1, 1]);
        let replaced = whole.answer()["replaced"][0].clone();
        assert_eq!(replaced["request_id"], left["request_id"]);
    }
}

/// The consent of another session, or to another text, would be recorded nowhere.
#[test]
fn a_consent_is_gone_on_from_with_the_same_session_and_text_only() {
    let (sandbox, folder) = (Served::start(), Folder::new());
    let path = folder.path();
    let first = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
    let run = |session: &str, text: &str, more: &[&str]| {
        let arguments = [
            "onboard",
            "--mobile",
            "9000000001",
            "--json",
            "--out",
            &path,
            "--session-id",
            session,
            "--consent-text",
            text,
        ];
        kyc(&[&arguments, more].concat(), &sandbox.environment)
    };
    assert_eq!(run(first, "I agree.", &[]).code, 0);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("I agree"), "{text}");
    let other = "00000000-0000-4000-8000-000000000002";
    let refused = |session: &str, text: &str, more: &[&str], flag: &str| {
        let before = sandbox.requests();
        let run = run(session, text, &[&["--resume"], more].concat());
        assert_eq!(
            (run.code, &run.error()["field"]),
            (2, &flag.into()),
            "{run:?}"
        );
        let rule = run.error()["rule"].as_str().unwrap().to_owned();
        assert!(rule.ends_with("with --repeat record-consent"), "{rule}");
        assert!(!run.stderr.contains(session) && !run.stderr.contains(text));
        assert_eq!(sandbox.requests(), before);
    };
    refused(other, "I agree.", &[], "--session-id");
    refused(first, "I agree!", &[], "--consent-text");
    refused(first, "I agree.", &["--type", "ine"], "--type");
    refused(
        other,
        "I agree.",
        &["--only", "open-documents"],
        "--session-id",
    );
    assert_eq!(run(first, "I agree.", &["--resume"]).code, 0);
    assert_eq!(sandbox.requests()[0], 1);

    // One that is not recorded leaves the first, and one that is takes its place.
    let repeat = ["--resume", "--repeat", "record-consent"];
    sandbox.fails(Provider::Veriff, Failure::new(422));
    assert_eq!(run(other, "I agree.", &repeat).code, 4);
    sandbox.works_again();
    refused(other, "I agree.", &[], "--session-id");
    assert_eq!(run(other, "I agree.", &repeat).code, 0);
    refused(first, "I agree.", &[], "--session-id");
    assert_eq!(run(other, "I agree.", &["--resume"]).code, 0);
}

/// Until one is recorded, or may be, there is none to be kept to.
#[test]
fn a_consent_that_was_refused_may_be_given_anew() {
    let (sandbox, folder) = (Served::start(), Folder::new());
    sandbox.fails(Provider::Veriff, Failure::new(422));
    assert_eq!(folder.run(&[], &sandbox.environment).code, 4);
    sandbox.works_again();
    let path = folder.path();
    let text = FULL_ONBOARDING.map(|word| if word == "I agree." { "Yes." } else { word });
    let resumed = [&text[..], &["--out", &path, "--resume"]].concat();
    assert_eq!(kyc(&resumed, &sandbox.environment).code, 0);
    let again = folder.run(&["--resume"], &sandbox.environment);
    assert_eq!(again.error()["field"], "--consent-text", "{again:?}");
}

#[test]
#[cfg(unix)]
fn a_command_that_is_killed_leaves_what_was_opened() {
    use std::os::unix::fs::PermissionsExt as _;

    let (sandbox, folder, silent) = (Served::start(), Folder::new(), WaitingServer::start());
    let mut child = folder.start(&[], &sandbox, &silent);
    // Discovery is done, and the consent's request is in flight.
    let _waiting = silent.request();
    folder.wait_for_three();
    send("-KILL", &child);
    child.wait().unwrap();
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let path = folder.path();
    assert_eq!((mode(&path), mode(&format!("{path}.key"))), (0o600, 0o600));
    let left = folder.report();
    let error = &left["steps"][3]["error"];
    assert_eq!(
        (&error["kind"], &error["outcome"]),
        (&"transport".into(), &"unknown".into())
    );
    assert!(left["steps"][1]["value"]["url"].is_string(), "and the link");
    let before = sandbox.requests();
    assert_eq!(before, [1, 1, 1, 0]);

    let held = folder.run(&["--resume"], &sandbox.environment);
    assert_eq!(held.code, 5, "{held:?}");
    assert_eq!(sandbox.requests(), before);
    // Printed for people, with what is to be done about the step that nobody saw end.
    let path = folder.path();
    let arguments = FULL_ONBOARDING.iter().filter(|word| **word != "--json");
    let arguments: Vec<_> = arguments
        .copied()
        .chain(["--out", &path, "--resume"])
        .collect();
    let told = kyc(&arguments, &sandbox.environment).stdout;
    for words in [
        "reconcile first: open-aggregator-consent may have been done by finpass",
        "  to reconcile it: ask the provider what became of the request with this id",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let repeat = ["--resume", "--repeat", "open-aggregator-consent"];
    let whole = folder.run(&repeat, &sandbox.environment);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert_eq!(sandbox.requests(), [1, 1, 1, 1]);
    assert_eq!(references(&whole.answer())[..2], references(&left)[..2]);
}

/// The report has the links for the person, and the key tells whose it is.
#[test]
#[cfg(unix)]
fn a_report_or_a_key_that_others_may_read_is_not_gone_on_from() {
    use std::os::unix::fs::PermissionsExt as _;

    let (sandbox, folder) = (Served::start(), Folder::new());
    assert_eq!(folder.run(&[], &sandbox.environment).code, 0);
    let before = sandbox.requests();
    let path = folder.path();
    for (open, name) in [
        (path.clone(), "--out: "),
        (format!("{path}.key"), "--out: report.json.key beside it "),
    ] {
        let mode = |mode| fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        let refused = folder.run(&["--resume"], &sandbox.environment);
        assert_eq!(refused.code, 2, "{refused:?}");
        let says = format!("{name}may be read by others (mode 644)");
        assert!(refused.stderr.contains(&says), "{refused:?}");
        mode(0o600);
    }
    assert_eq!(folder.run(&["--resume"], &sandbox.environment).code, 0);
    assert_eq!(sandbox.requests(), before);
}

#[test]
fn an_interruption_says_how_it_goes_on() {
    let (sandbox, folder, silent) = (Served::start(), Folder::new(), WaitingServer::start());
    let finpass = silent.environment();
    let address = [("FINPASS_BASE_URL", finpass[0].1.as_str())];
    let path = folder.path();
    let arguments = ["onboard", "--mobile", "9000000001", "--out", path.as_str()];
    let child = started(&arguments, &changed(&sandbox.environment, &address));
    let waiting = silent.request();
    send("-INT", &child);
    let run = ended(child);
    drop(waiting);
    assert_eq!(run.code, 130);
    assert!(
        run.stderr
            .contains("the same command with --resume goes on"),
        "{run:?}"
    );
    assert_eq!(folder.report()["steps"][2]["result"], "done");
}

#[test]
fn the_file_names_nobody_and_is_gone_on_from_for_the_same_person_only() {
    let (sandbox, folder) = (Served::start(), Folder::new());
    let pan = ["--pan", "AAAAA0000A", "--on-finding", "ignore"];
    assert_eq!(folder.run(&pan, &sandbox.environment).code, 0);
    let text = fs::read_to_string(folder.path()).unwrap();
    for hidden in ["9000000001", "AAAAA0000A", "I agree", "lender.example"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    let before = sandbox.requests();
    let path = folder.path();
    let as_person = |mobile: &str, more: &[&str]| {
        let person = [
            "onboard", "--mobile", mobile, "--json", "--out", &path, "--resume",
        ];
        kyc(&[&person[..], more].concat(), &sandbox.environment)
    };
    for run in [
        as_person("9000000002", &[]),
        as_person(
            "9000000001",
            &["--pan", "BBBBB0000B", "--on-finding", "ignore"],
        ),
    ] {
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(run.error()["field"], "--out");
        assert_eq!(run.error()["rule"], "is about another person");
    }
    assert_eq!(as_person("9000000001", &[]).code, 0);
    fs::remove_file(format!("{path}.key")).unwrap();
    let run = as_person("9000000001", &[]);
    let rule = "report.json.key beside it is missing: without it the person cannot be recognised";
    assert_eq!(run.error()["rule"], rule);
    assert_eq!(sandbox.requests(), before);
}

#[test]
fn what_cannot_be_kept_or_gone_on_from_is_refused_before_anything_is_sent() {
    let (sandbox, folder) = (Served::start(), Folder::new());
    let no_file = folder.run(&["--resume"], &sandbox.environment);
    assert!(
        no_file.stderr.contains("has no report to go on from"),
        "{no_file:?}"
    );
    assert!(!Path::new(&folder.path()).exists());
    fs::write(folder.path(), "{}").unwrap();
    for (more, field, rule) in [
        (&[][..], "--out", "already exists; use --resume"),
        (
            &["--resume"],
            "--out",
            "report.json.key beside it is missing",
        ),
        (
            &["--resume", "--sandbox"],
            "--resume",
            "is not for --sandbox",
        ),
        (&["--complete"], "--out", "keeps what was opened"),
        (
            &["--resume", "--only", "CANARY"],
            "--only",
            "must be one of: record-consent, ",
        ),
        (
            &["--resume", "--repeat", "CANARY"],
            "--repeat",
            "must be one of: record-consent, ",
        ),
    ] {
        let run = folder.run(more, &sandbox.environment);
        assert_eq!(
            (run.code, &run.error()["field"]),
            (2, &field.into()),
            "{run:?}"
        );
        let told = run.error()["rule"].as_str().unwrap().to_owned();
        assert!(told.starts_with(rule), "{told}");
        assert!(!run.stderr.contains("CANARY"));
    }
    let key = format!("{}.key", folder.path());
    write_for_the_owner(&key, "00".repeat(32));
    for (text, rule) in [
        (
            "CANARY",
            "is not the report of an onboarding: request: is not JSON",
        ),
        (
            "{}",
            "is not the report of an onboarding: kyc_onboarding: is required",
        ),
        (
            r#"{"kyc_onboarding":1,"person":{"mobile":""},"report":{"version":2}}"#,
            "is not the report of an onboarding: report: version: must be at most 1",
        ),
    ] {
        write_for_the_owner(folder.path(), text);
        let run = folder.run(&["--resume"], &sandbox.environment);
        let told = run.error()["rule"].as_str().unwrap().to_owned();
        assert!(run.code == 2 && told.starts_with(rule), "{told}");
        assert_eq!(fs::read_to_string(folder.path()).unwrap(), text, "kept");
    }
    for (flags, needs) in [
        (&["--resume"][..], "--out"),
        (&["--only", "open-documents"], "--only: needs --resume"),
        (&["--repeat", "open-documents"], "--repeat: needs --resume"),
    ] {
        let run = kyc(
            &[&FULL_ONBOARDING[..], flags].concat(),
            &sandbox.environment,
        );
        assert!(run.code == 2 && run.stderr.contains(needs), "{run:?}");
    }
    assert_eq!(sandbox.requests(), [0; 4]);
}

#[test]
fn two_commands_do_not_go_on_from_one_report() {
    let (sandbox, folder, silent) = (Served::start(), Folder::new(), WaitingServer::start());
    let child = folder.start(&[], &sandbox, &silent);
    let waiting = silent.request();
    let other = folder.run(&["--resume"], &sandbox.environment);
    assert_eq!(
        other.error()["rule"],
        "another run is writing to it",
        "{other:?}"
    );
    drop(waiting);
    ended(child);
}

#[test]
fn what_can_no_longer_be_written_is_said() {
    let (sandbox, folder, silent) = (Served::start(), Folder::new(), WaitingServer::start());
    let child = folder.start(&[], &sandbox, &silent);
    let waiting = silent.request();
    fs::remove_file(folder.path()).unwrap();
    fs::create_dir(folder.path()).unwrap();
    drop(waiting);
    let run = ended(child);
    assert_eq!(run.code, 7, "{run:?}");
    assert!(
        run.stderr.contains("the report could not be written"),
        "{run:?}"
    );
    assert_eq!(run.answer()["steps"][2]["result"], "done", "it is printed");
}

const CONSENT: &str = "open-aggregator-consent";

#[test]
fn a_repeat_that_fails_takes_no_result_away() {
    let (sandbox, folder) = (Served::start(), Folder::new());
    let first = folder.run(&[], &sandbox.environment);
    assert_eq!(first.code, 0, "{first:?}");
    let done = first.answer()["steps"].clone();
    let repeat = ["--resume", "--repeat", CONSENT];
    for (failure, unsettled) in [
        (Failure::new(422), false),
        (Failure::new(503).after_effect(), true),
    ] {
        sandbox.fails(Provider::Finpass, failure);
        let failed = folder.run(&repeat, &sandbox.environment);
        assert_eq!(failed.code, 4, "{failed:?}");
        sandbox.works_again();
        let told = failed.answer()["failed_repeats"].clone();
        assert_eq!(told[0]["step"], CONSENT);
        assert_eq!(told[0]["error"]["unsettled"], unsettled);
        assert_eq!(failed.answer()["steps"], done);
        assert_eq!(folder.report()["steps"], done, "with the link");
        let before = sandbox.requests();
        let plain = folder.run(&["--resume"], &sandbox.environment);
        assert_eq!(plain.code, if unsettled { 4 } else { 0 }, "{plain:?}");
        assert_eq!(sandbox.requests(), before, "no other one is opened");
    }
    let again = folder.run(&repeat, &sandbox.environment);
    assert_eq!(again.code, 0, "{again:?}");
    let report = folder.report();
    assert!(report["failed_repeats"].is_null());
    let replaced = &report["replaced"][0];
    assert_eq!(replaced["reference"], done[3]["value"]["reference"]);
    assert_eq!(replaced["request_id"], done[3]["request_id"]);
    assert_ne!(references(&report)[3], replaced["reference"]);
}

#[test]
#[cfg(unix)]
fn a_repeat_that_is_ended_takes_no_result_away() {
    for signal in ["-KILL", "-TERM"] {
        let (sandbox, folder, silent) = (Served::start(), Folder::new(), WaitingServer::start());
        let first = folder.run(&[], &sandbox.environment);
        assert_eq!(first.code, 0, "{first:?}");
        let repeat = ["--resume", "--repeat", CONSENT];
        let mut child = folder.start(&repeat, &sandbox, &silent);
        let _waiting = silent.request();
        send(signal, &child);
        child.wait().unwrap();
        let left = folder.report();
        assert_eq!(left["steps"], first.answer()["steps"]);
        assert_eq!(left["failed_repeats"][0]["error"]["outcome"], "unknown");
        let before = sandbox.requests();
        let plain = folder.run(&["--resume"], &sandbox.environment);
        assert_eq!(plain.code, 5, "it is to be reconciled: {plain:?}");
        assert_eq!(sandbox.requests(), before);
    }
}

#[test]
fn the_answer_of_the_report_holds_until_another_one_is_recorded() {
    let (sandbox, folder) = (Served::start(), Folder::new());
    let first = folder.run(&["--approved", "false"], &sandbox.environment);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(sandbox.requests(), [1, 0, 0, 0]);
    let again = folder.run(&["--resume"], &sandbox.environment);
    assert_eq!(again.answer()["answer"], "refused");
    let refused = |more: &[&str]| {
        let before = sandbox.requests();
        let run = folder.run(&[&["--resume"], more].concat(), &sandbox.environment);
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(run.error()["field"], "--approved");
        let rule = run.error()["rule"].as_str().unwrap().to_owned();
        assert!(rule.ends_with("with --repeat record-consent"), "{rule}");
        assert_eq!(sandbox.requests(), before);
    };
    refused(&["--approved", "true"]);
    assert_eq!(sandbox.requests(), [1, 0, 0, 0]);
    let repeat = ["--resume", "--repeat", "record-consent", "--approved"];
    let whole = folder.run(&[&repeat[..], &["true"]].concat(), &sandbox.environment);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert_eq!(sandbox.requests(), [2, 1, 1, 1]);
    refused(&["--approved", "false"]);
    let discover = "discover-aggregators";
    refused(&[
        "--only",
        discover,
        "--repeat",
        discover,
        "--approved",
        "false",
    ]);
    let whole = folder.run(&[&repeat[..], &["false"]].concat(), &sandbox.environment);
    assert_eq!(whole.answer()["answer"], "refused");
    assert_eq!(
        references(&whole.answer())[1..],
        references(&folder.report())[1..]
    );
    assert_eq!(folder.report()["steps"][2]["result"], "done");
}

/// As far as a process can be told that a disk is full: no file of it grows beyond this many blocks of 512 bytes.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_is_one_exit_code_before_the_run_and_during_it() {
    let folder = Folder::new();
    for (blocks, says) in [
        ("0", "the key beside --out"),
        (
            "1",
            "the report could not be written: file too large. There is no file, and nothing was sent",
        ),
    ] {
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let run = |more: &[&str]| {
            let run = std::process::Command::new("sh")
                .args(["-c", &limited, "sh", env!("CARGO_BIN_EXE_kyc")])
                .args(["onboard", "--sandbox", "--mobile-number", "9000000001"])
                .args(["--out", &folder.path()])
                .args(more)
                .output()
                .unwrap();
            let told = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(8), "{told}");
            told
        };
        if blocks == "0" {
            let error: Value = serde_json::from_str(&run(&["--json"])).unwrap();
            let became = (&error["outcome"], &error["unsettled"]);
            assert_eq!(became, (&"not_sent".into(), &false.into()));
        }
        let told = run(&[]);
        assert!(told.contains(says), "{told}");
    }
}
