#![doc = include_str!("../README.md")]

mod capability;
mod client;
mod provider;
mod record_consent;
mod session_id;
mod signature;
#[cfg(feature = "webhook")]
mod webhook;

pub use client::ConsentClient;
pub use provider::{ApiKey, Veriff};
#[doc(no_inline)]
pub use provider_core;
pub use provider_core::capability::ConsentAnswer;
pub use record_consent::{ConsentContext, ConsentRecord, ConsentType, RecordConsent};
pub use session_id::SessionId;
pub use signature::{BodyVerification, SharedSecret, SharedSecrets, Signature, Signer, Verifier};
#[cfg(feature = "webhook")]
pub use webhook::WebhookSignature;

/// Veriff as an OpenAPI document without operations: addresses, credentials and refusals. The
/// operations are in the catalogue.
#[cfg(feature = "schema")]
pub const OPENAPI: &str = include_str!("../openapi.json");
