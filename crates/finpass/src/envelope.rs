//! The envelope of every reply, and the one place that tells a refusal from a success.

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
    /// What was asked for.
    pub data: T,
    /// The HTTP status once more, if it was sent.
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

/// What a 2xx body may hold: a success, or a refusal in spite of the status. Only `data` is read strictly.
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
    /// The success, or the refusal. The status is told three times and nothing says that they agree (`[seed]`): each may
    /// refuse.
    pub(crate) fn into_success(self) -> Result<Envelope<T>, ResponseError> {
        let refuses = self.status_code.is_some_and(|code| code >= 400);
        if !self.success || refuses {
            let message = self.message.map(|message| message.expose().to_owned());
            let fault = fault(self.message_code.or(self.error_code), message);
            // A server's fault, or a contradiction: it may have been done.
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

/// A refusal in Finpass's words, if the body is one.
pub(crate) fn refusal(response: &RawResponse) -> Option<Fault> {
    response
        .untrusted_hint::<Refusal>()
        .filter(Refusal::is_one)
        .map(|refusal| fault(refusal.message_code.or(refusal.error_code), refusal.message))
}

/// The envelope of a refusal: `{status_code, success, message, message_code}` (`[seed]`); `error_code` stands in the
/// place of `message_code` in Finpass's other product families (`[docs]`).
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
    /// Where `success` is missing, a code refuses; but not the code of a success, and not beside data: a session that was
    /// opened must not pass for a refusal.
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

/// A refusal in Finpass's words. Two codes are documented: `unauthorized` (`[seed]`) and, by the company upstream,
/// `invalid_client_id` (`[upstream]`).
fn fault(code: Option<String>, message: Option<String>) -> Fault {
    let (class, meaning) = match code.as_deref() {
        Some("unauthorized") => (
            FaultClass::Credentials,
            Some("the API key or secret is missing or wrong, or they are not a pair"),
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
