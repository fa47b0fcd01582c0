//! MoneyOne FinPro: account aggregators.

mod analytics;
mod body;
mod bulk;
mod check_profile;
pub(crate) mod customers;
mod deposit;
mod discovery;
mod fi_data;
mod fi_request;
mod list_consents;
pub(crate) mod options;
mod paging;
mod redirection;
mod request_consent;
mod revoke_consent;
mod webhooks;
mod workbook;

use http::Method;
use std::borrow::Cow;

pub(crate) use self::analytics::{REPORTS, XLSX};
use self::options::{ErrorEnvelope, FinproSettings, ResetUnit};
use crate::exchange::{
    Admission, Faults, Json, ProviderApi, ReceivedRequest, Reply, Route, reason,
};
use crate::state::{
    AggregatorConsent, AggregatorConsentStatus, Bounded, DataSession, JourneyId, Provider, Quota,
    RateWindows, Recent, Simulation, Timer, Webhook,
};

/// How many batches are kept.
const BATCHES: usize = 100;

#[derive(Debug)]
pub(crate) struct Finpro {
    settings: FinproSettings,
    simulation: Simulation,
    rate: RateWindows,
    consents: Recent<AggregatorConsent>,
    sessions: Recent<DataSession>,
    batches: Recent<bulk::Batch>,
    statements: Recent<analytics::Statements>,
    /// By the handles of their consents.
    visits: Bounded<String, customers::Visit>,
    /// By their `ecres`.
    returns: Bounded<String, customers::Returned>,
    /// How often an aggregator was down, by the customer's number.
    refused: Bounded<String, u8>,
}

impl ProviderApi for Finpro {
    const PROVIDER: Provider = Provider::Finpro;
    const ROUTES: &'static [Route<Self>] = &[
        post("check-profile", "/profile", check_profile::handle),
        post(
            "list-aggregators",
            "/accountaggregatorlist",
            discovery::aggregators,
        ),
        Route {
            method: Method::GET,
            template: "/list/fips",
            operation: "list-fips",
            handler: discovery::fips,
        },
        post("list-products", "/productslist", discovery::products),
        post("fip-health", "/fiphealth", discovery::health),
        post(
            "request-consent-v3",
            "/v3/requestconsent",
            request_consent::v3,
        ),
        post(
            "request-consent-v2",
            "/v2/requestconsent",
            request_consent::v2,
        ),
        post(
            "request-consent-v4",
            "/v4/requestconsent",
            request_consent::v4,
        ),
        post("list-consents-v3", "/v3/getconsentslist", list_consents::v3),
        post("list-consents-v2", "/v2/getconsentslist", list_consents::v2),
        post("list-consents-v1", "/getconsentslist", list_consents::v1),
        post(
            "list-unique-accounts",
            "/v1/accounts/getconsentslist",
            list_consents::accounts,
        ),
        post(
            "encrypt-redirection",
            "/webRedirection/getEncryptedUrl",
            redirection::encrypt,
        ),
        post(
            "decrypt-redirection",
            "/webRedirection/decryptUrl",
            redirection::decrypt,
        ),
        post("request-fi", "/fi/request", fi_request::request),
        post(
            "fi-request-status",
            "/consent/firequest/status",
            fi_request::status,
        ),
        post("get-all-fi-data", "/getallfidata", fi_data::all),
        post("get-all-fi-data-pdf", "/getallfidataPdf", fi_data::pdf),
        post("get-fi-data", "/getfidata", fi_data::one),
        post("get-fi-data-xml", "/xml/getfidata", fi_data::xml),
        post("get-fi-balance", "/getfibalance", fi_data::balance),
        post(
            "get-all-latest-fi-data",
            "/getalllatestfidata",
            fi_data::latest,
        ),
        post(
            "schedule-fi-requests",
            "/v2/schedule/fi/requests",
            bulk::schedule,
        ),
        post(
            "upload-fi-requests",
            "/fi/requests/schedule/upload/v3",
            bulk::upload,
        ),
        post("bulk-status", "/bulk/status", bulk::status),
        post("analytics-json", "/analytics/json", analytics::json),
        post("analytics-excel", "/analytics/excel", analytics::excel),
        post("analytics-xml", "/analytics/xml", analytics::xml),
        post(
            "push-pdf-analytics",
            "/pirimid/analytics/pdf/push",
            analytics::push,
        ),
        post(
            "pdf-analytics-status",
            "/pirimid/analytics/pdf/pull/status",
            analytics::status,
        ),
        post(
            "pdf-analytics-json",
            "/pirimid/analytics/pdf/pull/json",
            analytics::pdf_json,
        ),
        post("revoke-consent", "/revokeconsent", revoke_consent::handle),
    ];

    /// The rate limit is checked before the credentials, and every reply shows it.
    fn admit(&self, request: &ReceivedRequest) -> Admission {
        let settings = &self.settings;
        let quota = self.rate.take(self.simulation.clock.now_ms(), true);
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

    fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    fn due(&self, at_ms: i64, _journey: Option<JourneyId>, timer: Timer) {
        self.on_timer(at_ms, &timer);
    }

    fn comes(&self, timer: &Timer) -> Option<&'static str> {
        self.comes_of(timer)
    }

    fn webhook_headers(&self, webhook: &Webhook) -> Vec<(Cow<'static, str>, String)> {
        self.signature(webhook).into_iter().collect()
    }
}

/// A row: nearly all operations of FinPro are POST.
const fn post(
    operation: &'static str,
    template: &'static str,
    handler: fn(&Finpro, &ReceivedRequest) -> Reply,
) -> Route<Finpro> {
    Route {
        method: Method::POST,
        template,
        operation,
        handler,
    }
}

impl Finpro {
    pub(crate) fn new(settings: FinproSettings, simulation: Simulation) -> Self {
        let capacity = *settings.consent_capacity();
        let room = |name| simulation.store.room(name);
        Self {
            consents: Recent::new(capacity, room("consents of finpro")),
            sessions: Recent::new(capacity, room("data sessions of finpro")),
            batches: Recent::new(BATCHES, room("batches of finpro")),
            statements: Recent::new(capacity, room("statements of finpro")),
            visits: Bounded::new(capacity, room("visits of finpro")),
            returns: Bounded::new(capacity, room("returns of finpro")),
            refused: Bounded::new(capacity, room("people refused by finpro")),
            rate: RateWindows::new(&[(*settings.rate_window(), *settings.rate_limit())]),
            settings,
            simulation,
        }
    }

    /// The status of a consent, by its handle.
    pub(crate) fn consent_status(&self, handle: &str) -> Option<AggregatorConsentStatus> {
        let found = self.consents.find(|consent| consent.handle == handle);
        found.map(|consent| consent.status)
    }

    /// Has a consent of another one as well.
    pub(crate) fn copy_consent(&self, other: &Self, handle: &str) {
        let found = other.consents.find(|consent| consent.handle == handle);
        if let Some(consent) = found {
            self.consents.add(consent);
        }
    }

    /// Decides about a consent, where its status allows it.
    pub(crate) fn decide(&self, handle: &str, status: AggregatorConsentStatus) -> bool {
        matches!(self.set_status(handle, status, None), Some(Ok(_)))
    }

    fn rate_limited(&self, quota: Quota) -> Reply {
        let reply = self.error(429);
        if !*self.settings.retry_after() {
            return reply;
        }
        let wait_ms = quota
            .reset_ms
            .saturating_sub(self.simulation.clock.now_ms())
            .max(0);
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
                self.flat_body("1.0.0", code, text)
            }
        };
        Reply::json(status, &body)
    }
}

fn ceil_seconds(ms: i64) -> i64 {
    ms.saturating_add(999).div_euclid(1000)
}
