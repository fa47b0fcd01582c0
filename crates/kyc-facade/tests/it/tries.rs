//! Tries that may have been done: none of them is forgotten by what comes after it.

use std::future::IntoFuture as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::{
    Error, ErrorKind, Idempotency, Outcome, RequestId, request_from_json, serde_json,
};
use kyc_facade::{Fallback, Kyc, Onboarding, OnboardingReport, StepName};
use serde_json::{Value, json};

use crate::fakes::Fake;
use crate::flow::{applicant, kyc};

const DOCUMENTS: StepName = StepName::OpenDocuments;
const CONSENT: StepName = StepName::RecordConsent;

/// As another process finds it.
fn read_back(report: &OnboardingReport) -> OnboardingReport {
    let written = serde_json::to_vec(&report.with_urls()).unwrap();
    let read: OnboardingReport = request_from_json(&written).unwrap();
    read.about(&applicant())
}

fn failure(outcome: Outcome, id: &str) -> Fake {
    let error = Error::new(ErrorKind::Transport, outcome)
        .at("fake", "open-session")
        .with_idempotency(Idempotency::Unsafe)
        .with_elapsed(Duration::from_millis(70))
        .with_request_id(RequestId::parse(id).unwrap());
    Fake::failing_with(error)
}

fn slow() -> Fake {
    Fake::after(10)
}

fn with_documents(documents: &Fake) -> Kyc {
    let fine = Fake::default();
    kyc(&fine, documents, &fine, &fine).build()
}

/// What is known of the first, and that the step itself has it no longer.
async fn first_try() -> OnboardingReport {
    let report = with_documents(&failure(Outcome::Unknown, "id-1"));
    read_back(&report.onboard(applicant()).await)
}

async fn repeated(report: OnboardingReport, documents: &Fake) -> OnboardingReport {
    let again = with_documents(documents).onboard(applicant());
    read_back(&again.resume_from(report).repeat(DOCUMENTS).await)
}

/// The request ids and outcomes of a list's errors.
fn tries(report: &OnboardingReport, list: &str) -> Vec<(String, String)> {
    let list = json!(report)[list].take();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tried = |entry: &Value| {
        let error = &entry["error"];
        (text(&error["request_id"]), text(&error["outcome"]))
    };
    list.as_array()
        .map(|entries| entries.iter().map(tried).collect())
        .unwrap_or_default()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(id, outcome): &(&str, &str)| ((*id).to_owned(), (*outcome).to_owned());
    expected.iter().map(owned).collect()
}

/// Of the step itself.
fn of_step(report: &OnboardingReport) -> (String, Outcome) {
    let error = report.documents.error().unwrap();
    let id = error.request_id().unwrap().as_str().to_owned();
    (id, error.outcome())
}

#[tokio::test(start_paused = true)]
async fn every_try_that_may_have_been_done_is_told_however_often_it_is_repeated() {
    let report = first_try().await;
    let first = ("id-1".to_owned(), Outcome::Unknown);
    let report = repeated(report, &failure(Outcome::Unknown, "id-2")).await;
    assert_eq!(of_step(&report), first);
    assert_eq!(
        tries(&report, "failed_repeats"),
        pairs(&[("id-2", "unknown")])
    );
    assert_eq!(report.unsettled().count(), 2);
    let report = repeated(report, &failure(Outcome::Done, "id-3")).await;
    let report = repeated(report, &failure(Outcome::Refused, "id-4")).await;
    assert_eq!(
        of_step(&report),
        first,
        "a refusal settles none of the others"
    );
    let failed = pairs(&[("id-2", "unknown"), ("id-3", "done"), ("id-4", "refused")]);
    assert_eq!(tries(&report, "failed_repeats"), failed);
    assert_eq!(report.unsettled().count(), 3);

    let report = repeated(report, &Fake::default()).await;
    assert!(report.is_complete() && report.errors().count() == 0);
    let replaced = pairs(&[("id-1", "unknown"), ("id-2", "unknown"), ("id-3", "done")]);
    assert_eq!(tries(&report, "replaced"), replaced);
    let entry = json!(report)["replaced"][0].take();
    assert_eq!(
        (&entry["step"], &entry["provider"], &entry["reference"]),
        (&"open-documents".into(), &"fake".into(), &Value::Null)
    );
    assert_eq!(
        (&entry["request_id"], &entry["error"]["elapsed_ms"]),
        (&"id-1".into(), &70.into())
    );

    let report = repeated(report, &Fake::default()).await;
    let last = report.replaced.last().unwrap();
    assert_eq!(report.replaced.len(), 4);
    assert!(last.reference.is_some() && last.error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_repeat_that_was_not_sent_leaves_what_may_have_been_done() {
    let wrong = Fake {
        refuses_input: true,
        ..Fake::default()
    };
    let full = |_: &OnboardingReport| Err(io::ErrorKind::StorageFull.into());
    let fine = with_documents(&Fake::default());
    type Repeat = fn(Onboarding) -> Onboarding;
    let repeats: [(Kyc, Repeat); 5] = [
        (with_documents(&wrong), |it| it),
        (Kyc::builder().build(), |it| it),
        (fine.clone(), |it| it.leave_out(DOCUMENTS)),
        (fine.clone(), |it| it.with_deadline(Duration::ZERO)),
        (fine.clone(), |it| it),
    ];
    let last = repeats.len() - 1;
    for (at, (kyc, change)) in repeats.into_iter().enumerate() {
        let again = kyc.onboard(applicant()).resume_from(first_try().await);
        let again = change(again.repeat(DOCUMENTS));
        let again = match at == last {
            true => again.with_recorder(full),
            false => again,
        };
        let report = read_back(&again.await);
        assert_eq!(of_step(&report), ("id-1".to_owned(), Outcome::Unknown));
        let outcomes: Vec<_> = report.failed_repeats.iter().collect();
        assert_eq!(outcomes.len(), 1, "{at}");
        assert_eq!(outcomes[0].error.outcome(), Outcome::NotSent, "{at}");
        let asked = Fake::default();
        let plain = with_documents(&asked).onboard(applicant());
        plain.resume_from(report).await;
        assert!(asked.asked().is_empty(), "{at}: not of itself");
    }
}

/// What was recorded last of an onboarding that ends after a second.
async fn dropped(onboarding: Onboarding) -> OnboardingReport {
    let last = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&last);
    let onboarding = onboarding.with_recorder(move |report| {
        *kept.lock().unwrap() = Some(report.clone());
        Ok(())
    });
    let _ = tokio::time::timeout(Duration::from_secs(1), onboarding.into_future()).await;
    let last = last.lock().unwrap();
    read_back(last.as_ref().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_repeat_that_is_interrupted_is_told_beside_what_may_have_been_done() {
    let again = with_documents(&slow()).onboard(applicant());
    let report = dropped(again.resume_from(first_try().await).repeat(DOCUMENTS)).await;
    assert_eq!(of_step(&report), ("id-1".to_owned(), Outcome::Unknown));
    let failed = tries(&report, "failed_repeats");
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].1, "unknown");
    let report = repeated(report, &Fake::default()).await;
    assert_eq!(tries(&report, "replaced")[1..], failed);
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_end_nobody_saw_is_taken_again_if_that_does_no_harm() {
    let with = |recorder: Fake, idempotency| {
        let recorder = Fake {
            idempotency,
            ..recorder
        };
        let fallback = Fallback::<dyn ConsentRecorder>::new(Arc::new(recorder.clone()));
        let harmless: Arc<dyn ConsentRecorder> = Arc::new(Fake {
            idempotency: Some(Idempotency::Repeatable),
            ..Fake::default()
        });
        let fine = Fake::default();
        let alone = kyc(&recorder, &fine, &fine, &fine);
        let of_two = alone
            .clone()
            .consent_recorder(Arc::new(fallback.or(harmless)));
        [alone.build(), of_two.build()]
    };
    for (idempotency, is_taken) in [
        (Some(Idempotency::Repeatable), true),
        (Some(Idempotency::Unsafe), false),
        (None, false),
    ] {
        for interrupted in with(slow(), idempotency) {
            let killed = dropped(interrupted.onboard(applicant())).await;
            let late = interrupted.onboard(applicant());
            let late = read_back(&late.with_deadline(Duration::from_secs(1)).await);
            for report in [killed, late] {
                let first = report.consent.error().unwrap().clone();
                assert_eq!(first.outcome(), Outcome::Unknown);
                assert_eq!(report.check_again(CONSENT).is_ok(), is_taken);
                let fine = Fake::default();
                let [whole, _] = with(fine.clone(), idempotency);
                let report = whole.onboard(applicant()).resume_from(report).only(CONSENT);
                let report = report.await;
                assert_eq!(report.consent.value().is_some(), is_taken);
                assert_eq!(fine.asked().len(), usize::from(is_taken));
                let replaced = report.replaced.iter();
                let ids: Vec<_> = replaced.filter_map(|it| it.request_id.as_ref()).collect();
                assert_eq!(ids, Vec::from_iter(first.request_id().filter(|_| is_taken)));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_recorded_is_not_forgotten_where_it_is_not_taken_again() {
    let harmless = Fake {
        idempotency: Some(Idempotency::Repeatable),
        ..slow()
    };
    let fine = Fake::default();
    let whole = kyc(&harmless, &fine, &fine, &fine).build();
    let report = dropped(whole.onboard(applicant())).await;
    let none = Kyc::builder().build();
    for again in [
        whole.onboard(applicant()).leave_out(CONSENT),
        none.onboard(applicant()),
    ] {
        let kept = again.resume_from(report.clone()).await;
        assert_eq!(json!(kept.consent.error()), json!(report.consent.error()));
        assert!(kept.failed_repeats.is_empty());
    }
}
