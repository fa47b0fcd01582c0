//! *Refresh Data*: asks for new data under a consent that exists.

use provider_core::{
    BuiltRequest, DecodeError, Endpoint, Idempotency, InvalidRequest, Mark, Operation,
    RequestBuilder, ResponseError, Verified,
};
use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, read};
use crate::{ClientId, Finpass};

provider_core::opaque_id! {
    /// The id by which a refresh is tracked, and by which its report is fetched. How long it stays valid is not documented.
    pub struct DataRequestId("request_id");
}

/// The request of *Refresh Data*: whose data. Its only field's name is upstream's, unconfirmed for Finpass (`[upstream]`).
///
/// Whether a session for [`LoanUnderwriting`](crate::ConsentType::LoanUnderwriting) may be refreshed, and how often, is not
/// documented (`[unknown]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshData {
    /// The session's id, as Initialize gave it
    client_id: ClientId,
}

impl RefreshData {
    /// Asks for new data of the session that [`Initialize`](crate::Initialize) opened.
    pub fn new(client_id: ClientId) -> Self {
        Self { client_id }
    }
}

/// The reply of *Refresh Data* (`[upstream]`).
pub type Refreshed = Envelope<RefreshedData>;

/// A refresh that was begun. It ends some time later; how that is told is not documented (`[unknown]`), so fetch the report
/// with the id until it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RefreshedData {
    /// The refresh's id.
    pub request_id: DataRequestId,
}

impl Endpoint for RefreshData {
    type Provider = Finpass;
    type Output = Refreshed;

    const OPERATION: Operation = Operation::new(
        "refresh-data",
        "POST /api/v1/services/account-aggregator/refresh-data",
        // Each call begins another refresh, which may be billed; no idempotency key is documented.
        Idempotency::Unsafe,
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
