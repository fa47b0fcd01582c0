//! The signature of webhooks: that of replies, and whom they are for.

use provider_core::http::{HeaderMap, HeaderName, HeaderValue};
use provider_core::jiff::Timestamp;
use provider_core::webhook::{Authentic, Refusal, Secrets, Signed, only_header};
use provider_core::{InvalidRequest, Settings, VerificationError};

use crate::provider::{alike, announced};
use crate::{ApiKey, SharedSecret, SharedSecrets, Signature};

const VRF_INTEGRATION_ID: HeaderName = HeaderName::from_static("vrf-integration-id");

/// How Veriff signs the webhooks of an integration: HMAC-SHA256 over the raw body, in `x-hmac-signature` (`[docs]`), in
/// `vrf-hmac-signature` (`[3p]`), or in both. `Debug` prints no secret.
///
/// `x-auth-client` and `vrf-auth-client` have to name the API key if they are there. No page says that a webhook has one
/// (`[code]`, `[3p]`), so one without is accepted by its signature: then the secret alone says whose it is.
///
/// The signature covers neither a time nor a number: an old authentic webhook verifies again, and is a repeat to whoever
/// remembers it.
#[derive(Debug, Clone)]
pub struct WebhookSignature {
    api_key: HeaderValue,
    integration_id: Option<HeaderValue>,
    secrets: Secrets,
}

impl WebhookSignature {
    /// The signature of an integration with this API key, by its [`SharedSecret`] or the [`SharedSecrets`] of a rotation.
    ///
    /// With flexible API keys the portal has a "Webhook signature" of its own, which may be another secret (`[docs]`, its meaning
    /// is `[unknown]`).
    pub fn new(api_key: &ApiKey, secrets: impl Into<SharedSecrets>) -> Self {
        Self::with_secrets(api_key, Secrets::from(&secrets.into()))
    }

    /// The same with secrets that end at a date, or none: then a receiver refuses everything.
    pub fn with_secrets(api_key: &ApiKey, secrets: Secrets) -> Self {
        Self {
            api_key: api_key.header_value(),
            integration_id: None,
            secrets,
        }
    }

    /// Also accepts this secret until this moment: the one that is being replaced. Veriff sends a webhook again for up to 7 days
    /// (`[docs]`).
    #[must_use]
    pub fn or_until(mut self, secret: &SharedSecret, until: Timestamp) -> Self {
        self.secrets = self.secrets.or_until(secret.into(), until);
        self
    }

    /// Refuses webhooks that name another integration in `vrf-integration-id` (`[3p]`), for API keys that several share.
    ///
    /// # Errors
    ///
    /// The id is empty, or not printable ASCII.
    pub fn with_integration_id(mut self, id: &str) -> Result<Self, InvalidRequest> {
        const FIELD: &str = "vrf-integration-id";
        let value = provider_core::Secret::for_header(FIELD, id)?.header_value(FIELD)?;
        self.integration_id = Some(value);
        Ok(self)
    }

    /// The names of the settings that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] = &["VERIFF_API_KEY", "VERIFF_WEBHOOK_SECRET"];

    /// Reads `VERIFF_API_KEY` and `VERIFF_WEBHOOK_SECRET`, which may be a list, see [`SharedSecrets`]. It is the shared secret
    /// unless the portal shows another one for webhooks; none is taken for the other silently.
    ///
    /// # Errors
    ///
    /// A setting is missing or invalid; the error names it, never the value.
    pub fn from_settings(settings: &Settings) -> Result<Self, InvalidRequest> {
        settings.required(Self::SETTINGS)?;
        let api_key = settings.parsed("VERIFF_API_KEY", ApiKey::new)?;
        let secrets = settings.parsed("VERIFF_WEBHOOK_SECRET", SharedSecrets::parse)?;
        Ok(Self::new(&api_key, secrets))
    }

    /// Whether there is a secret.
    pub fn is_configured(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Checks whom a webhook is for, and its signature over the raw bytes, in constant time.
    ///
    /// # Errors
    ///
    /// [`Refusal`], each cause its own.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Authentic, Refusal> {
        if !self.is_configured() {
            return Err(Refusal::Unconfigured);
        }
        let header = announced(headers, &self.api_key).map_err(refusal)?;
        let header = header.ok_or(Refusal::MissingSignature)?;
        let integration = only_header(headers, &VRF_INTEGRATION_ID)?;
        if let (Some(own), Some(told)) = (&self.integration_id, integration)
            && !alike(own, told)
        {
            return Err(Refusal::OtherIntegration);
        }
        let signature = Signature::from_hex(header).map_err(refusal)?;
        let secret = self
            .secrets
            .verify(Signed::body(body), signature.tag(), now)?;
        Ok(Authentic { secret })
    }
}

fn refusal(error: VerificationError) -> Refusal {
    match error {
        VerificationError::RepeatedHeader => Refusal::RepeatedHeader,
        VerificationError::ConflictingHeaders => Refusal::ConflictingHeaders,
        VerificationError::OtherClient => Refusal::OtherClient,
        VerificationError::MissingSignature => Refusal::MissingSignature,
        _ => Refusal::MalformedSignature,
    }
}
