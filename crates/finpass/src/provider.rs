//! Finpass's address and credentials.

use provider_core::http::request::Parts;
use provider_core::http::{HeaderName, HeaderValue};
use provider_core::jiff::Timestamp;
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, Fault, InvalidRequest, KnownMembers, Provider,
    RawResponse, ReplyHead, Settings, StreamVerification, VerificationError,
};

use crate::envelope::refusal;

provider_core::secret_text! {
    /// The API key, sent as `x-api-key` (docs.finpass.ai, Initialize, `[seed]`). Keep it as confidential as the secret:
    /// published samples confuse the two.
    pub struct ApiKey("x-api-key");

    /// The API secret that is paired with the key, sent as `x-api-secret` (`[seed]`).
    pub struct ApiSecret("x-api-secret");
}

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_API_SECRET: HeaderName = HeaderName::from_static("x-api-secret");

/// Finpass: its address and the credentials. `Debug` prints neither key.
#[derive(Debug, Clone)]
pub struct Finpass {
    base_url: BaseUrl,
    api_key: HeaderValue,
    api_secret: HeaderValue,
}

impl Finpass {
    /// The only documented host (`[seed]`).
    pub const HOST: &'static str = "api.finpass.ai";

    /// Creates the provider at [`HOST`](Self::HOST), over https.
    pub fn new(api_key: ApiKey, api_secret: ApiSecret) -> Self {
        Self {
            base_url: BaseUrl::of_static_host(Self::HOST),
            api_key: api_key.header_value(),
            api_secret: api_secret.header_value(),
        }
    }

    /// The same account at another address, such as a sandbox.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// The names of the settings that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] =
        &["FINPASS_BASE_URL", "FINPASS_API_KEY", "FINPASS_API_SECRET"];

    /// Reads the account from environment variables, or from the files that they name with `_FILE`: see
    /// [`from_settings`](Self::from_settings).
    ///
    /// # Errors
    ///
    /// A variable is missing or invalid; the error names it, never the value.
    pub fn from_environment() -> Result<Self, InvalidRequest> {
        Self::from_settings(&Settings::environment())
    }

    /// Reads the account from `FINPASS_API_KEY`, `FINPASS_API_SECRET` and, if it is not at [`HOST`](Self::HOST),
    /// `FINPASS_BASE_URL`.
    ///
    /// # Errors
    ///
    /// A setting is missing or invalid; the error names it, never the value.
    pub fn from_settings(settings: &Settings) -> Result<Self, InvalidRequest> {
        const API_KEY: &str = "FINPASS_API_KEY";
        const API_SECRET: &str = "FINPASS_API_SECRET";
        settings.required(&[API_KEY, API_SECRET])?;
        let api_key = settings.parsed(API_KEY, ApiKey::new)?;
        let api_secret = settings.parsed(API_SECRET, ApiSecret::new)?;
        let finpass = Self::new(api_key, api_secret);
        Ok(
            match BaseUrl::from_settings(settings, "FINPASS_BASE_URL")? {
                Some(base_url) => finpass.with_base_url(base_url),
                None => finpass,
            },
        )
    }
}

impl Provider for Finpass {
    const NAME: &'static str = "finpass";
    /// Two header values identify the caller; requests are not signed.
    const SIGNS_REQUESTS: bool = false;
    const ENVELOPE: KnownMembers = KnownMembers::new(
        &[],
        &[
            "data",
            "status_code",
            "success",
            "message_code",
            "error_code",
        ],
    );
    // The pages show no other.
    const STATUSES: &'static [u16] = &[200, 401];

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn authorize(
        &self,
        head: &mut Parts,
        _signed: Option<&[u8]>,
        _attempt: &Attempt,
    ) -> Result<(), InvalidRequest> {
        // Inserted, not appended: Finpass's own sample sends the key header twice, the second time with the secret.
        head.headers.insert(X_API_KEY, self.api_key.clone());
        head.headers.insert(X_API_SECRET, self.api_secret.clone());
        Ok(())
    }

    /// Finpass documents no response signature (`[unknown]`): replies are authenticated by TLS alone.
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

    /// No rate-limit header is documented (`[unknown]`).
    fn allowance(&self, _response: &RawResponse, _now: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, response: &RawResponse) -> Option<Fault> {
        refusal(response)
    }
}
