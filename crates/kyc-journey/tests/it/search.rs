//! Every order in which up to seven events can arrive, with duplicates, losses, a withdrawal and crashes.

use std::collections::{BTreeMap, BTreeSet};

use kyc_journey::provider_core::Idempotency;
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::{
    AccountsPlan, Answer, ConsentState, DataClass, DataState, Effect, Event, EventKey, Fact,
    FinpassFlow, FoundFile, JourneyStatus, Leg, Operation, Payload, Plan, Provider, ReturnEnd,
    SessionState, Verdict, provider_core::Masked,
};
use kyc_journey::{
    ConsentNews, DataNews, DocumentKind, DocumentsPlan, SessionNews, VerificationPlan,
};

use crate::world::{
    World, by_id, documents, finpass, finpro, ours, reference, replaces_unasked, returned,
    verification,
};

/// How many events follow the consent: seven by default, more by this variable.
fn depth() -> usize {
    std::env::var("KYC_JOURNEY_DEPTH").map_or(7, |depth| depth.parse().unwrap())
}

/// Something that may happen, once each.
#[derive(Debug, Clone)]
enum Symbol {
    /// The reply to the first call of this name.
    Answer(&'static str, Answer),
    /// Whoever makes the first call of this name is killed.
    Crash(&'static str),
    /// The next timer fires.
    Timer,
    /// Somebody says something.
    Fact(Fact),
    /// An engine that forgets its keys applies an event again: the first, or the last.
    Again(bool),
}

impl Symbol {
    /// Whether it is what a world without failures does.
    fn is_plain(&self) -> bool {
        matches!(
            self,
            Self::Answer(..)
                | Self::Fact(
                    Fact::Consent(_)
                        | Fact::Data(_)
                        | Fact::Session(_)
                        | Fact::Returned(_)
                        | Fact::Hint(_)
                )
        )
    }
}

struct Search {
    symbols: Vec<Symbol>,
    depth: usize,
    nodes: u64,
    /// Where a leg ends by what has happened, whatever the order.
    ends: BTreeMap<u32, (String, Vec<&'static str>)>,
    phases: BTreeSet<&'static str>,
}

#[derive(Clone)]
struct Path {
    world: World,
    used: u32,
    events: Vec<Event>,
    trace: Vec<&'static str>,
    is_plain: bool,
    is_licensed: bool,
}

impl Search {
    fn run(plan: Plan, mut symbols: Vec<Symbol>) -> Self {
        symbols.extend([
            Symbol::Fact(Fact::Withdrawn),
            Symbol::Fact(Fact::AskAgain),
            Symbol::Fact(Fact::Reopen),
            Symbol::Timer,
            Symbol::Timer,
            Symbol::Again(false),
            Symbol::Again(true),
        ]);
        let mut search = Self {
            symbols,
            depth: depth(),
            nodes: 0,
            ends: BTreeMap::new(),
            phases: BTreeSet::new(),
        };
        let world = World::given(plan);
        let path = Path {
            world,
            used: 0,
            events: vec![],
            trace: vec![],
            is_plain: true,
            is_licensed: false,
        };
        search.go(&path);
        search
    }

    fn go(&mut self, path: &Path) {
        self.nodes += 1;
        self.phases.extend(phases(&path.world));
        if path.is_plain {
            let end = (phases(&path.world).join(" "), path.trace.clone());
            let known = self.ends.entry(path.used).or_insert_with(|| end.clone());
            assert_eq!(known.0, end.0, "{:?} and {:?} differ", known.1, end.1);
        }
        if path.events.len() >= self.depth {
            return;
        }
        for index in 0..self.symbols.len() {
            let symbol = self.symbols[index].clone();
            if path.used & (1 << index) != 0 {
                continue;
            }
            let Some(event) = event(path, &symbol, index) else {
                continue;
            };
            let mut next = path.clone();
            next.used |= 1 << index;
            next.trace.push(event.fact.name());
            next.is_plain &= symbol.is_plain();
            next.is_licensed |= matches!(
                event.fact,
                Fact::AskAgain | Fact::Reopen | Fact::TimerFired { .. }
            );
            next.world.at = event.at;
            next.world.apply(&event);
            next.events.push(event);
            check(path, &next);
            // What comes after an event that changed nothing comes without it, too.
            if next.is_plain || !is_same(&path.world, &next.world) {
                self.go(&next);
            }
        }
    }
}

/// Where each leg stands.
fn phases(world: &World) -> Vec<&'static str> {
    let legs = Leg::ALL.iter().filter_map(|leg| world.journey.leg(*leg));
    legs.map(|leg| leg.phase).collect()
}

fn is_asked_for(world: &World, fact: &Fact) -> bool {
    let correlation = fact.source().and_then(|source| source.correlation);
    correlation.is_none_or(|correlation| {
        let leg = world.journey.leg(correlation.leg);
        leg.is_some_and(|leg| leg.attempt >= correlation.attempt)
    })
}

fn event(path: &Path, symbol: &Symbol, index: usize) -> Option<Event> {
    let world = &path.world;
    let call = |name: &str| {
        let mut calls = world.effects.iter();
        calls
            .find(|effect| effect.operation().is_some_and(|call| call.name() == name))
            .map(|effect| effect.id.clone())
    };
    let payload = Payload {
        class: DataClass::Codes,
        content: Masked::new("CANARY"),
    };
    let (key, at, fact) = match symbol {
        Symbol::Answer(name, answer) => {
            let effect = call(name)?;
            (
                EventKey::answer(&effect),
                world.at,
                Fact::Answered {
                    effect,
                    answer: answer.clone(),
                },
            )
        }
        Symbol::Crash(name) => {
            let effect = call(name)?;
            (
                EventKey::interrupted(&effect),
                world.at,
                Fact::Interrupted { effect },
            )
        }
        Symbol::Timer => {
            let timer = world
                .journey
                .timers()
                .into_iter()
                .min_by_key(|timer| timer.at)?;
            let key = EventKey::timer(&timer.name, timer.generation);
            (
                key,
                timer.at.max(world.at),
                Fact::TimerFired {
                    timer: timer.name,
                    generation: timer.generation,
                },
            )
        }
        // Nobody reports on a request that was not made.
        Symbol::Fact(fact) if !is_asked_for(world, fact) => return None,
        Symbol::Fact(fact) => (
            EventKey::command(&index.to_string()).unwrap(),
            world.at,
            fact.clone(),
        ),
        Symbol::Again(first) => {
            let again = if *first {
                path.events.first()
            } else {
                path.events.last()
            };
            return again.map(|event| Event {
                at: world.at,
                ..event.clone()
            });
        }
    };
    Some(Event::new(key, at, world.journey.plan()?.legs().next(), fact).set_payload(Some(payload)))
}

/// Whether an event left everything as it was, but for its number.
fn is_same(old: &World, new: &World) -> bool {
    let numbered = |world: &World| {
        let mut state = serde_json::to_value(&world.journey).unwrap();
        state["seq"] = 0.into();
        state
    };
    new.last.verdict != Verdict::Applied
        && new.last.effects.is_empty()
        && numbered(old) == numbered(new)
}

/// The invariants that hold over every step.
fn check(before: &Path, after: &Path) {
    let (old, new, trace) = (&before.world, &after.world, &after.trace);
    let (was, is) = (old.status(), new.status());
    let calls = |effects: &[Effect]| -> Vec<Operation> {
        effects
            .iter()
            .filter_map(|effect| effect.operation().cloned())
            .collect()
    };
    let is_unsafe = |call: &Operation| call.idempotency() == Idempotency::Unsafe;
    // No unsafe call twice, unless somebody asked again or a session's time was over.
    let made = calls(&old.effects);
    for call in calls(&new.last.effects)
        .iter()
        .filter(|call| is_unsafe(call))
    {
        let repeats = matches!(
            call,
            Operation::RequestData { .. } | Operation::RefreshData { .. }
        );
        assert!(
            !made.contains(call) || repeats && after.is_licensed,
            "{call:?} twice: {trace:?}"
        );
        let opens = |call: &Operation| {
            call.name().starts_with("open-") || call.name().starts_with("create-")
        };
        let asked = trace.contains(&"ask-again") || trace.contains(&"reopen");
        assert!(
            asked || !opens(call) || !made.iter().any(|made| made.name() == call.name()),
            "{call:?} unasked: {trace:?}"
        );
    }
    assert!(!replaces_unasked(old, new), "{trace:?}");
    // No call after a withdrawal, but those that give something back; and nothing personal is kept.
    if trace.contains(&"withdrawn") {
        assert_eq!(is, JourneyStatus::Withdrawn, "{trace:?}");
        let mut asked = calls(&new.last.effects).into_iter();
        let all_give_back = !asked.any(|call| call.needs_consent());
        assert!(all_give_back && !new.last.keeps_payload, "{trace:?}");
        assert!(new.journey.timers().iter().all(|timer| matches!(
            timer.name.purpose,
            kyc_journey::TimerPurpose::Retry(_) | kyc_journey::TimerPurpose::LeftOpen
        )));
    }
    // Ends are stable.
    if was.is_end() && is != was {
        let last = *trace.last().unwrap();
        let reopens = ["ask-again", "reopen"].contains(&last)
            && matches!(was, JourneyStatus::Rejected | JourneyStatus::Completed);
        assert!(
            reopens || last == "withdrawn",
            "{was:?} to {is:?}: {trace:?}"
        );
    }
    // What changes nothing asks for nothing that costs, and is not kept.
    if new.last.verdict != Verdict::Applied {
        let costs = calls(&new.last.effects)
            .iter()
            .any(|call| is_unsafe(call) && !call.is_clean_up());
        assert!(!costs && !new.last.keeps_payload, "{trace:?}");
    }
    // Whatever waits, waits for something.
    if !is.is_end() {
        let deadline = new
            .journey
            .timers()
            .into_iter()
            .any(|timer| timer.name.leg.is_none());
        assert!(deadline, "{trace:?}");
    }
}

fn news(state: ConsentState, seconds: i64) -> Symbol {
    let news = ConsentNews::new(ours(Leg::Accounts, 1, Some("handle-1")), state)
        .set_consent(Some(reference("consent-1")))
        .set_at(Timestamp::from_second(1_800_000_000 + seconds).ok());
    Symbol::Fact(Fact::Consent(news))
}

fn opened(call: &'static str, named: &str) -> Symbol {
    Symbol::Answer(
        call,
        Answer::Opened {
            reference: reference(named),
        },
    )
}

#[test]
fn documents_in_every_order() {
    let back = returned(
        ours(Leg::Documents, 1, Some("session-1")),
        ReturnEnd::Approved,
    );
    let authorized = Answer::Authorized {
        has_e_aadhaar: true,
        consent_until: None,
    };
    let found = vec![FoundFile {
        item: 0,
        kind: DocumentKind::Pan,
    }];
    let search = Search::run(
        documents(),
        vec![
            opened("open-documents", "session-1"),
            Symbol::Crash("open-documents"),
            Symbol::Fact(back),
            Symbol::Answer("complete-authorization", authorized),
            Symbol::Crash("complete-authorization"),
            Symbol::Answer("list-issued-files", Answer::Files { found }),
            Symbol::Answer("fetch-e-aadhaar", Answer::File),
            Symbol::Answer("fetch-file", Answer::File),
        ],
    );
    assert!(
        search.phases.contains("ready") && search.nodes > 200,
        "{} {:?}",
        search.nodes,
        search.phases
    );
}

#[test]
fn finpro_consents_in_every_order() {
    let search = Search::run(
        finpro(),
        vec![
            opened("request-consent", "handle-1"),
            Symbol::Crash("request-consent"),
            news(ConsentState::Active, 10),
            news(ConsentState::Paused, 20),
            news(ConsentState::Active, 30),
            news(ConsentState::Revoked, 40),
        ],
    );
    assert!(
        search.phases.contains("revoked_at_aggregator") && search.nodes > 200,
        "{}",
        search.nodes
    );
}

#[test]
fn finpro_consents_that_are_asked_for_again_in_every_order() {
    let accounts = AccountsPlan::new(Provider::FinPro).set_link(SignedDuration::from_mins(1));
    let told = |state| {
        let news = ConsentNews::new(by_id("handle-1"), state);
        let consents = vec![news.set_consent(Some(reference("consent-1")))];
        Symbol::Answer("list-consents", Answer::Consents { consents })
    };
    let search = Search::run(
        Plan::new().set_accounts(Some(accounts)),
        vec![
            opened("request-consent", "handle-1"),
            Symbol::Crash("list-consents"),
            told(ConsentState::Pending),
            told(ConsentState::Active),
            news(ConsentState::Active, 10),
        ],
    );
    assert!(
        search.phases.contains("looking_up") && search.phases.contains("asking"),
        "{:?}",
        search.phases
    );
}

#[test]
fn finpro_data_in_every_order() {
    let data = |state| {
        let source = ours(Leg::Accounts, 1, Some("handle-1"));
        let news = DataNews::new(source, state).set_consent(Some(reference("consent-1")));
        Symbol::Fact(Fact::Data(news.set_session(Some(reference("data-1")))))
    };
    let search = Search::run(
        finpro(),
        vec![
            opened("request-consent", "handle-1"),
            news(ConsentState::Active, 10),
            Symbol::Answer(
                "request-data",
                Answer::DataRequested {
                    session: reference("data-1"),
                },
            ),
            Symbol::Crash("request-data"),
            data(DataState::Ready),
            Symbol::Answer("fetch-data", Answer::AccountData),
            Symbol::Answer("revoke-consent", Answer::Done),
        ],
    );
    assert!(
        search.phases.contains("ready") && search.nodes > 200,
        "{}",
        search.nodes
    );
}

#[test]
fn finpass_in_every_order() {
    let reports = Answer::Reports {
        ready: 1,
        pending: 0,
        failed: 0,
    };
    let monitoring = AccountsPlan::new(Provider::Finpass).set_flow(FinpassFlow::Monitoring);
    for plan in [finpass(), Plan::new().set_accounts(Some(monitoring))] {
        let search = Search::run(
            plan,
            vec![
                opened("open-accounts", "client-1"),
                Symbol::Crash("open-accounts"),
                Symbol::Fact(Fact::Hint(ours(Leg::Accounts, 1, Some("client-1")))),
                Symbol::Answer(
                    "refresh-data",
                    Answer::Refreshing {
                        request: reference("refresh-1"),
                    },
                ),
                Symbol::Crash("refresh-data"),
                Symbol::Answer("fetch-reports", reports.clone()),
            ],
        );
        assert!(
            search.phases.contains("ready") && search.nodes > 200,
            "{}",
            search.nodes
        );
    }
}

#[test]
fn verification_in_every_order() {
    let told = |attempt: &str, state, seconds: i64| {
        let news = SessionNews::new(ours(Leg::Verification, 1, Some("session-1")), state)
            .set_attempt(Some(reference(attempt)))
            .set_at(Timestamp::from_second(1_800_000_000 + seconds).ok())
            .set_is_signed(true);
        Symbol::Fact(Fact::Session(news))
    };
    let search = Search::run(
        verification(),
        vec![
            opened("create-session", "session-1"),
            Symbol::Crash("create-session"),
            told("attempt-1", SessionState::Started, 1),
            told("attempt-1", SessionState::Submitted, 2),
            told("attempt-1", SessionState::Approved, 3),
            Symbol::Answer("record-consent", Answer::Done),
            Symbol::Answer("delete-session", Answer::Done),
        ],
    );
    assert!(
        search.phases.contains("approved") && search.nodes > 200,
        "{}",
        search.nodes
    );
}

#[test]
fn two_legs_in_every_order() {
    let documents = DocumentsPlan::new([DocumentKind::EAadhaar]).set_required(false);
    let plan = Plan::new()
        .set_documents(Some(documents))
        .set_verification(Some(VerificationPlan::new().set_after([Leg::Documents])));
    let back = |end| Symbol::Fact(returned(ours(Leg::Documents, 1, Some("documents-1")), end));
    let told = |state| {
        let source = ours(Leg::Verification, 1, Some("session-1"));
        Symbol::Fact(Fact::Session(
            SessionNews::new(source, state).set_is_signed(true),
        ))
    };
    let authorized = Answer::Authorized {
        has_e_aadhaar: true,
        consent_until: None,
    };
    let search = Search::run(
        plan,
        vec![
            opened("open-documents", "documents-1"),
            back(ReturnEnd::Approved),
            Symbol::Answer("complete-authorization", authorized),
            Symbol::Answer("fetch-e-aadhaar", Answer::File),
            opened("create-session", "session-1"),
            Symbol::Crash("create-session"),
            told(SessionState::Declined),
            Symbol::Fact(Fact::Cancel),
        ],
    );
    assert!(
        search.phases.contains("declined") && search.nodes > 200,
        "{} {:?}",
        search.nodes,
        search.phases
    );
}
