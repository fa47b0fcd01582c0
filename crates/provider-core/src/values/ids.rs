//! Inputs that are parsed once: personal identifiers that are printed masked and wiped on drop, and ids that are safe in a
//! path.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroize;

use super::copied::is_invisible;
use super::invalid_request::InvalidRequest;
use super::text_input::deserialize_text;

/// A mobile number: exactly 10 digits, without a country code (FinPro and Finpass `[seed]`).
///
/// `Debug` prints the last two digits only; the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Mobile(String);

impl Mobile {
    /// Parses a mobile number.
    ///
    /// # Errors
    ///
    /// Not exactly 10 ASCII digits. The error names `mobile_number`; rename it with [`InvalidRequest::for_field`] where the
    /// wire has another name.
    ///
    /// ```
    /// use provider_core::Mobile;
    ///
    /// let mobile = Mobile::parse("9000000001")?;
    /// assert_eq!(mobile.expose(), "9000000001");
    /// assert_eq!(format!("{mobile:?}"), "Mobile(********01)");
    /// assert!(Mobile::parse("+919000000001").is_err());
    /// # Ok::<(), provider_core::InvalidRequest>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        if text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRequest::new(
                "mobile_number",
                "must be exactly 10 digits, without a country code",
            ))
        }
    }

    /// The ten digits.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

crate::text_input! { Mobile, "A mobile number: exactly 10 digits, without a country code.", pattern: "^[0-9]{10}$" }

impl Drop for Mobile {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Mobile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mobile(********{})", self.0.get(8..).unwrap_or_default())
    }
}

/// A Permanent Account Number: five capital letters, four digits, one capital letter.
///
/// `Debug` prints nothing of it; the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Pan(String);

impl Pan {
    /// Parses a PAN.
    ///
    /// # Errors
    ///
    /// Anything but `^[A-Z]{5}[0-9]{4}[A-Z]$`; lower case is refused, not corrected.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                5..=8 => byte.is_ascii_digit(),
                _ => byte.is_ascii_uppercase(),
            });
        if shaped {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRequest::new(
                "pan_number",
                "must be five capital letters, four digits and a capital letter",
            ))
        }
    }

    /// The ten characters.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

crate::text_input! { Pan, "A Permanent Account Number: five capital letters, four digits, one capital letter.", pattern: "^[A-Z]{5}[0-9]{4}[A-Z]$" }

impl Drop for Pan {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pan(***)")
    }
}

/// An e-mail address, checked only as far as any provider documents: one `@` between two non-empty parts.
///
/// `Debug` prints nothing of it; the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

/// Whether there is white space, a control character or one that nobody sees in it.
fn has_gap(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().any(|byte| byte <= b' ' || byte == 0x7f);
    }
    text.chars()
        .any(|c| c == ' ' || c.is_control() || is_invisible(c))
}

impl Email {
    /// Parses an e-mail address.
    ///
    /// # Errors
    ///
    /// Not exactly one `@` with text on both sides, white space or a control character, or more than 254 bytes
    /// (RFC 5321).
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let parts = text.split_once('@');
        let shaped = parts.is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        }) && text.len() <= 254
            && !has_gap(text);
        if shaped {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRequest::new(
                "email",
                "must be one @ between two parts, without white space, at most 254 bytes",
            ))
        }
    }

    /// The address.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

crate::text_input! { Email, "An e-mail address: one @ between two parts, without white space, at most 254 bytes.", pattern: "^[^@\\s]+@[^@\\s]+$" }

impl Drop for Email {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(***)")
    }
}

/// An id that is safe in a path: 1 to 128 characters of `A-Z a-z 0-9 _ -`.
///
/// An allow-list, because percent-encoding does not stop `.` and `..`: URL parsers resolve `%2e%2e` too.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct PathId(String);

impl PathId {
    /// The longest id that is accepted.
    pub const MAX_LEN: usize = 128;

    /// Checks an id for use in a path.
    ///
    /// # Errors
    ///
    /// Empty, longer than 128, or any other character, dots, slashes and percent signs among them. The error names
    /// `field`.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, InvalidRequest> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=Self::MAX_LEN).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRequest::new(
                field,
                "must be 1 to 128 characters of A-Z, a-z, 0-9, _ and -",
            ))
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PathId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_text(deserializer, |text| Self::parse("id", text))
    }
}

crate::text_schema! {
    PathId, "An id: 1 to 128 characters of A-Z, a-z, 0-9, _ and -.", pattern: "^[A-Za-z0-9_-]{1,128}$"
}

impl fmt::Debug for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PathId({})", self.0)
    }
}

/// The rule of every id whose characters are not documented: text of at most 512 bytes, and no control character, which would break
/// a line of a log, a header or a file.
///
/// # Errors
///
/// It is empty, longer, or has a control character.
#[doc(hidden)]
pub fn check_id(field: &'static str, text: &str) -> Result<(), InvalidRequest> {
    if text.is_empty() {
        return Err(InvalidRequest::new(field, "must not be empty"));
    }
    if text.len() > LONGEST_ID {
        return Err(InvalidRequest::new(field, "must be at most 512 bytes long"));
    }
    let has_control = match text.is_ascii() {
        true => text.bytes().any(|byte| byte.is_ascii_control()),
        false => text.chars().any(char::is_control),
    };
    match has_control {
        true => Err(InvalidRequest::new(
            field,
            "must not contain control characters",
        )),
        false => Ok(()),
    }
}

/// The longest id whose form is not documented, in bytes: none is expected to be near it.
const LONGEST_ID: usize = 512;

/// Declares opaque ids: any non-empty text from a provider of at most 512 bytes without control characters, kept unchanged.
///
/// ```
/// provider_core::opaque_id! {
///     /// The id of an account aggregator session.
///     pub struct SessionId("client_id");
/// }
///
/// assert_eq!(SessionId::parse("aa_1_2")?.as_str(), "aa_1_2");
/// assert!(SessionId::parse("").is_err());
/// assert!(SessionId::parse("aa_1\r\nx: y").is_err());
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
#[macro_export]
macro_rules! opaque_id {
    ($($(#[$($meta:tt)*])* $vis:vis struct $name:ident($field:literal);)+) => {$(
        $(#[$($meta)*])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        $vis struct $name(::std::string::String);

        /// Prints the id if it looks like one.
        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&$crate::lenient::Printable(&self.0)).finish()
            }
        }

        impl $name {
            /// Wraps an id as the provider sent it.
            ///
            /// # Errors
            ///
            /// The text is empty, longer than 512 bytes, or has a control character, such as a line break.
            pub fn parse(
                text: impl ::core::convert::Into<::std::string::String>,
            ) -> ::core::result::Result<Self, $crate::InvalidRequest> {
                let text = text.into();
                $crate::check_id($field, &text)?;
                ::core::result::Result::Ok(Self(text))
            }

            /// The id as the provider sent it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

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

        $crate::text_schema! { $name, $crate::doc_text!($(#[$($meta)*])*), pattern: "." }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mobile_number_is_ten_ascii_digits() {
        assert_eq!(Mobile::parse("0123456789").unwrap().expose(), "0123456789");
        for text in [
            "",
            "900000000",
            "90000000001",
            "90000 0001",
            "9000000OO1",
            "९०००००००००",
            "+900000001",
        ] {
            let error = Mobile::parse(text).unwrap_err();
            assert_eq!(error.field(), "mobile_number");
            assert!(text.is_empty() || !error.to_string().contains(text));
        }
    }

    #[test]
    fn a_pan_is_five_letters_four_digits_one_letter() {
        assert_eq!(Pan::parse("AAAAA0000A").unwrap().expose(), "AAAAA0000A");
        for text in [
            "",
            "aaaaa0000a",
            "AAAA00000A",
            "AAAAA00000",
            "AAAAA0000AA",
            "AAAAA0000",
        ] {
            assert_eq!(
                Pan::parse(text).unwrap_err().field(),
                "pan_number",
                "{text}"
            );
        }
    }

    #[test]
    fn an_email_has_one_at_between_two_parts() {
        let email = Email::parse("person@example.test").unwrap();
        assert_eq!(email.expose(), "person@example.test");
        for text in [
            "",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b\n",
            "é b@c",
            "a\u{200b}@b",
        ] {
            assert_eq!(Email::parse(text).unwrap_err().field(), "email", "{text:?}");
        }
        assert!(Email::parse(&format!("{}@b.test", "a".repeat(250))).is_err());
    }

    #[test]
    fn a_path_id_cannot_leave_or_truncate_a_path() {
        for text in [
            "", ".", "..", "%2e%2e", "a/b", "a\\b", "a?x", "a#f", "a\r\nb", "a\tb", "a%00", "é",
            "a b",
        ] {
            assert!(PathId::parse("id", text).is_err(), "{text:?}");
        }
        let id = PathId::parse("id", "Az09_-").unwrap();
        assert_eq!(
            (id.as_str(), &*format!("{id:?}")),
            ("Az09_-", "PathId(Az09_-)")
        );
        assert!(PathId::parse("id", &"a".repeat(128)).is_ok());
        assert!(PathId::parse("id", &"a".repeat(129)).is_err());
    }

    #[test]
    fn no_id_has_a_control_character() {
        for text in ["a\r\nb", "a\n", "\0", "a\tb", "a\u{7f}", "é\u{85}"] {
            let error = check_id("id", text).unwrap_err();
            assert_eq!(
                error.rule(),
                "must not contain control characters",
                "{text:?}"
            );
        }
        assert_eq!(check_id("id", "").unwrap_err().rule(), "must not be empty");
        for text in ["a", "a b", "é-1", "<NULL>"] {
            assert!(check_id("id", text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn personal_identifiers_print_masked() {
        let printed = format!(
            "{:?} {:?} {:?}",
            Mobile::parse("9000000001").unwrap(),
            Pan::parse("AAAAA0000A").unwrap(),
            Email::parse("person@example.test").unwrap(),
        );
        assert_eq!(printed, "Mobile(********01) Pan(***) Email(***)");
    }
}
