//! The input of a batch: what spreadsheets make of it, and rows that say two things.

use std::fs;
use std::time::Duration;

use crate::batch_job::{Job, mobile};
use crate::kyc::{kyc, kyc_with_input};
use crate::profile_server::ProfileServer;

#[test]
fn a_row_that_says_two_things_asks_about_nobody() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let [one, two, wrong] = [1, 2, 3].map(mobile);
    for (name, text, rules) in [
        (
            "people.jsonl",
            format!(
                "{{\"mobileNumber\":\"{one}\",\"mobileNumber\":\"{wrong}\"}}\n\
                 {{\"mobileNumber\":\"{one}\",\"\\u006dobileNumber\":\"{wrong}\"}}\n\
                 {{\"mobileNumber\":\"{two}\"}}\n"
            ),
            [
                (1, "mobileNumber: must not appear twice"),
                (2, "mobileNumber: must not appear twice"),
            ],
        ),
        (
            "people.csv",
            format!(
                "reference,mobileNumber\n\
                 \"Shop 5\",{wrong},9\" pipes\n\
                 \"a\"b,{wrong}\n\
                 ok,{two}\n"
            ),
            [
                (2, "line: must have quotes around whole fields only"),
                (3, "line: must have quotes around whole fields only"),
            ],
        ),
        (
            "people.csv",
            format!("mobileNumber,reference\n{one},\"a note\n{wrong},b\"\n{two},\n"),
            [
                (2, "line: must be one row, with each quote closed"),
                (3, "line: is the rest of a quoted field, which line 2 opens"),
            ],
        ),
    ] {
        let job = Job::new(name, &text);
        assert_eq!(job.run(&[], &environment).code, 2);
        for (line, rule) in rules {
            let row = &job.by_line()[&line];
            assert_eq!(row["ask_again"], false);
            let message = row["error"]["message"].as_str().unwrap();
            assert!(message.contains(rule), "{message}");
        }
        assert_eq!(job.by_line().len(), 3);
    }
    let asked = server.asked();
    assert_eq!(asked.keys().collect::<Vec<_>>(), [&two]);
    assert_eq!(asked[&two], 3);
}

#[test]
fn what_a_spreadsheet_writes_is_asked() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    let text = format!(
        "sep=;\r\n MobileNumber ;Reference\r\n{};\"a; 1\"\r\n;;\r\n{};b\r\n;\r\n",
        mobile(1),
        mobile(2)
    );
    let utf_16: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [
        text.replace("\r\n", "\r").into_bytes(),
        text.into_bytes(),
        utf_16,
    ] {
        let job = Job::new("PEOPLE.CSV", "");
        fs::write(&job.input, bytes).unwrap();
        for _ in ["begun", "resumed"] {
            let run = job.run(&["--resume"], &environment);
            assert_eq!(run.code, 0, "{run:?}");
        }
        let rows = job.by_line();
        assert_eq!(rows.keys().copied().collect::<Vec<_>>(), [3, 5]);
        assert_eq!(rows[&3]["reference"], "a; 1");
    }
    assert_eq!(server.asked()[&mobile(1)], 3);
    assert_eq!(server.requests(), 6);
}

#[test]
fn an_input_without_rows_is_refused_and_leaves_no_files() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    for (name, text) in [
        ("people.csv", "mobileNumber\n"),
        ("people.csv", "sep=;\nmobileNumber;reference\n;\n\n"),
        ("people.jsonl", ""),
        ("people.jsonl", "\n\n"),
    ] {
        let job = Job::new(name, text);
        let format = job.input.extension().unwrap().to_str().unwrap();
        let out = job.out();
        let pipe = format!("finpro profile --batch - --format {format} --out");
        let pipe: Vec<_> = pipe.split(' ').chain(out.to_str()).collect();
        for run in [
            job.run(&[], &environment),
            kyc_with_input(&pipe, &environment, text.as_bytes()),
        ] {
            assert_eq!(run.code, 2, "{run:?}");
            assert!(run.stderr.contains("--batch: has no rows"), "{run:?}");
        }
        let files = fs::read_dir(job.directory.path()).unwrap();
        assert_eq!(files.count(), 1, "the input");
    }
}

#[test]
fn a_batch_names_the_settings_that_are_missing() {
    let run = Job::of(0..1).run(&[], &[]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("FINPRO_BASE_URL"), "{run:?}");
}

#[test]
fn a_flag_of_a_batch_says_that_it_needs_one() {
    for flags in [
        &["--resume"][..],
        &["--concurrency", "4"],
        &["--format=csv"],
    ] {
        let run = kyc(&[&["finpro", "profile"], flags].concat(), &[]);
        assert_eq!(run.code, 2, "{run:?}");
        let flag = flags[0].split('=').next().unwrap();
        let told = format!("{flag}: needs --batch and --out\n");
        assert!(run.stderr.contains(&told), "{run:?}");
    }
}
