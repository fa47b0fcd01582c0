//! The served sandbox over real sockets, with good and with hostile traffic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kyc_sandbox::{
    DeepvueSettings, FinpassSettings, Sandbox, ServeError, ServedSandbox, Settings, credentials,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LOOPBACK: &str = "127.0.0.1:0";
const INIT: &str = "/finpass/api/v1/services/account-aggregator/init";
const INIT_BODY: &str = r#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#;

async fn serve(settings: Settings) -> (Sandbox, ServedSandbox) {
    let sandbox = Sandbox::new(settings);
    let served = sandbox.serve(LOOPBACK.parse().unwrap()).await.unwrap();
    (sandbox, served)
}

fn init_head(extra: &str) -> String {
    format!(
        "POST {INIT} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\nx-api-secret: {}\r\n\
         content-type: application/json\r\n{extra}\r\n",
        credentials::FINPASS_API_KEY,
        credentials::FINPASS_API_SECRET,
    )
}

fn init_request(body: &[u8]) -> Vec<u8> {
    let head = init_head(&format!(
        "connection: close\r\ncontent-length: {}\r\n",
        body.len()
    ));
    [head.as_bytes(), body].concat()
}

/// Writes, reads to the end, and answers what came back: nothing if the peer closed without a word.
async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let exchange = async {
        // The peer may close before it has read everything.
        let _ = stream.write_all(request).await;
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply).await;
        reply
    };
    let reply = tokio::time::timeout(Duration::from_secs(10), exchange)
        .await
        .expect("no hang");
    String::from_utf8_lossy(&reply).into_owned()
}

fn status(reply: &str) -> Option<u16> {
    reply.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

fn body(reply: &str) -> &str {
    reply.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Whatever came before, an ordinary request still works.
async fn alive(address: SocketAddr) {
    let reply = raw(address, &init_request(INIT_BODY.as_bytes())).await;
    assert_eq!(status(&reply), Some(200), "{reply}");
}

#[tokio::test]
async fn an_ordinary_request_is_answered() {
    let (sandbox, served) = serve(Settings::default()).await;
    let reply = raw(served.address(), &init_request(INIT_BODY.as_bytes())).await;
    assert_eq!(status(&reply), Some(200));
    assert!(
        body(&reply).starts_with(r#"{"data":{"client_id":"aa_"#),
        "{reply}"
    );
    assert!(reply.contains("content-type: application/json\r\n"));
    assert_eq!(sandbox.ledger().total().effects, 1);
    served.shutdown().await;
}

#[tokio::test]
async fn addresses_and_links_name_the_bound_port() {
    let (_, served) = serve(Settings::default()).await;
    let port = served.address().port();
    assert_ne!(port, 0);
    assert_eq!(
        served.base_urls().finpro,
        format!("http://127.0.0.1:{port}/finpro")
    );
    let environment = served.environment();
    assert!(environment.contains(&(
        "DEEPVUE_BASE_URL",
        format!("http://127.0.0.1:{port}/deepvue")
    )));
    assert_eq!(environment.len(), 14);

    let content = r#"{"consent":"Y","purpose":"p"}"#;
    let request = format!(
        "POST /deepvue/v1/kyc/digilocker/initiate-session HTTP/1.1\r\nhost: elsewhere\r\n\
         connection: close\r\nx-api-key: {}\r\nclient-id: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{content}",
        credentials::DEEPVUE_CLIENT_SECRET,
        credentials::DEEPVUE_CLIENT_ID,
        content.len(),
    );
    let reply = raw(served.address(), request.as_bytes()).await;
    let link =
        format!("http://127.0.0.1:{port}/deepvue/v1/kyc/digilocker/digilocker-redirect?state=");
    assert!(body(&reply).contains(&link), "{reply}");
}

#[tokio::test]
async fn only_loopback_is_bound_unless_allowed() {
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let refused = Sandbox::default().serve(address.parse().unwrap()).await;
        assert!(
            matches!(refused, Err(ServeError::NotLoopback(_))),
            "{address}"
        );
    }
    let allowed = Sandbox::new(Settings::default().with_allow_non_loopback(true));
    let served = allowed.serve(everywhere).await.unwrap();
    assert!(served.base_urls().veriff.starts_with("http://127.0.0.1:"));
    let (_, first) = serve(Settings::default()).await;
    let second = Sandbox::default().serve(first.address()).await;
    assert!(matches!(second, Err(ServeError::Bind { .. })));
}

#[tokio::test]
async fn malformed_traffic_is_refused_and_harms_nobody() {
    // Some of it looks like the beginning of something, and only the time limit ends it.
    let settings = Settings::default().with_header_read_timeout(Duration::from_millis(500));
    let (sandbox, served) = serve(settings).await;
    let address = served.address();
    let huge_header = format!("x-huge: {}\r\n", "a".repeat(200_000));
    let many_headers: String = (0..500).map(|n| format!("x-{n}: 1\r\n")).collect();
    for (name, request, expected) in [
        (
            "no request line",
            b"\r\n\r\n\r\n\r\n".to_vec(),
            vec![None, Some(400)],
        ),
        (
            "garbage",
            b"\x00\x01\xff\xfe garbage\r\n\r\n".to_vec(),
            vec![Some(400)],
        ),
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            vec![Some(400)],
        ),
        (
            "HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            vec![Some(400), Some(505), None],
        ),
        (
            "bad version",
            b"POST / HTTP/9.9\r\n\r\n".to_vec(),
            vec![Some(400), Some(505)],
        ),
        (
            "bad length",
            init_head("content-length: minus one\r\n").into_bytes(),
            vec![Some(400)],
        ),
        (
            "two lengths",
            init_head("content-length: 1\r\ncontent-length: 2\r\n").into_bytes(),
            vec![Some(400)],
        ),
        (
            "huge header",
            init_head(&huge_header).into_bytes(),
            vec![Some(431), None],
        ),
        (
            "many headers",
            init_head(&many_headers).into_bytes(),
            vec![Some(431)],
        ),
        (
            "long path",
            format!("POST /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)).into_bytes(),
            vec![Some(414), Some(431), None],
        ),
        (
            "bad chunks",
            init_head("connection: close\r\ntransfer-encoding: chunked\r\n")
                .into_bytes()
                .into_iter()
                .chain(*b"zz\r\nabc\r\n")
                .collect(),
            vec![Some(400)],
        ),
    ] {
        let reply = raw(address, &request).await;
        assert!(expected.contains(&status(&reply)), "{name}: {reply}");
        alive(address).await;
    }
    assert_eq!(
        sandbox.ledger().total().effects,
        11,
        "the eleven ordinary ones"
    );
}

#[tokio::test]
async fn bad_bodies_get_the_documented_form_over_the_socket() {
    let (_, served) = serve(Settings::default()).await;
    let deep = [vec![b'['; 30_000], vec![b']'; 30_000]].concat();
    for bad in [
        b"{not json".to_vec(),
        vec![0xff, 0xfe, 0xfd],
        deep,
        b"\"\xff\"".to_vec(),
        vec![],
    ] {
        let reply = raw(served.address(), &init_request(&bad)).await;
        assert_eq!(status(&reply), Some(422));
        assert!(
            body(&reply).contains(r#""message_code":"validation_error""#),
            "{reply}"
        );
    }
    // Neither a length nor chunks: HTTP says that there is no body.
    let reply = raw(
        served.address(),
        init_head("connection: close\r\n").as_bytes(),
    )
    .await;
    assert_eq!(status(&reply), Some(422));
    let chunked = format!(
        "{}{:x}\r\n{INIT_BODY}\r\n0\r\n\r\n",
        init_head("connection: close\r\ntransfer-encoding: chunked\r\n"),
        INIT_BODY.len(),
    );
    assert_eq!(
        status(&raw(served.address(), chunked.as_bytes()).await),
        Some(200)
    );
}

#[tokio::test]
async fn long_bodies_are_413_in_the_documented_form() {
    let (sandbox, served) = serve(Settings::default()).await;
    for length in [64 * 1024 + 1, 1024 * 1024] {
        let reply = raw(served.address(), &init_request(&vec![b' '; length])).await;
        assert_eq!(status(&reply), Some(413), "{length}");
        assert_eq!(
            body(&reply),
            r#"{"status_code":413,"success":false,"message":"Payload Too Large","message_code":"payload_too_large"}"#
        );
    }
    // A promise of more than anyone reads is answered without waiting for it.
    let promised = init_head("connection: close\r\ncontent-length: 99999999999\r\n");
    let reply = raw(served.address(), promised.as_bytes()).await;
    assert_eq!(status(&reply), Some(413));
    // Endless chunks end.
    let mut endless = init_head("connection: close\r\ntransfer-encoding: chunked\r\n").into_bytes();
    for _ in 0..80 {
        endless.extend_from_slice(b"10000\r\n");
        endless.extend_from_slice(&vec![b' '; 0x10000]);
        endless.extend_from_slice(b"\r\n");
    }
    let reply = raw(served.address(), &endless).await;
    assert!(matches!(status(&reply), Some(413) | None), "{reply}");
    assert_eq!(sandbox.ledger().total().by_status[&413], 4);
    alive(served.address()).await;
}

#[tokio::test]
async fn slow_senders_are_given_up() {
    let settings = Settings::default()
        .with_header_read_timeout(Duration::from_millis(200))
        .with_body_read_timeout(Duration::from_millis(200));
    let (_, served) = serve(settings).await;
    let started = Instant::now();
    let reply = raw(served.address(), b"POST / HTTP/1.1\r\nhost: x\r\n").await;
    assert!(matches!(status(&reply), Some(408) | None), "{reply}");
    let unfinished = format!(
        "{}{{\"mob",
        init_head("connection: close\r\ncontent-length: 70\r\n")
    );
    let reply = raw(served.address(), unfinished.as_bytes()).await;
    assert_eq!(status(&reply), Some(408));
    assert!(body(&reply).contains(r#""message_code":"request_timeout""#));
    assert!(started.elapsed() < Duration::from_secs(10));
    alive(served.address()).await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_in_the_middle_has_no_effect() {
    let (sandbox, served) = serve(Settings::default()).await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(served.address()).await.unwrap();
        let part = format!("{}{{", init_head("content-length: 70\r\n"));
        stream.write_all(part.as_bytes()).await.unwrap();
    }
    alive(served.address()).await;
    assert_eq!(sandbox.ledger().total().effects, 1);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let (_, served) = serve(Settings::default().with_max_connections(1)).await;
    let idle = TcpStream::connect(served.address()).await.unwrap();
    // The one place may be taken only once the server has accepted it.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let address = served.address();
    let second = tokio::spawn(async move { alive(address).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!second.is_finished());
    drop(idle);
    second.await.unwrap();
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let (sandbox, served) = serve(Settings::default()).await;
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    let head = init_head(&format!("content-length: {}\r\n", INIT_BODY.len()));
    let pipelined = format!("{head}{INIT_BODY}").repeat(5);
    stream.write_all(pipelined.as_bytes()).await.unwrap();
    let mut seen = String::new();
    let mut buffer = [0; 4096];
    while seen.matches("HTTP/1.1 200 OK").count() < 5 {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "closed early");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert_eq!(sandbox.ledger().total().effects, 5);
}

#[tokio::test]
async fn shutdown_lets_a_reply_finish_and_frees_the_port() {
    let slow = FinpassSettings::default().with_reply_delay(Duration::from_millis(300));
    let (_, served) = serve(Settings::default().with_finpass(slow)).await;
    let address = served.address();
    let idle = TcpStream::connect(address).await.unwrap();
    let under_way =
        tokio::spawn(async move { raw(address, &init_request(INIT_BODY.as_bytes())).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    served.shutdown().await;
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "the idle connection is not waited for"
    );
    assert_eq!(status(&under_way.await.unwrap()), Some(200));
    assert!(TcpStream::connect(address).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn dropping_stops_at_once() {
    let slow = DeepvueSettings::default().with_reply_delay(Duration::from_secs(60));
    let (_, served) = serve(Settings::default().with_deepvue(slow)).await;
    let address = served.address();
    let waiting =
        tokio::spawn(
            async move { raw(address, b"POST /deepvue/x HTTP/1.1\r\nhost: x\r\n\r\n").await },
        );
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    drop(served);
    assert_eq!(waiting.await.unwrap(), "");
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(TcpStream::connect(address).await.is_err());
}
