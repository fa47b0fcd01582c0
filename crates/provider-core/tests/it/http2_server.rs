//! A server that offers HTTP/2 over TLS, and tells its requests by their path.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use provider_core::http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

#[derive(Debug)]
pub(crate) struct Http2Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    connections: AtomicUsize,
    /// Opens when two requests are here.
    both: Barrier,
    /// Told of a request that is never answered.
    ignored: Notify,
    /// Ends the connection that the request came on.
    end: Notify,
}

impl Drop for Http2Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Http2Server {
    pub(crate) async fn start(mut config: ServerConfig) -> Self {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tls = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            connections: AtomicUsize::new(0),
            both: Barrier::new(2),
            ignored: Notify::new(),
            end: Notify::new(),
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    shared.connections.fetch_add(1, Ordering::SeqCst);
                    let (tls, shared) = (tls.clone(), Arc::clone(&shared));
                    tokio::spawn(async move {
                        let stream = TokioIo::new(tls.accept(stream).await.unwrap());
                        let answer = service_fn(|request| answer(Arc::clone(&shared), request));
                        let builder =
                            hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                        tokio::select! {
                            _ = builder.serve_connection(stream, answer) => {}
                            () = shared.end.notified() => {}
                        }
                    });
                }
            }
        });
        Self {
            address,
            shared,
            accepting,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Waits for a request that is never answered.
    pub(crate) async fn ignored(&self) {
        self.shared.ignored.notified().await;
    }
}

/// The body comes back, with the version of the request and its connection headers as headers.
async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut reply = Response::builder().header("x-version", format!("{:?}", request.version()));
    match request.uri().path() {
        "/both" => {
            shared.both.wait().await;
        }
        "/never" => {
            shared.ignored.notify_one();
            std::future::pending::<()>().await;
        }
        "/end" => {
            shared.end.notify_one();
            std::future::pending::<()>().await;
        }
        "/large-head" => reply = reply.header("x-large", "x".repeat(70_000)),
        _ => {}
    }
    if let Some(connection) = request.headers().get("connection") {
        reply = reply.header("x-connection", connection);
    }
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(reply.body(Full::new(body)).unwrap())
}
