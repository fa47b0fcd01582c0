//! What is known of the person of a session.

use consent_hmac::SessionId;
use provider_core::{
    Idempotency, Items, Mark, Masked, Operation, RawJson, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::endpoint::by_id;
use crate::reply::{ReplyStatus, id_number, refused};

/// The request of the person of a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetPerson {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
}

provider_core::request! { GetPerson }

impl GetPerson {
    /// Creates a request for the person of this session.
    pub fn new(session_id: SessionId) -> Self {
        Self { session_id }
    }

    fn read(_: &Self, response: &Verified) -> Result<PersonReply, ResponseError> {
        let reply: PersonReply = lenient::reply(response, &[])?;
        refused(response, reply.status.as_ref(), reply.person.is_some())?;
        Ok(reply)
    }
}

/// The reply (`[docs]`); the members of the person were cut off the page and are known from a client (`[3p]`). It does not say
/// which session it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PersonReply {
    /// `success`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<ReplyStatus>,
    /// The person; null if nothing is known.
    #[serde(deserialize_with = "lenient::object_or_null")]
    pub person: Option<SessionPerson>,
}

/// A person, from the document or from the session's creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionPerson {
    /// The person's id at Veriff.
    #[serde(default, deserialize_with = "lenient::text")]
    pub id: Option<Masked>,
    /// Given names.
    #[serde(default, deserialize_with = "lenient::text")]
    pub first_name: Option<Masked>,
    /// Family name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub last_name: Option<Masked>,
    /// National id number; of an Aadhaar number the last four digits.
    #[serde(default, deserialize_with = "id_number")]
    pub id_code: Option<Masked>,
    /// `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub date_of_birth: Option<Masked>,
    /// `M`, `F` or another text.
    #[serde(default, deserialize_with = "lenient::text")]
    pub gender: Option<Masked>,
    /// Two letters.
    #[serde(default, deserialize_with = "lenient::text")]
    pub nationality: Option<Masked>,
    /// Where the person was born.
    #[serde(default, deserialize_with = "lenient::text")]
    pub place_of_birth: Option<Masked>,
    /// Citizenships.
    #[serde(default, deserialize_with = "lenient::value")]
    pub citizenships: Option<Items<Masked>>,
    /// What screening providers found about politically exposed persons and sanctions; empty if they found nothing
    /// (`[docs]`). `None` says nothing: read [`ScreeningReply`](crate::ScreeningReply).
    #[serde(default, deserialize_with = "lenient::value")]
    pub pep_sanction_matches: Option<Items<PepSanctionMatch>>,
}

/// What one screening provider found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PepSanctionMatch {
    /// The screening provider.
    #[serde(default, deserialize_with = "lenient::text")]
    pub provider: Option<Masked>,
    /// How many hits there are.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub number_of_matches: Option<u32>,
    /// Who may be the person, as the screening provider writes it: the members are not documented.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::value"
    )]
    pub hits: Option<Items<RawJson>>,
    /// When it was looked for.
    #[serde(default, deserialize_with = "lenient::text")]
    pub date: Option<Masked>,
}

by_id!(
    GetPerson.session_id, Self::read => PersonReply,
    Operation::new("person", "GET /v1/sessions/{id}/person", Idempotency::Safe)
        .documented(Mark::Docs)
);
