//! The calls that `cargo xtask prove no-call-home` watches from outside: one of each operation, by each transport with its
//! default settings, to where the environment says.

use std::env;
use std::sync::Arc;

use kyc_sandbox::BaseUrls;
use provider_core::{HyperTransport, ReqwestTransport, Transport};

use crate::Settings;
use crate::clients::{Clients, Inputs, Operation, Setup, request_id};
use crate::failure::{Failure, Result};

/// With this variable the calls go through the proxy that the environment names: what must be seen from outside then.
const THROUGH_PROXY: &str = "THROUGH_PROXY";

pub(crate) fn run(_settings: &Settings) -> Result<()> {
    let base_url = |name| {
        env::var(name).map_err(|_| {
            Failure::new(format!(
                "{name} is not set: run `cargo xtask prove no-call-home`"
            ))
        })
    };
    let base_urls = BaseUrls {
        finpass: base_url("FINPASS_BASE_URL")?,
        finpro: base_url("FINPRO_BASE_URL")?,
        veriff: base_url("VERIFF_BASE_URL")?,
        deepvue: base_url("DEEPVUE_BASE_URL")?,
    };
    let transports: Vec<(&str, Arc<dyn Transport>)> = if env::var_os(THROUGH_PROXY).is_some() {
        let told = ReqwestTransport::builder()
            .system_proxy()
            .allow_plain_http();
        vec![(
            "reqwest, told to use the system's proxy",
            Arc::new(told.build()?),
        )]
    } else {
        vec![
            ("reqwest", Arc::new(ReqwestTransport::new()?)),
            ("hyper", Arc::new(HyperTransport::new()?)),
        ]
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        for (name, transport) in transports {
            let clients = Clients::new(&base_urls, &Setup::standard(transport))?;
            for (number, operation) in (1..).zip(Operation::ALL) {
                let inputs = Inputs {
                    mobile: "9000000001".to_owned(),
                    session: "d69a07cf-4434-4d36-be6c-d22af7dc01fb".to_owned(),
                    request_id: request_id(number)?,
                };
                clients.call(operation, inputs).await?;
                println!("  {}, by {name}: answered", operation.name());
            }
        }
        Ok(())
    })
}
