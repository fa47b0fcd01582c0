//! A client connected to the sandbox.

use std::sync::Arc;

use consent_hmac::provider_core::{BaseUrl, Transport};
use consent_hmac::{ApiKey, ConsentClient, SharedSecret, Veriff};
use kyc_sandbox::SandboxTransport;
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_SHARED_SECRET};

/// The session of the check values.
pub(crate) const SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";

/// The address of Veriff in the in-process sandbox.
pub(crate) fn base_url() -> String {
    SandboxTransport::base_urls().veriff
}

pub(crate) fn secret() -> SharedSecret {
    SharedSecret::new(VERIFF_SHARED_SECRET).unwrap()
}

pub(crate) fn veriff(base_url: &str) -> Veriff {
    veriff_with_key(base_url, VERIFF_API_KEY)
}

pub(crate) fn veriff_with_key(base_url: &str, api_key: &str) -> Veriff {
    Veriff::new(
        BaseUrl::parse("base_url", base_url).unwrap(),
        ApiKey::new(api_key).unwrap(),
        &secret(),
    )
}

pub(crate) fn client(veriff: Veriff, transport: Arc<dyn Transport>) -> ConsentClient {
    ConsentClient::builder(veriff)
        .transport(transport)
        .build()
        .unwrap()
}
