//! A user's program that asks how far a consent's data is, at FinPro, with the crate that has more than thirty other operations.

use finpro_fiu::finpro_profile::Finpro;
use finpro_fiu::{ConsentId, FiuClient, GetFiStatus};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let client = FiuClient::new(Finpro::from_environment()?)?;
    let request = GetFiStatus::of_consent(ConsentId::parse("consent-1")?);
    let status = client.fi_request_status(request).await?.into_value();
    println!("{}", status.data.link_ref_numbers.len());
    Ok(())
}
