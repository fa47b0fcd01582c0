//! Where journeys stand, for people and as JSON.

use comfy_table::{ContentArrangement, Table, presets};
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_journey::{
    JourneyRecord, JourneySummary, Leg, Operation, OperatorTask, Seq, SetTimer, UnknownRequest,
};
use kyc_journey_server::{Line, Lines};
use serde::Serialize;

use super::awaited::looks;
use super::store::Store;
use crate::failure::Failure;
use crate::storage::place::failed;
use crate::terminal::output::{Output, counted};

/// A journey.
#[derive(Serialize)]
struct Shown {
    journey: String,
    status: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
    legs: Vec<ShownLeg>,
    timers: Vec<ShownTimer>,
    /// How many calls an ended journey has to make yet, which give something back.
    waiting_calls: usize,
    /// Until when an ended journey looks for a consent that it left open, to revoke it.
    looks_until: Option<Timestamp>,
    timeline: Vec<Line>,
}

#[derive(Serialize)]
struct ShownLeg {
    leg: &'static str,
    required: bool,
    status: &'static str,
    phase: &'static str,
    attempt: u32,
    /// The call whose outcome is unknown.
    unsettled: Option<&'static str>,
    maybe_billed: u32,
    missing: Vec<&'static str>,
    resubmissions: u32,
    /// What is left to a person to do at the provider.
    by_hand: Vec<OperatorTask>,
    /// Requests by which that is found at the provider, where nobody knows what they opened.
    unknown_requests: Vec<UnknownRequest>,
    /// The calls that give something back and wait for an operator: `resume` makes them again.
    held: Vec<&'static str>,
}

/// A journey in a list.
#[derive(Serialize)]
pub(crate) struct Listed {
    #[serde(flatten)]
    pub(crate) journey: JourneySummary,
    /// What is left to a person to do at providers.
    pub(crate) by_hand: Vec<OperatorTask>,
    /// How many calls it has to make yet, if it has ended, which give something back.
    pub(crate) waiting_calls: usize,
    /// Until when it looks for a consent that it left open, to revoke it, if it has ended.
    pub(crate) looks_until: Option<Timestamp>,
    /// It cannot be read.
    #[serde(rename = "damaged")]
    pub(crate) is_damaged: bool,
}

#[derive(Serialize)]
struct ShownTimer {
    timer: String,
    at: Timestamp,
}

/// Prints where a journey stands and all that happened.
pub(crate) async fn print(
    store: &Store,
    record: &JourneyRecord,
    output: Output,
) -> Result<(), Failure> {
    let history = store.engine.history(record.state.id(), Seq::ZERO).await;
    let lines = Lines::default().of(&history.map_err(failed)?);
    let id = record.state.id();
    let waiting = store.waiting_of(id, Some(record)).await?;
    if output.json {
        return output.answer(&shown(record, waiting, lines), None);
    }
    for line in lines {
        output.text(&line.words())?;
    }
    summary(record, output)?;
    if waiting > 0 {
        let what_to_do = store.what_to_do(std::slice::from_ref(id)).await?;
        output.tell(&format!("{}; {what_to_do}", waits(waiting)));
    }
    tell_looks(store, record, output).await
}

/// Says when a consent that the journey left open at its end is looked for next, until when, and by whom.
pub(crate) async fn tell_looks(
    store: &Store,
    record: &JourneyRecord,
    output: Output,
) -> Result<(), Failure> {
    let state = &record.state;
    if let Some((next, last)) = looks(state) {
        let looked_by = store.looked_by(std::slice::from_ref(state.id())).await?;
        output.tell(&format!(
            "{}, next at {next:.0}; {looked_by}",
            looks_until(last)
        ));
    }
    Ok(())
}

/// That the person may yet approve, in words.
pub(crate) fn looks_until(last: Timestamp) -> String {
    format!(
        "the person can still approve an open consent: it is looked up until {last:.0}, and revoked if it was approved"
    )
}

/// What waits, in words.
pub(crate) fn waits(calls: usize) -> String {
    format!(
        "waiting, to give something back: {}",
        counted(calls, "call")
    )
}

/// Prints where a journey stands.
pub(crate) fn summary(record: &JourneyRecord, output: Output) -> Result<(), Failure> {
    let shown = shown(record, 0, Vec::new());
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["leg", "status", "state", "attempt", "to know"]);
    for leg in &shown.legs {
        table.add_row([
            leg.leg.to_owned(),
            leg.status.to_owned(),
            leg.phase.to_owned(),
            leg.attempt.to_string(),
            leg.to_know(),
        ]);
    }
    output.text(&table.to_string())?;
    for timer in &shown.timers {
        output.text(&format!("timer  {:.0}  {}", timer.at, timer.timer))?;
    }
    output.text(&format!("journey {}  {}", shown.journey, shown.status))
}

impl ShownLeg {
    fn to_know(&self) -> String {
        let mut words = Vec::new();
        if !self.required {
            words.push("optional".to_owned());
        }
        if let Some(call) = self.unsettled {
            words.push(format!("unsettled: {call}"));
        }
        if self.maybe_billed > 0 {
            words.push(format!("maybe billed: {}", self.maybe_billed));
        }
        if !self.missing.is_empty() {
            words.push(format!("missing: {}", self.missing.join(", ")));
        }
        if self.resubmissions > 0 {
            words.push(format!("resubmissions: {}", self.resubmissions));
        }
        if !self.held.is_empty() {
            words.push(format!("held for an operator: {}", self.held.join(", ")));
        }
        if !self.by_hand.is_empty() {
            words.push(format!("to do: {}", to_do(&self.by_hand)));
        }
        for request in &self.unknown_requests {
            words.push(request.to_string());
        }
        words.join("; ")
    }
}

/// What a person has to do, in words.
fn to_do(by_hand: &[OperatorTask]) -> String {
    let tasks = by_hand.iter().map(|task| task.as_str().replace('_', " "));
    tasks.collect::<Vec<_>>().join(", ")
}

fn shown(record: &JourneyRecord, waiting_calls: usize, timeline: Vec<Line>) -> Shown {
    let state = &record.state;
    let leg = |leg: Leg| {
        let view = state.leg(leg)?;
        Some(ShownLeg {
            leg: leg.as_str(),
            required: state.plan().is_some_and(|plan| plan.is_required(leg)),
            status: view.status.as_str(),
            phase: view.phase,
            attempt: view.attempt,
            unsettled: view.unsettled.map(Operation::name),
            maybe_billed: view.maybe_billed,
            missing: view.missing.iter().map(|kind| kind.as_str()).collect(),
            resubmissions: view.resubmissions,
            by_hand: view.by_hand,
            unknown_requests: view.unknown_requests,
            held: view.held.into_iter().map(Operation::name).collect(),
        })
    };
    let timer = |timer: &SetTimer| ShownTimer {
        timer: timer.name.to_string(),
        at: timer.at,
    };
    let mut timers: Vec<_> = state.timers().iter().map(timer).collect();
    timers.sort_by_key(|timer| timer.at);
    Shown {
        journey: state.id().to_string(),
        status: state.status().as_str(),
        created_at: record.created_at,
        updated_at: record.updated_at,
        legs: Leg::ALL.iter().copied().filter_map(leg).collect(),
        timers,
        waiting_calls,
        looks_until: looks(state).map(|(_, last)| last),
        timeline,
    }
}

/// Prints a list of journeys.
pub(crate) fn list(journeys: &[Listed], output: Output) -> Result<(), Failure> {
    if output.json {
        return output.answer(&journeys, None);
    }
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["journey", "status", "events", "began", "changed", "to do"]);
    for listed in journeys {
        let journey = &listed.journey;
        let mut left = Vec::new();
        if listed.is_damaged {
            left.push("damaged, cannot be read".to_owned());
        }
        if !listed.by_hand.is_empty() {
            left.push(to_do(&listed.by_hand));
        }
        if listed.waiting_calls > 0 {
            left.push(waits(listed.waiting_calls));
        }
        left.extend(listed.looks_until.map(looks_until));
        table.add_row([
            journey.id.to_string(),
            journey.status.as_str().to_owned(),
            journey.seq.to_string(),
            format!("{:.0}", journey.created_at),
            format!("{:.0}", journey.updated_at),
            left.join("; "),
        ]);
    }
    output.text(&table.to_string())
}
