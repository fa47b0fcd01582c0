//! How long proving consent takes beside many receipts. `cargo run --release --example prove --features sqlite [RECEIPTS]`
//! prints percentiles of [`ConsentLedger::prove`](kyc_consent::ConsentLedger::prove) and of the gate, over a ledger in memory and
//! over one in a file, each with so many people of one receipt each, who are asked for in random order.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kyc_consent::{
    Change, ConsentLedger, ConsentNeed, DataKind, GateRules, Keys, LedgerStore, MemoryKeyStore,
    MemoryKeyWrapper, MemoryStore, ProviderName, Purpose, ReceiptId, ReceiptRow, SqliteStore,
    Subject,
};
use provider_core::jiff::{SignedDuration, Timestamp};
use provider_core::{ConsentEvidence, ConsentGate as _, GatedCall, Idempotency, Operation};

const ORDER: Operation = Operation::new("order", "GET /v1/orders", Idempotency::Safe);
const PROOFS: usize = 200_000;
const AT_ONCE: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let receipts = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |text| text.parse())?;
    let directory = tempfile::tempdir()?;
    measure("memory", Arc::new(MemoryStore::new()?), receipts)?;
    let file = SqliteStore::open(directory.path().join("ledger.db"))?;
    measure("sqlite", Arc::new(file), receipts)
}

fn measure(name: &str, store: Arc<dyn LedgerStore>, receipts: usize) -> Result<(), Box<dyn Error>> {
    let need = ConsentNeed {
        subject: Subject::from_bytes([0; 16]),
        provider: ProviderName::new("toy")?,
        purpose: Purpose::new("loan-underwriting")?,
        kinds: vec![
            DataKind::new("bank-statement")?,
            DataKind::new("identity-document")?,
        ],
    };
    let subjects = fill(&*store, &need, receipts)?;
    let keys = Keys::new(
        Arc::new(MemoryKeyStore::new()),
        Arc::new(MemoryKeyWrapper::new()?),
    );
    let ledger = ConsentLedger::open(store, keys)?;
    let rules = GateRules::new().provider(
        need.provider.clone(),
        need.purpose.clone(),
        need.kinds.clone(),
    );
    let gate = ledger.gate(rules);
    let mut proving = Vec::with_capacity(PROOFS);
    let mut asking = Vec::with_capacity(PROOFS);
    for _ in 0..PROOFS {
        let subject = subjects.get(fastrand::usize(..subjects.len())).copied();
        let need = ConsentNeed {
            subject: subject.ok_or("nobody")?,
            ..need.clone()
        };
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

/// Receipts alone, without entries: what proving reads. In the order of their names, because a file that is filled in a random order
/// is written for an hour; asked for they are in a random one.
fn fill(
    store: &dyn LedgerStore,
    need: &ConsentNeed,
    receipts: usize,
) -> Result<Vec<Subject>, Box<dyn Error>> {
    let now = Timestamp::now();
    let expires_at = now.checked_add(SignedDuration::from_hours(24 * 365))?;
    let random = || (0..receipts).map(|_| Subject::random());
    let mut subjects = random().collect::<Result<Vec<_>, _>>()?;
    let mut ids = random().collect::<Result<Vec<_>, _>>()?;
    subjects.sort_unstable();
    ids.sort_unstable();
    let mut rows = subjects.iter().zip(&ids).map(|(subject, id)| ReceiptRow {
        id: ReceiptId::from_bytes(*id.as_bytes()),
        subject: *subject,
        entry: 1,
        rule: None,
        purposes: vec![need.purpose.clone()],
        kinds: need.kinds.clone(),
        providers: vec![need.provider.clone()],
        given_at: now,
        expires_at,
        ended: None,
    });
    loop {
        let mut change = Change::after(store.head()?);
        change.receipts.extend(rows.by_ref().take(AT_ONCE));
        if change.receipts.is_empty() {
            return Ok(subjects);
        }
        store.commit(&change)?;
    }
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
