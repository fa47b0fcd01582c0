//! `kyc finpro profile --batch`: good and bad rows, refused arguments, and interrupted runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::batch_job::{Job, interrupt, mobile, wait_until, written};
use crate::kyc::{SandboxProcess, ended, kyc, kyc_with_input, started_with};
use crate::profile_server::ProfileServer;

#[test]
fn rows_share_connections_only_if_that_is_asked_for() {
    for (more, connections) in [(&[][..], 20), (&["--reuse-connections"], 1)] {
        let server = ProfileServer::start(Duration::ZERO);
        let more = [&["--concurrency", "1"], more].concat();
        let run = Job::of(1..21).run(&more, &server.environment());
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(server.requests(), 20);
        assert_eq!(server.connections(), connections, "{more:?}");
    }
}

#[test]
fn each_row_gets_its_result_and_no_number_is_printed() {
    let sandbox = SandboxProcess::start();
    let job = Job::new(
        "people.csv",
        "\u{feff}mobileNumber,reference,aaId,userConsentId\r\n\
         9000000001,\"a, 1\",,ref-1\r\n\
         9000000002,a-2,onemoney;finvu,\r\n\
         90000000CANARY,a-3,,\r\n\
         \r\n\
         9000000001,a-4,\"onemoney\r\n\
         9000000004,,,\n",
    );
    let run = job.run(&["--in-order"], &sandbox.environment);
    assert_eq!(run.code, 2, "the highest of the rows: {run:?}");
    let first: Value = serde_json::from_str(job.text().lines().next().unwrap()).unwrap();
    assert_eq!(first["kyc_batch"], 3);
    let rows = job.rows();
    let lines: Vec<_> = rows
        .iter()
        .map(|row| row["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [2, 3, 4, 6, 7]);
    assert_eq!(rows[0]["reference"], "a, 1");
    assert_eq!(rows[0]["outcome"], "done");
    assert_eq!(rows[0].get("userConsentId"), None, "it was given");
    assert_eq!(rows[0]["rows"].as_array().unwrap().len(), 3);
    assert_eq!(rows[0]["rows"][0]["readiness"], "ready");
    assert_eq!(rows[0]["request_id"].as_str().unwrap().len(), 32);
    assert_eq!(rows[1]["rows"].as_array().unwrap().len(), 2);
    assert!(
        rows[1]["userConsentId"]
            .as_str()
            .unwrap()
            .starts_with("kyc-")
    );
    assert_eq!(
        (
            &rows[2]["reference"],
            &rows[2]["outcome"],
            &rows[2]["ask_again"]
        ),
        (&json!("a-3"), &json!("not_sent"), &json!(false))
    );
    assert_eq!(
        rows[2]["error"]["message"],
        "invalid request: mobileNumber: must be exactly 10 digits, without a country code"
    );
    assert_eq!(
        rows[3]["error"]["message"],
        "invalid request: line: must be one row, with each quote closed"
    );
    assert!(
        run.stderr.contains(
            "5 rows: 3 answered, 0 refused, 0 unknown, 0 not sent, 0 not understood, 2 bad"
        ),
        "{}",
        run.stderr
    );
    assert_eq!(run.stdout, "");
    let all = [job.text(), run.stderr].concat();
    assert!(!all.contains("900000") && !all.contains("CANARY"), "{all}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(job.out()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn json_lines_come_through_a_pipe_and_the_summary_is_an_object() {
    let server = ProfileServer::start(Duration::ZERO);
    let directory = TempDir::new().unwrap();
    let out = directory.path().join("results.jsonl");
    let out = out.to_str().unwrap();
    let arguments = [
        "finpro", "profile", "--batch", "-", "--out", out, "--format", "jsonl",
    ];
    let more = ["--json", "--per-second", "1000"];
    let mut child = started_with(
        &[&arguments[..], &more].concat(),
        &server.environment(),
        Stdio::piped(),
    );
    let mut stdin = child.stdin.take().unwrap();
    for person in 0..50 {
        let row = json!({ "mobileNumber": mobile(person), "reference": format!("r-{person}") });
        let mark = if person == 0 { "\u{feff}" } else { "" };
        writeln!(stdin, "{mark}{row}").unwrap();
    }
    // Available rows are asked although the pipe is still open.
    wait_until(|| written(Path::new(out)) == 50);
    writeln!(stdin, "[]").unwrap();
    drop(stdin);
    let run = ended(child);
    let summary = run.answer();
    assert_eq!(
        (
            &summary["rows"],
            &summary["answered"],
            &summary["bad"],
            &summary["requests"]
        ),
        (&json!(51), &json!(50), &json!(1), &json!(50))
    );
    assert_eq!(run.code, 2);
    assert_eq!(run.stderr, "");
    let results = fs::read_to_string(out).unwrap();
    assert!(
        !results.contains("900000"),
        "an aggregator's text contains it"
    );
    assert!(results.contains(r#""status":"failed","readiness":"undetermined""#));

    let again = kyc_with_input(
        &[&arguments[..], &["--resume"]].concat(),
        &server.environment(),
        b"[]\n",
    );
    assert_eq!(again.code, 2);
    assert!(
        again
            .stderr
            .contains("--resume: the input has to be a file"),
        "{}",
        again.stderr
    );
}

#[test]
fn invalid_arguments_are_named_with_the_rule_and_nothing_is_asked() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let job = Job::of(1..3);
    for (more, expected) in [
        (
            &["--concurrency", "0"][..],
            "--concurrency: must be a whole number from 1 to 1000",
        ),
        (&["--concurrency", "1001"], "--concurrency"),
        (
            &["--per-second", "CANARY"],
            "--per-second: must be a whole number",
        ),
        (
            &["--give-up-after", "-1"],
            "--give-up-after: must be a positive length of time",
        ),
        (&["--format", "CANARY"], "--format: must be csv or jsonl"),
        (
            &["--mobile-number", "9000000001"],
            "together with another that excludes it",
        ),
        (
            &["--aa-id", "onemoney"],
            "together with another that excludes it",
        ),
    ] {
        let run = job.run(more, &environment);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
        assert!(!run.stderr.contains("CANARY") && !run.stderr.contains("900000"));
        assert!(!job.out().exists(), "{more:?}");
    }
    for (arguments, expected) in [
        (&["finpro", "profile", "--batch", "people.csv"][..], "--out"),
        (&["finpro", "profile", "--resume"], "--batch"),
    ] {
        let run = kyc(arguments, &environment);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    for (name, text, expected) in [
        (
            "people.csv",
            "mobileNumber,CANARY\n",
            "column 2: is unknown",
        ),
        ("people.csv", "9000000001\n", "column 1: is unknown"),
        (
            "people.csv",
            "",
            "mobileNumber: the first line has to name this column",
        ),
        (
            "people.txt",
            "mobileNumber\n",
            "--format: csv or jsonl: required",
        ),
    ] {
        let job = Job::new(name, text);
        let run = job.run(&[], &environment);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
        assert!(!run.stderr.contains("CANARY") && !run.stderr.contains("900000"));
        assert!(!job.out().exists(), "{text}");
    }
    fs::remove_file(&job.input).unwrap();
    let run = job.run(&[], &environment);
    assert!(
        run.stderr
            .contains("--batch: cannot be read: no such file or directory"),
        "{run:?}"
    );
    assert_eq!(server.requests(), 0);
}

#[test]
fn existing_results_are_never_overwritten() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let job = Job::of(1..4);
    let refused = |more: &[&str], rule: &str| {
        let before = job.text();
        let run = job.run(more, &environment);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(rule), "{rule}: {}", run.stderr);
        assert_eq!(job.text(), before);
    };
    fs::write(job.out(), "somebody's diary\n").unwrap();
    refused(&[], "--out: already exists; use --resume");
    refused(&["--resume"], "--out: is not a results file");
    assert_eq!(server.requests(), 0);
    fs::remove_file(job.out()).unwrap();

    assert_eq!(job.run(&["--resume"], &environment).code, 0, "starts again");
    assert_eq!(server.requests(), 3);
    refused(&[], "--out: already exists; use --resume");
    assert_eq!(job.run(&["--resume"], &environment).code, 0);
    assert_eq!(server.requests(), 3, "all are done");

    let input = fs::read_to_string(&job.input).unwrap();
    for other in [
        input.replace(&mobile(2), &mobile(9)),
        input.clone() + "\n",
        input.replace(&mobile(1), ""),
    ] {
        fs::write(&job.input, other).unwrap();
        refused(
            &["--resume"],
            "--out: belongs to another input, or the input has changed since",
        );
    }
    fs::write(&job.input, &input).unwrap();
    let results = job.text();
    for stray in ["CANARY\n", "{\"line\":0}\n", "{\"line\":5}\n"] {
        fs::write(job.out(), results.clone() + stray).unwrap();
        refused(&["--resume"], "--out: line 5 is not a row of this batch");
    }
    assert_eq!(server.requests(), 3);
}

#[test]
fn a_killed_run_resumes_and_loses_nothing() {
    const PEOPLE: u32 = 600;
    const AT_ONCE: usize = 8;
    let server = ProfileServer::start(Duration::from_millis(5));
    let environment = server.environment();
    for (kill_at, more) in [(100, &[][..]), (201, &["--in-order"])] {
        let job = Job::of(0..PEOPLE);
        let before = server.asked();
        let more = [&["--resume", "--concurrency", "8"], more].concat();
        let mut kills = 0;
        // Twice, so that a resumed run is resumed too.
        for at in [kill_at, 2 * kill_at] {
            let mut child = job.begin(&more, &environment);
            wait_until(|| written(&job.out()) >= at);
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            assert!(written(&job.out()) < PEOPLE as usize, "it was not midway");
        }
        let run = job.run(&more, &environment);
        assert_eq!(run.code, 0, "{run:?}");
        let lines: BTreeSet<_> = job.rows().iter().map(|row| row["line"].as_u64()).collect();
        assert_eq!(lines.len(), PEOPLE as usize);
        assert_eq!(job.rows().len(), PEOPLE as usize, "one row a line");
        let asked: BTreeMap<_, _> = server
            .asked()
            .into_iter()
            .map(|(mobile, times)| (mobile.clone(), times - before.get(&mobile).unwrap_or(&0)))
            .collect();
        assert_eq!(asked.len(), PEOPLE as usize);
        assert!(asked.values().all(|times| *times >= 1));
        let twice = asked.values().sum::<usize>() - PEOPLE as usize;
        assert!(twice <= kills * 2 * AT_ONCE, "{twice} were asked again");
    }
}

#[test]
fn an_incomplete_row_is_truncated_and_asked_again() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let job = Job::of(0..5);
    assert_eq!(job.run(&["--in-order"], &environment).code, 0);
    let whole = job.text();
    let end = whole.trim_end().rfind('\n').unwrap();
    for (cut, asked) in [
        (whole.len() - 1, 0),
        (end + 2, 1),
        (end + 1, 1),
        (end, 1),
        (9, 5),
    ] {
        fs::write(job.out(), &whole[..cut]).unwrap();
        let before = server.requests();
        let run = job.run(&["--resume"], &environment);
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(server.requests() - before, asked, "{cut}");
        assert_eq!(job.rows().len(), 5);
        assert_eq!(job.by_line().len(), 5);
        assert_eq!(job.text().lines().next(), whole.lines().next());
    }
}

/// What always fails must not keep a batch from what it never asked, however often it is resumed.
#[test]
fn rows_that_failed_before_are_asked_after_all_others() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let job = Job::of(0..10);
    assert_eq!(job.run(&["--in-order"], &environment).code, 0);
    let whole = job.text();
    let mut lines: Vec<_> = whole.lines().take(8).map(str::to_owned).collect();
    for (line, row) in lines.iter_mut().enumerate().skip(1).take(3) {
        *row = json!({ "line": line + 1, "ask_again": true }).to_string();
    }
    for order in [&[][..], &["--in-order"]] {
        fs::write(job.out(), lines.join("\n") + "\n").unwrap();
        let more = [&["--resume", "--concurrency", "1"], order].concat();
        let run = job.run(&more, &environment);
        assert_eq!(run.code, 0, "{run:?}");
        let asked = job.rows().split_off(7).into_iter();
        let asked: Vec<_> = asked.map(|row| row["line"].as_u64().unwrap()).collect();
        assert_eq!(asked, [9, 10, 11, 2, 3, 4]);
    }
}

#[test]
fn only_temporary_failures_are_asked_again() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let job = Job::new(
        "people.csv",
        "mobileNumber\n9000000001\n9000000002\nCANARY\n",
    );
    server.fail(&["9000000002"]);
    let run = job.run(&[], &environment);
    assert_eq!(run.code, 4, "{run:?}");
    assert!(
        run.stderr.contains("1 row may succeed in another run"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("resume with the same command and --resume")
    );
    let failed = job.by_line()[&3].clone();
    assert_eq!(
        (&failed["ask_again"], &failed["outcome"]),
        (&json!(true), &json!("unknown"))
    );

    server.fail(&[]);
    let run = job.run(&["--resume"], &environment);
    assert_eq!(run.code, 2, "the row that is bad stays bad: {run:?}");
    assert!(run.stderr.contains("1 row: 1 answered"), "{}", run.stderr);
    assert!(
        run.stderr.contains("2 rows completed by earlier runs"),
        "{}",
        run.stderr
    );
    assert_eq!(server.asked()["9000000001"], 1);
    assert_eq!(job.rows().len(), 4, "both rows of the line are there");
    assert_eq!(
        job.by_line()[&3]["outcome"],
        "done",
        "and the last one counts"
    );
}

/// As the single call says it: the person who reads it has something to do first.
#[test]
fn a_refusal_that_somebody_has_to_correct_is_no_temporary_failure() {
    let sandbox = SandboxProcess::start();
    let job = Job::new("people.csv", "mobileNumber\n9000000007\n");
    let run = job.run(&["--timeout", "9"], &sandbox.environment);
    assert_eq!(run.code, 4, "{run:?}");
    let told = "1 row will fail again until what the errors say is corrected; then ask in another run\nresume with";
    assert!(run.stderr.contains(told), "{run:?}");
    assert!(!run.stderr.contains("may succeed"), "{run:?}");
    let row = job.by_line()[&2].clone();
    assert_eq!(row["error"]["code"], "PROFILE_CHECK_FAILED");
    assert_eq!(row["ask_again"], true, "once it is corrected");
    assert_eq!(row["attempts"], 3, "those of one call");
}

#[test]
#[cfg(unix)]
fn ctrl_c_lets_calls_in_flight_finish_and_says_how_to_resume() {
    let server = ProfileServer::start(Duration::from_millis(20));
    let environment = server.environment();
    let job = Job::of(0..300);
    let child = job.begin(&["--concurrency", "4"], &environment);
    wait_until(|| written(&job.out()) >= 20);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains(
            "the remaining rows were not asked\nresume with the same command and --resume"
        ),
        "{stderr}"
    );
    let written = job.rows().len();
    assert!((20..300).contains(&written));
    assert_eq!(
        server.requests(),
        written,
        "every row that was asked has a result"
    );
    let run = job.run(&["--resume"], &environment);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(server.requests(), 300);
    assert_eq!(job.by_line().len(), 300);
}
