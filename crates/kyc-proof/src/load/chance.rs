//! The randomness of one call, and what is recorded of it on the way.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::jiff::Timestamp;
use provider_core::{CallEvent, CallObserver, CallStage, Clock, InvalidRequest, Outcome};

tokio::task_local! {
    static CALL: Call;
}

/// What belongs to the call that a task is making.
struct Call {
    storm: bool,
    random: RefCell<fastrand::Rng>,
    dropped: Cell<Option<Outcome>>,
}

/// Runs the call with this number with randomness of its own, so that what happens to it depends on no other call.
pub(crate) async fn with_seed<T>(
    seed: u64,
    number: u64,
    storm: bool,
    work: impl Future<Output = T>,
) -> T {
    let seed = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let call = Call {
        storm,
        random: RefCell::new(fastrand::Rng::with_seed(seed)),
        dropped: Cell::new(None),
    };
    CALL.scope(call, work).await
}

/// Draws from the randomness of the call that runs.
pub(crate) fn draw<T>(draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
    CALL.with(|call| draw(&mut call.random.borrow_mut()))
}

/// Whether every exchange of the call that runs is faulty.
pub(crate) fn is_storm() -> bool {
    CALL.with(|call| call.storm)
}

/// The outcome that the observer got when the client's future was dropped.
pub(crate) fn outcome_when_dropped() -> Option<Outcome> {
    CALL.with(|call| call.dropped.get())
}

/// Records the outcome of a call that was dropped.
#[derive(Debug)]
pub(crate) struct DropObserver;

impl CallObserver for DropObserver {
    fn observe(&self, event: &CallEvent<'_>) {
        if event.stage == CallStage::Dropped {
            CALL.with(|call| call.dropped.set(event.outcome));
        }
    }
}

/// The machine's time with the call's randomness.
#[derive(Debug)]
pub(crate) struct SeededClock;

#[async_trait]
impl Clock for SeededClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        Ok(draw(|random| random.u128(..)))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
