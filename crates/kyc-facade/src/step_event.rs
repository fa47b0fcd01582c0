//! The events of an onboarding's steps.

use provider_core::capability::ProviderReference;
use provider_core::{ErrorKind, Outcome, RequestId};

#[cfg(doc)]
use crate::{Onboarding, OnboardingReport};
use crate::{SkipReason, StepName};

/// A change of a step: for a display, or for a journal that outlives the process.
///
/// As JSON it is an object: `version` ([`OnboardingReport::JSON_VERSION`]), `step`, `progress`
/// ([`Progress::as_str`]), `reason` of a skip, `kind` and `outcome` of a failure, `provider`, `reference`, `request_id`; what
/// does not apply is null.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepEvent {
    /// Which step.
    pub step: StepName,
    /// What happened to it.
    pub progress: Progress,
    /// The provider that it is taken at, or that did it; `None` for a step that is not taken.
    pub provider: Option<&'static str>,
    /// The provider's id for what was done, which later calls name. Its URL is in the report only.
    pub reference: Option<ProviderReference>,
    /// The request id of its requests, reported before the first one is sent; `None` for a step that was not taken.
    pub request_id: Option<RequestId>,
    /// Whether a step that failed, is held back or was dropped may have been done nevertheless; `None` for any other.
    pub outcome: Option<Outcome>,
}

impl StepEvent {
    pub(crate) fn of(step: StepName, progress: Progress) -> Self {
        Self {
            step,
            progress,
            provider: None,
            reference: None,
            request_id: None,
            outcome: None,
        }
    }

    /// An event for tests of code that receives some; its other fields are `None` until they are set.
    #[cfg(feature = "testing")]
    pub fn new(step: StepName, progress: Progress) -> Self {
        Self::of(step, progress)
    }
}

/// What happened to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// It started.
    Started,
    /// It is done.
    Done,
    /// It is done in the [report](Onboarding::resume_from) that the onboarding goes on from, and is not taken again.
    Kept,
    /// It was skipped.
    Skipped(SkipReason),
    /// It failed.
    Failed(ErrorKind),
    /// It failed in the [report](Onboarding::resume_from) that the onboarding goes on from, and is not taken again: it may have
    /// been done and is not [repeated](Onboarding::repeat), or [only](Onboarding::only) others are taken. The event is about
    /// the earlier failure.
    HeldBack(ErrorKind),
    /// The onboarding's future was dropped while the step was in flight: it may have been done. Its client's
    /// [`CallObserver`](provider_core::CallObserver) receives the details.
    Dropped,
}

impl Progress {
    /// The name in snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::Kept => "kept",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
            Self::HeldBack(_) => "held_back",
            Self::Dropped => "dropped",
        }
    }
}
