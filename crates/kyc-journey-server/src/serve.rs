//! A server's router over HTTP/1.1.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use provider_core::http::Request;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt as _;

use crate::limits::Limits;
use crate::server::JourneyServer;

/// The longest request line and headers, in bytes; more is answered 431.
const HEADER_BYTES: usize = 64 * 1024;

/// How long accepting pauses after an error such as running out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listening server. Dropping it stops it at once; [`shutdown`](Self::shutdown) lets requests in flight finish.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    server: JourneyServer,
    closing: watch::Sender<bool>,
    accepting: JoinHandle<JoinSet<()>>,
}

/// Serves on this address, within the server's [`Limits`](crate::Limits). It speaks no TLS: let what other machines reach stand behind a
/// proxy that does.
///
/// # Errors
///
/// The address cannot be listened on.
pub async fn serve(server: &JourneyServer, address: SocketAddr) -> io::Result<Served> {
    serve_on(server, TcpListener::bind(address).await?)
}

/// As [`serve`], on a listener that is there: an application that binds its port first finds out that it is taken before it has begun
/// anything else. Must be called within a tokio runtime.
///
/// # Errors
///
/// The listener has no address any more.
pub fn serve_on(server: &JourneyServer, listener: TcpListener) -> io::Result<Served> {
    let address = listener.local_addr()?;
    let (closing, closed) = watch::channel(false);
    let accepting = tokio::spawn(accept(listener, server.clone(), server.router(), closed));
    Ok(Served {
        address,
        server: server.clone(),
        closing,
        accepting,
    })
}

impl Served {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, ends the streams of events, and lets requests in flight finish for at most this long.
    pub async fn shutdown(mut self, grace: Duration) {
        self.closing.send_replace(true);
        self.server.end_streams();
        let all = async {
            if let Ok(mut connections) = (&mut self.accepting).await {
                while connections.join_next().await.is_some() {}
            }
        };
        let _in_time = tokio::time::timeout(grace, all).await;
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    server: JourneyServer,
    router: Router,
    mut closed: watch::Receiver<bool>,
) -> JoinSet<()> {
    let permits = server.limits().connections.clamp(1, Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(permits));
    let limits = server.limits().clone();
    let end = closed.clone();
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        tokio::select! {
            biased;
            () = until(&mut closed) => return connections,
            (accepted, permit) = accepted => match accepted {
                Ok((stream, peer)) => {
                    let (router, limits, end) = (router.clone(), limits.clone(), end.clone());
                    connections.spawn(async move {
                        connection(stream, peer, router, &limits, end).await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: &Limits,
    mut closed: watch::Receiver<bool>,
) {
    // Replies are written whole; waiting for more to send only adds latency.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(limits.write_time));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move {
            let response: Result<Response, Infallible> = router.oneshot(request).await;
            response
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .half_close(true)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut connection = std::pin::pin!(connection);
    // Errors of a connection are ignored: hyper has sent what could be sent.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = until(&mut closed) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn until(closed: &mut watch::Receiver<bool>) {
    // An error means that the server was dropped, which closes too.
    let _ = closed.wait_for(|closing| *closing).await;
}
