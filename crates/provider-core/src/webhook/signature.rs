//! A signature in one header, for providers whose documents leave its form open.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};

use super::refusal::Refusal;
use super::scheme::{Authentic, only_header};
use super::secrets::{Secrets, Signed, Tag};

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// 64 hexadecimal digits of either case.
    Hex,
    /// Base64 with its padding.
    Base64,
}

impl Encoding {
    /// Reads 32 bytes, and nothing else: no white space, no other length.
    ///
    /// # Errors
    ///
    /// [`Refusal::MalformedSignature`].
    pub fn decode(self, text: &[u8]) -> Result<Tag, Refusal> {
        let mut tag = Tag::default();
        match self {
            Self::Hex => hex::decode_to_slice(text, &mut tag).ok(),
            Self::Base64 => {
                let bytes = STANDARD.decode(text).ok();
                let bytes: Option<Tag> = bytes.and_then(|bytes| bytes.try_into().ok());
                bytes.map(|bytes| tag = bytes)
            }
        }
        .map(|()| tag)
        .ok_or(Refusal::MalformedSignature)
    }

    /// Writes a signature.
    pub fn encode(self, tag: &Tag) -> String {
        match self {
            Self::Hex => hex::encode(tag),
            Self::Base64 => STANDARD.encode(tag),
        }
    }
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedText {
    /// The raw body.
    Body,
    /// The time as it stands in its own header, a separator, and the raw body. The time bounds how long a webhook that somebody
    /// recorded can be sent again.
    TimeAndBody {
        /// The header of the time: seconds or milliseconds since 1970, or ISO 8601 with a zone.
        header: HeaderName,
        /// What stands between the time and the body.
        separator: String,
        /// How far the time may be from this machine's, in both directions.
        tolerance: SignedDuration,
    },
}

/// An HMAC-SHA256 in one header. Nothing of its form has a default.
#[derive(Clone)]
pub struct HeaderSignature {
    header: HeaderName,
    prefix: String,
    encoding: Encoding,
    text: SignedText,
    secrets: Secrets,
}

impl HeaderSignature {
    /// A signature in this header, in this encoding, over this text, by one of these secrets.
    pub fn new(
        header: HeaderName,
        encoding: Encoding,
        text: SignedText,
        secrets: impl Into<Secrets>,
    ) -> Self {
        Self {
            header,
            prefix: String::new(),
            encoding,
            text,
            secrets: secrets.into(),
        }
    }

    /// What has to stand before the signature in its header, such as `sha256=`.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Whether there is a secret.
    pub fn is_configured(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Checks the signature, and only then the time, which nobody can have changed.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: unconfigured, missing, repeated, malformed, mismatch, expired secret, too old, from the future.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Authentic, Refusal> {
        if !self.is_configured() {
            return Err(Refusal::Unconfigured);
        }
        let header = only_header(headers, &self.header)?.ok_or(Refusal::MissingSignature)?;
        let written = header.as_bytes().strip_prefix(self.prefix.as_bytes());
        let tag = self
            .encoding
            .decode(written.ok_or(Refusal::MalformedSignature)?)?;
        let (before, window) = match &self.text {
            SignedText::Body => (Vec::new(), None),
            SignedText::TimeAndBody {
                header,
                separator,
                tolerance,
            } => {
                let time = only_header(headers, header)?.ok_or(Refusal::MalformedTime)?;
                let before = [time.as_bytes(), separator.as_bytes()].concat();
                let time = time.to_str().ok().and_then(parse_time);
                let time = time.ok_or(Refusal::MalformedTime)?;
                (before, Some((time, *tolerance)))
            }
        };
        let secret = self
            .secrets
            .verify(Signed::after(&before, body), &tag, now)?;
        match window {
            Some((time, tolerance)) if now.duration_since(time) > tolerance => Err(Refusal::TooOld),
            Some((time, tolerance)) if time.duration_since(now) > tolerance => {
                Err(Refusal::FromTheFuture)
            }
            _ => Ok(Authentic { secret }),
        }
    }
}

/// Prints no secret.
impl fmt::Debug for HeaderSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderSignature")
            .field("header", &self.header)
            .field("encoding", &self.encoding)
            .field("text", &self.text)
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

/// Seconds or milliseconds since 1970, without a sign, or ISO 8601 with a zone.
fn parse_time(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    match text.len() {
        1..=11 => Timestamp::from_second(text.parse().ok()?).ok(),
        12..=14 => Timestamp::from_millisecond(text.parse().ok()?).ok(),
        _ => None,
    }
}
