//! Personal text that is printed masked and wiped on drop.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// Personal text from a reply or for a request. `Debug` prints `***`; there is no `Display`. Its memory is wiped on drop.
///
/// It serialises as the plain text, which the wire needs: serialise it only to a place that may hold personal data.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Masked(String);

impl Masked {
    /// Wraps text that must not be printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, unmasked.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Masked {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Masked {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

crate::text_schema! { Masked, "Text." }

impl Drop for Masked {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Declares types over [`Masked`] for personal text with a meaning of its own, such as a consent URL.
///
/// ```
/// provider_core::masked_text! {
///     /// Where the person gives consent.
///     pub struct ConsentUrl;
/// }
///
/// let url = ConsentUrl::new("https://consent.example.test/?fi=QUJD+Rg==");
/// assert_eq!(url.expose(), "https://consent.example.test/?fi=QUJD+Rg==");
/// assert_eq!(format!("{url:?}"), "ConsentUrl(***)");
/// ```
#[macro_export]
macro_rules! masked_text {
    ($($(#[$($meta:tt)*])* $vis:vis struct $name:ident;)+) => {$(
        $(#[$($meta)*])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        $vis struct $name($crate::Masked);

        impl $name {
            /// Wraps the text, byte for byte.
            pub fn new(text: impl ::core::convert::Into<::std::string::String>) -> Self {
                Self($crate::Masked::new(text))
            }

            /// The text itself, byte for byte and unmasked.
            pub fn expose(&self) -> &str {
                self.0.expose()
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::serde::Serialize::serialize(&self.0, serializer)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::serde::Deserialize::deserialize(deserializer).map(Self)
            }
        }

        $crate::text_schema! { $name, $crate::doc_text!($(#[$($meta)*])*) }
    )+};
}

#[cfg(test)]
mod tests {
    use super::Masked;

    #[test]
    fn the_text_is_sent_and_not_printed() {
        for masked in [
            Masked::new("CANARY"),
            Masked::from("CANARY"),
            Masked::from("CANARY".to_owned()),
        ] {
            assert_eq!(masked.expose(), "CANARY");
            assert_eq!(format!("{masked:?}"), "***");
            assert_eq!(serde_json::to_string(&masked).unwrap(), "\"CANARY\"");
        }
    }
}
