//! The one-time password that the Aadhaar database asks for.

use consent_hmac::{SessionId, Veriff};
use provider_core::lenient::Told;
use provider_core::{
    DecodeError, Fault, FaultClass, Idempotency, InvalidRequest, Mark, Masked, Operation,
    ResponseError, VerificationError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::endpoint::with_body;
use crate::reply::ReplyStatus;

provider_core::open_enum! {
    /// Why a one-time password was not generated or not accepted (`[docs]`): the code of the refusal,
    /// [`Fault::code`](provider_core::Fault::code).
    pub enum MfaRefusal {
        /// No such session, or none in which this can be done.
        InvalidSessionDetails = "INVALID_SESSION_DETAILS",
        /// Another password cannot be asked for now.
        InvalidResendAttempt = "INVALID_RESEND_ATTEMPT",
        /// No more passwords are generated for this session.
        OtpGenerationLimitReached = "OTP_GENERATION_LIMIT_REACHED",
        /// The person is authenticated already.
        MfaAlreadyCompleted = "MFA_ALREADY_COMPLETED",
        /// It broke at Veriff or at the database.
        ApiError = "API_ERROR",
        /// The number is not of an Aadhaar number's form.
        InvalidInputAadhar = "INVALID_INPUT_AADHAR",
        /// Nobody has this number.
        InvalidAadhar = "INVALID_AADHAR",
        /// The phone number that belongs to the number cannot be reached.
        InvalidPhoneNumber = "INVALID_PHONE_NUMBER",
        /// The last password was generated less than 60 seconds ago.
        OtpRequestTooSoon = "OTP_REQUEST_TOO_SOON",
        /// The password is not 6 digits.
        InvalidInputOtp = "INVALID_INPUT_OTP",
        /// No password was generated.
        OtpNotGenerated = "OTP_NOT_GENERATED",
        /// The password is wrong.
        InvalidOtp = "INVALID_OTP",
        /// Too many passwords were wrong; the session is submitted.
        OtpSubmissionLimitReached = "OTP_SUBMISSION_LIMIT_REACHED",
    }
}

/// The registry; there is one.
#[derive(Debug, Clone, Copy, Default)]
enum Registry {
    #[default]
    Aadhaar,
}

provider_core::named_enum! { Registry("type") { Aadhaar = "aadhaar" } }

/// An Aadhaar number: 12 digits. `Debug` prints `***`, and its memory is wiped on drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AadhaarNumber(Masked);

impl AadhaarNumber {
    /// Checks a number. Its check digit is Veriff's to check.
    ///
    /// # Errors
    ///
    /// It is not 12 digits.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        check_digits("identifier", text, 12, "must be 12 digits").map(Self)
    }
}

provider_core::text_input! { AadhaarNumber, "An Aadhaar number: 12 digits.", pattern: "^[0-9]{12}$" }

/// A one-time password: 6 digits. `Debug` prints `***`, and its memory is wiped on drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OneTimePassword(Masked);

impl OneTimePassword {
    /// Checks a password.
    ///
    /// # Errors
    ///
    /// It is not 6 digits.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        check_digits("code", text, 6, "must be 6 digits").map(Self)
    }
}

provider_core::text_input! { OneTimePassword, "A one-time password: 6 digits.", pattern: "^[0-9]{6}$" }

fn check_digits(
    field: &'static str,
    text: &str,
    length: usize,
    rule: &'static str,
) -> Result<Masked, InvalidRequest> {
    match text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(text.into()),
        false => Err(InvalidRequest::new(field, rule)),
    }
}

/// The request that sends the person a one-time password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GenerateMfa {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
    /// The person's Aadhaar number, 12 digits
    identifier: AadhaarNumber,
    /// The registry: aadhaar, the only value
    #[serde(rename = "type", default)]
    registry: Registry,
}

provider_core::request! { GenerateMfa }

#[derive(Serialize)]
struct Generation<'a> {
    identifier: &'a AadhaarNumber,
    #[serde(rename = "type")]
    registry: Registry,
}

impl GenerateMfa {
    /// Creates a request that sends a password to the phone that belongs to this number.
    pub fn new(session_id: SessionId, identifier: AadhaarNumber) -> Self {
        Self {
            session_id,
            identifier,
            registry: Registry::Aadhaar,
        }
    }

    fn body(&self) -> Result<Generation<'_>, InvalidRequest> {
        let (identifier, registry) = (&self.identifier, self.registry);
        Ok(Generation {
            identifier,
            registry,
        })
    }

    fn read(&self, response: &Verified) -> Result<MfaReply, ResponseError> {
        read(response, &self.session_id)
    }
}

/// The request that verifies the one-time password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct VerifyMfa {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
    /// The password that the person received, 6 digits
    code: OneTimePassword,
    /// The registry: aadhaar, the only value
    #[serde(rename = "type", default)]
    registry: Registry,
}

provider_core::request! { VerifyMfa }

#[derive(Serialize)]
struct Attempt<'a> {
    code: &'a OneTimePassword,
    #[serde(rename = "type")]
    registry: Registry,
}

impl VerifyMfa {
    /// Creates a request that verifies this password.
    pub fn new(session_id: SessionId, code: OneTimePassword) -> Self {
        Self {
            session_id,
            code,
            registry: Registry::Aadhaar,
        }
    }

    fn body(&self) -> Result<Attempt<'_>, InvalidRequest> {
        let (code, registry) = (&self.code, self.registry);
        Ok(Attempt { code, registry })
    }

    fn read(&self, response: &Verified) -> Result<MfaReply, ResponseError> {
        read(response, &self.session_id)
    }
}

/// The reply. A refusal comes with HTTP 200, too: its `status` is `fail`. This client makes an error of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transform = with_reason))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MfaReply {
    /// `success` or, before March 2025, `true`.
    pub status: ReplyStatus,
    /// The session. This client refuses a reply that names another one than the request.
    pub session_id: SessionId,
}

/// Adds what a refusal says: it has the status of a success.
#[cfg(feature = "schema")]
fn with_reason(schema: &mut schemars::Schema) {
    let members = schema.get_mut("properties");
    if let Some(members) = members.and_then(|members| members.as_object_mut()) {
        let reason = provider_core::serde_json::json!({
            "type": ["string", "null"],
            "description": "Why it was not done; there on failure only, beside the status `fail`.",
            "examples": MfaRefusal::KNOWN,
        });
        members.insert("reason".to_owned(), reason);
    }
}

/// A 2xx body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    status: Told,
    #[serde(default)]
    reason: Told,
    #[serde(deserialize_with = "lenient::id")]
    session_id: SessionId,
}

/// Reads a reply by its status, whatever the HTTP status is: one that says neither success nor failure is not taken for a
/// success.
fn read(response: &Verified, session: &SessionId) -> Result<MfaReply, ResponseError> {
    let received: Received = lenient::reply(response, &[])?;
    if !session.is(received.session_id.as_str()) {
        return Err(VerificationError::OtherRequest.into());
    }
    let status = received.status;
    let done = status == Told::Bool(true) || status.is_word("success") || status.is_word("true");
    // A reason is there on failure only.
    match (done, received.reason.is_said()) {
        (true, false) => Ok(MfaReply {
            status: ReplyStatus::Success,
            session_id: received.session_id,
        }),
        (true, true) => Err(Fault::new().with_class(FaultClass::Transient).into()),
        (false, _) => match Veriff::refusal(response) {
            Some(fault) => {
                let broke = fault.code() == Some(MfaRefusal::ApiError.as_str());
                let class = broke.then_some(FaultClass::Transient);
                let class = class.unwrap_or(fault.class());
                Err(fault.with_class(class).into())
            }
            // A word that no page lists may be a success.
            None if matches!(status, Told::Text(_)) => {
                Err(Fault::new().with_class(FaultClass::Transient).into())
            }
            None => Err(DecodeError::missing_data("$.status").into()),
        },
    }
}

with_body!(
    GenerateMfa, Self::body, Self::read => MfaReply,
    // Each call sends a password.
    Operation::new("generate-mfa", "POST /v1/sessions/{id}/mfa/generate", Idempotency::Unsafe)
        .settled_by("ask the person whether a password arrived, and generate another one after 60 seconds if none did")
        // By the session's id in the signed body.
        .with_correlated_reply()
        .documented(Mark::Docs),
    lint: |request, findings| findings.aadhaar("identifier", request.identifier.0.expose())
);

with_body!(
    VerifyMfa, Self::body, Self::read => MfaReply,
    // Wrong passwords are counted.
    Operation::new("verify-mfa", "POST /v1/sessions/{id}/mfa/verify", Idempotency::Unsafe)
        .settled_by("verify the same password again: a refusal MFA_ALREADY_COMPLETED means that it was accepted; after too many wrong ones the session was submitted, so read its decision")
        // By the session's id in the signed body.
        .with_correlated_reply()
        .documented(Mark::Docs)
);
