//! Events for observers, logs and spans, including those of cancelled calls.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use provider_core::testing::Step;
use provider_core::{
    CallEvent, CallObserver, CallOptions, CallStage, ErrorKind, Idempotency, MetricsObserver,
    Mobile, Outcome, RateLimits, RetryPolicy, TransportErrorKind, Window,
};

use crate::toy::{REPLY, RepeatableOrder, SafeOrder, Stage, Toy, UnsafeOrder, signed};
use crate::traces::Traces;

/// Records each event as a line.
#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl CallObserver for Lines {
    fn observe(&self, event: &CallEvent<'_>) {
        assert_eq!((event.provider, event.operation), ("toy", "order"));
        assert_eq!(event.route, "POST /v1/orders/{id}");
        assert!(event.request_id.is_some() || event.attempt == 0);
        let mut line = format!("{} {}", event.stage.as_str(), event.attempt);
        if let Some(status) = event.status {
            line.push_str(&format!(" {}", status.as_u16()));
        }
        if let Some(kind) = event.kind {
            line.push_str(&format!(" {}", kind.as_str()));
        }
        if let Some(outcome) = event.outcome {
            line.push_str(&format!(" {}", outcome.as_str()));
        }
        if event.pause.is_some() {
            line.push_str(" again");
        }
        self.0.lock().unwrap().push(line);
    }
}

fn stage(steps: impl IntoIterator<Item = Step>) -> (Stage, Arc<Lines>) {
    let lines = Arc::new(Lines::default());
    let stage = Stage::with(steps, Toy::default(), |builder| {
        builder.observer(Arc::clone(&lines) as Arc<dyn CallObserver>)
    });
    (stage, lines)
}

#[tokio::test(start_paused = true)]
async fn each_of_several_observers_receives_every_event() {
    let all = [(); 3].map(|()| Arc::new(Lines::default()));
    let stage = Stage::with([signed(REPLY)], Toy::default(), |builder| {
        all.iter()
            .cloned()
            .fold(builder, |builder, lines| builder.observer(lines))
    });
    stage.client.call(SafeOrder::new()).await.unwrap();
    for lines in all {
        assert_eq!(
            lines.take(),
            [
                "attempt started 1",
                "attempt ended 1 200",
                "call ended 1 200"
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_and_the_end_of_the_call_are_reported() {
    let steps = [
        Step::Fail(TransportErrorKind::Interrupted),
        Step::respond(503, ""),
        signed(REPLY),
        Step::respond(400, r#"{"code":"E1"}"#),
    ];
    let (stage, lines) = stage(steps);
    stage.client.call(SafeOrder::new()).await.unwrap();
    assert_eq!(
        lines.take(),
        [
            "attempt started 1",
            "attempt ended 1 transport unknown again",
            "attempt started 2",
            "attempt ended 2 503 api unknown again",
            "attempt started 3",
            "attempt ended 3 200",
            "call ended 3 200",
        ]
    );
    stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(
        lines.take(),
        [
            "attempt started 1",
            "attempt ended 1 400 api refused",
            "call ended 1 400 api refused",
        ]
    );
    let contradictory = SafeOrder {
        contradictory: true,
        ..SafeOrder::new()
    };
    stage.client.call(contradictory).await.unwrap_err();
    assert_eq!(lines.take(), ["call ended 0 invalid_request not_sent"]);
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_call_dropped_with_an_attempt_in_flight_is_unknown() {
    let (stage, lines) = stage([Step::Hang]);
    let call = stage.client.call(UnsafeOrder::new()).into_future();
    assert!(
        tokio::time::timeout(Duration::from_secs(1), call)
            .await
            .is_err()
    );
    assert_eq!(
        lines.take(),
        ["attempt started 1", "call dropped 1 unknown"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_between_attempts_has_their_outcome() {
    for (failure, dropped) in [
        (TransportErrorKind::Connect, "call dropped 1 not_sent"),
        (TransportErrorKind::Interrupted, "call dropped 1 unknown"),
    ] {
        let (stage, lines) = stage([Step::Fail(failure)]);
        let call = stage.client.call(RepeatableOrder::new()).into_future();
        let pause = Duration::from_millis(100);
        assert!(tokio::time::timeout(pause / 2, call).await.is_err());
        assert_eq!(lines.take().last().unwrap(), dropped);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_while_it_waits_for_the_rate_limiter_was_not_sent() {
    let lines = Arc::new(Lines::default());
    let stage = Stage::with([signed(REPLY)], Toy::default(), |builder| {
        builder
            .observer(Arc::clone(&lines) as Arc<dyn CallObserver>)
            .rate_limiter(Arc::new(RateLimits::new([Window::per_minute(1)]).unwrap()))
    });
    stage.client.call(UnsafeOrder::new()).await.unwrap();
    lines.take();
    let call = stage.client.call(UnsafeOrder::new());
    let call = call.with_timeout(Duration::from_secs(90)).into_future();
    assert!(
        tokio::time::timeout(Duration::from_secs(1), call)
            .await
            .is_err()
    );
    assert_eq!(lines.take(), ["call dropped 0 not_sent"]);
}

/// Records the duration of each attempt and each call.
#[derive(Debug, Default)]
struct Times(Mutex<Vec<(CallStage, Duration)>>);

impl CallObserver for Times {
    fn observe(&self, event: &CallEvent<'_>) {
        let mut times = self.0.lock().unwrap();
        times.push((event.stage, event.elapsed));
    }
}

/// Makes two calls whose replies arrive at once, the second after a wait of 5 s for the rate limiter.
async fn call_twice_in_five_seconds(observer: Arc<dyn CallObserver>) {
    let window = Window {
        requests: 1,
        per: Duration::from_secs(5),
    };
    let stage = Stage::with([signed(REPLY), signed(REPLY)], Toy::default(), |builder| {
        builder
            .observer(observer)
            .rate_limiter(Arc::new(RateLimits::new([window]).unwrap()))
    });
    stage.client.call(SafeOrder::new()).await.unwrap();
    let response = stage.client.call(SafeOrder::new()).await.unwrap();
    assert_eq!(response.elapsed(), window.per);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_the_rate_limiter_is_part_of_the_call_and_of_no_attempt() {
    let times = Arc::new(Times::default());
    call_twice_in_five_seconds(Arc::clone(&times) as Arc<dyn CallObserver>).await;
    let took = |stage| {
        let times = times.0.lock().unwrap();
        let of_stage = times.iter().filter(|(of, _)| *of == stage);
        of_stage.map(|(_, took)| took.as_secs()).collect::<Vec<_>>()
    };
    assert_eq!(took(CallStage::AttemptEnded), [0, 0]);
    assert_eq!(took(CallStage::Ended), [0, 5]);
}

#[tokio::test(start_paused = true)]
async fn the_duration_of_a_request_leaves_the_wait_for_the_rate_limiter_out() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    let observer = MetricsObserver::new(&provider.meter("test"));
    call_twice_in_five_seconds(Arc::new(observer)).await;
    provider.force_flush().unwrap();
    let exported = exporter.get_finished_metrics().unwrap();
    let seconds = |name: &str| {
        let scopes = exported.iter().flat_map(|metrics| metrics.scope_metrics());
        let mut metrics = scopes.flat_map(|scope| scope.metrics());
        let metric = metrics.find(|metric| metric.name() == name).unwrap();
        let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
            panic!("a histogram");
        };
        let points = histogram.data_points();
        points.map(|point| point.sum()).sum::<f64>().round() as u64
    };
    assert_eq!(seconds("http.client.request.duration"), 0);
    assert_eq!(seconds("kyc.client.call.duration"), 5);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_was_never_polled_reports_nothing() {
    let (stage, lines) = stage([]);
    drop(stage.client.call(UnsafeOrder::new()).into_future());
    assert!(lines.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn logs_and_spans_have_the_listed_fields_and_no_others() {
    let traces = Traces::new();
    let steps = [
        Step::Fail(TransportErrorKind::Interrupted),
        Step::respond_with(503, &[("retry-after", "1")], ""),
        signed(REPLY),
        Step::Hang,
    ];
    let (stage, _) = stage(steps);
    let doubtful = SafeOrder {
        mobile: Mobile::parse("5000000001").unwrap(),
        ..SafeOrder::new()
    };
    stage.client.call(doubtful).await.unwrap();
    let call = stage.client.call(UnsafeOrder::new()).into_future();
    assert!(
        tokio::time::timeout(Duration::from_secs(1), call)
            .await
            .is_err()
    );
    let listed: BTreeSet<&str> = CallEvent::FIELDS.iter().copied().collect();
    assert_eq!(traces.fields_of("provider_core"), listed);
    assert!(CallEvent::FIELDS.is_sorted());
}

#[tokio::test]
async fn an_ended_call_that_is_unsettled_is_a_warning() {
    let interrupted = || Step::Fail(TransportErrorKind::Interrupted);
    let unread = || signed("{}");
    for (step, safe, level) in [
        (interrupted(), false, "WARN"),
        (unread(), false, "WARN"),
        (Step::Fail(TransportErrorKind::Connect), false, "DEBUG"),
        (Step::respond(403, "{}"), false, "DEBUG"),
        (signed(REPLY), false, "DEBUG"),
        (unread(), true, "DEBUG"),
    ] {
        let traces = Traces::new();
        let (stage, _) = stage([step]);
        let once = CallOptions::new().with_retry(RetryPolicy::never());
        let ended = match safe {
            false => {
                stage
                    .client
                    .call(UnsafeOrder::new())
                    .with_options(once)
                    .await
            }
            true => stage.client.call(SafeOrder::new()).with_options(once).await,
        };
        let text = traces.text();
        let line = text.lines().find(|line| line.contains("call ended"));
        let line = line.unwrap();
        assert!(line.starts_with(&format!("  {level}")), "{ended:?}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_with_an_unknown_outcome_is_a_warning() {
    for (unsettled, level) in [(true, "WARN"), (false, "DEBUG")] {
        let traces = Traces::new();
        let (stage, _) = stage([Step::Hang]);
        let call = match unsettled {
            true => stage.client.call(UnsafeOrder::new()).into_future(),
            false => stage.client.call(SafeOrder::new()).into_future(),
        };
        assert!(
            tokio::time::timeout(Duration::from_secs(1), call)
                .await
                .is_err()
        );
        let text = traces.text();
        let line = text
            .lines()
            .find(|line| line.contains("call dropped"))
            .unwrap();
        // Inside the call's span, like all its events.
        assert!(line.starts_with(&format!("  {level}")), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_count_attempts_and_calls_by_operation_and_outcome() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    let observer = MetricsObserver::new(&provider.meter("test"));
    assert_eq!(format!("{observer:?}"), "MetricsObserver");
    let steps = [Step::respond(503, ""), signed(REPLY), Step::Hang];
    let stage = Stage::with(steps, Toy::default(), |builder| {
        builder.observer(Arc::new(observer))
    });
    stage.client.call(SafeOrder::new()).await.unwrap();
    let call = stage.client.call(UnsafeOrder::new()).into_future();
    assert!(
        tokio::time::timeout(Duration::from_secs(1), call)
            .await
            .is_err()
    );
    provider.force_flush().unwrap();
    let mut found = Vec::new();
    for metrics in exporter.get_finished_metrics().unwrap() {
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            assert_eq!(metric.unit(), "s");
            let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
                panic!("a histogram");
            };
            for point in histogram.data_points() {
                let mut attributes: Vec<String> = point
                    .attributes()
                    .map(|pair| format!("{}={}", pair.key, pair.value))
                    .collect();
                attributes.sort();
                found.push(format!(
                    "{} {} {}",
                    metric.name(),
                    point.count(),
                    attributes.join(" ")
                ));
            }
        }
    }
    found.sort();
    assert_eq!(
        found,
        [
            "http.client.request.duration 1 error.type=api http.request.method=POST \
             http.response.status_code=503 kyc.operation=order kyc.outcome=unknown kyc.provider=toy \
             url.template=/v1/orders/{id}",
            "http.client.request.duration 1 http.request.method=POST \
             http.response.status_code=200 kyc.operation=order kyc.outcome=ok kyc.provider=toy \
             url.template=/v1/orders/{id}",
            "kyc.client.call.duration 1 error.type=dropped kyc.operation=order \
             kyc.outcome=unknown kyc.provider=toy",
            "kyc.client.call.duration 1 kyc.operation=order kyc.outcome=ok kyc.provider=toy",
        ]
    );
}

#[test]
fn every_machine_readable_name_is_in_snake_case() {
    let words = [
        Idempotency::Safe.as_str(),
        Idempotency::Repeatable.as_str(),
        Idempotency::Unsafe.as_str(),
        ErrorKind::Unavailable.as_str(),
        Outcome::NotSent.as_str(),
    ];
    assert_eq!(
        words,
        ["safe", "repeatable", "unsafe", "unavailable", "not_sent"]
    );
    assert_eq!(CallStage::Ended.as_str(), "call ended");
}
