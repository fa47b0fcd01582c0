//! Veriff's address, authentication in both directions, and refusals.

use provider_core::http::request::Parts;
use provider_core::http::{HeaderMap, HeaderName, HeaderValue};
use provider_core::jiff::Timestamp;
use provider_core::lenient::{Object, Told};
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, BodyVerifier, Fault, FaultClass, InvalidRequest,
    KnownMembers, Provider, RawResponse, ReplyHead, Settings, StreamVerification,
    VerificationError, Verified, lenient,
};
use serde::Deserialize;

use crate::{BodyVerification, SharedSecret, SharedSecrets, Signature, Signer, Verifier};

provider_core::secret_text! {
    /// The integration's API key, sent as `x-auth-client` (`[seed]`).
    pub struct ApiKey("x-auth-client");
}

const X_AUTH_CLIENT: HeaderName = HeaderName::from_static("x-auth-client");
const X_HMAC_SIGNATURE: HeaderName = HeaderName::from_static("x-hmac-signature");
const VRF_AUTH_CLIENT: HeaderName = HeaderName::from_static("vrf-auth-client");
const VRF_HMAC_SIGNATURE: HeaderName = HeaderName::from_static("vrf-hmac-signature");

/// A Veriff integration: its address, the API key, and the shared secrets. `Debug` prints no secret.
#[derive(Debug, Clone)]
pub struct Veriff {
    base_url: BaseUrl,
    api_key: HeaderValue,
    signer: Signer,
    verifier: Verifier,
    accept_unsigned: bool,
}

impl Veriff {
    /// Creates an integration. Its base URL is in the Customer Portal, with or without `/v1`; there is no common one.
    ///
    /// `secrets` is one [`SharedSecret`], or the [`SharedSecrets`] of a rotation: the first signs requests, all verify
    /// replies.
    pub fn new(base_url: BaseUrl, api_key: ApiKey, secrets: impl Into<SharedSecrets>) -> Self {
        let secrets = secrets.into();
        Self {
            base_url: base_url.without_suffix("/v1"),
            api_key: api_key.header_value(),
            signer: secrets.signer(),
            verifier: secrets.verifier(),
            accept_unsigned: false,
        }
    }

    /// Also verifies replies with this secret, during a rotation. Requests are signed only with the first one.
    #[must_use]
    pub fn or_verify_with(mut self, secret: &SharedSecret) -> Self {
        self.verifier = self.verifier.or(secret);
        self
    }

    /// Also verifies replies with this secret until this moment: for a rotation with a known end. The clocks of the two
    /// sides differ, so leave a margin.
    #[must_use]
    pub fn or_verify_until(mut self, secret: &SharedSecret, until: Timestamp) -> Self {
        self.verifier = self.verifier.or_until(secret, until);
        self
    }

    /// Accepts a 200 without any signature header. Older versions of Veriff's page list none, so an old deployment may send
    /// none; such a reply is then authenticated by TLS alone. A signature that is present is still checked.
    #[must_use]
    pub fn accept_unsigned_replies(mut self) -> Self {
        self.accept_unsigned = true;
        self
    }

    /// The refusal in a reply whose other members are those of a success: `status` is `fail`, or 400 or more. One whose
    /// `status` only tells a failure, or that has a code or an error beside it, is
    /// [contradictory](FaultClass::Contradictory). For operations of Veriff in other crates, whose success may have a
    /// `status` too.
    pub fn refusal(response: &Verified) -> Option<Fault> {
        let refusal = Refusal::of(response.raw())?;
        if refusal.is_one() {
            return Some(refusal.into_fault());
        }
        refusal
            .is_doubtful()
            .then(|| refusal.into_fault().with_class(FaultClass::Contradictory))
    }

    /// The signature that the head announces; `None` if there is none and none is needed.
    fn announced(&self, headers: &HeaderMap) -> Result<Option<Signature>, VerificationError> {
        match announced(headers, &self.api_key)? {
            None if self.accept_unsigned => Ok(None),
            None => Err(VerificationError::MissingSignature),
            Some(header) => Signature::from_hex(header).map(Some),
        }
    }

    /// The names of the settings that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] =
        &["VERIFF_BASE_URL", "VERIFF_API_KEY", "VERIFF_SHARED_SECRET"];

    /// Reads the integration from environment variables, or from the files that they name with `_FILE`: see
    /// [`from_settings`](Self::from_settings).
    ///
    /// # Errors
    ///
    /// A variable is missing or invalid; the error names it, never the value.
    pub fn from_environment() -> Result<Self, InvalidRequest> {
        Self::from_settings(&Settings::environment())
    }

    /// Reads the integration from `VERIFF_BASE_URL`, `VERIFF_API_KEY` and `VERIFF_SHARED_SECRET`, which may be a list, see
    /// [`SharedSecrets`].
    ///
    /// # Errors
    ///
    /// A setting is missing or invalid; the error names it, never the value.
    pub fn from_settings(settings: &Settings) -> Result<Self, InvalidRequest> {
        settings.required(Self::SETTINGS)?;
        let base_url = BaseUrl::required_from_settings(settings, "VERIFF_BASE_URL")?;
        let api_key = settings.parsed("VERIFF_API_KEY", ApiKey::new)?;
        let secrets = settings.parsed("VERIFF_SHARED_SECRET", SharedSecrets::parse)?;
        Ok(Self::new(base_url, api_key, secrets))
    }
}

impl BodyVerifier for BodyVerification {
    fn update(&mut self, piece: &[u8]) {
        self.update(piece);
    }

    fn finish(self: Box<Self>) -> Result<Authenticity, VerificationError> {
        (*self).finish().map(|()| Authenticity::Signed)
    }
}

impl Provider for Veriff {
    const NAME: &'static str = "veriff";
    /// A request with a body signs the body, any other one the id in its path (`[docs]`).
    const SIGNS_REQUESTS: bool = true;
    const ENVELOPE: KnownMembers = KnownMembers::new(
        &["sessionId", "verification", "verifications", "statusCurp"],
        &[
            "status",
            "code",
            "id",
            "context",
            "attemptId",
            "data",
            "image",
            "images",
            "person",
            "videos",
        ],
    );
    const STATUSES: &'static [u16] = &[200, 201, 400, 401, 403, 404, 409, 429, 500];

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn authorize(
        &self,
        head: &mut Parts,
        signed: Option<&[u8]>,
        _attempt: &Attempt,
    ) -> Result<(), InvalidRequest> {
        let signed = signed.ok_or_else(|| {
            InvalidRequest::new(
                "x-hmac-signature",
                "the operation does not declare what is signed",
            )
        })?;
        let signature = self.signer.sign(signed).header_value()?;
        head.headers.insert(X_AUTH_CLIENT, self.api_key.clone());
        head.headers.insert(X_HMAC_SIGNATURE, signature);
        Ok(())
    }

    fn verify(
        &self,
        response: &RawResponse,
        now: Timestamp,
    ) -> Result<Authenticity, VerificationError> {
        let Some(signature) = self.announced(response.headers())? else {
            return Ok(Authenticity::Unsigned);
        };
        self.verifier.verify_at(response.body(), &signature, now)?;
        Ok(Authenticity::Signed)
    }

    /// The signature covers only the body's bytes, those of a media file included. Whether Veriff signs media is
    /// `[unknown]`; a file without a signature is refused like any reply.
    fn verify_stream(
        &self,
        head: &ReplyHead,
        now: Timestamp,
    ) -> Result<StreamVerification, VerificationError> {
        Ok(match self.announced(head.headers())? {
            Some(signature) => {
                let verification = self.verifier.begin_at(signature, now);
                StreamVerification::Incremental(Box::new(verification))
            }
            None => StreamVerification::Unsigned,
        })
    }

    /// No rate-limit header is documented (`[unknown]`).
    fn allowance(&self, _response: &RawResponse, _now: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, response: &RawResponse) -> Option<Fault> {
        let refused = !response.status().is_success();
        let refusal = Refusal::of(response)?;
        let contradicts = refused && refusal.status.is_success();
        let is_one = refusal.is_one() || refusal.may_be_one() || refused && refusal.has_code();
        let fault = (is_one || contradicts).then(|| refusal.into_fault())?;
        Some(match contradicts {
            true => fault.with_class(FaultClass::Contradictory),
            false => fault,
        })
    }
}

/// The signature's header, as it came, of a reply or a webhook that is for this client.
///
/// Both header pairs are documented, and older replies have only one of them (`[seed]`, older versions of the page): those
/// present must agree.
pub(crate) fn announced<'h>(
    headers: &'h HeaderMap,
    api_key: &HeaderValue,
) -> Result<Option<&'h HeaderValue>, VerificationError> {
    for name in [X_AUTH_CLIENT, VRF_AUTH_CLIENT] {
        let client = at_most_one(headers, &name)?;
        if client.is_some_and(|client| !alike(client, api_key)) {
            return Err(VerificationError::OtherClient);
        }
    }
    let x = at_most_one(headers, &X_HMAC_SIGNATURE)?;
    let vrf = at_most_one(headers, &VRF_HMAC_SIGNATURE)?;
    match (x, vrf) {
        (Some(x), Some(vrf)) if !alike(x, vrf) => Err(VerificationError::ConflictingHeaders),
        (one, other) => Ok(one.or(other)),
    }
}

/// Whether two values are equal, ignoring case. Neither is a secret.
pub(crate) fn alike(one: &HeaderValue, other: &HeaderValue) -> bool {
    one == other || one.as_bytes().eq_ignore_ascii_case(other.as_bytes())
}

/// A duplicate header is refused even if its values agree, because implementations differ in which one they use.
pub(crate) fn at_most_one<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, VerificationError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(VerificationError::RepeatedHeader),
    }
}

/// `{status, code, message}` (`[seed]`). `status` and `code` are strings here and numbers on other pages (`[docs]`); what is
/// refused about one-time passwords has a `reason` in the place of a code.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    status: Told,
    #[serde(default)]
    code: Told,
    // No names of Veriff's; what stands there says that something went wrong all the same.
    #[serde(default)]
    error: Told,
    #[serde(default)]
    errors: Told,
    #[serde(default)]
    success: Told,
    #[serde(default)]
    reason: Told,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<String>,
}

impl Refusal {
    fn of(response: &RawResponse) -> Option<Self> {
        let Object(refusal) = response.untrusted_hint()?;
        Some(refusal)
    }

    /// Whether it is one whatever stands beside it.
    fn is_one(&self) -> bool {
        self.status.is_failure()
    }

    /// Whether it says that something went wrong, and does not say that it is a refusal.
    fn is_doubtful(&self) -> bool {
        self.status.is_doubtful()
            || self.success.is_not_yes()
            || self.error.is_said()
            || self.errors.is_said()
            || self.has_code()
    }

    /// Whether it is one where nothing else is understood. Other operations have `status: "success"` in a success (`[docs]`);
    /// it may appear here without notice.
    fn may_be_one(&self) -> bool {
        match (&self.status, self.status.number()) {
            (_, Some(status)) => !(0.0..400.0).contains(&status),
            (Told::Text(_), None) => !self.status.is_success(),
            _ => false,
        }
    }

    /// Whether it has a code, which explains a status that is not 2xx.
    fn has_code(&self) -> bool {
        matches!(self.code, Told::Text(_) | Told::Number(_)) && self.code.is_said()
    }

    fn into_fault(self) -> Fault {
        let code = match (self.has_code(), self.reason) {
            (true, _) => self.code.into_text(),
            (false, reason @ Told::Text(_)) => reason.into_text(),
            (false, _) => None,
        };
        let about_credentials = code.as_deref().and_then(about_credentials);
        let meaning = about_credentials
            .or_else(|| about_request(code.as_deref()?))
            .or_else(|| said(code.as_deref()?, self.message.as_deref()?));
        // Other than the HTTP status says: it broke on the way, and may have been done.
        let broke = self.status.status().is_some_and(|status| status >= 500.0);
        let class = if broke {
            FaultClass::Contradictory
        } else if about_credentials.is_some() {
            FaultClass::Credentials
        } else {
            code.as_deref().map(class).unwrap_or_default()
        };
        Fault::new()
            .with_code(code)
            .with_message(self.message)
            .with_meaning(meaning)
            .with_class(class)
    }
}

/// What a code says beside its meaning.
fn class(code: &str) -> FaultClass {
    match code.trim() {
        "INVALID_OTP" => FaultClass::Counted,
        "1305" | "1306" | "INVALID_RESEND_ATTEMPT" | "OTP_REQUEST_TOO_SOON" => FaultClass::TooEarly,
        "MFA_ALREADY_COMPLETED" => FaultClass::AlreadyDone,
        // A refusal that changes the session: it is submitted as it is.
        "OTP_SUBMISSION_LIMIT_REACHED" => FaultClass::Contradictory,
        _ => FaultClass::ByStatus,
    }
}

/// The codes about what was asked (devdocs.veriff.com, some troubleshooting codes `[docs]`; 2101 to 2104 `[3p]`).
fn about_request(code: &str) -> Option<&'static str> {
    Some(match code.trim() {
        "1001" => "the id in the query is not 20 to 40 characters",
        "1002" => "the id in the query is not a version 4 UUID",
        "1003" => "the id in the query was used before",
        "1102" => "a member that is required is missing",
        "1104" => "a member is invalid",
        "1201" => "the timestamp is more than an hour old",
        "1202" => "the timestamp has another form",
        "1203" => "a date is not YYYY-MM-DD",
        "1301" => "a feature is not supported",
        "1302" => "the return URL is not HTTPS",
        "1303" => "the status is invalid",
        "1304" => {
            "the session does not go from its status to this one, such as when it was submitted before"
        }
        "1305" => "the session is not completed, and cannot be deleted",
        "1306" => "the session is in progress, and cannot be deleted",
        "1308" => "the id number is missing",
        "1309" => "the SSN needs a name",
        "1310" => "the SSN needs a birth date or an address",
        "1400" => "the image's data is missing",
        "1401" => "the image is not Base64",
        "1402" => "the image's context is not supported",
        "1403" => "a property of the image is missing",
        "1500" => "vendorData is more than 1,000 characters",
        "1501" => "vendorData is not text",
        "2003" => "the birth date is invalid",
        "2101" => "the document number's length is wrong",
        "2102" => "the document number has characters that it cannot have",
        "2103" => "the document's type is not supported",
        "2104" => "the document's country is not supported",
        // Of one-time passwords.
        "INVALID_SESSION_DETAILS" => "there is no such session, or it cannot be done in it",
        "INVALID_RESEND_ATTEMPT" => "another password cannot be asked for now",
        "OTP_GENERATION_LIMIT_REACHED" => "no more passwords are generated for this session",
        "MFA_ALREADY_COMPLETED" => "the person is authenticated already",
        "API_ERROR" => "it broke at Veriff or at the database",
        "INVALID_INPUT_AADHAR" => "the number is not of an Aadhaar number's form",
        "INVALID_AADHAR" => "nobody has this number",
        "INVALID_PHONE_NUMBER" => "the phone number that belongs to the number cannot be reached",
        "OTP_REQUEST_TOO_SOON" => "the last password was generated less than 60 seconds ago",
        "INVALID_INPUT_OTP" => "the password is not 6 digits",
        "OTP_NOT_GENERATED" => "no password was generated",
        "INVALID_OTP" => "the password is wrong",
        "OTP_SUBMISSION_LIMIT_REACHED" => {
            "too many passwords were wrong; the session was submitted"
        }
        _ => return None,
    })
}

/// What code 1101 means: it stands for four things, which its documented texts tell apart (`[seed]`).
fn said(code: &str, message: &str) -> Option<&'static str> {
    Some(match (code.trim(), message.trim().trim_end_matches('.')) {
        ("1101", "Validation failed") => "the request is invalid",
        ("1101", "Resource not found") => "there is no such session",
        ("1101", "Something went wrong") => "it broke at Veriff",
        (
            "1101",
            "Mandatory X-AUTH-CLIENT header containing the API key is missing from the request",
        ) => "the API key was not sent",
        _ => return None,
    })
}

/// The codes about key and signature (devdocs.veriff.com, credentials and authorization codes). 1101 has four different
/// meanings on one page, so it is not interpreted.
fn about_credentials(code: &str) -> Option<&'static str> {
    Some(match code.trim() {
        "1801" => "the API key was not sent",
        "1802" => "the API key is not a UUID",
        "1803" => "no integration has this API key",
        "1804" => "the integration is not active",
        "1812" => "the signature is not a SHA-256 digest",
        "1813" | "1814" => "the legacy signature does not match",
        "1815" => "the request could not be authenticated",
        "1818" => "the signature does not match the id; check the shared secret",
        "1819" => "the signature does not match the body; check the shared secret",
        _ => return None,
    })
}
