//! Veriff: recording a consent, with signed bodies both ways.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

use crate::exchange::{self, Desk, Heard, Reply, Sent, reason};
use crate::json::Json;
use crate::ledger::Provider;
use crate::sandbox::Shared;
use crate::settings::{
    ConsentReplyBody, EmptyText, ErrorSigning, ExtraFields, Failure, KeyOrder, MalformedSession,
    ReplySigning, SESSION_BREAKS, SESSION_NOT_FOUND, SessionPolicy, UpperCaseSignature,
    VeriffSettings,
};

/// Names a client that is not the caller's, for [`ReplySigning::ForeignClient`].
const FOREIGN_CLIENT: &str = "00000000-0000-4000-8000-0000000000ff";
/// Names a session that is not the caller's, for [`ConsentReplyBody::AnotherSession`].
const ANOTHER_SESSION: &str = "00000000-0000-4000-8000-00000000a0a0";

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    exchange::router::<Veriff>(shared)
}

struct Veriff;

impl Desk for Veriff {
    const PROVIDER: Provider = Provider::Veriff;
    const OPERATION: &'static str = "session_consents";
    const PATH: &'static str = "/v1/sessions/{id}/consents";

    async fn answer(shared: &Shared, heard: &Heard) -> Reply {
        let settings = shared.settings.veriff();
        if let Err((code, message)) = identified(settings, heard) {
            return error(settings, *settings.auth_status(), code, message);
        }
        // The body is checked before the session: nothing in the documentation orders the two.
        let Some(consent) = parse(settings, heard) else {
            return error(
                settings,
                400,
                settings.validation_code(),
                "Validation failed",
            );
        };
        match session(settings, &heard.path) {
            Session::Known(text, session) => record(shared, text, session, consent),
            Session::Unknown => Self::plain_error(shared, 404),
            Session::Malformed => match settings.malformed_session() {
                MalformedSession::NotFound => Self::plain_error(shared, 404),
                MalformedSession::ValidationFailed => Self::plain_error(shared, 400),
            },
            Session::Breaks => Self::plain_error(shared, 500),
        }
    }

    fn plain_error(shared: &Shared, status: u16) -> Reply {
        let settings = shared.settings.veriff();
        let (code, message) = match status {
            400 => (settings.validation_code().as_str(), "Validation failed"),
            401 => (settings.missing_client_code().as_str(), MISSING_CLIENT),
            404 => ("1101", "Resource not found"),
            500 => ("1101", "Something went wrong"),
            other => ("1101", reason(other)),
        };
        error(settings, status, code, message)
    }

    fn failure(shared: &Shared) -> Option<&Failure> {
        shared.settings.veriff().failure().as_ref()
    }

    fn reply_delay(shared: &Shared) -> Duration {
        *shared.settings.veriff().reply_delay()
    }
}

const MISSING_CLIENT: &str =
    "Mandatory X-AUTH-CLIENT header containing the API key is missing from the request.";

/// Checks who sent the request, over the bytes as they came in.
fn identified<'s>(
    settings: &'s VeriffSettings,
    heard: &Heard,
) -> Result<(), (&'s str, &'static str)> {
    let client = match heard.header("x-auth-client") {
        Sent::Once(client) if !client.is_empty() => client,
        Sent::Once(_) | Sent::Missing => {
            return Err((settings.missing_client_code(), MISSING_CLIENT));
        }
        Sent::Repeated(_) => return Err(("1815", "The x-auth-client header was sent twice.")),
    };
    if uuid(client).is_none() {
        return Err(("1802", "The API key is not a UUID."));
    }
    if client != settings.api_key().as_bytes() {
        return Err(("1803", "No integration has this API key."));
    }
    let signature = match heard.header("x-hmac-signature") {
        Sent::Once(signature) if !signature.is_empty() => signature,
        Sent::Once(_) | Sent::Missing | Sent::Repeated(_) => {
            return Err((
                settings.missing_signature_code(),
                "The request needs one x-hmac-signature header.",
            ));
        }
    };
    let upper = signature.iter().any(u8::is_ascii_uppercase);
    let mut expected = [0_u8; 32];
    let malformed = hex::decode_to_slice(signature, &mut expected).is_err()
        || (upper && *settings.upper_case_signature() == UpperCaseSignature::Refused);
    if malformed {
        return Err((
            settings.malformed_signature_code(),
            "The x-hmac-signature header is not 64 hexadecimal digits.",
        ));
    }
    if settings
        .secrets()
        .iter()
        .any(|secret| verifies(secret, &heard.body, &expected))
    {
        Ok(())
    } else {
        Err((
            "1819",
            "The x-hmac-signature header does not match the request body.",
        ))
    }
}

fn verifies(secret: &str, message: &[u8], signature: &[u8]) -> bool {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .is_ok_and(|mac| mac.chain_update(message).verify_slice(signature).is_ok())
}

fn sign(secret: &str, message: &[u8]) -> String {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| hex::encode(mac.chain_update(message).finalize().into_bytes()))
        .unwrap_or_default()
}

struct Consent {
    kind: &'static str,
    approved: bool,
}

fn parse(settings: &VeriffSettings, heard: &Heard) -> Option<Consent> {
    if !heard.content_type_accepted(*settings.content_type()) {
        return None;
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&heard.body) else {
        return None;
    };
    let kind = match body.get("type")?.as_str()? {
        "ine" => "ine",
        "bipa" => "bipa",
        "aadhaar" => "aadhaar",
        _ => return None,
    };
    let approved = body.get("approved")?.as_bool()?;
    let text = body.get("text")?.as_str()?;
    if text.trim().is_empty() && *settings.empty_text() == EmptyText::Refused {
        return None;
    }
    if body.len() > 3 && *settings.extra_fields() == ExtraFields::Refused {
        return None;
    }
    Some(Consent { kind, approved })
}

enum Session<'p> {
    Known(&'p str, Uuid),
    Unknown,
    Malformed,
    Breaks,
}

fn session<'p>(settings: &VeriffSettings, path: &'p str) -> Session<'p> {
    // The route has matched, so the id is the third part. A UUID never needs percent-encoding.
    let text = path.split('/').nth(3).unwrap_or_default();
    let Some(session) = uuid(text.as_bytes()) else {
        return Session::Malformed;
    };
    let is = |listed: &str| Uuid::try_parse(listed) == Ok(session);
    if is(SESSION_BREAKS) {
        return Session::Breaks;
    }
    let known = !is(SESSION_NOT_FOUND)
        && match settings.sessions() {
            SessionPolicy::AnyUuid => true,
            SessionPolicy::Listed(sessions) => sessions.iter().any(|listed| is(listed)),
        };
    if known {
        Session::Known(text, session)
    } else {
        Session::Unknown
    }
}

/// A UUID in its usual form with hyphens; the crate reads others too.
fn uuid(text: &[u8]) -> Option<Uuid> {
    (text.len() == 36)
        .then(|| Uuid::try_parse_ascii(text).ok())
        .flatten()
}

fn record(shared: &Shared, session_text: &str, session: Uuid, consent: Consent) -> Reply {
    let settings = shared.settings.veriff();
    let id = shared.ids.uuid().to_string();
    shared
        .consents
        .record(session, id.clone(), consent.kind, consent.approved);

    let mut fields: Vec<(&'static str, Json)> = Vec::with_capacity(5);
    let body = *settings.reply_body();
    if body != ConsentReplyBody::IdMissing {
        fields.push(("id", id.as_str().into()));
    }
    fields.push(("context", "consent".into()));
    let named = if body == ConsentReplyBody::AnotherSession {
        ANOTHER_SESSION
    } else {
        session_text
    };
    fields.push(("sessionId", named.into()));
    if body == ConsentReplyBody::ExtraFields {
        fields.push(("status", "success".into()));
        fields.push((
            "extra",
            Json::Object(vec![("nested", Json::List(vec![1_u16.into()]))]),
        ));
    }
    if *settings.key_order() == KeyOrder::Varied {
        let turn = shared.turns.fetch_add(1, Ordering::Relaxed);
        let places = u64::try_from(fields.len()).unwrap_or(1);
        // The first reply already differs from the documented order.
        let turned = turn.wrapping_add(1).checked_rem(places).unwrap_or(0);
        fields.rotate_left(usize::try_from(turned).unwrap_or(0));
    }
    signed(settings, 200, &Json::Object(fields)).with_effect(id)
}

fn signed(settings: &VeriffSettings, status: u16, body: &Json) -> Reply {
    let compact = body.to_compact();
    let current = settings.secrets().first().map_or("", String::as_str);
    let signature = sign(current, compact.as_bytes());
    let old = || sign(settings.old_secret(), compact.as_bytes());
    let ours = settings.api_key().as_str();

    let mut sent = compact.clone();
    let (x, vrf) = match settings.reply_signing() {
        ReplySigning::BothPairs => (Some((ours, signature.clone())), Some((ours, signature))),
        ReplySigning::XPairOnly => (Some((ours, signature)), None),
        ReplySigning::VrfPairOnly => (None, Some((ours, signature))),
        ReplySigning::DifferingPairs => (Some((ours, signature)), Some((ours, old()))),
        ReplySigning::Unsigned => (None, None),
        ReplySigning::UpperCaseHex => {
            let upper = signature.to_ascii_uppercase();
            (Some((ours, upper.clone())), Some((ours, upper)))
        }
        ReplySigning::OldSecret => (Some((ours, old())), Some((ours, old()))),
        ReplySigning::ReserialisedAfterSigning => {
            sent = body.to_spaced();
            (Some((ours, signature.clone())), Some((ours, signature)))
        }
        ReplySigning::ForeignClient => (
            Some((FOREIGN_CLIENT, signature.clone())),
            Some((FOREIGN_CLIENT, signature)),
        ),
    };
    let mut reply = Reply::text(status, "application/json", sent);
    if let Some((client, signature)) = x {
        reply = reply
            .with_header("x-auth-client", client)
            .with_header("x-hmac-signature", &signature);
    }
    if let Some((client, signature)) = vrf {
        reply = reply
            .with_header("vrf-auth-client", client)
            .with_header("vrf-hmac-signature", &signature);
    }
    reply
}

fn error(settings: &VeriffSettings, status: u16, code: &str, message: &str) -> Reply {
    let number = |text: &str| {
        text.parse::<i64>()
            .map_or_else(|_| text.into(), Json::Number)
    };
    let body = Json::Object(vec![
        (
            "status",
            if *settings.numeric_status() {
                status.into()
            } else {
                "fail".into()
            },
        ),
        (
            "code",
            if *settings.numeric_code() {
                number(code)
            } else {
                code.into()
            },
        ),
        ("message", message.into()),
    ]);
    match settings.error_signing() {
        ErrorSigning::Unsigned => Reply::json(status, &body),
        ErrorSigning::Signed => signed(settings, status, &body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = crate::credentials::VERIFF_SHARED_SECRET;
    const D: &str =
        r#"{"type":"ine","approved":true,"text":"User agrees to share their INE details"}"#;
    const F: &str = r#"{"id":"123e4567-e89b-12d3-a456-426614174000","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;

    #[test]
    fn check_values_come_out() {
        assert_eq!(
            sign(SECRET, D.as_bytes()),
            "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4"
        );
        assert_eq!(
            sign(SECRET, F.as_bytes()),
            "d1f79874eb0cc174f45c8b8e240a9797ec90a18298ae5828f8d8daac5b66eb92"
        );
        assert_eq!(
            sign(SECRET, b""),
            "4005304bae46f8a0c2b1fbd7088f9dded39dc1040be754dede2bf198ab44b7c8"
        );
        assert_eq!(
            sign(SECRET, b"aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7"),
            "895cb3fd31139d89aeb7b263682e15479ab57651e70591256ad2c14fde4950dd"
        );
        assert_eq!(
            sign("Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn spaces_and_other_keys_do_not_verify() {
        let d = hex::decode("8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4")
            .unwrap();
        assert!(verifies(SECRET, D.as_bytes(), &d));
        assert!(!verifies("another", D.as_bytes(), &d));
        assert!(!verifies(SECRET, D.replace(':', ": ").as_bytes(), &d));
        assert!(!verifies(SECRET, D.as_bytes(), &d[..31]));
        assert!(!verifies(SECRET, D.as_bytes(), &[]));
    }

    #[test]
    fn only_the_hyphenated_form_is_a_uuid() {
        assert!(uuid(b"d69a07cf-4434-4d36-be6c-d22af7dc01fb").is_some());
        assert!(uuid(b"d69a07cf44344d36be6cd22af7dc01fb").is_none());
        assert!(uuid(b"{d69a07cf-4434-4d36-be6c-d22af7dc01fb}").is_none());
        assert!(uuid(b"").is_none());
    }
}
