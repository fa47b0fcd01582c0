//! The sandbox itself.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http::Method;

use crate::exchange::{self, Json, Operation, Reply};
use crate::providers::deepvue::Deepvue;
use crate::providers::finpass::Finpass;
use crate::providers::finpro::Finpro;
use crate::providers::veriff::Veriff;
use crate::serve::{ServeError, ServedSandbox};
use crate::settings::Settings;
use crate::state::{
    AggregatorConsentStatus, DecisionStatus, Ids, Ledger, StoredConsent, WireClock,
};
use crate::transport::SandboxTransport;

/// The four providers with their state. Clones share it.
#[derive(Clone)]
pub struct Sandbox {
    settings: Arc<Settings>,
    ledger: Ledger,
    finpro: Arc<Finpro>,
    veriff: Arc<Veriff>,
    router: Router,
}

impl Sandbox {
    /// A sandbox with its own state.
    pub fn new(settings: Settings) -> Self {
        let deterministic = *settings.deterministic_ids();
        let clock = WireClock::new(*settings.fixed_time(), deterministic);
        let (ids, seed) = (Ids::new(deterministic), *settings.data_seed());
        let ledger = Ledger::new(*settings.ledger_capacity());
        let limit = *settings.body_limit();

        let finpass = Arc::new(Finpass::new(
            settings.finpass().clone(),
            ids.clone(),
            clock,
            seed,
        ));
        let finpro = Arc::new(Finpro::new(
            settings.finpro().clone(),
            ids.clone(),
            clock,
            seed,
        ));
        let veriff = Arc::new(Veriff::new(settings.veriff().clone(), ids.clone(), clock));
        let deepvue = Arc::new(Deepvue::new(settings.deepvue().clone(), ids, clock));
        let router = Router::new()
            .nest("/finpass", exchange::router(finpass, ledger.clone(), limit))
            .nest(
                "/finpro",
                exchange::router(Arc::clone(&finpro), ledger.clone(), limit),
            )
            .nest(
                "/veriff",
                exchange::router(Arc::clone(&veriff), ledger.clone(), limit),
            )
            .nest("/deepvue", exchange::router(deepvue, ledger.clone(), limit))
            .fallback({
                let documents = settings.documents().clone();
                move |request| std::future::ready(document(&documents, &request))
            });
        Self {
            settings: Arc::new(settings),
            ledger,
            finpro,
            veriff,
            router,
        }
    }

    /// The operations of all providers, in the order of their tables.
    pub fn operations() -> Vec<Operation> {
        exchange::operations::<Finpass>()
            .chain(exchange::operations::<Finpro>())
            .chain(exchange::operations::<Veriff>())
            .chain(exchange::operations::<Deepvue>())
            .collect()
    }

    /// A transport that reaches this sandbox without a socket.
    pub fn transport(&self) -> SandboxTransport {
        SandboxTransport::new(self.router.clone())
    }

    /// Serves this sandbox over HTTP/1.1 until the returned value is shut down or dropped.
    ///
    /// Port 0 takes a free one. Must be called within a tokio runtime whose IO and time drivers are on.
    ///
    /// # Errors
    ///
    /// [`ServeError::NotLoopback`] for an address that other machines can reach, unless
    /// [`Settings::with_allow_other_machines`] allows it; [`ServeError::Bind`] if the address cannot be bound.
    pub async fn serve(&self, address: SocketAddr) -> Result<ServedSandbox, ServeError> {
        ServedSandbox::start(address, self.router.clone(), &self.settings).await
    }

    /// The ledger of all requests and effects, past and future.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// The settings that it was created with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The consents that Veriff recorded for a session, oldest first. Empty for an id that is not a UUID.
    pub fn consents(&self, session_id: &str) -> Vec<StoredConsent> {
        self.veriff.consents(session_id)
    }

    /// Decides about a consent that FinPro was asked for, by its handle. Returns `false` for an unknown handle, and where its
    /// status does not allow it: see [`AggregatorConsentStatus::may_become`].
    pub fn decide_consent(&self, handle: &str, status: AggregatorConsentStatus) -> bool {
        self.finpro.decide(handle, status)
    }

    /// Decides about a Veriff session, replacing an earlier decision: from now on `GET /v1/sessions/{id}/decision` replies
    /// with it. Returns `false` for an id that is not a UUID, which no session has.
    pub fn decide(&self, session_id: &str, decision: DecisionStatus) -> bool {
        self.veriff.decide(session_id, decision)
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

/// A document of the settings, for a path that is no provider's.
fn document(documents: &BTreeMap<String, String>, request: &Request) -> Response {
    let reply = match documents.get(request.uri().path()) {
        Some(text) if matches!(*request.method(), Method::GET | Method::HEAD) => {
            Reply::text(200, "application/json", text.clone())
        }
        Some(_) => {
            let message = Json::Object(vec![("sandbox", "a document is read with GET".into())]);
            Reply::json(405, &message).with_header("allow", "GET, HEAD")
        }
        None => Reply::json(
            404,
            &Json::Object(vec![(
                "sandbox",
                "no provider here; paths begin with /finpass, /finpro, /veriff or /deepvue".into(),
            )]),
        ),
    };
    reply.into_response()
}
