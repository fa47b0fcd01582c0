//! The report of an onboarding.

use std::fmt;
use std::time::Duration;

use provider_core::capability::{
    AggregatorConsentSession, AggregatorStandings, ConsentAnswer, DocumentSession,
    ProviderReference, RecordedConsent,
};
use provider_core::{Error, Idempotency, InvalidRequest, Outcome, RequestId};

use crate::applicant::Person;
use crate::place::Place;
use crate::{AggregatorChoice, Applicant};

/// The steps of an onboarding, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StepName {
    /// Records the person's consent.
    RecordConsent,
    /// Opens a session for documents.
    OpenDocuments,
    /// Finds the aggregators that know the person.
    DiscoverAggregators,
    /// Opens a consent at an aggregator.
    OpenAggregatorConsent,
}

provider_core::named_enum! {
    StepName("step") {
        RecordConsent = "record-consent",
        OpenDocuments = "open-documents",
        DiscoverAggregators = "discover-aggregators",
        OpenAggregatorConsent = "open-aggregator-consent",
    }
}

impl StepName {
    /// The applicant's input that it cannot do without, in words.
    pub(crate) fn input(self) -> &'static str {
        match self {
            Self::RecordConsent => "consent session and text",
            Self::OpenDocuments => "purpose and return URL of the document access",
            Self::DiscoverAggregators => "id of the query to aggregators",
            Self::OpenAggregatorConsent => "mobile number",
        }
    }
}

/// The result of one step. A finished step stays finished, whatever happens to another.
#[derive(Debug, Clone)]
pub enum Step<T> {
    /// The provider did it.
    Done {
        /// The result.
        value: T,
        /// The provider that did it.
        provider: &'static str,
        /// The duration.
        elapsed: Duration,
        /// The request id of its requests.
        request_id: Option<RequestId>,
    },
    /// It was not taken.
    Skipped(SkipReason),
    /// It failed. [`Error::outcome`] says whether it may have been done nevertheless.
    Failed(Error),
}

impl<T> Step<T> {
    /// The result, if it was done.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Done { value, .. } => Some(value),
            Self::Skipped(_) | Self::Failed(_) => None,
        }
    }

    /// Why it failed, if it did.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Done { .. } | Self::Skipped(_) => None,
        }
    }

    /// Whether it is not taken again unasked: it is done, or it may be and would be done twice.
    pub(crate) fn stays(&self) -> bool {
        match self {
            Self::Done { .. } => true,
            Self::Failed(error) => {
                error.is_unsettled() && error.idempotency() != Some(Idempotency::Repeatable)
            }
            Self::Skipped(_) => false,
        }
    }

    /// Whether there is something at the provider, or may be, that has to be found again: a result, or a failure that may have been
    /// done nevertheless. Only a result takes its place.
    pub(crate) fn holds(&self) -> bool {
        match self {
            Self::Done { .. } => true,
            Self::Failed(error) => error.is_unsettled(),
            Self::Skipped(_) => false,
        }
    }

    /// Why it is not taken again unasked, if it is not.
    fn check_again(&self, name: StepName) -> Result<(), InvalidRequest> {
        let refused = |rule: String| Err(InvalidRequest::new(name.as_str(), rule));
        let by = |provider: &str, id: &Option<&RequestId>| match id {
            Some(id) => format!("by {provider}, request id {id}"),
            None => format!("by {provider}"),
        };
        match self {
            Self::Done {
                provider,
                request_id,
                ..
            } => {
                let by = by(provider, &request_id.as_ref());
                refused(format!("was done {by}; a second time has to be asked for"))
            }
            Self::Failed(error) if self.stays() => {
                let done = match error.outcome() {
                    Outcome::Done => "was done, and its answer could not be read,",
                    _ => "may have been done",
                };
                let by = by(error.provider(), &error.request_id());
                let advice = error.settling().unwrap_or("ask the provider");
                refused(format!("{done} {by}; reconcile it first: {advice}"))
            }
            Self::Failed(_) | Self::Skipped(_) => Ok(()),
        }
    }

    /// Whether it is done; `None` if it was not asked for.
    fn is_done(&self) -> Option<bool> {
        match self {
            Self::Done { .. } => Some(true),
            Self::Skipped(
                SkipReason::NoProvider | SkipReason::NoInput(_) | SkipReason::LeftOut,
            ) => None,
            Self::Skipped(_) | Self::Failed(_) => Some(false),
        }
    }

    /// Why it was not taken, if it was not.
    pub fn skipped(&self) -> Option<SkipReason> {
        match self {
            Self::Skipped(reason) => Some(*reason),
            Self::Done { .. } | Self::Failed(_) => None,
        }
    }
}

/// Why a step was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// No provider for it was configured.
    NoProvider,
    /// The applicant has no input for it; the text names what is missing.
    NoInput(&'static str),
    /// The person refused consent.
    ConsentRefused,
    /// Another step's input is invalid, so no step was taken.
    InvalidApplicant,
    /// The caller [left it out](crate::Onboarding::leave_out).
    LeftOut,
    /// The onboarding ended before it, as a [recorder](crate::Onboarding::with_recorder) finds it. Nothing was sent.
    NotReached,
}

impl SkipReason {
    /// The reason in snake case, for machines; `Display` has it in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoProvider => "no_provider",
            Self::NoInput(_) => "no_input",
            Self::ConsentRefused => "consent_refused",
            Self::InvalidApplicant => "invalid_applicant",
            Self::LeftOut => "left_out",
            Self::NotReached => "not_reached",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProvider => f.write_str("no provider is configured"),
            Self::NoInput(missing) => write!(f, "not given: {missing}"),
            Self::ConsentRefused => f.write_str("the person refused consent"),
            Self::InvalidApplicant => {
                f.write_str("another step's input is invalid, so nothing was sent")
            }
            Self::LeftOut => f.write_str("the caller left it out"),
            Self::NotReached => f.write_str("the onboarding ended before it"),
        }
    }
}

/// What a step that was [repeated](crate::Onboarding::repeat) had opened or recorded before, or may have. It is still there at the
/// provider: by this it is found, to be reconciled or revoked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Replaced {
    /// The step.
    pub step: StepName,
    /// The provider that did it, or may have.
    pub provider: &'static str,
    /// The provider's id of what was done; `None` of a try that failed.
    pub reference: Option<ProviderReference>,
    /// The request id of its requests.
    pub request_id: Option<RequestId>,
    /// Why the try failed, if it did. It may have been done nevertheless: see its [outcome](Error::outcome).
    pub error: Option<Error>,
}

impl Replaced {
    /// A result; `None` if the provider has no id for it, such as that of a read.
    fn result(
        step: StepName,
        provider: &'static str,
        reference: Option<&ProviderReference>,
        request_id: Option<RequestId>,
    ) -> Option<Self> {
        Some(Self {
            step,
            provider,
            reference: Some(reference?.clone()),
            request_id,
            error: None,
        })
    }

    /// A try that failed; `None` if it has certainly done nothing.
    fn failed(step: StepName, error: Error) -> Option<Self> {
        error.is_unsettled().then(|| Self {
            step,
            provider: error.provider(),
            reference: None,
            request_id: error.request_id().cloned(),
            error: Some(error),
        })
    }
}

/// A [repeat](crate::Onboarding::repeat) that failed, or could not be tried, of a step that is done or may be. The step keeps its
/// earlier result, or its earlier failure.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FailedRepeat {
    /// The step.
    pub step: StepName,
    /// Why. Its [outcome](Error::outcome) says whether the second time may have been done nevertheless.
    pub error: Error,
}

/// The result of an onboarding: one entry for each step, nothing discarded.
///
/// It remembers whom it is about, so that no other person's onboarding [goes on from](crate::Onboarding::resume_from) it;
/// `Debug` prints that masked, and its JSON leaves it out: one that is read back has to be [told](Self::about).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OnboardingReport {
    /// The person's answer to the consent text, if one was given.
    pub answer: Option<ConsentAnswer>,
    /// The record of the person's consent.
    pub consent: Step<RecordedConsent>,
    /// The session for documents.
    pub documents: Step<DocumentSession>,
    /// The aggregators that know the person.
    pub discovery: Step<AggregatorStandings>,
    /// The aggregator that suits the person best. The provider of the consent may choose another; its session says so.
    pub choice: AggregatorChoice,
    /// The consent at the aggregator.
    pub aggregator_consent: Step<AggregatorConsentSession>,
    /// The earlier results that a repeat replaced, and the tries that may have been done, the oldest of a step first.
    pub replaced: Vec<Replaced>,
    /// The repeats that failed of steps that are done or may be. One that may have been done itself stays until a repeat succeeds, and
    /// is then among the [replaced](Self::replaced).
    pub failed_repeats: Vec<FailedRepeat>,
    /// The duration of the onboarding.
    pub elapsed: Duration,
    /// `None` of a report that was read back, until somebody says it.
    pub(crate) person: Option<Person>,
}

impl OnboardingReport {
    /// A report about `applicant` in which no step was asked for, for tests of code that reads one: set its fields.
    #[cfg(feature = "testing")]
    pub fn untaken(applicant: &Applicant) -> Self {
        Self {
            answer: None,
            consent: Step::Skipped(SkipReason::NoProvider),
            documents: Step::Skipped(SkipReason::NoProvider),
            discovery: Step::Skipped(SkipReason::NoProvider),
            choice: crate::choose_aggregator(&[], &[], None),
            aggregator_consent: Step::Skipped(SkipReason::NoProvider),
            replaced: Vec::new(),
            failed_repeats: Vec::new(),
            elapsed: Duration::ZERO,
            person: Some(applicant.person()),
        }
    }

    /// Says whom a report is about that was read back: as JSON it names nobody. Keep it with what names the person in your
    /// system, and say it from there: nothing here can tell another person's report. A report that knows whom it is about stays
    /// so.
    #[must_use]
    pub fn about(mut self, applicant: &Applicant) -> Self {
        self.person.get_or_insert_with(|| applicant.person());
        self
    }

    /// Whether an onboarding that [goes on from](crate::Onboarding::resume_from) this report takes this step again, unless it is
    /// told to [repeat](crate::Onboarding::repeat) it.
    ///
    /// # Errors
    ///
    /// It does not, and the rule says why: the step is done, or it may have been done and would be done twice. What has to be
    /// reconciled first, and by which request id, is part of it.
    pub fn check_again(&self, step: StepName) -> Result<(), InvalidRequest> {
        match step {
            StepName::RecordConsent => self.consent.check_again(step),
            StepName::OpenDocuments => self.documents.check_again(step),
            StepName::DiscoverAggregators => self.discovery.check_again(step),
            StepName::OpenAggregatorConsent => self.aggregator_consent.check_again(step),
        }
    }

    /// The step's request goes out, and this is what it is until its end is known: it may have been done. Returns what the step was
    /// before, for [`ended`](Self::ended), unless it stays.
    pub(crate) fn begin<T: Place>(&mut self, in_flight: Error) -> Option<Step<T>> {
        let step = T::step_mut(self);
        if !step.holds() {
            return Some(std::mem::replace(step, Step::Failed(in_flight)));
        }
        self.failed_repeats.push(FailedRepeat {
            step: T::STEP,
            error: in_flight,
        });
        None
    }

    /// The request's end is known: the step is what it was before it [began](Self::begin), until it is said what came of it.
    pub(crate) fn ended<T: Place>(&mut self, before: Option<Step<T>>) {
        match before {
            Some(before) => *T::step_mut(self) = before,
            None => {
                let mut of_all = self.failed_repeats.iter();
                if let Some(at) = of_all.rposition(|failed| failed.step == T::STEP) {
                    self.failed_repeats.remove(at);
                }
            }
        }
    }

    /// The step failed, or cannot be taken. What is done, or may be, stays.
    pub(crate) fn fail<T: Place>(&mut self, error: Error) {
        let step = T::step_mut(self);
        if !step.holds() {
            *step = Step::Failed(error);
            return;
        }
        let step = T::STEP;
        self.failed_repeats.push(FailedRepeat { step, error });
    }

    /// The step is done. How to find what it had done before, or may have, stays.
    pub(crate) fn finish<T: Place>(&mut self, done: Step<T>) {
        let before = match std::mem::replace(T::step_mut(self), done) {
            Step::Done {
                value,
                provider,
                request_id,
                ..
            } => Replaced::result(T::STEP, provider, value.reference(), request_id),
            Step::Failed(error) => Replaced::failed(T::STEP, error),
            Step::Skipped(_) => None,
        };
        self.replaced.extend(before);
        let failed = std::mem::take(&mut self.failed_repeats).into_iter();
        let (of_step, others) = failed.partition(|failed| failed.step == T::STEP);
        self.failed_repeats = others;
        let of_step: Vec<FailedRepeat> = of_step;
        let tries = of_step.into_iter();
        self.replaced
            .extend(tries.filter_map(|failed| Replaced::failed(T::STEP, failed.error)));
    }

    /// Why the repeat of this step failed, if it did.
    pub(crate) fn failed_repeat(&self, step: StepName) -> Option<&Error> {
        let mut last_first = self.failed_repeats.iter().rev();
        Some(&last_first.find(|failed| failed.step == step)?.error)
    }

    /// The failures, in the order of the steps, and then those of [repeats](Self::failed_repeats).
    pub fn errors(&self) -> impl Iterator<Item = (StepName, &Error)> {
        [
            (StepName::RecordConsent, self.consent.error()),
            (StepName::OpenDocuments, self.documents.error()),
            (StepName::DiscoverAggregators, self.discovery.error()),
            (
                StepName::OpenAggregatorConsent,
                self.aggregator_consent.error(),
            ),
        ]
        .into_iter()
        .filter_map(|(step, error)| Some((step, error?)))
        .chain(self.failed_repeats.iter().map(|it| (it.step, &it.error)))
    }

    /// Whether every step that was asked for is done, and at least one was. A step is asked for if it has a provider and an
    /// input, and was not [left out](crate::Onboarding::leave_out).
    pub fn is_complete(&self) -> bool {
        let steps = [
            self.consent.is_done(),
            self.documents.is_done(),
            self.discovery.is_done(),
            self.aggregator_consent.is_done(),
        ];
        let asked: Vec<bool> = steps.into_iter().flatten().collect();
        !asked.is_empty() && asked.into_iter().all(|done| done)
    }

    /// The failed steps and repeats that may have been done nevertheless, except reads. An onboarding that
    /// [goes on from](crate::Onboarding::resume_from) this report does not take them: reconcile them, see
    /// [`Error::settling`], and [repeat](crate::Onboarding::repeat) them.
    pub fn unsettled(&self) -> impl Iterator<Item = (StepName, &Error)> {
        self.errors().filter(|(_, error)| error.is_unsettled())
    }
}
