//! The builder of clients.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::client::Client;
use super::client::Settings;
use super::consent::ConsentGate;
#[cfg(feature = "drift")]
use super::drift_radar::DriftRadar;
use super::observer::{CallObserver, both};
use crate::error::Error;
use crate::lint::Lints;
use crate::resilience::{
    CircuitBreaker, Clock, RateLimiter, RetryPolicy, SystemClock, WhenLimited,
};
use crate::transport::Transport;
use crate::wire::Provider;

/// The settings of a client before it is built. `C` is what [`build`](ClientBuilder::build) returns: a provider crate's own
/// client, or [`Client`].
#[derive(Debug)]
pub struct ClientBuilder<P, C = Client<P>> {
    provider: P,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    circuit_breaker: CircuitBreaker,
    limiter: Option<Arc<dyn RateLimiter>>,
    when_limited: WhenLimited,
    observer: Option<Arc<dyn CallObserver>>,
    timeout: Option<Duration>,
    reuse_connections: bool,
    lints: Lints,
    consent_gate: Option<Arc<dyn ConsentGate>>,
    #[cfg(feature = "drift")]
    drift_radar: Option<Arc<DriftRadar>>,
    client: PhantomData<fn() -> C>,
}

impl<P: Provider> Client<P> {
    /// Starts building a client for `provider`.
    pub fn builder(provider: P) -> ClientBuilder<P> {
        ClientBuilder::new(provider)
    }
}

impl<P: Provider, C: From<Client<P>>> ClientBuilder<P, C> {
    /// Starts building a client for `provider`.
    pub fn new(provider: P) -> Self {
        Self {
            provider,
            transport: None,
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::standard(),
            circuit_breaker: CircuitBreaker::standard(),
            limiter: None,
            when_limited: WhenLimited::Wait,
            observer: None,
            timeout: None,
            reuse_connections: false,
            lints: Lints::default(),
            consent_gate: None,
            #[cfg(feature = "drift")]
            drift_radar: None,
            client: PhantomData,
        }
    }

    /// Sends through `transport` instead of the default one. Share one transport between clients to share its settings.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Takes time and randomness from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Retries according to `retry` instead of [`RetryPolicy::standard`].
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Opens the circuits of failing operations according to `circuit_breaker` instead of [`CircuitBreaker::standard`].
    #[must_use]
    pub fn circuit_breaker(mut self, circuit_breaker: CircuitBreaker) -> Self {
        self.circuit_breaker = circuit_breaker;
        self
    }

    /// Acquires permission from `limiter` before each attempt. Pass the same limiter to every client that uses the same
    /// key.
    #[must_use]
    pub fn rate_limiter(mut self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// Sets what a call does when the limiter refuses permission; the default is to wait.
    #[must_use]
    pub fn when_limited(mut self, when_limited: WhenLimited) -> Self {
        self.when_limited = when_limited;
        self
    }

    /// Reports the progress of calls to `observer`, and to those that were set before.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.observer = Some(both(self.observer, observer));
        self
    }

    /// Sets the deadline of every call, attempts and back-off included, instead of the operation's own. A shorter deadline
    /// also shortens the circuit breaker's patience: see [`CircuitBreaker`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Reuses HTTP/1.1 connections for every operation, also for those whose replies
    /// [cannot be tied to their requests](crate::Operation::reply_is_correlated): for many calls in a row, when a handshake a
    /// call costs too much. Then nothing notices if an intermediary between the two sends a reply twice, and each later person
    /// on that connection gets the answer of the one before: be sure of every proxy and gateway on the way.
    #[must_use]
    pub fn reuse_connections(mut self) -> Self {
        self.reuse_connections = true;
        self
    }

    /// Sets which rules requests are checked against before they are sent, and what follows; the default is a warning in the
    /// log.
    #[must_use]
    pub fn lints(mut self, lints: Lints) -> Self {
        self.lints = lints;
        self
    }

    /// Asks `gate` before each attempt whether a consent covers it: typed calls, calls from the catalogue, downloads, reads
    /// too. Without a live one the call ends with [`ErrorKind::NoConsent`](crate::ErrorKind::NoConsent) and nothing is sent.
    #[must_use]
    pub fn consent_gate(mut self, gate: Arc<dyn ConsentGate>) -> Self {
        self.consent_gate = Some(gate);
        self
    }

    /// Compares replies with their documentation and counts the differences in `radar`; several clients may share one.
    #[cfg(feature = "drift")]
    #[must_use]
    pub fn drift_radar(mut self, radar: Arc<DriftRadar>) -> Self {
        self.drift_radar = Some(radar);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest): no transport was set and the crate was built
    /// without one, or the default transport cannot be created, for instance on a machine without root certificates.
    pub fn build(self) -> Result<C, Error> {
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport().map_err(|error| error.at(P::NAME, "client"))?,
        };
        let settings = Settings {
            transport,
            clock: self.clock,
            retry: self.retry,
            circuit_breaker: self.circuit_breaker,
            limiter: self.limiter,
            when_limited: self.when_limited,
            observer: self.observer,
            timeout: self.timeout,
            reuse_connections: self.reuse_connections,
            lints: self.lints,
            consent_gate: self.consent_gate,
            #[cfg(feature = "drift")]
            drift_radar: self.drift_radar,
        };
        Ok(C::from(Client::new(self.provider, settings)))
    }
}

#[cfg(feature = "hyper")]
pub(super) fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(crate::transport::HyperTransport::new()?))
}

#[cfg(all(feature = "reqwest", not(feature = "hyper")))]
pub(super) fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(crate::transport::ReqwestTransport::new()?))
}

#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
pub(super) fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    Err(crate::values::InvalidRequest::new(
        "transport",
        "none was set, and this build has no default: enable `rustls` or `native-tls`, or pass one",
    )
    .into())
}
