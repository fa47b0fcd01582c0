//! The envelopes of FinPro's replies, and the only place that distinguishes a refusal from a success.

use provider_core::lenient::{Object, Told};
use provider_core::{
    DecodeError, Fault, FaultClass, RawResponse, ResponseError, Verified, lenient,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// What any body may hold: a success, or a refusal in either of the documented envelopes, nested
/// `error{code, message, details}` (`[seed]`) or flat `errorCode`/`errorMsg` (codes `[docs]`, names `[3p]`). Only `data` is
/// read strictly.
#[derive(Deserialize)]
pub(crate) struct ReceivedEnvelope<T> {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) ver: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) timestamp: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(crate) txnid: Option<String>,
    #[serde(default)]
    status: Told,
    #[serde(default)]
    success: Told,
    #[serde(default)]
    error: Told,
    #[serde(default, rename = "errorCode")]
    error_code: Told,
    #[serde(default, rename = "errorMsg", deserialize_with = "lenient::text")]
    error_msg: Option<String>,
    data: Option<T>,
}

#[derive(Deserialize)]
struct Nested {
    #[serde(default, deserialize_with = "lenient::text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<String>,
    // Text in the sample; its type is not documented.
    #[serde(default, deserialize_with = "lenient::value")]
    details: Option<String>,
}

/// What may be repeated: it decides nothing.
const INFORMATIONAL: [&str; 4] = ["ver", "timestamp", "txnid", "errorMsg"];

/// The success in a verified 2xx reply and its data, or the refusal, also beside data. Beside data that says something it
/// contradicts itself.
pub(crate) fn read<T: DeserializeOwned>(
    response: &Verified,
    says_something: impl FnOnce(&T) -> bool,
) -> Result<(ReceivedEnvelope<T>, T), ResponseError> {
    let mut received: ReceivedEnvelope<T> = lenient::reply(response, &INFORMATIONAL)?;
    if let Some(fault) = received.refusal() {
        return Err(match received.data.as_ref().is_some_and(says_something) {
            true => fault.with_class(FaultClass::Transient).into(),
            false => fault.into(),
        });
    }
    let data = received.data.take();
    let data = data.ok_or(DecodeError::missing_data("$.data"))?;
    Ok((received, data))
}

/// A refusal in FinPro's words, if the body is one.
pub(crate) fn refusal(response: &RawResponse) -> Option<Fault> {
    let Object(received) = response.untrusted_hint::<Object<ReceivedEnvelope<IgnoredAny>>>()?;
    // A status that is not 2xx refuses already; the flat envelope may lack its code.
    let refused = !response.status().is_success() && received.error_msg.is_some();
    let refusal = received.refusal();
    refusal.or_else(|| refused.then(|| received.fault()))
}

impl<T> ReceivedEnvelope<T> {
    /// The refusal, if it is one: by shape and not by `status` alone, because both envelopes have been seen without it, and
    /// beside data. An `error` or an `errorCode` that says something refuses, whatever its type, and so does a `status` that
    /// is a word for failure (`error` and `failure` are documented) or 400 or more, and `success: false`. Other words in
    /// `status` are those of a success that other operations use, and decide nothing.
    fn refusal(&self) -> Option<Fault> {
        let refuses = self.error.is_said()
            || self.error_code.is_said()
            || self.status.is_failure()
            || self.success.truth() == Some(false)
            || self.success.is_failure();
        refuses.then(|| self.fault())
    }

    fn fault(&self) -> Fault {
        let flat = || {
            let said = self.error_code.is_said();
            let code = said.then(|| self.error_code.clone().into_text()).flatten();
            (code, self.error_msg.clone())
        };
        let (code, message) = match &self.error {
            Told::Json(json) => match nested(json) {
                Some(nested) => words(nested),
                None => (flat().0, Some(json.to_string())),
            },
            Told::Text(text) if self.error.is_said() => {
                let (code, message) = flat();
                (code, message.or_else(|| Some(text.clone())))
            }
            _ => flat(),
        };
        let meaning = code
            .as_deref()
            .is_some_and(|code| code.eq_ignore_ascii_case("PROFILE_CHECK_FAILED"))
            .then_some("no aggregator could be asked; have the profile API enabled for one");
        // As the HTTP status would be: it broke on the way.
        let broke = self.status.number().is_some_and(|status| status >= 500.0);
        let class = if broke {
            FaultClass::Transient
        } else {
            FaultClass::ByStatus
        };
        Fault::new()
            .with_code(code)
            .with_message(message)
            .with_meaning(meaning)
            .with_class(class)
    }
}

/// The nested envelope, or the first of a list of them.
fn nested(json: &str) -> Option<Nested> {
    let first = || {
        serde_json::from_str::<Vec<Object<Nested>>>(json)
            .ok()?
            .into_iter()
            .next()
    };
    let Object(nested) = serde_json::from_str(json).ok().or_else(first)?;
    Some(nested)
}

/// Code and message of the nested envelope.
fn words(nested: Nested) -> (Option<String>, Option<String>) {
    let Nested {
        code,
        message,
        details,
    } = nested;
    let message = match (message, details) {
        (Some(message), Some(details)) => Some(format!("{message}: {details}")),
        (message, details) => message.or(details),
    };
    (code, message)
}
