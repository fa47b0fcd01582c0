//! Journeys of which something stored is damaged: what is wrong is said, nothing is lost silently, and the others go on.

use serde_json::Value;

use crate::journey::{Files, id};
use crate::journey_serve::Server;
use crate::kyc::{Run, kyc};

const FIRST: &str = "9001000000";
const SECOND: &str = "9001060000";

/// Changes a file of journeys as no kyc would.
fn damage(files: &Files, statement: &str) {
    let journeys = rusqlite::Connection::open(files.path("journeys.db")).unwrap();
    assert!(journeys.execute(statement, []).unwrap() > 0, "{statement}");
}

fn state_of(journey: &str) -> String {
    format!("UPDATE journey SET state = zeroblob(length(state)) WHERE id = '{journey}'")
}

fn at(files: &Files, arguments: &[&str]) -> Run {
    let db = files.path("journeys.db");
    kyc(&[arguments, &["--db", &db]].concat(), &[])
}

fn well(files: &Files, arguments: &[&str]) -> Run {
    let run = at(files, arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
    run
}

fn refused(run: &Run, words: &[&str]) {
    assert_eq!(run.code, 2, "{run:?}");
    for words in words {
        assert!(run.stderr.contains(words), "{words} in {run:?}");
    }
}

fn listed(files: &Files, more: &[&str], journey: &str) -> Option<Value> {
    let list = well(files, &[&["journey", "list", "--json"], more].concat()).answer();
    let mut rows = list.as_array().unwrap().iter();
    rows.find(|row| row["id"] == journey).cloned()
}

#[test]
fn a_call_that_gives_something_back_is_not_forgotten_because_it_cannot_be_read() {
    let files = Files::new();
    let journey = id(&files.start(FIRST, &[]));
    well(&files, &["journey", "withdraw", &journey]);
    damage(&files, "UPDATE effect SET body = zeroblob(length(body))");
    for more in [&[][..], &["--stuck", "1ms"]] {
        let row = listed(&files, more, &journey).unwrap();
        assert_eq!(
            (&row["waiting_calls"], &row["damaged"]),
            (&2.into(), &false.into())
        );
    }
    let cannot = format!("calls of {journey} cannot be read");
    let words = [
        "waiting, to give something back: 2 calls",
        &cannot,
        "bring what lies there",
    ];
    let shown = well(&files, &["journey", "show", &journey]);
    for words in words {
        assert!(shown.stderr.contains(words), "{words} in {shown:?}");
    }
    let resume = ["journey", "resume", &journey, "--sandbox"];
    refused(&at(&files, &resume), &words);
    for more in [&[][..], &["--dry-run"]] {
        let erase = [&["erase", "--mobile-number", FIRST], more].concat();
        refused(&at(&files, &erase), &[&journey, &cannot]);
    }
}

#[test]
fn a_damaged_state_is_marked_and_the_key_is_not_blamed() {
    let files = Files::new();
    let ended = id(&files.start(FIRST, &[]));
    let other = id(&files.start(SECOND, &[]));
    well(&files, &["journey", "withdraw", &ended]);
    damage(&files, &state_of(&ended));
    for more in [&[][..], &["--stuck", "1ms"]] {
        let row = listed(&files, more, &ended).unwrap();
        assert_eq!(
            (&row["waiting_calls"], &row["damaged"]),
            (&2.into(), &true.into())
        );
        assert_eq!(listed(&files, more, &other).unwrap()["damaged"], false);
    }
    let table = well(&files, &["journey", "list"]).stdout;
    assert!(table.contains("damaged"), "{table}");
    let words = "ID: the journey cannot be read: its stored state is damaged";
    for command in ["show", "cancel", "export", "withdraw"] {
        refused(&at(&files, &["journey", command, &ended]), &[words]);
    }
    refused(
        &at(&files, &["journey", "resume", &ended, "--sandbox"]),
        &[words],
    );
    let erase = at(&files, &["erase", "--mobile-number", FIRST]);
    refused(
        &erase,
        &[&ended, "cannot be read, because they are damaged"],
    );

    let mut server = Server::of(
        &files,
        &["--sandbox", "--sandbox-listen", "127.0.0.1:0"],
        &[],
        "#     -d '",
    );
    let read = |path: &str| server.get(path).collect::<Vec<_>>().join("\n");
    let problem = read(&format!("/v1/journeys/{ended}"));
    assert!(problem.contains("its stored state is damaged"), "{problem}");
    assert!(!problem.contains("the log says more"), "{problem}");
    let list = read("/v1/journeys");
    assert!(list.contains("\"damaged\":true"), "{list}");
    let line = format!("{ended}: the journey cannot be read: its stored state is damaged");
    let told = server.stopped_after(&line);
    assert_eq!(told.matches(&line).count(), 1, "{told}");
}

#[test]
fn one_damaged_journey_closes_no_file() {
    let files = Files::new();
    let first = id(&files.start(FIRST, &[]));
    let second = id(&files.start(SECOND, &[]));
    let others_go_on = |damaged: &str| {
        assert_eq!(listed(&files, &[], damaged).unwrap()["damaged"], true);
        assert_eq!(files.start("9000000001", &[]).code, 0);
    };
    // The newest one, and then the consent of its person is withdrawn, of which it cannot be told.
    damage(&files, &state_of(&second));
    others_go_on(&second);
    let withdraw = ["consent", "withdraw", "--mobile-number", SECOND];
    let withdrawn = well(&files, &withdraw);
    assert!(withdrawn.stdout.contains("withdrawn "), "{withdrawn:?}");
    assert!(
        withdrawn.stdout.contains("journeys told: 0"),
        "{withdrawn:?}"
    );
    assert!(withdrawn.stderr.contains(&second), "{withdrawn:?}");
    others_go_on(&second);
    let list = well(&files, &["journey", "list"]);
    assert!(list.stderr.contains(&second), "{list:?}");
    assert!(list.stderr.contains("were not told"), "{list:?}");
    // The others are told.
    let withdrawn = well(
        &files,
        &["consent", "withdraw", "--mobile-number", FIRST, "--json"],
    );
    assert_eq!(withdrawn.answer()["journeys_told"], 1, "{withdrawn:?}");
    let shown = well(&files, &["journey", "show", &first, "--json"]).answer();
    assert_eq!(shown["status"], "withdrawn");
    // What stands beside the state.
    damage(
        &files,
        &format!(
            "UPDATE journey SET status = 'nonsense', updated_at = 9223372036854775807 WHERE id = '{first}'"
        ),
    );
    others_go_on(&first);
    others_go_on(&second);

    // A file's only journey: what happened to it opens with the key.
    let files = Files::new();
    let only = id(&files.start(FIRST, &[]));
    damage(&files, &state_of(&only));
    refused(
        &at(&files, &["journey", "show", &only]),
        &["its stored state is damaged"],
    );
    assert_eq!(files.start(SECOND, &[]).code, 4);
}
