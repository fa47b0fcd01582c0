//! The console's stream of rows over a socket.

use std::net::SocketAddr;

use kyc_sandbox::{ServedSandbox, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::peer::{TEST_TIMEOUT, init, raw, serve, statuses};

/// A reader of the stream.
struct Stream {
    from: TcpStream,
    read: String,
}

impl Stream {
    async fn open(address: SocketAddr, query: &str, headers: &str) -> Self {
        let mut from = TcpStream::connect(address).await.unwrap();
        let head =
            format!("GET /sandbox/stream{query} HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n");
        from.write_all(head.as_bytes()).await.unwrap();
        Self {
            from,
            read: String::new(),
        }
    }

    /// Reads on until this was read, or to the end.
    async fn until(&mut self, text: &str) -> &str {
        let reading = async {
            let mut buffer = [0; 4096];
            while !self.read.contains(text) {
                let read = self.from.read(&mut buffer).await.unwrap();
                if read == 0 {
                    break;
                }
                self.read
                    .push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        };
        tokio::time::timeout(TEST_TIMEOUT, reading)
            .await
            .expect("no hang");
        &self.read
    }
}

/// Of a person who waits for a page.
const BODY: &str = r#"{"mobile_number":"9123456780","consent_type":"loan_underwriting"}"#;

async fn call(served: &ServedSandbox) {
    raw(served.address(), &init(BODY.as_bytes())).await;
}

#[tokio::test]
async fn rows_are_sent_as_they_come_and_from_where_a_reader_was() {
    let (_, served) = serve(Settings::default()).await;
    let mut first = Stream::open(served.address(), "?after=0", "").await;
    first.until("retry: 1000").await;
    call(&served).await;
    let read = first.until("\"state\"").await;
    assert!(read.contains("content-type: text/event-stream"), "{read}");
    assert!(
        read.contains("event: rows\nid: 1\n") && read.contains("/r/1"),
        "{read}"
    );
    assert!(!read.contains("9123456780"), "{read}");

    call(&served).await;
    call(&served).await;
    let address = served.address();
    let mut again = Stream::open(address, "?after=0", "last-event-id: 2\r\n").await;
    let read = again.until("\"state\"").await;
    assert!(read.contains("id: 3\n") && read.contains("/r/3"), "{read}");
    assert!(!read.contains("/r/2"), "{read}");

    let mut filtered = Stream::open(address, "?after=0&filter=status:500", "").await;
    let read = filtered.until("\"state\"").await;
    assert!(read.contains("id: 3\n") && !read.contains("/r/"), "{read}");
}

#[tokio::test]
async fn the_stream_ends_whole_when_the_sandbox_is_shut_down() {
    let (_, served) = serve(Settings::default()).await;
    let mut stream = Stream::open(served.address(), "", "").await;
    stream.until("retry: 1000").await;
    served.shutdown().await;
    let read = stream.until("never sent").await;
    assert!(read.ends_with("0\r\n\r\n"), "{read:?}");
}

#[tokio::test]
async fn pages_of_others_cannot_read_the_stream_or_the_console() {
    let (_, served) = serve(Settings::default()).await;
    let address = served.address();
    for path in ["/sandbox/stream", "/", "/r/1", "/latest"] {
        for (headers, status) in [
            ("host: rebound.example.test\r\n".to_owned(), 421),
            (
                format!("host: {address}\r\norigin: http://elsewhere.example.test\r\n"),
                403,
            ),
        ] {
            let request = format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
            let reply = raw(address, request.as_bytes()).await;
            assert_eq!(statuses(&reply), [status], "{path} {headers}");
        }
    }
}
