//! One attempt of a call.

use jiff::Timestamp;

/// The values that a provider may use to sign one attempt. Created for every attempt, after the back-off before it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attempt {
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The wall clock at the start of this attempt.
    pub now: Timestamp,
    /// 128 random bits, different for each attempt.
    pub nonce: u128,
}

impl Attempt {
    /// Creates an attempt, for tests of [`Endpoint::request`](crate::Endpoint::request) and
    /// [`Provider::authorize`](crate::Provider::authorize).
    pub fn new(number: u32, now: Timestamp, nonce: u128) -> Self {
        Self { number, now, nonce }
    }
}
