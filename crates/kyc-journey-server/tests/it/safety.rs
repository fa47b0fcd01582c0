//! Who is answered, and how much is taken.

use std::time::Duration;

use axum::body::Body;
use kyc_journey_server::Limits;
use provider_core::http::{Request, StatusCode};

use crate::world::{TOKEN, World, outside, request, verification};

fn with(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn nobody_without_the_token_reads_or_does_anything() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    let host = ("host", "127.0.0.1:8088");
    for (method, path) in [
        ("POST", "/v1/journeys".to_owned()),
        ("GET", "/v1/journeys".to_owned()),
        ("GET", format!("/v1/journeys/{id}")),
        ("GET", format!("/v1/journeys/{id}/history")),
        ("GET", format!("/v1/journeys/{id}/links")),
        ("GET", format!("/v1/journeys/{id}/events")),
        ("GET", format!("/v1/journeys/{id}/export")),
        ("POST", format!("/v1/journeys/{id}/consent")),
        ("POST", format!("/v1/journeys/{id}/resume")),
        ("POST", format!("/v1/journeys/{id}/resolve")),
        ("POST", format!("/v1/journeys/{id}/cancel")),
        ("POST", format!("/v1/journeys/{id}/withdraw")),
        ("GET", "/v1/openapi.json".to_owned()),
    ] {
        let basic = format!("Basic {TOKEN}");
        let longer = format!("Bearer {TOKEN}0");
        let shorter = format!("Bearer {}", &TOKEN[1..]);
        for headers in [
            &[host][..],
            &[host, ("authorization", "Bearer ")],
            &[host, ("authorization", &basic)],
            &[host, ("authorization", &longer)],
            &[host, ("authorization", &shorter)],
            &[host, ("cookie", "kyc_journeys=0")],
        ] {
            let answer = world.send(with(method, &path, headers)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        // Each takes its share of the rate.
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    assert_eq!(world.history(&id).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_its_own_names_and_pages_reach_it() {
    let world = World::new();
    // A scheme has no case.
    let bearer = format!("bearer {TOKEN}");
    let bearer = ("authorization", bearer.as_str());
    let status = async |headers: &[(&str, &str)]| {
        let headers = [headers, &[bearer]].concat();
        world
            .send(with("GET", "/v1/journeys", &headers))
            .await
            .status
    };
    for host in [
        "127.0.0.1:8088",
        "localhost:8088",
        "[::1]:8088",
        "LOCALHOST",
    ] {
        assert_eq!(status(&[("host", host)]).await, StatusCode::OK, "{host}");
    }
    for host in ["rebound.example.test:8088", "", "127.0.0.1.example.test"] {
        let refused = status(&[("host", host)]).await;
        assert_eq!(refused, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    assert_eq!(status(&[]).await, StatusCode::MISDIRECTED_REQUEST);
    let twice = [("host", "localhost"), ("host", "localhost")];
    assert_eq!(status(&twice).await, StatusCode::MISDIRECTED_REQUEST);
    let own = ("host", "localhost:8088");
    assert_eq!(
        status(&[own, ("origin", "http://localhost:8088")]).await,
        StatusCode::OK
    );
    for origin in ["http://localhost:3000", "https://example.test", "null", ""] {
        let refused = status(&[own, ("origin", origin)]).await;
        assert_eq!(refused, StatusCode::FORBIDDEN, "{origin}");
    }
    // What comes from outside goes by the same names.
    let mut hook = outside("POST", "/hooks/veriff", b"{}");
    let host = "rebound.example.test".parse().unwrap();
    hook.headers_mut().insert("host", host);
    assert_eq!(
        world.send(hook).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_is_no_longer_and_no_slower_than_may_be() {
    let world = World::new();
    let mut long = request("POST", "/v1/journeys", None);
    long.headers_mut()
        .insert("idempotency-key", "ORDER-17".parse().unwrap());
    *long.body_mut() = Body::from(vec![b' '; 64 * 1024 + 1]);
    let answer = world.send(long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{answer:?}");
    for path in ["/v1/journeys", "/hooks/veriff"] {
        let mut slow = request("POST", path, None);
        slow.headers_mut()
            .insert("idempotency-key", "ORDER-17".parse().unwrap());
        let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        *slow.body_mut() = Body::from_stream(never);
        assert_eq!(
            world.send(slow).await.status,
            StatusCode::REQUEST_TIMEOUT,
            "{path}"
        );
    }
    let hook = outside("POST", "/hooks/veriff", &vec![b' '; 1024 * 1024 + 1]);
    assert_eq!(world.send(hook).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn requests_come_no_faster_than_may_be() {
    let mut limits = Limits::default();
    limits.requests_per_second = 2;
    let world = World::with(limits);
    let ask = async || world.call("GET", "/v1/journeys", None).await;
    for _ in 0..4 {
        assert_eq!(ask().await.status, StatusCode::OK);
    }
    let refused = ask().await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "1");
    // Webhooks have a share of their own.
    let hook = world.send(outside("POST", "/hooks/veriff", b"{}")).await;
    assert_eq!(hook.status, StatusCode::UNAUTHORIZED);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ask().await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn strangers_use_up_no_caller_s_share() {
    let mut limits = Limits::default();
    limits.requests_per_second = 2;
    let world = World::with(limits);
    let stranger = async || {
        let asked = with("GET", "/v1/journeys", &[("host", "localhost")]);
        world.send(asked).await.status
    };
    for _ in 0..4 {
        assert_eq!(stranger().await, StatusCode::UNAUTHORIZED);
    }
    // They are limited with all that comes from outside.
    assert_eq!(stranger().await, StatusCode::TOO_MANY_REQUESTS);
    let answer = world.call("GET", "/v1/journeys", None).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_no_text_leads_nowhere() {
    let world = World::new();
    for (method, path) in [
        ("GET", "/v1/journeys/%FF"),
        ("GET", "/v1/journeys/%FF/events"),
        ("POST", "/v1/journeys/%FF/cancel"),
        ("POST", "/hooks/%FF"),
        ("POST", "/hooks/finpass/%FF"),
        ("GET", "/return/%FF"),
    ] {
        let answer = world.call(method, path, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let kind = answer.header("content-type");
        assert_eq!(kind, "application/problem+json", "{path}");
    }
}
