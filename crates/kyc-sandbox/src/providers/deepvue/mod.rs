//! Deepvue: DigiLocker.

mod documents;
mod initiate_session;
mod issued;
pub(crate) mod options;
mod sessions;
mod validation;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

pub(crate) use self::documents::DOCUMENTS;
pub(crate) use self::issued::consent_day;
use self::options::{DeepvueSettings, Plan, WrongCredentials};
pub(crate) use self::sessions::{Link, Session};
use crate::exchange::{
    Admission, Faults, Header, Json, ProviderApi, ReceivedRequest, Reply, Route, reason,
};
use crate::state::{Bounded, JourneyId, Provider, RateWindows, Simulation, Timer, Webhook};

#[derive(Debug)]
pub(crate) struct Deepvue {
    settings: DeepvueSettings,
    simulation: Simulation,
    rate: RateWindows,
    /// By the `transaction_id` that opened them.
    sessions: Bounded<Arc<str>, Session>,
}

impl ProviderApi for Deepvue {
    const PROVIDER: Provider = Provider::Deepvue;
    const ROUTES: &'static [Route<Self>] = &[
        Route {
            method: Method::POST,
            template: "/v1/kyc/digilocker/initiate-session",
            operation: "initiate-session",
            handler: initiate_session::handle,
        },
        Route {
            method: Method::POST,
            template: "/v1/kyc/digilocker/access-token",
            operation: "complete-authorization",
            handler: documents::authorize,
        },
        Route {
            method: Method::POST,
            template: "/v1/kyc/digilocker/issued-files",
            operation: "issued-files",
            handler: documents::list,
        },
        Route {
            method: Method::POST,
            template: "/v1/kyc/digilocker/eaadhaar",
            operation: "e-aadhaar",
            handler: documents::e_aadhaar,
        },
        Route {
            method: Method::POST,
            template: "/v1/kyc/digilocker/file",
            operation: "file",
            handler: documents::file,
        },
    ];

    /// Only requests with accepted credentials count towards the rate limit.
    fn admit(&self, request: &ReceivedRequest) -> Admission {
        self.authenticate(request)
            .and_then(|()| {
                let count_refused = *self.settings.refused_requests_count();
                let quota = self
                    .rate
                    .take(self.simulation.clock.now_ms(), count_refused);
                if quota.allowed {
                    Ok(())
                } else {
                    Err(self.error(429))
                }
            })
            .into()
    }

    fn error(&self, status: u16) -> Reply {
        detail(
            status,
            match status {
                401 => "Not authenticated",
                403 => "Not a valid token",
                429 => "Rate limit exceeded. Please retry after some time.",
                503 => "Source Unavailable",
                other => reason(other),
            },
        )
    }

    fn faults(&self) -> Faults<'_> {
        self.settings.faults()
    }

    fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    fn due(&self, at_ms: i64, _journey: Option<JourneyId>, timer: Timer) {
        self.timer_due(at_ms, &timer);
    }

    fn comes(&self, timer: &Timer) -> Option<&'static str> {
        self.comes_of(timer)
    }

    fn webhook_headers(&self, _webhook: &Webhook) -> Vec<(Cow<'static, str>, String)> {
        Vec::new()
    }
}

impl Deepvue {
    pub(crate) fn new(settings: DeepvueSettings, simulation: Simulation) -> Self {
        Self {
            rate: RateWindows::new(&limits(*settings.plan())),
            sessions: Bounded::new(
                *settings.session_capacity(),
                simulation.store.room("sessions of deepvue"),
            ),
            settings,
            simulation,
        }
    }

    fn authenticate(&self, request: &ReceivedRequest) -> Result<(), Reply> {
        let settings = &self.settings;
        let (Header::Once(key), Header::Once(client)) =
            (request.header("x-api-key"), request.header("client-id"))
        else {
            return Err(detail(*settings.missing_key_status(), "Not authenticated"));
        };
        if settings
            .inactive_clients()
            .iter()
            .any(|inactive| inactive.as_bytes() == client)
        {
            return Err(detail(400, "Inactive client_id"));
        }
        if key == settings.client_secret().as_bytes() && client == settings.client_id().as_bytes() {
            return Ok(());
        }
        Err(match settings.wrong_credentials() {
            WrongCredentials::Denied => {
                detail(401, "Invalid client_id or client_secret, access Denied")
            }
            WrongCredentials::NotAValidToken => detail(403, "Not a valid token"),
        })
    }
}

fn detail(status: u16, text: &str) -> Reply {
    Reply::json(status, &Json::Object(vec![("detail", text.into())]))
}

/// The documented limits: <https://docs.deepvue.ai/rate-limits>.
fn limits(plan: Plan) -> Vec<(Duration, u64)> {
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
