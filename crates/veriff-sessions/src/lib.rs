#![doc = include_str!("../README.md")]

mod client;
mod create_session;
mod decision;
mod person;
mod progress;
mod reply;
mod session;
mod submit_session;

pub use client::SessionsClient;
#[doc(no_inline)]
pub use consent_hmac;
pub use create_session::{
    CreateSession, DocumentType, ExpectedDocument, ExpectedPerson, GivenConsent,
};
pub use decision::{Decision, GetDecision, Verdict, Verification};
pub use person::PersonData;
pub use progress::{Change, SessionProgress, SessionState};
pub use reply::ReplyStatus;
pub use session::{Session, SessionReply, SessionStatus, SessionUrl};
pub use submit_session::SubmitSession;
