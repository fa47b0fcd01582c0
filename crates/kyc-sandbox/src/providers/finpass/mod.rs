//! Finpass: account aggregator consents.

mod initialize;
pub(crate) mod options;
mod refresh_data;

use http::Method;
use serde_json::{Map, Value};

use self::options::{ErrorData, FinpassSettings};
use crate::exchange::{
    Admission, Faults, Json, ProviderApi, ReceivedRequest, Reply, Route, reason,
};
use crate::state::{Bounded, Ids, Provider};

#[derive(Debug)]
pub(crate) struct Finpass {
    settings: FinpassSettings,
    ids: Ids,
    /// The `client_id`s that Initialize opened.
    sessions: Bounded<String, Session>,
}

#[derive(Debug, Clone, Copy)]
struct Session {
    /// Whether it was opened for `loan_monitoring`.
    monitoring: bool,
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
}

impl Finpass {
    pub(crate) fn new(settings: FinpassSettings, ids: Ids) -> Self {
        let sessions = Bounded::new(*settings.session_capacity());
        Self {
            settings,
            ids,
            sessions,
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
