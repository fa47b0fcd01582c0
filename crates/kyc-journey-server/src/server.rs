//! The server: what it works with, and its router.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use kyc_journey::{JourneyEngine, Provider};
use kyc_journey_performer::{Returns, Webhooks};
use provider_core::http::uri::Authority;
use provider_core::{Clock, InvalidRequest, SystemClock};
use tokio::sync::{Semaphore, watch};

use crate::consents::ConsentReceipts;
use crate::keys::{ApiToken, Digests};
use crate::limits::{Limits, Rate, Shares};
use crate::openapi::openapi;
use crate::routes;
use crate::sessions::Sessions;
use crate::state::{Inner, Shared};

/// Serves the journeys of an engine. Clones share everything.
#[derive(Clone)]
pub struct JourneyServer(Shared);

impl fmt::Debug for JourneyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JourneyServer")
            .field("engine", &self.0.engine)
            .field("providers", &self.0.providers)
            .field("hosts", &self.0.hosts)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

impl JourneyServer {
    /// A server of this engine's journeys, for callers who bring this token. It refuses every webhook that has to be signed until it is
    /// given their secrets.
    pub fn builder(
        engine: Arc<dyn JourneyEngine>,
        digests: Digests,
        token: ApiToken,
    ) -> JourneyServerBuilder {
        JourneyServerBuilder {
            engine,
            digests,
            token,
            clock: Arc::new(SystemClock),
            receipts: None,
            webhooks: Webhooks::new(),
            returns: Returns::new(),
            providers: Provider::ALL.to_vec(),
            hosts: Vec::new(),
            path: String::new(),
            limits: Limits::default(),
        }
    }

    /// Everything that is served, for an application's own router, or for [`serve`](crate::serve).
    pub fn router(&self) -> Router {
        routes::router(&self.0)
    }

    /// Ends the streams of events, so that a server can shut down: their readers resume them elsewhere.
    pub fn end_streams(&self) {
        self.0.closing.send_replace(true);
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

/// Sets a [`JourneyServer`] up.
#[derive(Debug)]
pub struct JourneyServerBuilder {
    engine: Arc<dyn JourneyEngine>,
    digests: Digests,
    token: ApiToken,
    clock: Arc<dyn Clock>,
    receipts: Option<Arc<dyn ConsentReceipts>>,
    webhooks: Webhooks,
    returns: Returns,
    providers: Vec<Provider>,
    hosts: Vec<String>,
    path: String,
    limits: Limits,
}

impl JourneyServerBuilder {
    /// Goes by another clock, which must be the runner's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Writes persons' consents here, and takes no receipts of callers' own. Without, a caller brings the receipt of each consent.
    #[must_use]
    pub fn consent_receipts(mut self, receipts: Arc<dyn ConsentReceipts>) -> Self {
        self.receipts = Some(receipts);
        self
    }

    /// Takes webhooks that are signed so.
    #[must_use]
    pub fn webhooks(mut self, webhooks: Webhooks) -> Self {
        self.webhooks = webhooks;
        self
    }

    /// Reads browsers' returns so.
    #[must_use]
    pub fn returns(mut self, returns: Returns) -> Self {
        self.returns = returns;
        self
    }

    /// The providers that are set up: a plan that asks for another one is refused at the start. All of them by default.
    #[must_use]
    pub fn providers(mut self, providers: impl IntoIterator<Item = Provider>) -> Self {
        self.providers = providers.into_iter().collect();
        self
    }

    /// Answers to this name, too, as a `Host` header has it, such as `kyc.lender.example` or `kyc.lender.example:8443`: that of the
    /// public address. This machine's own names (`localhost`, `127.0.0.1`, `[::1]`) are always answered to, and no other one is: a page
    /// elsewhere cannot reach the server by letting its own name point here.
    ///
    /// # Errors
    ///
    /// It is no name with or without a port.
    pub fn host(mut self, host: &str) -> Result<Self, InvalidRequest> {
        let parsed: Option<Authority> = host.parse().ok();
        match parsed.filter(|parsed| !parsed.as_str().contains('@')) {
            Some(parsed) => {
                self.hosts.push(parsed.as_str().to_ascii_lowercase());
                Ok(self)
            }
            None => Err(InvalidRequest::new(
                "host",
                "must be a name, with or without a port",
            )),
        }
    }

    /// Where an application nests the router, such as `/kyc`, for the links of the operator's page; nowhere by default.
    ///
    /// # Errors
    ///
    /// It does not begin with `/`, or has another character than letters, digits, `/`, `-`, `_` and `.`.
    pub fn path(mut self, path: &str) -> Result<Self, InvalidRequest> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
        match path.starts_with('/') && path.bytes().all(is_plain) {
            true => {
                self.path = path.trim_end_matches('/').to_owned();
                Ok(self)
            }
            false => Err(InvalidRequest::new("path", "must be such as /kyc")),
        }
    }

    /// Takes this much from outside.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The server.
    pub fn build(self) -> JourneyServer {
        let limits = self.limits;
        let (closing, _) = watch::channel(false);
        JourneyServer(Arc::new(Inner {
            engine: self.engine,
            digests: self.digests,
            token: self.token,
            clock: self.clock,
            receipts: self.receipts,
            webhooks: self.webhooks,
            returns: self.returns,
            providers: self.providers,
            hosts: self.hosts,
            path: self.path,
            api_rate: Rate::new(limits.requests_per_second),
            outside_rate: Rate::new(limits.requests_per_second),
            sign_ins: Shares::new(limits.sign_ins_per_minute),
            unsigned: Shares::new(limits.unsigned_per_minute),
            streams: Arc::new(Semaphore::new(limits.streams.min(Semaphore::MAX_PERMITS))),
            sessions: Sessions::default(),
            document: openapi(),
            closing,
            limits,
        }))
    }
}
