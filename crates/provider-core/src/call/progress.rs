//! Reports the progress of one call, including its cancellation.

use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use tracing::Span;

use super::observer::{CallEvent, CallObserver, CallStage};
use super::observer::{close, log, span};
use crate::error::{Error, Outcome};
use crate::wire::{Operation, RequestId};

/// One call from its first poll to its end. If it is dropped earlier, it reports the outcome so far.
#[derive(Debug)]
pub(crate) struct Progress<'c> {
    observer: Option<&'c dyn CallObserver>,
    provider: &'static str,
    operation: &'static Operation,
    span: Span,
    started: Instant,
    attempt_started: Instant,
    request_id: Option<RequestId>,
    attempt: u32,
    status: Option<StatusCode>,
    /// The combined outcome of the attempts that have ended.
    outcome: Outcome,
    in_flight: bool,
    ended: bool,
}

impl<'c> Progress<'c> {
    pub(crate) fn new(
        provider: &'static str,
        operation: &'static Operation,
        observer: Option<&'c dyn CallObserver>,
    ) -> Self {
        let started = Instant::now();
        Self {
            observer,
            provider,
            operation,
            span: span(provider, operation),
            started,
            attempt_started: started,
            request_id: None,
            attempt: 0,
            status: None,
            outcome: Outcome::NotSent,
            in_flight: false,
            ended: false,
        }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Records that an attempt is handed to the transport, after any wait for the rate limiter.
    pub(crate) fn attempt_started(&mut self, request_id: &RequestId, attempt: u32, now: Instant) {
        if attempt == 1 {
            self.request_id = Some(request_id.clone());
        }
        self.attempt_started = now;
        self.attempt = attempt;
        self.status = None;
        self.in_flight = true;
        self.report(&self.event(CallStage::AttemptStarted, Duration::ZERO));
    }

    pub(crate) fn attempt_failed(
        &mut self,
        error: &Error,
        outcome: Outcome,
        pause: Option<Duration>,
    ) {
        self.outcome = outcome;
        self.status = error.status();
        // A request that cannot be built is not an attempt.
        if !std::mem::take(&mut self.in_flight) {
            return;
        }
        self.report(&CallEvent {
            kind: Some(error.kind()),
            outcome: Some(error.outcome()),
            pause,
            ..self.event(CallStage::AttemptEnded, self.attempt_started.elapsed())
        });
    }

    /// Records that the call succeeded.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.in_flight = false;
        self.status = Some(status);
        let now = Instant::now();
        let of_attempt = now.saturating_duration_since(self.attempt_started);
        self.report(&self.event(CallStage::AttemptEnded, of_attempt));
        self.ended = true;
        let of_call = now.saturating_duration_since(self.started);
        self.end(self.event(CallStage::Ended, of_call));
    }

    /// Records that the call failed.
    pub(crate) fn failed(&mut self, error: &Error) {
        self.ended = true;
        self.end(CallEvent {
            kind: Some(error.kind()),
            outcome: Some(error.outcome()),
            ..self.event(CallStage::Ended, self.elapsed())
        });
    }

    fn end(&self, event: CallEvent<'_>) {
        close(&self.span, &event);
        self.report(&event);
    }

    fn event(&self, stage: CallStage, elapsed: Duration) -> CallEvent<'_> {
        CallEvent {
            stage,
            provider: self.provider,
            operation: self.operation.name,
            route: self.operation.route.as_str(),
            idempotency: self.operation.idempotency,
            request_id: self.request_id.as_ref(),
            attempt: self.attempt,
            status: self.status,
            kind: None,
            outcome: None,
            pause: None,
            elapsed,
        }
    }

    fn report(&self, event: &CallEvent<'_>) {
        log(event);
        if let Some(observer) = self.observer {
            observer.observe(event);
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let outcome = if self.in_flight {
            Outcome::Unknown
        } else {
            self.outcome
        };
        let _inside = self.span.enter();
        self.end(CallEvent {
            outcome: Some(outcome),
            ..self.event(CallStage::Dropped, self.elapsed())
        });
    }
}
