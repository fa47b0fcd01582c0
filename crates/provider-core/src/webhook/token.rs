//! A secret in a webhook's path, where nothing is signed.

use std::fmt;

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::refusal::Refusal;
use crate::values::{InvalidRequest, Secret};

/// A secret in the path that a provider is given as the address of its webhooks. Not a signature: who has seen the address once
/// can forge. Only its digest is held.
#[derive(Clone)]
pub struct PathToken([u8; 32]);

impl PathToken {
    /// Wraps a token.
    ///
    /// # Errors
    ///
    /// Shorter than 32 characters, longer than 256, or one that a path does not carry unchanged: `A-Z a-z 0-9 _ -` are.
    pub fn new(text: impl Into<SecretString>) -> Result<Self, InvalidRequest> {
        const FIELD: &str = "path token";
        let text = Secret::text(FIELD, text)?;
        let text = text.expose();
        if !(32..=256).contains(&text.len()) {
            return Err(InvalidRequest::new(FIELD, "must have 32 to 256 characters"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if !text.bytes().all(plain) {
            return Err(InvalidRequest::new(
                FIELD,
                "must consist of A-Z a-z 0-9 _ -",
            ));
        }
        Ok(Self(digest(text)))
    }

    /// Checks the token of a path, in a time that tells nothing of how much of it is right.
    ///
    /// # Errors
    ///
    /// [`Refusal::WrongToken`].
    pub fn check(&self, given: Option<&str>) -> Result<(), Refusal> {
        let given = digest(given.unwrap_or_default());
        let differing = given.iter().zip(&self.0);
        // Of digests: how far two of them agree says nothing of the tokens.
        match differing.fold(0, |all, (one, other)| all | (one ^ other)) {
            0 => Ok(()),
            _ => Err(Refusal::WrongToken),
        }
    }
}

impl fmt::Debug for PathToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathToken(***)")
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_accepted() {
        let text = "made-up-token-of-a-test-path_000";
        let token = PathToken::new(text).unwrap();
        assert_eq!(token.check(Some(text)), Ok(()));
        let (short, upper) = (&text[1..], text.to_uppercase());
        for wrong in [None, Some(""), Some(short), Some(&*upper)] {
            assert_eq!(token.check(wrong), Err(Refusal::WrongToken));
        }
        assert_eq!(format!("{token:?}"), "PathToken(***)");
        for unusable in ["", "short", &format!("{text}/"), &"a".repeat(257)] {
            assert!(PathToken::new(unusable).is_err(), "{unusable}");
        }
    }
}
