//! Metrics of calls for OpenTelemetry.

use std::fmt;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};

use super::observer::{CallEvent, CallObserver, CallStage};
use crate::error::{ErrorKind, Outcome};

/// Records two histograms in seconds, of calls and of attempts:
///
/// | metric | one for each | attributes |
/// |---|---|---|
/// | `kyc.client.call.duration` | call: attempts, back-off and waits for the rate limiter included | `kyc.provider`, `kyc.operation`, `kyc.outcome`, `error.type` |
/// | `http.client.request.duration` | attempt, from the moment it is sent, by the semantic conventions for HTTP | those of a call, `http.request.method`, `url.template`, `http.response.status_code` |
///
/// `kyc.outcome` is `ok`, or [`Outcome::as_str`]; `error.type` is [`ErrorKind::as_str`], or `dropped` for a call whose
/// future was dropped. The number of attribute values is bounded by the program's operations and HTTP's statuses: no id, no
/// address, nothing from a request or a reply.
///
/// ```
/// use std::sync::Arc;
/// use provider_core::MetricsObserver;
///
/// let meter = opentelemetry::global::meter("kyc"); // of the meter provider that the program has set up
/// let observer = Arc::new(MetricsObserver::new(&meter));
/// // FinpassClient::builder(finpass).observer(observer).build()
/// # drop(observer);
/// ```
pub struct MetricsObserver {
    calls: Histogram<f64>,
    attempts: Histogram<f64>,
}

impl MetricsObserver {
    /// Histogram boundaries that the semantic conventions advise for HTTP durations in seconds.
    const SECONDS: [f64; 14] = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ];

    /// Creates an observer that records with `meter`. One observer serves any number of clients.
    pub fn new(meter: &Meter) -> Self {
        let seconds = |name, about| {
            meter
                .f64_histogram(name)
                .with_description(about)
                .with_unit("s")
                .with_boundaries(Self::SECONDS.to_vec())
                .build()
        };
        Self {
            calls: seconds(
                "kyc.client.call.duration",
                "Duration of calls: attempts, back-off and waits together.",
            ),
            attempts: seconds(
                "http.client.request.duration",
                "Duration of HTTP client requests.",
            ),
        }
    }
}

impl CallObserver for MetricsObserver {
    fn observe(&self, event: &CallEvent<'_>) {
        let (histogram, of_attempt) = match event.stage {
            CallStage::AttemptEnded => (&self.attempts, true),
            CallStage::Ended | CallStage::Dropped => (&self.calls, false),
            _ => return,
        };
        let mut attributes = Vec::with_capacity(7);
        attributes.push(KeyValue::new("kyc.provider", event.provider));
        attributes.push(KeyValue::new("kyc.operation", event.operation));
        let outcome = event.outcome.map_or("ok", Outcome::as_str);
        attributes.push(KeyValue::new("kyc.outcome", outcome));
        let failure = match event.stage {
            CallStage::Dropped => Some("dropped"),
            _ => event.kind.map(ErrorKind::as_str),
        };
        attributes.extend(failure.map(|failure| KeyValue::new("error.type", failure)));
        if of_attempt {
            // A route is a method and a path, as [`Route`](crate::Route) documents.
            let (method, path) = event.route.split_once(' ').unwrap_or(("", event.route));
            attributes.push(KeyValue::new("http.request.method", method));
            attributes.push(KeyValue::new("url.template", path));
            let status = event.status.map(|status| i64::from(status.as_u16()));
            attributes
                .extend(status.map(|status| KeyValue::new("http.response.status_code", status)));
        }
        histogram.record(event.elapsed.as_secs_f64(), &attributes);
    }
}

impl fmt::Debug for MetricsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsObserver")
    }
}
