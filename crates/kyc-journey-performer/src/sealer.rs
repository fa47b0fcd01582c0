//! Payloads sealed under the keys of the person.

use std::sync::Arc;

use kyc_consent::{ConsentLedger, LedgerError, Place as Sealed, Subject};
use kyc_journey::{Domain, JourneyId, Place, SealError, Sealer, Seq};

use crate::ledger::class_of;

/// What the ledger's keys sealed begins with it; what the other sealer did, does not.
const BY_LEDGER: u8 = b'L';
const BY_OTHER: u8 = b'O';

/// Seals payloads under the ledger's key for the person and the class, so that [erasing](ConsentLedger::erase) a person makes the
/// payloads of all their journeys unreadable, in every backup too. Everything else, which has nothing personal and is needed to account
/// for what was done, is sealed by another sealer; so is the payload of a journey that the ledger does not know.
///
/// The keys are asked for within the transaction of the engine's writer, on a thread that may wait: keep them near the journeys, in a file
/// of this machine beside a file, in the same database beside a database.
#[derive(Debug, Clone)]
pub struct PersonSealer {
    ledger: ConsentLedger,
    other: Arc<dyn Sealer>,
}

impl PersonSealer {
    /// Payloads by the ledger, everything else by `other`. What `other` sealed for these journeys before there was a ledger opens as ever,
    /// if its forms begin with neither `L` nor `O`: with the number of a version, say, and not with a random byte.
    pub fn new(ledger: ConsentLedger, other: Arc<dyn Sealer>) -> Self {
        Self { ledger, other }
    }

    fn subject(&self, journey: &JourneyId) -> Result<Option<Subject>, SealError> {
        let follower = self.ledger.follower(journey.as_str());
        let follower = follower.map_err(|error| refused(&error))?;
        Ok(follower.map(|follower| follower.subject))
    }
}

/// A row of payloads, whose name cannot be another journey's: an id has no slash.
fn row(journey: &JourneyId, seq: Seq) -> String {
    format!("{journey}/{seq}")
}

fn refused(error: &LedgerError) -> SealError {
    match error {
        LedgerError::Seal(kyc_consent::SealError::Erased) => SealError::NoKey,
        LedgerError::Seal(_) => SealError::Altered,
        _ => SealError::Unavailable,
    }
}

/// Where the ledger's keys seal a payload.
fn sealed<'p>(row: &'p str, subject: Subject, class: kyc_journey::DataClass) -> Sealed<'p> {
    Sealed {
        table: "journey-payload",
        row: row.as_bytes(),
        subject,
        class: class_of(class),
        version: 0,
    }
}

impl Sealer for PersonSealer {
    fn seal(&self, place: &Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        if let (Some(journey), Some(class)) = (place.journey, place.class)
            && let Some(subject) = self.subject(journey)?
        {
            let row = row(journey, place.seq);
            let sealed = self.ledger.seal(&sealed(&row, subject, class), body);
            let sealed = sealed.map_err(|error| refused(&error))?;
            return Ok([&[BY_LEDGER], sealed.as_slice()].concat());
        }
        let sealed = self.other.seal(place, body)?;
        Ok([&[BY_OTHER], sealed.as_slice()].concat())
    }

    fn open(&self, place: &Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        match (body.split_first(), place.journey, place.class) {
            (Some((&BY_OTHER, rest)), ..) => self.other.open(place, rest),
            (Some((&BY_LEDGER, rest)), Some(journey), Some(class)) => {
                let subject = self.subject(journey)?.ok_or(SealError::NoKey)?;
                let row = row(journey, place.seq);
                let opened = self.ledger.unseal(&sealed(&row, subject, class), rest);
                Ok(opened.map_err(|error| refused(&error))?.to_vec())
            }
            // Sealed before there was a ledger: the other sealer's own forms begin with neither letter.
            (Some(_), ..) => self.other.open(place, body),
            (None, ..) => Err(SealError::Altered),
        }
    }

    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        self.other.digest(domain, text)
    }
}
