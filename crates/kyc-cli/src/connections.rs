//! Connections to the command: what it receives itself.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use hyper::Response;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kyc_facade::provider_core::http::Request;
use kyc_facade::provider_core::webhook::http_body::Body;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long the head of a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers each request to this socket until the sender of `end` is dropped. Then the socket is closed, and the connections are
/// given back: each ends once what it has begun is answered, and all of them with the set.
pub(crate) async fn answer_each<A, F, B>(
    socket: TcpListener,
    answer: A,
    mut end: watch::Receiver<()>,
) -> JoinSet<()>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            // Those that have ended are forgotten.
            Some(_) = connections.join_next() => continue,
            _ = end.changed() => return connections,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, for example.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (answer, mut end) = (answer.clone(), end.clone());
        let service = service_fn(move |request| {
            let answered = answer(request);
            async move { Ok::<_, Infallible>(answered.await) }
        });
        connections.spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            let mut served = pin!(http.serve_connection(TokioIo::new(stream), service));
            // What could be answered was.
            tokio::select! {
                _ = served.as_mut() => {}
                _ = end.changed() => {
                    served.as_mut().graceful_shutdown();
                    let _ = served.await;
                }
            }
        });
    }
}
