//! A client connected to the sandbox.

use std::sync::Arc;

use finpass::provider_core::{BaseUrl, Transport};
use finpass::{ApiKey, ApiSecret, Finpass, FinpassClient};
use kyc_sandbox::SandboxTransport;
use kyc_sandbox::credentials::{FINPASS_API_KEY, FINPASS_API_SECRET};

/// The address of Finpass in the in-process sandbox.
pub(crate) fn base_url() -> String {
    SandboxTransport::base_urls().finpass
}

pub(crate) fn finpass(base_url: &str) -> Finpass {
    Finpass::new(
        ApiKey::new(FINPASS_API_KEY).unwrap(),
        ApiSecret::new(FINPASS_API_SECRET).unwrap(),
    )
    .with_base_url(BaseUrl::parse("base_url", base_url).unwrap())
}

pub(crate) fn client(base_url: &str, transport: Arc<dyn Transport>) -> FinpassClient {
    FinpassClient::builder(finpass(base_url))
        .transport(transport)
        .build()
        .unwrap()
}
