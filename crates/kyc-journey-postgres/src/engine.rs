//! The engine: a pool of connections, groups of events, a lease.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::Pool;
use jiff::Timestamp;
use kyc_journey::{
    Bodies, Due, Effect, EffectId, EngineError, EngineErrorKind, Event, HistoryEntry,
    JourneyEngine, JourneyFilter, JourneyId, JourneyPage, JourneyRecord, Lane, Machine, Outbox,
    PageToken, Payload, Provider, Reported, RunLease, Sealer, Seq, Submitted,
};
use tokio::sync::Notify;

use crate::claim::{self, Claim, Share};
use crate::group::Groups;
use crate::lease::Leases;
use crate::{reads, reports};

/// Journeys in a PostgreSQL database, which any number of processes share.
///
/// A write is acknowledged once the server has it on its disk; what is submitted meanwhile shares a later commit. Each process may have a
/// [`Runner`](kyc_journey::Runner): effects are shared out among them, and those of one that dies go to the others once its lease has
/// ended. Nothing is lost with a connection: what was not acknowledged can be submitted again, and is applied once.
pub struct PostgresEngine {
    pub(crate) pool: Pool,
    bodies: Bodies,
    pub(crate) groups: Groups,
    leases: Leases,
    poll: Duration,
    changed: Arc<Notify>,
    is_run: Arc<AtomicBool>,
    is_closed: AtomicBool,
}

impl fmt::Debug for PostgresEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresEngine").finish_non_exhaustive()
    }
}

impl PostgresEngine {
    pub(crate) fn start(
        pool: Pool,
        sealer: Arc<dyn Sealer>,
        machine: Machine,
        waiting: usize,
        lease: Duration,
        poll: Duration,
    ) -> Self {
        let bodies = Bodies::new(sealer);
        let changed: Arc<Notify> = Arc::default();
        let groups = Groups::new(
            pool.clone(),
            bodies.clone(),
            machine,
            waiting,
            Arc::clone(&changed),
        );
        Self {
            leases: Leases::new(pool.clone(), bodies.clone(), lease),
            pool,
            bodies,
            groups,
            poll,
            changed,
            is_run: Arc::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// How many transactions of events were committed since the engine was opened.
    pub fn commits(&self) -> u64 {
        self.groups.commits()
    }

    /// How many calls of these journeys are to be made, or are under way, here or elsewhere; those that have none are left out. None is
    /// taken up.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn waiting_calls(
        &self,
        journeys: &[JourneyId],
    ) -> Result<HashMap<JourneyId, usize>, EngineError> {
        self.open()?;
        Ok(reads::waiting_calls(&self.pool, journeys).await?)
    }

    /// How many of those calls do not open, so that nobody makes them.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn unreadable_calls(
        &self,
        journeys: &[JourneyId],
    ) -> Result<HashMap<JourneyId, usize>, EngineError> {
        self.open()?;
        Ok(reads::unreadable_calls(&self.pool, &self.bodies, journeys).await?)
    }

    /// Whether a run of another engine has taken up something of a journey, and has not been silent for as long as its lease.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn is_carried_out_elsewhere(&self, journey: &JourneyId) -> Result<bool, EngineError> {
        self.open()?;
        let own = self.leases.current();
        Ok(reads::is_carried_out_elsewhere(&self.pool, journey, own).await?)
    }

    /// Takes the journeys for this process until what is returned is dropped, with others who have them likewise, or alone; `None` while
    /// somebody else has them otherwise. It binds nobody but those who ask: take them before you begin a journey or a run, because a run takes
    /// up whatever begins in the database. It ends with its connection, so that nothing is left of a process that dies.
    ///
    /// # Errors
    ///
    /// The database cannot be reached.
    pub async fn claim(&self, share: Share) -> Result<Option<Claim>, EngineError> {
        self.open()?;
        Ok(claim::take(&self.pool, share).await?)
    }

    /// Takes nothing more, commits what waits, and gives up the lease, so that another process takes over at once and not when it ends.
    /// Call it after [`Runner::run`](kyc_journey::Runner::run) has returned, before the process ends.
    ///
    /// # Errors
    ///
    /// The database cannot be reached: the lease ends by itself.
    pub async fn close(&self) -> Result<(), EngineError> {
        self.is_closed.store(true, Ordering::Release);
        self.groups.close().await;
        Ok(self.leases.close().await?)
    }

    /// Applies events by another machine than [`apply`](kyc_journey::apply).
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_machine(self, machine: Machine) -> Self {
        self.groups.set_machine(machine);
        self
    }

    pub(crate) fn open(&self) -> Result<(), EngineError> {
        match self.is_closed.load(Ordering::Acquire) {
            true => Err(EngineError::new(EngineErrorKind::Closed)),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl JourneyEngine for PostgresEngine {
    async fn submit(&self, journey: &JourneyId, event: Event) -> Result<Submitted, EngineError> {
        self.groups.submit(journey, event).await
    }

    async fn report(&self, provider: Provider, event: Event) -> Result<Reported, EngineError> {
        self.open()?;
        let (pool, bodies) = (&self.pool, &self.bodies);
        let mut found = reports::whose(pool, bodies, provider, &event).await?;
        loop {
            if let Some(id) = found {
                match self.groups.submit(&id, event.clone()).await {
                    Ok(submitted) => return Ok(Reported::Submitted(id, submitted)),
                    // It was forgotten meanwhile.
                    Err(error) if error.kind() == EngineErrorKind::UnknownJourney => {}
                    Err(error) => return Err(error),
                }
            }
            found = reports::park(pool, bodies, provider, &event).await?;
            if found.is_none() {
                return Ok(Reported::Parked);
            }
        }
    }

    async fn read(&self, journey: &JourneyId) -> Result<Option<JourneyRecord>, EngineError> {
        self.open()?;
        Ok(reads::record(&self.pool, &self.bodies, journey).await?)
    }

    async fn read_listed(
        &self,
        journeys: &[JourneyId],
    ) -> Result<HashMap<JourneyId, JourneyRecord>, EngineError> {
        self.open()?;
        Ok(reads::listed(&self.pool, &self.bodies, journeys).await?)
    }

    async fn history(
        &self,
        journey: &JourneyId,
        after: Seq,
    ) -> Result<Vec<HistoryEntry>, EngineError> {
        self.open()?;
        Ok(reads::history(&self.pool, &self.bodies, journey, after).await?)
    }

    async fn payload(&self, journey: &JourneyId, seq: Seq) -> Result<Option<Payload>, EngineError> {
        self.open()?;
        Ok(reads::payload(&self.pool, &self.bodies, journey, seq).await?)
    }

    async fn list(
        &self,
        filter: &JourneyFilter,
        page: PageToken,
    ) -> Result<JourneyPage, EngineError> {
        self.open()?;
        Ok(reads::list(&self.pool, filter, &page).await?)
    }

    async fn forget(&self, journey: &JourneyId) -> Result<(), EngineError> {
        self.open()?;
        Ok(reports::forget(&self.pool, journey).await?)
    }
}

#[async_trait]
impl Outbox for PostgresEngine {
    /// A run of this engine. Others, of other processes, share the effects with it.
    fn begin(&self) -> Result<RunLease, EngineError> {
        let lease = RunLease::take(&self.is_run)?;
        Ok(lease.telling(self.leases.begin(None)))
    }

    fn begin_only(&self, journey: &JourneyId) -> Result<RunLease, EngineError> {
        let lease = RunLease::take(&self.is_run)?;
        Ok(lease.telling(self.leases.begin(Some(journey))))
    }

    async fn interrupted(&self) -> Result<Vec<Effect>, EngineError> {
        self.open()?;
        Ok(self.leases.interrupted().await?)
    }

    async fn due(
        &self,
        now: Timestamp,
        room: &[(Lane, usize)],
        under_way: &HashSet<EffectId>,
    ) -> Result<Due, EngineError> {
        self.open()?;
        Ok(self.leases.due(now, room, under_way).await?)
    }

    async fn mark(&self, effect: &EffectId) -> Result<bool, EngineError> {
        self.open()?;
        Ok(self.leases.mark(effect).await?)
    }

    async fn is_waiting(&self, effect: &EffectId) -> Result<bool, EngineError> {
        self.open()?;
        Ok(self.leases.is_waiting(effect).await?)
    }

    async fn done(&self, effect: &EffectId) -> Result<(), EngineError> {
        self.open()?;
        Ok(self.leases.done(effect).await?)
    }

    async fn changed(&self) {
        tokio::select! {
            () = self.changed.notified() => {}
            () = tokio::time::sleep(self.poll) => {}
        }
    }
}
