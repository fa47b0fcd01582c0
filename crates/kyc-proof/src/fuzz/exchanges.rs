//! Any operation of the catalogue: the bytes of its replies, and its requests as JSON.

use std::sync::LazyLock;

use kyc_proof::catalogue::{Exchange, Subject, operations, refusal_response};
use kyc_proof::checks::request_is_sent_as_taken;
use kyc_proof::companies::SANDBOX;
use provider_core::http::{HeaderName, HeaderValue, StatusCode};
use provider_core::{
    DecodeErrorCategory, Error, ErrorKind, FaultClass, Outcome, RawResponse, input_from_json,
};
use serde_json::Value;

use crate::canary;
use crate::parts::Parts;

static OPERATIONS: LazyLock<Vec<(Subject, Exchange)>> = LazyLock::new(|| {
    let operations = operations().into_iter();
    operations
        .map(|subject| {
            let exchange = subject.exchange();
            (subject, exchange)
        })
        .collect()
});

fn chosen(parts: &mut Parts<'_>) -> &'static (Subject, Exchange) {
    &OPERATIONS[usize::from(parts.byte()) % OPERATIONS.len()]
}

const STATUSES: [u16; 16] = [
    400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504, 599, 302, 307, 100,
];

/// The operation, the status or none for a success, a header, and the body.
pub(crate) fn reply(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (subject, exchange) = chosen(&mut parts);
    let status = STATUSES.get(usize::from(parts.byte())).copied();
    let (name, value) = (parts.bytes(), parts.bytes());
    let rest = parts.rest();
    let body = canary::plant(rest);
    let respond = |status: u16, body: Vec<u8>| {
        let reply = subject.reply(&SANDBOX, status, body);
        let mut headers = reply.headers().clone();
        let header = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value));
        // What vouches for the body stays.
        if let (Ok(name), Ok(value)) = header
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
        RawResponse::new(reply.status(), headers, reply.body().clone())
    };
    let answer =
        |status, body| subject.answer(&SANDBOX, exchange.input.clone(), respond(status, body));
    if let Some(status) = status {
        let error = answer(status, body).unwrap_err();
        assert_is_refusal(&error, &answer(status, Vec::new()).unwrap_err());
        assert_eq!(error.status(), StatusCode::from_u16(status).ok());
        return canary::assert_unprinted(input, &error);
    }
    match answer(exchange.status, body.clone()) {
        // `Value` has no repeated members: an item that is not read because of one would be read the second time.
        Ok(response) if input_from_json(&body).is_ok() => {
            let value = response.into_value();
            let written = value.to_string().into_bytes();
            let again = answer(exchange.status, written).unwrap();
            assert_eq!(*again.value(), value);
            // A field that is skipped may be what no `Value` can hold: nesting past the limit, a number out of range.
            if let Ok(sent) = serde_json::from_slice::<Value>(&body) {
                assert!(is_part_of(&value, &sent), "{value} is no part of {sent}");
            }
        }
        Ok(_) => {}
        Err(error) => {
            assert_is_no_value(&error);
            canary::assert_unprinted(input, &error);
        }
    }
}

/// Words that nobody vouches for explain; they never say that nothing was done.
fn assert_is_refusal(error: &Error, silent: &Error) {
    assert_eq!(error.outcome(), silent.outcome());
    let fault = error.fault().map(|fault| fault.class());
    let expected = match silent.kind() {
        ErrorKind::Api if fault == Some(FaultClass::Credentials) => ErrorKind::Credentials,
        kind => kind,
    };
    assert_eq!(error.kind(), expected);
}

/// Whether the one says nothing that the other does not say. `null` and nothing are the same, and so are a number and its
/// text, where either is taken.
fn is_part_of(kept: &Value, sent: &Value) -> bool {
    match (kept, sent) {
        (Value::Object(kept), Value::Object(sent)) => kept.iter().all(|(key, kept)| {
            let part = |sent| is_part_of(kept, sent);
            sent.get(key).map_or(kept.is_null(), part)
        }),
        (Value::Array(kept), Value::Array(sent)) => {
            kept.len() == sent.len()
                && kept
                    .iter()
                    .zip(sent)
                    .all(|(kept, sent)| is_part_of(kept, sent))
        }
        (Value::Null, _) => true,
        _ => {
            kept == sent
                || plain(kept) == plain(sent)
                || number(kept).is_some() && number(kept) == number(sent)
        }
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn number(value: &Value) -> Option<f64> {
    plain(value).trim().parse().ok()
}

/// What may be wrong with a 2xx, and its outcome.
fn assert_is_no_value(error: &Error) {
    match error.kind() {
        ErrorKind::Decode => {
            let decode = error.decode().unwrap();
            assert_eq!(error.outcome(), Outcome::Done);
            assert!(decode.path().starts_with('$'));
            let without_place = decode.category() == DecodeErrorCategory::MissingData;
            assert_eq!(decode.line() == 0, without_place, "{error:?}");
        }
        ErrorKind::Credentials => assert_eq!(error.outcome(), Outcome::Refused),
        ErrorKind::Api => {
            assert!(error.fault().is_some());
            assert!(matches!(
                error.outcome(),
                Outcome::Refused | Outcome::Unknown
            ));
        }
        ErrorKind::Verification => assert_eq!(error.outcome(), Outcome::Unknown),
        other => panic!("{other:?} for a 2xx"),
    }
    assert_eq!(error.attempts(), 1);
}

/// The operation, and its request as JSON text.
pub(crate) fn request(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (subject, _) = chosen(&mut parts);
    let json = canary::plant(parts.rest());
    match input_from_json(&json) {
        Ok(request) => request_is_sent_as_taken(subject, &request).unwrap(),
        Err(error) => canary::assert_absent(&format!("{error} {error:?}")),
    }
    if let Ok(request) = input_from_json(&json) {
        let (client, _) = subject.scripted(&SANDBOX, [refusal_response()]);
        if let Err(error) = client.check(request) {
            canary::assert_unprinted(input, &error);
        }
    }
}
