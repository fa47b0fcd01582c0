//! What an onboarding needs from providers, in words that belong to none of them.
//!
//! Each trait is small and object-safe: a provider implements those it has, an application mocks those it uses. There are
//! no default bodies; a new ability is a new trait.

use std::fmt;

use async_trait::async_trait;

use crate::{CallOptions, Email, Error, Masked, Mobile, Pan};

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

/// A wish to look at a person's documents.
#[derive(Debug, Clone)]
#[non_exhaustive]
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

impl DocumentAccessRequest {
    /// Access to all kinds of documents. `consented` says that the person agreed.
    pub fn new(purpose: impl Into<String>, return_url: impl Into<Masked>, consented: bool) -> Self {
        Self {
            purpose: purpose.into(),
            return_url: return_url.into(),
            documents: Vec::new(),
            consented,
        }
    }

    /// Limits the kinds of documents.
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
    /// Who gave it, if that may be another than was asked: a combinator of providers sets it, a provider leaves it `None`.
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

/// Opens access to a person's documents.
#[async_trait]
pub trait DocumentAccess: fmt::Debug + Send + Sync {
    /// The provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input without sending anything, as the call itself would: so that no step of a flow is taken when another
    /// one's input is wrong.
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

/// A question to account aggregators: do you know this person?
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AggregatorQuery {
    /// The person's mobile number.
    pub mobile: Mobile,
    /// The caller's reference for this question, 1 to 100 characters, handed on to the aggregators.
    pub reference: String,
    /// Which aggregators; empty means all that are enabled.
    pub aggregators: Vec<AggregatorId>,
}

impl AggregatorQuery {
    /// A question to all enabled aggregators.
    pub fn new(mobile: Mobile, reference: impl Into<String>) -> Self {
        Self {
            mobile,
            reference: reference.into(),
            aggregators: Vec::new(),
        }
    }

    /// Limits the question to these aggregators.
    #[must_use]
    pub fn set_aggregators(mut self, aggregators: impl IntoIterator<Item = AggregatorId>) -> Self {
        self.aggregators = aggregators.into_iter().collect();
        self
    }
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
#[non_exhaustive]
pub struct AggregatorStanding {
    /// The aggregator.
    pub aggregator: AggregatorId,
    /// How far the person has come with it.
    pub readiness: Readiness,
    /// Who told it, if that may be another than was asked: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl AggregatorStanding {
    /// What `aggregator` said.
    pub fn new(aggregator: AggregatorId, readiness: Readiness) -> Self {
        Self {
            aggregator,
            readiness,
            provider: None,
        }
    }
}

/// Finds out which account aggregators know a person.
#[async_trait]
pub trait AggregatorDiscovery: fmt::Debug + Send + Sync {
    /// The provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input without sending anything, as the call itself would: so that no step of a flow is taken when another
    /// one's input is wrong.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` with the field and the rule.
    fn check_query(&self, query: &AggregatorQuery) -> Result<(), Error>;

    /// Asks. One standing for each aggregator that was asked, in the provider's order.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind). A single aggregator's failure is a standing, not an error.
    async fn discover(
        &self,
        query: AggregatorQuery,
        options: CallOptions,
    ) -> Result<Vec<AggregatorStanding>, Error>;
}

/// A wish for a person's financial data, to be granted at an account aggregator.
#[derive(Debug, Clone)]
#[non_exhaustive]
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

impl AggregatorConsentRequest {
    /// A consent for this person and purpose, with nothing else known.
    pub fn new(mobile: Mobile, purpose: ConsentPurpose) -> Self {
        Self {
            mobile,
            pan: None,
            email: None,
            purpose,
            aggregator: None,
            webhook_url: None,
            return_url: None,
        }
    }

    /// The person's PAN.
    #[must_use]
    pub fn set_pan(mut self, pan: Option<Pan>) -> Self {
        self.pan = pan;
        self
    }

    /// The person's e-mail address.
    #[must_use]
    pub fn set_email(mut self, email: Option<Email>) -> Self {
        self.email = email;
        self
    }

    /// The aggregator to use.
    #[must_use]
    pub fn set_aggregator(mut self, aggregator: Option<AggregatorId>) -> Self {
        self.aggregator = aggregator;
        self
    }

    /// Where the provider reports changes.
    #[must_use]
    pub fn set_webhook_url(mut self, url: Option<Masked>) -> Self {
        self.webhook_url = url;
        self
    }

    /// Where the person's browser goes afterwards.
    #[must_use]
    pub fn set_return_url(mut self, url: Option<Masked>) -> Self {
        self.return_url = url;
        self
    }
}

/// A consent that the person has yet to grant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AggregatorConsentSession {
    /// The provider's id for it, which later calls name.
    pub reference: ProviderReference,
    /// Where the person grants consent.
    pub url: BrowserUrl,
    /// The aggregator that was asked for, if the provider let us choose.
    pub aggregator: Option<AggregatorId>,
    /// Who gave it, if that may be another than was asked: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl AggregatorConsentSession {
    /// A session with this id, opened at this URL; `aggregator` only if the provider let us choose it.
    pub fn new(
        reference: ProviderReference,
        url: BrowserUrl,
        aggregator: Option<AggregatorId>,
    ) -> Self {
        Self {
            reference,
            url,
            aggregator,
            provider: None,
        }
    }
}

/// Opens a consent at an account aggregator.
#[async_trait]
pub trait AggregatorConsent: fmt::Debug + Send + Sync {
    /// The provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input without sending anything, as the call itself would: so that no step of a flow is taken when another
    /// one's input is wrong.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` with the field and the rule.
    fn check_request(&self, request: &AggregatorConsentRequest) -> Result<(), Error>;

    /// Opens a consent session. Each call opens another one.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind); an input that the provider cannot take is `InvalidRequest`.
    async fn open_consent(
        &self,
        request: AggregatorConsentRequest,
        options: CallOptions,
    ) -> Result<AggregatorConsentSession, Error>;
}

#[cfg(test)]
mod tests {
    use super::Readiness;

    #[test]
    fn readiness_has_a_name_that_stays() {
        let names = [
            Readiness::Ready,
            Readiness::NeedsLinking,
            Readiness::NeedsRegistration,
            Readiness::Undetermined,
        ]
        .map(Readiness::as_str);
        let expected = [
            "ready",
            "needs_linking",
            "needs_registration",
            "undetermined",
        ];
        assert_eq!(names, expected);
    }
}
