//! Events of calls, for logs and metrics: they hold no secret and no personal value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tracing::Span;

use crate::error::{ErrorKind, Outcome};
use crate::lint::Finding;
use crate::wire::{Idempotency, Operation, RequestId};

/// Receives the events of calls: for metrics, or for a journal that outlives the process.
///
/// It runs in the call's own task and should return at once. `MetricsObserver` (feature `opentelemetry`) implements it.
pub trait CallObserver: fmt::Debug + Send + Sync + 'static {
    /// Receives one event.
    fn observe(&self, event: &CallEvent<'_>);
}

/// One observer after the other.
#[derive(Debug)]
struct Both(Arc<dyn CallObserver>, Arc<dyn CallObserver>);

impl CallObserver for Both {
    fn observe(&self, event: &CallEvent<'_>) {
        self.0.observe(event);
        self.1.observe(event);
    }
}

/// `next`, after the observers that were set before.
pub(super) fn both(
    before: Option<Arc<dyn CallObserver>>,
    next: Arc<dyn CallObserver>,
) -> Arc<dyn CallObserver> {
    match before {
        Some(before) => Arc::new(Both(before, next)),
        None => next,
    }
}

/// One event of a call. The complete set of reported fields, for observers, logs and spans alike:
///
/// | field | in logs and spans | values |
/// |---|---|---|
/// | [`stage`](CallEvent::stage) | the message | see [`CallStage`] |
/// | [`provider`](CallEvent::provider) | `provider` | the provider's name: `finpass` |
/// | [`operation`](CallEvent::operation) | `operation` | the operation's name: `initialize` |
/// | [`route`](CallEvent::route) | `route` | method and path with placeholders, never a URL |
/// | [`idempotency`](CallEvent::idempotency) | `idempotency` | `safe`, `repeatable`, `unsafe` |
/// | [`request_id`](CallEvent::request_id) | `request_id` | the id sent as `x-request-id` |
/// | [`attempt`](CallEvent::attempt) | `attempt` | from 1 |
/// | [`status`](CallEvent::status) | `status` | the HTTP status, if there was an answer |
/// | [`kind`](CallEvent::kind) | `kind` | [`ErrorKind::as_str`], for a failure |
/// | [`outcome`](CallEvent::outcome) | `outcome` | [`Outcome::as_str`]; `ok` for a value |
/// | [`pause`](CallEvent::pause) | `pause_ms` | milliseconds until the next attempt, if there is one |
/// | [`elapsed`](CallEvent::elapsed) | `elapsed_us` | microseconds since the attempt was sent, or the call began |
///
/// A span adds `otel.kind` (`client`), `otel.name` (provider and operation) and `otel.status_code` (`OK`, `ERROR`), which
/// exporters of OpenTelemetry read. [`CallEvent::FIELDS`] lists the names, for an allow-list.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallEvent<'e> {
    /// Which event.
    pub stage: CallStage,
    /// The provider's name.
    pub provider: &'static str,
    /// The operation's name.
    pub operation: &'static str,
    /// Method and path with placeholders.
    pub route: &'static str,
    /// The operation's idempotency.
    pub idempotency: Idempotency,
    /// The call's id; `None` before it has one.
    pub request_id: Option<&'e RequestId>,
    /// The latest attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// The HTTP status of the attempt, or of the call's last attempt.
    pub status: Option<StatusCode>,
    /// What went wrong; `None` for a value.
    pub kind: Option<ErrorKind>,
    /// What became of the request; `None` for a value, and while an attempt begins.
    pub outcome: Option<Outcome>,
    /// The time until the next attempt, if the call is retried.
    pub pause: Option<Duration>,
    /// The time since the attempt was sent, without any wait for the rate limiter; at the end of a call, the time since its
    /// first poll, all waits included.
    pub elapsed: Duration,
}

impl CallEvent<'_> {
    /// The name of every field that the core's logs and spans can have.
    pub const FIELDS: &'static [&'static str] = &[
        "attempt",
        "elapsed_us",
        "field",
        "idempotency",
        "kind",
        "message",
        "operation",
        "otel.kind",
        "otel.name",
        "otel.status_code",
        "outcome",
        "pause_ms",
        "provider",
        "request_id",
        "route",
        "rule",
        "status",
    ];
}

/// What happened to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallStage {
    /// An attempt is about to be handed to the transport. From here on it may have been sent.
    AttemptStarted,
    /// An attempt ended, with an answer or a failure.
    AttemptEnded,
    /// The call ended.
    Ended,
    /// The call was cancelled: its future was dropped. `outcome` is `Unknown` if an attempt was in flight.
    Dropped,
}

impl CallStage {
    /// The stage in words, as it appears in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttemptStarted => "attempt started",
            Self::AttemptEnded => "attempt ended",
            Self::Ended => "call ended",
            Self::Dropped => "call dropped",
        }
    }
}

/// The target of all events and spans of calls, whatever module writes them.
const TARGET: &str = "provider_core";

/// Opens the span of one call. [`close`] adds what is known at its end.
pub(crate) fn span(provider: &'static str, operation: &Operation) -> Span {
    use tracing::field::Empty;

    tracing::debug_span!(
        target: TARGET,
        "call",
        otel.kind = "client",
        otel.name = Empty,
        otel.status_code = Empty,
        provider,
        operation = operation.name,
        route = operation.route.as_str(),
        idempotency = operation.idempotency.as_str(),
        request_id = Empty,
        attempt = Empty,
        status = Empty,
        kind = Empty,
        outcome = Empty,
        elapsed_us = Empty,
    )
}

/// Records in a call's span how the call ended.
pub(crate) fn close(span: &Span, event: &CallEvent<'_>) {
    if span.is_disabled() {
        return;
    }
    let name = format_args!("{} {}", event.provider, event.operation);
    span.record("otel.name", tracing::field::display(name));
    let ok = event.outcome.is_none() && event.stage == CallStage::Ended;
    span.record("otel.status_code", if ok { "OK" } else { "ERROR" });
    span.record("request_id", event.request_id.map(RequestId::as_str));
    span.record("attempt", event.attempt);
    span.record("status", event.status.map(|status| status.as_u16()));
    span.record("kind", event.kind.map(ErrorKind::as_str));
    span.record("outcome", outcome(event));
    span.record("elapsed_us", micros(event.elapsed));
}

/// Writes an event to the log.
pub(crate) fn log(event: &CallEvent<'_>) {
    // The level is part of a static call site, hence a macro.
    macro_rules! write {
        ($level:expr) => {
            tracing::event!(
                target: TARGET,
                $level,
                provider = event.provider,
                operation = event.operation,
                route = event.route,
                idempotency = event.idempotency.as_str(),
                request_id = event.request_id.map(RequestId::as_str),
                attempt = event.attempt,
                status = event.status.map(|status| status.as_u16()),
                kind = event.kind.map(ErrorKind::as_str),
                outcome = outcome(event),
                pause_ms = event.pause.map(millis),
                elapsed_us = micros(event.elapsed),
                "{}",
                event.stage.as_str()
            )
        };
    }
    let unsettled = matches!(event.outcome, Some(Outcome::Unknown | Outcome::Done))
        && event.idempotency != Idempotency::Safe;
    match event.stage {
        CallStage::AttemptStarted => write!(tracing::Level::TRACE),
        // Somebody has to find out whether it was done.
        CallStage::Ended | CallStage::Dropped if unsettled => write!(tracing::Level::WARN),
        _ => write!(tracing::Level::DEBUG),
    }
}

/// Warns of a request that looks wrong, and is sent.
pub(super) fn warn_of(provider: &'static str, operation: &'static str, finding: Finding) {
    tracing::warn!(
        target: TARGET,
        provider,
        operation,
        field = finding.field(),
        rule = finding.rule().as_str(),
        "the field {}",
        finding.rule().text()
    );
}

fn outcome(event: &CallEvent<'_>) -> Option<&'static str> {
    match (event.outcome, event.stage) {
        (Some(outcome), _) => Some(outcome.as_str()),
        (None, CallStage::AttemptEnded | CallStage::Ended) => Some("ok"),
        (None, _) => None,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
