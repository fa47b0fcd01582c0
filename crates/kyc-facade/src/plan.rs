//! The plan of an onboarding, made before anything is sent: which steps are taken, and that none is if one's input is
//! invalid.

use std::sync::Arc;
use std::time::Duration;

use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession, AggregatorDiscovery,
    AggregatorQuery, AggregatorStandings, ConsentAnswer, ConsentRecorder, ConsentStatement,
    DocumentAccess, DocumentAccessRequest, DocumentSession, RecordedConsent,
};
use provider_core::{Error, Idempotency, InvalidRequest};

use crate::applicant::Person;
use crate::place::Place;
use crate::{Applicant, Kyc, OnboardingReport, SkipReason, Step, StepName, choose_aggregator};

/// Why a step is not taken.
enum Ended {
    Skipped(SkipReason),
    Failed(Error),
}

/// One step before it starts.
pub(crate) enum Planned<P, I> {
    /// It is taken.
    Take {
        provider: P,
        /// The provider's name.
        name: &'static str,
        /// The effect of a second time.
        idempotency: Idempotency,
        /// A valid input.
        input: I,
    },
    /// It stays as an earlier report has it.
    Keep,
    /// It is not taken, and the report says why.
    Not,
    /// It is not taken because its input is invalid, and the report says why.
    Invalid,
}

impl<P: Clone, I> Planned<P, I> {
    fn checked(
        check: Result<(), Error>,
        provider: &P,
        name: &'static str,
        idempotency: Idempotency,
        input: I,
    ) -> Result<Self, Ended> {
        match check {
            Ok(()) => Ok(Self::Take {
                provider: provider.clone(),
                name,
                idempotency,
                input,
            }),
            Err(error) => Err(Ended::Failed(error)),
        }
    }

    /// Whether the input of this step is invalid.
    fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid)
    }

    /// The same where the input of another step is invalid. What is done, or may be, stays.
    fn held_back<T>(self, step: &mut Step<T>) -> Self {
        match self {
            Self::Take { .. } => {
                if !step.holds() {
                    *step = Step::Skipped(SkipReason::InvalidApplicant);
                }
                Self::Not
            }
            other => other,
        }
    }
}

/// What came before: an earlier report of the same person, and what the caller says of it.
#[derive(Default)]
pub(crate) struct Earlier {
    pub(crate) report: Option<OnboardingReport>,
    pub(crate) only: Vec<StepName>,
    pub(crate) repeated: Vec<StepName>,
    pub(crate) left_out: Vec<StepName>,
}

type Consent = Planned<Arc<dyn ConsentRecorder>, ConsentStatement>;
type Documents = Planned<Arc<dyn DocumentAccess>, DocumentAccessRequest>;
type Discovery = Planned<Arc<dyn AggregatorDiscovery>, AggregatorQuery>;
type AtAggregator = Planned<Arc<dyn AggregatorConsent>, AggregatorConsentRequest>;

/// All steps before they start.
pub(crate) struct Plan {
    pub(crate) consent: Consent,
    pub(crate) documents: Documents,
    pub(crate) discovery: Discovery,
    /// Whether an aggregator is chosen, unless that of an earlier consent stays.
    pub(crate) chooses: bool,
    pub(crate) aggregator_consent: AtAggregator,
}

impl Plan {
    /// The report as it is before anything is sent, and what is to be done. Checks every input. If one is invalid, no step is
    /// taken: a wrong field must not leave half an onboarding. Nor is one if the earlier report is about another person.
    pub(crate) fn new(
        kyc: &Kyc,
        applicant: &Applicant,
        earlier: Earlier,
    ) -> (OnboardingReport, Self) {
        let Earlier {
            report,
            only,
            repeated,
            left_out,
        } = earlier;
        let goes_on = report.is_some();
        let mut report = match report {
            None => not_reached(kyc, applicant),
            Some(report) => match person_of(&report, applicant) {
                Ok(person) => OnboardingReport {
                    person: Some(person),
                    ..report
                },
                Err(error) => return Self::refused(kyc, applicant, &error),
            },
        };
        let answered = report.answer;
        let given = applicant.answer();
        let records = only.is_empty() || only.contains(&StepName::RecordConsent);
        // Whoever refused is asked for nothing, whether that is recorded now or was before.
        let answer = match records {
            true => given.or(answered),
            false => answered.or(given),
        };
        // An answer that is recorded stays until another one is.
        if report.consent.value().is_none() {
            report.answer = answer;
        }
        // What came of a repeat and is certain was told then.
        report
            .failed_repeats
            .retain(|failed| failed.error.is_unsettled());
        let refused = [answer, given].contains(&Some(ConsentAnswer::Refused));
        let planner = Planner {
            kyc,
            applicant,
            refused,
            goes_on,
            only: &only,
            repeated: &repeated,
            left_out: &left_out,
        };
        // Another answer than the recorded one is recorded too.
        let is_recorded = answer == answered;
        let at_aggregator = StepName::OpenAggregatorConsent;
        let chooses = !(goes_on && planner.stays(at_aggregator, &report.aggregator_consent));
        let plan = Self {
            consent: planner.plan::<RecordedConsent, _, _>(
                &mut report,
                is_recorded,
                Planner::consent,
            ),
            documents: planner.plan::<DocumentSession, _, _>(&mut report, true, Planner::documents),
            discovery: planner.plan::<AggregatorStandings, _, _>(
                &mut report,
                true,
                Planner::discovery,
            ),
            chooses,
            aggregator_consent: planner.plan::<AggregatorConsentSession, _, _>(
                &mut report,
                true,
                Planner::aggregator_consent,
            ),
        };
        let is_invalid = plan.consent.is_invalid()
            || plan.documents.is_invalid()
            || plan.discovery.is_invalid()
            || plan.aggregator_consent.is_invalid();
        let plan = match is_invalid {
            true => Self {
                consent: plan.consent.held_back(&mut report.consent),
                documents: plan.documents.held_back(&mut report.documents),
                discovery: plan.discovery.held_back(&mut report.discovery),
                chooses,
                aggregator_consent: plan
                    .aggregator_consent
                    .held_back(&mut report.aggregator_consent),
            },
            false => plan,
        };
        (report, plan)
    }

    /// Every step fails, and nothing of the earlier report is kept beside this applicant.
    fn refused(
        kyc: &Kyc,
        applicant: &Applicant,
        error: &InvalidRequest,
    ) -> (OnboardingReport, Self) {
        let error = || Error::from(error.clone());
        let report = OnboardingReport {
            consent: Step::Failed(error()),
            documents: Step::Failed(error()),
            discovery: Step::Failed(error()),
            aggregator_consent: Step::Failed(error()),
            ..not_reached(kyc, applicant)
        };
        let plan = Self {
            consent: Planned::Not,
            documents: Planned::Not,
            discovery: Planned::Not,
            chooses: true,
            aggregator_consent: Planned::Not,
        };
        (report, plan)
    }
}

/// A report in which no step is reached.
fn not_reached(kyc: &Kyc, applicant: &Applicant) -> OnboardingReport {
    OnboardingReport {
        answer: applicant.answer(),
        consent: Step::Skipped(SkipReason::NotReached),
        documents: Step::Skipped(SkipReason::NotReached),
        discovery: Step::Skipped(SkipReason::NotReached),
        choice: choose_aggregator(&[], &[], kyc.default_aggregator.as_ref()),
        aggregator_consent: Step::Skipped(SkipReason::NotReached),
        replaced: Vec::new(),
        failed_repeats: Vec::new(),
        elapsed: Duration::ZERO,
        person: Some(applicant.person()),
    }
}

/// Whom a report that is gone on from is about, with what is known now.
fn person_of(report: &OnboardingReport, applicant: &Applicant) -> Result<Person, InvalidRequest> {
    let refused = |rule| InvalidRequest::new("report", rule);
    let known = report.person.clone();
    let known = known.ok_or_else(|| refused("must say whom it is about, as it was read back"))?;
    let person = applicant.person().same_as(known);
    person.ok_or_else(|| refused("must be about the same applicant"))
}

struct Planner<'a> {
    kyc: &'a Kyc,
    applicant: &'a Applicant,
    refused: bool,
    /// Whether there is an earlier report.
    goes_on: bool,
    only: &'a [StepName],
    repeated: &'a [StepName],
    left_out: &'a [StepName],
}

impl Planner<'_> {
    /// Whether a step of an earlier report stays of itself, and is not to be repeated.
    fn stays<T>(&self, name: StepName, step: &Step<T>) -> bool {
        step.stays() && !self.repeated.contains(&name)
    }

    /// Plans one step, and writes into the report what is known of it without taking it. `may_stay` is whether what an earlier
    /// report has of it counts. Until it is taken, the report has what it had before.
    fn plan<T: Place, P, I>(
        &self,
        report: &mut OnboardingReport,
        may_stay: bool,
        plan: impl FnOnce(&Self) -> Result<Planned<P, I>, Ended>,
    ) -> Planned<P, I> {
        let is_asked = self.only.is_empty() || self.only.contains(&T::STEP);
        let is_repeated = self.repeated.contains(&T::STEP);
        let stays = may_stay && self.stays(T::STEP, T::step(report));
        if self.goes_on && (stays || !is_asked) {
            return Planned::Keep;
        }
        let planned = match is_asked {
            true => plan(self),
            false => Err(Ended::Skipped(SkipReason::LeftOut)),
        };
        planned.unwrap_or_else(|ended| match ended {
            Ended::Failed(error) => {
                report.fail::<T>(error);
                Planned::Invalid
            }
            // That it may be taken again unasked is no reason to forget it.
            Ended::Skipped(_) if may_stay && !is_repeated && T::step(report).holds() => {
                Planned::Keep
            }
            Ended::Skipped(reason) if T::step(report).holds() => {
                let done = match T::step(report).value() {
                    Some(_) => "is done",
                    None => "may have been done",
                };
                let rule = format!("{done} and cannot be repeated: {reason}");
                report.fail::<T>(InvalidRequest::new(T::STEP.as_str(), rule).into());
                Planned::Not
            }
            Ended::Skipped(reason) => {
                *T::step_mut(report) = Step::Skipped(reason);
                Planned::Not
            }
        })
    }

    /// The provider of a step, or why the step is skipped whatever its input.
    fn provider<'p, P>(&self, step: StepName, provider: &'p Option<P>) -> Result<&'p P, Ended> {
        let skipped = |reason| Err(Ended::Skipped(reason));
        if self.left_out.contains(&step) {
            return skipped(SkipReason::LeftOut);
        }
        match (provider, step) {
            (None, _) => skipped(SkipReason::NoProvider),
            (Some(provider), StepName::RecordConsent) => Ok(provider),
            (Some(_), _) if self.refused => skipped(SkipReason::ConsentRefused),
            (Some(provider), _) => Ok(provider),
        }
    }

    /// An input, or that the step is skipped because the applicant has none.
    fn input<I: Clone>(step: StepName, input: &Option<I>) -> Result<I, Ended> {
        let skipped = || Ended::Skipped(SkipReason::NoInput(step.input()));
        input.clone().ok_or_else(skipped)
    }

    fn consent(&self) -> Result<Consent, Ended> {
        let step = StepName::RecordConsent;
        let provider = self.provider(step, &self.kyc.consent)?;
        let consent = Self::input(step, &self.applicant.consent)?;
        Planned::checked(
            provider.check_consent(&consent),
            provider,
            provider.provider_name(),
            provider.idempotency(),
            consent,
        )
    }

    fn documents(&self) -> Result<Documents, Ended> {
        let step = StepName::OpenDocuments;
        let provider = self.provider(step, &self.kyc.documents)?;
        let request = Self::input(step, &self.applicant.documents)?;
        Planned::checked(
            provider.check_session(&request),
            provider,
            provider.provider_name(),
            Idempotency::Unsafe,
            request,
        )
    }

    fn discovery(&self) -> Result<Discovery, Ended> {
        let step = StepName::DiscoverAggregators;
        let provider = self.provider(step, &self.kyc.discovery)?;
        let query_id = Self::input(step, &self.applicant.query_id)?;
        let query = AggregatorQuery::new(self.applicant.mobile.clone(), query_id)
            .set_aggregators(self.applicant.aggregators.iter().cloned());
        Planned::checked(
            provider.check_query(&query),
            provider,
            provider.provider_name(),
            Idempotency::Safe,
            query,
        )
    }

    fn aggregator_consent(&self) -> Result<AtAggregator, Ended> {
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
        Planned::checked(
            provider.check_request(&request),
            provider,
            provider.provider_name(),
            Idempotency::Unsafe,
            request,
        )
    }
}
