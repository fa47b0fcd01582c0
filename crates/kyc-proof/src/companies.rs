//! The four companies: how a provider of each is made from an account, and how it signs a reply.
//!
//! A new company is an `impl Company` here. A new crate of a company is a row of
//! [`operations`](crate::catalogue::operations), and a new operation is nothing at all.

use consent_hmac::{SharedSecret, Signer, Veriff};
use deepvue_digilocker::Deepvue;
use finpass::Finpass;
use finpro_profile::Finpro;
use kyc_sandbox::credentials;
use provider_core::{InvalidRequest, Provider, Settings};

/// One account with every company: settings without addresses, by the names of their variables.
pub type Account = &'static [(&'static str, &'static str)];

/// The account that a sandbox with default settings knows.
pub const SANDBOX: Account = &[
    ("FINPASS_API_KEY", credentials::FINPASS_API_KEY),
    ("FINPASS_API_SECRET", credentials::FINPASS_API_SECRET),
    ("FINPRO_CLIENT_ID", credentials::FINPRO_CLIENT_ID),
    ("FINPRO_CLIENT_SECRET", credentials::FINPRO_CLIENT_SECRET),
    (
        "FINPRO_ORGANISATION_ID",
        credentials::FINPRO_ORGANISATION_ID,
    ),
    ("FINPRO_APP_IDENTIFIER", credentials::FINPRO_APP_IDENTIFIER),
    ("VERIFF_API_KEY", credentials::VERIFF_API_KEY),
    ("VERIFF_SHARED_SECRET", credentials::VERIFF_SHARED_SECRET),
    ("DEEPVUE_CLIENT_ID", credentials::DEEPVUE_CLIENT_ID),
    ("DEEPVUE_CLIENT_SECRET", credentials::DEEPVUE_CLIENT_SECRET),
];

/// The settings of this account, with a company at this address.
pub fn settings(account: Account, company: &str, base_url: &str) -> Settings {
    let base_url = (base_url_of(company), base_url.to_owned());
    let account = account.iter().copied();
    let account = account.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Settings::of(account.chain([base_url]))
}

/// The variable that names the address of a company.
pub fn base_url_of(company: &str) -> String {
    format!("{}_BASE_URL", company.to_uppercase())
}

/// A setting of an account; empty if there is none.
pub fn setting(account: Account, name: &str) -> &'static str {
    let found = account.iter().find(|(known, _)| *known == name);
    found.map_or("", |(_, value)| value)
}

/// Headers by which a company signs a reply, in order.
pub type Headers = Vec<(&'static str, String)>;

/// What a proof has to know about a company.
pub trait Company: Provider + Clone {
    /// The provider with these settings.
    ///
    /// # Errors
    ///
    /// A setting is missing or invalid.
    fn account(settings: &Settings) -> Result<Self, InvalidRequest>;

    /// The headers that vouch for a reply's body, made with this secret; none if replies are not signed.
    ///
    /// # Errors
    ///
    /// The secret is none.
    fn signature(
        _account: Account,
        _secret: &str,
        _body: &[u8],
    ) -> Result<Headers, InvalidRequest> {
        Ok(Headers::new())
    }
}

impl Company for Finpass {
    fn account(settings: &Settings) -> Result<Self, InvalidRequest> {
        Self::from_settings(settings)
    }
}

impl Company for Finpro {
    fn account(settings: &Settings) -> Result<Self, InvalidRequest> {
        Self::from_settings(settings)
    }
}

impl Company for Veriff {
    /// With two settings of its own: a secret that is being replaced, and the moment until which that counts.
    fn account(settings: &Settings) -> Result<Self, InvalidRequest> {
        let veriff = Self::from_settings(settings)?;
        let previous =
            settings.parsed_text("VERIFF_PREVIOUS_SECRET", |text| SharedSecret::new(text))?;
        let ends = settings.parsed_text("VERIFF_PREVIOUS_SECRET_ENDS", |text| {
            let no_time = |_| InvalidRequest::new("end", "not a time");
            text.parse().map_err(no_time)
        })?;
        Ok(match (previous, ends) {
            (Some(previous), Some(ends)) => veriff.or_verify_until(&previous, ends),
            _ => veriff,
        })
    }

    fn signature(account: Account, secret: &str, body: &[u8]) -> Result<Headers, InvalidRequest> {
        let key = setting(account, "VERIFF_API_KEY").to_owned();
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
    fn account(settings: &Settings) -> Result<Self, InvalidRequest> {
        Self::from_settings(settings)
    }
}
