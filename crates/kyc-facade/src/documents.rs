//! A report and its events as documents for machines.

use std::time::Duration;

use provider_core::capability::{
    AggregatorConsentSession, AggregatorId, AggregatorStandings, BrowserUrl, ConsentAnswer,
    DocumentSession, ProviderReference, Readiness, RecordedConsent,
};
use provider_core::{Error, ErrorKind, RequestId};
use serde::{Serialize, Serializer};

use crate::{OnboardingReport, Progress, Step, StepEvent, StepName};

/// A report with the URLs to send the person to, see [`OnboardingReport::with_urls`].
#[derive(Debug, Clone, Copy)]
pub struct ReportWithUrls<'r>(&'r OnboardingReport);

impl OnboardingReport {
    /// The version of the report's form in JSON, which its implementation of `Serialize` documents.
    pub const JSON_VERSION: u32 = 1;

    /// The same document with the URLs of the opened sessions in it. Whoever has such a URL can act for the person: pass it
    /// to the person's browser, and keep it out of logs.
    ///
    /// Read back, a report without the URLs has empty ones. One that the onboarding is to [go on
    /// from](crate::Onboarding::resume_from) in another process is therefore stored with them, where nobody reads it who may
    /// not act for the person.
    pub fn with_urls(&self) -> ReportWithUrls<'_> {
        ReportWithUrls(self)
    }
}

/// As an object, for a web handler's reply or a journal. It holds the providers' references and no personal value; the URLs
/// are left out, see [`with_urls`](OnboardingReport::with_urls). Later versions of this crate may add members; a member is
/// removed or changes its meaning only with another `version`. It can be read back.
///
/// | member | value |
/// |---|---|
/// | `version` | [`OnboardingReport::JSON_VERSION`] |
/// | `complete` | [`OnboardingReport::is_complete`] |
/// | `answer` | `approved`, `refused`, or null |
/// | `aggregator` | the choice: `id`, or null, and `reason`, [`ChoiceReason::as_str`](crate::ChoiceReason::as_str) |
/// | `steps` | one object for each step, in the order of [`StepName::ALL`] |
/// | `replaced` | what steps had done before they were repeated, or may have, if any were: a list of `step`, `provider`, `reference` or null, `request_id` and, of a try that failed, `error`, as [`Error`] documents |
/// | `failed_repeats` | the repeats that failed of steps that are done or may be, if any did: a list of `step` and `error`, as [`Error`] documents |
/// | `elapsed_ms` | milliseconds |
///
/// | member of a step | value |
/// |---|---|
/// | `step` | [`StepName::as_str`] |
/// | `result` | `done`, `skipped`, `failed` |
/// | `provider`, `elapsed_ms`, `request_id`, `value` | of a step that is done; `value` has `reference`, `aggregator` and, on request, `url`, and `provider` if the answer itself names the one of several that gave it; or `standings`: a list of `aggregator`, `readiness` and such a `provider`, and `unread`, how many answers could not be read, if any could not |
/// | `reason`, `message` | of a step that was skipped: [`SkipReason::as_str`](crate::SkipReason::as_str), and in words |
/// | `error` | of a step that failed, as [`Error`] documents |
impl Serialize for OnboardingReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        document(self, false).serialize(serializer)
    }
}

impl Serialize for ReportWithUrls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        document(self.0, true).serialize(serializer)
    }
}

#[derive(Serialize)]
struct Report<'r> {
    version: u32,
    complete: bool,
    answer: Option<ConsentAnswer>,
    aggregator: Choice<'r>,
    steps: [StepDocument<'r>; 4],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<ReplacedDocument<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_repeats: Vec<FailedRepeatDocument<'r>>,
    elapsed_ms: u64,
}

#[derive(Serialize)]
struct Choice<'r> {
    id: Option<&'r AggregatorId>,
    reason: &'static str,
}

#[derive(Serialize)]
struct ReplacedDocument<'r> {
    step: StepName,
    provider: &'static str,
    reference: Option<&'r ProviderReference>,
    request_id: Option<&'r RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'r Error>,
}

#[derive(Serialize)]
struct FailedRepeatDocument<'r> {
    step: StepName,
    error: &'r Error,
}

#[derive(Serialize)]
struct StepDocument<'r> {
    step: StepName,
    #[serde(flatten)]
    result: Outcome<'r>,
}

#[derive(Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Outcome<'r> {
    Done {
        provider: &'static str,
        elapsed_ms: u64,
        request_id: Option<&'r RequestId>,
        value: Value<'r>,
    },
    Skipped {
        reason: &'static str,
        message: String,
    },
    Failed {
        error: &'r Error,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'r> {
    Record {
        reference: &'r ProviderReference,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider: Option<&'static str>,
    },
    Session {
        reference: &'r ProviderReference,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<&'r BrowserUrl>,
    },
    AtAggregator {
        reference: &'r ProviderReference,
        aggregator: Option<&'r AggregatorId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<&'r BrowserUrl>,
    },
    Standings {
        standings: Vec<Standing<'r>>,
        #[serde(skip_serializing_if = "is_none")]
        unread: usize,
    },
}

#[derive(Serialize)]
struct Standing<'r> {
    aggregator: &'r AggregatorId,
    readiness: Readiness,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'static str>,
}

fn document(report: &OnboardingReport, urls: bool) -> Report<'_> {
    let replaced = report.replaced.iter().map(|before| ReplacedDocument {
        step: before.step,
        provider: before.provider,
        reference: before.reference.as_ref(),
        request_id: before.request_id.as_ref(),
        error: before.error.as_ref(),
    });
    let failed_repeats = report.failed_repeats.iter();
    let failed_repeats = failed_repeats.map(|failed| FailedRepeatDocument {
        step: failed.step,
        error: &failed.error,
    });
    Report {
        version: OnboardingReport::JSON_VERSION,
        complete: report.is_complete(),
        answer: report.answer,
        aggregator: Choice {
            id: report.choice.aggregator.as_ref(),
            reason: report.choice.reason.as_str(),
        },
        steps: [
            step(StepName::RecordConsent, &report.consent, record_of),
            step(StepName::OpenDocuments, &report.documents, |session| {
                session_of(session, urls)
            }),
            step(StepName::DiscoverAggregators, &report.discovery, |found| {
                standings(found)
            }),
            step(
                StepName::OpenAggregatorConsent,
                &report.aggregator_consent,
                |session| at_aggregator(session, urls),
            ),
        ],
        replaced: replaced.collect(),
        failed_repeats: failed_repeats.collect(),
        elapsed_ms: millis(report.elapsed),
    }
}

fn record_of(consent: &RecordedConsent) -> Value<'_> {
    Value::Record {
        reference: &consent.reference,
        provider: consent.provider,
    }
}

fn session_of(session: &DocumentSession, urls: bool) -> Value<'_> {
    Value::Session {
        reference: &session.reference,
        provider: session.provider,
        url: urls.then_some(&session.url),
    }
}

fn at_aggregator(session: &AggregatorConsentSession, urls: bool) -> Value<'_> {
    Value::AtAggregator {
        reference: &session.reference,
        aggregator: session.aggregator.as_ref(),
        provider: session.provider,
        url: urls.then_some(&session.url),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

fn standings(found: &AggregatorStandings) -> Value<'_> {
    let standings = found.iter().map(|standing| Standing {
        aggregator: &standing.aggregator,
        readiness: standing.readiness,
        provider: standing.provider,
    });
    Value::Standings {
        standings: standings.collect(),
        unread: found.unread,
    }
}

fn step<'r, T>(
    name: StepName,
    step: &'r Step<T>,
    value_of: impl Fn(&'r T) -> Value<'r>,
) -> StepDocument<'r> {
    let result = match step {
        Step::Done {
            value,
            provider,
            elapsed,
            request_id,
        } => Outcome::Done {
            provider,
            elapsed_ms: millis(*elapsed),
            request_id: request_id.as_ref(),
            value: value_of(value),
        },
        Step::Skipped(reason) => Outcome::Skipped {
            reason: reason.as_str(),
            message: reason.to_string(),
        },
        Step::Failed(error) => Outcome::Failed { error },
    };
    StepDocument { step: name, result }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Serialize for StepEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Event<'e> {
            version: u32,
            step: StepName,
            progress: &'static str,
            reason: Option<&'static str>,
            kind: Option<ErrorKind>,
            outcome: Option<provider_core::Outcome>,
            provider: Option<&'static str>,
            reference: Option<&'e ProviderReference>,
            request_id: Option<&'e RequestId>,
        }
        let (reason, kind) = match self.progress {
            Progress::Skipped(reason) => (Some(reason.as_str()), None),
            Progress::Failed(kind) | Progress::HeldBack(kind) => (None, Some(kind)),
            _ => (None, None),
        };
        let event = Event {
            version: OnboardingReport::JSON_VERSION,
            step: self.step,
            progress: self.progress.as_str(),
            reason,
            kind,
            outcome: self.outcome,
            provider: self.provider,
            reference: self.reference.as_ref(),
            request_id: self.request_id.as_ref(),
        };
        event.serialize(serializer)
    }
}
