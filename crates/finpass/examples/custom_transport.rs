//! A transport of one's own: here it counts the bytes of requests on their way to another one, which is the sandbox in process.
//! An HTTP library that a service has already is used in the same way.
//!
//! ```sh
//! cargo run -p finpass --example custom_transport
//! ```
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is for a terminal"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use finpass::provider_core::http::Request;
use finpass::provider_core::{
    Body, Error, ExchangeLimits, RawResponse, Settings, Transport, TransportError, async_trait,
};
use finpass::{ConsentType, Finpass, FinpassClient, Initialize};
use kyc_sandbox::{Sandbox, SandboxTransport, credentials};

/// Counts the bytes of bodies, and passes requests on. `Debug` is required, because a client prints its settings; a request
/// must not be printed, because it holds credentials and a person's data.
#[derive(Debug)]
struct Metered {
    below: Arc<dyn Transport>,
    sent: AtomicU64,
}

#[async_trait]
impl Transport for Metered {
    /// Sends once, follows no redirect, and stops at the limits: the client retries, and decides what a failure means. An
    /// error says how far the exchange came, see `TransportErrorKind`.
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let length = u64::try_from(request.body().bytes().len()).unwrap_or(u64::MAX);
        self.sent.fetch_add(length, Ordering::Relaxed);
        self.below.send(request, limits).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match open_consent().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With its causes; returned from `main` it would be printed as Rust's `Debug`.
            eprintln!("{}", error.report());
            ExitCode::FAILURE
        }
    }
}

async fn open_consent() -> Result<(), Error> {
    let settings = Settings::of([
        ("FINPASS_BASE_URL", SandboxTransport::base_urls().finpass),
        ("FINPASS_API_KEY", credentials::FINPASS_API_KEY.to_owned()),
        (
            "FINPASS_API_SECRET",
            credentials::FINPASS_API_SECRET.to_owned(),
        ),
    ]);
    let transport = Arc::new(Metered {
        below: Arc::new(Sandbox::default().transport()),
        sent: AtomicU64::new(0),
    });
    let client = FinpassClient::builder(Finpass::from_settings(&settings)?)
        .transport(transport.clone())
        .build()?;
    let request = Initialize::new("9000000001".parse()?, ConsentType::LoanUnderwriting);
    let session = client.initialize(request).await?.into_value().data;
    let sent = transport.sent.load(Ordering::Relaxed);
    println!("session {} for {sent} bytes", session.client_id.as_str());
    Ok(())
}
