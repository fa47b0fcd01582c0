//! Opens a consent at an account aggregator.

use std::fmt;

use async_trait::async_trait;

use super::reference::{AggregatorId, BrowserUrl, ProviderReference, SessionReference};
use crate::call::CallOptions;
use crate::error::Error;
use crate::values::{Email, Masked, Mobile, Pan};

crate::open_enum! {
    /// What an account aggregator consent is for.
    pub enum ConsentPurpose {
        /// A lending decision: data is fetched once.
        LoanUnderwriting = "loan_underwriting",
        /// Following a running loan: data is refreshed.
        LoanMonitoring = "loan_monitoring",
    }
}

/// A request for a person's consent to share financial data, to be granted at an account aggregator.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AggregatorConsentRequest {
    /// The person's mobile number.
    pub mobile: Mobile,
    /// The person's PAN, if the provider is to check it.
    pub pan: Option<Pan>,
    /// The person's e-mail address.
    pub email: Option<Email>,
    /// What the data is for.
    pub purpose: ConsentPurpose,
    /// The aggregator to use. A provider that chooses the aggregator itself ignores this and says so in the answer.
    pub aggregator: Option<AggregatorId>,
    /// Where the provider reports changes.
    pub webhook_url: Option<Masked>,
    /// Where the person's browser goes afterwards.
    pub return_url: Option<Masked>,
}

impl AggregatorConsentRequest {
    /// A request for this person and purpose, without optional fields.
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
    /// The requested aggregator, if the provider lets the caller choose.
    pub aggregator: Option<AggregatorId>,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl AggregatorConsentSession {
    /// A session with this id, opened at this URL; `aggregator` only if the provider lets the caller choose.
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

impl From<&AggregatorConsentSession> for SessionReference {
    fn from(session: &AggregatorConsentSession) -> Self {
        Self::new(session.reference.clone()).set_provider(session.provider)
    }
}

/// Opens a consent at an account aggregator.
#[async_trait]
pub trait AggregatorConsent: fmt::Debug + Send + Sync {
    /// Returns the provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input as the call itself would, without sending anything, so that a flow takes no step when the input of
    /// another one is wrong.
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
