#![doc = include_str!("../README.md")]

mod attempts;
mod capability;
mod client;
mod create_session;
mod decision;
mod delete_session;
mod endpoint;
mod ids;
mod media;
mod person;
mod progress;
mod reply;
mod session;
mod submit_session;
mod upload_media;

pub use attempts::{Attempts, GetAttempts, SessionAttempt, UserDefinedStatus};
pub use client::SessionsClient;
#[doc(no_inline)]
pub use consent_hmac;
pub use create_session::{
    CreateSession, DocumentType, ExpectedDocument, ExpectedPerson, GivenConsent,
};
pub use decision::{Decision, GetDecision, Verdict, Verification};
pub use delete_session::{DeleteSession, DeletedSession, SessionDeletion};
pub use ids::{AttemptId, MediaId};
pub use media::{
    DownloadMedia, ListAttemptMedia, ListSessionMedia, MediaContext, MediaFile, MediaList, MediaUrl,
};
pub use person::PersonData;
pub use progress::{Change, SessionProgress, SessionState};
pub use reply::ReplyStatus;
pub use session::{Session, SessionReply, SessionStatus, SessionUrl};
pub use submit_session::SubmitSession;
pub use upload_media::{MediaType, UploadMedia, UploadedMedia};
