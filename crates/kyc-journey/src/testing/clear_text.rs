//! A sealer that seals nothing.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::engine::{BodyKind, Domain, Place, SealError, Sealer};
use crate::values::{JourneyId, Seq};

/// A sealer without a key, for tests: bodies stand in the clear, behind the name of their place, and digests are no secret.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClearText;

impl ClearText {
    fn name(place: &Place<'_>) -> String {
        let Place {
            journey,
            body,
            seq,
            class,
        } = place;
        let journey = journey.map_or("", |journey| journey.as_str());
        let class = class.map_or("", |class| class.as_str());
        format!("{journey}/{}/{seq}/{class}:", body.as_str())
    }
}

impl Sealer for ClearText {
    fn seal(&self, place: &Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = Self::name(place).into_bytes();
        sealed.extend_from_slice(body);
        Ok(sealed)
    }

    fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let body = sealed.strip_prefix(Self::name(place).as_bytes());
        body.map(<[u8]>::to_vec).ok_or(SealError::Altered)
    }

    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        let mut digest = [0; 32];
        for (part, bytes) in (0_u8..).zip(digest.chunks_mut(8)) {
            let mut hasher = DefaultHasher::new();
            (part, domain.as_str(), text).hash(&mut hasher);
            bytes.copy_from_slice(&hasher.finish().to_le_bytes());
        }
        digest
    }
}

/// [`ClearText`] once every person was erased: no payload has a key any more.
#[derive(Debug, Clone, Copy, Default)]
pub struct Erased;

impl Sealer for Erased {
    fn seal(&self, place: &Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        ClearText.seal(place, body)
    }

    fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        match place.class {
            Some(_) => Err(SealError::NoKey),
            None => ClearText.open(place, sealed),
        }
    }

    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        ClearText.digest(domain, text)
    }
}

/// [`ClearText`] once the key of the effects of one event was lost: they do not open, and everything else does.
#[derive(Debug, Clone)]
pub struct LostKey {
    /// The journey.
    pub journey: JourneyId,
    /// The event.
    pub seq: Seq,
}

impl Sealer for LostKey {
    fn seal(&self, place: &Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        ClearText.seal(place, body)
    }

    fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let is_lost = place.body == BodyKind::Effect
            && place.journey == Some(&self.journey)
            && place.seq == self.seq;
        match is_lost {
            true => Err(SealError::NoKey),
            false => ClearText.open(place, sealed),
        }
    }

    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        ClearText.digest(domain, text)
    }
}
