//! Deletes a session and its data.

use std::fmt;

use consent_hmac::SessionId;
use provider_core::lenient::Printable;
use provider_core::{Idempotency, Mark, Operation, ResponseError, Verified, lenient};
use serde::{Deserialize, Serialize};

use crate::endpoint::by_id;
use crate::reply::{self, ReplyStatus, accept};

/// The request that deletes a session.
///
/// Veriff has to enable it for the integration, and takes at most 10 a day and 5 an hour (`[docs]`). Whether a session may be
/// deleted is Veriff's to say: the list of statuses differs between versions of the page.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct DeleteSession {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
}

provider_core::request! { DeleteSession }

impl DeleteSession {
    /// Creates a request that deletes this session. It cannot be undone.
    pub fn new(session_id: SessionId) -> Self {
        Self { session_id }
    }

    fn read(&self, response: &Verified) -> Result<SessionDeletion, ResponseError> {
        let reply: SessionDeletion = lenient::reply(response, &[])?;
        let about = Some(&*reply.verification.id);
        accept(response, reply.status.as_ref(), &self.session_id, about)?;
        Ok(reply)
    }
}

/// The reply: the session that is gone from the portal and the API; its data are within 12 hours (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SessionDeletion {
    /// `success`.
    #[serde(default, deserialize_with = "reply::status")]
    pub status: Option<ReplyStatus>,
    /// The session.
    pub verification: DeletedSession,
}

/// A session that was deleted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DeletedSession {
    /// Its id. This client refuses a reply that names another one than the request.
    #[serde(deserialize_with = "lenient::id")]
    pub id: String,
}

/// Prints the id if it looks like one.
impl fmt::Debug for DeletedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeletedSession")
            .field("id", &Printable(&self.id))
            .finish()
    }
}

by_id!(
    DeleteSession.session_id, Self::read => SessionDeletion,
    // A second one is refused with 404, and counts towards the few that are allowed.
    Operation::new("delete-session", "DELETE /v1/sessions/{id}", Idempotency::Unsafe)
        .settled_by("read its attempts: HTTP 404 means that it is gone")
        .documented(Mark::Docs)
);
