//! The calls by hand on reqwest, as its users write them: one shared client, a URL and headers as text, `.json(…)` both
//! ways, the status checked. No deadline, no limit on the reply, no rule about redirects or plain HTTP.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Result;
use crate::exchange;

/// A shared client and the addresses.
pub(crate) struct Client {
    http: reqwest::Client,
    base_url: String,
    finpass: String,
    finpass_url: Url,
}

#[derive(Serialize)]
struct Initialize<'a> {
    mobile_number: &'a str,
    pan_number: &'a str,
    email: &'a str,
    consent_type: &'a str,
    webhook_url: &'a str,
    redirect_url: &'a str,
}

const INITIALIZE: Initialize<'static> = Initialize {
    mobile_number: exchange::MOBILE,
    pan_number: exchange::PAN,
    email: exchange::EMAIL,
    consent_type: "loan_underwriting",
    webhook_url: exchange::WEBHOOK,
    redirect_url: exchange::RETURN,
};

/// The reply of *Initialize*.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is the work that is measured")]
pub(crate) struct Initialized {
    data: Data,
    status_code: u16,
    success: bool,
    message: String,
    message_code: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is the work that is measured")]
struct Data {
    client_id: String,
    mobile_number: Option<String>,
    pan_number: Option<String>,
    email_id: Option<String>,
    redirect_url: String,
}

#[derive(Serialize)]
struct Consent<'a> {
    #[serde(rename = "type")]
    consent_type: &'a str,
    approved: bool,
    text: &'a str,
}

const CONSENT: Consent<'static> = Consent {
    consent_type: "aadhaar",
    approved: true,
    text: exchange::CONSENT,
};

/// The reply of *record consent*.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding it is the work that is measured")]
pub(crate) struct Recorded {
    id: String,
    context: Option<String>,
    session_id: String,
}

impl Client {
    pub(crate) fn new(port: u16) -> Result<Self> {
        let base_url = format!("http://127.0.0.1:{port}");
        let finpass = format!("{base_url}{}", exchange::FINPASS_PATH);
        Ok(Self {
            http: reqwest::Client::builder()
                .user_agent(exchange::USER_AGENT)
                .build()?,
            finpass_url: Url::parse(&finpass)?,
            finpass,
            base_url,
        })
    }

    pub(crate) async fn initialize(&self) -> Result<Initialized> {
        Self::finish(self.http.post(&self.finpass)).await
    }

    pub(crate) async fn initialize_at_url(&self) -> Result<Initialized> {
        Self::finish(self.http.post(self.finpass_url.clone())).await
    }

    async fn finish(request: reqwest::RequestBuilder) -> Result<Initialized> {
        Ok(request
            .header("accept", "application/json")
            .header("x-request-id", exchange::REQUEST_ID)
            .header("x-api-key", exchange::FINPASS_KEY)
            .header("x-api-secret", exchange::FINPASS_SECRET)
            .json(&INITIALIZE)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    pub(crate) async fn record_consent(&self, session: &str) -> Result<Recorded> {
        let url = format!("{}/v1/sessions/{session}/consents", self.base_url);
        Ok(self
            .http
            .post(url)
            .header("accept", "application/json")
            .header("x-request-id", exchange::REQUEST_ID)
            .header("x-auth-client", exchange::VERIFF_KEY)
            .json(&CONSENT)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    /// Signed and verified as Veriff's page shows it, with the crates that our client uses.
    pub(crate) async fn record_signed_consent(&self, session: &str) -> Result<Recorded> {
        let url = format!("{}/v1/sessions/{session}/consents", self.base_url);
        let body = serde_json::to_vec(&CONSENT)?;
        let signature = hex::encode(mac(&body)?.finalize().into_bytes());
        let response = self
            .http
            .post(url)
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header("x-request-id", exchange::REQUEST_ID)
            .header("x-auth-client", exchange::VERIFF_KEY)
            .header("x-hmac-signature", signature)
            .body(body)
            .send()
            .await?
            .error_for_status()?;
        let signature = response
            .headers()
            .get("x-hmac-signature")
            .ok_or("the reply is not signed")?;
        let signature = hex::decode(signature)?;
        let body = response.bytes().await?;
        mac(&body)?.verify_slice(&signature)?;
        Ok(serde_json::from_slice(&body)?)
    }
}

fn mac(body: &[u8]) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(exchange::VERIFF_SECRET.as_bytes())?;
    mac.update(body);
    Ok(mac)
}
