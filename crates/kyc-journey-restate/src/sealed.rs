//! What Restate is given of a body: only what a sealer made.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kyc_journey::{
    Bodies, DataClass, Effect, EffectId, EngineError, EngineErrorKind, EventKey, JourneyId, Lookup,
    Payload, Place, Sealer,
};
use restate_sdk::serde::{InputMetadata, OutputMetadata, PayloadMetadata};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sealed body. Only [`Seal`] makes one, so that nothing else can become a value in Restate; in JSON it is base64.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed(Bytes);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text);
        bytes
            .map(|bytes| Self(bytes.into()))
            .map_err(|_| D::Error::custom("it is not base64"))
    }
}

impl restate_sdk::serde::Serialize for Sealed {
    type Error = std::convert::Infallible;

    fn serialize(&self) -> Result<Bytes, Self::Error> {
        Ok(self.0.clone())
    }
}

impl restate_sdk::serde::Deserialize for Sealed {
    type Error = std::convert::Infallible;

    fn deserialize(bytes: &mut Bytes) -> Result<Self, Self::Error> {
        Ok(Self(bytes.clone()))
    }
}

impl PayloadMetadata for Sealed {
    fn json_schema() -> Option<serde_json::Value> {
        None
    }

    fn input_metadata() -> InputMetadata {
        Vec::<u8>::input_metadata()
    }

    fn output_metadata() -> OutputMetadata {
        Vec::<u8>::output_metadata()
    }
}

/// A payload, sealed, with the class by which it is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedPayload {
    pub(crate) class: DataClass,
    pub(crate) body: Sealed,
}

/// Makes and reads [`Sealed`] bodies.
#[derive(Debug, Clone)]
pub(crate) struct Seal(Bodies);

impl Seal {
    pub(crate) fn new(sealer: Arc<dyn Sealer>) -> Self {
        Self(Bodies::new(sealer))
    }

    pub(crate) fn seal(
        &self,
        place: &Place<'_>,
        body: &impl Serialize,
    ) -> Result<Sealed, EngineError> {
        Ok(Sealed(self.0.seal(place, body)?.into()))
    }

    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        place: &Place<'_>,
        sealed: &Sealed,
    ) -> Result<T, EngineError> {
        self.0.open(place, &sealed.0)
    }

    /// `None` if it does not open, which is logged.
    pub(crate) fn open_effect(
        &self,
        id: &EffectId,
        sealed: &Sealed,
    ) -> Result<Option<Effect>, EngineError> {
        self.0.open_effect(id, &sealed.0)
    }

    pub(crate) fn seal_payload(
        &self,
        place: &Place<'_>,
        payload: &Payload,
    ) -> Result<SealedPayload, EngineError> {
        Ok(SealedPayload {
            class: payload.class,
            body: self.seal(place, payload)?,
        })
    }

    /// `None` if its person was erased.
    pub(crate) fn open_payload(
        &self,
        place: &Place<'_>,
        sealed: &Sealed,
    ) -> Result<Option<Payload>, EngineError> {
        self.0.open_payload(place, &sealed.0)
    }

    /// The digest of an event's key, in hexadecimal.
    pub(crate) fn key(&self, key: &EventKey) -> String {
        hexadecimal(self.0.key(key))
    }

    /// The digest of what a report is found by, in hexadecimal.
    pub(crate) fn lookup(&self, lookup: &Lookup) -> String {
        hexadecimal(self.0.lookup(lookup))
    }
}

fn hexadecimal(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the body of an event stands on its way to its journey: it has no number yet.
pub(crate) const fn arriving(journey: &JourneyId) -> Place<'_> {
    Place::history(journey, kyc_journey::Seq::ZERO)
}

/// Where the payload of an event stands on its way to its journey.
pub(crate) const fn arriving_payload(journey: &JourneyId, class: DataClass) -> Place<'_> {
    Place::payload(journey, kyc_journey::Seq::ZERO, class)
}

pub(crate) fn corrupt() -> EngineError {
    EngineError::new(EngineErrorKind::Corrupt)
}
