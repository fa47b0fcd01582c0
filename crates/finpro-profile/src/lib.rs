#![doc = include_str!("../README.md")]

#[cfg(feature = "batch")]
mod batch;
#[cfg(feature = "batch")]
mod batch_answers;
#[cfg(feature = "batch")]
mod batch_gate;
#[cfg(feature = "cache")]
mod cached_profiles;
mod capability;
mod check_profile;
mod client;
mod envelope;
#[cfg(feature = "cache")]
mod kept_rows;
mod provider;
mod rate_limit;
#[cfg(feature = "cache")]
mod single_flight;

#[cfg(feature = "batch")]
pub use batch::{Batch, BatchAnswer, BatchOrder, BatchQuestion};
#[cfg(feature = "batch")]
pub use batch_answers::BatchAnswers;
#[cfg(feature = "cache")]
pub use cached_profiles::{CachedCheck, CachedProfiles, CachedProfilesBuilder, CachedReport};
pub use check_profile::{AaId, CheckProfile, ProfileReport, ProfileRow, RowStatus, UserConsentId};
pub use client::FinproProfileClient;
pub use envelope::Envelope;
pub use provider::{AppIdentifier, ClientId, ClientSecret, Credentials, Finpro, OrganisationId};
#[doc(no_inline)]
pub use provider_core;
pub use rate_limit::RateLimit;

/// FinPro as an OpenAPI document without operations: addresses, credentials and refusals. The
/// operations are in the catalogue.
#[cfg(feature = "schema")]
pub const OPENAPI: &str = include_str!("../openapi.json");
