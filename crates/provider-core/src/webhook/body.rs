//! Reads a webhook's body: with a cap and a deadline of our own, whatever the framework does.

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, Method, Request};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError};
use tokio::time::{Instant, timeout_at};

use super::deadline::after;
use super::diagnosis::announced;
use super::refusal::Refusal;
use super::seen::BoxError;
use crate::transport::ResponseBody;

/// Reads the body of a POST, for what is received without a signature: at most `max_bytes`, within this time. Of a signed
/// webhook a [`Receiver`](super::Receiver) reads it.
///
/// # Errors
///
/// [`Refusal::Method`], [`Refusal::TooLarge`] as soon as the head announces more or more has arrived, [`Refusal::TooSlow`], and
/// [`Refusal::Incomplete`] if it ends early.
pub async fn read_post<B>(
    request: Request<B>,
    max_bytes: usize,
    within: Duration,
) -> Result<Bytes, Refusal>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let deadline = after(Instant::now(), within);
    let (head, body) = request.into_parts();
    match head.method {
        Method::POST => read_body(&head.headers, body, max_bytes, deadline).await,
        _ => Err(Refusal::Method),
    }
}

/// Reads a body of at most `max_bytes` until the deadline. Nothing is decompressed or decoded.
pub(super) async fn read_body<B>(
    headers: &HeaderMap,
    body: B,
    max_bytes: usize,
    deadline: Instant,
) -> Result<Bytes, Refusal>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let announced = body.size_hint().exact().or_else(|| announced(headers));
    let too_large = |_| Refusal::TooLarge;
    let mut read = ResponseBody::new(max_bytes, announced).map_err(too_large)?;
    let reading = async {
        let mut body = pin!(body);
        while let Some(frame) = body.as_mut().frame().await {
            let frame = frame.map_err(|error| broken(&*error.into()))?;
            // Trailers are no part of what is signed.
            if let Ok(mut piece) = frame.into_data() {
                // Before it is copied.
                let piece = match piece.remaining() {
                    length if length > max_bytes => return Err(Refusal::TooLarge),
                    length => piece.copy_to_bytes(length),
                };
                read.push(piece).map_err(too_large)?;
            }
        }
        Ok(())
    };
    let done = timeout_at(deadline, reading).await;
    done.map_err(|_| Refusal::TooSlow)??;
    Ok(read.into_bytes())
}

/// A layer's own limit is a limit, too.
fn broken(error: &(dyn Error + 'static)) -> Refusal {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return Refusal::TooLarge;
        }
        cause = error.source();
    }
    Refusal::Incomplete
}
