//! The composition of the providers of an onboarding.

use std::sync::Arc;
use std::time::Duration;

use provider_core::capability::{
    AggregatorConsent, AggregatorDiscovery, AggregatorId, ConsentRecorder, DocumentAccess,
};
use provider_core::{ClientDefaults, RetryPolicy};

use crate::{Applicant, Fallback, Onboarding};

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
        let kyc = Self {
            consent: None,
            documents: None,
            discovery: None,
            aggregator_consent: None,
            default_aggregator: None,
            deadline: Duration::from_secs(30),
            retry: None,
        };
        KycBuilder {
            kyc,
            defaults: ClientDefaults::new(),
        }
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
pub struct KycBuilder {
    kyc: Kyc,
    pub(crate) defaults: ClientDefaults,
}

impl KycBuilder {
    /// Sets the provider that records consents.
    #[must_use]
    pub fn consent_recorder(mut self, provider: Arc<dyn ConsentRecorder>) -> Self {
        self.kyc.consent = Some(provider);
        self
    }

    /// Sets the provider that opens access to documents.
    #[must_use]
    pub fn document_access(mut self, provider: Arc<dyn DocumentAccess>) -> Self {
        self.kyc.documents = Some(provider);
        self
    }

    /// Sets the provider that finds the aggregators that know a person.
    #[must_use]
    pub fn aggregator_discovery(mut self, provider: Arc<dyn AggregatorDiscovery>) -> Self {
        self.kyc.discovery = Some(provider);
        self
    }

    /// Sets the provider that opens consents at aggregators.
    #[must_use]
    pub fn aggregator_consent(mut self, provider: Arc<dyn AggregatorConsent>) -> Self {
        self.kyc.aggregator_consent = Some(provider);
        self
    }

    /// Adds the provider that opens consents at aggregators when the one before it failed and has certainly done nothing, see
    /// [`Fallback`]. Without one before it, it is the only one.
    #[must_use]
    pub fn or_aggregator_consent(mut self, next: Arc<dyn AggregatorConsent>) -> Self {
        self.kyc.aggregator_consent = Some(match self.kyc.aggregator_consent {
            Some(first) => Arc::new(Fallback::<dyn AggregatorConsent>::new(first).or(next)),
            None => next,
        });
        self
    }

    /// Sets the aggregator to use if none knows the person.
    #[must_use]
    pub fn default_aggregator(mut self, aggregator: AggregatorId) -> Self {
        self.kyc.default_aggregator = Some(aggregator);
        self
    }

    /// Sets the deadline of an onboarding; 30 s by default. Discovery gets at most half of it, so that a slow aggregator
    /// does not prevent the consent from being opened with the default.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.kyc.deadline = deadline;
        self
    }

    /// Sets what the clients start from that the builder makes itself, in `providers_from_environment` and
    /// `providers_from`: one transport, one set of observers. For a client that you make, use
    /// [`ClientDefaults::client`].
    #[must_use]
    pub fn client_defaults(mut self, defaults: ClientDefaults) -> Self {
        self.defaults = defaults;
        self
    }

    /// Retries the requests of every step according to this policy instead of each client's own.
    ///
    /// Only one layer should retry: three layers with three attempts each make 27 requests. If a job runner or a queue
    /// above retries an onboarding, set [`RetryPolicy::never`] here.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.kyc.retry = Some(retry);
        self
    }

    /// Builds the composition. A step without a provider is skipped.
    pub fn build(self) -> Kyc {
        self.kyc
    }
}
