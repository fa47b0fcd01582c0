//! Recorded fixtures are what the client and the sandbox exchange now. `cargo xtask fixtures` rewrites them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::sync::Arc;
use std::time::Duration;

use consent_hmac::{ApiKey, ConsentType, SessionId, SharedSecret, Veriff};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_SHARED_SECRET};
use kyc_sandbox::settings::{
    AADHAAR_UNKNOWN, MEDIA_FACE, MFA_CODE, SESSION_DECISIONS, SESSION_NOT_FOUND,
};
use kyc_sandbox::{DecisionStatus, Provider, Sandbox, SandboxTransport, Settings, Trigger};
use provider_core::http::HeaderMap;
use provider_core::testing::{
    FixedClock, Mode, Recorder, ScriptedTransport, Sent, Step, WebhookFixture,
};
use provider_core::webhook::{Receiver, Refusal};
use provider_core::{BaseUrl, Clock as _, Error, Response};
use serde::Serialize;
use serde_json::json;
use veriff_sessions::{
    AadhaarNumber, AttemptId, CreateSession, DeleteSession, DownloadMedia, ExpectedDocument,
    ExpectedPerson, GenerateMfa, GetAttempts, GetCurpDecision, GetDecision, GetPerson,
    GetScreening, GivenConsent, ListAttemptMedia, ListSessionMedia, MediaContext, MediaId,
    MediaType, OneTimePassword, SessionsClient, SubmitCollectedData, SubmitSession, UploadMedia,
    VeriffEvent, VeriffWebhooks, VerifyMfa,
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
const SESSION: &str = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";

/// A client of a sandbox with fixed ids, which is recorded.
fn recorded() -> (Sandbox, Recorder, SessionsClient) {
    let sandbox = Sandbox::new(Settings::default().with_deterministic_ids(true));
    let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().veriff).unwrap();
    let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
    let veriff = Veriff::new(base_url, ApiKey::new(VERIFF_API_KEY).unwrap(), &secret);
    let recorder = Recorder::new(Arc::new(sandbox.transport()));
    let client = SessionsClient::builder(veriff)
        .transport(Arc::new(recorder.clone()))
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap();
    (sandbox, recorder, client)
}

/// Compares the exchange with what is on file, or files it.
fn finish<R: Serialize, T: Serialize>(
    recorder: &Recorder,
    case: &str,
    request: &R,
    result: &Result<Response<T>, Error>,
) {
    let (operation, case) = case.split_once('/').unwrap();
    let directory = format!("{FIXTURES}/{operation}");
    recorder.finish(Mode::from_environment(), &directory, case, request, result);
}

fn session(id: &str) -> SessionId {
    SessionId::parse(id).unwrap()
}

#[tokio::test]
async fn recorded_sessions_are_up_to_date() {
    let (_, recorder, client) = recorded();
    let mut person = ExpectedPerson::default();
    person.first_name = Some("Sample".into());
    person.last_name = Some("Person".into());
    person.date_of_birth = Some("1990-01-01".into());
    let mut document = ExpectedDocument::default();
    document.country = Some("IN".into());
    document.kind = Some("PASSPORT".into());
    let full = CreateSession::new()
        .set_callback("https://app.example.test/back")
        .set_person(person)
        .set_document(document.clone())
        .set_vendor_data("application-4711")
        .set_end_user_id("00000000-0000-4000-8000-0000000000e1");
    document.kind = Some("VISA".into());
    let consent = GivenConsent {
        kind: ConsentType::Ine,
        approved: false,
    };
    for (case, request) in [
        ("create-session/recorded-full", full),
        ("create-session/recorded-smallest", CreateSession::new()),
        (
            "create-session/recorded-document-not-supported",
            CreateSession::new().set_document(document),
        ),
        (
            "create-session/recorded-consent-refused",
            CreateSession::new().set_consents([consent]),
        ),
    ] {
        let result = client.create_session(request.clone()).await;
        finish(&recorder, case, &request, &result);
    }
}

#[tokio::test]
async fn recorded_submissions_are_up_to_date() {
    let (_, recorder, client) = recorded();
    for (case, id) in [
        ("recorded-submitted", SESSION),
        ("recorded-submitted-before", SESSION),
        ("recorded-decided", SESSION_DECISIONS[0].0),
        ("recorded-unknown-session", SESSION_NOT_FOUND),
    ] {
        let request = SubmitSession::new(session(id));
        let result = client.submit_session(request.clone()).await;
        finish(
            &recorder,
            &format!("submit-session/{case}"),
            &request,
            &result,
        );
    }
}

#[tokio::test]
async fn recorded_decisions_are_up_to_date() {
    const DECLINED: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";
    let (sandbox, recorder, client) = recorded();
    assert!(sandbox.decide(DECLINED, DecisionStatus::Declined));
    for (case, id) in [
        ("recorded-approved", SESSION_DECISIONS[0].0),
        ("recorded-declined", DECLINED),
        ("recorded-undecided", SESSION),
        ("recorded-unknown-session", SESSION_NOT_FOUND),
    ] {
        let request = GetDecision::new(session(id));
        let result = client.decision(request.clone()).await;
        finish(&recorder, &format!("decision/{case}"), &request, &result);
    }
}

#[tokio::test]
async fn recorded_attempts_are_up_to_date() {
    let (_, recorder, client) = recorded();
    for (case, id) in [
        ("recorded-approved", SESSION_DECISIONS[0].0),
        ("recorded-resubmission", SESSION_DECISIONS[2].0),
        ("recorded-created", SESSION),
        ("recorded-unknown-session", SESSION_NOT_FOUND),
    ] {
        let request = GetAttempts::new(session(id));
        let result = client.attempts(request.clone()).await;
        finish(&recorder, &format!("attempts/{case}"), &request, &result);
    }
}

#[tokio::test]
async fn recorded_deletions_are_up_to_date() {
    let (_, recorder, client) = recorded();
    for (case, id) in [
        ("recorded-deleted", SESSION),
        ("recorded-deleted-before", SESSION),
        ("recorded-in-progress", SESSION_DECISIONS[5].0),
        ("recorded-unknown-session", SESSION_NOT_FOUND),
    ] {
        let request = DeleteSession::new(session(id));
        let result = client.delete_session(request.clone()).await;
        finish(
            &recorder,
            &format!("delete-session/{case}"),
            &request,
            &result,
        );
    }
}

#[tokio::test]
async fn recorded_uploads_are_up_to_date() {
    let (_, recorder, client) = recorded();
    let upload = |id: &str, content: &str| {
        UploadMedia::from_base64(session(id), MediaContext::DocumentFront, content)
    };
    let png = b"\x89PNG\r\n\x1a\n";
    let documented = UploadMedia::new(session(SESSION), MediaContext::Face, MediaType::Png, png);
    let decided = SESSION_DECISIONS[0].0;
    for (case, request) in [
        ("recorded-uploaded", documented),
        ("recorded-bare-base64", upload(SESSION, "/9j/4AAQ")),
        (
            "recorded-context-unsupported",
            UploadMedia::from_base64(session(SESSION), "selfie".into(), "/9j/4AAQ"),
        ),
        ("recorded-submitted-before", upload(decided, "/9j/4AAQ")),
        (
            "recorded-unknown-session",
            upload(SESSION_NOT_FOUND, "/9j/4AAQ"),
        ),
    ] {
        let result = client.upload_media(request.clone()).await;
        let case = format!("upload-media/{case}");
        finish(&recorder, &case, &request, &result);
    }
    let request = ListSessionMedia::new(session(SESSION));
    let result = client.session_media(request.clone()).await;
    finish(
        &recorder,
        "session-media/recorded-uploaded",
        &request,
        &result,
    );
}

#[tokio::test]
async fn recorded_media_are_up_to_date() {
    let (_, recorder, client) = recorded();
    let approved = SESSION_DECISIONS[0].0;
    for (case, id) in [
        ("recorded-approved", approved),
        ("recorded-none", SESSION),
        ("recorded-unknown-session", SESSION_NOT_FOUND),
    ] {
        let request = ListSessionMedia::new(session(id));
        let result = client.session_media(request.clone()).await;
        finish(
            &recorder,
            &format!("session-media/{case}"),
            &request,
            &result,
        );
    }
    let attempts = client.attempts(GetAttempts::new(session(approved))).await;
    let attempt = attempts.unwrap().into_value().verifications[0].id.clone();
    for (case, attempt) in [
        ("recorded-approved", attempt),
        (
            "recorded-unknown-attempt",
            AttemptId::parse(SESSION_NOT_FOUND).unwrap(),
        ),
    ] {
        let request = ListAttemptMedia::new(attempt);
        let result = client.attempt_media(request.clone()).await;
        finish(
            &recorder,
            &format!("attempt-media/{case}"),
            &request,
            &result,
        );
    }
    for (case, id) in [
        ("recorded-face", MEDIA_FACE),
        ("recorded-unknown-media", SESSION_NOT_FOUND),
    ] {
        let request = DownloadMedia::new(MediaId::parse(id).unwrap());
        let result = client.download_media(request.clone()).await;
        finish(
            &recorder,
            &format!("download-media/{case}"),
            &request,
            &result,
        );
    }
}

#[tokio::test]
async fn recorded_people_are_up_to_date() {
    let (_, recorder, client) = recorded();
    for (case, id) in [
        ("recorded-approved", SESSION_DECISIONS[0].0),
        ("recorded-undecided", SESSION),
        ("recorded-unknown-session", SESSION_NOT_FOUND),
    ] {
        let request = GetPerson::new(session(id));
        let result = client.person(request.clone()).await;
        finish(&recorder, &format!("person/{case}"), &request, &result);
        let request = GetScreening::new(session(id));
        let result = client.watchlist_screening(request.clone()).await;
        let operation = "watchlist-screening";
        finish(&recorder, &format!("{operation}/{case}"), &request, &result);
        let request = GetCurpDecision::new(session(id));
        let result = client.curp_decision(request.clone()).await;
        finish(
            &recorder,
            &format!("curp-decision/{case}"),
            &request,
            &result,
        );
    }
}

#[tokio::test]
async fn recorded_collected_data_are_up_to_date() {
    let (_, recorder, client) = recorded();
    for (case, id) in [
        ("recorded-smallest", SESSION),
        ("recorded-decided", SESSION_DECISIONS[0].0),
        ("recorded-unknown-session", SESSION_NOT_FOUND),
    ] {
        let address = "192.0.2.1".parse().unwrap();
        let request = SubmitCollectedData::new(session(id), "made-up service", address, "made-up");
        let result = client.collected_data(request.clone()).await;
        finish(
            &recorder,
            &format!("collected-data/{case}"),
            &request,
            &result,
        );
    }
}

#[tokio::test]
async fn recorded_passwords_are_up_to_date() {
    let (_, recorder, client) = recorded();
    let generate = |id: &str, number: &str| {
        GenerateMfa::new(session(id), AadhaarNumber::parse(number).unwrap())
    };
    let verify =
        |id: &str, code: &str| VerifyMfa::new(session(id), OneTimePassword::parse(code).unwrap());
    let request = verify(SESSION, MFA_CODE);
    let result = client.verify_mfa(request.clone()).await;
    finish(
        &recorder,
        "verify-mfa/recorded-not-generated",
        &request,
        &result,
    );
    for (case, request) in [
        (
            "recorded-unknown-number",
            generate(SESSION, AADHAAR_UNKNOWN),
        ),
        ("recorded-sent", generate(SESSION, "000011112222")),
        (
            "recorded-unknown-session",
            generate(SESSION_NOT_FOUND, "000011112222"),
        ),
    ] {
        let result = client.generate_mfa(request.clone()).await;
        finish(
            &recorder,
            &format!("generate-mfa/{case}"),
            &request,
            &result,
        );
    }
    for (case, request) in [
        ("recorded-wrong", verify(SESSION, "000321")),
        ("recorded-verified", verify(SESSION, MFA_CODE)),
        ("recorded-verified-before", verify(SESSION, MFA_CODE)),
    ] {
        let result = client.verify_mfa(request.clone()).await;
        finish(&recorder, &format!("verify-mfa/{case}"), &request, &result);
    }
}

const WEBHOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/webhooks");

#[tokio::test]
async fn recorded_webhooks_are_up_to_date() {
    for name in Trigger::names().filter(|name| name.starts_with("veriff.")) {
        let delivered = deliver(&name).await;
        let event = read(&delivered.headers, &delivered.body).unwrap();
        let (_, event_name) = name.split_once('.').unwrap();
        let case = event_name.to_lowercase().replace(['.', '_'], "-");
        let names = [
            "content-type",
            "x-auth-client",
            "x-hmac-signature",
            "vrf-auth-client",
            "vrf-hmac-signature",
            "vrf-integration-id",
        ];
        let mode = Mode::from_environment();
        WebhookFixture::finish(mode, WEBHOOKS, &case, &delivered, &names, event);
    }
}

#[test]
fn webhooks_on_file_are_read_and_changed_ones_are_not() {
    let all = WebhookFixture::all(WEBHOOKS);
    assert_eq!(
        all.len(),
        Trigger::names()
            .filter(|name| name.starts_with("veriff."))
            .count()
    );
    for webhook in all {
        let (headers, body) = (webhook.headers(), webhook.body.clone().into_bytes());
        assert_eq!(read(&headers, &body), Ok(webhook.event), "{}", webhook.case);
        let written_again: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let written_again = serde_json::to_vec_pretty(&written_again).unwrap();
        assert!(read(&headers, &written_again).is_err(), "{}", webhook.case);
    }
}

/// What a receiver with the sandbox's secret reads.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<serde_json::Value, Refusal> {
    let key = ApiKey::new(VERIFF_API_KEY).unwrap();
    let secret = SharedSecret::new(VERIFF_SHARED_SECRET).unwrap();
    let receiver = Receiver::new(VeriffWebhooks::new(&key, &secret));
    let verified = receiver.verify(headers, body, FixedClock::default().now())?;
    let event = verified.parse().unwrap();
    let kind = match &event {
        VeriffEvent::Decision(_) => "decision",
        VeriffEvent::Flow(_) => "flow",
        VeriffEvent::UserDefinedStatus(_) => "user-defined-status",
        VeriffEvent::Watchlist(_) => "watchlist",
        other => panic!("{other:?}"),
    };
    Ok(json!({
        "kind": kind,
        "session_id": event.session_id(),
        "attempt_id": event.attempt_id(),
        "state": event.state().map(|state| format!("{state:?}")),
    }))
}

/// What a sandbox with fixed ids sends when this event happens.
async fn deliver(event: &str) -> Sent {
    let accepted = (0..20).map(|_| Step::respond(200, ""));
    let caller = ScriptedTransport::new(accepted);
    let urls = [(Provider::Veriff, "http://127.0.0.1:3000/hooks".to_owned())];
    let sandbox = Sandbox::new(
        Settings::default()
            .with_deterministic_ids(true)
            .with_webhook_urls(urls.into())
            .with_webhook_transport(Some(Arc::new(caller.clone()))),
    );
    let made = sandbox.trigger(Trigger::of(event).unwrap()).await.unwrap();
    // The clock stands still with fixed ids, so what is planned for now comes when it is moved.
    sandbox.advance(Duration::from_secs(1)).await;
    let body = sandbox.webhook(made.webhook).unwrap().body;
    let mut sent = caller.sent().into_iter();
    sent.find(|sent| sent.body == body).unwrap()
}
