//! The capability's conformance suite against the in-process sandbox, and refusals of the capability and the sandbox.

use std::sync::Arc;

use deepvue_digilocker::provider_core::capability::{
    AccessConsent, DocumentAccess, DocumentAccessRequest, DocumentKind,
};
use deepvue_digilocker::provider_core::testing::{ScriptedTransport, Step, conformance};
use deepvue_digilocker::provider_core::{BaseUrl, CallOptions, ErrorKind, Outcome, Transport};
use deepvue_digilocker::{
    ClientId, ClientSecret, Consent, Deepvue, DigilockerClient, DocType, InitiateSession,
};
use kyc_sandbox::credentials::{
    DEEPVUE_CLIENT_ID, DEEPVUE_CLIENT_SECRET, DEEPVUE_INACTIVE_CLIENT_ID,
};
use kyc_sandbox::settings::{
    Failure, SessionReplyBody, TimestampForm, ValidationItems, WrongCredentials,
};
use kyc_sandbox::{DeepvueSettings, Sandbox, Settings};

use crate::sandbox::{base_url, client, deepvue};

fn access() -> DocumentAccessRequest {
    DocumentAccessRequest::new(
        AccessConsent::given_by_person(),
        "KYC of a new customer",
        "https://lender.example.test/back",
    )
    .set_documents([DocumentKind::Aadhaar])
}

fn minimal() -> InitiateSession {
    InitiateSession::without_redirect(Consent::given_by_person(), "KYC of a new customer")
}

fn sandbox(settings: DeepvueSettings) -> Sandbox {
    Sandbox::new(Settings::default().with_deepvue(settings))
}

#[tokio::test(start_paused = true)]
async fn deepvue_implements_document_access() {
    let peer = |failure| -> Arc<dyn Transport> {
        let settings = DeepvueSettings::default().with_failure(failure);
        Arc::new(sandbox(settings).transport())
    };
    // The reply to a session that is opened has nothing of the request.
    let setup = conformance::Setup::<dyn DocumentAccess>::new(
        peer(None),
        peer(Some(Failure::new(400))),
        peer(Some(Failure::new(503).after_effect())),
        |transport| Arc::new(client(&base_url(), transport)),
    )
    .replies_say_nothing();
    conformance::document_access(&setup, access(), access()).await;
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_document_is_sent_by_deepvue_s_name() {
    let body = r#"{"transaction_id":"t","data":{"authorization_url":"https://u.test"}}"#;
    let transport = ScriptedTransport::new([Step::respond(200, body)]);
    let client = client(&base_url(), Arc::new(transport.clone()));
    let documents = vec![
        DocumentKind::Pan,
        DocumentKind::DrivingLicence,
        DocumentKind::Aadhaar,
        DocumentKind::from("made_up"),
    ];
    let session = client
        .open_session(access().set_documents(documents), CallOptions::new())
        .await
        .unwrap();
    assert_eq!(session.reference.as_str(), "t");
    assert_eq!(session.url.expose(), "https://u.test");
    assert_eq!(
        transport.only().json()["doc_types"],
        serde_json::json!(["pan", "dl", "aadhaar", "made_up"])
    );
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    for (client_id, client_secret, wrong, status) in [
        (
            "other",
            DEEPVUE_CLIENT_SECRET,
            WrongCredentials::Denied,
            401,
        ),
        (DEEPVUE_CLIENT_ID, "other", WrongCredentials::Denied, 401),
        // The two of them swapped.
        (
            DEEPVUE_CLIENT_SECRET,
            DEEPVUE_CLIENT_ID,
            WrongCredentials::Denied,
            401,
        ),
        (
            DEEPVUE_CLIENT_ID,
            "other",
            WrongCredentials::NotAValidToken,
            403,
        ),
        (
            DEEPVUE_INACTIVE_CLIENT_ID,
            DEEPVUE_CLIENT_SECRET,
            WrongCredentials::Denied,
            400,
        ),
    ] {
        let sandbox = sandbox(DeepvueSettings::default().with_wrong_credentials(wrong));
        let deepvue = Deepvue::new(
            ClientId::new(client_id).unwrap(),
            ClientSecret::new(client_secret).unwrap(),
        )
        .with_base_url(BaseUrl::parse("base_url", &base_url()).unwrap());
        let client = DigilockerClient::builder(deepvue)
            .transport(Arc::new(sandbox.transport()))
            .build()
            .unwrap();
        let error = client.initiate_session(minimal()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{client_id}");
        assert_eq!(error.outcome(), Outcome::Refused);
        assert_eq!(error.status().unwrap(), status);
        assert!(error.fault().unwrap().meaning().is_some(), "{client_id}");
    }
}

#[tokio::test]
async fn every_form_of_success_is_accepted() {
    let success = DeepvueSettings::default;
    for settings in [
        success(),
        success().with_success_status(200).with_body_code(200),
        success().with_success_status(200).with_body_code(201),
        success().with_timestamp(TimestampForm::Null),
        success().with_timestamp(TimestampForm::Absent),
        success().with_sub_code(true),
    ] {
        let transport = sandbox(settings).transport();
        let client = client(&base_url(), Arc::new(transport));
        let session = client.initiate_session(minimal()).await.unwrap();
        assert!(!session.value().transaction_id.as_str().is_empty());
    }
}

#[tokio::test]
async fn a_reply_without_a_session_is_an_error() {
    for (body, kind, outcome) in [
        (
            SessionReplyBody::DataMissing,
            ErrorKind::Decode,
            Outcome::Done,
        ),
        (SessionReplyBody::DataNull, ErrorKind::Decode, Outcome::Done),
        (
            SessionReplyBody::ErrorInside2xx,
            ErrorKind::Api,
            Outcome::Unknown,
        ),
    ] {
        let transport = sandbox(DeepvueSettings::default().with_reply_body(body)).transport();
        let client = client(&base_url(), Arc::new(transport));
        let error = client.initiate_session(minimal()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{body:?}");
    }
}

#[tokio::test]
async fn a_refused_field_is_named_in_both_generations_of_items() {
    for (items, code) in [
        (ValidationItems::PydanticV1, "type_error.enum"),
        (ValidationItems::PydanticV2, "enum"),
    ] {
        let settings = DeepvueSettings::default().with_validation_items(items);
        let client = client(&base_url(), Arc::new(sandbox(settings).transport()));
        let request = minimal().set_doc_types([DocType::Aadhaar, DocType::from("made_up")]);
        let error = client.initiate_session(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api);
        let fault = error.fault().unwrap();
        assert_eq!(fault.code(), Some(code));
        assert_eq!(fault.meaning(), Some("the field `doc_types` was refused"));
        assert!(!error.to_string().contains("made_up"));
    }
}

/// Why a session is not opened twice: the caller cannot know whether the first one was opened.
#[tokio::test]
async fn a_failure_after_the_effect_is_not_retried() {
    let settings =
        DeepvueSettings::default().with_failure(Some(Failure::new(503).first(1).after_effect()));
    let sandbox = sandbox(settings);
    let client = DigilockerClient::builder(deepvue(&base_url()))
        .transport(Arc::new(sandbox.transport()))
        .build()
        .unwrap();
    let error = client.initiate_session(minimal()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    let counts = sandbox.ledger().counts(kyc_sandbox::Provider::Deepvue);
    assert_eq!(counts.effects, 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_way_back_nothing_is_sent() {
    let transport = ScriptedTransport::new([]);
    let client = client(&base_url(), Arc::new(transport.clone()));
    let mut aimless = access();
    aimless.return_url = "".into();
    let error = client
        .open_session(aimless, CallOptions::new())
        .await
        .unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "redirect_url");
    assert!(transport.sent().is_empty());
}
