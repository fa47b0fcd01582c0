//! The plan of an onboarding, made before anything is sent: which steps are taken, and that none is if one's input is
//! invalid.

use std::sync::Arc;

use provider_core::Error;
use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorDiscovery, AggregatorQuery,
    ConsentRecorder, ConsentStatement, DocumentAccess, DocumentAccessRequest,
};

use crate::{Applicant, Kyc, SkipReason};

/// One step before it starts.
pub(crate) enum Planned<P, I> {
    /// It is taken: its provider, the provider's name, and a valid input.
    Take(P, &'static str, I),
    /// It is not taken.
    Skip(SkipReason),
    /// Its input is invalid.
    Fail(Error),
}

impl<P: Clone, I> Planned<P, I> {
    fn checked(check: Result<(), Error>, provider: &P, name: &'static str, input: I) -> Self {
        match check {
            Ok(()) => Self::Take(provider.clone(), name, input),
            Err(error) => Self::Fail(error),
        }
    }

    fn fails(&self) -> bool {
        matches!(self, Self::Fail(_))
    }

    fn held_back(self) -> Self {
        match self {
            Self::Take(..) => Self::Skip(SkipReason::InvalidApplicant),
            other => other,
        }
    }
}

/// All steps before they start.
pub(crate) struct Plan {
    pub(crate) consent: Planned<Arc<dyn ConsentRecorder>, ConsentStatement>,
    pub(crate) documents: Planned<Arc<dyn DocumentAccess>, DocumentAccessRequest>,
    pub(crate) discovery: Planned<Arc<dyn AggregatorDiscovery>, AggregatorQuery>,
    pub(crate) aggregator_consent: Planned<Arc<dyn AggregatorConsent>, AggregatorConsentRequest>,
}

impl Plan {
    /// Checks every input. If one is invalid, no step is taken: a wrong field must not leave half an onboarding.
    pub(crate) fn new(kyc: &Kyc, applicant: &Applicant) -> Self {
        let planner = Planner { kyc, applicant };
        let plan = Self {
            consent: planner.consent(),
            documents: planner.documents(),
            discovery: planner.discovery(),
            aggregator_consent: planner.aggregator_consent(),
        };
        let invalid = plan.consent.fails()
            || plan.documents.fails()
            || plan.discovery.fails()
            || plan.aggregator_consent.fails();
        if !invalid {
            return plan;
        }
        Self {
            consent: plan.consent.held_back(),
            documents: plan.documents.held_back(),
            discovery: plan.discovery.held_back(),
            aggregator_consent: plan.aggregator_consent.held_back(),
        }
    }
}

struct Planner<'a> {
    kyc: &'a Kyc,
    applicant: &'a Applicant,
}

impl Planner<'_> {
    fn consent(&self) -> Planned<Arc<dyn ConsentRecorder>, ConsentStatement> {
        let Some(provider) = &self.kyc.consent else {
            return Planned::Skip(SkipReason::NoProvider);
        };
        let Some(consent) = self.applicant.consent.clone() else {
            return Planned::Skip(SkipReason::NoInput("consent session and text"));
        };
        Planned::checked(
            provider.check_consent(&consent),
            provider,
            provider.provider_name(),
            consent,
        )
    }

    fn documents(&self) -> Planned<Arc<dyn DocumentAccess>, DocumentAccessRequest> {
        let Some(provider) = &self.kyc.documents else {
            return Planned::Skip(SkipReason::NoProvider);
        };
        if self.applicant.refuses() {
            return Planned::Skip(SkipReason::ConsentRefused);
        }
        let Some(request) = self.applicant.documents.clone() else {
            return Planned::Skip(SkipReason::NoInput(
                "purpose and return URL of the document access",
            ));
        };
        Planned::checked(
            provider.check_session(&request),
            provider,
            provider.provider_name(),
            request,
        )
    }

    fn discovery(&self) -> Planned<Arc<dyn AggregatorDiscovery>, AggregatorQuery> {
        let Some(provider) = &self.kyc.discovery else {
            return Planned::Skip(SkipReason::NoProvider);
        };
        if self.applicant.refuses() {
            return Planned::Skip(SkipReason::ConsentRefused);
        }
        let Some(reference) = self.applicant.reference.clone() else {
            return Planned::Skip(SkipReason::NoInput("reference for the aggregators"));
        };
        let query = AggregatorQuery::new(self.applicant.mobile.clone(), reference)
            .set_aggregators(self.applicant.aggregators.iter().cloned());
        Planned::checked(
            provider.check_query(&query),
            provider,
            provider.provider_name(),
            query,
        )
    }

    fn aggregator_consent(&self) -> Planned<Arc<dyn AggregatorConsent>, AggregatorConsentRequest> {
        let Some(provider) = &self.kyc.aggregator_consent else {
            return Planned::Skip(SkipReason::NoProvider);
        };
        if self.applicant.refuses() {
            return Planned::Skip(SkipReason::ConsentRefused);
        }
        let request = AggregatorConsentRequest::new(
            self.applicant.mobile.clone(),
            self.applicant.purpose.clone(),
        )
        .set_pan(self.applicant.pan.clone())
        .set_email(self.applicant.email.clone())
        .set_webhook_url(self.applicant.webhook_url.clone())
        .set_return_url(self.applicant.return_url.clone());
        Planned::checked(
            provider.check_request(&request),
            provider,
            provider.provider_name(),
            request,
        )
    }
}
