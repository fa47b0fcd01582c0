//! The consents of journeys that are served, in the ledger beside them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kyc_consent::{Code, LedgerError, ReceiptRow, Scope};
use kyc_facade::provider_core::{Clock, InvalidRequest, Mobile};
use kyc_journey::{JourneyId, ReceiptId};
use kyc_journey_performer::{NotWithdrawn, Withdrawals};
use kyc_journey_server::{ConsentReceipts, NotWritten, WrittenReceipt};

use super::store::untold;
use crate::storage::ledger::{Ledger, is_withdrawn};
use crate::storage::terms::ConsentTerms;
use crate::terminal::output::Output;

/// How often the ledger is looked at for withdrawals by other processes.
const EVERY: Duration = Duration::from_secs(2);

/// Writes receipts by the same code as `kyc journey start`.
#[derive(Debug, Clone)]
pub(super) struct Receipts {
    pub(super) ledger: Ledger,
    pub(super) terms: ConsentTerms,
    pub(super) withdrawals: Withdrawals,
    pub(super) clock: Arc<dyn Clock>,
    /// Whether the journeys' clock is the ledger's, so that a receipt's end is one of the journey, too.
    pub(super) is_one_time: bool,
    pub(super) output: Output,
    /// The journeys that could not be told when they were opened, which was said.
    pub(super) untold_before: Vec<String>,
    /// Two answers to one notice are one receipt.
    pub(super) one: Arc<Mutex<()>>,
}

impl Receipts {
    /// Does it on a thread that may wait for the disk.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, NotWritten> {
        let (this, output) = (self.clone(), self.output);
        let done = tokio::task::spawn_blocking(move || {
            let _one = this.one.lock().unwrap_or_else(PoisonError::into_inner);
            work(&this)
        });
        match done.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(LedgerError::Unknown(_))) => Err(NotWritten::Unknown),
            Ok(Err(error)) => {
                let told = format!("the ledger of consents was not written: {error}");
                output.tell(&told);
                Err(NotWritten::Unavailable)
            }
            Err(_) => Err(NotWritten::Unavailable),
        }
    }

    /// Tells the journeys whose consent was withdrawn, here or by another process.
    pub(super) async fn fan_out(&self) -> Result<usize, NotWithdrawn> {
        self.withdrawals.fan_out().await
    }

    /// Tells them again and again: a withdrawal by another process is in the ledger alone.
    pub(super) async fn keep_telling(&self) {
        let mut is_told = false;
        let mut known = self.untold_before.clone();
        loop {
            self.clock.sleep(EVERY).await;
            match self.fan_out().await {
                Ok(_) => is_told = false,
                // Each is told of once; it is tried again all the same.
                Err(NotWithdrawn::Untold { journeys }) => {
                    is_told = false;
                    if journeys != known {
                        self.output.tell(&untold(&journeys));
                        known = journeys;
                    }
                }
                Err(_) if is_told => {}
                Err(_) => {
                    self.output.tell("journeys whose consent was withdrawn cannot be told now; they make no call, and it is tried again");
                    is_told = true;
                }
            }
        }
    }

    fn written(&self, row: &ReceiptRow) -> Result<WrittenReceipt, NotWritten> {
        match (is_withdrawn(row), ReceiptId::parse(row.id.to_string())) {
            (true, _) => Err(NotWritten::Withdrawn),
            (false, Ok(id)) => Ok(WrittenReceipt {
                id,
                expires_at: self.is_one_time.then_some(row.expires_at),
            }),
            (false, Err(_)) => Err(NotWritten::Unavailable),
        }
    }
}

/// By what consent is withdrawn here.
fn channel() -> Result<Code, InvalidRequest> {
    Code::new("api")
}

#[async_trait]
impl ConsentReceipts for Receipts {
    fn notice_text(&self) -> &str {
        self.terms.notice_text()
    }

    async fn begin(&self, journey: &JourneyId, person: &Mobile) -> Result<(), NotWritten> {
        let (journey, person) = (journey.clone(), person.clone());
        let followed = self.with(move |this| this.ledger.follow(&journey, &person));
        match followed.await? {
            true => Ok(()),
            false => Err(NotWritten::OtherPerson),
        }
    }

    async fn give(&self, journey: &JourneyId) -> Result<WrittenReceipt, NotWritten> {
        let journey = journey.clone();
        let row = self.with(move |this| this.ledger.agree(&journey, &this.terms));
        self.written(&row.await?)
    }

    async fn renew(
        &self,
        journey: &JourneyId,
        known: &ReceiptId,
    ) -> Result<WrittenReceipt, NotWritten> {
        let (journey, known) = (journey.clone(), known.as_str().to_owned());
        let row = self.with(move |this| this.ledger.renew(&journey, &known, &this.terms));
        self.written(&row.await?)
    }

    async fn take_back(&self, journey: &JourneyId) -> Result<(), NotWritten> {
        let journey = journey.clone();
        self.with(move |this| this.ledger.take_back(&journey)).await
    }

    async fn withdraw(&self, journey: &JourneyId) -> Result<(), NotWritten> {
        let journey = journey.clone();
        let follower = self.with(move |this| this.ledger.0.follower(journey.as_str()));
        let follower = follower.await?;
        let Some((subject, receipt)) = follower.and_then(|one| Some((one.subject, one.receipt?)))
        else {
            return Ok(());
        };
        let channel = channel().map_err(|_| NotWritten::Unavailable)?;
        let scope = Scope::Receipt(receipt);
        match self.withdrawals.withdraw(subject, scope, &channel).await {
            // Whoever cannot be told now is told with those of other processes' withdrawals.
            Ok(_) | Err(NotWithdrawn::Engine(_) | NotWithdrawn::Invalid(_)) => Ok(()),
            Err(NotWithdrawn::Ledger(LedgerError::Unknown(_))) => Err(NotWritten::Unknown),
            Err(error) => {
                self.output
                    .tell(&format!("the ledger of consents was not written: {error}"));
                Err(NotWritten::Unavailable)
            }
        }
    }
}
