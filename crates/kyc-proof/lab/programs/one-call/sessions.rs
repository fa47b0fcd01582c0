//! A user's program that reads a decision at Veriff, with the crate that has fourteen other operations.

use consent_hmac::{SessionId, Veriff};
use veriff_sessions::{GetDecision, SessionsClient};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let client = SessionsClient::new(Veriff::from_environment()?)?;
    let session = SessionId::parse("00000000-0000-4000-8000-000000000001")?;
    let decision = client.decision(GetDecision::new(session)).await?.into_value();
    println!("{}", decision.verification.is_some());
    Ok(())
}
