//! The flow of an onboarding: concurrent steps, their dependencies, and one deadline for all.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join3;
use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession, AggregatorDiscovery,
    AggregatorQuery, AggregatorStanding, ConsentRecorder, ConsentStatement, DocumentAccess,
    DocumentAccessRequest, DocumentSession, RecordedConsent,
};
use provider_core::{CallOptions, Error, ErrorKind, Idempotency, Outcome, RequestId, RetryPolicy};
use tokio::time::Instant;

use crate::origin::Origin;
use crate::plan::{Plan, Planned};
use crate::{
    AggregatorChoice, Applicant, Kyc, OnboardingReport, SkipReason, Step, StepName,
    choose_aggregator,
};

/// A change of a step: for a display, or for a journal that outlives the process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepEvent {
    /// Which step.
    pub step: StepName,
    /// What happened to it.
    pub progress: Progress,
    /// The request id of its requests, reported before the first one is sent; `None` for a step that is not taken.
    pub request_id: Option<RequestId>,
}

/// What happened to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// It started.
    Started,
    /// It is done.
    Done,
    /// It was skipped.
    Skipped(SkipReason),
    /// It failed.
    Failed(ErrorKind),
    /// The onboarding's future was dropped while the step was in flight: it may have been done. Its client's
    /// [`CallObserver`](provider_core::CallObserver) receives the details.
    Dropped,
}

type Observer = Arc<dyn Fn(StepEvent) + Send + Sync>;

/// A prepared onboarding: change its options, then `.await` it.
///
/// Dropping the future cancels the unfinished steps; those that had started may have been done, and are reported to the
/// observer.
#[must_use = "an onboarding does nothing until it is awaited"]
pub struct Onboarding<'k> {
    kyc: &'k Kyc,
    applicant: Applicant,
    deadline: Duration,
    retry: Option<RetryPolicy>,
    observer: Option<Observer>,
}

impl<'k> Onboarding<'k> {
    pub(crate) fn new(kyc: &'k Kyc, applicant: Applicant) -> Self {
        Self {
            kyc,
            applicant,
            deadline: kyc.deadline,
            retry: kyc.retry,
            observer: None,
        }
    }

    /// Sets the deadline of this onboarding.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Retries the requests of every step according to this policy instead of each client's own; see
    /// [`KycBuilder::retry`](crate::KycBuilder::retry).
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Reports changes of steps to `observer`. It is called in the onboarding's own task, and a step starts when it
    /// returns.
    pub fn with_observer(mut self, observer: impl Fn(StepEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    async fn run(self) -> OnboardingReport {
        let started = Instant::now();
        let end = after(started, self.deadline);
        let discovery_end = after(started, half(self.deadline));
        let plan = Plan::new(self.kyc, &self.applicant);
        let (consent, documents, (discovery, choice, aggregator_consent)) = join3(
            self.record_consent(plan.consent, end),
            self.open_documents(plan.documents, end),
            async {
                let discovery = self.discover(plan.discovery, discovery_end).await;
                let choice = self.choose(&discovery);
                let consent = self
                    .open_aggregator_consent(plan.aggregator_consent, &choice, end)
                    .await;
                (discovery, choice, consent)
            },
        )
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

    async fn record_consent(
        &self,
        planned: Planned<Arc<dyn ConsentRecorder>, ConsentStatement>,
        end: Instant,
    ) -> Step<RecordedConsent> {
        let (running, provider, consent) = match self.begin(StepName::RecordConsent, planned, end) {
            Ok(begun) => begun,
            Err(step) => return step,
        };
        let options = running.options(self.retry);
        self.finish(running, provider.record_consent(consent, options))
            .await
    }

    async fn open_documents(
        &self,
        planned: Planned<Arc<dyn DocumentAccess>, DocumentAccessRequest>,
        end: Instant,
    ) -> Step<DocumentSession> {
        let (running, provider, request) = match self.begin(StepName::OpenDocuments, planned, end) {
            Ok(begun) => begun,
            Err(step) => return step,
        };
        let options = running.options(self.retry);
        self.finish(running, provider.open_session(request, options))
            .await
    }

    async fn discover(
        &self,
        planned: Planned<Arc<dyn AggregatorDiscovery>, AggregatorQuery>,
        end: Instant,
    ) -> Step<Vec<AggregatorStanding>> {
        let (running, provider, query) =
            match self.begin(StepName::DiscoverAggregators, planned, end) {
                Ok(begun) => begun,
                Err(step) => return step,
            };
        let options = running.options(self.retry);
        self.finish(running, provider.discover(query, options))
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
        planned: Planned<Arc<dyn AggregatorConsent>, AggregatorConsentRequest>,
        choice: &AggregatorChoice,
        end: Instant,
    ) -> Step<AggregatorConsentSession> {
        let (running, provider, request) =
            match self.begin(StepName::OpenAggregatorConsent, planned, end) {
                Ok(begun) => begun,
                Err(step) => return step,
            };
        let options = running.options(self.retry);
        let request = request.set_aggregator(choice.aggregator.clone());
        self.finish(running, provider.open_consent(request, options))
            .await
    }

    /// The provider and input of a step that is taken, or the end of one that is not.
    fn begin<P, I, T>(
        &self,
        step: StepName,
        planned: Planned<P, I>,
        end: Instant,
    ) -> Result<(Running, P, I), Step<T>> {
        match planned {
            Planned::Take(provider, name, input) => {
                Ok((Running::new(step, name, end), provider, input))
            }
            Planned::Skip(reason) => {
                self.report(step, Progress::Skipped(reason), None);
                Err(Step::Skipped(reason))
            }
            Planned::Fail(error) => {
                self.report(step, Progress::Failed(error.kind()), None);
                Err(Step::Failed(error))
            }
        }
    }

    /// Runs one step to its end. A step that times out may have been done; one that had no time to start was not sent.
    async fn finish<T: Origin>(
        &self,
        running: Running,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Step<T> {
        let result = if running.started >= running.end {
            Err(running.timed_out(Outcome::NotSent))
        } else {
            self.report(running.step, Progress::Started, running.request_id.as_ref());
            let mut in_flight = InFlight {
                onboarding: self,
                running: &running,
                ended: false,
            };
            let result = tokio::time::timeout_at(running.end, call).await;
            in_flight.ended = true;
            result.unwrap_or_else(|_| Err(running.timed_out(Outcome::Unknown)))
        };
        match result {
            Ok(value) => {
                self.report(running.step, Progress::Done, running.request_id.as_ref());
                let elapsed = running.started.elapsed();
                let provider = value.origin().unwrap_or(running.provider);
                Step::Done {
                    value,
                    provider,
                    elapsed,
                }
            }
            Err(error) => {
                let progress = Progress::Failed(error.kind());
                self.report(running.step, progress, running.request_id.as_ref());
                Step::Failed(error)
            }
        }
    }

    fn report(&self, step: StepName, progress: Progress, request_id: Option<&RequestId>) {
        if let Some(observer) = &self.observer {
            let request_id = request_id.cloned();
            observer(StepEvent {
                step,
                progress,
                request_id,
            });
        }
    }
}

/// A step in flight: its provider, start, deadline and request id.
struct Running {
    step: StepName,
    provider: &'static str,
    started: Instant,
    end: Instant,
    request_id: Option<RequestId>,
}

impl Running {
    fn new(step: StepName, provider: &'static str, end: Instant) -> Self {
        // Without randomness, the provider's client refuses the call itself.
        let request_id = RequestId::random().ok();
        Self {
            step,
            provider,
            started: Instant::now(),
            end,
            request_id,
        }
    }

    /// The request id, and a deadline just before the step's own: the error of a client that times out is more specific.
    fn options(&self, retry: Option<RetryPolicy>) -> CallOptions {
        const EARLIER: Duration = Duration::from_millis(20);
        let time_left = self.end.saturating_duration_since(self.started);
        let mut options = CallOptions::new().with_time_limit(time_left.saturating_sub(EARLIER));
        options.request_id.clone_from(&self.request_id);
        options.retry = retry;
        options
    }

    fn timed_out(&self, outcome: Outcome) -> Error {
        let error = Error::new(ErrorKind::Timeout, outcome)
            .at(self.provider, self.step.as_str())
            .with_elapsed(self.started.elapsed());
        let error = match self.step {
            StepName::DiscoverAggregators => error.with_idempotency(Idempotency::Safe),
            _ => error,
        };
        match &self.request_id {
            Some(request_id) => error.with_request_id(request_id.clone()),
            None => error,
        }
    }
}

/// Reports the end of a step, even if the onboarding is dropped.
struct InFlight<'s> {
    onboarding: &'s Onboarding<'s>,
    running: &'s Running,
    ended: bool,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let request_id = self.running.request_id.as_ref();
            self.onboarding
                .report(self.running.step, Progress::Dropped, request_id);
        }
    }
}

/// The moment after `duration`; in a year if the clock cannot represent it.
fn after(start: Instant, duration: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let end = start.checked_add(duration);
    end.or_else(|| start.checked_add(YEAR)).unwrap_or(start)
}

fn half(duration: Duration) -> Duration {
    duration.checked_div(2).unwrap_or(duration)
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
