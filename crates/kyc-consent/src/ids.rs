//! Identifiers: random ones that say nothing about anybody, and codes that may be printed.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

use provider_core::InvalidRequest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 16 random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], InvalidRequest> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| InvalidRequest::new("randomness", "the system provides no randomness"))?;
    Ok(bytes)
}

pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // One text for one value: an exported line cannot be changed without changing what it says.
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

macro_rules! random_ids {
    ($($(#[$meta:meta])* $name:ident($field:literal);)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new one, from the operating system's randomness.
            ///
            /// # Errors
            ///
            /// The system provides no randomness.
            pub fn random() -> Result<Self, InvalidRequest> {
                random().map(Self)
            }

            /// Reads the 32 hexadecimal digits that `Display` writes.
            ///
            /// # Errors
            ///
            /// Anything else.
            pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
                let rule = "must be 32 hexadecimal digits in lower case";
                from_hex(text).map(Self).ok_or(InvalidRequest::new($field, rule))
            }

            /// Its bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The one with these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(InvalidRequest::into_deserialize_error)
            }
        }
    )+};
}

random_ids! {
    /// A person, as a pseudonym of 128 random bits. Which person it is, only the index in the keys file knows, until the
    /// person's erasure.
    Subject("subject");
    /// A receipt: the `record_id` of ISO/IEC TS 27560.
    ReceiptId("receipt");
    /// One ledger. It is part of every entry's digest, so entries of another one do not fit.
    LedgerId("ledger");
    /// A hold.
    HoldId("hold");
}

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The one with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("must be 64 hexadecimal digits in lower case");
        from_hex(&text).map(Self).ok_or_else(wrong)
    }
}

/// A word of a vocabulary that may stand in errors and logs: no name, number or free text of a person fits into it.
pub(crate) fn check_code(field: &'static str, text: &str) -> Result<(), InvalidRequest> {
    let mut longest = 0_usize;
    let mut digits = 0_usize;
    for byte in text.bytes() {
        digits = if byte.is_ascii_digit() {
            digits.saturating_add(1)
        } else {
            0
        };
        longest = longest.max(digits);
    }
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.:".contains(&byte);
    let begins = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase());
    match () {
        () if !begins || text.len() > 64 || !text.bytes().all(allowed) => Err(InvalidRequest::new(
            field,
            "must begin with a letter and be at most 64 of `a` to `z`, digits, `-`, `_`, `.`, `:`",
        )),
        // A mobile number has ten.
        () if longest > 5 => Err(InvalidRequest::new(
            field,
            "must have no more than 5 digits in a row, because it is printed",
        )),
        () => Ok(()),
    }
}

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident($field:literal);)+) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a code such as `account-aggregation`.
            ///
            /// # Errors
            ///
            /// Not 1 to 64 of `a` to `z`, digits, `-`, `_`, `.` and `:`, the first a letter, or more than 5 digits in a row.
            pub fn new(text: &str) -> Result<Self, InvalidRequest> {
                check_code($field, text)?;
                Ok(Self(text.into()))
            }

            /// The code.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'de, str>>::deserialize(deserializer)?;
                Self::new(&text).map_err(InvalidRequest::into_deserialize_error)
            }
        }
    )+};
}

codes! {
    /// What data is used for, as a code such as `account-aggregation`. It is printed in errors.
    Purpose("purpose");
    /// What kind of data is meant, as a code such as `bank-statement`.
    DataKind("data kind");
    /// A provider's name, as in [`Provider::NAME`](provider_core::Provider::NAME).
    ProviderName("provider");
    /// A rule of law that demands something, as a code such as `pmla-rule-9`.
    Rule("rule");
    /// Why something is held and by whom, as codes such as `court-order` and `legal-team`.
    Code("code");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_random_and_read_what_they_write() {
        let subject = Subject::random().unwrap();
        assert_ne!(subject, Subject::random().unwrap());
        assert_eq!(Subject::parse(&subject.to_string()), Ok(subject));
        for wrong in [
            "",
            "00",
            &subject.to_string().to_uppercase().replace('0', "A"),
        ] {
            assert!(Subject::parse(wrong).is_err(), "{wrong}");
        }
        let json = serde_json::to_string(&subject).unwrap();
        assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject);
    }

    #[test]
    fn a_code_has_no_room_for_a_person() {
        for good in [
            "kyc",
            "account-aggregation",
            "rebit:101",
            "pmla-rule-9",
            "a12345",
        ] {
            assert!(Purpose::new(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "",
            "9000000001",
            "a9000000001",
            "a 1",
            "Asha",
            "-a",
            "a@b",
            "é",
            &long,
        ] {
            let error = Purpose::new(bad).unwrap_err();
            assert_eq!(error.field(), "purpose");
            assert!(bad.is_empty() || !error.to_string().contains(bad));
        }
    }
}
