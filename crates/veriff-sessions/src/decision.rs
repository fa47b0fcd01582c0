//! The decision about a verification session.

use std::fmt;

use consent_hmac::{SessionId, Veriff};
use provider_core::lenient::{Object, Printable, Read};
use provider_core::{
    BuiltRequest, Endpoint, Idempotency, InvalidRequest, Mark, Masked, Operation, RequestBuilder,
    ResponseError, VerificationError, Verified, lenient,
};
use serde::{Deserialize, Deserializer, Serialize};

/// The request of a session's decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GetDecision {
    /// The session, 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
}

impl GetDecision {
    /// Creates a request for the decision about this session.
    pub fn new(session_id: SessionId) -> Self {
        Self { session_id }
    }
}

/// The reply: a decision, or none yet (`[docs]`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Decision {
    /// `success`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<String>,
    /// The decision; `None` while nothing is decided. Without a decision webhook URL, old integrations may never have one.
    // Read so that the member has to be there, be it null: a reply without it says nothing about the session.
    #[serde(deserialize_with = "lenient::object_or_null")]
    pub verification: Option<Verification>,
}

/// A decision. The page was cut off after `endUserId` (`[docs]`); the fields after it are unconfirmed (`[3p]`). What is not
/// named here, such as the document, is in [`Response::body`](provider_core::Response::body).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Verification {
    /// The session's id. A reply that names another session than the request is refused.
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
    /// The code, which means something beside [`status`](Self::status) only: read [`verdict`](Self::verdict).
    #[serde(default, deserialize_with = "Read::integer")]
    pub code: Read<u16>,
    /// What the session was created with.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vendor_data: Option<Masked>,
    /// The end-user, a UUID.
    #[serde(default, deserialize_with = "lenient::text")]
    pub end_user_id: Option<Masked>,
    /// The status (`[3p]`).
    #[serde(default, deserialize_with = "Read::text")]
    pub status: Read<VerificationStatus>,
    /// Why it was declined or has to be repeated, for people (`[3p]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason: Option<Masked>,
    /// The same for machines: 101 to 129 declined, 201 and up resubmission (`[docs]`).
    #[serde(default, deserialize_with = "lenient::integer")]
    pub reason_code: Option<u16>,
    /// Who was verified (`[3p]`).
    #[serde(default, deserialize_with = "person")]
    pub person: Option<PersonData>,
}

fn person<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PersonData>, D::Error> {
    let person: Option<Object<PersonData>> = lenient::value(deserializer)?;
    Ok(person.map(|Object(person)| person))
}

/// Prints the status if it looks like a word.
impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("status", &self.status.as_deref().map(Printable))
            .field("verification", &self.verification)
            .finish()
    }
}

/// Prints of Veriff's text what looks like an id or a time.
impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification")
            .field("id", &Printable(&self.id))
            .field("attempt_id", &self.attempt_id.as_deref().map(Printable))
            .field(
                "acceptance_time",
                &self.acceptance_time.as_deref().map(Printable),
            )
            .field(
                "decision_time",
                &self.decision_time.as_deref().map(Printable),
            )
            .field("code", &self.code)
            .field("vendor_data", &self.vendor_data)
            .field("end_user_id", &self.end_user_id)
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("reason_code", &self.reason_code)
            .field("person", &self.person)
            .finish()
    }
}

provider_core::open_enum! {
    /// The status of a session that a decision names (`[docs]`).
    pub enum VerificationStatus {
        /// Final and positive, with 9001.
        Approved = "approved",
        /// Final and negative, with 9102.
        Declined = "declined",
        /// Not final: the person tries again at the same URL, with 9103.
        ResubmissionRequested = "resubmission_requested",
        /// Never started within 7 days, with 9104.
        Expired = "expired",
        /// Started and not finished within 7 days, with 9104.
        Abandoned = "abandoned",
        /// A person at Veriff reviews it, with 9121.
        Review = "review",
    }
}

/// The verdict of a decision: its status and its code, read as a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// Final and positive.
    Approved,
    /// Final and negative; another attempt needs another session.
    Declined,
    /// Not final: the person tries again at the same URL.
    ResubmissionRequested,
    /// Never started in time.
    Expired,
    /// Started and not finished in time.
    Abandoned,
    /// One of the two above: the reply has the code that they share and no status.
    ExpiredOrAbandoned,
    /// Not final: a person at Veriff reviews it.
    Review,
    /// Status and code contradict each other, one of them cannot be read, or neither is documented. Never take it for an
    /// approval.
    Unclear,
}

impl Verification {
    /// Status and code as a pair. A contradiction, or one that is there and cannot be read, is [`Verdict::Unclear`]; where
    /// one of them is absent or null the other decides.
    pub fn verdict(&self) -> Verdict {
        const PAIRS: [(VerificationStatus, u16, Verdict); 6] = [
            (VerificationStatus::Approved, 9001, Verdict::Approved),
            (VerificationStatus::Declined, 9102, Verdict::Declined),
            (
                VerificationStatus::ResubmissionRequested,
                9103,
                Verdict::ResubmissionRequested,
            ),
            (VerificationStatus::Expired, 9104, Verdict::Expired),
            (VerificationStatus::Abandoned, 9104, Verdict::Abandoned),
            (VerificationStatus::Review, 9121, Verdict::Review),
        ];
        fn fits<T: PartialEq>(told: &Read<T>, documented: &T) -> bool {
            match told {
                Read::Absent => true,
                Read::Unreadable(_) => false,
                Read::Value(own) => own == documented,
            }
        }
        let pair = |(status, code, _): &&(VerificationStatus, u16, Verdict)| {
            fits(&self.status, status) && fits(&self.code, code)
        };
        let mut verdicts = PAIRS.iter().filter(pair).map(|(_, _, verdict)| *verdict);
        match (verdicts.next(), verdicts.next(), verdicts.next()) {
            (Some(verdict), None, _) => verdict,
            (Some(Verdict::Expired), Some(Verdict::Abandoned), None) => Verdict::ExpiredOrAbandoned,
            _ => Verdict::Unclear,
        }
    }
}

/// The verified person (`[3p]`, unconfirmed): each field may be absent, and the reply's body may have others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PersonData {
    /// Given names.
    #[serde(default, deserialize_with = "lenient::text")]
    pub first_name: Option<Masked>,
    /// Family name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub last_name: Option<Masked>,
    /// Full name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub full_name: Option<Masked>,
    /// `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub date_of_birth: Option<Masked>,
    /// The person's national id number.
    #[serde(default, deserialize_with = "lenient::text")]
    pub id_number: Option<Masked>,
    /// `M`, `F` or another text.
    #[serde(default, deserialize_with = "lenient::text")]
    pub gender: Option<Masked>,
    /// Two letters.
    #[serde(default, deserialize_with = "lenient::text")]
    pub nationality: Option<Masked>,
}

/// What may be repeated: it decides nothing.
const INFORMATIONAL: [&str; 8] = [
    "attemptId",
    "acceptanceTime",
    "decisionTime",
    "vendorData",
    "endUserId",
    "reason",
    "reasonCode",
    "person",
];

impl Endpoint for GetDecision {
    type Provider = Veriff;
    type Output = Decision;

    const OPERATION: Operation = Operation::new(
        "decision",
        "GET /v1/sessions/{id}/decision",
        Idempotency::Safe,
    )
    .signing_segment("id")
    .documented(Mark::Docs);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Veriff>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        request.segment("id", self.session_id.as_path_id()).empty()
    }

    fn response(&self, response: &Verified) -> Result<Decision, ResponseError> {
        let decision: Decision = lenient::reply(response, &INFORMATIONAL)?;
        // Whatever stands beside it: a refusal is not "undecided", and not a decision.
        if decision
            .status
            .as_deref()
            .is_some_and(|status| status != "success")
            && let Some(fault) = Veriff::refusal(response)
        {
            return Err(fault.into());
        }
        // The signature covers the body only, so a genuine reply to another request would verify too.
        let names_another = |verification: &Verification| !self.session_id.is(&verification.id);
        if decision.verification.as_ref().is_some_and(names_another) {
            return Err(VerificationError::OtherRequest.into());
        }
        Ok(decision)
    }
}
