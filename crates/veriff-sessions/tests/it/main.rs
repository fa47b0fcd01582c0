//! What the crate does over a script: the client, and what follows from its catalogue.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod conformance;
mod decision;
mod fixtures;
mod media;
mod people;
mod progress;
mod sessions;
mod webhooks;

use std::sync::Arc;

use consent_hmac::{ApiKey, SharedSecret, Signer, Veriff};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_SHARED_SECRET};
use provider_core::http::HeaderMap;
use provider_core::testing::{FixedClock, ScriptedTransport};
use provider_core::{BaseUrl, Transport};
use veriff_sessions::SessionsClient;

const SESSION: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";

fn client(transport: ScriptedTransport) -> SessionsClient {
    client_at("http://localhost", Arc::new(transport))
}

fn client_at(base_url: &str, transport: Arc<dyn Transport>) -> SessionsClient {
    let base_url = BaseUrl::parse("base_url", base_url).unwrap();
    let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
    let veriff = Veriff::new(base_url, ApiKey::new(VERIFF_API_KEY).unwrap(), &secret);
    SessionsClient::builder(veriff)
        .transport(transport)
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap()
}

/// The headers of a reply that is signed over these bytes.
fn signed(bytes: &[u8]) -> HeaderMap {
    let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
    let signature = Signer::new(&secret).sign(bytes).to_string();
    [
        ("x-auth-client", VERIFF_API_KEY),
        ("x-hmac-signature", &signature),
    ]
    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
    .into_iter()
    .collect()
}
