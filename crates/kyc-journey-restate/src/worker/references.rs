//! By what reports find their journeys, and where those wait that have none yet.

use std::time::Duration;

use jiff::SignedDuration;
use kyc_journey::JourneyId;
use restate_sdk::context::RequestTarget;
use restate_sdk::prelude::*;
use restate_sdk::serde::Json;

use super::of_journey;
use crate::message::{Answer, Found, Parcel, Parked, Receipt, Report as Reported};
use crate::names;

/// How long a report waits for its journey.
const PARKED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The journey that is found by this.
const OWNER: &str = "owner";
/// The reports that wait.
const WAITING: &str = "waiting";

/// A handler of something that reports are found by.
pub(super) fn of_reference(digest: &str, handler: &str) -> RequestTarget {
    RequestTarget::object(names::REFERENCE, digest, handler)
}

/// Something by which reports find their journey, by its digest. It calls nobody, so that it can be called from anywhere.
pub(super) struct Reference;

impl Reference {
    async fn waiting(ctx: &ObjectContext<'_>) -> Result<Vec<Parked>, TerminalError> {
        let waiting = ctx.get::<Json<Vec<Parked>>>(WAITING).await?;
        Ok(waiting.map(Json::into_inner).unwrap_or_default())
    }

    fn keep(ctx: &ObjectContext<'_>, waiting: Vec<Parked>) {
        match waiting.is_empty() {
            true => ctx.clear(WAITING),
            false => ctx.set(WAITING, Json(waiting)),
        }
    }
}

#[object(name = "KycReference")]
impl Reference {
    /// The journey that is found by this.
    #[handler]
    async fn owner(&self, ctx: SharedObjectContext<'_>) -> HandlerResult<Json<Option<JourneyId>>> {
        let owner = ctx.get::<Json<JourneyId>>(OWNER).await?;
        Ok(Json(owner.map(Json::into_inner)))
    }

    /// Lets a report wait, unless there is a journey by now.
    #[handler]
    async fn park(
        &self,
        ctx: ObjectContext<'_>,
        parked: Json<Parked>,
    ) -> HandlerResult<Json<Option<JourneyId>>> {
        let parked = parked.into_inner();
        if let Some(owner) = ctx.get::<Json<JourneyId>>(OWNER).await? {
            return Ok(Json(Some(owner.into_inner())));
        }
        let longest = SignedDuration::try_from(PARKED).unwrap_or(SignedDuration::MAX);
        let oldest = parked.at.saturating_sub(longest).unwrap_or(parked.at);
        let mut waiting = Self::waiting(&ctx).await?;
        waiting.retain(|other| other.at >= oldest && other.parcel.key != parked.parcel.key);
        let target = of_reference(ctx.key(), "leave");
        let leave = ctx.request::<String, ()>(target, parked.parcel.key.clone());
        let _ = leave.send_after(PARKED);
        waiting.push(parked);
        Self::keep(&ctx, waiting);
        Ok(Json(None))
    }

    /// A report does not wait any more.
    #[handler]
    async fn leave(&self, ctx: ObjectContext<'_>, key: String) -> HandlerResult<()> {
        let mut waiting = Self::waiting(&ctx).await?;
        waiting.retain(|other| other.parcel.key != key);
        Self::keep(&ctx, waiting);
        Ok(())
    }

    /// Makes a journey known by this, and gives it the reports that waited. What two journeys claim stays the first one's.
    #[handler]
    async fn claim(
        &self,
        ctx: ObjectContext<'_>,
        journey: Json<JourneyId>,
    ) -> HandlerResult<Json<Vec<Parked>>> {
        if ctx.get::<Json<JourneyId>>(OWNER).await?.is_none() {
            ctx.set(OWNER, journey);
        }
        let mut waiting = Self::waiting(&ctx).await?;
        waiting.sort_by_key(|parked| parked.at);
        Self::keep(&ctx, Vec::new());
        Ok(Json(waiting))
    }

    /// A journey is not known by this any more.
    #[handler]
    async fn release(&self, ctx: ObjectContext<'_>, journey: Json<JourneyId>) -> HandlerResult<()> {
        let owner = ctx.get::<Json<JourneyId>>(OWNER).await?;
        if owner.is_some_and(|owner| owner.0 == journey.0) {
            ctx.clear(OWNER);
        }
        Ok(())
    }
}

/// Hands reports to their journeys.
pub(super) struct Report;

#[service(name = "KycReport")]
impl Report {
    #[handler]
    async fn report(
        &self,
        ctx: Context<'_>,
        report: Json<Reported>,
    ) -> HandlerResult<Json<Answer<Found>>> {
        let Reported {
            lookups,
            at,
            parcel,
        } = report.into_inner();
        // What names nothing is kept as long as the rest, where nobody finds it.
        let lookups = match lookups.is_empty() {
            true => vec![parcel.key.clone()],
            false => lookups,
        };
        for lookup in &lookups {
            let owner =
                ctx.request::<(), Json<Option<JourneyId>>>(of_reference(lookup, "owner"), ());
            if let Some(owner) = owner.call().await?.into_inner() {
                return submit(&ctx, owner, parcel).await;
            }
        }
        for (index, lookup) in lookups.iter().enumerate() {
            let others = lookups.iter().filter(|other| *other != lookup);
            let parked = Parked {
                at,
                parcel: parcel.clone(),
                also: others.cloned().collect(),
            };
            let target = of_reference(lookup, "park");
            let park = ctx.request::<Json<Parked>, Json<Option<JourneyId>>>(target, Json(parked));
            // A journey began meanwhile. What waits under the others would be told of it again.
            if let Some(owner) = park.call().await?.into_inner() {
                for other in lookups.iter().take(index) {
                    let target = of_reference(other, "leave");
                    ctx.request::<String, ()>(target, parcel.key.clone())
                        .call()
                        .await?;
                }
                return submit(&ctx, owner, parcel).await;
            }
        }
        Ok(Json(Answer::Done(Found(None))))
    }
}

async fn submit(
    ctx: &Context<'_>,
    journey: JourneyId,
    parcel: Parcel,
) -> HandlerResult<Json<Answer<Found>>> {
    let target = of_journey(&journey, "submit");
    let submit = ctx.request::<Json<Parcel>, Json<Answer<Receipt>>>(target, Json(parcel));
    Ok(Json(match submit.call().await?.into_inner() {
        Answer::Done(receipt) => Answer::Done(Found(Some((journey, receipt)))),
        Answer::Refused(refusal) => Answer::Refused(refusal),
    }))
}
