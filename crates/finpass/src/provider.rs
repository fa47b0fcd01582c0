//! How Finpass knows us, and how it says no.

use provider_core::http::{HeaderName, HeaderValue, Request};
use provider_core::jiff::Timestamp;
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, Body, Fault, FaultClass, InvalidRequest, Provider,
    RawResponse, VerificationError,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

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

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    fn authorize(
        &self,
        request: &mut Request<Body>,
        _attempt: &Attempt,
    ) -> Result<(), InvalidRequest> {
        // Inserted, not appended: Finpass's own sample sends the key twice, and the second time it is the secret.
        request
            .headers_mut()
            .insert(X_API_KEY, self.api_key.clone());
        request
            .headers_mut()
            .insert(X_API_SECRET, self.api_secret.clone());
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

    /// No header about a rate limit is documented (`[unknown]`).
    fn allowance(&self, _response: &RawResponse, _now: Timestamp) -> Option<Allowance> {
        None
    }

    fn fault(&self, response: &RawResponse) -> Option<Fault> {
        response
            .untrusted_hint::<Refusal>()
            .filter(Refusal::is_one)
            .map(Refusal::into_fault)
    }
}

/// The envelope of a refusal: `{status_code, success, message, message_code}` (`[seed]`); `error_code` stands in the
/// place of `message_code` in Finpass's other product families (`[docs]`).
#[derive(Deserialize)]
struct Refusal {
    success: Option<bool>,
    message: Option<String>,
    message_code: Option<String>,
    error_code: Option<String>,
    data: Option<IgnoredAny>,
}

impl Refusal {
    /// Where `success` is missing, a code says no; but not the code of a success, and not beside data: a session that
    /// was opened must not pass for a refusal.
    fn is_one(&self) -> bool {
        let says_no = |code: &String| code != "success";
        match self.success {
            Some(success) => !success,
            None => {
                let codes = [&self.message_code, &self.error_code];
                self.data.is_none() && codes.into_iter().flatten().any(says_no)
            }
        }
    }

    fn into_fault(self) -> Fault {
        fault(self.message_code.or(self.error_code), self.message)
    }
}

/// A refusal in Finpass's words. `unauthorized` is the only documented code (`[seed]`).
pub(crate) fn fault(code: Option<String>, message: Option<String>) -> Fault {
    let unauthorized = code.as_deref() == Some("unauthorized");
    let fault = Fault::new().with_code(code).with_message(message);
    if unauthorized {
        fault.with_class(FaultClass::Credentials).with_meaning(Some(
            "the API key or secret is missing or wrong, or they are not a pair",
        ))
    } else {
        fault
    }
}
