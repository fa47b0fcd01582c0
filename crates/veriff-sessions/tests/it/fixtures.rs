//! What follows from the catalogue: every fixture, and how much of a reply may be odd.

use std::path::Path;

use provider_core::Client;
use provider_core::testing::{Fixture, ScriptedTransport, fixture, tolerance};
use serde_json::json;
use veriff_sessions::SessionsClient;
use veriff_sessions::consent_hmac::Veriff;

use crate::{SESSION, signed};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

fn client(transport: ScriptedTransport) -> Client<Veriff> {
    crate::client(transport).client().clone()
}

#[tokio::test(start_paused = true)]
async fn every_fixture_is_what_the_client_sends_and_understands() {
    let catalogue = SessionsClient::CATALOGUE;
    let input = |_: &str| json!({"session_id": SESSION});
    fixture::check_catalogue(catalogue, FIXTURES, input, |_, transport| client(transport)).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_reply_can_do_without() {
    for entry in SessionsClient::CATALOGUE {
        let name = entry.operation().name;
        let fixtures = Fixture::all(Path::new(FIXTURES).join(name));
        let found = tolerance::snapshot(entry, &fixtures, signed, client).await;
        insta::assert_snapshot!(format!("tolerance_{name}"), found);
    }
}
