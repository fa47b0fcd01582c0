//! The account aggregator: people by script on a moved clock, and the pages by their forms.

mod keys;
mod lists;
mod pages;
mod people;
mod webhooks;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use kyc_sandbox::{ClockMode, FinpassSettings, FinproSettings, Provider, Sandbox, Settings};
use provider_core::{Body, ExchangeLimits, RawResponse, Transport, TransportError};
use serde_json::{Value, json};

use crate::finpass::HEADERS as FINPASS;
use crate::finpro::HEADERS as FINPRO;
use crate::{Reply, send};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A webhook as it arrives.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Receives webhooks, and answers each with the next status, then with 200.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receiver {
    pub(crate) arrived: Arc<Mutex<Vec<Arrived>>>,
    pub(crate) answers: Arc<Mutex<Vec<u16>>>,
}

#[async_trait::async_trait]
impl Transport for Receiver {
    async fn send(
        &self,
        request: Request<Body>,
        _limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let (parts, body) = request.into_parts();
        self.arrived.lock().unwrap().push(Arrived {
            url: parts.uri.to_string(),
            headers: parts.headers,
            body: body.into_bytes(),
        });
        let mut answers = self.answers.lock().unwrap();
        let status = if answers.is_empty() {
            200
        } else {
            answers.remove(0)
        };
        let status = StatusCode::from_u16(status).unwrap();
        Ok(RawResponse::new(status, HeaderMap::new(), Bytes::new()))
    }
}

/// A sandbox whose clock stands still, and what it sends.
struct World {
    sandbox: Sandbox,
    receiver: Receiver,
}

impl World {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with_finpro(finpro: FinproSettings) -> Self {
        Self::with(Settings::default().with_finpro(finpro))
    }

    fn with(settings: Settings) -> Self {
        let receiver = Receiver::default();
        let urls = [(Provider::Finpro, "http://127.0.0.1:3000/finpro".to_owned())];
        let sandbox = Sandbox::new(
            settings
                .with_webhook_urls(urls.into())
                .with_webhook_transport(Some(Arc::new(receiver.clone()))),
        );
        sandbox.set_clock_mode(ClockMode::Frozen);
        Self { sandbox, receiver }
    }

    async fn pass(&self, time: Duration) {
        self.sandbox.advance(time).await;
    }

    async fn pass_seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds)).await;
    }

    async fn finpro(&self, path: &str, body: Value) -> Reply {
        let path = format!("/finpro{path}");
        send(&self.sandbox, "POST", &path, FINPRO, body.to_string()).await
    }

    async fn finpass(&self, path: &str, body: Value) -> Reply {
        let path = format!("/finpass/api/v1{path}");
        send(&self.sandbox, "POST", &path, FINPASS, body.to_string()).await
    }

    /// Asks for a consent; its handle.
    async fn ask(&self, mobile: &str) -> String {
        self.ask_with(mobile, json!({})).await.0
    }

    /// Asks for a consent with more members; its handle and the URL for its customer.
    async fn ask_with(&self, mobile: &str, more: Value) -> (String, String) {
        let mut body = json!({
            "productID": "LOAN-1",
            "vua": format!("{mobile}@onemoney"),
            "accountID": "application-4711",
            "redirectUrl": "https://lender.example.test/done?state=s-1",
        });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        let reply = self.finpro("/v3/requestconsent", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let data = reply.json()["data"].clone();
        let text = |name: &str| data[name].as_str().unwrap().to_owned();
        (text("consent_handle"), text("webRedirectionUrl"))
    }

    /// The consent as the list has it.
    async fn consent(&self, handle: &str) -> Value {
        let body = json!({"consentHandle": [handle]});
        let reply = self.finpro("/v3/getconsentslist", body).await;
        reply.json()["data"][0].clone()
    }

    async fn status(&self, handle: &str) -> String {
        let consent = self.consent(handle).await;
        consent["status"].as_str().unwrap().to_owned()
    }

    /// What the parameters of a consent's return mean: status, code, handle.
    async fn returned(&self, handle: &str) -> (String, String, String) {
        let url = self.sandbox.consent_return_url(handle).unwrap();
        self.decrypted(&url).await
    }

    async fn decrypted(&self, url: &str) -> (String, String, String) {
        let data = self.decrypt(url).await.json()["data"].clone();
        let text = |name: &str| data[name].as_str().unwrap().to_owned();
        (text("status"), text("errorcode"), text("srcref"))
    }

    async fn decrypt(&self, url: &str) -> Reply {
        let (_, query) = url.split_once('?').unwrap();
        let mut parameters = json!({});
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap();
            if name != "state" {
                parameters[name] = value.into();
            }
        }
        let body = json!({ "webRedirectionURL": parameters });
        self.finpro("/webRedirection/decryptUrl", body).await
    }

    /// The webhooks that arrived since the last look.
    fn arrived(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.receiver.arrived.lock().unwrap())
    }

    /// The events of those.
    fn events(&self) -> Vec<String> {
        let arrived = self.arrived();
        let event = |arrived: &Arrived| {
            let body = arrived.json();
            let event = body.get("eventStatus").or(body.get("status"));
            event.unwrap().as_str().unwrap().to_owned()
        };
        arrived.iter().map(event).collect()
    }

    /// Requests data; the session's id.
    async fn request_data(&self, handle: &str) -> String {
        let consent = self.consent(handle).await;
        let body = json!({"consentId": consent["consentID"]});
        let reply = self.finpro("/fi/request", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["data"]["sessionId"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The words of a data session: its own, and those of its accounts.
    async fn data_status(&self, session: &str) -> (String, Vec<String>) {
        let body = json!({ "sessionId": session });
        let reply = self.finpro("/consent/firequest/status", body).await;
        let data = reply.json()["data"].clone();
        let links = data["linkRefNumbers"].as_array().unwrap().iter();
        let links = links.map(|link| link["fiStatus"].as_str().unwrap().to_owned());
        (
            data["eventStatus"].as_str().unwrap().to_owned(),
            links.collect(),
        )
    }

    /// The accounts whose data there is, or the refusal's code.
    async fn data(&self, handle: &str) -> Result<usize, String> {
        let consent = self.consent(handle).await;
        let body = json!({"consentID": consent["consentID"]});
        let reply = self.finpro("/getallfidata", body).await.json();
        match reply["data"].as_array() {
            Some(accounts) => Ok(accounts.len()),
            None => Err(reply["errorCode"].as_str().unwrap().to_owned()),
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Finpass with a return and a webhook address.
fn finpass_body(mobile: &str) -> Value {
    json!({
        "mobile_number": mobile,
        "consent_type": "loan_underwriting",
        "redirect_url": "https://lender.example.test/back",
        "webhook_url": "http://127.0.0.1:3000/finpass",
    })
}

fn finpass_life(seconds: u64) -> Settings {
    let life = Duration::from_secs(seconds);
    Settings::default().with_finpass(FinpassSettings::default().with_link_life(life))
}
