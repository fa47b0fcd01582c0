//! The end of a batch, whatever ends it: what was asked is told, and how to go on.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::batch_job::{Job, interrupt, mobile, wait_until, written};
use crate::kyc::{Run, ended, kyc, started_with};
use crate::profile_server::ProfileServer;

const RESUME: &str = "resume with the same command and --resume\n";

/// What somebody else does to a batch's files.
type Change = fn(&Job);

#[test]
fn a_second_ctrl_c_does_not_wait_and_tells_what_was_under_way() {
    let silent = ProfileServer::start(Duration::from_secs(3_600));
    let environment = silent.environment();
    let job = Job::of(0..90);
    let mut child = job.begin(&["--timeout", "3600", "--concurrency", "9"], &environment);
    wait_until(|| silent.requests() == 9);
    let other = job.run(&["--resume"], &environment);
    assert_eq!(other.code, 2);
    let rule = "--out: another run is writing to it";
    assert!(other.stderr.contains(rule), "{}", other.stderr);
    interrupt(&child);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert_eq!(
        line,
        "waiting for 9 calls in flight; press Ctrl-C again to stop at once\n"
    );
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rest: Vec<_> = stderr.lines().map(Result::unwrap).collect();
    assert_eq!(
        rest[2..],
        [
            "9 rows without a result may have been asked",
            "the remaining rows were not asked",
            RESUME.trim_end()
        ]
    );
    assert_eq!(job.rows().len(), 0);
}

#[test]
fn ctrl_c_before_the_first_row_ends_at_once() {
    let server = ProfileServer::start(Duration::ZERO);
    let job = Job::of(0..1);
    fs::remove_file(&job.input).unwrap();
    // Opening it waits for its other end.
    let made = Command::new("mkfifo").arg(&job.input).status();
    assert!(made.unwrap().success());
    let child = job.begin(&[], &server.environment());
    // Of the four, SIGHUP is caught last: one that comes while SIGINT's own handler is being installed is lost.
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("SigCgt:"));
        let mask = line.unwrap().split_whitespace().last().unwrap().to_owned();
        u64::from_str_radix(&mask, 16).unwrap() & 0b1 != 0
    };
    wait_until(caught);
    interrupt(&child);
    let Run { code, stderr, .. } = ended(child);
    assert_eq!(code, 130, "{stderr}");
    // Signals are caught before the batch begins.
    let before_it_began = stderr.contains("nothing was sent");
    let counted = stderr.starts_with("0 rows: ")
        && stderr.contains("the remaining rows were not asked\nbegin again with the same command and the whole input: a pipe");
    assert!(before_it_began || counted, "{stderr}");
    assert!(!job.out().exists());
}

#[test]
fn nothing_is_said_of_rows_that_are_not_left() {
    let server = ProfileServer::start(Duration::from_millis(500));
    let job = Job::of(0..4);
    let child = job.begin(&[], &server.environment());
    wait_until(|| server.requests() == 4);
    interrupt(&child);
    let Run { code, stderr, .. } = ended(child);
    assert_eq!(code, 130, "{stderr}");
    assert_eq!(job.by_line().len(), 4);
    assert!(stderr.contains("4 rows: 4 answered"), "{stderr}");
    assert!(
        !stderr.contains("not asked") && !stderr.contains(RESUME),
        "{stderr}"
    );
}

#[test]
fn results_that_another_program_takes_or_changes_stop_the_batch() {
    let server = ProfileServer::start(Duration::from_millis(5));
    let environment = server.environment();
    let ways: [(&str, Change); 3] = [
        ("were removed or replaced", |job| {
            fs::remove_file(job.out()).unwrap();
        }),
        ("were removed or replaced", |job| {
            fs::rename(job.out(), job.directory.path().join("other")).unwrap();
            fs::write(job.out(), "somebody's diary\n").unwrap();
        }),
        ("were changed", |job| {
            let file = OpenOptions::new().write(true).open(job.out()).unwrap();
            file.set_len(0).unwrap();
        }),
    ];
    for (what, change) in ways {
        let job = Job::of(0..3_000);
        let before = server.requests();
        let child = job.begin(&["--concurrency", "4"], &environment);
        wait_until(|| written(&job.out()) >= 20);
        change(&job);
        let Run { code, stderr, .. } = ended(child);
        let asked = server.requests() - before;
        assert_eq!(code, 7, "{stderr}");
        assert!(asked < 3_000, "it went on");
        assert!(stderr.contains(&format!("stopped: the results {what} by another program")));
        assert!(stderr.contains(" rows without a result may have been asked"));
        assert!(
            stderr.contains("without them every row is asked again"),
            "{stderr}"
        );
        let left = fs::read_to_string(job.out()).unwrap_or_default();
        assert!(left.is_empty() || left == "somebody's diary\n");
    }
}

#[test]
fn results_that_do_not_fit_stop_the_batch() {
    let server = ProfileServer::start(Duration::from_millis(5));
    // Blocks of 512 bytes or 1 KiB.
    for (blocks, words) in [
        (
            "0",
            "error: the key beside --out: cannot be read or written: file too large\n",
        ),
        (
            "8",
            "stopped: the results could not be written: file too large\n",
        ),
    ] {
        let job = Job::of(0..200);
        let before = server.requests();
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let run = |more: &[&str]| {
            let run = Command::new("sh")
                .args(["-c", &script, env!("CARGO_BIN_EXE_kyc")])
                .args(job.arguments(&[&["--concurrency", "4"], more].concat()))
                .env_clear()
                .envs(server.environment())
                .output()
                .unwrap();
            let stderr = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(8), "{stderr}");
            stderr
        };
        let stderr = run(&[]);
        assert!(stderr.contains(words), "{stderr}");
        if blocks == "0" {
            let error: Value = serde_json::from_str(&run(&["--json"])).unwrap();
            let became = (&error["outcome"], &error["unsettled"]);
            assert_eq!(became, (&"not_sent".into(), &false.into()));
            assert_eq!(server.requests(), before);
            continue;
        }
        let asked = server.requests() - before;
        let kept = written(&job.out());
        assert!(kept > 0 && asked > kept, "{kept} {asked}");
        let told = stderr
            .lines()
            .find(|line| line.ends_with("may have been asked"));
        let told = told.unwrap().split(' ').next().unwrap();
        assert!(told.parse::<usize>().unwrap() >= asked - kept, "{told}");
        assert!(stderr.ends_with(RESUME), "{stderr}");
        let resumed = run(&["--resume"]);
        assert!(resumed.contains(words), "{resumed}");
        let (asked, kept) = (server.requests() - before, written(&job.out()));
        assert_eq!(job.run(&["--resume"], &server.environment()).code, 0);
        assert_eq!(job.by_line().len(), 200);
        assert_eq!(server.requests() - before, asked + 200 - kept);
    }
}

#[test]
fn an_input_that_changes_meanwhile_is_not_asked_behind_the_change() {
    let server = ProfileServer::start(Duration::from_millis(2));
    let environment = server.environment();
    let header = "mobileNumber,reference\n";
    let changes: [(&str, Change); 2] = [
        ("edited", |job| {
            let text = fs::read_to_string(&job.input).unwrap();
            let mut file = OpenOptions::new().write(true).open(&job.input).unwrap();
            let edited = text.replace(&mobile(9_999), &mobile(5_555));
            file.write_all(edited.as_bytes()).unwrap();
        }),
        ("appended", |job| {
            let mut file = OpenOptions::new().append(true).open(&job.input).unwrap();
            writeln!(file, "{},", mobile(5_555)).unwrap();
        }),
    ];
    for (name, change) in changes {
        let long = "r".repeat(190);
        let mut rows: String = (0..1_000)
            .map(|person| format!("{},{long}\n", mobile(person)))
            .collect();
        rows.push_str(&format!("{},\n", mobile(9_999)));
        let job = Job::new("people.csv", &format!("{header}{rows}"));
        let child = job.begin(&["--concurrency", "4"], &environment);
        wait_until(|| written(&job.out()) >= 20);
        change(&job);
        let Run { code, stderr, .. } = ended(child);
        assert_eq!(code, 2, "{stderr}");
        let words = "stopped: the input changed while it was read\nthe remaining rows were not asked\nto resume with --resume, put the input back as it was";
        assert!(stderr.contains(words), "{name}: {stderr}");
        assert_eq!(server.asked().get(&mobile(5_555)), None, "{name}");
        let run = job.run(&["--resume"], &environment);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains("the input has changed since"));

        fs::write(&job.input, format!("{header}{rows}")).unwrap();
        assert_eq!(job.run(&["--resume"], &environment).code, 0);
        assert_eq!(job.by_line().len(), 1_001);
    }
    assert_eq!(server.requests(), 2 * 1_001, "none twice");
}

/// A connection that is reset fails midway as a disk or a network file system does.
#[test]
fn an_input_that_fails_midway_ends_the_batch_and_what_was_asked_is_told() {
    let server = ProfileServer::start(Duration::ZERO);
    let job = Job::of(0..0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut input = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut writer, _) = listener.accept().unwrap();
    // Closed with something unread, the other end resets the connection.
    input.write_all(b"unread").unwrap();
    writer.peek(&mut [0]).unwrap();
    let input = Stdio::from(OwnedFd::from(input));
    let out = job.out();
    let arguments = [
        "finpro", "profile", "--batch", "-", "--format", "csv", "--out",
    ];
    let arguments = [&arguments[..], &[out.to_str().unwrap()]].concat();
    let child = started_with(&arguments, &server.environment(), input);
    let rows: String = (0..3).map(|person| mobile(person) + "\n").collect();
    writer
        .write_all(format!("mobileNumber\n{rows}").as_bytes())
        .unwrap();
    wait_until(|| written(&out) == 3);
    drop(writer);
    let Run { code, stderr, .. } = ended(child);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.starts_with("3 rows: 3 answered, "), "{stderr}");
    let end = "stopped: the input could not be read to its end: connection reset\n\
               the remaining rows were not asked\n\
               the input was a pipe and cannot be resumed; ask the rows without a result in another batch\n";
    assert!(stderr.ends_with(end), "{stderr}");
    assert_eq!((job.rows().len(), server.requests()), (3, 3));
}

/// A directory is opened and not read; a process's own memory has nothing at its beginning.
#[test]
fn an_input_that_cannot_be_read_is_named_and_begins_nothing() {
    let server = ProfileServer::start(Duration::ZERO);
    let environment = server.environment();
    for input in ["/", "/proc/self/mem"] {
        let job = Job::of(0..0);
        let out = job.out();
        let batch = [
            "--batch",
            input,
            "--format",
            "csv",
            "--out",
            out.to_str().unwrap(),
        ];
        for (flag, more) in [("--batch", &batch[..]), ("--data", &["--data", input])] {
            let run = kyc(&[&["finpro", "profile"], more].concat(), &environment);
            assert_eq!(run.code, 2, "{run:?}");
            let told = format!("{flag}: cannot be read: ");
            assert!(run.stderr.contains(&told), "{run:?}");
            assert!(!out.exists());
        }
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_summary_that_cannot_be_printed_is_on_stderr() {
    let server = ProfileServer::start(Duration::ZERO);
    let job = Job::of(0..3);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kyc"))
        .args(job.arguments(&["--json"]))
        .env_clear()
        .envs(server.environment())
        .stdout(Stdio::from(full))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(8));
    let summary: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(summary["answered"], 3);
    assert_eq!(job.rows().len(), 3);
}
