//! When the provider is asked because a webhook does not come: on a clock that tests move.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::async_trait;
use provider_core::webhook::{Ask, Asked, BoxError, Pace, Reconciler, TooManyExpected};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

const WITHIN: Duration = Duration::from_secs(300);
const INTERVAL: Duration = Duration::from_secs(60);

/// A provider whose answers a test decides, and what was asked of it.
#[derive(Clone)]
struct Peer(Arc<PeerState>);

struct PeerState {
    began: Instant,
    /// Tells what the ask with this number, from 1, of a key is answered.
    answer: fn(u64, usize) -> Answer,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    /// The seconds at which each key was asked.
    asked: BTreeMap<u64, Vec<u64>>,
    /// Those and their seconds.
    given_up: Vec<(u64, u64)>,
    in_flight: usize,
}

enum Answer {
    Settled,
    Open,
    Fails,
    Panics,
    After(Duration, Asked),
}

impl Peer {
    fn new(answer: fn(u64, usize) -> Answer) -> Self {
        Self(Arc::new(PeerState {
            began: Instant::now(),
            answer,
            log: Mutex::default(),
        }))
    }

    fn log<T>(&self, read: impl FnOnce(&mut Log) -> T) -> T {
        read(&mut self.0.log.lock().unwrap())
    }

    fn asked(&self, key: u64) -> Vec<u64> {
        self.log(|log| log.asked.get(&key).cloned().unwrap_or_default())
    }

    fn second(&self) -> u64 {
        self.0.began.elapsed().as_secs()
    }

    async fn at(&self, second: u64) {
        // A little later, so that what is due at this second has been done.
        sleep_until(self.0.began + Duration::from_millis(second * 1000 + 1)).await;
    }
}

/// An ask in flight, counted until it is dropped.
struct InFlight<'p>(&'p Peer);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.log(|log| log.in_flight -= 1);
    }
}

#[async_trait]
impl Ask<u64> for Peer {
    async fn ask(&self, key: &u64) -> Result<Asked, BoxError> {
        let second = self.second();
        let number = self.log(|log| {
            log.in_flight += 1;
            let asked = log.asked.entry(*key).or_default();
            asked.push(second);
            asked.len()
        });
        let _in_flight = InFlight(self);
        match (self.0.answer)(*key, number) {
            Answer::Settled => Ok(Asked::Settled),
            Answer::Open => Ok(Asked::Open),
            Answer::Fails => Err("made-up failure".into()),
            Answer::Panics => panic!("made-up panic"),
            Answer::After(time, asked) => {
                sleep(time).await;
                Ok(asked)
            }
        }
    }

    async fn given_up(&self, key: u64) {
        let second = self.second();
        self.log(|log| log.given_up.push((key, second)));
    }
}

fn pace() -> Pace {
    Pace::every(INTERVAL).with_most_asks(4)
}

fn run(reconciler: &Reconciler<u64>, peer: &Peer) -> JoinHandle<()> {
    let (reconciler, peer) = (reconciler.clone(), peer.clone());
    tokio::spawn(async move { reconciler.run(peer).await })
}

fn running(pace: Pace, answer: fn(u64, usize) -> Answer) -> (Reconciler<u64>, Peer) {
    let (reconciler, peer) = (Reconciler::new("toy", pace).unwrap(), Peer::new(answer));
    run(&reconciler, &peer);
    (reconciler, peer)
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_comes_in_time_is_never_asked_for() {
    let (reconciler, peer) = running(pace(), |_, _| Answer::Open);
    reconciler.expect(1, WITHIN).unwrap();
    peer.at(299).await;
    assert!(reconciler.told(&1));
    assert!(!reconciler.told(&1), "a repeat settles nothing");
    peer.at(10_000).await;
    assert_eq!(peer.asked(1), [0; 0]);
    assert_eq!(reconciler.expected(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_late_webhook_is_asked_for_once_per_interval_whoever_else_asks() {
    let (reconciler, peer) = running(pace(), |_, _| Answer::Open);
    run(&reconciler, &peer);
    for second in 0..430 {
        peer.at(second).await;
        // What is expected already stays as it is.
        reconciler.expect(1, WITHIN).unwrap();
        reconciler.told(&2);
    }
    assert!(reconciler.told(&1));
    peer.at(10_000).await;
    assert_eq!(peer.asked(1), [300, 360, 420]);
    assert_eq!(peer.log(|log| log.given_up.clone()), []);
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_calls_settled_is_not_asked_again() {
    let (reconciler, peer) = running(pace(), |_, number| match number {
        1 => Answer::Open,
        _ => Answer::Settled,
    });
    reconciler.expect(1, WITHIN).unwrap();
    peer.at(10_000).await;
    assert_eq!(peer.asked(1), [300, 360]);
    assert!(!reconciler.told(&1), "it was settled before");
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_and_expected_again_is_asked_once_per_interval_too() {
    let (reconciler, peer) = running(pace(), |_, _| Answer::Settled);
    for second in 0..150 {
        peer.at(second).await;
        reconciler.expect(1, Duration::ZERO).unwrap();
        reconciler.told(&1);
        reconciler.expect(1, Duration::ZERO).unwrap();
    }
    assert_eq!(peer.asked(1), [0, 60, 120]);
}

#[tokio::test(start_paused = true)]
async fn what_never_comes_is_asked_for_until_it_is_given_up() {
    let (reconciler, peer) = running(pace(), |_, _| Answer::Open);
    reconciler.expect(1, WITHIN).unwrap();
    peer.at(10_000).await;
    assert_eq!(peer.asked(1), [300, 360, 420, 480]);
    assert_eq!(peer.log(|log| log.given_up.clone()), [(1, 540)]);
    assert_eq!(reconciler.expected(), 0);
    reconciler.expect(1, WITHIN).unwrap();
    peer.at(20_000).await;
    assert_eq!(peer.asked(1).len(), 8, "it can be expected again");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_while_an_ask_is_in_flight_settles_and_no_second_ask_begins() {
    let slow = |_, _| Answer::After(Duration::from_secs(50), Asked::Open);
    let (reconciler, peer) = running(pace(), slow);
    reconciler.expect(1, WITHIN).unwrap();
    peer.at(310).await;
    assert!(reconciler.told(&1));
    assert_eq!(peer.log(|log| log.in_flight), 1, "it comes to its end");
    peer.at(10_000).await;
    assert_eq!(peer.asked(1), [300]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_settles_nothing_that_was_expected_after_its_question() {
    let (reconciler, peer) = running(pace(), |_, number| match number {
        1 => Answer::After(Duration::from_secs(50), Asked::Settled),
        _ => Answer::Settled,
    });
    reconciler.expect(1, Duration::ZERO).unwrap();
    peer.at(10).await;
    assert!(reconciler.told(&1));
    reconciler.expect(1, Duration::from_secs(15)).unwrap();
    for second in [20, 30, 49] {
        peer.at(second).await;
        assert!(reconciler.hinted(&1));
        assert_eq!(peer.log(|log| log.in_flight), 1, "never two at once");
    }
    peer.at(55).await;
    assert_eq!(reconciler.expected(), 1);
    peer.at(10_000).await;
    assert_eq!(peer.asked(1), [0, 60]);
    assert_eq!(reconciler.expected(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hint_asks_sooner_and_still_once_per_interval_and_uses_nothing_up() {
    let (reconciler, peer) = running(pace(), |_, _| Answer::Open);
    assert!(!reconciler.hinted(&1), "nothing is expected");
    reconciler.expect(1, WITHIN).unwrap();
    for second in 100..300 {
        peer.at(second).await;
        assert!(reconciler.hinted(&1));
    }
    assert_eq!(peer.asked(1), [100, 160, 220, 280]);
    peer.at(10_000).await;
    let after = [340, 400, 460, 520];
    assert_eq!(peer.asked(1)[4..], after, "as often as without hints");
    assert_eq!(peer.log(|log| log.given_up.clone()), [(1, 580)]);
}

#[tokio::test(start_paused = true)]
async fn thousands_are_asked_within_the_budget_and_each_in_its_turn() {
    const KEYS: u64 = 5_000;
    const BUDGET: usize = 500;
    let pace = Pace::every(INTERVAL).with_budget(BUDGET).with_most_asks(2);
    let (reconciler, peer) = running(pace, |_, _| Answer::Open);
    for key in 0..KEYS {
        reconciler.expect(key, WITHIN).unwrap();
    }
    peer.at(100_000).await;
    let mut asked: Vec<u64> = (0..KEYS).flat_map(|key| peer.asked(key)).collect();
    asked.sort_unstable();
    assert_eq!(asked.len(), 10_000, "each twice");
    let within = |window: &[u64]| window[BUDGET] - window[0] >= INTERVAL.as_secs();
    assert!(asked.windows(BUDGET + 1).all(within));
    let firsts: Vec<u64> = (0..KEYS).map(|key| peer.asked(key)[0]).collect();
    let last = WITHIN.as_secs() + 9 * INTERVAL.as_secs();
    assert_eq!(
        firsts.iter().max(),
        Some(&last),
        "each once before any twice"
    );
    assert_eq!(peer.log(|log| log.given_up.len()), 5_000);
}

#[tokio::test(start_paused = true)]
async fn while_the_provider_is_down_it_is_asked_again_within_the_budget() {
    let pace = Pace::every(INTERVAL).with_budget(1).with_most_asks(9);
    let (reconciler, peer) = running(pace, |key, number| match (key, number) {
        (_, 1) => Answer::Fails,
        (_, 2) => Answer::Panics,
        // Never answers: it is dropped after an interval.
        (1, 3) => Answer::After(Duration::MAX, Asked::Settled),
        _ => Answer::Settled,
    });
    reconciler.expect(1, WITHIN).unwrap();
    reconciler.expect(2, WITHIN).unwrap();
    peer.at(10_000).await;
    assert_eq!(peer.asked(1), [300, 420, 540, 660]);
    assert_eq!(peer.asked(2), [360, 480, 600]);
    assert_eq!(peer.log(|log| log.in_flight), 0);
    assert_eq!(reconciler.expected(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_is_dropped_and_goes_on_where_it_was() {
    let (reconciler, peer) = (
        Reconciler::new("toy", pace()).unwrap(),
        Peer::new(|_, number| match number {
            1 => Answer::After(Duration::from_secs(50), Asked::Settled),
            _ => Answer::Settled,
        }),
    );
    let task = run(&reconciler, &peer);
    reconciler.expect(1, WITHIN).unwrap();
    peer.at(310).await;
    assert_eq!(peer.log(|log| log.in_flight), 1);
    task.abort();
    peer.at(320).await;
    assert_eq!(peer.log(|log| log.in_flight), 0, "the ask is dropped");
    assert_eq!(reconciler.expected(), 1);
    peer.at(330).await;
    run(&reconciler, &peer);
    peer.at(10_000).await;
    assert_eq!(peer.asked(1), [300, 360], "an interval after the last ask");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_what_is_dropped() {
    let forever = |_, _| Answer::After(Duration::MAX, Asked::Open);
    let (reconciler, peer) = (Reconciler::new("toy", pace()).unwrap(), Peer::new(forever));
    let task = run(&reconciler, &peer);
    reconciler.expect(1, Duration::ZERO).unwrap();
    peer.at(1).await;
    assert_eq!(Arc::strong_count(&peer.0), 2);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    drop(reconciler);
    peer.at(2).await;
    assert_eq!(Arc::strong_count(&peer.0), 1, "the run has ended");
}

#[tokio::test(start_paused = true)]
async fn no_more_are_expected_than_there_is_room_for() {
    let (reconciler, peer) = running(pace().with_capacity(2), |_, _| Answer::Settled);
    reconciler.expect(1, WITHIN).unwrap();
    reconciler.expect(2, WITHIN).unwrap();
    reconciler.expect(2, WITHIN).unwrap();
    assert_eq!(reconciler.expect(3, WITHIN), Err(TooManyExpected));
    reconciler.told(&1);
    reconciler.expect(3, WITHIN).unwrap();
    // One that was asked for keeps its place for an interval.
    peer.at(301).await;
    assert_eq!(reconciler.expected(), 0);
    assert_eq!(reconciler.expect(4, WITHIN), Err(TooManyExpected));
    peer.at(361).await;
    reconciler.expect(4, WITHIN).unwrap();
}

#[test]
fn a_figure_of_zero_is_refused() {
    let figures = [
        ("interval", Pace::every(Duration::ZERO)),
        ("most_asks", pace().with_most_asks(0)),
        ("budget", pace().with_budget(0)),
        ("capacity", pace().with_capacity(0)),
    ];
    for (field, pace) in figures {
        let refused = Reconciler::<u64>::new("toy", pace).unwrap_err();
        assert_eq!(refused.field(), field);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_expected_without_end_is_expected() {
    let (reconciler, peer) = running(pace(), |_, _| Answer::Open);
    reconciler.expect(1, Duration::MAX).unwrap();
    peer.at(1_000_000).await;
    assert_eq!((reconciler.expected(), peer.asked(1)), (1, Vec::new()));
    let printed = format!("{reconciler:?}");
    assert!(
        printed.starts_with("Reconciler { provider: \"toy\""),
        "{printed}"
    );
}
