//! What every request is answered with.

use std::sync::Arc;

use kyc_journey::{JourneyEngine, Provider};
use kyc_journey_performer::{Returns, Webhooks};
use provider_core::Clock;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::consents::ConsentReceipts;
use crate::keys::{ApiToken, Digests};
use crate::limits::{Limits, Rate, Shares};
use crate::peer::Peer;
use crate::sessions::Sessions;

pub(crate) type Shared = Arc<Inner>;

pub(crate) struct Inner {
    pub(crate) engine: Arc<dyn JourneyEngine>,
    pub(crate) digests: Digests,
    pub(crate) token: ApiToken,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) receipts: Option<Arc<dyn ConsentReceipts>>,
    pub(crate) webhooks: Webhooks,
    pub(crate) returns: Returns,
    pub(crate) providers: Vec<Provider>,
    pub(crate) hosts: Vec<String>,
    pub(crate) path: String,
    pub(crate) limits: Limits,
    pub(crate) api_rate: Rate,
    pub(crate) outside_rate: Rate,
    /// Wrong tokens at the operator's page.
    pub(crate) sign_ins: Shares<Peer>,
    pub(crate) unsigned: Shares<String>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) sessions: Sessions,
    /// The interface as an OpenAPI document.
    pub(crate) document: Value,
    pub(crate) closing: watch::Sender<bool>,
}
