//! The decision about a verification session.

mod curp;
mod document;
mod person;
mod screening;
mod session_person;

use std::fmt;

use consent_hmac::{SessionId, Veriff};
use provider_core::lenient::{Printable, Read, Told};
use provider_core::{
    Fault, FaultClass, Idempotency, Items, Mark, Masked, Operation, RawJson, ResponseError,
    Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::endpoint::by_id;
use crate::reply::{ReplyStatus, accept, status};

pub use curp::{CurpDecision, CurpStatus, GetCurpDecision};
pub use document::{DocumentData, RiskLabel, RiskScore, TechnicalData, VerifiedDocumentType};
pub use person::{ParsedAddress, PersonAddress, PersonData};
pub use screening::{
    CheckType, GetScreening, Listing, Listings, MatchStatus, ScreeningFinding, ScreeningReply,
    SearchTerm, WatchlistHit, WatchlistScreening,
};
pub use session_person::{GetPerson, PepSanctionMatch, PersonReply, SessionPerson};

/// The request of a session's decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetDecision {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
}

provider_core::request! { GetDecision }

impl GetDecision {
    /// Creates a request for the decision about this session.
    pub fn new(session_id: SessionId) -> Self {
        Self { session_id }
    }

    fn read(&self, response: &Verified) -> Result<Decision, ResponseError> {
        let received: ReceivedDecision = lenient::reply(response, &INFORMATIONAL)?;
        let said = [
            &received.code,
            &received.error,
            &received.errors,
            &received.success,
        ];
        // The usual reply is not parsed again.
        if said.into_iter().any(|told| !matches!(told, Told::Nothing))
            && let Some(fault) = Veriff::refusal(response)
        {
            return Err(fault.with_class(FaultClass::Contradictory).into());
        }
        let decision = Decision {
            status: received.status,
            verification: received.verification,
            technical_data: received.technical_data,
        };
        let about = decision.verification.as_ref().map(|found| &*found.id);
        accept(response, decision.status.as_ref(), &self.session_id, about)?;
        // A word that nobody knows may be one of a success elsewhere, but not beside what is believed of a person.
        match decision.status {
            None | Some(ReplyStatus::Success | ReplyStatus::Created) => Ok(decision),
            Some(_) => Err(Fault::new()
                .with_meaning(Some("the status is none of a success"))
                .with_class(FaultClass::Contradictory)
                .into()),
        }
    }
}

/// The reply: a decision, or none yet (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Decision {
    /// `success`.
    #[serde(default, deserialize_with = "status")]
    pub status: Option<ReplyStatus>,
    /// The decision; `None` while nothing is decided. Without a decision webhook URL, old integrations may never have one.
    // Read so that the member has to be there, be it null: a reply without it says nothing about the session.
    #[serde(deserialize_with = "lenient::object_or_null")]
    pub verification: Option<Verification>,
    /// What is known of the person's device (`[3p]`).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::object"
    )]
    pub technical_data: Option<TechnicalData>,
}

/// A decision. The page was cut off after `endUserId` (`[docs]`); the fields after it are unconfirmed (`[3p]`). What is not
/// named here is in [`Response::body`](provider_core::Response::body).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Verification {
    /// The session's id. This client refuses a reply that names another one than the request.
    #[serde(deserialize_with = "lenient::id")]
    pub id: String,
    /// The attempt that was decided.
    #[serde(default, deserialize_with = "lenient::text")]
    pub attempt_id: Option<String>,
    /// When the session was accepted, ISO 8601 in UTC with three to six fraction digits.
    #[serde(default, deserialize_with = "lenient::text")]
    pub acceptance_time: Option<String>,
    /// When it was decided, in the same form.
    #[serde(default, deserialize_with = "lenient::text")]
    pub decision_time: Option<String>,
    /// The code, which means something beside [`status`](Self::status) only. Read [`Verification::verdict`] instead.
    #[serde(default, deserialize_with = "Read::integer")]
    pub code: Read<u16>,
    /// What the session was created with.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vendor_data: Option<Masked>,
    /// The end-user, a UUID.
    #[serde(default, deserialize_with = "lenient::text")]
    pub end_user_id: Option<Masked>,
    /// `approved`, `declined`, `resubmission_requested`, `expired`, `abandoned` or `review` (`[3p]`).
    #[serde(default, deserialize_with = "Read::text")]
    pub status: Read<Masked>,
    /// Why it was declined or has to be repeated, for people (`[3p]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason: Option<Masked>,
    /// The same for machines: 101 to 129 declined, 201 and up resubmission (`[docs]`).
    #[serde(default, deserialize_with = "Read::integer")]
    pub reason_code: Read<u16>,
    /// Who was verified (`[3p]`).
    #[serde(default, deserialize_with = "lenient::object")]
    pub person: Option<PersonData>,
    /// What was verified (`[3p]`).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::object"
    )]
    pub document: Option<DocumentData>,
    /// What registries confirmed, in a free form (`[3p]`).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "document::raw"
    )]
    pub additional_verified_data: Option<RawJson>,
    /// What Veriff noticed (`[3p]`).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::value"
    )]
    pub risk_labels: Option<Items<RiskLabel>>,
    /// How risky the session is (`[3p]`).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::object"
    )]
    pub risk_score: Option<RiskScore>,
    /// The comparison with an earlier session, in a form that is not documented (`[3p]`).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "document::raw"
    )]
    pub biometric_authentication: Option<RawJson>,
    /// Deprecated, and empty (`[3p]`).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "document::raw"
    )]
    pub comments: Option<RawJson>,
    /// Deprecated (`[3p]`).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::boolean"
    )]
    pub high_risk: Option<bool>,
}

/// Prints no text of Veriff's but the id, if it looks like one.
impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification")
            .field("id", &Printable(&self.id))
            .field("verdict", &self.verdict())
            .field("reason_code", &self.reason_code.value())
            .finish_non_exhaustive()
    }
}

/// The verdict of a decision: its status and its code, read as a pair (`[docs]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// Final and positive: `approved`, 9001.
    Approved,
    /// Final and negative: `declined`, 9102. Another attempt needs another session.
    Declined,
    /// Not final: `resubmission_requested`, 9103. The person tries again at the same URL.
    ResubmissionRequested,
    /// Never started within 7 days: `expired`, 9104.
    Expired,
    /// Started and not finished within 7 days: `abandoned`, 9104.
    Abandoned,
    /// One of the two above: the reply has the code that they share and no status.
    ExpiredOrAbandoned,
    /// Not final: `review`, 9121. A person at Veriff reviews it.
    Review,
    /// Status and code contradict each other, one of them cannot be read, or neither is documented. Never take it for an
    /// approval.
    Unclear,
}

impl Verification {
    /// Status and code as a pair. A contradiction, or one that is there and cannot be read, is [`Verdict::Unclear`]; where
    /// one of them is absent or null the other decides. So is an approval with a reason, which only the others have, and a
    /// decline or a resubmission with the reason code of the other one.
    pub fn verdict(&self) -> Verdict {
        let reason = self.reason.as_ref().map(Masked::expose);
        let has_reason = reason.is_some_and(|reason| !reason.trim().is_empty());
        match (self.decided(), &self.reason_code) {
            (Verdict::Approved, code)
                if has_reason || !matches!(code, Read::Absent | Read::Value(0)) =>
            {
                Verdict::Unclear
            }
            (Verdict::Declined, Read::Value(200..300)) => Verdict::Unclear,
            (Verdict::ResubmissionRequested, Read::Value(100..200)) => Verdict::Unclear,
            (decided, _) => decided,
        }
    }

    /// Status and code as a pair.
    fn decided(&self) -> Verdict {
        let (status, code) = match (&self.status, &self.code) {
            (Read::Unreadable(_), _) | (_, Read::Unreadable(_)) => return Verdict::Unclear,
            (status, code) => (status.value().map(Masked::expose), code.value()),
        };
        match (status, code) {
            (Some("approved"), Some(9001) | None) | (None, Some(9001)) => Verdict::Approved,
            (Some("declined"), Some(9102) | None) | (None, Some(9102)) => Verdict::Declined,
            (Some("resubmission_requested"), Some(9103) | None) | (None, Some(9103)) => {
                Verdict::ResubmissionRequested
            }
            (Some("expired"), Some(9104) | None) => Verdict::Expired,
            (Some("abandoned"), Some(9104) | None) => Verdict::Abandoned,
            (None, Some(9104)) => Verdict::ExpiredOrAbandoned,
            (Some("review"), Some(9121) | None) | (None, Some(9121)) => Verdict::Review,
            _ => Verdict::Unclear,
        }
    }
}

/// What may be repeated: it decides nothing.
const INFORMATIONAL: [&str; 14] = [
    "attemptId",
    "acceptanceTime",
    "decisionTime",
    "vendorData",
    "endUserId",
    "person",
    "document",
    "additionalVerifiedData",
    "riskLabels",
    "riskScore",
    "biometricAuthentication",
    "comments",
    "highRisk",
    "technicalData",
];

by_id!(
    GetDecision.session_id, Self::read => Decision,
    Operation::new("decision", "GET /v1/sessions/{id}/decision", Idempotency::Safe)
        // By the session's id in the signed body; a reply without a decision has none, and says nothing about a person.
        .with_correlated_reply()
        .documented(Mark::Docs),
    doubt: |decision| {
        let verdict = decision.verification.as_ref().map(Verification::verdict);
        (verdict == Some(Verdict::Unclear)).then_some(
            "$.verification is unclear: status, code and reason contradict each other, or are not documented; it is no approval",
        )
    }
);

/// A 2xx body: the decision, and what says that something went wrong.
#[derive(Deserialize)]
struct ReceivedDecision {
    #[serde(default, deserialize_with = "status")]
    status: Option<ReplyStatus>,
    #[serde(default)]
    code: Told,
    #[serde(default)]
    error: Told,
    #[serde(default)]
    errors: Told,
    #[serde(default)]
    success: Told,
    #[serde(deserialize_with = "lenient::object_or_null")]
    verification: Option<Verification>,
    #[serde(
        rename = "technicalData",
        default,
        deserialize_with = "lenient::object"
    )]
    technical_data: Option<TechnicalData>,
}
