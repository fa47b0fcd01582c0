//! *Check Profile*: which account aggregators know a mobile number.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use provider_core::capability::Readiness;
use provider_core::lenient::Printable;
use provider_core::lint::Findings;
use provider_core::{
    BuiltRequest, Endpoint, Idempotency, InvalidRequest, Items, Mark, Masked, Mobile, Operation,
    RequestBuilder, ResponseError, Verified, check_id, lenient,
};
use serde::{Deserialize, Serialize};

use crate::envelope::read;
use crate::{Finpro, RateLimit};

/// The caller's id for this question, 1 to 100 characters, passed on to the aggregators (`[seed]`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct UserConsentId(String);

provider_core::text_input! {
    UserConsentId, "The caller's id for this question: 1 to 100 characters.", pattern: "^.{1,100}$"
}

impl UserConsentId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// Empty, or longer than 100 characters, or a control character. The allowed characters are not documented.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        if !(1..=100).contains(&text.chars().count()) {
            let rule = "must be 1 to 100 characters";
            return Err(InvalidRequest::new("userConsentId", rule));
        }
        check_id("userConsentId", text).map(|()| Self(text.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An account aggregator's id in a request: 2 to 50 letters and digits, without `@` (`[seed]`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct AaId(String);

provider_core::text_input! {
    AaId, "An account aggregator's id: 2 to 50 letters and digits, without @.", pattern: "^[A-Za-z0-9]{2,50}$"
}

impl AaId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// Not 2 to 50 ASCII letters and digits.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        if (2..=50).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRequest::new(
                "aaId",
                "must be 2 to 50 letters and digits, without @",
            ))
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The request of *Check Profile*.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckProfile {
    /// The person's mobile number, 10 digits
    pub(crate) mobile_number: Mobile,
    /// Your id for this question, 1 to 100 characters
    user_consent_id: UserConsentId,
    /// Ask these aggregators only, 2 to 50 letters and digits each; all if absent
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) aa_id: Vec<AaId>,
}

provider_core::request! { CheckProfile }

impl CheckProfile {
    /// Creates a request to all enabled aggregators. The id is required: FinPro lists its absence as an error (`[seed]`).
    pub fn new(mobile_number: Mobile, user_consent_id: UserConsentId) -> Self {
        Self {
            mobile_number,
            user_consent_id,
            aa_id: Vec::new(),
        }
    }

    /// Asks only these aggregators. Empty means all again: FinPro does not document the effect of an empty list, so none is
    /// sent.
    #[must_use]
    pub fn set_aa_ids(mut self, aa_ids: impl IntoIterator<Item = AaId>) -> Self {
        self.aa_id = aa_ids.into_iter().collect();
        self
    }
}

/// The reply of *Check Profile* (`[seed]`).
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProfileReport {
    /// The API's version; opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ver: Option<String>,
    /// When the report was created, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// FinPro's id of this request. Quote it to support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub txnid: Option<String>,
    /// One row for each aggregator that was asked; the order is not promised, so match by the aggregator's id. This client sets
    /// aside a row that it cannot read, see [`Items::unread`].
    pub data: Items<ProfileRow>,
    /// The rest of the rate limit, from the headers.
    #[serde(skip)]
    pub rate_limit: RateLimit,
}

/// Prints of FinPro's text what looks like an id, a version or a time.
impl fmt::Debug for ProfileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileReport")
            .field("ver", &self.ver.as_deref().map(Printable))
            .field("timestamp", &self.timestamp.as_deref().map(Printable))
            .field("txnid", &self.txnid.as_deref().map(Printable))
            .field("data", &self.data)
            .field("rate_limit", &self.rate_limit)
            .finish()
    }
}

provider_core::open_enum! {
    /// How an aggregator's check ended (`[seed]`).
    pub enum RowStatus {
        /// It answered.
        Success = "success",
        /// It did not answer within its limit.
        Timeout = "timeout",
        /// It failed; see [`ProfileRow::error_message`].
        Failed = "failed",
    }
}

/// What one aggregator said (`[seed]`). `None` is "could not tell", never "no".
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProfileRow {
    /// The aggregator, without `@`. Other FinPro endpoints spell the same id differently. This client does not normalise it.
    pub aa_id: String,
    /// Whether the person has a virtual user account (VUA) there.
    #[serde(default, deserialize_with = "lenient::boolean")]
    pub registration_status: Option<bool>,
    /// Whether at least one account is linked there.
    #[serde(default, deserialize_with = "lenient::boolean")]
    pub has_linked_accounts: Option<bool>,
    /// How the check ended.
    pub status: RowStatus,
    /// The aggregator's text, when the check failed.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub error_message: Option<Masked>,
    /// Whether another row says something else about the aggregator.
    #[serde(skip)]
    pub(crate) is_contradicted: bool,
}

/// Prints the aggregator's id if it looks like one.
impl fmt::Debug for ProfileRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileRow")
            .field("aa_id", &Printable(&self.aa_id))
            .field("registration_status", &self.registration_status)
            .field("has_linked_accounts", &self.has_linked_accounts)
            .field("status", &self.status)
            .field("error_message", &self.error_message)
            .finish()
    }
}

impl ProfileRow {
    /// What the row means for an onboarding. An undocumented combination is [`Readiness::Undetermined`].
    ///
    /// | status | registered | linked | readiness | source |
    /// |---|---|---|---|---|
    /// | success | true | true | `Ready` | `[seed]` table |
    /// | success | true | false | `NeedsLinking` | `[seed]` sample |
    /// | success | false | false | `NeedsRegistration` | `[seed]` table |
    /// | any other combination, an error's text beside one, or another row of the reply that says something else about the
    /// aggregator | | | `Undetermined` | `[derived]` |
    pub fn readiness(&self) -> Readiness {
        let error = self.error_message.as_ref().map(Masked::expose);
        if self.is_contradicted || error.is_some_and(|text| !text.trim().is_empty()) {
            return Readiness::Undetermined;
        }
        match (
            &self.status,
            self.registration_status,
            self.has_linked_accounts,
        ) {
            (RowStatus::Success, Some(true), Some(true)) => Readiness::Ready,
            (RowStatus::Success, Some(true), Some(false)) => Readiness::NeedsLinking,
            (RowStatus::Success, Some(false), Some(false)) => Readiness::NeedsRegistration,
            _ => Readiness::Undetermined,
        }
    }
}

/// Marks rows of one aggregator that do not say the same: nobody knows which of them is true.
fn mark_contradictions(rows: &mut [ProfileRow]) {
    let mut said: HashMap<String, (Readiness, bool)> = HashMap::new();
    let name = |row: &ProfileRow| row.aa_id.trim().to_ascii_lowercase();
    for row in rows.iter() {
        let readiness = row.readiness();
        let found = said.entry(name(row)).or_insert((readiness, false));
        found.1 |= found.0 != readiness;
    }
    for row in rows {
        row.is_contradicted = said.get(&name(row)).is_some_and(|(_, differs)| *differs);
    }
}

impl Endpoint for CheckProfile {
    type Provider = Finpro;
    type Output = ProfileReport;

    const OPERATION: Operation =
        Operation::new("check-profile", "POST /profile", Idempotency::Safe)
            // Room for two attempts, each as slow as the slowest aggregator: 4 to 6 s (`[seed]`).
            .with_timeout(Duration::from_secs(15))
            .documented(Mark::Seed);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        request.json(self)
    }

    fn lint(&self, findings: &mut Findings<'_>) {
        findings.mobile("mobileNumber", &self.mobile_number);
    }

    fn response(&self, response: &Verified) -> Result<ProfileReport, ResponseError> {
        let (received, mut data) = read(response, |rows: &Items<ProfileRow>| {
            !rows.is_empty() || rows.unread_count() > 0
        })?;
        mark_contradictions(&mut data);
        Ok(ProfileReport {
            ver: received.ver,
            timestamp: received.timestamp,
            txnid: received.txnid,
            data,
            rate_limit: RateLimit::from_headers(response.headers()),
        })
    }
}
