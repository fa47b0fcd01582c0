//! The version of what is stored.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version of a stored form: written as this crate's, and one of a newer crate is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Schema;

impl Schema {
    /// The version that this crate writes, and the newest one that it reads.
    pub(crate) const CURRENT: u32 = 1;
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(Self::CURRENT)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            1..=Self::CURRENT => Ok(Self),
            _ => Err(D::Error::custom(
                "the schema is not one that this version reads",
            )),
        }
    }
}
