//! The ledger: what is recorded, proved, withdrawn and erased.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use provider_core::{Clock, ConsentEvidence, InvalidRequest, Mobile, SystemClock};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::chain::{Head, Misfit, Walk, verify};
use crate::entry::{Artefact, BODY, Body, Detail, Entry, Use};
use crate::error::{LedgerError, SealError, StoreError};
use crate::ids::{Code, Digest, HoldId, LedgerId, ProviderName, ReceiptId, Subject, random};
use crate::keys::{Keys, other_ledger};
use crate::notice::Notice;
use crate::proof::{
    ConsentNeed, ConsentProof, ConsentProofs, Ending, Endings, GateRules, Ground, LONGEST_PROOF,
    LedgerGate, NoConsent, NoConsentReason, Proven, Shown, covering,
};
use crate::receipt::{Receipt, whole};
use crate::retention::{
    Circumstances, Class, Erased, ErasureReason, Hold, KeptBy, KeptClass, decide, due,
};
use crate::seal::{Place, open, seal};
use crate::store::{
    Change, EndReason, Follower, LedgerStore, ReceiptRow, Reservation, SubjectState,
};
use crate::{export, jsonld};

/// How often a change is planned again because somebody else appended first.
const TRIES: u32 = 16;

/// Before another try it waits up to 255 times as long as this, and longer each time.
const SHORTEST_WAIT: Duration = Duration::from_micros(10);

const OTHER_FOLLOWER: &str = "the follower is another person's";
const HAS_ENDED: &str = "the receipt has ended";
/// How long an erasure is told again to whoever asks for it by the mobile number.
const TOLD_AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// How many entries are read at once.
const PAGE: usize = 4096;

/// A ledger of consent. Cheap to clone; the clones are one ledger. Two that were opened on the same files, in one process or
/// several, know of each other's withdrawals when they next prove something, which is within
/// [`LONGEST_PROOF`]: open each once a process.
///
/// Its methods are not async. Those that write wait for the disk: call them from a thread that may wait. Proving reads, and
/// the gate only looks.
#[derive(Debug, Clone)]
pub struct ConsentLedger {
    inner: Arc<Inner>,
    source: Option<Digest>,
}

#[derive(Debug)]
struct Inner {
    id: LedgerId,
    store: Arc<dyn LedgerStore>,
    keys: Keys,
    clock: Arc<dyn Clock>,
    /// Held while something is appended: the chain has one end.
    writing: Mutex<()>,
    endings: Arc<Mutex<HashMap<Subject, Weak<Endings>>>>,
    /// The endings of a transaction that somebody else commits, until that is known.
    uncommitted: Option<Mutex<Vec<Ending>>>,
    /// The erasures that were found cut off; not set yet where somebody else rotated the keys when it was opened.
    cut_off: OnceLock<Vec<CutOffErasure>>,
}

/// What one change writes, before it is sealed and chained.
#[derive(Default)]
struct Plan {
    says: Vec<(Option<ReceiptId>, Detail)>,
    ended: Vec<(ReceiptId, EndReason)>,
    held: Option<Hold>,
    released: Option<HoldId>,
    ended_artefact: Option<u64>,
    follower: Option<Follower>,
    moved: Option<(ReceiptId, ReceiptId)>,
    told: Option<String>,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.says.is_empty() && self.follower.is_none() && self.told.is_none()
    }

    fn of(receipt: Option<ReceiptId>, detail: Detail) -> Self {
        Self {
            says: vec![(receipt, detail)],
            ..Self::default()
        }
    }
}

/// Which receipts a person withdraws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Every consent.
    All,
    /// This one.
    Receipt(ReceiptId),
}

/// What a withdrawal did, and what has to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Whose consent.
    pub subject: Subject,
    /// The receipts that ended; none if there was nothing left to withdraw.
    pub receipts: Vec<ReceiptId>,
    /// The person's epoch from now on.
    pub epoch: u64,
    /// What has to be done now. Each may be done again.
    pub effects: Vec<Effect>,
    /// What is not erased, and why.
    pub kept: Vec<KeptClass>,
}

/// What has to follow a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// Revoke the consent artefact of this entry, by [`artefact`](ConsentLedger::artefact), at the aggregator.
    Revoke {
        /// Through which provider.
        provider: ProviderName,
        /// For which receipt.
        receipt: ReceiptId,
        /// The entry with the artefact.
        entry: u64,
    },
    /// Have a provider delete what it has of the person.
    Delete {
        /// Which provider.
        provider: ProviderName,
    },
    /// Erase these classes, by [`erase`](ConsentLedger::erase), and delete what was sealed under them.
    Erase {
        /// Which classes.
        classes: Vec<Class>,
    },
    /// Send the person a receipt of the withdrawal.
    Confirm {
        /// The receipts that were withdrawn.
        receipts: Vec<ReceiptId>,
        /// When.
        at: Timestamp,
    },
}

/// What is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureOrder {
    /// Why.
    pub reason: ErasureReason,
    /// Which classes; `None` for all that there are.
    pub classes: Option<Vec<Class>>,
    /// When the relationship with the person ended; `None` if it has not.
    pub relationship_ended: Option<Timestamp>,
}

/// The answer to an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The classes whose keys are gone, from every backup too.
    pub erased: Vec<Erased>,
    /// What was kept, why, and until when.
    pub kept: Vec<KeptClass>,
    /// Whether the mobile number leads to the person no more.
    pub unlinked: bool,
}

/// What the keys note of an erasure before the first of them is destroyed.
#[derive(Serialize, Deserialize)]
struct BegunErasure {
    /// Under which name it is recorded, if not its note's own.
    source: Option<Digest>,
    /// What the index had for the person's mobile number, which leads to nobody once its row is gone.
    #[serde(default)]
    number: Option<Digest>,
    erasure: Erasure,
}

/// What the keys keep of an erasure that is over: nothing that leads to the person, whom the ledger names by a pseudonym and by times.
#[derive(Serialize, Deserialize)]
struct SaidErasure {
    number: Digest,
    #[serde(flatten)]
    erasure: RecentErasure,
}

/// An erasure that was finished within the last day, as far as it is told again to whoever asks for it by the mobile number, such as after
/// a process that died before it could answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentErasure {
    /// The classes whose keys are gone.
    pub erased: Vec<Class>,
    /// The classes that were kept.
    pub kept: Vec<Class>,
}

/// An erasure whose process died, or whose disk or keys failed, before it was finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOffErasure {
    /// Whose it is.
    pub subject: Subject,
    /// What it answers.
    pub erasure: Erasure,
    number: Option<Digest>,
}

impl CutOffErasure {
    /// Those that the keys have noted.
    fn noted(keys: &Keys) -> Result<Vec<Self>, LedgerError> {
        let noted = keys.begun()?.into_iter().map(|(_, subject, what)| {
            let begun: BegunErasure = serde_json::from_slice(&what).map_err(|_| SealError::Form)?;
            Ok(Self {
                subject,
                erasure: begun.erasure,
                number: begun.number,
            })
        });
        noted.collect()
    }
}

impl ConsentLedger {
    /// Opens the ledger in `store` with its keys.
    ///
    /// # Errors
    ///
    /// [`KeyError::Lost`](crate::KeyError::Lost) with the number of persons if the keys cannot open what was sealed;
    /// [`Refusal::OtherLedger`](crate::Refusal::OtherLedger) if they are another ledger's; or the store or the keys failed.
    pub fn open(store: Arc<dyn LedgerStore>, keys: Keys) -> Result<Self, LedgerError> {
        Self::open_with_clock(store, keys, Arc::new(SystemClock))
    }

    /// Opens the ledger with a clock of its own; give the clients whose gate it is the same one.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_with_clock(
        store: Arc<dyn LedgerStore>,
        keys: Keys,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        let id = store.head()?.ledger;
        keys.attach(id, || store.persons(), clock.now())?;
        let ledger = Self::of(id, store, keys, clock, OnceLock::new());
        // Whoever rotates now finishes it, too.
        if let Some(_alone) = ledger.inner.keys.unless_rotating()? {
            ledger.finish_alone()?;
        }
        Ok(ledger)
    }

    /// Opens the ledger to read it, and writes nothing.
    #[cfg(all(feature = "sqlite", unix))]
    pub(crate) fn open_to_read(
        store: Arc<dyn LedgerStore>,
        keys: Keys,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        let id = store.head()?.ledger;
        keys.check(id, || store.persons())?;
        let cut_off = CutOffErasure::noted(&keys)?;
        Ok(Self::of(id, store, keys, clock, cut_off.into()))
    }

    fn of(
        id: LedgerId,
        store: Arc<dyn LedgerStore>,
        keys: Keys,
        clock: Arc<dyn Clock>,
        cut_off: OnceLock<Vec<CutOffErasure>>,
    ) -> Self {
        let inner = Inner {
            id,
            store,
            keys,
            clock,
            writing: Mutex::new(()),
            endings: Arc::default(),
            uncommitted: None,
            cut_off,
        };
        Self {
            inner: Arc::new(inner),
            source: None,
        }
    }

    /// The same ledger within a transaction of the caller's, whose store writes there what it commits: for a caller that writes more in the
    /// same transaction. Its store has the only writer until the transaction ends. Drop it, and its clones, once the transaction has ended
    /// one way or the other: until then nothing is proved here for those whose receipts it has ended.
    ///
    /// # Errors
    ///
    /// The store is another ledger's, or failed.
    pub fn within(&self, store: Arc<dyn LedgerStore>) -> Result<Self, LedgerError> {
        if store.head()?.ledger != self.inner.id {
            return Err(other_ledger().into());
        }
        let inner = Inner {
            id: self.inner.id,
            store,
            keys: self.inner.keys.clone(),
            clock: Arc::clone(&self.inner.clock),
            writing: Mutex::new(()),
            endings: Arc::clone(&self.inner.endings),
            uncommitted: Some(Mutex::default()),
            cut_off: OnceLock::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            source: None,
        })
    }

    /// The same ledger, for one thing that may be recorded again after a crash, under a name of the caller's for it, such as an
    /// effect's id: what is written under a name that has been written is not written again. One name is for one thing: a second
    /// one under it is taken for the first.
    #[must_use]
    pub fn once(&self, name: &str) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            source: Some(Digest::of(name.as_bytes())),
        }
    }

    /// Its id.
    pub fn id(&self) -> LedgerId {
        self.inner.id
    }

    /// Its keys.
    pub fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    /// The pseudonym of the person with this mobile number, a new one if there is none yet.
    ///
    /// # Errors
    ///
    /// The keys failed.
    pub fn subject(&self, mobile: &Mobile) -> Result<Subject, LedgerError> {
        self.inner.keys.subject(mobile, self.now())
    }

    /// The pseudonym of the person with this mobile number, if there is one.
    ///
    /// # Errors
    ///
    /// The keys failed.
    pub fn find(&self, mobile: &Mobile) -> Result<Option<Subject>, LedgerError> {
        self.inner.keys.find(mobile)
    }

    /// Records that consent was requested with this notice.
    ///
    /// # Errors
    ///
    /// The store or the keys failed.
    pub fn request(&self, subject: Subject, notice: &Notice) -> Result<(), LedgerError> {
        let notice = (notice.id().to_owned(), notice.version().to_owned());
        let detail = Detail::Requested { notice };
        self.append(subject, |_| Ok(Plan::of(None, detail.clone())))?;
        Ok(())
    }

    /// Records that consent was refused after this notice.
    ///
    /// # Errors
    ///
    /// The store or the keys failed.
    pub fn refuse(&self, subject: Subject, notice: &Notice) -> Result<(), LedgerError> {
        let notice = (notice.id().to_owned(), notice.version().to_owned());
        let detail = Detail::Refused { notice };
        self.append(subject, |_| Ok(Plan::of(None, detail.clone())))?;
        Ok(())
    }

    /// Records a receipt. It counts from its `given_at` on. The same receipt again changes nothing.
    ///
    /// # Errors
    ///
    /// The store or the keys failed.
    pub fn give(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        let detail = Detail::Given(Box::new(receipt.clone()));
        self.append(receipt.subject(), |state| {
            match state.receipts.iter().any(|row| row.id == receipt.id()) {
                true => Ok(Plan::default()),
                false => Ok(Plan::of(Some(receipt.id()), detail.clone())),
            }
        })?;
        Ok(())
    }

    /// Records a receipt for something that goes on under this name, which [follows](Self::follow) it from the same moment on: whoever
    /// dies leaves no receipt that nothing follows. The same again changes nothing.
    ///
    /// # Errors
    ///
    /// Nothing of this name was noted with [`follow`](Self::follow), or it is another person's; the receipt has ended; the store or the
    /// keys failed.
    pub fn give_to(&self, follower: &str, receipt: &Receipt) -> Result<(), LedgerError> {
        let detail = Detail::Given(Box::new(receipt.clone()));
        self.append(receipt.subject(), |state| {
            let known = self.inner.store.follower(follower)?;
            let mut follower = known.ok_or(LedgerError::Unknown("follower"))?;
            if follower.subject != receipt.subject() {
                return Err(LedgerError::State(OTHER_FOLLOWER));
            }
            let before = follower.receipt.replace(receipt.id());
            let mut plan = match row_of(state, receipt.id()) {
                Ok(row) if row.ended.is_some() => return Err(LedgerError::State(HAS_ENDED)),
                Ok(_) if before == follower.receipt => return Ok(Plan::default()),
                Ok(_) => Plan::default(),
                Err(_) => Plan::of(Some(receipt.id()), detail.clone()),
            };
            plan.follower = Some(follower);
            Ok(plan)
        })?;
        Ok(())
    }

    /// Records a receipt in place of an earlier one of the same person, which ends.
    ///
    /// # Errors
    ///
    /// There is no such receipt of this person, or it was withdrawn; the store or the keys failed.
    pub fn renew(&self, replaces: ReceiptId, receipt: &Receipt) -> Result<(), LedgerError> {
        let detail = Detail::Renewed {
            replaces,
            receipt: Box::new(receipt.clone()),
        };
        self.append(receipt.subject(), |state| {
            match row_of(state, replaces)?.ended {
                Some((_, EndReason::Renewed)) if row_of(state, receipt.id()).is_ok() => {
                    Ok(Plan::default())
                }
                Some((_, EndReason::Withdrawn)) => Err(LedgerError::State(
                    "a receipt that was withdrawn is not renewed; consent is given anew",
                )),
                _ => Ok(Plan {
                    ended: vec![(replaces, EndReason::Renewed)],
                    moved: Some((replaces, receipt.id())),
                    ..Plan::of(Some(receipt.id()), detail.clone())
                }),
            }
        })?;
        Ok(())
    }

    /// Withdraws consent: from the moment this returns no call begins in this process that was proved before. In one
    /// transaction the entries are written, the receipts end and the epoch rises; receipts of a legal duty stay as they are. The
    /// answer says what has to follow, and can be asked for again: see [`aftermath`](Self::aftermath).
    ///
    /// # Errors
    ///
    /// There is no such receipt of this person, or it rests on a legal duty; the store or the keys failed. Do it again: what is
    /// withdrawn already stays so, and the effects are named again.
    pub fn withdraw(
        &self,
        subject: Subject,
        scope: Scope,
        channel: &Code,
    ) -> Result<Withdrawal, LedgerError> {
        if let Scope::Receipt(id) = scope
            && row_of(&self.inner.store.subject(subject)?, id)?
                .rule
                .is_some()
        {
            return Err(LedgerError::State("a legal duty cannot be withdrawn"));
        }
        let written = self.append(subject, |state| {
            let mut plan = Plan::default();
            let chosen = state.receipts.iter().filter(|row| match scope {
                Scope::All => row.rule.is_none() && row.ended.is_none(),
                Scope::Receipt(id) => row.id == id && row.ended.is_none(),
            });
            for row in chosen {
                let channel = channel.clone();
                plan.says
                    .push((Some(row.id), Detail::Withdrawn { channel }));
                plan.ended.push((row.id, EndReason::Withdrawn));
            }
            Ok(plan)
        })?;
        let receipts: Vec<ReceiptId> = written.ended.iter().map(|(id, ..)| *id).collect();
        let mut withdrawal = self.aftermath(subject)?;
        withdrawal.receipts = receipts;
        Ok(withdrawal)
    }

    /// What has to follow the withdrawals of this person until now. It is read from what is stored, so it is the same after a
    /// crash, and what was done already is named again.
    ///
    /// # Errors
    ///
    /// The store or the keys failed.
    pub fn aftermath(&self, subject: Subject) -> Result<Withdrawal, LedgerError> {
        let state = self.inner.store.subject(subject)?;
        let classes = self.inner.keys.classes(subject)?;
        Ok(aftermath(subject, &state, &classes, self.now()))
    }

    /// Records the receipts of a person whose time is over, and says which.
    ///
    /// # Errors
    ///
    /// The store or the keys failed.
    pub fn expire(&self, subject: Subject) -> Result<Vec<ReceiptId>, LedgerError> {
        let now = self.now();
        let written = self.append(subject, |state| {
            let mut plan = Plan::default();
            for row in &state.receipts {
                if row.ended.is_none() && now >= row.expires_at {
                    plan.says.push((Some(row.id), Detail::Expired {}));
                    plan.ended.push((row.id, EndReason::Expired));
                }
            }
            Ok(plan)
        })?;
        Ok(written.ended.iter().map(|(id, ..)| *id).collect())
    }

    /// Records which consent artefact at an aggregator belongs to a receipt, and returns the place of its entry.
    ///
    /// # Errors
    ///
    /// There is no such receipt of this person; the store or the keys failed.
    pub fn record_artefact(
        &self,
        subject: Subject,
        receipt: ReceiptId,
        artefact: &Artefact,
    ) -> Result<u64, LedgerError> {
        if let Some(source) = &self.source
            && let Some(entry) = self.inner.store.written(source)?
        {
            return Ok(entry);
        }
        let written = self.append(subject, |state| {
            row_of(state, receipt)?;
            Ok(Plan::of(Some(receipt), Detail::Artefact(artefact.clone())))
        })?;
        Ok(written.head().seq)
    }

    /// Records that a consent artefact is over, revoked or expired, so that no withdrawal asks for its revocation. One that is not
    /// known, was erased, or is over already, changes nothing.
    ///
    /// # Errors
    ///
    /// The store or the keys failed.
    pub fn end_artefact(
        &self,
        subject: Subject,
        provider: &ProviderName,
        id: &str,
    ) -> Result<(), LedgerError> {
        for (entry, receipt, by) in self.state(subject)?.artefacts {
            if by != *provider {
                continue;
            }
            let artefact = match self.artefact(entry) {
                Ok(artefact) if artefact.id == id => artefact,
                // One that was erased is not known by its id any more.
                Ok(_) | Err(LedgerError::Seal(SealError::Erased)) => continue,
                Err(error) => return Err(error),
            };
            let detail = Detail::ArtefactEnded(artefact);
            self.append(subject, |state| {
                match state.artefacts.iter().any(|(known, ..)| *known == entry) {
                    true => Ok(Plan {
                        ended_artefact: Some(entry),
                        ..Plan::of(Some(receipt), detail.clone())
                    }),
                    false => Ok(Plan::default()),
                }
            })?;
        }
        Ok(())
    }

    /// Notes that something goes on for a person, under a receipt once there is one, and has to be told when that receipt is
    /// withdrawn: see [`untold`](Self::untold). Note it before it begins, and record the receipt with [`give_to`](Self::give_to), or note
    /// it again with one that was recorded before. When the receipt is renewed, it follows the new one. What follows a receipt goes on doing so if it is noted without one.
    ///
    /// # Errors
    ///
    /// The name is not 1 to 64 letters, digits, `-` and `_`, or another person's; there is no such receipt of this person, or it has
    /// ended; the store failed.
    pub fn follow(
        &self,
        name: &str,
        subject: Subject,
        receipt: Option<ReceiptId>,
    ) -> Result<(), LedgerError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !matches!(name.len(), 1..=64) || !name.bytes().all(allowed) {
            let rule = "must be 1 to 64 letters, digits, hyphens or underscores";
            return Err(InvalidRequest::new("follower", rule).into());
        }
        let follower = Follower {
            name: name.to_owned(),
            subject,
            receipt,
        };
        self.append(subject, |state| {
            let known = self.inner.store.follower(name)?;
            if known.as_ref().is_some_and(|known| known.subject != subject) {
                return Err(LedgerError::State(OTHER_FOLLOWER));
            }
            // Whoever begins it twice does not let it lose its receipt.
            if known.is_some_and(|known| receipt.is_none() || known == follower) {
                return Ok(Plan::default());
            }
            match receipt.map(|receipt| row_of(state, receipt)).transpose()? {
                Some(row) if row.ended.is_some() => Err(LedgerError::State(HAS_ENDED)),
                _ => Ok(Plan {
                    follower: Some(follower.clone()),
                    ..Plan::default()
                }),
            }
        })?;
        Ok(())
    }

    /// Records that a follower's data of a class was deleted where it was stored. Its key is not destroyed: that is
    /// [`erase`](Self::erase).
    ///
    /// # Errors
    ///
    /// The store or the keys failed.
    pub fn record_deletion(&self, follower: &Follower, class: Class) -> Result<(), LedgerError> {
        let detail = Detail::Deleted {
            class,
            follower: follower.name.clone(),
        };
        self.append(follower.subject, |_| {
            Ok(Plan::of(follower.receipt, detail.clone()))
        })?;
        Ok(())
    }

    /// What goes on under this name.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn follower(&self, name: &str) -> Result<Option<Follower>, LedgerError> {
        Ok(self.inner.store.follower(name)?)
    }

    /// What goes on for a person, or did.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn followers(&self, subject: Subject) -> Result<Vec<Follower>, LedgerError> {
        Ok(self.inner.store.followers(subject)?)
    }

    /// What has to be told that its receipt was withdrawn, in the order of the names after this one. A withdrawal notes them in its
    /// own transaction, so that whoever tells them can crash: ask at each start too.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn untold(&self, after: &str) -> Result<Vec<Follower>, LedgerError> {
        Ok(self.inner.store.untold(after, PAGE)?)
    }

    /// Notes that this one has been told.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn told(&self, follower: &Follower) -> Result<(), LedgerError> {
        self.append(follower.subject, |_| {
            Ok(Plan {
                told: Some(follower.name.clone()),
                ..Plan::default()
            })
        })?;
        Ok(())
    }

    /// The artefact that this entry recorded.
    ///
    /// # Errors
    ///
    /// There is none; it was erased; the store or the keys failed.
    pub fn artefact(&self, entry: u64) -> Result<Artefact, LedgerError> {
        let found = self.inner.store.entries(entry.saturating_sub(1), 1)?;
        let found = found.first().filter(|found| found.seq == entry);
        match self.says(found.ok_or(LedgerError::Unknown("entry"))?)? {
            Some(Detail::Artefact(artefact)) => Ok(artefact),
            Some(_) => Err(LedgerError::Unknown("artefact")),
            None => Err(SealError::Erased.into()),
        }
    }

    /// Records that a call was made under a proof, and what became of it: its outcome's name, or `ok`. The proof itself will do, or
    /// what the call showed.
    ///
    /// # Errors
    ///
    /// The proof is another ledger's, or none; the store or the keys failed.
    pub fn record_use(
        &self,
        shown: impl Into<ConsentEvidence>,
        operation: &str,
        outcome: &str,
    ) -> Result<(), LedgerError> {
        self.record(&shown.into(), |_| true, operation, outcome)
    }

    /// As [`record_use`](Self::record_use), where the call showed [proofs](ConsentProofs) for several providers, and this one was
    /// called.
    ///
    /// # Errors
    ///
    /// None of the proofs is for this provider; or as for [`record_use`](Self::record_use).
    pub fn record_use_at(
        &self,
        provider: &str,
        shown: impl Into<ConsentEvidence>,
        operation: &str,
        outcome: &str,
    ) -> Result<(), LedgerError> {
        let is_of = |proof: &Proven| proof.need.provider.as_str() == provider;
        self.record(&shown.into(), is_of, operation, outcome)
    }

    fn record(
        &self,
        shown: &ConsentEvidence,
        is_it: impl Fn(&Proven) -> bool,
        operation: &str,
        outcome: &str,
    ) -> Result<(), LedgerError> {
        let shown = shown.downcast_ref::<Shown>();
        let mut proofs = shown.into_iter().flat_map(|shown| &shown.0);
        let proof = proofs.find(|proof| proof.ledger == self.inner.id && is_it(proof));
        let proof = proof.ok_or(LedgerError::Unknown("proof"))?;
        let need = &proof.need;
        let used = Use {
            provider: need.provider.clone(),
            operation: operation.to_owned(),
            purpose: need.purpose.clone(),
            outcome: outcome.to_owned(),
        };
        let receipt = Some(proof.ground.receipt());
        self.append(need.subject, |_| {
            Ok(Plan::of(receipt, Detail::Used(used.clone())))
        })?;
        Ok(())
    }

    /// Holds a class of a person's data back from erasure.
    ///
    /// # Errors
    ///
    /// The system provides no randomness; the store or the keys failed.
    pub fn hold(
        &self,
        subject: Subject,
        class: Class,
        reason: Code,
        by: Code,
        until: Option<Timestamp>,
    ) -> Result<Hold, LedgerError> {
        let hold = Hold {
            id: HoldId::random()?,
            subject,
            class,
            reason,
            by,
            until: until.map(whole),
        };
        self.append(subject, |_| {
            Ok(Plan {
                held: Some(hold.clone()),
                ..Plan::of(None, Detail::Held(hold.clone()))
            })
        })?;
        Ok(hold)
    }

    /// Releases a hold.
    ///
    /// # Errors
    ///
    /// There is no such hold of this person; the store or the keys failed.
    pub fn release(&self, subject: Subject, hold: HoldId) -> Result<(), LedgerError> {
        self.append(subject, |state| {
            let held = state.holds.iter().find(|held| held.id == hold);
            let held = held.ok_or(LedgerError::Unknown("hold"))?;
            Ok(Plan {
                released: Some(hold),
                ..Plan::of(None, Detail::Released(held.clone()))
            })
        })?;
        Ok(())
    }

    /// Erases what may be erased: destroys its keys, wraps all others under a new key-encryption key and destroys the earlier
    /// one, so that no backup opens it; then records what was erased, what was kept, and why. What was sealed under the keys
    /// can be deleted at leisure. Doing it again does no harm. All of it is noted before the first key is destroyed: what a crash
    /// leaves is finished, and recorded, when the ledger is next opened to be written.
    ///
    /// # Errors
    ///
    /// The store or the keys failed. Do it again: what was begun is finished first, with an entry of its own, and the new entry does
    /// not name it. [`KeyError::Rotating`](crate::KeyError::Rotating) if another erasure is under way, and nothing was done.
    pub fn erase(&self, subject: Subject, order: &ErasureOrder) -> Result<Erasure, LedgerError> {
        let _alone = self.inner.keys.alone()?;
        self.finish_erasures()?;
        self.forget_said()?;
        let erasure = self.would_erase(subject, order)?;
        let begun = BegunErasure {
            source: self.source,
            number: self.inner.keys.number_of(subject)?,
            erasure,
        };
        let what = serde_json::to_vec(&begun)
            .map_err(|_| LedgerError::State("an erasure cannot be written"))?;
        let note = self.inner.keys.begin(subject, &what, self.now())?;
        self.carry_out(subject, note, begun)
    }

    /// Finishes the erasures that were found cut off, which opening the ledger did unless somebody else rotated the keys then: what that one
    /// left behind is found now.
    ///
    /// # Errors
    ///
    /// The store or the keys failed. [`KeyError::Rotating`](crate::KeyError::Rotating) if somebody else still rotates, and nothing was done.
    pub fn finish_cut_off(&self) -> Result<(), LedgerError> {
        if self.inner.cut_off.get().is_some() {
            return Ok(());
        }
        let _alone = self.inner.keys.alone()?;
        self.finish_alone()
    }

    /// As [`finish_cut_off`](Self::finish_cut_off), of a caller that rotates alone.
    fn finish_alone(&self) -> Result<(), LedgerError> {
        self.inner.keys.finish_rotation()?;
        let cut_off = CutOffErasure::noted(&self.inner.keys)?;
        self.finish_erasures()?;
        self.forget_said()?;
        self.inner.cut_off.get_or_init(|| cut_off);
        Ok(())
    }

    fn forget_said(&self) -> Result<(), LedgerError> {
        match self.now().checked_sub(TOLD_AGAIN) {
            Ok(before) => self.inner.keys.forget_said(before),
            Err(_) => Ok(()),
        }
    }

    /// What was begun and neither finished nor recorded, because its process died or its disk failed. The caller rotates alone.
    fn finish_erasures(&self) -> Result<(), LedgerError> {
        for (note, subject, what) in self.inner.keys.begun()? {
            let begun = serde_json::from_slice(&what).map_err(|_| SealError::Form)?;
            self.carry_out(subject, note, begun)?;
        }
        Ok(())
    }

    /// Each step may be done again.
    fn carry_out(
        &self,
        subject: Subject,
        note: Vec<u8>,
        begun: BegunErasure,
    ) -> Result<Erasure, LedgerError> {
        let erasure = begun.erasure;
        let source = begun.source.unwrap_or_else(|| Digest::of(&note));
        let once = Self {
            inner: Arc::clone(&self.inner),
            source: Some(source),
        };
        let detail = Detail::Erased {
            erased: erasure.erased.clone(),
            kept: erasure.kept.clone(),
        };
        let record = || once.append(subject, |_| Ok(Plan::of(None, detail.clone())));
        let mut classes = erasure.erased.iter();
        // The entry that erases the others' key is among them: it leaves no new key behind.
        let with_ledger = classes.any(|erased| erased.class == Class::Ledger);
        if with_ledger {
            record()?;
        }
        self.inner
            .keys
            .destroy_alone(subject, &erasure.erased, erasure.unlinked)?;
        if !with_ledger {
            record()?;
        }
        // Whether a transaction of somebody else's is committed is known when the ledger is next opened.
        if self.inner.uncommitted.is_none() {
            let say = begun.number.filter(|_| erasure.unlinked);
            let say = say.map(|number| said(number, &erasure)).transpose()?;
            let keys = &self.inner.keys;
            keys.conclude(note, say.as_deref(), self.now())?;
        }
        Ok(erasure)
    }

    /// The erasures that were cut off before this ledger was opened. They are finished by now, unless it was opened to read; none are known
    /// where somebody else rotated the keys then, until [`finish_cut_off`](Self::finish_cut_off).
    pub fn cut_off_erasures(&self) -> &[CutOffErasure] {
        self.inner.cut_off.get().map_or(&[], Vec::as_slice)
    }

    /// As [`cut_off_erasures`](Self::cut_off_erasures), that of the person who had this mobile number: it leads to nobody any more.
    ///
    /// # Errors
    ///
    /// The keys failed.
    pub fn cut_off_erasure_of(
        &self,
        mobile: &Mobile,
    ) -> Result<Option<&CutOffErasure>, LedgerError> {
        let number = self.inner.keys.number(mobile)?;
        let mut cut_off = self.cut_off_erasures().iter();
        Ok(cut_off.find(|erasure| number.is_some() && erasure.number == number))
    }

    /// The last erasure within a day of a person who had this mobile number, which leads to nobody any more: whoever did not hear its answer
    /// asks again. It says nothing by which the person is found in the ledger.
    ///
    /// # Errors
    ///
    /// The keys failed.
    pub fn recent_erasure_of(&self, mobile: &Mobile) -> Result<Option<RecentErasure>, LedgerError> {
        let Some(number) = self.inner.keys.number(mobile)? else {
            return Ok(None);
        };
        let before = self.now().checked_sub(TOLD_AGAIN).ok();
        let mut last = None;
        for (since, what) in self.inner.keys.said()? {
            let said: SaidErasure = serde_json::from_slice(&what).map_err(|_| SealError::Form)?;
            let is_later = last.as_ref().is_none_or(|(known, _)| *known < since);
            let is_recent = before.is_none_or(|before| since >= before);
            if said.number == number && is_recent && is_later {
                last = Some((since, said.erasure));
            }
        }
        Ok(last.map(|(_, erasure)| erasure))
    }

    /// What [`erase`](Self::erase) would answer now. Nothing is erased, and nothing written.
    ///
    /// # Errors
    ///
    /// The store or the keys failed.
    pub fn would_erase(
        &self,
        subject: Subject,
        order: &ErasureOrder,
    ) -> Result<Erasure, LedgerError> {
        let state = self.inner.store.subject(subject)?;
        let circumstances = Circumstances {
            reason: order.reason,
            now: self.now(),
            relationship_ended: order.relationship_ended,
        };
        let mut erased = Vec::new();
        let mut kept = Vec::new();
        for (class, since) in self.inner.keys.classes(subject)? {
            if order
                .classes
                .as_ref()
                .is_none_or(|classes| classes.contains(&class))
            {
                match decide(class, since, &state.holds, &circumstances) {
                    Ok(class) => erased.push(class),
                    Err(class) => kept.push(class),
                }
            }
        }
        // Somebody who is kept for a duty has to be found for it.
        let everything = order.classes.is_none() && order.reason != ErasureReason::TermOver;
        let unlinked = everything && kept.iter().all(|kept| kept.class == Class::Ledger);
        Ok(Erasure {
            erased,
            kept,
            unlinked,
        })
    }

    /// The classes of a person's data that have been kept as long as their class may be, with the time at which that was: order
    /// their erasure as [`TermOver`](ErasureReason::TermOver). What an event ends, such as an artefact's data life, is not among
    /// them.
    ///
    /// # Errors
    ///
    /// The keys failed.
    pub fn overdue(&self, subject: Subject) -> Result<Vec<(Class, Timestamp)>, LedgerError> {
        let now = self.now();
        let classes = self.inner.keys.classes(subject)?.into_iter();
        let due = classes.filter_map(|(class, since)| Some((class, due(class, since)?)));
        Ok(due.filter(|(_, at)| *at <= now).collect())
    }

    /// Seals data of a person, to be stored at this place of the application's own.
    ///
    /// # Errors
    ///
    /// The keys failed.
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, LedgerError> {
        let key = self
            .inner
            .keys
            .data_key(place.subject, place.class, self.now())?;
        Ok(seal(&key, place, plain)?)
    }

    /// Opens data that was sealed for this place.
    ///
    /// # Errors
    ///
    /// [`SealError::Erased`] if its key is gone, another [`SealError`] if it is not what was sealed here; or the keys failed.
    pub fn unseal(
        &self,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, LedgerError> {
        let key = self.inner.keys.existing(place.subject, place.class)?;
        Ok(open(&key.ok_or(SealError::Erased)?, place, sealed)?)
    }

    /// What is known of a person without opening a body.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn state(&self, subject: Subject) -> Result<SubjectState, LedgerError> {
        Ok(self.inner.store.subject(subject)?)
    }

    /// The entries about a person with what they say; `None` for those that were erased.
    ///
    /// # Errors
    ///
    /// A body is not what was written; the store or the keys failed.
    pub fn history(&self, subject: Subject) -> Result<Vec<(Entry, Option<Detail>)>, LedgerError> {
        let entries = self.inner.store.entries_of(subject)?;
        let with = |entry: Entry| self.says(&entry).map(|says| (entry, says));
        entries.into_iter().map(with).collect()
    }

    /// A receipt with all of it.
    ///
    /// # Errors
    ///
    /// There is no such receipt of this person; it was erased; the store or the keys failed.
    pub fn receipt(&self, subject: Subject, receipt: ReceiptId) -> Result<Receipt, LedgerError> {
        for (_, says) in self.history(subject)? {
            match says {
                Some(Detail::Given(found) | Detail::Renewed { receipt: found, .. })
                    if found.id() == receipt =>
                {
                    return Ok(*found);
                }
                _ => {}
            }
        }
        row_of(&self.state(subject)?, receipt)?;
        Err(SealError::Erased.into())
    }

    /// The consent record of a receipt in JSON-LD, with what happened to it, see [`jsonld::record`].
    ///
    /// # Errors
    ///
    /// As for [`receipt`](Self::receipt) and [`jsonld::record`].
    pub fn consent_record(
        &self,
        subject: Subject,
        receipt: ReceiptId,
        base: &str,
    ) -> Result<serde_json::Value, LedgerError> {
        let of = self.inner.store.entries_of(subject)?.into_iter();
        let of = of.filter(|entry| entry.receipt == Some(receipt));
        let events = of.map(|entry| jsonld::Event {
            at: entry.at,
            kind: entry.kind,
        });
        let events: Vec<_> = events.collect();
        Ok(jsonld::record(
            &self.receipt(subject, receipt)?,
            &events,
            base,
        )?)
    }

    /// The head, to be kept elsewhere: signed, printed, sent.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn head(&self) -> Result<Head, LedgerError> {
        Ok(self.inner.store.head()?)
    }

    /// Checks the whole chain, against heads that were kept elsewhere too.
    ///
    /// # Errors
    ///
    /// The first entry that does not fit, and why; or the store failed.
    pub fn verify(&self, anchors: &[Head]) -> Result<Head, LedgerError> {
        let mut walk = Walk::new(self.inner.id, anchors);
        let mut after = 0;
        loop {
            let page = self.inner.store.entries(after, PAGE)?;
            if page.iter().any(|entry| !walk.step(entry)) {
                return Err(self.misfit(anchors)?.into());
            }
            match page.last() {
                Some(last) => after = last.seq,
                None => return Ok(walk.end()?),
            }
        }
    }

    /// Reads everything again to say what is wrong.
    fn misfit(&self, anchors: &[Head]) -> Result<Misfit, LedgerError> {
        let entries = self.inner.store.entries(0, usize::MAX)?;
        match verify(self.inner.id, &entries, anchors) {
            Err(misfit) => Ok(misfit),
            Ok(_) => Err(StoreError::Conflict.into()),
        }
    }

    /// Writes the ledger as lines of JSON that [`verify_export`](crate::verify_export) checks, with what the entries say, as far
    /// as it was not erased, if `with_bodies`.
    ///
    /// # Errors
    ///
    /// A body is not what was written; the store, the keys or the writer failed.
    pub fn export(&self, with_bodies: bool, to: &mut dyn Write) -> Result<Head, LedgerError> {
        let head = self.inner.store.head()?;
        let mut export = export::Export::begin(head, to)?;
        let mut after = 0;
        while after < head.seq {
            let page = self.inner.store.entries(after, PAGE)?;
            for entry in page.iter().filter(|entry| entry.seq <= head.seq) {
                let body = match with_bodies {
                    true => self.body(entry)?,
                    false => None,
                };
                export.entry(entry, body.as_deref().map(Vec::as_slice))?;
            }
            after = page
                .last()
                .ok_or(StoreError::Unreadable("end of the chain"))?
                .seq;
        }
        export.end()?;
        Ok(head)
    }

    /// Proves that consent, or a legal duty, covers this need now. Prove it right before the call.
    ///
    /// # Errors
    ///
    /// For which purpose there is none, and why.
    pub fn prove(&self, need: &ConsentNeed) -> Result<ConsentProof, NoConsent> {
        self.prove_by(need, |receipts, now| {
            let row = covering(receipts, need, now)?;
            let ground = match &row.rule {
                None => Ground::Consent(row.id),
                Some(rule) => Ground::LegalDuty(row.id, rule.clone()),
            };
            Ok((ground, row.expires_at))
        })
    }

    /// Proves at once for this person whatever consents the rules name, for a caller that does not know which provider will be called.
    /// What no consent covers is left out: the gate refuses it.
    ///
    /// # Errors
    ///
    /// Nothing is covered: for which purpose there is none, and why.
    pub fn prove_each(
        &self,
        subject: Subject,
        rules: &GateRules,
    ) -> Result<ConsentProofs, NoConsent> {
        let (mut proofs, mut first) = (Vec::new(), None);
        for (provider, purpose, kinds) in rules.consents() {
            let need = ConsentNeed {
                subject,
                provider: provider.clone(),
                purpose: purpose.clone(),
                kinds: kinds.to_vec(),
            };
            match self.prove(&need) {
                Ok(proof) => proofs.push(proof),
                Err(error) => first = first.or(Some(error)),
            }
        }
        match first {
            Some(error) if proofs.is_empty() => Err(error),
            _ => Ok(ConsentProofs(proofs)),
        }
    }

    /// Proves that a consent that names this provider is over, withdrawn or expired: for the calls that undo something, such as
    /// revoking and deleting.
    ///
    /// # Errors
    ///
    /// No consent that names this provider is over, or the store failed.
    pub fn prove_withdrawal(&self, need: &ConsentNeed) -> Result<ConsentProof, NoConsent> {
        self.prove_by(need, |receipts, now| {
            let is_over = |row: &&ReceiptRow| {
                let is_over = match row.ended {
                    Some((_, reason)) => reason != EndReason::Renewed,
                    None => now >= row.expires_at,
                };
                is_over && row.providers.contains(&need.provider)
            };
            let row = receipts.iter().rev().find(is_over);
            let row = row.ok_or(NoConsentReason::NothingWithdrawn)?;
            Ok((Ground::Withdrawal(row.id), Timestamp::MAX))
        })
    }

    fn prove_by(
        &self,
        need: &ConsentNeed,
        find: impl FnOnce(&[ReceiptRow], Timestamp) -> Result<(Ground, Timestamp), NoConsentReason>,
    ) -> Result<ConsentProof, NoConsent> {
        let proven = || {
            let now = self.inner.clock.now();
            // Before the store is read: what ends after this makes the proof worthless.
            let endings = self.endings(need.subject);
            let standing = endings.standing().ok_or(NoConsentReason::Ending)?;
            let receipts = self.inner.store.receipts(need.subject);
            let (epoch, receipts) = receipts.map_err(NoConsentReason::Store)?;
            let (ground, expires_at) = find(&receipts, now)?;
            let longest = now.checked_add(LONGEST_PROOF).unwrap_or(now);
            Ok(Proven {
                ledger: self.inner.id,
                ground,
                need: need.clone(),
                epoch,
                proved_at: now,
                valid_until: longest.min(expires_at),
                standing,
            })
        };
        proven().map(ConsentProof::new).map_err(|reason| NoConsent {
            purpose: need.purpose.clone(),
            reason,
        })
    }

    /// A gate for clients, by these rules. Give the clients the ledger's clock.
    pub fn gate(&self, rules: GateRules) -> LedgerGate {
        LedgerGate::new(self.inner.id, rules)
    }

    fn now(&self) -> Timestamp {
        whole(self.inner.clock.now())
    }

    fn endings(&self, subject: Subject) -> Arc<Endings> {
        let mut all = self
            .inner
            .endings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(endings) = all.get(&subject).and_then(Weak::upgrade) {
            return endings;
        }
        // Those that no proof refers to any more are dropped whenever the table would have to grow.
        if all.len() == all.capacity() {
            all.retain(|_, endings| endings.strong_count() > 0);
        }
        let endings = Arc::<Endings>::default();
        all.insert(subject, Arc::downgrade(&endings));
        endings
    }

    /// Plans a change from the state, seals and chains its entries, and writes it; again, if somebody else wrote meanwhile.
    fn append(
        &self,
        subject: Subject,
        plan: impl Fn(&SubjectState) -> Result<Plan, LedgerError>,
    ) -> Result<Change, LedgerError> {
        let _writing = self
            .inner
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut tries = 0_u32;
        let mut reservation = Reservation::default();
        loop {
            let head = self.inner.store.head()?;
            let state = self.inner.store.subject(subject)?;
            let plan = plan(&state)?;
            let is_written = match &self.source {
                Some(source) => self.inner.store.written(source)?.is_some(),
                None => false,
            };
            if plan.is_empty() || is_written {
                return Ok(Change::after(head));
            }
            let change = self.change(subject, head, state.epoch, plan)?;
            let ending = (!change.ended.is_empty()).then(|| self.endings(subject).begin());
            let committed = self.inner.store.commit(&change);
            match &self.inner.uncommitted {
                Some(kept) => {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend(ending);
                }
                None => drop(ending),
            }
            tries = tries.saturating_add(1);
            match committed {
                Ok(()) => return Ok(change),
                Err(StoreError::Conflict) if tries < TRIES => {
                    // One at a time; where nothing can be reserved, not all at once again.
                    drop(reservation);
                    let [share]: [u8; 1] = random()?;
                    let times = tries.saturating_mul(u32::from(share));
                    std::thread::sleep(SHORTEST_WAIT.saturating_mul(times));
                    reservation = self.inner.store.reserve()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn change(
        &self,
        subject: Subject,
        head: Head,
        epoch: u64,
        plan: Plan,
    ) -> Result<Change, LedgerError> {
        let now = self.now();
        let (table, class) = BODY;
        let key = self.inner.keys.data_key(subject, class, now)?;
        let mut change = Change::after(head);
        for (receipt, says) in plan.says {
            let last = change.head();
            let seq = last
                .seq
                .checked_add(1)
                .ok_or(LedgerError::State("the ledger is full"))?;
            match &says {
                Detail::Given(given) | Detail::Renewed { receipt: given, .. } => {
                    change.receipts.push(ReceiptRow::of(given, seq));
                }
                Detail::Artefact(artefact) => {
                    let of = receipt.ok_or(LedgerError::Unknown("receipt"))?;
                    change.artefact = Some((seq, of, artefact.provider.clone()));
                }
                _ => {}
            }
            let kind = says.kind();
            let salt: [u8; 16] = random()?;
            let body = Body {
                salt: hex::encode(salt),
                says,
            };
            let body = serde_json::to_vec(&body)
                .map_err(|_| LedgerError::State("a body cannot be written"))?;
            let body = Zeroizing::new(body);
            let place = Place {
                table,
                row: &seq.to_be_bytes(),
                subject,
                class,
                version: 0,
            };
            let mut entry = Entry {
                seq,
                at: now,
                kind,
                subject,
                receipt,
                body: Digest::of(&body),
                prev: last.digest,
                digest: last.digest,
                sealed: seal(&key, &place, &body)?,
            };
            entry.digest = entry.expected_digest(head.ledger);
            change.entries.push(entry);
        }
        let ended = plan.ended.into_iter();
        change.ended = ended.map(|(id, reason)| (id, now, reason)).collect();
        if !change.ended.is_empty() {
            let next = epoch
                .checked_add(1)
                .ok_or(LedgerError::State("the epoch is full"))?;
            change.epoch = Some((subject, next));
        }
        let withdrawn = change.ended.iter();
        let withdrawn = withdrawn.filter(|(.., reason)| *reason == EndReason::Withdrawn);
        change.owed = withdrawn.map(|(id, ..)| *id).collect();
        change.ended_artefact = plan.ended_artefact.map(|entry| (subject, entry));
        change.follower = plan.follower;
        change.moved = plan.moved;
        change.told = plan.told;
        change.source = self.source.filter(|_| !change.entries.is_empty());
        change.held = plan.held;
        change.released = plan.released.map(|hold| (subject, hold));
        Ok(change)
    }

    /// The body of an entry as it was written; `None` if it was erased.
    fn body(&self, entry: &Entry) -> Result<Option<Zeroizing<Vec<u8>>>, LedgerError> {
        let (table, class) = BODY;
        let Some(key) = self.inner.keys.existing(entry.subject, class)? else {
            return Ok(None);
        };
        let place = Place {
            table,
            row: &entry.seq.to_be_bytes(),
            subject: entry.subject,
            class,
            version: 0,
        };
        let body = match open(&key, &place, &entry.sealed) {
            Ok(body) => body,
            // What was written before an erasure was sealed under a key that is gone; what came after has a new one.
            Err(SealError::Altered) if self.was_erased_after(entry)? => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match Digest::of(&body) == entry.body {
            true => Ok(Some(body)),
            false => Err(SealError::OtherBody.into()),
        }
    }

    fn was_erased_after(&self, entry: &Entry) -> Result<bool, LedgerError> {
        let classes = self.inner.keys.classes(entry.subject)?;
        let since = classes.iter().find(|(class, _)| *class == Class::Ledger);
        Ok(since.is_some_and(|(_, since)| entry.at < *since))
    }

    fn says(&self, entry: &Entry) -> Result<Option<Detail>, LedgerError> {
        let Some(body) = self.body(entry)? else {
            return Ok(None);
        };
        let body: Body = serde_json::from_slice(&body).map_err(|_| SealError::Form)?;
        Ok(Some(body.says))
    }
}

/// What is kept of an erasure to be told again.
fn said(number: Digest, erasure: &Erasure) -> Result<Vec<u8>, LedgerError> {
    let said = SaidErasure {
        number,
        erasure: RecentErasure {
            erased: erasure.erased.iter().map(|erased| erased.class).collect(),
            kept: erasure.kept.iter().map(|kept| kept.class).collect(),
        },
    };
    serde_json::to_vec(&said).map_err(|_| LedgerError::State("an erasure cannot be written"))
}

fn row_of(state: &SubjectState, receipt: ReceiptId) -> Result<&ReceiptRow, LedgerError> {
    let row = state.receipts.iter().find(|row| row.id == receipt);
    row.ok_or(LedgerError::Unknown("receipt of this person"))
}

/// What has to follow the withdrawals in this state. Pure.
pub fn aftermath(
    subject: Subject,
    state: &SubjectState,
    classes: &[(Class, Timestamp)],
    now: Timestamp,
) -> Withdrawal {
    let withdrawn: Vec<(&ReceiptRow, Timestamp)> = state
        .receipts
        .iter()
        .filter_map(|row| match row.ended {
            Some((at, EndReason::Withdrawn)) => Some((row, at)),
            _ => None,
        })
        .collect();
    let receipts: Vec<ReceiptId> = withdrawn.iter().map(|(row, _)| row.id).collect();
    let mut withdrawal = Withdrawal {
        subject,
        receipts: receipts.clone(),
        epoch: state.epoch,
        effects: Vec::new(),
        kept: Vec::new(),
    };
    let Some(at) = withdrawn.iter().map(|(_, at)| *at).max() else {
        return withdrawal;
    };
    let live = |row: &&ReceiptRow| row.ended.is_none() && now < row.expires_at;
    let live: Vec<&ReceiptRow> = state.receipts.iter().filter(live).collect();
    let mut providers: Vec<&ProviderName> = Vec::new();
    for (entry, receipt, provider) in &state.artefacts {
        if receipts.contains(receipt) {
            withdrawal.effects.push(Effect::Revoke {
                provider: provider.clone(),
                receipt: *receipt,
                entry: *entry,
            });
        }
    }
    for provider in withdrawn.iter().flat_map(|(row, _)| &row.providers) {
        // What another consent or a duty still rests on stays where it is.
        let needed = live.iter().any(|row| row.providers.contains(provider));
        if !needed && !providers.contains(&provider) {
            providers.push(provider);
        }
    }
    let deletions = providers.into_iter().map(|provider| Effect::Delete {
        provider: provider.clone(),
    });
    withdrawal.effects.extend(deletions);
    let circumstances = Circumstances {
        reason: ErasureReason::Withdrawal,
        now,
        relationship_ended: None,
    };
    let consented = live.iter().filter(|row| row.rule.is_none());
    let until = consented.map(|row| row.expires_at).max();
    let mut erased = Vec::new();
    for (class, since) in classes {
        match decide(*class, *since, &state.holds, &circumstances) {
            Ok(_) if until.is_some() => withdrawal.kept.push(KeptClass {
                class: *class,
                by: KeptBy::LiveReceipt,
                until,
            }),
            Ok(class) => erased.push(class.class),
            Err(kept) => withdrawal.kept.push(kept),
        }
    }
    if !erased.is_empty() {
        withdrawal.effects.push(Effect::Erase { classes: erased });
    }
    withdrawal.effects.push(Effect::Confirm { receipts, at });
    withdrawal
}
