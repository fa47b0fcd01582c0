#![doc = include_str!("../README.md")]

mod attempts;
mod capability;
mod client;
mod collected_data;
mod create_session;
mod curp;
mod decision;
mod delete_session;
mod document;
mod endpoint;
mod ids;
mod media;
mod mfa;
mod person;
mod progress;
mod reply;
mod screening;
mod session;
mod session_person;
mod submit_session;
mod upload_media;
#[cfg(feature = "webhook")]
mod webhook;

pub use attempts::{Attempts, GetAttempts, SessionAttempt, UserDefinedStatus};
pub use client::SessionsClient;
pub use collected_data::{CollectedDataReply, SubmitCollectedData};
#[doc(no_inline)]
pub use consent_hmac;
pub use create_session::{
    CreateSession, DocumentType, ExpectedDocument, ExpectedPerson, GivenConsent,
};
pub use curp::{CurpDecision, CurpStatus, GetCurpDecision};
pub use decision::{Decision, GetDecision, Verdict, Verification};
pub use delete_session::{DeleteSession, DeletedSession, SessionDeletion};
pub use document::{DocumentData, RiskLabel, RiskScore, TechnicalData, VerifiedDocumentType};
pub use ids::{AttemptId, MediaId};
pub use media::{
    DownloadMedia, ListAttemptMedia, ListSessionMedia, MediaContext, MediaFile, MediaList, MediaUrl,
};
pub use mfa::{AadhaarNumber, GenerateMfa, MfaRefusal, MfaReply, OneTimePassword, VerifyMfa};
pub use person::{ParsedAddress, PersonAddress, PersonData};
pub use progress::{Change, SessionProgress, SessionState};
pub use reply::ReplyStatus;
pub use screening::{
    CheckType, GetScreening, Listing, Listings, MatchStatus, ScreeningFinding, ScreeningReply,
    SearchTerm, WatchlistHit, WatchlistScreening,
};
pub use session::{Session, SessionReply, SessionStatus, SessionUrl};
pub use session_person::{GetPerson, PepSanctionMatch, PersonReply, SessionPerson};
pub use submit_session::SubmitSession;
pub use upload_media::{MediaType, UploadMedia, UploadedMedia};
#[cfg(feature = "webhook")]
pub use webhook::{
    DecisionEvent, FlowContext, FlowEvent, FullAutoEvent, UserDefinedStatusEvent, VeriffEvent,
    VeriffWebhooks,
};
