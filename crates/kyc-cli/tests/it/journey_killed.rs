//! `kyc journey`, killed: whatever the moment, it goes on, and what was opened in the sandbox is there.

use std::collections::HashMap;

use rusqlite::Connection;
use serde_json::Value;

use crate::journey::{Files, id, statuses};
use crate::kyc::{Run, started};

const NUMBER: &str = "9001000000";

impl Files {
    /// Starts a journey that is killed at this passing of a point.
    fn killed(&self, mobile: &str, point: &str, passing: u32) {
        let db = self.path("journeys.db");
        let start = [
            "journey",
            "start",
            "--sandbox",
            "--mobile",
            mobile,
            "--key",
            "ORDER-17",
            "--db",
            &db,
        ];
        let at = format!("{point}#{passing}");
        let environment = [("KYC_JOURNEY_KILL_AT".to_owned(), at.clone())];
        let mut child = started(&start, &environment);
        let code = child.wait().unwrap().code();
        assert_eq!(code, None, "{at}");
    }

    /// The only journey.
    fn only(&self) -> String {
        let list = self.run(&["list", "--json"]).answer();
        list[0]["id"].as_str().unwrap().to_owned()
    }

    fn resume(&self, id: &str, more: &[&str]) -> Run {
        let mut arguments = vec!["resume", id, "--sandbox", "--json"];
        arguments.extend(more);
        self.run(&arguments)
    }

    /// What became of the calls after so many events: `revoke-consent done`.
    fn calls_after(run: &Run, events: usize) -> Vec<String> {
        let journey = run.answer();
        let timeline = journey["timeline"].as_array().unwrap().iter();
        let answers = timeline.skip(events).filter(|line| {
            let event = line["event"].as_str().unwrap();
            ["answered", "failed", "interrupted"].contains(&event)
        });
        let words = |line: &Value, name: &str| line[name].as_str().unwrap_or("?").to_owned();
        let calls = answers.map(|line| format!("{} {}", words(line, "about"), words(line, "said")));
        let mut calls: Vec<_> = calls.collect();
        calls.sort();
        calls
    }

    /// How often a request had an effect at a provider, by the operation and what stands for the request's id: more than once is billed
    /// twice.
    fn effects(&self) -> HashMap<(String, String), u32> {
        let sandbox = Connection::open(self.path("journeys.db.sandbox")).unwrap();
        let rows = "SELECT body FROM entry WHERE room = 'happenings'";
        let mut rows = sandbox.prepare(rows).unwrap();
        let bodies = rows.query_map((), |row| row.get::<_, String>(0)).unwrap();
        let mut effects = HashMap::new();
        for body in bodies {
            let body: Value = serde_json::from_str(&body.unwrap()).unwrap();
            let call = &body["what"]["Call"];
            if call["had_effect"] == true {
                let operation = call["operation"].as_str().unwrap().to_owned();
                let request = (operation, call["request_id"].to_string());
                let times: &mut u32 = effects.entry(request).or_default();
                *times = times.saturating_add(1);
            }
        }
        effects
    }

    /// No call that may not be repeated had an effect twice. Recording a consent may be.
    pub(crate) fn nothing_is_billed_twice(&self, at: &str) {
        let effects = self.effects();
        assert!(!effects.is_empty(), "{at}");
        for ((operation, _), times) in effects {
            let may_repeat = operation == "record-consent";
            assert!(times == 1 || may_repeat, "{at}: {operation} {times} times");
        }
    }
}

#[test]
fn a_journey_that_is_killed_goes_on_to_its_end_and_nothing_is_billed_twice() {
    for (point, passings) in [
        ("after a database is in its place", vec![1]),
        // Between the start and the consent, for one.
        ("after a commit", vec![1, 2, 9, 14, 20]),
        ("before a commit", vec![2, 13]),
        ("in a transaction", vec![15]),
        ("before a mark", vec![1, 4]),
        ("after a mark", vec![1, 2, 4]),
        ("after a call", vec![1, 3, 4, 6, 9]),
        ("after an answer", vec![1, 4, 8]),
        ("before a timer", vec![1]),
        ("after a delivery", vec![1, 8]),
    ] {
        for passing in passings {
            let at = format!("{point} {passing}");
            let files = Files::new();
            files.killed(NUMBER, point, passing);
            // The same command again, as whoever saw it die would give it.
            let mut run = files.start(NUMBER, &["--key", "ORDER-17"]);
            let journey = id(&run);
            // Only a person may ask again for what may have been done.
            if run.code == 4 {
                let legs = run.answer()["legs"].clone();
                let mut legs = legs.as_array().unwrap().iter();
                assert!(
                    legs.any(|leg| leg["unsettled"].is_string() || leg["phase"] == "code_failed"),
                    "{at}: {run:?}"
                );
                run = files.resume(&journey, &[]);
            }
            assert_eq!(run.code, 0, "{at}: {run:?}");
            assert_eq!(statuses(&run.answer()), ["ready", "ready", "ready"], "{at}");
            assert_eq!(files.only(), journey, "{at}");
            files.nothing_is_billed_twice(&at);
        }
    }
}

/// `resume` does what the same `start` does, and needs no number.
#[test]
fn a_journey_that_was_killed_is_resumed_by_its_id() {
    for (point, passing) in [("after a commit", 1), ("before a timer", 1)] {
        let files = Files::new();
        files.killed(NUMBER, point, passing);
        let journey = files.only();
        let run = files.resume(&journey, &[]);
        assert_eq!(run.code, 0, "{run:?}");
        files.nothing_is_billed_twice(point);
    }
}

/// A person keeps what they began, though the process that they began it in was killed.
#[test]
fn the_sandboxes_sessions_persons_and_clock_survive() {
    let files = Files::new();
    // Each step takes its person ninety seconds, and by the first timer all that was called for has its answer.
    files.killed("9001010000", "before a timer", 1);
    let journey = files.only();
    let before = files.run(&["show", &journey, "--json"]).answer();
    let run = files.resume(&journey, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    let after = run.answer();
    for (before, after) in before["legs"]
        .as_array()
        .unwrap()
        .iter()
        .zip(after["legs"].as_array().unwrap())
    {
        assert_eq!(before["attempt"], after["attempt"], "{after}");
    }
    files.nothing_is_billed_twice("a slow person");
    // Without the sandbox's state the sessions are nobody's, as at a provider that lost its data.
    let files = Files::new();
    files.killed("9001010000", "before a timer", 1);
    std::fs::remove_file(files.path("journeys.db.sandbox")).unwrap();
    assert_ne!(files.resume(&files.only(), &[]).code, 0);
}

#[test]
fn a_sandbox_of_other_journeys_is_refused_before_anything_happens() {
    let (files, other) = (Files::new(), Files::new());
    let journey = id(&files.start("9001060000", &[]));
    let before = files.run(&["show", &journey, "--json"]).answer();
    other.start(NUMBER, &[]);
    let sandbox = files.path("journeys.db.sandbox");
    std::fs::copy(other.path("journeys.db.sandbox"), &sandbox).unwrap();
    for run in [files.resume(&journey, &[]), files.start(NUMBER, &[])] {
        assert_eq!(run.code, 2, "{run:?}");
        let words = "the sandbox beside --db: belongs to other journeys";
        assert!(run.stderr.contains(words), "{run:?}");
    }
    assert_eq!(before, files.run(&["show", &journey, "--json"]).answer());
    std::fs::write(&sandbox, "no sandbox at all").unwrap();
    let run = files.resume(&journey, &[]);
    let words = "the sandbox beside --db: is not an SQLite database";
    assert!(run.stderr.contains(words), "{run:?}");
}

/// What ends a journey asks providers to give back what they hold. That is done when somebody follows it, and nothing else is.
#[test]
fn what_an_ended_journey_has_to_give_back_is_given_back_once_it_is_followed() {
    let whole =
        "[documents]\nwanted = [\"pan\"]\n[verification]\n[accounts]\nprovider = \"finpro\"\n";
    // Documents wait for their person, and the others are there.
    let number = "9001330000";
    for (plan, end, killed, done) in [
        (
            whole,
            "withdraw",
            None,
            vec!["delete-session done", "revoke-consent done"],
        ),
        // Alone: what was under way beside it might be done and not be known to be.
        (
            "[verification]",
            "withdraw",
            Some("before a mark#1"),
            vec!["delete-session done"],
        ),
        (whole, "cancel", None, vec!["revoke-consent done"]),
        // It may be repeated, and the aggregator knows it.
        (
            whole,
            "cancel",
            Some("after a call#1"),
            vec!["revoke-consent refused: already_so"],
        ),
        // It may not be repeated, so that an operator has to look.
        (
            "[verification]",
            "withdraw",
            Some("after a mark#1"),
            vec!["delete-session ?"],
        ),
        (
            "[verification]",
            "withdraw",
            Some("after a call#1"),
            vec!["delete-session ?"],
        ),
    ] {
        let files = Files::new();
        let plan = files.write("plan.toml", plan);
        let journey = id(&files.start(number, &["--plan", &plan]));
        let ended = files.run(&[end, &journey, "--json"]);
        assert!(
            ended.answer()["waiting_calls"].as_u64() > Some(0),
            "{ended:?}"
        );
        let event = ended.answer()["timeline"].as_array().unwrap().len();
        assert!(Files::calls_after(&ended, event).is_empty());
        if let Some(at) = killed {
            let db = files.path("journeys.db");
            let resume = ["journey", "resume", &journey, "--sandbox", "--db", &db];
            let at = ("KYC_JOURNEY_KILL_AT".to_owned(), at.to_owned());
            let code = started(&resume, &[at]).wait().unwrap().code();
            assert_eq!(code, None, "{killed:?}");
        }
        let run = files.resume(&journey, &[]);
        assert_eq!(run.code, 5, "{end} {killed:?}: {run:?}");
        assert_eq!(Files::calls_after(&run, event), done, "{end} {killed:?}");
        let by_hand = run.stdout.contains("operator: delete_by_hand");
        assert_eq!(by_hand, done == ["delete-session ?"], "{run:?}");
        let again = files.resume(&journey, &[]);
        assert_eq!(again.code, 2, "{again:?}");
        let words = "nobody can make it go on";
        assert!(again.stderr.contains(words), "{again:?}");
        files.nothing_is_billed_twice(end);
    }
}
