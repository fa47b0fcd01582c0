//! `kyc journey`.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use provider_core::jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::kyc::{Run, SandboxProcess, ended, kyc, send, started};

/// A directory with a file of journeys.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// `kyc journey` with this file.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let db = self.path("journeys.db");
        let mut all = vec!["journey"];
        all.extend(arguments);
        all.extend(["--db", &db]);
        kyc(&all, &[])
    }

    pub(crate) fn start(&self, mobile: &str, more: &[&str]) -> Run {
        let mut arguments = vec!["start", "--sandbox", "--mobile-number", mobile, "--json"];
        arguments.extend(more);
        self.run(&arguments)
    }
}

pub(crate) fn id(run: &Run) -> String {
    run.answer()["journey"].as_str().unwrap().to_owned()
}

pub(crate) fn statuses(journey: &Value) -> Vec<&str> {
    let legs = journey["legs"].as_array().unwrap().iter();
    legs.map(|leg| leg["status"].as_str().unwrap()).collect()
}

#[test]
fn a_person_who_approves_completes_a_journey_that_is_kept() {
    let files = Files::new();
    let run = files.run(&["start", "--sandbox", "--mobile-number", "9001000000"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.stderr, "");
    for text in [
        "consent-given -> ledger: given",
        "answered open-documents opened -> person: link for documents",
        "returned approved",
        "answered check-profile onemoney ready",
        "answered fetch-data fetched",
        "answered read-decision approved",
        "status completed",
    ] {
        assert!(run.stdout.contains(text), "{text} in {}", run.stdout);
    }
    let last = run.stdout.lines().last().unwrap();
    let id = last.split_whitespace().nth(1).unwrap();
    assert!(last.ends_with("completed"), "{last}");

    let list = files.run(&["list", "--json"]).answer();
    assert_eq!(list[0]["id"], id);
    assert_eq!(list[0]["status"], "completed");
    let show = files.run(&["show", id]);
    assert_eq!(show.code, 0, "{show:?}");
    for line in run.stdout.lines() {
        assert!(show.stdout.contains(line), "{line} in {}", show.stdout);
    }
    let show = files.run(&["show", id, "--json"]).answer();
    assert_eq!(statuses(&show), ["ready", "ready", "ready"]);
    let timeline = show["timeline"].as_array().unwrap();
    let numbers: Vec<_> = timeline.iter().map(|line| line["seq"].as_u64()).collect();
    let expected: Vec<_> = (1..).map(Some).take(timeline.len()).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn the_exit_code_says_how_a_journey_ended() {
    let files = Files::new();
    for (mobile, code, status) in [
        ("9001000000", 0, "completed"),
        ("9000000001", 0, "completed"),
        ("9001030000", 3, "rejected"),
        ("9001060000", 4, "needs_person"),
    ] {
        let run = files.start(mobile, &[]);
        assert_eq!(run.code, code, "{mobile}: {run:?}");
        assert_eq!(run.answer()["status"], status, "{mobile}");
    }
    let short = files.write(
        "short.toml",
        "deadline = \"2h\"\n[accounts]\nprovider = \"finpro\"\naggregators = [\"onemoney\"]\n",
    );
    let run = files.start("9001060000", &["--plan", &short]);
    assert_eq!(run.code, 5, "{run:?}");
    assert_eq!(run.answer()["status"], "expired");
    let all = files.run(&["list", "--json"]).answer();
    assert_eq!(all.as_array().unwrap().len(), 5);
    let waiting = files
        .run(&["list", "--json", "--status", "needs-person"])
        .answer();
    assert_eq!(waiting.as_array().unwrap().len(), 1);
    let stuck = files.run(&["list", "--json", "--stuck", "365d"]).answer();
    assert_eq!(stuck.as_array().unwrap().len(), 0);
}

#[test]
fn a_journey_is_asked_for_again_in_another_process_leg_by_leg() {
    let files = Files::new();
    let run = files.start("9001060000", &[]);
    let id = id(&run);
    let journey = run.answer();
    let last = journey["timeline"].as_array().unwrap().last().unwrap()["seq"]
        .as_u64()
        .unwrap();
    let updated_at: Timestamp = journey["updated_at"].as_str().unwrap().parse().unwrap();
    let attempts = |run: &Run| {
        let journey = run.answer();
        let legs = journey["legs"].as_array().unwrap().iter();
        legs.map(|leg| leg["attempt"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(attempts(&run), [1, 1, 1]);
    let resume = |more: &[&str]| {
        let mut arguments = vec!["resume", &id, "--sandbox", "--json"];
        arguments.extend(more);
        files.run(&arguments)
    };
    let run = resume(&["--leg", "verification"]);
    assert_eq!((run.code, attempts(&run)), (4, vec![1, 1, 2]), "{run:?}");
    // The number may be given, if it is the person's.
    let run = resume(&["--mobile-number", "9001060000"]);
    assert_eq!((run.code, attempts(&run)), (4, vec![2, 2, 3]), "{run:?}");
    // The clock does not go back to that of this machine.
    let journey = run.answer();
    let timeline = journey["timeline"].as_array().unwrap();
    let at = |line: &Value| line["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let mut later = timeline
        .iter()
        .filter(|line| line["seq"].as_u64() > Some(last));
    assert!(later.all(|line| at(line) >= updated_at));
}

#[test]
fn what_cannot_go_on_says_where_it_stands_and_tells_no_number() {
    let files = Files::new();
    let refused = |run: Run, words: &str| {
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(words), "{words} in {run:?}");
        assert!(!run.stderr.contains("90010"), "{run:?}");
    };
    let resume = |id: &str, more: &[&str]| {
        let mut arguments = vec!["resume", id, "--sandbox"];
        arguments.extend(more);
        files.run(&arguments)
    };
    let completed = id(&files.start("9001000000", &["--key", "ORDER-17"]));
    refused(
        resume(&completed, &[]),
        "ID: is completed, and nobody can make it go on",
    );
    // No e-Aadhaar's holder comes back; accounts and verification are done.
    let waiting = id(&files.start("9001330000", &[]));
    refused(
        resume(&waiting, &["--leg", "accounts"]),
        "--leg: accounts is ready, and nobody can make it go on",
    );
    let other = "--mobile-number: is not the number of the journey's person";
    refused(resume(&waiting, &["--mobile", "9001000000"]), other);
    refused(files.start("9001060000", &["--key", "ORDER-17"]), other);
    let plan = "[documents]\nwanted = [\"pan\"]\n[accounts]\nprovider = \"finpro\"\nafter = [\"documents\"]\n";
    let plan = files.write("plan.toml", plan);
    let one = id(&files.start("9001330000", &["--plan", &plan]));
    refused(
        resume(&one, &["--leg", "verification"]),
        "--leg: verification is not in the journey's plan",
    );
    refused(
        resume(&one, &["--leg", "accounts"]),
        "--leg: accounts waits for other legs, and begins then",
    );
}

/// Following one journey moves its clock by days. Others in the file are not touched.
#[test]
fn other_journeys_of_the_file_stand_still_meanwhile() {
    let files = Files::new();
    let waiting = id(&files.start("9001050000", &[]));
    let before = files.run(&["show", &waiting, "--json"]).answer();
    assert_eq!(files.start("9001060000", &[]).code, 4);
    let after = files.run(&["show", &waiting, "--json"]).answer();
    assert_eq!(before, after);
}

#[test]
fn journeys_do_not_go_on_in_a_sandbox_that_is_not_theirs() {
    let files = Files::new();
    files.start("9000000002", &[]);
    let sandbox = files.path("journeys.db.sandbox");
    let earlier = fs::read(&sandbox).unwrap();
    let journey = id(&files.start("9001050000", &["--key", "ORDER-17"]));
    let its_own = fs::read(&sandbox).unwrap();
    // With each of a journey's ways to go on.
    let refused = |says: &str| {
        let serve = ["serve", "--sandbox", "--listen", "127.0.0.1:0"];
        let serve = [&serve[..], &["--sandbox-listen", "127.0.0.1:0"]].concat();
        for arguments in [&["resume", &journey, "--sandbox"][..], &serve] {
            let run = files.run(arguments);
            let named =
                format!("--sandbox: journey {journey} did not begin in a sandbox that is here");
            assert!(run.code == 2 && run.stderr.contains(&named), "{run:?}");
            assert!(run.stderr.contains(&sandbox), "{run:?}");
            for says in [says, "from where it began, or let it go on there"] {
                assert!(run.stderr.contains(says), "{says}: {run:?}");
            }
        }
    };
    fs::remove_file(&sandbox).unwrap();
    refused("where there is none at");
    // Nor does another one begin there, after which real providers could not go on with the first.
    let key = ["--key", "ORDER-18"];
    let begun = files.start("9000000003", &key);
    assert_eq!(
        (begun.code, &begun.error()["field"]),
        (2, &"--sandbox".into())
    );
    assert!(begun.stderr.contains(&journey), "{begun:?}");
    assert!(!fs::exists(&sandbox).unwrap());
    // As another journey of the file has left it: that one knows nothing of this.
    let put_back = |state: &[u8]| {
        fs::write(&sandbox, state).unwrap();
        fs::set_permissions(&sandbox, Permissions::from_mode(0o600)).unwrap();
    };
    put_back(&earlier);
    refused("knows nothing of it");
    put_back(&its_own);
    let resumed = files.run(&["resume", &journey, "--sandbox"]);
    assert!(!resumed.stderr.contains("did not begin"), "{resumed:?}");
    // The key was not taken by what was refused.
    assert_ne!(files.start("9000000004", &key).code, 2);
}

#[test]
fn the_same_key_is_the_same_journey() {
    let files = Files::new();
    let first = files.start("9001000000", &["--key", "ORDER-17"]);
    let again = files.start("9001000000", &["--key", "ORDER-17"]);
    assert_eq!(again.code, 0);
    assert_eq!(first.answer(), again.answer());
    assert!(again.stderr.contains("has a journey already"), "{again:?}");
    let other = files.start("9001000000", &["--key", "ORDER-18"]);
    assert_ne!(id(&other), id(&first));
    // Whose it is, it knows.
    let start = ["start", "--sandbox", "--json"];
    let unnamed = |key: &str| files.run(&[&start[..], &["--key", key]].concat());
    let again = unnamed("ORDER-17");
    assert_eq!((again.code, id(&again)), (0, id(&first)), "{again:?}");
    let none = unnamed("ORDER-19");
    assert_eq!(none.error()["field"], "--mobile-number", "{none:?}");
    let none = files.run(&start);
    assert_eq!(
        (none.code, &none.error()["field"]),
        (2, &"--mobile-number".into())
    );
    // Nobody else can tell whose journey it is.
    let elsewhere = Files::new();
    let elsewhere = elsewhere.start("9001000000", &["--key", "ORDER-17"]);
    assert_ne!(id(&elsewhere), id(&first));
}

#[test]
fn a_withdrawal_erases_and_stays() {
    let files = Files::new();
    let journey = id(&files.start("9001000000", &["--key", "ORDER-17"]));
    let run = files.run(&["withdraw", &journey, "--json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let timeline = run.answer()["timeline"].clone();
    let last = timeline.as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["event"], "withdrawn");
    for asked in [
        "call revoke-consent",
        "erase documents",
        "erase account_data",
    ] {
        let asks = last["asks"].as_array().unwrap();
        assert!(asks.iter().any(|ask| ask == asked), "{asked} in {asks:?}");
    }
    // Who it was is erased; whose it is, the ledger tells.
    for command in [
        &["start", "--sandbox", "--key", "ORDER-17"][..],
        &["resume", &journey, "--sandbox"],
    ] {
        let other = files.run(&[command, &["--mobile-number", "9000000001"]].concat());
        assert_eq!((other.code, &*other.stdout), (2, ""), "{other:?}");
        let says = "--mobile-number: is not known to be that of the journey's person";
        assert!(other.stderr.contains(says), "{other:?}");
    }
    // Also whoever looks later is told, and what to do about it.
    let db = files.path("journeys.db");
    let shown = files.run(&["show", &journey]);
    let resumes = format!("`kyc journey resume {journey} --sandbox --db {db}` makes them");
    assert!(shown.stderr.contains(&resumes), "{shown:?}");
    assert_eq!(run.answer()["waiting_calls"], 2, "{run:?}");
    let list = files.run(&["list"]).stdout;
    assert!(list.contains("waiting"), "{list}");
    let list = files.run(&["list", "--json"]).answer();
    assert_eq!(list[0]["waiting_calls"], 2, "{list}");
    let elsewhere = files.path("elsewhere");
    fs::rename(files.path("journeys.db.sandbox"), &elsewhere).unwrap();
    let shown = files.run(&["show", &journey]);
    let brings = format!("bring its file, {db}.sandbox, which is missing");
    assert!(shown.stderr.contains(&brings), "{shown:?}");
    fs::rename(&elsewhere, files.path("journeys.db.sandbox")).unwrap();
    for command in ["withdraw", "cancel"] {
        let again = files.run(&[command, &journey]);
        assert_eq!(again.code, 2, "{again:?}");
        assert!(
            again.stderr.contains("ID: is withdrawn already"),
            "{again:?}"
        );
    }
    let known = files.start("9001000000", &["--key", "ORDER-17"]);
    assert_eq!(known.code, 5, "{known:?}");
    let plan = files.write("other.toml", "[verification]");
    let other = files.start("9001000000", &["--key", "ORDER-17", "--plan", &plan]);
    assert_eq!(other.code, 2, "{other:?}");
    let rule = "--plan: must be the plan with which the journey of this key began";
    assert!(other.stderr.contains(rule), "{other:?}");
    assert_eq!(files.run(&["watch", &journey]).code, 5);

    let waiting = id(&files.start("9001060000", &[]));
    let cancelled = files.run(&["cancel", &waiting, "--json"]);
    assert_eq!(cancelled.answer()["status"], "cancelled");
}

/// A journey in the sandbox is ahead of this machine's clock, and so is how long it has been stuck.
#[test]
fn how_long_a_journey_is_stuck_goes_by_the_sandbox_s_clock() {
    let files = Files::new();
    // One that has ended changes no more, and nobody has to look after it.
    let completed = files.start("9001000000", &[]);
    assert_eq!(completed.code, 0, "{completed:?}");
    let waiting = files.start("9001060000", &[]);
    assert_eq!(waiting.code, 4, "{waiting:?}");
    let stuck = |length| {
        let list = files.run(&["list", "--json", "--stuck", length]).answer();
        list.as_array().unwrap().len()
    };
    assert_eq!(stuck("1d"), 0);
    let state = files.path("journeys.db.sandbox");
    let sandbox = SandboxProcess::start_with(&["--listen", "127.0.0.1:0", "--state", &state]);
    let moved = kyc(&["clock", "advance", "PT49H"], &sandbox.environment);
    assert_eq!(moved.code, 0, "{moved:?}");
    drop(sandbox);
    for (length, expected) in [("1d", 1), ("PT48H", 1), ("86400", 1), ("7d", 0)] {
        assert_eq!(stuck(length), expected, "{length}");
    }
    let ended = ["list", "--json", "--stuck", "1d", "--status", "completed"];
    assert_eq!(files.run(&ended).answer().as_array().unwrap().len(), 1);
    // Unless it has something to give back.
    let completed = id(&completed);
    assert_eq!(files.run(&["withdraw", &completed]).code, 0);
    assert_eq!(stuck("1d"), 2);
    let resumed = files.run(&["resume", &completed, "--sandbox"]);
    assert_eq!(resumed.code, 5, "{resumed:?}");
    assert_eq!(stuck("1d"), 1);
}

#[test]
fn a_journey_that_comes_to_no_rest_is_left_after_the_timeout() {
    let files = Files::new();
    // Whose data stays pending.
    let run = files.start("9001000700", &["--timeout", "2"]);
    assert_eq!(run.code, 4, "{run:?}");
    assert!(
        run.stderr.contains("--timeout has passed: journey "),
        "{run:?}"
    );
    goes_on(&files, &run);
    let listed = files.run(&["list", "--status", "running"]);
    assert_eq!(listed.code, 0, "{listed:?}");
}

/// Whether the message says by which command the only journey goes on.
fn goes_on(files: &Files, run: &Run) {
    let list = files.run(&["list", "--json"]).answer();
    let id = list[0]["id"].as_str().unwrap();
    let db = files.path("journeys.db");
    let said = format!(
        "journey {id} is kept; `kyc journey resume {id} --sandbox --db {db}` goes on with it"
    );
    assert!(run.stderr.contains(&said), "{run:?}");
}

#[test]
#[cfg(unix)]
fn an_interruption_says_how_to_resume() {
    let files = Files::new();
    let db = files.path("journeys.db");
    let start = "journey start --sandbox --mobile-number 9001000700 --db";
    let start: Vec<_> = start.split(' ').chain([&*db]).collect();
    let mut child = started(&start, &[]);
    // It is followed once the first line is there.
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut String::new()).unwrap();
    send("-INT", &child);
    let run = ended(child);
    assert_eq!(run.code, 130, "{run:?}");
    assert!(run.stderr.contains("interrupted: kyc journey"), "{run:?}");
    goes_on(&files, &run);
}

#[test]
fn a_plan_says_what_is_to_be_reached() {
    let files = Files::new();
    let toml = "[documents]\nwanted = [\"pan\"]\n";
    let json = r#"{"accounts": {"provider": "finpass", "after": []}, "verification": {"required": false}}"#;
    for (name, text, legs) in [
        ("plan.toml", toml, vec!["documents"]),
        ("plan.JSON", json, vec!["accounts", "verification"]),
    ] {
        let plan = files.write(name, text);
        let run = files.start("9001000000", &["--plan", &plan]);
        assert_eq!(run.code, 0, "{run:?}");
        let journey = run.answer();
        let found = journey["legs"].as_array().unwrap().iter();
        let found: Vec<_> = found.map(|leg| leg["leg"].as_str().unwrap()).collect();
        assert_eq!(found, legs, "{name}");
    }
}

#[test]
fn what_is_wrong_is_told_before_anything_begins() {
    let files = Files::new();
    let plan = |text: &str| files.write("plan.toml", text);
    let start = |more: &[&str]| {
        let mut arguments = vec!["start", "--mobile-number", "9001000000"];
        arguments.extend(more);
        files.run(&arguments)
    };
    let refused = |run: Run, words: &str| {
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(words), "{words} in {run:?}");
        assert!(!run.stderr.contains("CANARY"), "{run:?}");
        assert!(!Path::new(&files.path("journeys.db")).exists());
    };
    refused(start(&[]), "--sandbox: is required");
    let number = files.run(&["start", "--sandbox", "--mobile-number", "CANARY"]);
    refused(number, "mobile_number: must be");
    let key = format!("CANARY{}", "x".repeat(600));
    refused(start(&["--sandbox", "--key", &key]), "--key: ");
    for blank in ["", " "] {
        refused(start(&["--sandbox", "--key", blank]), "--key: ");
    }
    #[cfg(unix)]
    refused(
        start(&["--sandbox", "--plan", "/dev/zero"]),
        "--plan: must be 64 KiB at most",
    );
    for (text, words) in [
        ("CANARY", "--plan: is not TOML at line 1"),
        ("", "--plan: plan: must have a leg"),
        (
            "[documents]\nwanted = []",
            "--plan: [documents] wanted: must name a document",
        ),
        (
            "[documents]\nwanted = [\"CANARY\"]",
            "--plan: [documents] wanted[0]: must be one of: ",
        ),
        (
            "[verification]\nrequird = true",
            "--plan: [verification] requird: is not a member of a plan",
        ),
        (
            "[verification]\nafter = [\"verification\"]",
            "--plan: [verification] after: must not lead back",
        ),
    ] {
        let plan = plan(text);
        refused(start(&["--sandbox", "--plan", &plan]), words);
    }
    let large = plan(&"#".repeat(70_000));
    refused(
        start(&["--sandbox", "--plan", &large]),
        "--plan: must be 64 KiB at most",
    );
    let missing = files.path("missing.toml");
    refused(
        start(&["--sandbox", "--plan", &missing]),
        "--plan: cannot be read: no such file",
    );
    for command in ["show", "watch", "cancel", "withdraw"] {
        refused(files.run(&[command, "CANARY"]), "--db: no such file");
    }
    refused(files.run(&["list"]), "--db: no such file");
    refused(
        files.run(&["list", "--status", "CANARY"]),
        "--status: must be one of new, ",
    );
    refused(
        files.run(&["list", "--stuck", "CANARY"]),
        "--stuck: must be a positive length of time",
    );
}

/// The file, what SQLite keeps beside it and what is printed: none has anything of the person, or of what was fetched.
#[test]
fn nothing_personal_is_stored_in_the_clear_or_printed() {
    let files = Files::new();
    let run = files.start("9001000000", &[]);
    let journey = id(&run);
    let shown = files.run(&["show", &journey]);
    let personal = [
        "9001000000",
        "lender.example.test",
        "masked_uid",
        "I agree",
        "JVBER",
    ];
    for value in personal {
        for run in [&run, &shown] {
            assert!(!run.stdout.contains(value), "{value}: {run:?}");
        }
        for file in fs::read_dir(files.0.path()).unwrap() {
            let path = file.unwrap().path();
            // What the providers know, and would know outside of a sandbox too.
            if path.extension().is_some_and(|end| end == "sandbox") {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let mut parts = bytes.windows(value.len());
            let found = parts.any(|part| part == value.as_bytes());
            assert!(!found, "{value} in {}", path.display());
        }
    }
}

/// An export is what somebody else may read: neither what was fetched nor what opens anything.
#[test]
fn an_export_has_state_history_and_receipts_and_nothing_personal_or_secret() {
    let files = Files::new();
    let plan = "[documents]\nwanted = [\"pan\"]\n";
    let plan = files.write("plan.toml", plan);
    let journey = id(&files.start("9001000000", &["--plan", &plan]));
    let run = files.run(&["export", &journey]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    let export = run.answer();
    assert_eq!(export["version"], 1);
    assert_eq!(export["journey"], journey.as_str());
    assert_eq!(export["status"], "completed");
    assert_eq!(export["state"]["status"], "completed");
    let history = export["history"].as_array().unwrap();
    assert_eq!(
        history.len() as u64,
        export["state"]["seq"].as_u64().unwrap()
    );
    let receipts = export["receipts"].as_array().unwrap();
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0]["is_live"], true);
    let classes = |export: &Value| {
        let kept = export["payloads"].as_array().unwrap().iter();
        let classes = kept.map(|kept| kept["class"].as_str().unwrap().to_owned());
        classes.collect::<Vec<_>>()
    };
    assert_eq!(classes(&export), ["person", "documents", "documents"]);
    assert_eq!(export["state"]["started"]["token"], "***");
    let hidden = run.stdout.matches("***").count();
    assert!(hidden > 2, "the token stands in each address: {hidden}");
    for value in ["9001000000", "lender.example.test", "I agree", "JVBER"] {
        assert!(!run.stdout.contains(value), "{value}: {run:?}");
    }
    files.run(&["withdraw", &journey]);
    let export = files.run(&["export", &journey]).answer();
    assert!(classes(&export).is_empty());
    assert_eq!(export["receipts"][0]["is_live"], false);
    let nobody = files.run(&["export", "nobody"]);
    assert_eq!(nobody.code, 2, "{nobody:?}");
}
