//! The ledger beside a file of journeys.

use std::path::Path;
use std::sync::Arc;

use kyc_consent::{
    Basis, Code, ConsentLedger, DataKind, LedgerError, Notice, NoticeItems, Party, ProviderName,
    Purpose, Receipt, Recipient, Scope, Subject, Terms,
};
use kyc_facade::provider_core::jiff::SignedDuration;
use kyc_facade::provider_core::{Clock, InvalidRequest, Mobile, SystemClock};
use kyc_journey::{JourneyEngine, JourneyId, ReceiptId, Sealer};
use kyc_journey_performer::{LedgerConsents, NotWithdrawn, PersonSealer, Withdrawals, gate_rules};

use crate::arguments::Whose;
use crate::failure::Failure;

const FIELD: &str = "the ledger beside --db";
const MOBILE: &str = "--mobile-number";
/// How long a consent is valid that a person of the sandbox gives.
const VALID: SignedDuration = SignedDuration::from_hours(365 * 24);
/// What the lender of the sandbox does with what it gets.
const PURPOSE: &str = "customer-onboarding";
const KINDS: [(&str, &str); 2] = [
    ("identity-document", "your documents and your identity"),
    ("bank-account", "your accounts and what happened on them"),
];
const RECIPIENTS: [&str; 4] = ["deepvue", "finpass", "finpro", "veriff"];

/// The ledger of the consents of a file's journeys, in three files beside it: what is recorded, the keys of its persons, and the key
/// that opens those. It goes by this machine's clock.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(pub(crate) ConsentLedger);

impl Ledger {
    /// Opens the ledger, or makes one where there is none.
    #[cfg(unix)]
    pub(crate) fn beside(database: &Path) -> Result<Self, Failure> {
        use crate::journey::beside;

        let files = kyc_consent::Files {
            ledger: beside(database, ".ledger"),
            keys: beside(database, ".ledger-keys"),
            key_encryption_key: beside(database, ".ledger-kek"),
        };
        let opened = files.open(Arc::new(SystemClock));
        opened.map(Self).map_err(|error| failed(&error))
    }

    /// Nothing here says that a file of keys is its owner's alone.
    #[cfg(not(unix))]
    pub(crate) fn beside(_: &Path) -> Result<Self, Failure> {
        let rule = "needs a system whose files have modes";
        Err(Failure::configuration(FIELD, rule))
    }

    /// Opens the ledger, which is there.
    pub(crate) fn existing(database: &Path) -> Result<Self, Failure> {
        match crate::journey::beside(database, ".ledger").exists() {
            true => Self::beside(database),
            false => Err(Failure::configuration(FIELD, "no such file")),
        }
    }

    /// Payloads by the keys of their persons, everything else by the file's.
    pub(crate) fn sealer(&self, file: Arc<dyn Sealer>) -> Arc<dyn Sealer> {
        Arc::new(PersonSealer::new(self.0.clone(), file))
    }

    /// Proves and records for the journeys.
    pub(crate) fn consents(&self) -> Result<LedgerConsents, Failure> {
        let kinds = kinds()?;
        let rules = gate_rules(&Purpose::new(PURPOSE)?, &kinds)?;
        Ok(LedgerConsents::new(self.0.clone(), rules, notice()?))
    }

    /// Notes whose journey it is, before it begins.
    pub(crate) fn follow(&self, journey: &JourneyId, mobile: &Mobile) -> Result<(), Failure> {
        let followed = self
            .0
            .subject(mobile)
            .and_then(|subject| self.0.follow(journey.as_str(), subject, None));
        followed.map_err(|error| failed(&error))
    }

    /// The receipt of the consent that the person of a journey gives, or has given for it already.
    pub(crate) fn agree(&self, journey: &JourneyId) -> Result<ReceiptId, Failure> {
        let receipt = self.receipt(journey).map_err(|error| failed(&error))?;
        Ok(ReceiptId::parse(receipt.to_string())?)
    }

    fn receipt(&self, journey: &JourneyId) -> Result<kyc_consent::ReceiptId, LedgerError> {
        let follower = self.0.follower(journey.as_str())?;
        let follower = follower.ok_or(LedgerError::Unknown("journey"))?;
        if let Some(receipt) = follower.receipt {
            return Ok(receipt);
        }
        let receipt = Receipt::new(follower.subject, terms()?)?;
        self.0.give(&receipt)?;
        let (name, subject) = (journey.as_str(), follower.subject);
        self.0.follow(name, subject, Some(receipt.id()))?;
        Ok(receipt.id())
    }

    /// Withdraws the consent of a journey, which the caller tells of it.
    pub(crate) fn withdraw(&self, journey: &JourneyId) -> Result<(), Failure> {
        let withdraw = || {
            let Some(follower) = self.0.follower(journey.as_str())? else {
                return Ok(());
            };
            if let Some(receipt) = follower.receipt {
                let scope = Scope::Receipt(receipt);
                self.0.withdraw(follower.subject, scope, &channel()?)?;
            }
            Ok(())
        };
        withdraw().map_err(|error| failed(&error))
    }

    /// Notes that a journey has been told that its consent was withdrawn.
    pub(crate) fn told(&self, journey: &JourneyId) -> Result<(), Failure> {
        let told = || match self.0.follower(journey.as_str())? {
            Some(follower) => self.0.told(&follower),
            None => Ok(()),
        };
        told().map_err(|error| failed(&error))
    }

    /// Tells the journeys whose consent was withdrawn and that have not been told.
    pub(crate) async fn fan_out(&self, engine: Arc<dyn JourneyEngine>) -> Result<usize, Failure> {
        let told = Withdrawals::new(self.0.clone(), engine).fan_out().await;
        told.map_err(|error| match error {
            NotWithdrawn::Ledger(error) => failed(&error),
            error => Failure::configuration(FIELD, error.to_string()),
        })
    }

    /// The person that the arguments name; `None` if they name nobody.
    pub(crate) fn find(&self, whose: &Whose) -> Result<Option<Subject>, Failure> {
        match (&whose.subject, &whose.mobile) {
            (Some(subject), _) => {
                let subject = Subject::parse(subject)?;
                let known = self.0.state(subject).map_err(|error| failed(&error))?;
                let follows = self.0.followers(subject).map_err(|error| failed(&error))?;
                let entries = self.0.history(subject).map_err(|error| failed(&error))?;
                match known == Default::default() && follows.is_empty() && entries.is_empty() {
                    true => Err(Failure::configuration(
                        "SUBJECT",
                        "is nobody in this ledger",
                    )),
                    false => Ok(Some(subject)),
                }
            }
            (None, Some(mobile)) => {
                let mobile = Mobile::parse(mobile)?;
                let found = self.0.find(&mobile).map_err(|error| failed(&error))?;
                let rule = "is nobody's in this ledger, or the person was erased";
                let found = found.ok_or_else(|| Failure::configuration(MOBILE, rule))?;
                Ok(Some(found))
            }
            (None, None) => Ok(None),
        }
    }

    /// The person that the arguments have to name.
    pub(crate) fn someone(&self, whose: &Whose) -> Result<Subject, Failure> {
        let rule = "or --mobile-number is required";
        let found = self.find(whose)?;
        found.ok_or_else(|| Failure::configuration("SUBJECT", rule))
    }
}

/// What a ledger did not do. No path, key or value is in it; of lost keys, how many persons' data they held.
pub(crate) fn failed(error: &LedgerError) -> Failure {
    Failure::configuration(FIELD, error.to_string())
}

/// By what consent is withdrawn here.
pub(crate) fn channel() -> Result<Code, InvalidRequest> {
    Code::new("command")
}

fn kinds() -> Result<Vec<DataKind>, InvalidRequest> {
    KINDS.iter().map(|(kind, _)| DataKind::new(kind)).collect()
}

fn notice() -> Result<Notice, InvalidRequest> {
    let data = KINDS.iter().map(|(kind, words)| {
        let kind = DataKind::new(kind)?;
        Ok((kind, (*words).to_owned()))
    });
    let address = |of: &str| format!("https://lender.example.test/{of}");
    let items = NoticeItems {
        data: data.collect::<Result<_, InvalidRequest>>()?,
        purposes: vec![(
            Purpose::new(PURPOSE)?,
            "to accept you as a customer".to_owned(),
        )],
        service: "a loan".to_owned(),
        withdraw: address("withdraw"),
        rights: address("rights"),
        complain: address("complain"),
    };
    Notice::new("sandbox", "1", "en", crate::journey::NOTICE, items)
}

fn terms() -> Result<Terms, InvalidRequest> {
    let party = |name: &str| Party {
        id: format!("https://{name}.example.test"),
        name: name.to_owned(),
        address: "1 Made-up Road, Mumbai".to_owned(),
        contact: format!("privacy@{name}.example.test"),
    };
    let recipients = RECIPIENTS.iter().map(|name| {
        let provider = ProviderName::new(name)?;
        let party = party(name);
        Ok(Recipient { provider, party })
    });
    let now = SystemClock.now();
    Ok(Terms {
        notice: notice()?,
        purposes: vec![Purpose::new(PURPOSE)?],
        kinds: kinds()?,
        controller: party("lender"),
        recipients: recipients.collect::<Result<_, InvalidRequest>>()?,
        storage_locations: vec!["IN".to_owned()],
        retention: "P1Y".to_owned(),
        channel: channel()?,
        given_at: now,
        expires_at: now.checked_add(VALID).unwrap_or(now),
        basis: Basis::Consent,
    })
}

#[cfg(test)]
mod tests {
    use kyc_consent::{ErasureOrder, ErasureReason};
    use kyc_facade::provider_core::Masked;
    use kyc_facade::provider_core::jiff::Timestamp;
    use kyc_journey::{
        CorrelationToken, DataClass, DocumentKind, DocumentsPlan, Event, EventKey, Fact, Payload,
        Plan, Seq,
    };
    use kyc_journey_sqlite::SqliteEngine;

    use super::*;
    use crate::journey::FileSealer;

    /// Also of a copy of the journeys that was made before, and with the copy's own keys.
    #[tokio::test]
    async fn an_erased_person_s_payloads_are_not_there_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journeys.db");
        let file = Arc::new(FileSealer::create(&path).unwrap());
        let ledger = Ledger::beside(&path).unwrap();
        let engine = SqliteEngine::open(&path, ledger.sealer(file.clone())).unwrap();
        let journey = JourneyId::from_bits(17);
        let mobile = Mobile::parse("9000000001").unwrap();
        ledger.follow(&journey, &mobile).unwrap();
        let plan = Plan::new().set_documents(Some(DocumentsPlan::new([DocumentKind::Pan])));
        let token = CorrelationToken::from_bits(1);
        let plan = Box::new(plan);
        let key = EventKey::command("start").unwrap();
        let start = Fact::Start { plan, token };
        let event = Event::new(key, Timestamp::UNIX_EPOCH, None, start);
        let payload = Payload {
            class: DataClass::Person,
            content: Masked::new("CANARY"),
        };
        let event = event.set_payload(Some(payload.clone()));
        engine.submit(&journey, event).await.unwrap();
        let read = engine.payload(&journey, Seq::new(1)).await.unwrap();
        assert_eq!(read, Some(payload));
        drop(engine);
        let copies = [".ledger-keys", ".ledger-keys-wal"].map(|suffix| {
            let name = crate::journey::beside(&path, suffix);
            (name.clone(), std::fs::read(name).unwrap_or_default())
        });
        let order = ErasureOrder {
            reason: ErasureReason::Request,
            classes: None,
            relationship_ended: None,
        };
        let subject = ledger.0.find(&mobile).unwrap().unwrap();
        ledger.0.erase(subject, &order).unwrap();
        let reopened = || SqliteEngine::open(&path, ledger.sealer(file.clone())).unwrap();
        let engine = reopened();
        assert_eq!(engine.payload(&journey, Seq::new(1)).await.unwrap(), None);
        // What was done is there, without the person.
        assert!(engine.read(&journey).await.unwrap().is_some());
        drop(engine);
        drop(ledger);
        for (name, bytes) in copies {
            std::fs::write(name, bytes).unwrap();
        }
        // Its keys do not open under the key that is left.
        let error = Ledger::beside(&path).unwrap_err();
        assert!(format!("{error:?}").contains("lost"), "{error:?}");
    }
}
