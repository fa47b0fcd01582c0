//! What an onboarding needs from providers, in words that belong to none of them.
//!
//! Each trait is small and object-safe: a provider implements those it has, an application mocks those it uses. There are
//! no default bodies; a new ability is a new trait.

use std::fmt;

use async_trait::async_trait;

use crate::{Email, Error, Masked, Mobile, Pan};

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

crate::open_enum! {
    /// A kind of document.
    pub enum DocumentKind {
        /// Aadhaar.
        Aadhaar = "aadhaar",
        /// Permanent Account Number card.
        Pan = "pan",
        /// Driving licence.
        DrivingLicence = "dl",
    }
}

crate::open_enum! {
    /// What an account aggregator consent is for.
    pub enum ConsentPurpose {
        /// A lending decision: data is fetched once.
        LoanUnderwriting = "loan_underwriting",
        /// Following a running loan: data is refreshed.
        LoanMonitoring = "loan_monitoring",
    }
}

crate::opaque_id! {
    /// An account aggregator's id, without `@`: `onemoney`.
    pub struct AggregatorId("aggregator");

    /// The id of something a provider opened or recorded: opaque, and meaningful to that provider only.
    pub struct ProviderReference("reference");
}

crate::masked_text! {
    /// A URL to send the person's browser to, byte for byte as the provider gave it. Never decode and re-encode it.
    pub struct BrowserUrl;
}

/// A person's answer to a consent text, to be recorded.
#[derive(Debug, Clone)]
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

/// A consent that a provider keeps on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedConsent {
    /// The provider's id for it.
    pub reference: ProviderReference,
}

/// Keeps a person's consent on record.
#[async_trait]
pub trait ConsentRecorder: fmt::Debug + Send + Sync {
    /// The provider's name, for reports.
    fn provider(&self) -> &'static str;

    /// Records the person's answer, a refusal too.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind); an input that the provider cannot take is `InvalidRequest`.
    async fn record_consent(&self, consent: ConsentStatement) -> Result<RecordedConsent, Error>;
}

/// A wish to look at a person's documents.
#[derive(Debug, Clone)]
pub struct DocumentAccessRequest {
    /// Why, in the caller's words; the person may see it.
    pub purpose: String,
    /// Where the person's browser goes afterwards.
    pub return_url: Masked,
    /// Which documents; empty means all that the provider offers.
    pub documents: Vec<DocumentKind>,
    /// That the person agreed to this access. `false` is refused before anything is sent.
    pub consented: bool,
}

/// A session in which the person grants access in the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSession {
    /// The provider's id for it, which later calls name.
    pub reference: ProviderReference,
    /// Where the person grants access.
    pub url: BrowserUrl,
}

/// Opens access to a person's documents.
#[async_trait]
pub trait DocumentAccess: fmt::Debug + Send + Sync {
    /// The provider's name, for reports.
    fn provider(&self) -> &'static str;

    /// Opens a session.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind); an input that the provider cannot take is `InvalidRequest`.
    async fn open_session(&self, request: DocumentAccessRequest) -> Result<DocumentSession, Error>;
}

/// A question to account aggregators: do you know this person?
#[derive(Debug, Clone)]
pub struct AggregatorQuery {
    /// The person's mobile number.
    pub mobile: Mobile,
    /// The caller's reference for this question, 1 to 100 characters, handed on to the aggregators.
    pub reference: String,
    /// Which aggregators; empty means all that are enabled.
    pub aggregators: Vec<AggregatorId>,
}

/// How far a person has come with one aggregator, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Readiness {
    /// Registered, accounts linked: consent can be asked for.
    Ready,
    /// Registered, no account linked.
    NeedsLinking,
    /// Not registered.
    NeedsRegistration,
    /// The aggregator did not say: too slow, failed, or an answer that is not documented. Never the same as "no".
    Undetermined,
}

impl Readiness {
    /// The readiness in snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NeedsLinking => "needs_linking",
            Self::NeedsRegistration => "needs_registration",
            Self::Undetermined => "undetermined",
        }
    }
}

/// What one aggregator said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatorStanding {
    /// The aggregator.
    pub aggregator: AggregatorId,
    /// How far the person has come with it.
    pub readiness: Readiness,
}

/// Finds out which account aggregators know a person.
#[async_trait]
pub trait AggregatorDiscovery: fmt::Debug + Send + Sync {
    /// The provider's name, for reports.
    fn provider(&self) -> &'static str;

    /// Asks. One standing for each aggregator that was asked, in the provider's order.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind). A single aggregator's failure is a standing, not an error.
    async fn discover(&self, query: AggregatorQuery) -> Result<Vec<AggregatorStanding>, Error>;
}

/// A wish for a person's financial data, to be granted at an account aggregator.
#[derive(Debug, Clone)]
pub struct AggregatorConsentRequest {
    /// The person's mobile number.
    pub mobile: Mobile,
    /// The person's PAN, if the provider shall check it.
    pub pan: Option<Pan>,
    /// The person's e-mail address.
    pub email: Option<Email>,
    /// What the data is for.
    pub purpose: ConsentPurpose,
    /// The aggregator to use. A provider that chooses by itself ignores it and says so in the answer.
    pub aggregator: Option<AggregatorId>,
    /// Where the provider reports changes.
    pub webhook_url: Option<Masked>,
    /// Where the person's browser goes afterwards.
    pub return_url: Option<Masked>,
}

/// A consent that the person has yet to grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatorConsentSession {
    /// The provider's id for it, which later calls name.
    pub reference: ProviderReference,
    /// Where the person grants consent.
    pub url: BrowserUrl,
    /// The aggregator that was asked for, if the provider let us choose.
    pub aggregator: Option<AggregatorId>,
}

/// Opens a consent at an account aggregator.
#[async_trait]
pub trait AggregatorConsent: fmt::Debug + Send + Sync {
    /// The provider's name, for reports.
    fn provider(&self) -> &'static str;

    /// Opens a consent session. Each call opens another one.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind); an input that the provider cannot take is `InvalidRequest`.
    async fn open_consent(
        &self,
        request: AggregatorConsentRequest,
    ) -> Result<AggregatorConsentSession, Error>;
}
