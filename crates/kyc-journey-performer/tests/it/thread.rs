//! Whole journeys: the machine, an engine, the runner, the performer, and the sandbox on its own clock.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kyc_journey::{
    AccountsPlan, Correlation, CorrelationToken, DataClass, DocumentKind, DocumentsPlan,
    EffectCall, EffectId, EffectKind, Event, EventKey, Fact, FinpassFlow, HistoryEntry, Journey,
    JourneyEngine as _, JourneyId, JourneyStatus, LedgerEntry, Leg, LegStatus, MemoryEngine,
    Notice, Performed, Performer, Plan, Provider, ReceiptId, Runner, Seq, Undelivered,
    VerificationPlan,
};
use kyc_journey_performer::{ProviderClients, Returns};
use kyc_sandbox::Sandbox;
use provider_core::capability::AggregatorId;
use provider_core::jiff::Timestamp;
use provider_core::{Clock, Idempotency, InvalidRequest, SystemClock};

use crate::people::Somebody;
use crate::performer;

/// The sandbox's clock.
#[derive(Debug)]
pub(crate) struct SandboxClock(pub(crate) Sandbox);

#[async_trait]
impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        self.0.now().try_into().unwrap()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        SystemClock.random()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Makes the calls, notes them, and takes every notice and entry.
#[derive(Debug)]
struct Noted {
    clients: ProviderClients,
    calls: Mutex<Vec<EffectCall>>,
    entries: Mutex<Vec<LedgerEntry>>,
}

#[async_trait]
impl Performer for Noted {
    async fn perform(&self, call: &EffectCall) -> Performed {
        self.calls.lock().unwrap().push(call.clone());
        self.clients.perform(call).await
    }

    async fn notify(&self, id: &EffectId, notice: &Notice) -> Result<(), Undelivered> {
        self.clients.notify(id, notice).await
    }

    async fn record(&self, _: &EffectId, entry: &LedgerEntry) -> Result<(), Undelivered> {
        self.entries.lock().unwrap().push(entry.clone());
        Ok(())
    }
}

/// A journey in memory, whose person follows the script of a mobile number.
struct Thread {
    sandbox: Sandbox,
    engine: Arc<MemoryEngine>,
    noted: Arc<Noted>,
    runner: Runner,
    id: JourneyId,
    commands: u32,
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").finish_non_exhaustive()
    }
}

impl Thread {
    /// A journey that has begun, with the person's consent.
    async fn begin(mobile: &str, plan: Plan) -> Self {
        let sandbox = Sandbox::default();
        let clock = Arc::new(SandboxClock(sandbox.clone()));
        let base = format!("https://lender.example.test/{mobile}");
        let somebody = Somebody::with_mobile(mobile, &base);
        let clients = performer(sandbox.transport(), somebody, clock.clone());
        let noted = Arc::new(Noted {
            clients,
            calls: Mutex::default(),
            entries: Mutex::default(),
        });
        let engine = Arc::new(MemoryEngine::new());
        let runner = Runner::new(engine.clone(), noted.clone()).with_clock(clock);
        let mut thread = Self {
            sandbox,
            engine,
            noted,
            runner,
            id: JourneyId::from_bits(17),
            commands: 0,
        };
        let token = CorrelationToken::from_bits(0x5eed);
        let plan = Box::new(plan);
        thread.submit(None, Fact::Start { plan, token }).await;
        let receipt = ReceiptId::parse("receipt-1").unwrap();
        let given = Fact::ConsentGiven {
            receipt,
            expires_at: None,
        };
        thread.submit(None, given).await;
        thread
    }

    fn now(&self) -> Timestamp {
        self.sandbox.now().try_into().unwrap()
    }

    async fn submit(&mut self, leg: Option<Leg>, fact: Fact) {
        self.commands = self.commands.saturating_add(1);
        let key = EventKey::command(&self.commands.to_string()).unwrap();
        let event = Event::new(key, self.now(), leg, fact);
        self.engine.submit(&self.id, event).await.unwrap();
    }

    async fn state(&self) -> Journey {
        self.engine.read(&self.id).await.unwrap().unwrap().state
    }

    async fn history(&self) -> Vec<HistoryEntry> {
        self.engine.history(&self.id, Seq::ZERO).await.unwrap()
    }

    fn calls(&self) -> Vec<EffectCall> {
        self.noted.calls.lock().unwrap().clone()
    }

    /// The events of the person's browser, which has come back from what the journey opened.
    async fn come_back(&self) {
        let state = self.state().await;
        let token = *state.token().unwrap();
        for reference in state.references() {
            let (leg, id) = (reference.leg, reference.id.as_str());
            let url = match reference.provider {
                Provider::Deepvue => self.sandbox.digilocker_return(id),
                Provider::FinPro | Provider::Finpass => self.sandbox.consent_return_url(id),
                Provider::Veriff => None,
            };
            let attempt = state.leg(leg).unwrap().attempt;
            let correlation = Correlation {
                token,
                leg,
                attempt,
            };
            let event = url.and_then(|url| {
                Returns::new().event(reference.provider, correlation, &url, self.now())
            });
            if let Some(event) = event {
                self.engine.submit(&self.id, event).await.unwrap();
            }
        }
    }

    /// Lets time pass until the condition holds, or nothing waits any more.
    async fn until(&self, done: impl Fn(&Journey) -> bool) -> Journey {
        let mut step = Duration::from_secs(30);
        loop {
            let next = self.runner.run_until_idle().await.unwrap();
            self.come_back().await;
            let next = self.runner.run_until_idle().await.unwrap().or(next);
            let state = self.state().await;
            let Some(next) = next else { return state };
            if done(&state) {
                return state;
            }
            let wait = next.duration_since(self.now()).unsigned_abs();
            self.sandbox.advance(wait.min(step)).await;
            step = step.mul_f64(1.1).min(Duration::from_secs(3600));
        }
    }

    async fn until_ended(&self) -> Journey {
        self.until(|state| state.status().is_end()).await
    }

    /// What is kept of these classes.
    async fn kept(&self) -> BTreeSet<DataClass> {
        let mut kept = BTreeSet::new();
        for entry in self.history().await {
            let payload = self.engine.payload(&self.id, entry.seq).await.unwrap();
            kept.extend(payload.map(|payload| payload.class));
        }
        kept
    }
}

/// Documents, then accounts at this provider, and a verification beside them.
pub(crate) fn three_legs(provider: Provider) -> Plan {
    let wanted = [DocumentKind::EAadhaar, DocumentKind::Pan];
    let aggregators = ["finvu", "onemoney"].map(|id| AggregatorId::parse(id).unwrap());
    let mut accounts = AccountsPlan::new(provider).set_after([Leg::Documents]);
    if provider == Provider::FinPro {
        accounts = accounts.set_aggregators(aggregators);
    }
    Plan::new()
        .set_documents(Some(DocumentsPlan::new(wanted)))
        .set_accounts(Some(accounts))
        .set_verification(Some(VerificationPlan::new()))
}

fn statuses(state: &Journey) -> [LegStatus; 3] {
    [Leg::Documents, Leg::Accounts, Leg::Verification].map(|leg| state.leg_status(leg))
}

/// No unsafe call was made twice, and each was asked for by the history.
async fn assert_once(thread: &Thread) {
    let calls = thread.calls();
    let mut seen = BTreeSet::new();
    for call in &calls {
        let is_unsafe = call.operation.idempotency() == Idempotency::Unsafe;
        let is_new = seen.insert(call.id.to_string());
        assert!(is_new || !is_unsafe, "{call:?}");
    }
    let history = thread.history().await;
    let asked = history.iter().flat_map(|entry| &entry.effects);
    let asked: BTreeSet<_> = asked
        .filter(|effect| matches!(effect.kind, EffectKind::Call(_)))
        .map(|effect| effect.id.to_string())
        .collect();
    assert!(seen.is_subset(&asked));
}

#[tokio::test(start_paused = true)]
async fn a_person_who_approves_completes_three_legs() {
    for provider in [Provider::FinPro, Provider::Finpass] {
        let thread = Thread::begin("9001000000", three_legs(provider)).await;
        let state = thread.until_ended().await;
        assert_eq!(state.status(), JourneyStatus::Completed, "{provider:?}");
        assert_eq!(statuses(&state), [LegStatus::Ready; 3], "{provider:?}");
        assert_once(&thread).await;
        // What is over is erased, what was asked for is there.
        let kept = thread.kept().await;
        for class in [
            DataClass::Documents,
            DataClass::AccountData,
            DataClass::Evidence,
        ] {
            assert!(kept.contains(&class), "{provider:?} {class:?}: {kept:?}");
        }
        let session = state.references();
        let session = session
            .iter()
            .find(|reference| reference.leg == Leg::Verification);
        let consents = thread.sandbox.consents(session.unwrap().id.as_str());
        assert_eq!(consents.len(), 1, "{provider:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn finpass_monitors_and_analyses() {
    for flow in [FinpassFlow::Monitoring, FinpassFlow::Analyzer] {
        let accounts = AccountsPlan::new(Provider::Finpass).set_flow(flow);
        let plan = Plan::new().set_accounts(Some(accounts));
        let thread = Thread::begin("9001000000", plan).await;
        let state = thread.until_ended().await;
        assert_eq!(state.status(), JourneyStatus::Completed, "{flow:?}");
        assert_once(&thread).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_who_denies_is_rejected() {
    for provider in [Provider::FinPro, Provider::Finpass] {
        let thread = Thread::begin("9001030000", three_legs(provider)).await;
        let state = thread.until_ended().await;
        assert_eq!(state.status(), JourneyStatus::Rejected, "{provider:?}");
        assert_eq!(statuses(&state)[0], LegStatus::Rejected, "{provider:?}");
        assert_once(&thread).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_who_declines_at_one_place_is_rejected_there() {
    let accounts = AccountsPlan::new(Provider::FinPro);
    let plan = Plan::new().set_accounts(Some(accounts));
    let thread = Thread::begin("9001030000", plan).await;
    let state = thread.until_ended().await;
    assert_eq!(state.status(), JourneyStatus::Rejected);
    assert_eq!(state.leg(Leg::Accounts).unwrap().phase, "rejected");

    let verification = VerificationPlan::new();
    let plan = Plan::new().set_verification(Some(verification));
    let thread = Thread::begin("9001030000", plan).await;
    let state = thread.until_ended().await;
    assert_eq!(state.status(), JourneyStatus::Rejected);
    assert_eq!(state.leg(Leg::Verification).unwrap().phase, "declined");
}

/// Somebody who never comes is asked again, and is not lost: the same person can go on by the same link later.
#[tokio::test(start_paused = true)]
async fn a_person_who_does_not_come_is_waited_for() {
    let thread = Thread::begin("9001060000", three_legs(Provider::FinPro)).await;
    let waits = |state: &Journey| state.status() == JourneyStatus::NeedsPerson;
    let state = thread.until(waits).await;
    assert_eq!(state.status(), JourneyStatus::NeedsPerson);
    assert_eq!(statuses(&state)[0], LegStatus::NeedsPerson);
    let history = thread.history().await;
    let reminds = |entry: &HistoryEntry| {
        let mut effects = entry.effects.iter();
        let reminder = Notice::Reminder {
            leg: Leg::Documents,
        };
        effects.any(|effect| effect.kind == EffectKind::Notify(reminder.clone()))
    };
    assert_eq!(history.iter().filter(|entry| reminds(entry)).count(), 1);
    // Nobody comes, and the journey ends with its time.
    let state = thread.until_ended().await;
    assert_eq!(state.status(), JourneyStatus::Expired);
    assert_once(&thread).await;
}

/// After a withdrawal nothing begins but what gives something back.
#[tokio::test(start_paused = true)]
async fn a_withdrawal_in_the_middle_stops_every_leg_and_erases_what_was_fetched() {
    let mut thread = Thread::begin("9001000000", three_legs(Provider::FinPro)).await;
    let is_consented = |state: &Journey| {
        state
            .leg(Leg::Accounts)
            .is_some_and(|leg| leg.phase == "waiting")
    };
    let state = thread.until(is_consented).await;
    assert_eq!(state.status(), JourneyStatus::Running);
    assert!(thread.kept().await.contains(&DataClass::Documents));
    let before = thread.calls().len();
    thread.submit(None, Fact::Withdrawn).await;
    let state = thread.until_ended().await;
    assert_eq!(state.status(), JourneyStatus::Withdrawn);
    let calls = thread.calls();
    let after: Vec<_> = calls[before..]
        .iter()
        .map(|call| call.operation.name())
        .collect();
    assert!(
        calls[before..]
            .iter()
            .all(|call| !call.operation.needs_consent()),
        "{after:?}"
    );
    assert!(after.contains(&"revoke-consent"), "{after:?}");
    assert_eq!(thread.kept().await, BTreeSet::new());
    let entries = thread.noted.entries.lock().unwrap().clone();
    assert!(entries.contains(&LedgerEntry::Withdrawn), "{entries:?}");
    // A week later still nothing.
    thread
        .sandbox
        .advance(Duration::from_secs(7 * 24 * 3600))
        .await;
    thread.until(|_| false).await;
    let late = &thread.calls()[before..];
    assert!(late.iter().all(|call| !call.operation.needs_consent()));
}
