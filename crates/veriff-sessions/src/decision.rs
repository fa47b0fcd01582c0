//! The decision about a verification session.

use consent_hmac::{SessionId, Veriff};
use provider_core::{
    BuiltRequest, DecodeError, Endpoint, Idempotency, InvalidRequest, Mark, Masked, Operation,
    RequestBuilder, ResponseError, VerificationError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Decision {
    /// `success`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The decision; `None` until there is one. Without a decision webhook URL, old integrations may never have one.
    pub verification: Option<Verification>,
}

/// A decision. The page was truncated after `endUserId` (`[docs]`); the fields after it are unconfirmed (`[3p]`). Fields
/// that are not declared here, such as the document, are in [`Response::body`](provider_core::Response::body).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The code, which is meaningful only together with [`status`](Self::status): use [`verdict`](Self::verdict).
    #[serde(default, deserialize_with = "lenient::integer")]
    pub code: Option<u16>,
    /// The vendor data that the session was created with.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vendor_data: Option<Masked>,
    /// The end-user, a UUID.
    #[serde(default, deserialize_with = "lenient::text")]
    pub end_user_id: Option<Masked>,
    /// The status (`[3p]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<VerificationStatus>,
    /// Why it was declined or has to be resubmitted, for people (`[3p]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason: Option<Masked>,
    /// The same for machines: 101 to 129 declined, 201 and up resubmission (`[docs]`).
    #[serde(default, deserialize_with = "lenient::integer")]
    pub reason_code: Option<u16>,
    /// The verified person (`[3p]`).
    #[serde(default, deserialize_with = "lenient::value")]
    pub person: Option<PersonData>,
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
    /// Status and code contradict each other, or neither is documented. Never treat it as an approval.
    Unclear,
}

impl Verification {
    /// The verdict from status and code. A contradiction is [`Verdict::Unclear`]; if one of them is absent, the other
    /// decides.
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
        let fits = |(status, code, _): &&(VerificationStatus, u16, Verdict)| {
            self.status.as_ref().is_none_or(|own| own == status)
                && self.code.is_none_or(|own| own == *code)
        };
        let mut verdicts = PAIRS.iter().filter(fits).map(|(_, _, verdict)| *verdict);
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

/// A 2xx body. `verification` is required, though it may be null: a reply without it does not describe the session.
#[derive(Deserialize)]
struct ReceivedDecision {
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "present")]
    verification: Option<Option<Verification>>,
}

fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Verification>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

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
        let received: ReceivedDecision = response.json()?;
        let verification = received
            .verification
            .ok_or(DecodeError::missing_data("$.verification"))?;
        // The signature covers only the body, so an authentic reply to another request would verify too.
        let names_another = |verification: &Verification| !self.session_id.is(&verification.id);
        if verification.as_ref().is_some_and(names_another) {
            return Err(VerificationError::OtherRequest.into());
        }
        Ok(Decision {
            status: received.status,
            verification,
        })
    }
}
