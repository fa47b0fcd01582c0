//! How a streamed body is verified.

use std::fmt;

use super::verified::{Authenticity, VerificationError};

/// How a reply with a streamed body is authenticated. A provider returns it from the head alone, see
/// [`Provider::verify_stream`](crate::Provider::verify_stream).
pub enum StreamVerification {
    /// Only whole replies can be verified: the client reads the body up to the operation's limit and calls
    /// [`Provider::verify`](crate::Provider::verify) before a byte is stored.
    Whole,
    /// TLS alone: the provider signs nothing, or this reply is accepted without a signature.
    Unsigned,
    /// A signature over the body, which is fed to this verifier as it arrives.
    Incremental(Box<dyn BodyVerifier>),
}

impl fmt::Debug for StreamVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "Whole",
            Self::Unsigned => "Unsigned",
            Self::Incremental(_) => "Incremental(…)",
        })
    }
}

/// Verifies one body piece by piece. However it is split, the result equals that of
/// [`Provider::verify`](crate::Provider::verify) for the whole.
pub trait BodyVerifier: Send {
    /// Receives the next piece of the body, byte for byte.
    fn update(&mut self, piece: &[u8]);

    /// Decides about the whole body, after the last piece. Until then, nothing of the body is committed.
    ///
    /// # Errors
    ///
    /// [`VerificationError`]; the stored bytes are removed.
    fn finish(self: Box<Self>) -> Result<Authenticity, VerificationError>;
}
