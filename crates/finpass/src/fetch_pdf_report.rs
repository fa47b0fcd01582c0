//! *Fetch PDF Report*: links to the statements of the consented accounts.

use provider_core::{
    BuiltRequest, Endpoint, Idempotency, InvalidRequest, Items, Label, Mark, Masked, Operation,
    RequestBuilder, ResponseError, Verified, check_web_url, lenient,
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::envelope::{Envelope, echoed, read};
use crate::report_flow::check_session;
use crate::{DataRequestId, Finpass, ReportFlow, SessionId};

/// The request of *Fetch PDF Report* (`[docs: AA-pdf]`).
///
/// Without `request_id` it is that of a lending decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct FetchPdfReport {
    /// The session's id, from the reply of Initialize
    client_id: SessionId,
    /// The refresh's id, from the reply of Refresh Data; required for a session of loan_monitoring
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<DataRequestId>,
}

provider_core::request! { FetchPdfReport }

impl FetchPdfReport {
    /// Creates a request for the statements of the session that [`Initialize`](crate::Initialize) opened.
    pub fn new(client_id: SessionId, flow: ReportFlow) -> Self {
        Self {
            client_id,
            request_id: flow.into_request_id(),
        }
    }
}

/// The reply of *Fetch PDF Report* (`[docs: AA-pdf]`).
pub type PdfReport = Envelope<PdfReportData>;

/// The statements of a session, one entry for each account at an institution. Each has its own status: some may be there when
/// others are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PdfReportData {
    /// The session's id. This client refuses a reply that names another one than the request.
    #[serde(default, deserialize_with = "echoed")]
    pub client_id: Option<SessionId>,
    /// The statements. This client sets aside one that it cannot read, or whose link is no `http` or `https` URL, see
    /// [`Items::unread`].
    pub reports: Items<PdfStatement>,
}

/// The statement of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PdfStatement {
    /// The institution, such as `HDFC-FIP`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fip_id: Option<Label>,
    /// The account's number, masked by the institution.
    #[serde(default, deserialize_with = "lenient::text")]
    pub account_number: Option<Masked>,
    /// Whether it is there. A status that is not listed is not final.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<PdfStatus>,
    /// Where it is. Its value while the statement is not ready is not documented (`[unknown]`): null and an empty text are
    /// `None`.
    #[serde(default, deserialize_with = "web_link")]
    pub statement_report_link: Option<ReportLink>,
}

provider_core::open_enum! {
    /// Whether a statement is there (`[docs: AA-pdf]`).
    pub enum PdfStatus {
        /// Follow the link.
        Ready = "READY",
        /// Ask again later.
        Pending = "PENDING",
        /// It will not come.
        Failed = "FAILED",
    }
}

provider_core::masked_text! {
    /// A pre-signed, time-limited link to a statement (`[docs: AA-pdf]`; its lifetime is not documented): whoever has it has the
    /// statement. It is at another host: fetch it without Finpass's credentials, with a limit, and look whether a PDF comes.
    pub struct ReportLink;
}

/// Reads a link; whoever follows it must not be sent to another scheme, such as `file:`.
fn web_link<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ReportLink>, D::Error> {
    let link: Option<Masked> = lenient::text(deserializer)?;
    let Some(link) = link.filter(|link| !link.expose().is_empty()) else {
        return Ok(None);
    };
    check_web_url("statement_report_link", link.expose())
        .map_err(InvalidRequest::into_deserialize_error)?;
    Ok(Some(ReportLink::new(link.expose())))
}

impl Endpoint for FetchPdfReport {
    type Provider = Finpass;
    type Output = PdfReport;

    const OPERATION: Operation = Operation::new(
        "fetch-pdf-report",
        // The menu's name and the path differ.
        "POST /api/v1/services/account-aggregator/fetch-statement-pdf",
        Idempotency::Safe,
    )
    // Not a correlated reply: the session is compared if it is named, but nothing promises that it always is.
    .documented(Mark::Docs);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpass>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        request.json(self)
    }

    fn response(&self, response: &Verified) -> Result<PdfReport, ResponseError> {
        let report: PdfReport = read(response)?;
        check_session(&self.client_id, report.data.client_id.as_ref())?;
        Ok(report)
    }
}
