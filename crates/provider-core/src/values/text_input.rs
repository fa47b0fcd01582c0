//! Text that is checked when it is deserialised.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Visitor};

use super::invalid_request::InvalidRequest;

/// Reads text and hands it to `parse`. The error carries the rule, never the text.
///
/// # Errors
///
/// Not text, or `parse` refuses it.
pub fn deserialize_text<'de, D, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, InvalidRequest>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct Text<F, T>(F, PhantomData<T>);
    impl<F: FnOnce(&str) -> Result<T, InvalidRequest>, T> Visitor<'_> for Text<F, T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).map_err(InvalidRequest::into_deserialize_error)
        }
    }
    deserializer.deserialize_str(Text(parse, PhantomData))
}

/// Makes a type that has `parse(&str) -> Result<Self, InvalidRequest>` deserialisable: the same rule holds for a request
/// that comes as JSON and for one built in code. With the feature `schema` it describes itself, too.
///
/// ```
/// use provider_core::{InvalidRequest, serde_json};
///
/// /// A branch code.
/// #[derive(Debug)]
/// pub struct Branch(String);
///
/// impl Branch {
///     pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
///         match text.len() {
///             4 => Ok(Self(text.to_owned())),
///             _ => Err(InvalidRequest::new("branch", "must be 4 characters")),
///         }
///     }
/// }
///
/// provider_core::text_input! { Branch, "A branch code: 4 characters.", pattern: "^.{4}$" }
///
/// assert!(serde_json::from_str::<Branch>("\"B001\"").is_ok());
/// assert!(serde_json::from_str::<Branch>("\"B1\"").is_err());
/// ```
#[macro_export]
macro_rules! text_input {
    ($name:ident, $description:literal $(, pattern: $pattern:literal)?) => {
        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::deserialize_text(deserializer, |text| Self::parse(text))
            }
        }

        $crate::text_schema! { $name, $description $(, pattern: $pattern)? }
    };
}

/// Describes a type that is text on the wire, if the feature `schema` is on.
#[cfg(feature = "schema")]
#[doc(hidden)]
#[macro_export]
macro_rules! text_schema {
    ($name:ident, $description:expr $(, pattern: $pattern:expr)? $(, examples: $examples:expr)?) => {
        impl $crate::schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                ::core::stringify!($name).into()
            }

            fn json_schema(_: &mut $crate::schemars::SchemaGenerator) -> $crate::schemars::Schema {
                $crate::schemars::json_schema!({
                    "type": "string",
                    "description": $description.trim(),
                    $("pattern": $pattern,)?
                    $("examples": $examples,)?
                })
            }
        }
    };
}

/// Describes nothing: the feature `schema` is off.
#[cfg(not(feature = "schema"))]
#[doc(hidden)]
#[macro_export]
macro_rules! text_schema {
    ($($input:tt)*) => {};
}

/// The doc comment of a declaration as one text.
#[doc(hidden)]
#[macro_export]
macro_rules! doc_text {
    ($(#[doc = $line:literal])*) => { ::core::concat!($($line, "\n"),*) };
    ($(#[$other:meta])*) => { "" };
}
