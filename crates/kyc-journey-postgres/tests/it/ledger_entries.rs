//! What journeys say to a ledger in the same database is written in the transaction of the event that says it, or not at all.

use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kyc_consent::testing::{code, consenting, memory_keys, mobile, need, notice, terms};
use kyc_consent::{
    ConsentLedger, EntryKind, Follower, LedgerError, NoConsentReason, Receipt, Scope, Subject,
    Withdrawal,
};
use kyc_journey::testing::ClearText;
use kyc_journey::{
    EffectId, EngineErrorKind, Event, Fact, JourneyEngine as _, JourneyId, JourneyStatus, Lane,
    LedgerEntry, Outbox as _, ReceiptId, Seq,
};
use kyc_journey_postgres::testing::Database;
use kyc_journey_postgres::{
    NotWithdrawn, OpenError, PostgresEngine, PostgresOptions, PostgresStore,
};

use crate::leases::{event, start, submit};

/// One process: journeys, and the ledger that they write.
struct Machine {
    engine: PostgresEngine,
    store: PostgresStore,
    ledger: ConsentLedger,
}

/// Requests and withdrawals as they are written for journeys; everything else is none of these tests'.
fn enter(ledger: &ConsentLedger, id: &EffectId, entry: &LedgerEntry) -> Result<(), LedgerError> {
    let follower = ledger.follower(id.journey.as_str())?;
    let subject = follower.ok_or(LedgerError::Unknown("follower"))?.subject;
    match entry {
        LedgerEntry::Requested => ledger.once(&id.to_string()).request(subject, &notice()),
        LedgerEntry::Withdrawn => {
            let channel = code("journey");
            ledger.withdraw(subject, Scope::All, &channel).map(drop)
        }
        _ => Ok(()),
    }
}

impl Machine {
    async fn silent(database: &Database) -> Self {
        let options = || {
            let options = PostgresOptions::new(&database.address).unwrap();
            options.with_connections(4)
        };
        let engine = options().connect(Arc::new(ClearText)).await.unwrap();
        let store = PostgresStore::open(options()).unwrap();
        let ledger = ConsentLedger::open(Arc::new(store.clone()), memory_keys()).unwrap();
        Self {
            engine,
            store,
            ledger,
        }
    }

    async fn of(database: &Database) -> Self {
        let machine = Self::silent(database).await;
        machine.writes(enter).await.unwrap();
        machine
    }

    async fn writes(
        &self,
        enter: impl Fn(&ConsentLedger, &EffectId, &LedgerEntry) -> Result<(), LedgerError>
        + Send
        + Sync
        + 'static,
    ) -> Result<(), OpenError> {
        let (store, ledger) = (&self.store, &self.ledger);
        self.engine.write_ledger(store, ledger, enter).await
    }

    /// Begins a journey that the ledger knows, of this person.
    async fn begin(&self, id: &JourneyId, subject: Subject) {
        self.ledger.follow(id.as_str(), subject, None).unwrap();
        start(&self.engine, id, id_bits(id)).await;
    }

    fn kinds(&self, subject: Subject) -> Vec<EntryKind> {
        let history = self.ledger.history(subject).unwrap();
        history.iter().map(|(entry, _)| entry.kind).collect()
    }

    /// The entries that wait for a runner, which this one is from now on.
    async fn left(&self) -> Vec<EffectId> {
        let _run = self.engine.begin().unwrap();
        let (room, none) = ([(Lane::Ledger, 100)], HashSet::new());
        let due = self.engine.due(crate::leases::now(), &room, &none);
        let effects = due.await.unwrap().effects;
        effects.into_iter().map(|effect| effect.id).collect()
    }
}

/// What a token is made of, for each journey another one.
fn id_bits(id: &JourneyId) -> u128 {
    u128::from_str_radix(id.as_str(), 16).unwrap()
}

#[tokio::test]
async fn an_entry_is_there_once_its_event_is_acknowledged() {
    let Some(database) = Database::new().await else {
        return;
    };
    let machine = Machine::of(&database).await;
    let subject = machine.ledger.subject(&mobile()).unwrap();
    let id = JourneyId::from_bits(1);
    machine.begin(&id, subject).await;
    assert_eq!(machine.kinds(subject), [EntryKind::Requested]);
    // Again, by whoever did not hear of it; and by a runner, which there is nothing for.
    start(&machine.engine, &id, 1).await;
    assert_eq!(machine.kinds(subject), [EntryKind::Requested]);
    assert_eq!(machine.left().await, []);
    machine.ledger.verify(&[]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_machines_write_one_ledger_with_their_journeys_and_beside_them() {
    const EACH: u128 = 8;
    let Some(database) = Database::new().await else {
        return;
    };
    let machines = [Machine::of(&database).await, Machine::of(&database).await];
    let subject = Subject::random().unwrap();
    let machines = machines.map(Arc::new);
    let mut work = tokio::task::JoinSet::new();
    for (number, machine) in (0_u128..).zip(&machines) {
        for journey in 0..EACH {
            let (machine, id) = (Arc::clone(machine), number * EACH + journey + 1);
            work.spawn(async move {
                let id = JourneyId::from_bits(id);
                let follower = machine.ledger.clone();
                let name = id.as_str().to_owned();
                let followed = tokio::task::spawn_blocking(move || {
                    // As a call does that is made meanwhile.
                    follower.follow(&name, subject, None)?;
                    follower.refuse(subject, &notice())
                });
                followed.await.unwrap().unwrap();
                start(&machine.engine, &id, id_bits(&id)).await;
            });
        }
    }
    while let Some(done) = work.join_next().await {
        done.unwrap();
    }
    let all = usize::try_from(2 * EACH).unwrap();
    for machine in &machines {
        assert_eq!(machine.left().await, []);
    }
    let head = machines[0].ledger.verify(&[]).unwrap();
    assert_eq!(head.seq, u64::try_from(2 * all).unwrap());
    let client = database.client().await;
    let requested = "SELECT count(*) FROM kyc_consent.entry WHERE kind = $1";
    let kind = i16::from(EntryKind::Requested.number());
    let requested = client.query_one(requested, &[&kind]).await.unwrap();
    assert_eq!(requested.get::<_, i64>(0), i64::try_from(all).unwrap());
}

#[tokio::test]
async fn what_cannot_be_written_holds_up_no_journey_and_is_left_to_a_runner_whole() {
    let Some(database) = Database::new().await else {
        return;
    };
    let machine = Machine::silent(&database).await;
    let half = |ledger: &ConsentLedger, id: &EffectId, entry: &LedgerEntry| {
        enter(ledger, id, entry)?;
        Err(LedgerError::State("a key cannot be had"))
    };
    machine.writes(half).await.unwrap();
    let subject = machine.ledger.subject(&mobile()).unwrap();
    let id = JourneyId::from_bits(1);
    machine.begin(&id, subject).await;
    assert_eq!(machine.kinds(subject), []);
    let left = machine.left().await;
    assert_eq!(left.len(), 1);
    enter(&machine.ledger, &left[0], &LedgerEntry::Requested).unwrap();
    assert_eq!(machine.kinds(subject), [EntryKind::Requested]);
    machine.ledger.verify(&[]).unwrap();
}

#[tokio::test]
async fn an_event_that_is_not_stored_leaves_nothing_in_the_ledger() {
    let Some(database) = Database::new().await else {
        return;
    };
    let machine = Machine::of(&database).await;
    let subject = machine.ledger.subject(&mobile()).unwrap();
    let client = database.client().await;
    let refuse = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON kyc_journey.event
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()";
    client.batch_execute(refuse).await.unwrap();
    let id = JourneyId::from_bits(1);
    machine.ledger.follow(id.as_str(), subject, None).unwrap();
    let plan = Box::new(kyc_journey::Plan::new());
    let token = kyc_journey::CorrelationToken::from_bits(1);
    let refused = machine
        .engine
        .submit(&id, event("start", Fact::Start { plan, token }));
    let refused = refused.await.unwrap_err();
    assert_eq!(refused.kind(), EngineErrorKind::Unavailable);
    assert_eq!(machine.kinds(subject), []);
    client
        .batch_execute("DROP TRIGGER refuse ON kyc_journey.event")
        .await
        .unwrap();
    machine.begin(&id, subject).await;
    assert_eq!(machine.kinds(subject), [EntryKind::Requested]);
}

#[tokio::test]
async fn a_withdrawal_in_a_journey_is_the_ledger_s_in_the_same_commit() {
    let Some(database) = Database::new().await else {
        return;
    };
    let machine = Machine::silent(&database).await;
    let (subject, receipt) = consenting(&machine.ledger);
    let outside = machine.ledger.clone();
    let watched = move |ledger: &ConsentLedger, id: &EffectId, entry: &LedgerEntry| {
        enter(ledger, id, entry)?;
        if *entry == LedgerEntry::Withdrawn {
            // It is not committed, and nobody else sees it; but nothing is proved any more.
            let state = outside.state(subject)?;
            assert!(state.receipts[0].ended.is_none());
            let reason = outside.prove(&need(subject)).unwrap_err().reason;
            assert_eq!(reason, NoConsentReason::Ending);
        }
        Ok(())
    };
    machine.writes(watched).await.unwrap();
    let id = JourneyId::from_bits(1);
    machine.begin(&id, subject).await;
    let given = Fact::ConsentGiven {
        receipt: ReceiptId::parse(receipt.id().to_string()).unwrap(),
        expires_at: None,
    };
    submit(&machine.engine, &id, "consent", given).await;
    let withdrawn = submit(&machine.engine, &id, "withdraw", Fact::Withdrawn).await;
    assert_eq!(withdrawn.status, JourneyStatus::Withdrawn);
    let kinds = machine.kinds(subject);
    assert_eq!(
        kinds,
        [EntryKind::Given, EntryKind::Requested, EntryKind::Withdrawn]
    );
    let reason = machine.ledger.prove(&need(subject)).unwrap_err().reason;
    assert_eq!(reason, NoConsentReason::Withdrawn);
    // What comes after it is proved as ever.
    consenting(&machine.ledger);
    machine.ledger.prove(&need(subject)).unwrap();
}

impl Machine {
    /// Two journeys that a person has agreed to under one receipt, a third one that never began, and what tells each.
    async fn agreed(&self) -> (Subject, Receipt, Vec<(Follower, Event)>) {
        let (subject, receipt) = consenting(&self.ledger);
        let mut tell = Vec::new();
        for journey in 1..=3 {
            let id = JourneyId::from_bits(journey);
            self.ledger
                .follow(id.as_str(), subject, Some(receipt.id()))
                .unwrap();
            if journey < 3 {
                start(&self.engine, &id, journey).await;
                let given = Fact::ConsentGiven {
                    receipt: ReceiptId::parse(receipt.id().to_string()).unwrap(),
                    expires_at: None,
                };
                submit(&self.engine, &id, "consent", given).await;
            }
            let follower = self.ledger.follower(id.as_str()).unwrap();
            tell.push((follower.unwrap(), event("withdrawal", Fact::Withdrawn)));
        }
        (subject, receipt, tell)
    }

    async fn withdraw(
        &self,
        subject: Subject,
        scope: Scope,
        tell: &[(Follower, Event)],
    ) -> Result<Withdrawal, NotWithdrawn> {
        let (both, tell) = ((&self.store, &self.ledger), tell.to_vec());
        self.engine
            .withdraw(both, subject, scope, &code("app"), tell)
            .await
    }

    async fn statuses(&self) -> Vec<JourneyStatus> {
        let mut statuses = Vec::new();
        for journey in 1..=2 {
            let record = self
                .engine
                .read(&JourneyId::from_bits(journey))
                .await
                .unwrap();
            statuses.push(record.unwrap().state.status());
        }
        statuses
    }

    fn untold(&self) -> usize {
        self.ledger.untold("").unwrap().len()
    }
}

#[tokio::test]
async fn a_withdrawal_and_the_journeys_that_it_ends_are_one_commit() {
    let Some(database) = Database::new().await else {
        return;
    };
    let machine = Machine::of(&database).await;
    let (subject, receipt, tell) = machine.agreed().await;
    let proof = machine.ledger.prove(&need(subject)).unwrap();
    // Nothing of it is there where the journeys cannot be written.
    let client = database.client().await;
    let refuse = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
        CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON kyc_journey.journey
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()";
    client.batch_execute(refuse).await.unwrap();
    let refused = machine
        .withdraw(subject, Scope::All, &tell)
        .await
        .unwrap_err();
    assert!(matches!(refused, NotWithdrawn::Engine(_)), "{refused:?}");
    machine.ledger.prove(&need(subject)).unwrap();
    assert_eq!(
        (machine.untold(), machine.statuses().await),
        (0, vec![JourneyStatus::Running; 2])
    );
    client
        .batch_execute("DROP TRIGGER refuse ON kyc_journey.journey")
        .await
        .unwrap();

    let withdrawal = machine.withdraw(subject, Scope::All, &tell).await.unwrap();
    assert_eq!(withdrawal.receipts, [receipt.id()]);
    assert_eq!(
        (machine.untold(), machine.statuses().await),
        (0, vec![JourneyStatus::Withdrawn; 2])
    );
    let reason = machine.ledger.prove(&need(subject)).unwrap_err().reason;
    assert_eq!(reason, NoConsentReason::Withdrawn);
    drop(proof);
    let kinds = machine.kinds(subject);
    let is_withdrawn = |kind: &&EntryKind| **kind == EntryKind::Withdrawn;
    assert_eq!(kinds.iter().filter(is_withdrawn).count(), 1);
    // Again: there is nothing left to withdraw, and the events are known.
    let again = machine.withdraw(subject, Scope::All, &tell).await.unwrap();
    assert!(again.receipts.is_empty());
    for journey in 1..=2 {
        let id = JourneyId::from_bits(journey);
        let history = machine.engine.history(&id, Seq::ZERO).await.unwrap();
        let told = history.iter().filter(|entry| entry.fact == Fact::Withdrawn);
        assert_eq!(told.count(), 1);
    }
    machine.ledger.verify(&[]).unwrap();
}

#[tokio::test]
async fn a_withdrawal_ends_no_journey_whose_consent_was_renewed_meanwhile() {
    let Some(database) = Database::new().await else {
        return;
    };
    let machine = Machine::of(&database).await;
    let (subject, receipt, tell) = machine.agreed().await;
    let renewed = Receipt::new(subject, terms()).unwrap();
    machine.ledger.renew(receipt.id(), &renewed).unwrap();
    let scope = Scope::Receipt(receipt.id());
    let refused = machine.withdraw(subject, scope, &tell).await.unwrap_err();
    assert!(matches!(refused, NotWithdrawn::Engine(_)), "{refused:?}");
    assert_eq!(machine.statuses().await, vec![JourneyStatus::Running; 2]);
    machine.ledger.prove(&need(subject)).unwrap();
    // What the ledger refuses is said in its words.
    let unknown = Scope::Receipt(kyc_consent::ReceiptId::random().unwrap());
    let refused = machine.withdraw(subject, unknown, &[]).await.unwrap_err();
    assert!(
        matches!(refused, NotWithdrawn::Ledger(LedgerError::Unknown(_))),
        "{refused:?}"
    );
    // And nobody has to follow.
    let alone = machine.withdraw(subject, Scope::All, &[]).await.unwrap();
    assert_eq!(alone.receipts, [renewed.id()]);
    assert_eq!(machine.untold(), 3);
}

#[tokio::test]
async fn a_ledger_in_another_database_is_refused() {
    let (Some(database), Some(other)) = (Database::new().await, Database::new().await) else {
        return;
    };
    let (machine, other) = (
        Machine::silent(&database).await,
        Machine::silent(&other).await,
    );
    let (store, ledger) = (&other.store, &other.ledger);
    let refused = machine.engine.write_ledger(store, ledger, enter).await;
    assert!(
        matches!(refused, Err(OpenError::OtherDatabase)),
        "{refused:?}"
    );
}

const ADDRESS: &str = "KYC_JOURNEY_LEDGER_ADDRESS";
const JOURNEY: u128 = 7;

/// Dies right before the commit, and right after it: then either both are there or neither.
#[tokio::test]
async fn a_process_that_dies_leaves_both_or_neither() {
    let Some(database) = Database::new().await else {
        return;
    };
    let id = JourneyId::from_bits(JOURNEY);
    let machine = Machine::of(&database).await;
    let subject = Subject::random().unwrap();
    machine.ledger.follow(id.as_str(), subject, None).unwrap();
    for (point, is_there) in [("before a commit", false), ("after a commit", true)] {
        let mut process = Command::new(std::env::current_exe().unwrap());
        process
            .args(["--exact", "ledger_entries::process", "--ignored"])
            .env(ADDRESS, &database.address)
            .env("KYC_JOURNEY_KILL_AT", format!("{point}#1"))
            .stdout(Stdio::null());
        let status = tokio::task::spawn_blocking(move || process.status().unwrap());
        assert_eq!(status.await.unwrap().signal(), Some(9), "{point}");
        let record = machine.engine.read(&id).await.unwrap();
        assert_eq!(record.is_some(), is_there, "{point}");
        let entries = machine.ledger.state(subject).unwrap();
        assert!(entries.receipts.is_empty());
        let head = machine.ledger.head().unwrap();
        assert_eq!(head.seq, u64::from(is_there), "{point}");
    }
    let history = machine.engine.history(&id, Seq::ZERO).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(machine.left().await, []);
}

/// Begins the journey, and dies on the way.
#[tokio::test]
#[ignore = "a process of the test above"]
async fn process() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    let machine = Machine::of(&Database { address }).await;
    start(&machine.engine, &JourneyId::from_bits(JOURNEY), JOURNEY).await;
}
