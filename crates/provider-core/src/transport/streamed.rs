//! A response whose body is read piece by piece.

use std::collections::VecDeque;
use std::fmt;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::wire::{RawResponse, ReplyHead, begins_like_json};
use crate::wire::{TransportError, TransportErrorKind};

/// The body of a [`StreamedResponse`]. Dropping it before its end closes the connection.
#[async_trait]
pub trait ReplyBody: Send {
    /// Returns the next piece, byte for byte as received; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`TransportError`], as [`Transport::send`](crate::Transport::send) returns it for the body.
    async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError>;
}

/// The result of [`Transport::open`](crate::Transport::open): the head, and a body that has not been read.
pub struct StreamedResponse {
    head: ReplyHead,
    announced: Option<u64>,
    limit: usize,
    taken: usize,
    /// Pieces that were looked at, and are next.
    ahead: VecDeque<Bytes>,
    body: Box<dyn ReplyBody>,
}

impl StreamedResponse {
    /// How much white space before JSON is believed.
    const MAX_WHITE_SPACE: usize = 64 * 1024;

    /// A response whose body comes from `body` and has the length `announced`, if the peer says one.
    pub fn new(head: ReplyHead, announced: Option<u64>, body: impl ReplyBody + 'static) -> Self {
        Self {
            head,
            announced,
            limit: usize::MAX,
            taken: 0,
            ahead: VecDeque::new(),
            body: Box::new(body),
        }
    }

    /// The same response with its body limited to `bytes`; a smaller limit is kept.
    #[must_use]
    pub fn limited_to(mut self, bytes: usize) -> Self {
        self.limit = self.limit.min(bytes);
        self
    }

    /// Status and headers.
    pub fn head(&self) -> &ReplyHead {
        &self.head
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// The body is incomplete, or it, or its announced length, is over the limit.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        match self.ahead.pop_front() {
            Some(piece) => Ok(Some(piece)),
            None => self.new_piece().await,
        }
    }

    /// The next piece that has not been looked at.
    async fn new_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        if self
            .announced
            .is_some_and(|length| length > self.limit as u64)
        {
            return Err(TransportError::body_over(self.limit));
        }
        if self.announced == Some(self.taken as u64) {
            return Ok(None);
        }
        let Some(piece) = self.body.next_piece().await? else {
            return match self.announced {
                Some(_) => Err(TransportError::new(TransportErrorKind::Interrupted)),
                None => Ok(None),
            };
        };
        if piece.len() > self.limit.saturating_sub(self.taken) {
            return Err(TransportError::body_over(self.limit));
        }
        self.taken = self.taken.saturating_add(piece.len());
        Ok(Some(piece))
    }

    /// Whether the body begins like JSON. It stays as it is.
    pub(crate) async fn begins_like_json(&mut self) -> Result<bool, TransportError> {
        while self.taken <= Self::MAX_WHITE_SPACE {
            let Some(piece) = self.new_piece().await? else {
                break;
            };
            let answer = begins_like_json(&piece);
            self.ahead.push_back(piece);
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
        Ok(false)
    }

    /// The whole response, put together.
    ///
    /// # Errors
    ///
    /// As for [`next_piece`](Self::next_piece).
    pub async fn collect(mut self) -> Result<RawResponse, TransportError> {
        let mut body = BytesMut::new();
        while let Some(piece) = self.next_piece().await? {
            if body.is_empty() && self.announced == Some(piece.len() as u64) {
                return Ok(RawResponse::from_parts(self.head, piece));
            }
            body.extend_from_slice(&piece);
        }
        Ok(RawResponse::from_parts(self.head, body.freeze()))
    }

    /// The response with the first `most` bytes of its body: a hint for an error. The rest is not read.
    pub(crate) async fn beginning(mut self, most: usize) -> Result<RawResponse, TransportError> {
        self.limit = usize::MAX;
        let mut body = BytesMut::new();
        while body.len() < most
            && let Some(piece) = self.next_piece().await?
        {
            let room = most.saturating_sub(body.len()).min(piece.len());
            body.extend_from_slice(piece.get(..room).unwrap_or_default());
        }
        Ok(RawResponse::from_parts(self.head, body.freeze()))
    }

    /// The head alone.
    pub(crate) fn into_head(self) -> ReplyHead {
        self.head
    }
}

impl From<RawResponse> for StreamedResponse {
    /// A complete response, as one piece.
    fn from(response: RawResponse) -> Self {
        let (head, body) = response.into_parts();
        Self::new(head, Some(body.len() as u64), Whole(Some(body)))
    }
}

impl fmt::Debug for StreamedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedResponse")
            .field("head", &self.head)
            .field("announced", &self.announced)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

struct Whole(Option<Bytes>);

#[async_trait]
impl ReplyBody for Whole {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        Ok(self.0.take())
    }
}
