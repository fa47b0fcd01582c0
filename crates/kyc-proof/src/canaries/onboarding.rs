//! An onboarding with planted values in every place, over a sandbox in process that succeeds and fails in every way.

use std::sync::Arc;

use anyhow::Result;
use kyc_facade::provider_core::capability::{
    AccessConsent, ConsentAnswer, ConsentKind, ConsentStatement, DocumentAccessRequest,
    DocumentKind,
};
use kyc_facade::{Applicant, Kyc};
use kyc_sandbox::settings::Failure as Fails;
use kyc_sandbox::{
    DeepvueSettings, FinpassSettings, FinproSettings, Sandbox, SandboxTransport, Settings,
    VeriffSettings, credentials,
};
use provider_core::{CallEvent, CallObserver, ClientDefaults, Email, Mobile, Pan, RetryPolicy};

use super::Found;
use crate::faults::printed;
use crate::planted::capture::{self, Capture};
use crate::planted::search::{Search, Source};
use crate::planted::*;

pub(super) fn run(search: &Search) -> Result<Found> {
    capture::install();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut found = Found::default();
    for (name, settings, applicant) in scenes() {
        let sandbox = Sandbox::new(settings);
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

/// The sandbox's behaviour, and the person who is onboarded.
fn scenes() -> Vec<(String, Settings, Applicant)> {
    let consenting = |session: &str, answer| applicant().set_consent(consent(session, answer));
    let no_id = consenting(&format!("../{SESSION_ID}"), ConsentAnswer::Approved);
    let refusing = consenting(SESSION_ID, ConsentAnswer::Refused);
    let scene = |name: &str, settings, applicant| (name.to_owned(), settings, applicant);
    let mut scenes = vec![
        scene("a person", knowing(None), applicant()),
        scene("unknown credentials", Settings::default(), applicant()),
        scene("a refusal of consent", knowing(None), refusing),
        scene("an id that cannot be sent", knowing(None), no_id),
    ];
    for status in [400, 401, 403, 404, 409, 422, 429, 500, 502, 503] {
        for (name, failure) in [
            ("", Fails::new(status)),
            (", after the effect", Fails::new(status).after_effect()),
            (", a page", Fails::new(status).gateway_page()),
        ] {
            let settings = knowing(Some(failure));
            scenes.push((format!("{status}{name}"), settings, applicant()));
        }
    }
    scenes
}

/// A sandbox that knows the planted credentials, and fails so.
fn knowing(failure: Option<Fails>) -> Settings {
    let finpass = FinpassSettings::default()
        .with_api_key(FINPASS_KEY.to_owned())
        .with_api_secret(FINPASS_SECRET.to_owned())
        .with_consent_url(Some(CONSENT_URL.to_owned()))
        .with_failure(failure.clone());
    let finpro = FinproSettings::default()
        .with_client_id(FINPRO_CLIENT.to_owned())
        .with_client_secret(FINPRO_SECRET.to_owned())
        .with_organisation_id(FINPRO_ORGANISATION.to_owned())
        .with_app_identifier(FINPRO_APP.to_owned())
        .with_row_error_message(ROW_ERROR.to_owned())
        .with_failure(failure.clone());
    let veriff = VeriffSettings::default()
        .with_api_key(VERIFF_KEY.to_owned())
        .with_secrets(vec![VERIFF_SECRET.to_owned()])
        .with_failure(failure.clone());
    let deepvue = DeepvueSettings::default()
        .with_client_id(DEEPVUE_CLIENT.to_owned())
        .with_client_secret(DEEPVUE_SECRET.to_owned())
        .with_failure(failure);
    let settings = Settings::default()
        .with_finpass(finpass)
        .with_finpro(finpro);
    settings.with_veriff(veriff).with_deepvue(deepvue)
}

fn consent(session: &str, answer: ConsentAnswer) -> ConsentStatement {
    ConsentStatement::new(session, ConsentKind::Aadhaar, answer, CONSENT_TEXT)
}

fn applicant() -> Applicant {
    let documents =
        DocumentAccessRequest::new(AccessConsent::given_by_person(), "KYC", REDIRECT_URL);
    Applicant::new(Mobile::parse(MOBILE).unwrap())
        .set_pan(Pan::parse(PAN).unwrap())
        .set_email(Email::parse(EMAIL).unwrap())
        .set_webhook_url(WEBHOOK_URL)
        .set_return_url(RETURN_URL)
        .set_query_id(CONSENT_ID)
        .set_consent(consent(SESSION_ID, ConsentAnswer::Approved))
        .set_documents(documents.set_documents(vec![DocumentKind::Aadhaar, DocumentKind::Pan]))
}

/// Onboards, and returns what requests and replies print of themselves.
async fn onboard(sandbox: &Sandbox, applicant: Applicant) -> Result<String> {
    let kyc = kyc(sandbox)?;
    capture::note(&format!("{kyc:?}\n{kyc:#?}"));
    let mut owned = format!("{applicant:?}\n{applicant:#?}");
    let onboarding = kyc.onboard(applicant).with_observer(|event| {
        capture::note(&format!("{event:?}"));
        capture::note(&serde_json::to_string(&event).unwrap_or_default());
    });
    capture::note(&format!("{onboarding:?}"));
    let report = onboarding.await;
    for (step, error) in report.errors() {
        capture::note(&format!("{step:?} {}", printed(error)));
    }
    // What is sent to the person's browser is in the document with URLs only.
    capture::note(&serde_json::to_string(&report)?);
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
    let defaults = ClientDefaults::new()
        .transport(Arc::new(sandbox.transport()))
        .observer(Arc::new(Noting))
        .retry(RetryPolicy::never());
    let planted = SETTINGS.iter();
    let planted = planted.map(|(name, value)| (*name, (*value).to_owned()));
    let settings = credentials::environment(&SandboxTransport::base_urls());
    let settings = provider_core::Settings::of(settings.into_iter().chain(planted));
    let builder = Kyc::builder().client_defaults(defaults);
    Ok(builder.providers_from(&settings)?.build())
}
