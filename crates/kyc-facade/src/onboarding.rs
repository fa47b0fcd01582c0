//! The flow of an onboarding: concurrent steps, their dependencies, and one deadline for all.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join3;
use provider_core::capability::{
    AggregatorConsentSession, AggregatorStandings, DocumentSession, RecordedConsent,
};
use provider_core::{
    CallOptions, ConsentEvidence, Error, ErrorKind, Idempotency, MissingConsent, Outcome,
    RequestId, RetryPolicy, async_trait,
};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::draft::{Draft, Recorder};
use crate::place::Place;
use crate::plan::{Earlier, Plan, Planned};
use crate::{
    AggregatorChoice, Applicant, Kyc, OnboardingReport, Progress, Step, StepEvent, StepName,
    choose_aggregator,
};

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
/// observer. What was done until then is in the report that a [recorder](Self::with_recorder) was given last. A web framework
/// drops a handler's future when the client disconnects: spawn the onboarding, which borrows nothing, and await the task.
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
    recorders: Vec<Recorder>,
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
            recorders: Vec::new(),
            kyc,
        }
    }

    /// Goes on from an earlier report of the same person: a step that is done there is not taken again, and is part of the
    /// new report as it was. Neither is a step that may have been done, see [`OnboardingReport::unsettled`], unless a
    /// second time does no harm: it keeps its error until it is [repeated](Self::repeat). All other steps are taken.
    ///
    /// The applicant must be whom the report is about: the same mobile number, and the same PAN if both have one. Otherwise
    /// every step fails as [`InvalidRequest`](ErrorKind::InvalidRequest) with the field `report`, nothing is sent, and
    /// nothing of the report becomes part of the new one. So it is with a report that was read back and of which nobody
    /// [said](OnboardingReport::about) whom it is about. To correct a PAN, [leave out](Self::leave_out) the steps that are done
    /// instead.
    ///
    /// ```
    /// # use kyc_facade::{Applicant, Kyc, OnboardingReport};
    /// async fn again(kyc: &Kyc, applicant: Applicant, report: OnboardingReport) -> OnboardingReport {
    ///     kyc.onboard(applicant).resume_from(report).await
    /// }
    /// ```
    ///
    /// In another process the report is [read back](OnboardingReport) from where a
    /// [recorder](Self::with_recorder) kept it.
    pub fn resume_from(mut self, report: OnboardingReport) -> Self {
        self.earlier.report = Some(report);
        self
    }

    /// Takes this step whatever the report says that the onboarding [goes on from](Self::resume_from): it is reconciled that
    /// it was not done, or doing it twice is accepted.
    ///
    /// What is done, or may have been, stays what the report says of the step until it is done again, and is then among the
    /// [replaced](OnboardingReport::replaced). If the repeat fails or cannot be tried, that is among the
    /// [failed repeats](OnboardingReport::failed_repeats).
    pub fn repeat(mut self, step: StepName) -> Self {
        self.earlier.repeated.push(step);
        self
    }

    /// Takes this step, and no other one but those that this is called for as well. What the report that the onboarding
    /// [goes on from](Self::resume_from) says of the others stays as it is, failures included; without one they are skipped as
    /// [`SkipReason::LeftOut`](crate::SkipReason::LeftOut), and their inputs are not looked at. Whether the report lets the step be
    /// taken again, [`OnboardingReport::check_again`] says before.
    ///
    /// ```
    /// # use kyc_facade::{Applicant, Kyc, OnboardingReport, StepName};
    /// # use kyc_facade::provider_core::Error;
    /// async fn once_more(kyc: &Kyc, applicant: Applicant, report: OnboardingReport) -> Result<OnboardingReport, Error> {
    ///     report.check_again(StepName::OpenDocuments)?;
    ///     Ok(kyc.onboard(applicant).resume_from(report).only(StepName::OpenDocuments).await)
    /// }
    /// ```
    pub fn only(mut self, step: StepName) -> Self {
        self.earlier.only.push(step);
        self
    }

    /// Leaves this step out: it is skipped as
    /// [`SkipReason::LeftOut`](crate::SkipReason::LeftOut). For a step that is done, where no report of it is at
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

    /// Gives `recorder` the report as it has to be found if the onboarding ends now, however it ends: once it is planned, before
    /// a step's first request, when a step has ended, and when all have. Keep the last one, to [go on from](Self::resume_from).
    ///
    /// What is done is in it, with references and URLs. A step in flight has failed there with the outcome
    /// [`Unknown`](Outcome::Unknown), and one that is to come is skipped as [`SkipReason::NotReached`](crate::SkipReason::NotReached),
    /// unless an earlier report says more of it. So neither a future that is dropped nor a process that is killed loses what a
    /// provider gave, or takes what may have been done for what was not.
    ///
    /// It is called in the onboarding's own task, and a step's request is sent when it returns; those that were set before are
    /// called too. If it fails then, nothing is sent of the step, which fails as [`Storage`](ErrorKind::Storage): what cannot be
    /// kept is not opened. Any other failure of it changes nothing, because the report that is returned has everything.
    ///
    /// ```
    /// # use kyc_facade::{Applicant, Kyc, OnboardingReport};
    /// # use std::sync::{Arc, Mutex};
    /// async fn kept(kyc: &Kyc, applicant: Applicant, last: Arc<Mutex<Option<OnboardingReport>>>) {
    ///     let onboarding = kyc.onboard(applicant).with_recorder(move |report| {
    ///         // Or a row of a table, or a file: `report.with_urls()` is all of it but the person.
    ///         *last.lock().unwrap() = Some(report.clone());
    ///         Ok(())
    ///     });
    ///     onboarding.await;
    /// }
    /// ```
    pub fn with_recorder(
        mut self,
        recorder: impl Fn(&OnboardingReport) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.recorders.push(Arc::new(recorder));
        self
    }

    async fn run(mut self) -> OnboardingReport {
        let started = Instant::now();
        let end = after(started, self.deadline);
        let discovery_end = after(started, half(self.deadline));
        let earlier = std::mem::take(&mut self.earlier);
        let (report, plan) = Plan::new(&self.kyc, &self.applicant, earlier);
        let draft = Draft::new(report, &self.recorders, started);
        // Whether it can be recorded is asked again before each step.
        let _ = draft.record();
        let step = Taking {
            onboarding: &self,
            draft: &draft,
        };
        let consent =
            step.take::<RecordedConsent, _, _, _>(
                plan.consent,
                end,
                |provider, consent, options| async move {
                    provider.record_consent(consent, options).await
                },
            );
        let documents =
            step.take::<DocumentSession, _, _, _>(
                plan.documents,
                end,
                |provider, request, options| async move {
                    provider.open_session(request, options).await
                },
            );
        let discovery = step.take::<AggregatorStandings, _, _, _>(
            plan.discovery,
            discovery_end,
            |provider, query, options| async move { provider.discover(query, options).await },
        );
        let aggregator = async {
            discovery.await;
            let choice = draft.read(|report| match plan.chooses {
                true => self.choose(report),
                false => report.choice.clone(),
            });
            // That of a consent that is open stays until another one is.
            draft.change(|report| {
                if report.aggregator_consent.value().is_none() {
                    report.choice = choice.clone();
                }
            });
            let aggregator = choice.aggregator.clone();
            let is_taken = matches!(plan.aggregator_consent, Planned::Take { .. });
            let consent = step.take::<AggregatorConsentSession, _, _, _>(
                plan.aggregator_consent,
                end,
                |provider, request, options| async move {
                    let request = request.set_aggregator(aggregator);
                    provider.open_consent(request, options).await
                },
            );
            consent.await;
            draft.change(|report| {
                let failed = report.failed_repeat(StepName::OpenAggregatorConsent);
                if is_taken && failed.is_none() {
                    report.choice = choice;
                }
            });
        };
        join3(consent, documents, aggregator).await;
        let _ = draft.record();
        let report = draft.finished();
        let (failed, unsettled) = (report.errors().count(), report.unsettled().count());
        tracing::info!(target: TARGET, failed, unsettled, "onboarding ended");
        report
    }

    fn choose(&self, report: &OnboardingReport) -> AggregatorChoice {
        let standings = report.discovery.value();
        choose_aggregator(
            standings.map_or(&[][..], |standings| &**standings),
            &self.applicant.aggregators,
            self.kyc.default_aggregator.as_ref(),
        )
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

/// What takes the steps of one run.
#[derive(Clone, Copy)]
struct Taking<'o> {
    onboarding: &'o Onboarding,
    draft: &'o Draft<'o>,
}

impl Taking<'_> {
    /// Takes one step as it is planned, by this call of its provider.
    async fn take<T: Place, P, I, F: Future<Output = Result<T, Error>>>(
        self,
        planned: Planned<P, I>,
        end: Instant,
        call: impl FnOnce(P, I, CallOptions) -> F,
    ) {
        let (provider, name, idempotency, input) = match planned {
            Planned::Take {
                provider,
                name,
                idempotency,
                input,
            } => (provider, name, idempotency, input),
            Planned::Keep => return self.tell_of::<T>(true),
            Planned::Not | Planned::Invalid => return self.tell_of::<T>(false),
        };
        let running = Running::new(T::STEP, name, idempotency, end);
        let options = running.options(self.onboarding.retry);
        let Some(consent) = &self.onboarding.consent else {
            return self.finish(&running, call(provider, input, options)).await;
        };
        let proved = tokio::time::timeout_at(running.end, consent.prove(T::STEP));
        let proved = match proved.await {
            Ok(proved) => proved.map_err(|missing| Error::from(missing).at(name, T::STEP.as_str())),
            Err(_) => Err(running.failed(ErrorKind::Timeout, Outcome::NotSent)),
        };
        let shown = match proved {
            Ok(shown) => shown,
            Err(error) => {
                let refused = std::future::ready(Err::<T, _>(error));
                return self.finish(&running, refused).await;
            }
        };
        let options = options.with_consent(shown.clone());
        self.finish(&running, call(provider, input, options)).await;
        let used = self.draft.read(used::<T>);
        for (provider, outcome) in used {
            let shown = shown.clone();
            consent.used(T::STEP, provider, shown, outcome).await;
        }
    }

    /// Reports what is known of a step that is not taken.
    fn tell_of<T: Place>(self, is_kept: bool) {
        let failed = |error: &Error| StepEvent {
            outcome: Some(error.outcome()),
            ..StepEvent::of(T::STEP, Progress::Failed(error.kind()))
        };
        let event = self.draft.read(|report| {
            let repeat = report.failed_repeat(T::STEP).filter(|_| !is_kept);
            match (repeat, T::step(report)) {
                (Some(error), _) => failed(error),
                (
                    None,
                    Step::Done {
                        value,
                        provider,
                        request_id,
                        ..
                    },
                ) => StepEvent {
                    provider: Some(provider),
                    reference: value.reference().cloned(),
                    request_id: request_id.clone(),
                    ..StepEvent::of(T::STEP, Progress::Kept)
                },
                (None, Step::Skipped(reason)) => StepEvent::of(T::STEP, Progress::Skipped(*reason)),
                (None, Step::Failed(error)) if is_kept => StepEvent {
                    provider: Some(error.provider()),
                    request_id: error.request_id().cloned(),
                    outcome: Some(error.outcome()),
                    ..StepEvent::of(T::STEP, Progress::HeldBack(error.kind()))
                },
                (None, Step::Failed(error)) => failed(error),
            }
        });
        self.onboarding.report(event);
    }

    /// Runs one step to its end. A step that times out may have been done; one that had no time to start was not sent.
    async fn finish<T: Place>(
        self,
        running: &Running,
        call: impl Future<Output = Result<T, Error>>,
    ) {
        let result = if running.started >= running.end {
            Err(running.failed(ErrorKind::Timeout, Outcome::NotSent))
        } else {
            self.send(running, call).await
        };
        let event = match result {
            Ok(value) => {
                let provider = value.origin().unwrap_or(running.provider);
                let event = StepEvent {
                    provider: Some(provider),
                    reference: value.reference().cloned(),
                    ..running.event(Progress::Done)
                };
                let done = Step::Done {
                    value,
                    provider,
                    elapsed: running.started.elapsed(),
                    request_id: running.request_id.clone(),
                };
                self.draft.change(|report| {
                    report.finish(done);
                    if T::STEP == StepName::RecordConsent {
                        report.answer = self.onboarding.applicant.answer();
                    }
                });
                event
            }
            Err(error) => {
                let event = StepEvent {
                    outcome: Some(error.outcome()),
                    ..running.event(Progress::Failed(error.kind()))
                };
                self.draft.change(|report| report.fail::<T>(error));
                event
            }
        };
        // The report that is returned has it.
        let _ = self.draft.record();
        self.onboarding.report(event);
    }

    /// Sends a step's request, if it can be recorded that it is in flight.
    async fn send<T: Place>(
        self,
        running: &Running,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.onboarding.report(running.event(Progress::Started));
        let in_flight = running.interrupted();
        let before = self.draft.change(|report| report.begin::<T>(in_flight));
        if let Err(error) = self.draft.record() {
            self.draft.change(|report| report.ended(before));
            let error = running
                .failed(ErrorKind::Storage, Outcome::NotSent)
                .with_source(error);
            return Err(error);
        }
        let mut in_flight = InFlight {
            onboarding: self.onboarding,
            running,
            ended: false,
        };
        let result = tokio::time::timeout_at(running.end, call).await;
        in_flight.ended = true;
        self.draft.change(|report| report.ended(before));
        result.unwrap_or_else(|_| Err(running.failed(ErrorKind::Timeout, Outcome::Unknown)))
    }
}

/// Who took a step of which something was sent, and with what outcome.
fn used<T: Place>(report: &OnboardingReport) -> Vec<(&'static str, &'static str)> {
    let failed = report.failed_repeat(T::STEP);
    match (failed, T::step(report)) {
        (Some(error), _) | (None, Step::Failed(error)) => std::iter::once(error)
            .chain(error.also_failed())
            .filter(|error| error.outcome() != Outcome::NotSent)
            .map(|error| (error.provider(), error.outcome().as_str()))
            .collect(),
        (None, Step::Done { provider, .. }) => vec![(*provider, "ok")],
        (None, Step::Skipped(_)) => Vec::new(),
    }
}

/// A step in flight: its provider, the effect of a second time, start, deadline and request id.
struct Running {
    step: StepName,
    provider: &'static str,
    idempotency: Idempotency,
    started: Instant,
    end: Instant,
    request_id: Option<RequestId>,
}

impl Running {
    fn new(step: StepName, provider: &'static str, idempotency: Idempotency, end: Instant) -> Self {
        // Without randomness, the provider's client refuses the call itself.
        let request_id = RequestId::random().ok();
        Self {
            step,
            provider,
            idempotency,
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

    /// What is to be found of a step whose end nobody saw.
    fn interrupted(&self) -> Error {
        self.failed(ErrorKind::Transport, Outcome::Unknown)
            .with_source("the onboarding ended before the step did")
    }

    fn failed(&self, kind: ErrorKind, outcome: Outcome) -> Error {
        let error = Error::new(kind, outcome)
            .at(self.provider, self.step.as_str())
            .with_elapsed(self.started.elapsed())
            .with_idempotency(self.idempotency)
            // A client says more, and did not come to say it.
            .with_settling(Some(match self.idempotency {
                Idempotency::Safe | Idempotency::Repeatable => {
                    "take the step again: it does no harm"
                }
                Idempotency::Unsafe => "ask the provider what became of the request with this id",
            }));
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
