//! Hands in a session whose media were uploaded over the API.

use consent_hmac::SessionId;
use provider_core::{
    Idempotency, InvalidRequest, Mark, Operation, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use super::{INFORMATIONAL, SessionReply};
use crate::endpoint::with_body;
use crate::reply::accept;

/// The request that submits a session. It must be `created` or `started`, with its media and consents uploaded before; it is
/// submitted once (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct SubmitSession {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
    /// What becomes of it; the page has one value
    #[serde(default)]
    verification: Submission,
}

/// The change; the page supports no other one (`[docs]`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Submission {
    /// submitted, the only value
    status: Submitted,
}

#[derive(Debug, Clone, Copy, Default)]
enum Submitted {
    #[default]
    Submitted,
}

provider_core::named_enum! { Submitted("verification.status") { Submitted = "submitted" } }

provider_core::request! { SubmitSession }

impl SubmitSession {
    /// Creates a request that hands in this session.
    pub fn new(session_id: SessionId) -> Self {
        Self {
            session_id,
            verification: Submission::default(),
        }
    }

    fn body(&self) -> Result<Body<'_>, InvalidRequest> {
        let verification = &self.verification;
        Ok(Body { verification })
    }

    fn read(&self, response: &Verified) -> Result<SessionReply, ResponseError> {
        let reply: SessionReply = lenient::reply(response, &INFORMATIONAL)?;
        let about = Some(reply.verification.id.as_str());
        accept(response, reply.status.as_ref(), &self.session_id, about)?;
        Ok(reply)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    verification: &'a Submission,
}

with_body!(
    SubmitSession, Self::body, Self::read => SessionReply,
    // It cannot be repeated: a second one is refused (1304), whatever became of the first.
    Operation::new("submit-session", "PATCH /v1/sessions/{id}", Idempotency::Unsafe)
        .settled_by("hand it in again: a refusal with code 1304 means that it was handed in before")
        .documented(Mark::Docs)
);
