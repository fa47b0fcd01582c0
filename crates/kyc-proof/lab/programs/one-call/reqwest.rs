//! The same by hand on reqwest.

mod made_up;
mod measure;

use made_up::{INITIALIZE, Initialized, PATH};
use measure::Measure;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What the feature `rustls-no-provider` asks of its users.
    #[cfg(feature = "ring")]
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(measure::base_url()?))
}

async fn run(base_url: String) -> Result<(), Box<dyn std::error::Error>> {
    let mut measure = Measure::start();
    let client = reqwest::Client::new();
    measure.step();
    for _ in 0..2 {
        let reply: Initialized = client
            .post(format!("{base_url}{PATH}"))
            .header("x-api-key", "made-up-key-0001")
            .header("x-api-secret", "made-up-secret-0001")
            .json(&INITIALIZE)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        assert!(reply.data.client_id.starts_with("aa_"));
        measure.step();
    }
    measure.print();
    Ok(())
}
