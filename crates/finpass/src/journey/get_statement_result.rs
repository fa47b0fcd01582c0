//! *Statement Result* of AA-BSA: the accounts of a journey and their transactions.

use std::time::Duration;

use provider_core::lenient::Read;
use provider_core::{Idempotency, Items, Label, Mark, Masked, Operation, lenient};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::read_of_journey;
use crate::envelope::{Envelope, echoed};
use crate::{JourneyId, RawJson};

/// The request of *Statement Result* of AA-BSA (`[docs: BSAJ-statement]`), once the journey is
/// [`AnalysisComplete`](crate::JourneyStatus::AnalysisComplete). What it answers before is not documented (`[unknown]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetStatementResult {
    /// The journey's id, the client_id of the reply of Initialize of AA-BSA
    #[cfg_attr(feature = "schema", schemars(extend("x-query" = "client_id")))]
    client_id: JourneyId,
}

provider_core::request! { GetStatementResult }

impl GetStatementResult {
    /// Creates a request.
    pub fn new(client_id: JourneyId) -> Self {
        Self { client_id }
    }
}

/// The reply of *Statement Result* of AA-BSA (`[docs: BSAJ-statement]`).
pub type StatementResult = Envelope<StatementResultData>;

/// The accounts of a journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct StatementResultData {
    /// The journey's id. This client refuses a reply that names another one than the request.
    #[serde(default, deserialize_with = "echoed")]
    pub client_id: Option<JourneyId>,
    /// The accounts. This client sets aside one that it cannot read, see [`Items::unread`].
    pub accounts: Items<StatementAccount>,
}

/// An account of a journey. Balances are text or numbers: read them as exact decimals and never as floats. This client keeps
/// them as text, digit by digit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct StatementAccount {
    /// The account's id, unique within the journey.
    #[serde(default, deserialize_with = "lenient::text")]
    pub account_id: Option<Label>,
    /// The account's number, masked.
    #[serde(default, deserialize_with = "lenient::text")]
    pub account_number: Option<Masked>,
    /// The branch.
    #[serde(default, deserialize_with = "lenient::text")]
    pub ifsc: Option<Masked>,
    /// The bank's name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub bank_name: Option<Masked>,
    /// The holder's name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub holder_name: Option<Masked>,
    /// Such as `Savings` or `Current`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub account_type: Option<Label>,
    /// The balance at the beginning, in rupees.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub opening_balance: Read<Masked>,
    /// The balance at the end, in rupees.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(default, deserialize_with = "Read::text")]
    pub closing_balance: Read<Masked>,
    /// The first day, `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub statement_from: Option<Label>,
    /// The last day, `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub statement_to: Option<Label>,
    /// The transactions.
    #[serde(default, deserialize_with = "lenient::value")]
    pub transactions: Option<Items<StatementTransaction>>,
}

/// A transaction. The page was cut off after its first member, so the others, the amount too, are kept as they came
/// (`[unknown]`): [`json`](Self::json).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatementTransaction {
    /// When it happened; the format is cut off.
    pub date: Option<Masked>,
    json: RawJson,
}

/// A transaction. Only its date is documented (`[unknown]`): the other members, the amount too, are as Finpass sends them.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("additionalProperties" = true)))]
struct TransactionHead {
    /// When it happened; the format is not documented.
    #[serde(default, deserialize_with = "lenient::text")]
    date: Option<Masked>,
}

impl StatementTransaction {
    /// The whole transaction as JSON text, byte for byte. It is personal data; do not log it.
    pub fn json(&self) -> &str {
        self.json.as_str()
    }
}

impl Serialize for StatementTransaction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StatementTransaction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = RawJson::deserialize(deserializer)?;
        let head = provider_core::serde_json::from_str(json.as_str());
        let lenient::Object(TransactionHead { date }) =
            head.map_err(|_| D::Error::custom("not a transaction"))?;
        Ok(Self { date, json })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for StatementTransaction {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StatementTransaction".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        TransactionHead::json_schema(generator)
    }
}

read_of_journey!(
    GetStatementResult => StatementResult,
    Operation::new(
        "statement-result",
        "GET /api/v1/aa-bsa-journey/statement-result",
        Idempotency::Safe,
    )
    // Accounts of years are long; what a client buffers is bounded all the same.
    .with_timeout(Duration::from_secs(60))
    .with_max_reply_bytes(64 * 1024 * 1024)
    .documented(Mark::Docs),
    |_| Ok(())
);
