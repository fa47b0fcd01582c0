//! *Fetch JSON Report*: profile, summary and transactions of the consented accounts.

use std::time::Duration;

use provider_core::lenient::Read;
use provider_core::{
    BuiltRequest, DecodeError, Endpoint, Idempotency, InvalidRequest, Items, Label, Mark, Masked,
    Operation, RequestBuilder, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, echoed, read};
use crate::report_flow::check_session;
use crate::{DataRequestId, Finpass, ReportFlow, SessionId};

/// The request of *Fetch JSON Report*. The names of its members are upstream's, and those of *Fetch PDF Report* (`[upstream]`,
/// `[docs: AA-pdf]`).
///
/// Without `request_id` it is that of a lending decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct FetchJsonReport {
    /// The session's id, from the reply of Initialize
    client_id: SessionId,
    /// The refresh's id, from the reply of Refresh Data; required for a session of loan_monitoring
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<DataRequestId>,
}

provider_core::request! { FetchJsonReport }

impl FetchJsonReport {
    /// Creates a request for the data of the session that [`Initialize`](crate::Initialize) opened.
    pub fn new(client_id: SessionId, flow: ReportFlow) -> Self {
        Self {
            client_id,
            request_id: flow.into_request_id(),
        }
    }
}

/// The reply of *Fetch JSON Report* (`[upstream]`).
pub type JsonReport = Envelope<JsonReportData>;

/// The data of a session. Finpass's own tables are not readable: the shape is upstream's, whose page is cut off inside
/// `profile_details` (`[upstream]`), and what clients of upstream read (`[3p]`). Everything is optional; what is not named here is
/// in [`Response::body`](provider_core::Response::body).
///
/// How a session answers whose consent is not given yet is not documented (`[unknown]`). One client expects a
/// [`status`](Self::status) instead of the accounts (`[3p]`). This client takes a reply with neither for an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct JsonReportData {
    /// The session's id. This client refuses a reply that names another one than the request.
    #[serde(default, deserialize_with = "echoed")]
    pub client_id: Option<SessionId>,
    /// `PENDING` while the person has not decided, `COMPLETED`, `READY` or `FAILED` (`[3p]`). Another one is not final.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<Label>,
    /// The accounts; `None` while there are none. This client sets aside one that it cannot read, see [`Items::unread`].
    pub account_aggregator_json: Option<Items<ReportedAccount>>,
}

/// An account of a report, unconfirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ReportedAccount {
    /// The account's id, a UUID (`[upstream]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub account_id: Option<Label>,
    /// `READY`, the only value that is shown (`[upstream]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<Label>,
    /// The holder (`[upstream]`).
    #[serde(default, deserialize_with = "lenient::object")]
    pub profile_details: Option<ReportedProfile>,
    /// The account (`[3p]`).
    #[serde(default, deserialize_with = "lenient::object")]
    pub summary_details: Option<ReportedSummary>,
    /// How its data was fetched (`[3p]`).
    #[serde(default, deserialize_with = "lenient::object")]
    pub fi_status_details: Option<ReportedFiStatus>,
    /// Its transactions (`[3p]`).
    #[serde(default, deserialize_with = "lenient::object")]
    pub transaction_data: Option<ReportedTransactions>,
}

/// The holder of an account (`[upstream]`, cut off after `nominee`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ReportedProfile {
    /// The name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: Option<Masked>,
    /// The date of birth, `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub dob: Option<Masked>,
    /// The mobile number.
    #[serde(default, deserialize_with = "lenient::text")]
    pub mobile: Option<Masked>,
    /// Whether a nominee is registered, such as `REGISTERED`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub nominee: Option<Masked>,
}

/// What clients of upstream read of an account's summary (`[3p]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ReportedSummary {
    /// Such as `ACTIVE`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<Label>,
    /// Such as `SAVINGS` or `CURRENT`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub account_sub_type: Option<Label>,
    /// The account's number, masked by the institution.
    #[serde(default, deserialize_with = "lenient::text")]
    pub account_number: Option<Masked>,
}

/// How an account's data was fetched (`[3p]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ReportedFiStatus {
    /// The account's number, masked by the institution.
    #[serde(default, deserialize_with = "lenient::text")]
    pub account_number: Option<Masked>,
}

/// The transactions of an account (`[3p]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ReportedTransactions {
    /// The transactions. An id is reported to come more than once: do not drop one for its id alone.
    #[serde(default, deserialize_with = "lenient::value")]
    pub transaction_details: Option<Items<ReportedTransaction>>,
}

provider_core::open_enum! {
    /// The direction of a transaction (`[3p]`).
    pub enum TransactionType {
        /// Into the account.
        Credit = "CREDIT",
        /// Out of the account.
        Debit = "DEBIT",
    }
}

/// A transaction (`[3p]`).
///
/// Amounts are text or numbers: read them as exact decimals and never as floats. This client keeps them as text, digit by
/// digit. `provider_core::Amount`, with the feature `money`, is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ReportedTransaction {
    /// Its id.
    #[serde(default, deserialize_with = "lenient::text")]
    pub transaction_id: Option<Masked>,
    /// The direction.
    #[serde(rename = "type", default, deserialize_with = "lenient::text")]
    pub kind: Option<TransactionType>,
    /// Such as `UPI` or `OTHERS`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub mode: Option<Label>,
    /// The amount.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub amount: Read<Masked>,
    /// The bank's text.
    #[serde(default, deserialize_with = "lenient::text")]
    pub narration: Option<Masked>,
    /// The balance after it; missing in some replies.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub transaction_balance: Read<Masked>,
    /// When it happened: `YYYY-MM-DDTHH:MM:SS.f`, without a zone.
    #[serde(default, deserialize_with = "lenient::text")]
    pub transaction_timestamp: Option<Masked>,
    /// The day from which it counts, `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub value_date: Option<Masked>,
}

impl Endpoint for FetchJsonReport {
    type Provider = Finpass;
    type Output = JsonReport;

    const OPERATION: Operation = Operation::new(
        "fetch-json-report",
        "POST /api/v1/services/account-aggregator/fetch-json-report",
        Idempotency::Safe,
    )
    // Accounts of years are long.
    .with_timeout(Duration::from_secs(60))
    .with_max_reply_bytes(64 * 1024 * 1024)
    // Not a correlated reply: the session is compared if it is named, but nothing promises that it is.
    .documented(Mark::Upstream);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpass>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        request.json(self)
    }

    fn response(&self, response: &Verified) -> Result<JsonReport, ResponseError> {
        let report: JsonReport = read(response)?;
        check_session(&self.client_id, report.data.client_id.as_ref())?;
        if report.data.account_aggregator_json.is_none() && report.data.status.is_none() {
            return Err(DecodeError::missing_data("$.data.account_aggregator_json").into());
        }
        Ok(report)
    }
}
