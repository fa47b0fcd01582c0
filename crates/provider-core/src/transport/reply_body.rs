//! Collects a body up to a limit: a response's, or a webhook's.

use bytes::{Bytes, BytesMut};
#[cfg(any(feature = "hyper", feature = "reqwest"))]
use http::HeaderMap;

use crate::wire::TransportError;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
use crate::wire::TransportErrorKind;

/// The largest response head, in bytes.
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub(crate) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Refuses a head that is too long. hyper's own limit is that of a buffer, which a single read may exceed.
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub(crate) fn limit_head(headers: &HeaderMap) -> Result<(), TransportError> {
    let length = headers.iter().fold(0_usize, |length, (name, value)| {
        let line = name.as_str().len().saturating_add(value.len());
        length.saturating_add(line).saturating_add(": \r\n".len())
    });
    if length <= MAX_HEAD_BYTES {
        return Ok(());
    }
    Err(
        TransportError::new(TransportErrorKind::TooLarge).with_message(format!(
            "the response head is longer than {MAX_HEAD_BYTES} bytes"
        )),
    )
}

/// The part of a body received so far. A body of a single piece is kept without a copy.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    max_bytes: usize,
    announced: Option<u64>,
    first: Bytes,
    rest: BytesMut,
}

impl ResponseBody {
    /// The largest allocation for announced bytes that have not arrived.
    const MAX_AHEAD_BYTES: usize = 1024 * 1024;

    /// Starts a body of at most `max_bytes`, whose length may have been announced.
    ///
    /// # Errors
    ///
    /// A longer body was announced; nothing of it needs to be read.
    pub(crate) fn new(max_bytes: usize, announced: Option<u64>) -> Result<Self, TransportError> {
        let body = Self {
            max_bytes,
            announced,
            first: Bytes::new(),
            rest: BytesMut::new(),
        };
        match announced {
            Some(length) if length > max_bytes as u64 => Err(TransportError::body_over(max_bytes)),
            _ => Ok(body),
        }
    }

    /// Adds a piece.
    ///
    /// # Errors
    ///
    /// The piece takes the body over the limit.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<(), TransportError> {
        let so_far = self.first.len().max(self.rest.len());
        if piece.len() > self.max_bytes.saturating_sub(so_far) {
            return Err(TransportError::body_over(self.max_bytes));
        }
        if so_far == 0 {
            self.first = piece;
            return Ok(());
        }
        if self.rest.is_empty() {
            // Growing piece by piece would copy the body once more.
            let announced = self.announced.and_then(|length| length.try_into().ok());
            let ahead = announced.unwrap_or(0_usize).min(Self::MAX_AHEAD_BYTES);
            self.rest.reserve(ahead.max(so_far));
            self.rest
                .extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.rest.extend_from_slice(&piece);
        Ok(())
    }

    /// Whether the announced length has arrived; without an announcement, the end of the stream decides.
    #[cfg(any(feature = "hyper", feature = "reqwest"))]
    pub(crate) fn is_whole(&self) -> bool {
        let so_far = self.first.len().max(self.rest.len());
        self.announced == Some(so_far as u64)
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() {
            self.first
        } else {
            self.rest.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(max_bytes: usize, pieces: &[&'static str]) -> Option<Bytes> {
        let mut body = ResponseBody::new(max_bytes, None).unwrap();
        for piece in pieces {
            body.push(Bytes::from_static(piece.as_bytes())).ok()?;
        }
        Some(body.into_bytes())
    }

    #[test]
    fn pieces_are_collected_up_to_the_limit() {
        assert_eq!(collected(3, &[]).unwrap(), "");
        assert_eq!(collected(3, &["abc"]).unwrap(), "abc");
        assert_eq!(collected(3, &["", "a", "", "bc", ""]).unwrap(), "abc");
        assert_eq!(collected(3, &["abcd"]), None);
        assert_eq!(collected(3, &["ab", "cd"]), None);
        assert_eq!(collected(0, &[""]).unwrap(), "");
    }

    #[test]
    fn a_single_piece_is_not_copied() {
        let piece = Bytes::from(vec![b'x'; 100]);
        let mut body = ResponseBody::new(100, Some(100)).unwrap();
        assert!(!body.is_whole());
        body.push(piece.clone()).unwrap();
        assert!(body.is_whole());
        assert_eq!(body.into_bytes().as_ptr(), piece.as_ptr());
    }

    #[test]
    fn the_announced_length_is_allocated_with_the_first_piece() {
        let piece = Bytes::from_static(&[b'x'; 100]);
        let mut body = ResponseBody::new(usize::MAX, Some(1_000)).unwrap();
        body.push(piece.clone()).unwrap();
        assert_eq!(body.rest.capacity(), 0);
        body.push(piece.clone()).unwrap();
        assert!(body.rest.capacity() >= 1_000);
        assert_eq!(body.into_bytes().len(), 200);

        let mut huge = ResponseBody::new(usize::MAX, Some(u64::MAX / 2)).unwrap();
        huge.push(piece.clone()).unwrap();
        huge.push(piece).unwrap();
        assert!(huge.rest.capacity() <= 2 * ResponseBody::MAX_AHEAD_BYTES);
    }

    #[test]
    fn an_announcement_over_the_limit_is_refused() {
        assert!(ResponseBody::new(100, Some(100)).is_ok());
        let error = ResponseBody::new(100, Some(101)).unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::TooLarge);
    }
}
