//! The four real clients over the sandbox in process.

use std::sync::Arc;

use kyc_facade::consent_hmac::{self, ConsentClient, SharedSecret, Veriff};
use kyc_facade::deepvue_digilocker::{self, Deepvue, DigilockerClient};
use kyc_facade::finpass::{self, Finpass, FinpassClient};
use kyc_facade::finpro_fiu::{AggregatorConsents, FiuClient, ProductId};
use kyc_facade::finpro_profile::{self, Finpro, FinproProfileClient};
use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::{BaseUrl, ErrorKind, InvalidRequest, Mobile, Transport};
use kyc_facade::veriff_sessions::SessionsClient;
use kyc_facade::{Applicant, ChoiceReason, Kyc, KycBuilder};
use kyc_sandbox::credentials::*;
use kyc_sandbox::{Sandbox, SandboxTransport};

fn base_url(text: &str) -> BaseUrl {
    BaseUrl::parse("base_url", text).unwrap()
}

pub(crate) struct Clients {
    pub(crate) veriff: ConsentClient,
    pub(crate) sessions: SessionsClient,
    pub(crate) deepvue: DigilockerClient,
    pub(crate) finpro: FinproProfileClient,
    pub(crate) finpass: FinpassClient,
    pub(crate) finpro_consents: AggregatorConsents,
}

/// The four clients over one transport, with the sandbox's credentials.
pub(crate) fn clients(transport: Arc<dyn Transport>) -> Result<Clients, InvalidRequest> {
    let urls = SandboxTransport::base_urls();
    let veriff = Veriff::new(
        base_url(&urls.veriff),
        consent_hmac::ApiKey::new(VERIFF_API_KEY)?,
        &SharedSecret::new(VERIFF_SHARED_SECRET)?,
    );
    let deepvue = Deepvue::new(
        deepvue_digilocker::ClientId::new(DEEPVUE_CLIENT_ID)?,
        deepvue_digilocker::ClientSecret::new(DEEPVUE_CLIENT_SECRET)?,
    )
    .with_base_url(base_url(&urls.deepvue));
    let finpro = Finpro::new(
        base_url(&urls.finpro),
        finpro_profile::Credentials {
            client_id: finpro_profile::ClientId::new(FINPRO_CLIENT_ID)?,
            client_secret: finpro_profile::ClientSecret::new(FINPRO_CLIENT_SECRET)?,
            organisation_id: finpro_profile::OrganisationId::new(FINPRO_ORGANISATION_ID)?,
            app_identifier: finpro_profile::AppIdentifier::new(FINPRO_APP_IDENTIFIER)?,
        },
    );
    let finpass = Finpass::new(
        finpass::ApiKey::new(FINPASS_API_KEY)?,
        finpass::ApiSecret::new(FINPASS_API_SECRET)?,
    )
    .with_base_url(base_url(&urls.finpass));
    let veriff = ConsentClient::builder(veriff)
        .transport(transport.clone())
        .build()
        .unwrap();
    let finpro = FinproProfileClient::builder(finpro)
        .transport(transport.clone())
        .build()
        .unwrap();
    let fiu = FiuClient::from(finpro.client().clone());
    Ok(Clients {
        finpro_consents: AggregatorConsents::new(fiu, AggregatorId::parse("onemoney")?)
            .with_product(
                ConsentPurpose::LoanUnderwriting,
                ProductId::parse("LOAN-1")?,
            ),
        sessions: SessionsClient::from(veriff.client().clone()),
        veriff,
        deepvue: DigilockerClient::builder(deepvue)
            .transport(transport.clone())
            .build()
            .unwrap(),
        finpro,
        finpass: FinpassClient::builder(finpass)
            .transport(transport)
            .build()
            .unwrap(),
    })
}

pub(crate) fn builder(transport: Arc<dyn Transport>) -> KycBuilder {
    let clients = clients(transport).unwrap();
    Kyc::builder()
        .veriff(clients.veriff)
        .deepvue(clients.deepvue)
        .finpro(clients.finpro)
        .finpass(clients.finpass)
}

fn kyc(sandbox: &Sandbox) -> Kyc {
    builder(Arc::new(sandbox.transport())).build()
}

pub(crate) fn applicant(mobile: &str) -> Applicant {
    Applicant::new(Mobile::parse(mobile).unwrap())
        .set_consent(ConsentStatement::new(
            "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
            ConsentKind::Aadhaar,
            ConsentAnswer::Approved,
            "I agree that my Aadhaar is verified.",
        ))
        .set_documents(
            DocumentAccessRequest::new(
                AccessConsent::given_by_person(),
                "KYC",
                "https://lender.example.test/back",
            )
            .set_documents(vec![DocumentKind::Aadhaar, DocumentKind::Pan]),
        )
        .set_query_id("ref-1")
}

#[tokio::test(start_paused = true)]
async fn a_ready_person_is_onboarded_in_every_step() {
    let sandbox = Sandbox::default();
    let report = kyc(&sandbox).onboard(applicant("9000000001")).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.choice.aggregator.unwrap().as_str(), "onemoney");
    assert_eq!(
        report.choice.reason,
        ChoiceReason::Readiness(Readiness::Ready)
    );
    assert_eq!(
        report.aggregator_consent.value().unwrap().aggregator,
        None,
        "Finpass chooses the aggregator itself"
    );
}

#[tokio::test(start_paused = true)]
async fn the_readiness_of_each_invented_person_is_found() {
    let sandbox = Sandbox::default();
    let kyc = kyc(&sandbox);
    for (mobile, expected) in [
        ("9000000001", ChoiceReason::Readiness(Readiness::Ready)),
        (
            "9000000002",
            ChoiceReason::Readiness(Readiness::NeedsLinking),
        ),
        (
            "9000000003",
            ChoiceReason::Readiness(Readiness::NeedsRegistration),
        ),
        ("9000000004", ChoiceReason::Readiness(Readiness::Ready)),
        ("9000000006", ChoiceReason::LeftToProvider),
        ("9000000007", ChoiceReason::LeftToProvider),
    ] {
        let report = kyc.onboard(applicant(mobile)).await;
        assert_eq!(report.choice.reason, expected, "{mobile}");
        assert!(report.aggregator_consent.value().is_some(), "{mobile}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_fails_only_its_own_step() {
    let sandbox = Sandbox::default();
    let report = kyc(&sandbox).onboard(applicant("9000000009")).await;
    assert_eq!(
        report.aggregator_consent.error().unwrap().kind(),
        ErrorKind::Api
    );
    assert!(report.consent.value().is_some());
    assert!(report.documents.value().is_some());
    assert!(report.discovery.value().is_some());
}
