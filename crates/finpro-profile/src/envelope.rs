//! The envelopes of FinPro's replies, and the only place that distinguishes a refusal from a success.

use provider_core::{Fault, RawResponse, ResponseError, Verified, lenient};
use serde::Deserialize;
use serde_json::Value;

/// The fields beside the data of a 2xx body. On some endpoints a success has no top-level `status`; undocumented fields are
/// read leniently, so that they cannot make a report unreadable.
#[derive(Deserialize)]
pub(crate) struct ReceivedEnvelope<T> {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) ver: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) timestamp: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) txnid: Option<String>,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    error: Value,
    #[serde(default, rename = "errorCode")]
    error_code: Value,
    pub(crate) data: T,
}

impl<T> ReceivedEnvelope<T> {
    /// The success, or the refusal: distinguished by shape and not by `status` alone, because both envelopes have been seen
    /// without it, and beside data.
    pub(crate) fn into_success(self, response: &Verified) -> Result<Self, ResponseError> {
        let refused = refuses(self.status.as_str())
            || self.error.is_object()
            || self
                .error_code
                .as_str()
                .is_some_and(|code| !code.is_empty());
        if refused {
            return Err(refusal(response.raw()).unwrap_or_default().into());
        }
        Ok(self)
    }
}

/// Reads FinPro's code and message, if the body is one of the documented envelopes.
pub(crate) fn refusal(response: &RawResponse) -> Option<Fault> {
    response.untrusted_hint::<Refusal>()?.into_fault()
}

/// Both envelopes at once, distinguished by shape: nested `error{code, message, details}` (`[seed]`), flat
/// `errorCode`/`errorMsg` (codes `[docs]`, names `[3p]`).
#[derive(Deserialize)]
struct Refusal {
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient::value")]
    error: Option<Nested>,
    #[serde(default, rename = "errorCode", deserialize_with = "lenient::text")]
    error_code: Option<String>,
    #[serde(default, rename = "errorMsg", deserialize_with = "lenient::text")]
    error_msg: Option<String>,
}

#[derive(Deserialize)]
struct Nested {
    #[serde(default, deserialize_with = "lenient::text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<String>,
    // Text in the sample; its type is not documented.
    #[serde(default)]
    details: Option<Value>,
}

/// The values of `status` in a refusal: `error` in the nested envelope, `failure` in the flat one.
fn refuses(status: Option<&str>) -> bool {
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
                if code.is_none() && !refuses(self.status.as_deref()) {
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
