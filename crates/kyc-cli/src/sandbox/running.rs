//! A sandbox that runs, found by the environment or by the file that `kyc sandbox` leaves while it serves.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use kyc_facade::provider_core::http::{Method, Request, StatusCode, Uri};
use kyc_facade::provider_core::secrecy::ExposeSecret as _;
use kyc_facade::provider_core::{Body, ExchangeLimits, HyperTransport, Settings, Transport as _};
use serde_json::{Value, json};

use super::read::text;
use crate::failure::Failure;

/// The URL of a running sandbox.
pub(crate) const URL: &str = "KYC_SANDBOX_URL";
/// The token that steers it.
pub(crate) const TOKEN: &str = "KYC_SANDBOX_TOKEN";

/// Moving the clock waits for webhooks to be answered.
const TIMEOUT: Duration = Duration::from_secs(600);
const REPLY_BYTES: usize = 64 * 1024 * 1024;

/// A sandbox that runs.
pub(crate) struct Running {
    url: String,
    token: String,
    transport: HyperTransport,
}

impl Running {
    /// Finds the sandbox that runs.
    pub(crate) fn find() -> Result<Self, Failure> {
        let settings = Settings::environment();
        let (url, token) = match (settings.optional(URL)?, settings.optional(TOKEN)?) {
            (Some(url), Some(token)) => (
                url.expose_secret().to_owned(),
                token.expose_secret().to_owned(),
            ),
            (Some(_), None) => {
                return Err(Failure::configuration(
                    TOKEN,
                    "is required with KYC_SANDBOX_URL",
                ));
            }
            (None, _) => RunningFile::read()?,
        };
        let url = url.trim_end_matches('/').to_owned();
        if url
            .parse::<Uri>()
            .ok()
            .is_none_or(|uri| uri.scheme_str() != Some("http"))
        {
            return Err(Failure::configuration(
                URL,
                "must be the http URL of a sandbox",
            ));
        }
        let transport = HyperTransport::builder().without_tls().build()?;
        Ok(Self {
            url,
            token,
            transport,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .body(Body::from(
                body.map(Value::to_string).unwrap_or_default().into_bytes(),
            ));
        let request = request
            .map_err(|_| Failure::configuration(TOKEN, "must be visible ASCII characters"))?;
        let limits = ExchangeLimits::new(TIMEOUT, REPLY_BYTES);
        let unreached =
            || Failure::Unreached("no sandbox answers there; start one with `kyc sandbox`");
        let reply = self
            .transport
            .send(request, limits)
            .await
            .map_err(|_| unreached())?;
        let value: Value = serde_json::from_slice(reply.body()).map_err(|_| unreached())?;
        let member = |name: &str| value.pointer(&format!("/error/{name}"));
        match (member("field"), member("rule")) {
            (_, Some(Value::String(rule))) if reply.status() == StatusCode::UNAUTHORIZED => {
                Err(Failure::configuration(TOKEN, rule.as_str()))
            }
            (Some(Value::String(field)), Some(Value::String(rule))) => {
                Err(Failure::configuration(field.as_str(), rule.as_str()))
            }
            _ if reply.status().is_success() && is_of_a_sandbox(&method, path, body, &value) => {
                Ok(value)
            }
            _ => Err(unreached()),
        }
    }
}

/// Whether a success has what a sandbox answers this request with: another server answers there otherwise.
fn is_of_a_sandbox(method: &Method, path: &str, body: Option<&Value>, answer: &Value) -> bool {
    let has_text = |name: &str| answer.get(name).is_some_and(Value::is_string);
    let has_items = |name: &str| answer.get(name).is_some_and(Value::is_array);
    let is_read = *method == Method::GET;
    let mut segments = path.split('/').skip(2);
    match (segments.next().unwrap_or_default(), segments.next()) {
        ("clock", None) => has_text("now") && has_text("mode"),
        ("triggers", None) if !is_read => has_text("webhook") && has_items("webhooks"),
        ("triggers", None) => has_items("events"),
        ("faults", None) if !is_read => has_text("id") && has_text("provider"),
        (list @ ("faults" | "journeys" | "people" | "webhooks"), None) if is_read => {
            has_items(list)
        }
        ("faults" | "journeys" | "webhooks", Some(_)) => has_text("id"),
        ("people", _) => has_text("mobile") && has_text("description"),
        ("returns", Some(_)) => has_text("url"),
        ("webhook-urls", None) => {
            let urls = answer.as_object().into_iter().flatten();
            let set = body.and_then(Value::as_object).into_iter().flatten();
            let is_set =
                |(name, url): (&String, &Value)| answer.get(name).unwrap_or(&Value::Null) == url;
            answer.is_object()
                && urls.map(|(_, url)| url).all(Value::is_string)
                && set.into_iter().all(is_set)
        }
        _ => answer
            .as_object()
            .is_some_and(|members| !members.is_empty()),
    }
}

/// The file that tells of the sandbox that was started last, for its owner only.
pub(crate) struct RunningFile {
    path: PathBuf,
    text: String,
}

impl RunningFile {
    /// In the directory that the system keeps for what runs, or in the user's cache.
    fn path() -> Option<PathBuf> {
        let directory = |name: &str| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let cache =
            || directory("XDG_CACHE_HOME").or_else(|| Some(directory("HOME")?.join(".cache")));
        let base = directory("XDG_RUNTIME_DIR").or_else(cache)?;
        Some(base.join("kyc").join("sandbox.json"))
    }

    /// Tells of a sandbox. Where there is no such directory, nothing is told: the environment still can be.
    pub(crate) fn write(url: &str, token: &str) -> Option<Self> {
        let path = Self::path()?;
        let text = json!({"url": url, "token": token}).to_string();
        let write = || -> io::Result<()> {
            let directory = path.parent().unwrap_or(&path);
            fs::create_dir_all(directory)?;
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(text.as_bytes())?;
            file.persist(&path)?;
            Ok(())
        };
        write().ok()?;
        Some(Self { path, text })
    }

    fn read() -> Result<(String, String), Failure> {
        let none = || {
            let rule = "no sandbox runs that is known; start `kyc sandbox`, or set KYC_SANDBOX_URL and KYC_SANDBOX_TOKEN";
            Failure::configuration(URL, rule)
        };
        let file = fs::read_to_string(Self::path().ok_or_else(none)?).map_err(|_| none())?;
        let value: Value = serde_json::from_str(&file).map_err(|_| none())?;
        match (text(&value, "url"), text(&value, "token")) {
            (Some(url), Some(token)) => Ok((url.to_owned(), token.to_owned())),
            _ => Err(none()),
        }
    }
}

impl Drop for RunningFile {
    fn drop(&mut self) {
        // One that was started later has written its own.
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
