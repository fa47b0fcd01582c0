//! Tells whether a ledger is what was written, and where it is not.

use std::collections::BTreeSet;
use std::fmt;

use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::entry::{Entry, genesis};
use crate::ids::{Digest, LedgerId};
use crate::mac::keyed;

/// The end of a ledger at a time. Kept elsewhere, it shows later that nothing before it was altered or cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Which ledger.
    pub ledger: LedgerId,
    /// The place of the last entry; 0 if there is none.
    pub seq: u64,
    /// The digest of the last entry; [`genesis`] if there is none.
    pub digest: Digest,
}

impl Head {
    /// The head of an empty ledger.
    pub fn of_empty(ledger: LedgerId) -> Self {
        Self {
            ledger,
            seq: 0,
            digest: genesis(ledger),
        }
    }

    /// The head with its signature, an HMAC-SHA256 in hexadecimal, to be kept where the ledger's operators cannot write.
    pub fn sign(&self, key: &HeadKey) -> SignedHead {
        let tag = self.mac(key).finalize().into_bytes();
        SignedHead {
            head: *self,
            signature: hex::encode(tag),
        }
    }

    fn mac(&self, key: &HeadKey) -> Hmac<Sha256> {
        let mut mac = keyed(&key.0);
        mac.update(b"kyc-consent head 1");
        mac.update(self.ledger.as_bytes());
        mac.update(&self.seq.to_be_bytes());
        mac.update(self.digest.as_bytes());
        mac
    }
}

/// The key that signs heads. Whoever checks a head has it too.
pub struct HeadKey(zeroize::Zeroizing<[u8; 32]>);

impl HeadKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(zeroize::Zeroizing::new(bytes))
    }
}

impl fmt::Debug for HeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeadKey(***)")
    }
}

/// A head and its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    head: Head,
    signature: String,
}

impl SignedHead {
    /// The head, if `key` signed it. Compared in constant time.
    pub fn open(&self, key: &HeadKey) -> Option<Head> {
        let signature = hex::decode(&self.signature).ok()?;
        let verified = self.head.mac(key).verify_slice(&signature);
        verified.ok().map(|()| self.head)
    }
}

/// The first entry that does not fit, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq}: {reason}")]
pub struct Misfit {
    /// The place at which the ledger stops being what was written.
    pub seq: u64,
    /// What is wrong there.
    pub reason: MisfitReason,
}

/// Why an entry does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MisfitReason {
    /// The entry is not what was written: its digest does not match.
    Altered,
    /// The chain fits, and a head that was exported does not: all of it was computed anew, or the head is another ledger's or
    /// mistyped.
    OtherHead,
    /// An entry is missing here.
    Missing,
    /// An entry that stands elsewhere belongs here.
    Reordered,
    /// The entry does not belong here: it was not written between its neighbours.
    Inserted,
    /// The ledger ends here, before a head that was exported.
    Truncated,
}

impl fmt::Display for MisfitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Altered => "was altered",
            Self::OtherHead => {
                "does not match the head: the ledger was written anew, or the head is not one of this ledger"
            }
            Self::Missing => "is missing",
            Self::Reordered => "stands elsewhere",
            Self::Inserted => "was inserted",
            Self::Truncated => "is missing, and all after it",
        })
    }
}

/// Checks entries one after the other, in the order of a ledger, without keeping them.
#[derive(Debug)]
pub(crate) struct Walk<'h> {
    head: Head,
    anchors: &'h [Head],
}

impl<'h> Walk<'h> {
    pub(crate) fn new(ledger: LedgerId, anchors: &'h [Head]) -> Self {
        Self {
            head: Head::of_empty(ledger),
            anchors,
        }
    }

    /// Whether the entry follows.
    pub(crate) fn step(&mut self, entry: &Entry) -> bool {
        let follows = entry.seq == self.head.seq.wrapping_add(1)
            && entry.prev == self.head.digest
            && entry.digest == entry.expected_digest(self.head.ledger);
        let anchored = self
            .anchors
            .iter()
            .filter(|anchor| anchor.seq == entry.seq)
            .all(|anchor| anchor.digest == entry.digest);
        if follows && anchored {
            self.head.seq = entry.seq;
            self.head.digest = entry.digest;
        }
        follows && anchored
    }

    /// The head, unless an anchor lies beyond it or is another ledger's.
    pub(crate) fn end(self) -> Result<Head, Misfit> {
        let misfit = |seq: u64, reason| Err(Misfit { seq, reason });
        for anchor in self.anchors {
            if anchor.ledger != self.head.ledger
                || (anchor.seq == 0 && *anchor != Head::of_empty(anchor.ledger))
            {
                return misfit(anchor.seq, MisfitReason::OtherHead);
            }
            if anchor.seq > self.head.seq {
                return misfit(self.head.seq.saturating_add(1), MisfitReason::Truncated);
            }
        }
        Ok(self.head)
    }
}

/// Checks a whole ledger against its own chain and against heads that were exported earlier.
///
/// The chain alone shows any change by somebody who does not recompute it. Whoever can write the whole ledger can recompute
/// it, or cut off its end: only a head that lies elsewhere shows that.
///
/// # Errors
///
/// The first entry that does not fit.
pub fn verify(ledger: LedgerId, entries: &[Entry], anchors: &[Head]) -> Result<Head, Misfit> {
    let mut walk = Walk::new(ledger, anchors);
    match entries.iter().position(|entry| !walk.step(entry)) {
        None => walk.end(),
        Some(index) => Err(misfit_at(walk.head, entries, index)),
    }
}

/// Why the entry at `index` does not follow `last`.
fn misfit_at(last: Head, entries: &[Entry], index: usize) -> Misfit {
    let expected = last.seq.saturating_add(1);
    let misfit = |reason| Misfit {
        seq: expected,
        reason,
    };
    let Some(entry) = entries.get(index) else {
        return misfit(MisfitReason::Truncated);
    };
    let is_intact = |entry: &Entry| entry.digest == entry.expected_digest(last.ledger);
    if !is_intact(entry) {
        return misfit(MisfitReason::Altered);
    }
    let rest = entries.get(index..).unwrap_or_default();
    let belongs_here =
        |entry: &Entry| entry.seq == expected && entry.prev == last.digest && is_intact(entry);
    if belongs_here(entry) {
        // The chain fits, so an anchor does not.
        return misfit(MisfitReason::OtherHead);
    }
    let before: BTreeSet<Digest> = entries
        .get(..index)
        .unwrap_or_default()
        .iter()
        .flat_map(|entry| [entry.digest, entry.prev])
        .collect();
    misfit(match () {
        // What was written here comes later; so does what this entry follows, if it was moved.
        () if rest.iter().any(belongs_here) => {
            match rest.iter().any(|other| other.digest == entry.prev) {
                true => MisfitReason::Reordered,
                false => MisfitReason::Inserted,
            }
        }
        // It follows something before this place: what stands between did not when it was written, or it was copied.
        () if before.contains(&entry.prev) => MisfitReason::Inserted,
        () => MisfitReason::Missing,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::entry::EntryKind;
    use crate::ids::Subject;
    use MisfitReason::{Altered, Inserted, Missing, OtherHead, Reordered, Truncated};

    const LEDGER: LedgerId = LedgerId::from_bytes([7; 16]);

    fn after(prev: Digest, seq: u64, body: &[u8]) -> Entry {
        let mut entry = Entry {
            seq,
            at: Timestamp::from_second(seq as i64).unwrap(),
            kind: EntryKind::Used,
            subject: Subject::from_bytes([1; 16]),
            receipt: None,
            body: Digest::of(body),
            prev,
            digest: prev,
            sealed: Vec::new(),
        };
        entry.digest = entry.expected_digest(LEDGER);
        entry
    }

    fn ledger(entries: u64) -> Vec<Entry> {
        let mut prev = genesis(LEDGER);
        let mut ledger = Vec::new();
        for seq in 1..=entries {
            let entry = after(prev, seq, &seq.to_be_bytes());
            prev = entry.digest;
            ledger.push(entry);
        }
        ledger
    }

    fn head(entries: &[Entry]) -> Head {
        verify(LEDGER, entries, &[]).unwrap()
    }

    fn found(entries: &[Entry], anchors: &[Head]) -> Option<(u64, MisfitReason)> {
        let misfit = verify(LEDGER, entries, anchors).err();
        misfit.map(|misfit| (misfit.seq, misfit.reason))
    }

    #[test]
    fn an_untouched_ledger_fits_and_every_head_on_the_way() {
        assert_eq!(head(&[]), Head::of_empty(LEDGER));
        let entries = ledger(9);
        let heads: Vec<Head> = (0..=9).map(|end| head(&entries[..end])).collect();
        assert_eq!(verify(LEDGER, &entries, &heads), Ok(heads[9]));
        assert_eq!(heads[9].seq, 9);
    }

    #[test]
    fn what_was_altered_is_found() {
        let changes: [fn(&mut Entry); 8] = [
            |entry| entry.at = Timestamp::from_second(99).unwrap(),
            |entry| entry.kind = EntryKind::Given,
            |entry| entry.subject = Subject::from_bytes([2; 16]),
            |entry| entry.receipt = Some(crate::ReceiptId::from_bytes([2; 16])),
            |entry| entry.body = Digest::of(b"other"),
            |entry| entry.prev = Digest::of(b"other"),
            |entry| entry.digest = Digest::of(b"other"),
            |entry| entry.seq = 100,
        ];
        for change in changes {
            for place in [0, 4, 8] {
                let mut entries = ledger(9);
                change(&mut entries[place]);
                assert_eq!(found(&entries, &[]), Some((place as u64 + 1, Altered)));
            }
        }
    }

    #[test]
    fn what_is_missing_is_found() {
        for place in 0..8 {
            let mut entries = ledger(9);
            entries.remove(place);
            assert_eq!(found(&entries, &[]), Some((place as u64 + 1, Missing)));
        }
    }

    #[test]
    fn what_was_moved_is_found() {
        for (a, b) in [(0, 1), (3, 4), (2, 7), (0, 8)] {
            let mut entries = ledger(9);
            entries.swap(a, b);
            assert_eq!(found(&entries, &[]), Some((a as u64 + 1, Reordered)));
        }
        let mut entries = ledger(9);
        entries.rotate_left(3);
        assert_eq!(found(&entries, &[]), Some((1, Reordered)));
    }

    #[test]
    fn what_was_inserted_is_found() {
        // A copy of an entry.
        let mut entries = ledger(9);
        entries.insert(4, entries[3].clone());
        assert_eq!(found(&entries, &[]), Some((5, Inserted)));
        // A made-up one with digests that are right, whose successors were not recomputed: what follows it does not.
        let mut entries = ledger(9);
        let forged = after(entries[3].digest, 5, b"forged");
        entries.insert(4, forged);
        assert_eq!(found(&entries, &[]), Some((6, Inserted)));
    }

    #[test]
    fn what_was_cut_off_or_recomputed_is_found_by_a_head_that_lies_elsewhere() {
        let entries = ledger(9);
        let kept = [head(&entries[..3]), head(&entries)];
        assert_eq!(
            found(&entries[..8], &[]),
            None,
            "the chain alone does not show it"
        );
        assert_eq!(found(&entries[..8], &kept), Some((9, Truncated)));
        assert_eq!(found(&[], &kept), Some((1, Truncated)));
        let mut forged = ledger(5);
        for seq in 6..=9 {
            let prev = forged.last().unwrap().digest;
            forged.push(after(prev, seq, b"forged"));
        }
        assert_eq!(found(&forged, &[]), None);
        assert_eq!(found(&forged, &kept), Some((9, OtherHead)));
        let other = Head {
            ledger: LedgerId::from_bytes([8; 16]),
            ..kept[0]
        };
        assert_eq!(found(&entries, &[other]), Some((3, OtherHead)));
    }

    #[test]
    fn a_head_opens_with_its_key_and_unaltered_only() {
        let key = HeadKey::new([1; 32]);
        let head = head(&ledger(3));
        let signed = head.sign(&key);
        assert_eq!(signed.open(&key), Some(head));
        assert_eq!(signed.open(&HeadKey::new([2; 32])), None);
        let longer = SignedHead {
            head: Head { seq: 4, ..head },
            ..signed.clone()
        };
        assert_eq!(longer.open(&key), None);
        let json = serde_json::to_string(&signed).unwrap();
        assert_eq!(serde_json::from_str::<SignedHead>(&json).unwrap(), signed);
        assert_eq!(format!("{key:?}"), "HeadKey(***)");
    }
}
