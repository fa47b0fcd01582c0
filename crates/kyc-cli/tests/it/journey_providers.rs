//! The journeys of a file or a database are with real providers, or in their sandbox, and never go from one to the other.

use std::fs;

use serde_json::Value;

use crate::journey::{Files, id};
use crate::journey_serve::{TERMS, TOKEN, in_production};
use crate::kyc::{Run, SandboxProcess, as_printed, kyc};

const MOBILE: &str = "9001000000";
/// Somebody who does not answer.
const AWAY: &str = "9001060000";
const SERVE: [&str; 7] = [
    "serve",
    "--sandbox",
    "--listen",
    "127.0.0.1:0",
    "--sandbox-listen",
    "127.0.0.1:0",
    "--json",
];

/// The settings of a provider that nobody asks.
fn real() -> Vec<(String, String)> {
    let environment = [
        ("KYC_JOURNEY_TOKEN", TOKEN),
        ("VERIFF_API_KEY", "made-up"),
        ("VERIFF_SHARED_SECRET", "made-up"),
        ("VERIFF_BASE_URL", "https://127.0.0.1:1"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    environment.map(owned).to_vec()
}

fn refused(run: &Run, says: &[&str]) {
    assert_eq!((run.code, &*run.stdout), (2, ""), "{run:?}");
    assert_eq!(run.error()["field"], "--sandbox", "{run:?}");
    for says in says {
        assert!(run.stderr.contains(says), "{says}: {run:?}");
    }
}

/// No call of what waits was made.
fn still_waits(files: &Files, journey: &str) {
    let shown = files.run(&["show", journey, "--json"]).answer();
    assert!(shown["waiting_calls"].as_u64().unwrap() > 0, "{shown}");
}

#[test]
fn no_sandbox_takes_up_what_real_journeys_that_have_ended_give_back() {
    let sandbox = SandboxProcess::start();
    let files = Files::new();
    let server = in_production(&files, &sandbox);
    let begins = r#"{"applicant":{"mobile":"9001000000"},"plan":{"verification":{}},"consent":{},
                     "notice_text":"I agree that my identity is verified and my accounts are read."}"#;
    let begun = server.start_journey("ORDER-17", begins);
    let journey = begun["id"].as_str().unwrap();
    server.has_link(journey);
    drop(server);
    let db = files.path("journeys.db");
    let withdraw = [
        "consent",
        "withdraw",
        "--mobile-number",
        MOBILE,
        "--db",
        &db,
    ];
    let withdrawn = kyc(&withdraw, &[]);
    let says = format!("outstanding: {journey}; a running `kyc journey serve` makes them");
    assert!(withdrawn.stdout.contains(&says), "{withdrawn:?}");
    let says = [
        journey,
        "which began with real providers",
        "without --sandbox goes on",
    ];
    refused(&files.run(&SERVE), &says);
    refused(
        &files.run(&["resume", journey, "--sandbox", "--json"]),
        &says,
    );
    refused(&files.start(AWAY, &[]), &says);
    still_waits(&files, journey);
    assert!(!fs::exists(files.path("journeys.db.sandbox")).unwrap());
}

#[test]
fn no_other_sandbox_takes_up_what_journeys_that_have_ended_give_back() {
    let files = Files::new();
    let journey = id(&files.start(MOBILE, &[]));
    assert_eq!(files.run(&["withdraw", &journey]).code, 0);
    let sandbox = files.path("journeys.db.sandbox");
    fs::remove_file(&sandbox).unwrap();
    let says = format!("journey {journey} did not begin in a sandbox that is here, where there");
    refused(&files.run(&SERVE), &[&says, &sandbox]);
    still_waits(&files, &journey);
    assert!(!fs::exists(&sandbox).unwrap());
}

#[test]
fn real_providers_get_no_call_of_a_journey_that_began_in_a_sandbox() {
    let files = Files::new();
    let terms = files.write("terms.toml", TERMS);
    let db = files.path("journeys.db");
    let serve = ["journey", "serve", "--json", "--listen", "127.0.0.1:0"];
    let serve = [&serve[..], &["--terms", &terms, "--db", &db]].concat();
    let sandbox = files.path("journeys.db.sandbox");
    let elsewhere = files.path("elsewhere");
    let refuses = |journey: &str| {
        let says = [journey, "never go on with real providers", &*sandbox];
        refused(&kyc(&serve, &real()), &says);
        fs::rename(&sandbox, &elsewhere).unwrap();
        refused(
            &kyc(&serve, &real()),
            &[&says[..], &["is missing there"]].concat(),
        );
        fs::rename(&elsewhere, &sandbox).unwrap();
    };
    let started = files.start(AWAY, &[]);
    assert_eq!(started.code, 4, "{started:?}");
    refuses(&id(&started));
    // Nor what it gives back, at once or once the consent is withdrawn.
    let files = Files::new();
    let terms = files.write("terms.toml", TERMS);
    let db = files.path("journeys.db");
    let serve = ["journey", "serve", "--json", "--listen", "127.0.0.1:0"];
    let serve = [&serve[..], &["--terms", &terms, "--db", &db]].concat();
    let journey = id(&files.start(MOBILE, &[]));
    fs::remove_file(files.path("journeys.db.sandbox")).unwrap();
    refused(&kyc(&serve, &real()), &[&journey]);
    assert_eq!(files.run(&["withdraw", &journey]).code, 0);
    refused(&kyc(&serve, &real()), &[&journey]);
    still_waits(&files, &journey);
}

/// Where one began in a sandbox, a server with real providers would not start any more.
#[test]
fn no_journey_begins_in_a_sandbox_beside_those_with_real_providers() {
    let sandbox = SandboxProcess::start();
    let files = Files::new();
    let server = in_production(&files, &sandbox);
    let waits = r#"{"applicant":{"mobile":"9001000000"},"plan":{"verification":{}}}"#;
    let begun = server.start_journey("ORDER-17", waits);
    let journey = begun["id"].as_str().unwrap();
    drop(server);
    let says = "`kyc journey serve` without --sandbox goes on";
    refused(&files.start(AWAY, &[]), &[journey, says]);
    let resume = ["resume", journey, "--sandbox", "--json"];
    refused(&files.run(&resume), &[journey, says]);
    refused(&files.run(&SERVE), &[journey, says]);
    drop(in_production(&files, &sandbox));
}

/// Also where the file's name is no plain word.
#[test]
fn a_command_is_run_as_it_is_printed() {
    let files = Files::new();
    let db = files.path("the lender's.db");
    let run = |words: &[&str]| kyc(&[words, &["--db", &db]].concat(), &[]);
    let start = ["journey", "start", "--sandbox", "--mobile-number"];
    let away = run(&[&start[..], &[AWAY, "--key", "ORDER-17"]].concat());
    assert_eq!(away.code, 4, "{away:?}");
    let again = run(&[&start[..], &[AWAY, "--key", "ORDER-17"]].concat());
    assert_eq!(as_printed(&again.stderr).code, 4, "{again:?}");
    let erase = ["erase", "--mobile-number", AWAY];
    let live = run(&erase);
    assert!(live.stderr.contains("has a live consent"), "{live:?}");
    assert_eq!(as_printed(&live.stderr).code, 0, "{live:?}");

    // Whose data stays pending.
    let late = ["9001000700", "--timeout", "2"];
    let late = run(&[&start[..], &late].concat());
    assert!(late.stderr.contains("--timeout has passed"), "{late:?}");
    let (_, command) = late.stderr.rsplit_once("`kyc ").unwrap();
    let command = command.split('`').next().unwrap();
    let resumed = as_printed(&format!("`kyc {command} --timeout 2`"));
    assert_eq!(resumed.code, 4, "{resumed:?}");

    let approves = run(&[&start[..], &[MOBILE, "--json"]].concat());
    let journey = id(&approves);
    let withdrawn = run(&["consent", "withdraw", "--mobile-number", MOBILE]);
    let shown = run(&["journey", "show", &journey]);
    let erase = ["erase", "--mobile-number", MOBILE];
    let erased = run(&erase);
    assert_eq!(erased.code, 2, "{erased:?}");
    for (said, code) in [
        (&*withdrawn.stdout, 5),
        (&*erased.stderr, 2),
        (&*shown.stderr, 2),
    ] {
        // The first one gives everything back, and then there is nothing left.
        let run = as_printed(said);
        assert_eq!(run.code, code, "{said}: {run:?}");
        assert!(!run.stderr.contains("no such file"), "{run:?}");
    }
    // And what is to be done after it.
    let (_, after) = withdrawn.stdout.split_once("to be done: erase").unwrap();
    let erased = as_printed(after);
    assert_eq!(erased.code, 0, "{erased:?}");
    let answer: Value = run(&["journey", "show", &journey, "--json"]).answer();
    assert_eq!(answer["waiting_calls"], 0);
}
