//! Records a person's consent.

use std::fmt;

use async_trait::async_trait;
use serde::Deserialize;

use super::reference::ProviderReference;
use crate::call::CallOptions;
use crate::error::Error;
use crate::values::Masked;
use crate::wire::Idempotency;

crate::open_enum! {
    /// What a person consents to.
    pub enum ConsentKind {
        /// Aadhaar verification, India.
        Aadhaar = "aadhaar",
        /// INE biometric database verification, Mexico.
        Ine = "ine",
        /// Illinois Biometric Information Privacy Act, USA.
        Bipa = "bipa",
    }
}

/// What a person answered to a consent text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsentAnswer {
    /// The person agreed.
    Approved,
    /// The person refused.
    Refused,
}

crate::named_enum! {
    ConsentAnswer("answer") {
        Approved = "approved",
        Refused = "refused",
    }
}

/// A person's answer to a consent text, to be recorded. As JSON: `session`, `kind`, `answer`, `text`.
#[derive(Debug, Clone, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
#[non_exhaustive]
pub struct ConsentStatement {
    /// The verification session that it belongs to.
    pub session: String,
    /// What the person consents to.
    pub kind: ConsentKind,
    /// What the person answered.
    pub answer: ConsentAnswer,
    /// The text exactly as shown, in the language shown.
    pub text: Masked,
}

crate::request! { read only: ConsentStatement }

impl ConsentStatement {
    /// A statement. All four values are required; `text` is exactly as shown, in the language shown.
    pub fn new(
        session: impl Into<String>,
        kind: ConsentKind,
        answer: ConsentAnswer,
        text: impl Into<Masked>,
    ) -> Self {
        Self {
            session: session.into(),
            kind,
            answer,
            text: text.into(),
        }
    }
}

/// A consent that a provider has recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedConsent {
    /// The provider's id for it.
    pub reference: ProviderReference,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl RecordedConsent {
    /// A consent with this id.
    pub fn new(reference: ProviderReference) -> Self {
        Self {
            reference,
            provider: None,
        }
    }
}

/// Records a person's consent.
#[async_trait]
pub trait ConsentRecorder: fmt::Debug + Send + Sync {
    /// Returns the provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// The effect of recording an answer again that may have been recorded, for a flow that saw no end of the call: it takes the step
    /// again of itself only if that does no harm. Without a provider's word it does.
    fn idempotency(&self) -> Idempotency {
        Idempotency::Unsafe
    }

    /// Checks an input as the call itself would, without sending anything, so that a flow takes no step when the input of
    /// another one is wrong.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` with the field and the rule.
    fn check_consent(&self, consent: &ConsentStatement) -> Result<(), Error>;

    /// Records the person's answer, whether approval or refusal.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind); an input that the provider cannot take is `InvalidRequest`.
    async fn record_consent(
        &self,
        consent: ConsentStatement,
        options: CallOptions,
    ) -> Result<RecordedConsent, Error>;
}
