//! Proofs of consent, and the gate that asks for them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use provider_core::{ConsentEvidence, ConsentGate, GatedCall, MissingConsent};

use crate::error::StoreError;
use crate::ids::{DataKind, LedgerId, ProviderName, Purpose, ReceiptId, Rule, Subject};
use crate::store::{EndReason, ReceiptRow};

/// How long a proof counts at most: what a withdrawal on another machine may take to stop calls here.
pub const LONGEST_PROOF: SignedDuration = SignedDuration::from_secs(60);

/// What a call needs consent for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentNeed {
    /// Whose data.
    pub subject: Subject,
    /// Who receives or delivers it.
    pub provider: ProviderName,
    /// For which purpose.
    pub purpose: Purpose,
    /// Which kinds of data.
    pub kinds: Vec<DataKind>,
}

/// On what a proof rests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ground {
    /// A receipt of consent.
    Consent(ReceiptId),
    /// A receipt of a legal duty under this rule.
    LegalDuty(ReceiptId, Rule),
    /// A receipt that is over, withdrawn or expired: for what undoes something, such as revoking and deleting, and for nothing else.
    Withdrawal(ReceiptId),
}

impl Ground {
    /// The receipt.
    pub fn receipt(&self) -> ReceiptId {
        match self {
            Self::Consent(id) | Self::LegalDuty(id, _) | Self::Withdrawal(id) => *id,
        }
    }
}

/// That a person's consent, or a legal duty, covers a call: only a [`ConsentLedger`](crate::ConsentLedger) makes one, for at
/// most [`LONGEST_PROOF`]. It is neither copied nor written, and counts no more once a receipt of the person ends.
///
/// A call shows it with `with_consent(&proof)`. Nobody compares whose data the call sends: prove it for the person whom the
/// request is about.
///
/// ```compile_fail,E0599
/// fn copies(proof: &kyc_consent::ConsentProof) -> kyc_consent::ConsentProof {
///     proof.clone()
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn writes(proof: &kyc_consent::ConsentProof) -> String {
///     provider_core::serde_json::to_string(proof).unwrap_or_default()
/// }
/// ```
pub struct ConsentProof(Arc<Proven>);

pub(crate) struct Proven {
    pub(crate) ledger: LedgerId,
    pub(crate) ground: Ground,
    pub(crate) need: ConsentNeed,
    pub(crate) epoch: u64,
    pub(crate) proved_at: Timestamp,
    pub(crate) valid_until: Timestamp,
    pub(crate) standing: Standing,
}

impl ConsentProof {
    pub(crate) fn new(proven: Proven) -> Self {
        Self(Arc::new(proven))
    }

    /// On what it rests.
    pub fn ground(&self) -> &Ground {
        &self.0.ground
    }

    /// What it was asked for.
    pub fn need(&self) -> &ConsentNeed {
        &self.0.need
    }

    /// The person's epoch when it was proved.
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// Until when it counts at most.
    pub fn valid_until(&self) -> Timestamp {
        self.0.valid_until
    }
}

impl fmt::Debug for ConsentProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsentProof")
            .field("ground", &self.0.ground)
            .field("provider", &self.0.need.provider)
            .field("purpose", &self.0.need.purpose)
            .field("valid_until", &self.0.valid_until)
            .finish_non_exhaustive()
    }
}

impl From<&ConsentProof> for ConsentEvidence {
    fn from(proof: &ConsentProof) -> Self {
        Self::new(Arc::new(Shown(vec![Arc::clone(&proof.0)])))
    }
}

/// Proofs for whatever a gate's rules name, made at once by [`prove_each`](crate::ConsentLedger::prove_each): for a caller that does not
/// know which provider will be called. A call shows them all, and the gate looks for the one that covers it.
#[derive(Debug)]
pub struct ConsentProofs(pub(crate) Vec<ConsentProof>);

impl ConsentProofs {
    /// The proofs.
    pub fn iter(&self) -> impl Iterator<Item = &ConsentProof> {
        self.0.iter()
    }
}

impl From<&ConsentProofs> for ConsentEvidence {
    fn from(proofs: &ConsentProofs) -> Self {
        let proofs = proofs.iter().map(|proof| Arc::clone(&proof.0));
        Self::new(Arc::new(Shown(proofs.collect())))
    }
}

/// What a call shows: one proof, or several of which one covers it.
pub(crate) struct Shown(pub(crate) Vec<Arc<Proven>>);

/// Counts, in this process, how often receipts of a person began to end or ended. It is odd while one is ending.
#[derive(Debug, Default)]
pub(crate) struct Endings(AtomicU64);

impl Endings {
    /// Marks an ending until the mark is dropped: before it no proof of an earlier time counts, and none is made meanwhile.
    pub(crate) fn begin(self: Arc<Self>) -> Ending {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ending(self)
    }

    /// The count now; `None` while one is ending.
    pub(crate) fn standing(self: &Arc<Self>) -> Option<Standing> {
        let count = self.0.load(Ordering::SeqCst);
        count.is_multiple_of(2).then(|| Standing {
            endings: Arc::clone(self),
            count,
        })
    }
}

/// An ending under way. Whether it succeeded does not matter to the proofs of before: they are made again from the store.
#[derive(Debug)]
pub(crate) struct Ending(Arc<Endings>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A count of endings at the time of a proof.
#[derive(Debug)]
pub(crate) struct Standing {
    endings: Arc<Endings>,
    count: u64,
}

impl Standing {
    fn still_stands(&self) -> bool {
        self.endings.0.load(Ordering::SeqCst) == self.count
    }
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("purpose {purpose}: {reason}")]
pub struct NoConsent {
    /// The purpose for which there is none.
    pub purpose: Purpose,
    /// Why.
    pub reason: NoConsentReason,
}

/// Why there is no proof for a purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoConsentReason {
    /// No receipt has the purpose.
    #[error("no consent was given")]
    NeverGiven,
    /// A receipt has it, from a later time on.
    #[error("the consent is of a later time")]
    NotYet,
    /// It was withdrawn.
    #[error("consent was withdrawn")]
    Withdrawn,
    /// It has expired.
    #[error("consent has expired")]
    Expired,
    /// It does not name the provider as a recipient.
    #[error("the consent does not name this provider")]
    OtherProvider,
    /// It does not cover these kinds of data.
    #[error("the consent does not cover {}", list(.0))]
    OtherKinds(Vec<DataKind>),
    /// A receipt of the person is ending at this moment. Ask again.
    #[error("a consent of this person is ending at this moment")]
    Ending,
    /// There is nothing to undo: no receipt that names the provider is over.
    #[error("nothing was withdrawn from this provider")]
    NothingWithdrawn,
    /// The store did not answer, so nothing is known.
    #[error("the ledger did not answer: {0}")]
    Store(StoreError),
}

fn list(kinds: &[DataKind]) -> String {
    let kinds: Vec<&str> = kinds.iter().map(DataKind::as_str).collect();
    kinds.join(", ")
}

impl From<NoConsent> for MissingConsent {
    fn from(error: NoConsent) -> Self {
        Self::new(error.purpose.as_str().to_owned(), error.reason.to_string())
    }
}

/// The receipt that covers the need, consent before duty, or the reason that comes closest to one. Pure.
pub fn covering<'r>(
    receipts: &'r [ReceiptRow],
    need: &ConsentNeed,
    now: Timestamp,
) -> Result<&'r ReceiptRow, NoConsentReason> {
    let mut found = None;
    let mut closest = NoConsentReason::NeverGiven;
    for row in receipts {
        if !row.purposes.contains(&need.purpose) {
            continue;
        }
        match obstacle(row, need, now) {
            None if row.rule.is_none() => return Ok(row),
            None => found = found.or(Some(row)),
            // Of the reasons the one of the latest receipt, but one that is live says more than one that is not.
            Some(obstacle) if is_about_live(&obstacle) || !is_about_live(&closest) => {
                closest = obstacle;
            }
            Some(_) => {}
        }
    }
    found.ok_or(closest)
}

fn obstacle(row: &ReceiptRow, need: &ConsentNeed, now: Timestamp) -> Option<NoConsentReason> {
    match row.ended {
        Some((_, EndReason::Withdrawn)) => return Some(NoConsentReason::Withdrawn),
        Some((_, EndReason::Expired | EndReason::Renewed)) => {
            return Some(NoConsentReason::Expired);
        }
        None if now >= row.expires_at => return Some(NoConsentReason::Expired),
        None if now < row.given_at => return Some(NoConsentReason::NotYet),
        None => {}
    }
    if !row.providers.contains(&need.provider) {
        return Some(NoConsentReason::OtherProvider);
    }
    let lacking = need.kinds.iter().filter(|kind| !row.kinds.contains(kind));
    let lacking: Vec<_> = lacking.cloned().collect();
    (!lacking.is_empty()).then_some(NoConsentReason::OtherKinds(lacking))
}

fn is_about_live(reason: &NoConsentReason) -> bool {
    matches!(
        reason,
        NoConsentReason::OtherProvider | NoConsentReason::OtherKinds(_)
    )
}

/// Which purpose and kinds of data each operation has. An operation that is not named is not called: there is no open default.
#[derive(Debug, Clone, Default)]
pub struct GateRules(BTreeMap<ProviderName, OfProvider>);

#[derive(Debug, Clone, Default)]
struct OfProvider {
    all: Option<Needs>,
    operations: BTreeMap<Cow<'static, str>, Needs>,
}

/// What an operation needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// A live consent for this purpose and these kinds of data.
    Consent(Purpose, Vec<DataKind>),
    /// It undoes something: a consent that is over, or a live one for this purpose.
    ConsentOrWithdrawal(Purpose),
    /// It has no person's data.
    Nothing,
}

impl GateRules {
    /// None: everything is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// All operations of this provider, but those that are named, need consent for this purpose and these kinds.
    #[must_use]
    pub fn provider(
        mut self,
        provider: ProviderName,
        purpose: Purpose,
        kinds: Vec<DataKind>,
    ) -> Self {
        self.0.entry(provider).or_default().all = Some(Needs::Consent(purpose, kinds));
        self
    }

    /// This operation needs consent for this purpose and these kinds.
    #[must_use]
    pub fn operation(
        self,
        provider: ProviderName,
        operation: impl Into<Cow<'static, str>>,
        purpose: Purpose,
        kinds: Vec<DataKind>,
    ) -> Self {
        self.demand(provider, operation.into(), Needs::Consent(purpose, kinds))
    }

    /// This operation undoes something, such as revoking a consent or deleting a session: a proof of the withdrawal will do, or
    /// consent for this purpose.
    #[must_use]
    pub fn undoing(
        self,
        provider: ProviderName,
        operation: impl Into<Cow<'static, str>>,
        purpose: Purpose,
    ) -> Self {
        self.demand(
            provider,
            operation.into(),
            Needs::ConsentOrWithdrawal(purpose),
        )
    }

    /// This operation has no person's data, such as a list of institutions.
    #[must_use]
    pub fn impersonal(
        self,
        provider: ProviderName,
        operation: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.demand(provider, operation.into(), Needs::Nothing)
    }

    /// Which consents the operations need, each once.
    pub(crate) fn consents(&self) -> Vec<(&ProviderName, &Purpose, &[DataKind])> {
        let mut found = Vec::new();
        for (provider, of) in &self.0 {
            for needs in of.all.iter().chain(of.operations.values()) {
                let (purpose, kinds) = match needs {
                    Needs::Consent(purpose, kinds) => (purpose, kinds.as_slice()),
                    Needs::ConsentOrWithdrawal(purpose) => (purpose, [].as_slice()),
                    Needs::Nothing => continue,
                };
                if !found.contains(&(provider, purpose, kinds)) {
                    found.push((provider, purpose, kinds));
                }
            }
        }
        found
    }

    fn demand(
        mut self,
        provider: ProviderName,
        operation: Cow<'static, str>,
        demand: Needs,
    ) -> Self {
        let of = self.0.entry(provider).or_default();
        of.operations.insert(operation, demand);
        self
    }

    /// What this operation of a provider needs, so that it is proved as the gate will ask for it; `None` if no rule names it, and the
    /// gate refuses it.
    pub fn needs(&self, provider: &str, operation: &str) -> Option<&Needs> {
        let of = self.0.get(provider)?;
        of.operations.get(operation).or(of.all.as_ref())
    }
}

/// The gate of a client: lets a call through that shows a live [`ConsentProof`] for what its operation needs. It answers from
/// memory, and from the moment a withdrawal in this process is committed it lets nothing through that was proved before.
#[derive(Debug)]
pub struct LedgerGate {
    ledger: LedgerId,
    rules: GateRules,
}

impl LedgerGate {
    pub(crate) fn new(ledger: LedgerId, rules: GateRules) -> Self {
        Self { ledger, rules }
    }
}

impl ConsentGate for LedgerGate {
    fn admit(&self, call: &GatedCall<'_>) -> Result<(), MissingConsent> {
        let demand = self
            .rules
            .needs(call.provider, call.operation.name)
            .ok_or_else(|| {
                MissingConsent::new(
                    "(none is set)",
                    "no rule says for which purpose this operation is called",
                )
            })?;
        let (purpose, kinds, may_undo) = match demand {
            Needs::Nothing => return Ok(()),
            Needs::Consent(purpose, kinds) => (purpose, kinds.as_slice(), false),
            Needs::ConsentOrWithdrawal(purpose) => (purpose, [].as_slice(), true),
        };
        let missing = |reason| MissingConsent::new(purpose.as_str().to_owned(), reason);
        let shown = call
            .evidence
            .and_then(ConsentEvidence::downcast_ref::<Shown>)
            .ok_or_else(|| missing("the call shows no proof"))?;
        let check = |proof: &Proven| self.check(proof, call, (purpose, kinds, may_undo));
        // Of several the one that comes closest: for this provider and purpose.
        let mut closest = None;
        for proof in &shown.0 {
            match check(proof) {
                Ok(()) => return Ok(()),
                Err(why) if why.is_about_it || closest.is_none() => closest = Some(why.reason),
                Err(_) => {}
            }
        }
        Err(missing(closest.unwrap_or("the call shows no proof")))
    }
}

/// Why a proof does not let a call through.
struct Unfit {
    reason: &'static str,
    /// Whether it is for the provider and the purpose of the call.
    is_about_it: bool,
}

impl LedgerGate {
    fn check(
        &self,
        proof: &Proven,
        call: &GatedCall<'_>,
        (purpose, kinds, may_undo): (&Purpose, &[DataKind], bool),
    ) -> Result<(), Unfit> {
        let foreign = |reason| {
            Err(Unfit {
                reason,
                is_about_it: false,
            })
        };
        let unfit = |reason| {
            Err(Unfit {
                reason,
                is_about_it: true,
            })
        };
        let is_withdrawal = matches!(proof.ground, Ground::Withdrawal(_));
        let covered = || kinds.iter().all(|kind| proof.need.kinds.contains(kind));
        match () {
            () if proof.ledger != self.ledger => foreign("the proof is of another ledger"),
            () if proof.need.provider.as_str() != call.provider => {
                foreign("the proof is for another provider")
            }
            () if is_withdrawal && !may_undo => {
                unfit("consent was withdrawn, and the operation undoes nothing")
            }
            () if !is_withdrawal && proof.need.purpose != *purpose => {
                foreign("the proof is for another purpose")
            }
            () if !covered() => unfit("the proof does not cover all kinds of data"),
            // A clock that was turned back does not prolong it.
            () if call.now >= proof.valid_until || call.now < proof.proved_at => {
                unfit("the proof is too old; prove it again")
            }
            () if !proof.standing.still_stands() => {
                unfit("a consent of the person has ended since it was proved")
            }
            () => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn row() -> ReceiptRow {
        ReceiptRow {
            given_at: at(100),
            expires_at: at(200),
            ..ReceiptRow::of(&testing::receipt(), 1)
        }
    }

    fn need() -> ConsentNeed {
        testing::need(testing::receipt().subject())
    }

    #[test]
    fn a_live_receipt_covers_what_it_names() {
        let row = row();
        let covered = |need: &ConsentNeed, now| {
            covering(std::slice::from_ref(&row), need, at(now)).map(|row| row.id)
        };
        assert_eq!(covered(&need(), 100), Ok(row.id));
        assert_eq!(covered(&need(), 199), Ok(row.id));
        assert_eq!(covered(&need(), 99), Err(NoConsentReason::NotYet));
        assert_eq!(covered(&need(), 200), Err(NoConsentReason::Expired));
        let other = ConsentNeed {
            purpose: Purpose::new("marketing").unwrap(),
            ..need()
        };
        assert_eq!(covered(&other, 150), Err(NoConsentReason::NeverGiven));
        let other = ConsentNeed {
            provider: ProviderName::new("somebody").unwrap(),
            ..need()
        };
        assert_eq!(covered(&other, 150), Err(NoConsentReason::OtherProvider));
        let contacts = DataKind::new("contacts").unwrap();
        let other = ConsentNeed {
            kinds: [need().kinds, vec![contacts.clone()]].concat(),
            ..need()
        };
        let lacking = NoConsentReason::OtherKinds(vec![contacts]);
        assert_eq!(covered(&other, 150), Err(lacking));
    }

    #[test]
    fn consent_goes_before_a_duty_and_a_live_receipt_s_reason_before_a_dead_one_s() {
        let ended = |reason| ReceiptRow {
            ended: Some((at(150), reason)),
            ..row()
        };
        let duty = ReceiptRow {
            rule: Some(Rule::new("pmla-rule-9").unwrap()),
            id: ReceiptId::random().unwrap(),
            ..row()
        };
        let found = |rows: &[ReceiptRow]| covering(rows, &need(), at(160)).map(|row| row.id);
        let withdrawn = ended(EndReason::Withdrawn);
        assert_eq!(found(&[]), Err(NoConsentReason::NeverGiven));
        assert_eq!(
            found(std::slice::from_ref(&withdrawn)),
            Err(NoConsentReason::Withdrawn)
        );
        assert_eq!(
            found(&[ended(EndReason::Renewed)]),
            Err(NoConsentReason::Expired)
        );
        assert_eq!(found(&[withdrawn.clone(), duty.clone()]), Ok(duty.id));
        assert_eq!(found(&[duty.clone(), row()]), Ok(row().id));
        let elsewhere = ReceiptRow {
            providers: Vec::new(),
            ..row()
        };
        assert_eq!(
            found(&[elsewhere, withdrawn]),
            Err(NoConsentReason::OtherProvider)
        );
    }

    #[test]
    fn no_proof_is_made_while_a_receipt_ends_and_none_of_before_counts() {
        let endings = Arc::new(Endings::default());
        let before = endings.standing().unwrap();
        assert!(before.still_stands());
        let ending = Arc::clone(&endings).begin();
        assert!(!before.still_stands() && endings.standing().is_none());
        drop(ending);
        assert!(!before.still_stands());
        assert!(endings.standing().unwrap().still_stands());
    }
}
