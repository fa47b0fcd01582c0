//! Where Finpass is, and how it knows who calls.

use provider_core::http::request::Parts;
use provider_core::http::{HeaderName, HeaderValue};
use provider_core::jiff::Timestamp;
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, Fault, InvalidRequest, Provider, RawResponse,
    ReplyHead, StreamVerification, VerificationError,
};

use crate::envelope::refusal;

provider_core::secret_text! {
    /// The API key, sent as `x-api-key` (docs.finpass.ai, Initialize, `[seed]`). As secret as the secret: published
    /// samples confuse the two.
    pub struct ApiKey("x-api-key");

    /// The API secret that is paired with the key, sent as `x-api-secret` (`[seed]`).
    pub struct ApiSecret("x-api-secret");
}

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_API_SECRET: HeaderName = HeaderName::from_static("x-api-secret");

/// Finpass: where it is and who we are. `Debug` prints neither key.
#[derive(Debug, Clone)]
pub struct Finpass {
    base_url: BaseUrl,
    api_key: HeaderValue,
    api_secret: HeaderValue,
}

impl Finpass {
    /// The only host that any page names (`[seed]`).
    pub const HOST: &'static str = "api.finpass.ai";

    /// Finpass at [`HOST`](Self::HOST), over https.
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
}

impl Provider for Finpass {
    const NAME: &'static str = "finpass";
    /// Two header values are all that proves who calls.
    const SIGNS_REQUESTS: bool = false;

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn authorize(
        &self,
        head: &mut Parts,
        _signed: Option<&[u8]>,
        _attempt: &Attempt,
    ) -> Result<(), InvalidRequest> {
        // Inserted, not appended: Finpass's own sample sends the key twice, and the second time it is the secret.
        head.headers.insert(X_API_KEY, self.api_key.clone());
        head.headers.insert(X_API_SECRET, self.api_secret.clone());
        Ok(())
    }

    /// Finpass documents no response signature (`[unknown]`): TLS is all that vouches for a reply.
    fn verify(
        &self,
        _response: &RawResponse,
        _now: Timestamp,
    ) -> Result<Authenticity, VerificationError> {
        Ok(Authenticity::Unsigned)
    }

    /// As [`verify`](Self::verify).
    fn verify_stream(
        &self,
        _head: &ReplyHead,
        _now: Timestamp,
    ) -> Result<StreamVerification, VerificationError> {
        Ok(StreamVerification::Unsigned)
    }

    /// No header about a rate limit is documented (`[unknown]`).
    fn allowance(&self, _response: &RawResponse, _now: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, response: &RawResponse) -> Option<Fault> {
        refusal(response)
    }
}
