//! Onboardings that go on from an earlier report, and reports that a user's own test makes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::{Error, ErrorKind, Idempotency, Mobile, Outcome, Pan, serde_json};
use kyc_facade::{
    Applicant, ChoiceReason, Kyc, OnboardingReport, Progress, SkipReason, Step, StepEvent, StepName,
};

use crate::fakes::Fake;
use crate::flow::{applicant, consent, kyc};

fn asked(fake: &Fake) -> Vec<String> {
    std::mem::take(&mut *fake.asked.lock().unwrap())
}

/// All four steps over `fake`, but one over `broken`.
fn with_broken(fake: &Fake, broken: &Fake, step: StepName) -> Kyc {
    let pick = |own| if own == step { broken } else { fake };
    kyc(
        pick(StepName::RecordConsent),
        pick(StepName::OpenDocuments),
        pick(StepName::DiscoverAggregators),
        pick(StepName::OpenAggregatorConsent),
    )
    .build()
}

#[tokio::test(start_paused = true)]
async fn only_unfinished_steps_are_taken_again() {
    let first_words = ["record", "documents", "discover", "consent"];
    for (step, word) in StepName::ALL.iter().zip(first_words) {
        let fine = Fake::default().finding(&[("a", Readiness::Ready)]);
        let broken = Fake::failing(ErrorKind::Api, Outcome::Refused);
        let report = with_broken(&fine, &broken, *step)
            .onboard(applicant())
            .await;
        assert_eq!(report.errors().count(), 1);
        asked(&fine);
        let whole = kyc(&fine, &fine, &fine, &fine).build();
        let report = whole.onboard(applicant()).resume_from(report).await;
        assert!(report.is_complete(), "{report:?}");
        let again = asked(&fine);
        assert_eq!(again.len(), 1, "{step:?}: {again:?}");
        assert!(again[0].starts_with(word), "{step:?}: {again:?}");
        let report = whole.onboard(applicant()).resume_from(report).await;
        assert!(report.is_complete() && asked(&fine).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsettled_step_is_taken_again_only_when_the_caller_says_so() {
    let fine = Fake::default();
    let unknown = Error::new(ErrorKind::Timeout, Outcome::Unknown)
        .at("fake", "act")
        .with_idempotency(Idempotency::Unsafe);
    let broken = Fake::failing_with(unknown);
    let step = StepName::OpenDocuments;
    let report = with_broken(&fine, &broken, step).onboard(applicant()).await;
    asked(&fine);
    let whole = kyc(&fine, &fine, &fine, &fine).build();
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let report = whole
        .onboard(applicant())
        .resume_from(report)
        .with_observer(move |event| seen.lock().unwrap().push(event))
        .await;
    let event = events
        .lock()
        .unwrap()
        .iter()
        .find(|event| event.step == step)
        .cloned();
    let event = event.unwrap();
    assert_eq!(event.progress, Progress::HeldBack(ErrorKind::Timeout));
    assert_eq!(event.outcome, Some(Outcome::Unknown));
    let document = serde_json::json!(event);
    assert_eq!(
        (&document["progress"], &document["kind"]),
        (&"held_back".into(), &"timeout".into())
    );
    assert_eq!(
        report.unsettled().map(|(step, _)| step).collect::<Vec<_>>(),
        [step]
    );
    assert!(asked(&fine).is_empty(), "it may have been done");
    let onboarding = whole.onboard(applicant()).resume_from(report).repeat(step);
    assert!(onboarding.await.is_complete());
    assert_eq!(asked(&fine), ["documents for KYC"]);
}

#[tokio::test(start_paused = true)]
async fn what_does_no_harm_twice_is_taken_again() {
    let fine = Fake::default();
    let harmless = [Idempotency::Safe, Idempotency::Repeatable];
    for (step, idempotency) in [StepName::DiscoverAggregators, StepName::RecordConsent]
        .into_iter()
        .zip(harmless)
    {
        let unknown = Error::new(ErrorKind::Timeout, Outcome::Unknown);
        let broken = Fake::failing_with(unknown.with_idempotency(idempotency));
        let report = with_broken(&fine, &broken, step).onboard(applicant()).await;
        asked(&fine);
        let whole = kyc(&fine, &fine, &fine, &fine).build();
        let report = whole.onboard(applicant()).resume_from(report).await;
        assert!(report.is_complete());
        assert_eq!(asked(&fine).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_finished_step_keeps_its_value_and_is_reported_as_kept() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let fine = Fake::default()
        .named("first")
        .finding(&[("a", Readiness::Ready)]);
    let report = kyc(&fine, &fine, &fine, &fine)
        .build()
        .onboard(applicant())
        .await;
    let other = Fake::default().named("other");
    let report = kyc(&other, &other, &other, &other)
        .build()
        .onboard(applicant())
        .resume_from(report)
        .repeat(StepName::DiscoverAggregators)
        .with_observer(move |event| seen.lock().unwrap().push(event))
        .await;
    let Step::Done {
        value, provider, ..
    } = &report.documents
    else {
        panic!("it was done");
    };
    assert_eq!((value.reference.as_str(), *provider), ("r-1", "first"));
    assert_eq!(
        report.choice.reason,
        ChoiceReason::Readiness(Readiness::Ready),
        "the aggregator of the consent that was opened"
    );
    let events = events.lock().unwrap();
    let kept: Vec<_> = events
        .iter()
        .filter(|event| event.progress == Progress::Kept)
        .map(|event| {
            assert!(event.request_id.is_some());
            (event.step, event.provider, event.reference.is_some())
        })
        .collect();
    assert_eq!(
        kept,
        [
            (StepName::RecordConsent, Some("first"), true),
            (StepName::OpenDocuments, Some("first"), true),
            (StepName::OpenAggregatorConsent, Some("first"), true),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_report_about_another_person_is_refused_before_anything_is_sent() {
    let pan = |pan: &str| applicant().set_pan(Pan::parse(pan).unwrap());
    let someone_else = || Applicant::new(Mobile::parse("9000000010").unwrap());
    let fine = Fake::default();
    let whole = kyc(&fine, &fine, &fine, &fine).build();
    let first = whole.onboard(pan("AAAAA0000A")).await;
    let carried = whole.onboard(applicant()).resume_from(first).await;
    assert!(carried.is_complete(), "the PAN was not given again");
    let refused = [
        (whole.onboard(applicant()).await, someone_else()),
        (carried, pan("BBBBB0000B")),
        (OnboardingReport::untaken(&someone_else()), applicant()),
    ];
    asked(&fine);
    for (report, applicant) in refused {
        assert!(!format!("{report:?}").contains("90000000"), "masked");
        let report = whole.onboard(applicant.clone()).resume_from(report).await;
        assert_eq!(report.errors().count(), StepName::ALL.len());
        for (_, error) in report.errors() {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert_eq!(error.outcome(), Outcome::NotSent);
            let document = serde_json::json!(error);
            assert_eq!(document["field"], "report");
            assert_eq!(document["rule"], "must be about the same applicant");
        }
        assert!(asked(&fine).is_empty());
        let own = whole.onboard(applicant).resume_from(report).await;
        assert_eq!(own.errors().count(), 0, "the new report is the applicant's");
        asked(&fine);
    }
    let untaken = OnboardingReport::untaken(&applicant());
    let email = applicant().set_email("other@example.test".parse().unwrap());
    assert!(
        whole
            .onboard(email)
            .resume_from(untaken)
            .await
            .is_complete()
    );
}

#[tokio::test(start_paused = true)]
async fn another_answer_of_the_person_is_recorded_too() {
    let fine = Fake::default();
    let whole = kyc(&fine, &fine, &fine, &fine).build();
    let refused = || applicant().set_consent(consent(ConsentAnswer::Refused));
    let report = whole.onboard(refused()).await;
    assert_eq!(report.answer, Some(ConsentAnswer::Refused));
    let report = whole.onboard(refused()).resume_from(report).await;
    assert_eq!(asked(&fine), ["record refused"], "the same answer is not");
    let report = whole.onboard(applicant()).resume_from(report).await;
    assert!(report.is_complete());
    assert_eq!(asked(&fine)[0], "record approved");
    let report = whole.onboard(refused()).resume_from(report).await;
    assert_eq!(asked(&fine), ["record refused"]);
    assert!(report.documents.value().is_some(), "it was opened");
}

#[tokio::test(start_paused = true)]
async fn a_recorded_refusal_holds_although_the_applicant_brings_no_answer() {
    let fine = Fake::default();
    let whole = kyc(&fine, &fine, &fine, &fine).build();
    let refused = applicant().set_consent(consent(ConsentAnswer::Refused));
    let report = whole.onboard(refused).await;
    asked(&fine);
    let silent = Applicant::new("9000000001".parse().unwrap()).set_query_id("ref-1");
    let report = whole.onboard(silent).resume_from(report).await;
    assert!(asked(&fine).is_empty());
    assert_eq!(report.discovery.skipped(), Some(SkipReason::ConsentRefused));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_left_out_is_neither_taken_nor_missed() {
    let fine = Fake::default();
    let whole = kyc(&fine, &fine, &fine, &fine).build();
    let report = whole
        .onboard(applicant())
        .leave_out(StepName::RecordConsent)
        .leave_out(StepName::OpenDocuments)
        .await;
    assert_eq!(report.documents.skipped(), Some(SkipReason::LeftOut));
    assert_eq!(asked(&fine).len(), 2);
    assert!(report.is_complete());
}

/// Code of a user that decides by a report and its events, and its test.
#[test]
fn a_user_s_test_makes_reports_and_events() {
    fn next(report: &OnboardingReport) -> &'static str {
        match (report.is_complete(), report.unsettled().count()) {
            (true, _) => "continue",
            (false, 0) => "again later",
            (false, _) => "settle",
        }
    }
    let mut report = OnboardingReport::untaken(&applicant());
    assert_eq!(next(&report), "again later");
    report.consent = Step::Done {
        value: RecordedConsent::new(ProviderReference::parse("c-1").unwrap()),
        provider: "veriff",
        elapsed: Duration::from_millis(80),
        request_id: None,
    };
    assert_eq!(next(&report), "continue");
    report.documents = Step::Failed(Error::new(ErrorKind::Timeout, Outcome::Unknown));
    assert_eq!(next(&report), "settle");
    let event = StepEvent::new(StepName::OpenDocuments, Progress::Dropped);
    assert_eq!((event.provider, event.reference), (None, None));
}
