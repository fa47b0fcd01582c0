//! What follows from the catalogue: every fixture, and how much of a reply may be odd.

use std::path::Path;
use std::sync::Arc;

use finpro_profile::provider_core::http::HeaderMap;
use finpro_profile::provider_core::testing::{Fixture, ScriptedTransport, fixture, tolerance};
use finpro_profile::provider_core::{Client, Transport};
use finpro_profile::{Finpro, FinproProfileClient};
use serde_json::json;

use crate::sandbox::finpro;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/finpro");

fn client(transport: ScriptedTransport) -> Client<Finpro> {
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let builder = Client::builder(finpro("http://localhost"));
    builder.transport(transport).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_fixture_is_what_the_client_sends_and_understands() {
    let input = |_: &str| json!({"mobileNumber": "9000000001", "userConsentId": "reference-1"});
    let catalogue = FinproProfileClient::CATALOGUE;
    fixture::check_catalogue(catalogue, FIXTURES, input, |_, transport| client(transport)).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_reply_can_do_without() {
    for entry in FinproProfileClient::CATALOGUE {
        let name = entry.operation().name;
        let fixtures = Fixture::all(Path::new(FIXTURES).join(name));
        let found = tolerance::snapshot(entry, &fixtures, |_| HeaderMap::new(), client).await;
        insta::assert_snapshot!(format!("tolerance_{name}"), found);
    }
}
