//! The error as a document for machines.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::Error;

/// As an object, for a web handler's reply, a journal or a log. It holds nothing from a request or a reply except the
/// provider's code where it looks like one, and can be read back. Later versions of this crate may add members; a member is removed or changes
/// its meaning only with another `version`.
///
/// | member | value |
/// |---|---|
/// | `version` | [`Error::JSON_VERSION`] |
/// | `kind` | [`ErrorKind::as_str`](crate::ErrorKind::as_str) |
/// | `outcome` | [`Outcome::as_str`](crate::Outcome::as_str) |
/// | `unsettled` | [`Error::is_unsettled`] |
/// | `retryable` | [`Error::is_retryable`] |
/// | `provider`, `operation` | their names, or null |
/// | `idempotency` | [`Idempotency::as_str`](crate::Idempotency::as_str), or null |
/// | `status` | the HTTP status, or null |
/// | `code` | the provider's code, see [`Fault::printable_code`](crate::Fault::printable_code), or null |
/// | `class` | the class of the provider's refusal, [`FaultClass::as_str`](crate::FaultClass::as_str), or null if there is none |
/// | `meaning` | the documented meaning of the refusal, [`Fault::meaning`](crate::Fault::meaning), or null |
/// | `field`, `rule` | what to correct, for [`InvalidRequest`](crate::ErrorKind::InvalidRequest), or null |
/// | `message` | [`Error::report_line`] |
/// | `settling` | [`Error::settling`], or null |
/// | `retry_after_ms` | milliseconds, see [`Error::retry_after`], or null |
/// | `request_id` | the call's id, or null |
/// | `attempts` | the number of attempts |
/// | `elapsed_ms` | milliseconds, see [`Error::elapsed`] |
/// | `also_failed` | the errors of the other providers that were tried, see [`Error::also_failed`] |
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = |name: &'static str| (!name.is_empty()).then_some(name);
        let millis =
            |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let invalid = self.invalid_request();
        let mut object = serializer.serialize_struct("Error", 21)?;
        object.serialize_field("version", &Self::JSON_VERSION)?;
        object.serialize_field("kind", &self.kind())?;
        object.serialize_field("outcome", &self.outcome())?;
        object.serialize_field("unsettled", &self.is_unsettled())?;
        object.serialize_field("retryable", &self.is_retryable())?;
        object.serialize_field("provider", &named(self.provider()))?;
        object.serialize_field("operation", &named(self.operation()))?;
        object.serialize_field("idempotency", &self.idempotency())?;
        object.serialize_field("status", &self.status().map(|status| status.as_u16()))?;
        let code = self.fault().and_then(|fault| fault.printable_code());
        object.serialize_field("code", &code)?;
        object.serialize_field("class", &self.fault().map(|fault| fault.class()))?;
        object.serialize_field("meaning", &self.fault().and_then(|fault| fault.meaning()))?;
        object.serialize_field("field", &invalid.map(|invalid| invalid.field()))?;
        object.serialize_field("rule", &invalid.map(|invalid| invalid.rule()))?;
        object.serialize_field("message", &self.report_line())?;
        object.serialize_field("settling", &self.settling())?;
        object.serialize_field("retry_after_ms", &self.retry_after().map(millis))?;
        object.serialize_field("request_id", &self.request_id())?;
        object.serialize_field("attempts", &self.attempts())?;
        object.serialize_field("elapsed_ms", &millis(self.elapsed()))?;
        object.serialize_field("also_failed", self.also_failed())?;
        object.end()
    }
}
