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
        for (number, (name, transport)) in transports.into_iter().enumerate() {
            let setup = Setup::standard(transport);
            let inputs = Inputs::new(&base_urls, &setup)?;
            for (place, subject) in operations().into_iter().enumerate() {
                let client = subject.connect_to(&base_urls, &setup)?;
                // Of its own: one that was submitted takes no more.
                let session = format!("00000000-0000-4000-8000-{number:06}{place:06}");
                let input = inputs.of(&subject, "9000000001", &session);
                client.call(input.await?, CallOptions::new()).await?;
                println!("  {}, over {name}: answered", subject.name());
            }
        }
        Ok(())
    })
}
