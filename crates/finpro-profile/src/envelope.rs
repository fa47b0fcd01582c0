//! The envelopes of FinPro's replies, and the only place that distinguishes a refusal from a success.

use provider_core::lenient::{Object, Told};
use provider_core::{
    DecodeError, Fault, FaultClass, Label, Masked, RawResponse, ResponseError, Verified, lenient,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A success of FinPro's operations besides Check Profile: `{ver, status, timestamp, txnid, message, data}`, of which each
/// page has some (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    // Where it is not documented that a member is in `data`, it may stand beside it.
    schemars(rename = "{T}Envelope", transform = |schema: &mut schemars::Schema| drop(schema.remove("required")))
)]
#[non_exhaustive]
pub struct Envelope<T> {
    /// The API's version; opaque.
    pub ver: Option<Label>,
    /// `success`, where the operation says so.
    pub status: Option<Label>,
    /// `ok` (`[3p]`) where the operation has it in place of a status: requests of financial information (`[docs]`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Label>,
    /// When the reply was made, ISO 8601.
    pub timestamp: Option<Label>,
    /// FinPro's id of the request. Quote it to support.
    pub txnid: Option<Label>,
    /// For people; do not match on it.
    pub message: Option<Masked>,
    /// The requested data.
    pub data: T,
}

impl<T: DeserializeOwned + Serialize> Envelope<T> {
    /// Reads a verified 2xx reply.
    ///
    /// # Errors
    ///
    /// [`ResponseError`]: the reply is a refusal, also beside data, or has no data that can be read.
    pub fn read(response: &Verified) -> Result<Self, ResponseError> {
        let (received, data) = read(response, is_filled)?;
        Ok(received.with_data(data))
    }

    /// Reads a verified 2xx reply whose data is an object and none of whose members is required: without this, a list would be
    /// read as its members in their order.
    ///
    /// # Errors
    ///
    /// As of [`read`](Self::read).
    pub fn read_object(response: &Verified) -> Result<Self, ResponseError> {
        let (received, Object(data)) = read(response, |Object(data)| is_filled(data))?;
        Ok(received.with_data(data))
    }

    /// Reads a verified 2xx reply whose data is optional, or stands beside `ver` and not in `data`.
    ///
    /// # Errors
    ///
    /// As of [`read`](Self::read).
    pub fn read_flat(response: &Verified) -> Result<Self, ResponseError> {
        let mut received: ReceivedEnvelope<T> = success(response, is_filled)?;
        let data = match received.data.take() {
            Some(data) => data,
            None => lenient::reply(response, &INFORMATIONAL)?,
        };
        Ok(received.with_data(data))
    }
}

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
    #[serde(default, deserialize_with = "lenient::text")]
    response: Option<String>,
    #[serde(default)]
    status: Told,
    #[serde(default)]
    success: Told,
    #[serde(default)]
    error: Told,
    // A bank that passes FinPro's replies on adds them (`[3p]`).
    #[serde(default)]
    errors: Told,
    #[serde(default, rename = "errorCode")]
    error_code: Told,
    #[serde(default, rename = "errorMsg", deserialize_with = "lenient::text")]
    error_msg: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<Masked>,
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
const INFORMATIONAL: [&str; 6] = [
    "ver",
    "timestamp",
    "txnid",
    "response",
    "errorMsg",
    "message",
];

/// The success in a verified 2xx reply and its data, or the refusal, also beside data. Beside data that says something, or
/// `status: success`, it contradicts itself.
pub(crate) fn read<T: DeserializeOwned>(
    response: &Verified,
    says_something: impl Fn(&T) -> bool,
) -> Result<(ReceivedEnvelope<T>, T), ResponseError> {
    let mut received: ReceivedEnvelope<T> = success(response, &says_something)?;
    let data = received.data.take();
    // That nothing is known is not believed of whoever says nothing else.
    let data = data.filter(|data| received.is_finpro_s() || says_something(data));
    let data = data.ok_or(DecodeError::missing_data("$.data"))?;
    Ok((received, data))
}

/// What is no refusal.
fn success<T: DeserializeOwned>(
    response: &Verified,
    says_something: impl FnOnce(&T) -> bool,
) -> Result<ReceivedEnvelope<T>, ResponseError> {
    let received: ReceivedEnvelope<T> = lenient::reply(response, &INFORMATIONAL)?;
    match received.refusal() {
        None => Ok(received),
        Some(fault)
            if received.says_success() || received.data.as_ref().is_some_and(says_something) =>
        {
            Err(fault.with_class(FaultClass::Contradictory).into())
        }
        Some(fault) => Err(fault.into()),
    }
}

/// Whether there is anything in it.
fn is_filled<T: Serialize>(data: &T) -> bool {
    match serde_json::to_value(data) {
        Ok(Value::Array(items)) => !items.is_empty(),
        Ok(Value::Object(members)) => members.values().any(|member| !member.is_null()),
        // What cannot be written anew is there.
        data => data.map_or(true, |data| !data.is_null()),
    }
}

/// A refusal in FinPro's words, if the body is one.
pub(crate) fn refusal(response: &RawResponse) -> Option<Fault> {
    let Object(received) = response.untrusted_hint::<Object<ReceivedEnvelope<IgnoredAny>>>()?;
    let refuses = !response.status().is_success();
    if refuses && received.says_success() {
        return Some(received.fault().with_class(FaultClass::Contradictory));
    }
    // A status that is not 2xx refuses already; the flat envelope may lack its code.
    let refused = refuses && received.error_msg.is_some();
    let refusal = received.refusal();
    refusal.or_else(|| refused.then(|| received.fault()))
}

impl<T> ReceivedEnvelope<T> {
    fn with_data<U>(self, data: U) -> Envelope<U> {
        Envelope {
            ver: self.ver.as_deref().map(Label::from),
            status: self.status.into_text().as_deref().map(Label::from),
            response: self.response.as_deref().map(Label::from),
            timestamp: self.timestamp.as_deref().map(Label::from),
            txnid: self.txnid.as_deref().map(Label::from),
            message: self.message,
            data,
        }
    }

    /// The refusal, if it is one: by shape and not by `status` alone, because both envelopes have been seen without it, and
    /// beside data. An `error` or an `errorCode` that says something refuses, whatever its type, and so does a `status` that
    /// is a word for failure (`error` and `failure` are documented) or 400 or more, and `success: false`. Other words in
    /// `status` are those of a success that other operations use, and decide nothing, unless they tell a failure: then nobody
    /// knows.
    fn refusal(&self) -> Option<Fault> {
        let refuses = self.error.is_said()
            || self.errors.is_said()
            || self.error_code.is_said()
            || self.status.is_failure()
            || self.success.truth() == Some(false)
            || self.success.is_failure();
        let doubtful = self.status.is_doubtful() || self.success.is_not_yes();
        match refuses {
            true => Some(self.fault()),
            false => doubtful.then(|| self.fault().with_class(FaultClass::Contradictory)),
        }
    }

    /// Whether there is a member beside the data by which it is known as FinPro's.
    fn is_finpro_s(&self) -> bool {
        let texts = [&self.ver, &self.timestamp, &self.txnid];
        texts.into_iter().any(Option::is_some) || self.says_success()
    }

    /// Whether it says that it was done, whatever stands beside it.
    fn says_success(&self) -> bool {
        self.status.is_success() || self.success.truth() == Some(true)
    }

    fn fault(&self) -> Fault {
        let flat = || {
            let said = self.error_code.is_said();
            let code = said.then(|| self.error_code.clone().into_text()).flatten();
            let message = self.message.as_ref().map(|text| text.expose().to_owned());
            (code, self.error_msg.clone().or(message))
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
        let meaning = code.as_deref().and_then(meaning);
        // Other than the HTTP status says: it broke on the way.
        let broke = self.status.status().is_some_and(|status| status >= 500.0);
        let class = match code.as_deref() {
            _ if broke => FaultClass::Contradictory,
            Some("NoDataAvailable" | "FP0060") => FaultClass::TooEarly,
            _ => FaultClass::ByStatus,
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

/// What a documented code means (`[docs]`; those of four digits from `FP0034` on `[3p]`). `InvalidRequest` means too much.
fn meaning(code: &str) -> Option<&'static str> {
    const UNKNOWN: &str = "the consent is unknown";
    const NOT_FETCHED: &str = "nothing has been fetched for the consent yet";
    const REMOVED: &str = "the data has expired and was removed";
    const NONE: &str = "there is no data";
    const MEANINGS: [(&str, &str); 14] = [
        (
            "PROFILE_CHECK_FAILED",
            "no aggregator could be asked; have the profile API enabled for one",
        ),
        ("FP0021", "a required member is missing"),
        (
            "FP0024",
            "a consent handle is unknown or has no valid VUA, or the handles are not of one customer",
        ),
        ("FP0029", "the aggregator of the VUA is not in the registry"),
        ("InvalidStatus", "the consent's status does not allow it"),
        (
            "InvalidPayload",
            "either a consent or an account must be given",
        ),
        ("InvalidConsentId", UNKNOWN),
        ("FP0034", UNKNOWN),
        ("NoDataAvailable", NOT_FETCHED),
        ("FP0060", NOT_FETCHED),
        ("DataIsDeleted", REMOVED),
        ("FP0061", REMOVED),
        ("NoDataFound", NONE),
        ("FP0063", NONE),
    ];
    let mut meanings = MEANINGS.iter();
    let found = meanings.find(|(documented, _)| documented.eq_ignore_ascii_case(code));
    found.map(|(_, meaning)| *meaning)
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
