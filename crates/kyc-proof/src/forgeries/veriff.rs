//! Veriff's side of an exchange, by an HMAC of its own: nothing here is signed by the crate that is under proof.

use std::sync::Arc;

use anyhow::Result;
use consent_hmac::{
    ConsentAnswer, ConsentClient, ConsentType, RecordConsent, SessionId, SharedSecret, Veriff,
};
use hmac::{Hmac, KeyInit, Mac};
use kyc_proof::companies::{SANDBOX, settings};
use kyc_sandbox::credentials;
use provider_core::bytes::Bytes;
use provider_core::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use provider_core::jiff::Timestamp;
use provider_core::testing::{FixedClock, ScriptedTransport, Step};
use provider_core::{Provider, RawResponse};
use sha2::Sha256;

use super::{Called, Verdict};

pub(super) const API_KEY: &str = credentials::VERIFF_API_KEY;
pub(super) const OTHER_CLIENT: &str = "11111111-2222-4333-8444-555555555555";
pub(super) const SECRET: &str = credentials::VERIFF_SHARED_SECRET;
pub(super) const OTHER_SECRET: &str = "00000000-dead-4000-8000-000000000000";
pub(super) const SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";

/// A genuine reply to [`call`].
pub(super) const REPLY: &str = r#"{"id":"123e4567-e89b-12d3-a456-426614174000","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;

pub(crate) const X_CLIENT: &str = "x-auth-client";
pub(super) const VRF_CLIENT: &str = "vrf-auth-client";
pub(crate) const X: &str = "x-hmac-signature";
pub(super) const VRF: &str = "vrf-hmac-signature";

/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Header lines in order, names repeated at will.
pub(super) type Headers = Vec<(&'static str, Vec<u8>)>;

/// The signature as Veriff writes it.
pub(super) fn sign(secret: impl AsRef<[u8]>, body: &[u8]) -> String {
    hex::encode(mac(secret, body))
}

pub(crate) fn mac(key: impl AsRef<[u8]>, body: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_ref()).expect("HMAC takes any key");
    mac.chain_update(body).finalize().into_bytes().into()
}

pub(super) fn secret(text: &str) -> SharedSecret {
    SharedSecret::new(text).expect("a legal secret")
}

/// The integration, with [`SECRET`] alone.
pub(super) fn integration() -> Veriff {
    let settings = settings(SANDBOX, Veriff::NAME, "http://localhost");
    Veriff::from_settings(&settings).expect("a legal account")
}

/// A 200 as a transport hands it on.
pub(super) fn reply(headers: &Headers, body: &[u8]) -> RawResponse {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).expect("a legal header value");
        map.append(HeaderName::from_static(name), value);
    }
    RawResponse::new(StatusCode::OK, map, Bytes::copy_from_slice(body))
}

/// Records a consent at Veriff, which answers with this reply.
pub(super) async fn call(veriff: Veriff, reply: RawResponse, now: Timestamp) -> Result<Called> {
    // Further requests find replies too, and are counted.
    let replies = (0..4).map(|_| Step::Respond(reply.clone()));
    let transport = ScriptedTransport::new(replies);
    let client = ConsentClient::builder(veriff)
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::at(now)))
        .build()?;
    let session = SessionId::parse(SESSION)?;
    let answer = ConsentAnswer::Approved;
    let request = RecordConsent::new(session, ConsentType::Ine, answer, "I agree.");
    Ok(Called {
        result: client.record_consent(request).await.map(drop),
        requests: transport.sent().len(),
    })
}

/// What the check of the raw bytes says: no client and no decoder is near.
pub(super) fn check(veriff: &Veriff, reply: &RawResponse, now: Timestamp) -> Verdict {
    match veriff.verify(reply, now) {
        Ok(_) => Verdict::Accepted,
        Err(error) => Verdict::Refused(error),
    }
}
