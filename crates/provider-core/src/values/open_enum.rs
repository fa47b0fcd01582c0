//! String enumerations that keep unlisted values.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Visitor};

/// A string enumeration that [`open_enum!`](crate::open_enum) declares.
pub trait OpenEnum: Sized {
    /// Returns the variant with this text; `None` if there is none.
    fn listed(text: &str) -> Option<Self>;
}

/// A text that `E` does not list, kept unchanged. It can be created only for such a text, so two values of `E` are equal
/// exactly if their texts are.
///
/// `Debug` does not print the text, because it came from the wire.
pub struct UnknownText<E> {
    text: Box<str>,
    of: PhantomData<fn() -> E>,
}

impl<E: OpenEnum> UnknownText<E> {
    /// Wraps a text that `E` does not list.
    ///
    /// # Errors
    ///
    /// The text is listed; the error is its variant.
    pub fn new(text: &str) -> Result<Self, E> {
        match E::listed(text) {
            Some(listed) => Err(listed),
            None => Ok(Self {
                text: text.into(),
                of: PhantomData,
            }),
        }
    }
}

impl<E> UnknownText<E> {
    /// The text as on the wire.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<E> fmt::Debug for UnknownText<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

// Derived implementations would require the same traits of `E`.
impl<E> Clone for UnknownText<E> {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            of: PhantomData,
        }
    }
}

impl<E> PartialEq for UnknownText<E> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<E> Eq for UnknownText<E> {}

impl<E> Hash for UnknownText<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// Deserialises a value from text without an allocation. For [`open_enum!`](crate::open_enum).
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
/// `Debug` prints `Unknown(…)` without the text, because it came from the wire. A listed text is never `Unknown`:
/// [`UnknownText`](crate::UnknownText) refuses it.
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
/// let Status::Unknown(text) = seen else { unreachable!() };
/// assert_eq!(text.as_str(), "paused");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// ```compile_fail,E0308
/// provider_core::open_enum! {
///     pub enum Status { Success = "success" }
/// }
/// let _ = Status::Unknown("success".to_owned());
/// ```
#[macro_export]
macro_rules! open_enum {
    (
        $(#[$($meta:tt)*])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$($meta)*])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A value that is not listed here, kept unchanged.
            Unknown($crate::UnknownText<Self>),
        }

        impl $name {
            /// The listed values, as on the wire.
            pub const KNOWN: &'static [&'static str] = &[$($text),+];

            /// The value as on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text.as_str(),
                }
            }
        }

        impl $crate::OpenEnum for $name {
            fn listed(text: &str) -> ::core::option::Option<Self> {
                match text {
                    $($text => ::core::option::Option::Some(Self::$variant),)+
                    _ => ::core::option::Option::None,
                }
            }
        }

        impl ::core::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                match $crate::UnknownText::new(text) {
                    ::core::result::Result::Ok(unknown) => Self::Unknown(unknown),
                    ::core::result::Result::Err(listed) => listed,
                }
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = ::core::convert::Infallible;

            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                ::core::result::Result::Ok(Self::from(text))
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

        $crate::text_schema! { $name, $crate::doc_text!($(#[$($meta)*])*), examples: [$($text),+] }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::UnknownText;
    use status::Status;

    #[expect(unreachable_pub, reason = "the macro is for a crate's public types")]
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
    fn any_text_is_a_value_and_anything_else_is_an_error() {
        assert_eq!(Status::KNOWN, ["success"]);
        let read = |json: &str| serde_json::from_str::<Status>(json);
        assert_eq!(read("\"success\"").unwrap(), Status::Success);
        assert_eq!(read("\"paused\"").unwrap().as_str(), "paused");
        let error = read("7").unwrap_err().to_string();
        assert!(error.contains("expected a string"), "{error}");
    }

    #[test]
    fn a_listed_text_is_never_unknown_and_equal_texts_are_equal_values() {
        assert_eq!(UnknownText::new("success"), Err(Status::Success));
        let unknown = |text| UnknownText::<Status>::new(text).map(Status::Unknown);
        let paused = unknown("paused").unwrap();
        assert_eq!(paused, Status::from("paused"));
        assert_ne!(paused, unknown("Success").unwrap());
        let texts = ["paused", "success", "paused", "success", "Success", ""];
        let values: HashSet<Status> = texts.into_iter().map(Status::from).collect();
        assert_eq!(values.len(), 4);
        assert!(values.contains(&paused.clone()));
    }

    #[test]
    fn an_unknown_text_is_not_printed() {
        let Status::Unknown(text) = Status::from("paused") else {
            panic!("it is not listed");
        };
        assert_eq!(
            (format!("{text:?}"), text.as_str()),
            ("…".to_owned(), "paused")
        );
        assert_eq!(format!("{:?}", Status::Unknown(text)), "Unknown(…)");
    }
}
