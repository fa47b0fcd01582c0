//! Slow peers and too many peers: timeouts and limits are enforced.

use std::net::SocketAddr;
use std::time::Duration;

use kyc_sandbox::settings::ValidationItems;
use kyc_sandbox::{DeepvueSettings, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::peer::{
    INIT, INIT_BODY, PROVIDERS, Step, TEST_TIMEOUT, alive, init_head, serve, speak, statuses,
};

/// Short timeouts for short tests; an ordinary request arrives at once.
const LIMIT: Duration = Duration::from_millis(500);

fn short_timeouts() -> Settings {
    Settings::default()
        .with_header_read_timeout(LIMIT)
        .with_body_read_timeout(LIMIT)
        .with_reply_write_timeout(LIMIT)
}

fn send(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Send(bytes.into())
}

/// Byte by byte: too slow in total, with each byte well within the timeout.
fn trickle(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Trickle(bytes.into(), LIMIT / 20)
}

#[tokio::test]
async fn stalled_and_slow_peers_are_disconnected() {
    let length = format!("content-length: {}\r\n", INIT_BODY.len());
    let good = format!("{}{INIT_BODY}", init_head(&length));
    let sized = init_head("content-length: 1000\r\n");
    let chunked = init_head("transfer-encoding: chunked\r\n");
    let rows: Vec<(&str, Vec<Step>, &[u16])> = vec![
        ("not a byte", vec![], &[]),
        ("half a line", vec![send("POST /fin")], &[]),
        (
            "headers that stop",
            vec![send("POST / HTTP/1.1\r\nhost: x\r\n")],
            &[],
        ),
        ("headers byte by byte", vec![trickle(good.clone())], &[]),
        (
            "headers without end, byte by byte",
            vec![
                send("GET / HTTP/1.1\r\n"),
                trickle("x-a: 1\r\n".repeat(100)),
            ],
            &[],
        ),
        (
            "blank lines, one by one",
            vec![trickle("\r\n".repeat(100))],
            &[],
        ),
        (
            "a good request, and no other",
            vec![send(good.clone())],
            &[200],
        ),
        (
            "a good request, and half of another",
            vec![send(format!("{good}POST /fin"))],
            &[200],
        ),
        (
            "a body that never begins",
            vec![send(sized.clone())],
            &[408],
        ),
        (
            "a body that stops",
            vec![send(format!("{sized}{{\"mob"))],
            &[408],
        ),
        (
            "a body byte by byte",
            vec![send(sized), trickle(" ".repeat(1000))],
            &[408],
        ),
        (
            "chunks that never begin",
            vec![send(chunked.clone())],
            &[408],
        ),
        (
            "a chunk that stops",
            vec![send(format!("{chunked}ff\r\n{{"))],
            &[408],
        ),
        (
            "chunks one by one",
            vec![send(chunked.clone()), trickle("1\r\n \r\n".repeat(100))],
            &[408],
        ),
        (
            "a chunk size byte by byte",
            vec![send(chunked.clone()), trickle("0".repeat(100))],
            &[408],
        ),
        // Leading zeros do not change the length, so they never end.
        (
            "a chunk size without end",
            vec![send(chunked.clone()), Step::Repeat(vec![b'0'; 8192])],
            &[408],
        ),
        (
            "trailers that stop",
            vec![send(format!("{chunked}1\r\n{{\r\n0\r\nx-a: 1\r\n"))],
            &[408],
        ),
        (
            "an expectation that is met in vain",
            vec![send(init_head(
                "expect: 100-continue\r\ncontent-length: 70\r\n",
            ))],
            &[100, 408],
        ),
        (
            "an endless body",
            vec![send(
                init_head("content-length: 70\r\n").replace(INIT, "/x"),
            )],
            &[404],
        ),
    ];
    let (sandbox, served) = serve(short_timeouts()).await;
    let address = served.address();
    // Concurrently, because each waits for its limit.
    let mut speaking = JoinSet::new();
    for (name, steps, expected) in rows {
        speaking.spawn(async move {
            let replies = speak(address, steps).await;
            assert_eq!(statuses(&replies), expected, "{name}: {replies:?}");
            alive(address).await;
        });
    }
    let spoken = speaking.join_all().await.len();
    assert_eq!(
        usize::try_from(sandbox.ledger().total().effects).unwrap(),
        spoken + 2,
        "an ordinary one each, and two good beginnings"
    );
}

#[tokio::test]
async fn who_knows_the_token_and_does_not_end_a_body_is_disconnected_too() {
    let (sandbox, served) = serve(short_timeouts()).await;
    let (address, token) = (served.address(), sandbox.control_token());
    for path in ["/sandbox/clock", "/console/clock"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-length: 100\r\n\r\n{{"
        );
        let replies = speak(address, vec![send(head)]).await;
        assert_eq!(statuses(&replies), [408], "{path}: {replies}");
    }
    alive(address).await;
}

#[tokio::test]
async fn peers_that_read_no_reply_are_disconnected() {
    // Replies that echo the request soon fill every buffer.
    let echo = DeepvueSettings::default().with_validation_items(ValidationItems::PydanticV2);
    let (_, served) = serve(short_timeouts().with_deepvue(echo).with_max_connections(1)).await;
    let body = format!(r#"{{"consent":7,"padding":"{}"}}"#, "a".repeat(60_000));
    let head = PROVIDERS[3].head(b"", &format!("content-length: {}\r\n", body.len()));
    let request = format!("{head}{body}");
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    let writing = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(TEST_TIMEOUT, writing)
        .await
        .expect("the sandbox gives up");
    // It held the only connection.
    alive(served.address()).await;
}

/// A connection that ends with a reset.
async fn reset(address: SocketAddr, steps: &[u8]) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_zero_linger().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(steps).await.unwrap();
}

#[tokio::test]
async fn resets_at_any_point_leave_the_sandbox_working() {
    let (sandbox, served) = serve(Settings::default().with_max_connections(4)).await;
    let request = crate::peer::init(INIT_BODY.as_bytes());
    for end in (0..=request.len()).step_by(7) {
        reset(served.address(), &request[..end]).await;
    }
    alive(served.address()).await;
    let effects = sandbox.ledger().total().effects;
    assert!(
        (1..=2).contains(&effects),
        "at most the complete one: {effects}"
    );
}

#[tokio::test]
async fn connections_beyond_the_limit_are_served_in_turn() {
    let (_, served) = serve(short_timeouts().with_max_connections(50)).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(served.address()).await.unwrap());
    }
    // Behind all of them.
    alive(served.address()).await;
    for mut stream in silent {
        let end = tokio::time::timeout(TEST_TIMEOUT, stream.read(&mut [0])).await;
        assert_eq!(end.expect("no hang").unwrap(), 0, "closed without a word");
    }
}

#[tokio::test]
async fn a_thousand_connections_that_come_and_go_leave_nothing_behind() {
    let (sandbox, served) = serve(Settings::default().with_max_connections(50)).await;
    let address = served.address();
    let mut flood = JoinSet::new();
    for n in 0..1_000_u32 {
        if flood.len() == 100 {
            flood.join_next().await.unwrap().unwrap();
        }
        flood.spawn(async move {
            match n % 4 {
                0 => drop(TcpStream::connect(address).await.unwrap()),
                1 => reset(address, b"POST /fin").await,
                2 => reset(address, init_head("content-length: 70\r\n").as_bytes()).await,
                _ => alive(address).await,
            }
        });
    }
    flood.join_all().await;
    alive(address).await;
    assert_eq!(sandbox.ledger().total().effects, 251);
}
