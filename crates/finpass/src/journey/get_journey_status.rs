//! *Status* of AA-BSA: how a journey is.

use provider_core::jiff::Timestamp;
use provider_core::{Idempotency, Label, Mark, Masked, Observation, Operation, Progress, lenient};
use serde::{Deserialize, Serialize};

use super::read_of_journey;
use crate::envelope::{Envelope, echoed};
use crate::{ConsentType, JourneyId, JourneyState, JourneyStatus};

/// The request of *Status* of AA-BSA (`[docs: BSAJ-status]`). Poll it after the person was sent to the journey, "at regular
/// intervals", of which the figure is cut off, or wait for the webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetJourneyStatus {
    /// The journey's id, the client_id of the reply of Initialize of AA-BSA
    #[cfg_attr(feature = "schema", schemars(extend("x-query" = "client_id")))]
    client_id: JourneyId,
}

provider_core::request! { GetJourneyStatus }

impl GetJourneyStatus {
    /// Creates a request.
    pub fn new(client_id: JourneyId) -> Self {
        Self { client_id }
    }
}

/// The reply of *Status* of AA-BSA (`[docs: BSAJ-status]`).
pub type JourneyProgress = Envelope<JourneyStatusData>;

/// The status of a journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct JourneyStatusData {
    /// The journey's id. This client refuses a reply that names another one than the request.
    #[serde(default, deserialize_with = "echoed")]
    pub client_id: Option<JourneyId>,
    /// The status.
    pub status: JourneyStatus,
    /// What the consent is for.
    #[serde(default, deserialize_with = "lenient::text")]
    pub consent_type: Option<ConsentType>,
    /// The mobile number, masked by Finpass.
    #[serde(default, deserialize_with = "lenient::text")]
    pub mobile_number: Option<Masked>,
    /// When it changed, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub updated_at: Option<Label>,
}

impl JourneyStatusData {
    /// What the reply tells about a journey, and what that does to its progress: `None` for a word that is not documented, which
    /// changes nothing.
    pub fn told(&self, journey: &mut Progress<JourneyState>) -> Option<Observation> {
        let at: Option<Timestamp> = self.updated_at.as_ref().and_then(|at| at.parse().ok());
        self.status.state().map(|state| journey.observe(state, at))
    }
}

read_of_journey!(
    GetJourneyStatus => JourneyProgress,
    Operation::new("journey-status", "GET /api/v1/aa-bsa-journey/status", Idempotency::Safe)
        .documented(Mark::Docs),
    |_| Ok(())
);
