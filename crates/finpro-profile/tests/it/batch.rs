//! Batches: order, concurrency, and which failures are waited out. In virtual time.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use finpro_profile::provider_core::http::{HeaderMap, Request, StatusCode};
use finpro_profile::provider_core::{
    Body, Error, ErrorKind, ExchangeLimits, InvalidRequest, Mobile, Outcome, RateLimits,
    RawResponse, RetryPolicy, Transport, TransportError, TransportErrorKind, Window, async_trait,
};
use finpro_profile::{
    Batch, BatchAnswer, BatchAnswers, BatchOrder, BatchQuestion, CheckProfile, FinproProfileClient,
    UserConsentId,
};
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use serde_json::Value;
use tokio::time::Instant;

use crate::sandbox::finpro;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

type Reply = Result<(u16, Vec<(&'static str, &'static str)>), TransportErrorKind>;

/// FinPro as a transport: answers after a second, or after the time set for a person, with the state at that moment.
#[derive(Clone)]
struct Fake(Arc<Mutex<State>>);

struct State {
    start: Instant,
    /// The response time for a person.
    takes: HashMap<u32, Duration>,
    decide: Box<dyn FnMut(u32, Duration) -> Reply + Send>,
    in_flight: usize,
    most_under_way: usize,
    /// Each request: the person, the time, the request id.
    asked: Vec<(u32, Duration, String)>,
}

struct Counted(Fake);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

const FINE: Reply = Ok((200, Vec::new()));

impl Fake {
    fn new(decide: impl FnMut(u32, Duration) -> Reply + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(State {
            start: Instant::now(),
            takes: HashMap::new(),
            decide: Box::new(decide),
            in_flight: 0,
            most_under_way: 0,
            asked: Vec::new(),
        })))
    }

    fn fine() -> Self {
        Self::new(|_, _| FINE)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn taking(self, person: u32, time: Duration) -> Self {
        self.state().takes.insert(person, time);
        self
    }

    fn client(&self) -> FinproProfileClient {
        FinproProfileClient::builder(finpro("https://fiu.example.test"))
            .transport(Arc::new(self.clone()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap()
    }

    fn batch(&self, concurrency: usize) -> Batch {
        let concurrency = NonZeroUsize::new(concurrency).unwrap();
        self.client().batch().concurrency(concurrency)
    }

    fn people(&self) -> Vec<u32> {
        self.state().asked.iter().map(|asked| asked.0).collect()
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

#[async_trait]
impl Transport for Fake {
    async fn send(
        &self,
        request: Request<Body>,
        _limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let id = request.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let body: Value = serde_json::from_slice(&request.into_body().into_bytes()).unwrap();
        let person: u32 = body["mobileNumber"].as_str().unwrap()[6..].parse().unwrap();
        let (takes, counted) = {
            let mut state = self.state();
            let at = state.start.elapsed();
            state.asked.push((person, at, id));
            state.in_flight += 1;
            state.most_under_way = state.most_under_way.max(state.in_flight);
            let takes = state.takes.get(&person).copied().unwrap_or(SECOND);
            (takes, Counted(self.clone()))
        };
        tokio::time::sleep(takes).await;
        drop(counted);
        let reply = {
            let mut state = self.state();
            let now = state.start.elapsed();
            (state.decide)(person, now)
        };
        let (status, headers) = reply.map_err(TransportError::new)?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name, value.parse().unwrap());
        }
        let body = match status {
            204 | 429 => "",
            203 | 302 | 403 | 404 => "<html>",
            401 => r#"{"status":"error","errorCode":"made_up"}"#,
            500 => r#"{"ver":"1.0.0","status":"error","error":{"code":"PROFILE_CHECK_FAILED"}}"#,
            _ => r#"{"ver":"1.0.0","data":[]}"#,
        };
        let status = StatusCode::from_u16(status).unwrap();
        Ok(RawResponse::new(status, map, body.into()))
    }
}

fn question(person: u32) -> BatchQuestion<u32> {
    let mobile = Mobile::parse(&format!("900000{person:04}")).unwrap();
    let id = UserConsentId::parse("reference-1").unwrap();
    BatchQuestion::new(person, CheckProfile::new(mobile, id))
}

fn questions(people: std::ops::Range<u32>) -> impl Stream<Item = BatchQuestion<u32>> + Send {
    stream::iter(people.map(question))
}

fn tags(answers: &[BatchAnswer<u32>]) -> Vec<u32> {
    answers.iter().map(|answer| answer.tag).collect()
}

fn sorted_tags(answers: &[BatchAnswer<u32>]) -> Vec<u32> {
    let mut tags = tags(answers);
    tags.sort_unstable();
    tags
}

fn failures(answers: &[BatchAnswer<u32>]) -> Vec<(u32, ErrorKind)> {
    let kind = |answer: &BatchAnswer<u32>| Some((answer.tag, answer.result.as_ref().err()?.kind()));
    answers.iter().filter_map(kind).collect()
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test(start_paused = true)]
async fn answers_come_as_they_complete_or_in_the_order_of_the_questions() {
    let fake = Fake::fine().taking(0, 10 * SECOND).taking(2, SECOND / 2);
    let answers = is_send(fake.batch(3).ask(questions(0..5)));
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(tags(&answers), [2, 1, 3, 4, 0]);
    assert!(failures(&answers).is_empty());

    let fake = Fake::fine().taking(0, 10 * SECOND).taking(2, SECOND / 2);
    let batch = fake.batch(3).order(BatchOrder::OfQuestions);
    let answers: Vec<_> = batch.ask(questions(0..5)).collect().await;
    assert_eq!(tags(&answers), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn exactly_the_configured_number_of_questions_is_in_flight() {
    let fake = Fake::fine();
    let answers: Vec<_> = fake.batch(7).ask(questions(0..70)).collect().await;
    assert_eq!(answers.len(), 70);
    assert!(answers.iter().all(|answer| answer.attempts == 1));
    assert_eq!(fake.state().most_under_way, 7);
    assert_eq!(fake.state().start.elapsed(), 10 * SECOND);
    assert_eq!(Batch::CONCURRENCY.get(), 32);
}

/// Counts the questions taken so far.
fn counted(taken: &Arc<Mutex<u32>>) -> impl Stream<Item = BatchQuestion<u32>> + use<> {
    let taken = Arc::clone(taken);
    stream::iter((0..).map(move |person| {
        *taken.lock().unwrap() += 1;
        question(person)
    }))
}

#[tokio::test(start_paused = true)]
async fn a_question_is_not_taken_before_it_can_be_asked() {
    let (fake, taken) = (Fake::fine(), Arc::default());
    let mut answers = fake.batch(4).ask(counted(&taken));
    assert_eq!(*taken.lock().unwrap(), 0);
    assert!(answers.next().now_or_never().is_none());
    assert_eq!(*taken.lock().unwrap(), 4);
    answers.next().await.unwrap();
    // Without polling, no more questions are taken.
    tokio::time::sleep(MINUTE).await;
    assert_eq!(*taken.lock().unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_delays_a_bounded_number_of_others() {
    let (fake, taken) = (Fake::fine().taking(0, 14 * SECOND), Arc::default());
    let batch = fake.batch(4).order(BatchOrder::OfQuestions);
    let mut answers = batch.ask(counted(&taken));
    let waited = tokio::time::timeout(13 * SECOND, answers.next()).await;
    assert!(waited.is_err());
    assert_eq!(*taken.lock().unwrap(), 4);
    for expected in 0..4 {
        assert_eq!(answers.next().await.unwrap().tag, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_answers_cancels_the_calls() {
    let fake = Fake::fine();
    let mut answers = fake.batch(5).ask(questions(0..10));
    assert!(answers.next().now_or_never().is_none());
    assert_eq!(fake.state().in_flight, 5);
    drop(answers);
    assert_eq!(fake.state().in_flight, 0);
    tokio::time::sleep(MINUTE).await;
    assert_eq!(fake.people().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_invalid_question_keeps_its_place() {
    let fake = Fake::fine();
    let all = [
        question(0),
        BatchQuestion::invalid(1, InvalidRequest::new("mobileNumber", "must be 10 digits")),
        question(2),
    ];
    let batch = fake.batch(3).order(BatchOrder::OfQuestions);
    let answers: Vec<_> = batch.ask(stream::iter(all)).collect().await;
    assert_eq!(tags(&answers), [0, 1, 2]);
    assert_eq!(failures(&answers), [(1, ErrorKind::InvalidRequest)]);
    assert_eq!(answers[1].attempts, 0);
    assert_eq!(fake.people(), [0, 2]);
}

/// No question fails for an outage, whatever its form.
#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_out() {
    let ways: [(&str, Reply); 9] = [
        ("reset", Err(TransportErrorKind::Interrupted)),
        ("late", Err(TransportErrorKind::Timeout)),
        ("away", Err(TransportErrorKind::Connect)),
        ("502", Ok((502, Vec::new()))),
        ("a page", Ok((203, Vec::new()))),
        ("nothing", Ok((204, Vec::new()))),
        ("a redirect", Ok((302, Vec::new()))),
        ("a firewall", Ok((403, Vec::new()))),
        ("an ingress", Ok((404, Vec::new()))),
    ];
    for (name, reply) in ways {
        for order in [BatchOrder::AsTheyCome, BatchOrder::OfQuestions] {
            let reply = reply.clone();
            let outage = 5 * SECOND..5 * MINUTE;
            let fake = Fake::new(move |_, now| match outage.contains(&now) {
                true => reply.clone(),
                false => FINE,
            });
            let answers = fake.batch(32).order(order).ask(questions(0..1_000));
            let answers: Vec<_> = answers.collect().await;
            assert_eq!(
                sorted_tags(&answers),
                (0..1_000).collect::<Vec<_>>(),
                "{name}"
            );
            assert_eq!(failures(&answers), [], "{name} {order:?}");
            let sent: u64 = answers.iter().map(|answer| answer.attempts).sum();
            let tried = fake.people().len() as u64;
            // What does not reach the server is not sent.
            assert_eq!(sent, if name == "away" { 1_000 } else { tried });
            // Those in flight twice, and then one question at a time.
            let retries = tried - 1_000;
            assert!(retries <= 2 * 32 + 60, "{name}: {retries} retries");
            assert!(fake.state().start.elapsed() < 7 * MINUTE, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_calls_of_a_question_have_the_same_request_id() {
    let mut first = true;
    let fake = Fake::new(move |_, _| match std::mem::take(&mut first) {
        true => Ok((503, Vec::new())),
        false => FINE,
    });
    let answers: Vec<_> = fake.batch(1).ask(questions(0..1)).collect().await;
    assert_eq!(failures(&answers), []);
    assert_eq!(answers[0].attempts, 2);
    let asked = fake.state().asked.clone();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].2, asked[1].2);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_fails_alone_is_asked_once_more_at_the_end_and_delays_no_other() {
    for concurrency in [1, 8] {
        let fake = Fake::new(|person, _| match person {
            3 | 4 => Ok((504, Vec::new())),
            _ => FINE,
        });
        let batch = fake.batch(concurrency);
        let answers: Vec<_> = batch.ask(questions(0..40)).collect().await;
        let mut failed = failures(&answers);
        failed.sort_unstable_by_key(|failed| failed.0);
        assert_eq!(failed, [(3, ErrorKind::Api), (4, ErrorKind::Api)]);
        let asked = fake.people();
        assert_eq!(asked.len(), 44);
        let mut last = asked[42..].to_vec();
        last.sort_unstable();
        assert_eq!(last, [3, 4]);
        assert!(fake.state().start.elapsed() < 50 * SECOND);
    }
    // Where others would have to wait for its answer it is not asked at the end.
    let fake = Fake::new(|person, _| match person {
        3 => Ok((504, Vec::new())),
        _ => FINE,
    });
    let batch = fake.batch(4).order(BatchOrder::OfQuestions);
    let answers: Vec<_> = batch.ask(questions(0..40)).collect().await;
    assert_eq!(failures(&answers), [(3, ErrorKind::Api)]);
    assert_eq!(fake.people().len(), 41);
}

/// One operator's shard is down, and the file begins with its customers.
#[tokio::test(start_paused = true)]
async fn more_questions_that_always_fail_than_are_in_flight_hold_nothing_up() {
    let down: Reply = Ok((503, Vec::new()));
    let ways: [(&str, Reply); 3] = [
        ("down", down),
        ("late", Err(TransportErrorKind::Timeout)),
        ("limited", Ok((429, vec![("retry-after", "5")]))),
    ];
    for (name, reply) in ways {
        for (concurrency, order) in [
            (1, BatchOrder::AsTheyCome),
            (8, BatchOrder::AsTheyCome),
            (8, BatchOrder::OfQuestions),
        ] {
            let reply = reply.clone();
            let fails = |person: u32| person < 20 || person.is_multiple_of(50);
            let fake = Fake::new(move |person, _| match fails(person) {
                true => reply.clone(),
                false => FINE,
            });
            let mut answers = fake.batch(concurrency).order(order).ask(questions(0..300));
            let given = all(&mut answers).await;
            assert!(
                answers.stopped().is_none(),
                "{name} {concurrency} {order:?}"
            );
            assert_eq!(sorted_tags(&given), (0..300).collect::<Vec<_>>());
            let mut failed: Vec<_> = failures(&given)
                .into_iter()
                .map(|failed| failed.0)
                .collect();
            failed.sort_unstable();
            let expected: Vec<_> = (0..300).filter(|person| fails(*person)).collect();
            assert_eq!(failed, expected, "{name} {concurrency} {order:?}");
            // Each of them has a number of tries of its own.
            for answer in &given {
                assert!(answer.attempts <= 6, "{name}: {answer:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_always_limited_is_answered_even_if_it_is_the_only_one() {
    for people in [0..1, 0..20] {
        let fake = Fake::new(|person, _| match person {
            0 => Ok((429, vec![("retry-after", "30")])),
            _ => FINE,
        });
        let mut answers = fake.batch(4).ask(questions(people.clone()));
        let given = all(&mut answers).await;
        assert!(answers.stopped().is_none());
        assert_eq!(given.len(), people.len());
        assert_eq!(failures(&given), [(0, ErrorKind::RateLimited)]);
        let asked = fake.people().into_iter().filter(|person| *person == 0);
        assert_eq!(asked.count(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_has_to_correct_is_asked_once_and_stops_the_batch_in_a_row() {
    let fake = Fake::new(|person, _| match person % 2 {
        0 => Ok((500, Vec::new())),
        _ => FINE,
    });
    let mut answers = fake.batch(4).ask(questions(0..40));
    let given = all(&mut answers).await;
    assert!(answers.stopped().is_none());
    assert_eq!(failures(&given).len(), 20);
    assert_eq!(fake.people().len(), 40, "none twice");

    let fake = Fake::new(|_, _| Ok((500, Vec::new())));
    let mut answers = fake.batch(4).ask(questions(0..40));
    let given = all(&mut answers).await;
    let stopped = answers.stopped().unwrap();
    assert!(stopped.is_to_be_corrected(), "{stopped}");
    assert_eq!(fake.people().len(), given.len(), "none twice");
    assert!((10..20).contains(&given.len()), "{}", given.len());
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_of_finpro_is_waited_out_and_then_probed() {
    let limited = || Ok((429, vec![("retry-after", "30")]));
    let fake = Fake::new(move |_, now| match now < 10 * SECOND {
        true => limited(),
        false => FINE,
    });
    let answers: Vec<_> = fake.batch(4).ask(questions(0..12)).collect().await;
    assert_eq!(failures(&answers), []);
    let at: Vec<_> = fake
        .state()
        .asked
        .iter()
        .map(|asked| asked.1.as_secs())
        .collect();
    // Four at once, then after the wait a single one, and once that is answered all others.
    assert_eq!(
        at,
        [0, 0, 0, 0, 31, 32, 32, 32, 32, 33, 33, 33, 33, 34, 34, 34]
    );
}

#[tokio::test(start_paused = true)]
async fn the_client_s_limiter_is_respected_and_waiting_for_it_does_not_count_against_the_deadline()
{
    // An answer takes 8 of the 15 s of the deadline: a wait of 10 s for the limiter would exceed it.
    let fake = (0..50).fold(Fake::fine(), |fake, person| fake.taking(person, 8 * SECOND));
    let limits = RateLimits::new([Window {
        requests: 1,
        per: 10 * SECOND,
    }]);
    let client = FinproProfileClient::builder(finpro("https://fiu.example.test"))
        .transport(Arc::new(fake.clone()))
        .rate_limiter(Arc::new(limits.unwrap()))
        .build()
        .unwrap();
    let answers: Vec<_> = client.batch().ask(questions(0..50)).collect().await;
    assert_eq!(failures(&answers), []);
    assert!(answers.iter().all(|answer| answer.attempts == 1));
    let at: Vec<_> = fake
        .state()
        .asked
        .iter()
        .map(|asked| asked.1.as_secs())
        .collect();
    assert_eq!(at, (0..50).map(|nth| nth * 10).collect::<Vec<_>>());
}

async fn all<S: Stream<Item = BatchQuestion<u32>>>(
    answers: &mut BatchAnswers<S, u32>,
) -> Vec<BatchAnswer<u32>> {
    answers.collect().await
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_recovers_stops_the_batch_and_leaves_questions_unasked() {
    let (taken, fake) = (
        Arc::default(),
        Fake::new(|_, now| match now < 5 * SECOND {
            true => FINE,
            false => Err(TransportErrorKind::Timeout),
        }),
    );
    let batch = fake.batch(16).give_up_after(MINUTE);
    let mut answers = batch.ask(counted(&taken));
    let given = all(&mut answers).await;
    let stopped = answers.stopped().unwrap();
    assert!(stopped.is_retryable(), "{stopped}");
    assert!(answers.held_up_by().is_some());
    let taken = *taken.lock().unwrap();
    assert_eq!(given.len(), taken as usize);
    assert_eq!(sorted_tags(&given), (0..taken).collect::<Vec<_>>());
    // Questions in flight when the outage started have an unknown outcome, although their last call was not sent.
    let failed: Vec<_> = given
        .iter()
        .filter_map(|answer| answer.result.as_ref().err())
        .collect();
    // Those that were in flight, and the new ones that showed that nobody was answered.
    assert!((16..50).contains(&failed.len()), "{}", failed.len());
    for error in failed {
        assert!(error.is_retryable(), "{error}");
        let was_sent = error.kind() == ErrorKind::Timeout;
        assert_eq!(error.outcome() == Outcome::Unknown, was_sent, "{error}");
    }
    let elapsed = fake.state().start.elapsed();
    assert!((MINUTE / 2..2 * MINUTE).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_stop_the_batch_early() {
    let (taken, fake) = (Arc::default(), Fake::new(|_, _| Ok((401, Vec::new()))));
    let mut answers = fake.batch(2).ask(counted(&taken));
    let given = all(&mut answers).await;
    let stopped = answers.stopped().map(Error::kind);
    assert_eq!(stopped, Some(ErrorKind::Credentials));
    assert_eq!(given.len(), 11, "ten, and one in flight");
    assert_eq!(*taken.lock().unwrap(), 11);
}

#[tokio::test(start_paused = true)]
async fn pages_in_place_of_finpro_stop_the_batch_and_every_question_may_be_asked_again() {
    let (taken, fake) = (Arc::default(), Fake::new(|_, _| Ok((203, Vec::new()))));
    let mut answers = fake.batch(16).ask(counted(&taken));
    let given = all(&mut answers).await;
    let stopped = answers.stopped().map(Error::kind);
    assert_eq!(stopped, Some(ErrorKind::Unrecognized));
    assert_eq!(given.len(), *taken.lock().unwrap() as usize);
    // Those in flight twice, and then a new one at a time.
    assert!((16..70).contains(&given.len()), "{}", given.len());
    for answer in &given {
        assert!(answer.result.as_ref().unwrap_err().is_retryable());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_batch_ends_with_the_calls_in_flight() {
    let (taken, fake) = (Arc::default(), Fake::fine().taking(1, 5 * SECOND));
    let mut answers = fake.batch(3).ask(counted(&taken));
    assert_eq!(answers.next().await.unwrap().tag, 0);
    assert_eq!(answers.next().await.unwrap().tag, 2);
    answers.stop();
    let given = all(&mut answers).await;
    assert_eq!(sorted_tags(&given), [1, 3]);
    assert_eq!(failures(&given), []);
    assert!(answers.stopped().is_none());
    assert_eq!(*taken.lock().unwrap(), 4);

    // Postponed questions are answered at once with their last error.
    let fake = Fake::new(|_, _| Err(TransportErrorKind::Connect));
    let mut answers = fake.batch(3).ask(questions(0..9));
    let waited = tokio::time::timeout(MINUTE, answers.next()).await;
    assert!(waited.is_err());
    answers.stop();
    let given = all(&mut answers).await;
    let mut failed = failures(&given);
    failed.sort_unstable_by_key(|failed| failed.0);
    // Three at once, and then a new one a time, to see whether another one is answered.
    let expected: Vec<_> = (0..8).map(|person| (person, ErrorKind::Connect)).collect();
    assert_eq!(failed, expected);
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_printed() {
    let fake = Fake::new(|_, _| Ok((400, Vec::new())));
    let mut answers = fake.batch(2).ask(questions(0..3));
    let mut printed = format!("{:?} {:?}", fake.batch(2), question(1));
    for answer in all(&mut answers).await {
        printed.push_str(&format!("{answer:?} {answers:?}"));
    }
    let at_the_end = "BatchAnswers { concurrency: 2, taken: 3, in_flight: 0, ";
    assert!(printed.contains(at_the_end), "{printed}");
    assert!(!printed.contains("900000"), "{printed}");
}
