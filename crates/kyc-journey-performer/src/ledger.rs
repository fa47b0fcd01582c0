//! Consent by the ledger.

use std::sync::Arc;

use async_trait::async_trait;
use kyc_consent::{
    Artefact, Class, Code, ConsentLedger, ConsentNeed, DataKind, Digest, Follower, GateRules,
    LedgerError, LedgerGate, Needs, NoConsent, NoConsentReason, Notice, ProviderName, Purpose,
    ReceiptId, Scope, Subject,
};
use kyc_journey::{DataClass, EffectId, JourneyId, LedgerEntry, Undelivered};
use provider_core::{ConsentEvidence, InvalidRequest};

use crate::seams::{ConsentLog, Consents, ProviderCall, Unproved};

/// What the providers' operations need: consent for one purpose and these kinds of data; for what gives something back, one that is over
/// will do; FinPro's lists of aggregators, institutions and templates are about nobody.
///
/// # Errors
///
/// None in practice: the names of the providers are codes.
pub fn gate_rules(purpose: &Purpose, kinds: &[DataKind]) -> Result<GateRules, InvalidRequest> {
    let mut rules = GateRules::new();
    for provider in ["deepvue", "finpass", "finpro", "veriff"] {
        rules = rules.provider(ProviderName::new(provider)?, purpose.clone(), kinds.into());
    }
    // What is to be revoked is looked for first.
    for (provider, operation) in [
        ("finpro", "list-consents-v3"),
        ("finpro", "revoke-consent"),
        ("veriff", "delete-session"),
    ] {
        rules = rules.undoing(ProviderName::new(provider)?, operation, purpose.clone());
    }
    for operation in [
        "list-aggregators",
        "list-products",
        "fip-health",
        "list-fips",
    ] {
        rules = rules.impersonal(ProviderName::new("finpro")?, operation);
    }
    Ok(rules)
}

/// Writes that the person of a journey was asked for consent, unless that is written. A receipt comes after it: whoever writes one before
/// the journey's own entry is written calls this first.
///
/// # Errors
///
/// The store failed.
pub fn record_request(
    ledger: &ConsentLedger,
    journey: &JourneyId,
    subject: Subject,
    notice: &Notice,
) -> Result<(), LedgerError> {
    let ledger = ledger.once(&format!("{journey}:requested"));
    ledger.request(subject, notice)
}

/// Withdraws the receipt of a journey that never went on under it, unless another journey does.
///
/// # Errors
///
/// The store or the keys failed.
pub fn withdraw_unshared(ledger: &ConsentLedger, follower: &Follower) -> Result<(), LedgerError> {
    let followers = ledger.followers(follower.subject)?;
    let shared =
        |other: &Follower| other.name != follower.name && other.receipt == follower.receipt;
    match followers.iter().any(shared) {
        true => Ok(()),
        false => withdrawn(ledger, follower),
    }
}

/// Proves and records by a ledger of consent: for the calls of journeys that [follow](ConsentLedger::follow) a person there, each under
/// its own id.
///
/// Before a journey starts, note it with `follow`, without a receipt; once the person has agreed, record the receipt with
/// [`give_to`](ConsentLedger::give_to), and then submit [`ConsentGiven`](kyc_journey::Fact::ConsentGiven). A journey that the ledger does
/// not know makes no call.
#[derive(Debug, Clone)]
pub struct LedgerConsents {
    ledger: ConsentLedger,
    rules: GateRules,
    notice: Arc<Notice>,
}

impl LedgerConsents {
    /// By this ledger. The rules say what each operation needs, and the notice is the one that the persons of the journeys are shown.
    pub fn new(ledger: ConsentLedger, rules: GateRules, notice: Notice) -> Self {
        Self {
            ledger,
            rules,
            notice: Arc::new(notice),
        }
    }

    /// The gate for the clients that make the calls, by the same rules.
    pub fn gate(&self) -> LedgerGate {
        self.ledger.gate(self.rules.clone())
    }

    /// The ledger.
    pub fn ledger(&self) -> &ConsentLedger {
        &self.ledger
    }

    /// Writes, on a thread that may wait for the disk.
    async fn write(
        &self,
        effect: &EffectId,
        write: impl FnOnce(&Self) -> Result<(), LedgerError> + Send + 'static,
    ) -> Result<(), Undelivered> {
        let this = self.clone();
        let written = tokio::task::spawn_blocking(move || write(&this)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%effect, %error, "the ledger was not written");
                Err(Undelivered)
            }
            Err(_) => {
                tracing::error!(%effect, "writing the ledger ended early");
                Err(Undelivered)
            }
        }
    }

    /// Writes what a journey says, unless it is written under this id: to the ledger, or to what it is
    /// [within](ConsentLedger::within) a transaction of an engine that has both in one database. It waits for the store.
    ///
    /// # Errors
    ///
    /// The store or the keys failed.
    pub fn enter(
        &self,
        ledger: &ConsentLedger,
        id: &EffectId,
        entry: &LedgerEntry,
    ) -> Result<(), LedgerError> {
        let Some(follower) = ledger.follower(id.journey.as_str())? else {
            tracing::warn!(effect = %id, "the ledger does not know the journey, and its entry is not written");
            return Ok(());
        };
        let (once, subject) = (ledger.once(&id.to_string()), follower.subject);
        match entry {
            LedgerEntry::Requested => record_request(ledger, &id.journey, subject, &self.notice),
            LedgerEntry::Refused => {
                // Whoever recorded a receipt may have died before the journey heard of it.
                withdraw_unshared(ledger, &follower)?;
                once.refuse(subject, &self.notice)
            }
            LedgerEntry::Given { receipt } | LedgerEntry::Renewed { receipt } => {
                // It was recorded before the journey heard of it: a journey has no room for a receipt.
                let known = ledger.state(subject)?.receipts;
                let is_it = |id: &ReceiptId| id.to_string() == receipt.as_str();
                if !known.iter().any(|row| is_it(&row.id)) {
                    tracing::error!(effect = %id, "the receipt of a journey is not in the ledger");
                }
                Ok(())
            }
            LedgerEntry::Withdrawn => withdrawn(ledger, &follower),
            LedgerEntry::Expired => ledger.expire(subject).map(drop),
            LedgerEntry::Artefact { consent, digest } => {
                let Some(receipt) = follower.receipt else {
                    return Err(LedgerError::Unknown("receipt of this journey"));
                };
                let text = digest.as_deref().and_then(digest_of);
                let artefact = Artefact {
                    provider: finpro()?,
                    id: consent.as_str().to_owned(),
                    text,
                };
                once.record_artefact(subject, receipt, &artefact).map(drop)
            }
            LedgerEntry::ArtefactEnded { consent } => {
                ledger.end_artefact(subject, &finpro()?, consent.as_str())
            }
            LedgerEntry::Erased { class } => once.record_deletion(&follower, class_of(*class)),
            _ => {
                tracing::error!(effect = %id, "an entry of a journey has no form in the ledger");
                Ok(())
            }
        }
    }

    fn shown(&self, call: &ProviderCall<'_>) -> Result<Option<ConsentEvidence>, Unproved> {
        let needs = self.rules.needs(call.provider, call.operation);
        let (purpose, kinds) = match needs.ok_or(Unproved::NotCovered)? {
            Needs::Nothing => return Ok(None),
            Needs::Consent(purpose, kinds) => (purpose.clone(), kinds.clone()),
            Needs::ConsentOrWithdrawal(purpose) => (purpose.clone(), Vec::new()),
            _ => return Err(Unproved::NotCovered),
        };
        let follower = self.ledger.follower(call.effect.journey.as_str());
        let follower = follower.map_err(|error| {
            tracing::warn!(effect = %call.effect, %error, "the ledger was not read");
            Unproved::Unavailable
        })?;
        let need = ConsentNeed {
            subject: follower.ok_or(Unproved::NotCovered)?.subject,
            provider: ProviderName::new(call.provider).map_err(|_| Unproved::NotCovered)?,
            purpose,
            kinds,
        };
        if call.gives_back
            && let Ok(proof) = self.ledger.prove_withdrawal(&need)
        {
            return Ok(Some(ConsentEvidence::from(&proof)));
        }
        let proof = self.ledger.prove(&need).map_err(|error| {
            let (effect, operation) = (call.effect, call.operation);
            tracing::warn!(%effect, operation, %error, "no consent was proved");
            unproved(&error, call.gives_back)
        })?;
        Ok(Some(ConsentEvidence::from(&proof)))
    }
}

/// The person withdrew in the journey itself, or refused, or the ledger told the journey.
fn withdrawn(ledger: &ConsentLedger, follower: &Follower) -> Result<(), LedgerError> {
    let Some(receipt) = follower.receipt else {
        return Ok(());
    };
    let state = ledger.state(follower.subject)?;
    let is_it = |row: &&kyc_consent::ReceiptRow| row.id == receipt;
    let row = state.receipts.iter().find(is_it);
    // A legal duty is not withdrawn.
    if row.is_some_and(|row| row.rule.is_none() && row.ended.is_none()) {
        let channel = Code::new("journey")?;
        let scope = Scope::Receipt(receipt);
        ledger.withdraw(follower.subject, scope, &channel)?;
    }
    Ok(())
}

fn unproved(error: &NoConsent, gives_back: bool) -> Unproved {
    match &error.reason {
        NoConsentReason::Withdrawn if !gives_back => Unproved::Withdrawn,
        NoConsentReason::Expired if !gives_back => Unproved::Expired,
        NoConsentReason::Ending | NoConsentReason::Store(_) => Unproved::Unavailable,
        _ => Unproved::NotCovered,
    }
}

/// The one provider whose artefacts journeys know.
fn finpro() -> Result<ProviderName, InvalidRequest> {
    ProviderName::new("finpro")
}

fn digest_of(text: &str) -> Option<Digest> {
    let quoted = serde_json::Value::String(text.to_ascii_lowercase());
    serde_json::from_value(quoted).ok()
}

/// The class of the ledger's keys for a class of payloads.
pub(crate) const fn class_of(class: DataClass) -> Class {
    match class {
        DataClass::Documents => Class::Documents,
        DataClass::AccountData => Class::AccountData,
        DataClass::Evidence => Class::Evidence,
        // Links and codes; a class that is added later ends with what it is for, rather than never.
        _ => Class::Transient,
    }
}

#[async_trait]
impl Consents for LedgerConsents {
    async fn prove(&self, call: &ProviderCall<'_>) -> Result<Option<ConsentEvidence>, Unproved> {
        let (this, effect) = (self.clone(), call.effect.clone());
        let ProviderCall {
            provider,
            operation,
            gives_back,
            ..
        } = *call;
        let prove = move || {
            let call = ProviderCall::new(&effect, provider, operation);
            this.shown(&call.set_gives_back(gives_back))
        };
        // On a thread that may wait for a database.
        let shown = tokio::task::spawn_blocking(prove).await;
        shown.unwrap_or_else(|_| {
            tracing::error!(effect = %call.effect, operation, "proving a consent ended early");
            Err(Unproved::Unavailable)
        })
    }

    async fn used(
        &self,
        call: &ProviderCall<'_>,
        shown: &ConsentEvidence,
        outcome: &'static str,
    ) -> Result<(), Undelivered> {
        let (operation, shown) = (call.operation, shown.clone());
        self.write(call.effect, move |this| {
            this.ledger.record_use(shown, operation, outcome)
        })
        .await
    }
}

#[async_trait]
impl ConsentLog for LedgerConsents {
    async fn record(&self, id: &EffectId, entry: &LedgerEntry) -> Result<(), Undelivered> {
        let (of, entry) = (id.clone(), entry.clone());
        self.write(id, move |this| this.enter(&this.ledger, &of, &entry))
            .await
    }
}
