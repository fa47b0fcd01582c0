//! Text that is validated when it is deserialised.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Visitor};

use super::invalid_request::InvalidRequest;

/// Deserialises text and passes it to `parse`. The error holds the rule, never the text.
///
/// # Errors
///
/// The value is not text, or `parse` refuses it.
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

/// Makes a type that has `parse(&str) -> Result<Self, InvalidRequest>` deserialisable, and gives it `FromStr`: the same rule
/// applies to a request read from JSON or a command line and to one built in code. With the feature `schema` the type also
/// has a schema.
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
/// assert!("B001".parse::<Branch>().is_ok());
/// ```
#[macro_export]
macro_rules! text_input {
    ($name:ident, $description:literal $(, pattern: $pattern:literal)? $(, names: $names:expr)?) => {
        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::deserialize_text(deserializer, |text| Self::parse(text))
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::InvalidRequest;

            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        $crate::text_schema! { $name, $description $(, pattern: $pattern)? $(, names: $names)? }
    };
}

/// Gives the variants of a closed enumeration their names: `ALL`, `as_str`, and by them `FromStr` and serde's traits.
#[doc(hidden)]
#[macro_export]
macro_rules! named_enum {
    ($name:ident($field:literal) { $($variant:ident = $text:literal),+ $(,)? }) => {
        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name for logs and machines.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            fn parse(text: &str) -> ::core::result::Result<Self, $crate::InvalidRequest> {
                match text {
                    $($text => ::core::result::Result::Ok(Self::$variant),)+
                    _ => {
                        let names = [$($text),+].join(", ");
                        let rule = ::std::format!("must be one of: {names}");
                        ::core::result::Result::Err($crate::InvalidRequest::new($field, rule))
                    }
                }
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        $crate::text_input! { $name, $field, names: [$($text),+] }
    };
}

/// Implements `JsonSchema` for a type that is text on the wire, if the feature `schema` is on.
#[cfg(feature = "schema")]
#[doc(hidden)]
#[macro_export]
macro_rules! text_schema {
    (
        $name:ident, $description:expr $(, pattern: $pattern:expr)? $(, names: $names:expr)?
        $(, examples: $examples:expr)?
    ) => {
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
                    "description": $crate::schema_description($description),
                    $("pattern": $pattern,)?
                    $("enum": $names,)?
                    $("examples": $examples,)?
                })
            }
        }
    };
}

/// A doc comment as a description: without the space that follows each `///`.
#[cfg(feature = "schema")]
#[doc(hidden)]
pub fn schema_description(doc: &str) -> String {
    let lines: Vec<_> = doc
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim().to_owned()
}

/// Expands to nothing: the feature `schema` is off.
#[cfg(not(feature = "schema"))]
#[doc(hidden)]
#[macro_export]
macro_rules! text_schema {
    ($($input:tt)*) => {};
}

/// The doc comment of a declaration as one text, from its attributes. The attributes must be tokens: captured as `meta`
/// fragments, they would no longer match.
#[doc(hidden)]
#[macro_export]
macro_rules! doc_text {
    () => { "" };
    (#[doc = $line:literal] $($rest:tt)*) => {
        ::core::concat!($line, "\n", $crate::doc_text!($($rest)*))
    };
    (#[$($other:tt)*] $($rest:tt)*) => { $crate::doc_text!($($rest)*) };
}

#[cfg(all(test, feature = "schema"))]
mod tests {
    use serde_json::{Value, json};

    #[expect(
        dead_code,
        unreachable_pub,
        reason = "the macros are for a crate's public types, and only the schemas are used here"
    )]
    mod declared {
        crate::open_enum! {
            /// How a check ended.
            ///
            /// Two paragraphs, the second
            /// of two lines.
            #[must_use]
            pub enum Status {
                /// It worked.
                Success = "success",
            }
        }

        crate::opaque_id! {
            /// The id of a session.
            pub struct SessionId("session_id");
            #[must_use]
            /// The id of an account.
            pub struct AccountId("account_id");
        }

        crate::masked_text! {
            /// Where the person gives consent.
            pub struct ConsentUrl;
        }
    }

    fn schema<T: schemars::JsonSchema>() -> Value {
        schemars::SchemaGenerator::default()
            .into_root_schema_for::<T>()
            .to_value()
    }

    #[test]
    fn a_schema_has_the_doc_comment_of_its_type() {
        let status = schema::<declared::Status>();
        assert_eq!(
            status["description"],
            "How a check ended.\n\nTwo paragraphs, the second\nof two lines."
        );
        assert_eq!(status["examples"], json!(["success"]));
        for (schema, description) in [
            (schema::<declared::SessionId>(), "The id of a session."),
            (schema::<declared::AccountId>(), "The id of an account."),
            (
                schema::<declared::ConsentUrl>(),
                "Where the person gives consent.",
            ),
        ] {
            assert_eq!(schema["description"], description);
        }
    }
}
