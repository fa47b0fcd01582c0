//! Tests derived from the catalogue: every fixture, and the tolerance of replies.

use std::path::Path;
use std::sync::Arc;

use deepvue_digilocker::provider_core::http::HeaderMap;
use deepvue_digilocker::provider_core::testing::{Fixture, ScriptedTransport, fixture, tolerance};
use deepvue_digilocker::provider_core::{Client, Transport};
use deepvue_digilocker::{Deepvue, DigilockerClient};
use serde_json::json;

use crate::sandbox::deepvue;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

fn client(transport: ScriptedTransport) -> Client<Deepvue> {
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let builder = Client::builder(deepvue("http://localhost"));
    builder.transport(transport).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_client_sends_and_decodes_every_fixture() {
    let input = |_: &str| json!({"consent": "Y", "purpose": "KYC of a new customer"});
    let catalogue = DigilockerClient::CATALOGUE;
    fixture::check_catalogue(catalogue, FIXTURES, input, |_, transport| client(transport)).await;
}

#[tokio::test(start_paused = true)]
async fn the_tolerance_of_replies_is_the_reviewed_one() {
    for entry in DigilockerClient::CATALOGUE {
        let name = entry.operation().name;
        let fixtures = Fixture::all(Path::new(FIXTURES).join(name));
        let found = tolerance::snapshot(entry, &fixtures, |_| HeaderMap::new(), client).await;
        insta::assert_snapshot!(format!("tolerance_{name}"), found);
    }
}
