//! The exchanges that are measured: what every peer sends. All of it is made up.

/// The path of Finpass *Initialize*.
pub(crate) const FINPASS_PATH: &str = "/api/v1/services/account-aggregator/init";
/// Finpass credentials.
pub(crate) const FINPASS_KEY: &str = "made-up-key-0001";
/// Finpass credentials.
pub(crate) const FINPASS_SECRET: &str = "made-up-secret-0001";

/// The person of both exchanges.
pub(crate) const MOBILE: &str = "9000000001";
/// The person's PAN.
pub(crate) const PAN: &str = "AAAAA0000A";
/// The person's e-mail address.
pub(crate) const EMAIL: &str = "person@example.test";
/// Where Finpass reports to.
pub(crate) const WEBHOOK: &str = "https://lender.example.test/hook";
/// Where the browser goes afterwards.
pub(crate) const RETURN: &str = "https://lender.example.test/done";

/// Veriff sessions. Each call takes the next one, as in real use: a path seen before would be a cheaper path.
pub(crate) fn sessions() -> Vec<String> {
    (0..64)
        .map(|number| format!("00000000-0000-4000-8000-{number:012}"))
        .collect()
}
/// Veriff's public key of the integration.
pub(crate) const VERIFF_KEY: &str = "00000000-0000-4000-8000-00000000000a";
/// What both sides sign with.
pub(crate) const VERIFF_SECRET: &str = "00000000-0000-4000-8000-00000000000b";
/// The statement that the person agreed to.
pub(crate) const CONSENT: &str = "I agree that my Aadhaar details are verified for this loan.";

/// What the hand-written calls send as `x-request-id`: a constant, which costs them nothing.
pub(crate) const REQUEST_ID: &str = "7fffffffffffffff0000000000000001";
/// What the hand-written clients call themselves: as long as ours.
pub(crate) const USER_AGENT: &str = "hand-written-a/0.1.0";

/// The path of MoneyOne FinPro *Check Profile*.
pub(crate) const FINPRO_PATH: &str = "/profile";
/// The caller's id for the question.
pub(crate) const USER_CONSENT_ID: &str = "reference-1";
/// FinPro credentials: client, its secret, organisation, app.
pub(crate) const FINPRO_CREDENTIALS: [(&str, &str); 4] = [
    ("client_id", "made-up-client-0001"),
    ("client_secret", "made-up-secret-0001"),
    ("organisationid", "made-up-organisation-0001"),
    ("appidentifier", "made-up-app-0001"),
];
