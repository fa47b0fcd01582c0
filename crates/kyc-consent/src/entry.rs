//! The entries of the ledger, and the digests that chain them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ids::{Code, Digest, LedgerId, ProviderName, Purpose, ReceiptId, Subject};
use crate::receipt::Receipt;
use crate::retention::{Class, Erased, Hold, KeptClass};

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryKind {
    /// Consent was requested.
    Requested,
    /// Consent was given, or a legal duty recorded.
    Given,
    /// Consent was refused.
    Refused,
    /// Consent was renewed by another receipt.
    Renewed,
    /// Consent was withdrawn.
    Withdrawn,
    /// Consent has expired.
    Expired,
    /// An account aggregator's consent artefact belongs to the receipt.
    Artefact,
    /// A call was made under the receipt.
    Used,
    /// Data was erased.
    Erased,
    /// Data is held.
    Held,
    /// A hold was released.
    Released,
    /// An account aggregator's consent artefact is over.
    ArtefactEnded,
    /// Data was deleted where it was stored, and its key may go on.
    Deleted,
}

impl EntryKind {
    /// All kinds, in the order of the numbers that are stored.
    pub const ALL: [Self; 13] = [
        Self::Requested,
        Self::Given,
        Self::Refused,
        Self::Renewed,
        Self::Withdrawn,
        Self::Expired,
        Self::Artefact,
        Self::Used,
        Self::Erased,
        Self::Held,
        Self::Released,
        Self::ArtefactEnded,
        Self::Deleted,
    ];

    /// The number that is stored and digested, from 1.
    pub const fn number(self) -> u8 {
        (self as u8).saturating_add(1)
    }

    /// The kind of this number.
    pub fn from_number(number: u8) -> Option<Self> {
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }
}

/// One entry. Entries are only ever appended. What it says stands in its sealed body, whose digest is salted: once the body's
/// key is gone, nobody can find out what it said by trying, and the chain still fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 1.
    pub seq: u64,
    /// When it was written, in whole microseconds.
    pub at: Timestamp,
    /// What it is about.
    pub kind: EntryKind,
    /// Whom it is about.
    pub subject: Subject,
    /// The receipt that it is about, if any.
    pub receipt: Option<ReceiptId>,
    /// The digest of its body before it was sealed.
    pub body: Digest,
    /// The digest of the entry before it; of the first, [`genesis`].
    pub prev: Digest,
    /// Its own digest, over all of the above.
    pub digest: Digest,
    /// The sealed body. Not part of the digest; its seal is its own.
    pub sealed: Vec<u8>,
}

/// What the first entry of a ledger follows.
pub fn genesis(ledger: LedgerId) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"kyc-consent genesis 1");
    hash.update(ledger.as_bytes());
    Digest(hash.finalize().into())
}

impl Entry {
    /// The digest that it ought to have in this ledger. Every part has a fixed length, so none can be moved into another.
    pub fn expected_digest(&self, ledger: LedgerId) -> Digest {
        let mut hash = Sha256::new();
        hash.update(b"kyc-consent entry 1");
        hash.update(ledger.as_bytes());
        hash.update(self.prev.as_bytes());
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.as_nanosecond().to_be_bytes());
        hash.update([self.kind.number(), u8::from(self.receipt.is_some())]);
        hash.update(self.subject.as_bytes());
        hash.update(
            self.receipt
                .unwrap_or(ReceiptId::from_bytes([0; 16]))
                .as_bytes(),
        );
        hash.update(self.body.as_bytes());
        Digest(hash.finalize().into())
    }
}

/// What an entry says, in its sealed body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Detail {
    /// With which notice consent was requested.
    Requested {
        /// The notice's name and version.
        notice: (String, String),
    },
    /// The receipt.
    Given(Box<Receipt>),
    /// Which notice was refused.
    Refused {
        /// The notice's name and version.
        notice: (String, String),
    },
    /// The receipt in place of an earlier one.
    Renewed {
        /// The one that ended.
        replaces: ReceiptId,
        /// The new one.
        receipt: Box<Receipt>,
    },
    /// By which channel consent was withdrawn.
    Withdrawn {
        /// Such as `app`.
        channel: Code,
    },
    /// Consent has expired.
    Expired {},
    /// A consent artefact at an account aggregator.
    Artefact(Artefact),
    /// A consent artefact that is over: revoked or expired.
    ArtefactEnded(Artefact),
    /// What was deleted where it was stored, such as the documents of one journey. The key of its class goes on for what else there is.
    Deleted {
        /// Its class.
        class: Class,
        /// The follower whose data it was.
        follower: String,
    },
    /// A call.
    Used(Use),
    /// What was erased, what was kept, and why.
    Erased {
        /// The classes whose keys are gone.
        erased: Vec<Erased>,
        /// The classes that were kept.
        kept: Vec<KeptClass>,
    },
    /// A hold.
    Held(Hold),
    /// The end of a hold.
    Released(Hold),
}

impl Detail {
    /// The kind of the entry that says this.
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Requested { .. } => EntryKind::Requested,
            Self::Given(_) => EntryKind::Given,
            Self::Refused { .. } => EntryKind::Refused,
            Self::Renewed { .. } => EntryKind::Renewed,
            Self::Withdrawn { .. } => EntryKind::Withdrawn,
            Self::Expired {} => EntryKind::Expired,
            Self::Artefact(_) => EntryKind::Artefact,
            Self::ArtefactEnded(_) => EntryKind::ArtefactEnded,
            Self::Deleted { .. } => EntryKind::Deleted,
            Self::Used(_) => EntryKind::Used,
            Self::Erased { .. } => EntryKind::Erased,
            Self::Held(_) => EntryKind::Held,
            Self::Released(_) => EntryKind::Released,
        }
    }
}

/// A consent artefact of the ReBIT specification, by its id and the digest of its signed text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// The provider through which it was obtained, and is revoked.
    pub provider: ProviderName,
    /// The artefact's id at the aggregator.
    pub id: String,
    /// SHA-256 of the signed artefact; `None` if the provider does not hand it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Digest>,
}

/// A call under a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The provider that was called.
    pub provider: ProviderName,
    /// The operation's name.
    pub operation: String,
    /// For which purpose.
    pub purpose: Purpose,
    /// What became of it, as [`Outcome`](provider_core::Outcome) names it, or `ok`.
    pub outcome: String,
}

/// The body of an entry before it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// 128 random bits in hexadecimal, so that the digest of the body says nothing about it.
    pub(crate) salt: String,
    pub(crate) says: Detail,
}

/// Where the bodies of entries are sealed: the table and the class of the seal.
pub(crate) const BODY: (&str, Class) = ("entry", Class::Ledger);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_numbers_from_one() {
        for (index, kind) in EntryKind::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(kind.number()), index + 1);
            assert_eq!(EntryKind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(EntryKind::from_number(0), None);
        assert_eq!(EntryKind::from_number(14), None);
    }

    #[test]
    fn every_part_is_digested() {
        let ledger = LedgerId::from_bytes([1; 16]);
        let entry = Entry {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            kind: EntryKind::Given,
            subject: Subject::from_bytes([2; 16]),
            receipt: None,
            body: Digest::of(b"body"),
            prev: genesis(ledger),
            digest: Digest::of(b""),
            sealed: Vec::new(),
        };
        let mut seen = vec![
            entry.expected_digest(ledger),
            entry.expected_digest(LedgerId::from_bytes([2; 16])),
        ];
        let changes: [fn(&mut Entry); 7] = [
            |entry| entry.seq = 2,
            |entry| entry.at = Timestamp::from_microsecond(1).unwrap(),
            |entry| entry.kind = EntryKind::Used,
            |entry| entry.subject = Subject::from_bytes([3; 16]),
            // Not the same as none.
            |entry| entry.receipt = Some(ReceiptId::from_bytes([0; 16])),
            |entry| entry.body = Digest::of(b"other"),
            |entry| entry.prev = Digest::of(b"other"),
        ];
        for change in changes {
            let mut changed = entry.clone();
            change(&mut changed);
            seen.push(changed.expected_digest(ledger));
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), 9);
        // What is stored is not what is digested.
        let sealed = Entry {
            sealed: vec![1],
            ..entry
        };
        assert_eq!(sealed.expected_digest(ledger), seen[0]);
    }
}
