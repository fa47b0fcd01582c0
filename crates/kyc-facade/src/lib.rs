#![doc = include_str!("../README.md")]

mod aggregator_choice;
mod applicant;
mod by_rule;
mod documents;
mod draft;
mod fallback;
mod hedged;
mod kyc;
mod onboarding;
#[cfg(feature = "openapi")]
pub mod openapi;
mod origin;
mod place;
mod plan;
mod presets;
mod read_back;
mod report;
mod step_event;
mod time_left;

pub use aggregator_choice::{AggregatorChoice, ChoiceReason, choose_aggregator};
pub use applicant::Applicant;
pub use by_rule::ByRule;
pub use documents::ReportWithUrls;
pub use fallback::Fallback;
pub use hedged::Hedged;
pub use kyc::{Kyc, KycBuilder};
pub use onboarding::{Onboarding, StepConsent};
#[allow(
    unreachable_pub,
    unused_imports,
    reason = "empty without a provider feature"
)]
pub use presets::*;
#[doc(no_inline)]
pub use provider_core;
pub use report::{FailedRepeat, OnboardingReport, Replaced, SkipReason, Step, StepName};
pub use step_event::{Progress, StepEvent};
