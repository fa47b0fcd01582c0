//! Downloads over real sockets on this machine. Compiled once for each transport, which is `Tested` in the module that
//! includes this file.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use provider_core::http::Request;
use provider_core::{
    Body, Client, Error, ErrorKind, ExchangeLimits, RetryPolicy, Transport, TransportErrorKind,
};
use tempfile::TempDir;

use super::Tested;
use crate::server::{End, PATIENCE, Reply, Server, response};
use crate::toy::{Media, Toy};

const LIMITS: ExchangeLimits = ExchangeLimits::new(PATIENCE, 1024).with_connection_reuse(true);

fn plain() -> Tested {
    Tested::builder().without_tls().build().unwrap()
}

async fn download(transport: Tested, server: &Server) -> Result<usize, Error> {
    let client: Client<Toy> = Client::builder(Toy::at(&server.url("")))
        .transport(Arc::new(transport))
        .retry(RetryPolicy::standard().with_pauses(Duration::ZERO, Duration::ZERO))
        .build()
        .unwrap();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("picture.jpg");
    let call = client.call(Media::new()).download(&path);
    let result = tokio::time::timeout(PATIENCE, call).await.unwrap();
    let files = fs::read_dir(directory.path()).unwrap().count();
    match result {
        Ok(answer) => {
            let stored = fs::read(&path).unwrap();
            assert!(stored.iter().all(|byte| *byte == b'x'));
            assert_eq!(answer.value().size(), stored.len() as u64);
            assert_eq!(files, 1);
            Ok(stored.len())
        }
        Err(error) => {
            assert_eq!(files, 0, "{error}");
            Err(error)
        }
    }
}

fn picture(announced: usize, sent: usize) -> Reply {
    Reply::Picture { announced, sent }
}

#[tokio::test]
async fn a_picture_is_stored_and_the_connection_kept() {
    let server = Server::start([picture(5_000_000, 5_000_000)]).await;
    let transport = Arc::new(plain());
    let client: Client<Toy> = Client::builder(Toy::at(&server.url("")))
        .transport(transport)
        .reuse_connections()
        .build()
        .unwrap();
    let directory = TempDir::new().unwrap();
    for number in 0..2 {
        let path = directory.path().join(number.to_string());
        client.call(Media::new()).download(&path).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 5_000_000);
    }
    assert_eq!((server.requests().len(), server.connections()), (2, 1));
}

#[tokio::test]
async fn an_incomplete_picture_is_retried() {
    let server = Server::start([picture(900_000, 600_000), picture(900_000, 900_000)]).await;
    assert_eq!(download(plain(), &server).await.unwrap(), 900_000);
    assert_eq!(server.requests().len(), 2);

    let server = Server::start([picture(900_000, 600_000)]).await;
    let error = download(plain(), &server).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 3));
}

#[tokio::test]
async fn a_picture_over_the_limit_is_refused() {
    // The length is announced, so nothing is read; it is more than the sockets can buffer, so the client ended the
    // connection.
    let server = Server::start([picture(200_000_000, 200_000_000)]).await;
    let error = download(plain(), &server).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1));
    assert_eq!(server.end().await, End::Client);

    // A transport's own limit counts too.
    let server = Server::start([picture(900_000, 900_000)]).await;
    let builder = Tested::builder().without_tls();
    let small = builder.max_body_bytes(899_999).build().unwrap();
    let error = download(small, &server).await.unwrap_err();
    assert!(
        error.report().contains("longer than 899999 bytes"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn an_endless_page_is_refused() {
    // Without a content type and without a signature.
    let server = Server::start([Reply::Chunks(256 << 20)]).await;
    let error = download(plain(), &server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Verification);
    assert_eq!(server.end().await, End::Client);
}

#[tokio::test]
async fn a_refusal_is_read_and_retried_if_it_is_transient() {
    let busy = response("503 Service Unavailable", &[], r#"{"code":"busy"}"#);
    let server = Server::start([Reply::Bytes(busy), picture(10, 10)]).await;
    assert_eq!(download(plain(), &server).await.unwrap(), 10);
    let bad_key = response("400 Bad Request", &[], r#"{"code":"bad_key"}"#);
    let server = Server::start([Reply::Bytes(bad_key)]).await;
    let error = download(plain(), &server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
}

#[tokio::test]
async fn a_dropped_download_hangs_up() {
    let server = Server::start([picture(50_000_000, 49_999_999)]).await;
    let call = download(plain(), &server);
    assert!(
        tokio::time::timeout(Duration::from_millis(5), call)
            .await
            .is_err()
    );
    if server.connections() > 0 {
        assert_ne!(server.end().await, End::Exhausted);
    }
}

/// The transport trait itself, as a wrapping transport uses it.
#[tokio::test]
async fn an_open_response_comes_in_pieces() {
    let request = |server: &Server| {
        let mut request = Request::new(Body::default());
        *request.uri_mut() = server.url("/v1").parse().unwrap();
        request
    };
    let server = Server::start([picture(300_000, 300_000)]).await;
    let mut reply = plain().open(request(&server), LIMITS).await.unwrap();
    assert_eq!(reply.head().status(), 200);
    assert_eq!(reply.head().headers()["content-type"], "image/jpeg");
    let (mut pieces, mut length) = (0, 0);
    while let Some(piece) = reply.next_piece().await.unwrap() {
        assert!(piece.len() <= 128 * 1024, "{} bytes at once", piece.len());
        pieces += 1;
        length += piece.len();
    }
    assert!(pieces > 1);
    assert_eq!(length, 300_000);
    assert!(reply.next_piece().await.unwrap().is_none());

    let reply = plain().open(request(&server), LIMITS).await.unwrap();
    let error = reply.limited_to(299_999).collect().await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::TooLarge);
    let reply = plain().open(request(&server), LIMITS).await.unwrap();
    let whole = reply.limited_to(300_000).collect().await.unwrap();
    assert_eq!(whole.body().len(), 300_000);
}
