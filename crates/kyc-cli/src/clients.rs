//! Clients, built from settings.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kyc_facade::provider_core::lint::{Lints, OnFinding};
use kyc_facade::provider_core::{
    BaseUrl, CallObserver, Client, ClientBuilder, ConsentGate, DriftRadar, HyperTransport,
    InvalidRequest, Provider, RateLimits, Settings, Transport,
};

use crate::failure::Failure;

/// A provider's `from_settings`.
pub(crate) type FromSettings<P> = fn(&Settings) -> Result<P, InvalidRequest>;

/// The settings that the clients share.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) settings: Settings,
    with_tls: OnceLock<Arc<dyn Transport>>,
    without_tls: OnceLock<Arc<dyn Transport>>,
    pub(crate) options: CallSettings,
    gate: Option<Arc<dyn ConsentGate>>,
}

/// What arguments say of every call.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallSettings {
    pub(crate) timeout: Option<Duration>,
    /// What follows from an input that looks wrong.
    pub(crate) on_finding: OnFinding,
    /// Compares the replies with their documentation.
    pub(crate) drift_radar: Option<Arc<DriftRadar>>,
}

impl Clients {
    /// Creates clients for these settings.
    pub(crate) fn new(settings: Settings, options: CallSettings) -> Self {
        Self {
            settings,
            with_tls: OnceLock::new(),
            without_tls: OnceLock::new(),
            options,
            gate: None,
        }
    }

    /// Clients that send nothing that this gate does not let through.
    pub(crate) fn gated(self, gate: Arc<dyn ConsentGate>) -> Self {
        Self {
            gate: Some(gate),
            ..self
        }
    }

    /// The rules for the inputs of a provider at this address.
    pub(crate) fn lints(&self, base_url: &BaseUrl) -> Lints {
        lints(self.options.on_finding, base_url)
    }

    /// One transport for all https addresses and one for all others. Only the former needs the platform's root
    /// certificates, so a sandbox on this machine needs none.
    fn transport(&self, base_url: &BaseUrl) -> Result<Arc<dyn Transport>, Failure> {
        let (kept, builder) = match base_url.is_https() {
            true => (&self.with_tls, HyperTransport::builder()),
            false => (&self.without_tls, HyperTransport::builder().without_tls()),
        };
        if let Some(transport) = kept.get() {
            return Ok(Arc::clone(transport));
        }
        let transport: Arc<dyn Transport> = Arc::new(builder.build()?);
        Ok(Arc::clone(kept.get_or_init(|| transport)))
    }

    /// A client of a provider with these settings. All clients of one provider share the provider value.
    pub(crate) fn client<P: Provider, C: From<Client<P>>>(
        &self,
        settings: FromSettings<P>,
    ) -> Result<C, Failure> {
        Ok(self.builder(settings)?.build()?)
    }

    /// A client that reports its calls, and whose transport is this one around its own.
    pub(crate) fn observed<P: Provider, C: From<Client<P>>>(
        &self,
        settings: FromSettings<P>,
        observer: Arc<dyn CallObserver>,
        around: impl FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport>,
    ) -> Result<C, Failure> {
        let builder = self.builder_around(settings, around)?;
        Ok(builder.observer(observer).build()?)
    }

    /// A client with a rate limiter, which may use connections again although nothing ties its replies to its requests.
    pub(crate) fn within<P: Provider, C: From<Client<P>>>(
        &self,
        settings: FromSettings<P>,
        limits: RateLimits,
        reuse_connections: bool,
    ) -> Result<C, Failure> {
        let builder = self.builder(settings)?.rate_limiter(Arc::new(limits));
        Ok(match reuse_connections {
            true => builder.reuse_connections().build()?,
            false => builder.build()?,
        })
    }

    fn builder<P: Provider, C: From<Client<P>>>(
        &self,
        settings: FromSettings<P>,
    ) -> Result<ClientBuilder<P, C>, Failure> {
        self.builder_around(settings, |transport| transport)
    }

    fn builder_around<P: Provider, C: From<Client<P>>>(
        &self,
        settings: FromSettings<P>,
        around: impl FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport>,
    ) -> Result<ClientBuilder<P, C>, Failure> {
        let provider = settings(&self.settings)?;
        let transport = around(self.transport(provider.base_url())?);
        // What is sent nevertheless is said once, by the command and not by the client's log.
        let on_finding = match self.options.on_finding {
            OnFinding::Warn => OnFinding::Ignore,
            on_finding => on_finding,
        };
        let lints = lints(on_finding, provider.base_url());
        let mut builder = ClientBuilder::new(provider).transport(transport);
        if let Some(timeout) = self.options.timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(radar) = &self.options.drift_radar {
            builder = builder.drift_radar(Arc::clone(radar));
        }
        if let Some(gate) = &self.gate {
            builder = builder.consent_gate(Arc::clone(gate));
        }
        Ok(builder.lints(lints))
    }
}

/// A sandbox takes values that no real holder has.
fn lints(on_finding: OnFinding, base_url: &BaseUrl) -> Lints {
    let lints = Lints::new(on_finding);
    match base_url.is_loopback() {
        true => lints.allow_test_values(),
        false => lints,
    }
}

/// A value for every one of these settings, to build and check a request that is not sent.
pub(crate) fn placeholders(names: &[&'static str]) -> Settings {
    Settings::of(names.iter().map(|name| match name.ends_with("_BASE_URL") {
        true => (*name, "http://localhost"),
        false => (*name, "placeholder"),
    }))
}
