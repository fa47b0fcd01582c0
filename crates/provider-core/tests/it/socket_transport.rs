//! The behaviour of every socket transport, over real sockets on this machine. Compiled once for each transport, which is
//! `Tested` in the module that includes this file.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::http::{HeaderValue, Method, Request};
use provider_core::{
    Body, Client, Error, ErrorKind, ExchangeLimits, Outcome, RawResponse, Resolver, RetryPolicy,
    Transport, TransportBuilder, TransportError, TransportErrorKind, VerificationError,
    async_trait,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Tested;
use crate::http2_server::Http2Server;
use crate::server::{End, PATIENCE, Reply, Server, response};
use crate::toy::{Order, REPLY, SAFE, SafeOrder, Toy, UNSAFE, UnsafeOrder};

fn plain() -> Tested {
    Tested::builder().without_tls().build().unwrap()
}

fn request(method: Method, url: &str, body: &str) -> Request<Body> {
    let mut request = Request::new(Body::from(body.as_bytes().to_vec()));
    *request.method_mut() = method;
    *request.uri_mut() = url.parse().unwrap();
    request
}

async fn post(transport: &Tested, url: &str) -> Result<RawResponse, TransportError> {
    let mut request = request(Method::POST, url, "{\"mobile\":\"9000000001\"}");
    let headers = request.headers_mut();
    headers.insert("x-api-key", HeaderValue::from_static("made-up-key"));
    let sending = transport.send(request, LIMITS);
    tokio::time::timeout(PATIENCE, sending).await.unwrap()
}

async fn post_fails(transport: &Tested, url: &str) -> TransportErrorKind {
    post(transport, url).await.unwrap_err().kind()
}

/// The default limits of an operation.
const LIMITS: ExchangeLimits =
    ExchangeLimits::new(PATIENCE, 8 * 1024 * 1024).with_connection_reuse(true);

/// An address where nobody listens while the socket lives.
fn unreachable() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A client that retries without back-off.
fn client(transport: Tested, base_url: &str) -> Client<Toy> {
    let builder = Client::builder(Toy::at(base_url))
        .transport(Arc::new(transport))
        .retry(RetryPolicy::standard().with_pauses(Duration::ZERO, Duration::ZERO));
    builder.build().unwrap()
}

async fn order<const I: u8>(transport: Tested, base_url: &str) -> Error {
    let client = client(transport, base_url);
    client.call(Order::<I>::new()).await.unwrap_err()
}

// What is sent

#[tokio::test]
async fn the_bytes_on_the_wire() {
    let signed = response("200 OK", &["x-toy-signature: length=39"], REPLY);
    let server = Server::start([Reply::Bytes(signed)]).await;
    let client = client(plain(), &server.url("/uat"));
    let answer = client.call(SafeOrder::new()).await.unwrap();

    let requests = server.requests();
    let text = String::from_utf8(requests[0].clone()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("POST /uat/v1/orders/ord-1 HTTP/1.1"));
    let mut headers: Vec<_> = lines
        .filter(|line| !line.starts_with("x-toy-signature: attempt=1 time="))
        .map(str::to_owned)
        .collect();
    headers.sort();
    // Each header once, and no others: no cookie, no referer.
    assert_eq!(
        headers,
        [
            "accept-encoding: identity".to_owned(),
            "accept: application/json".to_owned(),
            "connection: close".to_owned(),
            "content-length: 48".to_owned(),
            "content-type: application/json".to_owned(),
            format!("host: 127.0.0.1:{}", server.port()),
            concat!("user-agent: provider-core/", env!("CARGO_PKG_VERSION")).to_owned(),
            "x-api-key: made-up-key".to_owned(),
            format!("x-request-id: {}", answer.request_id()),
        ]
    );
    assert_eq!(body, r#"{"mobile":"9000000001","consent_text":"I agree"}"#);
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn method_query_and_repeated_headers_pass_unchanged() {
    let server = Server::start([Reply::Bytes(response(
        "200 OK",
        &["x-list: one", "X-List: two", "set-cookie: a=b"],
        "",
    ))])
    .await;
    let transport = plain();
    let url = server.url("/a%20b/c;d?q=1&r=%2F");
    for _ in 0..2 {
        let mut request = request(Method::DELETE, &url, "");
        request
            .headers_mut()
            .append("x-sent", HeaderValue::from_static("1"));
        request
            .headers_mut()
            .append("x-sent", HeaderValue::from_static("2"));
        let response = transport.send(request, LIMITS).await.unwrap();
        let list: Vec<_> = response.headers().get_all("x-list").iter().collect();
        assert_eq!(list, ["one", "two"]);
    }
    for request in server.requests() {
        let text = String::from_utf8(request).unwrap();
        assert!(
            text.starts_with("DELETE /a%20b/c;d?q=1&r=%2F HTTP/1.1\r\n"),
            "{text}"
        );
        assert!(text.contains("x-sent: 1\r\nx-sent: 2\r\n"), "{text}");
        assert!(!text.contains("cookie"), "no cookie comes back: {text}");
    }
}

#[tokio::test]
async fn a_path_that_url_parsing_would_change_is_refused() {
    let server = Server::start([Reply::ok("")]).await;
    for path in [
        "/v1/sessions/../consents",
        "/v1/sessions/%2e%2e/consents",
        "/v1/sessions/.%2E/consents",
        "/v1/./consents",
        "/v1/sessions/..",
        "/v1/é",
        "/v1/\"a\"",
        "/v1?q='a'",
    ] {
        let error = post(&plain(), &server.url(path)).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::InvalidRequest, "{path}");
        let error = Error::from(error);
        assert_eq!(error.invalid_request().unwrap().field(), "url", "{path}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_address_is_exact_and_checked_however_often_it_is_used() {
    let servers = [
        Server::start([Reply::ok("")]).await,
        Server::start([Reply::ok("")]).await,
    ];
    let transport = plain();
    let mut paths: Vec<_> = (0..20).map(|id| format!("/v1/sessions/{id}")).collect();
    paths.extend((0..20).map(|id| format!("/v1/sessions/1?page={id}")));
    paths.extend(["/".to_owned(), "/v1/sessions/1".to_owned()]);
    for path in paths.iter().chain(paths.iter().rev()) {
        for server in &servers {
            post(&transport, &server.url(path)).await.unwrap();
        }
    }
    for server in &servers {
        let sent: Vec<_> = server
            .requests()
            .into_iter()
            .map(|request| String::from_utf8(request).unwrap())
            .map(|request| request.lines().next().unwrap().to_owned())
            .collect();
        let expected: Vec<_> = paths
            .iter()
            .chain(paths.iter().rev())
            .map(|path| format!("POST {path} HTTP/1.1"))
            .collect();
        assert_eq!(sent, expected);
    }
    // A cached host does not make a bad path acceptable, nor a cached path a bad host.
    let port = servers[0].port();
    for url in [
        servers[0].url("/v1/sessions/../1"),
        "http://192.0.2.1/v1/sessions/1".to_owned(),
        format!("http://192.0.2.1:{port}/v1/sessions/1"),
        format!("https://127.0.0.1:{port}/v1/sessions/1"),
    ] {
        let kind = post_fails(&transport, &url).await;
        assert_eq!(kind, TransportErrorKind::InvalidRequest, "{url}");
    }
}

// Where it goes

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let elsewhere = Server::start([Reply::ok("")]).await;
        let location = format!("location: {}", elsewhere.url("/stolen"));
        let server = Server::start([Reply::Bytes(response(status, &[&location], "moved"))]).await;
        let answer = post(&plain(), &server.url("/v1")).await.unwrap();
        assert_eq!(answer.status().as_u16().to_string(), status[..3]);
        assert_eq!(answer.body(), "moved");
        assert_eq!(
            answer.headers()["location"],
            elsewhere.url("/stolen").as_str()
        );
        assert_eq!(server.requests().len(), 1, "{status}");
        assert_eq!(elsewhere.connections(), 0, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_to_the_same_server_is_not_followed_either() {
    let moved = response("307 Temporary Redirect", &["location: /v2"], "");
    let server = Server::start([Reply::Bytes(moved), Reply::ok(REPLY)]).await;
    let error = order::<UNSAFE>(plain(), &server.url("")).await;
    assert_eq!(error.kind(), ErrorKind::Unrecognized);
    assert_eq!(error.status().unwrap(), 307);
    assert_eq!(error.outcome(), Outcome::Refused);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn plain_http_stays_on_this_machine() {
    // 192.0.2.1 is reserved for documentation; the last ones look like loopback addresses and are not, or not clearly.
    let transport = Tested::builder()
        .connect_timeout(Duration::from_millis(1))
        .without_tls()
        .build()
        .unwrap();
    for host in [
        "192.0.2.1",
        "[2001:db8::1]",
        "toy.example.test",
        "localhost.example.test",
        "127.0.0.1.example.test",
        "localhost@192.0.2.1",
        "localhost:80@192.0.2.1",
        "0.0.0.0",
        "[::]",
        "127.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
    ] {
        let error = post(&transport, &format!("http://{host}/v1"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::InvalidRequest, "{host}");
        let error = Error::from(error);
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert_eq!(error.invalid_request().unwrap().field(), "base URL");
        assert!(error.to_string().contains("plain http"), "{error}");
    }
}

#[tokio::test]
async fn plain_http_to_this_machine_is_allowed() {
    let (_socket, unreachable) = unreachable();
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]"] {
        let url = format!("http://{host}:{}/v1", unreachable.port());
        let kind = post_fails(&plain(), &url).await;
        assert_eq!(kind, TransportErrorKind::Connect, "{host}");
    }
    let server = Server::start([Reply::ok("here")]).await;
    let url = format!("http://localhost:{}/v1", server.port());
    assert_eq!(post(&plain(), &url).await.unwrap().body(), "here");
}

#[test]
fn plain_http_to_other_machines_has_to_be_allowed() {
    let asked = Tested::builder().allow_plain_http().without_tls();
    assert!(format!("{asked:?}").contains("allow_plain_http: true"));
    let transport = asked.build().unwrap();
    assert!(format!("{transport:?}").contains("allow_plain_http: true"));
    assert!(format!("{:?}", plain()).contains("allow_plain_http: false"));
}

#[tokio::test]
async fn https_without_tls_is_refused() {
    let server = Server::start([Reply::ok("")]).await;
    let url = format!("https://localhost:{}/v1", server.port());
    let error = post(&plain(), &url).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::InvalidRequest);
    assert_eq!(server.connections(), 0);
}

const CHILD: &str = "PROVIDER_CORE_TEST_TARGET";

/// Runs itself again with proxy variables set, because a process cannot safely change its own environment.
#[test]
fn proxy_variables_are_ignored() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if let Ok(target) = std::env::var(CHILD) {
        let answer = runtime.block_on(post(&plain(), &target)).unwrap();
        assert_eq!(answer.body(), "direct");
        return;
    }
    runtime.block_on(async {
        let server = Server::start([Reply::ok("direct")]).await;
        let proxy = Server::start([Reply::ok("by proxy")]).await;
        let mut child = Command::new(std::env::current_exe().unwrap());
        let (_, module) = module_path!().split_once("::").unwrap();
        let itself = format!("{module}::proxy_variables_are_ignored");
        child
            .args(["--exact", &itself])
            .env(CHILD, server.url("/v1"))
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            // With it, HTTP_PROXY would be ignored for another reason.
            .env_remove("REQUEST_METHOD");
        for name in [
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            child.env(name, proxy.url(""));
        }
        let output = tokio::task::spawn_blocking(move || child.output());
        let output = output.await.unwrap().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert_eq!(server.requests().len(), 1);
        assert_eq!(proxy.connections(), 0);
    });
}

#[tokio::test]
async fn a_configured_proxy_is_used() {
    let proxy = Server::start([Reply::ok("by proxy")]).await;
    let through = || Tested::builder().proxy(proxy.url("")).without_tls();

    // Plain text to a proxy leaves this machine, whatever its destination.
    let transport = through().build().unwrap();
    let kind = post_fails(&transport, "http://127.0.0.1/v1").await;
    assert_eq!(kind, TransportErrorKind::InvalidRequest);
    assert_eq!(proxy.connections(), 0);

    let transport = through().allow_plain_http().build().unwrap();
    let url = "http://toy.example.test/v1";
    let answer = post(&transport, url).await.unwrap();
    assert_eq!(answer.body(), "by proxy");
    let text = String::from_utf8(proxy.requests()[0].clone()).unwrap();
    assert!(
        text.starts_with(&format!("POST {url} HTTP/1.1\r\n")),
        "{text}"
    );
}

#[test]
fn a_malformed_proxy_url_is_refused() {
    let builder = Tested::builder().proxy("http://person:canary@");
    let error = builder.build().unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "proxy");
    assert!(!format!("{error} {error:?} {}", error.report()).contains("canary"));
}

// What comes back

fn limited(bytes: usize) -> Tested {
    let builder = Tested::builder().without_tls();
    builder.max_body_bytes(bytes).build().unwrap()
}

#[tokio::test]
async fn an_announced_body_over_the_limit_is_not_read() {
    // The body never arrives: only the announcement can be the reason.
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n";
    let server = Server::start([Reply::Bytes(head.to_vec())]).await;
    let kind = post_fails(&limited(1000), &server.url("/v1")).await;
    assert_eq!(kind, TransportErrorKind::TooLarge);
    assert_eq!(
        server.end().await,
        End::Client,
        "the connection is given up"
    );
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    for (length, accepted) in [(60_000, true), (65_537, false), (100_000, false)] {
        let long = format!("x-long: {}", "x".repeat(length));
        let reply = Reply::Bytes(response("200 OK", &[&long], ""));
        let server = Server::start([reply]).await;
        let answer = post(&plain(), &server.url("/v1")).await;
        let kind = answer.map(|_| ()).map_err(|error| error.kind());
        let refused = Err(TransportErrorKind::TooLarge);
        assert_eq!(kind, if accepted { Ok(()) } else { refused }, "{length}");
    }
}

#[tokio::test]
async fn an_endless_body_is_refused() {
    // Far more than the sockets can buffer, so the server can end only because the client hung up.
    let server = Server::start([Reply::Chunks(256 << 20)]).await;
    let kind = post_fails(&limited(64 << 10), &server.url("/v1")).await;
    assert_eq!(kind, TransportErrorKind::TooLarge);
    assert_eq!(server.end().await, End::Client);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_retried() {
    let server = Server::start([Reply::ok(&"x".repeat(1001))]).await;
    let error = order::<SAFE>(limited(1000), &server.url("")).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(error.report().contains("longer than 1000 bytes"));
    assert_eq!(server.requests().len(), 1);
}

fn chunked(pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for piece in pieces {
        bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

fn until_close(body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", body].concat()
}

#[tokio::test]
async fn the_limit_is_exact_however_the_body_is_framed() {
    let body = |length| vec![b'x'; length];
    let framings: [fn(&[u8]) -> Reply; 4] = [
        |body| Reply::Bytes(response("200 OK", &[], body)),
        |body| Reply::Bytes(chunked(&[body])),
        |body| Reply::Bytes(chunked(&[&body[..400], &body[400..999], &body[999..]])),
        |body| Reply::Last(until_close(body)),
    ];
    for (index, framing) in framings.into_iter().enumerate() {
        let server = Server::start([framing(&body(1000)), framing(&body(1001))]).await;
        let transport = limited(1000);
        let answer = post(&transport, &server.url("/v1")).await.unwrap();
        assert_eq!(answer.body(), &body(1000), "framing {index}");
        let kind = post_fails(&transport, &server.url("/v1")).await;
        assert_eq!(kind, TransportErrorKind::TooLarge, "framing {index}");
    }
}

#[tokio::test]
async fn a_body_in_many_pieces_is_collected_exactly() {
    // More than the client reads at once, so that the first piece is not the whole body.
    let body: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let body = &body[..3_000_001];
    let transport = limited(body.len());
    let pieces: Vec<&[u8]> = body.chunks(10_007).collect();
    for bytes in [response("200 OK", &[], body), chunked(&pieces)] {
        let server = Server::start([Reply::Bytes(bytes)]).await;
        let answer = post(&transport, &server.url("/v1")).await.unwrap();
        assert!(answer.body() == body);
    }
}

#[tokio::test]
async fn a_response_without_a_body_is_empty() {
    let server = Server::start([
        Reply::ok(""),
        Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
    ])
    .await;
    let transport = plain();
    for status in [200, 204] {
        let answer = post(&transport, &server.url("/v1")).await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(answer.body().is_empty());
    }
}

#[tokio::test]
async fn a_compressed_body_is_not_decoded() {
    // "hello", by gzip.
    const GZIP: [u8; 25] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0, 0,
    ];
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let label = format!("content-encoding: {encoding}");
        let server = Server::start([Reply::Bytes(response("200 OK", &[&label], GZIP))]).await;
        let answer = post(&plain(), &server.url("/v1")).await.unwrap();
        assert_eq!(answer.body(), GZIP.as_slice(), "{encoding}");
        assert_eq!(answer.headers()["content-encoding"], encoding);
    }
}

// Broken exchanges

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let (_socket, unreachable) = unreachable();
    let error = order::<UNSAFE>(plain(), &format!("http://{unreachable}")).await;
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(error.attempts(), 3);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_broken_connection_has_an_unknown_outcome() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let cut = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_vec();
    let head = b"HTTP/1.1 200 OK\r\ncontent-le".to_vec();
    let rubbish = b"SSH-2.0-toy\r\n\r\n".to_vec();
    for (name, bytes) in [
        ("closed", Vec::new()),
        ("short body", short),
        ("cut chunks", cut),
        ("cut head", head),
        ("another protocol", rubbish),
    ] {
        for (idempotency, attempts) in [(UNSAFE, 1), (SAFE, 3)] {
            let server = Server::start([Reply::Last(bytes.clone())]).await;
            let error = match idempotency {
                UNSAFE => order::<UNSAFE>(plain(), &server.url("")).await,
                _ => order::<SAFE>(plain(), &server.url("")).await,
            };
            assert_eq!(error.kind(), ErrorKind::Transport, "{name}");
            assert_eq!(error.outcome(), Outcome::Unknown, "{name}");
            assert_eq!(server.requests().len(), attempts, "{name}");
        }
    }
}

#[tokio::test]
async fn the_next_call_after_a_broken_one_works() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let server = Server::start([Reply::Last(short), Reply::ok("whole")]).await;
    let transport = plain();
    post(&transport, &server.url("/v1")).await.unwrap_err();
    let answer = post(&transport, &server.url("/v1")).await.unwrap();
    assert_eq!(answer.body(), "whole");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_dropped_exchange_closes_its_connection() {
    let server = Server::start([Reply::Silence]).await;
    let transport = plain();
    let url = server.url("/v1");
    tokio::select! {
        answer = post(&transport, &url) => panic!("{answer:?}"),
        () = async {
            while server.requests().is_empty() {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    assert_eq!(server.end().await, End::Client);
    assert_eq!(server.requests().len(), 1);
}

// Connections

#[tokio::test]
async fn a_connection_is_reused() {
    let body = "x".repeat(300_000);
    let server = Server::start([
        Reply::ok("one"),
        Reply::ok(""),
        Reply::ok(&body),
        Reply::Bytes(chunked(&[b"four"])),
        Reply::ok("five"),
    ])
    .await;
    let transport = plain();
    for expected in ["one", "", &body, "four", "five"] {
        let answer = post(&transport, &server.url("/v1")).await.unwrap();
        assert!(answer.body() == expected);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Server::start([Reply::ok("ok")]).await;
    let builder = Tested::builder().without_tls();
    let transport = builder
        .idle_timeout(Duration::from_millis(1))
        .build()
        .unwrap();
    post(&transport, &server.url("/v1")).await.unwrap();
    // The server's side ends only when the client closes the connection.
    assert_eq!(server.end().await, End::Client);
    post(&transport, &server.url("/v1")).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

/// A broken proxy sends each reply once more, and the next request on the connection gets it.
#[tokio::test]
async fn a_reply_that_comes_twice_reaches_no_other_request() {
    let ask = async |reuse: bool| {
        let server = Server::start([Reply::EchoLate]).await;
        let transport = plain();
        let mut foreign = 0;
        for person in ["one", "two", "three", "four"] {
            let request = request(Method::POST, &server.url("/v1"), person);
            let limits = LIMITS.with_connection_reuse(reuse);
            let answer = transport.send(request, limits).await.unwrap();
            foreign += usize::from(answer.body() != person);
        }
        let closing = |request: &Vec<u8>| {
            let text = String::from_utf8_lossy(request).to_ascii_lowercase();
            text.contains("connection: close\r\n")
        };
        let closing = server
            .requests()
            .iter()
            .filter(|sent| closing(sent))
            .count();
        (foreign, server.connections(), closing)
    };
    assert_eq!(ask(true).await, (3, 1, 0), "what the control is for");
    assert_eq!(ask(false).await, (0, 4, 4));
}

/// Neither does an exchange get a connection that another one has used, nor the other way round.
#[tokio::test]
async fn a_connection_of_an_exchange_of_its_own_is_not_shared() {
    let server = Server::start([Reply::EchoLate]).await;
    let transport = plain();
    for reuse in [true, false, true, false, true] {
        let request = request(Method::POST, &server.url("/v1"), &format!("{reuse}"));
        let limits = LIMITS.with_connection_reuse(reuse);
        let answer = transport.send(request, limits).await.unwrap();
        assert_eq!(answer.body(), &format!("{reuse}"));
    }
    assert_eq!(server.connections(), 3);
    let streamed = LIMITS.with_connection_reuse(false);
    for _ in 0..2 {
        let request = request(Method::GET, &server.url("/v1"), "");
        let reply = transport.open(request, streamed).await.unwrap();
        reply.collect().await.unwrap();
    }
    assert_eq!(server.connections(), 5);
}

#[tokio::test]
async fn a_connection_on_which_the_peer_speaks_unasked_is_closed() {
    let twice = response("200 OK", &[], "one").repeat(2);
    let server = Server::start([Reply::Bytes(twice), Reply::ok("two")]).await;
    let transport = plain();
    let answer = post(&transport, &server.url("/v1")).await.unwrap();
    assert_eq!(answer.body(), "one");
    assert_eq!(server.end().await, End::Client);
    let answer = post(&transport, &server.url("/v1")).await.unwrap();
    assert_eq!(answer.body(), "two");
}

// Connecting

/// Always these addresses; without any, it never answers.
#[derive(Debug)]
struct Names(Vec<IpAddr>);

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        if self.0.is_empty() {
            std::future::pending::<()>().await;
        }
        Ok(self.0.clone())
    }
}

fn with_names(addresses: &[IpAddr]) -> TransportBuilder<Tested> {
    let names = Names(addresses.to_vec());
    Tested::builder().resolver(Arc::new(names)).without_tls()
}

/// An address that answers nothing: its queue is full, so the system drops what arrives.
async fn dead(port: u16) -> (TcpListener, TcpStream) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((DEAD, port))).unwrap();
    let listener = socket.listen(0).unwrap();
    let queued = TcpStream::connect((DEAD, port)).await.unwrap();
    (listener, queued)
}

const DEAD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const ALIVE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn an_address_that_drops_everything_leaves_time_for_the_next_one() {
    let server = Server::start([Reply::ok("here")]).await;
    let _dead = dead(server.port()).await;
    let builder = with_names(&[DEAD, ALIVE]).connect_timeout(Duration::from_secs(1));
    let url = format!("http://localhost:{}/v1", server.port());
    let answer = post(&builder.build().unwrap(), &url).await.unwrap();
    assert_eq!(answer.body(), "here");
}

#[tokio::test]
async fn a_deadline_that_expires_while_connecting_says_that_nothing_was_sent() {
    let server = Server::start([Reply::Silence]).await;
    let port = server.port();
    let (_listener, _queued) = dead(port).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = Authority::new();
    let secured = Tested::builder().root_certificates(authority.0.pem().as_bytes());
    let built = |builder: TransportBuilder<Tested>| builder.build().unwrap();
    let nowhere = [
        (
            "a resolver",
            built(with_names(&[])),
            format!("http://localhost:{port}"),
        ),
        (
            "an address",
            built(with_names(&[DEAD])),
            format!("http://localhost:{port}"),
        ),
        (
            "a handshake",
            built(secured),
            format!("https://localhost:{}", silent.local_addr().unwrap().port()),
        ),
    ];
    for (name, transport, base_url) in nowhere {
        let client = client(transport, &base_url);
        let call = client.call(UnsafeOrder::new());
        let error = call.with_timeout(Duration::from_millis(50)).await;
        let error = error.unwrap_err();
        assert_eq!(
            error.outcome(),
            Outcome::NotSent,
            "{name}: {}",
            error.report()
        );
        assert_eq!(error.kind(), ErrorKind::Connect, "{name}");
    }
    assert_eq!(server.requests().len(), 0);
    // One that expires later does not.
    let client = client(plain(), &server.url(""));
    let call = client.call(UnsafeOrder::new());
    let error = call.with_timeout(Duration::from_millis(200)).await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Timeout, Outcome::Unknown)
    );
    assert_eq!(server.requests().len(), 1);
}

// TLS

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn transport(&self) -> Tested {
        Tested::with_root_certificates(self.0.pem().as_bytes()).unwrap()
    }

    /// The configuration of a server with a certificate of this authority.
    fn server(&self, params: CertificateParams) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // Not `ServerConfig::builder`: it installs a process-wide provider, which a test here checks for.
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

fn https(server: &Server) -> String {
    format!("https://localhost:{}", server.port())
}

#[tokio::test]
async fn a_configured_authority_is_trusted() {
    let authority = Authority::new();
    let config = authority.server(named("localhost"));
    let server = Server::start_tls(config, [Reply::ok("secret")]).await;
    let transport = authority.transport();
    for _ in 0..2 {
        let answer = post(&transport, &https(&server)).await.unwrap();
        assert_eq!(answer.body(), "secret");
    }
    assert_eq!(server.connections(), 1);
    // The cryptography provider is passed in, not installed process-wide.
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn an_invalid_certificate_is_never_trusted() {
    let authority = Authority::new();
    let mut expired = named("localhost");
    expired.not_before = rcgen::date_time_ymd(2020, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2020, 2, 1);
    let unsigned = "no trusted authority signed it";
    let other_name = "it is for another name";
    for (config, reason) in [
        (Authority::new().server(named("localhost")), unsigned),
        (authority.server(named("canary.example.test")), other_name),
        (authority.server(named("127.0.0.1")), other_name),
        (authority.server(expired), "it is not valid at this time"),
    ] {
        let server = Server::start_tls(config, [Reply::ok(REPLY)]).await;
        let error = order::<SAFE>(authority.transport(), &https(&server)).await;
        let report = error.report();
        assert_eq!(error.kind(), ErrorKind::Verification, "{report}");
        assert_eq!(error.outcome(), Outcome::NotSent, "{report}");
        assert_eq!(error.verification(), Some(&VerificationError::Certificate));
        assert_eq!(error.attempts(), 1, "never retried: {report}");
        assert_eq!(server.connections(), 1, "{report}");
        assert!(server.requests().is_empty(), "{report}");
        assert!(report.ends_with(reason), "{report}");
        // The peer chose the names in the certificate.
        assert!(
            !format!("{report} {error:?}").contains("canary"),
            "{report}"
        );
    }
}

// HTTP/2

const ALONE: ExchangeLimits = LIMITS.with_connection_reuse(false);

async fn echoed(transport: &Tested, url: &str, body: &str, limits: ExchangeLimits) -> RawResponse {
    let sending = transport.send(request(Method::POST, url, body), limits);
    let reply = tokio::time::timeout(PATIENCE, sending).await.unwrap();
    reply.unwrap()
}

/// Also those whose replies nothing but their streams ties to their requests.
#[tokio::test]
async fn requests_in_flight_together_share_a_connection_of_http_2() {
    let authority = Authority::new();
    let server = Http2Server::start(authority.server(named("localhost"))).await;
    for limits in [ALONE, LIMITS] {
        let transport = authority.transport();
        let before = server.connections();
        let first = echoed(&transport, &server.url("/v1"), "first", limits).await;
        assert_eq!(first.body(), "first");
        assert_eq!(first.headers()["x-version"], "HTTP/2.0");
        assert!(!first.headers().contains_key("x-connection"));
        // Neither is answered before both have arrived.
        let url = server.url("/both");
        let (one, two) = tokio::join!(
            echoed(&transport, &url, "one", limits),
            echoed(&transport, &url, "two", limits)
        );
        assert_eq!((one.body(), two.body()), (&"one".into(), &"two".into()));
        assert_eq!(server.connections(), before + 1);
    }
}

/// A server that offers nothing else, or no protocol at all. Its connections are as those without TLS.
#[tokio::test]
async fn a_server_of_http_1_is_still_spoken_to_and_a_late_reply_reaches_nobody() {
    let authority = Authority::new();
    for offered in [vec![b"http/1.1".to_vec()], Vec::new()] {
        let mut config = authority.server(named("localhost"));
        config.alpn_protocols = offered;
        let server = Server::start_tls(config, [Reply::EchoLate]).await;
        let transport = authority.transport();
        for person in ["one", "two", "three"] {
            let reply = echoed(&transport, &https(&server), person, ALONE).await;
            assert_eq!(reply.body(), person);
        }
        assert_eq!(server.connections(), 3);
        let (one, two) = (LIMITS, ALONE);
        for (limits, connections) in [(one, 4), (two, 5), (one, 5)] {
            echoed(&transport, &https(&server), "reused", limits).await;
            assert_eq!(server.connections(), connections);
        }
    }
}

#[tokio::test]
async fn an_exchange_of_http_2_that_is_dropped_leaves_the_others_their_connection() {
    let authority = Authority::new();
    let server = Http2Server::start(authority.server(named("localhost"))).await;
    let transport = authority.transport();
    for _ in 0..3 {
        let request = request(Method::POST, &server.url("/never"), "");
        tokio::select! {
            _ = transport.send(request, ALONE) => unreachable!("it is never answered"),
            () = server.ignored() => {}
        }
        let reply = echoed(&transport, &server.url("/v1"), "next", ALONE).await;
        assert_eq!(reply.body(), "next");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_of_http_2_that_breaks_has_an_unknown_outcome_and_is_not_used_again() {
    let authority = Authority::new();
    let server = Http2Server::start(authority.server(named("localhost"))).await;
    let transport = authority.transport();
    for connections in 1..3 {
        let kind = post_fails(&transport, &server.url("/end")).await;
        assert_eq!(kind, TransportErrorKind::Interrupted);
        assert_eq!(server.connections(), connections);
    }
    post(&transport, &server.url("/v1")).await.unwrap();
}

#[tokio::test]
async fn limits_hold_over_http_2() {
    let authority = Authority::new();
    let server = Http2Server::start(authority.server(named("localhost"))).await;
    let transport = authority.transport();
    let large = "x".repeat(2_000);
    let most = ExchangeLimits::new(PATIENCE, 1_999);
    let sending = transport.send(request(Method::POST, &server.url("/v1"), &large), most);
    let kind = sending.await.unwrap_err().kind();
    assert_eq!(kind, TransportErrorKind::TooLarge);
    let kind = post_fails(&transport, &server.url("/large-head")).await;
    let known = [
        TransportErrorKind::TooLarge,
        TransportErrorKind::Interrupted,
    ];
    assert!(known.contains(&kind), "{kind:?}");
    let reply = echoed(&transport, &server.url("/v1"), &large, ALONE).await;
    assert_eq!(reply.body().len(), 2_000);
}

#[tokio::test]
async fn the_platform_s_roots_do_not_trust_a_private_authority() {
    let config = Authority::new().server(named("localhost"));
    let server = Server::start_tls(config, [Reply::ok(REPLY)]).await;
    let Ok(transport) = Tested::new() else {
        return; // A machine without root certificates: it says so when the transport is built.
    };
    let kind = post_fails(&transport, &https(&server)).await;
    assert_eq!(kind, TransportErrorKind::Certificate);
}

#[tokio::test]
async fn a_request_is_not_sent_after_a_failed_handshake() {
    // One server hangs up at once, the other sends bytes first, and not TLS.
    for greeting in [b"".as_slice(), b"220 toy.example.test ready\r\n"] {
        let url = format!("https://localhost:{}", greeter(greeting).await);
        let error = order::<UNSAFE>(Authority::new().transport(), &url).await;
        assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.report());
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert_eq!(error.attempts(), 3);
    }
}

/// The port of a server that sends these bytes to every client and hangs up.
async fn greeter(greeting: &'static [u8]) -> u16 {
    use tokio::io::AsyncWriteExt;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(greeting).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

#[test]
fn malformed_root_certificates_are_refused() {
    let broken = "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n";
    let key = KeyPair::generate().unwrap().serialize_pem();
    for pem in ["", "canary", broken, &key] {
        let error = Tested::with_root_certificates(pem.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.outcome(), Outcome::NotSent);
        let invalid = error.invalid_request().unwrap();
        assert_eq!(invalid.field(), "root certificates");
        assert!(!format!("{error} {error:?} {}", error.report()).contains("canary"));
    }
}

// Through a proxy

/// The port of a proxy that opens tunnels to this machine, or replies with this status instead, and the requests that it
/// received.
async fn tunnelling(refusal: Option<&'static str>) -> (u16, Arc<Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let asked_of_it = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(near.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let target = head.split(' ').nth(1).unwrap().to_owned();
            asked.lock().unwrap().push(head);
            if let Some(refusal) = refusal {
                near.write_all(&response(refusal, &[], "")).await.unwrap();
                continue;
            }
            near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            tokio::spawn(async move {
                let mut far = tokio::net::TcpStream::connect(target).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (port, asked_of_it)
}

#[tokio::test]
async fn https_goes_through_a_tunnel_that_sees_only_the_address() {
    let authority = Authority::new();
    let config = authority.server(named("localhost"));
    let server = Server::start_tls(config, [Reply::ok("secret")]).await;
    let (port, asked) = tunnelling(None).await;
    let transport = Tested::builder()
        .proxy(format!("http://127.0.0.1:{port}"))
        .root_certificates(authority.0.pem().as_bytes())
        .build()
        .unwrap();
    for _ in 0..2 {
        let answer = post(&transport, &https(&server)).await.unwrap();
        assert_eq!(answer.body(), "secret");
    }
    let asked = asked.lock().unwrap().join("");
    let target = format!("localhost:{}", server.port());
    assert!(
        asked.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")),
        "{asked}"
    );
    assert_eq!(asked.matches("CONNECT").count(), 1, "one tunnel for both");
    assert!(!asked.contains("made-up-key"), "{asked}");
}

#[tokio::test]
async fn nothing_is_sent_through_a_proxy_that_opens_no_tunnel() {
    for refusal in [
        "403 Forbidden",
        "407 Proxy Authentication Required",
        "502 Bad Gateway",
    ] {
        let (port, _) = tunnelling(Some(refusal)).await;
        let transport = Tested::builder()
            .proxy(format!("http://127.0.0.1:{port}"))
            .root_certificates(Authority::new().0.pem().as_bytes())
            .build()
            .unwrap();
        let kind = post_fails(&transport, "https://toy.example.test/v1").await;
        assert_eq!(kind, TransportErrorKind::Connect, "{refusal}");
    }
}
