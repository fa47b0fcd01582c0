//! Collected Data: what a fingerprinting service found out about the person's device.
//!
//! What is mandatory is documented; the codes of what is missing or too long, and of a session that is handed in, are not.

use serde_json::Value;

use super::Veriff;
use crate::exchange::{ProviderApi, ReceivedRequest, Reply};

pub(super) fn handle(veriff: &Veriff, request: &ReceivedRequest) -> Reply {
    let Ok(body) = request.json_object(*veriff.settings.content_type()) else {
        return veriff.error(400);
    };
    let body = Value::Object(body);
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let addresses = [text("/network/ip/addressV4"), text("/network/ip/addressV6")];
    let (Some(provider), Some(fingerprint), true) = (
        text("/providerName"),
        text("/device/fingerprint"),
        addresses.iter().any(Option::is_some),
    ) else {
        return veriff.refusal(400, "1102", "Mandatory parameters are missing");
    };
    let short = |text: &str| (1..=255).contains(&text.chars().count());
    let [v4, v6] = addresses;
    let valid = short(provider)
        && short(fingerprint)
        && v4.is_none_or(|text| text.parse::<std::net::Ipv4Addr>().is_ok())
        && v6.is_none_or(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
    if !valid {
        return veriff.refusal(400, "1104", "Parameters are invalid");
    }
    let (text, session) = match veriff.session(request) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let found = veriff.find(session);
    let number = found.verification.number();
    if !found.verification.is_open() {
        return veriff.refusal(400, "1304", "The transition to this status is not allowed");
    }
    veriff
        .success(vec![
            ("status", "success".into()),
            ("sessionId", text.into()),
            (
                "attemptId",
                Veriff::attempt(session, number).to_string().into(),
            ),
        ])
        .with_effect(text.to_owned())
        .of_journey(found.journey)
}
