//! The cache: shared calls, cached rows, and repeated questions. In virtual time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use finpro_profile::provider_core::capability::{AggregatorDiscovery, Readiness};
use finpro_profile::provider_core::http::{HeaderMap, Request, StatusCode};
use finpro_profile::provider_core::testing::{ScriptedTransport, Step, conformance};
use finpro_profile::provider_core::{
    Body, CallOptions, Error, ErrorKind, ExchangeLimits, Mobile, Outcome, RawResponse, RequestId,
    RetryPolicy, Transport, TransportError, TransportErrorKind, async_trait,
};
use finpro_profile::{
    AaId, CachedProfiles, CachedReport, CheckProfile, FinproProfileClient, UserConsentId,
};
use kyc_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::conformance::{query, readiness, setup};
use crate::sandbox::{base_url, client, finpro};

const SECOND: Duration = Duration::from_secs(1);
/// A success for a person who is registered and has no linked account.
const UNLINKED: &str = "unlinked";
const MINUTE: Duration = Duration::from_secs(60);

/// FinPro as a transport: answers after two seconds, with the status that is set for each aggregator.
#[derive(Clone, Default)]
struct Fake {
    aggregators: Arc<Mutex<BTreeMap<String, &'static str>>>,
    fails: Arc<Mutex<Option<TransportErrorKind>>>,
    asked: Arc<Mutex<Vec<Value>>>,
    ids: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn with(statuses: &[(&str, &'static str)]) -> Self {
        let fake = Self::default();
        statuses
            .iter()
            .for_each(|(id, status)| fake.set(id, status));
        fake
    }

    fn set(&self, aggregator: &str, status: &'static str) {
        let mut aggregators = self.aggregators.lock().unwrap();
        aggregators.insert(aggregator.to_owned(), status);
    }

    fn fail(&self, how: impl Into<Option<TransportErrorKind>>) {
        *self.fails.lock().unwrap() = how.into();
    }

    fn profiles(&self) -> CachedProfiles {
        CachedProfiles::new(self.client())
    }

    fn client(&self) -> FinproProfileClient {
        FinproProfileClient::builder(finpro("https://fiu.example.test"))
            .transport(Arc::new(self.clone()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap()
    }

    /// The aggregators of each request so far; `*` for all.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let names = |body: &Value| match body["aaId"].as_array() {
            Some(ids) => ids
                .iter()
                .map(|id| id.as_str().unwrap())
                .collect::<Vec<_>>()
                .join(" "),
            None => "*".to_owned(),
        };
        asked.iter().map(names).collect()
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
        self.ids.lock().unwrap().push(id);
        self.asked.lock().unwrap().push(body.clone());
        tokio::time::sleep(2 * SECOND).await;
        if let Some(kind) = *self.fails.lock().unwrap() {
            return Err(TransportError::new(kind));
        }
        let named = body["aaId"].as_array();
        let rows: Vec<Value> = self
            .aggregators
            .lock()
            .unwrap()
            .iter()
            .filter(|(id, _)| named.is_none_or(|named| named.contains(&json!(id))))
            .map(|(id, status)| {
                let (status, registered, linked) = match *status {
                    UNLINKED => ("success", Some(true), Some(false)),
                    "success" => ("success", Some(true), Some(true)),
                    other => (other, None, None),
                };
                json!({ "aaId": id, "registrationStatus": registered, "hasLinkedAccounts": linked, "status": status })
            })
            .collect();
        let body = json!({ "txnid": "t-1", "data": rows }).to_string();
        Ok(RawResponse::new(
            StatusCode::OK,
            HeaderMap::new(),
            body.into(),
        ))
    }
}

fn ask(aggregators: &[&str]) -> CheckProfile {
    ask_about("9000000001", aggregators)
}

fn ask_about(mobile: &str, aggregators: &[&str]) -> CheckProfile {
    CheckProfile::new(
        Mobile::parse(mobile).unwrap(),
        UserConsentId::parse("reference-1").unwrap(),
    )
    .set_aa_ids(aggregators.iter().map(|id| AaId::parse(id).unwrap()))
}

/// Each row's aggregator and status.
fn statuses(report: &CachedReport) -> Vec<(&str, &str)> {
    report
        .rows
        .iter()
        .map(|row| (row.aa_id.as_str(), row.status.as_str()))
        .collect()
}

fn limit(limit: Duration) -> CallOptions {
    CallOptions::new().with_time_limit(limit)
}

#[tokio::test(start_paused = true)]
async fn concurrent_callers_with_the_same_question_share_one_request() {
    let fake = Fake::with(&[("finvu", "success"), ("onemoney", "timeout")]);
    let profiles = fake.profiles();
    let other_words = CheckProfile::new(
        Mobile::parse("9000000001").unwrap(),
        UserConsentId::parse("reference-2").unwrap(),
    )
    .set_aa_ids(["onemoney", "finvu", "onemoney"].map(|id| AaId::parse(id).unwrap()));
    let options = CallOptions::new().with_request_id(RequestId::parse("first").unwrap());
    let (first, second) = tokio::join!(
        profiles
            .check_profile(ask(&["finvu", "onemoney"]))
            .with_options(options)
            .into_future(),
        profiles.check_profile(other_words).into_future(),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(
        statuses(&first),
        [("finvu", "success"), ("onemoney", "timeout")]
    );
    assert_eq!(
        statuses(&second),
        [("onemoney", "timeout"), ("finvu", "success")]
    );
    assert_eq!(fake.asked(), ["finvu onemoney"]);
    assert_eq!(*fake.ids.lock().unwrap(), ["first"]);
    assert_eq!(second.reply.unwrap().request_id().as_str(), "first");
}

#[tokio::test(start_paused = true)]
async fn another_person_or_another_aggregator_is_another_question() {
    let fake = Fake::with(&[("finvu", "success"), ("onemoney", "success")]);
    let profiles = fake.profiles();
    let ask_all = async |checks: Vec<CheckProfile>| {
        let checks = checks
            .into_iter()
            .map(|check| profiles.check_profile(check).into_future());
        futures_util::future::join_all(checks).await
    };
    ask_all(vec![
        ask(&["finvu"]),
        ask(&["onemoney"]),
        ask(&[]),
        ask_about("9000000002", &["finvu"]),
    ])
    .await;
    assert_eq!(fake.asked(), ["finvu", "onemoney", "*", "finvu"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shared_and_not_cached() {
    let fake = Fake::with(&[("finvu", "success")]);
    fake.fail(TransportErrorKind::Interrupted);
    let profiles = fake.profiles();
    let (first, second) = tokio::join!(
        profiles.check_profile(ask(&["finvu"])).into_future(),
        profiles.check_profile(ask(&["finvu"])).into_future(),
    );
    for error in [first.unwrap_err(), second.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert_eq!(
            error.request_id().unwrap().as_str(),
            fake.ids.lock().unwrap()[0]
        );
        assert_eq!(error.attempts(), 1);
    }
    assert_eq!(fake.asked().len(), 1);

    fake.fail(None);
    let report = profiles.check_profile(ask(&["finvu"])).await.unwrap();
    assert_eq!(statuses(&report), [("finvu", "success")]);
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_caller_may_leave_and_the_others_get_the_answer_of_the_same_request() {
    let fake = Fake::with(&[("finvu", "success")]);
    let profiles = fake.profiles();
    let start = Instant::now();
    let leader = tokio::spawn({
        let profiles = profiles.clone();
        async move { profiles.check_profile(ask(&["finvu"])).await }
    });
    tokio::time::sleep(SECOND / 2).await;
    let follower = tokio::spawn({
        let profiles = profiles.clone();
        async move { profiles.check_profile(ask(&["finvu"])).await }
    });
    tokio::time::sleep(SECOND / 2).await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    let report = follower.await.unwrap().unwrap();
    assert_eq!(statuses(&report), [("finvu", "success")]);
    assert_eq!(start.elapsed(), 2 * SECOND);
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_callers_is_cancelled_and_the_next_caller_asks_again() {
    let fake = Fake::with(&[("finvu", "success")]);
    let profiles = fake.profiles();
    let question = profiles.check_profile(ask(&["finvu"])).into_future();
    assert!(tokio::time::timeout(SECOND, question).await.is_err());
    assert!(format!("{profiles:?}").contains("in_flight: 0"));
    tokio::time::sleep(10 * SECOND).await;
    let report = profiles.check_profile(ask(&["finvu"])).await.unwrap();
    assert!(report.reply.is_some(), "nothing was kept");
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn each_caller_has_its_own_deadline() {
    let fake = Fake::with(&[("finvu", "success")]);
    let profiles = fake.profiles();
    let timed = async |options| {
        let start = Instant::now();
        let check = profiles
            .check_profile(ask(&["finvu"]))
            .with_options(options);
        (check.await, start.elapsed())
    };
    for impatient in [limit(SECOND), CallOptions::new().with_timeout(SECOND)] {
        profiles.clear();
        let both = limit(9 * SECOND).with_timeout(SECOND / 2);
        let (first, second, third) =
            tokio::join!(timed(impatient), timed(both), timed(limit(3 * SECOND)));
        let request_id = fake.ids.lock().unwrap().pop().unwrap();
        for ((result, took), expected) in [(first, SECOND), (second, SECOND / 2)] {
            let error: Error = result.unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Timeout, Outcome::Unknown)
            );
            assert!(!error.is_unsettled(), "it is a read");
            assert_eq!(
                (error.provider(), error.operation()),
                ("finpro", "check-profile")
            );
            assert_eq!(error.request_id().unwrap().as_str(), request_id);
            assert_eq!((took, error.elapsed()), (expected, expected));
        }
        let (result, took) = third;
        assert_eq!(statuses(&result.unwrap()), [("finvu", "success")]);
        assert_eq!(took, 2 * SECOND);
        assert!(
            fake.ids.lock().unwrap().is_empty(),
            "one request for all three"
        );
    }

    let (result, took) = timed(limit(Duration::ZERO)).await;
    assert!(result.unwrap().reply.is_none());
    assert_eq!(took, Duration::ZERO, "what is kept takes no time");
}

#[tokio::test(start_paused = true)]
async fn only_the_rows_missing_in_the_cache_are_requested() {
    let fake = Fake::with(&[
        ("anumati", "failed"),
        ("finvu", "success"),
        ("onemoney", "success"),
    ]);
    let profiles = fake.profiles();
    let check = |aggregators: &[&str]| profiles.check_profile(ask(aggregators)).into_future();
    check(&["finvu"]).await.unwrap();

    let report = check(&["finvu"]).await.unwrap();
    assert_eq!(statuses(&report), [("finvu", "success")]);
    assert!(report.reply.is_none());

    let report = check(&["onemoney", "finvu", "anumati"]).await.unwrap();
    let expected = [
        ("onemoney", "success"),
        ("finvu", "success"),
        ("anumati", "failed"),
    ];
    assert_eq!(statuses(&report), expected, "in the order of the question");
    assert_eq!(report.reply.unwrap().value().data.len(), 2);

    fake.set("anumati", "success");
    let report = check(&["anumati", "finvu"]).await.unwrap();
    assert_eq!(
        statuses(&report),
        [("anumati", "success"), ("finvu", "success")]
    );
    assert_eq!(fake.asked(), ["finvu", "onemoney anumati", "anumati"]);
}

#[tokio::test(start_paused = true)]
async fn a_question_to_all_is_cached_only_after_all_were_asked() {
    let fake = Fake::with(&[
        ("anumati", "timeout"),
        ("finvu", "success"),
        ("onemoney", "success"),
    ]);
    let profiles = fake.profiles();
    let check = |aggregators: &[&str]| profiles.check_profile(ask(aggregators)).into_future();
    check(&["finvu", "onemoney"]).await.unwrap();
    let all = [
        ("anumati", "timeout"),
        ("finvu", "success"),
        ("onemoney", "success"),
    ];
    assert_eq!(statuses(&check(&[]).await.unwrap()), all);
    assert_eq!(fake.asked(), ["finvu onemoney", "*"]);

    assert_eq!(
        statuses(&check(&[]).await.unwrap()),
        all,
        "in FinPro's order"
    );
    assert_eq!(fake.asked()[2..], ["anumati"]);

    fake.set("anumati", "success");
    check(&[]).await.unwrap();
    let report = check(&[]).await.unwrap();
    assert!(report.reply.is_none() && report.rows.len() == 3);
    assert_eq!(fake.asked()[3..], ["anumati"]);
}

#[tokio::test(start_paused = true)]
async fn a_cached_success_wins_over_a_new_time_out() {
    let fake = Fake::with(&[("finvu", "success"), ("onemoney", "success")]);
    let profiles = fake.profiles();
    profiles.check_profile(ask(&["finvu"])).await.unwrap();
    fake.set("finvu", "timeout");
    let report = profiles.check_profile(ask(&[])).await.unwrap();
    assert_eq!(
        statuses(&report),
        [("finvu", "success"), ("onemoney", "success")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_success_wins_over_a_cached_one() {
    let fake = Fake::with(&[("finvu", UNLINKED), ("onemoney", "success")]);
    let profiles = fake.profiles();
    profiles.check_profile(ask(&["finvu"])).await.unwrap();
    fake.set("finvu", "success");
    let report = profiles.check_profile(ask(&[])).await.unwrap();
    let linked: Vec<_> = report
        .rows
        .iter()
        .map(|row| row.has_linked_accounts)
        .collect();
    assert_eq!(linked, [Some(true), Some(true)]);
    assert_eq!(fake.asked(), ["finvu", "*"]);
}

#[tokio::test(start_paused = true)]
async fn if_an_aggregator_cannot_be_requested_by_name_all_are_asked() {
    let fake = Fake::with(&[("onemoney", "success"), ("onemoney-aa", "timeout")]);
    let profiles = fake.profiles();
    for _ in 0..2 {
        profiles.check_profile(ask(&[])).await.unwrap();
    }
    assert_eq!(fake.asked(), ["*", "*"]);
}

#[tokio::test(start_paused = true)]
async fn expired_rows_are_requested_again() {
    let fake = Fake::with(&[("finvu", "success")]);
    let profiles = CachedProfiles::builder(fake.client())
        .time_to_live(5 * MINUTE)
        .build()
        .unwrap();
    let check = || profiles.check_profile(ask(&["finvu"])).into_future();
    check().await.unwrap();
    tokio::time::sleep(5 * MINUTE - Duration::from_millis(1)).await;
    assert!(check().await.unwrap().reply.is_none());
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(check().await.unwrap().reply.is_some());
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn forgotten_rows_are_requested_again() {
    let fake = Fake::with(&[("finvu", "success")]);
    let profiles = fake.profiles();
    let about = |mobile| {
        profiles
            .check_profile(ask_about(mobile, &["finvu"]))
            .into_future()
    };
    let (one, other) = ("9000000001", "9000000002");
    about(one).await.unwrap();
    about(other).await.unwrap();

    profiles.clone().forget(&Mobile::parse(one).unwrap());
    assert!(about(one).await.unwrap().reply.is_some());
    assert!(about(other).await.unwrap().reply.is_none());

    profiles.clear();
    assert!(about(one).await.unwrap().reply.is_some());
    assert!(about(other).await.unwrap().reply.is_some());
    assert_eq!(fake.asked().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_call_started_before_forget_is_neither_joined_nor_cached() {
    let fake = Fake::with(&[("finvu", "success")]);
    let profiles = fake.profiles();
    let check = |fresh| {
        let check = profiles.check_profile(ask(&["finvu"]));
        if fresh {
            check.with_fresh_rows()
        } else {
            check
        }
        .into_future()
    };
    for fresh in [false, true] {
        let (before, ()) = tokio::join!(check(false), async {
            tokio::time::sleep(SECOND).await;
            if !fresh {
                profiles.forget(&Mobile::parse("9000000001").unwrap());
            }
            let start = Instant::now();
            let (asked, joined) = tokio::join!(check(fresh), check(false));
            assert_eq!(
                start.elapsed(),
                2 * SECOND,
                "the earlier answer came after one"
            );
            assert_eq!(asked.unwrap().rows, joined.unwrap().rows);
        });
        before.unwrap();
        assert!(
            check(false).await.unwrap().reply.is_none(),
            "the later answer is kept"
        );
        assert_eq!(fake.asked().len(), 2, "fresh={fresh}");
        profiles.clear();
        fake.asked.lock().unwrap().clear();
    }

    let pending = check(false);
    let (answer, ()) = tokio::join!(pending, async {
        tokio::time::sleep(SECOND).await;
        profiles.clear();
    });
    assert_eq!(statuses(&answer.unwrap()), [("finvu", "success")]);
    assert!(
        check(false).await.unwrap().reply.is_some(),
        "it was not kept"
    );
}

#[tokio::test(start_paused = true)]
async fn without_capacity_calls_in_flight_are_still_shared() {
    let fake = Fake::with(&[("finvu", "success")]);
    let profiles = CachedProfiles::builder(fake.client())
        .max_rows(0)
        .build()
        .unwrap();
    let check = || profiles.check_profile(ask(&["finvu"])).into_future();
    let (first, second) = tokio::join!(check(), check());
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(fake.asked().len(), 1);
    check().await.unwrap();
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn the_time_to_live_is_five_to_fifteen_minutes() {
    let build = |seconds| {
        CachedProfiles::builder(Fake::default().client())
            .time_to_live(Duration::from_secs(seconds))
            .build()
    };
    for seconds in [0, 299, 901] {
        assert_eq!(build(seconds).unwrap_err().field(), "time_to_live");
    }
    assert!(build(300).is_ok() && build(900).is_ok());
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_printed() {
    let fake = Fake::with(&[("finvu", "success")]);
    let profiles = fake.profiles();
    let check = profiles.check_profile(ask(&["finvu"])).with_fresh_rows();
    let mut printed = format!("{check:?}");
    assert!(printed.contains("fresh: true"), "{printed}");
    let look = async {
        tokio::time::sleep(SECOND).await;
        format!("{profiles:?}")
    };
    let (report, at_work) = tokio::join!(check.into_future(), look);
    let report = report.unwrap();
    for text in ["in_flight: 1", "KeptRows", "time_to_live: 600s"] {
        assert!(at_work.contains(text), "{at_work}");
    }
    printed += &format!("{at_work} {profiles:#?} {report:?}");
    assert!(!printed.contains("9000000001") && !printed.contains("reference-1"));
}

#[tokio::test(start_paused = true)]
async fn it_implements_aggregator_discovery() {
    let over = |transport| CachedProfiles::from(client(&base_url(), transport));
    let setup = setup(move |transport| Arc::new(over(transport)));
    let answered = query("9000000001", &["onemoney", "finvu"]);
    let silent = query("9000000006", &[]);
    conformance::aggregator_discovery(&setup, answered.clone(), silent).await;

    // From FinPro, and from the cache.
    let profiles = over(Arc::new(Sandbox::default().transport()));
    for _ in 0..2 {
        let standings = profiles.discover(answered.clone(), limit(9 * SECOND)).await;
        let standings = standings.unwrap();
        let expected = [
            ("onemoney", Readiness::Ready),
            ("finvu", Readiness::NeedsRegistration),
        ];
        assert_eq!(readiness(&standings), expected);
    }
    let standings = profiles
        .discover(query("9000000001", &[]), limit(9 * SECOND))
        .await
        .unwrap();
    let expected = [
        ("onemoney", Readiness::Ready),
        ("finvu", Readiness::NeedsRegistration),
        ("anumati", Readiness::NeedsRegistration),
    ];
    assert_eq!(readiness(&standings), expected);
}

/// A silent FinPro, which counts the requests that reach it.
#[derive(Debug, Clone, Default)]
struct Silent(Arc<AtomicUsize>);

#[async_trait]
impl Transport for Silent {
    async fn send(
        &self,
        _: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        std::future::pending().await
    }
}

/// Asks about 100 different people. Returns the number of requests that reach a silent FinPro.
async fn asked_of_silence(ask: impl AsyncFn(&CachedProfiles, CheckProfile)) -> usize {
    let silent = Silent::default();
    let client = FinproProfileClient::builder(finpro("https://fiu.example.test"))
        .transport(Arc::new(silent.clone()))
        .build()
        .unwrap();
    let profiles = CachedProfiles::new(client);
    for person in 0..100 {
        let request = ask_about(&format!("90000000{person:02}"), &["finvu"]);
        ask(&profiles, request).await;
    }
    silent.0.load(Ordering::Relaxed)
}

/// Check Profile's deadline is 15 s, and so the circuit's patience 6 s.
#[tokio::test(start_paused = true)]
async fn a_call_abandoned_by_all_callers_counts_if_it_lasted_long_enough() {
    for (seconds, asked) in [(14, 10), (6, 10), (5, 100)] {
        let wait = Duration::from_secs(seconds);
        let own = asked_of_silence(async |profiles, request| {
            let check = profiles.check_profile(request).with_options(limit(wait));
            assert!(check.await.is_err());
        });
        assert_eq!(own.await, asked, "each with a limit of {wait:?}");
        let outer = asked_of_silence(async |profiles, request| {
            let check = profiles.check_profile(request).into_future();
            let _ = tokio::time::timeout(wait, check).await;
        });
        assert_eq!(outer.await, asked, "each dropped after {wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_impatient_caller_cancels_no_shared_call_and_opens_no_circuit() {
    let fake = Fake::with(&[("finvu", "success")]);
    let profiles = fake.profiles();
    for _ in 0..20 {
        let impatient = profiles
            .check_profile(ask(&["finvu"]))
            .with_options(limit(SECOND / 20));
        assert_eq!(impatient.await.unwrap_err().kind(), ErrorKind::Timeout);
    }
    let report = profiles.check_profile(ask(&["finvu"])).await.unwrap();
    assert_eq!(statuses(&report), [("finvu", "success")]);
    assert_eq!(fake.asked().len(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_beside_rows_is_an_error_and_not_kept() {
    for refusal in [
        r#""errorCode":4001"#,
        r#""status":"ERROR""#,
        r#""success":false"#,
        r#""error":["x"]"#,
    ] {
        let row =
            r#"{"aaId":"x","status":"success","registrationStatus":true,"hasLinkedAccounts":true}"#;
        let body = format!(r#"{{"ver":"1",{refusal},"data":[{row}]}}"#);
        let steps = [(); 2].map(|()| Step::respond(200, body.clone()));
        let transport = ScriptedTransport::new(steps);
        let client = FinproProfileClient::builder(finpro("https://fiu.example.test"))
            .transport(Arc::new(transport.clone()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let profiles = CachedProfiles::new(client);
        for asked in 1..=2 {
            let error = profiles.check_profile(ask(&[])).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Api, "{refusal}");
            assert_eq!(transport.sent().len(), asked, "{refusal}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_rows_are_kept_and_merged_each_in_its_place() {
    const ROWS: usize = 3_000;
    let statuses: Vec<String> = (0..ROWS).map(|at| format!("a{at:04}")).collect();
    let fake = Fake::default();
    for id in &statuses {
        fake.set(id, "success");
    }
    let profiles = fake.profiles();
    let first = profiles.check_profile(ask(&[])).await.unwrap();
    assert!(first.reply.is_some());
    let kept = profiles.check_profile(ask(&[])).await.unwrap();
    assert!(kept.reply.is_none());
    assert_eq!(kept.rows, first.rows);
    let ids: Vec<_> = kept.rows.iter().map(|row| row.aa_id.clone()).collect();
    assert_eq!(ids, statuses);
}
