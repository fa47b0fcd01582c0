//! Hedging: when a query is sent twice, its cost and its benefit. In virtual time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_facade::Hedged;
use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::{
    CallOptions, Error, ErrorKind, InvalidRequest, Mobile, Outcome, async_trait,
};
use tokio::time::Instant;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// The duration of one answer, and its failure if it fails.
type Step = (Duration, Option<ErrorKind>);

/// Answers each query according to its script, and at once after the script's end.
#[derive(Debug, Clone)]
struct Peer {
    name: &'static str,
    script: Arc<Mutex<VecDeque<Step>>>,
    asked: Arc<Mutex<Vec<CallOptions>>>,
    in_flight: Arc<()>,
    refuses_input: bool,
}

impl Peer {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            script: Arc::default(),
            asked: Arc::default(),
            in_flight: Arc::new(()),
            refuses_input: false,
        }
    }

    fn answers_after(self, delay: Duration) -> Self {
        self.script.lock().unwrap().push_back((delay, None));
        self
    }

    fn fails_after(self, delay: Duration, kind: ErrorKind) -> Self {
        self.script.lock().unwrap().push_back((delay, Some(kind)));
        self
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The number of queries in flight; `held` is the number of references that the test and a hedge hold.
    fn in_flight(&self, held: usize) -> usize {
        Arc::strong_count(&self.in_flight) - held
    }
}

#[async_trait]
impl AggregatorDiscovery for Peer {
    fn provider_name(&self) -> &'static str {
        self.name
    }

    fn check_query(&self, _: &AggregatorQuery) -> Result<(), Error> {
        match self.refuses_input {
            true => Err(InvalidRequest::new("field", "is wrong").into()),
            false => Ok(()),
        }
    }

    async fn discover(
        &self,
        _: AggregatorQuery,
        options: CallOptions,
    ) -> Result<AggregatorStandings, Error> {
        let _in_flight = Arc::clone(&self.in_flight);
        self.asked.lock().unwrap().push(options);
        let step = self.script.lock().unwrap().pop_front();
        let (delay, fails) = step.unwrap_or_default();
        tokio::time::sleep(delay).await;
        match fails {
            Some(kind) => Err(Error::new(kind, Outcome::Unknown).at(self.name, "ask")),
            None => {
                let aggregator = AggregatorId::parse("a").unwrap();
                Ok(vec![AggregatorStanding::new(aggregator, Readiness::Ready)].into())
            }
        }
    }
}

fn query() -> AggregatorQuery {
    AggregatorQuery::new(Mobile::parse("9000000001").unwrap(), "ref-1")
}

/// A hedge that queries the second peer after a second and has saved up this many hedges.
async fn hedged(first: &Peer, second: &Peer, saved: usize) -> Hedged {
    let script = std::mem::take(&mut *first.script.lock().unwrap());
    let hedged = Hedged::new(Arc::new(first.clone()), SECOND).second(Arc::new(second.clone()));
    // One query short: the next one earns its share too.
    for _ in 1..saved * 20 {
        hedged.discover(query(), CallOptions::new()).await.unwrap();
    }
    *first.script.lock().unwrap() = script;
    first.asked.lock().unwrap().clear();
    hedged
}

/// Queries once. Returns who answered, or the failure, and the duration.
async fn ask(hedged: &Hedged, options: CallOptions) -> (Result<&'static str, Error>, Duration) {
    let start = Instant::now();
    let result = hedged.discover(query(), options).await;
    let name = result.map(|standings| standings[0].provider.unwrap());
    (name, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_overtaken_and_its_query_cancelled() {
    let late = Peer::new("late").answers_after(60 * SECOND);
    let quick = Peer::new("quick").answers_after(2 * SECOND);
    let hedged = hedged(&late, &quick, 1).await;
    let (name, took) = ask(&hedged, CallOptions::new()).await;
    assert_eq!((name.unwrap(), took), ("quick", 3 * SECOND));
    assert_eq!((late.asked(), quick.asked()), (1, 1));
    assert_eq!((late.in_flight(2), quick.in_flight(2)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_first_may_still_win() {
    let first = Peer::new("first").answers_after(2 * SECOND);
    let second = Peer::new("second").answers_after(60 * SECOND);
    let hedged = hedged(&first, &second, 1).await;
    let (name, took) = ask(&hedged, CallOptions::new()).await;
    assert_eq!((name.unwrap(), took), ("first", 2 * SECOND));
    assert_eq!((second.asked(), second.in_flight(2)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_query_answered_in_time_is_not_sent_again() {
    let first = Peer::new("first").answers_after(SECOND - MILLI);
    let second = Peer::new("second");
    let hedged = hedged(&first, &second, 1).await;
    assert_eq!(ask(&hedged, CallOptions::new()).await.0.unwrap(), "first");
    assert_eq!(second.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_provider_may_be_queried_twice() {
    let peer = Peer::new("peer").answers_after(60 * SECOND);
    let hedged = Hedged::new(Arc::new(peer.clone()), SECOND);
    for _ in 0..19 {
        let quick = hedged.clone();
        let script = std::mem::take(&mut *peer.script.lock().unwrap());
        quick.discover(query(), CallOptions::new()).await.unwrap();
        *peer.script.lock().unwrap() = script;
    }
    let (name, took) = ask(&hedged, CallOptions::new()).await;
    assert_eq!(
        (name.unwrap(), took),
        ("peer", SECOND),
        "its clones paid for it"
    );
    assert_eq!(peer.asked(), 21);
}

#[tokio::test(start_paused = true)]
async fn without_budget_the_first_answer_is_awaited() {
    let first = Peer::new("first").answers_after(9 * SECOND);
    let second = Peer::new("second");
    let hedged = hedged(&first, &second, 0).await;
    let (name, took) = ask(&hedged, CallOptions::new()).await;
    assert_eq!((name.unwrap(), took), ("first", 9 * SECOND));
    assert_eq!(second.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_one_waits_for_the_other() {
    let failing = |name, after: u32, kind| Peer::new(name).fails_after(after * SECOND, kind);
    let (api, timeout) = (ErrorKind::Api, ErrorKind::Timeout);

    let second = Peer::new("second").answers_after(5 * SECOND);
    let both = hedged(&failing("first", 2, api), &second, 1).await;
    let (name, took) = ask(&both, CallOptions::new()).await;
    assert_eq!((name.unwrap(), took), ("second", 6 * SECOND));

    let first = Peer::new("first").answers_after(5 * SECOND);
    let both = hedged(&first, &failing("second", 1, api), 1).await;
    let (name, took) = ask(&both, CallOptions::new()).await;
    assert_eq!((name.unwrap(), took), ("first", 5 * SECOND));

    for (first, second) in [(2, 3), (9, 3)] {
        let (first, second) = (
            failing("first", first, api),
            failing("second", second, timeout),
        );
        let both = hedged(&first, &second, 1).await;
        let error = ask(&both, CallOptions::new()).await.0.unwrap_err();
        assert_eq!((error.kind(), error.provider()), (api, "first"));
        assert_eq!(second.asked(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_the_delay_is_not_hedged() {
    let first = Peer::new("first").fails_after(SECOND / 2, ErrorKind::Connect);
    let second = Peer::new("second");
    let hedged = hedged(&first, &second, 1).await;
    let (error, took) = ask(&hedged, CallOptions::new()).await;
    assert_eq!(
        (error.unwrap_err().kind(), took),
        (ErrorKind::Connect, SECOND / 2)
    );
    assert_eq!(second.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_second_query_gets_the_time_left() {
    let first = Peer::new("first").answers_after(60 * SECOND);
    let second = Peer::new("second");
    let both = hedged(&first, &second, 1).await;
    let options = CallOptions::new()
        .with_timeout(5 * SECOND)
        .with_time_limit(4 * SECOND);
    ask(&both, options).await.0.unwrap();
    let left = second.asked.lock().unwrap()[0].clone();
    assert_eq!(
        (left.timeout, left.time_limit),
        (Some(4 * SECOND), Some(3 * SECOND))
    );

    let first = Peer::new("first").answers_after(2 * SECOND);
    let second = Peer::new("second");
    let both = hedged(&first, &second, 1).await;
    let options = CallOptions::new().with_time_limit(SECOND);
    assert_eq!(
        ask(&both, options).await.0.unwrap(),
        "first",
        "no time for another"
    );
    assert_eq!(second.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_refuses_the_query_is_not_called_and_costs_no_hedge() {
    let first = Peer::new("first")
        .answers_after(2 * SECOND)
        .answers_after(9 * SECOND);
    let second = Peer::new("second");
    let refusing = Peer {
        refuses_input: true,
        ..second.clone()
    };
    let both = hedged(&first, &refusing, 1).await;
    assert_eq!(ask(&both, CallOptions::new()).await.0.unwrap(), "first");
    assert_eq!(second.asked(), 0);
    let able = both.second(Arc::new(second.clone()));
    assert_eq!(ask(&able, CallOptions::new()).await.0.unwrap(), "second");
}

#[tokio::test(start_paused = true)]
async fn an_outage_does_not_double_the_traffic() {
    const QUESTIONS: usize = 1_000;
    let peer = Peer::new("peer");
    for _ in 0..2 * QUESTIONS {
        let _ = peer.clone().fails_after(5 * SECOND, ErrorKind::Timeout);
    }
    let hedged = Hedged::new(Arc::new(peer.clone()), SECOND);
    let asks = (0..QUESTIONS).map(|_| ask(&hedged, CallOptions::new()));
    for (result, _) in futures_util::future::join_all(asks).await {
        result.unwrap_err();
    }
    assert!(
        peer.asked() <= QUESTIONS + QUESTIONS / 20,
        "{} requests",
        peer.asked()
    );
    // All query at once, so that only the saved hedges are spent.
    assert_eq!(peer.asked(), QUESTIONS + 10);
}

/// One answer in a hundred takes 2 s, all others 5 ms; the query is sent again after 10 ms.
#[tokio::test(start_paused = true)]
async fn one_slow_answer_in_a_hundred_is_not_felt() {
    const QUESTIONS: usize = 20_000;
    const SEED: u64 = 2_026;
    let run = async |delay: Duration| {
        let peer = Peer::new("peer");
        let mut chance = fastrand::Rng::with_seed(SEED);
        for _ in 0..2 * QUESTIONS {
            let late = chance.u32(0..100) == 0;
            let _ = peer
                .clone()
                .answers_after(if late { 2 * SECOND } else { 5 * MILLI });
        }
        let hedged = Hedged::new(Arc::new(peer.clone()), delay);
        let mut took = Vec::new();
        for _ in 0..QUESTIONS {
            took.push(ask(&hedged, CallOptions::new()).await.1);
        }
        took.sort_unstable();
        (took[QUESTIONS * 999 / 1_000], peer.asked() - QUESTIONS)
    };
    let (without, none) = run(60 * SECOND).await;
    let (with, extra) = run(10 * MILLI).await;
    println!(
        "seed {SEED}: p99.9 {} ms without, {} ms with {extra} more requests for {QUESTIONS}",
        without.as_millis(),
        with.as_millis()
    );
    assert_eq!((without, none), (2 * SECOND, 0));
    assert_eq!(with, 15 * MILLI, "three times the usual answer");
    assert!(extra <= QUESTIONS / 20, "{extra} more requests");
}
