//! Every fixture: the request is the one on file, the reply decodes to the expected value or error, and no field is lost.

use std::sync::Arc;

use finpass::provider_core::Mobile;
use finpass::provider_core::testing::{Fixture, ScriptedTransport};
use finpass::{ConsentType, Initialize};

use crate::sandbox::client;

#[tokio::test(start_paused = true)]
async fn every_fixture_decodes_to_what_it_says() {
    let mut lines = Vec::new();
    for fixture in Fixture::all(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/finpass/initialize"
    )) {
        let transport = ScriptedTransport::new([fixture.step()]);
        let client = client("http://localhost", Arc::new(transport.clone()));
        let request = Initialize::new(
            Mobile::parse("9000000001").unwrap(),
            ConsentType::LoanUnderwriting,
        );
        let result = client.initialize(request).await;
        lines.extend(fixture.check(&result));
        if fixture.source.kind == finpass::provider_core::testing::fixture::SourceKind::Documented {
            lines.extend(fixture.check_request(&transport.only()));
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
