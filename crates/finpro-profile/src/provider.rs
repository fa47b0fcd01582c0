//! The address and credentials of a FinPro installation.

use provider_core::http::request::Parts;
use provider_core::http::{HeaderName, HeaderValue};
use provider_core::jiff::Timestamp;
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, Fault, InvalidRequest, KnownMembers, Provider,
    RawResponse, ReplyHead, Settings, StreamVerification, VerificationError,
};

use crate::RateLimit;
use crate::envelope::refusal;

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

// HTTP header names are case-insensitive; these are the lower-case forms of the documented names. Two of them contain an
// underscore, and some proxies drop such headers by default.
const CLIENT_ID: HeaderName = HeaderName::from_static("client_id");
const CLIENT_SECRET: HeaderName = HeaderName::from_static("client_secret");
const ORGANISATION_ID: HeaderName = HeaderName::from_static("organisationid");
const APP_IDENTIFIER: HeaderName = HeaderName::from_static("appidentifier");

/// The four values that FinPro requires on every call.
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

/// A FinPro installation: its address and the credentials. `Debug` prints no credential.
#[derive(Debug, Clone)]
pub struct Finpro {
    base_url: BaseUrl,
    client_id: HeaderValue,
    client_secret: HeaderValue,
    organisation_id: HeaderValue,
    app_identifier: HeaderValue,
}

impl Finpro {
    /// Creates the provider. MoneyOne sets up an installation for each organisation, so the address is required; it may
    /// have a path.
    pub fn new(base_url: BaseUrl, credentials: Credentials) -> Self {
        Self {
            base_url,
            client_id: credentials.client_id.header_value(),
            client_secret: credentials.client_secret.header_value(),
            organisation_id: credentials.organisation_id.header_value(),
            app_identifier: credentials.app_identifier.header_value(),
        }
    }

    /// Who asks where: the address, the API key, the organisation and the application, without the secret. For a keyed digest
    /// that tells two accounts apart; the values are not for display.
    pub fn caller(&self) -> [Vec<u8>; 4] {
        [
            self.base_url.to_string().into_bytes(),
            self.client_id.as_bytes().to_vec(),
            self.organisation_id.as_bytes().to_vec(),
            self.app_identifier.as_bytes().to_vec(),
        ]
    }

    /// The names of the settings that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] = &[
        "FINPRO_BASE_URL",
        "FINPRO_CLIENT_ID",
        "FINPRO_CLIENT_SECRET",
        "FINPRO_ORGANISATION_ID",
        "FINPRO_APP_IDENTIFIER",
    ];

    /// Reads the installation from environment variables, or from the files that they name with `_FILE`: see
    /// [`from_settings`](Self::from_settings).
    ///
    /// # Errors
    ///
    /// A variable is missing or invalid; the error names it, never the value.
    pub fn from_environment() -> Result<Self, InvalidRequest> {
        Self::from_settings(&Settings::environment())
    }

    /// Reads the installation from `FINPRO_BASE_URL`, `FINPRO_CLIENT_ID`, `FINPRO_CLIENT_SECRET`, `FINPRO_ORGANISATION_ID` and
    /// `FINPRO_APP_IDENTIFIER`.
    ///
    /// # Errors
    ///
    /// A setting is missing or invalid; the error names it, never the value.
    pub fn from_settings(settings: &Settings) -> Result<Self, InvalidRequest> {
        settings.required(Self::SETTINGS)?;
        let credentials = Credentials {
            client_id: settings.parsed("FINPRO_CLIENT_ID", ClientId::new)?,
            client_secret: settings.parsed("FINPRO_CLIENT_SECRET", ClientSecret::new)?,
            organisation_id: settings.parsed("FINPRO_ORGANISATION_ID", OrganisationId::new)?,
            app_identifier: settings.parsed("FINPRO_APP_IDENTIFIER", AppIdentifier::new)?,
        };
        let base_url = BaseUrl::required_from_settings(settings, "FINPRO_BASE_URL")?;
        Ok(Self::new(base_url, credentials))
    }
}

impl Provider for Finpro {
    const NAME: &'static str = "finpro";
    /// Four header values identify the caller; requests are not signed.
    const SIGNS_REQUESTS: bool = false;
    // Not `timestamp` and `error`: they stand beside `status` on the error pages of a widespread server.
    const ENVELOPE: KnownMembers = KnownMembers::new(
        &["txnid"],
        &["data", "ver", "status", "errorCode", "errorMsg", "response"],
    );
    const STATUSES: &'static [u16] = &[200, 400, 401, 404, 429, 500];

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn authorize(
        &self,
        head: &mut Parts,
        _signed: Option<&[u8]>,
        _attempt: &Attempt,
    ) -> Result<(), InvalidRequest> {
        let headers = &mut head.headers;
        headers.insert(CLIENT_ID, self.client_id.clone());
        headers.insert(CLIENT_SECRET, self.client_secret.clone());
        headers.insert(ORGANISATION_ID, self.organisation_id.clone());
        headers.insert(APP_IDENTIFIER, self.app_identifier.clone());
        Ok(())
    }

    /// FinPro documents no response signature (`[unknown]`): replies are authenticated by TLS alone.
    fn verify(
        &self,
        _response: &RawResponse,
        _now: Timestamp,
    ) -> Result<Authenticity, VerificationError> {
        Ok(Authenticity::Unsigned)
    }

    /// Like [`verify`](Self::verify).
    fn verify_stream(
        &self,
        _head: &ReplyHead,
        _now: Timestamp,
    ) -> Result<StreamVerification, VerificationError> {
        Ok(StreamVerification::Unsigned)
    }

    /// The two headers of Check Profile (`[seed]`), see [`RateLimit`].
    fn allowance(&self, response: &RawResponse, now: Timestamp) -> Option<Allowance> {
        RateLimit::from_headers(response.headers()).allowance(now)
    }

    fn fault(&self, response: &RawResponse) -> Option<Fault> {
        refusal(response)
    }
}
