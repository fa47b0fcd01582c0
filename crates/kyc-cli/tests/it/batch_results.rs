//! The results of a batch: whose they are, who can read them, and what they tell.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::batch_job::{Job, mobile};
use crate::kyc::{Run, changed, write_for_the_owner};
use crate::profile_server::ProfileServer;

/// Asserts that a run was refused by this rule.
fn refused(run: &Run, rule: &str) {
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains(rule), "{rule}: {}", run.stderr);
}

#[test]
fn a_file_that_is_not_ours_is_never_written() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let ours = Job::of(0..3);
    assert_eq!(ours.run(&[], &environment).code, 0);
    let asked = server.requests();
    let header = ours.text().lines().next().unwrap().to_owned();
    let job = Job::of(0..3);
    for foreign in [
        "a line without an end".to_owned(),
        "a,b\r1,2\r".to_owned(),
        "\nx".to_owned(),
        "\u{feff}".to_owned() + &ours.text(),
        ours.text().replace('\n', "\r"),
        header.clone() + " and more",
        format!("{{\"kyc_batch\":3}}\n{}", ours.text()),
        header[..20].to_owned() + "x",
    ] {
        fs::write(job.out(), &foreign).unwrap();
        let run = job.run(&["--resume"], &environment);
        assert_eq!(run.code, 2, "{foreign:?}: {run:?}");
        assert!(run.stderr.contains("--out: "), "{run:?}");
        assert_eq!(job.text(), foreign);
    }
    fs::remove_file(job.out()).unwrap();
    let before = fs::read(&job.input).unwrap();
    for link in [
        |input: &Path, out: &Path| fs::hard_link(input, out).unwrap(),
        |input: &Path, out: &Path| std::os::unix::fs::symlink(input, out).unwrap(),
    ] {
        link(&job.input, &job.out());
        refused(&job.run(&["--resume"], &environment), "--out: is the input");
        assert_eq!(fs::read(&job.input).unwrap(), before);
        fs::remove_file(job.out()).unwrap();
    }
    // An empty input is no empty results file either, but refused before.
    let empty = Job::new("people.jsonl", "");
    fs::hard_link(&empty.input, empty.out()).unwrap();
    refused(
        &empty.run(&["--resume"], &environment),
        "--batch: has no rows",
    );
    assert_eq!(fs::read(&empty.input).unwrap(), b"");
    assert_eq!(server.requests(), asked);
}

#[test]
fn results_with_other_line_ends_resume_and_lose_nothing() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let job = Job::of(0..50);
    assert_eq!(job.run(&["--in-order"], &environment).code, 0);
    let whole = job.text();
    let lines: Vec<_> = whole.lines().collect();
    for (text, missing) in [
        (whole.replace('\n', "\r\n"), 0),
        (lines[..31].join("\r\n"), 20),
        (lines[..31].join("\n") + "\r", 20),
        (lines[..31].join("\r\n") + "\r\n{\"line\":32,\"outc", 20),
    ] {
        fs::write(job.out(), text).unwrap();
        let before = server.requests();
        for asked in [missing, 0] {
            assert_eq!(job.run(&["--resume"], &environment).code, 0);
            assert_eq!(server.requests() - before, missing, "{asked}");
        }
        assert_eq!(job.rows().len(), 50);
        assert_eq!(job.by_line().len(), 50);
    }
}

#[test]
fn nothing_in_the_results_lets_the_number_be_found() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let headers = [1, 2].map(|_| {
        let job = Job::new("people.csv", "mobileNumber\n9812345670\n");
        assert_eq!(job.run(&[], &environment).code, 0);
        let row = &job.by_line()[&2];
        assert_eq!(row["txnid"], "***");
        assert_eq!(row["rows"][0]["aaId"], "onemoney");
        let strange = &row["rows"][2];
        assert_eq!(
            (&strange["aaId"], &strange["status"]),
            (&json!("***"), &json!("***"))
        );
        assert!(!job.text().contains("81234"), "{}", job.text());
        job.text().lines().next().unwrap().to_owned()
    });
    // Without the key, which is another each time, a fingerprint cannot be tried out.
    let [first, second] = headers.map(|text| serde_json::from_str::<Value>(&text).unwrap());
    for member in ["input", "installation"] {
        assert_eq!(first[member].as_str().unwrap().len(), 32);
        assert_ne!(first[member], second[member]);
    }
    assert_eq!(first.as_object().unwrap().len(), 4);
}

#[test]
fn results_are_their_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let job = Job::of(0..2);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let key = job.directory.path().join("results.jsonl.key");
    fs::write(job.out(), "").unwrap();
    for asked in [0, 2] {
        let before = job.text();
        for open in [0o644, 0o640] {
            fs::set_permissions(job.out(), fs::Permissions::from_mode(open)).unwrap();
            let run = job.run(&["--resume"], &environment);
            refused(
                &run,
                &format!("--out: may be read by others (mode {open:o})"),
            );
            assert_eq!(job.text(), before);
        }
        assert_eq!((server.requests(), key.exists()), (asked, asked > 0));
        fs::set_permissions(job.out(), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(job.run(&["--resume"], &environment).code, 0);
        assert_eq!((mode(&job.out()), mode(&key)), (0o600, 0o600));
    }
    assert_eq!(server.requests(), 2);
}

#[test]
fn that_the_rows_of_an_earlier_run_are_gone_is_said() {
    const SAYS: &str = "the results have no row of it: every row is asked";
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let job = Job::of(0..2);
    let run = job.run(&["--resume"], &environment);
    assert!(run.code == 0 && !run.stderr.contains(SAYS), "{run:?}");
    let lose: [fn(&Path); 3] = [
        |out| fs::write(out, "").unwrap(),
        |out| fs::write(out, "{\"kyc_b").unwrap(),
        |out| fs::remove_file(out).unwrap(),
    ];
    for lose in lose {
        lose(&job.out());
        let before = server.requests();
        let run = job.run(&["--resume", "--json"], &environment);
        assert_eq!(run.code, 0, "{run:?}");
        let note: Value = serde_json::from_str(run.stderr.lines().next().unwrap()).unwrap();
        assert!(note["note"].as_str().unwrap().ends_with(SAYS), "{note}");
        assert_eq!(server.requests() - before, 2);
        let run = job.run(&["--resume"], &environment);
        assert!(run.code == 0 && !run.stderr.contains(SAYS), "{run:?}");
    }
}

#[test]
fn results_are_a_file() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let job = Job::of(0..2);
    let fifo = job.directory.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let input = job.input.to_str().unwrap();
    for (out, rule) in [
        (fifo.to_str().unwrap(), "exists and is not a file"),
        ("/dev/full", "exists and is not a file"),
        ("/dev/zero", "exists and is not a file"),
        ("/dev/stdout", "exists and is not a file"),
        ("/", "exists and is not a file"),
        ("-", "must be a file; - is none"),
    ] {
        for more in [&[][..], &["--resume"]] {
            let arguments = ["finpro", "profile", "--batch", input, "--out", out];
            let run = crate::kyc::kyc(&[&arguments, more].concat(), &environment);
            refused(&run, &format!("--out: {rule}"));
        }
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_refused_start_leaves_no_file() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let [job, no_key, no_rows] = [(); 3].map(|()| Job::of(0..2));
    fs::create_dir(no_key.directory.path().join("results.jsonl.key")).unwrap();
    fs::write(&no_rows.input, "mobileNumber\n").unwrap();
    let without_secret = changed(&environment, &[("FINPRO_CLIENT_SECRET", "")]);
    for (job, environment, rule) in [
        (&job, &without_secret, "FINPRO_CLIENT_SECRET: "),
        (
            &no_key,
            &environment,
            "results.jsonl.key beside it is not a file",
        ),
        (&no_rows, &environment, "--batch: has no rows"),
    ] {
        for more in [&[][..], &["--resume"]] {
            refused(&job.run(more, environment), rule);
            assert!(!job.out().exists(), "{rule}");
        }
    }
    assert!(!job.directory.path().join("results.jsonl.key").exists());
    assert_eq!(server.requests(), 0);
}

#[test]
fn another_installation_and_another_key_are_refused() {
    let [first, other] = [(); 2].map(|()| ProfileServer::start(Duration::ZERO));
    let job = Job::of(0..2);
    let rule = "--out: was begun against another installation";
    assert_eq!(job.run(&[], &first.environment()).code, 0);
    refused(&job.run(&["--resume"], &other.environment()), rule);
    assert_eq!(job.run(&["--resume"], &first.environment()).code, 0);
    for name in ["CLIENT_ID", "ORGANISATION_ID", "APP_IDENTIFIER"] {
        let other = changed(
            &first.environment(),
            &[(&format!("FINPRO_{name}"), "other")],
        );
        let run = job.run(&["--resume"], &other);
        refused(
            &run,
            "was begun against another installation or for another account",
        );
    }
    let rotated = changed(&first.environment(), &[("FINPRO_CLIENT_SECRET", "other")]);
    assert_eq!(job.run(&["--resume"], &rotated).code, 0);
    let key = job.directory.path().join("results.jsonl.key");
    let kept = fs::read(&key).unwrap();
    for (text, rule) in [
        (None, "results.jsonl.key beside it is missing"),
        (Some("CANARY"), "results.jsonl.key beside it is not a key"),
        (Some(&*"0".repeat(64)), "belongs to another input"),
    ] {
        fs::remove_file(&key).unwrap();
        write_for_the_owner(&key, text.unwrap_or_default());
        if text.is_none() {
            fs::remove_file(&key).unwrap();
        }
        let before = job.text();
        let run = job.run(&["--resume"], &first.environment());
        refused(&run, rule);
        assert!(!run.stderr.contains("CANARY"));
        assert_eq!(job.text(), before);
        write_for_the_owner(&key, &kept);
    }
    assert_eq!((first.requests(), other.requests()), (2, 0));
    assert!(!fs::read_to_string(&key).unwrap().contains(&mobile(0)));
}
