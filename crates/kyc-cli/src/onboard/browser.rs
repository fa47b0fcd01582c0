//! Where a person's browser comes back to.

use std::io;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use kyc_facade::provider_core::http::{Method, Request, Response, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::connections::answer_each;

/// The path that a browser comes back to.
const PATH: &str = "/back";
const PAGE: &str = "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Back</title>\
<p>You are back. Go on in the terminal; this window can be closed.</p></html>";

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
        let server = tokio::spawn(answer_each(socket, move |request| {
            std::future::ready(answer(&request, &sender))
        }));
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
