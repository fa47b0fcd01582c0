//! Every fixture: the request is the one on file, the reply decodes to the expected value or error, and no field is lost.

use std::sync::Arc;

use finpro_profile::provider_core::testing::fixture::SourceKind;
use finpro_profile::provider_core::testing::{Fixture, ScriptedTransport};
use finpro_profile::provider_core::{Mobile, RetryPolicy};
use finpro_profile::{AaId, CheckProfile, FinproProfileClient, UserConsentId};

use crate::sandbox::finpro;

/// The request on file; one of our own where only a reply is documented.
fn request(fixture: &Fixture) -> CheckProfile {
    let Some(request) = &fixture.request else {
        return CheckProfile::new(
            Mobile::parse("9000000001").unwrap(),
            UserConsentId::parse("reference-1").unwrap(),
        );
    };
    let text = |field: &str| request.body[field].as_str().unwrap();
    let aa_ids = request.body["aaId"].as_array().into_iter().flatten();
    CheckProfile::new(
        Mobile::parse(text("mobileNumber")).unwrap(),
        UserConsentId::parse(text("userConsentId")).unwrap(),
    )
    .set_aa_ids(aa_ids.map(|id| AaId::parse(id.as_str().unwrap()).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn every_fixture_decodes_to_what_it_says() {
    let mut lines = Vec::new();
    for fixture in Fixture::all(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/finpro/check-profile"
    )) {
        let transport = ScriptedTransport::new([fixture.step()]);
        let client = FinproProfileClient::builder(finpro("http://localhost"))
            .transport(Arc::new(transport.clone()))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let result = client.check_profile(request(&fixture)).await;
        lines.extend(fixture.check(&result));
        if fixture.source.kind == SourceKind::Documented {
            lines.extend(fixture.check_request(&transport.only()));
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
