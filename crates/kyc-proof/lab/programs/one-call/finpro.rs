//! A user's program that asks which aggregators know a person, at FinPro.

use finpro_profile::provider_core::Mobile;
use finpro_profile::{CheckProfile, Finpro, FinproProfileClient, UserConsentId};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let client = FinproProfileClient::new(Finpro::from_environment()?)?;
    let mobile = Mobile::parse("9000000001")?;
    let request = CheckProfile::new(mobile, UserConsentId::parse("check-1")?);
    let profile = client.check_profile(request).await?.into_value();
    println!("{}", profile.data.len());
    Ok(())
}
