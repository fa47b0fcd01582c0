//! No secret, no personal value and nothing from the wire gets into any output, whatever fails.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use provider_core::http::{HeaderMap, Request, StatusCode};
use provider_core::testing::Step;
use provider_core::{
    BaseUrl, Body, Client, Email, Error, ErrorKind, InvalidRequest, Masked, Mobile, Pan, PathId,
    RawResponse, RequestId, ReqwestTransport, RetryPolicy, Secret, StreamVerification,
    StreamedResponse, TransportErrorKind,
};

use crate::server::{Reply, Server, response};
use crate::toy::{SafeOrder, Stage, Toy, signed, signed_with_status};
use crate::traces::Traces;

// None of these is a part of another or of anything that may be printed.
const API_KEY: &str = "canary-api-key";
const SIGNING_SECRET: &str = "canary-signing-secret";
const MOBILE: &str = "9000000017";
const PAN: &str = "ABCDE0017F";
const EMAIL: &str = "canary-person@example.test";
const CONSENT: &str = "canary-consent-text";
const QUERY: &str = "canary-url-query";
const BODY: &str = "canary-response-body";
const HEADER: &str = "canary-response-header";
const MESSAGE: &str = "canary-fault-message";
const VALUE: &str = "canary-json-value";
const KEY: &str = "canary-json-key";

const CANARIES: [&str; 12] = [
    API_KEY,
    SIGNING_SECRET,
    MOBILE,
    PAN,
    EMAIL,
    CONSENT,
    QUERY,
    BODY,
    HEADER,
    MESSAGE,
    VALUE,
    KEY,
];

#[track_caller]
fn assert_silent(at: &str, text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{at} gives away {canary}: {text}");
    }
}

/// Everything that can be printed of an error.
fn printed(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}\n", error.report());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        write!(text, "{error}\n{error:?}\n{error:#?}\n").unwrap();
        cause = error.source();
    }
    text
}

fn toy(base_url: &str) -> Toy {
    Toy {
        api_key: Secret::for_header("x-api-key", API_KEY).unwrap(),
        signing_secret: Secret::text("signing_secret", SIGNING_SECRET).unwrap(),
        ..Toy::at(base_url)
    }
}

fn order() -> SafeOrder {
    SafeOrder {
        mobile: Mobile::parse(MOBILE).unwrap(),
        pan: Some(Pan::parse(PAN).unwrap()),
        email: Some(Email::parse(EMAIL).unwrap()),
        consent_text: Masked::new(CONSENT),
        ..SafeOrder::new()
    }
}

fn with_query() -> SafeOrder {
    SafeOrder {
        token: Some(Masked::new(QUERY)),
        ..order()
    }
}

const BASE_URL: &str = "https://toy.example.test/uat";

/// A response with a canary in every place that the peer fills.
fn refusal(status: u16, code: &str) -> Step {
    Step::respond_with(
        status,
        &[
            ("retry-after", HEADER),
            ("location", HEADER),
            ("www-authenticate", HEADER),
            ("x-request-id", HEADER),
        ],
        format!(r#"{{"code":"{code}","message":"{MESSAGE}","{KEY}":"{BODY}"}}"#),
    )
}

#[test]
fn the_trace_collector_sees_the_events() {
    let traces = Traces::new();
    tracing::trace!(secret = CONSENT, "{MESSAGE}");
    let _span = tracing::trace_span!("span", key = KEY).entered();
    for canary in [CONSENT, MESSAGE, KEY] {
        assert!(traces.text().contains(canary));
    }
}

#[tokio::test(start_paused = true)]
async fn no_error_leaks_anything() {
    let traces = Traces::new();
    let html = || format!("<html>{BODY}</html>");
    let wrong_type = format!(r#"{{"state":"{VALUE}","items":[{{"amount":"{VALUE}"}}]}}"#);
    let wrong_key = format!(r#"{{"{KEY}":"{VALUE}","{MOBILE}":1}}"#);
    let broken = format!(r#"{{"{KEY}":["{VALUE}",}}"#);
    let cut = format!(r#"{{"{KEY}":["{VALUE}"#);
    let variant = format!(r#"{{"state":"open","items":[{{"amount":1,"priority":"{VALUE}"}}]}}"#);
    let another = format!(r#"{{"state":"open","items":[],"answers":"{VALUE}"}}"#);
    let cases = [
        (
            Step::Fail(TransportErrorKind::InvalidRequest),
            ErrorKind::InvalidRequest,
        ),
        (Step::Fail(TransportErrorKind::Connect), ErrorKind::Connect),
        (
            Step::Fail(TransportErrorKind::Certificate),
            ErrorKind::Verification,
        ),
        (Step::Fail(TransportErrorKind::Timeout), ErrorKind::Timeout),
        (
            Step::Fail(TransportErrorKind::Interrupted),
            ErrorKind::Transport,
        ),
        (
            Step::Fail(TransportErrorKind::TooLarge),
            ErrorKind::Transport,
        ),
        (Step::Hang, ErrorKind::Timeout),
        (refusal(401, "E1"), ErrorKind::Credentials),
        (refusal(429, "E1"), ErrorKind::RateLimited),
        (refusal(302, "E1"), ErrorKind::Api),
        (refusal(400, "E1"), ErrorKind::Api),
        // A personal value in place of the code.
        (refusal(400, MOBILE), ErrorKind::Api),
        (refusal(400, PAN), ErrorKind::Api),
        (refusal(400, EMAIL), ErrorKind::Api),
        (refusal(400, VALUE), ErrorKind::Api),
        (refusal(503, "busy"), ErrorKind::Api),
        (Step::respond(502, html()), ErrorKind::Api),
        (Step::respond(200, html()), ErrorKind::Unrecognized),
        (Step::respond(403, html()), ErrorKind::Unrecognized),
        (
            Step::respond_with(302, &[("location", BASE_URL)], html()),
            ErrorKind::Unrecognized,
        ),
        (
            Step::respond_with(200, &[("x-toy-signature", HEADER)], html()),
            ErrorKind::Verification,
        ),
        (signed(&another), ErrorKind::Verification),
        (signed(&html()), ErrorKind::Decode),
        (signed(&wrong_type), ErrorKind::Decode),
        (signed(&wrong_key), ErrorKind::Decode),
        (signed(&broken), ErrorKind::Decode),
        (signed(&cut), ErrorKind::Decode),
        (signed(&variant), ErrorKind::Decode),
        (
            signed(&format!(r#"{{"code":"E1","message":"{MESSAGE}"}}"#)),
            ErrorKind::Api,
        ),
    ];
    for (index, (step, kind)) in cases.into_iter().enumerate() {
        let stage = Stage::with([step], toy(BASE_URL), |builder| {
            builder.retry(RetryPolicy::never())
        });
        let call = stage.client.call(with_query());
        let shown = format!("{call:?}");
        assert!(shown.starts_with("Call { operation: \"order\", "));
        assert_silent("the call", &shown);
        let error = call.await.unwrap_err();
        assert_eq!(error.kind(), kind, "case {index}");
        assert_silent(&format!("case {index}"), &printed(&error));
        assert!(error.to_string().lines().count() == 1, "case {index}");
        if let Some(response) = error.raw_response() {
            assert_silent(
                &format!("the response of case {index}"),
                &format!("{response:?}"),
            );
        }
        // The canaries were there: the request carried them.
        let sent = stage.transport.only();
        assert_eq!(sent.header("x-api-key"), API_KEY);
        assert!(sent.uri.query().unwrap().contains(QUERY));
        assert!(sent.json()["consent_text"] == CONSENT);
        let shown = format!("{sent:?}");
        assert!(shown.starts_with("Sent(POST /uat/"), "{shown}");
        assert_silent("the sent request", &shown);
    }
    assert!(traces.text().contains("operation=\"order\""));
    assert_silent("tracing", &traces.text());
}

#[tokio::test(start_paused = true)]
async fn no_response_leaks_anything() {
    let traces = Traces::new();
    let body = format!(r#"{{"state":"{VALUE}","items":[],"{KEY}":"{BODY}"}}"#);
    let stage = Stage::with(
        [signed(&body), signed_with_status(201, &body)],
        toy(BASE_URL),
        |builder| {
            assert_silent("the builder", &format!("{builder:?} {builder:#?}"));
            builder
        },
    );
    let client = &stage.client;
    assert_silent("the client", &format!("{client:?} {client:#?}"));
    let response = client.call(with_query()).await.unwrap();
    assert_eq!(response.value().state.as_str(), VALUE);
    assert_silent("the answer", &format!("{response:?} {response:#?}"));
    client.call(with_query()).await.unwrap();
    assert!(traces.text().contains("status=201"));
    assert_silent("tracing", &traces.text());
}

#[tokio::test]
async fn no_failure_on_a_socket_leaks_anything() {
    let traces = Traces::new();
    let last = |text: String| Reply::Last(text.into_bytes());
    let replies = [
        // Not HTTP, a broken head, a broken chunk, a body that is too short.
        last(format!("{BODY}\r\n\r\n")),
        last(format!("HTTP/1.1 200 OK\r\n{HEADER}\r\n\r\n")),
        last(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {HEADER}\r\n\r\n"
        )),
        last(format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{BODY}\r\n"
        )),
        last(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nx: {HEADER}\r\n\r\n{BODY}"
        )),
        // Too long, and a redirect.
        Reply::Bytes(response("200 OK", &[], BODY.repeat(100))),
        Reply::Bytes(response(
            "302 Found",
            &[&format!("location: {HEADER}")],
            BODY,
        )),
    ];
    let transport = ReqwestTransport::builder()
        .without_tls()
        .max_body_bytes(1_000)
        .build()
        .unwrap();
    let transport = Arc::new(transport);
    for (index, reply) in replies.into_iter().enumerate() {
        let server = Server::start([reply]).await;
        let error = fails(&transport, &server.url("")).await;
        assert_silent(&format!("reply {index}"), &printed(&error));
        assert_eq!(server.requests().len(), 1);
    }

    // Never sent: refused by the peer, and by the transport.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = format!("http://{}", socket.local_addr().unwrap());
    for (base_url, kind) in [
        (nobody.as_str(), ErrorKind::Connect),
        ("http://192.0.2.1", ErrorKind::InvalidRequest),
        ("https://toy.example.test", ErrorKind::InvalidRequest),
    ] {
        let error = fails(&transport, base_url).await;
        assert_eq!(error.kind(), kind);
        assert_silent(base_url, &printed(&error));
    }
    assert_silent("tracing", &traces.text());
}

async fn fails(transport: &Arc<ReqwestTransport>, base_url: &str) -> Error {
    let client: Client<Toy> = Client::builder(toy(base_url))
        .transport(transport.clone())
        .retry(RetryPolicy::never())
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap();
    client.call(with_query()).await.unwrap_err()
}

#[test]
fn a_refused_input_is_not_printed() {
    let secret = |text: &str| format!("{text}\n");
    let refused: [InvalidRequest; 10] = [
        Secret::for_header("x-api-key", secret(API_KEY)).unwrap_err(),
        Secret::for_header("x-api-key", format!("{API_KEY}é")).unwrap_err(),
        Secret::text("signing_secret", secret(SIGNING_SECRET)).unwrap_err(),
        Mobile::parse(&format!("+91{MOBILE}")).unwrap_err(),
        Pan::parse(&PAN.to_lowercase()).unwrap_err(),
        Email::parse(&format!("{EMAIL}@")).unwrap_err(),
        PathId::parse("session", &format!("../{VALUE}")).unwrap_err(),
        RequestId::parse(EMAIL).unwrap_err(),
        BaseUrl::parse("base_url", &format!("https://toy:{API_KEY}@example.test")).unwrap_err(),
        BaseUrl::parse("base_url", &format!("https://example.test/?{QUERY}")).unwrap_err(),
    ];
    for error in refused {
        assert_silent(error.field(), &format!("{error} {error:?} {error:#?}"));
        let error = Error::from(error);
        assert_silent("the error", &printed(&error));
    }
}

#[test]
fn types_that_hold_a_secret_do_not_print_it() {
    let toy = toy(BASE_URL);
    let header = toy.api_key.header_value("x-api-key").unwrap();
    let mut request = Request::new(Body::from(serde_json::to_vec(&order()).unwrap()));
    request.headers_mut().insert("x-api-key", header);
    let order = order();
    let response = RawResponse::new(StatusCode::OK, HeaderMap::new(), BODY.into());
    let streamed = StreamedResponse::from(response.clone());
    assert_eq!(
        format!("{streamed:?}"),
        "StreamedResponse { head: ReplyHead { status: 200, headers: 0 }, announced: Some(20), taken: 0, .. }"
    );
    let kinds = [StreamVerification::Whole, StreamVerification::Unsigned];
    assert_eq!(format!("{kinds:?}"), "[Whole, Unsigned]");
    let transport = ReqwestTransport::builder().proxy(format!("http://toy:{API_KEY}@127.0.0.1:1"));
    assert_silent("a provider", &format!("{toy:?} {toy:#?}"));
    assert_silent("a request", &format!("{request:?} {request:#?}"));
    assert_silent("a response", &format!("{response:?} {response:#?}"));
    assert_silent(
        "inputs",
        &format!(
            "{:?} {:?} {:?} {:?}",
            order.mobile, order.pan, order.email, order.consent_text
        ),
    );
    assert_silent("a transport's settings", &format!("{transport:?}"));
    assert_silent("a transport", &format!("{:?}", transport.build().unwrap()));
}
