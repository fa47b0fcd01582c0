//! How FinPro knows us, and how it says no.

use provider_core::http::{HeaderName, HeaderValue, Request};
use provider_core::jiff::Timestamp;
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, Body, Fault, InvalidRequest, Provider, RawResponse,
    VerificationError,
};
use serde::Deserialize;
use serde_json::Value;

use crate::RateLimit;

provider_core::secret_text! {
    /// The organisation's API key, sent as `client_id` (`[seed]`).
    pub struct ClientId("client_id");

    /// The server-side secret, sent as `client_secret` (`[seed]`).
    pub struct ClientSecret("client_secret");

    /// The organisation's (FIU's) id, sent as `organisationId` (`[seed]`).
    pub struct OrganisationId("organisationId");

    /// The client application's id, sent as `appIdentifier` (`[seed]`).
    pub struct AppIdentifier("appIdentifier");
}

// HTTP header names have no case; these are the lower-case forms of the documented names. Two of them have an underscore,
// which some proxies drop by default.
const CLIENT_ID: HeaderName = HeaderName::from_static("client_id");
const CLIENT_SECRET: HeaderName = HeaderName::from_static("client_secret");
const ORGANISATION_ID: HeaderName = HeaderName::from_static("organisationid");
const APP_IDENTIFIER: HeaderName = HeaderName::from_static("appidentifier");

/// The four values that FinPro wants on every call.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The organisation's API key.
    pub client_id: ClientId,
    /// The server-side secret.
    pub client_secret: ClientSecret,
    /// The organisation's id.
    pub organisation_id: OrganisationId,
    /// The client application's id.
    pub app_identifier: AppIdentifier,
}

/// A FinPro installation: where it is and who we are. `Debug` prints no credential.
#[derive(Debug, Clone)]
pub struct Finpro {
    base_url: BaseUrl,
    client_id: HeaderValue,
    client_secret: HeaderValue,
    organisation_id: HeaderValue,
    app_identifier: HeaderValue,
}

impl Finpro {
    /// An installation. MoneyOne sets one up for each organisation, so the address is required; it may have a path.
    pub fn new(base_url: BaseUrl, credentials: Credentials) -> Self {
        Self {
            base_url,
            client_id: credentials.client_id.header_value(),
            client_secret: credentials.client_secret.header_value(),
            organisation_id: credentials.organisation_id.header_value(),
            app_identifier: credentials.app_identifier.header_value(),
        }
    }
}

impl Provider for Finpro {
    const NAME: &'static str = "finpro";

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn authorize(
        &self,
        request: &mut Request<Body>,
        _attempt: &Attempt,
    ) -> Result<(), InvalidRequest> {
        let headers = request.headers_mut();
        headers.insert(CLIENT_ID, self.client_id.clone());
        headers.insert(CLIENT_SECRET, self.client_secret.clone());
        headers.insert(ORGANISATION_ID, self.organisation_id.clone());
        headers.insert(APP_IDENTIFIER, self.app_identifier.clone());
        Ok(())
    }

    /// FinPro documents no response signature (`[unknown]`): TLS is all that vouches for a reply.
    fn verify(
        &self,
        _response: &RawResponse,
        _now: Timestamp,
    ) -> Result<Authenticity, VerificationError> {
        Ok(Authenticity::Unsigned)
    }

    /// The two headers of Check Profile (`[seed]`), see [`RateLimit`].
    fn allowance(&self, response: &RawResponse, now: Timestamp) -> Option<Allowance> {
        RateLimit::from_headers(response.headers()).allowance(now)
    }

    fn fault(&self, response: &RawResponse) -> Option<Fault> {
        fault(response)
    }
}

/// A refusal in FinPro's words, if the body is in one of the documented envelopes.
pub(crate) fn fault(response: &RawResponse) -> Option<Fault> {
    response.untrusted_hint::<Refusal>()?.into_fault()
}

/// Both envelopes at once, told apart by shape: nested `error{code, message, details}` (`[seed]`), flat
/// `errorCode`/`errorMsg` (codes `[docs]`, names `[3p]`).
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    error: Option<Nested>,
    #[serde(default, rename = "errorCode")]
    error_code: Option<String>,
    #[serde(default, rename = "errorMsg")]
    error_msg: Option<String>,
}

#[derive(Deserialize)]
struct Nested {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    // Text in the sample; its type is not documented.
    #[serde(default)]
    details: Option<Value>,
}

/// The words that say no: `error` in the nested envelope, `failure` in the flat one.
pub(crate) fn says_no(status: Option<&str>) -> bool {
    matches!(status, Some("error" | "failure"))
}

impl Refusal {
    fn into_fault(self) -> Option<Fault> {
        let (code, message) = match self.error {
            Some(Nested {
                code,
                message,
                details: Some(Value::String(details)),
            }) => (
                code,
                Some(message.map_or(details.clone(), |message| format!("{message}: {details}"))),
            ),
            Some(Nested { code, message, .. }) => (code, message),
            None => {
                let code = self.error_code.filter(|code| !code.is_empty());
                if code.is_none() && !says_no(self.status.as_deref()) {
                    return None;
                }
                (code, self.error_msg)
            }
        };
        let meaning = (code.as_deref() == Some("PROFILE_CHECK_FAILED"))
            .then_some("no aggregator could be asked; have the profile API enabled for one");
        Some(
            Fault::new()
                .with_code(code)
                .with_message(message)
                .with_meaning(meaning),
        )
    }
}
