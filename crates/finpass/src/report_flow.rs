//! Whose report is fetched, and which of them.

use provider_core::VerificationError;

use crate::DataRequestId;

/// What a session was opened for, and with it the documented rule for `request_id`: required for
/// [`LoanMonitoring`](crate::ConsentType::LoanMonitoring), optional for
/// [`LoanUnderwriting`](crate::ConsentType::LoanUnderwriting) (`[docs: AA-pdf]`, the field table; the page's prose says the
/// reverse).
///
/// A fetch does not say what its session was opened for, so only the caller knows. The id is that of a
/// [`RefreshData`](crate::RefreshData).
///
/// ```
/// use finpass::{DataRequestId, ReportFlow};
///
/// let first = ReportFlow::Underwriting { request_id: None };
/// let monitored = ReportFlow::Monitoring { request_id: DataRequestId::parse("account_aggregator_v2_1")? };
/// # Ok::<(), finpass::provider_core::InvalidRequest>(())
/// ```
///
/// ```compile_fail
/// let monitored = finpass::ReportFlow::Monitoring { request_id: None };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportFlow {
    /// A lending decision.
    Underwriting {
        /// The refresh whose data is fetched; without one the data of the consent.
        request_id: Option<DataRequestId>,
    },
    /// A running loan.
    Monitoring {
        /// The refresh whose data is fetched.
        request_id: DataRequestId,
    },
}

impl ReportFlow {
    pub(crate) fn into_request_id(self) -> Option<DataRequestId> {
        match self {
            Self::Underwriting { request_id } => request_id,
            Self::Monitoring { request_id } => Some(request_id),
        }
    }
}

/// Refuses a reply that names another session than the request.
pub(crate) fn check_session<T: PartialEq>(
    asked: &T,
    echo: Option<&T>,
) -> Result<(), VerificationError> {
    match echo {
        Some(echo) if echo != asked => Err(VerificationError::OtherRequest),
        _ => Ok(()),
    }
}
