//! Veriff's signature: its digits, and the headers it comes in.

use consent_hmac::{SharedSecret, Signature, Signer, Veriff};
use kyc_proof::companies::{Company, SANDBOX};
use provider_core::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use provider_core::jiff::Timestamp;
use provider_core::{Authenticity, BaseUrl, Provider, RawResponse, VerificationError};

use crate::parts::Parts;

pub(crate) fn hex(input: &[u8]) {
    let expected = input.len() == 64 && input.iter().all(u8::is_ascii_hexdigit);
    match Signature::from_hex(input) {
        Ok(signature) => {
            assert!(expected);
            let written = signature.to_string();
            assert_eq!(written.as_bytes(), input.to_ascii_lowercase());
            let again = Signature::from_hex(&written).unwrap();
            assert_eq!(again.to_string(), written);
        }
        Err(error) => {
            assert!(!expected);
            assert_eq!(error, VerificationError::MalformedSignature);
        }
    }
}

/// A secret that is being replaced, and the end of its time.
const OLD_SECRET: &str = "00000000-dead-4000-8000-000000000000";
const UNTIL: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Whether one header is as it must be.
#[derive(Clone, Copy, PartialEq)]
enum Header {
    Absent,
    Right,
    Wrong,
}

/// Switches, a choice for each header, four texts for those that are to hold one, and the body.
pub(crate) fn headers(input: &[u8]) {
    let mut parts = Parts::of(input);
    let switches = parts.byte();
    let (accept_unsigned, rotating, late) =
        (switches & 1 != 0, switches & 2 != 0, switches & 4 != 0);
    let choices = [parts.byte(), parts.byte(), parts.byte(), parts.byte()];
    let texts = [parts.bytes(), parts.bytes(), parts.bytes(), parts.bytes()];
    let body = parts.rest();

    let now = if late { UNTIL } else { Timestamp::UNIX_EPOCH };
    let old_counts = rotating && !late;
    let base_url = BaseUrl::of_static_host("veriff.example.test");
    let mut provider = Veriff::account(base_url, &SANDBOX).unwrap();
    let [api_key, shared_secret] = SANDBOX.veriff;
    if rotating {
        let secret = SharedSecret::new(OLD_SECRET).unwrap();
        provider = provider.or_verify_until(&secret, UNTIL);
    }
    if accept_unsigned {
        provider = provider.accept_unsigned_replies();
    }

    let mut headers = HeaderMap::new();
    let mut clients = [Header::Absent; 2];
    for (at, name) in ["x-auth-client", "vrf-auth-client"].into_iter().enumerate() {
        let right = api_key.to_owned();
        let value = match choices[at] % 5 {
            0 => None,
            1 | 2 => Some(right.clone().into_bytes()),
            3 => Some(right.to_ascii_uppercase().into_bytes()),
            _ => Some(texts[at].to_vec()),
        };
        let repeated = choices[at] % 5 == 2;
        clients[at] = put(&mut headers, name, value, repeated, |value| {
            value.eq_ignore_ascii_case(right.as_bytes())
        });
    }

    let signed_by = |secret: &str, bytes: &[u8]| {
        let secret = SharedSecret::new(secret).unwrap();
        Signer::new(&secret).sign(bytes).to_string()
    };
    let current = signed_by(shared_secret, body);
    let old = signed_by(OLD_SECRET, body);
    let other_body = signed_by(shared_secret, &[body, b" "].concat());
    let mut signatures = [Header::Absent; 2];
    let mut values = [None, None];
    for (at, name) in ["x-hmac-signature", "vrf-hmac-signature"]
        .into_iter()
        .enumerate()
    {
        let choice = choices[at + 2] % 8;
        let value = match choice {
            0 => None,
            1 | 2 => Some(current.clone().into_bytes()),
            3 => Some(current.to_ascii_uppercase().into_bytes()),
            4 => Some(old.clone().into_bytes()),
            5 => Some(other_body.clone().into_bytes()),
            6 => Some(current.as_bytes()[..62].to_vec()),
            _ => Some(texts[at + 2].to_vec()),
        };
        values[at].clone_from(&value);
        signatures[at] = put(&mut headers, name, value, choice == 2, |value| {
            value.eq_ignore_ascii_case(current.as_bytes())
                || (old_counts && value.eq_ignore_ascii_case(old.as_bytes()))
        });
    }

    let response = RawResponse::new(StatusCode::OK, headers, body.to_vec().into());
    let verdict = provider.verify(&response, now);
    let agree = match (&values[0], &values[1]) {
        (Some(one), Some(other)) if signatures == [Header::Right; 2] => {
            one.eq_ignore_ascii_case(other)
        }
        _ => true,
    };
    let wrong = clients.contains(&Header::Wrong) || signatures.contains(&Header::Wrong) || !agree;
    let unsigned = signatures == [Header::Absent; 2];
    match verdict {
        Ok(Authenticity::Signed) => assert!(!wrong && !unsigned),
        Ok(Authenticity::Unsigned) => assert!(!wrong && unsigned && accept_unsigned),
        Err(_) => assert!(wrong || (unsigned && !accept_unsigned)),
    }
}

/// Adds a header, once or twice, and tells what to think of it. What no header can hold is not sent.
fn put(
    headers: &mut HeaderMap,
    name: &'static str,
    value: Option<Vec<u8>>,
    repeated: bool,
    right: impl Fn(&[u8]) -> bool,
) -> Header {
    let Some(Ok(header)) = value.map(|value| HeaderValue::from_bytes(&value)) else {
        return Header::Absent;
    };
    let name = HeaderName::from_static(name);
    headers.append(&name, header.clone());
    if repeated {
        headers.append(&name, header);
        return Header::Wrong;
    }
    let value = headers.get(&name).unwrap();
    if right(value.as_bytes()) {
        Header::Right
    } else {
        Header::Wrong
    }
}

#[cfg(all(test, not(fuzzing)))]
mod tests {
    use super::headers;

    #[test]
    fn every_combination_of_headers_is_judged_right() {
        for switches in 0..8 {
            for clients in 0..25 {
                for signatures in 0..64 {
                    let choices = [
                        switches,
                        clients / 5,
                        clients % 5,
                        signatures / 8,
                        signatures % 8,
                    ];
                    let texts = b"made-up\xffmade-up\xffmade-up\xffmade-up\xff{}";
                    headers(&[&choices, &texts[..]].concat());
                }
            }
        }
    }
}
