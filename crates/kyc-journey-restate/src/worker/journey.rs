//! A journey as an object of Restate's: one event at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use kyc_journey::{JourneyId, Seq, Submitted, Verdict, point};
use restate_sdk::context::RequestTarget;
use restate_sdk::prelude::*;
use restate_sdk::serde::Json;

use super::references::of_reference;
use super::values::Values;
use super::{attempt_again, of_journey};
use crate::book::{Book, keys};
use crate::message::{
    Answer, Delivery, Grant, Mark, Parcel, Parked, Receipt, Record, Refusal, Settle, Task, Timer,
};
use crate::names;
use crate::sealed::{Sealed, SealedPayload};
use crate::transition::{Changes, Fired, Send, Stored, Transitions, Values as Written};

/// The object of a journey. It makes no calls to providers: those would keep its events waiting.
pub(super) struct Journey {
    pub(super) transitions: Arc<Transitions>,
    pub(super) watchdog: Duration,
}

/// What was worked out, as it is recorded.
type Outcome = Answer<Changes>;

fn id(key: &str) -> Result<JourneyId, HandlerError> {
    JourneyId::parse(key).map_err(|_| TerminalError::new("it is not the id of a journey").into())
}

async fn book(ctx: &impl Values) -> HandlerResult<Option<Book>> {
    let book = ctx.value::<Json<Book>>(keys::BOOK).await?;
    match book.map(Json::into_inner) {
        // It is a newer worker's, which may be running beside this one.
        Some(book) if !book.is_readable() => Err("the journey is a newer version's".into()),
        book => Ok(book),
    }
}

async fn stored(ctx: &ObjectContext<'_>) -> HandlerResult<Option<Stored>> {
    let Some(book) = book(ctx).await? else {
        return Ok(None);
    };
    let state = ctx.value::<Sealed>(keys::STATE).await?;
    let state = state.ok_or_else(|| TerminalError::new("the journey has no state"))?;
    Ok(Some(Stored { book, state }))
}

/// The number of the event with this key.
async fn seen(ctx: &ObjectContext<'_>, key: &str) -> HandlerResult<Option<Seq>> {
    let key = keys::event(key);
    Ok(ctx.value::<u64>(&key).await?.map(Seq::new))
}

impl Journey {
    /// Applies an event, and what waited for what the journey is found by from then on.
    fn take<'a>(
        &'a self,
        ctx: &'a ObjectContext<'a>,
        id: &'a JourneyId,
        parcel: Parcel,
        is_patient: bool,
    ) -> BoxFuture<'a, HandlerResult<Answer<Receipt>>> {
        let take = async move {
            let mut claims = VecDeque::new();
            let answer = self.apply(ctx, id, parcel, is_patient, &mut claims).await?;
            self.adopt(ctx, id, claims).await?;
            point("after a commit");
            Ok(answer)
        };
        take.boxed()
    }

    /// Applies an event once. A patient caller is one that cannot come again.
    async fn apply(
        &self,
        ctx: &ObjectContext<'_>,
        id: &JourneyId,
        parcel: Parcel,
        is_patient: bool,
        claims: &mut VecDeque<String>,
    ) -> HandlerResult<Answer<Receipt>> {
        let before = stored(ctx).await?;
        if let Some(before) = &before
            && let Some(seq) = seen(ctx, &parcel.key).await?
        {
            let duplicate = Submitted {
                seq,
                verdict: Verdict::Duplicate,
                reason: None,
                status: before.book.status,
            };
            return Ok(Answer::Done(duplicate.into()));
        }
        let born = ctx.random_seed();
        let (transitions, journey) = (Arc::clone(&self.transitions), id.clone());
        let apply = ctx.run(move || async move {
            let event = parcel.open(&transitions.seal, &journey);
            let changes = event.and_then(|event| transitions.apply(&journey, before, born, event));
            point("in a transaction");
            match changes {
                Ok(changes) => Ok(Json(Outcome::Done(changes))),
                Err(error) => match Refusal::from(&error) {
                    Refusal::Unavailable if is_patient => Err(attempt_again(error)),
                    refusal => Ok(Json(Outcome::Refused(refusal))),
                },
            }
        });
        let outcome = apply.name("apply").await?.into_inner();
        point("before a commit");
        match outcome {
            Answer::Done(changes) => Ok(Answer::Done(Self::change(ctx, id, changes, claims))),
            Answer::Refused(refusal) => Ok(Answer::Refused(refusal)),
        }
    }

    /// Stores what was worked out, and hands on what it asks for.
    fn change(
        ctx: &ObjectContext<'_>,
        id: &JourneyId,
        changes: Changes,
        claims: &mut VecDeque<String>,
    ) -> Receipt {
        let Changes {
            receipt,
            stored,
            sends,
            claims: added,
        } = changes;
        if let Some(stored) = stored {
            let Written {
                book,
                state,
                entry,
                key,
                payload,
                erased,
            } = *stored;
            let seq = book.seq;
            for erased in erased {
                ctx.clear(&keys::payload(erased));
            }
            if let Some(payload) = payload {
                ctx.set(&keys::payload(seq), payload);
            }
            ctx.set(&keys::event(&key), seq.get());
            ctx.set(&keys::history(seq), entry);
            ctx.set(keys::STATE, state);
            ctx.set(keys::SUMMARY, book.summary());
            ctx.set(keys::BOOK, Json(book));
        }
        for send in sends {
            hand_on(ctx, id, send);
        }
        claims.extend(added);
        receipt
    }

    /// Makes the journey known by these, and applies what waited for it.
    async fn adopt(
        &self,
        ctx: &ObjectContext<'_>,
        id: &JourneyId,
        mut claims: VecDeque<String>,
    ) -> HandlerResult<()> {
        while let Some(claim) = claims.pop_front() {
            let target = of_reference(&claim, "claim");
            let claim = ctx.request::<Json<JourneyId>, Json<Vec<Parked>>>(target, Json(id.clone()));
            for Parked { parcel, also, .. } in claim.call().await?.into_inner() {
                for other in also {
                    let leave = of_reference(&other, "leave");
                    let _ = ctx.request::<String, ()>(leave, parcel.key.clone()).send();
                }
                // It waits nowhere else any more.
                let applied = self.apply(ctx, id, parcel, true, &mut claims).await?;
                if let Answer::Refused(refusal) = applied {
                    tracing::error!(journey = %id, ?refusal, "a report that waited is lost");
                }
            }
        }
        Ok(())
    }

    /// The payload that a call needs.
    async fn grant(&self, ctx: &impl Values, book: &Book, mark: &Mark) -> HandlerResult<Grant> {
        Ok(Grant {
            payload: match mark.payload {
                Some(seq) => payload(ctx, book, seq).await?,
                None => None,
            },
        })
    }
}

async fn payload(ctx: &impl Values, book: &Book, seq: Seq) -> HandlerResult<Option<SealedPayload>> {
    let Some(class) = book.kept(seq) else {
        return Ok(None);
    };
    let key = keys::payload(seq);
    let body = ctx.value::<Sealed>(&key).await?;
    Ok(body.map(|body| SealedPayload { class, body }))
}

/// What cannot be stored, because its keys are gone, shows in Restate as failed.
fn accepted(answer: Answer<Receipt>) -> HandlerResult<()> {
    match answer {
        Answer::Done(_) => Ok(()),
        Answer::Refused(_) => Err(TerminalError::new("the journey cannot be changed").into()),
    }
}

/// Hands an effect on.
fn hand_on(ctx: &ObjectContext<'_>, id: &JourneyId, send: Send) {
    match send {
        Send::Once(task) => make(ctx, id, names::ONCE, task),
        Send::Repeat(task) => make(ctx, id, names::REPEAT, task),
        Send::Deliver(task) => {
            let key = name(id, &task.mark);
            let target = RequestTarget::service(names::DELIVER, "deliver");
            let delivery = Delivery { task, attempt: 0 };
            let request = ctx.request::<Json<Delivery>, ()>(target, Json(delivery));
            let _ = request.idempotency_key(key).send();
        }
        Send::Timer { timer, mark, after } => {
            let request = ctx.request::<Json<Timer>, ()>(of_journey(id, "fire"), Json(timer));
            let _ = request.idempotency_key(name(id, &mark)).send_after(after);
        }
    }
}

/// Hands a call on.
fn make(ctx: &ObjectContext<'_>, id: &JourneyId, service: &str, task: Task) {
    let key = name(id, &task.mark);
    let target = RequestTarget::service(service, "make");
    let request = ctx.request::<Json<Task>, ()>(target, Json(task));
    let _ = request.idempotency_key(key).send();
}

/// What an effect is called, also when its journey's id is used again.
fn name(id: &JourneyId, mark: &Mark) -> String {
    format!("{}#{:016x}", mark.effect(id), mark.born)
}

#[object(name = "KycJourney")]
impl Journey {
    /// Applies an event.
    #[handler]
    async fn submit(
        &self,
        ctx: ObjectContext<'_>,
        parcel: Json<Parcel>,
    ) -> HandlerResult<Json<Answer<Receipt>>> {
        let id = id(ctx.key())?;
        let answer = self.take(&ctx, &id, parcel.into_inner(), false).await?;
        Ok(Json(answer))
    }

    /// Applies what came of a call. A journey that was forgotten takes none.
    #[handler]
    async fn settle(&self, ctx: ObjectContext<'_>, settle: Json<Settle>) -> HandlerResult<()> {
        let Settle { born, parcel } = settle.into_inner();
        let id = id(ctx.key())?;
        match book(&ctx).await?.is_some_and(|book| book.born == born) {
            true => accepted(self.take(&ctx, &id, parcel, true).await?),
            false => Ok(()),
        }
    }

    /// Lets a timer fire, if it runs and its time has come.
    #[handler]
    async fn fire(&self, ctx: ObjectContext<'_>, timer: Json<Timer>) -> HandlerResult<()> {
        let (id, timer) = (id(ctx.key())?, timer.into_inner());
        let Some(before) = stored(&ctx).await? else {
            return Ok(());
        };
        let is_running = before.book.is_running(&timer.name, timer.generation);
        if before.book.born != timer.born || !is_running {
            return Ok(());
        }
        let (transitions, journey, due) =
            (Arc::clone(&self.transitions), id.clone(), timer.clone());
        point("before a timer");
        let fire = ctx.run(move || async move {
            let fired = transitions.fire(&journey, before, &due);
            fired.map(Json).map_err(attempt_again)
        });
        match fire.name("fire").await?.into_inner() {
            Fired::Due(changes) => {
                let mut claims = VecDeque::new();
                Self::change(&ctx, &id, *changes, &mut claims);
                self.adopt(&ctx, &id, claims).await?;
            }
            Fired::Early(after) => {
                let again = ctx.request::<Json<Timer>, ()>(of_journey(&id, "fire"), Json(timer));
                let _ = again.send_after(after);
            }
        }
        Ok(())
    }

    /// Gives leave for an unsafe call, once.
    #[handler]
    async fn mark(
        &self,
        ctx: ObjectContext<'_>,
        mark: Json<Mark>,
    ) -> HandlerResult<Json<Option<Grant>>> {
        let (id, mark) = (id(ctx.key())?, mark.into_inner());
        let Some(mut book) = book(&ctx).await? else {
            return Ok(Json(None));
        };
        if !book.begin(&mark) {
            return Ok(Json(None));
        }
        let grant = self.grant(&ctx, &book, &mark).await?;
        ctx.set(keys::BOOK, Json(book));
        let overdue = ctx.request::<Json<Mark>, ()>(of_journey(&id, "overdue"), Json(mark));
        let _ = overdue.send_after(self.watchdog);
        Ok(Json(Some(grant)))
    }

    /// Whether a safe call is still to be made.
    #[handler]
    async fn wanted(
        &self,
        ctx: SharedObjectContext<'_>,
        mark: Json<Mark>,
    ) -> HandlerResult<Json<Option<Grant>>> {
        let mark = mark.into_inner();
        let book = book(&ctx).await?;
        Ok(Json(match book.filter(|book| book.is_waiting(&mark)) {
            Some(book) => Some(self.grant(&ctx, &book, &mark).await?),
            None => None,
        }))
    }

    /// Whether this is the journey that something was asked for, and not a later one of its id.
    #[handler]
    async fn is_known(&self, ctx: SharedObjectContext<'_>, born: u64) -> HandlerResult<bool> {
        let book = book(&ctx).await?;
        Ok(book.is_some_and(|book| book.born == born))
    }

    /// Tells the journey that an unsafe call was interrupted, if nothing was heard of it for too long.
    #[handler]
    async fn overdue(&self, ctx: ObjectContext<'_>, mark: Json<Mark>) -> HandlerResult<()> {
        let (id, mark) = (id(ctx.key())?, mark.into_inner());
        let book = book(&ctx).await?;
        let Some(leg) = book.and_then(|book| book.open_call(&mark)) else {
            return Ok(());
        };
        let (transitions, journey) = (Arc::clone(&self.transitions), id.clone());
        let interrupt = ctx.run(move || async move {
            let event = transitions.interrupted(&journey, &mark, leg);
            let parcel = Parcel::addressed(&transitions.seal, &journey, event);
            parcel.map(Json).map_err(attempt_again)
        });
        let parcel = interrupt.name("interrupt").await?.into_inner();
        accepted(self.take(&ctx, &id, parcel, true).await?)
    }

    /// Removes the journey with everything that is stored for it.
    #[handler]
    async fn forget(&self, ctx: ObjectContext<'_>) -> HandlerResult<()> {
        let id = id(ctx.key())?;
        let Some(book) = book(&ctx).await? else {
            return Ok(());
        };
        ctx.clear_all();
        for lookup in book.lookups {
            let release = of_reference(&lookup, "release");
            ctx.request::<Json<JourneyId>, ()>(release, Json(id.clone()))
                .call()
                .await?;
        }
        Ok(())
    }

    /// Reads the journey.
    #[handler]
    async fn read(&self, ctx: SharedObjectContext<'_>) -> HandlerResult<Json<Option<Record>>> {
        let Some(book) = book(&ctx).await? else {
            return Ok(Json(None));
        };
        let state = ctx.value::<Sealed>(keys::STATE).await?;
        Ok(Json(state.map(|state| Record {
            state,
            created_at: book.created_at,
            updated_at: book.updated_at,
        })))
    }

    /// Reads what happened after an event.
    #[handler]
    async fn history(
        &self,
        ctx: SharedObjectContext<'_>,
        after: u64,
    ) -> HandlerResult<Json<Vec<(Seq, Sealed)>>> {
        let Some(book) = book(&ctx).await? else {
            return Ok(Json(Vec::new()));
        };
        let mut entries = Vec::new();
        for seq in after.saturating_add(1)..=book.seq.get() {
            let key = keys::history(Seq::new(seq));
            if let Some(entry) = ctx.value::<Sealed>(&key).await? {
                entries.push((Seq::new(seq), entry));
            }
        }
        Ok(Json(entries))
    }

    /// Reads the payload of an event.
    #[handler]
    async fn payload(
        &self,
        ctx: SharedObjectContext<'_>,
        seq: u64,
    ) -> HandlerResult<Json<Option<SealedPayload>>> {
        let Some(book) = book(&ctx).await? else {
            return Ok(Json(None));
        };
        Ok(Json(payload(&ctx, &book, Seq::new(seq)).await?))
    }
}
