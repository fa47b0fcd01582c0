//! Randomness from the operating system.

use super::invalid_request::InvalidRequest;

/// 128 random bits.
///
/// # Errors
///
/// The system provides no randomness.
pub(crate) fn random_bits() -> Result<u128, InvalidRequest> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map(|()| u128::from_le_bytes(bytes))
        .map_err(|_| InvalidRequest::new("randomness", "the system provides no randomness"))
}
