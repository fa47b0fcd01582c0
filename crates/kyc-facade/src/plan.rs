//! The plan of an onboarding, made before anything is sent: which steps are taken, and that none is if one's input is
//! invalid.

use std::sync::Arc;

use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession, AggregatorDiscovery,
    AggregatorQuery, AggregatorStandings, ConsentAnswer, ConsentRecorder, ConsentStatement,
    DocumentAccess, DocumentAccessRequest, DocumentSession, RecordedConsent,
};
use provider_core::{Error, Idempotency, InvalidRequest};

use crate::applicant::Person;
use crate::{AggregatorChoice, Applicant, Kyc, OnboardingReport, SkipReason, Step, StepName};

/// One step before it starts.
pub(crate) enum Planned<P, I, T> {
    /// It is taken: its provider, the provider's name, and a valid input.
    Take(P, &'static str, I),
    /// It stays as an earlier report has it.
    Keep(Step<T>),
    /// It is not taken.
    Skip(SkipReason),
    /// Its input is invalid.
    Fail(Error),
}

impl<P: Clone, I, T> Planned<P, I, T> {
    /// The step that an earlier report keeps, or else as it is planned now.
    fn kept_or(kept: Option<Step<T>>, plan: impl FnOnce() -> Result<Self, SkipReason>) -> Self {
        match kept {
            Some(step) => Self::Keep(step),
            None => plan().unwrap_or_else(Self::Skip),
        }
    }

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

/// What came before: an earlier report of the same person, and what the caller says of it.
#[derive(Default)]
pub(crate) struct Earlier {
    pub(crate) report: Option<OnboardingReport>,
    pub(crate) repeated: Vec<StepName>,
    pub(crate) left_out: Vec<StepName>,
}

impl Earlier {
    /// What an earlier step becomes if it is not taken again: one that is done, or that may be and would be done twice.
    fn kept<T>(&self, name: StepName, step: Option<Step<T>>) -> Option<Step<T>> {
        let step = step.filter(|_| !self.repeated.contains(&name))?;
        match &step {
            Step::Done { .. } => Some(step),
            Step::Failed(error)
                if error.is_unsettled() && error.idempotency() != Some(Idempotency::Repeatable) =>
            {
                Some(step)
            }
            Step::Failed(_) | Step::Skipped(_) => None,
        }
    }
}

type Consent = Planned<Arc<dyn ConsentRecorder>, ConsentStatement, RecordedConsent>;
type Documents = Planned<Arc<dyn DocumentAccess>, DocumentAccessRequest, DocumentSession>;
type Discovery = Planned<Arc<dyn AggregatorDiscovery>, AggregatorQuery, AggregatorStandings>;
type AtAggregator =
    Planned<Arc<dyn AggregatorConsent>, AggregatorConsentRequest, AggregatorConsentSession>;

/// All steps before they start.
pub(crate) struct Plan {
    pub(crate) person: Person,
    pub(crate) answer: Option<ConsentAnswer>,
    pub(crate) consent: Consent,
    pub(crate) documents: Documents,
    pub(crate) discovery: Discovery,
    /// The aggregator of an earlier consent that stays.
    pub(crate) choice: Option<AggregatorChoice>,
    pub(crate) aggregator_consent: AtAggregator,
}

impl Plan {
    /// Checks every input. If one is invalid, no step is taken: a wrong field must not leave half an onboarding. Nor is one
    /// if the earlier report is about another person.
    pub(crate) fn new(kyc: &Kyc, applicant: &Applicant, mut earlier: Earlier) -> Self {
        let report = earlier.report.take();
        let known = report.as_ref().map(|report| report.person.clone());
        let person = match known {
            Some(known) => applicant.person().same_as(known),
            None => Some(applicant.person()),
        };
        let Some(person) = person else {
            return Self::of_another_person(applicant);
        };
        let answered = report.as_ref().and_then(|report| report.answer);
        let answer = applicant.answer().or(answered);
        let planner = Planner {
            kyc,
            applicant,
            refused: answer == Some(ConsentAnswer::Refused),
            left_out: &earlier.left_out,
        };
        let (consent, documents, discovery, choice, at_aggregator) = match report {
            Some(report) => (
                // Another answer than the recorded one is recorded too.
                Some(report.consent).filter(|_| answer == answered),
                Some(report.documents),
                Some(report.discovery),
                Some(report.choice),
                Some(report.aggregator_consent),
            ),
            None => (None, None, None, None, None),
        };
        let consent = earlier.kept(StepName::RecordConsent, consent);
        let documents = earlier.kept(StepName::OpenDocuments, documents);
        let discovery = earlier.kept(StepName::DiscoverAggregators, discovery);
        let at_aggregator = earlier.kept(StepName::OpenAggregatorConsent, at_aggregator);
        let plan = Self {
            person,
            answer,
            consent: Planned::kept_or(consent, || planner.consent()),
            documents: Planned::kept_or(documents, || planner.documents()),
            discovery: Planned::kept_or(discovery, || planner.discovery()),
            choice: choice.filter(|_| at_aggregator.is_some()),
            aggregator_consent: Planned::kept_or(at_aggregator, || planner.aggregator_consent()),
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
            ..plan
        }
    }

    /// Every step fails, and nothing of the earlier report is kept beside this applicant.
    fn of_another_person(applicant: &Applicant) -> Self {
        let error = || InvalidRequest::new("report", "must be about the same applicant").into();
        Self {
            person: applicant.person(),
            answer: applicant.answer(),
            consent: Planned::Fail(error()),
            documents: Planned::Fail(error()),
            discovery: Planned::Fail(error()),
            choice: None,
            aggregator_consent: Planned::Fail(error()),
        }
    }
}

struct Planner<'a> {
    kyc: &'a Kyc,
    applicant: &'a Applicant,
    refused: bool,
    left_out: &'a [StepName],
}

impl Planner<'_> {
    /// The provider of a step, or why the step is skipped whatever its input.
    fn provider<'p, P>(
        &self,
        step: StepName,
        provider: &'p Option<P>,
    ) -> Result<&'p P, SkipReason> {
        if self.left_out.contains(&step) {
            return Err(SkipReason::LeftOut);
        }
        let provider = provider.as_ref().ok_or(SkipReason::NoProvider)?;
        match step {
            StepName::RecordConsent => Ok(provider),
            _ if self.refused => Err(SkipReason::ConsentRefused),
            _ => Ok(provider),
        }
    }

    fn consent(&self) -> Result<Consent, SkipReason> {
        let provider = self.provider(StepName::RecordConsent, &self.kyc.consent)?;
        let consent = self.applicant.consent.clone();
        let consent = consent.ok_or(SkipReason::NoInput("consent session and text"))?;
        Ok(Planned::checked(
            provider.check_consent(&consent),
            provider,
            provider.provider_name(),
            consent,
        ))
    }

    fn documents(&self) -> Result<Documents, SkipReason> {
        let provider = self.provider(StepName::OpenDocuments, &self.kyc.documents)?;
        let request = self.applicant.documents.clone();
        let missing = SkipReason::NoInput("purpose and return URL of the document access");
        let request = request.ok_or(missing)?;
        Ok(Planned::checked(
            provider.check_session(&request),
            provider,
            provider.provider_name(),
            request,
        ))
    }

    fn discovery(&self) -> Result<Discovery, SkipReason> {
        let provider = self.provider(StepName::DiscoverAggregators, &self.kyc.discovery)?;
        let query_id = self.applicant.query_id.clone();
        let query_id = query_id.ok_or(SkipReason::NoInput("id of the query to aggregators"))?;
        let query = AggregatorQuery::new(self.applicant.mobile.clone(), query_id)
            .set_aggregators(self.applicant.aggregators.iter().cloned());
        Ok(Planned::checked(
            provider.check_query(&query),
            provider,
            provider.provider_name(),
            query,
        ))
    }

    fn aggregator_consent(&self) -> Result<AtAggregator, SkipReason> {
        let step = StepName::OpenAggregatorConsent;
        let provider = self.provider(step, &self.kyc.aggregator_consent)?;
        let request = AggregatorConsentRequest::new(
            self.applicant.mobile.clone(),
            self.applicant.purpose.clone(),
        )
        .set_pan(self.applicant.pan.clone())
        .set_email(self.applicant.email.clone())
        .set_webhook_url(self.applicant.webhook_url.clone())
        .set_return_url(self.applicant.return_url.clone());
        Ok(Planned::checked(
            provider.check_request(&request),
            provider,
            provider.provider_name(),
            request,
        ))
    }
}
