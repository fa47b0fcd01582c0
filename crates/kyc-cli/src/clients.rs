//! Clients, built from the configuration.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kyc_facade::consent_hmac::{self, SharedSecrets, Veriff};
use kyc_facade::deepvue_digilocker::{self, Deepvue};
use kyc_facade::finpass::{self, Finpass};
use kyc_facade::finpro_profile::{self, Finpro};
use kyc_facade::provider_core::{
    BaseUrl, Client, ClientBuilder, HyperTransport, Provider, RateLimits, Transport,
};

use crate::configuration::Configuration;
use crate::failure::Failure;

/// The settings that the clients share.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) configuration: Configuration,
    with_tls: OnceLock<Arc<dyn Transport>>,
    without_tls: OnceLock<Arc<dyn Transport>>,
    timeout: Option<Duration>,
}

impl Clients {
    /// Creates clients for the given configuration.
    pub(crate) fn new(configuration: Configuration, timeout: Option<Duration>) -> Self {
        Self {
            configuration,
            with_tls: OnceLock::new(),
            without_tls: OnceLock::new(),
            timeout,
        }
    }

    /// One transport for all https addresses and one for all others. Only the former needs the platform's root
    /// certificates, so a sandbox on this machine needs none.
    fn transport(&self, base_url: &BaseUrl) -> Result<Arc<dyn Transport>, Failure> {
        let (kept, builder) = match base_url.is_https() {
            true => (&self.with_tls, HyperTransport::builder()),
            false => (&self.without_tls, HyperTransport::builder().without_tls()),
        };
        if let Some(transport) = kept.get() {
            return Ok(Arc::clone(transport));
        }
        let transport: Arc<dyn Transport> = Arc::new(builder.build()?);
        Ok(Arc::clone(kept.get_or_init(|| transport)))
    }

    /// A client of a provider with these settings. All clients of one provider share the provider value.
    pub(crate) fn client<P: Provider, C: From<Client<P>>>(
        &self,
        settings: fn(&Configuration) -> Result<P, Failure>,
    ) -> Result<C, Failure> {
        Ok(self.builder(settings)?.build()?)
    }

    /// A client with a rate limiter.
    pub(crate) fn within<P: Provider, C: From<Client<P>>>(
        &self,
        settings: fn(&Configuration) -> Result<P, Failure>,
        limits: RateLimits,
    ) -> Result<C, Failure> {
        Ok(self
            .builder(settings)?
            .rate_limiter(Arc::new(limits))
            .build()?)
    }

    fn builder<P: Provider, C: From<Client<P>>>(
        &self,
        settings: fn(&Configuration) -> Result<P, Failure>,
    ) -> Result<ClientBuilder<P, C>, Failure> {
        let provider = settings(&self.configuration)?;
        let transport = self.transport(provider.base_url())?;
        let mut builder = ClientBuilder::new(provider).transport(transport);
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        Ok(builder)
    }
}

/// Finpass by its settings.
pub(crate) fn finpass(configuration: &Configuration) -> Result<Finpass, Failure> {
    let [key, secret] = configuration.required(["FINPASS_API_KEY", "FINPASS_API_SECRET"])?;
    let api_key = finpass::ApiKey::new(key).map_err(|error| error.for_field("FINPASS_API_KEY"))?;
    let api_secret =
        finpass::ApiSecret::new(secret).map_err(|error| error.for_field("FINPASS_API_SECRET"))?;
    let mut finpass = Finpass::new(api_key, api_secret);
    if let Some(text) = configuration.optional("FINPASS_BASE_URL")? {
        finpass = finpass.with_base_url(base_url("FINPASS_BASE_URL", &text)?);
    }
    Ok(finpass)
}

/// A FinPro installation by its settings.
pub(crate) fn finpro(configuration: &Configuration) -> Result<Finpro, Failure> {
    const CLIENT_ID: &str = "FINPRO_CLIENT_ID";
    const CLIENT_SECRET: &str = "FINPRO_CLIENT_SECRET";
    const ORGANISATION_ID: &str = "FINPRO_ORGANISATION_ID";
    const APP_IDENTIFIER: &str = "FINPRO_APP_IDENTIFIER";
    let [
        address,
        client_id,
        client_secret,
        organisation_id,
        app_identifier,
    ] = configuration.required([
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
    let base_url = base_url("FINPRO_BASE_URL", &address)?;
    Ok(Finpro::new(base_url, credentials))
}

/// A Veriff integration by its settings.
pub(crate) fn veriff(configuration: &Configuration) -> Result<Veriff, Failure> {
    const SHARED_SECRET: &str = "VERIFF_SHARED_SECRET";
    let [address, api_key, secrets] =
        configuration.required(["VERIFF_BASE_URL", "VERIFF_API_KEY", SHARED_SECRET])?;
    let address = base_url("VERIFF_BASE_URL", &address)?;
    let api_key =
        consent_hmac::ApiKey::new(api_key).map_err(|error| error.for_field("VERIFF_API_KEY"))?;
    let secrets = SharedSecrets::parse(secrets).map_err(|error| error.for_field(SHARED_SECRET))?;
    Ok(Veriff::new(address, api_key, secrets))
}

/// Deepvue by its settings.
pub(crate) fn deepvue(configuration: &Configuration) -> Result<Deepvue, Failure> {
    let [id, secret] = configuration.required(["DEEPVUE_CLIENT_ID", "DEEPVUE_CLIENT_SECRET"])?;
    let client_id = deepvue_digilocker::ClientId::new(id)
        .map_err(|error| error.for_field("DEEPVUE_CLIENT_ID"))?;
    let client_secret = deepvue_digilocker::ClientSecret::new(secret)
        .map_err(|error| error.for_field("DEEPVUE_CLIENT_SECRET"))?;
    let mut deepvue = Deepvue::new(client_id, client_secret);
    if let Some(text) = configuration.optional("DEEPVUE_BASE_URL")? {
        deepvue = deepvue.with_base_url(base_url("DEEPVUE_BASE_URL", &text)?);
    }
    Ok(deepvue)
}

fn base_url(name: &'static str, text: &str) -> Result<BaseUrl, Failure> {
    let base_url = BaseUrl::parse(name, text)?;
    if base_url.is_clear_text_to_another_machine() {
        return Err(Failure::configuration(
            name,
            "plain http is allowed to this machine only; use https",
        ));
    }
    Ok(base_url)
}
