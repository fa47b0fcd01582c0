//! One attempt of a call.

use jiff::Timestamp;

/// What a provider may use to sign one attempt. Made anew for every attempt, after the pause before it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// The wall clock at the start of this attempt.
    pub now: Timestamp,
    /// 128 random bits of this attempt's own.
    pub nonce: u128,
}

impl Attempt {
    /// An attempt, for tests of [`Endpoint::request`] and [`Provider::authorize`].
    pub fn new(number: u32, now: Timestamp, nonce: u128) -> Self {
        Self { number, now, nonce }
    }
}
