//! Requests that are built from an operation's route: method, path, query, headers, and the signed bytes.

use provider_core::bytes::Bytes;
use provider_core::http::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRANSFER_ENCODING, UPGRADE,
};
use provider_core::http::{HeaderName, HeaderValue, Method};
use provider_core::testing::Sent;
use provider_core::{
    Attempt, BuiltRequest, Endpoint, Error, ErrorKind, Idempotency, InvalidRequest, Operation,
    PathId, RequestBuilder, ResponseError, Verified,
};

use crate::toy::{SIGNATURE, Stage, Toy, signed};

type BuildRead =
    for<'a> fn(&'a Read, RequestBuilder<'a, Toy>) -> Result<BuiltRequest<'a>, InvalidRequest>;

/// A read of one part of an order, built as the test sets it.
struct Read {
    id: PathId,
    part: PathId,
    build: BuildRead,
}

impl Endpoint for Read {
    type Provider = Toy;
    type Output = Bytes;
    const OPERATION: Operation = Operation::new(
        "read-part",
        "GET /v1/orders/{id}/parts/{part_id}.json",
        Idempotency::Safe,
    )
    .signing_segment("part_id")
    .with_max_reply_bytes(20);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Toy>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        (self.build)(self, request)
    }

    fn response(&self, response: &Verified) -> Result<Bytes, ResponseError> {
        Ok(response.raw().body().clone())
    }
}

fn read(build: BuildRead) -> Read {
    let id = |text| PathId::parse("id", text).unwrap();
    Read {
        id: id("order-1"),
        part: id("part_2"),
        build,
    }
}

fn both<'a>(read: &'a Read, request: RequestBuilder<'a, Toy>) -> RequestBuilder<'a, Toy> {
    request
        .segment("part_id", &read.part)
        .segment("id", &read.id)
}

async fn sent(build: BuildRead) -> Sent {
    let stage = Stage::new([signed("{}")]);
    let response = stage.client.call(read(build)).await.unwrap();
    assert_eq!(response.value(), "{}");
    stage.transport.only()
}

async fn refused(build: BuildRead) -> Error {
    let stage = Stage::new([]);
    let error = stage.client.call(read(build)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(stage.requests(), 0);
    error
}

#[tokio::test(start_paused = true)]
async fn a_get_signs_the_segment_that_its_operation_declares() {
    let sent = sent(|read, request| both(read, request).empty()).await;
    assert_eq!(sent.method, Method::GET);
    assert_eq!(
        sent.uri,
        "https://toy.example.test/uat/v1/orders/order-1/parts/part_2.json"
    );
    assert!(sent.body.is_empty());
    assert!(!sent.headers.contains_key(CONTENT_TYPE));
    let sum: u32 = "made-up-secretpart_2".bytes().map(u32::from).sum();
    let signature = sent.headers[SIGNATURE].to_str().unwrap();
    assert!(signature.ends_with(&format!(" sum={sum}")), "{signature}");
}

#[tokio::test(start_paused = true)]
async fn a_query_is_encoded_once_and_keeps_its_order() {
    let sent = sent(|read, request| {
        both(read, request)
            .query("to", "2026-01-01T00:00:00+05:30")
            .query("from", "a&b=c%20 ü/?#")
            .optional_query("none", None)
            .optional_query("z[0]", Some("-._~"))
            .empty()
    })
    .await;
    assert_eq!(
        sent.uri.query().unwrap(),
        "to=2026-01-01T00%3A00%3A00%2B05%3A30&from=a%26b%3Dc%2520%20%C3%BC%2F%3F%23&z%5B0%5D=-._~"
    );
}

#[tokio::test(start_paused = true)]
async fn a_query_has_no_control_character() {
    for build in [
        (|read, request| both(read, request).query("from", "a\u{0}").empty()) as BuildRead,
        |read, request| both(read, request).query("from", "a\nb").empty(),
        |read, request| {
            both(read, request)
                .optional_query("from", Some("\u{85}"))
                .empty()
        },
    ] {
        let error = refused(build).await;
        assert_eq!(error.invalid_request().unwrap().field(), "from");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_accepts_its_own_type_of_reply() {
    const MADE_UP: HeaderName = HeaderName::from_static("x-made-up");
    let sent = sent(|read, request| {
        both(read, request)
            .accept("application/pdf")
            .header(MADE_UP, HeaderValue::from_static("7"))
            .empty()
    })
    .await;
    let accepted: Vec<_> = sent.headers.get_all(ACCEPT).iter().collect();
    assert_eq!(accepted, ["application/pdf"]);
    assert_eq!(sent.headers[MADE_UP], "7");
    assert_eq!(sent.headers["accept-encoding"], "identity");
}

/// A part that is written.
struct Write(Build);

impl Endpoint for Write {
    type Provider = Toy;
    type Output = ();
    const OPERATION: Operation = Operation::new("write-part", "POST /v1/parts", Idempotency::Safe);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Toy>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        (self.0)(request)
    }

    fn response(&self, _: &Verified) -> Result<(), ResponseError> {
        Ok(())
    }
}

// A client without a catalogue asks nothing of its requests and replies, whatever features are on.
provider_core::operations! {
    /// Writes parts.
    pub(crate) struct PartsClient(Toy) {
        /// Writes a part.
        write(Write);
    }
}

type Build = for<'a> fn(RequestBuilder<'a, Toy>) -> Result<BuiltRequest<'a>, InvalidRequest>;

#[tokio::test(start_paused = true)]
async fn an_operation_sends_bytes_of_any_type() {
    let stage = Stage::new([signed("{}")]);
    let csv: Build = |request| {
        let bytes = Bytes::from_static(b"a,b");
        request.bytes(HeaderValue::from_static("text/csv"), bytes)
    };
    let client = PartsClient::from(stage.client.clone());
    client.write(Write(csv)).await.unwrap();
    let sent = stage.transport.only();
    assert_eq!(
        (&sent.headers[CONTENT_TYPE], &*sent.body),
        (&HeaderValue::from_static("text/csv"), &b"a,b"[..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_stands_where_it_can_be_signed_and_a_signature_over_a_body() {
    let error = refused(|read, request| both(read, request).json("unsigned")).await;
    assert_eq!(error.invalid_request().unwrap().field(), "body");
    let stage = Stage::new([]);
    let error = stage
        .client
        .call(Write(|request| request.empty()))
        .await
        .unwrap_err();
    assert_eq!(
        error.invalid_request().unwrap().rule(),
        "is signed and must not be empty"
    );
    assert_eq!(stage.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_a_request_goes_and_how_long_it_is_are_no_operation_s_to_say() {
    for name in [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "te",
        "upgrade",
    ] {
        let stage = Stage::new([]);
        let write: Build = match name {
            "host" => |request| request.header(HOST, HeaderValue::from_static("x")).json(&1),
            "content-length" => |request| {
                request
                    .header(CONTENT_LENGTH, HeaderValue::from_static("1"))
                    .json(&1)
            },
            "transfer-encoding" => |request| {
                request
                    .header(TRANSFER_ENCODING, HeaderValue::from_static("chunked"))
                    .json(&1)
            },
            "connection" => |request| {
                request
                    .header(CONNECTION, HeaderValue::from_static("close"))
                    .json(&1)
            },
            "te" => |request| {
                request
                    .header(TE, HeaderValue::from_static("trailers"))
                    .json(&1)
            },
            _ => |request| {
                request
                    .header(UPGRADE, HeaderValue::from_static("h2c"))
                    .json(&1)
            },
        };
        let error = stage.client.call(Write(write)).await.unwrap_err();
        assert_eq!(error.invalid_request().unwrap().field(), name);
        assert_eq!(stage.requests(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_path_without_one_of_its_segments_is_not_sent() {
    for (build, field) in [
        ((|_, request| request.empty()) as BuildRead, "id"),
        (
            |read, request| request.segment("id", &read.id).empty(),
            "part_id",
        ),
        (
            |read, request| request.segment("part_id", &read.part).empty(),
            "id",
        ),
        (
            |read, request| both(read, request).segment("other", &read.id).empty(),
            "other",
        ),
    ] {
        let error = refused(build).await;
        assert_eq!(error.invalid_request().unwrap().field(), field);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_longer_than_the_operation_allows_is_not_read() {
    let (allowed, longer) = (format!("{:20}", 1), format!("{:21}", 1));
    let call = |body: &str| {
        let stage = Stage::new([signed(body)]);
        async move {
            stage
                .client
                .call(read(|read, request| both(read, request).empty()))
                .await
        }
    };
    assert_eq!(call(&allowed).await.unwrap().body(), allowed.as_bytes());
    let error = call(&longer).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1));
}

#[test]
fn a_built_request_shows_what_is_signed_and_prints_none_of_it() {
    let toy = Toy::default();
    let attempt = Attempt::new(1, provider_core::jiff::Timestamp::UNIX_EPOCH, 1);
    let read = read(|read, request| both(read, request).empty());
    let builder = RequestBuilder::new(&toy, &Read::OPERATION, &attempt);
    assert_eq!(
        format!("{builder:?}"),
        "RequestBuilder { provider: \"toy\", route: Route(GET /v1/orders/{id}/parts/{part_id}.json), .. }"
    );
    let built = read.request(builder).unwrap();
    assert_eq!(built.signed_bytes(), Some(&b"part_2"[..]));
    assert_eq!(built.request().method(), Method::GET);
    assert!(format!("{built:?}").contains("Text(…)"));
}
