//! The attempts of a session.

use std::fmt;

use consent_hmac::SessionId;
use provider_core::lenient::Printable;
use provider_core::{
    Idempotency, Items, Mark, Masked, Operation, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use super::SessionStatus;
use crate::endpoint::by_id;
use crate::ids::AttemptId;
use crate::reply::{self, ReplyStatus, refused};

/// The request of a session's attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetAttempts {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
}

provider_core::request! { GetAttempts }

impl GetAttempts {
    /// Creates a request for the attempts of this session.
    pub fn new(session_id: SessionId) -> Self {
        Self { session_id }
    }

    fn read(_: &Self, response: &Verified) -> Result<Attempts, ResponseError> {
        let attempts: Attempts = lenient::reply(response, &[])?;
        refused(response, attempts.status.as_ref(), true)?;
        Ok(attempts)
    }
}

/// The attempts of a session, newest first (`[docs]`). The reply does not repeat the session's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Attempts {
    /// `success`.
    #[serde(default, deserialize_with = "reply::status")]
    pub status: Option<ReplyStatus>,
    /// The attempts.
    pub verifications: Items<SessionAttempt>,
}

/// One attempt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionAttempt {
    /// The attempt's id.
    #[serde(deserialize_with = "lenient::id")]
    pub id: AttemptId,
    /// Where it is. The page names `created`, `started`, `submitted` and `resubmission_requested`; its example has `approved`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<SessionStatus>,
    /// The statuses that the integration gave it, if it uses any.
    #[serde(default, deserialize_with = "lenient::value")]
    pub user_defined_data: Option<Items<UserDefinedStatus>>,
    /// When it was created, ISO 8601 in UTC.
    #[serde(default, deserialize_with = "lenient::text")]
    pub created_time: Option<String>,
}

/// Prints no text of Veriff's but the id, if it looks like one.
impl fmt::Debug for SessionAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAttempt")
            .field("id", &Printable(self.id.as_str()))
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A status of the integration's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserDefinedStatus {
    /// The status.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<Masked>,
    /// Its code.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status_code: Option<Masked>,
    /// Why it was given.
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason: Option<Masked>,
    /// The reason's code.
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason_code: Option<Masked>,
    /// When it was given.
    #[serde(default, deserialize_with = "lenient::text")]
    pub created_at: Option<Masked>,
}

by_id!(
    GetAttempts.session_id, Self::read => Attempts,
    Operation::new("attempts", "GET /v1/sessions/{id}/attempts", Idempotency::Safe)
        .documented(Mark::Docs)
);
