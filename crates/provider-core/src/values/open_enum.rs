//! Enumerations that survive a value their author has not seen.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Visitor};

/// Reads a value from text without owning it first. For [`open_enum!`](crate::open_enum).
#[doc(hidden)]
pub fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: for<'a> From<&'a str>,
{
    struct Text<T>(PhantomData<T>);
    impl<T: for<'a> From<&'a str>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            Ok(T::from(text))
        }
    }
    deserializer.deserialize_str(Text(PhantomData))
}

/// Declares a string enumeration with an `Unknown` variant that keeps the text and writes it back unchanged.
///
/// `Debug` prints `Unknown(…)` without the text: it came from the wire.
///
/// ```
/// provider_core::open_enum! {
///     /// How a check ended.
///     pub enum Status {
///         /// It worked.
///         Success = "success",
///         /// It took too long.
///         Timeout = "timeout",
///     }
/// }
///
/// let seen: Status = serde_json::from_str("\"paused\"")?;
/// assert_eq!(seen.as_str(), "paused");
/// assert_eq!(serde_json::to_string(&seen)?, "\"paused\"");
/// assert_eq!(format!("{seen:?}"), "Unknown(…)");
/// assert_eq!(Status::from("success"), Status::Success);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A value that is not listed here, kept as it came.
            Unknown(::std::string::String),
        }

        impl $name {
            /// The listed values, as they stand on the wire.
            pub const KNOWN: &'static [&'static str] = &[$($text),+];

            /// The value as it stands on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl ::core::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => ::core::stringify!($variant),)+
                    Self::Unknown(_) => "Unknown(…)",
                })
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

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::open_enum::deserialize(deserializer)
            }
        }

        $crate::text_schema! { $name, $crate::doc_text!($(#[$meta])*), examples: [$($text),+] }
    };
}

#[cfg(test)]
mod tests {
    use status::Status;

    #[expect(
        unreachable_pub,
        reason = "the macro is made for a crate's public types"
    )]
    mod status {
        crate::open_enum! {
            /// How a check ended.
            pub enum Status {
                /// It worked.
                Success = "success",
            }
        }
    }

    #[test]
    fn any_text_is_a_value_and_nothing_else_is() {
        assert_eq!(Status::KNOWN, ["success"]);
        let read = |json: &str| serde_json::from_str::<Status>(json);
        assert_eq!(read("\"success\"").unwrap(), Status::Success);
        assert_eq!(read("\"paused\"").unwrap().as_str(), "paused");
        let error = read("7").unwrap_err().to_string();
        assert!(error.contains("expected a string"), "{error}");
    }
}
