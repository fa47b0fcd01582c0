//! Tests derived from the catalogue: every fixture, and the tolerance of replies.

use std::path::Path;
use std::sync::Arc;

use finpass::provider_core::Client;
use finpass::provider_core::http::HeaderMap;
use finpass::provider_core::testing::{Fixture, ScriptedTransport, fixture, tolerance};
use finpass::{Finpass, FinpassClient};
use serde_json::json;

use crate::sandbox;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

fn client(transport: ScriptedTransport) -> Client<Finpass> {
    let client = sandbox::client("http://localhost", Arc::new(transport));
    client.client().clone()
}

#[tokio::test(start_paused = true)]
async fn the_client_sends_and_decodes_every_fixture() {
    let input = |operation: &str| match operation {
        "initialize" => json!({"mobile_number": "9000000001", "consent_type": "loan_underwriting"}),
        _ => json!({"client_id": "aa_00000001_000000000000000000000001"}),
    };
    fixture::check_catalogue(FinpassClient::CATALOGUE, FIXTURES, input, |_, transport| {
        client(transport)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_tolerance_of_replies_is_the_reviewed_one() {
    for entry in FinpassClient::CATALOGUE {
        let name = entry.operation().name;
        let fixtures = Fixture::all(Path::new(FIXTURES).join(name));
        let found = tolerance::snapshot(entry, &fixtures, |_| HeaderMap::new(), client).await;
        insta::assert_snapshot!(format!("tolerance_{name}"), found);
    }
}
