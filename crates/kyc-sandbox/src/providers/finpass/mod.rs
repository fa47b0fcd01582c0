//! Finpass: account aggregator consents.

pub(crate) mod customers;
mod initialize;
mod journey;
pub(crate) mod options;
mod refresh_data;
mod report;

use http::Method;
use jiff::civil::Date;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use self::options::{ErrorData, FinpassSettings};
pub(crate) use self::report::STATEMENTS;
use crate::exchange::{
    Admission, Faults, Json, ProviderApi, ReceivedRequest, Reply, Route, reason,
};
use crate::state::flow::Bank;
use crate::state::{
    AggregatorConsentStatus, Bounded, JourneyId, MobileScript, Provider, Simulation, Timer, Webhook,
};

#[derive(Debug)]
pub(crate) struct Finpass {
    settings: FinpassSettings,
    simulation: Simulation,
    /// The `client_id`s that Initialize opened.
    sessions: Bounded<Arc<str>, Session>,
    /// Those of AA-BSA.
    journeys: Bounded<Arc<str>, journey::Journey>,
    /// The people of both.
    asked: Bounded<Arc<str>, Arc<customers::Asked>>,
    /// The banks of everybody whose number says nothing.
    banks_of_others: Arc<[Bank]>,
    /// Those of the latest scripted people, by the day.
    banks_of_scripts: Mutex<Vec<BanksOfScript>>,
    /// How often an aggregator was down, by the person's number.
    refused: Bounded<String, u8>,
}

#[derive(Debug)]
struct BanksOfScript {
    day: Date,
    script: MobileScript,
    banks: Arc<[Bank]>,
}

/// The two families of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
enum Family {
    Session,
    /// AA-BSA.
    Journey,
}

#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
struct Session {
    /// Whether it was opened for `loan_monitoring`.
    monitoring: bool,
    /// Whose accounts it has, if the mobile number is a script.
    script: Option<MobileScript>,
    /// Whether the settings list it, so that nothing is known about it.
    is_listed: bool,
    /// The `request_id`s of its refreshes, the newest first.
    refreshes: Vec<String>,
}

impl ProviderApi for Finpass {
    const PROVIDER: Provider = Provider::Finpass;
    const ROUTES: &'static [Route<Self>] = &[
        Route {
            method: Method::POST,
            template: "/api/v1/services/account-aggregator/init",
            operation: "initialize",
            handler: initialize::handle,
        },
        Route {
            method: Method::POST,
            template: "/api/v1/services/account-aggregator/refresh-data",
            operation: "refresh-data",
            handler: refresh_data::handle,
        },
        Route {
            method: Method::POST,
            template: "/api/v1/services/account-aggregator/fetch-statement-pdf",
            operation: "fetch-pdf-report",
            handler: report::pdf,
        },
        Route {
            method: Method::POST,
            template: "/api/v1/services/account-aggregator/fetch-json-report",
            operation: "fetch-json-report",
            handler: report::json,
        },
        Route {
            method: Method::POST,
            template: "/api/v1/aa-bsa-journey/init",
            operation: "initialize-journey",
            handler: journey::init,
        },
        Route {
            method: Method::GET,
            template: "/api/v1/aa-bsa-journey/status",
            operation: "journey-status",
            handler: journey::status,
        },
        Route {
            method: Method::GET,
            template: "/api/v1/aa-bsa-journey/analysis-json",
            operation: "analysis-json",
            handler: journey::analysis,
        },
        Route {
            method: Method::GET,
            template: "/api/v1/aa-bsa-journey/statement-result",
            operation: "statement-result",
            handler: journey::statement,
        },
    ];

    fn admit(&self, request: &ReceivedRequest) -> Admission {
        let settings = &self.settings;
        let accepted = [
            ("x-api-key", settings.api_key().as_str()),
            ("x-api-secret", settings.api_secret()),
        ];
        if request.has_credentials(*settings.repeated_headers(), &accepted) {
            Admission::default()
        } else {
            Err(unauthorized()).into()
        }
    }

    fn error(&self, status: u16) -> Reply {
        if status == 401 {
            return unauthorized();
        }
        let code = reason(status).to_ascii_lowercase().replace([' ', '-'], "_");
        self.refusal(status, reason(status), &code)
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

    fn webhook_headers(&self, _webhook: &Webhook) -> Vec<(Cow<'static, str>, String)> {
        Vec::new()
    }
}

impl Finpass {
    pub(crate) fn new(settings: FinpassSettings, simulation: Simulation) -> Self {
        let capacity = *settings.session_capacity();
        let room = |name| simulation.store.room(name);
        Self {
            sessions: Bounded::new(capacity, room("sessions of finpass")),
            journeys: Bounded::new(capacity, room("journeys of finpass")),
            asked: Bounded::new(capacity, room("people asked by finpass")),
            refused: Bounded::new(capacity, room("people refused by finpass")),
            banks_of_others: customers::banks(&simulation, None),
            banks_of_scripts: Mutex::default(),
            settings,
            simulation,
        }
    }

    fn object(&self, request: &ReceivedRequest) -> Result<Map<String, Value>, String> {
        request
            .json_object(*self.settings.content_type())
            .map_err(|problem| format!("{}.", problem.text()))
    }

    fn invalid(&self, message: &str) -> Reply {
        self.refusal(
            *self.settings.validation_status(),
            message,
            self.settings.validation_message_code(),
        )
    }

    /// The session that Initialize opened or the settings list.
    fn session(&self, client_id: &str) -> Option<Session> {
        let is_listed = self.settings.client_ids().iter().any(|id| id == client_id);
        let listed = is_listed.then(|| Session {
            is_listed,
            ..Session::default()
        });
        listed.or_else(|| {
            let session = self.sessions.get(client_id);
            session.filter(|_| !self.is_expired(client_id))
        })
    }

    /// Decides about the consent that a session or a journey asks for, where its status allows it.
    pub(crate) fn decide(&self, client_id: &str, status: AggregatorConsentStatus) -> bool {
        self.set_status(client_id, status, None)
    }

    /// Where a person's page is: at the setting's address, or here. Recorded replies lead nowhere, so that they are the same
    /// wherever the sandbox is.
    fn page(
        &self,
        request: &ReceivedRequest,
        setting: Option<&String>,
        path: &str,
        documented: &str,
    ) -> String {
        match setting {
            Some(url) => url.clone(),
            None if self.simulation.ids.are_deterministic() => {
                format!("https://consent.example.test/{documented}")
            }
            None => format!("{}{path}", request.origin()),
        }
    }

    /// Whether an aggregator is down for this person this time.
    fn is_down(&self, mobile: &str) -> bool {
        MobileScript::of(mobile).is_some_and(|script| script.is_down(&self.refused, mobile))
    }

    /// The reply to an unknown `client_id`.
    fn invalid_client_id(&self) -> Reply {
        refusal(
            *self.settings.invalid_client_data(),
            *self.settings.invalid_client_status(),
            "Invalid or expired client id.",
            "invalid_client_id",
        )
    }

    fn refusal(&self, status: u16, message: &str, code: &str) -> Reply {
        refusal(*self.settings.error_data(), status, message, code)
    }
}

fn success(data: Vec<(&'static str, Json)>) -> Reply {
    let body = Json::Object(vec![
        ("data", Json::Object(data)),
        ("status_code", 200_u16.into()),
        ("success", true.into()),
        ("message", "Success".into()),
        ("message_code", "success".into()),
    ]);
    Reply::json(200, &body)
}

/// The one documented error, which has no `data`.
fn unauthorized() -> Reply {
    refusal(
        ErrorData::Absent,
        401,
        "Unauthorized access. Invalid or missing API credentials.",
        "unauthorized",
    )
}

fn refusal(data: ErrorData, status: u16, message: &str, code: &str) -> Reply {
    let mut body = vec![
        ("status_code", status.into()),
        ("success", false.into()),
        ("message", message.into()),
        ("message_code", code.into()),
    ];
    if data == ErrorData::Null {
        body.insert(0, ("data", Json::Null));
    }
    Reply::json(status, &Json::Object(body))
}

fn required(body: &Map<String, Value>, name: &str) -> Result<String, String> {
    match body.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("{name} must be a string.")),
        None => Err(format!("{name} is required.")),
    }
}
