//! The worker: what Restate calls.

mod calls;
mod journey;
mod references;
mod values;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::provider_core::{Clock, InvalidRequest, SystemClock};
use kyc_journey::{EngineError, EngineErrorKind, JourneyId, Machine, Performer, Sealer, apply};
use restate_sdk::context::RequestTarget;
use restate_sdk::endpoint::{Endpoint, HandlerOptions, ServiceOptions};
use restate_sdk::errors::{HandlerError, TerminalError};
use restate_sdk::http_server::HttpServer;
use restate_sdk::service::IntoServiceDefinition as _;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::names;
use crate::sealed::Seal;
use crate::transition::Transitions;

/// How long Restate keeps the result of what has a key of Restate's: the id of an effect, which is never used again, or one that the
/// ingress makes for itself. Events have keys of their own.
const IDEMPOTENCY: Duration = Duration::from_secs(60);

/// How long a handler that waits for another one keeps its place, of which Restate has only so many; then it is laid aside until there is
/// an answer.
const WAITING: Duration = Duration::from_secs(5);

/// So many that Restate does not give up what it was given.
const ATTEMPTS: u64 = 1_000_000_000;

/// Applies events and carries out effects when Restate asks for it. Any number of workers may serve the same services, behind one
/// address.
///
/// Dropping [`serve`](Self::serve) is like a crash: nothing is lost, and calls under way are interrupted.
pub struct RestateWorker {
    performer: Arc<dyn Performer>,
    sealer: Arc<dyn Sealer>,
    clock: Arc<dyn Clock>,
    machine: Machine,
    calls: usize,
    watchdog: Duration,
    longest_sleep: Duration,
    back_off: BackOff,
    identity_keys: Vec<String>,
    unsafe_calls: UnsafeCalls,
}

/// How long Restate waits before it makes another attempt: longer each time.
#[derive(Debug, Clone, Copy)]
struct BackOff {
    first: Duration,
    longest: Duration,
}

impl BackOff {
    /// The wait after this many attempts and one.
    fn after(self, attempts: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts);
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

/// How unsafe calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnsafeCalls {
    /// At most once.
    Once,
    /// In a `run` that Restate repeats by default.
    #[cfg(feature = "testing")]
    ByDefault,
}

impl fmt::Debug for RestateWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestateWorker").finish_non_exhaustive()
    }
}

impl RestateWorker {
    /// A worker that makes calls by this performer, and opens and seals bodies as every other worker and
    /// [`RestateEngine`](crate::RestateEngine) of the same journeys does. At most 256 calls at once.
    pub fn new(performer: Arc<dyn Performer>, sealer: Arc<dyn Sealer>) -> Self {
        Self {
            performer,
            sealer,
            clock: Arc::new(SystemClock),
            machine: apply,
            calls: 256,
            watchdog: Duration::from_secs(15 * 60),
            longest_sleep: Duration::from_secs(24 * 60 * 60),
            back_off: BackOff {
                first: Duration::from_millis(100),
                longest: Duration::from_secs(30),
            },
            identity_keys: Vec::new(),
            unsafe_calls: UnsafeCalls::Once,
        }
    }

    /// Takes requests only from the Restate that signs with one of these keys, such as `publickeyv1_…`. Without one, whoever reaches
    /// the worker can ask it to repeat what Restate asked before: let nobody else reach it.
    ///
    /// # Errors
    ///
    /// It is not a key.
    pub fn with_identity_key(mut self, key: &str) -> Result<Self, InvalidRequest> {
        if Endpoint::builder().identity_key(key).is_err() {
            return Err(InvalidRequest::new(
                "identity key",
                "must be a public key as Restate prints it",
            ));
        }
        self.identity_keys.push(key.to_owned());
        Ok(self)
    }

    /// Goes by another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes at most this many calls at once, 1 at least. Others wait in Restate, and are offered again after a back-off.
    #[must_use]
    pub fn with_calls(mut self, calls: usize) -> Self {
        self.calls = calls.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// How long after an unsafe call was begun its journey is told that it was interrupted, if nothing was heard of it; 15 minutes by
    /// default. It must be longer than a call may take. After a crash the journey is told at once; this is for a performer that does
    /// not return, and for what was killed by hand in Restate.
    #[must_use]
    pub fn with_watchdog(mut self, after: Duration) -> Self {
        self.watchdog = after;
        self
    }

    /// How long a timer sleeps at most before the worker's clock is looked at again, so that one that was set forward is noticed; a day
    /// by default.
    #[must_use]
    pub fn with_longest_sleep(mut self, sleep: Duration) -> Self {
        self.longest_sleep = sleep.max(Duration::from_millis(1));
        self
    }

    /// How long Restate waits before it makes another attempt of what failed, because a worker died, keys cannot be reached or a notice was
    /// not taken: twice as long each time, from `first` to `longest`. From 100 milliseconds to 30 seconds by default.
    #[must_use]
    pub fn with_back_off(mut self, first: Duration, longest: Duration) -> Self {
        self.back_off = BackOff { first, longest };
        self
    }

    /// Applies events by another machine than [`apply`].
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_machine(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    /// Leaves unsafe calls to Restate's defaults, by which an interrupted one is made again: for the test that shows it.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_unsafe_calls_by_default(mut self) -> Self {
        self.unsafe_calls = UnsafeCalls::ByDefault;
        self
    }

    /// Serves Restate's requests on this listener, by HTTP/2 without TLS, until `stop` is ready; then it begins nothing more and waits
    /// up to ten seconds for what is under way. Restate has to be told the address once:
    /// [`RestateEngine::register`](crate::RestateEngine::register).
    ///
    /// # Errors
    ///
    /// [`Closed`](EngineErrorKind::Closed) if the listener has no address any more.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), EngineError> {
        // The server takes it for granted.
        listener
            .local_addr()
            .map_err(|error| EngineError::new(EngineErrorKind::Closed).with_source(error))?;
        HttpServer::new(self.endpoint()?)
            .serve_with_cancel(listener, stop)
            .await;
        Ok(())
    }

    fn endpoint(self) -> Result<Endpoint, EngineError> {
        let transitions = Arc::new(Transitions {
            seal: Seal::new(self.sealer),
            machine: self.machine,
            clock: self.clock,
            longest_sleep: self.longest_sleep,
        });
        let caller = calls::Caller {
            transitions: Arc::clone(&transitions),
            performer: self.performer,
            permits: Arc::new(Semaphore::new(self.calls)),
        };
        let journey = journey::Journey {
            transitions,
            watchdog: self.watchdog,
        };
        let options = || options(self.back_off);
        let private = || HandlerOptions::new().ingress_private(true);
        let journey = journey.into_service_definition().options(
            options()
                .inactivity_timeout(WAITING)
                .enable_lazy_state(true)
                // All of a history is given with the request, not asked for one by one.
                .handler("history", HandlerOptions::new().enable_lazy_state(false))
                .handler("settle", private())
                .handler("fire", private())
                .handler("mark", private())
                .handler("wanted", private())
                .handler("is_known", private())
                .handler("overdue", private()),
        );
        let reference = references::Reference.into_service_definition();
        let report = references::Report.into_service_definition();
        let once = calls::Once {
            caller: caller.clone(),
            calls: self.unsafe_calls,
        };
        let once = once.into_service_definition();
        let repeat = calls::Repeat(caller.clone()).into_service_definition();
        let deliver = calls::Deliver {
            caller,
            back_off: self.back_off,
        };
        let deliver = deliver.into_service_definition();
        let unseen = || options().ingress_private(true);
        let mut builder = Endpoint::builder()
            .bind(journey)
            .bind(reference.options(unseen()))
            .bind(report.options(options().inactivity_timeout(WAITING)))
            .bind(once.options(unseen()))
            .bind(repeat.options(unseen()))
            .bind(deliver.options(unseen()));
        for key in &self.identity_keys {
            builder = builder.identity_key(key).map_err(|error| {
                EngineError::new(EngineErrorKind::WrongStore).with_source(error.to_string())
            })?;
        }
        Ok(builder.build())
    }
}

fn options(back_off: BackOff) -> ServiceOptions {
    ServiceOptions::new()
        // What is done is not kept: inputs and results of handlers are the journey's own bodies.
        .journal_retention(Duration::ZERO)
        .idempotency_retention(IDEMPOTENCY)
        .retry_policy_initial_interval(back_off.first)
        .retry_policy_exponentiation_factor(2.0)
        .retry_policy_max_interval(back_off.longest)
        .retry_policy_max_attempts(ATTEMPTS)
        .retry_policy_pause_on_max_attempts()
}

/// A handler of a journey.
fn of_journey(id: &JourneyId, handler: &str) -> RequestTarget {
    RequestTarget::object(names::JOURNEY, id.as_str(), handler)
}

/// What another attempt cannot change ends, anything else is tried again. Restate keeps the text.
fn attempt_again(error: EngineError) -> HandlerError {
    match error.kind() {
        EngineErrorKind::Unavailable | EngineErrorKind::Overloaded => error.into(),
        _ => TerminalError::new(error.to_string()).into(),
    }
}
