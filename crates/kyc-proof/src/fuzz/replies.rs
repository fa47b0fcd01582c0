//! What a provider says when it says yes.

use std::fmt::Debug;

use consent_hmac::{SharedSecret, Signer};
use kyc_proof::made_up;
use kyc_proof::scripted::{answer, reply};
use provider_core::http::{HeaderMap, HeaderValue, StatusCode};
use provider_core::{DecodeErrorCategory, Endpoint, Error, ErrorKind, Outcome, RawResponse};
use serde::Serialize;
use serde_json::Value;

use crate::canary;

pub(crate) fn finpass(input: &[u8]) {
    decodes(made_up::finpass, made_up::initialize, unsigned, input);
}

pub(crate) fn finpro(input: &[u8]) {
    decodes(made_up::finpro, made_up::check_profile, unsigned, input);
}

pub(crate) fn veriff(input: &[u8]) {
    decodes(made_up::veriff, made_up::record_consent, signed, input);
}

pub(crate) fn deepvue(input: &[u8]) {
    decodes(made_up::deepvue, made_up::initiate_session, unsigned, input);
}

fn unsigned(body: &[u8]) -> RawResponse {
    reply(StatusCode::OK, body)
}

/// The body with the headers by which Veriff vouches for it.
pub(crate) fn signed(body: &[u8]) -> RawResponse {
    let secret = SharedSecret::new(made_up::VERIFF_SECRET).unwrap();
    let signature = Signer::new(&secret).sign(body).to_string();
    let mut headers = HeaderMap::new();
    headers.insert(
        "x-auth-client",
        HeaderValue::from_static(made_up::VERIFF_API_KEY),
    );
    headers.insert(
        "x-hmac-signature",
        HeaderValue::from_str(&signature).unwrap(),
    );
    RawResponse::new(StatusCode::OK, headers, body.to_vec().into())
}

fn decodes<E>(
    provider: impl Fn() -> E::Provider,
    endpoint: impl Fn() -> E,
    reply: impl Fn(&[u8]) -> RawResponse,
    input: &[u8],
) where
    E: Endpoint,
    E::Output: Serialize + PartialEq + Debug,
{
    let body = canary::plant(input);
    match answer(provider(), endpoint(), reply(&body)) {
        Ok(response) => {
            let value = response.into_value();
            let written = serde_json::to_vec(&value).unwrap();
            let again = answer(provider(), endpoint(), reply(&written)).unwrap();
            assert_eq!(*again.value(), value);
            // A field that is skipped may be what no `Value` can hold: nesting past the limit, a number out of range.
            if let Ok(sent) = serde_json::from_slice::<Value>(&body) {
                let kept: Value = serde_json::from_slice(&written).unwrap();
                assert!(is_part_of(&kept, &sent), "{kept} is no part of {sent}");
            }
        }
        Err(error) => {
            assert_is_no_value(&error);
            canary::assert_unprinted(input, &error);
        }
    }
}

/// Whether the one says nothing that the other does not say. `null` and nothing are the same.
pub(crate) fn is_part_of(kept: &Value, sent: &Value) -> bool {
    match (kept, sent) {
        (Value::Object(kept), Value::Object(sent)) => kept.iter().all(|(key, kept)| {
            sent.get(key)
                .map_or(kept.is_null(), |sent| is_part_of(kept, sent))
        }),
        (Value::Array(kept), Value::Array(sent)) => {
            kept.len() == sent.len()
                && kept
                    .iter()
                    .zip(sent)
                    .all(|(kept, sent)| is_part_of(kept, sent))
        }
        _ => kept == sent,
    }
}

/// What may be wrong with a 2xx, and what has become of the request then.
pub(crate) fn assert_is_no_value(error: &Error) {
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
