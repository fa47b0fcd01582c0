//! The four companies: the account with each, and how it signs a reply.
//!
//! A new company is a part of [`SANDBOX`] here and a row of [`all_operations`](crate::catalogue::all_operations), a new crate of
//! a company such a row, and a new operation nothing at all.

use consent_hmac::{SharedSecret, Signer, Veriff};
use kyc_sandbox::credentials::*;
use provider_core::{InvalidRequest, Provider, Settings};

/// One account with every company: settings without addresses, by the names of their variables.
pub type Account = &'static [(&'static str, &'static str)];

/// The account that a sandbox with default settings knows.
pub const SANDBOX: Account = &[
    ("FINPASS_API_KEY", FINPASS_API_KEY),
    ("FINPASS_API_SECRET", FINPASS_API_SECRET),
    ("FINPRO_CLIENT_ID", FINPRO_CLIENT_ID),
    ("FINPRO_CLIENT_SECRET", FINPRO_CLIENT_SECRET),
    ("FINPRO_ORGANISATION_ID", FINPRO_ORGANISATION_ID),
    ("FINPRO_APP_IDENTIFIER", FINPRO_APP_IDENTIFIER),
    ("VERIFF_API_KEY", VERIFF_API_KEY),
    ("VERIFF_SHARED_SECRET", VERIFF_SHARED_SECRET),
    ("DEEPVUE_CLIENT_ID", DEEPVUE_CLIENT_ID),
    ("DEEPVUE_CLIENT_SECRET", DEEPVUE_CLIENT_SECRET),
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

/// Veriff's provider, with two settings of the proofs' own: a secret that is being replaced, and the moment until which it counts.
pub(crate) fn veriff(settings: &Settings) -> Result<Veriff, InvalidRequest> {
    let veriff = Veriff::from_settings(settings)?;
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

/// The headers that vouch for a reply's body, made with this secret of the account; none but Veriff's are signed.
pub(crate) fn signature(
    company: &str,
    account: Account,
    secret: &str,
    body: &[u8],
) -> Result<Headers, InvalidRequest> {
    if company != Veriff::NAME {
        return Ok(Headers::new());
    }
    let key = setting(account, "VERIFF_API_KEY").to_owned();
    let signer = Signer::new(&SharedSecret::new(secret)?);
    let signature = signer.sign(body).to_string();
    Ok(vec![
        ("x-auth-client", key.clone()),
        ("x-hmac-signature", signature.clone()),
        ("vrf-auth-client", key),
        ("vrf-hmac-signature", signature),
    ])
}
