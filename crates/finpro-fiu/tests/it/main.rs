//! What the crate does over a script and over the sandbox.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod analytics;
mod bank_data;
mod bulk;
mod capability;
mod consents;
mod data;
mod discovery;
mod fixtures;
mod progress;
mod rebit;
mod redirection;
mod webhooks;

use std::sync::Arc;

use finpro_fiu::FiuClient;
use finpro_fiu::finpro_profile::Finpro;
use kyc_sandbox::{SandboxTransport, credentials};
use provider_core::lint::Rule;
use provider_core::testing::{FixedClock, ScriptedTransport, Step};
use provider_core::{Call, Endpoint, Error, RetryPolicy, Settings, Transport};

/// A client of the sandbox's account over any transport, that sends once.
fn client(transport: impl Transport + 'static) -> FiuClient {
    let settings = Settings::of(credentials::environment(&SandboxTransport::base_urls()));
    FiuClient::builder(Finpro::from_settings(&settings).unwrap())
        .transport(Arc::new(transport))
        .clock(Arc::new(FixedClock::default()))
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// What becomes of a call that gets this reply.
async fn answer<E: Endpoint<Provider = Finpro> + Clone>(
    request: E,
    status: u16,
    body: &str,
) -> Result<E::Output, Error> {
    let client = client(ScriptedTransport::new([Step::respond(
        status,
        body.to_owned(),
    )]));
    let call: Call<'_, E> = client.client().call(request);
    call.await.map(provider_core::Response::into_value)
}

/// The rules that a request breaks, and nothing is sent.
fn findings<E: Endpoint<Provider = Finpro>>(request: &E) -> Vec<(&'static str, Rule)> {
    let client = client(ScriptedTransport::new([]));
    let findings = client.client().lint(request);
    findings
        .iter()
        .map(|finding| (finding.field(), finding.rule()))
        .collect()
}

/// The member that a request breaks a rule with, before anything is sent.
fn refused<E: Endpoint<Provider = Finpro>>(request: &E) -> String {
    let client = client(ScriptedTransport::new([]));
    let error = client.client().check(request).unwrap_err();
    error.invalid_request().unwrap().field().to_owned()
}
