//! What every documented refusal, and what is not one, is to a journey.

use std::sync::Arc;
use std::time::Duration;

use kyc_journey::{
    ConsentQuery, DataClass, DocumentKind, Failure, FinpassFlow, Leg, Operation, Performer as _,
    Refusal, Seq,
};
use kyc_journey_performer::{NoApplicant, ProviderClients};
use provider_core::testing::{FixedClock, ScriptedTransport, Step};
use provider_core::{Idempotency, TransportErrorKind};

use crate::people::{Nowhere, Somebody};
use crate::{call, correlation, payload, perform, performer, reference, reply};

const SESSION: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";
const CONSENT: &str = "6c1b4f2e-8a7d-4b6e-9f0a-2d3c4b5a6978";

/// Every operation, with what it needs.
fn operations() -> Vec<(Operation, Option<kyc_journey::Payload>)> {
    let session = || reference(SESSION);
    let consent = || reference(CONSENT);
    let seq = Seq::new(2);
    let files = r#"[{"uri":"in.gov.pan-PANCR-invented0002"}]"#;
    let documents = |operation| (operation, None);
    vec![
        documents(Operation::OpenDocuments {
            correlation: correlation(Leg::Documents),
            wanted: vec![DocumentKind::Pan],
        }),
        (
            Operation::CompleteAuthorization {
                session: session(),
                code: seq,
            },
            payload(DataClass::Codes, "code-1"),
        ),
        documents(Operation::ListIssuedFiles { session: session() }),
        documents(Operation::FetchEAadhaar { session: session() }),
        (
            Operation::FetchFile {
                session: session(),
                list: seq,
                item: 0,
            },
            payload(DataClass::Documents, files),
        ),
        documents(Operation::CheckProfile {
            aggregators: Vec::new(),
        }),
        documents(Operation::RequestConsent {
            correlation: correlation(Leg::Accounts),
            aggregator: None,
        }),
        documents(Operation::ReadLink {
            handle: reference("3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b"),
        }),
        documents(Operation::ListConsents {
            by: ConsentQuery::Id(consent()),
        }),
        (
            Operation::DecryptReturn { returned: seq },
            payload(DataClass::Codes, "?ecres=a&resdate=b&fi=c"),
        ),
        documents(Operation::RequestData { consent: consent() }),
        documents(Operation::DataStatus {
            consent: consent(),
            session: None,
        }),
        documents(Operation::FetchData {
            consent: consent(),
            session: None,
        }),
        documents(Operation::RevokeConsent { consent: consent() }),
        documents(Operation::OpenAccounts {
            correlation: correlation(Leg::Accounts),
            flow: FinpassFlow::Underwriting,
        }),
        documents(Operation::OpenAccounts {
            correlation: correlation(Leg::Accounts),
            flow: FinpassFlow::Analyzer,
        }),
        documents(Operation::FetchReports {
            client: session(),
            request: None,
            flow: FinpassFlow::Underwriting,
        }),
        documents(Operation::FetchReports {
            client: session(),
            request: None,
            flow: FinpassFlow::Analyzer,
        }),
        documents(Operation::RefreshData { client: session() }),
        documents(Operation::CreateSession {
            correlation: correlation(Leg::Verification),
        }),
        documents(Operation::RecordConsent { session: session() }),
        documents(Operation::ReadDecision { session: session() }),
        documents(Operation::ListAttempts { session: session() }),
        documents(Operation::SubmitSession { session: session() }),
        (
            Operation::CheckOneTimeCode {
                session: session(),
                code: seq,
            },
            payload(DataClass::Codes, "000123"),
        ),
        documents(Operation::DeleteSession { session: session() }),
    ]
}

fn named(name: &str) -> (Operation, Option<kyc_journey::Payload>) {
    let mut all = operations().into_iter();
    all.find(|(operation, _)| operation.name() == name).unwrap()
}

/// The journey alone decides about a second unsafe call; others are repeated at once.
#[tokio::test(start_paused = true)]
async fn an_unsafe_call_is_one_attempt_and_any_other_follows_the_client() {
    for (operation, input) in operations() {
        let name = operation.name();
        let is_unsafe = operation.idempotency() == Idempotency::Unsafe;
        for kind in [TransportErrorKind::Connect, TransportErrorKind::Interrupted] {
            let steps = || (0..3).map(|_| Step::Fail(kind));
            let (performed, sent) = perform(operation.clone(), input.clone(), steps()).await;
            let expected = match kind {
                TransportErrorKind::Connect => Failure::not_sent(),
                _ => Failure::unknown(),
            };
            assert_eq!(performed.result, Err(expected), "{name} {kind:?}");
            let attempts = if is_unsafe { 1 } else { 3 };
            assert_eq!(sent.len(), attempts, "{name} {kind:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_ends_within_its_deadline_as_unknown() {
    for (operation, input) in operations() {
        let name = operation.name();
        let transport = ScriptedTransport::new((0..3).map(|_| Step::Hang));
        let clock = Arc::new(FixedClock::default());
        let performer = performer(transport.clone(), Somebody::default(), clock)
            .with_call_deadline(Duration::from_secs(7));
        let begun = tokio::time::Instant::now();
        let performed = performer.perform(&call(operation, input)).await;
        assert!(begun.elapsed() <= Duration::from_secs(8), "{name}");
        assert_eq!(performed.result, Err(Failure::unknown()), "{name}");
    }
}

/// A success that cannot be read was done; what a gateway says is nobody's answer.
#[tokio::test(start_paused = true)]
async fn an_unreadable_success_and_a_gateways_page_are_told_apart() {
    for (operation, input) in operations() {
        let name = operation.name();
        let page = || Step::respond_with(502, &[("content-type", "text/html")], "<html></html>");
        let pages = (0..3).map(|_| page());
        let (performed, _) = perform(operation.clone(), input.clone(), pages).await;
        assert_eq!(performed.result, Err(Failure::unknown()), "{name}");
    }
    let (operation, input) = named("request-consent");
    let empty = r#"{"ver":"1.21.0","status":"success","data":{}}"#;
    let (performed, _) = perform(operation, input, [Step::respond(200, empty)]).await;
    assert_eq!(performed.result, Err(Failure::unreadable()));
}

#[tokio::test(start_paused = true)]
async fn documented_refusals_have_their_meaning() {
    for (name, case, refusal) in [
        (
            "open-documents",
            "deepvue/initiate-session/not-authenticated",
            Refusal::Credentials,
        ),
        (
            "open-documents",
            "deepvue/initiate-session/inactive-client",
            Refusal::Credentials,
        ),
        (
            "open-documents",
            "deepvue/initiate-session/validation-list",
            Refusal::Other,
        ),
        (
            "open-documents",
            "deepvue/initiate-session/rate-limited",
            Refusal::RateLimited,
        ),
        (
            "complete-authorization",
            "deepvue/complete-authorization/recorded-used-code",
            Refusal::Code,
        ),
        (
            "complete-authorization",
            "deepvue/complete-authorization/bad-request",
            Refusal::Code,
        ),
        (
            "complete-authorization",
            "deepvue/complete-authorization/not-authenticated",
            Refusal::Credentials,
        ),
        (
            "list-issued-files",
            "deepvue/issued-files/recorded-unknown-session",
            Refusal::NotFound,
        ),
        (
            "fetch-file",
            "deepvue/file/recorded-unknown-file",
            Refusal::NotFound,
        ),
        (
            "fetch-e-aadhaar",
            "deepvue/e-aadhaar/recorded-before-the-authorisation",
            Refusal::Other,
        ),
        (
            "check-profile",
            "finpro/check-profile/authentication-failed",
            Refusal::Credentials,
        ),
        (
            "check-profile",
            "finpro/check-profile/invalid-mobile-format",
            Refusal::Other,
        ),
        (
            "fetch-data",
            "finpro/get-all-fi-data/no-data-available",
            Refusal::NotYet,
        ),
        (
            "fetch-data",
            "finpro/get-all-fi-data/no-data-found-in-2xx",
            Refusal::NotYet,
        ),
        (
            "fetch-data",
            "finpro/get-all-fi-data/data-is-deleted",
            Refusal::Deleted,
        ),
        (
            "fetch-data",
            "finpro/get-all-fi-data/unknown-consent",
            Refusal::NotFound,
        ),
        (
            "request-data",
            "finpro/request-fi/unknown-consent",
            Refusal::NotFound,
        ),
        (
            "request-consent",
            "finpro/request-consent-v3/invalid-request",
            Refusal::Other,
        ),
        (
            "revoke-consent",
            "finpro/revoke-consent/already-revoked",
            Refusal::AlreadySo,
        ),
        (
            "revoke-consent",
            "finpro/revoke-consent/unknown-consent",
            Refusal::NotFound,
        ),
        (
            "open-accounts",
            "finpass/initialize/unauthorized",
            Refusal::Credentials,
        ),
        (
            "open-accounts",
            "finpass/initialize/success-false",
            Refusal::Other,
        ),
        (
            "fetch-reports",
            "finpass/fetch-json-report/invalid-client-id",
            Refusal::NotFound,
        ),
        (
            "refresh-data",
            "finpass/refresh-data/invalid-client-id",
            Refusal::NotFound,
        ),
        (
            "create-session",
            "veriff/create-session/unauthorized",
            Refusal::Credentials,
        ),
        (
            "create-session",
            "veriff/create-session/document-not-supported",
            Refusal::Other,
        ),
        (
            "record-consent",
            "veriff/record-consent/session-not-found",
            Refusal::NotFound,
        ),
        (
            "record-consent",
            "veriff/record-consent/signature-mismatch-code",
            Refusal::Credentials,
        ),
        (
            "read-decision",
            "veriff/decision/recorded-unknown-session",
            Refusal::NotFound,
        ),
        (
            "submit-session",
            "veriff/submit-session/submitted-before",
            Refusal::AlreadySo,
        ),
        (
            "check-one-time-code",
            "veriff/verify-mfa/invalid-otp",
            Refusal::Code,
        ),
        (
            "check-one-time-code",
            "veriff/verify-mfa/invalid-input-otp",
            Refusal::Code,
        ),
        (
            "check-one-time-code",
            "veriff/verify-mfa/mfa-already-completed",
            Refusal::AlreadySo,
        ),
        (
            "check-one-time-code",
            "veriff/verify-mfa/invalid-session-details",
            Refusal::NotFound,
        ),
        (
            "delete-session",
            "veriff/delete-session/not-enabled",
            Refusal::Forbidden,
        ),
        (
            "delete-session",
            "veriff/delete-session/unauthorized",
            Refusal::Credentials,
        ),
        (
            "delete-session",
            "veriff/delete-session/in-progress",
            Refusal::NotYet,
        ),
        (
            "delete-session",
            "veriff/delete-session/not-completed",
            Refusal::NotYet,
        ),
        (
            "delete-session",
            "veriff/delete-session/too-many",
            Refusal::RateLimited,
        ),
        (
            "delete-session",
            "veriff/delete-session/session-not-found",
            Refusal::NotFound,
        ),
    ] {
        let (operation, input) = named(name);
        let steps = (0..3).map(|_| reply(case));
        let (performed, _) = perform(operation, input, steps).await;
        let failure = performed.result.unwrap_err();
        let expected = Failure::refused(refusal).set_retry_after(failure.retry_after);
        assert_eq!(failure, expected, "{name} {case}");
        assert_eq!(performed.payload, None);
    }
}

/// It is refused, and the session is submitted as it is.
#[tokio::test(start_paused = true)]
async fn one_wrong_password_too_many_may_have_ended_the_session() {
    let (operation, input) = named("check-one-time-code");
    let steps = [reply("veriff/verify-mfa/otp-submission-limit-reached")];
    let (performed, _) = perform(operation, input, steps).await;
    assert_eq!(performed.result, Err(Failure::unknown()));
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_a_provider_asks_for_is_handed_on() {
    let (operation, input) = named("create-session");
    let busy = Step::respond_with(429, &[("retry-after", "90")], "{}");
    let (performed, _) = perform(operation, input, [busy]).await;
    let expected = Failure::refused(Refusal::RateLimited).set_retry_after(Some(90));
    assert_eq!(performed.result, Err(expected));
}

#[tokio::test(start_paused = true)]
async fn without_a_person_a_notice_a_number_or_a_provider_nothing_is_sent() {
    let clock = || Arc::new(FixedClock::default());
    for nobody in [NoApplicant::Unknown, NoApplicant::Unavailable] {
        for name in [
            "open-documents",
            "request-consent",
            "open-accounts",
            "create-session",
        ] {
            let transport = ScriptedTransport::new([]);
            let performer = performer(transport.clone(), Somebody(Err(nobody)), clock());
            let (operation, input) = named(name);
            let performed = performer.perform(&call(operation, input)).await;
            assert_eq!(performed.result, Err(Failure::not_sent()), "{name}");
        }
    }
    let send_code = Operation::SendOneTimeCode {
        session: reference(SESSION),
    };
    let (performed, sent) = perform(send_code, None, []).await;
    assert_eq!(performed.result, Err(Failure::not_sent()));
    assert!(sent.is_empty());
    let somebody = Somebody::default().0.unwrap().set_notice_text(None);
    let transport = ScriptedTransport::new([]);
    let performer = performer(transport, Somebody(Ok(somebody)), clock());
    let (operation, input) = named("record-consent");
    let performed = performer.perform(&call(operation, input)).await;
    assert_eq!(performed.result, Err(Failure::not_sent()));

    let none = ProviderClients::new(
        Arc::new(Somebody::default()),
        Arc::new(Nowhere),
        Arc::new(Nowhere),
    );
    for (operation, input) in operations() {
        let performed = none.perform(&call(operation, input)).await;
        assert_eq!(performed.result, Err(Failure::not_sent()));
    }
}

/// What is personal goes into payloads: nothing else of a call, and nothing that is printed, has any of it.
#[tokio::test(start_paused = true)]
async fn no_personal_value_is_in_an_answer_or_printed() {
    let personal = [
        "9000000001",
        "NAMPV0000V",
        "Asha",
        "Made-Up",
        "1990-01-01",
        "I agree",
        "lender.example.test",
        "5eed-",
    ];
    let transport = ScriptedTransport::new([]);
    let performer = performer(
        transport,
        Somebody::default(),
        Arc::new(FixedClock::default()),
    );
    let printed = format!("{performer:?}");
    for value in personal {
        assert!(!printed.contains(value), "{value}: {printed}");
    }
    for (name, case) in [
        ("open-documents", "deepvue/initiate-session/created"),
        (
            "complete-authorization",
            "deepvue/complete-authorization/completed",
        ),
        ("list-issued-files", "deepvue/issued-files/two-files"),
        ("fetch-e-aadhaar", "deepvue/e-aadhaar/without-pdf"),
        ("check-profile", "finpro/check-profile/several-aggregators"),
        (
            "request-consent",
            "finpro/request-consent-v3/handle-and-url",
        ),
        ("list-consents", "finpro/list-consents-v3/by-id"),
        ("decrypt-return", "finpro/decrypt-redirection/accepted"),
        ("data-status", "finpro/fi-request-status/partly-ready"),
        ("fetch-data", "finpro/get-all-fi-data/two-forms-of-a-body"),
        ("open-accounts", "finpass/initialize/minimal"),
        ("create-session", "veriff/create-session/smallest"),
        ("read-decision", "veriff/decision/approved"),
        ("list-attempts", "veriff/attempts/two"),
    ] {
        let (operation, input) = named(name);
        let (performed, _) = perform(operation, input, [reply(case)]).await;
        let stored = serde_json::to_string(&performed.result.clone().unwrap()).unwrap();
        let printed = format!("{performed:?}");
        for value in personal {
            assert!(!stored.contains(value), "{name} {value}: {stored}");
            assert!(!printed.contains(value), "{name} {value}: {printed}");
        }
    }
}
