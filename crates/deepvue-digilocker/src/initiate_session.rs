//! Opens a session in which the person grants access to documents.

use provider_core::http::Request;
use provider_core::{
    Attempt, Body, DecodeError, Endpoint, Idempotency, InvalidRequest, Masked, Operation, Provider,
    ResponseError, Segment, Verified, post_json,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::Deepvue;
use crate::provider::refusal;

/// That the person agreed. There is no default and no other value: whoever constructs it vouches for it.
///
/// ```
/// let consent = deepvue_digilocker::Consent::given_by_person();
/// ```
///
/// ```compile_fail
/// let consent = deepvue_digilocker::Consent::default();
/// ```
///
/// ```compile_fail
/// let consent = deepvue_digilocker::Consent(());
/// ```
///
/// ```compile_fail
/// let consent = deepvue_digilocker::Consent::from("Y");
/// ```
///
/// ```compile_fail
/// let consent: deepvue_digilocker::Consent = serde_json::from_str("\"Y\"").unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent(());

impl Consent {
    /// The person agreed to this use of DigiLocker.
    pub fn given_by_person() -> Self {
        Self(())
    }
}

impl Serialize for Consent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("Y")
    }
}

/// Purposes that Deepvue's consent guide lists (`[docs: /consent-and-compliance]`). The field is free text; the guide warns
/// that wrong or generic purposes can suspend an account.
pub mod purpose {
    /// Know your customer.
    pub const KYC: &str = "KYC";
    /// Know your business.
    pub const KYB: &str = "KYB";
    /// A credit check.
    pub const CREDIT_CHECK: &str = "Credit Check";
    /// Verification of an employment.
    pub const EMPLOYMENT_VERIFICATION: &str = "Employment Verification";
    /// A background check.
    pub const BACKGROUND_CHECK: &str = "Background Check";
}

provider_core::open_enum! {
    /// A kind of document (`[seed]`).
    pub enum DocType {
        /// Aadhaar.
        Aadhaar = "aadhaar",
        /// Permanent Account Number card.
        Pan = "pan",
        /// Driving licence.
        Dl = "dl",
    }
}

provider_core::open_enum! {
    /// A success in one word; the only one ever shown is `SUCCESS` (`[docs]`).
    pub enum SubCode {
        /// It worked.
        Success = "SUCCESS",
    }
}

provider_core::opaque_id! {
    /// The id of a call; the one that opened a session names it in every later call.
    pub struct TransactionId("transaction_id");
}

provider_core::masked_text! {
    /// Where the person grants access, byte for byte as Deepvue sent it.
    pub struct AuthorizationUrl;
}

/// The request: that the person agreed, why, where the browser goes afterwards, and which documents.
#[derive(Debug, Clone, Serialize)]
pub struct InitiateSession {
    consent: Consent,
    purpose: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<Masked>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    doc_types: Vec<DocType>,
}

impl InitiateSession {
    /// A session for all kinds of documents that comes back to `redirect_url`.
    ///
    /// `purpose` is free text, see [`purpose`]; its limits are not documented.
    pub fn new(
        consent: Consent,
        purpose: impl Into<String>,
        redirect_url: impl Into<Masked>,
    ) -> Self {
        Self {
            redirect_url: Some(redirect_url.into()),
            ..Self::without_redirect(consent, purpose)
        }
    }

    /// A session without `redirect_url`. Deepvue does not mark the field as required, but no other way is documented by
    /// which the person comes back.
    pub fn without_redirect(consent: Consent, purpose: impl Into<String>) -> Self {
        Self {
            consent,
            purpose: purpose.into(),
            redirect_url: None,
            doc_types: Vec::new(),
        }
    }

    /// Limits what the person is asked for. Empty means all again: what Deepvue makes of an empty list is not documented,
    /// so none is sent.
    #[must_use]
    pub fn set_doc_types(mut self, doc_types: impl IntoIterator<Item = DocType>) -> Self {
        self.doc_types = doc_types.into_iter().collect();
        self
    }
}

/// A session that is open (`[seed]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InitiatedSession {
    /// The status once more, 201 in the example; not to be compared with the HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// When the reply was made, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// The session's id, and this call's. Tie it to your own logged-in user before sending the browser away.
    pub transaction_id: TransactionId,
    /// Absent in the example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_code: Option<SubCode>,
    /// For people; do not match on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Masked>,
    /// What was opened.
    pub data: SessionData,
}

/// What a session gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionData {
    /// Where to send the person's browser. Its lifetime is not documented.
    pub authorization_url: AuthorizationUrl,
}

/// What a 2xx body may hold: a session, or a refusal in spite of the status.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    code: Option<u16>,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default)]
    transaction_id: Option<TransactionId>,
    #[serde(default)]
    sub_code: Option<SubCode>,
    #[serde(default)]
    message: Option<Masked>,
    #[serde(default)]
    detail: Option<Value>,
    #[serde(default)]
    data: Option<SessionData>,
}

impl Endpoint for InitiateSession {
    type Provider = Deepvue;
    type Output = InitiatedSession;

    const OPERATION: Operation = Operation::new(
        "initiate-session",
        "POST /v1/kyc/digilocker/initiate-session",
        // No idempotency key is documented, and a repeat may open a second session.
        Idempotency::Unsafe,
    );

    fn request(
        &self,
        provider: &Deepvue,
        _attempt: &Attempt,
    ) -> Result<Request<Body>, InvalidRequest> {
        if self.purpose.trim().is_empty() {
            return Err(InvalidRequest::new("purpose", "must not be empty"));
        }
        if self
            .redirect_url
            .as_ref()
            .is_some_and(|url| url.expose().is_empty())
        {
            return Err(InvalidRequest::new("redirect_url", "must not be empty"));
        }
        if let Some(index) = self
            .doc_types
            .iter()
            .position(|kind| kind.as_str().is_empty())
        {
            return Err(InvalidRequest::new(
                format!("doc_types[{index}]"),
                "must not be empty",
            ));
        }
        let path = [Segment::Literal("/v1/kyc/digilocker/initiate-session")];
        post_json(provider.base_url().join(&path)?, self)
    }

    fn response(&self, response: &Verified) -> Result<InitiatedSession, ResponseError> {
        let Envelope {
            code,
            timestamp,
            transaction_id,
            sub_code,
            message,
            detail,
            data,
        } = response.json()?;
        let said = message.as_ref().map(|message| message.expose());
        if let Some(fault) = refusal(code.map(u64::from), detail, said) {
            return Err(fault.into());
        }
        let data = data.ok_or(DecodeError::missing_data("$.data"))?;
        let transaction_id = transaction_id.ok_or(DecodeError::missing_data("$.transaction_id"))?;
        Ok(InitiatedSession {
            code,
            timestamp,
            transaction_id,
            sub_code,
            message,
            data,
        })
    }
}
