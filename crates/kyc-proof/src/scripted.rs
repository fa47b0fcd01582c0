//! The output of calls that have nothing to wait for. They need neither a runtime nor a socket.

use std::future::IntoFuture;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The output of a future that has nothing to wait for.
///
/// # Panics
///
/// It waits for something.
pub fn ready<F: IntoFuture>(future: F) -> F::Output {
    let mut future = pin!(future.into_future());
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
    .expect("a future that is ready")
}
