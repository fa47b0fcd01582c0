//! The AA-BSA family, under `/api/v1/aa-bsa-journey`: consent and analysis in one journey, with a status.
//!
//! Its replies have neither `status_code` nor `message_code` (`[docs]`), and its errors are not readable (`[unknown]`). A sister
//! page has `{success, message, error_code}` with a code in capitals (`[docs: ITR-init]`), which is read, too.

mod get_analysis;
mod get_journey_status;
mod get_statement_result;
mod initialize_journey;
mod state;

pub use get_analysis::{AnalysedIncome, Analysis, AnalysisData, AnalysisSummary, GetAnalysis};
pub use get_journey_status::{GetJourneyStatus, JourneyProgress, JourneyStatusData};
pub use get_statement_result::{
    GetStatementResult, StatementAccount, StatementResult, StatementResultData,
    StatementTransaction,
};
pub use initialize_journey::{
    InitializeJourney, InitializedJourney, JourneyData, JourneyId, JourneyUrl,
};
pub use state::{JourneyState, JourneyStatus};

/// Implements `Endpoint` for a read whose only member is the journey's id, in the query.
macro_rules! read_of_journey {
    ($request:ty => $reply:ty, $operation:expr, $accept:expr) => {
        impl provider_core::Endpoint for $request {
            type Provider = crate::Finpass;
            type Output = $reply;

            // Not a correlated reply: the journey is compared if it is named, but nothing promises that it always is.
            const OPERATION: provider_core::Operation = $operation;

            fn request<'a>(
                &'a self,
                request: provider_core::RequestBuilder<'a, crate::Finpass>,
            ) -> Result<provider_core::BuiltRequest<'a>, provider_core::InvalidRequest> {
                request.query("client_id", self.client_id.as_str()).empty()
            }

            fn response(
                &self,
                response: &provider_core::Verified,
            ) -> Result<$reply, provider_core::ResponseError> {
                let reply: $reply = crate::envelope::read(response)?;
                crate::report_flow::check_session(&self.client_id, reply.data.client_id.as_ref())?;
                let accept: fn(&$reply) -> Result<(), provider_core::DecodeError> = $accept;
                accept(&reply)?;
                Ok(reply)
            }
        }
    };
}

pub(crate) use read_of_journey;
