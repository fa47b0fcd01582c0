//! What the conformance suite does not look at, because it is Restate's.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use kyc_journey::provider_core::capability::ProviderReference;
use kyc_journey::provider_core::jiff::Timestamp;
use kyc_journey::provider_core::{
    Body, ExchangeLimits, Masked, RawResponse, Transport, TransportError, async_trait, bytes, http,
};
use kyc_journey::testing::{ClearText, Erased, Mood, Witness, scripted};
use kyc_journey::{
    Answer, BodyKind, Correlation, CorrelationToken, DataClass, Domain, EffectCall, EffectId,
    EngineErrorKind, Event, EventKey, Fact, JourneyEngine, JourneyFilter, JourneyId, LedgerEntry,
    Leg, Notice, PageToken, Payload, Performed, Performer, Place, Plan, Provider, Reported,
    SealError, Sealer, Seq, Source, Undelivered, VerificationPlan,
};
use kyc_journey_restate::{Addresses, BearerToken, RestateEngine, RestateWorker};
use tokio::sync::watch;

use crate::running::{Running, Setup};
use crate::server::{Address, program};

fn id() -> JourneyId {
    JourneyId::from_bits(1)
}

pub(crate) fn event(key: &str, fact: Fact) -> Event {
    let key = EventKey::command(key).unwrap();
    Event::new(key, Timestamp::now(), None, fact)
}

pub(crate) fn started(token: u128) -> Event {
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    let start = Fact::Start {
        plan: Box::new(plan),
        token: CorrelationToken::from_bits(token),
    };
    event("start", start)
}

fn payload(text: &str) -> Option<Payload> {
    Some(Payload {
        class: DataClass::Codes,
        content: Masked::from(text),
    })
}

fn worker(witness: &Witness) -> RestateWorker {
    RestateWorker::new(Arc::new(witness.clone()), Arc::new(ClearText))
        .with_machine(scripted)
        .with_back_off(Duration::from_millis(10), Duration::from_millis(100))
        .with_longest_sleep(Duration::from_millis(20))
}

/// A sealer by which nothing is read that stands in a file.
#[derive(Debug)]
struct Turned;

impl Sealer for Turned {
    fn seal(&self, place: &Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        let sealed = ClearText.seal(place, body)?;
        Ok(sealed.into_iter().map(|byte| byte ^ 0x5a).collect())
    }

    fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let body: Vec<u8> = sealed.iter().map(|byte| byte ^ 0x5a).collect();
        ClearText.open(place, &body)
    }

    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        ClearText.digest(domain, text)
    }
}

/// A text, as it stands in a file and as base64 has it, wherever it begins there.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let in_base64 = (0..3).map(|offset| {
        let before = vec![0; offset].into_iter();
        let whole = STANDARD_NO_PAD.encode(before.chain(text.bytes()).collect::<Vec<u8>>());
        let (begin, end) = ((offset * 8).div_ceil(6), (offset + text.len()) * 8 / 6);
        whole.as_bytes()[begin..end].to_vec()
    });
    in_base64.chain([text.as_bytes().to_vec()]).collect()
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap();
    let contents = entries.map(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path),
            // What Restate removes meanwhile has nothing any more.
            false => vec![fs::read(&path).unwrap_or_default()],
        }
    });
    contents.flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_stands_in_restates_files() {
    let Some(program) = program() else { return };
    // In the clear they are found: the search sees what Restate writes.
    let sealers: [(Arc<dyn Sealer>, bool); 2] =
        [(Arc::new(ClearText), true), (Arc::new(Turned), false)];
    for (sealer, is_clear) in sealers {
        let witness = Witness::default();
        let worker = RestateWorker::new(Arc::new(witness.clone()), Arc::clone(&sealer))
            .with_machine(scripted);
        let setup = Setup::start(&program, sealer, worker).await;
        let engine = &setup.engine;
        engine
            .submit(&id(), started(0x1234_5678_9abc_def0))
            .await
            .unwrap();
        let typed = event("canary-of-the-key", Fact::OneTimeCodeTyped);
        let typed = typed.set_payload(payload("canary-of-the-payload"));
        engine.submit(&id(), typed).await.unwrap();
        let about = |token, reference: &str| {
            let correlation = Correlation {
                token: CorrelationToken::from_bits(token),
                leg: Leg::Verification,
                attempt: 1,
            };
            let reference = ProviderReference::parse(reference).unwrap();
            Fact::Hint(Source::new(Some(reference), Some(correlation)))
        };
        for (key, token, is_parked) in [
            ("canary-that-waits", 0xcafe_cafe_cafe_cafe, true),
            ("canary-that-is-found", 0x1234_5678_9abc_def0, false),
        ] {
            let report = event(key, about(token, "canary-of-the-provider"));
            let report = report.set_payload(payload("canary-of-the-report"));
            let reported = engine.report(Provider::Veriff, report).await.unwrap();
            assert_eq!(reported == Reported::Parked, is_parked);
        }
        witness.until_told(&id(), 1).await;
        engine.read(&id()).await.unwrap().unwrap();
        assert_eq!(engine.history(&id(), Seq::ZERO).await.unwrap().len(), 4);
        let all = JourneyFilter::new();
        let page = engine.list(&all, PageToken::default());
        assert_eq!(page.await.unwrap().journeys.len(), 1);
        setup.server.admin().until_settled().await;
        let files = files(setup.server.directory.path());
        for canary in [
            "canary-of-the-key",
            "canary-of-the-payload",
            "canary-that-is-found",
            "canary-that-waits",
            "canary-of-the-provider",
            "canary-of-the-report",
            "123456789abcdef0",
            "cafecafecafecafe",
        ] {
            let forms = AhoCorasick::new(forms(canary)).unwrap();
            let stands = files.iter().any(|file| forms.is_match(file));
            assert_eq!(stands, is_clear, "{canary}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payload_of_a_person_who_was_erased_is_none() {
    let Some(program) = program() else { return };
    // The engine's keys are still there, the worker's and a later engine's are not.
    let witness = Witness::default();
    let setup = Setup::start(&program, Arc::new(ClearText), worker(&witness)).await;
    setup.engine.submit(&id(), started(1)).await.unwrap();
    let typed = event("code", Fact::OneTimeCodeTyped).set_payload(payload("123456"));
    let seq = setup.engine.submit(&id(), typed).await.unwrap().seq;
    let kept = setup.engine.payload(&id(), seq).await.unwrap();
    assert!(kept.is_some());

    let erased = setup.server.engine(Arc::new(Erased));
    assert_eq!(erased.payload(&id(), seq).await.unwrap(), None);
}

/// A performer that never returns, as long as its process lives.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_never_heard_of_is_interrupted() {
    let Some(program) = program() else { return };
    let witness = Witness::default();
    witness.set_mood(Mood::Hangs);
    let worker = worker(&witness).with_watchdog(Duration::from_millis(20));
    let setup = Setup::start(&program, Arc::new(ClearText), worker).await;
    setup.engine.submit(&id(), started(1)).await.unwrap();
    setup
        .engine
        .submit(&id(), event("call", Fact::HandIn))
        .await
        .unwrap();
    witness.until_told(&id(), 1).await;
    let history = setup.engine.history(&id(), Seq::ZERO).await.unwrap();
    let facts: Vec<_> = history.iter().map(|entry| &entry.fact).collect();
    assert!(matches!(facts[2], Fact::Interrupted { .. }), "{facts:?}");
    assert_eq!((facts.len(), witness.calls().len()), (3, 1));
}

/// A recipient that takes nothing yet.
#[derive(Debug, Default)]
struct Recipient {
    takes: AtomicBool,
    offered: watch::Sender<usize>,
    taken: AtomicUsize,
}

#[async_trait]
impl Performer for Recipient {
    async fn perform(&self, _: &EffectCall) -> Performed {
        Performed {
            result: Ok(Answer::Done),
            payload: None,
        }
    }

    async fn notify(&self, _: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        self.offered.send_modify(|offered| *offered += 1);
        match self.takes.load(Ordering::SeqCst) {
            true => {
                self.taken.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
            false => Err(Undelivered),
        }
    }

    async fn record(&self, _: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_offered_until_it_is_taken_or_its_journey_is_forgotten() {
    let Some(program) = program() else { return };
    let recipient = Arc::new(Recipient::default());
    let worker = RestateWorker::new(Arc::clone(&recipient) as _, Arc::new(ClearText))
        .with_machine(scripted)
        .with_back_off(Duration::from_millis(10), Duration::from_millis(20));
    let setup = Setup::start(&program, Arc::new(ClearText), worker).await;
    for bits in [1, 2] {
        let id = JourneyId::from_bits(bits);
        setup.engine.submit(&id, started(bits)).await.unwrap();
        setup
            .engine
            .submit(&id, event("call", Fact::HandIn))
            .await
            .unwrap();
    }
    let mut offered = recipient.offered.subscribe();
    offered.wait_for(|offered| *offered >= 6).await.unwrap();
    setup.engine.forget(&id()).await.unwrap();
    setup.server.admin().until_settled().await;
    recipient.takes.store(true, Ordering::SeqCst);
    setup.server.admin().until_settled().await;
    assert_eq!(
        recipient.taken.load(Ordering::SeqCst),
        1,
        "the other journey's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_names_nothing_is_kept() {
    let Some(program) = program() else { return };
    let setup = Setup::start(&program, Arc::new(ClearText), worker(&Witness::default())).await;
    let report = event("report", Fact::Hint(Source::default()));
    for _ in 0..2 {
        let reported = setup.engine.report(Provider::Finpass, report.clone()).await;
        assert_eq!(reported.unwrap(), Reported::Parked);
    }
    let waiting = "SELECT value_utf8 FROM state WHERE service_name = 'KycReference'";
    assert_eq!(setup.server.admin().rows(waiting).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_its_turn_waits_in_restate() {
    let Some(program) = program() else { return };
    let witness = Witness::default();
    witness.set_mood(Mood::Hangs);
    let worker = worker(&witness).with_calls(1);
    let setup = Setup::start(&program, Arc::new(ClearText), worker).await;
    setup.engine.submit(&id(), started(1)).await.unwrap();
    for key in ["first", "second"] {
        setup
            .engine
            .submit(&id(), event(key, Fact::HandIn))
            .await
            .unwrap();
    }
    let handed_back = "SELECT id FROM sys_invocation WHERE target_service_name = 'KycOnce' \
                       AND retry_count > 1 AND last_failure LIKE '%as many calls%'";
    while setup.server.admin().rows(handed_back).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(witness.calls().len(), 1);
}

/// A sealer whose keys are away for some bodies, and that counts what it refused.
#[derive(Debug, Default)]
struct Away {
    bodies: Mutex<Option<(BodyKind, Seq)>>,
    refused: watch::Sender<usize>,
}

impl Away {
    fn set(&self, bodies: Option<(BodyKind, Seq)>) {
        *self.bodies.lock().unwrap() = bodies;
    }

    fn check(&self, place: &Place<'_>) -> Result<(), SealError> {
        match *self.bodies.lock().unwrap() == Some((place.body, place.seq)) {
            true => {
                self.refused.send_modify(|refused| *refused += 1);
                Err(SealError::Unavailable)
            }
            false => Ok(()),
        }
    }
}

impl Sealer for Away {
    fn seal(&self, place: &Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        self.check(place)?;
        ClearText.seal(place, body)
    }

    fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.check(place)?;
        ClearText.open(place, sealed)
    }

    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        ClearText.digest(domain, text)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_away_for_a_while_lose_nothing() {
    let Some(program) = program() else { return };
    let (witness, sealer) = (Witness::default(), Arc::new(Away::default()));
    let worker = RestateWorker::new(Arc::new(witness.clone()), Arc::clone(&sealer) as _)
        .with_machine(scripted)
        .with_back_off(Duration::from_millis(10), Duration::from_millis(20));
    let setup = Setup::start(&program, Arc::new(ClearText), worker).await;
    let engine = &setup.engine;
    let correlation = Correlation {
        token: CorrelationToken::from_bits(1),
        leg: Leg::Verification,
        attempt: 1,
    };
    let report = event("report", Fact::Hint(Source::new(None, Some(correlation))));
    let reported = engine.report(Provider::Veriff, report).await.unwrap();
    assert_eq!(reported, Reported::Parked);
    let mut refused = sealer.refused.subscribe();
    let mut until_refused = async |times| {
        let before = *refused.borrow();
        let all = refused.wait_for(|refused| *refused >= before + times);
        all.await.unwrap();
        sealer.set(None);
    };

    // What waited is kept until it can be opened.
    sealer.set(Some((BodyKind::Parked, Seq::ZERO)));
    let id = id();
    let (begun, ()) = tokio::join!(engine.submit(&id, started(1)), until_refused(1));
    begun.unwrap();
    let history = engine.history(&id, Seq::ZERO).await.unwrap();
    assert!(matches!(history[1].fact, Fact::Hint(_)), "{history:?}");

    // A caller is told, and comes again.
    sealer.set(Some((BodyKind::State, Seq::ZERO)));
    let refused = engine.submit(&id, event("call", Fact::HandIn)).await;
    assert_eq!(refused.unwrap_err().kind(), EngineErrorKind::Unavailable);
    sealer.set(None);
    assert_eq!(engine.history(&id, Seq::ZERO).await.unwrap().len(), 2);

    // What came of a call is kept until it can be sealed, and then until it can be stored.
    witness.set_mood(Mood::Answers);
    engine
        .submit(&id, event("call", Fact::HandIn))
        .await
        .unwrap();
    witness.until_told(&id, 1).await;
    sealer.set(Some((BodyKind::History, Seq::new(6))));
    engine
        .submit(&id, event("again", Fact::HandIn))
        .await
        .unwrap();
    until_refused(2).await;
    witness.until_told(&id, 2).await;
    let history = engine.history(&id, Seq::ZERO).await.unwrap();
    assert!(
        matches!(history[5].fact, Fact::Answered { .. }),
        "{history:?}"
    );
    assert_eq!((history.len(), witness.calls().len()), (6, 2));
}

/// Effects have the names of those of the journey that was forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn a_journey_whose_id_was_used_before_is_another_one() {
    let Some(program) = program() else { return };
    let witness = Witness::default();
    let sealer = Arc::new(ClearText);
    let setup = Setup::start(&program, sealer, worker(&witness).with_calls(1)).await;
    let Setup {
        engine,
        worker: running,
        address,
        server,
    } = setup;
    // The only place is taken.
    witness.set_mood(Mood::Hangs);
    let other = JourneyId::from_bits(2);
    engine.submit(&other, started(2)).await.unwrap();
    engine
        .submit(&other, event("call", Fact::HandIn))
        .await
        .unwrap();
    witness.until_called(1).await;
    for _ in 0..2 {
        engine.submit(&id(), started(1)).await.unwrap();
        engine
            .submit(&id(), event("call", Fact::HandIn))
            .await
            .unwrap();
        engine
            .submit(&id(), event("look", Fact::AskAgain))
            .await
            .unwrap();
        engine
            .submit(&id(), event("timer", Fact::OneTimeCodeWanted))
            .await
            .unwrap();
        engine.forget(&id()).await.unwrap();
    }
    engine.submit(&id(), started(1)).await.unwrap();
    engine
        .submit(&id(), event("call", Fact::HandIn))
        .await
        .unwrap();
    running.crash().await;
    witness.set_mood(Mood::Answers);
    let _running = Running::start(worker(&witness), &address);
    witness.until_told(&id(), 1).await;
    server.admin().until_settled().await;
    let effect = |seq| EffectId {
        journey: id(),
        seq: Seq::new(seq),
        ordinal: 0,
    };
    assert_eq!(witness.count(&effect(2)), 1, "that of the third journey");
    assert_eq!(witness.count(&effect(3)), 0);
    assert_eq!(engine.history(&id(), Seq::ZERO).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_an_identity_key_obeys_nobody_else() {
    let Some(program) = program() else { return };
    let key = "publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f";
    let server = crate::server::Server::start(&program).await;
    let (address, witness) = (Address::new(), Witness::default());
    let running = Running::start(worker(&witness).with_identity_key(key).unwrap(), &address);
    let engine = server.engine(Arc::new(ClearText));
    let refused = engine.register(&address.url()).await.unwrap_err();
    assert_eq!(refused.kind(), EngineErrorKind::Unavailable);
    running.crash().await;
    let _running = Running::start(worker(&witness), &address);
    engine.register(&address.url()).await.unwrap();
    assert!(worker(&witness).with_identity_key("publickeyv1_").is_err());
}

/// Answers every request with one status, and shows what was asked.
#[derive(Debug)]
struct Answering(http::StatusCode);

#[async_trait]
impl Transport for Answering {
    async fn send(
        &self,
        request: http::Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let headers = request.headers();
        assert_eq!(headers["authorization"], "Bearer made-up");
        assert!(headers["authorization"].is_sensitive());
        let body = bytes::Bytes::from_static(b"canary");
        Ok(RawResponse::new(self.0, http::HeaderMap::new(), body))
    }
}

#[tokio::test]
async fn what_is_no_answer_of_a_handlers_is_an_error_that_repeats_nothing() {
    let addresses = || Addresses::parse("http://127.0.0.1:1", "http://127.0.0.1:2").unwrap();
    for (status, kind) in [
        (http::StatusCode::OK, EngineErrorKind::Corrupt),
        (http::StatusCode::NOT_FOUND, EngineErrorKind::Unavailable),
        (
            http::StatusCode::INTERNAL_SERVER_ERROR,
            EngineErrorKind::Unavailable,
        ),
    ] {
        let token = BearerToken::new("made-up").unwrap();
        let engine = RestateEngine::new(
            addresses(),
            Arc::new(Answering(status)),
            Arc::new(ClearText),
        );
        let engine = engine.with_token(&token).unwrap();
        let error = engine.submit(&id(), started(1)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        let printed = format!("{error:?} {engine:?}");
        assert!(
            !printed.contains("canary") && !printed.contains("made-up"),
            "{printed}"
        );
    }
}
