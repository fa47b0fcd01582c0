//! Tests derived from the catalogue: every fixture, and the tolerance of replies.

use std::path::Path;
use std::sync::Arc;

use consent_hmac::provider_core::http::{HeaderMap, HeaderValue};
use consent_hmac::provider_core::testing::{Fixture, ScriptedTransport, fixture, tolerance};
use consent_hmac::provider_core::{Client, Transport};
use consent_hmac::{ConsentClient, Signer, Veriff};
use kyc_sandbox::credentials::VERIFF_API_KEY;
use serde_json::json;

use crate::sandbox::{SESSION, secret, veriff_with_key};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

fn client(api_key: &str, transport: ScriptedTransport) -> Client<Veriff> {
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let builder = Client::builder(veriff_with_key("http://localhost", api_key));
    builder.transport(transport).build().unwrap()
}

fn signed(body: &[u8]) -> HeaderMap {
    let signature = Signer::new(&secret()).sign(body).to_string();
    let key = HeaderValue::from_static(VERIFF_API_KEY);
    [
        ("x-auth-client", key),
        ("x-hmac-signature", signature.parse().unwrap()),
    ]
    .map(|(name, value)| (name.parse().unwrap(), value))
    .into_iter()
    .collect()
}

#[tokio::test(start_paused = true)]
async fn the_client_sends_and_decodes_every_fixture() {
    let input = |_: &str| json!({"session_id": SESSION, "type": "ine", "approved": true, "text": "made-up text"});
    let catalogue = ConsentClient::CATALOGUE;
    fixture::check_catalogue(catalogue, FIXTURES, input, |fixture, transport| {
        let api_key = fixture.response.headers.get("x-auth-client");
        client(api_key.map_or(VERIFF_API_KEY, String::as_str), transport)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_tolerance_of_replies_is_the_reviewed_one() {
    for entry in ConsentClient::CATALOGUE {
        let name = entry.operation().name;
        let fixtures = Fixture::all(Path::new(FIXTURES).join(name));
        let client = |transport| client(VERIFF_API_KEY, transport);
        let found = tolerance::snapshot(entry, &fixtures, signed, client).await;
        insta::assert_snapshot!(format!("tolerance_{name}"), found);
    }
}
