//! `kyc journey` and `kyc consent` with a PostgreSQL database that several machines share.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use kyc_journey_postgres::testing::Database;
use tempfile::TempDir;

use crate::journey::{id, statuses};
use crate::journey_serve::{Server, TOKEN};
use crate::kyc::{Run, SandboxProcess, as_printed, kyc};

const MOBILE: &str = "9001000000";
/// Somebody who does not answer.
const AWAY: &str = "9001060000";

/// Waits for something of the server's.
fn wait<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work)
}

/// One that has the database's address and a directory of its own.
struct Machine {
    database: String,
    directory: TempDir,
    environment: Vec<(String, String)>,
}

impl Machine {
    fn of(database: &Database) -> Self {
        Self {
            database: database.url(),
            directory: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> String {
        let path = self.directory.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    /// Brings files from another machine.
    fn bring(&self, from: &Self, names: &[&str]) {
        for name in names {
            fs::copy(from.path(name), self.path(name)).unwrap();
        }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let keys = self.path("lender");
        let mut all = arguments.to_vec();
        all.extend(["--db", &self.database, "--keys", &keys]);
        let run = kyc(&all, &self.environment);
        assert!(!run.stdout.contains(MOBILE) && !run.stderr.contains(MOBILE));
        run
    }

    fn well(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
        run
    }

    fn start(&self, more: &[&str]) -> Run {
        let start = ["journey", "start", "--sandbox", "--mobile-number"];
        let mut arguments = start.to_vec();
        arguments.extend([MOBILE, "--json"]);
        arguments.extend(more);
        self.run(&arguments)
    }

    fn refused(&self, arguments: &[&str], words: &str) {
        let run = self.run(arguments);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(words), "{words} in {run:?}");
    }
}

#[test]
fn a_journey_in_a_database_is_there_for_every_machine_with_its_keys() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    let one = Machine::of(&database);
    one.refused(&["journey", "list"], "--db: has no journeys");
    let started = one.start(&["--key", "ORDER-17"]);
    assert_eq!(started.code, 0, "{started:?}");
    let journey = id(&started);
    assert_eq!(statuses(&started.answer()), ["ready", "ready", "ready"]);
    // The same key is the same journey, and nothing is begun.
    assert_eq!(id(&one.start(&["--key", "ORDER-17"])), journey);

    let other = Machine::of(&database);
    let words = "--keys: has not the key-encryption key of this database's ledger";
    other.refused(&["consent", "show"], words);
    other.refused(&["journey", "show", &journey], words);
    let started = other.start(&[]);
    assert!(
        started.code == 2 && started.stderr.contains(words),
        "{started:?}"
    );
    assert_eq!(fs::read_dir(other.directory.path()).unwrap().count(), 0);
    other.bring(&one, &["lender.ledger-kek"]);
    let words = "--keys: has no key at PATH.key, so that nothing the database holds of 1 journey can be read";
    other.refused(&["journey", "show", &journey], words);
    let started = other.start(&[]);
    assert!(
        started.code == 2 && started.stderr.contains(words),
        "{started:?}"
    );
    other.bring(&one, &["lender.key"]);

    let list = other.well(&["journey", "list", "--json"]).answer();
    assert_eq!(
        (&list[0]["id"], list.as_array().unwrap().len()),
        (&journey.as_str().into(), 1)
    );
    let show = other.well(&["journey", "show", &journey]);
    assert!(show.stdout.contains("status completed"), "{show:?}");
    assert_eq!(other.run(&["journey", "watch", &journey]).code, 0);
    let export = other.well(&["journey", "export", &journey]).answer();
    assert_eq!(export["status"], "completed");
    let consent = ["consent", "show", "--mobile-number", MOBILE, "--json"];
    let shown = other.well(&consent).answer();
    assert_eq!(shown["receipts"][0]["standing"], "live");
    assert_eq!(shown["journeys"][0], journey.as_str());
    let head = other.well(&["consent", "verify", "--json"]).answer();
    assert_eq!(head, one.well(&["consent", "verify", "--json"]).answer());

    // Whoever withdraws on one machine ends what another one began.
    let withdraw = ["consent", "withdraw", "--mobile-number", MOBILE, "--json"];
    let withdrawn = other.well(&withdraw).answer();
    assert_eq!(withdrawn["journeys_told"], 1);
    let ended = one.well(&["journey", "show", &journey, "--json"]).answer();
    assert_eq!(ended["status"], "withdrawn");
    assert!(ended["waiting_calls"].as_u64().unwrap() > 0, "{ended}");
    assert_eq!(one.run(&["journey", "watch", &journey]).code, 5);
    // As if another process carried it out, which has died: its lease ends in a moment.
    let dying = "INSERT INTO kyc_journey.runner (until) VALUES (clock_timestamp() + interval '2 seconds');
                 UPDATE kyc_journey.effect SET runner = (SELECT max(number) FROM kyc_journey.runner)";
    wait(async { database.client().await.batch_execute(dying).await.unwrap() });
    let resumed = one.run(&["journey", "resume", &journey, "--sandbox", "--json"]);
    assert_eq!(resumed.answer()["waiting_calls"], 0, "{resumed:?}");
    let cancelled = ["journey", "cancel", &journey];
    one.refused(&cancelled, "ID: is withdrawn already");

    // Cut off where the key-encryption key is changed, and finished by another command.
    let erase = ["erase", "--mobile-number", MOBILE, "--json"];
    let in_the_way = one.path("lender.ledger-kek.lock");
    fs::create_dir(&in_the_way).unwrap();
    let cut_off = one.run(&erase);
    assert_eq!(cut_off.code, 2, "{cut_off:?}");
    fs::remove_dir(&in_the_way).unwrap();
    one.well(&["journey", "show", &journey]);
    for _ in 0..2 {
        let erased = one.well(&erase).answer();
        assert_eq!(
            (&erased["dry_run"], &erased["unlinked"]),
            (&false.into(), &true.into())
        );
        assert!(!erased["erased"].as_array().unwrap().is_empty(), "{erased}");
    }
    // The key-encryption key is another one by now.
    other.refused(&["consent", "show"], "data of 1 person");
    other.bring(&one, &["lender.ledger-kek"]);
    other.well(&["consent", "verify"]);
}

#[test]
fn a_password_comes_from_the_environment_or_a_file_and_is_never_printed() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    // The server of the tests asks for none, so that only what is refused before it can be seen.
    let mut machine = Machine::of(&database);
    let plain = machine.database.clone();
    machine.database = plain.replace("postgres@", "postgres:CANARY-SECRET@");
    let refused = machine.run(&["journey", "list"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("KYC_DB_PASSWORD_FILE"),
        "{refused:?}"
    );
    assert!(!refused.stderr.contains("CANARY"), "{refused:?}");
    machine.database = plain;
    fs::write(machine.path("password"), "CANARY-SECRET").unwrap();
    let file = ("KYC_DB_PASSWORD_FILE".to_owned(), machine.path("password"));
    let text = ("KYC_DB_PASSWORD".to_owned(), "CANARY-SECRET".to_owned());
    for environment in [vec![text.clone()], vec![file.clone()]] {
        machine.environment = environment;
        machine.refused(&["journey", "list"], "--db: has no journeys");
    }
    fs::write(machine.path("password"), "CANARY-SECRET\n").unwrap();
    machine.environment = vec![file.clone()];
    machine.refused(&["journey", "list"], "ends with a newline");
    machine.environment = vec![text, file];
    let both = machine.run(&["journey", "list"]);
    assert!(
        both.code == 2 && !both.stderr.contains("CANARY"),
        "{both:?}"
    );
}

#[test]
fn a_database_that_is_none_of_ours_or_out_of_reach_is_refused() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    let machine = Machine::of(&database);
    let run = |words: &str| {
        wait(async {
            let client = database.client().await;
            client.batch_execute(words).await.unwrap();
        });
    };
    run("CREATE SCHEMA kyc_consent; CREATE TABLE kyc_consent.theirs (x integer)");
    let foreign = "--db: the schema kyc_consent of the database is another application's";
    machine.refused(&["consent", "show"], foreign);
    let started = machine.start(&[]);
    assert!(started.stderr.contains(foreign), "{started:?}");
    assert_eq!(fs::read_dir(machine.directory.path()).unwrap().count(), 0);
    run("DROP SCHEMA kyc_consent CASCADE");
    assert_eq!(machine.start(&[]).code, 0);
    run("UPDATE kyc_journey.store SET version = 9");
    machine.refused(
        &["journey", "list"],
        "have version 9, and this program knows 1 at most",
    );

    let mut away = Machine::of(&database);
    away.database = "postgres://postgres@192.0.2.1/kyc?sslmode=disable".to_owned();
    away.refused(&["journey", "list"], "would leave this machine without TLS");
    away.database = "postgres://".to_owned();
    away.refused(
        &["journey", "list"],
        "--db: the address of the database is not one of PostgreSQL",
    );
}

/// Secrets that are mounted are links.
#[test]
fn keys_may_be_links_to_files_that_are_their_owner_s_alone() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let Some(database) = wait(Database::new()) else {
        return;
    };
    let (mounted, machine) = (Machine::of(&database), Machine::of(&database));
    let started = mounted.start(&[]);
    assert_eq!(started.code, 0, "{started:?}");
    for name in ["lender.key", "lender.ledger-kek", "lender.sandbox"] {
        symlink(mounted.path(name), machine.path(name)).unwrap();
    }
    machine.well(&["journey", "list"]);
    machine.well(&["consent", "verify"]);
    for name in ["lender.key", "lender.ledger-kek"] {
        let mode = |mode| {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(mounted.path(name), permissions).unwrap();
        };
        mode(0o644);
        let run = machine.run(&["journey", "list"]);
        assert!(run.code == 2 && run.stderr.contains("mode 644"), "{run:?}");
        mode(0o400);
        machine.well(&["journey", "list"]);
        mode(0o600);
    }
    // What a link leads to is rotated, and it stays a link.
    machine.well(&["consent", "withdraw", "--mobile-number", MOBILE]);
    let given_back = mounted.run(&["journey", "resume", &id(&started), "--sandbox"]);
    assert_eq!(given_back.code, 5, "{given_back:?}");
    machine.well(&["erase", "--mobile-number", MOBILE]);
    let link = machine.path("lender.ledger-kek");
    assert!(fs::symlink_metadata(link).unwrap().is_symlink());
    machine.well(&["consent", "verify"]);
    mounted.well(&["consent", "verify"]);
}

/// One key of a caller's would be two journeys under two keys, which cannot read each other.
#[test]
fn machines_with_different_keys_of_journeys_do_not_share_a_database() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    let [one, other] = [(); 2].map(|()| Machine::of(&database));
    // One has made its keys, and begun nothing yet.
    fs::create_dir(one.path("lender.sandbox")).unwrap();
    let begun = one.start(&["--key", "ORDER-17"]);
    assert_eq!(begun.code, 2, "{begun:?}");
    fs::remove_dir(one.path("lender.sandbox")).unwrap();
    other.bring(&one, &["lender.ledger-kek"]);
    let refused = |says: &str| {
        let refused = other.start(&["--key", "ORDER-17"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(says), "{refused:?}");
        assert_eq!(
            one.well(&["journey", "list", "--json"]).answer(),
            serde_json::json!([])
        );
    };
    refused("--keys: has no key at PATH.key");
    fs::copy(one.path("lender.key"), other.path("lender.key")).unwrap();
    let mut key = fs::read(other.path("lender.key")).unwrap();
    key[0] ^= 1;
    key[63] ^= 1;
    fs::write(other.path("lender.key"), key).unwrap();
    refused("--keys: has another key at PATH.key than the one of this database's journeys");
    other.bring(&one, &["lender.key"]);
    let begun = other.start(&["--key", "ORDER-17"]);
    assert_eq!(begun.code, 0, "{begun:?}");
    assert_eq!(id(&one.start(&["--key", "ORDER-17"])), id(&begun));
}

/// Each machine has a sandbox of its own, and a key of a caller's is one journey on all of them.
#[test]
fn a_journey_does_not_go_on_in_another_machine_s_sandbox() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    let (one, other) = (Machine::of(&database), Machine::of(&database));
    let plan = one.path("plan.toml");
    fs::write(&plan, "[documents]\nwanted = [\"pan\"]\n").unwrap();
    let mut arguments = vec!["journey", "start", "--sandbox", "--mobile-number", AWAY];
    arguments.extend(["--json", "--key", "ORDER-17", "--plan", &plan]);
    let started = one.run(&arguments);
    assert_eq!(started.code, 4, "{started:?}");
    let journey = id(&started);
    other.bring(&one, &["lender.key", "lender.ledger-kek"]);
    // It is found, and not begun a second time.
    let known = other.run(&arguments);
    assert_eq!((known.code, id(&known)), (4, journey.clone()), "{known:?}");
    let resume = ["journey", "resume", &journey, "--sandbox"];
    other.refused(
        &resume,
        "did not begin in a sandbox that is here, where there is none at",
    );
    // Nor where the other machine's sandbox knows journeys of its own.
    let approves = other.start(&["--key", "ORDER-18", "--plan", &plan]);
    assert_eq!(approves.code, 0, "{approves:?}");
    let before = other
        .well(&["journey", "show", &journey, "--json"])
        .answer();
    other.refused(&resume, "knows nothing of it");
    let after = other
        .well(&["journey", "show", &journey, "--json"])
        .answer();
    assert_eq!(after, before);
    let list = other.well(&["journey", "list", "--json"]).answer();
    assert_eq!(list.as_array().unwrap().len(), 2);
}

/// A server takes up whatever begins in its database, and of what began in another sandbox its own knows nothing.
#[test]
fn a_second_sandbox_at_a_database_that_one_serves_is_refused() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    let (one, other) = (Machine::of(&database), Machine::of(&database));
    assert_eq!(one.start(&[]).code, 0);
    other.bring(&one, &["lender.key", "lender.ledger-kek"]);
    let listens = ["--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"];
    let serve = [&["journey", "serve", "--sandbox"][..], &listens].concat();
    let keys = one.path("lender");
    let place = ["--db", &one.database, "--keys", &keys];
    let sandbox = ["--sandbox", "--sandbox-listen", "127.0.0.1:0"];
    let server = Server::at(&place, &sandbox, &[], "#     -d '");

    other.refused(
        &serve,
        "--sandbox: would take up the journeys of another process",
    );
    let begun = other.start(&["--key", "ORDER-18"]);
    assert_eq!(begun.code, 2, "{begun:?}");
    let says = "--sandbox: would begin or go on with a journey that a server takes up";
    assert!(begun.stderr.contains(says), "{begun:?}");
    let list = other.well(&["journey", "list", "--json"]).answer();
    assert_eq!(list.as_array().unwrap().len(), 1, "nothing was begun");
    // Nor one with real providers.
    let mut real = Machine::of(&database);
    real.bring(&one, &["lender.key", "lender.ledger-kek"]);
    real.environment = of_veriff(&SandboxProcess::start());
    real.refused(&REAL, "--db: is in use by another process with a sandbox");

    // It ends with whoever has it, however that ends.
    drop(server);
    let begun = loop {
        let begun = other.start(&["--key", "ORDER-18"]);
        if begun.code != 2 {
            break begun;
        }
    };
    assert_eq!(begun.code, 0, "{begun:?}");
}

const REAL: [&str; 6] = [
    "journey",
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--terms",
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terms.toml"),
];
const SANDBOX: [&str; 7] = [
    "journey",
    "serve",
    "--sandbox",
    "--listen",
    "127.0.0.1:0",
    "--sandbox-listen",
    "127.0.0.1:0",
];

/// What a server with one real provider has in its environment.
fn of_veriff(sandbox: &SandboxProcess) -> Vec<(String, String)> {
    let of_veriff = |(name, _): &&(String, String)| name.starts_with("VERIFF");
    let settings = sandbox.environment.iter().filter(of_veriff);
    let token = ("KYC_JOURNEY_TOKEN".to_owned(), TOKEN.to_owned());
    settings.cloned().chain([token]).collect()
}

#[test]
fn a_database_that_real_providers_serve_has_no_sandbox_while_they_do_and_after() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    let one = Machine::of(&database);
    let sandbox = SandboxProcess::start();
    let settings = of_veriff(&sandbox);
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let keys = one.path("lender");
    let place = ["--db", &*one.database, "--keys", &*keys];
    let server = Server::at(&place, &REAL[4..], &settings, "# Providers: ");
    // While nothing has begun there, too.
    let begun = one.start(&["--key", "ORDER-17"]);
    assert_eq!(begun.code, 2, "{begun:?}");
    assert!(
        begun.stderr.contains("--sandbox: would begin or go on"),
        "{begun:?}"
    );
    one.refused(
        &SANDBOX,
        "--sandbox: would take up the journeys of another process",
    );
    // A second server with real providers is none of these.
    let second = Server::at(&place, &REAL[4..], &settings, "# Providers: ");
    drop(second);
    let waits = r#"{"applicant":{"mobile":"9001000000"},"plan":{"verification":{}}}"#;
    let begun = server.start_journey("ORDER-18", waits);
    let journey = begun["id"].as_str().unwrap();
    drop(server);
    let says = format!("--sandbox: is not for the journeys there, such as {journey}");
    let resume = ["journey", "resume", journey, "--sandbox"];
    let start = ["journey", "start", "--sandbox", "--mobile-number", MOBILE];
    for arguments in [&resume[..], &start, &SANDBOX] {
        // The server's claim ends once its database has heard that it is gone.
        let run = loop {
            let run = one.run(arguments);
            if !run.stderr.contains("--sandbox: would") {
                break run;
            }
        };
        assert!(run.code == 2 && run.stderr.contains(&says), "{run:?}");
    }
    assert!(!fs::exists(one.path("lender.sandbox")).unwrap());
}

#[test]
fn what_a_sandbox_s_journeys_give_back_goes_to_no_other_sandbox_and_to_no_real_provider() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    let one = Machine::of(&database);
    let journey = id(&one.start(&[]));
    let mut other = Machine::of(&database);
    other.bring(&one, &["lender.key", "lender.ledger-kek"]);
    let completed = other.start(&[]);
    assert_eq!(completed.code, 0, "{completed:?}");
    let withdrawn = one
        .well(&["journey", "withdraw", &journey, "--json"])
        .answer();
    let waits = &withdrawn["waiting_calls"];
    assert!(waits.as_u64().unwrap() > 0, "{withdrawn}");
    other.refused(&SANDBOX, "knows nothing of it");
    other.environment = of_veriff(&SandboxProcess::start());
    other.refused(&REAL, "never go on with real providers");
    let shown = one.run(&["journey", "show", &journey, "--json"]).answer();
    assert_eq!(shown["waiting_calls"], *waits);
    // By the command that is printed.
    let shown = one.run(&["journey", "show", &journey]);
    assert_eq!(as_printed(&shown.stderr).code, 5, "{shown:?}");
}

/// What stands for every command that has `--db`.
const ALL: [&[&str]; 15] = [
    &["journey", "start", "--sandbox", "--mobile-number", MOBILE],
    &["journey", "resume", ID, "--sandbox"],
    &["journey", "resolve", ID],
    &["journey", "list"],
    &["journey", "show", ID],
    &["journey", "watch", ID],
    &["journey", "export", ID],
    &["journey", "cancel", ID],
    &["journey", "withdraw", ID],
    &[
        "journey",
        "serve",
        "--sandbox",
        "--listen",
        "127.0.0.1:0",
        "--sandbox-listen",
        "127.0.0.1:0",
    ],
    &["consent", "show"],
    &["consent", "verify"],
    &["consent", "export"],
    &["consent", "withdraw", "--mobile-number", MOBILE],
    &["erase", "--mobile-number", MOBILE],
];
const ID: &str = "00000000000000000000000000000011";

/// A server that says to everybody that it has no TLS, and its port.
fn without_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; 8]).unwrap();
            stream.write_all(b"N").unwrap();
        }
    });
    port
}

#[test]
fn a_server_that_is_away_lets_nobody_in_or_has_no_such_database_is_told_as_such_by_every_command() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    wait(async {
        let client = database.client().await;
        let role = "CREATE ROLE locked LOGIN PASSWORD 'right'";
        client.batch_execute(role).await.unwrap();
        let role = "CREATE ROLE guest LOGIN";
        client.batch_execute(role).await.unwrap();
    });
    let mut machine = Machine::of(&database);
    let url = database.url();
    let password = |text: &str| vec![("KYC_DB_PASSWORD".to_owned(), text.to_owned())];
    let without_tls = without_tls();
    let cases = [
        (
            format!("postgres://kyc@localhost:{without_tls}/kyc?sslmode=require"),
            vec![],
            2,
            "invalid_request",
            "names a server that offers no TLS, which the connection needs; turn it on there",
        ),
        (
            format!("postgres://kyc@127.0.0.1:{without_tls}/kyc?sslmode=verify-full"),
            vec![],
            2,
            "invalid_request",
            "or leave sslmode out where the server is on this machine",
        ),
        (
            format!("{url}?sslmode=verify-ca"),
            vec![],
            2,
            "invalid_request",
            "names a server that offers no TLS",
        ),
        (
            "postgres://postgres@127.0.0.1:1/kyc?sslmode=require".to_owned(),
            vec![],
            5,
            "connect",
            "cannot be reached",
        ),
        (
            "postgres://postgres@%2Fnowhere/kyc".to_owned(),
            vec![],
            5,
            "connect",
            "cannot be reached",
        ),
        (
            "postgres://postgres@127.0.0.1:1/kyc".to_owned(),
            vec![],
            5,
            "connect",
            "cannot be reached",
        ),
        (
            url.replace("postgres@", "locked@"),
            password("CANARY"),
            3,
            "credentials",
            "Check the user in --db, and KYC_DB_PASSWORD",
        ),
        (
            url.replace("postgres@", "locked@"),
            vec![],
            3,
            "credentials",
            "Set KYC_DB_PASSWORD",
        ),
        (
            url.replace(database.name(), "nobody"),
            vec![],
            2,
            "invalid_request",
            "correct its name, or make it",
        ),
    ];
    for (address, environment, code, kind, says) in cases {
        (machine.database, machine.environment) = (address, environment);
        for arguments in ALL {
            let run = machine.run(&[arguments, &["--json"]].concat());
            assert_eq!(run.code, code, "{arguments:?}: {run:?}");
            let error = run.error();
            assert_eq!(error["kind"], kind, "{run:?}");
            assert!(
                run.stderr.contains(says) && run.stderr.contains("--db"),
                "{run:?}"
            );
            assert!(!run.stderr.contains("SQLSTATE"), "{run:?}");
        }
    }
    machine.environment = password("right");
    machine.database = url.replace("postgres@", "locked@");
    machine.refused(&["journey", "list"], "--db: has no journeys");
    machine.database = url.replace("postgres@", "guest@");
    let started = machine.start(&[]);
    assert_eq!(started.code, 2, "{started:?}");
    assert!(
        started.stderr.contains("granted CREATE on the database"),
        "{started:?}"
    );
    assert_eq!(fs::read_dir(machine.directory.path()).unwrap().count(), 0);
}

/// A person's withdrawal is written whatever is damaged, and what is damaged is named.
#[test]
fn a_damaged_journey_of_a_database_keeps_nobody_from_anything() {
    let Some(database) = wait(Database::new()) else {
        return;
    };
    let one = Machine::of(&database);
    let damage = |statement: String| {
        let changed = wait(async { database.client().await.execute(&statement, &[]).await });
        assert!(changed.unwrap() > 0, "{statement}");
    };
    let state_of = |journey: &str| {
        damage(format!(
            "UPDATE kyc_journey.journey SET state = decode(repeat('00', length(state)), 'hex') WHERE id = '{journey}'"
        ));
    };
    let first = id(&one.start(&[]));
    let withdraw = ["consent", "withdraw", "--mobile-number", MOBILE, "--json"];
    state_of(&first);
    // It is the only one.
    let words = "ID: the journey cannot be read: its stored state is damaged";
    one.refused(&["journey", "show", &first], words);
    let second = id(&one.start(&[]));
    let withdrawn = one.well(&withdraw);
    assert!(withdrawn.stderr.contains(&first), "{withdrawn:?}");
    let withdrawn = withdrawn.answer();
    assert_eq!(withdrawn["receipts"].as_array().unwrap().len(), 2);
    assert_eq!(withdrawn["journeys_told"], 1);
    assert_eq!(withdrawn["journeys_damaged"][0], first.as_str());
    let show = ["journey", "show", &second, "--json"];
    assert_eq!(one.well(&show).answer()["status"], "withdrawn");

    damage(
        "UPDATE kyc_journey.effect SET body = decode(repeat('00', length(body)), 'hex')".to_owned(),
    );
    damage(format!(
        "UPDATE kyc_journey.journey SET status = 'nonsense', updated_at = 9223372036854775806 WHERE id = '{first}'"
    ));
    let list = one
        .well(&["journey", "list", "--json", "--stuck", "1ms"])
        .answer();
    let row = |id: &str| {
        let mut rows = list.as_array().unwrap().iter();
        rows.find(|row| row["id"] == id).cloned()
    };
    assert_eq!(row(&second).unwrap()["waiting_calls"], 2, "{list}");
    let list = one.well(&["journey", "list", "--json"]).answer();
    let mut rows = list.as_array().unwrap().iter();
    let odd = rows.find(|row| row["id"] == first.as_str()).unwrap();
    assert_eq!(odd["damaged"], true, "{list}");
    let cannot = format!("calls of {second} cannot be read");
    one.refused(&["journey", "resume", &second, "--sandbox"], &cannot);
    one.refused(&["erase", "--mobile-number", MOBILE], &cannot);
}
