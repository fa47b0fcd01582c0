#![doc = include_str!("../README.md")]

mod browser_return;
mod capability;
mod client;
mod complete_authorization;
mod detail;
mod document;
mod envelope;
mod get_e_aadhaar;
mod get_file;
mod initiate_session;
mod list_issued_files;
mod personal;
mod plan;
mod provider;
mod session_request;
mod session_state;

pub use browser_return::{BrowserReturn, ReturnForm};
pub use client::DigilockerClient;
pub use complete_authorization::{
    Authorization, CompleteAuthorization, CompletedAuthorization, DigilockerCode, YesNo,
};
pub use detail::{Detail, DetailItem};
pub use document::DocumentText;
pub use envelope::{Envelope, SubCode, TransactionId};
pub use get_e_aadhaar::{EAadhaar, EAadhaarReply, GetEAadhaar, ProofOfAddress, ProofOfIdentity};
pub use get_file::{FileReply, GetFile};
pub use initiate_session::{
    AuthorizationUrl, Consent, DocType, InitiateSession, InitiatedSession, SessionData, purpose,
};
pub use list_issued_files::{FileUri, IssuedFile, IssuedFiles, ListIssuedFiles};
pub use plan::Plan;
pub use provider::{ClientId, ClientSecret, Deepvue};
#[doc(no_inline)]
pub use provider_core;
pub use provider_core::capability::{DocumentError, DocumentFormat, UnclearReturn};
pub use session_state::DigilockerState;

/// Deepvue's DigiLocker family as an OpenAPI document without operations: addresses, credentials and refusals. The
/// operations are in the catalogue.
#[cfg(feature = "schema")]
pub const OPENAPI: &str = include_str!("../openapi.json");
