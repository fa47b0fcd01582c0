//! The envelope of every reply, and the only place that distinguishes a refusal from a success.

use provider_core::{DecodeError, Fault, FaultClass, Masked, RawResponse, ResponseError, lenient};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Detail;

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

/// A 2xx body: a success, or a refusal despite the status. Only `data` and the id are read strictly.
#[derive(Deserialize)]
pub(crate) struct ReceivedEnvelope<T> {
    #[serde(default, deserialize_with = "lenient::integer")]
    code: Option<u16>,
    #[serde(default, deserialize_with = "lenient::integer")]
    timestamp: Option<i64>,
    transaction_id: Option<TransactionId>,
    #[serde(default, deserialize_with = "lenient::text")]
    sub_code: Option<SubCode>,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<Masked>,
    #[serde(default)]
    detail: Option<Value>,
    data: Option<T>,
}

impl<T> ReceivedEnvelope<T> {
    /// Returns the success, or the refusal.
    pub(crate) fn into_success(self) -> Result<Envelope<T>, ResponseError> {
        let message = self.message.as_ref().map(Masked::expose);
        if let Some(fault) = fault(self.code.map(u64::from), self.detail, message) {
            return Err(fault.into());
        }
        let data = self.data.ok_or(DecodeError::missing_data("$.data"))?;
        let transaction_id = self
            .transaction_id
            .ok_or(DecodeError::missing_data("$.transaction_id"))?;
        Ok(Envelope {
            code: self.code,
            timestamp: self.timestamp,
            transaction_id,
            sub_code: self.sub_code,
            message: self.message,
            data,
        })
    }
}

/// Reads the description of a refusal, if the body is one.
pub(crate) fn refusal(response: &RawResponse) -> Option<Fault> {
    let Refusal {
        code,
        message,
        detail,
    } = response.untrusted_hint()?;
    fault(code, detail, message.as_deref())
}

/// The fields of a refusal: `detail` (`[seed]`), or the status in a body whose HTTP status differs.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default, deserialize_with = "lenient::integer")]
    code: Option<u64>,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<String>,
    #[serde(default)]
    detail: Option<Value>,
}

/// Builds the fault of a refusal. In a 2xx body, a `detail` or a `code` of 400 or more means a refusal despite the status:
/// one page of the documentation gives precedence to the code, another to the HTTP status.
fn fault(code: Option<u64>, detail: Option<Value>, message: Option<&str>) -> Option<Fault> {
    let fault = match detail {
        Some(detail) => Detail::from(detail).into_fault(),
        None if code.is_some_and(|code| code >= 400) => {
            Fault::new().with_message(message.map(str::to_owned))
        }
        None => return None,
    };
    Some(match code {
        Some(401 | 403) => fault.with_class(FaultClass::Credentials),
        // As for an HTTP 5xx: the provider failed, and the request may have been processed.
        Some(500..) => fault.with_class(FaultClass::Transient),
        _ => fault,
    })
}
