//! The envelope of every reply, and the only place that distinguishes a refusal from a success.

use provider_core::lenient::{Object, Told};
use provider_core::lint::mask_aadhaar;
use provider_core::{
    DecodeError, Fault, FaultClass, Masked, RawResponse, ResponseError, Verified, lenient,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Detail, personal};

provider_core::open_enum! {
    /// The status word of a success; the only documented one is `SUCCESS` (`[docs]`).
    pub enum SubCode {
        /// It worked.
        Success = "SUCCESS",
    }
}

provider_core::opaque_id! {
    /// The id of a call; that of the call that opened a session identifies the session in later calls.
    pub struct TransactionId("transaction_id");
}

/// A success (`[seed]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "{T}Envelope")
)]
#[non_exhaustive]
pub struct Envelope<T> {
    /// A copy of the status, 201 in the example; do not compare it with the HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// When the reply was created, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// The id of this call. If the call opened a session, it is the session's id: store it with your own logged-in user
    /// before you redirect the browser.
    pub transaction_id: TransactionId,
    /// Absent in the example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_code: Option<SubCode>,
    /// For people; do not match on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Masked>,
    /// The requested data.
    pub data: T,
}

impl<T> Envelope<T> {
    pub(crate) fn map<U>(self, data: impl FnOnce(T) -> U) -> Envelope<U> {
        Envelope {
            code: self.code,
            timestamp: self.timestamp,
            transaction_id: self.transaction_id,
            sub_code: self.sub_code,
            message: self.message,
            data: data(self.data),
        }
    }
}

/// What any body may hold: a success, or a refusal in spite of the status. Only `data` is read strictly.
#[derive(Deserialize)]
struct ReceivedEnvelope<T> {
    #[serde(default)]
    code: Told,
    #[serde(default, deserialize_with = "personal::integer")]
    timestamp: Option<i64>,
    #[serde(default)]
    transaction_id: Told,
    #[serde(default)]
    sub_code: Told,
    #[serde(default)]
    success: Told,
    #[serde(default, deserialize_with = "personal::text")]
    message: Option<Masked>,
    #[serde(default)]
    detail: Told,
    // No names of Deepvue's; what stands there says that something went wrong all the same.
    #[serde(default)]
    error: Told,
    #[serde(default)]
    errors: Told,
    #[serde(default)]
    status: Told,
    #[serde(default = "Option::default")]
    data: Option<T>,
}

/// What may be repeated: it decides nothing.
const INFORMATIONAL: [&str; 2] = ["message", "timestamp"];

/// The success with an object as its data in a verified 2xx reply, or the refusal.
pub(crate) fn read_object<T: DeserializeOwned>(
    response: &Verified,
) -> Result<Envelope<T>, ResponseError> {
    read(response).map(|envelope| envelope.map(|Object(data)| data))
}

/// The success in a verified 2xx reply, or the refusal.
pub(crate) fn read<T: DeserializeOwned>(response: &Verified) -> Result<Envelope<T>, ResponseError> {
    let mut received: ReceivedEnvelope<T> = lenient::reply(response, &INFORMATIONAL)?;
    if let Some(fault) = received.refusal(received.data.is_some()) {
        return Err(fault.into());
    }
    let data = received
        .data
        .take()
        .ok_or(DecodeError::missing_data("$.data"))?;
    let transaction_id = match received.transaction_id {
        Told::Text(id) => TransactionId::parse(id).ok(),
        // One that is not exact may have been rounded on its way.
        id @ Told::Number(_) => {
            let exact = id.integer().filter(|id: &u64| *id < 1 << 53);
            exact.and_then(|id| TransactionId::parse(id.to_string()).ok())
        }
        _ => None,
    };
    let transaction_id = transaction_id.ok_or(DecodeError::missing_data("$.transaction_id"))?;
    Ok(Envelope {
        code: received.code.integer(),
        timestamp: received.timestamp,
        transaction_id,
        sub_code: received
            .sub_code
            .into_text()
            .map(|text| SubCode::from(&*mask_aadhaar(&text))),
        message: received.message,
        data,
    })
}

/// A refusal in Deepvue's words, if the body is one. Where the status is 2xx, [`read`] could not use its data; data that is there
/// contradicts a refusal all the same.
pub(crate) fn refusal(response: &RawResponse) -> Option<Fault> {
    let Object(received) = response.untrusted_hint::<Object<ReceivedEnvelope<Told>>>()?;
    let is_data = |data: &Told| !matches!(data, Told::Nothing);
    if response.status().is_success() {
        return received.refusal(received.data.as_ref().is_some_and(is_data));
    }
    // The status refuses already; the status word says why.
    let refused = || received.failed_code().map(|_| received.fault(None, true));
    let fault = received.refusal(false).or_else(refused)?;
    let broke = fault.class() == FaultClass::Transient && response.status().is_client_error();
    Some(match broke || received.says_success() {
        true => fault.with_class(FaultClass::Contradictory),
        false => fault,
    })
}

impl<T> ReceivedEnvelope<T> {
    /// The refusal, if it is one. In a 2xx body a `detail` that says something, a `code` of 400 or more, or a `sub_code`
    /// that is a word for failure refuses in spite of the status: the documentation advises to look at the code first on one
    /// page and at the HTTP status first on another. Other words in `sub_code` are not documented, and handed on, unless they
    /// tell a failure: then nobody knows. A refusal beside data that can be used contradicts itself: the session that it
    /// names may be open.
    fn refusal(&self, has_data: bool) -> Option<Fault> {
        let code = self.code.status().unwrap_or_default();
        let said = self.detail.is_said().then(|| Detail::from(&self.detail));
        let error = self.error.is_said() || self.errors.is_said();
        let words = [&self.sub_code, &self.status];
        let fails = words.into_iter().any(Told::is_failure);
        let success = self.success.truth() != Some(false) && !self.success.is_failure();
        let refuses = said.is_some() || error || code >= 400.0 || fails || !success;
        let doubtful = [&self.code, &self.sub_code, &self.status]
            .into_iter()
            .any(Told::is_doubtful);
        if !refuses && !doubtful && !self.success.is_not_yes() {
            return None;
        }
        let fault = self.fault(said, doubtful || !has_data);
        // Other than the HTTP status says: it broke on the way, and may have been done.
        Some(if !refuses || has_data || code >= 500.0 {
            fault.with_class(FaultClass::Contradictory)
        } else if code == 401.0 || code == 403.0 {
            fault.with_class(FaultClass::Credentials)
        } else {
            fault
        })
    }

    /// Whether it says that it was done, for a status that refuses.
    fn says_success(&self) -> bool {
        let words = [&self.code, &self.sub_code, &self.status];
        self.success.truth() == Some(true) || words.into_iter().any(Told::is_success)
    }

    /// The status word, unless it is that of a success.
    fn failed_code(&self) -> Option<String> {
        let said = self.sub_code.is_said() && !self.sub_code.is_word("success");
        said.then(|| self.sub_code.clone().into_text()).flatten()
    }

    /// The refusal with its code, where the status word is that of a refusal and not of a success beside it.
    fn fault(&self, detail: Option<Detail>, is_refused: bool) -> Fault {
        let fault = match detail {
            Some(detail) => detail.into_fault(),
            None => Fault::new()
                .with_message(self.message.as_ref().map(|text| text.expose().to_owned())),
        };
        match fault.code() {
            None if is_refused => fault.with_code(self.failed_code()),
            _ => fault,
        }
    }
}
