//! The one loop that every call goes through.

use std::borrow::Borrow as _;
use std::error::Error as StdError;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, USER_AGENT};
use http::{HeaderValue, Request};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::answer::{Evidence, evidence, is_permanent};
use super::consent::{ConsentGate, GatedCall};
use super::deadline::within;
use super::downloaded::Downloaded;
#[cfg(feature = "drift")]
use super::drift_radar::DriftRadar;
use super::observer::{self, CallObserver};
use super::options::CallOptions;
use super::progress::Progress;
use super::receive::{Around, IntoSink, Receive, Whole};
use crate::error::{Error, ErrorKind, Outcome};
use crate::lint::{Finding, Findings, Lints, OnFinding};
use crate::resilience::{Circuit, Circuits, RetryBudget, UnderWay, sent_at};
use crate::resilience::{CircuitBreaker, Clock, RateLimiter, RetryPolicy, WhenLimited};
use crate::resilience::{Failure, RetryDecision};
use crate::transport::{DEADLINE, ExchangeLimits, Transport};
use crate::values::InvalidRequest;
use crate::wire::{
    Allowance, Attempt, Body, BoxFuture, Endpoint, Idempotency, Provider, RequestBuilder,
    RequestId, Response, Signs,
};

const USER_AGENT_VALUE: HeaderValue =
    HeaderValue::from_static(concat!("provider-core/", env!("CARGO_PKG_VERSION")));
/// The bytes on the wire are signed and verified, so no content encoding is accepted.
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
/// How long a refusal may keep a client's other calls waiting.
const LONGEST_UNVERIFIED_WAIT: Duration = Duration::from_secs(60);
const ACCEPT_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A provider and a transport to it. Cheap to clone; share one, because it keeps its connections.
///
/// Users usually hold it inside a provider crate's own client. Calls need a tokio runtime with time enabled.
#[derive(Debug)]
pub struct Client<P> {
    inner: Arc<Inner<P>>,
}

#[derive(Debug)]
struct Inner<P> {
    provider: RwLock<Arc<P>>,
    settings: Settings,
    circuits: Circuits,
    budget: RetryBudget,
}

/// The settings that a [`ClientBuilder`](super::ClientBuilder) collects.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retry: RetryPolicy,
    pub(crate) circuit_breaker: CircuitBreaker,
    pub(crate) limiter: Option<Arc<dyn RateLimiter>>,
    pub(crate) when_limited: WhenLimited,
    pub(crate) observer: Option<Arc<dyn CallObserver>>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) reuse_connections: bool,
    pub(crate) lints: Lints,
    pub(crate) consent_gate: Option<Arc<dyn ConsentGate>>,
    #[cfg(feature = "drift")]
    pub(crate) drift_radar: Option<Arc<DriftRadar>>,
}

impl<P> Clone for Client<P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<P: Provider> Client<P> {
    pub(crate) fn new(provider: P, settings: Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                provider: RwLock::new(Arc::new(provider)),
                circuits: Circuits::new(settings.circuit_breaker),
                budget: RetryBudget::default(),
                settings,
            }),
        }
    }

    /// The provider that calls use now.
    pub fn provider(&self) -> Arc<P> {
        let provider = self.inner.provider.read();
        Arc::clone(&provider.unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses `provider` from the next attempt on, in all clones of this client: credentials are rotated without a restart
    /// and without losing connections. An attempt in flight ends with the provider that it started with.
    ///
    /// ```
    /// # use provider_core::{Client, Error, Provider};
    /// /// Run it when a signal or a timer says that the files may have changed. The old value stays in use if loading fails.
    /// fn rotate<P: Provider>(client: &Client<P>, load: impl Fn() -> Result<P, Error>) -> Result<(), Error> {
    ///     client.replace_provider(load()?);
    ///     Ok(())
    /// }
    /// ```
    pub fn replace_provider(&self, provider: P) {
        let kept = self.inner.provider.write();
        *kept.unwrap_or_else(PoisonError::into_inner) = Arc::new(provider);
    }

    /// Builds and authorises the request of `endpoint` and discards it, to find out whether its inputs can be sent at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`], as the call itself would return it.
    pub fn check<E: Endpoint<Provider = P>>(&self, endpoint: &E) -> Result<(), Error> {
        const { check_declaration::<E>() };
        let attempt = Attempt::new(1, self.inner.settings.clock.now(), 0);
        let prepared = || {
            let id = RequestId::from_bits(0);
            prepare(&*self.provider(), endpoint, &attempt, &id)
        };
        self.apply_lints(endpoint)
            .and_then(|()| prepared().map(drop))
            .map_err(|error| Error::from(error).at(P::NAME, E::OPERATION.name))
    }

    /// What the client's [`Lints`] find in the inputs of `endpoint`, whatever follows from it. Nothing is sent.
    pub fn lint<E: Endpoint<Provider = P>>(&self, endpoint: &E) -> Vec<Finding> {
        let mut findings = Findings::new(&self.inner.settings.lints);
        endpoint.lint(&mut findings);
        findings.into_iter().collect()
    }

    /// Refuses what the lints refuse, and warns of the rest.
    fn apply_lints<E: Endpoint<Provider = P>>(&self, endpoint: &E) -> Result<(), InvalidRequest> {
        for finding in self.lint(endpoint) {
            match self.inner.settings.lints.consequence(finding.rule()) {
                OnFinding::Ignore => {}
                OnFinding::Warn => observer::warn_of(P::NAME, E::OPERATION.name, finding),
                OnFinding::RefuseWrong | OnFinding::RefuseAll => return Err(finding.into()),
            }
        }
        Ok(())
    }

    /// Runs the attempts of one call.
    pub(crate) async fn run<E: Endpoint<Provider = P>>(
        &self,
        endpoint: &E,
        options: &CallOptions,
    ) -> Result<Response<E::Output>, Error> {
        let mut progress = self.progress::<E>();
        let span = progress.span().clone();
        self.attempts(endpoint, options, &mut Whole, &mut progress)
            .instrument(span)
            .await
    }

    /// Runs the attempts of one call whose content goes into a sink, and commits it.
    pub(crate) async fn run_into<E: Endpoint<Provider = P>>(
        &self,
        endpoint: &E,
        options: &CallOptions,
        receiver: &mut IntoSink<'_>,
    ) -> Result<Response<Downloaded>, Error> {
        let mut progress = self.progress::<E>();
        let span = progress.span().clone();
        let storing = async {
            let response = self
                .attempts(endpoint, options, receiver, &mut progress)
                .await?;
            let deadline = progress.started().checked_add(self.timeout::<E>(options));
            match receiver.commit(deadline).await {
                Ok(()) => {
                    progress.answered(response.status());
                    Ok(response)
                }
                Err(error) => {
                    let outcome = error.outcome();
                    progress.attempt_failed(&error, outcome, None);
                    let error = error
                        .with_request_id(response.request_id().clone())
                        .at(P::NAME, E::OPERATION.name)
                        .with_idempotency(E::OPERATION.idempotency)
                        .with_settling(E::OPERATION.settling)
                        .with_elapsed(progress.elapsed())
                        .with_attempts(response.attempts(), outcome);
                    progress.failed(&error);
                    Err(error)
                }
            }
        };
        storing.instrument(span).await
    }

    fn progress<E: Endpoint<Provider = P>>(&self) -> Progress<'_> {
        const { check_declaration::<E>() };
        let observer = self.inner.settings.observer.as_deref();
        Progress::new(P::NAME, &E::OPERATION, observer)
    }

    async fn attempts<E: Endpoint<Provider = P>, R: Receive<E>>(
        &self,
        endpoint: &E,
        options: &CallOptions,
        receiver: &mut R,
        progress: &mut Progress<'_>,
    ) -> Result<Response<R::Value>, Error> {
        let Inner {
            settings,
            circuits,
            budget,
            ..
        } = &*self.inner;
        let standard = settings.timeout.unwrap_or(E::OPERATION.timeout);
        let circuit = circuits.of(E::OPERATION.name);
        let timeout = self.timeout::<E>(options);
        // An unrepresentable deadline means no deadline.
        let deadline = progress.started().checked_add(timeout);
        let retry = options.retry.unwrap_or(settings.retry);
        let mut request_id = options.request_id.clone();
        let mut failed: Option<Error> = None;
        let mut outcome = Outcome::NotSent;
        let mut attempts = 0_u32;
        let linted = self.apply_lints(endpoint);
        let error = loop {
            if let Err(error) = linted {
                break error.into();
            }
            if let Err(error) = receiver.begin(deadline).await {
                break error;
            }
            let mut under_way = match self.admit::<E>(circuit, options, timeout, progress).await {
                Ok(under_way) => under_way,
                Err(refusal) => break reported(failed, refusal),
            };
            let provider = self.provider();
            if let Some(refreshing) = provider.refresh()
                && let Err(error) = refreshed(refreshing, deadline).await
            {
                break failed.unwrap_or(error);
            }
            let request_id = match &mut request_id {
                Some(request_id) => &*request_id,
                none => match settings.clock.random() {
                    Ok(bits) => &*none.insert(RequestId::from_bits(bits)),
                    Err(error) => break Error::from(error),
                },
            };
            let nonce = match settings.clock.random() {
                Ok(nonce) => nonce,
                Err(error) => break Error::from(error),
            };
            attempts = attempts.saturating_add(1);
            let attempt = Attempt::new(attempts, settings.clock.now(), nonce);
            let around = Around {
                transport: &*settings.transport,
                clock: &*settings.clock,
                provider: &*provider,
            };
            let (permit, sent) = {
                // Passed on in one statement, so that the future does not reserve space for the whole request while it
                // waits.
                let begun = prepare(&*provider, endpoint, &attempt, request_id)
                    .map_err(Error::from)
                    .and_then(|request| {
                        // Asked again: consent may have been withdrawn during a wait for the limiter or for a token.
                        self.consented::<E>(options)?;
                        let now = Instant::now();
                        // The shorter deadline counts: more time for calls does not make a healthy provider slower.
                        let own = standard.min(E::OPERATION.timeout);
                        let patience = settings.circuit_breaker.patience_for(own);
                        // The permit is acquired last, so that a request that is never sent does not use up a probe.
                        let permit = circuit.acquire(now, patience).map_err(circuit_open)?;
                        progress.attempt_started(request_id, attempts, now);
                        under_way.may_count(true);
                        let elapsed = now.saturating_duration_since(progress.started());
                        let time_left = timeout.saturating_sub(elapsed);
                        let reuse = settings.reuse_connections || E::OPERATION.reply_is_correlated;
                        let limits = ExchangeLimits::new(time_left, E::OPERATION.max_reply_bytes)
                            .with_connection_reuse(reuse);
                        let sending = receiver.exchange(around, request, limits);
                        Ok((permit, DEADLINE.scope(deadline, sending)))
                    });
                let (permit, sending) = match begun {
                    Ok(begun) => begun,
                    // Since the check, the circuit has opened, another attempt has taken the probe, or consent is gone.
                    Err(refusal)
                        if matches!(
                            refusal.kind(),
                            ErrorKind::Unavailable | ErrorKind::NoConsent
                        ) =>
                    {
                        attempts = attempts.saturating_sub(1);
                        break reported(failed, refusal);
                    }
                    Err(error) => {
                        progress.attempt_failed(&error, outcome, None);
                        break error;
                    }
                };
                let sent = match deadline {
                    Some(deadline) => tokio::time::timeout_at(deadline, sending).await,
                    None => Ok(sending.await),
                };
                (permit, sent)
            };
            let now = settings.clock.now();
            if let (Some(limiter), Ok(Ok(response))) = (&settings.limiter, &sent)
                && let reply = response.borrow()
                && let moment = sent_at(reply.headers()).unwrap_or(now)
                && let Some(allowance) = provider.allowance(reply, moment)
            {
                limiter.learn(allowance);
                under_way.may_count(false);
            }
            #[cfg(feature = "drift")]
            if let (Some(radar), Ok(Ok(response))) = (&settings.drift_radar, &sent) {
                radar.status(P::NAME, E::OPERATION.name, response.borrow().status());
            }
            let concluded = receiver.conclude(&*provider, endpoint, sent, now);
            #[cfg(feature = "drift")]
            if let Some(radar) = &settings.drift_radar {
                let body = match &concluded {
                    Ok((_, verified)) => Some(verified.raw().body()),
                    // It was verified, and could not be read.
                    Err(error) if error.kind() == ErrorKind::Decode => {
                        error.raw_response().map(|raw| raw.body())
                    }
                    Err(_) => None,
                };
                body.inspect(|body| radar.reply(P::NAME, E::OPERATION.name, body));
            }
            let error = match concluded {
                Ok((value, verified)) => {
                    permit.answered();
                    budget.refill();
                    if !R::COMMITS {
                        progress.answered(verified.status());
                    }
                    return Ok(Response {
                        value,
                        verified,
                        request_id: request_id.clone(),
                        attempts,
                        elapsed: progress.elapsed(),
                    });
                }
                Err(error) => error,
            };
            let time_left = timeout.saturating_sub(progress.elapsed());
            match evidence(&error) {
                // The deadline expired first: the duration of the attempt decides.
                Evidence::NoAnswer if time_left.is_zero() => drop(permit),
                Evidence::NoAnswer | Evidence::Failing => permit.failed(),
                Evidence::Answered => permit.answered(),
                Evidence::None => permit.release(),
            }
            if let (Some(limiter), ErrorKind::RateLimited, Some(wait)) =
                (&settings.limiter, error.kind(), error.retry_after())
            {
                // Nobody vouches for a 429: it closes the limiter for all operations no longer than this.
                let wait = wait.min(LONGEST_UNVERIFIED_WAIT);
                limiter.learn(Allowance::new(0).resetting_in(wait));
            }
            if error.outcome() == Outcome::NotSent {
                under_way.may_count(false);
            }
            drop(under_way);
            outcome = outcome.max(error.outcome());
            let failure = Failure {
                transient: error.is_transient(),
                permanent: is_permanent(&error),
                attempt: attempts,
                retry_after: error.retry_after(),
                time_left,
                ..Failure::new(error.kind(), error.outcome(), E::OPERATION.idempotency)
            };
            // Without randomness the next attempt has no nonce and fails the call, so its back-off does not matter.
            let jitter = || {
                let bits = settings.clock.random();
                bits.map_or(u64::MAX, |bits| (bits >> 64) as u64)
            };
            let pause = match retry.decide(&failure, jitter) {
                RetryDecision::After(pause)
                    if circuit
                        .refusal(|| Instant::now().checked_add(pause))
                        .is_none()
                        && budget.take() =>
                {
                    pause
                }
                _ => {
                    progress.attempt_failed(&error, outcome, None);
                    break error;
                }
            };
            progress.attempt_failed(&error, outcome, Some(pause));
            settings.clock.sleep(pause).await;
            // The sleep may overrun. Retrying with no time left would replace a specific error with a time-out.
            if progress.elapsed() >= timeout {
                break error;
            }
            failed = Some(error);
        };
        let error = match request_id {
            Some(request_id) => error.with_request_id(request_id),
            None => error,
        };
        let error = error
            .at(P::NAME, E::OPERATION.name)
            .with_idempotency(E::OPERATION.idempotency)
            .with_settling(E::OPERATION.settling)
            .with_elapsed(progress.elapsed())
            .with_attempts(attempts, outcome);
        progress.failed(&error);
        Err(error)
    }

    /// How long a call may take, attempts and pauses together.
    fn timeout<E: Endpoint>(&self, options: &CallOptions) -> Duration {
        let standard = self.inner.settings.timeout.unwrap_or(E::OPERATION.timeout);
        let limit = options.time_limit.unwrap_or(Duration::MAX);
        options.timeout.unwrap_or(standard).min(limit)
    }

    /// Asks the gate, if there is one.
    fn consented<E: Endpoint<Provider = P>>(&self, options: &CallOptions) -> Result<(), Error> {
        let settings = &self.inner.settings;
        let Some(gate) = settings.consent_gate.as_deref() else {
            return Ok(());
        };
        let call = GatedCall {
            evidence: options.consent.as_ref(),
            ..GatedCall::new(P::NAME, &E::OPERATION, settings.clock.now())
        };
        gate.admit(&call).map_err(Error::from)
    }

    /// Waits for the rate limiter's permission to send an attempt, or refuses; without consent nothing is waited for. The circuit
    /// is only looked at, so that an open one is neither waited for nor charged to the limit; its permit is acquired when the
    /// request is built.
    async fn admit<E: Endpoint<Provider = P>>(
        &self,
        circuit: &Circuit,
        options: &CallOptions,
        timeout: Duration,
        progress: &Progress<'_>,
    ) -> Result<UnderWay<'_>, Error> {
        let settings = &self.inner.settings;
        let when_limited = options.when_limited.unwrap_or(settings.when_limited);
        self.consented::<E>(options)?;
        loop {
            if let Some(wait) = circuit.refusal(|| Some(Instant::now())) {
                return Err(circuit_open(wait));
            }
            let limiter = settings.limiter.as_deref();
            let acquired = match limiter.map(|limiter| (limiter, limiter.acquire_async())) {
                None => Ok(()),
                Some((limiter, None)) => limiter.acquire(),
                Some((_, Some(asking))) => {
                    let time_left = timeout.saturating_sub(progress.elapsed());
                    let asked = tokio::time::timeout(time_left, asking).await;
                    asked.unwrap_or(Err(Duration::ZERO))
                }
            };
            let Err(wait) = acquired else {
                return Ok(UnderWay::new(limiter));
            };
            let time_left = timeout.saturating_sub(progress.elapsed());
            if when_limited == WhenLimited::Refuse || wait >= time_left {
                return Err(not_sent(ErrorKind::RateLimited, wait));
            }
            // Never retries at once, whatever a limiter says.
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
    }
}

/// Waits until the provider can authorise a request. Nothing of the call was sent, whatever became of the one for its token.
async fn refreshed(
    refreshing: BoxFuture<'_, Result<(), Box<dyn StdError + Send + Sync>>>,
    deadline: Option<Instant>,
) -> Result<(), Error> {
    match within(deadline, refreshing).await {
        Ok(refreshed) => refreshed.map_err(|cause| {
            let own = cause.downcast_ref::<Error>();
            let kind = own.map_or(ErrorKind::Credentials, Error::kind);
            let wait = own.and_then(Error::retry_after);
            Error::new(kind, Outcome::NotSent)
                .with_retry_after(wait)
                .with_source(cause)
        }),
        Err(_) => Err(Error::new(ErrorKind::Timeout, Outcome::NotSent)),
    }
}

/// What the caller is told when the next attempt is refused. The failure of an earlier one is more specific than an open
/// circuit or a limit; that consent is gone is more important than either.
fn reported(failed: Option<Error>, refusal: Error) -> Error {
    match failed {
        Some(failed) if refusal.kind() != ErrorKind::NoConsent => failed,
        _ => refusal,
    }
}

fn not_sent(kind: ErrorKind, wait: Duration) -> Error {
    Error::new(kind, Outcome::NotSent).with_retry_after(Some(wait))
}

fn circuit_open(wait: Duration) -> Error {
    not_sent(ErrorKind::Unavailable, wait)
}

/// Fails the build of whoever calls an operation whose declaration cannot be signed as its provider demands.
pub(super) const fn check_declaration<E: Endpoint>() {
    let operation = E::OPERATION;
    assert!(
        !E::Provider::SIGNS_REQUESTS || !matches!(operation.signs, Signs::Nothing),
        "the provider signs every request: say what this operation signs"
    );
    assert!(
        !matches!(operation.signs, Signs::Body) || operation.route.method().has_body(),
        "a request without a body cannot sign it"
    );
    assert!(
        matches!(operation.idempotency, Idempotency::Safe) || operation.settling.is_some(),
        "the operation is no read: say how it is settled when a call ends without an answer"
    );
}

/// Builds and authorises the request of one attempt. Pure but for the reference counts.
fn prepare<P: Provider, E: Endpoint<Provider = P>>(
    provider: &P,
    endpoint: &E,
    attempt: &Attempt,
    request_id: &RequestId,
) -> Result<Request<Body>, InvalidRequest> {
    endpoint
        .request(RequestBuilder::new(provider, &E::OPERATION, attempt))?
        .authorized(|head, signed| {
            let headers = &mut head.headers;
            headers.entry(ACCEPT).or_insert(ACCEPT_JSON);
            headers.insert(ACCEPT_ENCODING, IDENTITY);
            headers.insert(USER_AGENT, USER_AGENT_VALUE);
            headers.insert(RequestId::HEADER, request_id.header_value());
            provider.authorize(head, signed, attempt)
        })
}
