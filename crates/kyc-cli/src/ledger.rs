//! The ledger beside a file of journeys.

use std::path::{Path, PathBuf};
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
/// What a person of the sandbox agrees to.
pub(crate) const NOTICE: &str = "I agree that my identity is verified and my accounts are read.";
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
        match beside(database, ".ledger").exists() {
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

/// A file beside the database.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
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
    Notice::new("sandbox", "1", "en", NOTICE, items)
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
