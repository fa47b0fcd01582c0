//! Reads request bodies, limited in length and time.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::EXPECT;
use http_body_util::BodyExt;
use hyper::body::Body as _;

/// Beyond the limit, up to this many times its length is read and discarded before the reply, because a peer that is still
/// writing often does not see a reply that is followed by a connection reset.
const DISCARD_FACTOR: usize = 32;
/// Of what may be long, less is.
const DISCARD_BYTES: usize = 2 * 1024 * 1024;

/// The whole body, or the HTTP status of the failure. A peer that waits for permission to send a body that is too long gets
/// the refusal instead.
pub(crate) async fn read(
    body: Body,
    limit: usize,
    timeout: Option<Duration>,
    headers: &HeaderMap,
) -> Result<Bytes, u16> {
    let announced = body.size_hint().lower();
    if headers.contains_key(EXPECT) && announced > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(413);
    }
    match timeout {
        None => collect(body, limit).await,
        Some(timeout) => tokio::time::timeout(timeout, collect(body, limit))
            .await
            .unwrap_or(Err(408)),
    }
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, u16> {
    let most = DISCARD_BYTES.max(limit.saturating_mul(2));
    let discarded = limit.saturating_mul(DISCARD_FACTOR).min(most);
    let discarded = u64::try_from(discarded).unwrap_or(u64::MAX);
    if body.size_hint().lower() > discarded {
        return Err(413);
    }
    let mut kept = BytesMut::new();
    let mut length: usize = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(400) };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if u64::try_from(length).unwrap_or(u64::MAX) > discarded {
            break;
        }
    }
    if length > limit {
        Err(413)
    } else {
        Ok(kept.freeze())
    }
}
