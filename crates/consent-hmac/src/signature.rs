//! Veriff's signature: HMAC-SHA256 over the exact body bytes, as 64 hexadecimal digits.
//!
//! The key is the text of the shared secret, although it looks like a UUID (devdocs.veriff.com, HMAC authentication;
//! vectors).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use provider_core::http::HeaderValue;
use provider_core::jiff::Timestamp;
use provider_core::secrecy::{ExposeSecret as _, SecretString};
use provider_core::{InvalidRequest, Secret, VerificationError};
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

/// What errors call a secret that no setting names.
const FIELD: &str = "shared secret";

/// A shared secret key of a Veriff integration. `Debug` prints nothing of it; its memory is wiped on drop.
///
/// It holds the keyed MAC state, not the secret's text.
#[derive(Clone)]
pub struct SharedSecret(HmacSha256);

impl SharedSecret {
    /// Wraps the secret as the portal showed it: one, see [`SharedSecrets`] for a list.
    ///
    /// # Errors
    ///
    /// Empty, white space at either end, a control or invisible character, or a comma, which separates the secrets of a
    /// list.
    pub fn new(text: impl Into<SecretString>) -> Result<Self, InvalidRequest> {
        let text = Secret::text(FIELD, text)?;
        if text.expose().contains(',') {
            let rule = "has a comma, as a list has; read a list as SharedSecrets";
            return Err(InvalidRequest::new(FIELD, rule));
        }
        keyed(text.expose().as_bytes()).map(Self)
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(***)")
    }
}

/// The shared secrets of an integration: the first signs, all verify. Outside a rotation there is one. As text they are
/// separated by commas, which no secret of Veriff's contains.
///
/// ```
/// use consent_hmac::SharedSecrets;
///
/// let secrets = SharedSecrets::parse("the-new-secret,the-previous-secret")?;
/// let signature = secrets.signer().sign(b"{}");
/// assert!(secrets.verifier().verify(b"{}", &signature).is_ok());
/// # Ok::<(), consent_hmac::provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone)]
pub struct SharedSecrets {
    first: SharedSecret,
    others: Vec<SharedSecret>,
}

impl SharedSecrets {
    /// Reads `a` or `a,b,c`.
    ///
    /// # Errors
    ///
    /// One of them is not a [`SharedSecret`]; white space beside a comma is not trimmed.
    pub fn parse(text: impl Into<SecretString>) -> Result<Self, InvalidRequest> {
        let text = text.into();
        let mut secrets = text.expose_secret().split(',').map(SharedSecret::new);
        let empty = || InvalidRequest::new(FIELD, "must not be empty");
        Ok(Self {
            first: secrets.next().ok_or_else(empty)??,
            others: secrets.collect::<Result<_, _>>()?,
        })
    }

    /// Reads the secrets from the environment variable `name`, or from the file that `name_FILE` names.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse) and [`required_from_environment`](provider_core::required_from_environment), with the
    /// variable's name.
    pub fn from_environment(name: &'static str) -> Result<Self, InvalidRequest> {
        let text = provider_core::required_from_environment(name)?;
        Self::parse(text).map_err(|error| error.for_field(name))
    }

    /// Signs with the first.
    pub fn signer(&self) -> Signer {
        Signer::new(&self.first)
    }

    /// Verifies with all.
    pub fn verifier(&self) -> Verifier {
        self.others
            .iter()
            .fold(Verifier::new(&self.first), Verifier::or)
    }
}

impl From<&SharedSecret> for SharedSecrets {
    fn from(secret: &SharedSecret) -> Self {
        Self {
            first: secret.clone(),
            others: Vec::new(),
        }
    }
}

#[cfg(feature = "webhook")]
impl From<&SharedSecret> for provider_core::webhook::SigningKey {
    fn from(secret: &SharedSecret) -> Self {
        Self::from_mac(secret.0.clone())
    }
}

#[cfg(feature = "webhook")]
impl From<&SharedSecrets> for provider_core::webhook::Secrets {
    fn from(secrets: &SharedSecrets) -> Self {
        let first = Self::from(provider_core::webhook::SigningKey::from(&secrets.first));
        let others = secrets.others.iter().map(Into::into);
        others.fold(first, Self::or)
    }
}

/// 32 bytes of HMAC-SHA256. Prints as Veriff writes it: 64 lower-case hexadecimal digits.
///
/// There is no `==`: compare with [`Verifier::verify`], which takes constant time.
#[derive(Clone)]
pub struct Signature([u8; Signature::LEN]);

impl Signature {
    const LEN: usize = 32;

    /// Parses 64 hexadecimal digits of either case.
    ///
    /// # Errors
    ///
    /// [`VerificationError::MalformedSignature`]: another length or another character.
    pub fn from_hex(text: impl AsRef<[u8]>) -> Result<Self, VerificationError> {
        let mut bytes = [0; Self::LEN];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| VerificationError::MalformedSignature)?;
        Ok(Self(bytes))
    }

    /// The bytes.
    #[cfg(feature = "webhook")]
    pub(crate) fn tag(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    fn hex(&self) -> [u8; 2 * Self::LEN] {
        let mut digits = [0; 2 * Self::LEN];
        // The lengths fit by construction.
        let _ = hex::encode_to_slice(self.0, &mut digits);
        digits
    }

    pub(crate) fn header_value(&self) -> Result<HeaderValue, InvalidRequest> {
        HeaderValue::from_bytes(&self.hex())
            .map_err(|_| InvalidRequest::new("x-hmac-signature", "cannot be written"))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

/// Signs with one secret. Usable without a client.
///
/// ```
/// use consent_hmac::{SharedSecret, Signer};
///
/// let signer = Signer::new(&SharedSecret::new("abcdef12-abcd-abcd-abcd-abcdef012345")?);
/// let body = br#"{"type":"ine","approved":true,"text":"User agrees to share their INE details"}"#;
/// assert_eq!(
///     signer.sign(body).to_string(),
///     "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4",
/// );
/// # Ok::<(), consent_hmac::provider_core::InvalidRequest>(())
/// ```
#[derive(Clone)]
pub struct Signer(HmacSha256);

impl Signer {
    /// Creates a signer whose key is the secret's UTF-8 text.
    pub fn new(secret: &SharedSecret) -> Self {
        Self(secret.0.clone())
    }

    /// Creates a signer with a raw key, for published test vectors. Veriff's secrets are text.
    ///
    /// # Errors
    ///
    /// The key is empty.
    pub fn with_key(key: &[u8]) -> Result<Self, InvalidRequest> {
        keyed(key).map(Self)
    }

    /// Signs exactly these bytes.
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(
            self.0
                .clone()
                .chain_update(bytes)
                .finalize()
                .into_bytes()
                .into(),
        )
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(***)")
    }
}

/// Verifies signatures with one or more secrets, so that a secret can be rotated without downtime. Usable without a client,
/// for example for webhooks.
///
/// ```
/// use consent_hmac::{SharedSecret, Signature, Verifier};
///
/// let verifier = Verifier::new(&SharedSecret::new("abcdef12-abcd-abcd-abcd-abcdef012345")?)
///     .or(&SharedSecret::new("the-previous-secret")?);
/// let raw_body = b"{\"type\":\"ine\",\"approved\":true,\"text\":\"User agrees to share their INE details\"}";
/// let header = "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4";
/// verifier.verify(raw_body, &Signature::from_hex(header)?)?; // and only then parse
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    first: HmacSha256,
    others: Vec<Other>,
}

/// An additional secret, and when it expires.
#[derive(Clone)]
struct Other {
    mac: HmacSha256,
    until: Option<Timestamp>,
}

impl Verifier {
    /// Creates a verifier for one secret.
    pub fn new(secret: &SharedSecret) -> Self {
        Self {
            first: secret.0.clone(),
            others: Vec::new(),
        }
    }

    /// Adds a secret that is also accepted. Veriff allows up to five for an integration; which one signs replies while
    /// several are active is not documented.
    #[must_use]
    pub fn or(mut self, secret: &SharedSecret) -> Self {
        self.others.push(Other {
            mac: secret.0.clone(),
            until: None,
        });
        self
    }

    /// Adds a secret that is also accepted until this moment: the one that is being replaced.
    #[must_use]
    pub fn or_until(mut self, secret: &SharedSecret, until: Timestamp) -> Self {
        self.others.push(Other {
            mac: secret.0.clone(),
            until: Some(until),
        });
        self
    }

    /// Creates a verifier with a raw key, for published test vectors. Veriff's secrets are text.
    ///
    /// # Errors
    ///
    /// The key is empty.
    pub fn with_key(key: &[u8]) -> Result<Self, InvalidRequest> {
        Signer::with_key(key).map(|signer| Self {
            first: signer.0,
            others: Vec::new(),
        })
    }

    /// Checks that one of the secrets produced `signature` over exactly these bytes. The comparison takes constant time,
    /// and every secret that has not expired is tried.
    ///
    /// # Errors
    ///
    /// [`VerificationError::SignatureMismatch`].
    pub fn verify(&self, bytes: &[u8], signature: &Signature) -> Result<(), VerificationError> {
        let dated = self.others.iter().any(|other| other.until.is_some());
        // Reading the clock costs a tenth of the check, and is needed only if a secret expires.
        let now = if dated {
            Timestamp::now()
        } else {
            Timestamp::UNIX_EPOCH
        };
        self.verify_at(bytes, signature, now)
    }

    /// Like [`verify`](Verifier::verify), at the given moment, which decides which secrets have expired.
    ///
    /// # Errors
    ///
    /// [`VerificationError::SignatureMismatch`].
    pub fn verify_at(
        &self,
        bytes: &[u8],
        signature: &Signature,
        now: Timestamp,
    ) -> Result<(), VerificationError> {
        let macs = std::iter::once(&self.first).chain(self.others_at(now));
        is_by_one(macs.map(|mac| mac.clone().chain_update(bytes)), signature)
    }

    /// Starts to verify bytes that arrive in pieces, with the secrets that have not expired at the given moment.
    ///
    /// ```
    /// use consent_hmac::provider_core::jiff::Timestamp;
    /// use consent_hmac::{SharedSecret, Signature, Verifier};
    ///
    /// let verifier = Verifier::new(&SharedSecret::new("abcdef12-abcd-abcd-abcd-abcdef012345")?);
    /// let header = "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4";
    /// let mut verification = verifier.begin_at(Signature::from_hex(header)?, Timestamp::now());
    /// verification.update(b"{\"type\":\"ine\",\"approved\":true,");
    /// verification.update(b"\"text\":\"User agrees to share their INE details\"}");
    /// verification.finish()?; // and only then use the bytes
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn begin_at(&self, signature: Signature, now: Timestamp) -> BodyVerification {
        BodyVerification {
            first: self.first.clone(),
            others: self.others_at(now).cloned().collect(),
            signature,
        }
    }

    /// The secrets beside the first that have not expired.
    fn others_at(&self, now: Timestamp) -> impl Iterator<Item = &HmacSha256> {
        let counting = move |other: &&Other| other.until.is_none_or(|until| now < until);
        self.others.iter().filter(counting).map(|other| &other.mac)
    }
}

/// The verification of bytes that arrive in pieces, see [`Verifier::begin_at`]. The result does not depend on how they are
/// split.
#[must_use = "nothing is verified until it is finished"]
pub struct BodyVerification {
    first: HmacSha256,
    others: Vec<HmacSha256>,
    signature: Signature,
}

impl BodyVerification {
    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        for mac in std::iter::once(&mut self.first).chain(&mut self.others) {
            mac.update(piece);
        }
    }

    /// Checks that one of the secrets produced the signature over all pieces. The comparison takes constant time, and every
    /// secret is tried.
    ///
    /// # Errors
    ///
    /// [`VerificationError::SignatureMismatch`].
    pub fn finish(self) -> Result<(), VerificationError> {
        is_by_one(
            std::iter::once(self.first).chain(self.others),
            &self.signature,
        )
    }
}

/// Compares in constant time, and tries every secret.
fn is_by_one(
    macs: impl Iterator<Item = HmacSha256>,
    signature: &Signature,
) -> Result<(), VerificationError> {
    let mut matches = 0;
    for mac in macs {
        matches |= u8::from(mac.verify_slice(&signature.0).is_ok());
    }
    if matches == 1 {
        Ok(())
    } else {
        Err(VerificationError::SignatureMismatch)
    }
}

impl fmt::Debug for BodyVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "BodyVerification({} secrets)",
            self.others.len().saturating_add(1)
        )
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Verifier({} secrets)",
            self.others.len().saturating_add(1)
        )
    }
}

fn keyed(key: &[u8]) -> Result<HmacSha256, InvalidRequest> {
    if key.is_empty() {
        return Err(InvalidRequest::new(FIELD, "must not be empty"));
    }
    HmacSha256::new_from_slice(key)
        .map_err(|_| InvalidRequest::new(FIELD, "has a length that HMAC cannot take"))
}
