//! The flow of an onboarding: concurrent steps, their dependencies, and one deadline for all.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join3;
use provider_core::capability::{AggregatorStandings, ProviderReference};
use provider_core::{
    CallOptions, ConsentEvidence, Error, ErrorKind, Idempotency, MissingConsent, Outcome,
    RequestId, RetryPolicy, async_trait,
};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::origin::Origin;
use crate::plan::{Earlier, Plan, Planned};
use crate::{
    AggregatorChoice, Applicant, Kyc, OnboardingReport, SkipReason, Step, StepName,
    choose_aggregator,
};

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
    fn of(step: StepName, progress: Progress) -> Self {
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
    /// It failed in the [report](Onboarding::resume_from) that the onboarding goes on from, may have been done, and is not
    /// taken again until it is [repeated](Onboarding::repeat). The event is about the earlier failure.
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

/// Proves the person's consent for the steps of one onboarding, see [`Onboarding::with_consent`]: over a ledger of consent, such as
/// that of `kyc-consent`, with the person's pseudonym in it.
///
/// ```
/// use kyc_consent::{ConsentLedger, GateRules, Subject};
/// use kyc_facade::provider_core::{ConsentEvidence, MissingConsent, async_trait};
/// use kyc_facade::{StepConsent, StepName};
///
/// struct OfPerson { ledger: ConsentLedger, rules: GateRules, subject: Subject }
///
/// #[async_trait]
/// impl StepConsent for OfPerson {
///     async fn prove(&self, _step: StepName) -> Result<ConsentEvidence, MissingConsent> {
///         // For whichever provider takes the step, a fallback included.
///         Ok(ConsentEvidence::from(&self.ledger.prove_each(self.subject, &self.rules)?))
///     }
///
///     async fn used(&self, step: StepName, provider: &'static str, shown: ConsentEvidence, outcome: &'static str) {
///         // It waits for the disk: a server writes on a thread that may.
///         if let Err(error) = self.ledger.record_use_at(provider, shown, step.as_str(), outcome) {
///             eprintln!("a use of consent is not in the ledger: {error}");
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait StepConsent: Send + Sync {
    /// Proves it just before a step is taken, and within the onboarding's deadline. What is returned is shown to the gate of whichever
    /// client makes the step's calls.
    ///
    /// # Errors
    ///
    /// Which purpose lacks a live consent. The step fails as [`NoConsent`](ErrorKind::NoConsent), and nothing is sent.
    async fn prove(&self, step: StepName) -> Result<ConsentEvidence, MissingConsent>;

    /// Notes that a step was taken with what was proved: the provider that took it, and the outcome's name, or `ok`. Where all providers
    /// of a [`Fallback`](crate::Fallback) failed, it is told each of which something was sent. A step of which nothing was sent is not
    /// told, nor one that was dropped, nor a provider that refused before another one served, or was slower than another: those the
    /// observers of the fallback and the clients' own events have.
    async fn used(
        &self,
        step: StepName,
        provider: &'static str,
        shown: ConsentEvidence,
        outcome: &'static str,
    );
}

/// The target of the span and the events of an onboarding, whatever module writes them.
const TARGET: &str = "kyc_facade";

type Observer = Arc<dyn Fn(StepEvent) + Send + Sync>;

/// A prepared onboarding: change its options, then `.await` it.
///
/// Dropping the future cancels the unfinished steps; those that had started may have been done, and are reported to the
/// observer. A web framework drops a handler's future when the client disconnects, and with it the URLs of finished steps:
/// spawn the onboarding, which borrows nothing, and await the task.
///
/// ```
/// # use kyc_facade::{Applicant, Kyc, OnboardingReport};
/// # use std::future::IntoFuture as _;
/// async fn handler(kyc: Kyc, applicant: Applicant) -> Option<OnboardingReport> {
///     let onboarding = kyc.onboard(applicant).with_observer(|event| println!("{event:?}"));
///     tokio::spawn(onboarding.into_future()).await.ok()
/// }
/// ```
#[must_use = "an onboarding does nothing until it is awaited"]
pub struct Onboarding {
    kyc: Kyc,
    applicant: Applicant,
    earlier: Earlier,
    deadline: Duration,
    retry: Option<RetryPolicy>,
    consent: Option<Arc<dyn StepConsent>>,
    observers: Vec<Observer>,
}

impl Onboarding {
    pub(crate) fn new(kyc: Kyc, applicant: Applicant) -> Self {
        Self {
            applicant,
            earlier: Earlier::default(),
            deadline: kyc.deadline,
            retry: kyc.retry,
            consent: None,
            observers: Vec::new(),
            kyc,
        }
    }

    /// Goes on from an earlier report of the same person: a step that is done there is not taken again, and is part of the
    /// new report as it was. Neither is a step that may have been done, see [`OnboardingReport::unsettled`], unless a
    /// second time does no harm: it keeps its error until it is [repeated](Self::repeat). All other steps are taken.
    ///
    /// The applicant must be whom the report is about: the same mobile number, and the same PAN if both have one. Otherwise
    /// every step fails as [`InvalidRequest`](ErrorKind::InvalidRequest) with the field `report`, nothing is sent, and
    /// nothing of the report becomes part of the new one. To correct a PAN, [leave out](Self::leave_out) the steps that are
    /// done instead.
    ///
    /// ```
    /// # use kyc_facade::{Applicant, Kyc, OnboardingReport};
    /// async fn again(kyc: &Kyc, applicant: Applicant, report: OnboardingReport) -> OnboardingReport {
    ///     kyc.onboard(applicant).resume_from(report).await
    /// }
    /// ```
    ///
    /// A report lives in one process. In another, [leave out](Self::leave_out) the steps that are done according to the
    /// journal of the [events](Self::with_observer).
    pub fn resume_from(mut self, report: OnboardingReport) -> Self {
        self.earlier.report = Some(report);
        self
    }

    /// Takes this step whatever the report says that the onboarding [goes on from](Self::resume_from): it is reconciled that
    /// it was not done, or doing it twice is accepted.
    pub fn repeat(mut self, step: StepName) -> Self {
        self.earlier.repeated.push(step);
        self
    }

    /// Leaves this step out: it is skipped as [`SkipReason::LeftOut`]. For a step that is done, where no report of it is at
    /// hand.
    pub fn leave_out(mut self, step: StepName) -> Self {
        self.earlier.left_out.push(step);
        self
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

    /// Proves the person's consent just before each step, and shows it to the clients' [gates](provider_core::ConsentGate). Without,
    /// steps show nothing: a client with a gate sends none of them, and one without sends them all.
    pub fn with_consent(mut self, consent: Arc<dyn StepConsent>) -> Self {
        self.consent = Some(consent);
        self
    }

    /// Reports changes of steps to `observer`, and to those that were set before. It is called in the onboarding's own task,
    /// and a step starts when it returns.
    pub fn with_observer(mut self, observer: impl Fn(StepEvent) + Send + Sync + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    async fn run(mut self) -> OnboardingReport {
        let started = Instant::now();
        let end = after(started, self.deadline);
        let discovery_end = after(started, half(self.deadline));
        let earlier = std::mem::take(&mut self.earlier);
        let plan = Plan::new(&self.kyc, &self.applicant, earlier);
        let this = &self;
        let consent =
            this.take(
                StepName::RecordConsent,
                plan.consent,
                end,
                |provider, consent, options| async move {
                    provider.record_consent(consent, options).await
                },
            );
        let documents =
            this.take(
                StepName::OpenDocuments,
                plan.documents,
                end,
                |provider, request, options| async move {
                    provider.open_session(request, options).await
                },
            );
        let discovery = this.take(
            StepName::DiscoverAggregators,
            plan.discovery,
            discovery_end,
            |provider, query, options| async move { provider.discover(query, options).await },
        );
        let aggregator = async {
            let discovery = discovery.await;
            let choice = plan.choice.unwrap_or_else(|| this.choose(&discovery));
            let aggregator = choice.aggregator.clone();
            let consent = this.take(
                StepName::OpenAggregatorConsent,
                plan.aggregator_consent,
                end,
                |provider, request, options| async move {
                    let request = request.set_aggregator(aggregator);
                    provider.open_consent(request, options).await
                },
            );
            let consent = consent.await;
            (discovery, choice, consent)
        };
        let (consent, documents, (discovery, choice, aggregator_consent)) =
            join3(consent, documents, aggregator).await;
        let elapsed = started.elapsed();
        let report = OnboardingReport {
            answer: plan.answer,
            consent,
            documents,
            discovery,
            choice,
            aggregator_consent,
            elapsed,
            person: plan.person,
        };
        let (failed, unsettled) = (report.errors().count(), report.unsettled().count());
        tracing::info!(target: TARGET, failed, unsettled, "onboarding ended");
        report
    }

    fn choose(&self, discovery: &Step<AggregatorStandings>) -> AggregatorChoice {
        let standings = discovery.value().map_or(&[][..], |standings| &**standings);
        choose_aggregator(
            standings,
            &self.applicant.aggregators,
            self.kyc.default_aggregator.as_ref(),
        )
    }

    /// Takes one step as it is planned, by this call of its provider.
    async fn take<P, I, T: Origin, F: Future<Output = Result<T, Error>>>(
        &self,
        step: StepName,
        planned: Planned<P, I, T>,
        end: Instant,
        call: impl FnOnce(P, I, CallOptions) -> F,
    ) -> Step<T> {
        match self.begin(step, planned, end) {
            Ok((running, provider, input)) => {
                let options = running.options(self.retry);
                let Some(consent) = &self.consent else {
                    return self.finish(running, call(provider, input, options)).await;
                };
                let proved = tokio::time::timeout_at(running.end, consent.prove(step));
                let proved = match proved.await {
                    Ok(proved) => {
                        let at = |missing| Error::from(missing).at(running.provider, step.as_str());
                        proved.map_err(at)
                    }
                    Err(_) => Err(running.timed_out(Outcome::NotSent)),
                };
                let shown = match proved {
                    Ok(shown) => shown,
                    Err(error) => {
                        return self.finish(running, std::future::ready(Err(error))).await;
                    }
                };
                let options = options.with_consent(shown.clone());
                let ended = self.finish(running, call(provider, input, options)).await;
                let used: Vec<(&'static str, &'static str)> = match &ended {
                    Step::Done { provider, .. } => vec![(*provider, "ok")],
                    Step::Failed(error) => std::iter::once(error)
                        .chain(error.also_failed())
                        .filter(|error| error.outcome() != Outcome::NotSent)
                        .map(|error| (error.provider(), error.outcome().as_str()))
                        .collect(),
                    Step::Skipped(_) => Vec::new(),
                };
                for (provider, outcome) in used {
                    consent.used(step, provider, shown.clone(), outcome).await;
                }
                ended
            }
            Err(ended) => ended,
        }
    }

    /// The provider and input of a step that is taken, or the end of one that is not.
    fn begin<P, I, T: Origin>(
        &self,
        step: StepName,
        planned: Planned<P, I, T>,
        end: Instant,
    ) -> Result<(Running, P, I), Step<T>> {
        let (kept, ended) = match planned {
            Planned::Take(provider, name, input) => {
                return Ok((Running::new(step, name, end), provider, input));
            }
            Planned::Keep(kept) => (true, kept),
            Planned::Skip(reason) => (false, Step::Skipped(reason)),
            Planned::Fail(error) => (false, Step::Failed(error)),
        };
        self.report(match &ended {
            Step::Done {
                value,
                provider,
                request_id,
                ..
            } => StepEvent {
                provider: Some(provider),
                reference: value.reference().cloned(),
                request_id: request_id.clone(),
                ..StepEvent::of(step, Progress::Kept)
            },
            Step::Skipped(reason) => StepEvent::of(step, Progress::Skipped(*reason)),
            Step::Failed(error) if kept => StepEvent {
                provider: Some(error.provider()),
                request_id: error.request_id().cloned(),
                outcome: Some(error.outcome()),
                ..StepEvent::of(step, Progress::HeldBack(error.kind()))
            },
            Step::Failed(error) => StepEvent {
                outcome: Some(error.outcome()),
                ..StepEvent::of(step, Progress::Failed(error.kind()))
            },
        });
        Err(ended)
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
            self.report(running.event(Progress::Started));
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
                let elapsed = running.started.elapsed();
                let provider = value.origin().unwrap_or(running.provider);
                self.report(StepEvent {
                    provider: Some(provider),
                    reference: value.reference().cloned(),
                    ..running.event(Progress::Done)
                });
                Step::Done {
                    value,
                    provider,
                    elapsed,
                    request_id: running.request_id,
                }
            }
            Err(error) => {
                self.report(StepEvent {
                    outcome: Some(error.outcome()),
                    ..running.event(Progress::Failed(error.kind()))
                });
                Step::Failed(error)
            }
        }
    }

    fn report(&self, event: StepEvent) {
        tracing::debug!(
            target: TARGET,
            step = event.step.as_str(),
            request_id = event.request_id.as_ref().map(RequestId::as_str),
            "step {}",
            event.progress.as_str()
        );
        if let Some((last, others)) = self.observers.split_last() {
            others.iter().for_each(|observer| observer(event.clone()));
            last(event);
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

    fn event(&self, progress: Progress) -> StepEvent {
        StepEvent {
            provider: Some(self.provider),
            request_id: self.request_id.clone(),
            ..StepEvent::of(self.step, progress)
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
    onboarding: &'s Onboarding,
    running: &'s Running,
    ended: bool,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.onboarding.report(StepEvent {
                outcome: Some(Outcome::Unknown),
                ..self.running.event(Progress::Dropped)
            });
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

impl IntoFuture for Onboarding {
    type Output = OnboardingReport;
    type IntoFuture = Pin<Box<dyn Future<Output = OnboardingReport> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let span = tracing::info_span!(target: TARGET, "onboarding");
        Box::pin(self.run().instrument(span))
    }
}

impl fmt::Debug for Onboarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onboarding")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
