//! A client connected to the sandbox.

use std::sync::Arc;

use deepvue_digilocker::provider_core::{BaseUrl, Transport};
use deepvue_digilocker::{ClientId, ClientSecret, Deepvue, DigilockerClient};
use kyc_sandbox::SandboxTransport;
use kyc_sandbox::credentials::{DEEPVUE_CLIENT_ID, DEEPVUE_CLIENT_SECRET};

/// The address of Deepvue in the in-process sandbox.
pub(crate) fn base_url() -> String {
    SandboxTransport::base_urls().deepvue
}

pub(crate) fn deepvue(base_url: &str) -> Deepvue {
    Deepvue::new(
        ClientId::new(DEEPVUE_CLIENT_ID).unwrap(),
        ClientSecret::new(DEEPVUE_CLIENT_SECRET).unwrap(),
    )
    .with_base_url(BaseUrl::parse("base_url", base_url).unwrap())
}

pub(crate) fn client(base_url: &str, transport: Arc<dyn Transport>) -> DigilockerClient {
    DigilockerClient::builder(deepvue(base_url))
        .transport(transport)
        .build()
        .unwrap()
}
