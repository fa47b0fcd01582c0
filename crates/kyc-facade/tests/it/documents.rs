//! What a report, its events and its errors are as JSON, and how inputs are read from it.

use std::sync::{Arc, Mutex};

use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::{
    Email, Error, ErrorKind, Fault, Mobile, Outcome, Pan, RequestId, request_from_json, serde_json,
};
use kyc_facade::{Applicant, OnboardingReport, Step, StepName};
use serde_json::{Value, json};

use crate::fakes::Fake;
use crate::flow::{applicant, kyc};

async fn report() -> (OnboardingReport, Vec<Value>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let fine = Fake::default().finding(&[("onemoney", Readiness::NeedsLinking)]);
    let error = Error::new(ErrorKind::Timeout, Outcome::Unknown)
        .at("fake", "open-consent")
        .with_settling(Some("ask the provider"))
        .with_fault(Some(Fault::new().with_message(Some("CANARY".to_owned()))))
        .with_request_id(RequestId::parse("id-1").unwrap());
    let failing = Fake::failing_with(error);
    let report = kyc(&fine, &fine, &fine, &failing)
        .build()
        .onboard(applicant())
        .with_observer(move |event| seen.lock().unwrap().push(json!(event)))
        .await;
    let events = events.lock().unwrap().clone();
    (report, events)
}

#[tokio::test(start_paused = true)]
async fn a_report_is_a_document_of_a_version_without_personal_values_and_urls() {
    let (report, _) = report().await;
    let mut document = json!(report);
    for step in &mut document["steps"].as_array_mut().unwrap()[..3] {
        assert!(step["request_id"].take().is_string());
    }
    assert_eq!(
        document,
        json!({
            "version": 1,
            "complete": false,
            "answer": "approved",
            "aggregator": { "id": "onemoney", "reason": "needs_linking" },
            "elapsed_ms": 0,
            "steps": [
                {
                    "step": "record-consent", "result": "done", "provider": "fake", "elapsed_ms": 0,
                    "request_id": null, "value": { "reference": "r-1" },
                },
                {
                    "step": "open-documents", "result": "done", "provider": "fake", "elapsed_ms": 0,
                    "request_id": null, "value": { "reference": "r-1" },
                },
                {
                    "step": "discover-aggregators", "result": "done", "provider": "fake",
                    "elapsed_ms": 0, "request_id": null,
                    "value": {
                        "standings": [{ "aggregator": "onemoney", "readiness": "needs_linking" }],
                    },
                },
                {
                    "step": "open-aggregator-consent", "result": "failed",
                    "error": {
                        "version": 1, "kind": "timeout", "outcome": "unknown",
                        "unsettled": true, "retryable": false,
                        "provider": "fake", "operation": "open-consent", "idempotency": null,
                        "status": null, "code": null, "class": "by_status", "meaning": null, "field": null, "rule": null,
                        "message": "fake open-consent: no answer in time: no documented reason; \
                            it may have been processed",
                        "settling": "ask the provider",
                        "retry_after_ms": null, "request_id": "id-1", "attempts": 0,
                        "elapsed_ms": 0, "also_failed": [],
                    },
                },
            ],
        })
    );
    assert_eq!(OnboardingReport::JSON_VERSION, 1);
    for hidden in ["CANARY", "9000000001", "https:"] {
        assert!(!document.to_string().contains(hidden), "{hidden}");
    }
    let with_urls = json!(report.with_urls());
    assert_eq!(
        with_urls["steps"][1]["value"]["url"],
        "https://documents.example.test"
    );
    assert!(!format!("{:?}", report.with_urls()).contains("https:"));
}

#[tokio::test(start_paused = true)]
async fn aggregators_whose_answers_could_not_be_read_are_counted() {
    let (mut report, _) = report().await;
    let unread = |report: &OnboardingReport| json!(report)["steps"][2]["value"]["unread"].take();
    assert_eq!(unread(&report), Value::Null);
    if let Step::Done { value, .. } = &mut report.discovery {
        value.unread = 2;
    }
    assert_eq!(unread(&report), json!(2));
}

#[tokio::test(start_paused = true)]
async fn events_are_documents_too() {
    let (_, events) = report().await;
    let of = |progress: &str, step: StepName| {
        let mut events = events.iter();
        let step = step.as_str();
        events
            .find(|event| event["progress"] == progress && event["step"] == step)
            .cloned()
            .unwrap()
    };
    let mut done = of("done", StepName::OpenDocuments);
    let id = done["request_id"].take();
    assert!(id.is_string());
    assert_eq!(
        done,
        json!({
            "version": 1, "step": "open-documents", "progress": "done", "reason": null, "kind": null,
            "outcome": null, "provider": "fake", "reference": "r-1", "request_id": null,
        })
    );
    let failed = of("failed", StepName::OpenAggregatorConsent);
    assert_eq!(
        (&failed["kind"], &failed["outcome"]),
        (&json!("timeout"), &json!("unknown"))
    );
}

#[test]
fn an_applicant_is_read_from_json_by_the_rules_of_its_parts() {
    let whole = json!({
        "mobile": "9000000001",
        "pan": "AAAAA0000A",
        "email": "person@example.test",
        "consent": { "session": "s-1", "kind": "ine", "answer": "refused", "text": "CANARY" },
        "documents": {
            "consent": true, "purpose": "KYC", "return_url": "https://lender.example.test",
            "documents": ["pan"],
        },
        "query_id": "ref-1",
        "aggregators": ["onemoney"],
        "purpose": "loan_monitoring",
        "webhook_url": "https://lender.example.test/hook",
        "return_url": "https://lender.example.test/back",
    });
    let read = |value: &Value| request_from_json::<Applicant>(value.to_string().as_bytes());
    assert!(!format!("{:?}", read(&whole).unwrap()).contains("CANARY"));
    for (member, value, field) in [
        ("/mobile", json!("CANARY"), "mobile"),
        ("/pan", json!("CANARY"), "pan"),
        ("/email", json!("CANARY"), "email"),
        ("/consent/answer", json!("CANARY"), "consent.answer"),
        ("/documents/consent", json!(false), "documents.consent"),
        ("/documents/consent", json!("CANARY"), "documents.consent"),
        ("/aggregators/0", json!(""), "aggregators[0]"),
    ] {
        let mut wrong = whole.clone();
        *wrong.pointer_mut(member).unwrap() = value;
        let error = read(&wrong).unwrap_err();
        assert_eq!(error.field(), field);
        assert!(!error.to_string().contains("CANARY"), "{error}");
    }
    let unknown = json!({ "mobile": "9000000001", "CANARY": 1 });
    assert!(read(&unknown).is_err());
}

#[test]
fn names_and_inputs_are_parsed_from_text() {
    for outcome in Outcome::ALL {
        assert_eq!(outcome.as_str().parse::<Outcome>().unwrap(), *outcome);
        let json = json!(outcome);
        assert_eq!(serde_json::from_value::<Outcome>(json).unwrap(), *outcome);
    }
    for kind in ErrorKind::ALL {
        assert_eq!(kind.as_str().parse::<ErrorKind>().unwrap(), *kind);
    }
    for step in StepName::ALL {
        assert_eq!(step.as_str().parse::<StepName>().unwrap(), *step);
    }
    let error = "CANARY".parse::<Outcome>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "outcome: must be one of: not_sent, refused, unknown, done"
    );
    assert!("9000000001".parse::<Mobile>().is_ok() && "1".parse::<Mobile>().is_err());
    assert!("AAAAA0000A".parse::<Pan>().is_ok() && "x".parse::<Pan>().is_err());
    assert!("a@example.test".parse::<Email>().is_ok() && "x".parse::<Email>().is_err());
    assert!("onemoney".parse::<AggregatorId>().is_ok() && "".parse::<AggregatorId>().is_err());
    let kind: ConsentKind = "ine".parse().unwrap();
    assert_eq!(kind, ConsentKind::Ine);
    assert!(serde_json::from_str::<kyc_facade::provider_core::BaseUrl>("\"ftp://x\"").is_err());
}

/// Whatever deserialises it, such as an extractor of a web framework: serde's own words would repeat a value, and take a list
/// for an object.
#[test]
fn a_request_is_an_object_and_no_error_repeats_a_value() {
    fn refuses<T: serde::de::DeserializeOwned>(member: &str) {
        for (json, place) in [
            (
                r#"["CANARY","CANARY"]"#.to_owned(),
                "request: must be an object",
            ),
            (r#""CANARY""#.to_owned(), "request: must be an object"),
            (format!(r#"{{"{member}":{{"CANARY":"CANARY"}}}}"#), member),
            (r#"{"CANARY 1":"CANARY"}"#.to_owned(), "*: is not a member"),
            (
                format!(r#"{{"{member}":"CANARY","{member}":"CANARY"}}"#),
                member,
            ),
        ] {
            let error = serde_json::from_str::<T>(&json).err().unwrap().to_string();
            assert!(error.starts_with(place), "{json}: {error}");
            assert!(!error.contains("CANARY"), "{error}");
            let value = serde_json::from_str::<serde_json::Value>(&json).unwrap();
            // Of a repeated member a value has the last one, which may be right.
            let error = serde_json::from_value::<T>(value).err();
            assert!(error.is_none_or(|error| !error.to_string().contains("CANARY")));
        }
    }
    refuses::<Applicant>("mobile");
    refuses::<kyc_facade::finpass::Initialize>("mobile_number");
    refuses::<kyc_facade::finpass::RefreshData>("client_id");
    refuses::<kyc_facade::finpro_profile::CheckProfile>("mobileNumber");
    refuses::<kyc_facade::consent_hmac::RecordConsent>("session_id");
    refuses::<kyc_facade::deepvue_digilocker::InitiateSession>("consent");
}
