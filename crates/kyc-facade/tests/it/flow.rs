//! The flow over fakes, in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kyc_facade::provider_core::capability::*;
use kyc_facade::provider_core::{ErrorKind, Mobile, Outcome};
use kyc_facade::{Applicant, ChoiceReason, Kyc, KycBuilder, Progress, SkipReason, StepName};

use crate::fakes::Fake;

pub(crate) fn consent(answer: ConsentAnswer) -> ConsentStatement {
    ConsentStatement::new("s-1", ConsentKind::Aadhaar, answer, "CANARY-TEXT")
}

pub(crate) fn applicant() -> Applicant {
    Applicant::new(Mobile::parse("9000000001").unwrap())
        .set_consent(consent(ConsentAnswer::Approved))
        .set_documents(DocumentAccessRequest::new(
            AccessConsent::given_by_person(),
            "KYC",
            "https://lender.example.test",
        ))
        .set_query_id("ref-1")
}

pub(crate) fn kyc(
    consent: &Fake,
    documents: &Fake,
    discovery: &Fake,
    aggregator: &Fake,
) -> KycBuilder {
    Kyc::builder()
        .consent_recorder(Arc::new(consent.clone()))
        .document_access(Arc::new(documents.clone()))
        .aggregator_discovery(Arc::new(discovery.clone()))
        .aggregator_consent(Arc::new(aggregator.clone()))
}

#[tokio::test(start_paused = true)]
async fn the_whole_takes_as_long_as_the_slowest_not_the_sum() {
    let (slow, quick) = (Fake::after(5), Fake::after(2));
    let report = kyc(&slow, &Fake::after(4), &quick, &quick)
        .build()
        .onboard(applicant())
        .await;
    assert!(report.is_complete());
    assert_eq!(report.elapsed, Duration::from_secs(5));

    let report = kyc(&Fake::after(1), &quick, &slow, &quick)
        .build()
        .onboard(applicant())
        .await;
    assert_eq!(
        report.elapsed,
        Duration::from_secs(7),
        "the consent waits for discovery"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_discards_no_finished_step() {
    let failing = Fake::failing(ErrorKind::Api, Outcome::Refused);
    let fine = Fake::after(1);
    for broken in 0..4 {
        let pick = |step: usize| if step == broken { &failing } else { &fine };
        let report = kyc(pick(0), pick(1), pick(2), pick(3))
            .build()
            .onboard(applicant())
            .await;
        let done = [
            report.consent.value().is_some(),
            report.documents.value().is_some(),
            report.discovery.value().is_some(),
            report.aggregator_consent.value().is_some(),
        ];
        for (step, done) in done.into_iter().enumerate() {
            assert_eq!(
                done,
                step != broken,
                "step {step} while step {broken} fails"
            );
        }
        assert_eq!(report.errors().count(), 1);
        assert_eq!(report.errors().next().unwrap().0, StepName::ALL[broken]);
        assert_eq!(report.unsettled().count(), 0, "a refusal is settled");
    }
}

#[tokio::test(start_paused = true)]
async fn the_aggregator_is_chosen_by_readiness_and_passed_on() {
    let discovery = Fake::default().finding(&[
        ("first", Readiness::NeedsRegistration),
        ("second", Readiness::Ready),
        ("third", Readiness::Undetermined),
    ]);
    let (fine, aggregator) = (Fake::default(), Fake::default());
    let report = kyc(&fine, &fine, &discovery, &aggregator)
        .build()
        .onboard(applicant())
        .await;
    assert_eq!(
        report.choice.reason,
        ChoiceReason::Readiness(Readiness::Ready)
    );
    assert_eq!(aggregator.asked(), ["consent at second"]);
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_the_default_is_used() {
    let default = AggregatorId::parse("fallback").unwrap();
    let fine = Fake::default();
    for discovery in [
        Fake::failing(ErrorKind::Connect, Outcome::NotSent),
        Fake::default().finding(&[("first", Readiness::Undetermined)]),
        Fake::after(3_600),
    ] {
        let aggregator = Fake::default();
        let kyc = kyc(&fine, &fine, &discovery, &aggregator)
            .default_aggregator(default.clone())
            .build();
        let report = kyc.onboard(applicant()).await;
        assert_eq!(report.choice.reason, ChoiceReason::Default);
        assert_eq!(aggregator.asked(), ["consent at fallback"]);
        assert!(report.aggregator_consent.value().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_unfinished_steps_and_keeps_finished_ones() {
    let (quick, never) = (Fake::after(1), Fake::after(3_600));
    let report = kyc(&quick, &never, &quick, &never)
        .deadline(Duration::from_secs(10))
        .build()
        .onboard(applicant())
        .await;
    assert_eq!(report.elapsed, Duration::from_secs(10));
    assert!(report.consent.value().is_some() && report.discovery.value().is_some());
    for (_, error) in report.unsettled() {
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Timeout, Outcome::Unknown)
        );
    }
    assert_eq!(report.unsettled().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_timed_out_leaves_nothing_to_settle() {
    let (quick, never) = (Fake::after(1), Fake::after(3_600));
    let report = kyc(&quick, &quick, &never, &quick)
        .build()
        .onboard(applicant())
        .await;
    assert_eq!(
        report.errors().next().unwrap().0,
        StepName::DiscoverAggregators
    );
    assert_eq!(report.unsettled().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_step_without_time_to_start_is_not_sent() {
    let fine = Fake::after(1);
    let kyc = kyc(&fine, &fine, &fine, &fine).build();
    let report = kyc.onboard(applicant()).with_deadline(Duration::ZERO).await;
    assert_eq!(report.errors().count(), 4);
    assert!(
        report
            .errors()
            .all(|(_, error)| error.outcome() == Outcome::NotSent)
    );
    assert!(fine.asked().is_empty());
    let report = kyc.onboard(applicant()).with_deadline(Duration::MAX).await;
    assert!(report.is_complete());
}

#[tokio::test(start_paused = true)]
async fn any_subset_of_providers_works_and_missing_ones_are_named() {
    for subset in 0_u8..16 {
        let fake = Arc::new(Fake::default());
        let mut builder = Kyc::builder();
        if subset & 1 != 0 {
            builder = builder.consent_recorder(fake.clone());
        }
        if subset & 2 != 0 {
            builder = builder.document_access(fake.clone());
        }
        if subset & 4 != 0 {
            builder = builder.aggregator_discovery(fake.clone());
        }
        if subset & 8 != 0 {
            builder = builder.aggregator_consent(fake.clone());
        }
        let report = builder.build().onboard(applicant()).await;
        let skipped = [
            report.consent.skipped(),
            report.documents.skipped(),
            report.discovery.skipped(),
            report.aggregator_consent.skipped(),
        ];
        for (step, skipped) in skipped.into_iter().enumerate() {
            let expected = (subset & (1 << step) == 0).then_some(SkipReason::NoProvider);
            assert_eq!(skipped, expected, "step {step} of subset {subset:04b}");
        }
        assert_eq!(report.is_complete(), subset != 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_onboarding_is_complete_when_all_that_was_asked_for_is_done() {
    let fine = Fake::default();
    let complete = async |builder: KycBuilder, applicant: Applicant| {
        builder.build().onboard(applicant).await.is_complete()
    };
    let bare = || Applicant::new(Mobile::parse("9000000001").unwrap());
    let one = || Kyc::builder().aggregator_consent(Arc::new(fine.clone()));
    assert!(complete(one(), bare()).await, "one provider");
    assert!(complete(one(), applicant()).await, "inputs for others");
    let all = || kyc(&fine, &fine, &fine, &fine);
    assert!(complete(all(), bare()).await, "no input for the others");
    assert!(!complete(Kyc::builder(), applicant()).await, "nothing done");
    let refused = applicant().set_consent(consent(ConsentAnswer::Refused));
    assert!(!complete(all(), refused).await, "the person refused");
    let failing = Fake::failing(ErrorKind::Api, Outcome::Refused);
    let broken = kyc(&fine, &fine, &failing, &fine);
    assert!(!complete(broken, applicant()).await, "a step failed");
}

#[tokio::test(start_paused = true)]
async fn a_missing_input_skips_only_its_step() {
    let fine = Fake::default();
    let bare = Applicant::new(Mobile::parse("9000000001").unwrap());
    let report = kyc(&fine, &fine, &fine, &fine).build().onboard(bare).await;
    assert!(matches!(
        report.consent.skipped(),
        Some(SkipReason::NoInput(_))
    ));
    assert!(matches!(
        report.documents.skipped(),
        Some(SkipReason::NoInput(_))
    ));
    assert!(matches!(
        report.discovery.skipped(),
        Some(SkipReason::NoInput(_))
    ));
    assert!(report.aggregator_consent.value().is_some());
    assert_eq!(report.choice.reason, ChoiceReason::LeftToProvider);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_recorded_and_nothing_else_is_done() {
    let (recorder, others) = (Fake::default(), Fake::default());
    let kyc = kyc(&recorder, &others, &others, &others).build();
    let report = kyc
        .onboard(applicant().set_consent(consent(ConsentAnswer::Refused)))
        .await;
    assert_eq!(recorder.asked(), ["record refused"]);
    assert!(others.asked().is_empty());
    assert_eq!(report.documents.skipped(), Some(SkipReason::ConsentRefused));
    assert_eq!(report.discovery.skipped(), Some(SkipReason::ConsentRefused));
    assert_eq!(
        report.aggregator_consent.skipped(),
        Some(SkipReason::ConsentRefused)
    );
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_the_start_and_end_of_each_step() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let fine = Fake::after(1);
    let failing = Fake::failing(ErrorKind::Api, Outcome::Refused);
    let kyc = kyc(&fine, &failing, &fine, &fine).build();
    kyc.onboard(applicant())
        .with_observer(move |event| seen.lock().unwrap().push(event))
        .await;
    let of = |step| -> Vec<Progress> {
        events
            .lock()
            .unwrap()
            .iter()
            .filter(|event| event.step == step)
            .map(|event| event.progress)
            .collect()
    };
    let begun = events
        .lock()
        .unwrap()
        .iter()
        .find(|event| event.progress == Progress::Started)
        .cloned()
        .unwrap();
    let sent = fine.options.lock().unwrap()[0].request_id.clone();
    assert_eq!(
        (begun.step, begun.request_id),
        (StepName::RecordConsent, sent),
        "reported before it is sent"
    );
    assert_eq!(
        of(StepName::RecordConsent),
        [Progress::Started, Progress::Done]
    );
    assert_eq!(
        of(StepName::OpenDocuments),
        [Progress::Started, Progress::Failed(ErrorKind::Api)]
    );
    assert_eq!(
        of(StepName::OpenAggregatorConsent),
        [Progress::Started, Progress::Done]
    );
}

#[tokio::test(start_paused = true)]
async fn an_observer_learns_which_steps_were_in_flight_when_an_onboarding_is_dropped() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let (done, slow) = (Fake::after(1), Fake::after(9));
    let kyc = kyc(&done, &slow, &slow, &slow).build();
    let onboarding = kyc
        .onboard(applicant())
        .with_observer(move |event| seen.lock().unwrap().push(event));
    let dropped = tokio::time::timeout(Duration::from_secs(5), onboarding.into_future()).await;
    assert!(dropped.is_err());
    let mut last: Vec<_> = events
        .lock()
        .unwrap()
        .iter()
        .filter(|event| event.progress != Progress::Started)
        .map(|event| (event.step, event.progress, event.outcome))
        .collect();
    last.sort_by_key(|(step, ..)| step.as_str());
    let maybe = Some(Outcome::Unknown);
    assert_eq!(
        last,
        [
            (StepName::DiscoverAggregators, Progress::Dropped, maybe),
            (StepName::OpenDocuments, Progress::Dropped, maybe),
            (StepName::RecordConsent, Progress::Done, None),
        ],
        "a step that had not started reports nothing"
    );
    let events = events.lock().unwrap();
    assert!(events.iter().all(|event| event.request_id.is_some()));
    let done = events.iter().find(|event| event.progress == Progress::Done);
    let done = done.unwrap();
    assert_eq!(done.provider, Some("fake"));
    assert_eq!(done.reference.as_ref().unwrap().as_str(), "r-1");
    for event in events
        .iter()
        .filter(|event| event.progress != Progress::Done)
    {
        assert_eq!((event.provider, &event.reference), (Some("fake"), &None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_spawned_onboarding_outlives_the_handler_that_is_dropped() {
    let slow = Fake::after(5);
    let report = Arc::new(Mutex::new(None));
    let (kept, composed) = (Arc::clone(&report), kyc(&slow, &slow, &slow, &slow).build());
    let handler = async move {
        let onboarding = composed.onboard(applicant()).into_future();
        let task = tokio::spawn(async move { *kept.lock().unwrap() = Some(onboarding.await) });
        task.await
    };
    let gone = tokio::time::timeout(Duration::from_secs(1), handler).await;
    assert!(gone.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(report.lock().unwrap().as_ref().unwrap().is_complete());
}

#[tokio::test(start_paused = true)]
async fn each_observer_sees_every_event() {
    let seen = Arc::new(Mutex::new([0, 0]));
    let [first, second] = [Arc::clone(&seen), Arc::clone(&seen)];
    let fine = Fake::default();
    kyc(&fine, &fine, &fine, &fine)
        .build()
        .onboard(applicant())
        .with_observer(move |_| first.lock().unwrap()[0] += 1)
        .with_observer(move |_| second.lock().unwrap()[1] += 1)
        .await;
    assert_eq!(*seen.lock().unwrap(), [8, 8]);
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_printed() {
    let fine = Fake::default();
    let applicant = applicant();
    let mut printed = format!("{applicant:?}");
    let report = kyc(&fine, &fine, &fine, &fine)
        .build()
        .onboard(applicant)
        .await;
    printed += &format!("{report:?} {report:#?}");
    for canary in [
        "9000000001",
        "CANARY-TEXT",
        "documents.example.test",
        "consent.example.test",
    ] {
        assert!(!printed.contains(canary), "{canary}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_input_holds_every_step_back() {
    for wrong in 0..4 {
        let (fine, refusing) = (
            Fake::default(),
            Fake {
                refuses_input: true,
                ..Fake::default()
            },
        );
        let pick = |step: usize| if step == wrong { &refusing } else { &fine };
        let report = kyc(pick(0), pick(1), pick(2), pick(3))
            .build()
            .onboard(applicant())
            .await;
        assert!(
            fine.asked().is_empty() && refusing.asked().is_empty(),
            "step {wrong} is wrong"
        );
        let errors: Vec<_> = report.errors().collect();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].0, StepName::ALL[wrong]);
        assert_eq!(
            (errors[0].1.kind(), errors[0].1.outcome()),
            (ErrorKind::InvalidRequest, Outcome::NotSent)
        );
        let others = [
            report.consent.skipped(),
            report.documents.skipped(),
            report.discovery.skipped(),
            report.aggregator_consent.skipped(),
        ];
        assert_eq!(
            others.into_iter().flatten().collect::<Vec<_>>(),
            [SkipReason::InvalidApplicant; 3]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_step_passes_its_time_limit_and_request_id_to_the_provider() {
    let (slow, last) = (Fake::after(3), Fake::after(3_600));
    let kyc = kyc(&slow, &slow, &slow, &last)
        .deadline(Duration::from_secs(10))
        .build();
    let report = kyc.onboard(applicant()).await;
    let limits: Vec<_> = slow
        .options
        .lock()
        .unwrap()
        .iter()
        .map(|options| options.time_limit.unwrap())
        .collect();
    let earlier = Duration::from_millis(20);
    assert_eq!(
        limits,
        [10, 10, 5].map(|seconds| Duration::from_secs(seconds) - earlier)
    );
    let options = last.options.lock().unwrap()[0].clone();
    assert_eq!(options.time_limit, Some(Duration::from_secs(7) - earlier));
    let (_, error) = report.unsettled().next().unwrap();
    assert_eq!(
        error.request_id(),
        options.request_id.as_ref(),
        "the id to reconcile it by"
    );
    assert!(error.request_id().is_some());
    assert_eq!(error.elapsed(), Duration::from_secs(7));
}
