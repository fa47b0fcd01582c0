//! The ledger beside journeys.

use std::sync::Arc;

use kyc_consent::{
    Code, ConsentLedger, CutOffErasure, Digest, EndReason, Follower, KeyError, LedgerError,
    ReceiptId, ReceiptRow, RecentErasure, Scope, StoreError, Subject,
};
#[cfg(unix)]
use kyc_consent::{FileKeyWrapper, KeyStore as _, Keys, LedgerStore as _};
use kyc_facade::provider_core::{Clock, InvalidRequest, Mobile, Outcome, SystemClock};
use kyc_journey::{JourneyEngine, JourneyId, Sealer};
use kyc_journey_performer::{
    LedgerConsents, NotWithdrawn, PersonSealer, Withdrawals, gate_rules, record_request,
    withdraw_unshared,
};
#[cfg(unix)]
use kyc_journey_postgres::PostgresKeyStore;
use kyc_journey_postgres::PostgresStore;

use crate::arguments::Whose;
use crate::failure::{Failure, is_the_disk, reason};
#[cfg(unix)]
use crate::storage::place::unopened;
use crate::storage::place::{self, Place, lost};
use crate::storage::terms::ConsentTerms;
#[cfg(unix)]
use crate::terminal::output::counted;

const FIELD: &str = "the ledger beside --db";
const MOBILE: &str = "--mobile-number";
/// On what those agree who have the ledger's keys.
const JOURNEYS: &str = "key of journeys";

/// The ledger of the consents of journeys: what is recorded, the keys of its persons, and the key that opens those. Beside a file each is
/// a file; in a database the first two are tables, and the last is a file elsewhere. It goes by this machine's clock.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(pub(crate) ConsentLedger, In);

/// In what it lies.
#[derive(Debug, Clone)]
enum In {
    Files,
    /// Files from which it is read, and nothing written to them.
    FilesToRead,
    Database(PostgresStore),
}

impl Ledger {
    /// Opens the ledger, or makes one where there is none.
    #[cfg(unix)]
    pub(crate) fn open(place: &Place) -> Result<Self, Failure> {
        let key_encryption_key = place.beside(".ledger-kek");
        let clock = Arc::new(SystemClock);
        let database = match place {
            Place::File(_) => {
                let opened = files(place).open(clock);
                return opened
                    .map(|ledger| Self(ledger, In::Files))
                    .map_err(|error| failed(&error));
            }
            Place::Database(database) => database,
        };
        // Each has connections of its own, and a server has few.
        let options = database.options.clone().with_connections(4);
        let store = PostgresStore::open(options.clone()).map_err(|error| unopened(&error))?;
        let keys = PostgresKeyStore::open(options).map_err(|error| unopened(&error))?;
        let opened = || {
            if !key_encryption_key.exists() {
                // Another process's ledger is opened by its key, not by one that is made here.
                if keys.ledger()?.is_some() || store.head()?.seq > 0 {
                    let persons = keys.persons()?;
                    return Err(KeyError::Lost { persons }.into());
                }
                FileKeyWrapper::create(&key_encryption_key)?;
            }
            let wrapper = FileKeyWrapper::open(&key_encryption_key)?;
            let keys = Keys::new(Arc::new(keys), Arc::new(wrapper));
            let ledger = ConsentLedger::open_with_clock(Arc::new(store.clone()), keys, clock)?;
            Ok(Self(ledger, In::Database(store)))
        };
        opened().map_err(|error| match error {
            LedgerError::Keys(KeyError::Lost { persons }) => {
                let rule = format!(
                    "has not the key-encryption key of this database's ledger, which holds data of {}; bring PATH.ledger-kek from where it is",
                    counted(persons, "person"),
                );
                Failure::configuration(place.keys_field(), rule)
            }
            error => failed(&error),
        })
    }

    /// Opens the ledger, which is there, to read it: files may be such as cannot be written.
    pub(crate) fn to_read(place: &Place) -> Result<Self, Failure> {
        #[cfg(unix)]
        if let Place::File(_) = place {
            is_there(place)?;
            let opened = files(place).open_to_read(Arc::new(SystemClock));
            return opened
                .map(|ledger| Self(ledger, In::FilesToRead))
                .map_err(|error| failed(&error));
        }
        Self::existing(place)
    }

    /// Nothing here says that a file of keys is its owner's alone.
    #[cfg(not(unix))]
    pub(crate) fn open(_: &Place) -> Result<Self, Failure> {
        let rule = "needs a system whose files have modes";
        Err(Failure::configuration(FIELD, rule))
    }

    /// Opens the ledger, which is there.
    pub(crate) fn existing(place: &Place) -> Result<Self, Failure> {
        match place {
            Place::File(_) => {
                is_there(place)?;
                Self::open(place)
            }
            Place::Database(database) => Self::open(&database.existing()),
        }
    }

    /// Where it lies, if that is a database.
    pub(crate) fn in_database(&self) -> Option<&PostgresStore> {
        match &self.1 {
            In::Database(store) => Some(store),
            In::Files | In::FilesToRead => None,
        }
    }

    /// Whether this is the digest of the key of the journeys beside it, which is that of whoever asked first.
    pub(crate) fn is_key_of_journeys(&self, digest: &[u8]) -> Result<bool, Failure> {
        let digest = Digest::of(digest);
        let agreed = self.0.keys().agree(JOURNEYS, &digest, SystemClock.now());
        agreed.map_err(|error| failed(&error))
    }

    /// Whether the journeys beside it have a key.
    pub(crate) fn has_key_of_journeys(&self) -> Result<bool, Failure> {
        let agreed = self.0.keys().is_agreed(JOURNEYS);
        agreed.map_err(|error| failed(&error.into()))
    }

    /// Whether it was opened to be read.
    pub(crate) fn is_to_read(&self) -> bool {
        matches!(self.1, In::FilesToRead)
    }

    /// Finishes the erasures that were found cut off, unless opening the ledger did.
    pub(crate) fn finish_cut_off(&self) -> Result<(), Failure> {
        self.0.finish_cut_off().map_err(|error| failed(&error))
    }

    /// The erasure of the person that the arguments name which was found cut off.
    pub(crate) fn cut_off_erasure(&self, whose: &Whose) -> Result<Option<&CutOffErasure>, Failure> {
        if let Some(mobile) = &whose.mobile {
            let mobile = Mobile::parse(mobile)?;
            let found = || {
                let person = self.0.find(&mobile)?;
                let cut_off = self.0.cut_off_erasure_of(&mobile)?;
                // The number may be a new person's by now.
                Ok(cut_off.filter(|erasure| person.is_none_or(|person| person == erasure.subject)))
            };
            return found().map_err(|error| failed(&error));
        }
        let subject = whose.subject.as_deref().map(Subject::parse).transpose()?;
        let mut cut_off = self.0.cut_off_erasures().iter();
        Ok(cut_off.find(|erasure| Some(erasure.subject) == subject))
    }

    /// The erasure of the last day, if the arguments name a mobile number that leads to nobody since.
    pub(crate) fn recent_erasure(&self, whose: &Whose) -> Result<Option<RecentErasure>, Failure> {
        let Some(mobile) = &whose.mobile else {
            return Ok(None);
        };
        let mobile = Mobile::parse(mobile)?;
        let recent = || match self.0.find(&mobile)? {
            Some(_) => Ok(None),
            None => self.0.recent_erasure_of(&mobile),
        };
        recent().map_err(|error| failed(&error))
    }

    /// Payloads by the keys of their persons, everything else by the file's.
    pub(crate) fn sealer(&self, file: Arc<dyn Sealer>) -> Arc<dyn Sealer> {
        Arc::new(PersonSealer::new(self.0.clone(), file))
    }

    /// Proves and records for the journeys whose persons consent to these terms.
    pub(crate) fn consents(&self, terms: &ConsentTerms) -> Result<LedgerConsents, Failure> {
        let rules = gate_rules(terms.purpose(), terms.kinds())?;
        Ok(LedgerConsents::new(
            self.0.clone(),
            rules,
            terms.notice().clone(),
        ))
    }

    /// Notes whose journey it is, before it begins. `false`: it is another person's.
    pub(crate) fn follow(&self, journey: &JourneyId, mobile: &Mobile) -> Result<bool, LedgerError> {
        if let Some(known) = self.0.follower(journey.as_str())? {
            return Ok(self.0.find(mobile)? == Some(known.subject));
        }
        let subject = self.0.subject(mobile)?;
        self.0.follow(journey.as_str(), subject, None)?;
        Ok(true)
    }

    /// Whether it is known that the journey is of the person with this number: none leads to a person who was erased.
    pub(crate) fn is_of(&self, journey: &JourneyId, mobile: &Mobile) -> Result<bool, Failure> {
        let is_of = || {
            let known = self.0.follower(journey.as_str())?;
            let found = self.0.find(mobile)?;
            Ok(known.is_some_and(|known| found == Some(known.subject)))
        };
        is_of().map_err(|error| failed(&error))
    }

    /// The receipt of the consent that the person of a journey gives, or has given for it already.
    pub(crate) fn agree(
        &self,
        journey: &JourneyId,
        terms: &ConsentTerms,
    ) -> Result<ReceiptRow, LedgerError> {
        let follower = self.follower(journey)?;
        let (subject, now) = (follower.subject, SystemClock.now());
        let rows = self.0.state(subject)?.receipts;
        let known = follower.receipt.map(|id| row(&rows, id)).transpose()?;
        // One that was withdrawn is not given anew by what was asked for before.
        if let Some(row) = known.filter(|row| row.is_live(now) || is_withdrawn(row)) {
            return Ok(row);
        }
        record_request(&self.0, journey, subject, terms.notice())?;
        let receipt = terms.receipt(subject)?;
        self.0.give_to(journey.as_str(), &receipt)?;
        row(&self.0.state(subject)?.receipts, receipt.id())
    }

    /// The receipt of a consent that is given anew, in place of the one that the journey knows, unless it has been written.
    pub(crate) fn renew(
        &self,
        journey: &JourneyId,
        known: &str,
        terms: &ConsentTerms,
    ) -> Result<ReceiptRow, LedgerError> {
        let follower = self.follower(journey)?;
        let (subject, current) = (follower.subject, follower.receipt);
        let current = current.ok_or(LedgerError::Unknown("receipt of this journey"))?;
        let found = row(&self.0.state(subject)?.receipts, current)?;
        if is_withdrawn(&found) || current.to_string() != known {
            return Ok(found);
        }
        let receipt = terms.receipt(subject)?;
        self.0.renew(current, &receipt)?;
        row(&self.0.state(subject)?.receipts, receipt.id())
    }

    fn follower(&self, journey: &JourneyId) -> Result<Follower, LedgerError> {
        let follower = self.0.follower(journey.as_str())?;
        follower.ok_or(LedgerError::Unknown("journey"))
    }

    /// Withdraws the consent of a journey, which the caller tells of it.
    pub(crate) fn withdraw(&self, journey: &JourneyId, channel: &Code) -> Result<(), LedgerError> {
        let Some(follower) = self.0.follower(journey.as_str())? else {
            return Ok(());
        };
        if let Some(receipt) = follower.receipt {
            let scope = Scope::Receipt(receipt);
            self.0.withdraw(follower.subject, scope, channel)?;
        }
        Ok(())
    }

    /// Withdraws what was written for a journey that has ended without it. It needs not be told.
    pub(crate) fn take_back(&self, journey: &JourneyId) -> Result<(), LedgerError> {
        let Some(follower) = self.0.follower(journey.as_str())? else {
            return Ok(());
        };
        withdraw_unshared(&self.0, &follower)
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
    pub(crate) async fn fan_out(
        &self,
        engine: Arc<dyn JourneyEngine>,
        clock: Arc<dyn Clock>,
    ) -> Result<usize, NotWithdrawn> {
        let withdrawals = Withdrawals::new(self.0.clone(), engine).with_clock(clock);
        withdrawals.fan_out().await
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

/// Of a ledger in files.
fn is_there(place: &Place) -> Result<(), Failure> {
    match place.beside(".ledger").exists() {
        true => Ok(()),
        false => Err(Failure::configuration(FIELD, "no such file")),
    }
}

#[cfg(unix)]
fn files(place: &Place) -> kyc_consent::Files {
    kyc_consent::Files {
        ledger: place.beside(".ledger"),
        keys: place.beside(".ledger-keys"),
        key_encryption_key: place.beside(".ledger-kek"),
    }
}

/// What a ledger did not do. No path, key or value is in it; of lost keys, how many persons' data they held.
pub(crate) fn failed(error: &LedgerError) -> Failure {
    match error {
        LedgerError::Store(StoreError::Unreachable(cause)) => lost(cause, Outcome::Unknown),
        LedgerError::Store(StoreError::Failed(cause)) => Failure::unstored(FIELD, cause),
        LedgerError::Keys(KeyError::Io(kind)) if is_the_disk(*kind) => {
            Failure::unstored(FIELD, reason(*kind))
        }
        error => Failure::configuration(FIELD, error.to_string()),
    }
}

/// Why a withdrawal did not reach every journey.
pub(crate) fn not_withdrawn(error: NotWithdrawn) -> Failure {
    match error {
        NotWithdrawn::Ledger(error) => failed(&error),
        NotWithdrawn::Engine(error) => place::failed(error),
        error => Failure::configuration(FIELD, error.to_string()),
    }
}

/// By what consent is withdrawn here.
pub(crate) fn channel() -> Result<Code, InvalidRequest> {
    Code::new("command")
}

fn row(rows: &[ReceiptRow], id: ReceiptId) -> Result<ReceiptRow, LedgerError> {
    let found = rows.iter().find(|row| row.id == id);
    found.cloned().ok_or(LedgerError::Unknown("receipt"))
}

/// Whether the consent was withdrawn.
pub(crate) fn is_withdrawn(row: &ReceiptRow) -> bool {
    matches!(row.ended, Some((_, EndReason::Withdrawn)))
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Whoever dies between the ledger and the journey, or between two lines of the ledger, leaves no consent that nobody knows of.
    #[test]
    fn a_consent_is_one_receipt_whoever_died_in_between() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::File(directory.path().join("journeys.db"));
        let ledger = Ledger::open(&place).unwrap();
        let terms = ConsentTerms::of_the_sandbox().unwrap();
        let mobile = Mobile::parse("9000000001").unwrap();
        let stranger = Mobile::parse("9000000002").unwrap();
        let (first, second) = (JourneyId::from_bits(1), JourneyId::from_bits(2));
        let unknown = ledger.agree(&first, &terms).unwrap_err();
        assert!(matches!(unknown, LedgerError::Unknown(_)), "{unknown:?}");
        for journey in [&first, &second, &first] {
            assert!(ledger.follow(journey, &mobile).unwrap());
            assert!(!ledger.follow(journey, &stranger).unwrap());
        }
        assert_eq!(ledger.0.find(&stranger).unwrap(), None);
        let subject = ledger.0.find(&mobile).unwrap().unwrap();

        let given = ledger.agree(&first, &terms).unwrap();
        assert!(ledger.follow(&first, &mobile).unwrap());
        assert_eq!(ledger.agree(&first, &terms).unwrap().id, given.id);
        // Another journey's consent is one of its own.
        let other = ledger.agree(&second, &terms).unwrap();
        assert_ne!(other.id, given.id);

        // What a journey did not take is over, and what another one goes on under is not.
        let third = JourneyId::from_bits(3);
        let shared = JourneyId::from_bits(4);
        assert!(ledger.follow(&third, &mobile).unwrap());
        let left = ledger.agree(&third, &terms).unwrap();
        let name = shared.as_str();
        ledger.0.follow(name, subject, Some(left.id)).unwrap();
        ledger.take_back(&third).unwrap();
        assert!(!is_withdrawn(&ledger.agree(&third, &terms).unwrap()));
        let alone = JourneyId::from_bits(5);
        assert!(ledger.follow(&alone, &mobile).unwrap());
        ledger.take_back(&alone).unwrap();
        ledger.agree(&alone, &terms).unwrap();
        ledger.take_back(&alone).unwrap();
        ledger.take_back(&alone).unwrap();
        assert!(is_withdrawn(&ledger.agree(&alone, &terms).unwrap()));

        let known = given.id.to_string();
        let renewed = ledger.renew(&first, &known, &terms).unwrap();
        assert_ne!(renewed.id, given.id);
        assert_eq!(ledger.renew(&first, &known, &terms).unwrap(), renewed);
        ledger.withdraw(&first, &channel().unwrap()).unwrap();
        assert!(is_withdrawn(&ledger.agree(&first, &terms).unwrap()));
        let known = renewed.id.to_string();
        assert!(is_withdrawn(&ledger.renew(&first, &known, &terms).unwrap()));
        let rows = ledger.0.state(subject).unwrap().receipts;
        let live = rows.iter().filter(|row| row.is_live(SystemClock.now()));
        assert_eq!(live.count(), 2);
        assert_eq!(rows.len(), 5);
        ledger.0.verify(&[]).unwrap();
    }
}
