//! Connections to the command: what it receives itself.

use std::convert::Infallible;
use std::time::Duration;

use hyper::Response;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kyc_facade::provider_core::http::Request;
use kyc_facade::provider_core::webhook::http_body::Body;
use tokio::net::TcpListener;

/// How long the head of a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers each request to this socket, until it is dropped.
pub(crate) async fn answer_each<A, F, B>(socket: TcpListener, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            // Out of file descriptors, for example.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answered = answer(request);
            async move { Ok::<_, Infallible>(answered.await) }
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
