//! What journeys, their events and their effects are called.

use std::fmt;

use provider_core::InvalidRequest;
use serde::{Deserialize, Serialize};

use super::leg::Leg;

provider_core::opaque_id! {
    /// The name of a receipt of the consent ledger.
    pub struct ReceiptId("receipt");

    /// The key of an event, unique within its journey: the same event has the same key, however often it is submitted.
    pub struct EventKey("key");
}

/// The name of a journey: 1 to 64 letters, digits, `-` and `_`. Make it of random bits, so that nothing about the person stands
/// in keys, logs and addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JourneyId(String);

impl JourneyId {
    /// Reads an id.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 64 characters, or has another character.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match matches!(text.len(), 1..=64) && text.bytes().all(is_allowed) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidRequest::new(
                "journey",
                "must be 1 to 64 letters, digits, hyphens or underscores",
            )),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of these random bits, as 32 hexadecimal digits.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }
}

impl Serialize for JourneyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

provider_core::text_input! { JourneyId, "journey" }

impl fmt::Display for JourneyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EventKey {
    /// The result of an effect: its answer or its failure.
    pub fn answer(effect: &EffectId) -> Self {
        Self(format!("answer:{effect}"))
    }

    /// The interruption of an effect: it has a key of its own, because the answer may still come.
    pub fn interrupted(effect: &EffectId) -> Self {
        Self(format!("interrupted:{effect}"))
    }

    /// A timer that fired.
    pub fn timer(timer: &impl fmt::Display, generation: u64) -> Self {
        Self(format!("timer:{timer}:{generation}"))
    }

    /// A webhook, by the digest of its body.
    pub fn hook(provider: &str, digest: &[u8; 32]) -> Self {
        Self(format!("hook:{provider}:{}", hex(digest)))
    }

    /// The provider of a webhook, as [`hook`](Self::hook) was given it; `None` if the event is something else.
    pub fn hook_provider(&self) -> Option<&str> {
        let (provider, _) = self.0.strip_prefix("hook:")?.split_once(':')?;
        Some(provider)
    }

    /// Something that a person did, by the digest of the correlation token and of everything that came with it. The token itself
    /// opens the journey's addresses, so it stands in no key.
    pub fn person(digest: &[u8; 32]) -> Self {
        Self(format!("person:{}", hex(digest)))
    }

    /// A command, by the caller's own key for it.
    ///
    /// # Errors
    ///
    /// The key is longer than 500 bytes or has a control character.
    pub fn command(key: &str) -> Result<Self, InvalidRequest> {
        Self::parse(format!("command:{key}"))
    }
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The number of an event within its journey, from 1. Every event that is recorded has one, whatever its verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The number as stored.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identity of an effect: its journey, the event that caused it, and its place among the effects of that event. It depends on
/// nothing else, so that an effect keeps it over every restart and in every store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// The journey.
    pub journey: JourneyId,
    /// The event that caused it.
    pub seq: Seq,
    /// Its place among the effects of that event, from 0.
    pub ordinal: u32,
}

/// `<journey>/<seq>/<ordinal>`.
impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.journey, self.seq, self.ordinal)
    }
}

/// 128 random bits that every request which opens something at a provider carries, so that what the provider reports later finds
/// the journey even if the reply was lost. Who has it can report in the provider's place: `Debug` does not print it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CorrelationToken(u128);

impl CorrelationToken {
    /// The token of these random bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Reads 32 lower-case hexadecimal digits.
    ///
    /// # Errors
    ///
    /// It is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let bits = match text.len() == 32 && text.bytes().all(is_digit) {
            true => u128::from_str_radix(text, 16).ok(),
            false => None,
        };
        bits.map(Self)
            .ok_or_else(|| InvalidRequest::new("token", "must be 32 lower-case hexadecimal digits"))
    }

    /// The token as text: 32 hexadecimal digits.
    pub fn expose(&self) -> String {
        format!("{:032x}", self.0)
    }
}

impl fmt::Debug for CorrelationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CorrelationToken(***)")
    }
}

impl Serialize for CorrelationToken {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

provider_core::text_input! { CorrelationToken, "token" }

/// What an opening request carries: the journey's token, the leg and its attempt. The attempt tells what a replaced session reports
/// from what the current one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Correlation {
    /// The journey's token.
    pub token: CorrelationToken,
    /// The leg.
    pub leg: Leg,
    /// The leg's attempt, from 1.
    pub attempt: u32,
}

impl Correlation {
    /// Reads what [`expose`](Self::expose) writes.
    ///
    /// # Errors
    ///
    /// It is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let invalid =
            || InvalidRequest::new("correlation", "must be a token, a leg and an attempt");
        let mut parts = text.splitn(3, '-');
        let token = parts.next().ok_or_else(invalid)?;
        let leg = parts.next().ok_or_else(invalid)?;
        let attempt = parts.next().ok_or_else(invalid)?;
        let is_number = !attempt.starts_with('0') && attempt.bytes().all(|b| b.is_ascii_digit());
        Ok(Self {
            token: CorrelationToken::parse(token)?,
            leg: leg.parse()?,
            attempt: match is_number {
                true => attempt.parse().map_err(|_| invalid())?,
                false => return Err(invalid()),
            },
        })
    }

    /// The text by which a person recognises a request among a provider's, without the token: `<its first 8 digits>…-<leg>-<attempt>`.
    pub fn abbreviated(&self) -> String {
        let token = self.token.expose();
        let beginning = token.get(..8).unwrap_or_default();
        format!("{beginning}…-{}-{}", self.leg.as_str(), self.attempt)
    }

    /// The text for a path, a `vendorData` or an `accountID`: `<token>-<leg>-<attempt>`, letters, digits and hyphens.
    pub fn expose(&self) -> String {
        format!(
            "{}-{}-{}",
            self.token.expose(),
            self.leg.as_str(),
            self.attempt
        )
    }
}
