//! Where a person's browser comes back to.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kyc_facade::provider_core::http::{Method, Request, Response, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The path that a browser comes back to.
const PATH: &str = "/back";
const PAGE: &str = "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Back</title>\
<p>You are back. Go on in the terminal; this window can be closed.</p></html>";
/// How long a browser may take to send its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// The browsers that came back.
pub(crate) struct Returns {
    url: String,
    received: mpsc::Receiver<String>,
    server: JoinHandle<()>,
}

impl Returns {
    /// Waits for browsers, on this machine only.
    pub(crate) async fn listen() -> io::Result<Self> {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}{PATH}", socket.local_addr()?);
        let (sender, received) = mpsc::channel(16);
        let server = tokio::spawn(accept(socket, sender));
        Ok(Self {
            url,
            received,
            server,
        })
    }

    /// Where they come back to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The path and query of one that came back, if one did.
    pub(super) fn next(&mut self) -> Option<String> {
        self.received.try_recv().ok()
    }
}

impl Drop for Returns {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(socket: TcpListener, sender: mpsc::Sender<String>) {
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            // Out of file descriptors, for example.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let sender = sender.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let response = answer(&request, &sender);
            async move { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(async move {
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service);
            // What could be answered was.
            let _ = served.await;
        });
    }
}

fn answer(request: &Request<Incoming>, sender: &mpsc::Sender<String>) -> Response<Full<Bytes>> {
    let is_back = request.method() == Method::GET && request.uri().path() == PATH;
    let text = if is_back { PAGE } else { "" };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        header::HeaderValue::from_static("no-referrer"),
    );
    if is_back {
        // One more than are waited for is a mistake of somebody else.
        let _ = sender.try_send(request.uri().to_string());
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}
