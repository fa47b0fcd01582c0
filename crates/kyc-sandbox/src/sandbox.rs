//! The sandbox itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::StatusCode;

use crate::clock::WireClock;
use crate::consents::{Consents, RecordedConsent};
use crate::exchange::Reply;
use crate::ids::Ids;
use crate::json::Json;
use crate::ledger::{Ledger, Provider};
use crate::rate::Windows;
use crate::serve::{ServeError, ServedSandbox};
use crate::settings::{Plan, Settings};
use crate::transport::SandboxTransport;
use crate::{deepvue, finpass, finpro, veriff};

/// The four providers with their state. Clones share it.
#[derive(Debug, Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
    router: Router,
}

/// What the routes of all providers see.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) ledger: Ledger,
    pub(crate) ids: Ids,
    pub(crate) clock: WireClock,
    pub(crate) consents: Consents,
    pub(crate) finpro_window: Windows,
    pub(crate) deepvue_windows: Windows,
    pub(crate) turns: AtomicU64,
    finpass_failures: AtomicU64,
    finpro_failures: AtomicU64,
    veriff_failures: AtomicU64,
    deepvue_failures: AtomicU64,
}

impl Shared {
    /// Whether one more failure may be injected, counting it if so.
    pub(crate) fn spend_failure(&self, provider: Provider, limit: Option<u64>) -> bool {
        let Some(limit) = limit else { return true };
        let spent = match provider {
            Provider::Finpass => &self.finpass_failures,
            Provider::Finpro => &self.finpro_failures,
            Provider::Veriff => &self.veriff_failures,
            Provider::Deepvue => &self.deepvue_failures,
        };
        spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                (count < limit).then_some(count.saturating_add(1))
            })
            .is_ok()
    }
}

impl Sandbox {
    /// A sandbox with its own state.
    pub fn new(settings: Settings) -> Self {
        let deterministic = *settings.deterministic_ids();
        let finpro = settings.finpro();
        let shared = Arc::new(Shared {
            ledger: Ledger::new(*settings.ledger_capacity()),
            ids: Ids::new(deterministic),
            clock: WireClock::new(deterministic),
            consents: Consents::new(*settings.veriff().consent_capacity()),
            finpro_window: Windows::new(&[(*finpro.rate_window(), *finpro.rate_limit())]),
            deepvue_windows: Windows::new(&plan_limits(*settings.deepvue().plan())),
            turns: AtomicU64::new(0),
            finpass_failures: AtomicU64::new(0),
            finpro_failures: AtomicU64::new(0),
            veriff_failures: AtomicU64::new(0),
            deepvue_failures: AtomicU64::new(0),
            settings,
        });
        let router = Router::new()
            .nest("/finpass", finpass::router(Arc::clone(&shared)))
            .nest("/finpro", finpro::router(Arc::clone(&shared)))
            .nest("/veriff", veriff::router(Arc::clone(&shared)))
            .nest("/deepvue", deepvue::router(Arc::clone(&shared)))
            .fallback(unknown_provider);
        Self { shared, router }
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
    /// [`Settings::with_allow_other_machines`] allows it; [`ServeError::Bind`] if the address cannot be had.
    pub async fn serve(&self, address: SocketAddr) -> Result<ServedSandbox, ServeError> {
        ServedSandbox::start(address, self.router.clone(), &self.shared.settings).await
    }

    /// What was asked and done so far, and from now on.
    pub fn ledger(&self) -> Ledger {
        self.shared.ledger.clone()
    }

    /// The settings it was made with.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The consents that Veriff's route recorded for a session, oldest first. Empty for an id that is not a UUID.
    pub fn consents(&self, session_id: &str) -> Vec<RecordedConsent> {
        uuid::Uuid::try_parse(session_id)
            .map(|session| {
                self.shared
                    .consents
                    .of(session, *self.shared.settings.veriff().latest_scope())
            })
            .unwrap_or_default()
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

/// Deepvue's documented limits: <https://docs.deepvue.ai/rate-limits>.
fn plan_limits(plan: Plan) -> Vec<(Duration, u64)> {
    let (second, minute, day) = match plan {
        Plan::Unlimited => return Vec::new(),
        Plan::Starter => (1, 30, 1_000),
        Plan::Business => (2, 100, 10_000),
        Plan::Growth => (5, 500, 20_000),
        Plan::Enterprise => (17, 1_000, 50_000),
    };
    vec![
        (Duration::from_secs(1), second),
        (Duration::from_secs(60), minute),
        (Duration::from_secs(24 * 60 * 60), day),
    ]
}

async fn unknown_provider() -> Response {
    let body = Json::Object(vec![(
        "sandbox",
        "no provider here; paths begin with /finpass, /finpro, /veriff or /deepvue".into(),
    )]);
    Reply::json(StatusCode::NOT_FOUND.as_u16(), &body).into_response()
}
