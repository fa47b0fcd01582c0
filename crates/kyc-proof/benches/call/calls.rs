//! Makes calls, one after another, as one of our clients over one of our transports.

use std::hint::black_box;

use crate::{Result, exchange, ours};

/// Makes `calls` calls as the named caller, on one thread: a second one would count waiting for the first.
pub(crate) fn make(caller: &str, calls: usize, port: u16) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let transport = match caller.ends_with("-reqwest") {
        true => ours::on_reqwest()?,
        false => ours::lean()?,
    };
    match caller.trim_end_matches("-reqwest") {
        "ours-finpass" => {
            let client = ours::Finpass::new(port, transport)?;
            runtime.block_on(async {
                for _ in 0..calls {
                    drop(black_box(client.initialize().await?));
                }
                Ok(())
            })
        }
        "ours-veriff" => {
            let client = ours::Veriff::new(port, transport)?;
            let sessions = exchange::sessions();
            runtime.block_on(async {
                for session in sessions.iter().cycle().take(calls) {
                    drop(black_box(client.record_consent(session).await?));
                }
                Ok(())
            })
        }
        unknown => Err(format!("no caller `{unknown}`").into()),
    }
}
