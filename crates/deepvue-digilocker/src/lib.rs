#![doc = include_str!("../README.md")]

mod capability;
mod client;
mod detail;
mod envelope;
mod initiate_session;
mod plan;
mod provider;

pub use client::DigilockerClient;
pub use detail::{Detail, DetailItem};
pub use envelope::{Envelope, SubCode, TransactionId};
pub use initiate_session::{
    AuthorizationUrl, Consent, DocType, InitiateSession, InitiatedSession, SessionData, purpose,
};
pub use plan::Plan;
pub use provider::{ClientId, ClientSecret, Deepvue};
#[doc(no_inline)]
pub use provider_core;

/// Deepvue's DigiLocker family as an OpenAPI document without operations: addresses, credentials and refusals. The
/// operations are in the catalogue.
#[cfg(feature = "schema")]
pub const OPENAPI: &str = include_str!("../openapi.json");
