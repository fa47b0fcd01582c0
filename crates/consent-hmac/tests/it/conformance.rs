//! The capability's conformance suite against the in-process sandbox, and the client against the sandbox's settings.

use std::sync::Arc;

use consent_hmac::provider_core::capability::{ConsentKind, ConsentRecorder, ConsentStatement};
use consent_hmac::provider_core::testing::{ScriptedTransport, Step, conformance};
use consent_hmac::provider_core::{
    BaseUrl, CallOptions, ErrorKind, Outcome, Transport, VerificationError,
};
use consent_hmac::{
    ApiKey, ConsentAnswer, ConsentClient, ConsentType, RecordConsent, SessionId, SharedSecret,
    Signer, Veriff,
};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_OLD_SECRET, VERIFF_SHARED_SECRET};
use kyc_sandbox::settings::{ConsentReplyBody, ErrorSigning, Failure, KeyOrder, ReplySigning};
use kyc_sandbox::{Sandbox, Settings, VeriffSettings};

use crate::sandbox::{SESSION, base_url, client, secret, veriff};

fn statement(kind: ConsentKind) -> ConsentStatement {
    ConsentStatement::new(
        SESSION,
        kind,
        ConsentAnswer::Approved,
        "I agree to share my details",
    )
}

fn approval() -> RecordConsent {
    RecordConsent::new(
        SessionId::parse(SESSION).unwrap(),
        ConsentType::Ine,
        ConsentAnswer::Approved,
        "I agree to share my details",
    )
}

fn sandbox(settings: VeriffSettings) -> Sandbox {
    Sandbox::new(Settings::default().with_veriff(settings))
}

#[tokio::test(start_paused = true)]
async fn veriff_is_a_consent_recorder() {
    let peer = |failure| sandbox(VeriffSettings::default().with_failure(failure));
    let answers = peer(None);
    let transport = |sandbox: &Sandbox| -> Arc<dyn Transport> { Arc::new(sandbox.transport()) };
    let setup = conformance::Setup::<dyn ConsentRecorder>::new(
        transport(&answers),
        transport(&peer(Some(Failure::new(400)))),
        transport(&peer(Some(Failure::new(503).after_effect()))),
        |transport| Arc::new(client(veriff(&base_url()), transport)),
    );
    for kind in [ConsentKind::Ine, ConsentKind::Bipa, ConsentKind::Aadhaar] {
        let mut of_another = statement(kind.clone());
        of_another.session = "11111111-1111-4111-8111-111111111111".to_owned();
        conformance::consent_recorder(&setup, statement(kind), of_another).await;
    }
    // The suite records an approval, a refusal, and the approval again: the latest is binding.
    let consents = answers.consents(SESSION);
    let kinds: Vec<_> = consents.iter().map(|consent| consent.kind()).collect();
    let thrice = |kind| [kind; 3];
    assert_eq!(
        kinds,
        [thrice("ine"), thrice("bipa"), thrice("aadhaar")].concat()
    );
    let last = consents.last().unwrap();
    assert!(last.is_binding() && last.approved());
}

#[tokio::test(start_paused = true)]
async fn an_input_that_veriff_refuses_is_named_and_not_sent() {
    let transport = ScriptedTransport::new([]);
    let client = client(veriff(&base_url()), Arc::new(transport.clone()));
    let statement = statement(ConsentKind::Ine);
    for (statement, field) in [
        (
            ConsentStatement::new(
                "..",
                statement.kind.clone(),
                ConsentAnswer::Approved,
                statement.text.clone(),
            ),
            "session_id",
        ),
        (
            ConsentStatement::new(
                SESSION,
                statement.kind.clone(),
                ConsentAnswer::Approved,
                " ",
            ),
            "text",
        ),
        (
            ConsentStatement::new(
                SESSION,
                ConsentKind::from(""),
                ConsentAnswer::Approved,
                statement.text,
            ),
            "type",
        ),
    ] {
        let error = ConsentRecorder::record_consent(&client, statement, CallOptions::new())
            .await
            .unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert_eq!(error.invalid_request().unwrap().field(), field);
        assert_eq!(
            (error.provider(), error.operation()),
            ("veriff", "record-consent")
        );
    }
    assert!(transport.sent().is_empty());
}

/// A recorded consent is never reported as "not sent".
#[tokio::test(start_paused = true)]
async fn a_consent_without_an_id_is_a_decode_error() {
    let body = format!(r#"{{"id":"","sessionId":"{SESSION}"}}"#);
    let signature = Signer::new(&secret()).sign(body.as_bytes()).to_string();
    let step = Step::respond_with(200, &[("x-hmac-signature", &signature)], body);
    let client = client(
        veriff(&base_url()),
        Arc::new(ScriptedTransport::new([step])),
    );
    let error =
        ConsentRecorder::record_consent(&client, statement(ConsentKind::Ine), CallOptions::new())
            .await
            .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.outcome(), Outcome::Done);
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    for (api_key, secret, code) in [
        ("not-a-uuid", VERIFF_SHARED_SECRET, "1802"),
        (
            "11111111-2222-4333-8444-555555555555",
            VERIFF_SHARED_SECRET,
            "1803",
        ),
        (VERIFF_API_KEY, VERIFF_OLD_SECRET, "1819"),
    ] {
        let veriff = Veriff::new(
            BaseUrl::parse("base_url", &base_url()).unwrap(),
            ApiKey::new(api_key).unwrap(),
            &SharedSecret::new(secret).unwrap(),
        );
        let client = client(veriff, Arc::new(Sandbox::default().transport()));
        let error = client.record_consent(approval()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{code}");
        assert_eq!(error.outcome(), Outcome::Refused, "{code}");
        assert_eq!(error.fault().unwrap().code(), Some(code));
    }
}

#[tokio::test]
async fn every_reply_signing_of_the_sandbox_is_accepted_or_refused_as_documented() {
    use VerificationError::{ConflictingHeaders, MissingSignature, OtherClient, SignatureMismatch};

    for (signing, expected) in [
        (ReplySigning::BothPairs, None),
        (ReplySigning::XPairOnly, None),
        (ReplySigning::VrfPairOnly, None),
        (ReplySigning::UpperCaseHex, None),
        (ReplySigning::DifferingPairs, Some(ConflictingHeaders)),
        (ReplySigning::Unsigned, Some(MissingSignature)),
        (ReplySigning::OldSecret, Some(SignatureMismatch)),
        (
            ReplySigning::ReserialisedAfterSigning,
            Some(SignatureMismatch),
        ),
        (ReplySigning::ForeignClient, Some(OtherClient)),
    ] {
        let sandbox = sandbox(VeriffSettings::default().with_reply_signing(signing));
        let client = client(veriff(&base_url()), Arc::new(sandbox.transport()));
        let result = client.record_consent(approval()).await;
        match (result, expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => {
                assert_eq!(error.verification(), Some(&expected), "{signing:?}");
                // The outcome is unknown: the consent is recorded although verification failed.
                assert_eq!(error.outcome(), Outcome::Unknown, "{signing:?}");
            }
            (result, _) => panic!("{signing:?}: {result:?}"),
        }
        assert_eq!(sandbox.consents(SESSION).len(), 1, "{signing:?}");
    }
}

#[tokio::test]
async fn settings_widen_what_is_accepted() {
    let old = SharedSecret::new(VERIFF_OLD_SECRET).unwrap();
    for (signing, veriff) in [
        (
            ReplySigning::OldSecret,
            veriff(&base_url()).or_verify_with(&old),
        ),
        (
            ReplySigning::Unsigned,
            veriff(&base_url()).accept_unsigned_replies(),
        ),
    ] {
        let sandbox = sandbox(VeriffSettings::default().with_reply_signing(signing));
        let client = client(veriff, Arc::new(sandbox.transport()));
        client.record_consent(approval()).await.unwrap();
    }
}

#[tokio::test]
async fn every_body_of_the_sandbox_is_accepted_or_refused_as_documented() {
    for (body, kind) in [
        (ConsentReplyBody::AsDocumented, None),
        (ConsentReplyBody::ExtraFields, None),
        (
            ConsentReplyBody::AnotherSession,
            Some(ErrorKind::Verification),
        ),
        (ConsentReplyBody::IdMissing, Some(ErrorKind::Decode)),
    ] {
        let settings = VeriffSettings::default()
            .with_reply_body(body)
            .with_key_order(KeyOrder::Varied);
        let client = client(veriff(&base_url()), Arc::new(sandbox(settings).transport()));
        // Once for each order of the keys.
        for _ in 0..3 {
            let result = client.record_consent(approval()).await;
            assert_eq!(result.err().map(|error| error.kind()), kind, "{body:?}");
        }
    }
}

#[tokio::test]
async fn error_replies_are_reported_whether_signed_or_not() {
    for signing in [ErrorSigning::Unsigned, ErrorSigning::Signed] {
        let settings = VeriffSettings::default()
            .with_error_signing(signing)
            .with_numeric_status(true)
            .with_numeric_code(true);
        let client = client(veriff(&base_url()), Arc::new(sandbox(settings).transport()));
        let unknown = SessionId::parse(kyc_sandbox::settings::SESSION_NOT_FOUND).unwrap();
        let request = RecordConsent::new(unknown, ConsentType::Ine, ConsentAnswer::Approved, "x");
        let error = client.record_consent(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api, "{signing:?}");
        assert_eq!(error.fault().unwrap().code(), Some("1101"), "{signing:?}");
    }
}

/// A retry records another consent with the same content, of which the latest is binding.
#[tokio::test(start_paused = true)]
async fn a_failure_after_the_effect_is_retried() {
    let failure = Failure::new(503).first(1).after_effect();
    let sandbox = sandbox(VeriffSettings::default().with_failure(Some(failure)));
    let client = ConsentClient::builder(veriff(&base_url()))
        .transport(Arc::new(sandbox.transport()))
        .build()
        .unwrap();
    let response = client.record_consent(approval()).await.unwrap();
    assert_eq!(response.attempts(), 2);
    let consents = sandbox.consents(SESSION);
    assert_eq!(consents.len(), 2);
    assert!(consents[1].is_binding());
    assert_eq!(consents[1].id(), response.value().id);
}
