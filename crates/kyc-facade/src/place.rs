//! Where the result of a step is in the report.

use provider_core::capability::{
    AggregatorConsentSession, AggregatorStandings, DocumentSession, RecordedConsent,
};

use crate::origin::Origin;
use crate::{OnboardingReport, Step, StepName};

/// The result of a step, which tells the step by its type.
pub(crate) trait Place: Origin + Sized {
    const STEP: StepName;

    fn step(report: &OnboardingReport) -> &Step<Self>;

    fn step_mut(report: &mut OnboardingReport) -> &mut Step<Self>;
}

macro_rules! place {
    ($($result:ty: $name:ident, $field:ident;)+) => {$(
        impl Place for $result {
            const STEP: StepName = StepName::$name;

            fn step(report: &OnboardingReport) -> &Step<Self> {
                &report.$field
            }

            fn step_mut(report: &mut OnboardingReport) -> &mut Step<Self> {
                &mut report.$field
            }
        }
    )+};
}

place! {
    RecordedConsent: RecordConsent, consent;
    DocumentSession: OpenDocuments, documents;
    AggregatorStandings: DiscoverAggregators, discovery;
    AggregatorConsentSession: OpenAggregatorConsent, aggregator_consent;
}
