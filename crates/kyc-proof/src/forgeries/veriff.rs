//! Veriff's side of an exchange, by an HMAC of its own: nothing here is signed by the crate that is under proof.

use hmac::{Hmac, KeyInit, Mac};
use kyc_sandbox::credentials;
use provider_core::jiff::Timestamp;
use sha2::Sha256;

pub(super) const API_KEY: &str = credentials::VERIFF_API_KEY;
pub(super) const SECRET: &str = credentials::VERIFF_SHARED_SECRET;
pub(super) const SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";

/// A genuine reply about [`SESSION`].
pub(super) const REPLY: &str = r#"{"id":"123e4567-e89b-12d3-a456-426614174000","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;

pub(crate) const X_CLIENT: &str = "x-auth-client";
pub(crate) const X: &str = "x-hmac-signature";

/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The signature as Veriff writes it.
pub(super) fn sign(secret: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> String {
    hex::encode(mac(secret, body.as_ref()))
}

pub(crate) fn mac(key: impl AsRef<[u8]>, body: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_ref()).expect("HMAC takes any key");
    mac.chain_update(body).finalize().into_bytes().into()
}
