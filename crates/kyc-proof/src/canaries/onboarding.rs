//! An onboarding with planted values in every place, over the sandbox in process, which does and refuses what it is told.

use std::sync::Arc;

use kyc_facade::consent_hmac::{self, ConsentClient, SharedSecret, Veriff};
use kyc_facade::deepvue_digilocker::{self, Deepvue, DigilockerClient};
use kyc_facade::finpass::{self, Finpass, FinpassClient};
use kyc_facade::finpro_profile::{self, Finpro, FinproProfileClient};
use kyc_facade::provider_core::capability::{
    ConsentKind, ConsentStatement, DocumentAccessRequest, DocumentKind,
};
use kyc_facade::{Applicant, Kyc};
use kyc_sandbox::settings::Failure as Fails;
use kyc_sandbox::{
    DeepvueSettings, FinpassSettings, FinproSettings, Sandbox, SandboxTransport, Settings,
    VeriffSettings,
};
use provider_core::{BaseUrl, CallEvent, CallObserver, Email, Mobile, Pan, RetryPolicy, Transport};

use super::Found;
use super::capture::{self, Capture};
use super::planted::*;
use super::search::{Search, Source};
use crate::failure::Result;
use crate::faults::printed;

pub(super) fn run(search: &Search) -> Result<Found> {
    capture::install();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut found = Found::default();
    for (name, sandbox, applicant) in scenes() {
        let capture = Capture::begin();
        let owned = runtime.block_on(onboard(&sandbox, applicant));
        let (text, panics) = capture.end();
        found.runs += 1;
        found.search(search, &name, &text, Source::Anything);
        found.search(search, &name, &owned?, Source::Owner);
        let panics = panics.into_iter().map(|panic| format!("{name}: {panic}"));
        found.leaks.extend(panics);
    }
    Ok(found)
}

/// What the sandbox is told to do, and who is onboarded.
fn scenes() -> Vec<(String, Sandbox, Applicant)> {
    let settings = || Settings::default();
    let mut scenes = vec![
        (
            "a person".to_owned(),
            Sandbox::new(knowing(None)),
            applicant(),
        ),
        (
            "unknown credentials".to_owned(),
            Sandbox::new(settings()),
            applicant(),
        ),
        (
            "a refusal of consent".to_owned(),
            Sandbox::new(knowing(None)),
            applicant().set_consent(consent(SESSION_ID, false)),
        ),
        (
            "a session id that cannot be sent".to_owned(),
            Sandbox::new(knowing(None)),
            applicant().set_consent(consent(&format!("../{SESSION_ID}"), true)),
        ),
    ];
    for status in [400, 401, 403, 404, 409, 422, 429, 500, 502, 503] {
        let failures = [
            ("", Fails::new(status)),
            (", after the effect", Fails::new(status).after_effect()),
            (", a page", Fails::new(status).gateway_page()),
        ];
        for (name, failure) in failures {
            scenes.push((
                format!("{status}{name}"),
                Sandbox::new(knowing(Some(failure))),
                applicant(),
            ));
        }
    }
    scenes
}

/// A sandbox that knows the planted credentials, and fails so.
fn knowing(failure: Option<Fails>) -> Settings {
    Settings::default()
        .with_finpass(
            FinpassSettings::default()
                .with_api_key(FINPASS_KEY.to_owned())
                .with_api_secret(FINPASS_SECRET.to_owned())
                .with_consent_url(CONSENT_URL.to_owned())
                .with_failure(failure.clone()),
        )
        .with_finpro(
            FinproSettings::default()
                .with_client_id(FINPRO_CLIENT.to_owned())
                .with_client_secret(FINPRO_SECRET.to_owned())
                .with_organisation_id(FINPRO_ORGANISATION.to_owned())
                .with_app_identifier(FINPRO_APP.to_owned())
                .with_row_error_message(ROW_ERROR.to_owned())
                .with_failure(failure.clone()),
        )
        .with_veriff(
            VeriffSettings::default()
                .with_api_key(VERIFF_KEY.to_owned())
                .with_secrets(vec![VERIFF_SECRET.to_owned()])
                .with_failure(failure.clone()),
        )
        .with_deepvue(
            DeepvueSettings::default()
                .with_client_id(DEEPVUE_CLIENT.to_owned())
                .with_client_secret(DEEPVUE_SECRET.to_owned())
                .with_failure(failure),
        )
}

fn consent(session: &str, approved: bool) -> ConsentStatement {
    ConsentStatement::new(session, ConsentKind::Aadhaar, approved, CONSENT_TEXT)
}

fn applicant() -> Applicant {
    let documents = DocumentAccessRequest::new("KYC", REDIRECT_URL, true);
    Applicant::new(Mobile::parse(MOBILE).unwrap())
        .set_pan(Pan::parse(PAN).unwrap())
        .set_email(Email::parse(EMAIL).unwrap())
        .set_webhook_url(WEBHOOK_URL)
        .set_return_url(RETURN_URL)
        .set_reference(CONSENT_ID)
        .set_consent(consent(SESSION_ID, true))
        .set_documents(documents.set_documents(vec![DocumentKind::Aadhaar, DocumentKind::Pan]))
}

/// Onboards, and gives what requests and answers print of themselves.
async fn onboard(sandbox: &Sandbox, applicant: Applicant) -> Result<String> {
    let kyc = kyc(sandbox)?;
    capture::note(&format!("{kyc:?}\n{kyc:#?}"));
    let mut owned = format!("{applicant:?}\n{applicant:#?}");
    let onboarding = kyc
        .onboard(applicant)
        .with_observer(|event| capture::note(&format!("{event:?}")));
    capture::note(&format!("{onboarding:?}"));
    let report = onboarding.await;
    for (step, error) in report.errors() {
        capture::note(&format!("{step:?} {}", printed(error)));
    }
    owned.push_str(&format!("{report:?}\n{report:#?}"));
    owned.push_str(&format!("{:?}\n{:#?}", sandbox.ledger(), sandbox.ledger()));
    Ok(owned)
}

#[derive(Debug)]
struct Noting;

impl CallObserver for Noting {
    fn observe(&self, event: &CallEvent<'_>) {
        capture::note(&format!("{event:?}"));
    }
}

fn kyc(sandbox: &Sandbox) -> Result<Kyc> {
    let urls = SandboxTransport::base_urls();
    let base_url = |text: &str| BaseUrl::parse("base URL", text);
    let transport: Arc<dyn Transport> = Arc::new(sandbox.transport());
    let veriff = Veriff::new(
        base_url(&urls.veriff)?,
        consent_hmac::ApiKey::new(VERIFF_KEY)?,
        &SharedSecret::new(VERIFF_SECRET)?,
    )
    .or_verify_with(&SharedSecret::new(VERIFF_PREVIOUS)?);
    let deepvue = Deepvue::new(
        deepvue_digilocker::ClientId::new(DEEPVUE_CLIENT)?,
        deepvue_digilocker::ClientSecret::new(DEEPVUE_SECRET)?,
    )
    .with_base_url(base_url(&urls.deepvue)?);
    let finpro = Finpro::new(
        base_url(&urls.finpro)?,
        finpro_profile::Credentials {
            client_id: finpro_profile::ClientId::new(FINPRO_CLIENT)?,
            client_secret: finpro_profile::ClientSecret::new(FINPRO_SECRET)?,
            organisation_id: finpro_profile::OrganisationId::new(FINPRO_ORGANISATION)?,
            app_identifier: finpro_profile::AppIdentifier::new(FINPRO_APP)?,
        },
    );
    let finpass = Finpass::new(
        finpass::ApiKey::new(FINPASS_KEY)?,
        finpass::ApiSecret::new(FINPASS_SECRET)?,
    )
    .with_base_url(base_url(&urls.finpass)?);
    macro_rules! client {
        ($client:ident, $provider:ident) => {
            $client::builder($provider)
                .transport(transport.clone())
                .retry(RetryPolicy::never())
                .observer(Arc::new(Noting))
                .build()?
        };
    }
    Ok(Kyc::builder()
        .veriff(client!(ConsentClient, veriff))
        .deepvue(client!(DigilockerClient, deepvue))
        .finpro(client!(FinproProfileClient, finpro))
        .finpass(client!(FinpassClient, finpass))
        .build())
}
