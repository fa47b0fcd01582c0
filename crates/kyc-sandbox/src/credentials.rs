//! The invented credentials that the sandbox accepts by default, and the environment variables for them.
//!
//! None of them is, or resembles, a credential that a provider issued. Each provider's settings can accept others.

/// Accepted as `x-api-key` by the Finpass routes.
pub const FINPASS_API_KEY: &str = "sandbox-finpass-key";
/// Accepted as `x-api-secret` by the Finpass routes.
pub const FINPASS_API_SECRET: &str = "sandbox-finpass-secret";
/// Accepted as `client_id` by the FinPro routes.
pub const FINPRO_CLIENT_ID: &str = "sandbox-finpro-client";
/// Accepted as `client_secret` by the FinPro routes.
pub const FINPRO_CLIENT_SECRET: &str = "sandbox-finpro-secret";
/// Accepted as `organisationId` by the FinPro routes.
pub const FINPRO_ORGANISATION_ID: &str = "SANDBOX-FIU";
/// Accepted as `appIdentifier` by the FinPro routes.
pub const FINPRO_APP_IDENTIFIER: &str = "com.example.sandbox";
/// Signs FinPro's webhooks.
pub const FINPRO_WEBHOOK_SECRET: &str = "sandbox-finpro-webhook-secret";
/// A rotated secret, with which some of FinPro's webhooks are signed.
pub const FINPRO_OLD_WEBHOOK_SECRET: &str = "sandbox-finpro-old-webhook-secret";
/// Accepted as `x-auth-client` by the Veriff routes. Veriff's keys have the form of a UUID.
pub const VERIFF_API_KEY: &str = "00000000-0000-4000-8000-0000000000aa";
/// Signs and verifies Veriff's requests and replies. It is the secret of the published check values.
pub const VERIFF_SHARED_SECRET: &str = "abcdef12-abcd-abcd-abcd-abcdef012345";
/// A rotated secret: Veriff's routes refuse it, and sign with it if a setting says so.
pub const VERIFF_OLD_SECRET: &str = "00000000-dead-4000-8000-000000000000";
/// Accepted as `client-id` by the Deepvue routes.
pub const DEEPVUE_CLIENT_ID: &str = "sandbox-deepvue-client";
/// Accepted as `x-api-key` by the Deepvue routes.
pub const DEEPVUE_CLIENT_SECRET: &str = "sandbox-deepvue-secret";
/// A Deepvue client that exists and is inactive.
pub const DEEPVUE_INACTIVE_CLIENT_ID: &str = "sandbox-deepvue-inactive";

/// The base URL of each provider's routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrls {
    /// Finpass, without a trailing slash.
    pub finpass: String,
    /// MoneyOne FinPro, without a trailing slash.
    pub finpro: String,
    /// Veriff, without a trailing slash and without `/v1`.
    pub veriff: String,
    /// Deepvue, without a trailing slash and without `/v1`.
    pub deepvue: String,
}

impl BaseUrls {
    pub(crate) fn below(origin: &str) -> Self {
        Self {
            finpass: format!("{origin}/finpass"),
            finpro: format!("{origin}/finpro"),
            veriff: format!("{origin}/veriff"),
            deepvue: format!("{origin}/deepvue"),
        }
    }
}

/// The environment variables that point a program at a sandbox with default credentials.
pub fn environment(base_urls: &BaseUrls) -> Vec<(&'static str, String)> {
    [
        ("FINPASS_BASE_URL", base_urls.finpass.as_str()),
        ("FINPASS_API_KEY", FINPASS_API_KEY),
        ("FINPASS_API_SECRET", FINPASS_API_SECRET),
        ("FINPRO_BASE_URL", base_urls.finpro.as_str()),
        ("FINPRO_CLIENT_ID", FINPRO_CLIENT_ID),
        ("FINPRO_CLIENT_SECRET", FINPRO_CLIENT_SECRET),
        ("FINPRO_ORGANISATION_ID", FINPRO_ORGANISATION_ID),
        ("FINPRO_APP_IDENTIFIER", FINPRO_APP_IDENTIFIER),
        ("FINPRO_WEBHOOK_SECRET", FINPRO_WEBHOOK_SECRET),
        ("FINPRO_WEBHOOK_HEADER", "x-sandbox-signature"),
        ("FINPRO_WEBHOOK_ENCODING", "hex"),
        ("VERIFF_BASE_URL", base_urls.veriff.as_str()),
        ("VERIFF_API_KEY", VERIFF_API_KEY),
        ("VERIFF_SHARED_SECRET", VERIFF_SHARED_SECRET),
        ("VERIFF_WEBHOOK_SECRET", VERIFF_SHARED_SECRET),
        ("DEEPVUE_BASE_URL", base_urls.deepvue.as_str()),
        ("DEEPVUE_CLIENT_ID", DEEPVUE_CLIENT_ID),
        ("DEEPVUE_CLIENT_SECRET", DEEPVUE_CLIENT_SECRET),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect()
}
