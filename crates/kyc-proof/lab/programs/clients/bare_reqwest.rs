//! The calls by hand on reqwest, as its users write them: one shared client, a URL and headers as text, `.json(…)` both
//! ways, the status checked. No deadline, no limit on the reply, no rule about redirects or plain HTTP.

use hmac::Mac;
use reqwest::Url;

use super::Result;
use crate::exchange;
use crate::exchange::by_hand::{
    CONSENT_GIVEN, CheckProfile, INITIALIZE, Initialized, Profile, Recorded, mac,
};

/// A shared client and the addresses.
pub(crate) struct Client {
    http: reqwest::Client,
    base_url: String,
    finpass: String,
    finpass_url: Url,
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
            .json(&CONSENT_GIVEN)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    /// Signed and verified as Veriff's page shows it, with the crates that our client uses.
    pub(crate) async fn record_signed_consent(&self, session: &str) -> Result<Recorded> {
        let url = format!("{}/v1/sessions/{session}/consents", self.base_url);
        let body = serde_json::to_vec(&CONSENT_GIVEN)?;
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

    pub(crate) async fn check_profile(&self, mobile: &str) -> Result<Profile> {
        let mut request = self
            .http
            .post(format!("{}{}", self.base_url, exchange::FINPRO_PATH))
            .header("accept", "application/json")
            .header("x-request-id", exchange::REQUEST_ID);
        for (name, value) in exchange::FINPRO_CREDENTIALS {
            request = request.header(name, value);
        }
        let response = request.json(&CheckProfile::of(mobile)).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }
}
