//! Says that a person has done at providers what a journey left to one.

use kyc_facade::provider_core::{Clock as _, SystemClock};
use kyc_journey::{Event, EventKey, Fact, Journey, Leg, OperatorTask};

use super::store::Store;
use super::{find, leg, show};
use crate::arguments::JourneyResolve;
use crate::failure::Failure;
use crate::storage::place::{Place, failed};
use crate::terminal::output::Output;

pub(crate) async fn run(arguments: JourneyResolve, output: Output) -> Result<u8, Failure> {
    let only = arguments.leg.as_deref().map(leg).transpose()?;
    let store = Store::existing(&Place::of(&arguments.store)?).await?;
    let (id, mut record) = find(&store, &arguments.id).await?;
    for (leg, task) in left(&record.state, only)? {
        let seq = record.state.seq();
        let key = EventKey::command(&format!("resolved-{}-{seq}", leg.as_str()))?;
        // A journey in the sandbox is ahead of this machine's clock.
        let at = SystemClock.now().max(record.updated_at);
        let event = Event::new(key, at, Some(leg), Fact::Resolved { task });
        // Who says the same at the same time says what is known then.
        store.engine.submit(&id, event).await.map_err(failed)?;
        record = find(&store, id.as_str()).await?.1;
    }
    show::print(&store, &record, output).await?;
    Ok(0)
}

/// What is left of a leg or of all. It is nothing where it was done before, and said again.
fn left(state: &Journey, only: Option<Leg>) -> Result<Vec<(Leg, OperatorTask)>, Failure> {
    let is_meant = |(leg, _): &(Leg, OperatorTask)| only.is_none_or(|only| only == *leg);
    let left: Vec<_> = state.by_hand().filter(is_meant).collect();
    if !left.is_empty() || state.resolved().any(|done| is_meant(&done)) {
        return Ok(left);
    }
    Err(match only {
        Some(leg) => {
            let rule = format!("{} has nothing left to a person", leg.as_str());
            Failure::configuration("--leg", rule)
        }
        None => Failure::configuration("ID", "has nothing left to a person"),
    })
}
