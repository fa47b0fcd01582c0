//! What follows from the catalogue: every fixture, and how much of a reply may be odd.

use std::path::Path;

use finpro_fiu::FiuClient;
use finpro_fiu::finpro_profile::Finpro;
use provider_core::Client;
use provider_core::http::HeaderMap;
use provider_core::testing::{Fixture, ScriptedTransport, fixture, tolerance};
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

fn client(transport: ScriptedTransport) -> Client<Finpro> {
    crate::client(transport).client().clone()
}

#[tokio::test(start_paused = true)]
async fn every_fixture_is_what_the_client_sends_and_understands() {
    let catalogue = FiuClient::CATALOGUE;
    let input = |_: &str| Value::Null;
    fixture::check_catalogue(catalogue, FIXTURES, input, |_, transport| client(transport)).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_reply_can_do_without() {
    for entry in FiuClient::CATALOGUE {
        let name = entry.operation().name;
        let fixtures = Fixture::all(Path::new(FIXTURES).join(name));
        let found = tolerance::snapshot(entry, &fixtures, |_| HeaderMap::new(), client).await;
        insta::assert_snapshot!(format!("tolerance_{name}"), found);
    }
}
