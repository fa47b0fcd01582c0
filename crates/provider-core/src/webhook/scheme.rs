//! What a provider's crate brings.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::Deserialize;

use super::event_key::EventKey;
use super::refusal::{Refusal, Unreadable};
use crate::wire::lenient::Object;
use crate::wire::{DecodeError, decode_plain};

/// How one provider signs its webhooks, and what they say. Pure: no IO, and no clock of its own.
///
/// Nothing here has a default: what a scheme does not check is visible in its source.
pub trait Scheme: fmt::Debug + Send + Sync + 'static {
    /// The provider's name, as in `Provider::NAME`.
    const PROVIDER: &'static str;

    /// What a webhook says.
    type Event: fmt::Debug + Send + 'static;

    /// Whether there is a secret. Without one the receiver refuses everything.
    fn is_configured(&self) -> bool;

    /// Checks that the raw bytes are authentic and meant for this receiver, before anything of them is parsed.
    ///
    /// # Errors
    ///
    /// [`Refusal`], each cause its own.
    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Authentic, Refusal>;

    /// The key by which a verified webhook that comes again is recognised. Two events that differ must differ in it: what is
    /// taken for a repeat is lost.
    fn key(body: &[u8]) -> EventKey;

    /// Reads a verified webhook. An unknown kind is an event, too.
    ///
    /// # Errors
    ///
    /// [`Unreadable`]: not JSON, or without a member that its kind needs.
    fn parse(body: &[u8]) -> Result<Self::Event, Unreadable>;

    /// Whether the event is of a kind that is known here. Another one is handled like any, and logged.
    fn is_known(event: &Self::Event) -> bool;
}

/// How a webhook was found authentic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Authentic {
    /// The position of the secret that matched, from 0: the first is the current one.
    pub secret: usize,
}

/// The value of a header that may come once.
///
/// # Errors
///
/// [`Refusal::RepeatedHeader`], even if the values agree: implementations differ in which one they use.
pub fn only_header<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Refusal::RepeatedHeader),
    }
}

/// Reads a verified webhook that is a JSON object; for [`Scheme::parse`]. A byte order mark before it is accepted.
///
/// # Errors
///
/// [`Unreadable`] with the place and the category, never the value.
pub fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    let read: Result<Object<T>, DecodeError> = decode_plain(&HeaderMap::new(), body);
    Ok(read?.0)
}
