//! Records a person's answer to a consent text.

use std::fmt;

use provider_core::capability::ConsentAnswer;
use provider_core::lenient::{Printable, Told};
use provider_core::lint::Findings;
use provider_core::{
    BuiltRequest, DecodeError, Endpoint, FaultClass, Idempotency, InvalidRequest, Mark, Masked,
    Operation, RequestBuilder, ResponseError, VerificationError, Verified, check_id, lenient,
};
use serde::{Deserialize, Serialize};

use crate::{SessionId, Veriff};

provider_core::open_enum! {
    /// What the person consents to (`[seed]`).
    pub enum ConsentType {
        /// INE biometric database verification, Mexico.
        Ine = "ine",
        /// Illinois Biometric Information Privacy Act, USA.
        Bipa = "bipa",
        /// Aadhaar verification, India.
        Aadhaar = "aadhaar",
    }
}

provider_core::open_enum! {
    /// The context of the record; one value is documented (`[seed]`).
    pub enum ConsentContext {
        /// A consent.
        Consent = "consent",
    }
}

/// The request: the session, the kind of consent, the answer, and the text that was shown.
///
/// Of several consents for a session the latest is binding (`[seed]`). A refusal is a valid answer, although an INE session
/// cannot continue with one. This client enforces no legal rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct RecordConsent {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
    /// What the person consents to: ine, bipa, aadhaar, or another text
    #[serde(rename = "type")]
    consent_type: ConsentType,
    /// Whether the person agreed
    approved: bool,
    /// The consent text exactly as it was shown
    text: Masked,
}

/// The part of the request in the body; the session is in the path.
#[derive(Serialize)]
struct Consent<'a> {
    #[serde(rename = "type")]
    consent_type: &'a ConsentType,
    approved: bool,
    text: &'a Masked,
}

provider_core::request! { RecordConsent }

impl RecordConsent {
    /// Creates a request; all four values are required. `text` is the whole statement exactly as it was shown, in the
    /// language shown.
    pub fn new(
        session_id: SessionId,
        consent_type: ConsentType,
        answer: ConsentAnswer,
        text: impl Into<Masked>,
    ) -> Self {
        Self {
            session_id,
            consent_type,
            approved: answer == ConsentAnswer::Approved,
            text: text.into(),
        }
    }
}

impl RecordConsent {
    /// Whether the reply repeats another answer, kind of consent or text than was sent.
    fn differs(&self, received: &ReceivedConsent) -> bool {
        let is_text = |told: &Told, sent: &str| match told {
            Told::Nothing => true,
            // White space and case are no part of what was said.
            Told::Text(text) => {
                let words = |text: &str| text.to_lowercase().split_whitespace().collect::<String>();
                text == sent || words(text) == words(sent)
            }
            Told::Bool(_) | Told::Number(_) | Told::Json(_) => false,
        };
        let is_answer = matches!(received.approved, Told::Nothing)
            || received.approved.truth() == Some(self.approved);
        !is_answer
            || !is_text(&received.consent_type, self.consent_type.as_str())
            || !is_text(&received.text, self.text.expose())
    }
}

/// A consent on Veriff's record (`[seed]`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConsentRecord {
    /// The consent's id, a UUID.
    pub id: String,
    /// The context of the record.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub context: Option<ConsentContext>,
    /// The session that it belongs to. This client refuses a reply that names another one than the request.
    pub session_id: String,
}

/// Prints the ids if they look like some.
impl fmt::Debug for ConsentRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsentRecord")
            .field("id", &Printable(&self.id))
            .field("context", &self.context)
            .field("session_id", &Printable(&self.session_id))
            .finish()
    }
}

/// A 2xx body. Its documented form has no `status`; other operations have one, and so has a refusal. It repeats nothing of
/// the request but the session; what does is compared.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceivedConsent {
    #[serde(default)]
    status: Told,
    #[serde(default)]
    code: Told,
    #[serde(default)]
    error: Told,
    #[serde(default)]
    errors: Told,
    #[serde(default)]
    success: Told,
    #[serde(default)]
    approved: Told,
    #[serde(default, rename = "type")]
    consent_type: Told,
    #[serde(default)]
    text: Told,
    #[serde(deserialize_with = "lenient::id")]
    id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    context: Option<ConsentContext>,
    #[serde(deserialize_with = "lenient::id")]
    session_id: String,
}

impl Endpoint for RecordConsent {
    type Provider = Veriff;
    type Output = ConsentRecord;

    const OPERATION: Operation = Operation::new(
        "record-consent",
        "POST /v1/sessions/{id}/consents",
        // A retry adds a consent with the same content, and the latest is binding.
        Idempotency::Repeatable,
    )
    // No endpoint reads consents back.
    .settled_by(
        "record it again: no look-up is documented, and of several consents for a session the latest is binding",
    )
    // By the session's id in the signed body.
    .with_correlated_reply()
    .documented(Mark::Seed);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Veriff>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        check_id("type", self.consent_type.as_str())?;
        if self.text.expose().trim().is_empty() {
            return Err(InvalidRequest::new(
                "text",
                "must be the consent text as it was shown",
            ));
        }
        request
            .segment("id", self.session_id.as_path_id())
            .json(&Consent {
                consent_type: &self.consent_type,
                approved: self.approved,
                text: &self.text,
            })
    }

    fn lint(&self, findings: &mut Findings<'_>) {
        findings.free_text("text", self.text.expose());
    }

    fn response(&self, response: &Verified) -> Result<ConsentRecord, ResponseError> {
        let received: ReceivedConsent = lenient::reply(response, &["context"])?;
        let said = [
            &received.status,
            &received.code,
            &received.error,
            &received.errors,
            &received.success,
        ];
        // The usual reply is not parsed again.
        if said.into_iter().any(|told| !matches!(told, Told::Nothing))
            && let Some(fault) = Veriff::refusal(response)
        {
            // A contradiction: it may be recorded.
            return Err(fault.with_class(FaultClass::Contradictory).into());
        }
        if self.differs(&received) {
            return Err(VerificationError::OtherRequest.into());
        }
        let consent = ConsentRecord {
            id: received.id,
            context: received.context,
            session_id: received.session_id,
        };
        if consent.id.trim().is_empty() || check_id("id", &consent.id).is_err() {
            return Err(DecodeError::missing_data("$.id").into());
        }
        // The signature covers only the body, so an authentic reply to another request would verify too.
        if !self.session_id.is(&consent.session_id) {
            return Err(VerificationError::OtherRequest.into());
        }
        Ok(consent)
    }
}
