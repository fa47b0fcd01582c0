//! A verification session, as its creation and its submission reply with it.

mod attempts;
mod create_session;
mod delete_session;
mod progress;
mod submit_session;

use std::fmt;

use consent_hmac::SessionId;
use provider_core::lenient::Printable;
use provider_core::{Masked, lenient};
use serde::{Deserialize, Serialize};

use crate::reply::{ReplyStatus, status};

pub use attempts::{Attempts, GetAttempts, SessionAttempt, UserDefinedStatus};
pub use create_session::{
    CreateSession, DocumentType, ExpectedDocument, ExpectedPerson, GivenConsent,
};
pub use delete_session::{DeleteSession, DeletedSession, SessionDeletion};
pub use progress::{Change, SessionProgress, SessionState};
pub use submit_session::SubmitSession;

provider_core::open_enum! {
    /// Where a session is (`[docs]`).
    pub enum SessionStatus {
        /// It exists, and the person has not entered it.
        Created = "created",
        /// The person has entered it.
        Started = "started",
        /// The data were handed in.
        Submitted = "submitted",
        /// Final and positive.
        Approved = "approved",
        /// Final and negative.
        Declined = "declined",
        /// The person tries again at the same URL.
        ResubmissionRequested = "resubmission_requested",
        /// Never started within 7 days.
        Expired = "expired",
        /// Started and not finished within 7 days.
        Abandoned = "abandoned",
        /// A person at Veriff reviews it.
        Review = "review",
    }
}

provider_core::masked_text! {
    /// Where the person is verified, byte for byte as Veriff sent it. Who has it can act as the person: it holds a token.
    pub struct SessionUrl;
}

/// The reply: a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SessionReply {
    /// `success`, or `created` on another page (`[docs]`).
    #[serde(default, deserialize_with = "status")]
    pub status: Option<ReplyStatus>,
    /// The session.
    pub verification: Session,
}

/// A session. Its members but the id are known from a transcription of the page (`[3p]`). This client refuses a reply without
/// an id, or without the URL of a session that was created, and no other one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Session {
    /// The session's id: store it, every other operation asks for it.
    #[serde(deserialize_with = "lenient::id")]
    pub id: SessionId,
    /// Where the person is verified. That of a session that was created is there, an `http` or `https` URL: without it nobody can
    /// be verified.
    #[serde(default, deserialize_with = "lenient::value")]
    pub url: Option<SessionUrl>,
    /// What the session was created with, unchanged.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vendor_data: Option<Masked>,
    /// The end-user that the session was created with.
    #[serde(default, deserialize_with = "lenient::text")]
    pub end_user_id: Option<Masked>,
    /// The host of [`url`](Self::url). Older replies have `baseUrl` instead, which is in the reply's body.
    #[serde(default, deserialize_with = "lenient::text")]
    pub host: Option<Masked>,
    /// What older replies have instead of [`host`](Self::host) (`[3p]`).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub base_url: Option<Masked>,
    /// Where the session is: `created` or `submitted`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<SessionStatus>,
    /// The token in [`url`](Self::url). Legacy (`[docs]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub session_token: Option<Masked>,
}

/// Prints no text of Veriff's but the id.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &Printable(self.id.as_str()))
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// What may be repeated in a reply: it decides nothing. Not the URL, which the person is sent to.
pub(crate) const INFORMATIONAL: [&str; 3] = ["vendorData", "endUserId", "host"];
