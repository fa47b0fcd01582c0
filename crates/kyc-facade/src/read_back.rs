//! A report read back from its document.
//!
//! An error is read back from what was printed of it: what decides survives, causes as words. So whoever goes on from a
//! stored report decides as before, and nothing is stored that may not be printed. A report names nobody; whoever reads it says
//! whom it is about, because a digest of a mobile number is tried out in minutes.

use std::time::Duration;

use provider_core::capability::{
    AggregatorConsentSession, AggregatorId, AggregatorStanding, AggregatorStandings, BrowserUrl,
    ConsentAnswer, DocumentSession, ProviderReference, Readiness, RecordedConsent,
};
use provider_core::{Error, InvalidRequest, RequestId, deserialize_versioned, read_name};
use serde::{Deserialize, Deserializer};

use crate::{
    AggregatorChoice, ChoiceReason, FailedRepeat, OnboardingReport, Replaced, SkipReason, Step,
    StepName,
};

/// From the object that its implementation of `Serialize` documents, of the same process or another one. Members that are not
/// known are ignored; a newer `version` is refused, and so is a step that is not known: what was done there would be lost. An
/// error names the member and the rule, never a value.
///
/// Results, references, choice, durations in whole milliseconds, request ids and [errors](Error)
/// survive. Not written down, and so not read back: whom the report is about, until [`about`](OnboardingReport::about) says it,
/// and, unless it was [written with them](OnboardingReport::with_urls), the URLs, which are empty then.
///
/// ```
/// use kyc_facade::{Applicant, Kyc, OnboardingReport};
/// use kyc_facade::provider_core::{InvalidRequest, request_from_json};
///
/// async fn go_on(kyc: &Kyc, applicant: Applicant, stored: &[u8]) -> Result<OnboardingReport, InvalidRequest> {
///     let report: OnboardingReport = request_from_json(stored)?;
///     let report = report.about(&applicant); // it was stored with this applicant
///     Ok(kyc.onboard(applicant).resume_from(report).await)
/// }
/// ```
impl<'de> Deserialize<'de> for OnboardingReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_versioned(deserializer, Self::JSON_VERSION, Written::report)
    }
}

#[derive(Deserialize)]
struct Written {
    answer: Option<ConsentAnswer>,
    aggregator: WrittenChoice,
    steps: Vec<WrittenStep>,
    #[serde(default)]
    replaced: Vec<WrittenReplaced>,
    #[serde(default)]
    failed_repeats: Vec<WrittenFailedRepeat>,
    #[serde(default)]
    elapsed_ms: u64,
}

#[derive(Deserialize)]
struct WrittenReplaced {
    step: StepName,
    provider: String,
    reference: Option<ProviderReference>,
    request_id: Option<RequestId>,
    error: Option<Error>,
}

#[derive(Deserialize)]
struct WrittenFailedRepeat {
    step: StepName,
    error: Error,
}

#[derive(Deserialize)]
struct WrittenChoice {
    id: Option<AggregatorId>,
    reason: String,
}

#[derive(Deserialize)]
struct WrittenStep {
    step: StepName,
    result: String,
    provider: Option<String>,
    #[serde(default)]
    elapsed_ms: u64,
    request_id: Option<RequestId>,
    value: Option<WrittenValue>,
    reason: Option<String>,
    error: Option<Error>,
}

#[derive(Deserialize)]
struct WrittenValue {
    reference: Option<ProviderReference>,
    provider: Option<String>,
    aggregator: Option<AggregatorId>,
    url: Option<BrowserUrl>,
    standings: Option<Vec<WrittenStanding>>,
    #[serde(default)]
    unread: usize,
}

#[derive(Deserialize)]
struct WrittenStanding {
    aggregator: AggregatorId,
    readiness: Readiness,
    provider: Option<String>,
}

impl Written {
    fn report(mut self) -> Result<OnboardingReport, InvalidRequest> {
        let replaced = std::mem::take(&mut self.replaced).into_iter();
        let replaced = replaced.map(WrittenReplaced::replaced);
        let failed = std::mem::take(&mut self.failed_repeats).into_iter();
        let failed = failed.map(|WrittenFailedRepeat { step, error }| FailedRepeat { step, error });
        let report = OnboardingReport {
            answer: self.answer,
            consent: self.step(StepName::RecordConsent, WrittenValue::consent)?,
            documents: self.step(StepName::OpenDocuments, WrittenValue::documents)?,
            discovery: self.step(StepName::DiscoverAggregators, WrittenValue::standings)?,
            aggregator_consent: self.step(
                StepName::OpenAggregatorConsent,
                WrittenValue::aggregator_consent,
            )?,
            choice: self.aggregator.choice()?,
            replaced: replaced.collect::<Result<_, _>>()?,
            failed_repeats: failed.collect(),
            elapsed: Duration::from_millis(self.elapsed_ms),
            person: None,
        };
        match self.steps.first() {
            Some(again) => {
                let twice = InvalidRequest::new("step", "must not appear twice");
                Err(of_step(again.step, &twice))
            }
            None => Ok(report),
        }
    }

    /// Takes a step out; one that is not there was not reached.
    fn step<T>(
        &mut self,
        name: StepName,
        value: fn(WrittenValue) -> Result<T, InvalidRequest>,
    ) -> Result<Step<T>, InvalidRequest> {
        match self.steps.iter().position(|step| step.step == name) {
            None => Ok(Step::Skipped(SkipReason::NotReached)),
            Some(at) => {
                let step = self.steps.remove(at).step(value);
                step.map_err(|error| of_step(name, &error))
            }
        }
    }
}

/// The error with the step that it is in.
fn of_step(step: StepName, error: &InvalidRequest) -> InvalidRequest {
    let field = format!("steps.{}.{}", step.as_str(), error.field());
    error.clone().for_field(field)
}

fn required<T>(member: &'static str, value: Option<T>) -> Result<T, InvalidRequest> {
    value.ok_or_else(|| InvalidRequest::new(member, "is required"))
}

fn named(provider: Option<String>) -> Result<Option<&'static str>, InvalidRequest> {
    let name = provider.as_deref().map(read_name).transpose();
    name.map_err(|error| error.for_field("provider"))
}

impl WrittenStep {
    fn step<T>(
        self,
        value: fn(WrittenValue) -> Result<T, InvalidRequest>,
    ) -> Result<Step<T>, InvalidRequest> {
        match self.result.as_str() {
            "done" => Ok(Step::Done {
                value: required("value", self.value).and_then(value)?,
                provider: required("provider", named(self.provider)?)?,
                elapsed: Duration::from_millis(self.elapsed_ms),
                request_id: self.request_id,
            }),
            "skipped" => {
                let reason = required("reason", self.reason)?;
                let reason = SkipReason::of(self.step, &reason);
                let rule = "must be one that is known";
                Ok(Step::Skipped(
                    reason.ok_or_else(|| InvalidRequest::new("reason", rule))?,
                ))
            }
            "failed" => Ok(Step::Failed(required("error", self.error)?)),
            _ => {
                let rule = "must be one of: done, skipped, failed";
                Err(InvalidRequest::new("result", rule))
            }
        }
    }
}

impl WrittenReplaced {
    fn replaced(self) -> Result<Replaced, InvalidRequest> {
        let provider = read_name(&self.provider);
        Ok(Replaced {
            step: self.step,
            provider: provider.map_err(|error| error.for_field("replaced.provider"))?,
            reference: self.reference,
            request_id: self.request_id,
            error: self.error,
        })
    }
}

impl WrittenChoice {
    fn choice(self) -> Result<AggregatorChoice, InvalidRequest> {
        let reason = ChoiceReason::of(&self.reason);
        Ok(AggregatorChoice {
            aggregator: self.id,
            reason: reason.ok_or_else(|| {
                InvalidRequest::new("aggregator.reason", "must be one that is known")
            })?,
        })
    }
}

impl WrittenValue {
    fn consent(self) -> Result<RecordedConsent, InvalidRequest> {
        let mut consent = RecordedConsent::new(required("value.reference", self.reference)?);
        consent.provider = named(self.provider)?;
        Ok(consent)
    }

    fn documents(self) -> Result<DocumentSession, InvalidRequest> {
        let reference = required("value.reference", self.reference)?;
        let mut session = DocumentSession::new(reference, self.url.unwrap_or_else(no_url));
        session.provider = named(self.provider)?;
        Ok(session)
    }

    fn standings(self) -> Result<AggregatorStandings, InvalidRequest> {
        let standings = required("value.standings", self.standings)?.into_iter();
        let standings = standings.map(|written| {
            let mut standing = AggregatorStanding::new(written.aggregator, written.readiness);
            standing.provider = named(written.provider)?;
            Ok(standing)
        });
        let standings = standings.collect::<Result<Vec<_>, InvalidRequest>>()?;
        let mut standings = AggregatorStandings::from(standings);
        standings.unread = self.unread;
        Ok(standings)
    }

    fn aggregator_consent(self) -> Result<AggregatorConsentSession, InvalidRequest> {
        let reference = required("value.reference", self.reference)?;
        let url = self.url.unwrap_or_else(no_url);
        let mut session = AggregatorConsentSession::new(reference, url, self.aggregator);
        session.provider = named(self.provider)?;
        Ok(session)
    }
}

fn no_url() -> BrowserUrl {
    BrowserUrl::new("")
}

impl ChoiceReason {
    /// The reason of this name.
    fn of(name: &str) -> Option<Self> {
        let others = [Self::Default, Self::LeftToProvider];
        let all = Readiness::ALL.iter().copied().map(Self::Readiness);
        all.chain(others).find(|reason| reason.as_str() == name)
    }
}

impl SkipReason {
    /// The reason of this name, of this step.
    fn of(step: StepName, name: &str) -> Option<Self> {
        let all = [
            Self::NoProvider,
            Self::NoInput(step.input()),
            Self::ConsentRefused,
            Self::InvalidApplicant,
            Self::LeftOut,
            Self::NotReached,
        ];
        all.into_iter().find(|reason| reason.as_str() == name)
    }
}
