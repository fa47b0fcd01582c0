//! Documents of ours that were written down, each with the version of its form.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;

use super::input::{REQUEST, input_from_json, request_from_value};
use super::lenient::Raw;
use crate::values::InvalidRequest;

/// Reads a document whose member `version` is at most `newest`, from any deserialiser: its members as `T`, and of them what
/// `read` makes. The version is looked at before anything else, because another one may have other members; unknown members are
/// ignored, unless `T` refuses them.
///
/// # Errors
///
/// A newer version, none, or a member that breaks a rule. As of [`request_from_json`](crate::request_from_json) the error names
/// the member and the rule, never a value.
pub fn deserialize_versioned<'de, D, T, U>(
    deserializer: D,
    newest: u32,
    read: impl FnOnce(T) -> Result<U, InvalidRequest>,
) -> Result<U, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    struct Document<F, T> {
        newest: u32,
        read: F,
        members: PhantomData<T>,
    }

    impl<F: FnOnce(T) -> Result<U, InvalidRequest>, T: DeserializeOwned, U> Document<F, T> {
        fn of(self, value: Value) -> Result<U, InvalidRequest> {
            let Self { newest, read, .. } = self;
            of_version(value, newest).and_then(read)
        }
    }

    impl<'de, F, T, U> Visitor<'de> for Document<F, T>
    where
        F: FnOnce(T) -> Result<U, InvalidRequest>,
        T: DeserializeOwned,
    {
        type Value = U;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        /// A part of an input, whose errors name the place that it has there.
        fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<U, D::Error> {
            let value = Value::deserialize(input)?;
            self.of(value).map_err(|error| {
                InvalidRequest::new("document", error.to_string()).into_deserialize_error()
            })
        }

        /// Any other, whose errors repeat values.
        fn visit_newtype_struct<D: Deserializer<'de>>(self, other: D) -> Result<U, D::Error> {
            let Raw(json) = Raw::deserialize(other)?;
            let value = input_from_json(json.as_bytes()).map_err(D::Error::custom)?;
            self.of(value).map_err(D::Error::custom)
        }
    }

    let document = Document {
        newest,
        read,
        members: PhantomData,
    };
    deserializer.deserialize_newtype_struct(REQUEST, document)
}

fn of_version<T: DeserializeOwned>(value: Value, newest: u32) -> Result<T, InvalidRequest> {
    let refused = |rule: String| Err(InvalidRequest::new("version", rule));
    match value.get("version").and_then(Value::as_u64) {
        None | Some(0) if value.is_object() => {
            refused("must be there, and be 1 or more".to_owned())
        }
        Some(version) if version > u64::from(newest) => refused(format!(
            "must be at most {newest}: a newer program wrote it, and has to read it"
        )),
        _ => request_from_value(value),
    }
}
