//! Keys of webhooks: HMAC-SHA256, several at once, each with its end.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::diagnosis;
use super::refusal::{MismatchCause, Refusal};
use crate::values::{InvalidRequest, Secret};

type HmacSha256 = Hmac<Sha256>;

/// 32 bytes of HMAC-SHA256.
pub type Tag = [u8; 32];

/// How errors call a secret that no setting names.
const FIELD: &str = "webhook secret";

/// What of a secret's text is the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyForm {
    /// The text itself.
    Text,
    /// The bytes that the text is as hexadecimal digits.
    Hex,
    /// The bytes that the text is as base64.
    Base64,
}

impl KeyForm {
    fn decode(self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = match self {
            Self::Text => Some(text.as_bytes().to_vec()),
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
        };
        bytes.map(Zeroizing::new).filter(|bytes| !bytes.is_empty())
    }
}

/// A key with which webhooks are signed. `Debug` prints nothing of it; its memory is wiped on drop. It holds the keyed state,
/// not the text.
#[derive(Clone)]
pub struct SigningKey {
    mac: HmacSha256,
    /// The same secret in the other forms, to say so if the sender uses one of them.
    other_forms: Vec<HmacSha256>,
}

impl SigningKey {
    /// Wraps a secret as the provider's portal shows it.
    ///
    /// # Errors
    ///
    /// Empty, white space at either end, such as the newline of a file, a control or invisible character, or text that is not
    /// of this form.
    pub fn new(text: impl Into<SecretString>, form: KeyForm) -> Result<Self, InvalidRequest> {
        let text = Secret::text(FIELD, text)?;
        let keyed = |form: KeyForm| {
            let key = form.decode(text.expose())?;
            HmacSha256::new_from_slice(&key).ok()
        };
        let mac = keyed(form).ok_or_else(|| {
            let rule = match form {
                KeyForm::Text => "has a length that HMAC cannot take",
                KeyForm::Hex => "must be hexadecimal digits",
                KeyForm::Base64 => "must be base64",
            };
            InvalidRequest::new(FIELD, rule)
        })?;
        let others = [KeyForm::Text, KeyForm::Hex, KeyForm::Base64];
        let others = others.into_iter().filter(|other| *other != form);
        Ok(Self {
            mac,
            other_forms: others.filter_map(keyed).collect(),
        })
    }

    /// A key that another crate of this workspace has validated.
    #[doc(hidden)]
    pub fn from_mac(mac: HmacSha256) -> Self {
        Self {
            mac,
            other_forms: Vec::new(),
        }
    }

    /// Signs, for tests of a receiver.
    pub fn sign(&self, signed: Signed<'_>) -> Tag {
        signed.update(&self.mac).finalize().into_bytes().into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

/// What is signed: text that a provider puts before the body, and the body's raw bytes.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    before: &'a [u8],
    body: &'a [u8],
}

impl<'a> Signed<'a> {
    /// The body alone.
    pub fn body(body: &'a [u8]) -> Self {
        Self::after(&[], body)
    }

    /// The body after this text.
    pub fn after(before: &'a [u8], body: &'a [u8]) -> Self {
        Self { before, body }
    }

    fn update(self, mac: &HmacSha256) -> HmacSha256 {
        mac.clone()
            .chain_update(self.before)
            .chain_update(self.body)
    }

    fn is_by(self, mac: &HmacSha256, tag: &Tag) -> bool {
        self.update(mac).verify_slice(tag).is_ok()
    }
}

impl fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signed(…)")
    }
}

#[derive(Clone)]
struct Live {
    key: SigningKey,
    until: Option<Timestamp>,
}

/// The keys that are accepted, the current one first. None at all: everything is refused.
///
/// ```
/// use provider_core::webhook::{KeyForm, Secrets, Signed, SigningKey};
///
/// let (new, old) = ("the-new-secret", "the-previous-secret");
/// let (new, old) = (SigningKey::new(new, KeyForm::Text)?, SigningKey::new(old, KeyForm::Text)?);
/// let secrets = Secrets::none().or(new).or_until(old.clone(), "2026-02-01T00:00:00Z".parse()?);
///
/// let tag = old.sign(Signed::body(b"{}"));
/// let at = |time: &str| time.parse().map(|now| secrets.verify(Signed::body(b"{}"), &tag, now));
/// assert_eq!(at("2026-01-31T00:00:00Z")?, Ok(1));
/// assert!(at("2026-02-01T00:00:00Z")?.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Secrets(Vec<Live>);

impl Secrets {
    /// No key: a receiver refuses everything with [`Refusal::Unconfigured`].
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads `a` or `a,b,c`, the current one first. No secret here contains a comma.
    ///
    /// # Errors
    ///
    /// As for [`SigningKey::new`]; white space beside a comma is not trimmed.
    pub fn parse(text: impl Into<SecretString>, form: KeyForm) -> Result<Self, InvalidRequest> {
        let text = text.into();
        let keys = text.expose_secret().split(',');
        let keys = keys.map(|text| SigningKey::new(text, form));
        keys.map(|key| key.map(|key| Live { key, until: None }))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Reads the secrets from the environment variable `name`, or from the file that `name_FILE` names.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse) and [`required_from_environment`](crate::required_from_environment), with the variable's
    /// name.
    pub fn from_environment(name: &'static str, form: KeyForm) -> Result<Self, InvalidRequest> {
        let text = crate::values::required_from_environment(name)?;
        Self::parse(text, form).map_err(|error| error.for_field(name))
    }

    /// Also accepts this key.
    #[must_use]
    pub fn or(mut self, key: SigningKey) -> Self {
        self.0.push(Live { key, until: None });
        self
    }

    /// Also accepts this key until this moment: the one that is being replaced. The clocks of the two sides differ, and
    /// webhooks are sent again for days: leave a margin.
    #[must_use]
    pub fn or_until(mut self, key: SigningKey, until: Timestamp) -> Self {
        let until = Some(until);
        self.0.push(Live { key, until });
        self
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that one of the keys produced `tag`, and returns its position. The comparison takes constant time, and every
    /// key is tried, those that have expired too.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unconfigured`], [`Refusal::ExpiredSecret`], or [`Refusal::Mismatch`] with the cause, if undoing a usual change
    /// of the bytes shows it.
    pub fn verify(&self, signed: Signed<'_>, tag: &Tag, now: Timestamp) -> Result<usize, Refusal> {
        if self.is_empty() {
            return Err(Refusal::Unconfigured);
        }
        let (mut matched, mut expired) = (None, false);
        for (position, live) in self.0.iter().enumerate() {
            let is_by = signed.is_by(&live.key.mac, tag);
            let counts = live.until.is_none_or(|until| now < until);
            expired |= is_by && !counts;
            if is_by && counts && matched.is_none() {
                matched = Some(position);
            }
        }
        match (matched, expired) {
            (Some(position), _) => Ok(position),
            (None, true) => Err(Refusal::ExpiredSecret),
            (None, false) => Err(Refusal::Mismatch(self.cause(signed, tag))),
        }
    }

    /// What changed the bytes, if undoing it makes the signature match.
    #[cold]
    fn cause(&self, signed: Signed<'_>, tag: &Tag) -> Option<MismatchCause> {
        let is_signed = |body: &[u8]| {
            let signed = Signed::after(signed.before, body);
            self.0.iter().any(|live| signed.is_by(&live.key.mac, tag))
        };
        let mut forms = self.0.iter().flat_map(|live| &live.key.other_forms);
        if signed.body.len() <= diagnosis::MAX_BYTES && forms.any(|mac| signed.is_by(mac, tag)) {
            return Some(MismatchCause::KeyForm);
        }
        diagnosis::undone(signed.body, is_signed)
    }
}

impl From<SigningKey> for Secrets {
    fn from(key: SigningKey) -> Self {
        Self::none().or(key)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} secrets)", self.0.len())
    }
}
