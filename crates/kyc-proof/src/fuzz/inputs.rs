//! What a caller or a configuration hands in as text.

use std::fmt::Debug;

use consent_hmac::SharedSecret;
use finpro_profile::{AaId, UserConsentId};
use provider_core::capability::AggregatorId;
use provider_core::{Email, InvalidRequest, Mobile, Pan, PathId, RequestId};

use crate::parts::Parts;

/// Which kind, and the text.
pub(crate) fn run(input: &[u8]) {
    let mut parts = Parts::of(input);
    let kind = parts.byte();
    let Ok(text) = std::str::from_utf8(parts.rest()) else {
        return;
    };
    match kind % 12 {
        0 => {
            let mobile = taken(text, Mobile::parse, Mobile::expose);
            assert_eq!(
                mobile.is_some(),
                text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit())
            );
            masked(&mobile, text);
        }
        1 => masked(&taken(text, Pan::parse, Pan::expose), text),
        2 => {
            let email = taken(text, Email::parse, Email::expose);
            assert!(email.is_none() || text.bytes().filter(|byte| *byte == b'@').count() == 1);
            masked(&email, text);
        }
        3 => {
            let id = taken(text, |text| PathId::parse("id", text), PathId::as_str);
            assert_eq!(id.is_some(), is_path_id(text));
        }
        4 => {
            let session = consent_hmac::SessionId::parse;
            let id = taken(text, session, consent_hmac::SessionId::as_str);
            assert_eq!(id.is_some(), is_path_id(text));
        }
        5 => {
            let id = taken(text, RequestId::parse, RequestId::as_str);
            assert_eq!(id.is_some(), is_path_id(text));
        }
        6 => {
            let id = taken(text, AaId::parse, AaId::as_str);
            assert!(id.is_none() || text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        7 => {
            let id = taken(text, UserConsentId::parse, UserConsentId::as_str);
            assert_eq!(id.is_some(), (1..=100).contains(&text.chars().count()));
        }
        8 => {
            let parse = |text: &str| AggregatorId::parse(text);
            let id = taken(text, parse, AggregatorId::as_str);
            assert_eq!(id.is_some(), !text.is_empty());
        }
        9 => {
            let kind = finpass::ConsentType::from(text);
            assert_eq!(kind.as_str(), text);
            let known = finpass::ConsentType::KNOWN.contains(&text);
            assert_eq!(format!("{kind:?}") == "Unknown(…)", !known);
            let written = serde_json::to_vec(&kind).unwrap();
            assert_eq!(
                serde_json::from_slice::<finpass::ConsentType>(&written).unwrap(),
                kind
            );
        }
        10 => secret(text, |text| {
            finpass::ApiKey::new(text).map(|key| {
                let header = key.header_value();
                assert!(header.is_sensitive());
                assert_eq!(header.as_bytes(), text.as_bytes());
                format!("{key:?} {header:?}")
            })
        }),
        _ => secret(text, |text| {
            SharedSecret::new(text).map(|secret| format!("{secret:?}"))
        }),
    }
}

/// The value of a text, which must be the text, or nothing. The words of a refusal must not depend on the text.
fn taken<T: Debug + PartialEq>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, InvalidRequest>,
    expose: impl Fn(&T) -> &str,
) -> Option<T> {
    match parse(text) {
        Ok(value) => {
            assert_eq!(expose(&value), text);
            assert_eq!(parse(expose(&value)).unwrap(), value);
            Some(value)
        }
        Err(error) => {
            // The empty text is refused by all of them.
            assert_eq!(error, parse("").unwrap_err());
            None
        }
    }
}

/// Whether `Debug` hides the text but for the last two characters.
fn masked<T: Debug>(value: &Option<T>, text: &str) {
    if let Some(value) = value {
        let shown = format!("{value:?}");
        let (name, hidden) = shown.split_once('(').unwrap();
        let hidden = hidden.strip_suffix(')').unwrap();
        assert!(["Mobile", "Pan", "Email"].contains(&name));
        assert!(hidden == "***" || hidden == format!("********{}", &text[8..]));
    }
}

fn is_path_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

/// A credential prints its name alone, and a refusal says the same about all texts that break the same rule.
fn secret(text: &str, take: impl Fn(&str) -> Result<String, InvalidRequest>) {
    match take(text) {
        Ok(shown) => assert!(["ApiKey(***) Sensitive", "SharedSecret(***)"].contains(&&*shown)),
        Err(error) => {
            let with_another = ["", " ", "a ", "a\n", "\u{7f}", "é", "a\u{0}b"];
            let known = with_another
                .into_iter()
                .any(|other| take(other).is_err_and(|other| other == error));
            assert!(known, "{error}");
        }
    }
}
