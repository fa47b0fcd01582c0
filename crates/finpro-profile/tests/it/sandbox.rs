//! A client connected to the sandbox.

use std::sync::Arc;

use finpro_profile::provider_core::{BaseUrl, Transport};
use finpro_profile::{
    AppIdentifier, ClientId, ClientSecret, Credentials, Finpro, FinproProfileClient, OrganisationId,
};
use kyc_sandbox::SandboxTransport;
use kyc_sandbox::credentials::{
    FINPRO_APP_IDENTIFIER, FINPRO_CLIENT_ID, FINPRO_CLIENT_SECRET, FINPRO_ORGANISATION_ID,
};

/// The address of FinPro in the in-process sandbox.
pub(crate) fn base_url() -> String {
    SandboxTransport::base_urls().finpro
}

pub(crate) fn credentials() -> Credentials {
    Credentials {
        client_id: ClientId::new(FINPRO_CLIENT_ID).unwrap(),
        client_secret: ClientSecret::new(FINPRO_CLIENT_SECRET).unwrap(),
        organisation_id: OrganisationId::new(FINPRO_ORGANISATION_ID).unwrap(),
        app_identifier: AppIdentifier::new(FINPRO_APP_IDENTIFIER).unwrap(),
    }
}

pub(crate) fn finpro(base_url: &str) -> Finpro {
    Finpro::new(BaseUrl::parse("base_url", base_url).unwrap(), credentials())
}

pub(crate) fn client(base_url: &str, transport: Arc<dyn Transport>) -> FinproProfileClient {
    FinproProfileClient::builder(finpro(base_url))
        .transport(transport)
        .build()
        .unwrap()
}
