//! The sandbox over HTTP/1.1.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::header::HOST;
use http::{Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;

use crate::credentials::{self, BaseUrls};
use crate::exchange::{Closing, ConnectionInfo, Json, Reply};
use crate::settings::Settings;
use crate::time::Providers;

/// The longest request line and headers; more is answered 431.
const HEADER_BYTES: usize = 64 * 1024;

/// How long a shutdown waits for requests in flight.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// How long accepting pauses after an error such as running out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a sandbox could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Other machines could reach the address, and
    /// [`Settings::with_allow_other_machines`] was not called.
    #[error("{0} is not a loopback address, and the settings do not allow other machines")]
    NotLoopback(SocketAddr),
    /// The address could not be bound.
    #[error("could not listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
}

/// A listening sandbox. Dropping it stops it at once; [`ServedSandbox::shutdown`] lets requests in flight finish.
pub struct ServedSandbox {
    address: SocketAddr,
    closing: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl ServedSandbox {
    pub(crate) async fn bind(
        address: SocketAddr,
        settings: &Settings,
    ) -> Result<TcpListener, ServeError> {
        // Clients know loopback by its own form only.
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        check(address, settings)?;
        let bound = TcpListener::bind(address).await;
        bound.map_err(|source| ServeError::Bind { address, source })
    }

    pub(crate) fn start(
        listener: TcpListener,
        router: Router,
        providers: Providers,
        settings: &Settings,
    ) -> Result<Self, ServeError> {
        let address = listener.local_addr().map_err(|source| ServeError::Bind {
            address: (Ipv4Addr::UNSPECIFIED, 0).into(),
            source,
        })?;
        check(address, settings)?;
        let (closing, closed) = watch::channel(false);
        let service = Service {
            router,
            info: ConnectionInfo {
                origin: Arc::from(origin(address)),
                body_read_timeout: Some(*settings.body_read_timeout()),
            },
            header_read_timeout: *settings.header_read_timeout(),
            reply_write_timeout: *settings.reply_write_timeout(),
        };
        let permits = (*settings.max_connections()).clamp(1, Semaphore::MAX_PERMITS);
        let server = tokio::spawn(async move {
            tokio::select! {
                () = accept(listener, service, permits, closed) => {}
                () = providers.run() => {}
            }
        });
        Ok(Self {
            address,
            closing,
            server,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL below which everything is, without a trailing slash.
    pub fn url(&self) -> String {
        origin(self.address)
    }

    /// Where each provider's routes begin.
    pub fn base_urls(&self) -> BaseUrls {
        BaseUrls::below(&origin(self.address))
    }

    /// The environment variables that point a program at this sandbox, with the default
    /// [`credentials`](crate::credentials). Credentials from settings are not included.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        credentials::environment(&self.base_urls())
    }

    /// Stops accepting, lets requests in flight finish for at most five seconds, then closes everything.
    pub async fn shutdown(mut self) {
        self.closing.send_replace(true);
        // The server task ends by itself within its deadline; an error means that it has ended already.
        let _ended = (&mut self.server).await;
    }
}

impl Drop for ServedSandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for ServedSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedSandbox")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn check(address: SocketAddr, settings: &Settings) -> Result<(), ServeError> {
    match *settings.allow_other_machines() || address.ip().is_loopback() {
        true => Ok(()),
        false => Err(ServeError::NotLoopback(address)),
    }
}

/// The origin for links. The unspecified address cannot be connected to, so the loopback address replaces it.
fn origin(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// What every connection needs.
#[derive(Clone)]
struct Service {
    router: Router,
    info: ConnectionInfo,
    header_read_timeout: Duration,
    reply_write_timeout: Duration,
}

async fn accept(
    listener: TcpListener,
    service: Service,
    permits: usize,
    closed: watch::Receiver<bool>,
) {
    let mut stop = closed.clone();
    let permits = Arc::new(Semaphore::new(permits));
    // Dropping the set aborts its tasks, so nothing outlives this function.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        tokio::select! {
            biased;
            () = until_closed(&mut stop) => break,
            (accepted, permit) = accepted => match accepted {
                Ok((stream, _)) => {
                    let (service, closed) = (service.clone(), closed.clone());
                    connections.spawn(async move {
                        connection(stream, service, closed).await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _in_time = tokio::time::timeout(SHUTDOWN_DEADLINE, all).await;
}

async fn until_closed(closed: &mut watch::Receiver<bool>) {
    // An error means that the sender was dropped, which closes too.
    let _ = closed.wait_for(|closing| *closing).await;
}

async fn connection(stream: TcpStream, service: Service, mut closed: watch::Receiver<bool>) {
    // Replies are written whole; waiting for more to send only adds latency.
    let _ = stream.set_nodelay(true);
    let Service {
        router,
        info,
        header_read_timeout,
        reply_write_timeout,
    } = service;
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(reply_write_timeout));
    let closing = Closing(closed.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(info.clone());
        request.extensions_mut().insert(closing.clone());
        let router = router.clone();
        async move {
            let response: Result<Response, Infallible> = if names_one_host(&request) {
                router.oneshot(request).await
            } else {
                Ok(host_missing())
            };
            response
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_read_timeout)
        // A caller that has shut down its writing side still gets its reply.
        .half_close(true)
        .max_buf_size(HEADER_BYTES)
        // A buffer grows past its limit by what one read brings.
        .max_header_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut connection = std::pin::pin!(connection);
    // Errors of a connection are ignored: hyper has sent what could be sent.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = until_closed(&mut closed) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// RFC 9112, 3.2: HTTP/1.1 needs exactly one `host`.
fn names_one_host<B>(request: &Request<B>) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11)
}

fn host_missing() -> Response {
    let body = Json::Object(vec![("sandbox", "HTTP/1.1 needs one host header".into())]);
    Reply::json(StatusCode::BAD_REQUEST.as_u16(), &body).into_response()
}
