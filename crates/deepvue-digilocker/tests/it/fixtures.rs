//! Every fixture: the request is the one on file, the reply decodes to the expected value or error, and no field is lost.

use std::sync::Arc;

use deepvue_digilocker::provider_core::RetryPolicy;
use deepvue_digilocker::provider_core::testing::fixture::SourceKind;
use deepvue_digilocker::provider_core::testing::{Fixture, ScriptedTransport};
use deepvue_digilocker::{Consent, DigilockerClient, DocType, InitiateSession};

use crate::sandbox::deepvue;

/// The request on file; one of our own where only a reply is documented.
fn request(fixture: &Fixture) -> InitiateSession {
    let consent = Consent::given_by_person();
    let Some(request) = &fixture.request else {
        return InitiateSession::without_redirect(consent, "KYC of a new customer");
    };
    let purpose = request.body["purpose"].as_str().unwrap();
    let initiate = match request.body["redirect_url"].as_str() {
        Some(url) => InitiateSession::new(consent, purpose, url),
        None => InitiateSession::without_redirect(consent, purpose),
    };
    let doc_types = request.body["doc_types"].as_array().into_iter().flatten();
    initiate.set_doc_types(doc_types.map(|kind| DocType::from(kind.as_str().unwrap())))
}

#[tokio::test(start_paused = true)]
async fn every_fixture_decodes_to_what_it_says() {
    let mut lines = Vec::new();
    for fixture in Fixture::all(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/deepvue/initiate-session"
    )) {
        let transport = ScriptedTransport::new([fixture.step()]);
        let client = DigilockerClient::builder(deepvue("http://localhost"))
            .transport(Arc::new(transport.clone()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let result = client.initiate_session(request(&fixture)).await;
        lines.extend(fixture.check(&result));
        if fixture.source.kind == SourceKind::Documented {
            lines.extend(fixture.check_request(&transport.only()));
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
