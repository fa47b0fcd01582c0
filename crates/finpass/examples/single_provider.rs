//! One provider in a service: a client by its environment, one call, and what to do with each kind of end.
//!
//! ```sh
//! kyc sandbox     # in another terminal; copy its export lines into this one
//! cargo run -p finpass --example single_provider
//! ```
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is for a terminal"
)]

use std::process::ExitCode;

use finpass::provider_core::{Error, serde_json};
use finpass::{ConsentType, Finpass, FinpassClient, Initialize};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match open_consent().await {
        Ok(url) => {
            println!("send the person's browser to {url}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            // For people, causes included; for machines it is a JSON object. Neither has a personal value.
            eprintln!("{}\n{}", error.report(), serde_json::json!(error));
            // Only this decides whether to call again: the kind alone does not.
            if error.is_retryable() {
                eprintln!("nothing was done: try again later");
            }
            ExitCode::FAILURE
        }
    }
}

async fn open_consent() -> Result<String, Error> {
    // Make one client when the service starts, and clone it: it keeps its connections.
    let client = FinpassClient::new(Finpass::from_environment()?)?;
    let request = Initialize::new("9000000001".parse()?, ConsentType::LoanUnderwriting)
        .set_return_url("https://lender.example.test/done");
    let session = client.initialize(request).await?.into_value().data;
    println!("session {}", session.client_id.as_str());
    Ok(session.consent_url.expose().to_owned())
}
