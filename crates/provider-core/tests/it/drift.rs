//! The radar in a client: what it sees of replies.

use std::sync::Arc;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{CallOptions, DriftRadar, RetryPolicy};
use serde_json::json;

use crate::catalogue::ToyClient;
use crate::toy::{Toy, forged, signed, signed_with_status};

/// What the radar has counted when these replies have come.
async fn drifts<const N: usize>(radar: DriftRadar, steps: [Step; N]) -> Vec<(String, u64)> {
    let radar = Arc::new(radar);
    let client: ToyClient = ToyClient::builder(Toy::default())
        .transport(Arc::new(ScriptedTransport::new(steps)))
        .retry(RetryPolicy::never())
        .drift_radar(Arc::clone(&radar))
        .build()
        .unwrap();
    for _ in 0..N {
        let input = json!({"order_id": "ord-1", "mobile": "9000000001"});
        // Its result is another test's.
        let call = ToyClient::CATALOGUE[0].call(client.client(), input, CallOptions::new());
        let _ = call.await;
    }
    let drifts = radar.drifts().into_iter();
    let place = drifts.map(|(drift, times)| {
        let (kind, at) = (drift.kind.as_str(), drift.path);
        (
            format!("{} {} {kind} {at}", drift.provider, drift.operation),
            times,
        )
    });
    place.collect()
}

fn watching() -> DriftRadar {
    DriftRadar::new().watch(ToyClient::CATALOGUE)
}

#[tokio::test(start_paused = true)]
async fn verified_replies_are_compared_whether_they_can_be_read_or_not() {
    let new = || signed(r#"{"by_place":{"z":1},"new":7}"#);
    let unreadable = signed(r#"{"by_place":{"9000000001":"many"}}"#);
    let drifts = drifts(
        watching(),
        [
            signed(r#"{"by_place":{"z":1}}"#),
            new(),
            new(),
            unreadable,
            signed("no JSON"),
        ],
    );
    assert_eq!(
        drifts.await,
        [
            ("toy ask other_type $.by_place.*".to_owned(), 1),
            ("toy ask unknown_member $.new".to_owned(), 2),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_nobody_vouches_for_is_not_compared() {
    let refusal = Step::respond(400, r#"{"new":7}"#);
    let none = drifts(watching(), [forged(), refusal]).await;
    assert_eq!(none, []);
    let unwatched = drifts(DriftRadar::new(), [signed(r#"{"new":7}"#)]).await;
    assert_eq!(unwatched, []);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_not_documented_is_counted_whoever_sent_it() {
    let steps = [
        signed_with_status(206, r#"{"by_place":{}}"#),
        Step::respond(418, ""),
        Step::respond(400, ""),
    ];
    let found = drifts(watching(), steps).await;
    assert_eq!(found.len(), 2);
    assert!(
        found
            .iter()
            .all(|(place, _)| place == "toy ask undocumented_status ")
    );
}

#[tokio::test(start_paused = true)]
async fn each_drift_is_counted_in_a_metric() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    let radar = watching().with_meter(&provider.meter("kyc"));
    let new = || signed(r#"{"by_place":{},"new":7}"#);
    drifts(radar, [new(), new()]).await;
    provider.force_flush().unwrap();
    let exported = exporter.get_finished_metrics().unwrap();
    let scopes = exported.iter().flat_map(|metrics| metrics.scope_metrics());
    let mut metrics = scopes.flat_map(|scope| scope.metrics());
    let metric = metrics
        .find(|metric| metric.name() == "kyc.client.drift")
        .unwrap();
    let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() else {
        panic!("a counter");
    };
    let points: Vec<_> = sum.data_points().collect();
    assert_eq!((points.len(), points[0].value()), (1, 2));
    let path = points[0]
        .attributes()
        .find(|attribute| attribute.key.as_str() == "kyc.drift.path");
    assert_eq!(path.unwrap().value.as_str(), "$.new");
}
