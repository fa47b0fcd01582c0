//! A receiver behind frameworks: axum, a layer of tower, real connections, and layers that change bytes.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use provider_core::http::{Request, StatusCode};
use provider_core::webhook::{Meta, MismatchCause, Receiver, Reply, SelfTestFailure, Verified};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::server::PATIENCE;
use crate::webhook_http::{Inbox, request};
use crate::webhooks::{BODY, HEADER, Toy, receiver, signature_of, unconfigured};

fn router(receiver: Receiver<Toy>, inbox: &Inbox) -> Router {
    let inbox = inbox.clone();
    let hook = move |event: Verified<Toy>| async move {
        event.once(|raw, meta| inbox.put(raw, meta)).await
    };
    Router::new()
        .route("/hooks/toy", post(hook))
        .with_state(receiver)
}

async fn status(router: &Router, request: Request<Full<Bytes>>) -> u16 {
    let response = router.clone().oneshot(request.map(Body::new)).await;
    response.unwrap().status().as_u16()
}

#[tokio::test]
async fn axum_s_extractor_verifies_and_its_reply_answers() {
    let inbox = Inbox::default();
    let router = router(receiver(), &inbox);
    let mut forged = request(BODY);
    forged.headers_mut().insert(HEADER, signature_of(b"{}"));
    for (request, expected) in [(request(BODY), 200), (request(BODY), 200), (forged, 401)] {
        assert_eq!(status(&router, request).await, expected);
    }
    assert_eq!(inbox.len(), 1);
    let unconfigured = self::router(unconfigured(), &inbox);
    assert_eq!(status(&unconfigured, request(BODY)).await, 503);
}

// Pitfalls 6 and 17, of axum.
#[tokio::test]
async fn axum_s_own_limit_and_routes_are_not_relied_on() {
    let inbox = Inbox::default();
    let small =
        router(receiver().with_max_body_bytes(10), &inbox).layer(DefaultBodyLimit::disable());
    assert_eq!(status(&small, request(BODY)).await, 413);

    let large = vec![b' '; 3 * 1024 * 1024];
    let large_enough = receiver().with_max_body_bytes(large.len());
    assert_eq!(
        status(&router(large_enough, &inbox), request(&large)).await,
        200
    );

    let mut elsewhere = request(BODY);
    *elsewhere.uri_mut() = "/hooks/other".parse().unwrap();
    assert_eq!(status(&small, elsewhere).await, 404);
    for method in ["GET", "HEAD", "OPTIONS"] {
        let mut request = request(BODY);
        *request.method_mut() = method.parse().unwrap();
        assert_eq!(status(&small, request).await, 405);
    }
    // The handler of any method refuses by itself.
    let any = axum::routing::any(|event: Verified<Toy>| async {
        event
            .once(|_, _| async { Ok::<_, std::io::Error>(()) })
            .await
    });
    let any = Router::new()
        .route("/hooks/toy", any)
        .with_state(receiver());
    let mut get = request(BODY);
    *get.method_mut() = "GET".parse().unwrap();
    assert_eq!(status(&any, get).await, 405);
}

// Pitfall 1, of axum: what the extractor of JSON gives, printed again, is not what was signed.
#[tokio::test]
async fn a_handler_that_prints_json_again_is_refused() {
    let hook = |headers: axum::http::HeaderMap, Json(value): Json<serde_json::Value>| async move {
        let body = serde_json::to_vec(&value).unwrap();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        match receiver().verify(&headers, &body, now) {
            Ok(_) => StatusCode::OK,
            Err(refusal) => refusal.status(),
        }
    };
    let router = Router::new().route("/hooks/toy", post(hook));
    let mut request = request(BODY);
    let json = "application/json".parse().unwrap();
    request.headers_mut().insert("content-type", json);
    assert_eq!(status(&router, request).await, 401);
}

#[tokio::test]
async fn a_layer_of_tower_does_the_same() {
    let inbox = Inbox::default();
    let handler = {
        let inbox = inbox.clone();
        service_fn(move |(raw, meta): (Bytes, Meta)| inbox.clone().put(raw, meta))
    };
    let service = receiver().layer(handler);
    let mut forged = request(BODY);
    forged.headers_mut().insert(HEADER, signature_of(b"{}"));
    for (request, expected) in [(request(BODY), 200), (request(BODY), 200), (forged, 401)] {
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), expected);
    }
    assert_eq!(inbox.len(), 1);
    let failing = service_fn(|_: (Bytes, Meta)| async { Err("made up") });
    let response = receiver().layer(failing).oneshot(request(BODY)).await;
    assert_eq!(response.unwrap().status(), 503);
    // As a route of axum.
    let service = receiver().layer(service_fn(|_: (Bytes, Meta)| async {
        Ok::<_, std::io::Error>(())
    }));
    let router = Router::new().route_service("/hooks/toy", service);
    assert_eq!(status(&router, request(BODY)).await, 200);
}

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

/// Sends bytes on one connection, closes it for writing, and returns the status of each answer.
async fn exchanged(address: SocketAddr, bytes: &[u8]) -> Vec<u16> {
    let exchange = async {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        // The server may refuse before all of it is written.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers).await;
        let answers = String::from_utf8(answers).unwrap();
        let answers = answers.split("HTTP/1.1 ").skip(1);
        answers.map(|answer| answer[..3].parse().unwrap()).collect()
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap()
}

fn on_the_wire(headers: &str, signed: &[u8], body: &[u8]) -> Vec<u8> {
    let signature = signature_of(signed);
    let signature = signature.to_str().unwrap();
    let head =
        format!("POST /hooks/toy HTTP/1.1\r\nhost: a\r\nx-signature: {signature}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

// Pitfall 7.
#[tokio::test]
async fn framing_decides_nothing_but_the_bytes() {
    let inbox = Inbox::default();
    let address = serve(router(receiver(), &inbox)).await;
    let length = format!("content-length: {}\r\n", BODY.len());
    let chunked: Vec<u8> = BODY
        .chunks(7)
        .flat_map(|piece| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat())
        .chain(*b"0\r\n\r\n")
        .collect();
    // More was announced than came, and the other way round: what is left is no request.
    let longer = format!("content-length: {}\r\n", BODY.len() + 1);
    let shorter = format!("content-length: {}\r\n", BODY.len() - 1);
    for (bytes, expected, handled) in [
        (on_the_wire(&longer, BODY, BODY), &[400][..], 0),
        (on_the_wire(&shorter, BODY, BODY), &[401, 400], 0),
        (on_the_wire("", BODY, BODY), &[401, 400], 0),
        (
            on_the_wire("transfer-encoding: chunked\r\n", BODY, &chunked[..20]),
            &[400],
            0,
        ),
        (
            on_the_wire("transfer-encoding: chunked\r\n", BODY, &chunked),
            &[200],
            1,
        ),
        (on_the_wire(&length, BODY, BODY), &[200], 1),
    ] {
        assert_eq!(
            exchanged(address, &bytes).await,
            expected,
            "{:?}",
            String::from_utf8_lossy(&bytes)
        );
        assert_eq!(inbox.len(), handled);
    }
}

// Pitfall 21.
#[tokio::test]
async fn pipelined_requests_on_one_connection_are_each_their_own() {
    let inbox = Inbox::default();
    let address = serve(router(receiver(), &inbox)).await;
    let length = |body: &[u8]| format!("content-length: {}\r\n", body.len());
    let wire = |signed: &[u8], body: &[u8]| on_the_wire(&length(body), signed, body);
    let other = br#"{"kind":"paid","amount":"2.0"}"#;
    let pipelined = [
        wire(BODY, BODY),
        wire(BODY, other),
        wire(other, BODY),
        wire(other, other),
        wire(BODY, BODY),
    ];
    let statuses = exchanged(address, &pipelined.concat()).await;
    assert_eq!(statuses, [200, 401, 401, 200, 200]);
    assert_eq!(inbox.len(), 2);
}

/// The self-test through a router around which a layer changes the body.
async fn self_tested(
    change: impl Fn(Bytes) -> Bytes + Clone + Send + Sync + 'static,
) -> Result<(), SelfTestFailure> {
    let (receiver, inbox) = (receiver(), Inbox::default());
    let router = router(receiver.clone(), &inbox).layer(axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            let change = change.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                next.run(Request::from_parts(head, Body::from(change(body))))
                    .await
            }
        },
    ));
    let send = |request: Request<Bytes>| router.clone().oneshot(request.map(Body::from));
    let tested = receiver
        .self_test("/hooks/toy".parse().unwrap(), send)
        .await;
    assert_eq!(inbox.len(), 0);
    tested
}

// Pitfall 23.
#[tokio::test]
async fn layers_that_change_bytes_are_found_at_the_start() {
    assert_eq!(self_tested(|body| body).await, Ok(()));
    assert_eq!(
        self_tested(|_| Bytes::new()).await,
        Err(SelfTestFailure::BodyConsumed)
    );
    let cause = |tested: Result<(), SelfTestFailure>| match tested {
        Err(SelfTestFailure::BytesChanged { cause, .. }) => cause,
        other => panic!("{other:?}"),
    };
    let printed_again =
        self_tested(
            |body| match serde_json::from_slice::<serde_json::Value>(&body) {
                Ok(value) => value.to_string().into(),
                Err(_) => body,
            },
        );
    assert_eq!(cause(printed_again.await), Some(MismatchCause::Reformatted));
    let trimmed = self_tested(|body| body.trim_ascii_end().to_vec().into());
    assert_eq!(
        cause(trimmed.await),
        Some(MismatchCause::TrailingWhitespace)
    );
    let decompressed = self_tested(|body| match &body[..2] {
        [0x1f, 0x8b] => Bytes::from_static(b"{}"),
        _ => body,
    });
    assert_eq!(
        cause(decompressed.await),
        Some(MismatchCause::ContentEncoding)
    );
    let as_text = self_tested(|body| match String::from_utf8(body.to_vec()) {
        Ok(_) => body,
        Err(_) if body.starts_with(&[0x1f]) => body,
        Err(_) => String::from_utf8_lossy(&body).into_owned().into(),
    });
    assert_eq!(cause(as_text.await), None);
}

#[tokio::test]
async fn a_self_test_that_does_not_arrive_fails_and_nobody_else_can_send_one() {
    let receiver = receiver();
    let nowhere = |_| async { Reply::Handled.into_response() };
    let path = || "/hooks/toy".parse().unwrap();
    assert_eq!(
        receiver.self_test(path(), nowhere).await,
        Err(SelfTestFailure::NotReached)
    );
    assert_eq!(
        unconfigured().self_test(path(), nowhere).await,
        Err(SelfTestFailure::Unconfigured)
    );
    // With another number, or after the test.
    for number in ["", "0", "00000000000000000000000000000000"] {
        let mut request = request(BODY);
        request
            .headers_mut()
            .insert("x-webhook-self-test", number.parse().unwrap());
        request.headers_mut().remove(HEADER);
        let refusal = receiver.receive(request).await.unwrap_err();
        assert_eq!(refusal.status(), 401);
    }
}
