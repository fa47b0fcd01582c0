//! What several clients have in common.

use std::sync::Arc;
use std::time::Duration;

use super::builder::{ClientBuilder, default_transport};
use super::client::Client;
use super::consent::ConsentGate;
#[cfg(feature = "drift")]
use super::drift_radar::DriftRadar;
use super::observer::{CallObserver, both};
use crate::error::Error;
use crate::lint::Lints;
use crate::resilience::RetryPolicy;
use crate::transport::Transport;
use crate::wire::Provider;

/// Settings that several clients start from, set once: one transport with its connections, one set of observers.
///
/// ```
/// # use std::sync::Arc;
/// # use provider_core::{CallObserver, ClientDefaults, Client, Error, Provider, Transport};
/// fn clients<A: Provider, B: Provider>(
///     (a, b): (A, B),
///     transport: Arc<dyn Transport>,
///     observer: Arc<dyn CallObserver>,
/// ) -> Result<(Client<A>, Client<B>), Error> {
///     let defaults = ClientDefaults::new().transport(transport).observer(observer);
///     Ok((defaults.client(a)?, defaults.client(b)?))
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct ClientDefaults {
    transport: Option<Arc<dyn Transport>>,
    observer: Option<Arc<dyn CallObserver>>,
    retry: Option<RetryPolicy>,
    timeout: Option<Duration>,
    lints: Option<Lints>,
    consent_gate: Option<Arc<dyn ConsentGate>>,
    #[cfg(feature = "drift")]
    drift_radar: Option<Arc<DriftRadar>>,
}

impl ClientDefaults {
    /// Those of a [`ClientBuilder`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends through `transport` instead of a default one.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Creates the default transport, unless one is set: the clients share its connections instead of having one each.
    ///
    /// # Errors
    ///
    /// As for [`ClientBuilder::build`].
    pub fn with_one_transport(mut self) -> Result<Self, Error> {
        if self.transport.is_none() {
            self.transport = Some(default_transport()?);
        }
        Ok(self)
    }

    /// Reports the progress of calls to `observer` too.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.observer = Some(both(self.observer, observer));
        self
    }

    /// Retries according to `retry`.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Sets the deadline of every call, see [`ClientBuilder::timeout`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Checks requests against `lints`, see [`ClientBuilder::lints`].
    #[must_use]
    pub fn lints(mut self, lints: Lints) -> Self {
        self.lints = Some(lints);
        self
    }

    /// Asks `gate` before each attempt, see [`ClientBuilder::consent_gate`].
    #[must_use]
    pub fn consent_gate(mut self, gate: Arc<dyn ConsentGate>) -> Self {
        self.consent_gate = Some(gate);
        self
    }

    /// Compares replies with their documentation, see [`ClientBuilder::drift_radar`].
    #[cfg(feature = "drift")]
    #[must_use]
    pub fn drift_radar(mut self, radar: Arc<DriftRadar>) -> Self {
        self.drift_radar = Some(radar);
        self
    }

    /// A builder for `provider` with these settings.
    pub fn builder<P: Provider, C: From<Client<P>>>(&self, provider: P) -> ClientBuilder<P, C> {
        let mut builder = ClientBuilder::new(provider);
        if let Some(transport) = &self.transport {
            builder = builder.transport(Arc::clone(transport));
        }
        if let Some(observer) = &self.observer {
            builder = builder.observer(Arc::clone(observer));
        }
        if let Some(retry) = self.retry {
            builder = builder.retry(retry);
        }
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(lints) = &self.lints {
            builder = builder.lints(lints.clone());
        }
        if let Some(gate) = &self.consent_gate {
            builder = builder.consent_gate(Arc::clone(gate));
        }
        #[cfg(feature = "drift")]
        if let Some(radar) = &self.drift_radar {
            builder = builder.drift_radar(Arc::clone(radar));
        }
        builder
    }

    /// A client for `provider` with these settings.
    ///
    /// # Errors
    ///
    /// As for [`ClientBuilder::build`].
    pub fn client<P: Provider, C: From<Client<P>>>(&self, provider: P) -> Result<C, Error> {
        self.builder(provider).build()
    }
}
