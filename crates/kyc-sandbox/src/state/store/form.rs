//! The forms in which some values are kept.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Word;

/// How many different words there are at most, and how long one is: the sandbox has some hundreds.
const WORDS: usize = 10_000;
const WORD_BYTES: usize = 1_000;

/// Reads a word of the sandbox's own. Each is in memory once, and for good.
pub(crate) fn word<'de, D: Deserializer<'de>>(reader: D) -> Result<Word, D::Error> {
    static KNOWN: Mutex<BTreeSet<Word>> = Mutex::new(BTreeSet::new());

    let word = String::deserialize(reader)?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(word.as_str()) {
        return Ok(known);
    }
    if known.len() >= WORDS || word.len() > WORD_BYTES {
        return Err(D::Error::custom("no word of the sandbox's"));
    }
    let word: Word = Box::leak(word.into_boxed_str());
    known.insert(word);
    Ok(word)
}

/// Reads two words, or none.
pub(crate) fn words<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<Option<(Word, Word)>, D::Error> {
    #[derive(Deserialize)]
    struct Read(#[serde(deserialize_with = "word")] Word);

    let read = Option::<(Read, Read)>::deserialize(reader)?;
    Ok(read.map(|(first, second)| (first.0, second.0)))
}

/// Bytes as base64.
pub(crate) mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, writer: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(bytes).serialize(writer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(reader)?;
        STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(D::Error::custom)
    }
}

/// An HTTP status as its number.
pub(crate) mod status {
    use http::StatusCode;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        status: &StatusCode,
        writer: S,
    ) -> Result<S::Ok, S::Error> {
        status.as_u16().serialize(writer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        reader: D,
    ) -> Result<StatusCode, D::Error> {
        StatusCode::from_u16(u16::deserialize(reader)?).map_err(D::Error::custom)
    }
}
