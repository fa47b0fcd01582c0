//! The default transport against the served sandbox.

use finpro_profile::provider_core::Mobile;
use finpro_profile::{AaId, CheckProfile, FinproProfileClient, UserConsentId};
use kyc_sandbox::Sandbox;

use crate::sandbox::finpro;

#[tokio::test]
async fn a_profile_is_checked_over_http() {
    let sandbox = Sandbox::default();
    let served = sandbox.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let client = FinproProfileClient::new(finpro(&served.base_urls().finpro)).unwrap();
    let request = CheckProfile::new(
        Mobile::parse("9000000001").unwrap(),
        UserConsentId::parse("reference-1").unwrap(),
    )
    .set_aa_ids([AaId::parse("onemoney").unwrap()]);
    let response = client.check_profile(request).await.unwrap();
    assert_eq!(response.attempts(), 1);
    let report = response.into_value();
    assert_eq!(report.data.len(), 1);
    assert_eq!(report.data[0].registration_status, Some(true));
    assert_eq!(report.rate_limit.remaining, Some(999));
    served.shutdown().await;
}
