//! The composition of the providers of an onboarding.

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
    /// Starts without any provider; add those you have.
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
    /// An onboarding takes as long as the slowest of these, not their sum.
    pub fn onboard(&self, applicant: Applicant) -> Onboarding {
        Onboarding::new(self.clone(), applicant)
    }
}

/// The settings of a [`Kyc`] before it is built.
#[derive(Debug, Clone)]
pub struct KycBuilder(Kyc);

impl KycBuilder {
    /// Sets the provider that records consents.
    #[must_use]
    pub fn consent_recorder(mut self, provider: Arc<dyn ConsentRecorder>) -> Self {
        self.0.consent = Some(provider);
        self
    }

    /// Sets the provider that opens access to documents.
    #[must_use]
    pub fn document_access(mut self, provider: Arc<dyn DocumentAccess>) -> Self {
        self.0.documents = Some(provider);
        self
    }

    /// Sets the provider that finds the aggregators that know a person.
    #[must_use]
    pub fn aggregator_discovery(mut self, provider: Arc<dyn AggregatorDiscovery>) -> Self {
        self.0.discovery = Some(provider);
        self
    }

    /// Sets the provider that opens consents at aggregators.
    #[must_use]
    pub fn aggregator_consent(mut self, provider: Arc<dyn AggregatorConsent>) -> Self {
        self.0.aggregator_consent = Some(provider);
        self
    }

    /// Sets the aggregator to use if none knows the person.
    #[must_use]
    pub fn default_aggregator(mut self, aggregator: AggregatorId) -> Self {
        self.0.default_aggregator = Some(aggregator);
        self
    }

    /// Sets the deadline of an onboarding; 30 s by default. Discovery gets at most half of it, so that a slow aggregator
    /// does not prevent the consent from being opened with the default.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.0.deadline = deadline;
        self
    }

    /// Retries the requests of every step according to this policy instead of each client's own.
    ///
    /// Only one layer should retry: three layers with three attempts each make 27 requests. If a job runner or a queue
    /// above retries an onboarding, set [`RetryPolicy::never`] here.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.0.retry = Some(retry);
        self
    }

    /// Builds the composition. A step without a provider is skipped.
    pub fn build(self) -> Kyc {
        self.0
    }
}
