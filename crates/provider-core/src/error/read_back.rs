//! The error read back from its document.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Deserializer};

use super::{Error, ErrorKind, Inner, Outcome};
use crate::values::{InvalidRequest, read_name};
use crate::wire::{Fault, FaultClass, Idempotency, RequestId, deserialize_versioned};

/// From the object that its implementation of `Serialize` documents, in the same process or another one. Members that are not
/// known are ignored, and a newer `version` is refused.
///
/// All that the object has survives, so that what is decided by the error is decided as before: kind, outcome, idempotency,
/// whether it is [unsettled](Error::is_unsettled) and [retryable](Error::is_retryable), provider, operation, status, the
/// provider's [printable code](Fault::printable_code), class and documented meaning, how to [reconcile](Error::settling) it, request
/// id, attempts and durations in whole milliseconds, the input to [correct](Error::invalid_request), and those that
/// [also failed](Error::also_failed).
///
/// What does not survive: the causes as values ([`source`](std::error::Error::source), [`decode`](Error::decode),
/// [`verification`](Error::verification), [`missing_consent`](Error::missing_consent)), whose words stand in `Display` instead; and what is
/// never written down because it may be personal: the [response](Error::raw_response), the provider's own
/// [message](Fault::message) and any other code.
///
/// ```
/// use provider_core::{Error, ErrorKind, Outcome, serde_json};
///
/// let error = Error::new(ErrorKind::Timeout, Outcome::Unknown).at("acme", "open-consent");
/// let read: Error = serde_json::from_str(&serde_json::to_string(&error)?)?;
/// assert_eq!(read.to_string(), "acme open-consent: no answer in time; it may have been processed");
/// assert!(read.is_unsettled());
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_versioned(deserializer, Self::JSON_VERSION, Written::error)
    }
}

#[derive(Deserialize)]
struct Written {
    kind: ErrorKind,
    outcome: Outcome,
    provider: Option<String>,
    operation: Option<String>,
    idempotency: Option<Idempotency>,
    status: Option<u16>,
    code: Option<String>,
    class: Option<FaultClass>,
    meaning: Option<String>,
    field: Option<String>,
    rule: Option<String>,
    message: String,
    settling: Option<String>,
    retry_after_ms: Option<u64>,
    request_id: Option<RequestId>,
    #[serde(default)]
    attempts: u32,
    #[serde(default)]
    elapsed_ms: u64,
    #[serde(default)]
    also_failed: Vec<Error>,
}

impl Written {
    fn error(self) -> Result<Error, InvalidRequest> {
        let named = |member, text: Option<String>| match text {
            None => Ok(""),
            Some(text) => read_name(&text).map_err(|error| error.for_field(member)),
        };
        let status = self.status.map(StatusCode::from_u16).transpose();
        let status = status.map_err(|_| InvalidRequest::new("status", "must be an HTTP status"))?;
        let fault = self.class.map(|class| {
            let fault = Fault::new().with_code(self.code).with_class(class);
            fault.with_stored_meaning(self.meaning)
        });
        let invalid = match (self.kind, self.field, self.rule) {
            (ErrorKind::InvalidRequest, Some(field), Some(rule)) => {
                Some(InvalidRequest::new(field, rule))
            }
            _ => None,
        };
        // The others that failed are printed of themselves.
        let mut printed = self.message;
        let others = Error::others_in_line(&self.also_failed);
        if let Some(own) = printed.strip_suffix(&others) {
            printed.truncate(own.len());
        }
        Ok(Error(Box::new(Inner {
            kind: self.kind,
            provider: named("provider", self.provider)?,
            operation: named("operation", self.operation)?,
            outcome: self.outcome,
            idempotency: self.idempotency,
            settling: self.settling.map(Cow::Owned),
            status,
            fault,
            retry_after: self.retry_after_ms.map(Duration::from_millis),
            request_id: self.request_id,
            attempts: self.attempts,
            elapsed: Duration::from_millis(self.elapsed_ms),
            response: None,
            source: invalid.map(|invalid| Arc::new(invalid) as _),
            also_failed: self.also_failed,
            printed: Some(printed),
        })))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use serde_json::{Value, json};

    use super::*;
    use crate::values::MissingConsent;
    use crate::wire::{
        DecodeError, RawResponse, TransportError, TransportErrorKind, VerificationError,
    };

    fn replied(status: u16, fault: Option<Fault>) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        let response = RawResponse::new(status, http::HeaderMap::new(), "CANARY-BODY".into());
        let error = Error::new(ErrorKind::Api, Outcome::Refused).with_response(response);
        error.with_fault(fault)
    }

    /// An error of each form.
    fn errors() -> Vec<Error> {
        let fault = || Fault::new().with_message(Some("CANARY-MESSAGE".to_owned()));
        let meaning = Some("something is switched off");
        let mut errors = vec![
            InvalidRequest::new("pan", "is wrong").into(),
            MissingConsent::new("bank-data", "was withdrawn").into(),
            VerificationError::SignatureMismatch.into(),
            DecodeError::missing_data("$.data.url").into(),
            TransportError::new(TransportErrorKind::TooLarge).into(),
            TransportError::new(TransportErrorKind::Certificate).into(),
            Error::from(TransportError::new(TransportErrorKind::Interrupted).with_source("reset")),
            Error::new(ErrorKind::Timeout, Outcome::Unknown).with_settling(Some("list the orders")),
            Error::new(ErrorKind::Unavailable, Outcome::NotSent)
                .with_retry_after(Some(Duration::from_millis(7_001))),
            replied(
                500,
                Some(
                    fault()
                        .with_meaning(meaning)
                        .with_code(Some("E1".to_owned())),
                ),
            ),
            replied(422, Some(fault().with_code(Some("ramesh".to_owned())))),
            replied(503, None),
        ];
        for class in FaultClass::ALL {
            errors.push(replied(400, Some(Fault::new().with_class(*class))));
        }
        for idempotency in Idempotency::ALL {
            let error = Error::new(ErrorKind::Transport, Outcome::Unknown);
            errors.push(error.with_idempotency(*idempotency));
        }
        let mut all: Vec<_> = errors
            .into_iter()
            .map(|error| {
                error
                    .at("acme", "open")
                    .with_request_id(RequestId::parse("id-1").unwrap())
                    .with_elapsed(Duration::from_millis(42))
            })
            .collect();
        let others = all.split_off(all.len() / 2);
        let both = others[0].clone().with_also_failed(others.clone());
        all.extend(others);
        all.push(both);
        all.push(Error::from(InvalidRequest::new("report", "is wrong")));
        all
    }

    fn again(error: &Error) -> Error {
        serde_json::from_str(&json!(error).to_string()).unwrap()
    }

    #[test]
    fn what_is_written_of_an_error_is_read_back_and_decides_the_same() {
        for error in errors() {
            let read = again(&error);
            // Kind, outcome, code, words, ids, durations and the others that failed.
            assert_eq!(json!(read), json!(error), "{error:?}");
            assert_eq!(json!(again(&read)), json!(error), "read back twice");
            assert_eq!(read.report_line(), error.report_line());
            assert_eq!(read.settling(), error.settling());
            assert_eq!(read.is_unsettled(), error.is_unsettled());
            assert_eq!(read.is_retryable(), error.is_retryable());
            assert_eq!(read.is_to_be_corrected(), error.is_to_be_corrected());
            assert_eq!(read.invalid_request(), error.invalid_request());
            let class = |error: &Error| error.fault().map(Fault::class);
            assert_eq!(class(&read), class(&error));
            for (read, other) in read.also_failed().iter().zip(error.also_failed()) {
                assert_eq!(json!(read), json!(other));
            }
        }
    }

    #[test]
    fn the_causes_are_words_and_what_may_be_personal_is_gone() {
        let error = Error::from(
            TransportError::new(TransportErrorKind::Interrupted).with_source("reset by peer"),
        )
        .at("acme", "open");
        let read = again(&error);
        assert!(read.source().is_none());
        assert_eq!(read.to_string(), error.report_line());
        assert_eq!(read.report(), error.report_line(), "each cause once");
        for error in errors() {
            let read = again(&error);
            assert!(read.raw_response().is_none());
            assert!(read.fault().is_none_or(|fault| fault.message().is_none()));
            let text = format!("{} {read:?} {read:#?} {}", json!(error), read.report());
            for hidden in ["CANARY", "ramesh"] {
                assert!(!text.contains(hidden), "{text}");
            }
        }
    }

    #[test]
    fn a_newer_version_is_refused_first_and_unknown_members_are_ignored() {
        let whole = json!(errors()[7]);
        let with = |member: &str, value: Value| {
            let mut changed = whole.clone();
            changed[member] = value;
            serde_json::from_value::<Error>(changed).map_err(|error| error.to_string())
        };
        assert_eq!(json!(with("later", json!({"CANARY": 1})).unwrap()), whole);
        let newer = "version: must be at most 1: a newer program wrote it, and has to read it";
        assert_eq!(with("version", json!(2)).unwrap_err(), newer);
        for (member, value, rule) in [
            (
                "version",
                Value::Null,
                "version: must be there, and be 1 or more",
            ),
            (
                "version",
                json!("CANARY"),
                "version: must be there, and be 1 or more",
            ),
            ("status", json!(7), "status: must be an HTTP status"),
            ("request_id", json!("CANARY\n"), "request_id: "),
            (
                "provider",
                json!("CANARY\n"),
                "provider: must not contain invisible characters",
            ),
            (
                "kind",
                json!("CANARY"),
                "kind: must be one of: invalid_request, ",
            ),
        ] {
            let error = with(member, value).unwrap_err();
            assert!(error.starts_with(rule), "{error}");
            assert!(!error.contains("CANARY"), "{error}");
        }
        let both = Error::new(ErrorKind::Api, Outcome::Refused).with_also_failed(errors());
        let mut below = json!(both);
        below["also_failed"][0]["kind"] = json!("CANARY");
        let error = serde_json::from_value::<Error>(below)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("also_failed[0]: kind: must be one of"),
            "{error}"
        );
        assert!(serde_json::from_str::<Error>("[]").is_err());
    }
}
