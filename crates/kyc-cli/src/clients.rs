//! The four clients, made from the configuration.

use std::sync::Arc;
use std::time::Duration;

use kyc_facade::consent_hmac::{self, ConsentClient, SharedSecret, Veriff};
use kyc_facade::deepvue_digilocker::{self, Deepvue, DigilockerClient};
use kyc_facade::finpass::{self, Finpass, FinpassClient};
use kyc_facade::finpro_profile::{self, Finpro, FinproProfileClient};
use kyc_facade::provider_core::{BaseUrl, ClientBuilder, Error, ReqwestTransport, Transport};

use crate::configuration::Configuration;
use crate::failure::Failure;

/// What the clients share.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) configuration: Configuration,
    transport: Arc<dyn Transport>,
    timeout: Option<Duration>,
}

impl Clients {
    /// Clients of the real providers, or of whatever the base URLs name.
    pub(crate) fn new(
        configuration: Configuration,
        timeout: Option<Duration>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            configuration,
            transport: Arc::new(ReqwestTransport::new()?),
            timeout,
        })
    }

    /// Clients of a sandbox on this machine, without TLS.
    pub(crate) fn of_sandbox(
        configuration: Configuration,
        timeout: Option<Duration>,
    ) -> Result<Self, Failure> {
        let transport = ReqwestTransport::builder().without_tls().build()?;
        Ok(Self {
            configuration,
            transport: Arc::new(transport),
            timeout,
        })
    }

    pub(crate) fn finpass(&self) -> Result<FinpassClient, Failure> {
        let [key, secret] = self
            .configuration
            .required(["FINPASS_API_KEY", "FINPASS_API_SECRET"])?;
        let api_key =
            finpass::ApiKey::new(key).map_err(|error| error.for_field("FINPASS_API_KEY"))?;
        let api_secret = finpass::ApiSecret::new(secret)
            .map_err(|error| error.for_field("FINPASS_API_SECRET"))?;
        let mut finpass = Finpass::new(api_key, api_secret)?;
        if let Some(base_url) = self.base_url("FINPASS_BASE_URL")? {
            finpass = finpass.with_base_url(base_url);
        }
        self.build(FinpassClient::builder(finpass))
    }

    pub(crate) fn finpro(&self) -> Result<FinproProfileClient, Failure> {
        const CLIENT_ID: &str = "FINPRO_CLIENT_ID";
        const CLIENT_SECRET: &str = "FINPRO_CLIENT_SECRET";
        const ORGANISATION_ID: &str = "FINPRO_ORGANISATION_ID";
        const APP_IDENTIFIER: &str = "FINPRO_APP_IDENTIFIER";
        let [
            base_url,
            client_id,
            client_secret,
            organisation_id,
            app_identifier,
        ] = self.configuration.required([
            "FINPRO_BASE_URL",
            CLIENT_ID,
            CLIENT_SECRET,
            ORGANISATION_ID,
            APP_IDENTIFIER,
        ])?;
        let credentials = finpro_profile::Credentials {
            client_id: finpro_profile::ClientId::new(client_id)
                .map_err(|error| error.for_field(CLIENT_ID))?,
            client_secret: finpro_profile::ClientSecret::new(client_secret)
                .map_err(|error| error.for_field(CLIENT_SECRET))?,
            organisation_id: finpro_profile::OrganisationId::new(organisation_id)
                .map_err(|error| error.for_field(ORGANISATION_ID))?,
            app_identifier: finpro_profile::AppIdentifier::new(app_identifier)
                .map_err(|error| error.for_field(APP_IDENTIFIER))?,
        };
        let finpro = Finpro::new(BaseUrl::parse("FINPRO_BASE_URL", &base_url)?, credentials)?;
        self.build(FinproProfileClient::builder(finpro))
    }

    pub(crate) fn veriff(&self) -> Result<ConsentClient, Failure> {
        const SHARED_SECRET: &str = "VERIFF_SHARED_SECRET";
        let [base_url, api_key, secrets] =
            self.configuration
                .required(["VERIFF_BASE_URL", "VERIFF_API_KEY", SHARED_SECRET])?;
        let base_url = BaseUrl::parse("VERIFF_BASE_URL", &base_url)?;
        let api_key = consent_hmac::ApiKey::new(api_key)
            .map_err(|error| error.for_field("VERIFF_API_KEY"))?;
        let mut secrets = secrets
            .split(',')
            .map(|text| SharedSecret::new(text).map_err(|error| error.for_field(SHARED_SECRET)));
        let first = secrets
            .next()
            .ok_or_else(|| Failure::configuration(SHARED_SECRET, "must not be empty"))??;
        let mut veriff = Veriff::new(base_url, api_key, &first)?;
        for secret in secrets {
            veriff = veriff.or_verify_with(&secret?);
        }
        self.build(ConsentClient::builder(veriff))
    }

    pub(crate) fn deepvue(&self) -> Result<DigilockerClient, Failure> {
        let [id, secret] = self
            .configuration
            .required(["DEEPVUE_CLIENT_ID", "DEEPVUE_CLIENT_SECRET"])?;
        let client_id = deepvue_digilocker::ClientId::new(id)
            .map_err(|error| error.for_field("DEEPVUE_CLIENT_ID"))?;
        let client_secret = deepvue_digilocker::ClientSecret::new(secret)
            .map_err(|error| error.for_field("DEEPVUE_CLIENT_SECRET"))?;
        let mut deepvue = Deepvue::new(client_id, client_secret)?;
        if let Some(base_url) = self.base_url("DEEPVUE_BASE_URL")? {
            deepvue = deepvue.with_base_url(base_url);
        }
        self.build(DigilockerClient::builder(deepvue))
    }

    fn base_url(&self, name: &'static str) -> Result<Option<BaseUrl>, Failure> {
        let text = self.configuration.optional(name)?;
        Ok(text.map(|text| BaseUrl::parse(name, &text)).transpose()?)
    }

    fn build<P, C>(&self, mut builder: ClientBuilder<P, C>) -> Result<C, Failure>
    where
        P: kyc_facade::provider_core::Provider,
        C: From<kyc_facade::provider_core::Client<P>>,
    {
        builder = builder.transport(Arc::clone(&self.transport));
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        builder.build().map_err(|error: Error| error.into())
    }
}
