//! *Analysis JSON* of AA-BSA: what Finpass concludes from the accounts of a journey.

use provider_core::lenient::Read;
use provider_core::{DecodeError, Idempotency, Items, Mark, Masked, Operation, lenient};
use serde::{Deserialize, Serialize};

use super::read_of_journey;
use crate::envelope::{Envelope, echoed};
use crate::{JourneyId, RawJson};

/// The request of *Analysis JSON* of AA-BSA (`[docs: BSAJ-analysis]`), once the journey is
/// [`AnalysisComplete`](crate::JourneyStatus::AnalysisComplete). What it answers before is not documented (`[unknown]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetAnalysis {
    /// The journey's id, the client_id of the reply of Initialize of AA-BSA
    #[cfg_attr(feature = "schema", schemars(extend("x-query" = "client_id")))]
    client_id: JourneyId,
}

provider_core::request! { GetAnalysis }

impl GetAnalysis {
    /// Creates a request.
    pub fn new(client_id: JourneyId) -> Self {
        Self { client_id }
    }
}

/// The reply of *Analysis JSON* of AA-BSA (`[docs: BSAJ-analysis]`).
pub type Analysis = Envelope<AnalysisData>;

/// An analysis. The page was cut off inside `income`: the ratio of fixed obligations, the trend of the cash flow and the risk flags
/// are named in its prose without their members (`[unknown]`), and are in [`Response::body`](provider_core::Response::body).
///
/// Amounts are text or numbers: read them as exact decimals and never as floats. This client keeps them as text, digit by
/// digit, and takes a reply with neither a summary nor an income for an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AnalysisData {
    /// The journey's id. This client refuses a reply that names another one than the request.
    #[serde(default, deserialize_with = "echoed")]
    pub client_id: Option<JourneyId>,
    /// Its first and last day; the names of the members are not readable (`[unknown]`).
    #[serde(default)]
    pub analysis_period: Option<RawJson>,
    /// All accounts together.
    #[serde(default, deserialize_with = "lenient::object")]
    pub summary: Option<AnalysisSummary>,
    /// The income.
    #[serde(default, deserialize_with = "lenient::object")]
    pub income: Option<AnalysedIncome>,
}

/// All accounts together, in rupees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AnalysisSummary {
    /// What came in.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub total_credits: Read<Masked>,
    /// What went out.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub total_debits: Read<Masked>,
    /// The average balance of a month.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub average_monthly_balance: Read<Masked>,
    /// The lowest balance of a month.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub minimum_monthly_balance: Read<Masked>,
}

/// The income.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AnalysedIncome {
    /// The average income of a month, in rupees.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub average_monthly_income: Read<Masked>,
    /// How steady it is, 0 to 100; higher is steadier.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub income_stability_score: Read<Masked>,
    /// What looks like a salary, by month; the form of an item is cut off (`[unknown]`).
    #[serde(default, deserialize_with = "lenient::value")]
    pub identified_salary_credits: Option<Items<RawJson>>,
}

read_of_journey!(
    GetAnalysis => Analysis,
    Operation::new(
        "analysis-json",
        "GET /api/v1/aa-bsa-journey/analysis-json",
        Idempotency::Safe,
    )
    .documented(Mark::Docs),
    |analysis| match (&analysis.data.summary, &analysis.data.income) {
        (None, None) => Err(DecodeError::missing_data("$.data.summary")),
        _ => Ok(()),
    }
);
