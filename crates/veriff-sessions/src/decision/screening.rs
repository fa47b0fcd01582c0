//! Screening against watchlists: sanctions, politically exposed persons, adverse media.

use std::fmt;

use consent_hmac::SessionId;
use provider_core::lenient::{Printable, Read};
use provider_core::{
    Idempotency, Items, Mark, Masked, Operation, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::endpoint::by_id;
use crate::reply::{ReplyStatus, accept};

provider_core::open_enum! {
    /// Why there is a result (`[docs]`).
    pub enum CheckType {
        /// The first one.
        InitialResult = "initial_result",
        /// What is known of the person changed.
        UpdatedResult = "updated_result",
    }
}

provider_core::open_enum! {
    /// What was found, in a word (`[docs]`). Read [`WatchlistScreening::finding`] instead.
    pub enum MatchStatus {
        /// Somebody on a list may be this person.
        PossibleMatch = "possible_match",
        /// Nobody.
        NoMatch = "no_match",
    }
}

/// The request of a session's screening.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetScreening {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
}

provider_core::request! { GetScreening }

impl GetScreening {
    /// Creates a request for the screening of this session's person.
    pub fn new(session_id: SessionId) -> Self {
        Self { session_id }
    }

    fn read(&self, response: &Verified) -> Result<ScreeningReply, ResponseError> {
        let reply: ScreeningReply = lenient::reply(response, &INFORMATIONAL)?;
        let about = reply.data.as_ref().map(|data| &*data.session_id);
        accept(response, reply.status.as_ref(), &self.session_id, about)?;
        Ok(reply)
    }
}

/// The reply (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ScreeningReply {
    /// `success`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<ReplyStatus>,
    /// The screening; null if there is none.
    #[serde(deserialize_with = "lenient::object_or_null")]
    pub data: Option<WatchlistScreening>,
}

/// A screening. Everything but the session may be absent; of the lists only their names are documented (`[docs]`), what is
/// in them is known from a client (`[3p]`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WatchlistScreening {
    /// The session. This client refuses a reply that names another one than the request.
    #[serde(deserialize_with = "lenient::id")]
    pub session_id: String,
    /// The attempt whose person was screened.
    #[serde(default, deserialize_with = "lenient::text")]
    pub attempt_id: Option<String>,
    /// What the session was created with.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vendor_data: Option<Masked>,
    /// Why there is a result.
    #[serde(default, deserialize_with = "lenient::text")]
    pub check_type: Option<CheckType>,
    /// What was found, which means something beside the hits only. Read [`WatchlistScreening::finding`] instead.
    #[serde(default, deserialize_with = "Read::text")]
    pub match_status: Read<MatchStatus>,
    /// Whether the person is watched from now on; only a newer version of the page has it (`[docs]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub monitor_status: Option<Masked>,
    /// What was looked for.
    #[serde(default, deserialize_with = "lenient::object")]
    pub search_term: Option<SearchTerm>,
    /// How many hits there are.
    #[serde(default, deserialize_with = "Read::integer")]
    pub total_hits: Read<u32>,
    /// When it was looked for, ISO 8601 in UTC.
    #[serde(default, deserialize_with = "lenient::text")]
    pub created_at: Option<String>,
    /// Who on the lists may be the person.
    #[serde(default, deserialize_with = "lenient::value")]
    pub hits: Option<Items<WatchlistHit>>,
}

/// What a screening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScreeningFinding {
    /// Nobody on a list may be the person.
    NoMatch,
    /// Somebody may be: look at the hits.
    PossibleMatch,
    /// The status says that nobody may be and hits say otherwise, or it is absent, cannot be read, or is not documented. Never
    /// take it for a person without a match.
    Unclear,
}

impl WatchlistScreening {
    /// What was found: by the status, unless the hits contradict it.
    pub fn finding(&self) -> ScreeningFinding {
        let hits = self.hits.as_ref();
        let listed = hits.is_some_and(|hits| !hits.is_empty() || hits.unread_count() > 0);
        let counted = !matches!(self.total_hits, Read::Absent | Read::Value(0));
        match self.match_status.value() {
            Some(MatchStatus::PossibleMatch) => ScreeningFinding::PossibleMatch,
            Some(MatchStatus::NoMatch) if !listed && !counted => ScreeningFinding::NoMatch,
            _ => ScreeningFinding::Unclear,
        }
    }
}

/// Prints no text of Veriff's but the session's id, if it looks like one.
impl fmt::Debug for WatchlistScreening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchlistScreening")
            .field("session_id", &Printable(&self.session_id))
            .field("finding", &self.finding())
            .finish_non_exhaustive()
    }
}

/// What was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SearchTerm {
    /// The name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: Option<Masked>,
    /// The year of birth.
    #[serde(default, deserialize_with = "lenient::text")]
    pub year: Option<Masked>,
}

/// Somebody on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WatchlistHit {
    /// The name that is similar.
    #[serde(default, deserialize_with = "lenient::text")]
    pub matched_name: Option<Masked>,
    /// Countries.
    #[serde(default, deserialize_with = "lenient::value")]
    pub countries: Option<Items<Masked>>,
    /// When they were born.
    #[serde(default, deserialize_with = "lenient::text")]
    pub date_of_birth: Option<Masked>,
    /// When they died.
    #[serde(default, deserialize_with = "lenient::text")]
    pub date_of_death: Option<Masked>,
    /// How they are similar, in the words of the screening provider.
    #[serde(default, deserialize_with = "lenient::value")]
    pub match_types: Option<Items<Masked>>,
    /// Other names.
    #[serde(default, deserialize_with = "lenient::value")]
    pub aka: Option<Items<Masked>>,
    /// Who they have to do with.
    #[serde(default, deserialize_with = "lenient::value")]
    pub associates: Option<Items<Masked>>,
    /// The lists that they are on.
    #[serde(default, deserialize_with = "lenient::object")]
    pub listings_related_to_match: Option<Listings>,
}

/// Lists by their kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Listings {
    /// Warnings.
    #[serde(default, deserialize_with = "lenient::value")]
    pub warnings: Option<Items<Listing>>,
    /// Sanctions.
    #[serde(default, deserialize_with = "lenient::value")]
    pub sanctions: Option<Items<Listing>>,
    /// Fitness and probity.
    #[serde(default, deserialize_with = "lenient::value")]
    pub fitness_probity: Option<Items<Listing>>,
    /// Politically exposed persons.
    #[serde(default, deserialize_with = "lenient::value")]
    pub pep: Option<Items<Listing>>,
    /// Adverse media.
    #[serde(default, deserialize_with = "lenient::value")]
    pub adverse_media: Option<Items<Listing>>,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Listing {
    /// Whose list it is.
    #[serde(default, deserialize_with = "lenient::text")]
    pub source_name: Option<Masked>,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient::text")]
    pub source_url: Option<Masked>,
    /// When they were entered.
    #[serde(default, deserialize_with = "lenient::text")]
    pub date: Option<Masked>,
}

/// What may be repeated: it decides nothing.
const INFORMATIONAL: [&str; 6] = [
    "attemptId",
    "vendorData",
    "checkType",
    "monitorStatus",
    "searchTerm",
    "createdAt",
];

by_id!(
    GetScreening.session_id, Self::read => ScreeningReply,
    Operation::new(
        "watchlist-screening",
        "GET /v1/sessions/{id}/watchlist-screening",
        Idempotency::Safe
    )
    // By the session's id in the signed body; a reply without a screening has none, and says nothing about a person.
    .with_correlated_reply()
    .documented(Mark::Docs),
    doubt: |reply| {
        let finding = reply.data.as_ref().map(WatchlistScreening::finding);
        (finding == Some(ScreeningFinding::Unclear)).then_some(
            "$.data is unclear: matchStatus and hits contradict each other, or are not documented; it is no clearance",
        )
    }
);
