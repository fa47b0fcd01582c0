//! The server over a socket.

use std::time::Duration;

use kyc_journey_server::{Limits, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
#[cfg(target_os = "linux")]
use tokio::net::TcpSocket;
use tokio::net::TcpStream;

use crate::world::{TOKEN, World};

async fn exchanged(stream: &mut TcpStream, sent: &str) -> String {
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A peer that was given up may be reset.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up_and_others_are_answered() {
    let mut limits = Limits::default();
    limits.head_time = Duration::from_millis(50);
    let world = World::with(limits);
    let served = serve(&world.server, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let host = served.address().to_string();
    let mut slow = TcpStream::connect(&host).await.unwrap();
    let answer = exchanged(&mut slow, "GET /v1/journeys HTTP/1.1\r\nhost: ").await;
    assert!(!answer.contains(" 200 "), "{answer}");
    let mut whole = TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "GET /v1/journeys HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\r\n"
    );
    let answer = exchanged(&mut whole, &head).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    // Nobody is connected any more: it has nothing to wait for.
    served.shutdown(Duration::MAX).await;
    assert!(TcpStream::connect(&host).await.is_err());
}

#[tokio::test]
async fn a_peer_that_reads_no_reply_is_given_up() {
    let mut limits = Limits::default();
    limits.write_time = Duration::from_millis(50);
    let world = World::with(limits);
    let served = serve(&world.server, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", served.address());
    // It is told by nothing but the end of the connection.
    while stream.write_all(request.as_bytes()).await.is_ok() {}
}

/// Who guesses at the operator's page from one address uses up nothing of another one's share.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn peers_are_told_apart_by_their_address() {
    let mut limits = Limits::default();
    limits.sign_ins_per_minute = 1;
    let world = World::with(limits);
    let served = serve(&world.server, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let address = served.address();
    let guess = async |from: [u8; 4]| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        let form = "token=another";
        let head = format!(
            "POST /sign-in HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{form}",
            form.len()
        );
        let answer = exchanged(&mut stream, &head).await;
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(guess([127, 0, 0, 2]).await, "401");
    assert_eq!(guess([127, 0, 0, 2]).await, "429");
    assert_eq!(guess([127, 0, 0, 3]).await, "401");
}
