//! What is refused before anything is written, what a lost connection means, and what lists and reports do with many at once.

use std::sync::Arc;

use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::provider_core::{Clock as _, Masked};
use kyc_journey::testing::{ClearText, Erased, HandClock};
use kyc_journey::{
    Correlation, CorrelationToken, DataClass, EngineError, EngineErrorKind, Event, EventKey, Fact,
    JourneyEngine as _, JourneyFilter, JourneyId, JourneyStatus, Leg, PageToken, Payload, Plan,
    Provider, Reported, Seq, Source, Verdict, VerificationPlan,
};
use kyc_journey_postgres::{OpenError, PostgresEngine, PostgresError, PostgresOptions, Share};

use crate::leases::{engine, event, start, submit};
use crate::server::Database;

async fn open(database: &Database) -> Result<PostgresEngine, OpenError> {
    PostgresEngine::connect(&database.address, Arc::new(ClearText)).await
}

/// Everything that the database has of tables, with what stands in them.
async fn everything(database: &Database) -> Vec<String> {
    let client = database.client().await;
    let names = "SELECT table_schema || '.' || table_name FROM information_schema.tables
                 WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1";
    let mut all = Vec::new();
    for row in client.query(names, &[]).await.unwrap() {
        let name: String = row.get(0);
        let rows = format!("SELECT coalesce(string_agg(t::text, ';'), '') FROM {name} AS t");
        let rows: String = client.query_one(&rows, &[]).await.unwrap().get(0);
        all.push(format!("{name}: {rows}"));
    }
    all
}

#[tokio::test]
async fn what_is_not_ours_is_refused_and_unchanged() {
    let Some(database) = Database::new().await else {
        return;
    };
    let client = database.client().await;
    let run = async |words: &str| client.batch_execute(words).await.unwrap();
    let refused = async || {
        let before = everything(&database).await;
        let error = open(&database).await.unwrap_err();
        assert_eq!(everything(&database).await, before, "nothing is written");
        error
    };
    let others = [
        "CREATE SCHEMA kyc_journey",
        "CREATE TABLE kyc_journey.store (name text)",
        "ALTER TABLE kyc_journey.store ADD application text, ADD version integer",
        "INSERT INTO kyc_journey.store VALUES ('x', 'another', 1)",
    ];
    for words in others {
        run(words).await;
        let error = refused().await;
        assert!(
            matches!(&error, OpenError::OtherApplication { schema } if schema == "kyc_journey"),
            "{words}: {error:?}"
        );
    }
    run("DROP SCHEMA kyc_journey CASCADE").await;
    drop(open(&database).await.unwrap());
    drop(open(&database).await.unwrap());
    run("UPDATE kyc_journey.store SET version = 2").await;
    assert!(matches!(
        refused().await,
        OpenError::NewerSchema {
            found: 2,
            known: 1,
            ..
        }
    ));
    let elsewhere = PostgresOptions::new(&database.address).unwrap();
    let elsewhere = elsewhere.with_schema("select").unwrap();
    elsewhere.connect(Arc::new(ClearText)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_may_lose_what_it_acknowledged_is_refused() {
    let Some(database) = Database::new().await else {
        return;
    };
    let client = database.client().await;
    let name = database.name();
    let set = async |words: &str| {
        let words = format!("ALTER DATABASE {name} SET {words}");
        client.batch_execute(&words).await.unwrap();
    };
    set("default_transaction_read_only = on").await;
    assert!(matches!(open(&database).await, Err(OpenError::ReadOnly)));
    assert!(everything(&database).await.is_empty());
    client
        .batch_execute(&format!(
            "SET default_transaction_read_only = off;
             ALTER DATABASE {name} RESET default_transaction_read_only"
        ))
        .await
        .unwrap();
    // What a session can put right it puts right.
    set("synchronous_commit = off").await;
    let engine = open(&database).await.unwrap();
    let refuse_what_is_not_durable = "
        CREATE FUNCTION durable() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_setting('synchronous_commit') <> 'on' THEN RAISE EXCEPTION 'not durable'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER durable BEFORE INSERT ON kyc_journey.event FOR EACH ROW EXECUTE FUNCTION durable()";
    let other = database.client().await;
    other
        .batch_execute(refuse_what_is_not_durable)
        .await
        .unwrap();
    start(&engine, &JourneyId::from_bits(1), 1).await;
    let plain = "INSERT INTO kyc_journey.event VALUES (1, 9, 'k', 'b')";
    assert!(
        other.batch_execute(plain).await.is_err(),
        "as the database says"
    );
}

#[tokio::test]
async fn two_that_open_an_empty_database_make_its_tables_once() {
    let Some(database) = Database::new().await else {
        return;
    };
    let opened = tokio::join!(open(&database), open(&database), open(&database));
    let engines = [opened.0.unwrap(), opened.1.unwrap(), opened.2.unwrap()];
    start(&engines[0], &JourneyId::from_bits(1), 1).await;
    let found = engines[2].read(&JourneyId::from_bits(1)).await.unwrap();
    assert!(found.is_some());
}

/// No address, no password and no value of a statement is in what an error prints.
#[tokio::test]
async fn errors_print_no_value() {
    let secret = "s3cret-of-nobody";
    for address in [
        format!("postgres://kyc:{secret}@127.0.0.1:1/kyc"),
        format!("host=/nowhere user=kyc password={secret} dbname=kyc"),
        format!("postgres://kyc:{secret}@[broken/kyc"),
        format!("password={secret}"),
    ] {
        let error = PostgresEngine::connect(&address, Arc::new(ClearText)).await;
        let error = error.unwrap_err();
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains(secret), "{printed}");
    }
    let options = PostgresOptions::new("host=/nowhere user=kyc password=s3cret-of-nobody");
    assert!(!format!("{:?}", options.unwrap()).contains(secret));
}

#[tokio::test]
async fn a_connection_to_another_machine_is_encrypted_or_refused() {
    let connect = async |address: &str| {
        let options = PostgresOptions::new(address).unwrap();
        options.connect(Arc::new(ClearText)).await.unwrap_err()
    };
    let plain = connect("postgres://kyc@192.0.2.1/kyc?sslmode=disable").await;
    assert!(matches!(plain, OpenError::Plaintext), "{plain:?}");
    let mixed = connect("postgres://kyc@localhost,192.0.2.1/kyc?sslmode=disable").await;
    assert!(matches!(mixed, OpenError::Plaintext), "one of them is not");
    let address = connect("host=localhost hostaddr=192.0.2.1 user=kyc sslmode=disable").await;
    assert!(matches!(address, OpenError::Plaintext), "where it leads");

    // A server that says it has no TLS is not talked to. It stands on this machine, and its name does not say so.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).await.unwrap();
        stream.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        (request, rest)
    });
    let address = format!("host=kyc.invalid hostaddr=127.0.0.1 port={port} user=kyc");
    let error = connect(&address).await;
    assert!(matches!(error, OpenError::ServerWithoutTls), "{error:?}");
    let (request, rest) = heard.await.unwrap();
    assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "asks for TLS");
    assert!(rest.is_empty(), "and says nothing in the clear");

    for name in ["", "1a", "a-b", "A", "a\"b", &"a".repeat(64)] {
        let options = PostgresOptions::new("host=localhost user=kyc").unwrap();
        assert!(matches!(
            options.with_schema(name),
            Err(OpenError::SchemaName)
        ));
    }
}

/// Says this to whoever asks for TLS, and closes the connection.
async fn answering(answer: &'static [u8]) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 8];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(answer).await.unwrap();
            // What is left unread would reset the connection.
            stream.shutdown().await.unwrap();
            let _rest = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    port
}

#[tokio::test]
async fn a_server_with_which_there_is_no_tls_is_told_from_one_that_is_away() {
    let refused = async |address: String| {
        let options = PostgresOptions::new(&address).unwrap();
        options.connect(Arc::new(ClearText)).await.unwrap_err()
    };
    let port = answering(b"N").await;
    for mode in ["require", "verify-ca", "verify-full"] {
        for address in [
            format!("postgres://kyc@localhost:{port}/kyc?sslmode={mode}"),
            format!("host=localhost port={port} user=kyc sslmode={mode}"),
            format!("host=/tmp user=kyc sslmode={mode}"),
        ] {
            let error = refused(address).await;
            assert!(matches!(error, OpenError::ServerWithoutTls), "{error:?}");
        }
    }
    let nameless = format!("hostaddr=127.0.0.1 port={port} user=kyc sslmode=require");
    let error = refused(nameless).await;
    assert!(matches!(error, OpenError::NoServerName), "{error:?}");
    // It says yes, and then no TLS: an alert that no version is right.
    let other = answering(b"S\x15\x03\x03\x00\x02\x02\x46").await;
    let error = refused(format!(
        "postgres://kyc@localhost:{other}/kyc?sslmode=require"
    ))
    .await;
    assert!(matches!(error, OpenError::Handshake(_)), "{error:?}");
    for answer in [&b""[..], b"S"] {
        let closed = answering(answer).await;
        let error = refused(format!(
            "postgres://kyc@localhost:{closed}/kyc?sslmode=require"
        ))
        .await;
        assert!(
            matches!(&error, OpenError::Unreachable(why) if why.is_unreachable()),
            "{error:?}"
        );
    }
    // A password that reads like a mode is one.
    let odd = "postgres://kyc:sslmode=verify-full@localhost/kyc";
    assert!(PostgresOptions::new(odd).unwrap().has_password());
}

#[tokio::test]
async fn journeys_are_taken_alone_or_by_several_until_they_are_given_back() {
    let Some(database) = Database::new().await else {
        return;
    };
    let [one, other] = [
        open(&database).await.unwrap(),
        open(&database).await.unwrap(),
    ];
    let alone = one.claim(Share::Alone).await.unwrap().unwrap();
    for share in [Share::Alone, Share::Real, Share::Sandbox] {
        assert!(other.claim(share).await.unwrap().is_none());
    }
    // Another schema is other journeys.
    let options = PostgresOptions::new(&database.address).unwrap();
    let elsewhere = options.with_schema("elsewhere").unwrap();
    let elsewhere = elsewhere.connect(Arc::new(ClearText)).await.unwrap();
    assert!(elsewhere.claim(Share::Alone).await.unwrap().is_some());
    drop(alone);
    for (share, excluded) in [(Share::Real, Share::Sandbox), (Share::Sandbox, Share::Real)] {
        let shared = [
            until(&other, share).await,
            one.claim(share).await.unwrap().unwrap(),
        ];
        for excluded in [excluded, Share::Alone] {
            assert!(one.claim(excluded).await.unwrap().is_none());
        }
        drop(shared);
    }
    // It ends with its connection, however that ends.
    let lost = until(&one, Share::Alone).await;
    database.client().await.batch_execute(END).await.unwrap();
    let _found = until(&other, Share::Alone).await;
    drop(lost);
}

/// A claim that is given back is free once the server has heard of it.
async fn until(engine: &PostgresEngine, share: Share) -> kyc_journey_postgres::Claim {
    loop {
        // The pool may have lost a connection, and says so once.
        if let Ok(Some(claim)) = engine.claim(share).await {
            return claim;
        }
        tokio::task::yield_now().await;
    }
}

/// Ends every other connection to the database.
pub(crate) const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'";

/// The server ends every connection in the middle of everything: what was acknowledged is there, what was not can be submitted again.
#[tokio::test]
async fn a_lost_connection_is_an_error_that_loses_nothing() {
    let Some(database) = Database::new().await else {
        return;
    };
    let engine = engine(&database).await;
    let ids: Vec<JourneyId> = (1..=8).map(JourneyId::from_bits).collect();
    for (id, token) in ids.iter().zip(1..) {
        start(&engine, id, token).await;
    }
    let client = database.client().await;
    let mut refused = 0;
    for round in 0..10 {
        let mut submissions = tokio::task::JoinSet::new();
        for id in &ids {
            let (engine, id) = (Arc::clone(&engine), id.clone());
            submissions.spawn(async move {
                let event = event(&format!("round-{round}"), Fact::AskAgain);
                let mut refused = 0;
                loop {
                    match engine.submit(&id, event.clone()).await {
                        Ok(_) => return refused,
                        Err(error) => {
                            assert_eq!(error.kind(), EngineErrorKind::Unavailable);
                            assert!(is_unreachable(&error), "{error:?}");
                            refused += 1;
                        }
                    }
                }
            });
        }
        client.execute(END, &[]).await.unwrap();
        refused += submissions.join_all().await.into_iter().sum::<u32>();
    }
    // That none of the ten was in time would be a wonder, and no fault.
    println!("{refused} refused");
    for id in &ids {
        // The pool may hold connections that have just been ended.
        let mut history = engine.history(id, Seq::ZERO).await;
        while let Err(error) = &history {
            assert_eq!(error.kind(), EngineErrorKind::Unavailable);
            history = engine.history(id, Seq::ZERO).await;
        }
        let history = history.unwrap();
        let numbers = history.iter().map(|entry| entry.seq.get());
        assert!(numbers.eq(1..=11), "each event once, and no gap");
    }
}

/// What an application tells its users by: nothing is wrong with what was asked for, or with the disk.
fn is_unreachable(error: &EngineError) -> bool {
    let source = std::error::Error::source(error).unwrap();
    source
        .downcast_ref::<PostgresError>()
        .unwrap()
        .is_unreachable()
}

/// Two engines submit events of the same journeys at once: each key once, numbered without a gap.
#[tokio::test(flavor = "multi_thread")]
async fn two_engines_apply_the_events_of_a_journey_one_at_a_time() {
    let Some(database) = Database::new().await else {
        return;
    };
    let engines = [engine(&database).await, engine(&database).await];
    let ids: Vec<JourneyId> = (1..=4).map(JourneyId::from_bits).collect();
    let mut submissions = tokio::task::JoinSet::new();
    for engine in &engines {
        for (id, token) in ids.iter().cloned().zip(1..) {
            let engine = Arc::clone(engine);
            submissions.spawn(async move {
                start(&engine, &id, token).await;
                let mut applied = 0;
                for number in 0..20 {
                    let key = format!("number-{number}");
                    let submitted = submit(&engine, &id, &key, Fact::AskAgain).await;
                    applied += u32::from(submitted.verdict != Verdict::Duplicate);
                }
                applied
            });
        }
    }
    let applied: u32 = submissions.join_all().await.into_iter().sum();
    assert_eq!(applied, 20 * 4, "each key once");
    for id in &ids {
        let history = engines[0].history(id, Seq::ZERO).await.unwrap();
        let numbers = history.iter().map(|entry| entry.seq.get());
        assert!(numbers.eq(1..=21));
    }
}

/// Reports and the starts of their journeys meet in every order: none is left parked, and none is applied twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_meets_its_journeys_start_is_applied() {
    let Some(database) = Database::new().await else {
        return;
    };
    let engines = [engine(&database).await, engine(&database).await];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=40_u128 {
        let [one, two] = engines.clone();
        tasks.spawn(async move {
            let id = JourneyId::from_bits(number);
            let correlation = Correlation {
                token: CorrelationToken::from_bits(number),
                leg: Leg::Verification,
                attempt: 1,
            };
            let key = format!("hint-{number}");
            let hint = event(&key, Fact::Hint(Source::new(None, Some(correlation))));
            let (reported, ()) =
                tokio::join!(two.report(Provider::Veriff, hint), start(&one, &id, number));
            let reported = reported.unwrap();
            assert!(matches!(
                reported,
                Reported::Parked | Reported::Submitted(..)
            ));
            let history = one.history(&id, Seq::ZERO).await.unwrap();
            let hints = history
                .iter()
                .filter(|entry| matches!(entry.fact, Fact::Hint(_)));
            assert_eq!(hints.count(), 1, "{number}: {reported:?}");
        });
    }
    tasks.join_all().await;
    let client = database.client().await;
    let parked = client.query_one("SELECT count(*) FROM kyc_journey.parked", &[]);
    assert_eq!(parked.await.unwrap().get::<_, i64>(0), 0, "nothing is left");
}

/// Journeys change at times and to states that a seed chooses; every filter lists what matches once, in the order of change.
#[tokio::test]
async fn lists_have_every_journey_that_matches_once() {
    let Some(database) = Database::new().await else {
        return;
    };
    let engine = engine(&database).await;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let clock = HandClock::default();
    let mut expected = Vec::new();
    let mut submissions = tokio::task::JoinSet::new();
    for number in 1..=230_u128 {
        let id = JourneyId::from_bits(u128::from(random(u64::MAX)) << 64 | number);
        // Few times, so that many are the same.
        let later = SignedDuration::from_micros(i64::try_from(random(7)).unwrap());
        let at = clock.now().saturating_add(later).unwrap();
        let is_withdrawn = random(3) == 0;
        let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
        let start = Fact::Start {
            plan: Box::new(plan),
            token: CorrelationToken::from_bits(number),
        };
        let key = |text: &str| EventKey::command(text).unwrap();
        let mut events = vec![Event::new(key("start"), at, None, start)];
        if is_withdrawn {
            events.push(Event::new(key("withdrawn"), at, None, Fact::Withdrawn));
        }
        expected.push((at, id.clone(), is_withdrawn));
        let engine = Arc::clone(&engine);
        submissions.spawn(async move {
            for event in events {
                engine.submit(&id, event).await.unwrap();
            }
        });
    }
    submissions.join_all().await;
    expected.sort_by(|one, two| two.cmp(one));
    let all = async |filter: JourneyFilter| {
        let (mut found, mut next) = (Vec::new(), Some(PageToken::default()));
        while let Some(token) = next {
            let page = engine.list(&filter, token).await.unwrap();
            found.extend(
                page.journeys
                    .into_iter()
                    .map(|one| (one.updated_at, one.id)),
            );
            next = page.next;
        }
        found
    };
    let statuses = [
        vec![],
        vec![JourneyStatus::Withdrawn],
        vec![JourneyStatus::Running],
        vec![
            JourneyStatus::Withdrawn,
            JourneyStatus::Running,
            JourneyStatus::Running,
        ],
        vec![JourneyStatus::Expired],
    ];
    for asked in statuses {
        for since in [None, Some(0), Some(3), Some(6), Some(-1)] {
            let since = since.map(SignedDuration::from_micros);
            let since = since.map(|later| clock.now().saturating_add(later).unwrap());
            let wanted = expected.iter().filter(|(at, _, is_withdrawn)| {
                let status = match is_withdrawn {
                    true => JourneyStatus::Withdrawn,
                    false => JourneyStatus::Running,
                };
                (asked.is_empty() || asked.contains(&status))
                    && since.is_none_or(|since| *at <= since)
            });
            let wanted: Vec<_> = wanted.map(|(at, id, _)| (*at, id.clone())).collect();
            let filter = JourneyFilter::new()
                .set_statuses(asked.clone())
                .set_unchanged_since(since);
            assert_eq!(all(filter).await, wanted, "{asked:?} {since:?}");
        }
    }
}

#[tokio::test]
async fn the_payload_of_a_person_who_was_erased_is_none() {
    let Some(database) = Database::new().await else {
        return;
    };
    let (before, id) = (engine(&database).await, JourneyId::from_bits(1));
    start(&before, &id, 1).await;
    let typed = event("code", Fact::OneTimeCodeTyped).set_payload(Some(Payload {
        class: DataClass::Codes,
        content: Masked::from("123456"),
    }));
    let seq = before.submit(&id, typed).await.unwrap().seq;
    assert!(before.payload(&id, seq).await.unwrap().is_some());

    let after = PostgresEngine::connect(&database.address, Arc::new(Erased)).await;
    assert_eq!(after.unwrap().payload(&id, seq).await.unwrap(), None);
}
