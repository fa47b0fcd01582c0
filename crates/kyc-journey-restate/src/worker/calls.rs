//! Calls, notices and entries of the ledger.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use kyc_journey::{
    Effect, EffectCall, EffectKind, EngineError, EngineErrorKind, Event, Failure, JourneyId,
    Operation, Performed, Performer, Place, point,
};
use restate_sdk::context::RequestTarget;
use restate_sdk::prelude::*;
use restate_sdk::serde::Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{BackOff, UnsafeCalls, attempt_again, of_journey};
use crate::message::{Delivery, Grant, Mark, Parcel, Settle, Task};
use crate::names;
use crate::sealed::{SealedPayload, corrupt};
use crate::transition::Transitions;

/// The first and the longest wait before what came of a call is sealed again.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// How long a call waits for its turn before it is handed back to Restate.
const TURN: Duration = Duration::from_secs(1);

/// What the services of this file share.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) transitions: Arc<Transitions>,
    pub(super) performer: Arc<dyn Performer>,
    pub(super) permits: Arc<Semaphore>,
}

impl Caller {
    /// Waits for a turn, not for long: Restate runs only so many handlers at once, and one that waits keeps others from running, also
    /// those that it waits for.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, HandlerError> {
        let turn = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(TURN, turn).await {
            Ok(turn) => Ok(turn?),
            Err(_) => Err("as many calls are being made as may be".into()),
        }
    }

    fn effect(&self, task: &Task) -> Result<Effect, EngineError> {
        let id = task.mark.effect(&task.journey);
        let opened = self.transitions.seal.open_effect(&id, &task.effect)?;
        opened.ok_or_else(corrupt)
    }

    /// Makes a call, and seals what came of it.
    async fn perform(&self, task: Task, grant: Grant) -> Result<Parcel, EngineError> {
        let effect = self.effect(&task)?;
        let EffectKind::Call(operation) = effect.kind else {
            return Err(corrupt());
        };
        let payload = match (operation.payload(), grant.payload) {
            (Some(seq), Some(SealedPayload { class, body })) => {
                let place = Place::payload(&task.journey, seq, class);
                self.transitions.seal.open_payload(&place, &body)?
            }
            _ => None,
        };
        let leg = operation.leg();
        let call = EffectCall {
            id: task.mark.effect(&task.journey),
            operation,
            payload,
        };
        let performed = AssertUnwindSafe(self.performer.perform(&call)).catch_unwind();
        // What a performer that panicked had done, nobody knows.
        let performed = performed.await.unwrap_or_else(|_| Performed {
            result: Err(Failure::unknown()),
            payload: None,
        });
        point("after a call");
        let mut event = performed.into_event(call.id, self.transitions.clock.now());
        event.leg = Some(leg);
        self.seal(&task.journey, event).await
    }

    /// Delivers a notice or an entry. `false` if it was not taken.
    async fn deliver(&self, task: &Task) -> HandlerResult<bool> {
        let effect = self.effect(task).map_err(attempt_again)?;
        let performer = &self.performer;
        let delivered = async {
            match &effect.kind {
                EffectKind::Notify(notice) => performer.notify(&effect.id, notice).await,
                EffectKind::Ledger(entry) => performer.record(&effect.id, entry).await,
                _ => Ok(()),
            }
        };
        let delivered = AssertUnwindSafe(delivered).catch_unwind().await;
        point("after a delivery");
        Ok(matches!(delivered, Ok(Ok(()))))
    }

    /// The event by which a journey is told that a call may have been made.
    async fn interrupted(&self, task: &Task) -> Result<Parcel, EngineError> {
        let effect = self.effect(task)?;
        let leg = effect.operation().map(Operation::leg).ok_or_else(corrupt)?;
        let event = self.transitions.interrupted(&task.journey, &task.mark, leg);
        self.seal(&task.journey, event).await
    }

    /// Seals until there are keys: what came of a call stays in memory meanwhile, because the call is not made again.
    async fn seal(&self, journey: &JourneyId, event: Event) -> Result<Parcel, EngineError> {
        let mut wait = BACK_OFF.0;
        loop {
            match Parcel::addressed(&self.transitions.seal, journey, event.clone()) {
                Err(error) if error.kind() == EngineErrorKind::Unavailable => {
                    tracing::warn!(%error, "what came of a call cannot be sealed");
                    self.transitions.clock.sleep(wait).await;
                    wait = wait.saturating_mul(2).min(BACK_OFF.1);
                }
                sealed => return sealed,
            }
        }
    }
}

/// Asks a journey whether a call is wanted, by one of its handlers.
async fn leave(
    ctx: &Context<'_>,
    task: &Task,
    handler: &str,
) -> Result<Option<Grant>, TerminalError> {
    let target = of_journey(&task.journey, handler);
    let request = ctx.request::<Json<Mark>, Json<Option<Grant>>>(target, Json(task.mark));
    Ok(request.call().await?.into_inner())
}

/// Tells a journey what came of a call.
fn settle(ctx: &Context<'_>, task: &Task, parcel: Parcel) {
    let settle = Settle {
        born: task.mark.born,
        parcel,
    };
    let target = of_journey(&task.journey, "settle");
    // Not waited for: it is recorded before this handler's end is.
    let _ = ctx.request::<Json<Settle>, ()>(target, Json(settle)).send();
}

/// Records that an attempt begins here. `true` if this is the attempt that wrote the record, which is stored when this returns; any other
/// one finds it there, and does not know what the first one did after it.
async fn begin(ctx: &Context<'_>) -> Result<bool, TerminalError> {
    let is_here = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&is_here);
    let begin = ctx.run(move || async move {
        begins.store(true, Ordering::Release);
        Ok(())
    });
    begin.name("begin").await?;
    Ok(is_here.load(Ordering::Acquire))
}

/// Unsafe calls: each is made at most once.
///
/// Two records stand before a call: the journey's mark, which is given once, and that this handler began. An attempt that finds the
/// second one does not make the call, because an earlier attempt may have, and tells the journey so.
pub(super) struct Once {
    pub(super) caller: Caller,
    pub(super) calls: UnsafeCalls,
}

#[service(name = "KycOnce")]
impl Once {
    #[handler]
    async fn make(&self, ctx: Context<'_>, task: Json<Task>) -> HandlerResult<()> {
        let task = task.into_inner();
        let _turn = self.caller.turn().await?;
        point("before a mark");
        let Some(grant) = leave(&ctx, &task, "mark").await? else {
            return Ok(());
        };
        let is_first = match self.calls {
            UnsafeCalls::Once => begin(&ctx).await?,
            #[cfg(feature = "testing")]
            UnsafeCalls::ByDefault => true,
        };
        point("after a mark");
        let (caller, made) = (self.caller.clone(), task.clone());
        let make = ctx.run(move || async move {
            let parcel = match is_first {
                true => caller.perform(made, grant).await,
                false => caller.interrupted(&made).await,
            };
            parcel.map(Json).map_err(attempt_again)
        });
        let parcel = make.name("make").await?;
        if !is_first {
            point("after an interruption");
        }
        settle(&ctx, &task, parcel.into_inner());
        point("after an answer");
        Ok(())
    }
}

/// Safe and repeatable calls: each is made at least once, unless it is cancelled before it begins, or before it is made again.
pub(super) struct Repeat(pub(super) Caller);

#[service(name = "KycRepeat")]
impl Repeat {
    #[handler]
    async fn make(&self, ctx: Context<'_>, task: Json<Task>) -> HandlerResult<()> {
        let task = task.into_inner();
        let _turn = self.0.turn().await?;
        // What an earlier attempt was told is recorded: each one asks anew.
        while let Some(grant) = leave(&ctx, &task, "wanted").await? {
            let is_first = begin(&ctx).await?;
            let (caller, made) = (self.0.clone(), task.clone());
            let make = ctx.run(move || async move {
                let parcel = match is_first {
                    true => Some(caller.perform(made, grant).await.map_err(attempt_again)?),
                    false => None,
                };
                Ok(Json(parcel))
            });
            if let Some(parcel) = make.name("make").await?.into_inner() {
                settle(&ctx, &task, parcel);
                break;
            }
        }
        Ok(())
    }
}

/// Notices and entries of the ledger: each is delivered until it is taken, or its journey forgotten.
pub(super) struct Deliver {
    pub(super) caller: Caller,
    pub(super) back_off: BackOff,
}

#[service(name = "KycDeliver")]
impl Deliver {
    #[handler]
    async fn deliver(&self, ctx: Context<'_>, delivery: Json<Delivery>) -> HandlerResult<()> {
        let Delivery { task, attempt } = delivery.into_inner();
        let target = of_journey(&task.journey, "is_known");
        let is_known = ctx.request::<u64, bool>(target, task.mark.born);
        if !is_known.call().await? {
            return Ok(());
        }
        let (caller, delivered) = (self.caller.clone(), task.clone());
        let deliver = ctx.run(move || async move { caller.deliver(&delivered).await });
        if deliver.name("deliver").await? {
            return Ok(());
        }
        // Another invocation, which asks the journey anew.
        let again = Delivery {
            task,
            attempt: attempt.saturating_add(1),
        };
        let target = RequestTarget::service(names::DELIVER, "deliver");
        let again = ctx.request::<Json<Delivery>, ()>(target, Json(again));
        let _ = again.send_after(self.back_off.after(attempt));
        Ok(())
    }
}
