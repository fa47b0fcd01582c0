//! The calls that `cargo xtask prove no-call-home` watches from outside: one of each operation, over each transport with its
//! default settings, to the addresses in the environment.

use std::env;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use kyc_proof::catalogue::{Setup, operations};
use kyc_sandbox::BaseUrls;
use provider_core::{CallOptions, HyperTransport, ReqwestTransport, Transport};

use crate::Settings;
use crate::inputs::Inputs;

/// With this variable the calls go through the proxy that the environment names: what must be seen from outside then.
const THROUGH_PROXY: &str = "THROUGH_PROXY";

pub(crate) fn run(_settings: &Settings) -> Result<()> {
    let base_url = |name| {
        env::var(name)
            .map_err(|_| anyhow!("{name} is not set: run `cargo xtask prove no-call-home`"))
    };
    let base_urls = BaseUrls {
        finpass: base_url("FINPASS_BASE_URL")?,
        finpro: base_url("FINPRO_BASE_URL")?,
        veriff: base_url("VERIFF_BASE_URL")?,
        deepvue: base_url("DEEPVUE_BASE_URL")?,
    };
    let transports: Vec<(&str, Arc<dyn Transport>)> = if env::var_os(THROUGH_PROXY).is_some() {
        let builder = ReqwestTransport::builder()
            .system_proxy()
            .allow_plain_http();
        vec![(
            "reqwest, with the system's proxy",
            Arc::new(builder.build()?),
        )]
    } else {
        vec![
            ("hyper", Arc::new(HyperTransport::new()?)),
            ("reqwest", Arc::new(ReqwestTransport::new()?)),
        ]
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        for (name, transport) in transports {
            let (setup, inputs) = (Setup::standard(transport), Inputs::default());
            for subject in operations() {
                let client = subject.connect_to(&base_urls, &setup)?;
                let session = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
                let request = subject.exchange().input;
                let input = inputs.of(&subject, &request, "9000000001", session);
                match client.call(input, CallOptions::new()).await {
                    Ok(response) => inputs.learn(&subject, response.value()),
                    // A refusal is an answer too.
                    Err(error) if error.status().is_some() => {}
                    Err(error) => return Err(error.into()),
                }
                println!("  {}, over {name}: answered", subject.name());
            }
        }
        Ok(())
    })
}
