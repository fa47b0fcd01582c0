//! Lets a journey go on: one that was interrupted, one for which somebody had to act, and one that has ended and has something left to be
//! given back.

use kyc_facade::provider_core::Mobile;
use kyc_journey::{Fact, Journey, JourneyStatus, Leg, LegStatus};

use super::awaited::looks;
use super::follow::Following;
use super::show::waits;
use super::store::Store;
use super::{find, follow, leg, only_in_a_sandbox, person};
use crate::arguments::JourneyResume;
use crate::clients::CallSettings;
use crate::failure::Failure;
use crate::storage::place::Place;
use crate::terminal::output::Output;

/// What lets a journey go on.
enum Next {
    /// The person gives the consent.
    Consent,
    /// These commands. There are none for one that only has to be followed, such as one that has ended and has calls left.
    Commands(Vec<(Leg, Fact)>),
}

pub(crate) async fn run(
    arguments: JourneyResume,
    options: CallSettings,
    output: Output,
) -> Result<u8, Failure> {
    let mobile = arguments.mobile.as_deref().map(Mobile::parse).transpose()?;
    only_in_a_sandbox(arguments.sandbox)?;
    let only = arguments.leg.as_deref().map(leg).transpose()?;
    let store = Store::existing(&Place::of(&arguments.store)?).await?;
    store.tell_untold(output);
    let (id, record) = find(&store, &arguments.id).await?;
    let state = &record.state;
    let left = store.waiting_of(&id, Some(&record)).await?;
    let next = next(state, only, left > 0 || looks(state).is_some())?;
    if left > 0 {
        let unreadable = store.unreadable_calls(std::slice::from_ref(&id)).await?;
        if unreadable.get(&id).is_some_and(|lost| *lost >= left) {
            let what_to_do = store.what_to_do(std::slice::from_ref(&id)).await?;
            let rule = format!("has {}; {what_to_do}", waits(left));
            return Err(Failure::configuration("ID", rule));
        }
    }
    person::check(&store, state, mobile.as_ref()).await?;
    let after = state.seq();
    let following = Following::new(store, id, options).await?;
    following.catch_up(record.updated_at).await;
    match next {
        Next::Consent => following.consent().await?,
        Next::Commands(commands) => {
            for (leg, fact) in commands {
                let key = format!("resume-{leg}-{after}", leg = leg.as_str());
                following.submit(&key, Some(leg), fact, None).await?;
            }
        }
    }
    follow(following, after, output).await
}

/// What lets it go on, or why nothing does: of one leg or of all, and of one that has ended if calls of it are left, or a consent that it
/// left open is looked for.
fn next(state: &Journey, only: Option<Leg>, is_left: bool) -> Result<Next, Failure> {
    let status = state.status();
    if status == JourneyStatus::AwaitConsent {
        return Ok(Next::Consent);
    }
    let legs = Leg::ALL.iter().copied();
    let legs = legs.filter(|leg| only.is_none_or(|only| only == *leg));
    // One that was interrupted only has to be followed.
    let is_open = legs
        .clone()
        .any(|leg| state.leg_status(leg) == LegStatus::Open);
    let commands: Vec<_> = legs
        .filter_map(|leg| Some((leg, state.resuming(leg)?)))
        .collect();
    let goes_on = match status.is_end() {
        true => is_left,
        false => is_open,
    };
    match (commands.is_empty() && !goes_on, only) {
        (false, _) => Ok(Next::Commands(commands)),
        (true, None) => Err(stuck("ID", status.as_str())),
        (true, Some(leg)) => Err(match state.leg_status(leg) {
            LegStatus::NotPlanned => {
                let rule = format!("{} is not in the journey's plan", leg.as_str());
                Failure::configuration("--leg", rule)
            }
            LegStatus::Waiting => {
                let rule = format!("{} waits for other legs, and begins then", leg.as_str());
                Failure::configuration("--leg", rule)
            }
            _ if status.is_end() => stuck("ID", status.as_str()),
            of_leg => {
                let rule = format!("{} is {}", leg.as_str(), of_leg.as_str());
                Failure::configuration("--leg", format!("{rule}, and nobody can make it go on"))
            }
        }),
    }
}

fn stuck(field: &str, status: &str) -> Failure {
    let rule = format!("is {status}, and nobody can make it go on");
    Failure::configuration(field, rule)
}
