#![doc = include_str!("../README.md")]

mod capability;
mod client;
mod collected_data;
mod decision;
mod endpoint;
mod ids;
mod media;
mod mfa;
mod reply;
mod session;
#[cfg(feature = "webhook")]
mod webhook;

pub use client::SessionsClient;
pub use collected_data::{CollectedDataReply, SubmitCollectedData};
#[doc(no_inline)]
pub use consent_hmac;
pub use decision::{
    CheckType, CurpDecision, CurpStatus, Decision, DocumentData, GetCurpDecision, GetDecision,
    GetPerson, GetScreening, Listing, Listings, MatchStatus, ParsedAddress, PepSanctionMatch,
    PersonAddress, PersonData, PersonReply, RiskLabel, RiskScore, ScreeningFinding, ScreeningReply,
    SearchTerm, SessionPerson, TechnicalData, Verdict, Verification, VerifiedDocumentType,
    WatchlistHit, WatchlistScreening,
};
pub use ids::{AttemptId, MediaId};
pub use media::{
    DownloadMedia, ListAttemptMedia, ListSessionMedia, MediaContext, MediaFile, MediaList,
    MediaType, MediaUrl, UploadMedia, UploadedMedia,
};
pub use mfa::{AadhaarNumber, GenerateMfa, MfaRefusal, MfaReply, OneTimePassword, VerifyMfa};
pub use reply::ReplyStatus;
pub use session::{
    Attempts, Change, CreateSession, DeleteSession, DeletedSession, DocumentType, ExpectedDocument,
    ExpectedPerson, GetAttempts, GivenConsent, Session, SessionAttempt, SessionDeletion,
    SessionProgress, SessionReply, SessionState, SessionStatus, SessionUrl, SubmitSession,
    UserDefinedStatus,
};
#[cfg(feature = "webhook")]
pub use webhook::{
    DecisionEvent, FlowContext, FlowEvent, FullAutoEvent, UserDefinedStatusEvent, VeriffEvent,
    VeriffWebhooks,
};
