//! Keeps a person's consent on record.

use std::fmt;

use async_trait::async_trait;

use super::reference::ProviderReference;
use crate::call::CallOptions;
use crate::error::Error;
use crate::values::Masked;

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

/// A person's answer to a consent text, to be recorded.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConsentStatement {
    /// The verification session it belongs to.
    pub session: String,
    /// What it is about.
    pub kind: ConsentKind,
    /// Whether the person agreed.
    pub approved: bool,
    /// The text exactly as shown, in the language shown.
    pub text: Masked,
}

impl ConsentStatement {
    /// All four are required; `text` exactly as shown, in the language shown.
    pub fn new(
        session: impl Into<String>,
        kind: ConsentKind,
        approved: bool,
        text: impl Into<Masked>,
    ) -> Self {
        Self {
            session: session.into(),
            kind,
            approved,
            text: text.into(),
        }
    }
}

/// A consent that a provider keeps on record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedConsent {
    /// The provider's id for it.
    pub reference: ProviderReference,
    /// Who gave it, if that may be another than was asked: a combinator of providers sets it, a provider leaves it `None`.
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

/// Keeps a person's consent on record.
#[async_trait]
pub trait ConsentRecorder: fmt::Debug + Send + Sync {
    /// The provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input without sending anything, as the call itself would: so that no step of a flow is taken when another
    /// one's input is wrong.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` with the field and the rule.
    fn check_consent(&self, consent: &ConsentStatement) -> Result<(), Error>;

    /// Records the person's answer, a refusal too.
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
