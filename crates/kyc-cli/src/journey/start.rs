//! Begins a journey, or goes on with the one that has the key.

use kyc_facade::provider_core::{Clock as _, Mobile, SystemClock};
use kyc_journey::{EventKey, Fact, JourneyId, JourneyRecord, JourneyStatus, Plan, Seq};

use super::awaited::goes_on;
use super::follow::Following;
use super::store::Store;
use super::{exit_code, follow, invented, only_in_a_sandbox, person, plan, show};
use crate::arguments::JourneyStart;
use crate::clients::CallSettings;
use crate::failure::Failure;
use crate::storage::ledger;
use crate::storage::place::{Place, unread};
use crate::terminal::output::Output;

pub(crate) async fn run(
    arguments: JourneyStart,
    options: CallSettings,
    output: Output,
) -> Result<u8, Failure> {
    let mobile = arguments.mobile.as_deref().map(Mobile::parse).transpose()?;
    only_in_a_sandbox(arguments.sandbox)?;
    let plan = match &arguments.plan {
        Some(path) => plan::read(path)?,
        None => plan::whole()?,
    };
    if let Some(key) = &arguments.key {
        if key.trim().is_empty() {
            return Err(Failure::configuration("--key", "must not be empty"));
        }
        EventKey::command(key).map_err(|error| error.for_field("--key"))?;
    }
    let place = Place::of(&arguments.store)?;
    let unnamed = || {
        let rule = "is required, unless --key names a journey that has begun";
        Failure::configuration(person::MOBILE, rule)
    };
    let store = match (&mobile, &arguments.key) {
        (Some(_), _) => Store::open(&place).await?,
        // What has begun is there.
        (None, Some(_)) => Store::existing(&place).await?,
        (None, None) => return Err(unnamed()),
    };
    let id = match &arguments.key {
        Some(key) => store.sandbox_digests().journey(key),
        None => JourneyId::from_bits(SystemClock.random()?),
    };
    store.tell_untold(output);
    let known = store.engine.read(&id).await;
    if let Some(known) = known.map_err(|error| unread("--key", error))? {
        if arguments.plan.is_some() && known.state.plan() != Some(&plan) {
            let rule = "must be the plan with which the journey of this key began";
            return Err(Failure::configuration("--plan", rule));
        }
        return known_already(store, known, mobile.as_ref(), options, output).await;
    }
    let mobile = mobile.ok_or_else(unnamed)?;
    store.may_begin_in_a_sandbox().await?;
    let followed = store.ledger.follow(&id, &mobile);
    if !followed.map_err(|error| ledger::failed(&error))? {
        let rule = "has been used for another person's journey, which did not begin";
        return Err(Failure::configuration("--key", rule));
    }
    let begin = begin(&store, plan)?;
    let following = Following::new(store, id, options).await?;
    let payload = invented::person(mobile)?.to_payload();
    following.submit("start", None, begin, payload).await?;
    following.consent().await?;
    follow(following, Seq::ZERO, output).await
}

/// The start of a journey whose addresses `kyc journey serve` answers, too.
fn begin(store: &Store, plan: Plan) -> Result<Fact, Failure> {
    let token = store.sandbox_digests().token(SystemClock.random()?);
    let plan = Box::new(plan);
    Ok(Fact::Start { plan, token })
}

/// The key has a journey: one whose process was killed goes on, and any other is shown.
async fn known_already(
    store: Store,
    known: JourneyRecord,
    mobile: Option<&Mobile>,
    options: CallSettings,
    output: Output,
) -> Result<u8, Failure> {
    let state = &known.state;
    person::check(&store, state, mobile).await?;
    let is_end = state.status().is_end();
    let awaits_consent = state.status() == JourneyStatus::AwaitConsent;
    if is_end || !(awaits_consent || goes_on(state)) {
        let nothing = "the key has a journey already; nothing was begun";
        match is_end {
            true => output.tell(nothing),
            false => {
                let resume = store.resuming(state.id().as_str());
                output.tell(&format!("{nothing}: `{resume}` goes on with it"));
            }
        }
        show::print(&store, &known, output).await?;
        return Ok(exit_code(state.status()));
    }
    output.tell("the key has a journey already, which was interrupted; it goes on");
    let (id, after) = (state.id().clone(), state.seq());
    let following = Following::new(store, id, options).await?;
    following.catch_up(known.updated_at).await;
    if awaits_consent {
        following.consent().await?;
    }
    follow(following, after, output).await
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Who serves the file later takes only tokens that were given out for it: the first bits say what the others are.
    #[tokio::test]
    async fn a_journey_has_a_token_that_a_server_of_the_file_takes() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::File(directory.path().join("journeys.db"));
        let store = Store::open(&place).await.unwrap();
        let begun = begin(&store, plan::whole().unwrap()).unwrap();
        let Fact::Start { token, .. } = begun else {
            panic!("{begun:?}");
        };
        let bits = u128::from_str_radix(&token.expose(), 16).unwrap();
        assert!(store.sandbox_digests().token(bits) == token);
        assert!(store.digests().token(bits) != token);
    }
}
