//! The file of `kyc journey`: whose it is, who has it, and a disk that refuses.

use std::fs;
use std::io::{BufRead as _, BufReader};

use crate::journey::{Files, id};
use crate::kyc::{Run, ended, started};

fn refused(run: Run, words: &str) {
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains(words), "{words} in {run:?}");
}

#[test]
fn a_file_that_is_none_of_ours_or_in_use_or_without_its_key_is_refused() {
    let files = Files::new();
    let journey = id(&files.start("9001000000", &[]));
    let show = || files.run(&["show", &journey]);
    refused(files.run(&["show", "nobody"]), "ID: is no journey there");
    refused(
        files.run(&["show", "no body"]),
        "ID: must be 1 to 64 letters",
    );
    let lock = fs::File::open(files.path("journeys.db.lock")).unwrap();
    lock.lock().unwrap();
    for run in [
        show(),
        files.run(&["list"]),
        files.run(&["export", &journey]),
        files.run(&["cancel", &journey]),
        files.run(&["withdraw", &journey]),
    ] {
        // What was given is not wrong, and who has the file can be asked.
        assert!(run.stderr.contains("over its HTTP API"), "{run:?}");
        for wrong in ["invalid request", "Correct it"] {
            assert!(!run.stderr.contains(wrong), "{run:?}");
        }
        refused(run, "--db: is in use by another kyc");
    }
    let machine = files.run(&["show", &journey, "--json"]);
    assert_eq!(machine.error()["field"], "--db", "{machine:?}");
    // Who watches waits for it, for as long as they will.
    let limited = files.run(&["watch", &journey, "--timeout", "100ms"]);
    assert_eq!(limited.code, 4, "{limited:?}");
    assert!(
        limited.stderr.contains("--timeout has passed"),
        "{limited:?}"
    );
    let db = files.path("journeys.db");
    let watching = ["journey", "watch", &journey, "--json", "--db", &db];
    let mut watch = started(&watching, &[]);
    let mut told = String::new();
    let mut stderr = BufReader::new(watch.stderr.take().unwrap());
    stderr.read_line(&mut told).unwrap();
    assert!(told.contains("another kyc has the file"), "{told}");
    lock.unlock().unwrap();
    let watched = ended(watch);
    assert_eq!(watched.code, 0, "{watched:?}");
    assert_eq!(watched.answer()["status"], "completed");
    assert_eq!(show().code, 0);

    // The key of another file opens nothing, and nothing is written under it.
    let other = Files::new();
    other.start("9001000000", &[]);
    let key = files.path("journeys.db.key");
    let own = fs::read(&key).unwrap();
    let before = fs::read(files.path("journeys.db")).unwrap();
    fs::copy(other.path("journeys.db.key"), &key).unwrap();
    let start = || files.start("9001000000", &["--key", "ORDER-17"]);
    for run in [
        show(),
        start(),
        files.run(&["list"]),
        files.run(&["show", "nobody"]),
        files.run(&["watch", &journey]),
        files.run(&["export", &journey]),
        files.run(&["resume", &journey, "--sandbox"]),
        files.run(&["cancel", &journey]),
        files.run(&["withdraw", &journey]),
    ] {
        refused(run, "--db: cannot be opened with its key");
    }
    assert_eq!(before, fs::read(files.path("journeys.db")).unwrap());
    fs::write(&key, &own[..63]).unwrap();
    refused(show(), "the key beside --db: is no key of journeys");
    fs::remove_file(&key).unwrap();
    // What is lost with it is told by number.
    let lost = "--db: has no key beside it, so that nothing it holds of 1 journey can be read";
    for run in [show(), start(), files.run(&["list"])] {
        refused(run, lost);
    }
    fs::write(&key, &own).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |mode| fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        refused(show(), "the key beside --db: may be read by others");
        mode(0o600);
    }
    assert_eq!(show().code, 0);

    let stranger = Files::new();
    stranger.write("journeys.db", "no database at all");
    fs::copy(&key, stranger.path("journeys.db.key")).unwrap();
    let run = stranger.run(&["list"]);
    refused(run, "--db: is no SQLite database");
}

/// What lies beside a file lies beside one of its names, so that each of several would have a lock and a log of its own.
/// What cannot be opened is listed nevertheless: whoever looks for it has to find it.
#[test]
fn a_journey_that_cannot_be_opened_is_listed_and_hides_no_other() {
    let files = Files::new();
    let ended = id(&files.start("9001000000", &[]));
    let open = id(&files.start("9001060000", &[]));
    let list = || {
        let list = files.run(&["list", "--json"]);
        assert_eq!(list.code, 0, "{list:?}");
        let listed = list.answer().as_array().unwrap().clone();
        let ids = listed
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned());
        ids.collect::<std::collections::BTreeSet<_>>()
    };
    let whole = list();
    assert_eq!(whole, [ended.clone(), open].into());
    let journeys = rusqlite::Connection::open(files.path("journeys.db")).unwrap();
    let altered = journeys.execute(
        "UPDATE journey SET state = zeroblob(length(state)) WHERE id = ?1",
        [&ended],
    );
    assert_eq!(altered.unwrap(), 1);
    drop(journeys);
    assert_eq!(files.run(&["show", &ended]).code, 2);
    assert_eq!(list(), whole);
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_or_refused_before_anything_is_written() {
    use std::os::unix::fs::symlink;

    let files = Files::new();
    let names = || {
        let entries = fs::read_dir(files.directory()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    symlink(files.path("nothing.db"), files.path("journeys.db")).unwrap();
    let words = "--db: is a link to a file that is not there";
    refused(files.start("9001000000", &[]), words);
    assert_eq!(names(), ["journeys.db"]);
    fs::remove_file(files.path("journeys.db")).unwrap();

    let journey = id(&files.start("9001000000", &[]));
    fs::hard_link(files.path("journeys.db"), files.path("other.db")).unwrap();
    fs::copy(files.path("journeys.db.key"), files.path("other.db.key")).unwrap();
    let before = names();
    for name in ["journeys.db", "other.db"] {
        let db = files.path(name);
        let show = ["journey", "show", &journey, "--db", &db];
        refused(crate::kyc::kyc(&show, &[]), "--db: has several names");
    }
    assert_eq!(names(), before);
}

/// A disk that is full, as far as a process can be told so: no file of it grows beyond this many blocks of 512 bytes.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_a_journey_plainly_and_it_goes_on_once_there_is_room() {
    for blocks in [300, 500, 900] {
        let files = Files::new();
        let db = files.path("journeys.db");
        let start = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
        let run = std::process::Command::new("sh")
            .args(["-c", start, "sh", &blocks.to_string()])
            .arg(env!("CARGO_BIN_EXE_kyc"))
            .args(["journey", "start", "--sandbox", "--mobile", "9001000000"])
            .args(["--key", "ORDER-17", "--timeout", "5", "--db", &db])
            .output()
            .unwrap();
        let told = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(8), "{blocks}: {told}");
        let words = "error: --db: cannot be read or written: disk I/O error";
        assert!(told.contains(words), "{blocks}: {told}");
        let mut run = files.start("9001000000", &["--key", "ORDER-17"]);
        // What was answered and could not be stored, only the person may ask for again.
        if run.code == 4 {
            run = files.run(&["resume", &id(&run), "--sandbox", "--json"]);
        }
        assert_eq!(run.code, 0, "{blocks}: {run:?}");
        files.nothing_is_billed_twice(&blocks.to_string());
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_written_is_refused_at_once() {
    use std::os::unix::fs::PermissionsExt as _;

    let files = Files::new();
    files.start("9001000000", &[]);
    for name in ["journeys.db", "journeys.db.sandbox"] {
        let mode = |mode| {
            fs::set_permissions(files.path(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o400);
        let run = files.start("9001000000", &[]);
        let words = match name {
            "journeys.db" => "--db: cannot be written",
            _ => "the sandbox beside --db: is read-only",
        };
        refused(run, words);
        mode(0o600);
    }
    let list = files.run(&["list", "--json"]).answer();
    assert_eq!(list.as_array().unwrap().len(), 1);
}

/// What the providers of the sandbox were told is not masked there.
#[cfg(unix)]
#[test]
fn a_sandbox_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let files = Files::new();
    let id = id(&files.start("9001060000", &[]));
    let sandbox = files.path("journeys.db.sandbox");
    let mode = |mode| fs::set_permissions(&sandbox, fs::Permissions::from_mode(mode)).unwrap();
    let found = fs::metadata(&sandbox).unwrap().permissions().mode();
    assert_eq!(found & 0o777, 0o600);
    for open in [0o644, 0o640, 0o602] {
        mode(open);
        let words = format!("the sandbox beside --db: may be read by others (mode {open:o})");
        for run in [
            files.start("9001000000", &[]),
            files.run(&["resume", &id, "--sandbox"]),
            files.run(&["list", "--stuck", "1h"]),
        ] {
            refused(run, &words);
        }
    }
    mode(0o600);
    assert_eq!(files.run(&["list", "--stuck", "1h"]).code, 0);
}

/// As a ledger is: what shows journeys needs no right to write them.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_written_is_shown_and_not_changed() {
    use std::os::unix::fs::PermissionsExt as _;

    let files = Files::new();
    let id = id(&files.start("9001060000", &[]));
    let commands = [
        &["list", "--json"][..],
        &["show", &id, "--json"],
        &["export", &id],
        &["watch", &id, "--json"],
    ];
    let all = || commands.map(|command| files.run(command));
    let before = all();
    // SQLite may make and remove what lies beside a database that it reads.
    let content = || {
        [
            "journeys.db",
            "journeys.db.ledger",
            "journeys.db.ledger-keys",
        ]
        .map(|name| fs::read(files.path(name)).unwrap())
    };
    for marked in [
        &["journeys.db"][..],
        &[
            "journeys.db",
            "journeys.db.ledger",
            "journeys.db.ledger-keys",
        ],
    ] {
        let mode = |mode| {
            for name in marked {
                fs::set_permissions(files.path(name), fs::Permissions::from_mode(mode)).unwrap();
            }
        };
        mode(0o400);
        let unchanged = content();
        for (run, before) in all().iter().zip(&before) {
            assert_eq!(
                (run.code, &run.stdout),
                (before.code, &before.stdout),
                "{run:?}"
            );
        }
        assert!(content() == unchanged, "nothing is written");
        refused(files.run(&["cancel", &id]), "cannot be written");
        mode(0o600);
    }
}
