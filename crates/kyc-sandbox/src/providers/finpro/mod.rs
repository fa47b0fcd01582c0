//! MoneyOne FinPro: account aggregators.

mod check_profile;
pub(crate) mod options;

use http::Method;

use self::options::{ErrorEnvelope, FinproSettings, ResetUnit};
use crate::exchange::{
    Admission, Faults, Json, ProviderApi, ReceivedRequest, Reply, Route, reason,
};
use crate::state::{Ids, Provider, Quota, RateWindows, WireClock};

#[derive(Debug)]
pub(crate) struct Finpro {
    settings: FinproSettings,
    ids: Ids,
    clock: WireClock,
    rate: RateWindows,
}

impl ProviderApi for Finpro {
    const PROVIDER: Provider = Provider::Finpro;
    const ROUTES: &'static [Route<Self>] = &[Route {
        method: Method::POST,
        template: "/profile",
        operation: "check-profile",
        handler: check_profile::handle,
    }];

    /// The rate limit is checked before the credentials, and every reply shows it.
    fn admit(&self, request: &ReceivedRequest) -> Admission {
        let settings = &self.settings;
        let quota = self.rate.take(self.clock.now_ms(), true);
        let accepted = [
            ("client_id", settings.client_id().as_str()),
            ("client_secret", settings.client_secret()),
            ("organisationid", settings.organisation_id()),
            ("appidentifier", settings.app_identifier()),
        ];
        let refusal = if !quota.allowed {
            Some(self.rate_limited(quota))
        } else if !request.has_credentials(*settings.repeated_headers(), &accepted) {
            Some(self.refusal(
                *settings.auth_status(),
                settings.auth_code(),
                "Authentication failed",
                "Invalid or missing auth headers",
            ))
        } else {
            None
        };
        Admission {
            refusal,
            headers: self.rate_headers(quota),
        }
    }

    fn error(&self, status: u16) -> Reply {
        let code = match status {
            401 => self.settings.auth_code().clone(),
            _ => reason(status).to_ascii_uppercase().replace([' ', '-'], "_"),
        };
        self.refusal(status, &code, reason(status), "")
    }

    fn faults(&self) -> Faults<'_> {
        self.settings.faults()
    }
}

impl Finpro {
    pub(crate) fn new(settings: FinproSettings, ids: Ids, clock: WireClock) -> Self {
        Self {
            rate: RateWindows::new(&[(*settings.rate_window(), *settings.rate_limit())]),
            settings,
            ids,
            clock,
        }
    }

    fn rate_limited(&self, quota: Quota) -> Reply {
        let reply = self.error(429);
        if !*self.settings.retry_after() {
            return reply;
        }
        let wait_ms = quota.reset_ms.saturating_sub(self.clock.now_ms()).max(0);
        reply.with_header("retry-after", &ceil_seconds(wait_ms).to_string())
    }

    fn rate_headers(&self, quota: Quota) -> Vec<(&'static str, String)> {
        let reset = match self.settings.reset_unit() {
            ResetUnit::Seconds => ceil_seconds(quota.reset_ms),
            ResetUnit::Milliseconds => quota.reset_ms,
        };
        let mut headers = vec![
            ("x-ratelimit-remaining", quota.remaining.to_string()),
            ("x-ratelimit-reset", reset.to_string()),
        ];
        if *self.settings.limit_header() {
            headers.push(("x-ratelimit-limit", self.settings.rate_limit().to_string()));
        }
        headers
    }

    fn refusal(&self, status: u16, code: &str, message: &str, details: &str) -> Reply {
        let body = match self.settings.error_envelope() {
            ErrorEnvelope::Nested => Json::Object(vec![
                ("ver", "1.0.0".into()),
                ("status", "error".into()),
                (
                    "error",
                    Json::Object(vec![
                        ("code", code.into()),
                        ("message", message.into()),
                        ("details", details.into()),
                    ]),
                ),
            ]),
            ErrorEnvelope::Flat => {
                let text = if details.is_empty() { message } else { details };
                Json::Object(vec![
                    ("ver", "1.0.0".into()),
                    ("timestamp", WireClock::iso(self.clock.now_ms()).into()),
                    ("status", "failure".into()),
                    ("errorCode", code.into()),
                    ("errorMsg", text.into()),
                ])
            }
        };
        Reply::json(status, &body)
    }
}

fn ceil_seconds(ms: i64) -> i64 {
    ms.saturating_add(999).div_euclid(1000)
}
