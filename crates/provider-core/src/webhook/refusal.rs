//! Why a webhook is refused.

use http::StatusCode;

use crate::wire::DecodeError;

/// Why a webhook was refused: nothing was parsed, and nothing is changed.
///
/// [`status`](Self::status) is what the sender is answered, without the reason, which is for this side's log only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The receiver has no secret, so nothing can be verified. The sender tries again, so that nothing is lost once there is one.
    #[error("the receiver has no secret")]
    Unconfigured,
    /// No signature where the provider sends one. A proxy may have dropped or renamed the header.
    #[error("the webhook carries no signature")]
    MissingSignature,
    /// A signature of another form: a prefix, white space, another length, another alphabet.
    #[error("the webhook's signature is malformed")]
    MalformedSignature,
    /// A header of the signature, or of whom the webhook is for, came more than once, with equal values or not.
    #[error("a signature header came more than once")]
    RepeatedHeader,
    /// Several headers that should agree and do not.
    #[error("the webhook's signature headers disagree")]
    ConflictingHeaders,
    /// No configured secret produces this signature over these bytes: a forgery, another secret, or bytes that were changed
    /// on the way here.
    #[error("no secret matches the webhook's signature{}", .0.map_or("", MismatchCause::text))]
    Mismatch(Option<MismatchCause>),
    /// A secret produces it whose end has passed: the sender was not switched to the new one in time.
    #[error("the secret that matches the webhook's signature has expired")]
    ExpiredSecret,
    /// It is addressed to another client: another API key, another app.
    #[error("the webhook is addressed to another client")]
    OtherClient,
    /// It is addressed to another integration of the same client.
    #[error("the webhook is addressed to another integration")]
    OtherIntegration,
    /// No time where the provider signs one, or one that cannot be read.
    #[error("the webhook's time is missing or malformed")]
    MalformedTime,
    /// It was signed longer ago than is tolerated: late, or replayed.
    #[error("the webhook was signed too long ago")]
    TooOld,
    /// It was signed further in the future than is tolerated: one of the two clocks is wrong.
    #[error("the webhook was signed in the future")]
    FromTheFuture,
    /// The body is over the cap. Nothing after the cap was read.
    #[error("the webhook's body is over the cap")]
    TooLarge,
    /// The body did not arrive within the deadline.
    #[error("the webhook's body did not arrive in time")]
    TooSlow,
    /// The body ended early, or its framing is broken.
    #[error("the webhook's body is incomplete")]
    Incomplete,
    /// The body is empty although one was announced: a layer before the receiver has read it. Put the receiver before it.
    #[error("the body was read before it reached the receiver")]
    BodyConsumed,
    /// Not a POST.
    #[error("a webhook is a POST")]
    Method,
    /// The receiver's own self-test, see [`Receiver::self_test`](super::Receiver::self_test).
    #[error("it is the receiver's self-test")]
    SelfTest,
    /// The path's token is missing or another one.
    #[error("the path's token does not match")]
    WrongToken,
}

impl Refusal {
    /// The status of the answer. The sender is told no reason.
    pub fn status(self) -> StatusCode {
        match self {
            // The fault is on this side: the sender tries again.
            Self::Unconfigured | Self::BodyConsumed => StatusCode::SERVICE_UNAVAILABLE,
            Self::MissingSignature
            | Self::MalformedSignature
            | Self::RepeatedHeader
            | Self::ConflictingHeaders
            | Self::Mismatch(_)
            | Self::ExpiredSecret
            | Self::OtherClient
            | Self::OtherIntegration
            | Self::MalformedTime
            | Self::TooOld
            | Self::FromTheFuture => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::SelfTest => StatusCode::OK,
            // As if there were nothing here.
            Self::WrongToken => StatusCode::NOT_FOUND,
        }
    }
}

/// What probably changed the bytes, if the signature shows it: what was signed was found by undoing the change. The webhook is
/// refused all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MismatchCause {
    /// White space at the end was added or trimmed, such as a newline.
    TrailingWhitespace,
    /// White space between the members was added: the JSON was parsed and printed again.
    Reformatted,
    /// A byte order mark was put before the body.
    ByteOrderMark,
    /// The body arrived as base64, as some serverless platforms hand it on.
    Base64,
    /// The key is the secret's text on one side and what it decodes to on the other.
    KeyForm,
    /// The body's length is not the announced one.
    Length,
    /// The head names a content encoding: the body was compressed or decompressed on the way.
    ContentEncoding,
    /// The body is empty.
    Empty,
}

impl MismatchCause {
    fn text(self) -> &'static str {
        match self {
            Self::TrailingWhitespace => ": white space at the body's end was added or trimmed",
            Self::Reformatted => ": the body was parsed and printed again",
            Self::ByteOrderMark => ": a byte order mark was added",
            Self::Base64 => ": the body arrived as base64",
            Self::KeyForm => {
                ": one side keys with the secret's text, the other with what it decodes to"
            }
            Self::Length => ": the body's length is not the announced one",
            Self::ContentEncoding => ": the body was compressed or decompressed on the way",
            Self::Empty => ": the body is empty; it was sent so, or read before",
        }
    }
}

/// An authentic webhook that cannot be read: keep its bytes, answer 200, and report the place. The sender would send the same
/// bytes again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the webhook is authentic and cannot be read")]
pub struct Unreadable(#[from] DecodeError);

impl Unreadable {
    /// The place and the category, never a value.
    pub fn decode(&self) -> &DecodeError {
        &self.0
    }
}
