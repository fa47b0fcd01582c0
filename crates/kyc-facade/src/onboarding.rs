//! The flow: what runs at the same time, what waits for what, and one deadline over all.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join3;
use provider_core::capability::{
    AggregatorConsentRequest, AggregatorConsentSession, AggregatorQuery, AggregatorStanding,
    DocumentSession, RecordedConsent,
};
use provider_core::{Error, ErrorKind, Outcome};
use tokio::time::Instant;

use crate::{
    AggregatorChoice, Applicant, Kyc, OnboardingReport, SkipReason, Step, StepName,
    choose_aggregator,
};

/// A step that changed, for a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepEvent {
    /// Which step.
    pub step: StepName,
    /// What happened to it.
    pub progress: Progress,
}

/// What happened to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// It began.
    Started,
    /// It is done.
    Done,
    /// It is not tried.
    Skipped(SkipReason),
    /// It failed.
    Failed(ErrorKind),
}

type Observer = Arc<dyn Fn(StepEvent) + Send + Sync>;

/// One prepared onboarding: change its options, then `.await` it.
///
/// Dropping the future cancels the steps that are not finished; those that began may have been done.
#[must_use = "an onboarding does nothing until it is awaited"]
pub struct Onboarding<'k> {
    kyc: &'k Kyc,
    applicant: Applicant,
    deadline: Duration,
    observer: Option<Observer>,
}

impl<'k> Onboarding<'k> {
    pub(crate) fn new(kyc: &'k Kyc, applicant: Applicant) -> Self {
        Self {
            kyc,
            applicant,
            deadline: kyc.deadline,
            observer: None,
        }
    }

    /// Gives this onboarding its own deadline.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Tells `observer` when a step changes. It is called in the onboarding's own task: it must return at once.
    pub fn with_observer(mut self, observer: impl Fn(StepEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    async fn run(self) -> OnboardingReport {
        let started = Instant::now();
        let end = after(started, self.deadline);
        let discovery_end = after(started, self.deadline / 2);
        let (consent, documents, (discovery, choice, aggregator_consent)) =
            join3(self.record_consent(end), self.open_documents(end), async {
                let discovery = self.discover(discovery_end).await;
                let choice = self.choose(&discovery);
                let consent = self.open_aggregator_consent(&choice, end).await;
                (discovery, choice, consent)
            })
            .await;
        let elapsed = started.elapsed();
        OnboardingReport {
            consent,
            documents,
            discovery,
            choice,
            aggregator_consent,
            elapsed,
        }
    }

    async fn record_consent(&self, end: Instant) -> Step<RecordedConsent> {
        let name = StepName::RecordConsent;
        let Some(provider) = &self.kyc.consent else {
            return self.skip(name, SkipReason::NoProvider);
        };
        let Some(consent) = self.applicant.consent.clone() else {
            return self.skip(name, SkipReason::NoInput("consent session and text"));
        };
        self.step(
            name,
            provider.provider(),
            end,
            provider.record_consent(consent),
        )
        .await
    }

    async fn open_documents(&self, end: Instant) -> Step<DocumentSession> {
        let name = StepName::OpenDocuments;
        let Some(provider) = &self.kyc.documents else {
            return self.skip(name, SkipReason::NoProvider);
        };
        if self.applicant.refuses() {
            return self.skip(name, SkipReason::ConsentRefused);
        }
        let Some(request) = self.applicant.documents.clone() else {
            return self.skip(
                name,
                SkipReason::NoInput("purpose and return URL of the document access"),
            );
        };
        self.step(
            name,
            provider.provider(),
            end,
            provider.open_session(request),
        )
        .await
    }

    async fn discover(&self, end: Instant) -> Step<Vec<AggregatorStanding>> {
        let name = StepName::DiscoverAggregators;
        let Some(provider) = &self.kyc.discovery else {
            return self.skip(name, SkipReason::NoProvider);
        };
        if self.applicant.refuses() {
            return self.skip(name, SkipReason::ConsentRefused);
        }
        let Some(reference) = self.applicant.reference.clone() else {
            return self.skip(name, SkipReason::NoInput("reference for the aggregators"));
        };
        let query = AggregatorQuery {
            mobile: self.applicant.mobile.clone(),
            reference,
            aggregators: self.applicant.aggregators.clone(),
        };
        self.step(name, provider.provider(), end, provider.discover(query))
            .await
    }

    fn choose(&self, discovery: &Step<Vec<AggregatorStanding>>) -> AggregatorChoice {
        let standings = discovery.value().map_or(&[][..], Vec::as_slice);
        choose_aggregator(
            standings,
            &self.applicant.aggregators,
            self.kyc.default_aggregator.as_ref(),
        )
    }

    async fn open_aggregator_consent(
        &self,
        choice: &AggregatorChoice,
        end: Instant,
    ) -> Step<AggregatorConsentSession> {
        let name = StepName::OpenAggregatorConsent;
        let Some(provider) = &self.kyc.aggregator_consent else {
            return self.skip(name, SkipReason::NoProvider);
        };
        if self.applicant.refuses() {
            return self.skip(name, SkipReason::ConsentRefused);
        }
        let request = AggregatorConsentRequest {
            mobile: self.applicant.mobile.clone(),
            pan: self.applicant.pan.clone(),
            email: self.applicant.email.clone(),
            purpose: self.applicant.purpose.clone(),
            aggregator: choice.aggregator.clone(),
            webhook_url: self.applicant.webhook_url.clone(),
            return_url: self.applicant.return_url.clone(),
        };
        self.step(
            name,
            provider.provider(),
            end,
            provider.open_consent(request),
        )
        .await
    }

    fn skip<T>(&self, step: StepName, reason: SkipReason) -> Step<T> {
        self.tell(step, Progress::Skipped(reason));
        Step::Skipped(reason)
    }

    /// Runs one step until `end`. A step that is cut off may have been done; one that had no time to begin was not.
    async fn step<T>(
        &self,
        step: StepName,
        provider: &'static str,
        end: Instant,
        future: impl Future<Output = Result<T, Error>>,
    ) -> Step<T> {
        let cut_off = |outcome| Error::new(ErrorKind::Timeout, outcome).at(provider, step.as_str());
        let started = Instant::now();
        let result = if started >= end {
            Err(cut_off(Outcome::NotSent))
        } else {
            self.tell(step, Progress::Started);
            tokio::time::timeout_at(end, future)
                .await
                .unwrap_or_else(|_| Err(cut_off(Outcome::Unknown)))
        };
        match result {
            Ok(value) => {
                self.tell(step, Progress::Done);
                Step::Done {
                    value,
                    provider,
                    elapsed: started.elapsed(),
                }
            }
            Err(error) => {
                self.tell(step, Progress::Failed(error.kind()));
                Step::Failed(error)
            }
        }
    }

    fn tell(&self, step: StepName, progress: Progress) {
        if let Some(observer) = &self.observer {
            observer(StepEvent { step, progress });
        }
    }
}

/// The moment after `duration`; one that no clock can hold is a year away.
fn after(start: Instant, duration: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    start.checked_add(duration).unwrap_or(start + YEAR)
}

impl<'k> IntoFuture for Onboarding<'k> {
    type Output = OnboardingReport;
    type IntoFuture = Pin<Box<dyn Future<Output = OnboardingReport> + Send + 'k>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Onboarding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onboarding")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
