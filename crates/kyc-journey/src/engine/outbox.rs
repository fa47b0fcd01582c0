//! What a store offers to the runner that carries out its effects.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{EngineError, EngineErrorKind, JourneyEngine};
use crate::values::{Effect, EffectId, EffectKind, JourneyId};

/// The effects that a store keeps until they are settled. A [`Runner`](crate::Runner) drives it; applications do not call it.
#[async_trait]
pub trait Outbox: JourneyEngine {
    /// Begins a run: there is one at a time in an engine, until the lease is dropped.
    ///
    /// # Errors
    ///
    /// [`InUse`](EngineErrorKind::InUse) if there is one.
    fn begin(&self) -> Result<RunLease, EngineError>;

    /// Begins a run that carries out the effects of one journey. A store that several runs share keeps those of others out of it.
    ///
    /// # Errors
    ///
    /// As for [`begin`](Self::begin).
    fn begin_only(&self, journey: &JourneyId) -> Result<RunLease, EngineError> {
        let _ = journey;
        self.begin()
    }

    /// The unsafe calls that an earlier run marked as begun, and that have no result. One whose body does not open is left out.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn interrupted(&self) -> Result<Vec<Effect>, EngineError>;

    /// The effects that are due and for which there is room, the longest due first in each lane: neither marked as begun nor among
    /// those under way; and when the next one becomes due that is not yet.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn due(
        &self,
        now: Timestamp,
        room: &[(Lane, usize)],
        under_way: &HashSet<EffectId>,
    ) -> Result<Due, EngineError>;

    /// Marks an unsafe call as begun. The mark is durable when this returns `true`, and the call may be made then and only then;
    /// `false` if it is not wanted any more, or was marked before.
    ///
    /// # Errors
    ///
    /// The store cannot be written: the call is not made.
    async fn mark(&self, effect: &EffectId) -> Result<bool, EngineError>;

    /// Whether an effect is still to be carried out: a safe call that was cancelled is not made.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn is_waiting(&self, effect: &EffectId) -> Result<bool, EngineError>;

    /// Removes an effect that has no result: a notice, an entry of the ledger.
    ///
    /// # Errors
    ///
    /// The store cannot be written: it is carried out again.
    async fn done(&self, effect: &EffectId) -> Result<(), EngineError>;

    /// Returns when there may be something new that is due. A change that happens while nobody waits is not missed.
    async fn changed(&self);
}

/// What is to be carried out now, and when to look again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// The effects.
    pub effects: Vec<Effect>,
    /// When the next one becomes due; `None` if none is waiting.
    pub next: Option<Timestamp>,
    /// Unsafe calls that a run which has died meanwhile marked as begun, and that have no result: in a store that several runs share.
    pub interrupted: Vec<Effect>,
    /// Effects that are due and whose bodies [do not open](crate::Bodies::open_effect): this run leaves them, and carries out the others.
    pub unreadable: Vec<EffectId>,
}

/// Effects that wait for others of their kind only, so that slow calls hold up no timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Calls to providers.
    Calls,
    /// Timers.
    Timers,
    /// Notices.
    Notices,
    /// Entries of the consent ledger.
    Ledger,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [Self::Calls, Self::Timers, Self::Notices, Self::Ledger];

    /// The lane of an effect; `None`: the store itself carries it out, in the transaction of its transition.
    pub const fn of(effect: &EffectKind) -> Option<Self> {
        match effect {
            EffectKind::Call(_) => Some(Self::Calls),
            EffectKind::Timer { .. } => Some(Self::Timers),
            EffectKind::Notify(_) => Some(Self::Notices),
            EffectKind::Ledger(_) => Some(Self::Ledger),
            EffectKind::CancelCall(_) | EffectKind::CancelTimer(_) | EffectKind::Erase { .. } => {
                None
            }
        }
    }

    /// The number by which stores keep it. It never changes.
    pub const fn number(self) -> i16 {
        match self {
            Self::Calls => 0,
            Self::Timers => 1,
            Self::Notices => 2,
            Self::Ledger => 3,
        }
    }
}

/// The right to carry out a store's effects, until it is dropped.
#[derive(Debug)]
pub struct RunLease {
    taken: Arc<AtomicBool>,
    ended: Option<Arc<Notify>>,
}

impl RunLease {
    /// Takes the lease that this flag stands for.
    ///
    /// # Errors
    ///
    /// [`InUse`](EngineErrorKind::InUse) if it is taken.
    pub fn take(taken: &Arc<AtomicBool>) -> Result<Self, EngineError> {
        match taken.swap(true, Ordering::AcqRel) {
            true => Err(EngineError::new(EngineErrorKind::InUse)),
            false => Ok(Self {
                taken: Arc::clone(taken),
                ended: None,
            }),
        }
    }

    /// Tells whoever waits for this once the lease is dropped.
    #[must_use]
    pub fn telling(mut self, ended: Arc<Notify>) -> Self {
        self.ended = Some(ended);
        self
    }
}

impl Drop for RunLease {
    fn drop(&mut self) {
        self.taken.store(false, Ordering::Release);
        if let Some(ended) = &self.ended {
            ended.notify_one();
        }
    }
}
