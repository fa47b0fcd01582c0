//! Every fixture: the request is the one on file, the reply decodes to the expected value or error, and no field is lost.

use std::sync::Arc;

use consent_hmac::provider_core::RetryPolicy;
use consent_hmac::provider_core::testing::fixture::SourceKind;
use consent_hmac::provider_core::testing::{Fixture, ScriptedTransport};
use consent_hmac::{ConsentClient, ConsentType, RecordConsent, SessionId};
use kyc_sandbox::credentials::VERIFF_API_KEY;

use crate::sandbox::{SESSION, veriff_with_key};

/// The request on file; one of our own where only a reply is documented.
fn request(fixture: &Fixture) -> RecordConsent {
    let Some(request) = &fixture.request else {
        let session = SessionId::parse(SESSION).unwrap();
        return RecordConsent::new(session, ConsentType::Ine, true, "made-up text");
    };
    let (_, rest) = request.path.split_once("/v1/sessions/").unwrap();
    let session = rest.strip_suffix("/consents").unwrap();
    let text = |field: &str| request.body[field].as_str().unwrap();
    RecordConsent::new(
        SessionId::parse(session).unwrap(),
        ConsentType::from(text("type")),
        request.body["approved"].as_bool().unwrap(),
        text("text"),
    )
}

#[tokio::test(start_paused = true)]
async fn every_fixture_decodes_to_what_it_says() {
    let mut lines = Vec::new();
    for fixture in Fixture::all(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/veriff/record-consent"
    )) {
        let api_key = fixture.response.headers.get("x-auth-client");
        let api_key = api_key.map_or(VERIFF_API_KEY, String::as_str);
        let transport = ScriptedTransport::new([fixture.step()]);
        let client = ConsentClient::builder(veriff_with_key("http://localhost", api_key))
            .transport(Arc::new(transport.clone()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let result = client.record_consent(request(&fixture)).await;
        lines.extend(fixture.check(&result));
        if fixture.source.kind == SourceKind::Documented {
            lines.extend(fixture.check_request(&transport.only()));
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
