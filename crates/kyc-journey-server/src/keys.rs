//! Who may ask, and keyed digests.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kyc_journey::{CorrelationToken, JourneyId};
use provider_core::secrecy::SecretString;
use provider_core::webhook::PathToken;
use provider_core::{InvalidRequest, required_from_environment};
use sha2::Sha256;

/// The token that callers of the API bring as `Authorization: Bearer …`, and an operator signs in with. Only its digest is held, and it
/// is compared in a time that tells nothing of how much of it is right.
#[derive(Clone)]
pub struct ApiToken(PathToken);

impl ApiToken {
    /// Wraps a token: make it of at least 128 random bits.
    ///
    /// # Errors
    ///
    /// It is shorter than 32 characters, longer than 256, or has another character than `A-Z a-z 0-9 _ -`.
    pub fn new(text: impl Into<SecretString>) -> Result<Self, InvalidRequest> {
        let token = PathToken::new(text).map_err(|error| error.for_field("token"))?;
        Ok(Self(token))
    }

    /// Reads the token from the environment variable `name`, or from the file that `name_FILE` names.
    ///
    /// # Errors
    ///
    /// Neither is there, the file cannot be read, or as for [`new`](Self::new), with the variable's name.
    pub fn from_environment(name: &'static str) -> Result<Self, InvalidRequest> {
        let text = required_from_environment(name)?;
        Self::new(text).map_err(|error| error.for_field(name))
    }

    pub(crate) fn is(&self, given: &str) -> bool {
        self.0.check(Some(given)).is_ok()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(***)")
    }
}

type Digest = dyn Fn(&[u8]) -> [u8; 32] + Send + Sync;

/// Digests under a key that only this side has. By them a caller's key becomes the journey's id, so that the same key is the same journey
/// after a restart and on every machine; a repeated start is told from another one; and an address that this side gave out is told from
/// one that somebody made up, before anything is stored. The key must not change while journeys are under way. `Debug` prints nothing.
#[derive(Clone)]
pub struct Digests(Arc<Digest>);

impl Digests {
    /// HMAC-SHA256 under these random bytes.
    pub fn keyed(key: [u8; 32]) -> Self {
        Self::by(move |text| {
            // HMAC takes keys of every length.
            let Ok(mac) = Hmac::<Sha256>::new_from_slice(&key) else {
                return [0; 32];
            };
            mac.chain_update(text).finalize().into_bytes().into()
        })
    }

    /// By a keyed digest of the application's own.
    pub fn by(digest: impl Fn(&[u8]) -> [u8; 32] + Send + Sync + 'static) -> Self {
        Self(Arc::new(digest))
    }

    /// The id of the journey that has this key.
    pub fn journey(&self, key: &str) -> JourneyId {
        let digest = (self.0)(format!("journey:{key}").as_bytes());
        let (half, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        JourneyId::from_bits(u128::from_be_bytes(*half))
    }

    pub(crate) fn of_start(&self, body: &[u8]) -> String {
        hex::encode((self.0)(&[b"start:", body].concat()))
    }

    /// A token for a new journey, of 80 random bits and 48 by which it is recognised. A journey that is started elsewhere needs one of
    /// these, too, for its person's returns and its unsigned webhooks to be taken.
    pub fn token(&self, random: u128) -> CorrelationToken {
        let random = random >> CHECK_BITS;
        CorrelationToken::from_bits((random << CHECK_BITS) | self.check(random))
    }

    /// Whether a token was given out here.
    pub fn is_ours(&self, token: &CorrelationToken) -> bool {
        // Its text is what anybody can read of it.
        let bits = u128::from_str_radix(&token.expose(), 16).unwrap_or_default();
        let given = bits & CHECK_MASK;
        // Constant in time: a difference is one number, whatever bits of it differ.
        (given ^ self.check(bits >> CHECK_BITS)) == 0
    }

    fn check(&self, random: u128) -> u128 {
        let digest = (self.0)(&[&b"token:"[..], &random.to_be_bytes()].concat());
        let (half, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        u128::from_be_bytes(*half) & CHECK_MASK
    }
}

const CHECK_BITS: u32 = 48;
const CHECK_MASK: u128 = (1 << CHECK_BITS) - 1;

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digests(***)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_tokens_that_were_given_out_are_ours() {
        let digests = Digests::keyed([7; 32]);
        let ours = digests.token(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert!(ours.expose().starts_with("0123456789abcdef0123"));
        assert!(digests.is_ours(&ours));
        let mut text = ours.expose();
        let last = if text.ends_with('0') { "1" } else { "0" };
        text.replace_range(31.., last);
        for other in [text, format!("f{}", &ours.expose()[1..])] {
            assert!(!digests.is_ours(&CorrelationToken::parse(&other).unwrap()));
        }
        assert!(!Digests::keyed([8; 32]).is_ours(&ours));
    }

    #[test]
    fn a_key_is_one_journey() {
        let digests = Digests::keyed([7; 32]);
        assert_eq!(digests.journey("ORDER-17"), digests.journey("ORDER-17"));
        assert_ne!(digests.journey("ORDER-17"), digests.journey("ORDER-18"));
        assert_ne!(
            digests.journey("ORDER-17"),
            Digests::keyed([8; 32]).journey("ORDER-17")
        );
        assert!(ApiToken::new("short").is_err());
        let token = ApiToken::new("made-up-token-of-a-test-0123456789").unwrap();
        assert!(token.is("made-up-token-of-a-test-0123456789"));
        assert!(!token.is("made-up-token-of-a-test-012345678"));
        assert_eq!(
            format!("{token:?} {digests:?}"),
            "ApiToken(***) Digests(***)"
        );
    }
}
