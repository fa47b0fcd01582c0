//! Journeys from their start to their end in a scripted world, and what must hold then.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use fastrand::Rng;
use kyc_journey::provider_core::capability::AggregatorId;
use kyc_journey::provider_core::jiff::{SignedDuration, Timestamp};
use kyc_journey::provider_core::{Clock as _, Idempotency, Outcome};
use kyc_journey::testing::HandClock;
use kyc_journey::{
    AccountsPlan, DocumentKind, DocumentsPlan, EffectKind, Fact, FinpassFlow, HistoryEntry,
    JourneyId, JourneyRecord, JourneyStatus, Leg, LegView, Operation, Outbox, Plan, Provider,
    ReceiptId, Runner, Seq, TimerPurpose, VerificationPlan,
};
use tokio::task::JoinSet;

use super::world::{Said, World, token};

/// How the clock is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// From one timer to the next, with something said in between.
    Exact,
    /// By minutes, then by hours, so that many journeys share a clock. Timers are late.
    Coarse,
}

/// Journeys of every plan in turn.
pub(super) fn journeys(numbers: std::ops::Range<u64>) -> Vec<(JourneyId, Plan)> {
    let plan = |number: u64| {
        let documents = || DocumentsPlan::new([DocumentKind::EAadhaar, DocumentKind::Pan]);
        let accounts = AccountsPlan::new;
        let verification = VerificationPlan::new;
        let (finpro, finpass) = (Provider::FinPro, Provider::Finpass);
        let aggregators = ["finvu", "onemoney"].map(|name| AggregatorId::parse(name).unwrap());
        let plan = Plan::new();
        match number % 8 {
            0 => plan.set_documents(Some(documents())),
            1 => plan.set_accounts(Some(accounts(finpro))),
            2 => plan.set_accounts(Some(accounts(finpro).set_aggregators(aggregators))),
            3 => plan.set_accounts(Some(accounts(finpass))),
            4 => plan.set_accounts(Some(accounts(finpass).set_flow(FinpassFlow::Monitoring))),
            5 => plan.set_verification(Some(verification())),
            6 => plan
                .set_documents(Some(documents().set_required(false)))
                .set_verification(Some(verification().set_after([Leg::Documents]))),
            _ => plan
                .set_documents(Some(documents()))
                .set_accounts(Some(accounts(finpro).set_after([Leg::Documents])))
                .set_verification(Some(verification())),
        }
    };
    // No journey has the number 0.
    numbers
        .map(|number| (JourneyId::from_bits(u128::from(number) + 1), plan(number)))
        .collect()
}

/// The start and the consent, the same ones in every process.
fn beginning(id: &JourneyId, plan: &Plan) -> Vec<(&'static str, Fact)> {
    let mut rng = Rng::with_seed(u64::from_str_radix(&id.as_str()[16..], 16).unwrap());
    let plan = Box::new(plan.clone());
    let start = (
        "start",
        Fact::Start {
            plan,
            token: token(id),
        },
    );
    let receipt = ReceiptId::parse("receipt").unwrap();
    let given = |expires_at| Fact::ConsentGiven {
        receipt,
        expires_at,
    };
    let days = SignedDuration::from_hours(24 * rng.i64(1..20));
    let end = HandClock::default().now().checked_add(days).ok();
    let consent = match rng.u32(..100) {
        0..2 => Fact::ConsentRefused,
        2..4 => return vec![start],
        4..10 => given(end),
        _ => given(None),
    };
    vec![start, ("consent", consent)]
}

/// Takes journeys to their end, whatever was done before.
pub(super) async fn live<E: Outbox + 'static>(
    engine: &Arc<E>,
    world: &Arc<World>,
    journeys: &[(JourneyId, Plan)],
    pace: Pace,
) -> Result<()> {
    let mut tasks = JoinSet::new();
    for journey in journeys {
        let (id, plan) = journey.clone();
        let (engine, world) = (Arc::clone(engine), Arc::clone(world));
        tasks.spawn(async move {
            for (key, fact) in beginning(&id, &plan) {
                engine.submit(&id, world.command(key, None, fact)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(begun) = tasks.join_next().await {
        begun??;
    }
    let (begun, mut turns) = (HandClock::default().now(), 0_u32);
    let mut open: Vec<&JourneyId> = journeys.iter().map(|(id, _)| id).collect();
    loop {
        let next = idle(engine, world).await?;
        let mut left = Vec::new();
        for id in &open {
            let record = engine.read(id).await?.context("a journey is gone")?;
            let all = world.turn(&record);
            let is_quiet = all.is_empty();
            for said in all {
                match said {
                    Said::Report(provider, event) => drop(engine.report(provider, event).await?),
                    Said::Command(event) => {
                        let withdraws = event.fact == Fact::Withdrawn;
                        engine.submit(id, event).await?;
                        if withdraws {
                            world.note(format!("withdrawn {}", id.as_str()));
                        }
                    }
                }
            }
            let waits = !record.state.status().is_end() || !record.state.timers().is_empty();
            if waits || !is_quiet {
                left.push(*id);
            }
        }
        let is_over = left.is_empty() && next.is_none();
        open = left;
        if is_over && !world.is_waiting() {
            idle(engine, world).await?;
            return Ok(());
        }
        turns += 1;
        ensure!(
            turns < 5_000,
            "{} journeys do not end: {:?}",
            open.len(),
            open.first()
        );
        if is_over {
            // What is late comes to a journey that has ended.
            open = journeys.iter().map(|(id, _)| id).collect();
        }
        let now = world.clock.now();
        let soon = world.minutes(match pace {
            Pace::Exact => 240,
            Pace::Coarse if now.duration_since(begun).as_hours() < 12 => 30,
            Pace::Coarse => 24 * 60,
        });
        let until = next.map_or(soon, |next| next.duration_since(now));
        let step = if pace == Pace::Exact {
            soon.min(until)
        } else {
            soon
        };
        world.clock.advance(step.max(SignedDuration::ZERO));
    }
}

/// Carries out what is due; after a crash, by another runner.
async fn idle<E: Outbox + 'static>(
    engine: &Arc<E>,
    world: &Arc<World>,
) -> Result<Option<Timestamp>> {
    loop {
        let runner = Runner::new(Arc::clone(engine) as _, Arc::clone(world) as _);
        let runner = runner.with_clock(Arc::clone(&world.clock) as _);
        let Some(crashed) = &world.crashed else {
            return Ok(runner.run_until_idle().await?);
        };
        tokio::select! {
            biased;
            () = crashed.notified() => {}
            next = runner.run_until_idle() => return Ok(next?),
        }
    }
}

/// What journeys came to.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) ends: BTreeMap<&'static str, u64>,
    pub(super) events: u64,
    pub(super) calls: u64,
    pub(super) interrupted: u64,
    /// Opened at a provider, and of these by a repetition that somebody asked for.
    pub(super) opened: [u64; 2],
    pub(super) faulty: u64,
}

impl Sums {
    pub(super) fn add(&mut self, other: &Self) {
        for (status, count) in &other.ends {
            *self.ends.entry(status).or_default() += count;
        }
        self.events += other.events;
        self.calls += other.calls;
        self.interrupted += other.interrupted;
        for (sum, more) in self.opened.iter_mut().zip(other.opened) {
            *sum += more;
        }
        self.faulty += other.faulty;
    }
}

/// Compares what was recorded with what was done.
pub(super) async fn check<E: Outbox>(
    engine: &E,
    world: &World,
    journeys: &[(JourneyId, Plan)],
) -> Result<Sums> {
    let mut sums = Sums {
        faulty: world.faulty(),
        ..Sums::default()
    };
    for (id, _) in journeys {
        let record = engine.read(id).await?.context("a journey is lost")?;
        let history = engine.history(id, Seq::ZERO).await?;
        let one = async {
            ended(world, &record)?;
            recorded(world, &record, &history, &mut sums)?;
            replaced(world, &record)?;
            if record.state.status() == JourneyStatus::Withdrawn {
                given_back(world, &record)?;
                for entry in &history {
                    let kept = engine.payload(id, entry.seq).await?;
                    ensure!(
                        kept.is_none(),
                        "event {} has a payload after the withdrawal",
                        entry.seq
                    );
                }
            }
            anyhow::Ok(())
        };
        if let Err(failure) = one.await {
            let told: Vec<String> = history
                .iter()
                .map(|entry| {
                    format!(
                        "{} {} {:?} {:?} -> {:?}",
                        entry.seq,
                        entry.at,
                        entry.fact,
                        entry.verdict,
                        entry
                            .effects
                            .iter()
                            .map(|effect| &effect.kind)
                            .collect::<Vec<_>>(),
                    )
                })
                .collect();
            bail!(
                "journey {id}: {failure:#}\n{}\n{:?}",
                told.join("\n"),
                record.state
            );
        }
    }
    let waiting = engine.interrupted().await?;
    ensure!(waiting.is_empty(), "{} marks are left", waiting.len());
    // Each call at the providers is one that a journey asked for.
    let calls = world
        .lines()
        .into_iter()
        .filter(|(line, _)| line.starts_with("call "));
    let calls: u64 = calls.map(|(_, count)| u64::from(count)).sum();
    ensure!(
        calls == sums.calls,
        "{calls} calls there, {} here",
        sums.calls
    );
    let after = world
        .lines()
        .into_iter()
        .find(|(line, _)| line.starts_with("AFTER"));
    ensure!(after.is_none(), "{after:?}");
    Ok(sums)
}

/// The journey has ended, and what it says of a leg is so.
fn ended(world: &World, record: &JourneyRecord) -> Result<()> {
    let status = record.state.status();
    ensure!(status.is_end(), "it has not ended");
    if status != JourneyStatus::Completed {
        return Ok(());
    }
    let plan = record.state.plan().context("a plan")?;
    for (leg, view) in legs(record) {
        let current = about(record, leg, view.attempt);
        if !record.state.leg_status(leg).is_well() {
            ensure!(!plan.is_required(leg), "{leg:?} is not well");
            continue;
        }
        let lines: &[&str] = match plan.provider(leg) {
            Provider::Deepvue => &["fetch-e-aadhaar", "fetch-file"],
            Provider::FinPro => &["fetch-data"],
            Provider::Finpass => &["fetch-reports"],
            Provider::Veriff => &["person approved"],
        };
        let is_so = lines
            .iter()
            .any(|line| world.count(&format!("{line} {current}")) > 0);
        ensure!(is_so, "{current} is well, and was not");
    }
    Ok(())
}

fn legs(record: &JourneyRecord) -> impl Iterator<Item = (Leg, LegView<'_>)> {
    let legs = record.state.plan().into_iter().flat_map(|plan| plan.legs());
    legs.filter_map(|leg| Some((leg, record.state.leg(leg)?)))
}

/// The name of an attempt at its provider.
fn about(record: &JourneyRecord, leg: Leg, attempt: u32) -> String {
    format!(
        "{}-{}-{attempt}",
        token(record.state.id()).expose(),
        leg.as_str()
    )
}

/// Nothing is lost, no unsafe call is made twice, and none is repeated that nobody asked for.
fn recorded(
    world: &World,
    record: &JourneyRecord,
    history: &[HistoryEntry],
    sums: &mut Sums,
) -> Result<()> {
    let numbers = history.iter().map(|entry| entry.seq.get());
    ensure!(numbers.eq(1..=history.len() as u64), "a number is missing");
    *sums.ends.entry(record.state.status().as_str()).or_default() += 1;
    sums.events += history.len() as u64;
    // Unsafe calls that may have been done, since somebody's last word.
    let mut made: Vec<&Operation> = Vec::new();
    for entry in history {
        match &entry.fact {
            Fact::AskAgain | Fact::Reopen | Fact::Resume | Fact::Settled { .. } => made.clear(),
            Fact::TimerFired { timer, .. }
                if matches!(timer.purpose, TimerPurpose::Again | TimerPurpose::Periodic) =>
            {
                made.retain(|call| {
                    !matches!(
                        call,
                        Operation::RequestData { .. } | Operation::RefreshData { .. }
                    )
                });
            }
            _ => {}
        }
        for effect in &entry.effects {
            if let EffectKind::Ledger(_) = effect.kind {
                ensure!(
                    world.count(&format!("entry {}", effect.id)) > 0,
                    "{} is not in the ledger",
                    effect.id
                );
            }
            let Some(operation) = effect.operation() else {
                continue;
            };
            let name = format!("{} {}", effect.id, operation.name());
            let results: Vec<&Fact> = history
                .iter()
                .map(|entry| &entry.fact)
                .filter(|fact| fact.effect() == Some(&effect.id))
                .collect();
            let calls = world.count(&format!("call {}", effect.id));
            sums.calls += u64::from(calls);
            let is_interrupted = |fact: &&&Fact| matches!(fact, Fact::Interrupted { .. });
            let interrupted = results.iter().filter(is_interrupted).count();
            sums.interrupted += interrupted as u64;
            ensure!(
                interrupted <= 1 && results.len() - interrupted <= 1,
                "{name} has two results"
            );
            if results.is_empty() {
                let cancelled = history.iter().flat_map(|entry| &entry.effects).any(
                    |other| matches!(&other.kind, EffectKind::CancelCall(id) if *id == effect.id),
                );
                let is_unsafe = operation.idempotency() == Idempotency::Unsafe;
                ensure!(cancelled && (calls == 0 || !is_unsafe), "{name} is lost");
            }
            let failed = results.iter().find_map(|fact| match fact {
                Fact::Failed { failure, .. } => Some(failure.outcome),
                _ => None,
            });
            let is_answered = results
                .iter()
                .any(|fact| matches!(fact, Fact::Answered { .. }));
            ensure!(
                !is_answered || calls > 0,
                "{name} is answered, and was not made"
            );
            if operation.idempotency() != Idempotency::Unsafe {
                continue;
            }
            ensure!(calls <= 1, "{name} was made {calls} times");
            ensure!(
                failed != Some(Outcome::NotSent) || calls == 0,
                "{name} was sent"
            );
            if matches!(failed, Some(Outcome::NotSent | Outcome::Refused)) || results.is_empty() {
                continue;
            }
            let opens = |call: &Operation| call.leg() == operation.leg() && is_opening(call);
            let again = made
                .iter()
                .any(|call| *call == operation || is_opening(operation) && opens(call));
            ensure!(!again, "{name} is made again, and nobody asked for it");
            made.push(operation);
        }
    }
    for (leg, view) in legs(record) {
        for attempt in 1..=view.attempt {
            let opened = world.count(&format!("open {}", about(record, leg, attempt)));
            ensure!(
                opened <= 1,
                "attempt {attempt} of {leg:?} was opened {opened} times"
            );
            sums.opened[0] += u64::from(opened);
            sums.opened[1] += u64::from(opened > 0 && attempt > 1);
        }
    }
    Ok(())
}

fn is_opening(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::OpenDocuments { .. }
            | Operation::RequestConsent { .. }
            | Operation::OpenAccounts { .. }
            | Operation::CreateSession { .. }
    )
}

/// After a withdrawal, whatever the journey knows of is revoked and deleted at the providers, or an operator was told.
fn given_back(world: &World, record: &JourneyRecord) -> Result<()> {
    let id = record.state.id().as_str();
    for reference in record.state.references() {
        let about = reference.id.as_str();
        let has = |line: &str| world.count(&format!("{line} {about}")) > 0;
        let told = |task: &str| world.count(&format!("operator {task} {id}")) > 0;
        if reference.provider == Provider::Veriff {
            ensure!(
                has("delete-session") || told("delete_by_hand"),
                "{about} is not deleted"
            );
        }
        if reference.provider == Provider::FinPro {
            is_revoked(world, id, about)?;
        }
    }
    Ok(())
}

/// Whatever became of a journey, no consent is left at an aggregator by an attempt that was replaced, nor by the last one if it was ended
/// from outside.
fn replaced(world: &World, record: &JourneyRecord) -> Result<()> {
    let Some(view) = record.state.leg(Leg::Accounts) else {
        return Ok(());
    };
    let provider = record.state.plan().map(|plan| plan.provider(Leg::Accounts));
    if provider != Some(Provider::FinPro) {
        return Ok(());
    }
    // A request of which nothing was heard may have made one, too.
    for attempt in 1..view.attempt {
        let about = about(record, Leg::Accounts, attempt);
        is_revoked(world, record.state.id().as_str(), &about)?;
    }
    if matches!(
        record.state.status(),
        JourneyStatus::Withdrawn | JourneyStatus::Cancelled | JourneyStatus::Expired
    ) {
        let about = about(record, Leg::Accounts, view.attempt);
        is_revoked(world, record.state.id().as_str(), &about)?;
    }
    Ok(())
}

/// A consent that the person approved at an aggregator is revoked there, or an operator was told.
fn is_revoked(world: &World, id: &str, about: &str) -> Result<()> {
    let has = |line: &str| world.count(&format!("{line} {about}")) > 0;
    let is_over = has("revoke-consent") || has("person revoked");
    let is_told = world.count(&format!("operator revoke_by_hand {id}")) > 0;
    ensure!(
        !has("person approved") || is_over || is_told,
        "consent-{about} is not revoked"
    );
    Ok(())
}
