//! *Refresh Data*: requests new data under an existing consent.

use provider_core::{
    BuiltRequest, DecodeError, Endpoint, Idempotency, InvalidRequest, Mark, Operation,
    RequestBuilder, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, read};
use crate::{Finpass, SessionId};

provider_core::opaque_id! {
    /// The id that identifies a refresh and fetches its report. Its lifetime is not documented.
    pub struct DataRequestId("request_id");
}

/// The request of *Refresh Data*. The name of its only field is upstream's, unconfirmed for Finpass (`[upstream]`).
///
/// Whether a session for [`LoanUnderwriting`](crate::ConsentType::LoanUnderwriting) may be refreshed, and how often, is not
/// documented (`[unknown]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct RefreshData {
    /// The session's id, from the reply of Initialize
    client_id: SessionId,
}

provider_core::request! { RefreshData }

impl RefreshData {
    /// Creates a request for new data of the session that [`Initialize`](crate::Initialize) opened.
    pub fn new(client_id: SessionId) -> Self {
        Self { client_id }
    }
}

/// The reply of *Refresh Data* (`[upstream]`).
pub type Refreshed = Envelope<RefreshedData>;

/// A refresh that has started. It completes later; how its completion is reported is not documented (`[unknown]`), so poll
/// the report with the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RefreshedData {
    /// The refresh's id.
    #[serde(deserialize_with = "lenient::id")]
    pub request_id: DataRequestId,
}

impl Endpoint for RefreshData {
    type Provider = Finpass;
    type Output = Refreshed;

    const OPERATION: Operation = Operation::new(
        "refresh-data",
        "POST /api/v1/services/account-aggregator/refresh-data",
        // Each call starts another refresh, which may be billed; no idempotency key is documented.
        Idempotency::Unsafe,
    )
    // No page has a status call; the fetches of the family tell what arrived.
    .settled_by(
        "no look-up is documented; start another refresh only if one that is billed in vain is acceptable, or ask Finpass \
         with the time and the request id",
    )
    .documented(Mark::Upstream);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpass>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        request.json(self)
    }

    fn response(&self, response: &Verified) -> Result<Refreshed, ResponseError> {
        let refreshed: Refreshed = read(response)?;
        if refreshed.data.request_id.as_str().trim().is_empty() {
            return Err(DecodeError::missing_data("$.data.request_id").into());
        }
        Ok(refreshed)
    }
}
