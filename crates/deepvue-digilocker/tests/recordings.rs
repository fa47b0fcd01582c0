//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use deepvue_digilocker::provider_core::testing::{FixedClock, Mode, Recorder};
use deepvue_digilocker::provider_core::{BaseUrl, Endpoint, Response, RetryPolicy};
use deepvue_digilocker::{
    ClientId, ClientSecret, CompleteAuthorization, Consent, Deepvue, DigilockerClient,
    DigilockerCode, DocType, FileUri, GetEAadhaar, GetFile, InitiateSession, ListIssuedFiles,
    TransactionId,
};
use kyc_sandbox::credentials::{
    DEEPVUE_CLIENT_ID, DEEPVUE_CLIENT_SECRET, DEEPVUE_INACTIVE_CLIENT_ID,
};
use kyc_sandbox::settings::{ValidationItems, WrongCredentials};
use kyc_sandbox::{DeepvueSettings, Sandbox, SandboxTransport, Settings};
use serde::Serialize;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/initiate-session");

/// A client of a new sandbox, and its recorder.
fn recorded(client_id: &str, settings: DeepvueSettings) -> (DigilockerClient, Recorder) {
    let settings = Settings::default()
        .with_deterministic_ids(true)
        .with_deepvue(settings);
    let transport = Sandbox::new(settings).transport();
    let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().deepvue).unwrap();
    let deepvue = Deepvue::new(
        ClientId::new(client_id).unwrap(),
        ClientSecret::new(DEEPVUE_CLIENT_SECRET).unwrap(),
    )
    .with_base_url(base_url);
    let recorder = Recorder::new(Arc::new(transport));
    let client = DigilockerClient::builder(deepvue)
        .transport(Arc::new(recorder.clone()))
        .clock(Arc::new(FixedClock::default()))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    (client, recorder)
}

#[tokio::test]
async fn recorded_fixtures_are_up_to_date() {
    let minimal =
        InitiateSession::without_redirect(Consent::given_by_person(), "KYC of a new customer");
    let full = InitiateSession::new(
        Consent::given_by_person(),
        "KYC of a new customer",
        "https://lender.example.test/back",
    )
    .set_doc_types([DocType::Aadhaar, DocType::Pan, DocType::Dl]);
    let unknown_type = minimal.clone().set_doc_types([DocType::from("made_up")]);
    let id = DEEPVUE_CLIENT_ID;
    let sandbox = DeepvueSettings::default;
    let second_items = sandbox().with_validation_items(ValidationItems::PydanticV2);
    let token = sandbox().with_wrong_credentials(WrongCredentials::NotAValidToken);
    for (case, client_id, settings, request) in [
        ("recorded-full", id, sandbox(), full),
        ("recorded-minimal", id, sandbox(), minimal.clone()),
        (
            "recorded-inactive-client",
            DEEPVUE_INACTIVE_CLIENT_ID,
            sandbox(),
            minimal.clone(),
        ),
        ("recorded-wrong-client", "other", sandbox(), minimal.clone()),
        (
            "recorded-not-a-valid-token",
            "other",
            token,
            minimal.clone(),
        ),
        (
            "recorded-not-authenticated",
            id,
            sandbox().fail_with(401),
            minimal.clone(),
        ),
        ("recorded-validation", id, sandbox(), unknown_type.clone()),
        ("recorded-validation-v2", id, second_items, unknown_type),
        (
            "recorded-rate-limited",
            id,
            sandbox().fail_with(429),
            minimal.clone(),
        ),
        (
            "recorded-internal-error",
            id,
            sandbox().fail_with(500),
            minimal.clone(),
        ),
        (
            "recorded-source-unavailable",
            id,
            sandbox().fail_with(503),
            minimal,
        ),
    ] {
        let (client, recorder) = recorded(client_id, settings);
        let result = client.initiate_session(request.clone()).await;
        recorder.finish(Mode::from_environment(), FIXTURES, case, &request, &result);
    }
}

#[tokio::test]
async fn recorded_documents_are_up_to_date() {
    async fn call<E>(
        (client, recorder): &(DigilockerClient, Recorder),
        case: &str,
        request: E,
    ) -> Option<E::Output>
    where
        E: Endpoint<Provider = Deepvue, Output: Serialize> + Serialize + Clone,
    {
        let result = client.client().call(request.clone()).await;
        let directory = Path::new(FIXTURES).with_file_name(E::OPERATION.name);
        let case = format!("recorded-{case}");
        recorder.finish(
            Mode::from_environment(),
            directory,
            &case,
            &request,
            &result,
        );
        result.ok().map(Response::into_value)
    }

    const PURPOSE: &str = "KYC of a new customer";
    let consent = Consent::given_by_person;
    let recorded = recorded(DEEPVUE_CLIENT_ID, DeepvueSettings::default());
    let session = InitiateSession::without_redirect(consent(), PURPOSE);
    let session = recorded.0.initiate_session(session).await.unwrap();
    let session = session.into_value().transaction_id;
    let unknown = TransactionId::parse("unknown").unwrap();

    let early = GetEAadhaar::new(consent(), PURPOSE, session.clone());
    call(&recorded, "before-the-authorisation", early.clone()).await;
    let code = || DigilockerCode::parse("code-1").unwrap();
    let complete = CompleteAuthorization::new(consent(), PURPOSE, session.clone(), code());
    call(&recorded, "completed", complete.clone())
        .await
        .unwrap();
    call(&recorded, "used-code", complete).await;
    let list = ListIssuedFiles::new(consent(), PURPOSE, session.clone());
    let files = call(&recorded, "three-files", list).await.unwrap().data;
    let list = ListIssuedFiles::new(consent(), PURPOSE, unknown);
    call(&recorded, "unknown-session", list).await;
    call(&recorded, "with-pdf", early.set_generate_pdf(true))
        .await
        .unwrap();
    let uri = files.first().unwrap().uri.clone();
    let file = GetFile::new(consent(), PURPOSE, session.clone(), uri);
    call(&recorded, "pdf-in-base64", file).await.unwrap();
    let unknown = FileUri::new("in.gov.pan-PANCR-unknown");
    let file = GetFile::new(consent(), PURPOSE, session, unknown);
    call(&recorded, "unknown-file", file).await;
}
