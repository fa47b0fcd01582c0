//! The one loop that every call goes through.

use std::borrow::Borrow as _;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, USER_AGENT};
use http::{HeaderValue, Request};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::answer::{is_permanent, tells_of_an_outage};
use super::observer::CallObserver;
use super::options::CallOptions;
use super::progress::Progress;
use super::receive::{Around, Receive, Whole};
use crate::error::{Error, ErrorKind, Outcome};
use crate::resilience::Circuit;
use crate::resilience::RetryBudget;
use crate::resilience::{CircuitBreaker, Clock, RateLimiter, RetryPolicy, WhenLimited};
use crate::resilience::{Decision, Failure};
use crate::transport::{ExchangeLimits, Transport};
use crate::values::InvalidRequest;
use crate::wire::{
    Allowance, Attempt, Body, Endpoint, Provider, RequestBuilder, RequestId, Response, Signs,
};

const USER_AGENT_VALUE: HeaderValue =
    HeaderValue::from_static(concat!("provider-core/", env!("CARGO_PKG_VERSION")));
/// What is signed and read are the bytes on the wire, so no encoding is asked for.
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const ACCEPT_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A provider with a way to reach it. Cheap to clone; share one, because connections are kept in it.
///
/// Users meet it inside a provider crate's own client. Calls need a tokio runtime with time enabled.
#[derive(Debug)]
pub struct Client<P> {
    inner: Arc<Inner<P>>,
}

#[derive(Debug)]
struct Inner<P> {
    provider: RwLock<Arc<P>>,
    settings: Settings,
    circuit: Circuit,
    budget: RetryBudget,
}

/// What a [`ClientBuilder`] sets.
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
                circuit: Circuit::new(settings.circuit_breaker),
                budget: RetryBudget::default(),
                settings,
            }),
        }
    }

    /// The provider it calls now.
    pub fn provider(&self) -> Arc<P> {
        let provider = self.inner.provider.read();
        Arc::clone(&provider.unwrap_or_else(PoisonError::into_inner))
    }

    /// Calls `provider` from the next attempt on, in all clones of this client: rotated credentials, without a restart
    /// and without losing connections. An attempt that is under way ends with the provider that it began with.
    ///
    /// ```
    /// # use provider_core::{Client, Error, Provider};
    /// /// Run it when a signal or a timer says that the files may have changed. The old value stays if it fails.
    /// fn rotate<P: Provider>(client: &Client<P>, load: impl Fn() -> Result<P, Error>) -> Result<(), Error> {
    ///     client.replace_provider(load()?);
    ///     Ok(())
    /// }
    /// ```
    pub fn replace_provider(&self, provider: P) {
        let kept = self.inner.provider.write();
        *kept.unwrap_or_else(PoisonError::into_inner) = Arc::new(provider);
    }

    /// Builds and authorises the request of `endpoint` and throws it away: whether its inputs can be sent at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`], as the call itself would give it.
    pub fn check<E: Endpoint<Provider = P>>(&self, endpoint: &E) -> Result<(), Error> {
        let attempt = Attempt::new(1, self.inner.settings.clock.now(), 0);
        prepare(
            &*self.provider(),
            endpoint,
            &attempt,
            &RequestId::from_bits(0),
        )
        .map(drop)
        .map_err(|error| Error::from(error).at(P::NAME, E::OPERATION.name))
    }

    /// Runs the attempts of one call.
    pub(crate) async fn run<E: Endpoint<Provider = P>>(
        &self,
        endpoint: &E,
        options: &CallOptions,
    ) -> Result<Response<E::Output>, Error> {
        self.run_with(endpoint, options, &mut Whole).await
    }

    /// Runs the attempts of one call, whose replies `receiver` takes.
    pub(crate) async fn run_with<E: Endpoint<Provider = P>, R: Receive<E>>(
        &self,
        endpoint: &E,
        options: &CallOptions,
        receiver: &mut R,
    ) -> Result<Response<R::Value>, Error> {
        const {
            let operation = E::OPERATION;
            assert!(
                !P::SIGNS_REQUESTS || !matches!(operation.signs, Signs::Nothing),
                "the provider signs every request: say what this operation signs"
            );
            assert!(
                !matches!(operation.signs, Signs::Body) || operation.route.method().has_body(),
                "a request without a body cannot sign it"
            );
        }
        let observer = self.inner.settings.observer.as_deref();
        let mut progress = Progress::new(P::NAME, E::OPERATION, observer);
        let span = progress.span().clone();
        self.attempts(endpoint, options, receiver, &mut progress)
            .instrument(span)
            .await
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
            circuit,
            budget,
            ..
        } = &*self.inner;
        let timeout = options
            .timeout
            .or(settings.timeout)
            .unwrap_or(E::OPERATION.timeout)
            .min(options.time_limit.unwrap_or(Duration::MAX));
        // A deadline past the end of the clock is none.
        let deadline = progress.started().checked_add(timeout);
        let retry = options.retry.unwrap_or(settings.retry);
        let mut request_id = options.request_id.clone();
        let mut failed: Option<Error> = None;
        let mut outcome = Outcome::NotSent;
        let mut attempts = 0_u32;
        let error = loop {
            if let Err(error) = receiver.begin().await {
                break error;
            }
            if let Err(refusal) = self.admit(options, timeout, progress).await {
                // What an earlier attempt came to says more than that there is no other.
                break failed.unwrap_or(refusal);
            }
            let nonce = match settings.clock.nonce() {
                Ok(nonce) => nonce,
                Err(error) => break Error::from(error),
            };
            attempts = attempts.saturating_add(1);
            let attempt = Attempt::new(attempts, settings.clock.now(), nonce);
            let request_id =
                &*request_id.get_or_insert_with(|| RequestId::from_bits(attempt.nonce));
            let provider = self.provider();
            let time_left = timeout.saturating_sub(progress.elapsed());
            let around = Around {
                transport: &*settings.transport,
                clock: &*settings.clock,
                provider: &*provider,
            };
            let sent = {
                // Handed over before the `match`, which would keep a place for the whole request while it waits.
                let sending = prepare(&*provider, endpoint, &attempt, request_id).map(|request| {
                    progress.attempt_started(request_id, attempts);
                    let limits = ExchangeLimits::new(time_left, E::OPERATION.max_reply_bytes);
                    receiver.exchange(&around, request, limits)
                });
                match sending {
                    Ok(sending) => Ok(match deadline {
                        Some(deadline) => tokio::time::timeout_at(deadline, sending).await,
                        None => Ok(sending.await),
                    }),
                    Err(error) => Err(Error::from(error)),
                }
            };
            let result = sent.and_then(|sent| {
                let now = settings.clock.now();
                if let (Some(limiter), Ok(Ok(response))) = (&settings.limiter, &sent)
                    && let Some(allowance) = provider.allowance(response.borrow(), now)
                {
                    limiter.learn(allowance);
                }
                receiver.conclude(&*provider, endpoint, sent, now)
            });
            let error = match result {
                Ok((value, verified)) => {
                    circuit.answered();
                    budget.refill();
                    if let Err(error) = receiver.commit().await {
                        outcome = outcome.max(error.outcome());
                        progress.attempt_failed(&error, outcome, None);
                        break error;
                    }
                    progress.answered(verified.status());
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
            match tells_of_an_outage(&error) {
                Some(true) => circuit.failed(Instant::now()),
                Some(false) => circuit.answered(),
                None => {}
            }
            if let (Some(limiter), ErrorKind::RateLimited, Some(wait)) =
                (&settings.limiter, error.kind(), error.retry_after())
            {
                limiter.learn(Allowance::new(0).resetting_in(wait));
            }
            outcome = outcome.max(error.outcome());
            let decision = retry.decide(&Failure {
                transient: error.is_transient(),
                permanent: is_permanent(&error),
                attempt: attempts,
                retry_after: error.retry_after(),
                time_left: timeout.saturating_sub(progress.elapsed()),
                // Half of the attempt's randomness; the other half would do as well.
                jitter: (attempt.nonce >> 64) as u64,
                ..Failure::new(error.kind(), error.outcome(), E::OPERATION.idempotency)
            });
            let pause = match decision {
                Decision::After(pause)
                    if !circuit.refuses(Instant::now().checked_add(pause)) && budget.take() =>
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
            // A pause may run over. An attempt without time would only blur what is known by now.
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
            .with_elapsed(progress.elapsed())
            .with_attempts(attempts, outcome);
        progress.failed(&error);
        Err(error)
    }

    /// Waits until an attempt may be made, or says why none may.
    async fn admit(
        &self,
        options: &CallOptions,
        timeout: Duration,
        progress: &Progress<'_>,
    ) -> Result<(), Error> {
        let not_sent = |kind, wait| Error::new(kind, Outcome::NotSent).with_retry_after(Some(wait));
        let Inner {
            settings, circuit, ..
        } = &*self.inner;
        circuit
            .admit(Instant::now())
            .map_err(|wait| not_sent(ErrorKind::Unavailable, wait))?;
        let Some(limiter) = &settings.limiter else {
            return Ok(());
        };
        let when_limited = options.when_limited.unwrap_or(settings.when_limited);
        while let Err(wait) = limiter.acquire() {
            let time_left = timeout.saturating_sub(progress.elapsed());
            if when_limited == WhenLimited::Refuse || wait >= time_left {
                return Err(not_sent(ErrorKind::RateLimited, wait));
            }
            // Not at once again, whatever a limiter says.
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
        Ok(())
    }
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
