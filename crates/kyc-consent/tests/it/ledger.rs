//! What is recorded, proved, withdrawn, held.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use kyc_consent::{
    Artefact, Change, Class, ConsentLedger, ConsentProof, Detail, Digest, Effect, EndReason, Entry,
    EntryKind, Follower, GateRules, Ground, Head, KeptBy, LedgerError, LedgerGate, LedgerStore,
    MemoryStore, NoConsentReason, Receipt, ReceiptRow, Rule, Scope, StoreError, Subject,
    SubjectState, Term,
};
use provider_core::{ConsentEvidence, ConsentGate as _, GatedCall, Idempotency, Operation};

use crate::support::{
    Moved, YEAR, after, code, consenting, kinds, ledger, memory_keys, mobile, need, notice,
    provider, purpose, terms,
};

const ORDER: Operation = Operation::new("order", "POST /v1/orders", Idempotency::Repeatable);

fn gate(ledger: &ConsentLedger) -> LedgerGate {
    let rules = GateRules::new().provider(provider("toy"), purpose(), kinds());
    ledger.gate(rules)
}

fn admits(gate: &LedgerGate, proof: &ConsentProof, now: i64) -> bool {
    let shown = ConsentEvidence::from(proof);
    let call = GatedCall::new("toy", &ORDER, after(now));
    gate.admit(&call.showing(&shown)).is_ok()
}

fn kinds_of(ledger: &ConsentLedger, subject: Subject) -> Vec<EntryKind> {
    let history = ledger.history(subject).unwrap();
    history.into_iter().map(|(entry, _)| entry.kind).collect()
}

#[test]
fn a_consent_is_recorded_from_its_request_to_its_use_and_the_chain_fits() {
    let (ledger, _) = ledger();
    let subject = ledger.subject(&mobile()).unwrap();
    ledger.request(subject, &notice()).unwrap();
    let receipt = Receipt::new(subject, terms()).unwrap();
    ledger.give(&receipt).unwrap();
    ledger.give(&receipt).unwrap();
    let proof = ledger.prove(&need(subject)).unwrap();
    ledger.record_use(&proof, "order", "ok").unwrap();
    let history = ledger.history(subject).unwrap();
    let says: Vec<_> = history
        .iter()
        .map(|(_, says)| says.clone().unwrap())
        .collect();
    assert!(
        matches!(&says[0], Detail::Requested { notice } if notice == &("loan".to_owned(), "3".to_owned()))
    );
    assert_eq!(says[1], Detail::Given(Box::new(receipt.clone())));
    assert!(
        matches!(&says[2], Detail::Used(used) if used.operation == "order" && used.outcome == "ok")
    );
    assert_eq!(says.len(), 3, "the same receipt is given once");
    assert_eq!(history[2].0.receipt, Some(receipt.id()));
    assert_eq!(ledger.receipt(subject, receipt.id()).unwrap(), receipt);
    assert_eq!(ledger.verify(&[]).unwrap(), ledger.head().unwrap());
    assert_eq!(ledger.head().unwrap().seq, 3);
    let record = ledger.consent_record(subject, receipt.id(), "https://lender.example.test/c/");
    assert_eq!(
        record.unwrap()["dpv:hasConsentStatus"][0]["@type"],
        "dpv:ConsentGiven"
    );
}

#[test]
fn a_proof_says_on_what_it_rests_and_for_how_long() {
    let (ledger, clock) = ledger();
    let (subject, receipt) = consenting(&ledger);
    let proof = ledger.prove(&need(subject)).unwrap();
    assert_eq!(proof.ground(), &Ground::Consent(receipt.id()));
    assert_eq!((proof.valid_until(), proof.epoch()), (after(60), 0));
    assert!(!format!("{proof:?}").contains(&subject.to_string()));
    clock.by(YEAR - 10);
    // Not longer than the consent.
    assert_eq!(
        ledger.prove(&need(subject)).unwrap().valid_until(),
        after(YEAR)
    );
    clock.by(10);
    let error = ledger.prove(&need(subject)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "purpose loan-underwriting: consent has expired"
    );
    let stranger = Subject::random().unwrap();
    let error = ledger.prove(&need(stranger)).unwrap_err();
    assert_eq!(error.reason, NoConsentReason::NeverGiven);
}

#[test]
fn whatever_is_covered_is_proved_at_once_and_the_gate_finds_the_one_that_fits() {
    let (ledger, clock) = ledger();
    let (subject, _) = consenting(&ledger);
    let rules = || {
        let rules = GateRules::new().provider(provider("toy"), purpose(), kinds());
        let rules = rules.provider(provider("finpro"), purpose(), kinds());
        rules.provider(provider("somebody"), purpose(), kinds())
    };
    let proofs = ledger.prove_each(subject, &rules()).unwrap();
    // Nobody agreed that somebody receives data.
    assert_eq!(proofs.iter().count(), 2);
    let gate = ledger.gate(rules());
    let admits = |proofs, name, now| {
        let shown = ConsentEvidence::from(proofs);
        let call = GatedCall::new(name, &ORDER, after(now));
        gate.admit(&call.showing(&shown))
            .map_err(|missing| missing.reason().to_owned())
    };
    assert_eq!(admits(&proofs, "toy", 0), Ok(()));
    assert_eq!(admits(&proofs, "finpro", 0), Ok(()));
    let error = admits(&proofs, "somebody", 0).unwrap_err();
    assert_eq!(error, "the proof is for another provider");
    let error = admits(&proofs, "toy", 60).unwrap_err();
    assert_eq!(error, "the proof is too old; prove it again");
    ledger.record_use_at("toy", &proofs, "order", "ok").unwrap();
    ledger
        .record_use_at("somebody", &proofs, "order", "ok")
        .unwrap_err();
    let history = ledger.history(subject).unwrap();
    assert!(matches!(&history[1].1, Some(Detail::Used(used)) if used.provider == provider("toy")));
    clock.by(YEAR);
    let error = ledger.prove_each(subject, &rules()).unwrap_err();
    assert_eq!(error.reason, NoConsentReason::Expired);
    let nothing = ledger.prove_each(subject, &GateRules::new()).unwrap();
    assert!(admits(&nothing, "toy", 0).is_err());
}

#[test]
fn a_refusal_is_an_entry_and_no_consent() {
    let (ledger, _) = ledger();
    let subject = ledger.subject(&mobile()).unwrap();
    ledger.request(subject, &notice()).unwrap();
    ledger.refuse(subject, &notice()).unwrap();
    assert_eq!(
        kinds_of(&ledger, subject),
        [EntryKind::Requested, EntryKind::Refused]
    );
    assert_eq!(
        ledger.prove(&need(subject)).unwrap_err().reason,
        NoConsentReason::NeverGiven
    );
}

#[test]
fn a_withdrawal_ends_consent_and_every_proof_and_says_what_follows() {
    let (ledger, clock) = ledger();
    let (subject, receipt) = consenting(&ledger);
    let artefact = Artefact {
        provider: provider("finpro"),
        id: "made-up-artefact".to_owned(),
        text: Some(Digest::of(b"signed")),
    };
    let entry = ledger
        .record_artefact(subject, receipt.id(), &artefact)
        .unwrap();
    assert_eq!(ledger.artefact(entry).unwrap(), artefact);
    for class in [Class::AccountData, Class::Documents, Class::Identity] {
        ledger.keys().data_key(subject, class, after(0)).unwrap();
    }
    let hold = ledger
        .hold(
            subject,
            Class::Documents,
            code("court-order"),
            code("legal-team"),
            Some(after(YEAR)),
        )
        .unwrap();
    let proof = ledger.prove(&need(subject)).unwrap();
    let gate = gate(&ledger);
    assert!(admits(&gate, &proof, 0));
    clock.by(1);
    let withdrawal = ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert!(!admits(&gate, &proof, 1));
    assert_eq!(
        ledger.prove(&need(subject)).unwrap_err().reason,
        NoConsentReason::Withdrawn
    );
    assert_eq!(
        (withdrawal.receipts.clone(), withdrawal.epoch),
        (vec![receipt.id()], 1)
    );
    assert_eq!(
        withdrawal.effects,
        [
            Effect::Revoke {
                provider: provider("finpro"),
                receipt: receipt.id(),
                entry
            },
            Effect::Delete {
                provider: provider("finpro")
            },
            Effect::Delete {
                provider: provider("toy")
            },
            Effect::Erase {
                classes: vec![Class::AccountData]
            },
            Effect::Confirm {
                receipts: vec![receipt.id()],
                at: after(1)
            },
        ]
    );
    let kept: Vec<_> = withdrawal
        .kept
        .iter()
        .map(|kept| (kept.class, kept.by.clone()))
        .collect();
    let by_hold = KeptBy::Hold {
        id: hold.id,
        reason: hold.reason,
        by: hold.by,
    };
    assert_eq!(
        kept,
        [
            (Class::Ledger, KeptBy::Term(Term::ConsentRecord)),
            (Class::Identity, KeptBy::Term(Term::Pmla)),
            (Class::Documents, by_hold),
        ]
    );
    // What follows is data, survives as data, and is the same after a crash.
    let json = serde_json::to_string(&withdrawal).unwrap();
    assert_eq!(
        serde_json::from_str::<kyc_consent::Withdrawal>(&json).unwrap(),
        withdrawal
    );
    assert_eq!(ledger.aftermath(subject).unwrap(), withdrawal);
    let again = ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert_eq!(
        (again.receipts, again.epoch),
        (vec![], 1),
        "there is nothing left to withdraw"
    );
    assert_eq!(again.effects, withdrawal.effects);
    ledger.release(subject, hold.id).unwrap();
    let later = ledger.aftermath(subject).unwrap();
    assert!(later.effects.contains(&Effect::Erase {
        classes: vec![Class::AccountData, Class::Documents]
    }));
    assert!(matches!(
        ledger.release(subject, hold.id),
        Err(LedgerError::Unknown("hold"))
    ));
    ledger.verify(&[]).unwrap();
}

#[test]
fn a_withdrawal_does_not_touch_a_legal_duty() {
    let (ledger, _) = ledger();
    let (subject, consent) = consenting(&ledger);
    let rule = Rule::new("pmla-rule-9").unwrap();
    let mut duty = terms();
    duty.basis = kyc_consent::Basis::LegalDuty(rule.clone());
    duty.recipients.truncate(1);
    let duty = Receipt::new(subject, duty).unwrap();
    ledger.give(&duty).unwrap();
    let error = ledger
        .withdraw(subject, Scope::Receipt(duty.id()), &code("app"))
        .unwrap_err();
    assert_eq!(error.to_string(), "a legal duty cannot be withdrawn");
    let withdrawal = ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert_eq!(withdrawal.receipts, [consent.id()]);
    let mut need = need(subject);
    assert_eq!(
        ledger.prove(&need).unwrap_err().reason,
        NoConsentReason::OtherProvider
    );
    need.provider = provider("finpro");
    let proof = ledger.prove(&need).unwrap();
    assert_eq!(proof.ground(), &Ground::LegalDuty(duty.id(), rule));
    assert_eq!(proof.epoch(), 1);
    // What the duty rests on stays with its provider.
    let deleted = |provider| Effect::Delete { provider };
    assert!(!withdrawal.effects.contains(&deleted(provider("finpro"))));
    assert!(withdrawal.effects.contains(&deleted(provider("toy"))));
}

#[test]
fn withdrawing_one_receipt_keeps_what_another_consent_still_rests_on() {
    let (ledger, _) = ledger();
    let (subject, first) = consenting(&ledger);
    let second = Receipt::new(subject, terms()).unwrap();
    ledger.give(&second).unwrap();
    ledger
        .keys()
        .data_key(subject, Class::AccountData, after(0))
        .unwrap();
    let proof = ledger.prove(&need(subject)).unwrap();
    let withdrawal = ledger
        .withdraw(subject, Scope::Receipt(first.id()), &code("app"))
        .unwrap();
    assert_eq!(
        withdrawal.effects.len(),
        1,
        "only the confirmation: {:?}",
        withdrawal.effects
    );
    let live = withdrawal
        .kept
        .iter()
        .find(|kept| kept.class == Class::AccountData)
        .unwrap();
    assert_eq!(
        (live.by.clone(), live.until),
        (KeptBy::LiveReceipt, Some(after(YEAR)))
    );
    // A proof of before does not count; a new one does.
    assert!(!admits(&gate(&ledger), &proof, 0));
    let proof = ledger.prove(&need(subject)).unwrap();
    assert_eq!(proof.ground(), &Ground::Consent(second.id()));
    assert!(admits(&gate(&ledger), &proof, 0));
    let stranger = Subject::random().unwrap();
    let error = ledger.withdraw(stranger, Scope::Receipt(second.id()), &code("app"));
    assert!(
        matches!(error, Err(LedgerError::Unknown(_))),
        "somebody else's receipt"
    );
}

#[test]
fn a_withdrawal_is_proved_for_what_undoes_something() {
    let (ledger, _) = ledger();
    let (subject, receipt) = consenting(&ledger);
    let error = ledger.prove_withdrawal(&need(subject)).unwrap_err();
    assert_eq!(error.reason, NoConsentReason::NothingWithdrawn);
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    let proof = ledger.prove_withdrawal(&need(subject)).unwrap();
    assert_eq!(proof.ground(), &Ground::Withdrawal(receipt.id()));
    assert!(!admits(&gate(&ledger), &proof, 0), "it is no consent");
    let rules = GateRules::new().undoing(provider("toy"), "order", purpose());
    assert!(admits(&ledger.gate(rules), &proof, 0));
}

#[test]
fn a_renewal_ends_the_earlier_receipt() {
    let (ledger, clock) = ledger();
    let (subject, first) = consenting(&ledger);
    clock.by(10);
    let second = Receipt::new(subject, terms()).unwrap();
    ledger.renew(first.id(), &second).unwrap();
    ledger.renew(first.id(), &second).unwrap();
    assert_eq!(
        kinds_of(&ledger, subject),
        [EntryKind::Given, EntryKind::Renewed]
    );
    let state = ledger.state(subject).unwrap();
    assert_eq!(
        state.receipts[0].ended,
        Some((after(10), EndReason::Renewed))
    );
    assert_eq!(
        ledger.prove(&need(subject)).unwrap().ground(),
        &Ground::Consent(second.id())
    );
    assert_eq!(ledger.receipt(subject, second.id()).unwrap(), second);
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    let third = Receipt::new(subject, terms()).unwrap();
    assert!(matches!(
        ledger.renew(second.id(), &third),
        Err(LedgerError::State(_))
    ));
    assert!(matches!(
        ledger.renew(third.id(), &third),
        Err(LedgerError::Unknown(_))
    ));
}

#[test]
fn what_has_expired_is_recorded_once() {
    let (ledger, clock) = ledger();
    let (subject, receipt) = consenting(&ledger);
    assert_eq!(ledger.expire(subject).unwrap(), []);
    clock.by(YEAR);
    assert_eq!(ledger.expire(subject).unwrap(), [receipt.id()]);
    assert_eq!(ledger.expire(subject).unwrap(), []);
    assert_eq!(
        kinds_of(&ledger, subject),
        [EntryKind::Given, EntryKind::Expired]
    );
}

/// A store that does something once a change was written, or fails instead.
#[derive(Debug)]
struct Watched {
    inner: MemoryStore,
    fails: AtomicBool,
    is_silent: AtomicBool,
    conflicts: AtomicBool,
    then: OnceLock<Box<dyn Then>>,
}

trait Then: std::fmt::Debug + Send + Sync {
    fn written(&self, change: &Change);
}

impl Watched {
    fn ledger() -> (Arc<Self>, ConsentLedger) {
        let store = Arc::new(Self {
            inner: MemoryStore::new().unwrap(),
            fails: AtomicBool::new(false),
            is_silent: AtomicBool::new(false),
            conflicts: AtomicBool::new(false),
            then: OnceLock::new(),
        });
        let clock = Arc::new(Moved::default());
        let ledger = ConsentLedger::open_with_clock(store.clone(), memory_keys(), clock).unwrap();
        (store, ledger)
    }
}

impl LedgerStore for Watched {
    fn head(&self) -> Result<Head, StoreError> {
        self.inner.head()
    }

    fn subject(&self, subject: Subject) -> Result<SubjectState, StoreError> {
        self.inner.subject(subject)
    }

    fn receipts(&self, subject: Subject) -> Result<(u64, Vec<ReceiptRow>), StoreError> {
        match self.is_silent.load(Ordering::SeqCst) {
            true => Err(StoreError::Failed("no answer".to_owned())),
            false => self.inner.receipts(subject),
        }
    }

    fn commit(&self, change: &Change) -> Result<(), StoreError> {
        if self.conflicts.swap(false, Ordering::SeqCst) {
            return Err(StoreError::Conflict);
        }
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Failed("disk full".to_owned()));
        }
        self.inner.commit(change)?;
        if let Some(then) = self.then.get() {
            then.written(change);
        }
        Ok(())
    }

    fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries(after, limit)
    }

    fn entries_of(&self, subject: Subject) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries_of(subject)
    }

    fn persons(&self) -> Result<u64, StoreError> {
        self.inner.persons()
    }

    fn written(&self, source: &Digest) -> Result<Option<u64>, StoreError> {
        self.inner.written(source)
    }

    fn follower(&self, name: &str) -> Result<Option<Follower>, StoreError> {
        self.inner.follower(name)
    }

    fn followers(&self, subject: Subject) -> Result<Vec<Follower>, StoreError> {
        self.inner.followers(subject)
    }

    fn untold(&self, after: &str, limit: usize) -> Result<Vec<Follower>, StoreError> {
        self.inner.untold(after, limit)
    }
}

#[test]
fn a_withdrawal_that_was_not_written_changes_nothing_but_old_proofs() {
    let (store, ledger) = Watched::ledger();
    let (subject, _) = consenting(&ledger);
    let before = ledger.state(subject).unwrap();
    let proof = ledger.prove(&need(subject)).unwrap();
    store.fails.store(true, Ordering::SeqCst);
    let error = ledger
        .withdraw(subject, Scope::All, &code("app"))
        .unwrap_err();
    assert_eq!(error.to_string(), "the store failed: disk full");
    assert_eq!(
        (ledger.state(subject).unwrap(), ledger.head().unwrap().seq),
        (before, 1)
    );
    // Nobody knows whether it was written, so what was proved before does not count.
    assert!(!admits(&gate(&ledger), &proof, 0));
    store.fails.store(false, Ordering::SeqCst);
    assert!(admits(
        &gate(&ledger),
        &ledger.prove(&need(subject)).unwrap(),
        0
    ));
}

#[test]
fn without_an_answer_from_the_store_nothing_is_proved() {
    let (store, ledger) = Watched::ledger();
    let (subject, _) = consenting(&ledger);
    store.is_silent.store(true, Ordering::SeqCst);
    let error = ledger.prove(&need(subject)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "purpose loan-underwriting: the ledger did not answer: the store failed: no answer"
    );
}

#[test]
fn what_somebody_else_wrote_meanwhile_is_planned_around() {
    let (store, ledger) = Watched::ledger();
    let (subject, receipt) = consenting(&ledger);
    store.conflicts.store(true, Ordering::SeqCst);
    let withdrawal = ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert_eq!(withdrawal.receipts, [receipt.id()]);
    ledger.verify(&[]).unwrap();
}

#[test]
fn from_the_moment_a_withdrawal_is_written_no_call_begins() {
    /// Asks at the moment after the commit, before anybody else can.
    #[derive(Debug)]
    struct Ask(ConsentLedger, ConsentProof, Arc<AtomicBool>);
    impl Then for Ask {
        fn written(&self, change: &Change) {
            if change.ended.is_empty() {
                return;
            }
            let Self(ledger, proof, asked) = self;
            assert!(!admits(&gate(ledger), proof, 0));
            let error = ledger.prove(proof.need()).unwrap_err();
            assert_eq!(error.reason, NoConsentReason::Ending);
            asked.store(true, Ordering::SeqCst);
        }
    }
    let (store, ledger) = Watched::ledger();
    let (subject, _) = consenting(&ledger);
    let proof = ledger.prove(&need(subject)).unwrap();
    let asked = Arc::new(AtomicBool::new(false));
    let ask = Ask(ledger.clone(), proof, Arc::clone(&asked));
    store.then.set(Box::new(ask)).unwrap();
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert!(asked.load(Ordering::SeqCst));
}

#[test]
fn several_threads_append_one_chain() {
    let (ledger, _) = ledger();
    std::thread::scope(|scope| {
        for last in 0..4 {
            let ledger = &ledger;
            scope.spawn(move || {
                let mobile = provider_core::Mobile::parse(&format!("900000001{last}")).unwrap();
                let subject = ledger.subject(&mobile).unwrap();
                for _ in 0..25 {
                    ledger.request(subject, &notice()).unwrap();
                }
            });
        }
    });
    assert_eq!(ledger.verify(&[]).unwrap().seq, 100);
}
