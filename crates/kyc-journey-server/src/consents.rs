//! The seam to a ledger of consent.

use std::fmt;

use async_trait::async_trait;
use kyc_journey::{JourneyId, ReceiptId};
use provider_core::Mobile;
use provider_core::jiff::Timestamp;

/// Writes the consents of journeys: each answer of a person is here before their journey hears of it, so that a journey that goes on has
/// a receipt, and one whose consent was withdrawn makes no call, whenever the process dies. A request that was cut off may be sent again;
/// each of these may be done again.
///
/// With one, callers bring no receipts: they are written here. Without, the server takes the receipts of an application that keeps a ledger
/// of its own.
#[async_trait]
pub trait ConsentReceipts: fmt::Debug + Send + Sync {
    /// The text of the notice to which persons consent: a start that brings none has it.
    fn notice_text(&self) -> &str;

    /// Notes whose a journey is, before it begins.
    ///
    /// # Errors
    ///
    /// It is another person's, or the ledger cannot be written: the journey does not begin.
    async fn begin(&self, journey: &JourneyId, person: &Mobile) -> Result<(), NotWritten>;

    /// Writes that the person of a journey consented, unless there is a receipt of it that the journey has not heard of.
    ///
    /// # Errors
    ///
    /// The consent was withdrawn meanwhile; the journey is unknown; or the ledger cannot be written. The journey is not told.
    async fn give(&self, journey: &JourneyId) -> Result<WrittenReceipt, NotWritten>;

    /// Writes that the person consented anew, in place of the receipt that the journey knows, unless that was written before.
    ///
    /// # Errors
    ///
    /// As for [`give`](Self::give).
    async fn renew(
        &self,
        journey: &JourneyId,
        known: &ReceiptId,
    ) -> Result<WrittenReceipt, NotWritten>;

    /// Withdraws a receipt that was written for a journey which had ended by then and did not take it, unless another journey goes on
    /// under it.
    ///
    /// # Errors
    ///
    /// It is not written.
    async fn take_back(&self, journey: &JourneyId) -> Result<(), NotWritten>;

    /// Withdraws the consent of a journey, if there is one, and tells every journey under it. Once it is written, one that cannot be told
    /// now is no error: it makes no call, and is told later.
    ///
    /// # Errors
    ///
    /// It is not written.
    async fn withdraw(&self, journey: &JourneyId) -> Result<(), NotWritten>;
}

/// A receipt in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenReceipt {
    /// Its id.
    pub id: ReceiptId,
    /// When it ends by the journeys' clock; `None`: the ledger alone says when.
    pub expires_at: Option<Timestamp>,
}

/// Why a ledger of consent did not write something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotWritten {
    /// It cannot be written now. Send the request again.
    Unavailable,
    /// The journey is another person's.
    OtherPerson,
    /// The consent was withdrawn.
    Withdrawn,
    /// The ledger does not know whose the journey is.
    Unknown,
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the ledger of consents cannot be written now",
            Self::OtherPerson => "the journey is another person's",
            Self::Withdrawn => "the consent was withdrawn",
            Self::Unknown => "the ledger of consents does not know the journey",
        })
    }
}

impl std::error::Error for NotWritten {}
