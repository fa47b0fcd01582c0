//! `kyc journey`: journeys that outlive the process.

mod awaited;
mod export;
mod follow;
mod invented;
mod person;
mod plan;
mod receipts;
mod resolve;
mod resume;
mod seal;
mod serve;
mod show;
mod start;
mod store;

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::{Clock as _, SystemClock};
use kyc_journey::{
    Event, EventKey, Fact, JourneyFilter, JourneyId, JourneyRecord, JourneyStatus, Leg, Seq,
    Verdict,
};

pub(crate) use self::awaited::looks;
use self::follow::Following;
#[cfg(test)]
pub(crate) use self::seal::FileSealer;
pub(crate) use self::serve::TOKEN;
use self::store::{OFTEN, ended, pages};
pub(crate) use self::store::{Standing, Store, untold};
use crate::arguments::parse::length;
use crate::arguments::{JourneyCommand, JourneyList, OneJourney};
use crate::clients::CallSettings;
use crate::failure::{EXIT_INTERRUPTED, EXIT_UNREACHED, EXIT_UNREAD, Failure};
use crate::storage::ledger::{self, channel};
use crate::storage::place::{Place, failed, unread};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::Output;

/// A required leg ended against the person, or the person refused.
const EXIT_REJECTED: u8 = 3;
/// It goes on once somebody does something.
const EXIT_WAITS: u8 = 4;
/// It ended before its time.
const EXIT_ENDED: u8 = EXIT_UNREACHED;

pub(crate) async fn run(
    command: JourneyCommand,
    options: CallSettings,
    output: Output,
) -> Result<u8, Failure> {
    match command {
        JourneyCommand::Start(arguments) => start::run(*arguments, options, output).await,
        JourneyCommand::Resume(arguments) => resume::run(arguments, options, output).await,
        JourneyCommand::Resolve(arguments) => resolve::run(arguments, output).await,
        JourneyCommand::List(arguments) => list(arguments, output).await,
        JourneyCommand::Show(arguments) => {
            let store = Store::to_show(&Place::of(&arguments.store)?).await?;
            let (_, record) = find(&store, &arguments.id).await?;
            show::print(&store, &record, output).await?;
            Ok(0)
        }
        JourneyCommand::Watch(arguments) => watch(arguments, options, output).await,
        JourneyCommand::Export(arguments) => {
            let store = Store::to_show(&Place::of(&arguments.store)?).await?;
            let (_, record) = find(&store, &arguments.id).await?;
            export::print(&store, &record).await?;
            Ok(0)
        }
        JourneyCommand::Serve(arguments) => serve::run(*arguments, options, output).await,
        JourneyCommand::Cancel(arguments) => end(arguments, Fact::Cancel, output).await,
        JourneyCommand::Withdraw(arguments) => end(arguments, Fact::Withdrawn, output).await,
    }
}

/// Waits until nobody else changes the journey, and shows it.
async fn watch(
    arguments: OneJourney,
    options: CallSettings,
    output: Output,
) -> Result<u8, Failure> {
    let place = Place::of(&arguments.store)?;
    let mut limit = pin!(over(options.timeout));
    let store = Store::once_free(&place, || {
        output.tell("another kyc has the file, and only it can tell what happens now; what has happened is told once it ends");
    });
    let store = tokio::select! {
        store = store => store?,
        () = &mut limit => {
            output.tell("--timeout has passed, and another kyc still has the file");
            return Ok(EXIT_WAITS);
        }
    };
    let (id, mut record) = find(&store, &arguments.id).await?;
    if store.is_shared() {
        let rest = async {
            // Whoever carries it out is another process, which tells the database alone.
            while matches!(
                record.state.status(),
                JourneyStatus::New | JourneyStatus::AwaitConsent | JourneyStatus::Running
            ) {
                SystemClock.sleep(OFTEN).await;
                record = find(&store, id.as_str()).await?.1;
            }
            Ok::<_, Failure>(())
        };
        tokio::select! {
            rest = rest => rest?,
            // Where it stands then is told, too.
            () = limit => {}
        }
    }
    show::print(&store, &record, output).await?;
    Ok(exit_code(record.state.status()))
}

/// Returns once a command has run for longer than it may.
async fn over(timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => tokio::time::sleep(timeout).await,
        None => std::future::pending().await,
    }
}

/// Follows a journey until it ends or somebody has to act, and prints what happens after an event.
async fn follow(following: Following, after: Seq, output: Output) -> Result<u8, Failure> {
    let mut interrupt = Interrupt::listen();
    let mut lines = kyc_journey_server::Lines::default();
    let kept = format!(
        "journey {} is kept; `{}` goes on with it",
        following.id(),
        following.resuming()
    );
    let alone = following.once_left(|| {
        output.tell(
            "another kyc carries the journey out, or did; it goes on here once that has ended",
        );
    });
    tokio::select! {
        alone = alone => alone?,
        () = interrupt.next() => {
            output.on_stderr(&output.interruption("kyc journey", &format!("was ended; {kept}"), None));
            return Ok(EXIT_INTERRUPTED);
        }
    }
    let followed = tokio::select! {
        followed = following.follow(after, |entries| {
            match output.json {
                true => Ok(()),
                false => lines
                    .of(entries)
                    .iter()
                    .try_for_each(|line| output.line(&line.words())),
            }
        }) => followed,
        () = over(following.timeout()) => {
            following.leave().await;
            output.tell(&format!("--timeout has passed: {kept}"));
            return Ok(EXIT_WAITS);
        }
        () = interrupt.next() => {
            following.leave().await;
            output.on_stderr(&output.interruption("kyc journey", &format!("was ended; {kept}"), None));
            return Ok(EXIT_INTERRUPTED);
        }
    };
    let followed = followed.inspect_err(|_| output.tell(&kept))?;
    let (store, record, written) = following.end(followed).await;
    let printed = match output.json {
        true => show::print(&store, &record, output).await,
        false => match show::summary(&record, output) {
            Ok(()) => show::tell_looks(&store, &record, output).await,
            unprinted => unprinted,
        },
    };
    store.leave().await;
    if !written || printed.is_err() {
        output.on_stderr(&kept);
        return Ok(EXIT_UNREAD);
    }
    Ok(exit_code(record.state.status()))
}

async fn list(arguments: JourneyList, output: Output) -> Result<u8, Failure> {
    let statuses = arguments.status.iter().map(|text| {
        let names: Vec<_> = JourneyStatus::ALL
            .iter()
            .map(|known| known.as_str())
            .collect();
        let text = text.replace('-', "_");
        text.parse::<JourneyStatus>().map_err(|_| {
            Failure::configuration("--status", format!("must be one of {}", names.join(", ")))
        })
    });
    let statuses = statuses.collect::<Result<Vec<_>, _>>()?;
    // What has ended is not stuck, unless it has something to give back.
    let only_left = arguments.stuck.is_some() && statuses.is_empty();
    let stuck = arguments.stuck.as_deref();
    let stuck = stuck.map(|text| length("--stuck", text)).transpose()?;
    let store = Store::to_show(&Place::of(&arguments.store)?).await?;
    let since = match stuck {
        Some(length) => {
            let since = store.now()?.checked_sub(length);
            // Nothing has been unchanged since before time was counted.
            Some(since.unwrap_or(Timestamp::MIN))
        }
        None => None,
    };
    let filter = JourneyFilter::new()
        .set_statuses(statuses)
        .set_unchanged_since(since);
    store.tell_untold(output);
    let mut journeys = Vec::new();
    let mut pages = pin!(pages(&*store.engine, filter));
    while let Some(found) = pages.try_next().await.map_err(failed)? {
        let records = store.records_of(&found).await?;
        let calls = store.waiting_calls(&ended(&found), &records).await?;
        for journey in found {
            let record = records.get(&journey.id);
            let waiting_calls = calls.get(&journey.id).copied().unwrap_or_default();
            // Nobody knows what one has to give back that cannot be read.
            let is_damaged = record.is_none();
            let looks = record.and_then(|record| looks(&record.state));
            let is_left = waiting_calls > 0 || looks.is_some() || is_damaged;
            if only_left && journey.status.is_end() && !is_left {
                continue;
            }
            let by_hand = record.into_iter().flat_map(|record| record.state.by_hand());
            journeys.push(show::Listed {
                journey,
                by_hand: by_hand.map(|(_, task)| task).collect(),
                waiting_calls,
                looks_until: looks.map(|(_, last)| last),
                is_damaged,
            });
        }
    }
    show::list(&journeys, output)?;
    let looking = journeys
        .iter()
        .filter(|listed| listed.looks_until.is_some());
    let looking: Vec<_> = looking.map(|listed| listed.journey.id.clone()).collect();
    if !looking.is_empty() {
        output.tell(&store.looked_by(&looking).await?);
    }
    Ok(0)
}

/// Ends a journey. What has to be asked of providers then waits for whoever follows it.
async fn end(arguments: OneJourney, fact: Fact, output: Output) -> Result<u8, Failure> {
    let store = Store::existing(&Place::of(&arguments.store)?).await?;
    let (id, record) = find(&store, &arguments.id).await?;
    let key = EventKey::command(&format!("{}-{}", fact.name(), record.state.seq()))?;
    // A journey in the sandbox is ahead of this machine's clock.
    let at = SystemClock.now().max(record.updated_at);
    let event = Event::new(key, at, None, fact);
    let is_withdrawn = event.fact == Fact::Withdrawn;
    if is_withdrawn {
        let withdrawn = store.ledger.withdraw(&id, &channel()?);
        withdrawn.map_err(|error| ledger::failed(&error))?;
    }
    let submitted = store.engine.submit(&id, event).await.map_err(failed)?;
    if is_withdrawn {
        store.ledger.told(&id)?;
    }
    let record = store.engine.read(&id).await.map_err(failed)?;
    let Some(record) = record.filter(|_| submitted.verdict == Verdict::Applied) else {
        let rule = format!("is {} already, and stays so", submitted.status.as_str());
        return Err(Failure::configuration("ID", rule));
    };
    show::print(&store, &record, output).await?;
    Ok(0)
}

fn only_in_a_sandbox(sandbox: bool) -> Result<(), Failure> {
    match sandbox {
        true => Ok(()),
        false => Err(Failure::configuration(
            "--sandbox",
            "is required: a journey with real providers needs an application that receives their webhooks",
        )),
    }
}

async fn find(store: &Store, id: &str) -> Result<(JourneyId, JourneyRecord), Failure> {
    let id = JourneyId::parse(id).map_err(|error| error.for_field("ID"))?;
    let record = store.engine.read(&id).await;
    match record.map_err(|error| unread("ID", error))? {
        Some(record) => Ok((id, record)),
        None => Err(Failure::configuration("ID", "is no journey there")),
    }
}

fn leg(text: &str) -> Result<Leg, Failure> {
    let rule = "must be documents, accounts or verification";
    text.parse()
        .map_err(|_| Failure::configuration("--leg", rule))
}

fn exit_code(status: JourneyStatus) -> u8 {
    match status {
        JourneyStatus::Completed => 0,
        JourneyStatus::Rejected | JourneyStatus::Refused => EXIT_REJECTED,
        JourneyStatus::Expired | JourneyStatus::Withdrawn | JourneyStatus::Cancelled => EXIT_ENDED,
        JourneyStatus::New
        | JourneyStatus::AwaitConsent
        | JourneyStatus::Running
        | JourneyStatus::NeedsPerson
        | JourneyStatus::NeedsOperator => EXIT_WAITS,
    }
}
