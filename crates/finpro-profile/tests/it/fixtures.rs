//! Tests derived from the catalogue: every fixture, and the tolerance of replies.

use std::path::Path;
use std::sync::Arc;

use finpro_profile::provider_core::http::HeaderMap;
use finpro_profile::provider_core::testing::{Fixture, ScriptedTransport, fixture, tolerance};
use finpro_profile::provider_core::{Client, Transport};
use finpro_profile::{Finpro, FinproProfileClient};
use serde_json::json;

use crate::sandbox::finpro;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

fn client(transport: ScriptedTransport) -> Client<Finpro> {
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let builder = Client::builder(finpro("http://localhost"));
    builder.transport(transport).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_client_sends_and_decodes_every_fixture() {
    let input = |_: &str| json!({"mobileNumber": "9000000001", "userConsentId": "reference-1"});
    let catalogue = FinproProfileClient::CATALOGUE;
    fixture::check_catalogue(catalogue, FIXTURES, input, |_, transport| client(transport)).await;
}

#[tokio::test(start_paused = true)]
async fn the_tolerance_of_replies_is_the_reviewed_one() {
    for entry in FinproProfileClient::CATALOGUE {
        let name = entry.operation().name;
        let fixtures = Fixture::all(Path::new(FIXTURES).join(name));
        let found = tolerance::snapshot(entry, &fixtures, |_| HeaderMap::new(), client).await;
        insta::assert_snapshot!(format!("tolerance_{name}"), found);
    }
}
