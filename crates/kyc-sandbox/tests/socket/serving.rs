//! Serving, its addresses, and its shutdown.

use std::net::SocketAddr;
use std::time::Duration;

use kyc_sandbox::{
    DeepvueSettings, FinpassSettings, Ledger, Sandbox, ServeError, Settings, credentials,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::peer::{INIT_BODY, Step, alive, body, init, init_head, raw, serve, speak, statuses};

#[tokio::test]
async fn an_ordinary_request_is_answered() {
    let (sandbox, served) = serve(Settings::default()).await;
    let reply = raw(served.address(), &init(INIT_BODY.as_bytes())).await;
    assert_eq!(statuses(&reply), [200]);
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
    assert_eq!(environment.len(), 18);

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
    let allowed = Sandbox::new(Settings::default().with_allow_other_machines(true));
    let served = allowed.serve(everywhere).await.unwrap();
    assert!(served.base_urls().veriff.starts_with("http://127.0.0.1:"));
    let (_, first) = serve(Settings::default()).await;
    let mapped = "[::ffff:127.0.0.1]:0".parse().unwrap();
    let mapped = Sandbox::default().serve(mapped).await.unwrap();
    assert!(mapped.base_urls().veriff.starts_with("http://127.0.0.1:"));
    let second = Sandbox::default().serve(first.address()).await;
    assert!(matches!(second, Err(ServeError::Bind { .. })));
}

#[tokio::test]
async fn body_errors_of_the_http_layer_have_the_providers_form() {
    let short_timeouts = Settings::default().with_body_read_timeout(Duration::from_millis(200));
    let (sandbox, served) = serve(short_timeouts).await;
    let reply = raw(served.address(), &init(&vec![b' '; 64 * 1024 + 1])).await;
    assert_eq!(
        body(&reply),
        r#"{"status_code":413,"success":false,"message":"Payload Too Large","message_code":"payload_too_large"}"#
    );
    let unfinished = init_head("connection: close\r\ncontent-length: 70\r\n");
    let reply = raw(served.address(), unfinished.as_bytes()).await;
    assert_eq!(
        body(&reply),
        r#"{"status_code":408,"success":false,"message":"Request Timeout","message_code":"request_timeout"}"#
    );
    let counts = sandbox.ledger().total();
    assert_eq!((counts.by_status[&413], counts.by_status[&408]), (1, 1));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let (sandbox, served) = serve(Settings::default().with_max_connections(1)).await;
    let mut first = TcpStream::connect(served.address()).await.unwrap();
    let head = init_head(&format!("content-length: {}\r\n", INIT_BODY.len()));
    let address = served.address();
    let mut second = None;
    for answered in 1..=20 {
        let request = format!("{head}{INIT_BODY}");
        first.write_all(request.as_bytes()).await.unwrap();
        assert!(first.read(&mut [0; 4096]).await.unwrap() > 0);
        // The second connection must not be opened before the first is accepted.
        second.get_or_insert_with(|| tokio::spawn(async move { alive(address).await }));
        assert_eq!(sandbox.ledger().total().effects, answered, "the first's");
    }
    drop(first);
    second.unwrap().await.unwrap();
    assert_eq!(sandbox.ledger().total().effects, 21);
}

#[tokio::test]
async fn a_half_closed_peer_still_gets_its_reply() {
    let slow = FinpassSettings::default().with_reply_delay(Duration::from_millis(200));
    let (_, served) = serve(Settings::default().with_finpass(slow)).await;
    let steps = vec![Step::Send(init(INIT_BODY.as_bytes())), Step::HalfClose];
    assert_eq!(statuses(&speak(served.address(), steps).await), [200]);
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

/// Waits until one reply is decided; only its delay is left.
async fn answered(ledger: &Ledger) {
    while ledger.total().requests == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn shutdown_lets_a_reply_finish_and_frees_the_port() {
    let slow = FinpassSettings::default().with_reply_delay(Duration::from_millis(300));
    let (sandbox, served) = serve(Settings::default().with_finpass(slow)).await;
    let address = served.address();
    let idle = TcpStream::connect(address).await.unwrap();
    let in_flight = tokio::spawn(async move { raw(address, &init(INIT_BODY.as_bytes())).await });
    answered(&sandbox.ledger()).await;
    served.shutdown().await;
    assert_eq!(statuses(&in_flight.await.unwrap()), [200]);
    assert!(TcpStream::connect(address).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn dropping_stops_at_once() {
    let slow = DeepvueSettings::default().with_reply_delay(Duration::from_secs(3600));
    let (sandbox, served) = serve(Settings::default().with_deepvue(slow)).await;
    let address = served.address();
    let waiting =
        tokio::spawn(
            async move { raw(address, b"POST /deepvue/x HTTP/1.1\r\nhost: x\r\n\r\n").await },
        );
    answered(&sandbox.ledger()).await;
    drop(served);
    assert_eq!(waiting.await.unwrap(), "");
    assert!(TcpStream::connect(address).await.is_err());
}
