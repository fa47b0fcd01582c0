//! The flow: what runs at the same time, what waits for what, and one deadline over all.

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

use crate::given_by::GivenBy;
use crate::plan::{Plan, Planned};
use crate::{
    AggregatorChoice, Applicant, Kyc, OnboardingReport, SkipReason, Step, StepName,
    choose_aggregator,
};

/// A step that changed: for a display, or for a journal that outlives the process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepEvent {
    /// Which step.
    pub step: StepName,
    /// What happened to it.
    pub progress: Progress,
    /// The id that its requests carry, told before the first one is sent; `None` for a step that is not taken.
    pub request_id: Option<RequestId>,
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
    /// The onboarding's future was dropped while the step was under way: it may have been done. Its client's
    /// [`CallObserver`](provider_core::CallObserver) is told how far it came.
    Dropped,
}

type Observer = Arc<dyn Fn(StepEvent) + Send + Sync>;

/// One prepared onboarding: change its options, then `.await` it.
///
/// Dropping the future cancels the steps that are not finished; those that began may have been done, and the observer is
/// told which.
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

    /// Gives this onboarding its own deadline.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Repeats the requests of every step by this policy instead of each client's own; see
    /// [`KycBuilder::retry`](crate::KycBuilder::retry).
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Tells `observer` when a step changes. It is called in the onboarding's own task, and a step begins when it returns.
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

    /// A step that is taken with its provider and input, or how a step ends that is not.
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
                self.tell(step, Progress::Skipped(reason), None);
                Err(Step::Skipped(reason))
            }
            Planned::Fail(error) => {
                self.tell(step, Progress::Failed(error.kind()), None);
                Err(Step::Failed(error))
            }
        }
    }

    /// Runs one step until its end. A step that is cut off may have been done; one that had no time to begin was not.
    async fn finish<T: GivenBy>(
        &self,
        running: Running,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Step<T> {
        let result = if running.started >= running.end {
            Err(running.cut_off(Outcome::NotSent))
        } else {
            self.tell(running.step, Progress::Started, running.request_id.as_ref());
            let mut under_way = UnderWay {
                onboarding: self,
                running: &running,
                ended: false,
            };
            let result = tokio::time::timeout_at(running.end, call).await;
            under_way.ended = true;
            result.unwrap_or_else(|_| Err(running.cut_off(Outcome::Unknown)))
        };
        match result {
            Ok(value) => {
                self.tell(running.step, Progress::Done, running.request_id.as_ref());
                let elapsed = running.started.elapsed();
                let provider = value.given_by().unwrap_or(running.provider);
                Step::Done {
                    value,
                    provider,
                    elapsed,
                }
            }
            Err(error) => {
                let progress = Progress::Failed(error.kind());
                self.tell(running.step, progress, running.request_id.as_ref());
                Step::Failed(error)
            }
        }
    }

    fn tell(&self, step: StepName, progress: Progress, request_id: Option<&RequestId>) {
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

/// One step that is taken: by whom, since when, until when, and the id that goes with it.
struct Running {
    step: StepName,
    provider: &'static str,
    started: Instant,
    end: Instant,
    request_id: Option<RequestId>,
}

impl Running {
    fn new(step: StepName, provider: &'static str, end: Instant) -> Self {
        // Without randomness the provider's client refuses the call by itself.
        let request_id = RequestId::random().ok();
        Self {
            step,
            provider,
            started: Instant::now(),
            end,
            request_id,
        }
    }

    /// The id, and a deadline just before the step's own: the provider's client knows more about a call that it ends.
    fn options(&self, retry: Option<RetryPolicy>) -> CallOptions {
        const EARLIER: Duration = Duration::from_millis(20);
        let time_left = self.end.saturating_duration_since(self.started);
        let mut options = CallOptions::new().with_time_limit(time_left.saturating_sub(EARLIER));
        options.request_id.clone_from(&self.request_id);
        options.retry = retry;
        options
    }

    fn cut_off(&self, outcome: Outcome) -> Error {
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

/// A step whose end will be told, even if nobody waits for it any more.
struct UnderWay<'s> {
    onboarding: &'s Onboarding<'s>,
    running: &'s Running,
    ended: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let request_id = self.running.request_id.as_ref();
            self.onboarding
                .tell(self.running.step, Progress::Dropped, request_id);
        }
    }
}

/// The moment after `duration`; one that no clock can hold is a year away.
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
