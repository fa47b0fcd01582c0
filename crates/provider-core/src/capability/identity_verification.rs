//! Verifies who a person is, in a session in the browser.

use std::fmt;

use async_trait::async_trait;
use serde::Deserialize;

use super::reference::{BrowserUrl, ProviderReference, SessionReference};
use crate::call::CallOptions;
use crate::error::Error;
use crate::values::Masked;

/// A request for a person's verification. Every member is optional: what is given is compared with the document that the
/// person shows. As JSON it has these members, and no other.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct VerificationRequest {
    /// The person's given names.
    pub first_name: Option<Masked>,
    /// The person's family name.
    pub last_name: Option<Masked>,
    /// The person's date of birth, `YYYY-MM-DD`.
    pub date_of_birth: Option<Masked>,
    /// The caller's own reference, which the provider repeats: put no personal data in it.
    pub own_reference: Option<Masked>,
    /// Where the person's browser goes afterwards.
    pub return_url: Option<Masked>,
}

crate::request! { read only: VerificationRequest }

impl VerificationRequest {
    /// A request about whoever opens the session.
    pub fn new() -> Self {
        Self::default()
    }

    /// The person's given names and family name.
    #[must_use]
    pub fn set_name(mut self, first: impl Into<Masked>, last: impl Into<Masked>) -> Self {
        (self.first_name, self.last_name) = (Some(first.into()), Some(last.into()));
        self
    }

    /// The person's date of birth, `YYYY-MM-DD`.
    #[must_use]
    pub fn set_date_of_birth(mut self, date: impl Into<Masked>) -> Self {
        self.date_of_birth = Some(date.into());
        self
    }

    /// The caller's own reference.
    #[must_use]
    pub fn set_own_reference(mut self, reference: impl Into<Masked>) -> Self {
        self.own_reference = Some(reference.into());
        self
    }

    /// Where the person's browser goes afterwards.
    #[must_use]
    pub fn set_return_url(mut self, url: impl Into<Masked>) -> Self {
        self.return_url = Some(url.into());
        self
    }
}

/// A session in which the person is verified in the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerificationSession {
    /// The provider's id for it, which later calls name.
    pub reference: ProviderReference,
    /// Where the person is verified. Whoever has it can act as the person.
    pub url: BrowserUrl,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl VerificationSession {
    /// A session with this id, opened at this URL.
    pub fn new(reference: ProviderReference, url: BrowserUrl) -> Self {
        Self {
            reference,
            url,
            provider: None,
        }
    }
}

impl From<&VerificationSession> for SessionReference {
    fn from(session: &VerificationSession) -> Self {
        Self::new(session.reference.clone()).set_provider(session.provider)
    }
}

/// What a verification came to. Only [`Approved`](Self::Approved) verifies anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing is decided yet.
    Pending,
    /// Final and positive.
    Approved,
    /// Final and negative. Another attempt needs another session.
    Declined,
    /// The person has to try again, at the same URL.
    ResubmissionRequested,
    /// Final: the person did not finish in time.
    Expired,
    /// A human reviews it.
    Review,
    /// The provider's words are not documented, or contradict each other: the text that it sent, empty if there is none that
    /// can be read. It may be a word of approval, with a code that says something else: never take it for one.
    Unclear(Masked),
}

impl Verdict {
    /// The verdict in snake case, `unclear` for any text.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::ResubmissionRequested => "resubmission_requested",
            Self::Expired => "expired",
            Self::Review => "review",
            Self::Unclear(_) => "unclear",
        }
    }

    /// Whether no other verdict follows.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Approved | Self::Declined | Self::Expired)
    }
}

/// A verdict and why it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerificationDecision {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason in the provider's words, for people.
    pub reason: Option<Masked>,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl VerificationDecision {
    /// A verdict, with the reason if the provider gives one.
    pub fn new(verdict: Verdict, reason: Option<Masked>) -> Self {
        Self {
            verdict,
            reason,
            provider: None,
        }
    }
}

/// Verifies who a person is.
#[async_trait]
pub trait IdentityVerification: fmt::Debug + Send + Sync {
    /// Returns the provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input as the call itself would, without sending anything, so that a flow takes no step when the input of
    /// another one is wrong.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` with the field and the rule.
    fn check_verification(&self, request: &VerificationRequest) -> Result<(), Error>;

    /// Opens a session. Each call opens another one.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind); an input that the provider cannot take is `InvalidRequest`.
    async fn open_verification(
        &self,
        request: VerificationRequest,
        options: CallOptions,
    ) -> Result<VerificationSession, Error>;

    /// Reads the verdict about a session as it is now. A read: it may be repeated.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind): `InvalidRequest` for a session of another provider, `Verification` for a reply
    /// about another session. A verdict that is not there yet is no error.
    async fn read_verdict(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<VerificationDecision, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_an_object_and_its_errors_repeat_no_value() {
        let read = |json: &str| serde_json::from_str::<VerificationRequest>(json);
        assert!(read("{}").unwrap().last_name.is_none());
        let named = read(r#"{"first_name":"Asha"}"#).unwrap();
        assert_eq!(named.first_name.as_ref().map(Masked::expose), Some("Asha"));
        for (json, expected) in [
            (r#"["CANARY"]"#, "request: must be an object"),
            (
                r#"{"first_name":["CANARY"]}"#,
                "first_name: must be a string",
            ),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert_eq!(error, expected);
        }
        assert!(read(r#"{"first_name":"A","first_name":"B"}"#).is_err());
    }
}
