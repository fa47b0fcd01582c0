//! How long proving consent takes beside many receipts: `cargo run --release --example prove --features sqlite [RECEIPTS [FILE]]`
//! prints percentiles of [`ConsentLedger::prove`](kyc_consent::ConsentLedger::prove) and of the gate, over a ledger in memory and
//! over one in a file, each with so many people of one receipt each, who are asked for in random order.
//!
//! A FILE is filled if it is not there, and kept. What the first proofs of a later run take then depends on how much of it the
//! system has in memory; of what it has not, each proof reads a few pages from the disk.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kyc_consent::{
    Change, ConsentLedger, ConsentNeed, DataKind, GateRules, KeyStore as _, Keys, LedgerStore,
    MemoryKeyStore, MemoryKeyWrapper, MemoryStore, ProviderName, Purpose, ReceiptId, ReceiptRow,
    SqliteStore, Subject,
};
use provider_core::jiff::{SignedDuration, Timestamp};
use provider_core::{ConsentEvidence, ConsentGate as _, GatedCall, Idempotency, Operation};
use rusqlite::Connection;

const ORDER: Operation = Operation::new("order", "GET /v1/orders", Idempotency::Safe);
const PROOFS: usize = 200_000;
const AT_ONCE: u64 = 20_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let receipts = arguments.next();
    let receipts: u64 = receipts.map_or(Ok(1_000_000), |text| text.parse())?;
    let kept = arguments.next().map(PathBuf::from);
    if kept.is_none() {
        let memory = MemoryStore::new()?;
        let mut next = 0_u64;
        while next < receipts {
            let until = receipts.min(next.saturating_add(AT_ONCE));
            memory.commit(&given(memory.head()?, next..until)?)?;
            next = until;
        }
        measure("memory", &ledger(Arc::new(memory))?, receipts)?;
    }
    let directory = tempfile::tempdir()?;
    let file = kept.unwrap_or_else(|| directory.path().join("ledger.db"));
    if !file.exists() {
        fill(&file, receipts)?;
    }
    let store = Arc::new(SqliteStore::open(&file)?);
    let ledger = ledger(store)?;
    measure("in a file, as it was found", &ledger, receipts)?;
    measure("in a file, again", &ledger, receipts)?;
    beside_writing(&ledger, &SqliteStore::open(&file)?, receipts)
}

fn ledger(store: Arc<dyn LedgerStore>) -> Outcome<ConsentLedger> {
    let keys = MemoryKeyStore::new();
    keys.tie(store.head()?.ledger)?;
    let keys = Keys::new(Arc::new(keys), Arc::new(MemoryKeyWrapper::new()?));
    Ok(ConsentLedger::open(store, keys)?)
}

/// The person of this number, who is as good as random.
fn person(number: u64) -> Subject {
    let mut random = fastrand::Rng::with_seed(number);
    Subject::from_bytes(random.u128(..).to_be_bytes())
}

fn need(subject: Subject) -> Outcome<ConsentNeed> {
    Ok(ConsentNeed {
        subject,
        provider: ProviderName::new("toy")?,
        purpose: Purpose::new("loan-underwriting")?,
        kinds: vec![
            DataKind::new("bank-statement")?,
            DataKind::new("identity-document")?,
        ],
    })
}

/// The receipts of these people, without entries: what proving reads.
fn given(after: kyc_consent::Head, people: std::ops::Range<u64>) -> Outcome<Change> {
    let now = Timestamp::now();
    let expires_at = now.checked_add(SignedDuration::from_hours(24 * 365))?;
    let mut change = Change::after(after);
    for number in people {
        let subject = person(number);
        let ConsentNeed {
            provider,
            purpose,
            kinds,
            ..
        } = need(subject)?;
        change.receipts.push(ReceiptRow {
            id: ReceiptId::from_bytes(*subject.as_bytes()),
            subject,
            entry: number,
            rule: None,
            purposes: vec![purpose],
            kinds,
            providers: vec![provider],
            given_at: now,
            expires_at,
            ended: None,
        });
    }
    Ok(change)
}

/// Fills a file as a life would, in the order of nobody's name, but in one transaction and in memory.
fn fill(path: &Path, receipts: u64) -> Outcome<()> {
    let head = SqliteStore::open(path)?.head()?;
    let mut file = Connection::open(path)?;
    file.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -6000000;",
    )?;
    let whole = file.transaction()?;
    let mut next = 0_u64;
    while next < receipts {
        let until = receipts.min(next.saturating_add(AT_ONCE));
        let change = given(head, next..until)?;
        SqliteStore::apply(&whole, &change)?;
        for row in &change.receipts {
            whole
                .prepare_cached("INSERT OR IGNORE INTO person VALUES (?1)")?
                .execute([row.subject.as_bytes()])?;
        }
        next = until;
    }
    Ok(whole.commit()?)
}

fn measure(name: &str, ledger: &ConsentLedger, receipts: u64) -> Outcome<()> {
    let ConsentNeed {
        provider,
        purpose,
        kinds,
        ..
    } = need(person(0))?;
    let gate = ledger.gate(GateRules::new().provider(provider, purpose, kinds));
    let mut proving = Vec::with_capacity(PROOFS);
    let mut asking = Vec::with_capacity(PROOFS);
    for _ in 0..PROOFS {
        let need = need(person(fastrand::u64(..receipts)))?;
        let begin = Instant::now();
        let proof = ledger.prove(&need)?;
        proving.push(begin.elapsed());
        let shown = ConsentEvidence::from(&proof);
        let call = GatedCall::new("toy", &ORDER, Timestamp::now()).showing(&shown);
        let begin = Instant::now();
        black_box(gate.admit(&call))?;
        asking.push(begin.elapsed());
    }
    print(&format!("{name}, {receipts} receipts: prove"), proving);
    print(&format!("{name}, {receipts} receipts: gate"), asking);
    Ok(())
}

/// Each proof right after somebody else gave consent: what was read before is not taken for granted.
fn beside_writing(ledger: &ConsentLedger, other: &SqliteStore, receipts: u64) -> Outcome<()> {
    const WRITES: u64 = 5_000;
    let mut proving = Vec::new();
    for _ in 0..WRITES {
        let number = receipts.saturating_add(fastrand::u64(..u64::MAX / 2));
        other.commit(&given(other.head()?, number..number.saturating_add(1))?)?;
        let need = need(person(fastrand::u64(..receipts)))?;
        let begin = Instant::now();
        let proof = ledger.prove(&need)?;
        proving.push(begin.elapsed());
        black_box(proof);
    }
    print(
        &format!("in a file, each after a write, {receipts} receipts: prove"),
        proving,
    );
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn print(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |thousandths: usize| {
        let place = took.len().saturating_mul(thousandths) / 1000;
        took.get(place.min(took.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{what} p50 {:?}, p99 {:?}, p99.9 {:?}",
        at(500),
        at(990),
        at(999)
    );
}
