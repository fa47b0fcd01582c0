//! No call without a consent: whole journeys over the sandbox, with a ledger and a gate.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::ThreadId;
use std::time::Duration;

use async_trait::async_trait;
use kyc_consent::{
    Basis, Class, Code, ConsentLedger, DataKind, Detail, EntryKind, ErasureOrder, ErasureReason,
    Keys, MemoryKeyStore, MemoryKeyWrapper, MemoryStore, NoConsentReason, Party, ProviderName,
    Purpose, Receipt, Recipient, Scope, Subject, Terms,
};
use kyc_journey::testing::ClearText;
use kyc_journey::{
    AccountsPlan, Correlation, CorrelationToken, DataClass, EffectCall, EffectId, EngineError,
    EngineErrorKind, Event, EventKey, Fact, Failure, HistoryEntry, Journey, JourneyEngine,
    JourneyFilter, JourneyId, JourneyPage, JourneyRecord, JourneyStatus, LedgerEntry, Leg,
    LegStatus, MemoryEngine, Operation, PageToken, Payload, Performer as _, Place, Plan, Provider,
    ReceiptId, Reported, Runner, SealError, Sealer, Seq, Submitted, VerificationPlan,
};
use kyc_journey_performer::{
    ConsentLog as _, Consents, LedgerConsents, NotWithdrawn, PersonSealer, ProviderCall, Returns,
    Unproved, Withdrawals, gate_rules,
};
use kyc_sandbox::{Sandbox, SandboxTransport};
use provider_core::http::Request;
use provider_core::jiff::{SignedDuration, Timestamp};
use provider_core::{
    Body, Clock, ConsentEvidence, ConsentGate, ExchangeLimits, InvalidRequest, Mobile, RawResponse,
    SystemClock, Transport, TransportError,
};

use crate::people::Somebody;
use crate::thread::{SandboxClock, three_legs};
use crate::{correlation, gated_performer, reference};

const APPROVES: &str = "9001000000";
const ALL: [&str; 4] = ["deepvue", "finpass", "finpro", "veriff"];

fn purpose() -> Purpose {
    Purpose::new("kyc").unwrap()
}

fn kinds() -> Vec<DataKind> {
    vec![DataKind::new("identity-document").unwrap()]
}

fn party(name: &str) -> Party {
    Party {
        id: format!("https://{name}.example.test"),
        name: name.to_owned(),
        address: "1 Made-up Road, Mumbai".to_owned(),
        contact: format!("privacy@{name}.example.test"),
    }
}

fn notice() -> kyc_consent::Notice {
    let items = kyc_consent::NoticeItems {
        data: vec![(kinds().remove(0), "your documents".to_owned())],
        purposes: vec![(purpose(), "to know who you are".to_owned())],
        service: "a loan".to_owned(),
        withdraw: "https://lender.example.test/withdraw".to_owned(),
        rights: "https://lender.example.test/rights".to_owned(),
        complain: "https://board.example.test/complain".to_owned(),
    };
    kyc_consent::Notice::new("kyc", "1", "en", "We read your documents.", items).unwrap()
}

fn receipt(subject: Subject, now: Timestamp, recipients: &[&str]) -> Receipt {
    let recipient = |name: &&str| Recipient {
        provider: ProviderName::new(name).unwrap(),
        party: party(name),
    };
    let terms = Terms {
        notice: notice(),
        purposes: vec![purpose()],
        kinds: kinds(),
        controller: party("lender"),
        recipients: recipients.iter().map(recipient).collect(),
        storage_locations: vec!["IN".to_owned()],
        retention: "P1Y".to_owned(),
        channel: Code::new("app").unwrap(),
        given_at: now,
        expires_at: now
            .checked_add(SignedDuration::from_hours(24 * 90))
            .unwrap(),
        basis: Basis::Consent,
    };
    Receipt::new(subject, terms).unwrap()
}

/// Notes on which threads the time is asked for, as a proof asks.
#[derive(Debug, Default)]
struct Threads(Mutex<Vec<ThreadId>>);

#[async_trait]
impl Clock for Threads {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().push(std::thread::current().id());
        Timestamp::UNIX_EPOCH
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        SystemClock.random()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A ledger may lie in a database elsewhere, and whoever proves waits for it: the calls of others must go on meanwhile.
#[tokio::test]
async fn a_proof_holds_up_no_thread_of_the_runtime() {
    let wrapper = MemoryKeyWrapper::new().unwrap();
    let keys = Keys::new(Arc::new(MemoryKeyStore::new()), Arc::new(wrapper));
    let store = Arc::new(MemoryStore::new().unwrap());
    let threads = Arc::new(Threads::default());
    let ledger = ConsentLedger::open_with_clock(store, keys, threads.clone()).unwrap();
    let subject = ledger.subject(&Mobile::parse(APPROVES).unwrap()).unwrap();
    let id = JourneyId::from_bits(17);
    let receipt = receipt(subject, Timestamp::UNIX_EPOCH, &ALL);
    ledger.give(&receipt).unwrap();
    ledger
        .follow(id.as_str(), subject, Some(receipt.id()))
        .unwrap();
    let rules = gate_rules(&purpose(), &kinds()).unwrap();
    let consents = LedgerConsents::new(ledger, rules, notice());
    let effect = EffectId {
        journey: id,
        seq: Seq::new(1),
        ordinal: 0,
    };
    threads.0.lock().unwrap().clear();
    let call = ProviderCall::new(&effect, "veriff", "create-session");
    assert!(consents.prove(&call).await.unwrap().is_some());
    let asked = threads.0.lock().unwrap().clone();
    let here = std::thread::current().id();
    assert!(!asked.is_empty() && !asked.contains(&here), "{asked:?}");
}

/// The sandbox's transport, which notes whether a consent of the person had ended when a request was sent, and does something while
/// the one of a number is under way.
#[derive(Debug)]
struct Watching {
    inner: SandboxTransport,
    ledger: ConsentLedger,
    subject: Subject,
    sent: Mutex<Vec<(String, bool)>>,
    at: AtomicUsize,
    then: OnceLock<(Withdrawals, Scope)>,
}

/// The same one for every client, and for the test.
#[derive(Debug, Clone)]
struct Shared(Arc<Watching>);

#[async_trait]
impl Transport for Shared {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let is_over = self.0.ledger.state(self.0.subject).unwrap().epoch > 0;
        let line = format!("{} {}", request.method(), request.uri().path());
        let number = {
            let mut sent = self.0.sent.lock().unwrap();
            sent.push((line, is_over));
            sent.len()
        };
        if number == self.0.at.load(Ordering::SeqCst)
            && let Some((withdrawals, scope)) = self.0.then.get()
        {
            let channel = Code::new("app").unwrap();
            let withdrawn = withdrawals.withdraw(self.0.subject, *scope, &channel);
            withdrawn.await.unwrap();
        }
        self.0.inner.send(request, limits).await
    }
}

/// A journey with a ledger, up to its consent.
struct Lender {
    sandbox: Sandbox,
    ledger: ConsentLedger,
    consents: LedgerConsents,
    engine: Arc<MemoryEngine>,
    runner: Runner,
    transport: Shared,
    clock: Arc<dyn Clock>,
    subject: Subject,
    id: JourneyId,
}

impl Lender {
    fn new(mobile: &str) -> Self {
        let sandbox = Sandbox::default();
        let clock: Arc<dyn Clock> = Arc::new(SandboxClock(sandbox.clone()));
        let wrapper = MemoryKeyWrapper::new().unwrap();
        let keys = Keys::new(Arc::new(MemoryKeyStore::new()), Arc::new(wrapper));
        let store = Arc::new(MemoryStore::new().unwrap());
        let ledger = ConsentLedger::open_with_clock(store, keys, clock.clone()).unwrap();
        let rules = gate_rules(&purpose(), &kinds()).unwrap();
        let consents = LedgerConsents::new(ledger.clone(), rules, notice());
        let subject = ledger.subject(&Mobile::parse(mobile).unwrap()).unwrap();
        let transport = Shared(Arc::new(Watching {
            inner: sandbox.transport(),
            ledger: ledger.clone(),
            subject,
            sent: Mutex::default(),
            at: AtomicUsize::new(usize::MAX),
            then: OnceLock::new(),
        }));
        let gate: Arc<dyn ConsentGate> = Arc::new(consents.gate());
        let base = format!("https://lender.example.test/{mobile}");
        let clients = gated_performer(
            transport.clone(),
            Somebody::with_mobile(mobile, &base),
            clock.clone(),
            Arc::new(consents.clone()),
            Some(&gate),
        );
        let clients = clients.with_consents(Arc::new(consents.clone()));
        let engine = Arc::new(MemoryEngine::new());
        let runner = Runner::new(engine.clone(), Arc::new(clients)).with_clock(clock.clone());
        Self {
            sandbox,
            ledger,
            consents,
            engine,
            runner,
            transport,
            clock,
            subject,
            id: JourneyId::from_bits(17),
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn submit(&self, id: &JourneyId, key: &str, fact: Fact) -> Submitted {
        let event = Event::new(EventKey::command(key).unwrap(), self.now(), None, fact);
        self.engine.submit(id, event).await.unwrap()
    }

    async fn start(&self, id: &JourneyId, plan: Plan) {
        self.ledger.follow(id.as_str(), self.subject, None).unwrap();
        let token = CorrelationToken::from_bits(0x5eed);
        let plan = Box::new(plan);
        self.submit(id, "start", Fact::Start { plan, token }).await;
    }

    /// The person agrees that these receive data.
    async fn agree(&self, id: &JourneyId, recipients: &[&str]) -> Receipt {
        let receipt = receipt(self.subject, self.now(), recipients);
        self.ledger.give(&receipt).unwrap();
        let following = self
            .ledger
            .follow(id.as_str(), self.subject, Some(receipt.id()));
        following.unwrap();
        self.submit(id, "consent", given(&receipt)).await;
        receipt
    }

    async fn state(&self, id: &JourneyId) -> Journey {
        self.engine.read(id).await.unwrap().unwrap().state
    }

    async fn come_back(&self) {
        let state = self.state(&self.id).await;
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

    /// Lets time pass until the journey ends, or somebody has to act, and what follows is done.
    async fn until_it_rests(&self) -> Journey {
        let mut step = Duration::from_secs(30);
        for _ in 0..10_000 {
            self.runner.run_until_idle().await.unwrap();
            self.come_back().await;
            let next = self.runner.run_until_idle().await.unwrap();
            let state = self.state(&self.id).await;
            let waits = state.status() == JourneyStatus::NeedsOperator;
            let Some(next) = next.filter(|_| !waits) else {
                return state;
            };
            let wait = next.duration_since(self.now()).unsigned_abs();
            self.sandbox.advance(wait.min(step)).await;
            step = step.mul_f64(1.1).min(Duration::from_secs(3600));
        }
        panic!("it does not rest");
    }

    fn sent(&self) -> Vec<(String, bool)> {
        self.transport.0.sent.lock().unwrap().clone()
    }

    fn entries(&self) -> Vec<(EntryKind, Option<Detail>)> {
        let history = self.ledger.history(self.subject).unwrap();
        let entries = history.into_iter();
        entries.map(|(entry, says)| (entry.kind, says)).collect()
    }

    fn count(&self, kind: EntryKind) -> usize {
        let entries = self.entries();
        entries.iter().filter(|(found, _)| *found == kind).count()
    }

    fn withdrawals(&self) -> Withdrawals {
        let engine: Arc<dyn JourneyEngine> = self.engine.clone();
        Withdrawals::new(self.ledger.clone(), engine).with_clock(self.clock.clone())
    }

    async fn payloads(&self) -> usize {
        let mut kept = 0;
        for entry in self.engine.history(&self.id, Seq::ZERO).await.unwrap() {
            let payload = self.engine.payload(&self.id, entry.seq).await.unwrap();
            kept += usize::from(payload.is_some());
        }
        kept
    }
}

fn given(receipt: &Receipt) -> Fact {
    Fact::ConsentGiven {
        receipt: ReceiptId::parse(receipt.id().to_string()).unwrap(),
        expires_at: None,
    }
}

fn app() -> Code {
    Code::new("app").unwrap()
}

/// What is revoked is looked for first, by its handle.
fn gives_back(line: &str) -> bool {
    let gives_back = ["/revokeconsent", "/getconsentslist"];
    gives_back.iter().any(|path| line.ends_with(path)) || line.starts_with("DELETE ")
}

/// The person approves by the link that is still open, and no webhook comes.
#[tokio::test(start_paused = true)]
async fn a_consent_that_is_approved_after_the_withdrawal_is_revoked() {
    let lender = Lender::new("9001013000");
    let plan = Plan::new().set_accounts(Some(AccountsPlan::new(Provider::FinPro)));
    lender.start(&lender.id, plan).await;
    lender.agree(&lender.id, &ALL).await;
    lender.runner.run_until_idle().await.unwrap();
    let phase = |state: &Journey| state.leg(Leg::Accounts).unwrap().phase;
    assert_eq!(phase(&lender.state(&lender.id).await), "pending");
    lender.submit(&lender.id, "withdraw", Fact::Withdrawn).await;
    let state = lender.until_it_rests().await;
    assert_eq!(state.status(), JourneyStatus::Withdrawn);
    assert_eq!(phase(&state), "revoked");
}

#[tokio::test(start_paused = true)]
async fn every_call_of_a_journey_is_proved_and_its_use_written() {
    for provider in [Provider::FinPro, Provider::Finpass] {
        let lender = Lender::new(APPROVES);
        lender.start(&lender.id, three_legs(provider)).await;
        let receipt = lender.agree(&lender.id, &ALL).await;
        let state = lender.until_it_rests().await;
        assert_eq!(state.status(), JourneyStatus::Completed, "{provider:?}");
        let sent = lender.sent();
        let uses = lender
            .entries()
            .into_iter()
            .filter_map(|(_, says)| match says {
                Some(Detail::Used(used)) => Some(used),
                _ => None,
            });
        let uses: Vec<_> = uses.collect();
        assert_eq!(uses.len(), sent.len(), "{uses:?} {sent:?}");
        assert!(uses.iter().all(|used| used.purpose == purpose()));
        let outcomes: Vec<_> = uses.iter().map(|used| used.outcome.as_str()).collect();
        assert!(outcomes.contains(&"ok"), "{outcomes:?}");
        assert_eq!(lender.count(EntryKind::Requested), 1);
        assert_eq!(lender.count(EntryKind::Given), 1);
        let is_finpro = provider == Provider::FinPro;
        assert_eq!(lender.count(EntryKind::Artefact), usize::from(is_finpro));
        let history = lender.ledger.history(lender.subject).unwrap();
        let of_uses = history
            .iter()
            .filter(|(entry, _)| entry.kind == EntryKind::Used);
        for (entry, _) in of_uses {
            assert_eq!(entry.receipt, Some(receipt.id()));
        }
        lender.ledger.verify(&[]).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_journey_that_the_ledger_does_not_know_makes_no_call_and_waits_for_an_operator() {
    let lender = Lender::new(APPROVES);
    let token = CorrelationToken::from_bits(1);
    let plan = Box::new(three_legs(Provider::FinPro));
    lender
        .submit(&lender.id, "start", Fact::Start { plan, token })
        .await;
    let receipt = receipt(lender.subject, lender.now(), &ALL);
    lender.ledger.give(&receipt).unwrap();
    lender.submit(&lender.id, "consent", given(&receipt)).await;
    let state = lender.until_it_rests().await;
    assert_eq!(state.status(), JourneyStatus::NeedsOperator);
    assert_eq!(lender.sent(), []);
    // Known, it goes on.
    let following = lender
        .ledger
        .follow(lender.id.as_str(), lender.subject, Some(receipt.id()));
    following.unwrap();
    lender.submit(&lender.id, "resume", Fact::Resume).await;
    let state = lender.until_it_rests().await;
    assert_eq!(state.status(), JourneyStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn what_the_consent_does_not_cover_waits_for_another_one() {
    let lender = Lender::new(APPROVES);
    lender.start(&lender.id, three_legs(Provider::FinPro)).await;
    let receipt = lender.agree(&lender.id, &["deepvue", "finpro"]).await;
    let state = lender.until_it_rests().await;
    assert_eq!(state.status(), JourneyStatus::NeedsOperator);
    assert_eq!(
        state.leg_status(Leg::Verification),
        LegStatus::NeedsOperator
    );
    assert!(
        !lender
            .sent()
            .iter()
            .any(|(line, _)| line.contains("/veriff/"))
    );
    let wider = self::receipt(lender.subject, lender.now(), &ALL);
    lender.ledger.renew(receipt.id(), &wider).unwrap();
    let renewed = Fact::ConsentRenewed {
        receipt: ReceiptId::parse(wider.id().to_string()).unwrap(),
        expires_at: None,
    };
    lender.submit(&lender.id, "renewed", renewed).await;
    let state = lender.until_it_rests().await;
    assert_eq!(state.status(), JourneyStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_journey_whose_consent_is_over_in_the_ledger_ends_and_sends_nothing() {
    let lender = Lender::new(APPROVES);
    // Its own time is not over by then.
    let plan = three_legs(Provider::FinPro).set_deadline(SignedDuration::from_hours(24 * 100));
    lender.start(&lender.id, plan).await;
    // The journey was not told when it ends.
    lender.agree(&lender.id, &ALL).await;
    lender
        .sandbox
        .advance(Duration::from_secs(91 * 24 * 3600))
        .await;
    let state = lender.until_it_rests().await;
    assert_eq!(state.status(), JourneyStatus::Expired);
    assert_eq!(lender.sent(), []);
    assert_eq!(lender.count(EntryKind::Expired), 1);
    assert_eq!(lender.count(EntryKind::Used), 0);
}

/// At each call in turn: what is under way ends, its answer is dropped, and nothing begins any more but what gives back.
#[tokio::test(start_paused = true)]
async fn no_call_begins_after_a_withdrawal_s_commit() {
    for provider in [Provider::FinPro, Provider::Finpass] {
        let mut number = 1;
        loop {
            let lender = Lender::new(APPROVES);
            let plan = three_legs(provider)
                .set_verification(Some(VerificationPlan::new().set_deletes_session(true)));
            lender.start(&lender.id, plan).await;
            lender.agree(&lender.id, &ALL).await;
            let watching = &lender.transport.0;
            watching
                .then
                .set((lender.withdrawals(), Scope::All))
                .unwrap();
            watching.at.store(number, Ordering::SeqCst);
            let state = lender.until_it_rests().await;
            let sent = lender.sent();
            if state.status() == JourneyStatus::Completed && sent.len() < number {
                assert!(number > 10, "{sent:?}");
                break;
            }
            assert_eq!(state.status(), JourneyStatus::Withdrawn, "{number}");
            let may_be = |(line, is_over): &(String, bool)| !is_over || gives_back(line);
            assert!(sent.iter().all(may_be), "{number}: {sent:?}");
            assert_eq!(lender.payloads().await, 0, "{number}");
            assert_eq!(lender.count(EntryKind::Withdrawn), 1);
            assert_eq!(lender.count(EntryKind::Used), sent.len(), "{number}");
            assert!(lender.ledger.untold("").unwrap().is_empty());
            lender.ledger.verify(&[]).unwrap();
            number += 1;
        }
    }
}

/// An engine that fails from a number of events on, or always for one journey, which does not open.
#[derive(Debug)]
struct Failing(Arc<MemoryEngine>, AtomicUsize, Option<JourneyId>);

#[async_trait]
impl JourneyEngine for Failing {
    async fn submit(&self, journey: &JourneyId, event: Event) -> Result<Submitted, EngineError> {
        if self.2.as_ref() == Some(journey) {
            return Err(EngineError::new(EngineErrorKind::Corrupt));
        }
        match self.1.fetch_sub(1, Ordering::SeqCst) {
            0 => {
                self.1.store(0, Ordering::SeqCst);
                Err(EngineError::new(EngineErrorKind::Unavailable))
            }
            _ => self.0.submit(journey, event).await,
        }
    }
    async fn report(&self, provider: Provider, event: Event) -> Result<Reported, EngineError> {
        self.0.report(provider, event).await
    }
    async fn read(&self, journey: &JourneyId) -> Result<Option<JourneyRecord>, EngineError> {
        self.0.read(journey).await
    }
    async fn history(
        &self,
        journey: &JourneyId,
        after: Seq,
    ) -> Result<Vec<HistoryEntry>, EngineError> {
        self.0.history(journey, after).await
    }
    async fn payload(&self, journey: &JourneyId, seq: Seq) -> Result<Option<Payload>, EngineError> {
        self.0.payload(journey, seq).await
    }
    async fn list(
        &self,
        filter: &JourneyFilter,
        page: PageToken,
    ) -> Result<JourneyPage, EngineError> {
        self.0.list(filter, page).await
    }
    async fn forget(&self, journey: &JourneyId) -> Result<(), EngineError> {
        self.0.forget(journey).await
    }
}

/// A process that dies after the ledger's commit, after each journey was told, and before that was noted.
#[tokio::test(start_paused = true)]
async fn a_fan_out_that_was_interrupted_is_finished_at_the_next_start() {
    const JOURNEYS: usize = 3;
    for told in 0..=JOURNEYS {
        let lender = Lender::new(APPROVES);
        let ids: Vec<_> = (1..=3).map(JourneyId::from_bits).collect();
        for id in &ids {
            lender.start(id, three_legs(Provider::FinPro)).await;
            lender.agree(id, &ALL).await;
        }
        // One that was noted and never started is told, too.
        let known = lender.ledger.followers(lender.subject).unwrap();
        let receipt = known[0].receipt;
        lender.ledger.follow("ff", lender.subject, receipt).unwrap();
        let engine = Arc::new(Failing(lender.engine.clone(), AtomicUsize::new(told), None));
        let dying =
            Withdrawals::new(lender.ledger.clone(), engine).with_clock(lender.clock.clone());
        let failed = dying.withdraw(lender.subject, Scope::All, &app()).await;
        assert!(matches!(failed, Err(NotWithdrawn::Engine(_))), "{failed:?}");
        // It is withdrawn, whatever the journeys know, and none of them makes a call.
        assert_eq!(lender.ledger.untold("").unwrap().len(), 4 - told);
        lender.runner.run_until_idle().await.unwrap();
        assert_eq!(lender.sent(), [], "{told}");
        // The last one was told, and that was not noted.
        if let Some(follower) = lender.ledger.untold("").unwrap().first()
            && follower.name != "ff"
        {
            let key = format!("withdrawal-{}", follower.receipt.unwrap());
            let id = JourneyId::parse(&follower.name).unwrap();
            lender.submit(&id, &key, Fact::Withdrawn).await;
        }
        // The next start.
        assert_eq!(lender.withdrawals().fan_out().await.unwrap(), 4 - told);
        assert_eq!(lender.withdrawals().fan_out().await.unwrap(), 0);
        lender.runner.run_until_idle().await.unwrap();
        for id in &ids {
            let state = lender.state(id).await;
            assert_eq!(state.status(), JourneyStatus::Withdrawn, "{told}");
            let history = lender.engine.history(id, Seq::ZERO).await.unwrap();
            let is_withdrawal = |entry: &&HistoryEntry| entry.fact == Fact::Withdrawn;
            assert_eq!(history.iter().filter(is_withdrawal).count(), 1);
        }
        assert_eq!(lender.sent(), []);
        assert_eq!(lender.count(EntryKind::Withdrawn), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_journey_that_cannot_be_told_holds_up_no_other() {
    let lender = Lender::new(APPROVES);
    let ids: Vec<_> = (1..=3).map(JourneyId::from_bits).collect();
    for id in &ids {
        lender.start(id, three_legs(Provider::FinPro)).await;
        lender.agree(id, &ALL).await;
    }
    let engine = Failing(
        lender.engine.clone(),
        AtomicUsize::new(usize::MAX),
        Some(ids[0].clone()),
    );
    let withdrawals =
        Withdrawals::new(lender.ledger.clone(), Arc::new(engine)).with_clock(lender.clock.clone());
    // The person's withdrawal is written, whatever cannot be read.
    let all = withdrawals
        .withdraw(lender.subject, Scope::All, &app())
        .await;
    assert_eq!(all.unwrap().receipts.len(), 3);
    let told = withdrawals.fan_out().await;
    let Err(NotWithdrawn::Untold { journeys }) = told else {
        panic!("{told:?}");
    };
    assert_eq!(journeys, [ids[0].as_str()]);
    let untold = lender.ledger.untold("").unwrap();
    let untold: Vec<_> = untold.iter().map(|follower| &follower.name).collect();
    assert_eq!(untold, [ids[0].as_str()], "it is told later");
    lender.runner.run_until_idle().await.unwrap();
    for id in &ids[1..] {
        assert_eq!(lender.state(id).await.status(), JourneyStatus::Withdrawn);
    }
    assert_eq!(lender.withdrawals().fan_out().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawal_of_one_receipt_leaves_the_journeys_of_another_alone() {
    let lender = Lender::new(APPROVES);
    let other = JourneyId::from_bits(2);
    for id in [&lender.id, &other] {
        lender.start(id, three_legs(Provider::FinPro)).await;
    }
    let receipt = lender.agree(&lender.id, &ALL).await;
    lender.agree(&other, &ALL).await;
    let scope = Scope::Receipt(receipt.id());
    let withdrawn = lender
        .withdrawals()
        .withdraw(lender.subject, scope, &app())
        .await;
    assert_eq!(withdrawn.unwrap().receipts, [receipt.id()]);
    assert_eq!(
        lender.state(&lender.id).await.status(),
        JourneyStatus::Withdrawn
    );
    assert_eq!(lender.state(&other).await.status(), JourneyStatus::Running);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawal_in_the_journey_reaches_the_ledger() {
    let lender = Lender::new(APPROVES);
    lender.start(&lender.id, three_legs(Provider::FinPro)).await;
    let receipt = lender.agree(&lender.id, &ALL).await;
    lender.submit(&lender.id, "withdraw", Fact::Withdrawn).await;
    lender.until_it_rests().await;
    let state = lender.ledger.state(lender.subject).unwrap();
    assert!(state.receipts.iter().all(|row| row.ended.is_some()));
    assert_eq!(state.receipts[0].id, receipt.id());
    // The journey has been told already: it told the ledger.
    lender.withdrawals().fan_out().await.unwrap();
    let state = lender.state(&lender.id).await;
    assert_eq!(state.status(), JourneyStatus::Withdrawn);
    assert_eq!(lender.count(EntryKind::Withdrawn), 1);
}

/// The process died after it had written the receipt, and before the journey heard of it.
#[tokio::test(start_paused = true)]
async fn a_consent_that_was_refused_after_a_crash_leaves_no_live_receipt() {
    let lender = Lender::new(APPROVES);
    lender.start(&lender.id, three_legs(Provider::FinPro)).await;
    let receipt = receipt(lender.subject, lender.now(), &ALL);
    let given = lender.ledger.give_to(lender.id.as_str(), &receipt);
    given.unwrap();
    lender
        .submit(&lender.id, "refuse", Fact::ConsentRefused)
        .await;
    let state = lender.until_it_rests().await;
    assert_eq!(state.status(), JourneyStatus::Refused);
    let rows = lender.ledger.state(lender.subject).unwrap().receipts;
    assert!(rows.iter().all(|row| !row.is_live(lender.now())));
    assert_eq!(lender.count(EntryKind::Withdrawn), 1);
    assert_eq!(lender.count(EntryKind::Refused), 1);
    // The journey has ended already.
    lender.withdrawals().fan_out().await.unwrap();
    let state = lender.state(&lender.id).await;
    assert_eq!(state.status(), JourneyStatus::Refused);
}

#[tokio::test]
async fn an_entry_that_comes_again_is_written_once() {
    let lender = Lender::new(APPROVES);
    let id = EffectId {
        journey: lender.id.clone(),
        seq: Seq::new(3),
        ordinal: 0,
    };
    let receipt = receipt(lender.subject, lender.now(), &ALL);
    lender.ledger.give(&receipt).unwrap();
    let following = lender
        .ledger
        .follow(id.journey.as_str(), lender.subject, Some(receipt.id()));
    following.unwrap();
    let consent = reference("consent-1");
    let artefact = LedgerEntry::Artefact {
        consent: consent.clone(),
        digest: Some("AB".repeat(32)),
    };
    let class = DataClass::Documents;
    for (ordinal, entry) in [
        LedgerEntry::Requested,
        artefact,
        LedgerEntry::ArtefactEnded { consent },
        LedgerEntry::Erased { class },
        LedgerEntry::Expired,
        LedgerEntry::Withdrawn,
    ]
    .into_iter()
    .enumerate()
    {
        let ordinal = u32::try_from(ordinal).unwrap();
        let id = EffectId {
            ordinal,
            ..id.clone()
        };
        for _ in 0..3 {
            lender.consents.record(&id, &entry).await.unwrap();
        }
    }
    let kinds: Vec<_> = lender.entries().into_iter().map(|(kind, _)| kind).collect();
    let once = [
        EntryKind::Given,
        EntryKind::Requested,
        EntryKind::Artefact,
        EntryKind::ArtefactEnded,
        EntryKind::Deleted,
        EntryKind::Withdrawn,
    ];
    assert_eq!(kinds, once);
    let says = lender.entries();
    let Some(Detail::Artefact(artefact)) = &says[2].1 else {
        panic!("{says:?}");
    };
    assert_eq!(artefact.text.unwrap().to_string(), "ab".repeat(32));
    // Of another lender's journey nothing is written.
    let stranger = EffectId {
        journey: JourneyId::from_bits(99),
        ..id
    };
    lender
        .consents
        .record(&stranger, &LedgerEntry::Requested)
        .await
        .unwrap();
    assert_eq!(lender.entries().len(), says.len());
}

/// Ends another consent of the person between the proof and the call, so many times.
#[derive(Debug)]
struct Racing(LedgerConsents, Subject, AtomicUsize);

#[async_trait]
impl Consents for Racing {
    async fn prove(&self, call: &ProviderCall<'_>) -> Result<Option<ConsentEvidence>, Unproved> {
        let shown = self.0.prove(call).await;
        if self.2.load(Ordering::SeqCst) > 0 {
            self.2.fetch_sub(1, Ordering::SeqCst);
            let ledger = self.0.ledger();
            let now = ledger.state(self.1).unwrap().receipts[0].given_at;
            let extra = receipt(self.1, now, &ALL);
            ledger.give(&extra).unwrap();
            let scope = Scope::Receipt(extra.id());
            ledger.withdraw(self.1, scope, &app()).unwrap();
        }
        shown
    }

    async fn used(
        &self,
        call: &ProviderCall<'_>,
        shown: &ConsentEvidence,
        outcome: &'static str,
    ) -> Result<(), kyc_journey::Undelivered> {
        self.0.used(call, shown, outcome).await
    }
}

#[tokio::test]
async fn a_proof_that_was_overtaken_is_made_again_once() {
    for (races, expected) in [(1, 1), (2, 0)] {
        let lender = Lender::new(APPROVES);
        let receipt = receipt(lender.subject, lender.now(), &ALL);
        lender.ledger.give(&receipt).unwrap();
        let name = lender.id.as_str();
        lender
            .ledger
            .follow(name, lender.subject, Some(receipt.id()))
            .unwrap();
        let racing = Racing(
            lender.consents.clone(),
            lender.subject,
            AtomicUsize::new(races),
        );
        let gate: Arc<dyn ConsentGate> = Arc::new(lender.consents.gate());
        let clients = gated_performer(
            lender.transport.clone(),
            Somebody::default(),
            lender.clock.clone(),
            Arc::new(lender.consents.clone()),
            Some(&gate),
        );
        let clients = clients.with_consents(Arc::new(racing));
        let call = EffectCall {
            id: EffectId {
                journey: lender.id.clone(),
                seq: Seq::new(2),
                ordinal: 0,
            },
            operation: Operation::CreateSession {
                correlation: correlation(Leg::Verification),
            },
            payload: None,
        };
        let performed = clients.perform(&call).await;
        assert_eq!(lender.sent().len(), expected);
        match expected {
            0 => assert_eq!(performed.result, Err(Failure::not_covered())),
            _ => assert!(performed.result.is_ok(), "{performed:?}"),
        }
    }
}

#[tokio::test]
async fn a_client_with_a_gate_and_no_proof_sends_nothing() {
    let lender = Lender::new(APPROVES);
    let gate: Arc<dyn ConsentGate> = Arc::new(lender.consents.gate());
    let clients = gated_performer(
        lender.transport.clone(),
        Somebody::default(),
        lender.clock.clone(),
        Arc::new(lender.consents.clone()),
        Some(&gate),
    );
    for operation in [
        Operation::CreateSession {
            correlation: correlation(Leg::Verification),
        },
        Operation::RevokeConsent {
            consent: reference("3f0d3c1a-6b52-4e19-8a64-0a3f3c1d2e4b"),
        },
    ] {
        let performed = clients.perform(&crate::call(operation, None)).await;
        assert_eq!(performed.result, Err(Failure::not_covered()));
    }
    assert_eq!(lender.sent(), []);
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_asked_again() {
    let lender = Lender::new(APPROVES);
    let stranger = Mobile::parse("9000000002").unwrap();
    let stranger = lender.ledger.subject(&stranger).unwrap();
    // Of a person about whom nothing was withdrawn, nothing is given back without a consent.
    lender
        .ledger
        .follow(lender.id.as_str(), stranger, None)
        .unwrap();
    let effect = EffectId {
        journey: lender.id.clone(),
        seq: Seq::new(1),
        ordinal: 0,
    };
    let prove = |operation, gives_back| {
        let call = ProviderCall::new(&effect, "finpro", operation).set_gives_back(gives_back);
        let consents = lender.consents.clone();
        async move { consents.prove(&call).await.map(|shown| shown.is_some()) }
    };
    assert_eq!(
        prove("revoke-consent", true).await,
        Err(Unproved::NotCovered)
    );
    assert_eq!(prove("list-aggregators", false).await, Ok(false));
    assert_eq!(
        prove("unknown-to-nobody", false).await,
        Err(Unproved::NotCovered)
    );
    let receipt = receipt(stranger, lender.now(), &ALL);
    lender.ledger.give(&receipt).unwrap();
    assert_eq!(prove("revoke-consent", true).await, Ok(true));
    lender
        .ledger
        .withdraw(stranger, Scope::All, &app())
        .unwrap();
    for operation in ["revoke-consent", "list-consents-v3"] {
        assert_eq!(prove(operation, true).await, Ok(true));
        assert_eq!(prove(operation, false).await, Err(Unproved::Withdrawn));
    }
    assert_eq!(prove("request-fi", false).await, Err(Unproved::Withdrawn));
}

#[test]
fn an_erased_person_s_payloads_do_not_open_and_the_rest_does() {
    let lender = Lender::new(APPROVES);
    let sealer = PersonSealer::new(lender.ledger.clone(), Arc::new(ClearText));
    let unknown = JourneyId::from_bits(99);
    lender
        .ledger
        .follow(lender.id.as_str(), lender.subject, None)
        .unwrap();
    let of = |journey, class| Place::payload(journey, Seq::new(4), class);
    let mut sealed = Vec::new();
    for class in [
        DataClass::Documents,
        DataClass::AccountData,
        DataClass::Links,
    ] {
        let place = of(&lender.id, class);
        let body = sealer.seal(&place, b"CANARY").unwrap();
        assert!(!body.windows(6).any(|part| part == b"CANARY"));
        assert_eq!(sealer.open(&place, &body).unwrap(), b"CANARY");
        let elsewhere = Place::payload(&lender.id, Seq::new(5), class);
        assert_eq!(sealer.open(&elsewhere, &body), Err(SealError::Altered));
        sealed.push((place, body));
    }
    let state = sealer.seal(&Place::state(&lender.id), b"state").unwrap();
    let strange = of(&unknown, DataClass::Documents);
    let of_unknown = sealer.seal(&strange, b"theirs").unwrap();
    let before = ClearText.seal(&strange, b"earlier").unwrap();
    let order = ErasureOrder {
        reason: ErasureReason::Request,
        classes: None,
        relationship_ended: None,
    };
    let erasure = lender.ledger.erase(lender.subject, &order).unwrap();
    let erased: Vec<_> = erasure.erased.iter().map(|erased| erased.class).collect();
    for class in [Class::Documents, Class::AccountData, Class::Transient] {
        assert!(erased.contains(&class), "{erased:?}");
    }
    for (place, body) in &sealed {
        assert_eq!(sealer.open(place, body), Err(SealError::NoKey));
    }
    assert_eq!(
        sealer.open(&Place::state(&lender.id), &state).unwrap(),
        b"state"
    );
    assert_eq!(sealer.open(&strange, &of_unknown).unwrap(), b"theirs");
    assert_eq!(sealer.open(&strange, &before).unwrap(), b"earlier");
    assert_eq!(sealer.open(&strange, b""), Err(SealError::Altered));
    let need = kyc_consent::ConsentNeed {
        subject: lender.subject,
        provider: ProviderName::new("finpro").unwrap(),
        purpose: purpose(),
        kinds: kinds(),
    };
    let reason = lender.ledger.prove(&need).unwrap_err().reason;
    assert_eq!(reason, NoConsentReason::NeverGiven);
}
