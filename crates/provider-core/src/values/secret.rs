//! Credentials: validated once, never printed, wiped on drop.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::copied::stray;
use super::invalid_request::InvalidRequest;

/// A credential. `Debug` prints nothing of it, and its memory is wiped on drop.
///
/// Providers wrap it in types of their own (see [`secret_text!`](crate::secret_text)), so that a key cannot be passed in
/// place of a secret.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a credential that is sent as a header.
    ///
    /// # Errors
    ///
    /// As for [`text`](Self::text) (nothing is trimmed silently), or a character that is not printable ASCII. The error
    /// names `field`, never the value.
    pub fn for_header(
        field: &'static str,
        text: impl Into<SecretString>,
    ) -> Result<Self, InvalidRequest> {
        let secret = Self::text(field, text)?;
        let printable = secret
            .expose()
            .bytes()
            .all(|byte| matches!(byte, 0x20..=0x7e));
        if !printable {
            return Err(InvalidRequest::new(field, "must be printable ASCII"));
        }
        Ok(secret)
    }

    /// Wraps a credential that is not sent, such as a signing key: any text that can be seen.
    ///
    /// # Errors
    ///
    /// Empty, white space at either end, a control character, or one that is displayed as nothing, such as a byte order
    /// mark or a zero width space: a copy from a page or a file brings them along. The error names `field`, never the value.
    pub fn text(
        field: &'static str,
        text: impl Into<SecretString>,
    ) -> Result<Self, InvalidRequest> {
        let text = text.into();
        match stray(text.expose_secret()) {
            Some(rule) => Err(InvalidRequest::new(field, rule)),
            None => Ok(Self(text)),
        }
    }

    /// The text itself, for signing. Do not copy it into anything that outlives the call.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The credential as a header value: marked sensitive, cloned by reference count, wiped with its last clone.
    ///
    /// # Errors
    ///
    /// The text is not a legal header value; text from [`Secret::for_header`] always is.
    pub fn header_value(&self, field: &'static str) -> Result<HeaderValue, InvalidRequest> {
        struct Wiped(SecretString);
        impl AsRef<[u8]> for Wiped {
            fn as_ref(&self) -> &[u8] {
                self.0.expose_secret().as_bytes()
            }
        }
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(self.0.clone())))
            .map_err(|_| InvalidRequest::new(field, "must be printable ASCII"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Declares credential types over [`Secret`] that are sent as headers, each with its wire name for errors.
///
/// ```
/// provider_core::secret_text! {
///     /// The key that identifies the caller.
///     pub struct ApiKey("x-api-key");
/// }
///
/// assert_eq!(format!("{:?}", ApiKey::new("made-up")?), "ApiKey(***)");
/// assert!(ApiKey::new("made-up\n").is_err());
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
#[macro_export]
macro_rules! secret_text {
    ($($(#[$meta:meta])* $vis:vis struct $name:ident($field:literal);)+) => {$(
        $(#[$meta])*
        #[derive(Clone)]
        $vis struct $name($crate::http::HeaderValue);

        impl $name {
            /// Wraps the credential as it was issued.
            ///
            /// # Errors
            ///
            /// Empty, white space at either end, or not printable ASCII.
            pub fn new(
                text: impl ::core::convert::Into<$crate::secrecy::SecretString>,
            ) -> ::core::result::Result<Self, $crate::InvalidRequest> {
                $crate::Secret::for_header($field, text)?.header_value($field).map(Self)
            }

            /// Reads the credential from the environment variable `name`, or from the file that `name_FILE` names.
            ///
            /// # Errors
            ///
            /// As for [`new`](Self::new) and [`required_from_environment`](provider_core::required_from_environment), with
            /// the variable's name.
            pub fn from_environment(
                name: &'static str,
            ) -> ::core::result::Result<Self, $crate::InvalidRequest> {
                let text = $crate::required_from_environment(name)?;
                Self::new(text).map_err(|error| error.for_field(name))
            }

            /// The credential as a sensitive header value, cloned by reference count.
            pub fn header_value(&self) -> $crate::http::HeaderValue {
                self.0.clone()
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(::core::concat!(::core::stringify!($name), "(***)"))
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::text("secret", "CANARY").unwrap();
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.expose(), "CANARY");
    }

    #[test]
    fn a_trailing_newline_is_reported_and_the_value_is_not() {
        let error = Secret::for_header("x-api-key", "CANARY\n").unwrap_err();
        assert_eq!(error.field(), "x-api-key");
        assert!(error.rule().contains("newline"));
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }

    #[test]
    fn an_illegal_header_value_is_refused() {
        for text in ["", " a", "a\r\nb", "a\u{7f}", "é", "a\tb"] {
            assert!(Secret::for_header("x-api-key", text).is_err(), "{text:?}");
        }
        assert!(Secret::for_header("x-api-key", "two words").is_ok());
    }

    #[expect(unreachable_pub, reason = "the macro is for a crate's public types")]
    mod keys {
        crate::secret_text! {
            /// A key.
            pub struct ApiKey("x-api-key");
        }
    }
    use keys::ApiKey;

    #[test]
    fn a_credential_comes_from_the_environment_under_its_variable_s_name() {
        let key = ApiKey::from_environment("CARGO_PKG_NAME").unwrap();
        assert_eq!(key.header_value(), "provider-core");
        let error = ApiKey::from_environment("KYC_NOT_SET").unwrap_err();
        assert_eq!(error.field(), "KYC_NOT_SET");
        // Cargo leaves it empty only if the manifest has no home page.
        if std::env::var_os("CARGO_PKG_HOMEPAGE").is_some_and(|text| text.is_empty()) {
            let error = ApiKey::from_environment("CARGO_PKG_HOMEPAGE").unwrap_err();
            assert_eq!(error.rule(), "is set, but empty");
        }
    }

    #[test]
    fn a_signing_key_may_be_any_text_that_can_be_seen() {
        assert!(Secret::text("secret", "clé-privée").is_ok());
        assert!(Secret::text("secret", "a\u{0}b").is_err());
        for invisible in ["\u{feff}", "\u{200b}", "\u{2060}", "\u{ad}", "\u{200e}"] {
            let text = format!("CANARY{invisible}");
            for error in [
                Secret::text("secret", text.clone()).unwrap_err(),
                Secret::for_header("secret", text).unwrap_err(),
            ] {
                assert!(error.rule().contains("invisible"), "{error}");
            }
        }
    }

    #[test]
    fn debug_of_secret_and_header_prints_nothing() {
        let secret = Secret::for_header("x-api-key", "CANARY").unwrap();
        let header = secret.header_value("x-api-key").unwrap();
        assert_eq!(header.as_bytes(), b"CANARY");
        assert!(!format!("{secret:?} {header:?}").contains("CANARY"));
    }
}
