//! Withdrawals that reach every journey.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kyc_consent::{Code, ConsentLedger, Follower, LedgerError, Scope, Subject, Withdrawal};
use kyc_journey::{EngineError, EngineErrorKind, Event, EventKey, Fact, JourneyEngine, JourneyId};
use provider_core::jiff::Timestamp;
use provider_core::{Clock, InvalidRequest, SystemClock};

/// Withdraws consent at the ledger, and in every journey that follows it.
///
/// The ledger comes first: from its commit on, no call that was proved before begins, whatever a journey knows. In the same commit it
/// notes which journeys have to be told; each is told until that is noted, too. So a crash at any point is repaired by
/// [`fan_out`](Self::fan_out): call it at each start, before the runner. Where one database has both, they are told in the ledger's
/// transaction.
#[derive(Debug, Clone)]
pub struct Withdrawals {
    ledger: ConsentLedger,
    engine: Arc<dyn JourneyEngine>,
    clock: Arc<dyn Clock>,
    database: Option<Arc<dyn OneDatabase>>,
}

/// A database that has both ledger and journeys.
#[async_trait]
pub trait OneDatabase: fmt::Debug + Send + Sync {
    /// Withdraws, and applies each event to the journey that is called as its follower, in one transaction, in which those that took it and
    /// those that are unknown are noted as told.
    ///
    /// # Errors
    ///
    /// Nothing was written. After [`NotWithdrawn::Engine`] the ledger is written first, and the journeys are told after it.
    async fn withdraw(
        &self,
        subject: Subject,
        scope: Scope,
        channel: &Code,
        tell: Vec<(Follower, Event)>,
    ) -> Result<Withdrawal, NotWithdrawn>;
}

/// Why a withdrawal did not reach every journey.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotWithdrawn {
    /// The ledger failed. Unless it told of a withdrawal before, nothing is withdrawn.
    #[error("the ledger: {0}")]
    Ledger(#[from] LedgerError),
    /// The consent is withdrawn, and a journey could not be told yet: no call of it begins, and the next fan-out tells it.
    #[error("the consent is withdrawn, and a journey was not told: {0}")]
    Engine(#[from] EngineError),
    /// Journeys that the ledger names could not be told, because each is damaged, or none: they are read or written by nobody. All others
    /// have been told.
    #[error("journeys that cannot be read were not told of their consent's withdrawal: {}", journeys.join(", "))]
    Untold {
        /// Their names.
        journeys: Vec<String>,
    },
    /// A name in the ledger is none of a journey.
    #[error("{0}")]
    Invalid(#[from] InvalidRequest),
    /// The process is ending.
    #[error("it was ended")]
    Ended,
}

impl NotWithdrawn {
    /// Whether another journey may be told.
    fn is_of_one_journey(&self) -> bool {
        match self {
            Self::Engine(error) => error.kind() == EngineErrorKind::Corrupt,
            Self::Invalid(_) => true,
            Self::Untold { .. } | Self::Ledger(_) | Self::Ended => false,
        }
    }
}

impl Withdrawals {
    /// Withdrawals at this ledger, for the journeys of this engine.
    pub fn new(ledger: ConsentLedger, engine: Arc<dyn JourneyEngine>) -> Self {
        Self {
            ledger,
            engine,
            clock: Arc::new(SystemClock),
            database: None,
        }
    }

    /// Withdraws and tells the journeys in one transaction of the database that has both.
    #[must_use]
    pub fn in_one_database(mut self, database: Arc<dyn OneDatabase>) -> Self {
        self.database = Some(database);
        self
    }

    /// Goes by another clock: the engine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Withdraws a person's consent and tells the journeys. What has to follow besides is in the answer, see
    /// [`ConsentLedger::withdraw`]: what journeys obtained they give back themselves. A journey that is damaged keeps nobody from a
    /// withdrawal: it stays [untold](ConsentLedger::untold).
    ///
    /// # Errors
    ///
    /// As for [`ConsentLedger::withdraw`]; or [`NotWithdrawn::Engine`], and then it is withdrawn.
    pub async fn withdraw(
        &self,
        subject: Subject,
        scope: Scope,
        channel: &Code,
    ) -> Result<Withdrawal, NotWithdrawn> {
        let withdrawn = match &self.database {
            Some(database) => {
                let tell = self.to_be_told(subject, scope).await?;
                match database.withdraw(subject, scope, channel, tell).await {
                    // What stops the calls is the ledger.
                    Err(NotWithdrawn::Engine(error)) => {
                        tracing::warn!(%error, "journeys are told of a withdrawal after it");
                        None
                    }
                    other => Some(other?),
                }
            }
            None => None,
        };
        let withdrawn = match withdrawn {
            Some(withdrawn) => withdrawn,
            None => {
                let (ledger, channel) = (self.ledger.clone(), channel.clone());
                blocking(move || ledger.withdraw(subject, scope, &channel)).await?
            }
        };
        match self.fan_out().await {
            Ok(_) | Err(NotWithdrawn::Untold { .. }) => Ok(withdrawn),
            Err(error) => Err(error),
        }
    }

    /// The followers of the receipts that would end, each with its event.
    async fn to_be_told(
        &self,
        subject: Subject,
        scope: Scope,
    ) -> Result<Vec<(Follower, Event)>, NotWithdrawn> {
        let ledger = self.ledger.clone();
        let read = blocking(move || Ok((ledger.state(subject)?, ledger.followers(subject)?)));
        let (state, followers) = read.await?;
        let ends = |follower: &Follower| {
            state.receipts.iter().any(|row| {
                let is_chosen = match scope {
                    Scope::Receipt(id) => id == row.id,
                    _ => true,
                };
                let is_consent = row.rule.is_none() && row.ended.is_none();
                is_chosen && is_consent && follower.receipt == Some(row.id)
            })
        };
        let mut tell = Vec::new();
        for follower in followers.into_iter().filter(ends) {
            // One that is no journey's is told of by itself, and does not keep the others from it.
            if let Ok(journey) = JourneyId::parse(&follower.name) {
                match self.event(&journey, &follower).await {
                    // Nor does one that cannot be read.
                    Err(error) if error.is_of_one_journey() => {}
                    event => tell.push((follower, event?)),
                }
            }
        }
        Ok(tell)
    }

    /// Tells every journey that has not been told of its consent's withdrawal, and says how many those were. None is told twice: the
    /// event has the receipt's name.
    ///
    /// # Errors
    ///
    /// One could not be told; call it again. Where journeys themselves are at fault, [`NotWithdrawn::Untold`] names them, and the others
    /// have been told nevertheless; where the ledger or the engine is, those before it have.
    pub async fn fan_out(&self) -> Result<usize, NotWithdrawn> {
        let (mut told, mut after) = (0_usize, String::new());
        let mut journeys = Vec::new();
        loop {
            let ledger = self.ledger.clone();
            let untold = blocking(move || ledger.untold(&after)).await?;
            let Some(last) = untold.last() else {
                return match journeys.is_empty() {
                    true => Ok(told),
                    false => Err(NotWithdrawn::Untold { journeys }),
                };
            };
            after = last.name.clone();
            for follower in untold {
                match self.tell(&follower).await {
                    Ok(()) => {}
                    Err(error) if error.is_of_one_journey() => {
                        tracing::error!(journey = %follower.name, %error, "a journey was not told of a withdrawal");
                        journeys.push(follower.name);
                        continue;
                    }
                    Err(error) => return Err(error),
                }
                let ledger = self.ledger.clone();
                blocking(move || ledger.told(&follower)).await?;
                told = told.saturating_add(1);
            }
        }
    }

    async fn tell(&self, follower: &Follower) -> Result<(), NotWithdrawn> {
        let journey = JourneyId::parse(&follower.name)?;
        let event = self.event(&journey, follower).await?;
        match self.engine.submit(&journey, event).await {
            Ok(_) => Ok(()),
            // It never started, or was forgotten; without a live consent it makes no call.
            Err(error) if error.kind() == EngineErrorKind::UnknownJourney => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What tells a journey, once: it has the receipt's name.
    async fn event(&self, journey: &JourneyId, follower: &Follower) -> Result<Event, NotWithdrawn> {
        let receipt = follower
            .receipt
            .map_or_else(String::new, |id| id.to_string());
        let key = EventKey::command(&format!("withdrawal-{receipt}"))?;
        // The time of a journey's events does not go back, whatever clock it goes by.
        let last = self.engine.read(journey).await?;
        let last = last.map_or(Timestamp::MIN, |record| record.updated_at);
        let at = self.clock.now().max(last);
        Ok(Event::new(key, at, None, Fact::Withdrawn))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, NotWithdrawn> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| NotWithdrawn::Ended)??)
}
