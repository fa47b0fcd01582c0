//! A server that sends raw bytes instead of HTTP, so that it can misbehave in exact ways.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// The time after which a waiting test gives up. No test depends on it: it turns a hang into a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What happens after a request was read to its end.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These bytes; the connection stays open.
    Bytes(Vec<u8>),
    /// These bytes, then the connection is closed.
    Last(Vec<u8>),
    /// A chunked body until the client hangs up, or until this many bytes.
    Chunks(usize),
    /// A picture: its announced length, and how many bytes of it are sent before the connection is closed.
    Picture { announced: usize, sent: usize },
    /// Nothing until the client hangs up.
    Silence,
    /// Interim responses until the client hangs up, or until this many bytes.
    Interim(usize),
    /// The body of the request before on the same connection, as if each reply came once more; of the first its own.
    EchoLate,
}

impl Reply {
    pub(crate) fn ok(body: &str) -> Self {
        Self::Bytes(response("200 OK", &[], body))
    }
}

/// The bytes of a response with a Content-Length.
pub(crate) fn response(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The client hung up.
    Client,
    /// The server hung up, according to its script.
    Server,
    /// Nobody hung up: the client read everything that the server sent.
    Exhausted,
    /// The TLS handshake failed.
    Handshake,
}

#[derive(Debug, Default)]
struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<Vec<u8>>>,
    connections: Mutex<Vec<JoinHandle<End>>>,
}

#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// A plain-text server. The last reply is sent again and again.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::listen(replies, None).await
    }

    pub(crate) async fn start_tls(
        config: ServerConfig,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Self {
        Self::listen(replies, Some(Arc::new(config).into())).await
    }

    async fn listen(replies: impl IntoIterator<Item = Reply>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            replies: Mutex::new(replies.into_iter().collect()),
            ..Shared::default()
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let served = Arc::clone(&shared);
                    let tls = tls.clone();
                    let connection = tokio::spawn(async move {
                        match tls {
                            None => serve(stream, &served).await,
                            Some(tls) => match tls.accept(stream).await {
                                Ok(stream) => serve(stream, &served).await,
                                Err(_) => End::Handshake,
                            },
                        }
                    });
                    shared.connections.lock().unwrap().push(connection);
                }
            }
        });
        Self {
            address,
            shared,
            accepting,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://127.0.0.1:<port>` and this path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The bytes of each request so far.
    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.lock().unwrap().len()
    }

    /// Waits until the latest connection is closed.
    pub(crate) async fn end(&self) -> End {
        let connection = self.shared.connections.lock().unwrap().pop();
        let end = connection.expect("a connection");
        tokio::time::timeout(PATIENCE, end)
            .await
            .expect("an end")
            .unwrap()
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, shared: &Shared) -> End {
    let mut echo = None;
    while let Some(request) = read_request(&mut stream).await {
        let body = find(&request, b"\r\n\r\n").map_or(&[][..], |end| &request[end + 4..]);
        let own = response("200 OK", &[], body);
        let late = echo.replace(own.clone()).unwrap_or(own);
        shared.requests.lock().unwrap().push(request);
        let reply = {
            let mut replies = shared.replies.lock().unwrap();
            if replies.len() > 1 {
                replies.pop_front()
            } else {
                replies.front().cloned()
            }
        };
        match reply.expect("a reply") {
            Reply::Bytes(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return End::Client;
                }
            }
            Reply::Last(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return End::Server;
            }
            Reply::Chunks(most) => return send_chunks(&mut stream, most).await,
            Reply::Picture { announced, sent } => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {announced}\r\ncontent-type: image/jpeg\r\n\
                     x-toy-signature: length={announced}\r\n\r\n"
                );
                if stream.write_all(head.as_bytes()).await.is_err() {
                    return End::Client;
                }
                let mut left = sent;
                while left > 0 {
                    let piece = left.min(0x4000);
                    if stream.write_all(&[b'x'; 0x4000][..piece]).await.is_err() {
                        return End::Client;
                    }
                    left -= piece;
                }
                if sent < announced {
                    let _ = stream.shutdown().await;
                    return End::Server;
                }
            }
            Reply::Silence => {}
            Reply::Interim(most) => {
                let piece = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000);
                for _ in 0..most / piece.len() {
                    if stream.write_all(&piece).await.is_err() {
                        return End::Client;
                    }
                }
                return End::Exhausted;
            }
            Reply::EchoLate => {
                if stream.write_all(&late).await.is_err() {
                    return End::Client;
                }
            }
        }
    }
    End::Client
}

async fn send_chunks<S: AsyncWrite + Unpin>(stream: &mut S, most: usize) -> End {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"4000\r\n".as_slice(), &[b'x'; 0x4000], b"\r\n"].concat();
    if stream.write_all(head).await.is_err() {
        return End::Client;
    }
    for _ in 0..most / 0x4000 {
        if stream.write_all(&chunk).await.is_err() {
            return End::Client;
        }
    }
    End::Exhausted
}

/// Reads one request to the end of its body; `None` if the client hung up.
async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let body = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            break end + 4 + body.unwrap_or(0);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    while bytes.len() < length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(bytes)
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}
