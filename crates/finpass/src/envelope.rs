//! The envelope of every reply, and the only place that distinguishes a refusal from a success.

use std::fmt;

use provider_core::lenient::{Object, Told};
use provider_core::{
    DecodeError, Fault, FaultClass, Masked, RawResponse, ResponseError, Verified, lenient,
    tells_failure,
};
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use serde::{Deserialize, Deserializer, Serialize};

/// A success of the account aggregator family: `{data, status_code, success, message, message_code}` (`[seed]`).
#[derive(Clone, PartialEq, Eq, Serialize)]
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
    /// Always true: a reply with `false` is a refusal.
    pub success: bool,
    /// For people; do not match on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Masked>,
    /// `success`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_code: Option<String>,
}

/// Prints the code if it looks like one.
impl<T: fmt::Debug> fmt::Debug for Envelope<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = Fault::new().with_code(self.message_code.clone());
        f.debug_struct("Envelope")
            .field("data", &self.data)
            .field("status_code", &self.status_code)
            .field("success", &self.success)
            .field("message", &self.message)
            .field("message_code", &code.printable_code())
            .finish()
    }
}

/// What any body may hold: a success, or a refusal in spite of the status. Only `data` is read strictly.
#[derive(Deserialize)]
struct ReceivedEnvelope<T> {
    #[serde(default = "Option::default")]
    data: Option<T>,
    #[serde(default)]
    status_code: Told,
    #[serde(default)]
    success: Told,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<Masked>,
    #[serde(default, deserialize_with = "lenient::text")]
    message_code: Option<String>,
    // The name in Finpass's other families (`[docs]`); a refusal may use it here.
    #[serde(default)]
    error_code: Told,
    // No name of Finpass's; what stands there says that something went wrong all the same.
    #[serde(default)]
    error: Told,
    #[serde(default)]
    errors: Told,
}

/// What may be repeated: it decides nothing.
const INFORMATIONAL: [&str; 3] = ["message", "pan_number", "email_id"];

/// The success in a verified 2xx reply, or the refusal.
pub(crate) fn read<T: DeserializeOwned>(response: &Verified) -> Result<Envelope<T>, ResponseError> {
    let mut received: ReceivedEnvelope<Object<T>> = lenient::reply(response, &INFORMATIONAL)?;
    if let Some(fault) = received.refusal(received.data.is_some()) {
        return Err(fault.into());
    }
    let Object(data) = received
        .data
        .take()
        .ok_or(DecodeError::missing_data("$.data"))?;
    Ok(Envelope {
        data,
        status_code: received.status_code.integer(),
        success: true,
        message: received.message,
        message_code: received.message_code,
    })
}

/// Reads an id that repeats the request's; `None` for one that is absent, empty or no id.
pub(crate) fn echoed<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text: Option<String> = lenient::text(deserializer)?;
    Ok(text.and_then(|text| {
        let text: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
        T::deserialize(text).ok()
    }))
}

/// A refusal in Finpass's words, if the body is one. Where the status is 2xx, [`read`] could not use its data; data that is there
/// contradicts a refusal all the same.
pub(crate) fn refusal(response: &RawResponse) -> Option<Fault> {
    let Object(received) = response.untrusted_hint::<Object<ReceivedEnvelope<Told>>>()?;
    let is_data = |data: &Told| !matches!(data, Told::Nothing);
    if response.status().is_success() {
        return received.refusal(received.data.as_ref().is_some_and(is_data));
    }
    if received.says_success() {
        return Some(received.fault().with_class(FaultClass::Contradictory));
    }
    // The status refuses already, so a code says why, whatever `success` says.
    let refused = || received.code().map(|_| received.fault());
    received.refusal(false).or_else(refused)
}

impl<T> ReceivedEnvelope<T> {
    /// The refusal, if it is one. The status is told three times and nothing says that they agree (`[seed]`): each may
    /// refuse. Where `success` says nothing a code refuses, but not the code of a success. A refusal beside data
    /// contradicts itself: the session that it names may be open. So does what neither refuses nor is a success.
    fn refusal(&self, has_data: bool) -> Option<Fault> {
        let status = self.status_code.status();
        let success = self.success.truth();
        let error = [&self.error_code, &self.error, &self.errors];
        let error = error.into_iter().any(Told::is_said);
        let refuses = status.is_some_and(|status| status >= 400.0)
            || match success {
                Some(false) => true,
                Some(true) => error || self.message_code().and_then(documented).is_some(),
                None => error || self.message_code().is_some() || self.success.is_failure(),
            };
        let doubtful = self.success.is_not_yes()
            || self.status_code.is_doubtful()
            || self.message_code().is_some_and(tells_failure);
        if !refuses && !doubtful {
            return None;
        }
        let broke = status.is_some_and(|status| status >= 500.0);
        let fault = self.fault();
        Some(
            match !refuses || has_data || success == Some(true) || broke {
                true => fault.with_class(FaultClass::Contradictory),
                false => fault,
            },
        )
    }

    /// Whether it says that it was done, for a status that refuses.
    fn says_success(&self) -> bool {
        self.success.truth() == Some(true) || self.status_code.is_success()
    }

    /// The code, unless it says nothing or is that of a success.
    fn message_code(&self) -> Option<&str> {
        let code = self.message_code.as_deref().map(str::trim)?;
        (!matches!(code, "" | "0") && !code.eq_ignore_ascii_case("success")).then_some(code)
    }

    /// The code of a refusal, in either member.
    fn code(&self) -> Option<String> {
        let error_code = || self.error_code.clone().into_text();
        let message_code = self.message_code().map(str::to_owned);
        message_code.or_else(|| self.error_code.is_said().then(error_code).flatten())
    }

    /// Its code and message, in Finpass's words.
    fn fault(&self) -> Fault {
        let code = self.code();
        let (class, meaning) = code.as_deref().and_then(documented).unzip();
        Fault::new()
            .with_code(code)
            .with_message(self.message.as_ref().map(|text| text.expose().to_owned()))
            .with_meaning(meaning)
            .with_class(class.unwrap_or_default())
    }
}

/// What a documented code means. Two are of these families: `unauthorized` (`[seed]`) and, by the company upstream, `invalid_client_id`
/// (`[upstream]`).
fn documented(code: &str) -> Option<(FaultClass, &'static str)> {
    Some(match &*code.to_ascii_lowercase() {
        "unauthorized" => (
            FaultClass::Credentials,
            "the API key or secret is missing or wrong, or they are not a pair",
        ),
        "invalid_client_id" => (
            FaultClass::ByStatus,
            "the client id is unknown or has expired",
        ),
        // Of a sister family (`[docs: ITR-init]`); the second one is cut off there.
        "invalid_input" => (FaultClass::ByStatus, "a field of the request is invalid"),
        code if code.starts_with("invalid_crede") => (
            FaultClass::Credentials,
            "the API key or secret is missing or wrong, or they are not a pair",
        ),
        _ => return None,
    })
}
