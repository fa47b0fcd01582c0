//! The four companies: how a provider of each is made from credentials, and how it signs a reply.
//!
//! A new company is an `impl Company` here. A new crate of a company is a row of
//! [`operations`](crate::catalogue::operations), and a new operation is nothing at all.

use consent_hmac::{SharedSecret, Signer, Veriff};
use deepvue_digilocker::Deepvue;
use finpass::Finpass;
use finpro_profile::Finpro;
use kyc_sandbox::{BaseUrls, credentials};
use provider_core::jiff::Timestamp;
use provider_core::{BaseUrl, InvalidRequest, Provider};

/// Credentials of one account with every company.
#[derive(Debug, Clone, Copy)]
pub struct Credentials {
    /// API key and secret.
    pub finpass: [&'static str; 2],
    /// Client id and secret, organisation and app.
    pub finpro: [&'static str; 4],
    /// API key and shared secret.
    pub veriff: [&'static str; 2],
    /// A secret of Veriff's that is being replaced, and the moment until which it counts.
    pub veriff_previous: Option<(&'static str, Timestamp)>,
    /// Client id and secret.
    pub deepvue: [&'static str; 2],
}

/// The account that a sandbox with default settings knows.
pub const SANDBOX: Credentials = Credentials {
    finpass: [
        credentials::FINPASS_API_KEY,
        credentials::FINPASS_API_SECRET,
    ],
    finpro: [
        credentials::FINPRO_CLIENT_ID,
        credentials::FINPRO_CLIENT_SECRET,
        credentials::FINPRO_ORGANISATION_ID,
        credentials::FINPRO_APP_IDENTIFIER,
    ],
    veriff: [
        credentials::VERIFF_API_KEY,
        credentials::VERIFF_SHARED_SECRET,
    ],
    veriff_previous: None,
    deepvue: [
        credentials::DEEPVUE_CLIENT_ID,
        credentials::DEEPVUE_CLIENT_SECRET,
    ],
};

/// Headers by which a company signs a reply, in order.
pub type Headers = Vec<(&'static str, String)>;

/// What a proof has to know about a company.
pub trait Company: Provider + Clone {
    /// The provider with this account at this address.
    ///
    /// # Errors
    ///
    /// A credential cannot be a header value.
    fn account(base_url: BaseUrl, credentials: &Credentials) -> Result<Self, InvalidRequest>;

    /// Where a sandbox serves it.
    fn served_at(base_urls: &BaseUrls) -> &str;

    /// The headers that vouch for a reply's body, made with this secret; none if replies are not signed.
    ///
    /// # Errors
    ///
    /// The secret is none.
    fn signature(
        _credentials: &Credentials,
        _secret: &str,
        _body: &[u8],
    ) -> Result<Headers, InvalidRequest> {
        Ok(Headers::new())
    }
}

impl Company for Finpass {
    fn account(base_url: BaseUrl, credentials: &Credentials) -> Result<Self, InvalidRequest> {
        let [key, secret] = credentials.finpass;
        let (key, secret) = (finpass::ApiKey::new(key)?, finpass::ApiSecret::new(secret)?);
        Ok(Self::new(key, secret).with_base_url(base_url))
    }

    fn served_at(base_urls: &BaseUrls) -> &str {
        &base_urls.finpass
    }
}

impl Company for Finpro {
    fn account(base_url: BaseUrl, credentials: &Credentials) -> Result<Self, InvalidRequest> {
        let [client_id, client_secret, organisation_id, app_identifier] = credentials.finpro;
        let credentials = finpro_profile::Credentials {
            client_id: finpro_profile::ClientId::new(client_id)?,
            client_secret: finpro_profile::ClientSecret::new(client_secret)?,
            organisation_id: finpro_profile::OrganisationId::new(organisation_id)?,
            app_identifier: finpro_profile::AppIdentifier::new(app_identifier)?,
        };
        Ok(Self::new(base_url, credentials))
    }

    fn served_at(base_urls: &BaseUrls) -> &str {
        &base_urls.finpro
    }
}

impl Company for Veriff {
    fn account(base_url: BaseUrl, credentials: &Credentials) -> Result<Self, InvalidRequest> {
        let [key, secret] = credentials.veriff;
        let key = consent_hmac::ApiKey::new(key)?;
        let veriff = Self::new(base_url, key, &SharedSecret::new(secret)?);
        Ok(match credentials.veriff_previous {
            Some((previous, until)) => veriff.or_verify_until(&SharedSecret::new(previous)?, until),
            None => veriff,
        })
    }

    fn served_at(base_urls: &BaseUrls) -> &str {
        &base_urls.veriff
    }

    fn signature(
        credentials: &Credentials,
        secret: &str,
        body: &[u8],
    ) -> Result<Headers, InvalidRequest> {
        let key = credentials.veriff[0].to_owned();
        let signature = Signer::new(&SharedSecret::new(secret.to_owned())?)
            .sign(body)
            .to_string();
        Ok(vec![
            ("x-auth-client", key.clone()),
            ("x-hmac-signature", signature.clone()),
            ("vrf-auth-client", key),
            ("vrf-hmac-signature", signature),
        ])
    }
}

impl Company for Deepvue {
    fn account(base_url: BaseUrl, credentials: &Credentials) -> Result<Self, InvalidRequest> {
        let [id, secret] = credentials.deepvue;
        let id = deepvue_digilocker::ClientId::new(id)?;
        let secret = deepvue_digilocker::ClientSecret::new(secret)?;
        Ok(Self::new(id, secret).with_base_url(base_url))
    }

    fn served_at(base_urls: &BaseUrls) -> &str {
        &base_urls.deepvue
    }
}
