//! `kyc consent` and `kyc erase`: the ledger beside a file of journeys.

use std::fs;

use serde_json::Value;

use crate::journey::{Files, id};
use crate::kyc::{Run, as_printed, kyc};

const MOBILE: &str = "9001000000";

impl Files {
    /// `kyc` with these words and this file.
    fn kyc(&self, arguments: &[&str]) -> Run {
        let db = self.path("journeys.db");
        let mut all = arguments.to_vec();
        all.extend(["--db", &db]);
        let run = kyc(&all, &[]);
        assert!(!run.stdout.contains(MOBILE) && !run.stderr.contains(MOBILE));
        run
    }

    fn show(&self) -> Value {
        let run = self.kyc(&["consent", "show", "--mobile-number", MOBILE, "--json"]);
        assert_eq!(run.code, 0, "{run:?}");
        run.answer()
    }

    /// Withdraws the person's consent, after which the journey gives back what it opened.
    fn withdrawn_and_given_back(&self, journey: &str) {
        let withdrawn = self.kyc(&["consent", "withdraw", "--mobile-number", MOBILE]);
        assert_eq!(withdrawn.code, 0, "{withdrawn:?}");
        let resumed = self.run(&["resume", journey, "--sandbox"]);
        assert_eq!(resumed.code, 5, "{resumed:?}");
    }
}

fn kinds(show: &Value) -> Vec<&str> {
    let entries = show["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect()
}

#[test]
fn a_journey_s_consent_and_each_use_of_it_are_in_the_ledger_beside_it() {
    let files = Files::new();
    let started = files.start(MOBILE, &[]);
    assert_eq!(started.code, 0, "{started:?}");
    let show = files.show();
    assert_eq!(show["receipts"][0]["standing"], "live");
    assert_eq!(show["journeys"][0], id(&started));
    let found = kinds(&show);
    assert_eq!(found[..2], ["requested", "given"]);
    let uses: Vec<_> = show["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["kind"] == "used")
        .map(|entry| entry["says"]["used"]["operation"].as_str().unwrap())
        .collect();
    for operation in ["initiate-session", "create-session", "request-consent-v3"] {
        assert!(uses.contains(&operation), "{operation} in {uses:?}");
    }
    assert!(found.contains(&"artefact"));
    // A pseudonym says as much as the number, and words as much as JSON.
    let subject = show["subject"].as_str().unwrap();
    let words = files.kyc(&["consent", "show", subject]);
    assert_eq!(words.code, 0, "{words:?}");
    for text in ["live", "used at veriff by create-session", "given, receipt"] {
        assert!(words.stdout.contains(text), "{text} in {}", words.stdout);
    }
    let whole = files.kyc(&["consent", "show", "--json"]).answer();
    assert_eq!(whole["entries"], found.len());
    assert_eq!(whole["untold"], 0);
}

#[test]
fn a_ledger_and_its_export_are_verified_and_an_altered_one_is_not() {
    let files = Files::new();
    files.start(MOBILE, &[]);
    let head = files.kyc(&["consent", "verify", "--json"]).answer();
    assert_eq!(head["whole"], true);
    let head = head["head"].as_str().unwrap().to_owned();
    let out = files.path("export.jsonl");
    for bodies in [false, true] {
        let mut arguments = vec!["consent", "export", "--out", &*out];
        if bodies {
            arguments.push("--bodies");
        }
        let run = files.kyc(&arguments);
        assert_eq!((run.code, run.stdout.trim()), (0, &*head), "{run:?}");
        let again = files.kyc(&arguments);
        assert_eq!(again.code, 2, "it is there already: {again:?}");
        let text = fs::read_to_string(&out).unwrap();
        assert_eq!(text.contains("initiate-session"), bodies);
        let verified = files.kyc(&["consent", "verify", "--export", &out, "--head", &head]);
        assert_eq!(verified.code, 0, "{verified:?}");
        fs::write(&out, text.replacen("\"given\"", "\"requested\"", 1)).unwrap();
        let altered = files.kyc(&["consent", "verify", "--export", &out]);
        assert_eq!((altered.code, &*altered.stdout), (6, ""), "{altered:?}");
        assert!(altered.stderr.contains("not what was written"));
        let altered = files.kyc(&["consent", "verify", "--export", &out, "--json"]);
        assert_eq!(altered.code, 6);
        assert_eq!(altered.answer()["whole"], false);
        fs::remove_file(&out).unwrap();
    }
    let printed = files.kyc(&["consent", "export"]);
    assert_eq!(printed.code, 0);
    assert!(printed.stdout.lines().count() > 3);
    // What goes on after a head that was kept is no alteration; another head is.
    files.start("9000000001", &[]);
    assert_eq!(files.kyc(&["consent", "verify", "--head", &head]).code, 0);
    let (start, digest) = head.rsplit_once(':').unwrap();
    let other = format!("{start}:{}", digest.replace(|digit| digit != '0', "0"));
    let run = files.kyc(&["consent", "verify", "--head", &other]);
    assert_eq!(run.code, 6, "{run:?}");
}

/// Whatever page it is: some are not read to verify, and some are what opens it.
#[test]
fn a_page_that_is_corrupt_is_no_refusal_of_the_disk() {
    let files = Files::new();
    files.start(MOBILE, &[]);
    let path = files.path("journeys.db.ledger");
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    for page in 1..whole.len() / 4096 {
        let mut corrupt = whole.clone();
        corrupt[page * 4096..][..4096].fill(0xff);
        fs::write(&path, corrupt).unwrap();
        let run = files.kyc(&["consent", "verify"]);
        assert!([0, 2, 6].contains(&run.code), "{page}: {run:?}");
        found += usize::from(run.code == 6 && run.stderr.contains("the database is corrupt"));
    }
    assert!(found > 0);
}

/// As far as a process can be told that a disk is full: no file of it grows beyond this many blocks of 512 bytes.
#[cfg(unix)]
#[test]
fn a_full_disk_is_named_and_changes_nothing_and_reading_needs_no_room() {
    let files = Files::new();
    let journey = id(&files.start(MOBILE, &[]));
    let db = files.path("journeys.db");
    let before = files.show();
    let limited = |arguments: &[&str]| {
        let limited = "trap '' XFSZ; ulimit -f 8; exec \"$@\"";
        let run = std::process::Command::new("sh")
            .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_kyc")])
            .args(arguments)
            .args(["--db", &db])
            .output()
            .unwrap();
        let told = String::from_utf8(run.stderr).unwrap();
        (run.status.code(), told)
    };
    let out = files.path("export.jsonl");
    for arguments in [
        ["consent", "withdraw", "--mobile-number", MOBILE].as_slice(),
        &["consent", "export", "--out", &out],
        &["journey", "list"],
        &["journey", "start", "--sandbox", "--mobile-number", MOBILE],
    ] {
        let (code, told) = limited(arguments);
        assert_eq!(code, Some(8), "{arguments:?}: {told}");
        let says = "cannot be read or written: ";
        assert!(told.contains(says), "{arguments:?}: {told}");
        for wrong in [MOBILE, "Nothing was sent", "Correct it"] {
            assert!(!told.contains(wrong), "{arguments:?}: {told}");
        }
    }
    assert!(!fs::exists(&out).unwrap());
    assert_eq!(files.show(), before);
    files.withdrawn_and_given_back(&journey);
    let (code, told) = limited(&["erase", "--mobile-number", MOBILE]);
    assert_eq!(code, Some(8), "{told}");
    assert_eq!(files.kyc(&["erase", "--mobile-number", MOBILE]).code, 0);
}

/// Nothing is made beside the files either, so that a copy on a medium that cannot be written is enough.
#[cfg(unix)]
#[test]
fn a_ledger_that_may_not_be_written_is_shown_verified_and_exported() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let files = Files::new();
    files.start(MOBILE, &[]);
    let directory = files.directory();
    let db = files.path("journeys.db");
    for path in fs::read_dir(directory).unwrap() {
        fs::set_permissions(path.unwrap().path(), fs::Permissions::from_mode(0o400)).unwrap();
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write anything, unless it gives up that capability. Another user may not be able to reach the program.
    let is_root = fs::metadata(directory).unwrap().uid() == 0;
    let run = |arguments: &[&str]| {
        let kyc = env!("CARGO_BIN_EXE_kyc");
        let mut command = std::process::Command::new(if is_root { "setpriv" } else { kyc });
        if is_root {
            command.args(["--bounding-set=-dac_override,-dac_read_search", kyc]);
        }
        let run = command.args(arguments).args(["--db", &db]).output();
        let run = run.unwrap();
        (run.status.code(), String::from_utf8(run.stderr).unwrap())
    };
    for arguments in [
        ["consent", "show"].as_slice(),
        &["consent", "show", "--mobile-number", MOBILE],
        &["consent", "verify"],
        &["consent", "export", "--bodies"],
    ] {
        let (code, told) = run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {told}");
    }
    let (code, told) = run(&["consent", "withdraw", "--mobile-number", MOBILE]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("may not be written"), "{told}");
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_withdrawal_ends_the_journeys_and_then_the_person_can_be_erased() {
    let files = Files::new();
    let journey = id(&files.start(MOBILE, &[]));
    let other = id(&files.start("9000000001", &[]));
    let erase = ["erase", "--mobile-number", MOBILE];
    let early = files.kyc(&erase);
    assert_eq!(early.code, 2, "{early:?}");
    let says = "--mobile-number: has a live consent";
    assert!(early.stderr.contains(says), "{early:?}");

    let withdraw = ["consent", "withdraw", "--mobile-number", MOBILE, "--json"];
    let withdrawn = files.kyc(&withdraw);
    assert_eq!(withdrawn.code, 0, "{withdrawn:?}");
    let answer = withdrawn.answer();
    assert_eq!(answer["receipts"].as_array().unwrap().len(), 1);
    assert_eq!(answer["journeys_told"], 1);
    let status = |id: &str| files.run(&["show", id, "--json"]).answer()["status"].clone();
    assert_eq!(status(&journey), "withdrawn");
    assert_eq!(status(&other), "completed");
    // Again, nothing more.
    let again = files.kyc(&withdraw).answer();
    assert_eq!(again["receipts"].as_array().unwrap().len(), 0);
    assert_eq!(again["journeys_told"], 0);
    // What the journey opened would stay open, and nobody would find it by the person any more.
    let db = files.path("journeys.db");
    let resume = format!("`kyc journey resume {journey} --sandbox --db {db}` makes them");
    for erase in [&erase[..], &[&erase[..], &["--dry-run"]].concat()] {
        let early = files.kyc(erase);
        assert_eq!((early.code, &*early.stdout), (2, ""), "{early:?}");
        let says = "--mobile-number: has journeys with clean-up calls outstanding";
        for says in [says, &resume] {
            assert!(early.stderr.contains(says), "{says}: {early:?}");
        }
    }
    // The clean-up is proved by the withdrawal.
    let resumed = files.run(&["resume", &journey, "--sandbox", "--json"]);
    assert_eq!(resumed.answer()["status"], "withdrawn", "{resumed:?}");
    let show = files.show();
    assert_eq!(show["receipts"][0]["standing"], "withdrawn");
    let last = show["entries"].as_array().unwrap();
    let used = last.iter().rev().find(|entry| entry["kind"] == "used");
    let operation = &used.unwrap()["says"]["used"]["operation"];
    assert!(
        ["revoke-consent", "delete-session"].contains(&operation.as_str().unwrap()),
        "{operation}"
    );
    let before = kinds(&show).len();

    let dry = files.kyc(&[&erase[..], &["--dry-run", "--json"]].concat());
    assert_eq!(dry.code, 0, "{dry:?}");
    let would = dry.answer();
    assert_eq!(would["dry_run"], true);
    assert_eq!(kinds(&files.show()).len(), before, "nothing was written");
    let erased = files.kyc(&[&erase[..], &["--json"]].concat()).answer();
    assert_eq!(erased["erased"], would["erased"]);
    assert!(!erased["erased"].as_array().unwrap().is_empty());
    assert_eq!(erased["kept"][0]["class"], "ledger");
    assert_eq!(erased["unlinked"], true);
    // The number leads nowhere; the pseudonym to what is kept.
    let gone = files.kyc(&["consent", "show", "--mobile-number", MOBILE]);
    assert_eq!(gone.code, 2, "{gone:?}");
    let subject = show["subject"].as_str().unwrap();
    let kept = files.kyc(&["consent", "show", subject, "--json"]).answer();
    assert_eq!(*kinds(&kept).last().unwrap(), "erased");
    assert_eq!(files.kyc(&["consent", "verify"]).code, 0);
    assert_eq!(status(&journey), "withdrawn");
    assert_eq!(status(&other), "completed");
}

/// And with commands that are run as they are printed.
#[test]
fn a_withdrawal_names_the_journeys_that_have_something_to_give_back() {
    let files = Files::new();
    let plan = files.write("plan.toml", "[documents]\nwanted = [\"pan\"]\n");
    let nothing_opened = id(&files.start(MOBILE, &["--plan", &plan]));
    let journeys = [1, 2].map(|_| id(&files.start(MOBILE, &[])));
    let withdrawn = files.kyc(&["consent", "withdraw", "--mobile-number", MOBILE]);
    assert_eq!(withdrawn.code, 0, "{withdrawn:?}");
    let told = withdrawn.stdout;
    assert!(told.contains("journeys told: 3"), "{told}");
    assert!(!told.contains(&nothing_opened), "{told}");
    for journey in &journeys {
        let db = files.path("journeys.db");
        let command = format!("`kyc journey resume {journey} --sandbox --db {db}`");
        assert!(told.contains(&command), "{told}");
        assert_eq!(as_printed(&command).code, 5);
    }
    // Where their sandbox is not beside them, it has to be brought.
    let other = id(&files.start(MOBILE, &[]));
    fs::remove_file(files.path("journeys.db.sandbox")).unwrap();
    let told = files
        .kyc(&["consent", "withdraw", "--mobile-number", MOBILE])
        .stdout;
    let brings = format!("outstanding: {other}; `kyc journey resume {other} --sandbox");
    assert!(
        told.contains(&brings) && told.contains("which is missing"),
        "{told}"
    );
}

/// The consent is for every provider, and the plan is not.
#[test]
fn a_withdrawal_names_the_providers_that_have_something() {
    let files = Files::new();
    let plan = files.write("plan.toml", "[verification]\n");
    let started = files.start(MOBILE, &["--plan", &plan]);
    assert_eq!(started.code, 0, "{started:?}");
    let withdraw = ["consent", "withdraw", "--mobile-number", MOBILE, "--json"];
    let withdrawn = files.kyc(&withdraw).answer();
    let follows = withdrawn["follows"].as_array().unwrap().iter();
    let deleted = follows.filter(|line| line.as_str().unwrap().contains("delete what it has"));
    let deleted: Vec<_> = deleted.collect();
    assert_eq!(deleted, ["have veriff delete what it has"], "{withdrawn}");
}

/// Each would destroy keys under which the other one has just wrapped something.
#[cfg(unix)]
#[test]
fn of_two_erasures_at_once_one_is_refused() {
    let files = Files::new();
    let journey = id(&files.start(MOBILE, &[]));
    files.withdrawn_and_given_back(&journey);
    let head = || files.kyc(&["consent", "verify"]).stdout;
    let before = head();
    // As the other process holds it.
    let rotation = files.path("journeys.db.ledger-keys.rotation");
    let rotation = std::fs::File::create(rotation).unwrap();
    rotation.lock().unwrap();
    let erase = ["erase", "--mobile-number", MOBILE];
    let refused = files.kyc(&erase);
    assert_eq!(refused.code, 2, "{refused:?}");
    let says = "another process rotates the keys now";
    assert!(refused.stderr.contains(says), "{refused:?}");
    assert_eq!(head(), before);
    drop(rotation);
    assert_eq!(files.kyc(&erase).code, 0);
}

/// The number leads to nobody any more by then, and yet it is the same command that finishes it.
#[cfg(unix)]
#[test]
fn an_erasure_that_was_cut_off_is_finished_by_the_same_command() {
    let files = Files::new();
    let journey = id(&files.start(MOBILE, &[]));
    let subject = files.show()["subject"].as_str().unwrap().to_owned();
    files.withdrawn_and_given_back(&journey);
    let erase = ["erase", "--mobile-number", MOBILE, "--json"];
    let dry = |whose: &[&str]| files.kyc(&[&["erase"], whose, &["--dry-run", "--json"]].concat());
    let would = dry(&erase[1..3]).answer();
    // The first keys are gone when the key-encryption key cannot be changed.
    let in_the_way = files.path("journeys.db.ledger-kek.lock");
    std::fs::create_dir(&in_the_way).unwrap();
    let cut_off = files.kyc(&erase);
    assert_eq!(cut_off.code, 2, "{cut_off:?}");
    std::fs::remove_dir(&in_the_way).unwrap();
    for whose in [&erase[1..3], &[&subject]] {
        let dry = dry(whose);
        assert_eq!(dry.code, 0, "{dry:?}");
        assert!(dry.stderr.contains("has begun, and was cut off"), "{dry:?}");
        assert_eq!(dry.answer(), would);
    }
    let finished = files.kyc(&erase);
    assert_eq!(finished.code, 0, "{finished:?}");
    assert!(
        finished.stderr.contains("has been finished now"),
        "{finished:?}"
    );
    let answer = finished.answer();
    assert_eq!(
        (&answer["dry_run"], &answer["erased"]),
        (&false.into(), &would["erased"])
    );
    // Whoever lost this answer, too, is told again; to whom it leads is not said.
    let verified = files.kyc(&["consent", "verify"]);
    assert_eq!(verified.code, 0);
    let again = files.kyc(&erase);
    assert_eq!(again.code, 0, "{again:?}");
    let told = again.answer();
    assert_eq!(told["erased"], answer["erased"]);
    assert_eq!(
        (&told["subject"], &told["unlinked"]),
        (&Value::Null, &true.into())
    );
    assert_eq!(files.kyc(&["consent", "verify"]).stdout, verified.stdout);
    // Nobody else is.
    let other = files.kyc(&["erase", "--mobile-number", "9000000099"]);
    assert_eq!(other.code, 2, "{other:?}");
    assert!(
        other.stderr.contains("--mobile-number: is nobody's"),
        "{other:?}"
    );
}

/// Such as the start of a server: the erasure's own command finds it done, and says so.
#[cfg(unix)]
#[test]
fn an_erasure_that_another_command_finished_is_told_by_its_own() {
    let files = Files::new();
    let journey = id(&files.start(MOBILE, &[]));
    files.withdrawn_and_given_back(&journey);
    let in_the_way = files.path("journeys.db.ledger-kek.lock");
    std::fs::create_dir(&in_the_way).unwrap();
    let erase = ["erase", "--mobile-number", MOBILE, "--json"];
    assert_eq!(files.kyc(&erase).code, 2);
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(files.kyc(&["journey", "show", &journey]).code, 0);
    for _ in 0..2 {
        let told = files.kyc(&erase);
        assert_eq!(told.code, 0, "{told:?}");
        assert!(
            told.stderr.contains("was erased within the last day"),
            "{told:?}"
        );
        assert!(!told.answer()["erased"].as_array().unwrap().is_empty());
    }
}

#[cfg(unix)]
#[test]
fn a_withdrawal_counts_although_the_journeys_cannot_be_told() {
    use std::os::unix::fs::PermissionsExt as _;

    let files = Files::new();
    files.start(MOBILE, &[]);
    let key = files.path("journeys.db.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let withdraw = ["consent", "withdraw", "--mobile-number", MOBILE];
    let run = files.kyc(&withdraw);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("withdrawn "), "{run:?}");
    assert!(run.stderr.contains("could not be notified yet"), "{run:?}");
    let whole = files.kyc(&["consent", "show", "--json"]).answer();
    assert_eq!(whole["untold"], 1);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let run = files.kyc(&withdraw);
    assert!(run.stdout.contains("journeys told: 1"), "{run:?}");
}

#[test]
fn a_journey_that_is_withdrawn_by_itself_is_so_in_the_ledger() {
    let files = Files::new();
    let journey = id(&files.start(MOBILE, &[]));
    assert_eq!(files.run(&["withdraw", &journey]).code, 0);
    let show = files.show();
    assert_eq!(show["receipts"][0]["standing"], "withdrawn");
    let whole = files.kyc(&["consent", "show", "--json"]).answer();
    assert_eq!(whole["untold"], 0);
}

#[test]
fn bad_input_is_refused_by_its_field() {
    let files = Files::new();
    let no_ledger = files.kyc(&["consent", "verify"]);
    assert_eq!(no_ledger.code, 2, "{no_ledger:?}");
    assert!(no_ledger.stderr.contains("the ledger beside --db"));
    files.start(MOBILE, &[]);
    let stranger = "0".repeat(32);
    let cases: &[(&[&str], &str)] = &[
        (&["consent", "show", "9001000"], "subject"),
        (&["consent", "show", &stranger], "SUBJECT"),
        (&["consent", "show", "--mobile-number", "123"], "mobile"),
        (
            &["consent", "show", "--mobile-number", "9000000002"],
            "--mobile-number",
        ),
        (&["consent", "withdraw"], "SUBJECT"),
        (&["consent", "withdraw", &stranger], "SUBJECT"),
        (
            &["consent", "withdraw", "--mobile", MOBILE, "--receipt", "x"],
            "--receipt",
        ),
        (
            &[
                "consent",
                "withdraw",
                "--mobile",
                MOBILE,
                "--receipt",
                &stranger,
            ],
            "receipt",
        ),
        (&["consent", "verify", "--head", "x:1:y"], "--head"),
        (
            &["consent", "verify", "--export", "/nowhere/at/all"],
            "--export",
        ),
        (&["consent", "export", "--out", "/nowhere/at/all"], "--out"),
        (&["erase"], "SUBJECT"),
        (&["erase", &stranger, "--dry-run"], "SUBJECT"),
        (&["erase", &stranger, "--mobile", MOBILE], "SUBJECT"),
    ];
    for (arguments, field) in cases {
        let run = files.kyc(arguments);
        assert_eq!((run.code, &*run.stdout), (2, ""), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(field), "{field} in {}", run.stderr);
    }
}

/// How many persons' data is lost with a key is said, and nothing is made in its place.
#[test]
fn lost_keys_say_whose_data_they_held_by_number() {
    for lost in [".ledger-kek", ".ledger-keys"] {
        let files = Files::new();
        files.start(MOBILE, &[]);
        files.start("9000000001", &[]);
        let key = files.path(&format!("journeys.db{lost}"));
        fs::remove_file(&key).unwrap();
        for arguments in [&["consent", "show"][..], &["journey", "list"]] {
            let run = files.kyc(arguments);
            assert_eq!(run.code, 2, "{run:?}");
            assert!(
                run.stderr.contains("data of 2 persons cannot be opened"),
                "{run:?}"
            );
        }
        assert!(!fs::exists(&key).unwrap());
    }
}

/// A consent that the person may yet approve is looked for after the withdrawal, by a handle that names nobody: an erasure leaves it.
#[test]
fn what_is_looked_for_after_a_withdrawal_is_told_and_outlives_an_erasure() {
    let files = Files::new();
    let plan = files.write("plan.toml", "[accounts]\nprovider = \"finpro\"\n");
    // Leaves the aggregator's page, and decides nothing.
    let number = "9001050000";
    let started = files.start(number, &["--plan", &plan]);
    assert_eq!(started.code, 4, "{started:?}");
    let journey = id(&started);
    let db = files.path("journeys.db");
    let resume = format!("`kyc journey resume {journey} --sandbox --db {db}` looks for it");
    let withdrawn = files.kyc(&["consent", "withdraw", "--mobile-number", number]);
    let erased = files.kyc(&["erase", "--mobile-number", number]);
    for run in [withdrawn, erased] {
        assert_eq!(run.code, 0, "{run:?}");
        let mut lines = run.stdout.lines();
        let says = |line: &str| {
            line.starts_with("to be done: the person can still approve") && line.contains(&resume)
        };
        assert!(lines.any(says), "{run:?}");
    }
    // Another person takes longer, and meanwhile it expires.
    files.start("9001050001", &["--plan", &plan]);
    let resumed = files.run(&["resume", &journey, "--sandbox", "--json"]);
    assert_eq!(resumed.code, 5, "{resumed:?}");
    let timeline = resumed.answer()["timeline"].clone();
    let mut timeline = timeline.as_array().unwrap().iter();
    let is_look = |line: &Value| line["about"] == "find-consent" && line["said"] == "expired";
    assert!(timeline.any(is_look), "{resumed:?}");
}
