//! An invented lender, its notice and its person.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kyc_consent::{
    Basis, Code, ConsentLedger, ConsentNeed, DataKind, Keys, MemoryKeyStore, MemoryKeyWrapper,
    MemoryStore, Notice, NoticeItems, Party, ProviderName, Purpose, Receipt, Recipient, Subject,
    Terms,
};
use provider_core::jiff::Timestamp;
use provider_core::{Clock, InvalidRequest, Mobile, async_trait};

pub(crate) fn purpose() -> Purpose {
    Purpose::new("loan-underwriting").unwrap()
}

pub(crate) fn kinds() -> Vec<DataKind> {
    ["bank-statement", "identity-document"]
        .map(|kind| DataKind::new(kind).unwrap())
        .into()
}

pub(crate) fn provider(name: &str) -> ProviderName {
    ProviderName::new(name).unwrap()
}

pub(crate) fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

pub(crate) fn mobile() -> Mobile {
    Mobile::parse("9000000001").unwrap()
}

pub(crate) fn items() -> NoticeItems {
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

pub(crate) fn notice() -> Notice {
    Notice::new("loan", "3", "en", "We read your statements.", items()).unwrap()
}

pub(crate) fn party(name: &str) -> Party {
    Party {
        id: format!("https://{name}.example.test"),
        name: format!("{name} Ltd"),
        address: "1 Made-up Road, Mumbai".to_owned(),
        contact: format!("privacy@{name}.example.test"),
    }
}

/// 2026-01-01T00:00:00Z.
pub(crate) const BEGIN: Timestamp = Timestamp::constant(1_767_225_600, 0);

pub(crate) fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGIN.as_second().saturating_add(seconds)).unwrap()
}

pub(crate) const YEAR: i64 = 365 * 24 * 60 * 60;

pub(crate) fn terms() -> Terms {
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

/// One and the same receipt, for the tests beside the code.
#[allow(dead_code, reason = "the tests of the whole crate give their own")]
pub(crate) fn receipt() -> Receipt {
    static RECEIPT: LazyLock<Receipt> =
        LazyLock::new(|| Receipt::new(Subject::random().unwrap(), terms()).unwrap());
    RECEIPT.clone()
}

pub(crate) fn need(subject: Subject) -> ConsentNeed {
    ConsentNeed {
        subject,
        provider: provider("toy"),
        purpose: purpose(),
        kinds: kinds(),
    }
}

/// A clock that stands until it is moved.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moved(Arc<AtomicI64>);

impl Moved {
    pub(crate) fn by(&self, seconds: i64) {
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

pub(crate) fn memory_keys() -> Keys {
    let wrapper = MemoryKeyWrapper::new().unwrap();
    Keys::new(Arc::new(MemoryKeyStore::new()), Arc::new(wrapper))
}

/// A ledger in memory.
pub(crate) fn ledger() -> (ConsentLedger, Moved) {
    let clock = Moved::default();
    let store = Arc::new(MemoryStore::new().unwrap());
    let ledger =
        ConsentLedger::open_with_clock(store, memory_keys(), Arc::new(clock.clone())).unwrap();
    (ledger, clock)
}

/// A person who has consented.
pub(crate) fn consenting(ledger: &ConsentLedger) -> (Subject, Receipt) {
    let subject = ledger.subject(&mobile()).unwrap();
    let receipt = Receipt::new(subject, terms()).unwrap();
    ledger.give(&receipt).unwrap();
    (subject, receipt)
}
