//! The stream of what happens.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use kyc_journey_server::Limits;
use provider_core::http::{HeaderValue, Request, StatusCode};
use tower::ServiceExt as _;

use crate::world::{World, request, verification};

/// An event of a stream: its id, its name, its data.
fn events(text: &str) -> Vec<(u64, String, String)> {
    let blocks = text.split("\n\n").filter(|block| block.contains("data: "));
    let member = |block: &str, name: &str| {
        let found = block.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_default().to_owned()
    };
    let event = |block: &str| {
        let id = member(block, "id: ").parse().unwrap();
        (id, member(block, "event: "), member(block, "data: "))
    };
    blocks.map(event).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_resumed_and_ends_with_the_journey() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    world.pass(1).await;
    let path = format!("/v1/journeys/{id}/events");
    let response = world.router.clone().oneshot(request("GET", &path, None));
    let response = response.await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body: Body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let first = events(std::str::from_utf8(&first).unwrap());
    assert_eq!(first[0].0, 1);
    assert!(first[0].2.contains(r#""event":"start""#), "{first:?}");
    drop(body);

    let cancelled = world
        .call("POST", &format!("/v1/journeys/{id}/cancel"), None)
        .await;
    assert_eq!(cancelled.status, StatusCode::OK);
    let whole = world.call("GET", &path, None).await;
    let whole = events(&whole.body);
    let (last, told) = whole.split_last().unwrap();
    let seqs: Vec<u64> = told.iter().map(|event| event.0).collect();
    assert_eq!(seqs, (1..=last.0).collect::<Vec<_>>());
    assert_eq!(last.1, "end");
    assert!(last.2.contains(r#""status":"cancelled""#), "{last:?}");

    let mut resumed = request("GET", &path, None);
    resumed
        .headers_mut()
        .insert("last-event-id", "2".parse().unwrap());
    let resumed = world.send(resumed).await;
    assert_eq!(events(&resumed.body), &whole[2..]);
    let after = world.call("GET", &format!("{path}?after=2"), None).await;
    assert_eq!(after.body, resumed.body);
    let mut over = request("GET", &path, None);
    over.headers_mut().insert("last-event-id", last.0.into());
    assert_eq!(world.send(over).await.status, StatusCode::NO_CONTENT);
}

/// What no event of the journey is called would be waited for without end.
#[tokio::test(start_paused = true)]
async fn a_stream_is_resumed_at_an_event_of_the_journey_alone() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    world.pass(1).await;
    let path = format!("/v1/journeys/{id}/events");
    let last = world.call("GET", &format!("/v1/journeys/{id}"), None).await;
    let last = last.json()["seq"].as_u64().unwrap();
    let refused = async |field: &str, request: Request<Body>| {
        let answer = world.send(request).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{answer:?}"
        );
        assert_eq!(answer.json()["field"], field);
    };
    let beyond = (last + 1).to_string();
    let huge = "99999999999999999999999";
    for id in [
        &*beyond,
        huge,
        "18446744073709551615",
        "-1",
        "two",
        "",
        "\u{e9}",
    ] {
        let mut resumed = request("GET", &path, None);
        let value = HeaderValue::from_bytes(id.as_bytes()).unwrap();
        resumed.headers_mut().insert("last-event-id", value);
        refused("last-event-id", resumed).await;
    }
    for after in [&*beyond, huge, "-1", "two"] {
        let path = format!("{path}?after={after}");
        refused("after", request("GET", &path, None)).await;
    }
    let mut twice = request("GET", &path, None);
    for _ in 0..2 {
        twice.headers_mut().append("last-event-id", 1.into());
    }
    refused("last-event-id", twice).await;
    // From its end on, what comes is told.
    let at_end = request("GET", &format!("{path}?after={last}"), None);
    let open = world.router.clone().oneshot(at_end).await.unwrap();
    let cancel = format!("/v1/journeys/{id}/cancel");
    world.call("POST", &cancel, None).await;
    let told = open.into_body().collect().await.unwrap().to_bytes();
    let told = events(std::str::from_utf8(&told).unwrap());
    assert_eq!(told[0].0, last + 1, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_that_it_is_alive_tells_what_comes_and_ends_in_time() {
    let mut limits = Limits::default();
    limits.stream_time = Duration::from_secs(60);
    let world = World::with(limits);
    let id = world.started("ORDER-17", &verification()).await;
    let path = format!("/v1/journeys/{id}/events?after=2");
    let response = world.router.clone().oneshot(request("GET", &path, None));
    let mut body = response.await.unwrap().into_body();
    let text = async |body: &mut Body| {
        let frame = body.frame().await?.unwrap().into_data().unwrap();
        Some(String::from_utf8(frame.into()).unwrap())
    };
    assert_eq!(text(&mut body).await.unwrap(), ":\n\n");
    world.pass(1).await;
    let told = text(&mut body).await.unwrap();
    assert_eq!(events(&told)[0].0, 3, "{told}");
    let mut last = told;
    while let Some(next) = text(&mut body).await {
        last = next;
    }
    // Without an end: the journey goes on, and its reader comes again.
    assert!(!last.contains("event: end"), "{last}");
}

#[tokio::test(start_paused = true)]
async fn there_are_as_many_streams_as_may_be_and_a_shutdown_ends_them() {
    let mut limits = Limits::default();
    limits.streams = 1;
    let world = World::with(limits);
    let id = world.started("ORDER-17", &verification()).await;
    let path = format!("/v1/journeys/{id}/events");
    let response = world.router.clone().oneshot(request("GET", &path, None));
    let open = response.await.unwrap();
    let refused = world.call("GET", &path, None).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["type"], "/problems/too-many-streams");
    world.server.end_streams();
    let all = open.into_body().collect().await.unwrap().to_bytes();
    assert!(!std::str::from_utf8(&all).unwrap().contains("event: end"));
    assert_eq!(world.call("GET", &path, None).await.status, StatusCode::OK);
}
