//! The calls by the workspace's clients, over both transports with their default settings.

use std::sync::Arc;

use consent_hmac::{
    ApiKey, ConsentAnswer, ConsentClient, ConsentType, RecordConsent, SessionId, SharedSecret,
};
use finpass::{ApiSecret, FinpassClient, Initialize};
use finpro_profile::{
    AppIdentifier, CheckProfile, ClientId, ClientSecret, Credentials, Finpro, FinproProfileClient,
    OrganisationId, UserConsentId,
};
use provider_core::{BaseUrl, Email, HyperTransport, Mobile, Pan, ReqwestTransport, Transport};

use super::Result;
use crate::exchange;

/// The default transport.
pub(crate) fn lean() -> Result<Arc<dyn Transport>> {
    Ok(Arc::new(HyperTransport::new()?))
}

/// The transport on reqwest.
pub(crate) fn on_reqwest() -> Result<Arc<dyn Transport>> {
    Ok(Arc::new(ReqwestTransport::new()?))
}

/// Finpass's client.
pub(crate) struct Finpass(FinpassClient);

impl Finpass {
    pub(crate) fn new(port: u16, transport: Arc<dyn Transport>) -> Result<Self> {
        let key = finpass::ApiKey::new(exchange::FINPASS_KEY)?;
        let secret = ApiSecret::new(exchange::FINPASS_SECRET)?;
        let provider = finpass::Finpass::new(key, secret).with_base_url(base_url(port)?);
        // What a call costs, and not what connecting does.
        let client = FinpassClient::builder(provider)
            .transport(transport)
            .reuse_connections();
        Ok(Self(client.build()?))
    }

    pub(crate) async fn initialize(&self) -> Result<provider_core::Response<finpass::Initialized>> {
        let mobile = Mobile::parse(exchange::MOBILE)?;
        let request = Initialize::new(mobile, finpass::ConsentType::LoanUnderwriting)
            .set_pan_number(Pan::parse(exchange::PAN)?)
            .set_email(Email::parse(exchange::EMAIL)?)
            .set_webhook_url(exchange::WEBHOOK)
            .set_return_url(exchange::RETURN);
        Ok(self.0.initialize(request).await?)
    }
}

/// Veriff's client.
pub(crate) struct Veriff(ConsentClient);

impl Veriff {
    pub(crate) fn new(port: u16, transport: Arc<dyn Transport>) -> Result<Self> {
        let key = ApiKey::new(exchange::VERIFF_KEY)?;
        let secret = SharedSecret::new(exchange::VERIFF_SECRET)?;
        let provider = consent_hmac::Veriff::new(base_url(port)?, key, &secret);
        let client = ConsentClient::builder(provider).transport(transport);
        Ok(Self(client.build()?))
    }

    pub(crate) async fn record_consent(
        &self,
        session: &str,
    ) -> Result<provider_core::Response<consent_hmac::ConsentRecord>> {
        let session = SessionId::parse(session)?;
        let request = RecordConsent::new(
            session,
            ConsentType::Aadhaar,
            ConsentAnswer::Approved,
            exchange::CONSENT,
        );
        Ok(self.0.record_consent(request).await?)
    }
}

/// FinPro's client.
pub(crate) struct Profiles(FinproProfileClient);

impl Profiles {
    pub(crate) fn new(port: u16, transport: Arc<dyn Transport>) -> Result<Self> {
        let [client, secret, organisation, app] = exchange::FINPRO_CREDENTIALS;
        let credentials = Credentials {
            client_id: ClientId::new(client.1)?,
            client_secret: ClientSecret::new(secret.1)?,
            organisation_id: OrganisationId::new(organisation.1)?,
            app_identifier: AppIdentifier::new(app.1)?,
        };
        let provider = Finpro::new(base_url(port)?, credentials);
        // What a call costs, and not what connecting does.
        let client = FinproProfileClient::builder(provider)
            .transport(transport)
            .reuse_connections();
        Ok(Self(client.build()?))
    }

    pub(crate) async fn check(
        &self,
    ) -> Result<provider_core::Response<finpro_profile::ProfileReport>> {
        let reference = UserConsentId::parse(exchange::USER_CONSENT_ID)?;
        let request = CheckProfile::new(Mobile::parse(exchange::MOBILE)?, reference);
        Ok(self.0.check_profile(request).await?)
    }
}

fn base_url(port: u16) -> Result<BaseUrl> {
    Ok(BaseUrl::parse(
        "base_url",
        &format!("http://127.0.0.1:{port}"),
    )?)
}
