//! The report of an onboarding.

use std::fmt;
use std::time::Duration;

use provider_core::Error;
use provider_core::capability::{
    AggregatorConsentSession, AggregatorStanding, DocumentSession, RecordedConsent,
};

use crate::AggregatorChoice;

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

impl StepName {
    /// All steps.
    pub const ALL: &'static [Self] = &[
        Self::RecordConsent,
        Self::OpenDocuments,
        Self::DiscoverAggregators,
        Self::OpenAggregatorConsent,
    ];

    /// The name in kebab case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecordConsent => "record-consent",
            Self::OpenDocuments => "open-documents",
            Self::DiscoverAggregators => "discover-aggregators",
            Self::OpenAggregatorConsent => "open-aggregator-consent",
        }
    }
}

/// The result of one step. A finished step stays finished, whatever happens to another.
#[derive(Debug)]
pub enum Step<T> {
    /// The provider did it.
    Done {
        /// The result.
        value: T,
        /// The provider that did it.
        provider: &'static str,
        /// The duration.
        elapsed: Duration,
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
        }
    }
}

/// The result of an onboarding: one entry for each step, nothing discarded.
#[derive(Debug)]
#[non_exhaustive]
pub struct OnboardingReport {
    /// The record of the person's consent.
    pub consent: Step<RecordedConsent>,
    /// The session for documents.
    pub documents: Step<DocumentSession>,
    /// The aggregators that know the person.
    pub discovery: Step<Vec<AggregatorStanding>>,
    /// The aggregator that suits the person best. The provider of the consent may choose another; its session says so.
    pub choice: AggregatorChoice,
    /// The consent at the aggregator.
    pub aggregator_consent: Step<AggregatorConsentSession>,
    /// The duration of the onboarding.
    pub elapsed: Duration,
}

impl OnboardingReport {
    /// The failures, in the order of the steps.
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
    }

    /// Whether every step was done.
    pub fn is_complete(&self) -> bool {
        self.consent.value().is_some()
            && self.documents.value().is_some()
            && self.discovery.value().is_some()
            && self.aggregator_consent.value().is_some()
    }

    /// The failed steps that may have been done nevertheless, except reads. Settle these before onboarding the person
    /// again.
    pub fn unsettled(&self) -> impl Iterator<Item = (StepName, &Error)> {
        self.errors().filter(|(_, error)| error.is_unsettled())
    }
}
