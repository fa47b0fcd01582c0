//! Several providers of one capability, chosen by what is asked.

use std::fmt;
use std::sync::Arc;

use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession,
};
use provider_core::{CallOptions, Error, async_trait};

use crate::origin::Origin;

/// Several providers of consents at aggregators, of which a rule chooses one for each request: the first whose condition holds,
/// or else the one that was given first. It is an [`AggregatorConsent`] itself.
///
/// A rule chooses before anything is sent, and a failure changes nothing about it: to go on to another provider after one,
/// give a [`Fallback`](crate::Fallback) as a provider here.
///
/// ```
/// use std::sync::Arc;
///
/// use kyc_facade::provider_core::capability::{AggregatorConsent, ConsentPurpose};
/// use kyc_facade::{ByRule, Kyc, KycBuilder};
///
/// fn by_purpose(one: Arc<dyn AggregatorConsent>, other: Arc<dyn AggregatorConsent>) -> KycBuilder {
///     let chosen = ByRule::otherwise(one)
///         .when(|request| request.purpose == ConsentPurpose::LoanMonitoring, other);
///     Kyc::builder().aggregator_consent(Arc::new(chosen))
/// }
/// ```
///
/// `provider_name` is that of the provider that was given first; the session names the one that opened it. An onboarding
/// checks its input before it knows the aggregator, so a rule about the aggregator is asked twice, without it and with it: the
/// provider that is chosen in the end checks the input once more, before it sends anything.
#[derive(Clone)]
pub struct ByRule {
    otherwise: Arc<dyn AggregatorConsent>,
    rules: Vec<(Condition, Arc<dyn AggregatorConsent>)>,
}

type Condition = Arc<dyn Fn(&AggregatorConsentRequest) -> bool + Send + Sync>;

impl ByRule {
    /// Starts with the provider of a request for which no condition holds.
    pub fn otherwise(provider: Arc<dyn AggregatorConsent>) -> Self {
        Self {
            otherwise: provider,
            rules: Vec::new(),
        }
    }

    /// Adds the provider of a request for which this condition holds, and none of those before it.
    #[must_use]
    pub fn when(
        mut self,
        condition: impl Fn(&AggregatorConsentRequest) -> bool + Send + Sync + 'static,
        provider: Arc<dyn AggregatorConsent>,
    ) -> Self {
        self.rules.push((Arc::new(condition), provider));
        self
    }

    fn chosen(&self, request: &AggregatorConsentRequest) -> &dyn AggregatorConsent {
        let rule = self.rules.iter().find(|(condition, _)| condition(request));
        &**rule.map_or(&self.otherwise, |(_, provider)| provider)
    }
}

impl fmt::Debug for ByRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let providers: Vec<_> = self.rules.iter().map(|(_, provider)| provider).collect();
        f.debug_struct("ByRule")
            .field("otherwise", &self.otherwise)
            .field("providers", &providers)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl AggregatorConsent for ByRule {
    fn provider_name(&self) -> &'static str {
        self.otherwise.provider_name()
    }

    fn check_request(&self, request: &AggregatorConsentRequest) -> Result<(), Error> {
        self.chosen(request).check_request(request)
    }

    async fn open_consent(
        &self,
        request: AggregatorConsentRequest,
        options: CallOptions,
    ) -> Result<AggregatorConsentSession, Error> {
        let provider = self.chosen(&request);
        let mut session = provider.open_consent(request, options).await?;
        session.set_origin(provider.provider_name());
        Ok(session)
    }
}
