//! Every kind of state meets every kind of fact.

use std::collections::{BTreeSet, VecDeque};

use kyc_journey::provider_core::Idempotency;
use kyc_journey::provider_core::jiff::SignedDuration;
use kyc_journey::{
    AccountsPlan, AggregatorReturn, Answer, ConsentState, Correlation, CorrelationToken, DataClass,
    DataState, DocumentKind, DocumentsPlan, Effect, EffectId, Event, EventKey, Fact, Failure,
    FinpassFlow, FoundFile, Journey, JourneyId, JourneyStatus, Leg, Operation, OperatorTask, Plan,
    ProfileStanding, Provider, Readiness, ReceiptId, Refusal, ReturnEnd, Seq, SessionState, Source,
    TimerName, TimerPurpose, Verdict, VerificationPlan, provider_core::capability::AggregatorId,
};
use kyc_journey::{
    ConsentNews, DataNews, Frequency, Payload, Return, Screening, SessionNews,
    provider_core::Masked,
};

use crate::world::{TOKEN, World, by_id, reference, replaces_unasked};

/// What tells one state from another: the journey's, and each leg's with its attempt's place (none, first, later).
fn kind(world: &World) -> String {
    let journey = &world.journey;
    let plan = plans().iter().position(|plan| Some(plan) == journey.plan());
    let mut kind = format!("{plan:?} {}", journey.status().as_str());
    for leg in Leg::ALL.iter().filter_map(|leg| journey.leg(*leg)) {
        kind += &format!(
            " {}:{}:{}",
            leg.phase,
            leg.status.as_str(),
            leg.attempt.min(2)
        );
    }
    kind
}

/// Documents of which one is there.
fn partly_fetched(plan: Plan) -> World {
    let mut world = World::given(plan);
    world.open("open-documents", "opened-1");
    let back = Return::new(by_id("opened-1"), ReturnEnd::Approved);
    world.submit_to(
        Some(Leg::Documents),
        Fact::Returned(back),
        Some(DataClass::Codes),
    );
    world.answer(
        "complete-authorization",
        Answer::Authorized {
            has_e_aadhaar: true,
            consent_until: None,
        },
    );
    world.answer_with("fetch-e-aadhaar", Answer::File, DataClass::Documents);
    world
}

fn plans() -> Vec<Plan> {
    let documents = || {
        DocumentsPlan::new([DocumentKind::EAadhaar, DocumentKind::Pan])
            .set_data_life(Some(SignedDuration::from_hours(24)))
    };
    let every = Frequency {
        count: 1,
        unit: kyc_journey::CalendarUnit::Month,
    };
    let aggregators = ["first", "second"].map(|name| AggregatorId::parse(name).unwrap());
    let finpro = || {
        AccountsPlan::new(Provider::FinPro)
            .set_aggregators(aggregators.clone())
            .set_every(Some(every))
            .set_sessions_a_month(Some(3))
    };
    let finpass = || AccountsPlan::new(Provider::Finpass);
    let monitoring = finpass()
        .set_flow(FinpassFlow::Monitoring)
        .set_every(Some(every));
    vec![
        Plan::new().set_documents(Some(documents())),
        Plan::new().set_documents(Some(DocumentsPlan::new([DocumentKind::EAadhaar]))),
        Plan::new().set_accounts(Some(finpro())),
        Plan::new().set_accounts(Some(finpass())),
        Plan::new().set_accounts(Some(monitoring)),
        Plan::new().set_verification(Some(VerificationPlan::new())),
        Plan::new().set_verification(Some(VerificationPlan::new().set_required(false))),
    ]
}

fn answers() -> Vec<Answer> {
    let pan = FoundFile {
        item: 0,
        kind: DocumentKind::Pan,
    };
    let consents = |state| Answer::Consents {
        consents: vec![consent(by_id("opened-1"), state)],
    };
    let status = |state| Answer::DataStatus {
        news: Box::new(data(by_id("opened-1"), state)),
    };
    let session = |state| Answer::SessionState {
        news: Box::new(session(Source::default(), state)),
    };
    let standing = ProfileStanding {
        aggregator: AggregatorId::parse("second").unwrap(),
        readiness: Readiness::Ready,
    };
    let mut answers = vec![
        Answer::Opened {
            reference: reference("opened-1"),
        },
        Answer::Authorized {
            has_e_aadhaar: true,
            consent_until: None,
        },
        Answer::Authorized {
            has_e_aadhaar: false,
            consent_until: None,
        },
        Answer::Files { found: vec![pan] },
        Answer::Files { found: vec![] },
        Answer::File,
        Answer::Profiles {
            standings: vec![standing],
        },
        Answer::Link,
        Answer::Consents { consents: vec![] },
        Answer::ReturnRead {
            end: AggregatorReturn::Accepted,
        },
        Answer::ReturnRead {
            end: AggregatorReturn::NoAccount,
        },
        Answer::DataRequested {
            session: reference("data-1"),
        },
        Answer::AccountData,
        Answer::Reports {
            ready: 1,
            pending: 0,
            failed: 0,
        },
        Answer::Reports {
            ready: 1,
            pending: 0,
            failed: 1,
        },
        Answer::Reports {
            ready: 0,
            pending: 1,
            failed: 0,
        },
        Answer::Reports {
            ready: 0,
            pending: 0,
            failed: 1,
        },
        Answer::Refreshing {
            request: reference("refresh-1"),
        },
        Answer::Done,
    ];
    answers.extend(ConsentState::ALL.iter().map(|state| consents(*state)));
    answers.extend(DataState::ALL.iter().map(|state| status(*state)));
    answers.extend(SessionState::ALL.iter().map(|state| session(*state)));
    answers
}

fn failures() -> Vec<Failure> {
    let mut failures = vec![
        Failure::not_sent(),
        Failure::without_consent(),
        Failure::not_covered(),
        Failure::unknown(),
        Failure::unreadable(),
    ];
    failures.extend(
        Refusal::ALL
            .iter()
            .map(|refusal| Failure::refused(*refusal)),
    );
    failures
}

fn consent(source: Source, state: ConsentState) -> ConsentNews {
    let has_id = !matches!(state, ConsentState::Pending | ConsentState::Rejected);
    ConsentNews::new(source, state).set_consent(has_id.then(|| reference("consent-1")))
}

fn data(source: Source, state: DataState) -> DataNews {
    DataNews::new(source, state)
        .set_session(Some(reference("data-1")))
        .set_delivered(u32::from(state == DataState::TimedOut), 2)
}

fn session(source: Source, state: SessionState) -> SessionNews {
    SessionNews::new(source, state).set_is_signed(true)
}

/// Every kind of fact that can reach a journey in this state, with what it may come with.
fn facts(world: &World) -> Vec<Fact> {
    let journey = &world.journey;
    let receipt = || ReceiptId::parse("receipt-2").unwrap();
    let soon = world.at.checked_add(SignedDuration::from_hours(1_000)).ok();
    let mut facts = vec![
        Fact::Start {
            plan: Box::new(Plan::new()),
            token: CorrelationToken::from_bits(9),
        },
        Fact::ConsentGiven {
            receipt: receipt(),
            expires_at: None,
        },
        Fact::ConsentGiven {
            receipt: receipt(),
            expires_at: soon,
        },
        Fact::ConsentGiven {
            receipt: receipt(),
            expires_at: Some(world.at),
        },
        Fact::ConsentRefused,
        Fact::ConsentRenewed {
            receipt: receipt(),
            expires_at: soon,
        },
        Fact::ConsentExpired,
        Fact::Withdrawn,
        Fact::Cancel,
        Fact::Resume,
        Fact::Settled { done: true },
        Fact::Settled { done: false },
        Fact::Resolved {
            task: OperatorTask::RevokeByHand,
        },
        Fact::Resolved {
            task: OperatorTask::DeleteByHand,
        },
        Fact::AskAgain,
        Fact::Reopen,
        Fact::PurposeMet,
        Fact::HandIn,
        Fact::OneTimeCodeWanted,
        Fact::OneTimeCodeTyped,
    ];
    let mut sources = vec![Source::default(), by_id("opened-1"), by_id("opened-7")];
    let planned = journey
        .plan()
        .and_then(|plan| plan.legs().next())
        .unwrap_or(Leg::Documents);
    let other = Leg::ALL
        .iter()
        .copied()
        .find(|leg| *leg != planned)
        .unwrap_or(planned);
    let foreign = CorrelationToken::from_bits(9);
    for (token, leg, attempt) in [
        (TOKEN, planned, 1),
        (TOKEN, planned, 2),
        (TOKEN, planned, 99),
        (TOKEN, other, 1),
        (foreign, planned, 1),
    ] {
        let correlation = Some(Correlation {
            token,
            leg,
            attempt,
        });
        sources.push(Source::new(None, correlation));
        sources.push(Source::new(Some(reference("opened-1")), correlation));
    }
    for source in sources {
        facts.extend(
            ConsentState::ALL
                .iter()
                .map(|state| Fact::Consent(consent(source.clone(), *state))),
        );
        facts.extend(
            DataState::ALL
                .iter()
                .map(|state| Fact::Data(data(source.clone(), *state))),
        );
        facts.extend(
            SessionState::ALL
                .iter()
                .map(|state| Fact::Session(session(source.clone(), *state))),
        );
        facts.extend(
            ReturnEnd::ALL
                .iter()
                .map(|end| Fact::Returned(Return::new(source.clone(), *end))),
        );
        facts.extend([
            Fact::Hint(source.clone()),
            Fact::Screened(Screening::new(source.clone(), true)),
            Fact::Noted(source.clone()),
            Fact::Unrecognized(source),
        ]);
    }
    let never = EffectId {
        journey: journey.id().clone(),
        seq: Seq::new(9_999),
        ordinal: 0,
    };
    let foreign = EffectId {
        journey: JourneyId::from_bits(9),
        seq: Seq::new(2),
        ordinal: 0,
    };
    let latest = world
        .pending()
        .into_iter()
        .rev()
        .take(4)
        .map(|(effect, _)| effect);
    for effect in latest.chain([never, foreign]) {
        facts.extend(answers().into_iter().map(|answer| Fact::Answered {
            effect: effect.clone(),
            answer,
        }));
        facts.extend(failures().into_iter().map(|failure| Fact::Failed {
            effect: effect.clone(),
            failure,
        }));
        facts.push(Fact::Interrupted { effect });
    }
    for timer in journey.timers() {
        facts.push(Fact::TimerFired {
            timer: timer.name.clone(),
            generation: timer.generation,
        });
        facts.push(Fact::TimerFired {
            timer: timer.name,
            generation: 9_999,
        });
    }
    let gone = TimerName::leg(Leg::Documents, TimerPurpose::Retry(9_999));
    facts.push(Fact::TimerFired {
        timer: gone,
        generation: 1,
    });
    facts
}

fn event(world: &World, index: usize, fact: Fact) -> Event {
    let key = EventKey::command(&format!("{}-{index}", world.journey.seq())).unwrap();
    let at = match &fact {
        Fact::TimerFired { timer, .. } => {
            let timers = world.journey.timers();
            timers
                .iter()
                .find(|set| set.name == *timer)
                .map_or(world.at, |set| set.at.max(world.at))
        }
        _ => world.at,
    };
    let payload = Payload {
        class: DataClass::Evidence,
        content: Masked::new("CANARY"),
    };
    Event::new(key, at, None, fact).set_payload(Some(payload))
}

/// What holds whatever the state and whatever the fact.
fn check(old: &World, new: &World, event: &Event) {
    let (was, is) = (old.status(), new.status());
    let what = || format!("{} <- {:?}", kind(old), event.fact);
    let calls: Vec<&Operation> = new
        .last
        .effects
        .iter()
        .filter_map(|effect| effect.operation())
        .collect();
    // Every recorded event has the next number, and so have its effects.
    let is_recorded = new.last.verdict != Verdict::Duplicate;
    assert_eq!(
        new.journey.seq().get(),
        old.journey.seq().get() + u64::from(is_recorded),
        "{}",
        what()
    );
    for (ordinal, effect) in (0..).zip(&new.last.effects) {
        assert_eq!(
            (effect.id.seq, effect.id.ordinal),
            (new.journey.seq(), ordinal),
            "{}",
            what()
        );
    }
    // Without a live consent nothing is called but what gives something back.
    let has_consent = new.journey.receipt().is_some();
    assert!(
        has_consent || !calls.iter().any(|call| call.needs_consent()),
        "{}",
        what()
    );
    let is_final =
        !matches!(was, JourneyStatus::Completed | JourneyStatus::Rejected) && was.is_end();
    assert!(
        !is_final || calls.iter().all(|call| call.is_clean_up()),
        "{}",
        what()
    );
    // Ends are stable.
    let may_leave = match &event.fact {
        Fact::Withdrawn => is == JourneyStatus::Withdrawn && was != JourneyStatus::Refused,
        Fact::AskAgain | Fact::Reopen => {
            matches!(was, JourneyStatus::Rejected | JourneyStatus::Completed)
        }
        _ => false,
    };
    assert!(
        !was.is_end() || is == was || may_leave,
        "{:?}: {}",
        is,
        what()
    );
    // What changes nothing asks for no call that costs, says why, and is not kept.
    let costs = calls
        .iter()
        .any(|call| call.idempotency() == Idempotency::Unsafe && !call.is_clean_up());
    if new.last.verdict != Verdict::Applied {
        assert!(!costs && !new.last.keeps_payload, "{}", what());
        // Of what was seen nobody asks why; another start is told.
        let says_why = is_recorded || matches!(event.fact, Fact::Start { .. });
        assert_eq!(new.last.reason.is_some(), says_why, "{}", what());
    }
    assert!(!replaces_unasked(old, new), "{}", what());
    // What is kept is kept for a leg.
    assert!(
        !new.last.keeps_payload || new.last.leg.is_some(),
        "{}",
        what()
    );
    // Nothing is kept in an end that a person or an operator chose.
    let is_over = matches!(
        was,
        JourneyStatus::Withdrawn | JourneyStatus::Cancelled | JourneyStatus::Refused
    );
    assert!(!is_over || !new.last.keeps_payload, "{}", what());
    // Whatever is open waits for something that comes by itself in the end.
    assert!(
        is.is_end() || is == JourneyStatus::New || !new.journey.timers().is_empty(),
        "{}",
        what()
    );
    // What is stored holds nothing personal, and is read again as it was.
    if new.last.verdict == Verdict::Applied {
        let stored = serde_json::to_string(&new.journey).unwrap();
        assert!(!stored.contains("CANARY"), "{}", what());
        assert_eq!(
            serde_json::from_str::<Journey>(&stored).unwrap(),
            new.journey,
            "{}",
            what()
        );
    }
    // The same event again does nothing that costs, even for an engine that forgets its keys.
    let mut again = new.clone();
    again.apply(event);
    let costs = again
        .last
        .effects
        .iter()
        .filter_map(|effect| effect.operation());
    let mut costs = costs.filter(|call| call.idempotency() == Idempotency::Unsafe);
    assert_eq!(costs.next(), None, "twice: {}", what());
}

/// Nobody does anything, and every call is interrupted: the journey ends all the same.
fn reaches_an_end(mut world: World) {
    let from = kind(&world);
    for _ in 0..5_000 {
        let pending = world.pending();
        world.effects.clear();
        for (effect, _) in pending {
            world.submit(Fact::Interrupted { effect });
        }
        let timers = world.journey.timers();
        let retries = timers
            .iter()
            .any(|timer| matches!(timer.name.purpose, TimerPurpose::Retry(_)));
        let Some(timer) = timers.into_iter().min_by_key(|timer| timer.at) else {
            break;
        };
        if world.status().is_end() && !retries {
            break;
        }
        world.at = world.at.max(timer.at);
        world.submit(Fact::TimerFired {
            timer: timer.name,
            generation: timer.generation,
        });
    }
    let timers = world.journey.timers();
    let retries = timers
        .iter()
        .any(|timer| matches!(timer.name.purpose, TimerPurpose::Retry(_)));
    assert!(
        world.status().is_end() && !retries,
        "{from}: {} {timers:?}",
        kind(&world)
    );
}

#[test]
fn every_state_has_an_answer_to_every_fact() {
    let mut seen = BTreeSet::new();
    let mut left = VecDeque::from([World::new()]);
    for plan in plans() {
        left.extend([World::started(plan.clone()), World::given(plan)]);
    }
    let mut pairs = 0_u64;
    let mut phases = BTreeSet::new();
    let mut ended = BTreeSet::new();
    let mut names = BTreeSet::new();
    let partly = partly_fetched(plans().remove(0));
    left.push_front(partly.clone());
    while let Some(world) = left.pop_front() {
        let is_given = world.journey == partly.journey;
        if !is_given && !seen.insert(kind(&world)) {
            continue;
        }
        let stored = serde_json::to_string(&world.effects).unwrap();
        assert_eq!(
            serde_json::from_str::<Vec<Effect>>(&stored).unwrap(),
            world.effects
        );
        if Leg::ALL
            .iter()
            .filter_map(|leg| world.journey.leg(*leg))
            .any(|leg| ended.insert(leg.phase))
        {
            reaches_an_end(world.clone());
        }
        phases.extend(
            Leg::ALL
                .iter()
                .filter_map(|leg| Some((*leg, world.journey.leg(*leg)?.phase))),
        );
        for (index, fact) in facts(&world).into_iter().enumerate() {
            let event = event(&world, index, fact);
            if names.insert(event.fact.name()) {
                let stored = serde_json::to_string(&event).unwrap();
                assert_eq!(serde_json::from_str::<Event>(&stored).unwrap(), event);
            }
            let mut next = world.clone();
            next.at = event.at;
            next.apply(&event);
            check(&world, &next, &event);
            pairs += 1;
            if !seen.contains(&kind(&next)) {
                left.push_back(next);
            }
        }
    }
    let of = |leg: Leg| {
        phases
            .iter()
            .filter(|(of, _)| *of == leg)
            .map(|(_, phase)| *phase)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(Leg::Documents),
        [
            "abandoned",
            "await_person",
            "code_failed",
            "exchanging",
            "failed",
            "fetching",
            "idle",
            "opening",
            "partial",
            "probing",
            "ready",
            "refused",
            "unsettled",
        ]
    );
    assert_eq!(
        of(Leg::Accounts),
        [
            "abandoned",
            "again",
            "asking",
            "await_person",
            "denied",
            "discovering",
            "expired",
            "failed",
            "fetching",
            "idle",
            "looking_up",
            "opening",
            "partial",
            "paused",
            "pending",
            "ready",
            "refreshing",
            "rejected",
            "requesting",
            "revoked",
            "revoked_at_aggregator",
            "revoking",
            "unsettled",
            "waiting",
        ]
    );
    assert_eq!(
        of(Leg::Verification),
        [
            "abandoned",
            "approved",
            "created",
            "creating",
            "declined",
            "expired",
            "failed",
            "idle",
            "resubmission",
            "review",
            "started",
            "submitted",
            "unsettled",
        ]
    );
    assert_eq!(names.len(), 28, "{names:?}");
    assert!(pairs > 50_000, "{pairs}");
}
