//! The same by hand on ureq.

mod made_up;
mod measure;

use made_up::{INITIALIZE, Initialized, PATH};
use measure::Measure;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base_url = measure::base_url()?;
    let mut measure = Measure::start();
    let configuration = ureq::Agent::config_builder();
    // What the other clients trust, too.
    #[cfg(feature = "platform")]
    let configuration = configuration.tls_config(
        ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build(),
    );
    let agent = configuration.build().new_agent();
    measure.step();
    for _ in 0..2 {
        let reply: Initialized = agent
            .post(format!("{base_url}{PATH}"))
            .header("x-api-key", "made-up-key-0001")
            .header("x-api-secret", "made-up-secret-0001")
            .send_json(&INITIALIZE)?
            .body_mut()
            .read_json()?;
        assert!(reply.data.client_id.starts_with("aa_"));
        measure.step();
    }
    measure.print();
    Ok(())
}
