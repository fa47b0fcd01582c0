//! Every provider with credentials that nobody issued, and a request of each of its operations.
#![allow(
    clippy::unwrap_used,
    reason = "constants that do not parse are found by the first run"
)]

use std::sync::LazyLock;

use consent_hmac::{RecordConsent, SharedSecret, Veriff};
use deepvue_digilocker::{Consent, Deepvue, InitiateSession, purpose};
use finpass::{Finpass, Initialize};
use finpro_profile::{CheckProfile, Credentials, Finpro, UserConsentId};
use provider_core::{BaseUrl, Mobile, Pan};

/// The API key of [`veriff`]. Veriff's keys have the form of a UUID.
pub const VERIFF_API_KEY: &str = "00000000-0000-4000-8000-0000000000aa";
/// The secret that [`veriff`] signs with. It is the one of the published check values.
pub const VERIFF_SECRET: &str = "abcdef12-abcd-abcd-abcd-abcdef012345";
/// The session that [`record_consent`] is about.
pub const VERIFF_SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";

fn base_url(text: &str) -> BaseUrl {
    BaseUrl::parse("BASE_URL", text).unwrap()
}

/// Finpass at its own host.
pub fn finpass() -> Finpass {
    static FINPASS: LazyLock<Finpass> = LazyLock::new(|| {
        let key = finpass::ApiKey::new("made-up-key").unwrap();
        Finpass::new(key, finpass::ApiSecret::new("made-up-secret").unwrap())
    });
    FINPASS.clone()
}

/// FinPro below a path, as installations have it.
pub fn finpro() -> Finpro {
    static FINPRO: LazyLock<Finpro> = LazyLock::new(|| {
        let credentials = Credentials {
            client_id: finpro_profile::ClientId::new("made-up-client").unwrap(),
            client_secret: finpro_profile::ClientSecret::new("made-up-secret").unwrap(),
            organisation_id: finpro_profile::OrganisationId::new("MADE-UP-FIU").unwrap(),
            app_identifier: finpro_profile::AppIdentifier::new("test.example").unwrap(),
        };
        Finpro::new(base_url("https://finpro.example.test/uat"), credentials)
    });
    FINPRO.clone()
}

/// A Veriff integration with one secret.
pub fn veriff() -> Veriff {
    static VERIFF: LazyLock<Veriff> = LazyLock::new(|| {
        let key = consent_hmac::ApiKey::new(VERIFF_API_KEY).unwrap();
        let secret = SharedSecret::new(VERIFF_SECRET).unwrap();
        Veriff::new(base_url("https://veriff.example.test/v1"), key, &secret)
    });
    VERIFF.clone()
}

/// Deepvue at its own host.
pub fn deepvue() -> Deepvue {
    static DEEPVUE: LazyLock<Deepvue> = LazyLock::new(|| {
        let id = deepvue_digilocker::ClientId::new("made-up-client").unwrap();
        let secret = deepvue_digilocker::ClientSecret::new("made-up-secret").unwrap();
        Deepvue::new(id, secret)
    });
    DEEPVUE.clone()
}

/// The person of all requests.
pub fn mobile() -> Mobile {
    Mobile::parse("9000000001").unwrap()
}

/// Finpass's *Initialize*, with a PAN.
pub fn initialize() -> Initialize {
    let purpose = finpass::ConsentType::LoanUnderwriting;
    Initialize::new(mobile(), purpose).set_pan_number(Pan::parse("AAAAA0000A").unwrap())
}

/// FinPro's *Check Profile* of all aggregators.
pub fn check_profile() -> CheckProfile {
    CheckProfile::new(mobile(), UserConsentId::parse("made-up-1").unwrap())
}

/// A consent of [`VERIFF_SESSION`].
pub fn record_consent() -> RecordConsent {
    let session = consent_hmac::SessionId::parse(VERIFF_SESSION).unwrap();
    let kind = consent_hmac::ConsentType::Aadhaar;
    RecordConsent::new(session, kind, true, "I agree.")
}

/// A Deepvue session for all kinds of documents.
pub fn initiate_session() -> InitiateSession {
    let consent = Consent::given_by_person();
    InitiateSession::new(consent, purpose::KYC, "https://lender.example.test/done")
}
