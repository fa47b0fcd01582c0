//! An invented lender, its notice and its person.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::{
    Basis, Code, ConsentLedger, ConsentNeed, DataKind, Keys, MemoryKeyStore, MemoryKeyWrapper,
    MemoryStore, Notice, NoticeItems, Party, ProviderName, Purpose, Receipt, Recipient, Subject,
    Terms,
};
use provider_core::jiff::Timestamp;
use provider_core::{Clock, InvalidRequest, Mobile, async_trait};

/// What for.
pub fn purpose() -> Purpose {
    Purpose::new("loan-underwriting").unwrap()
}

/// Which data.
pub fn kinds() -> Vec<DataKind> {
    ["bank-statement", "identity-document"]
        .map(|kind| DataKind::new(kind).unwrap())
        .into()
}

/// A provider of this name.
pub fn provider(name: &str) -> ProviderName {
    ProviderName::new(name).unwrap()
}

/// A code.
pub fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

/// The person's number.
pub fn mobile() -> Mobile {
    Mobile::parse("9000000001").unwrap()
}

/// What the notice says.
pub fn items() -> NoticeItems {
    let words = |kind: DataKind| (kind, "as the bank has it".to_owned());
    NoticeItems {
        data: kinds().into_iter().map(words).collect(),
        purposes: vec![(purpose(), "to decide about your loan".to_owned())],
        service: "A loan".to_owned(),
        withdraw: "https://lender.example.test/withdraw".to_owned(),
        rights: "https://lender.example.test/rights".to_owned(),
        complain: "https://board.example.test/complain".to_owned(),
    }
}

/// The notice.
pub fn notice() -> Notice {
    Notice::new("loan", "3", "en", "We read your statements.", items()).unwrap()
}

/// A company of this name.
pub fn party(name: &str) -> Party {
    Party {
        id: format!("https://{name}.example.test"),
        name: format!("{name} Ltd"),
        address: "1 Made-up Road, Mumbai".to_owned(),
        contact: format!("privacy@{name}.example.test"),
    }
}

/// 2026-01-01T00:00:00Z.
pub const BEGIN: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// So many seconds after [`BEGIN`].
pub fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGIN.as_second().saturating_add(seconds)).unwrap()
}

/// How long the consent counts, in seconds.
pub const YEAR: i64 = 365 * 24 * 60 * 60;

/// To what the person consents, from [`BEGIN`] on for a [`YEAR`].
pub fn terms() -> Terms {
    let recipient = |name: &str| Recipient {
        provider: provider(name),
        party: party(name),
    };
    Terms {
        notice: notice(),
        purposes: vec![purpose()],
        kinds: kinds(),
        controller: party("lender"),
        recipients: vec![recipient("finpro"), recipient("toy")],
        storage_locations: vec!["IN".to_owned()],
        retention: "P5Y".to_owned(),
        channel: code("app"),
        given_at: BEGIN,
        expires_at: after(YEAR),
        basis: Basis::Consent,
    }
}

/// One and the same receipt.
pub fn receipt() -> Receipt {
    static RECEIPT: LazyLock<Receipt> =
        LazyLock::new(|| Receipt::new(Subject::random().unwrap(), terms()).unwrap());
    RECEIPT.clone()
}

/// What a call needs that the terms cover.
pub fn need(subject: Subject) -> ConsentNeed {
    ConsentNeed {
        subject,
        provider: provider("toy"),
        purpose: purpose(),
        kinds: kinds(),
    }
}

/// A clock that stands until it is moved.
#[derive(Debug, Clone, Default)]
pub struct Moved(Arc<AtomicI64>);

impl Moved {
    /// Moves it.
    pub fn by(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for Moved {
    fn now(&self) -> Timestamp {
        after(self.0.load(Ordering::SeqCst))
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        Ok(u128::MAX / 3)
    }

    async fn sleep(&self, duration: Duration) {
        self.by((duration.as_secs() as i64).saturating_add(1));
    }
}

/// Keys in memory.
pub fn memory_keys() -> Keys {
    let wrapper = MemoryKeyWrapper::new().unwrap();
    Keys::new(Arc::new(MemoryKeyStore::new()), Arc::new(wrapper))
}

/// A ledger in memory.
pub fn ledger() -> (ConsentLedger, Moved) {
    let clock = Moved::default();
    let store = Arc::new(MemoryStore::new().unwrap());
    let ledger =
        ConsentLedger::open_with_clock(store, memory_keys(), Arc::new(clock.clone())).unwrap();
    (ledger, clock)
}

/// A person who has consented.
pub fn consenting(ledger: &ConsentLedger) -> (Subject, Receipt) {
    let subject = ledger.subject(&mobile()).unwrap();
    let receipt = Receipt::new(subject, terms()).unwrap();
    ledger.give(&receipt).unwrap();
    (subject, receipt)
}
