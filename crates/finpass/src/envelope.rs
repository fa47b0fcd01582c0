//! The envelope of every reply, and the only place that distinguishes a refusal from a success.

use provider_core::{DecodeError, Fault, FaultClass, Masked, RawResponse, ResponseError, lenient};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// A success of the account aggregator family: `{data, status_code, success, message, message_code}` (`[seed]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "{T}Envelope")
)]
#[non_exhaustive]
pub struct Envelope<T> {
    /// The requested data.
    pub data: T,
    /// A copy of the HTTP status, if present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// Always true here: a `false` is an error.
    pub success: bool,
    /// For people; do not match on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Masked>,
    /// `success`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_code: Option<String>,
}

/// A 2xx body: a success, or a refusal despite the status. Only `data` is read strictly.
#[derive(Deserialize)]
pub(crate) struct ReceivedEnvelope<T> {
    data: Option<T>,
    #[serde(default, deserialize_with = "lenient::integer")]
    status_code: Option<u16>,
    success: bool,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<Masked>,
    #[serde(default, deserialize_with = "lenient::text")]
    message_code: Option<String>,
    // The name in Finpass's other families (`[docs]`); a refusal may use it here.
    #[serde(default, deserialize_with = "lenient::text")]
    error_code: Option<String>,
}

impl<T> ReceivedEnvelope<T> {
    /// Returns the success, or the refusal. The status is stated three times, and nothing documents that the three agree
    /// (`[seed]`): each may refuse.
    pub(crate) fn into_success(self) -> Result<Envelope<T>, ResponseError> {
        let refuses = self.status_code.is_some_and(|code| code >= 400);
        if !self.success || refuses {
            let message = self.message.map(|message| message.expose().to_owned());
            let fault = fault(self.message_code.or(self.error_code), message);
            // A server error, or a contradiction: it may have been processed.
            let unclear = self.status_code.is_some_and(|code| code >= 500) || self.success;
            return Err(if unclear {
                fault.with_class(FaultClass::Transient)
            } else {
                fault
            }
            .into());
        }
        Ok(Envelope {
            data: self.data.ok_or(DecodeError::missing_data("$.data"))?,
            status_code: self.status_code,
            success: self.success,
            message: self.message,
            message_code: self.message_code,
        })
    }
}

/// Reads Finpass's code and message, if the body is a refusal.
pub(crate) fn refusal(response: &RawResponse) -> Option<Fault> {
    response
        .untrusted_hint::<Refusal>()
        .filter(Refusal::is_one)
        .map(|refusal| fault(refusal.message_code.or(refusal.error_code), refusal.message))
}

/// The envelope of a refusal: `{status_code, success, message, message_code}` (`[seed]`); Finpass's other product families
/// have `error_code` in place of `message_code` (`[docs]`).
#[derive(Deserialize)]
struct Refusal {
    #[serde(default, deserialize_with = "lenient::boolean_or_text")]
    success: Option<bool>,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    message_code: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    error_code: Option<String>,
    data: Option<IgnoredAny>,
}

impl Refusal {
    /// Whether the body is a refusal. Without `success`, a code indicates one, unless it is the code of a success or there
    /// is data: a session that was opened must not be taken for a refusal.
    fn is_one(&self) -> bool {
        match self.success {
            Some(success) => !success,
            None => {
                let mut codes = [&self.message_code, &self.error_code].into_iter().flatten();
                self.data.is_none() && codes.any(|code| code != "success")
            }
        }
    }
}

/// Builds the fault of a refusal. Two codes are documented: `unauthorized` (`[seed]`) and, by the company upstream,
/// `invalid_client_id` (`[upstream]`).
fn fault(code: Option<String>, message: Option<String>) -> Fault {
    let (class, meaning) = match code.as_deref() {
        Some("unauthorized") => (
            FaultClass::Credentials,
            Some("the API key or secret is missing or wrong, or they do not belong together"),
        ),
        Some("invalid_client_id") => (
            FaultClass::ByStatus,
            Some("the client id is unknown or has expired"),
        ),
        _ => (FaultClass::ByStatus, None),
    };
    Fault::new()
        .with_code(code)
        .with_message(message)
        .with_meaning(meaning)
        .with_class(class)
}
