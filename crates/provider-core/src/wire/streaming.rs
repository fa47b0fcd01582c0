//! How a body that comes piece by piece is verified.

use std::fmt;

use super::verified::{Authenticity, VerificationError};

/// What vouches for a reply whose body is not kept in memory. A provider answers it from the head alone, see
/// [`Provider::verify_stream`](crate::Provider::verify_stream).
pub enum StreamVerification {
    /// Only whole replies can be verified: the client reads the body up to the operation's limit and asks
    /// [`Provider::verify`](crate::Provider::verify), before a byte is stored.
    Whole,
    /// TLS alone: the provider signs nothing, or this reply is accepted without a signature.
    Unsigned,
    /// A signature over the body, which is fed to this verifier as it comes.
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

/// Checks one body piece by piece. However it is cut, the result is the one of
/// [`Provider::verify`](crate::Provider::verify) for the whole.
pub trait BodyVerifier: Send {
    /// Takes the next piece of the body, byte for byte as it came.
    fn update(&mut self, piece: &[u8]);

    /// Decides about the whole, after the last piece. Until then nothing of the body is handed over.
    ///
    /// # Errors
    ///
    /// [`VerificationError`]; what was stored is removed.
    fn finish(self: Box<Self>) -> Result<Authenticity, VerificationError>;
}
