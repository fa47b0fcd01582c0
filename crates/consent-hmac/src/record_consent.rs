//! Records a person's answer to a consent text.

use provider_core::http::Request;
use provider_core::{
    Attempt, Body, DecodeError, Endpoint, Idempotency, InvalidRequest, Masked, Operation, PathId,
    Provider, ResponseError, Segment, VerificationError, Verified, post_json,
};
use serde::{Deserialize, Serialize};

use crate::Veriff;

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
    /// What the record is about; one value is documented (`[seed]`).
    pub enum ConsentContext {
        /// A consent.
        Consent = "consent",
    }
}

/// The id of a verification session: 1 to 128 characters of `A-Z a-z 0-9 _ -`. Documented as a UUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionId(PathId);

impl SessionId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// Empty, longer than 128, or any other character: dots, slashes, percent signs and control characters would lead
    /// the request elsewhere.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        PathId::parse("session_id", text).map(Self)
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The request: whose session, what about, yes or no, and the text that was shown.
///
/// Of several consents for a session the latest binds (`[seed]`). The client enforces no legal logic: a refusal is a
/// legal value, although an INE session cannot go on with one.
#[derive(Debug, Clone, Serialize)]
pub struct RecordConsent {
    #[serde(skip)]
    session_id: SessionId,
    #[serde(rename = "type")]
    consent_type: ConsentType,
    approved: bool,
    text: Masked,
}

impl RecordConsent {
    /// All four are required. `text` is the whole statement as it was shown, in the language shown, unchanged.
    pub fn new(
        session_id: SessionId,
        consent_type: ConsentType,
        approved: bool,
        text: impl Into<Masked>,
    ) -> Self {
        Self {
            session_id,
            consent_type,
            approved,
            text: text.into(),
        }
    }
}

/// A consent on Veriff's record (`[seed]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordedConsent {
    /// The consent's id, a UUID.
    pub id: String,
    /// What the record is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ConsentContext>,
    /// The session it belongs to: the one of the request, or the reply is refused.
    pub session_id: String,
}

impl Endpoint for RecordConsent {
    type Provider = Veriff;
    type Output = RecordedConsent;

    const OPERATION: Operation = Operation::new(
        "record-consent",
        "POST /v1/sessions/{id}/consents",
        // A repeat adds a consent with the same content, and the latest binds.
        Idempotency::Repeatable,
    );

    fn request(
        &self,
        provider: &Veriff,
        _attempt: &Attempt,
    ) -> Result<Request<Body>, InvalidRequest> {
        if self.consent_type.as_str().is_empty() {
            return Err(InvalidRequest::new("type", "must not be empty"));
        }
        if self.text.expose().trim().is_empty() {
            return Err(InvalidRequest::new(
                "text",
                "must be the consent text as it was shown",
            ));
        }
        let path = [
            Segment::Literal("/v1/sessions/"),
            Segment::Id(&self.session_id.0),
            Segment::Literal("/consents"),
        ];
        post_json(provider.base_url().join(&path)?, self)
    }

    fn response(&self, response: &Verified) -> Result<RecordedConsent, ResponseError> {
        let consent: RecordedConsent = response.json()?;
        if consent.id.is_empty() {
            return Err(DecodeError::missing_data("$.id").into());
        }
        // The signature covers the body only, so a genuine reply to another request would verify too.
        if !same_session(&consent.session_id, self.session_id.as_str()) {
            return Err(VerificationError::OtherRequest.into());
        }
        Ok(consent)
    }
}

/// UUIDs are the same in either case; other ids are not.
fn same_session(one: &str, other: &str) -> bool {
    let is_uuid = |text: &str| {
        text.len() == 36
            && text
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    one == other || (is_uuid(one) && is_uuid(other) && one.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use super::same_session;

    #[test]
    fn case_is_ignored_between_uuids_only() {
        let uuid = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
        assert!(same_session(uuid, &uuid.to_uppercase()));
        assert!(same_session("Session-1", "Session-1"));
        assert!(!same_session("Session-1", "session-1"));
        assert!(!same_session(uuid, "d69a07cf-4434-4d36-be6c-d22af7dc01fc"));
        // As long as a UUID, and none.
        let long = "session-of-36-characters-0123456789a";
        assert!(!same_session(long, &long.to_uppercase()));
    }
}
