//! The providers of an onboarding, put together.

use std::sync::Arc;
use std::time::Duration;

use provider_core::RetryPolicy;
use provider_core::capability::{
    AggregatorConsent, AggregatorDiscovery, AggregatorId, ConsentRecorder, DocumentAccess,
};

use crate::{Applicant, Onboarding};

/// The providers of an onboarding. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kyc {
    pub(crate) consent: Option<Arc<dyn ConsentRecorder>>,
    pub(crate) documents: Option<Arc<dyn DocumentAccess>>,
    pub(crate) discovery: Option<Arc<dyn AggregatorDiscovery>>,
    pub(crate) aggregator_consent: Option<Arc<dyn AggregatorConsent>>,
    pub(crate) default_aggregator: Option<AggregatorId>,
    pub(crate) deadline: Duration,
    pub(crate) retry: Option<RetryPolicy>,
}

impl Kyc {
    /// Begins without any provider; add those you have.
    pub fn builder() -> KycBuilder {
        KycBuilder(Self {
            consent: None,
            documents: None,
            discovery: None,
            aggregator_consent: None,
            default_aggregator: None,
            deadline: Duration::from_secs(30),
            retry: None,
        })
    }

    /// Prepares the onboarding of a person; nothing is sent until it is awaited.
    ///
    /// Recording consent, opening documents and discovery run at the same time; the aggregator consent follows discovery.
    /// The whole takes as long as the slowest of these, not their sum.
    pub fn onboard(&self, applicant: Applicant) -> Onboarding<'_> {
        Onboarding::new(self, applicant)
    }
}

/// Settings of a [`Kyc`] before it is built.
#[derive(Debug, Clone)]
pub struct KycBuilder(Kyc);

impl KycBuilder {
    /// Who keeps consents on record.
    #[must_use]
    pub fn consent_recorder(mut self, provider: Arc<dyn ConsentRecorder>) -> Self {
        self.0.consent = Some(provider);
        self
    }

    /// Who opens access to documents.
    #[must_use]
    pub fn document_access(mut self, provider: Arc<dyn DocumentAccess>) -> Self {
        self.0.documents = Some(provider);
        self
    }

    /// Who knows which aggregators know a person.
    #[must_use]
    pub fn aggregator_discovery(mut self, provider: Arc<dyn AggregatorDiscovery>) -> Self {
        self.0.discovery = Some(provider);
        self
    }

    /// Who opens consents at aggregators.
    #[must_use]
    pub fn aggregator_consent(mut self, provider: Arc<dyn AggregatorConsent>) -> Self {
        self.0.aggregator_consent = Some(provider);
        self
    }

    /// The aggregator to use when none says that it knows the person.
    #[must_use]
    pub fn default_aggregator(mut self, aggregator: AggregatorId) -> Self {
        self.0.default_aggregator = Some(aggregator);
        self
    }

    /// How long a whole onboarding may take; 30 s unless set. Discovery gets at most half of it, so that a slow
    /// aggregator does not keep the consent from being opened with the default.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.0.deadline = deadline;
        self
    }

    /// Repeats the requests of every step by this policy instead of each client's own.
    ///
    /// One layer should repeat: three that try three times each make 27 requests. If a job runner or a queue above repeats an
    /// onboarding, give [`RetryPolicy::never`] here.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.0.retry = Some(retry);
        self
    }

    /// Builds it. Without a provider for a step, that step is skipped.
    pub fn build(self) -> Kyc {
        self.0
    }
}
