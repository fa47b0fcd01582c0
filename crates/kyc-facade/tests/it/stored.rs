//! Reports that outlive the onboarding or the process: recorded, written down, read back, gone on from.

use std::future::IntoFuture as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::{
    Error, ErrorKind, Idempotency, Mobile, Outcome, RequestId, request_from_json, serde_json,
};
use kyc_facade::{
    Applicant, Fallback, Kyc, OnboardingReport, Progress, SkipReason, Step, StepName,
};
use serde_json::{Value, json};

use crate::fakes::Fake;
use crate::flow::{applicant, consent, kyc};

const DOCUMENTS: StepName = StepName::OpenDocuments;

fn asked(fake: &Fake) -> Vec<String> {
    std::mem::take(&mut *fake.asked.lock().unwrap())
}

/// As another process finds it.
fn read_back(report: &OnboardingReport) -> OnboardingReport {
    let written = serde_json::to_vec(&report.with_urls()).unwrap();
    request_from_json(&written).unwrap()
}

fn unknown() -> Error {
    Error::new(ErrorKind::Timeout, Outcome::Unknown)
        .at("fake", "open-session")
        .with_idempotency(Idempotency::Unsafe)
        .with_settling(Some("list the sessions"))
        .with_request_id(RequestId::parse("id-1").unwrap())
}

/// Every provider is `fine`, but that of documents.
fn with_documents(fine: &Fake, documents: &Fake) -> Kyc {
    let fallback = Fallback::<dyn AggregatorConsent>::new(Arc::new(fine.clone()));
    let second: Arc<dyn AggregatorConsent> = Arc::new(fine.clone());
    kyc(fine, documents, fine, fine)
        .aggregator_consent(Arc::new(fallback.or(second)))
        .build()
}

fn fine() -> Fake {
    Fake::default().finding(&[
        ("a", Readiness::NeedsLinking),
        ("b", Readiness::Undetermined),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_read_back_says_the_same() {
    let mut reports = Vec::new();
    for error in [
        unknown(),
        Error::new(ErrorKind::Api, Outcome::Refused).at("fake", "act"),
    ] {
        let broken = Fake::failing_with(error);
        reports.push(with_documents(&fine(), &broken).onboard(applicant()).await);
    }
    let refused = applicant().set_consent(consent(ConsentAnswer::Refused));
    let wrong = Fake {
        refuses_input: true,
        ..fine()
    };
    let whole = with_documents(&fine(), &fine());
    reports.push(whole.onboard(refused).await);
    reports.push(with_documents(&fine(), &wrong).onboard(applicant()).await);
    reports.push(Kyc::builder().build().onboard(applicant()).await);
    let only = whole.onboard(applicant()).only(DOCUMENTS);
    reports.push(only.await);
    let silent = Applicant::new(Mobile::parse("9000000001").unwrap());
    reports.push(whole.onboard(silent).with_deadline(Duration::ZERO).await);
    let mut unread = whole.onboard(applicant()).await;
    if let Step::Done { value, .. } = &mut unread.discovery {
        value.unread = 2;
    }
    reports.push(unread);
    for report in &reports {
        let read = read_back(report);
        assert_eq!(json!(read.with_urls()), json!(report.with_urls()));
        assert_eq!(read.is_complete(), report.is_complete());
        assert_eq!(read.choice, report.choice);
        let named = |report: &OnboardingReport| {
            let session = report.aggregator_consent.value();
            session.map(SessionReference::from)
        };
        assert_eq!(named(&read), named(report), "and whose it is");
        let discovered = |report: &OnboardingReport| report.discovery.value().cloned();
        assert_eq!(discovered(&read), discovered(report));
    }
    let url = |report: &OnboardingReport| report.documents.value().map(|it| it.url.clone());
    let report = &reports[5];
    let bare: OnboardingReport = serde_json::from_value(json!(report)).unwrap();
    assert_eq!(url(&read_back(report)), url(report));
    assert_eq!(url(&bare).unwrap().expose(), "", "written without");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_has_no_person_and_only_on_request_urls() {
    let report = with_documents(&fine(), &Fake::failing_with(unknown()));
    let report = report.onboard(applicant()).await;
    let read = read_back(&report).about(&applicant());
    let written = [json!(report), json!(read)].map(|document| document.to_string());
    for text in [written.concat(), format!("{read:?} {read:#?}")] {
        for hidden in ["9000000001", "CANARY", "example.test"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }
    let with_urls = json!(read.with_urls()).to_string();
    assert!(!with_urls.contains("9000000001") && !with_urls.contains("CANARY"));
}

#[tokio::test(start_paused = true)]
async fn a_document_that_cannot_be_understood_is_refused_by_place_and_rule() {
    let broken = Fake::failing_with(unknown());
    let report = with_documents(&fine(), &broken).onboard(applicant()).await;
    let whole = json!(report.with_urls());
    let with = |place: &str, value: Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(place).unwrap() = value;
        let text = changed.to_string();
        let read = serde_json::from_str::<OnboardingReport>(&text).map_err(|it| it.to_string());
        let other = request_from_json::<OnboardingReport>(text.as_bytes());
        assert_eq!(read.is_ok(), other.is_ok());
        read
    };
    for (place, value, rule) in [
        ("/version", json!(2), "version: must be at most 1"),
        ("/version", json!(null), "version: must be there"),
        (
            "/aggregator/reason",
            json!("CANARY"),
            "aggregator.reason: must be one",
        ),
        (
            "/steps/0/step",
            json!("CANARY"),
            "steps[0].step: must be one of",
        ),
        (
            "/steps/0/step",
            json!("open-documents"),
            "steps.open-documents.",
        ),
        (
            "/steps/0/result",
            json!("CANARY"),
            "steps.record-consent.result: must be one of",
        ),
        (
            "/steps/0/value",
            json!({"url": "CANARY"}),
            "steps.record-consent.value.reference: is r",
        ),
        (
            "/steps/0/value",
            json!(null),
            "steps.record-consent.value: is required",
        ),
        (
            "/steps/0/value/reference",
            json!({"CANARY": 1}),
            "steps[0].value.reference: must be",
        ),
        (
            "/steps/0/provider",
            json!("\u{1b}CANARY"),
            "steps.record-consent.provider: must not",
        ),
        (
            "/steps/1/error",
            json!(null),
            "steps.open-documents.error: is required",
        ),
        (
            "/steps/1/error/version",
            json!(9),
            "steps[1].error: version: must be at most 1",
        ),
        (
            "/steps/1/error/kind",
            json!("CANARY"),
            "steps[1].error: kind: must be one of",
        ),
        (
            "/steps/1/result",
            json!("skipped"),
            "steps.open-documents.reason: is required",
        ),
    ] {
        let error = with(place, value).unwrap_err();
        assert!(error.starts_with(rule), "{place}: {error}");
        assert!(!error.contains("CANARY"), "{error}");
    }
    let mut later = whole.clone();
    later["later"] = json!("CANARY");
    later["steps"][0]["later"] = json!({});
    let read: OnboardingReport = serde_json::from_value(later).unwrap();
    assert_eq!(json!(read.with_urls()), whole, "unknown members");
}

#[tokio::test(start_paused = true)]
async fn another_process_takes_only_what_is_not_done() {
    let fine = fine();
    let broken = Fake::failing(ErrorKind::Api, Outcome::Refused);
    let report = with_documents(&fine, &broken).onboard(applicant()).await;
    asked(&fine);
    let whole = with_documents(&fine, &fine);
    let read = read_back(&report);
    let nobody = whole.onboard(applicant()).resume_from(read.clone()).await;
    assert!(asked(&fine).is_empty(), "nobody said whom it is about");
    for (_, error) in nobody.errors() {
        assert_eq!(
            error.to_string(),
            "invalid request: report: must say whom it is about, as it was read back"
        );
    }
    assert_eq!(nobody.errors().count(), 4);
    let read = read.about(&applicant());
    let merged = whole.onboard(applicant()).resume_from(read).await;
    assert_eq!(asked(&fine), ["documents for KYC"]);
    assert!(merged.is_complete());
    let kept = json!(report.with_urls());
    let now = json!(merged.with_urls());
    for kept_as_it_was in [0, 2, 3] {
        assert_eq!(now["steps"][kept_as_it_was], kept["steps"][kept_as_it_was]);
    }
    assert_eq!(now["aggregator"], kept["aggregator"]);
    let other = Applicant::new(Mobile::parse("9000000010").unwrap());
    let other = whole.onboard(other).resume_from(merged).await;
    assert!(asked(&fine).is_empty(), "it knows now whom it is about");
    assert_eq!(other.errors().count(), 4);
}

#[tokio::test(start_paused = true)]
async fn one_step_is_taken_again_alone() {
    let fine = fine();
    let broken = Fake::failing(ErrorKind::Api, Outcome::Refused);
    // Two steps fail, and one of them is taken again.
    let first = kyc(&fine, &broken, &broken, &fine).build();
    let report = first.onboard(applicant()).await;
    asked(&fine);
    assert_eq!(report.check_again(DOCUMENTS), Ok(()));
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let merged = with_documents(&fine, &fine)
        .onboard(applicant())
        .resume_from(read_back(&report).about(&applicant()))
        .only(DOCUMENTS)
        .with_observer(move |event| seen.lock().unwrap().push(event))
        .await;
    assert_eq!(asked(&fine), ["documents for KYC"]);
    assert!(merged.documents.value().is_some());
    let (before, after) = (json!(report.with_urls()), json!(merged.with_urls()));
    for other in [0, 2, 3] {
        assert_eq!(after["steps"][other], before["steps"][other]);
    }
    let progress = |step| {
        let events = events.lock().unwrap();
        let of_step = events.iter().filter(|event| event.step == step);
        of_step.map(|event| event.progress).collect::<Vec<_>>()
    };
    assert_eq!(progress(DOCUMENTS), [Progress::Started, Progress::Done]);
    assert_eq!(progress(StepName::RecordConsent), [Progress::Kept]);
    let discovery = progress(StepName::DiscoverAggregators);
    assert_eq!(discovery, [Progress::HeldBack(ErrorKind::Api)]);

    // Without a report the others are nobody's business, their inputs neither.
    let wrong = Fake {
        refuses_input: true,
        ..Fake::default()
    };
    let alone = kyc(&wrong, &fine, &wrong, &wrong).build();
    let alone = alone.onboard(applicant()).only(DOCUMENTS).await;
    assert!(alone.is_complete());
    assert_eq!(alone.consent.skipped(), Some(SkipReason::LeftOut));
    assert!(asked(&wrong).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_step_that_may_have_been_done_is_refused_with_the_reason() {
    let fine = fine();
    let broken = Fake::failing_with(unknown());
    let report = with_documents(&fine, &broken).onboard(applicant()).await;
    asked(&fine);
    let read = read_back(&report).about(&applicant());
    let refused = read.check_again(DOCUMENTS).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "open-documents: may have been done by fake, request id id-1; reconcile it first: list the sessions"
    );
    let done = read.check_again(StepName::RecordConsent).unwrap_err();
    let rule = done.rule();
    assert!(rule.starts_with("was done by fake, request id "), "{rule}");
    let whole = with_documents(&fine, &fine);
    let once = || {
        let onboarding = whole.onboard(applicant()).resume_from(read.clone());
        onboarding.only(DOCUMENTS)
    };
    let kept = once().await;
    assert!(asked(&fine).is_empty());
    assert_eq!(
        json!(kept.documents.error().unwrap()),
        json!(report.documents.error().unwrap()),
        "what is to be reconciled is not forgotten"
    );
    assert!(once().repeat(DOCUMENTS).await.is_complete());
    assert_eq!(asked(&fine), ["documents for KYC"]);
    // One that does no harm twice needs no word.
    let harmless = unknown().with_idempotency(Idempotency::Repeatable);
    let report = with_documents(&fine, &Fake::failing_with(harmless));
    let report = report.onboard(applicant()).await;
    assert_eq!(read_back(&report).check_again(DOCUMENTS), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_recorded_holds_for_a_step_alone() {
    let fine = fine();
    let whole = with_documents(&fine, &fine);
    let with = |answer| applicant().set_consent(consent(answer));
    for (recorded, now) in [
        (ConsentAnswer::Refused, ConsentAnswer::Approved),
        (ConsentAnswer::Approved, ConsentAnswer::Refused),
    ] {
        let report = whole.onboard(with(recorded)).only(StepName::RecordConsent);
        let report = report.await;
        asked(&fine);
        let report = whole.onboard(with(now)).resume_from(report).only(DOCUMENTS);
        let report = report.await;
        assert!(asked(&fine).is_empty(), "{recorded:?}, then {now:?}");
        assert_eq!(report.documents.skipped(), Some(SkipReason::ConsentRefused));
        assert_eq!(report.answer, Some(recorded), "what is recorded");
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_alone_uses_the_aggregator_that_was_found_before() {
    let fine = fine();
    let broken = Fake::failing(ErrorKind::Api, Outcome::Refused);
    let report = kyc(&fine, &fine, &fine, &broken).build();
    let report = report.onboard(applicant()).await;
    asked(&fine);
    let again = with_documents(&fine, &fine)
        .onboard(applicant())
        .resume_from(read_back(&report).about(&applicant()))
        .only(StepName::OpenAggregatorConsent)
        .await;
    assert_eq!(asked(&fine), ["consent at a"]);
    assert!(again.is_complete());
}

type Records = Arc<Mutex<Vec<OnboardingReport>>>;

fn keeping(records: &Records) -> impl Fn(&OnboardingReport) -> io::Result<()> + use<> {
    let records = Arc::clone(records);
    move |report| {
        records.lock().unwrap().push(report.clone());
        Ok(())
    }
}

/// What was recorded of an onboarding that is dropped after so many seconds.
async fn dropped_after(seconds: u64, kyc: &Kyc) -> Vec<OnboardingReport> {
    let records = Records::default();
    let onboarding = kyc.onboard(applicant()).with_recorder(keeping(&records));
    let limit = Duration::from_secs(seconds);
    let _ = tokio::time::timeout(limit, onboarding.into_future()).await;
    let records = records.lock().unwrap();
    records.clone()
}

#[tokio::test(start_paused = true)]
async fn an_onboarding_that_is_dropped_loses_nothing_that_a_provider_gave() {
    let slow = |seconds| Fake {
        delay: Duration::from_secs(seconds),
        ..fine()
    };
    let onboarding = kyc(&slow(1), &slow(10), &slow(2), &slow(10)).build();
    // While the first three are in flight, after the first has ended, after the second.
    for (seconds, done, in_flight) in [(0, 0, 3), (1, 1, 2), (3, 2, 2)] {
        let records = dropped_after(seconds, &onboarding).await;
        let last = records.last().unwrap();
        let results = json!(last.with_urls())["steps"].take();
        let count = |result: &str| {
            let steps = results.as_array().unwrap().iter();
            steps.filter(|step| step["result"] == result).count()
        };
        assert_eq!(
            (count("done"), count("failed")),
            (done, in_flight),
            "{results}"
        );
        for (step, error) in last.errors() {
            assert_eq!(error.outcome(), Outcome::Unknown);
            assert!(error.request_id().is_some(), "before its first request");
            assert_eq!(
                error.to_string(),
                format!(
                    "fake {}: the connection broke during the exchange{}",
                    step.as_str(),
                    match step {
                        StepName::DiscoverAggregators => "",
                        _ => "; it may have been processed",
                    }
                )
            );
        }
        assert_eq!(last.consent.value().is_some(), seconds > 0);
        if seconds < 2 {
            let reason = last.aggregator_consent.skipped();
            assert_eq!(reason, Some(SkipReason::NotReached));
            assert!(!last.is_complete());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_process_goes_on_from_what_was_recorded_last() {
    let fine = fine();
    let slow = Fake {
        delay: Duration::from_secs(10),
        ..Fake::default()
    };
    let onboarding = with_documents(&fine, &slow);
    let records = dropped_after(1, &onboarding).await;
    asked(&fine);
    let last = read_back(records.last().unwrap()).about(&applicant());
    let refused = last.check_again(DOCUMENTS).unwrap_err();
    assert!(refused.rule().starts_with("may have been done by fake"));
    let whole = with_documents(&fine, &fine);
    let report = whole.onboard(applicant()).resume_from(last.clone()).await;
    assert!(asked(&fine).is_empty(), "three are done, one may be");
    let unsettled: Vec<_> = report.unsettled().map(|(step, _)| step).collect();
    assert_eq!(unsettled, [DOCUMENTS]);
    let report = whole.onboard(applicant()).resume_from(last);
    assert!(report.repeat(DOCUMENTS).await.is_complete());
    assert_eq!(asked(&fine), ["documents for KYC"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_last_is_the_report() {
    let slow = Fake::after(1);
    let whole = kyc(&fine(), &slow, &fine(), &slow).build();
    let found = || {
        whole
            .onboard(applicant())
            .only(StepName::DiscoverAggregators)
    };
    for onboarding in [whole.onboard(applicant()), found()] {
        let records = Records::default();
        let report = onboarding.with_recorder(keeping(&records)).await;
        let records = records.lock().unwrap();
        assert_eq!(
            json!(records.last().unwrap().with_urls()),
            json!(report.with_urls())
        );
        for step in json!(records[0])["steps"].as_array().unwrap() {
            let reason = step["reason"].as_str().unwrap();
            assert!(
                ["not_reached", "left_out"].contains(&reason),
                "nothing was sent"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_to_be_taken_again_keeps_its_failure_until_then() {
    let fine = fine();
    let broken = Fake::failing_with(unknown());
    let report = with_documents(&fine, &broken).onboard(applicant()).await;
    let records = Records::default();
    let again = with_documents(&fine, &fine).onboard(applicant());
    again
        .resume_from(report.clone())
        .repeat(DOCUMENTS)
        .with_recorder(keeping(&records))
        .await;
    let records = records.lock().unwrap();
    assert_eq!(
        json!(records[0].documents.error()),
        json!(report.documents.error())
    );
    assert!(records.last().unwrap().is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recorded_is_not_sent() {
    let fine = fine();
    let whole = with_documents(&fine, &fine);
    let full = || io::Error::from(io::ErrorKind::StorageFull);
    let report = whole
        .onboard(applicant())
        .with_recorder(move |_| Err(full()));
    let report = report.await;
    assert!(asked(&fine).is_empty());
    assert_eq!(report.errors().count(), 4);
    for (_, error) in report.errors() {
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Storage, Outcome::NotSent)
        );
        assert!(error.report().contains(&full().to_string()));
    }
    // One that fails once everything is sent costs nobody anything, and the others are still told.
    let records = Records::default();
    let fails = |report: &OnboardingReport| match report.is_complete() {
        true => Err(io::Error::from(io::ErrorKind::StorageFull)),
        false => Ok(()),
    };
    let onboarding = whole.onboard(applicant()).with_recorder(fails);
    let report = onboarding.with_recorder(keeping(&records)).await;
    assert!(report.is_complete());
    assert!(records.lock().unwrap().last().unwrap().is_complete());
}

fn repeats(report: &OnboardingReport) -> Vec<(StepName, Outcome)> {
    let repeats = report.failed_repeats.iter();
    repeats
        .map(|failed| (failed.step, failed.error.outcome()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_result_outlives_a_repeat_that_fails() {
    let fine = fine();
    let first = with_documents(&fine, &fine).onboard(applicant()).await;
    let before = json!(first.with_urls());
    for (outcome, is_unsettled) in [(Outcome::Refused, false), (Outcome::Unknown, true)] {
        let broken = Fake::failing_with(match outcome {
            Outcome::Unknown => unknown(),
            _ => Error::new(ErrorKind::Api, outcome).at("fake", "open-session"),
        });
        for step in StepName::ALL.iter().copied() {
            let again = kyc(&broken, &broken, &broken, &broken).build();
            let again = again.onboard(applicant()).resume_from(first.clone());
            let report = read_back(&again.repeat(step).await).about(&applicant());
            let now = json!(report.with_urls());
            assert_eq!(now["steps"], before["steps"], "{step:?}");
            assert_eq!(now["aggregator"], before["aggregator"]);
            assert_eq!(repeats(&report), [(step, outcome)]);
            assert_eq!(report.errors().count(), 1, "told as a failure");
            asked(&fine);
            let whole = with_documents(&fine, &fine);
            let report = whole.onboard(applicant()).resume_from(report).await;
            assert!(asked(&fine).is_empty(), "no other one is opened");
            assert_eq!(report.unsettled().count(), usize::from(is_unsettled));
            let report = whole.onboard(applicant()).resume_from(report);
            assert_eq!(report.repeat(step).await.errors().count(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_outlives_a_repeat_that_is_interrupted() {
    let fine = fine();
    let first = with_documents(&fine, &fine).onboard(applicant()).await;
    let slow = Fake {
        delay: Duration::from_secs(10),
        ..Fake::default()
    };
    let records = Records::default();
    let again = with_documents(&fine, &slow).onboard(applicant());
    let again = again.resume_from(first.clone()).repeat(DOCUMENTS);
    let again = again.with_recorder(keeping(&records)).into_future();
    let _ = tokio::time::timeout(Duration::from_secs(1), again).await;
    let last = read_back(records.lock().unwrap().last().unwrap());
    assert_eq!(
        json!(last.with_urls())["steps"],
        json!(first.with_urls())["steps"]
    );
    assert_eq!(repeats(&last), [(DOCUMENTS, Outcome::Unknown)]);
}

#[tokio::test(start_paused = true)]
async fn a_result_outlives_a_repeat_that_cannot_be_tried() {
    let fine = fine();
    let whole = with_documents(&fine, &fine);
    let first = whole.onboard(applicant()).await;
    let before = json!(first.with_urls())["steps"].take();
    asked(&fine);
    let wrong = Fake {
        refuses_input: true,
        ..Fake::default()
    };
    let refused = applicant().set_consent(consent(ConsentAnswer::Refused));
    for (kyc, applicant) in [
        (Kyc::builder().build(), applicant()),
        (with_documents(&fine, &wrong), applicant()),
        (whole.clone(), refused),
    ] {
        let again = kyc.onboard(applicant).resume_from(first.clone());
        let report = again.only(DOCUMENTS).repeat(DOCUMENTS).await;
        assert_eq!(json!(report.with_urls())["steps"], before);
        assert_eq!(repeats(&report), [(DOCUMENTS, Outcome::NotSent)]);
        assert_eq!(report.answer, Some(ConsentAnswer::Approved));
        assert!(asked(&fine).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_repeat_replaces_stays_to_be_found() {
    let (fine, other) = (fine(), fine().named("other"));
    let first = with_documents(&fine, &fine).onboard(applicant()).await;
    let Step::Done { request_id, .. } = &first.documents else {
        panic!("it was done");
    };
    let again = with_documents(&fine, &other).onboard(applicant());
    let report = again.resume_from(first.clone()).repeat(DOCUMENTS).await;
    let report = read_back(&report);
    assert!(report.is_complete() && report.failed_repeats.is_empty());
    let replaced = &json!(report)["replaced"];
    assert_eq!(
        *replaced,
        json!([{
            "step": "open-documents",
            "provider": "fake",
            "reference": "r-1",
            "request_id": request_id,
        }])
    );
}

#[tokio::test(start_paused = true)]
async fn the_recorded_answer_stays_until_another_one_is_recorded() {
    let fine = fine();
    let first = with_documents(&fine, &fine).onboard(applicant()).await;
    let refused = || applicant().set_consent(consent(ConsentAnswer::Refused));
    let broken = Fake::failing_with(unknown());
    for (recorder, answer) in [
        (&broken, ConsentAnswer::Approved),
        (&fine, ConsentAnswer::Refused),
    ] {
        let again = kyc(recorder, &fine, &fine, &fine).build();
        let again = again.onboard(refused()).resume_from(first.clone());
        let report = again.repeat(StepName::RecordConsent).await;
        assert_eq!(report.answer, Some(answer));
        assert!(report.documents.value().is_some());
    }
}
