//! Opens access to a person's documents.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Deserializer};

use super::reference::{BrowserUrl, ProviderReference, SessionReference};
use crate::call::CallOptions;
use crate::error::Error;
use crate::values::{InvalidRequest, Masked};

crate::open_enum! {
    /// A kind of document.
    pub enum DocumentKind {
        /// Aadhaar.
        Aadhaar = "aadhaar",
        /// Permanent Account Number card.
        Pan = "pan",
        /// Driving licence.
        DrivingLicence = "driving_licence",
    }
}

/// States that the person agreed. There is no other value and no default: the caller who constructs it is responsible for
/// it. As JSON it is `true`, and nothing else is accepted.
///
/// ```
/// use provider_core::{capability::AccessConsent, serde_json};
///
/// let consent = AccessConsent::given_by_person();
/// assert_eq!(serde_json::from_str::<AccessConsent>("true")?, consent);
/// assert!(serde_json::from_str::<AccessConsent>("false").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessConsent(());

impl AccessConsent {
    /// States that the person agreed.
    pub fn given_by_person() -> Self {
        Self(())
    }
}

impl<'de> Deserialize<'de> for AccessConsent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Self(())),
            false => Err(
                InvalidRequest::new("consent", "must be true: the person agreed")
                    .into_deserialize_error(),
            ),
        }
    }
}

/// A document-access request. As JSON: `consent`, `purpose`, `return_url` and, if limited, `documents`.
#[derive(Debug, Clone, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
#[non_exhaustive]
pub struct DocumentAccessRequest {
    /// The person agreed to this access.
    pub consent: AccessConsent,
    /// The purpose, in the caller's words; the person may see it.
    pub purpose: String,
    /// Where the person's browser goes afterwards.
    pub return_url: Masked,
    /// The kinds of documents; empty means all that the provider offers.
    #[serde(default)]
    pub documents: Vec<DocumentKind>,
}

crate::request! { read only: DocumentAccessRequest }

impl DocumentAccessRequest {
    /// A request for all kinds of documents.
    pub fn new(
        consent: AccessConsent,
        purpose: impl Into<String>,
        return_url: impl Into<Masked>,
    ) -> Self {
        Self {
            consent,
            purpose: purpose.into(),
            return_url: return_url.into(),
            documents: Vec::new(),
        }
    }

    /// Limits the request to these kinds of documents.
    #[must_use]
    pub fn set_documents(mut self, documents: impl IntoIterator<Item = DocumentKind>) -> Self {
        self.documents = documents.into_iter().collect();
        self
    }
}

/// A session in which the person grants access in the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentSession {
    /// The provider's id for it, which later calls name.
    pub reference: ProviderReference,
    /// Where the person grants access.
    pub url: BrowserUrl,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl DocumentSession {
    /// A session with this id, opened at this URL.
    pub fn new(reference: ProviderReference, url: BrowserUrl) -> Self {
        Self {
            reference,
            url,
            provider: None,
        }
    }
}

impl From<&DocumentSession> for SessionReference {
    fn from(session: &DocumentSession) -> Self {
        Self::new(session.reference.clone()).set_provider(session.provider)
    }
}

/// Opens access to a person's documents.
#[async_trait]
pub trait DocumentAccess: fmt::Debug + Send + Sync {
    /// Returns the provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input as the call itself would, without sending anything, so that a flow takes no step when the input of
    /// another one is wrong.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` with the field and the rule.
    fn check_session(&self, request: &DocumentAccessRequest) -> Result<(), Error>;

    /// Opens a session.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind); an input that the provider cannot take is `InvalidRequest`.
    async fn open_session(
        &self,
        request: DocumentAccessRequest,
        options: CallOptions,
    ) -> Result<DocumentSession, Error>;
}
