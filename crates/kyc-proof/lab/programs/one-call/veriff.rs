//! A user's program that records a consent at Veriff, signed and verified.

use consent_hmac::provider_core::BaseUrl;
use consent_hmac::{
    ApiKey, ConsentAnswer, ConsentClient, ConsentType, RecordConsent, SessionId, SharedSecret,
    Veriff,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let base_url = std::env::args().nth(1).ok_or("usage: veriff BASE_URL")?;
    runtime.block_on(run(base_url))
}

async fn run(base_url: String) -> Result<(), Box<dyn std::error::Error>> {
    let base_url = BaseUrl::parse("base_url", &base_url)?;
    let secret = SharedSecret::new("00000000-0000-4000-8000-00000000000b")?;
    let key = ApiKey::new("00000000-0000-4000-8000-00000000000a")?;
    let client = ConsentClient::new(Veriff::new(base_url, key, &secret))?;
    let session = SessionId::parse("00000000-0000-4000-8000-000000000001")?;
    let request = RecordConsent::new(
        session,
        ConsentType::Ine,
        ConsentAnswer::Approved,
        "as it was shown",
    );
    let recorded = client.record_consent(request).await?.into_value();
    println!("{}", recorded.id);
    Ok(())
}
