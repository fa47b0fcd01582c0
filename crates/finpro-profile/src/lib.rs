#![doc = include_str!("../README.md")]

mod capability;
mod check_profile;
mod client;
mod provider;
mod rate_limit;

pub use check_profile::{AaId, CheckProfile, ProfileReport, ProfileRow, RowStatus, UserConsentId};
pub use client::FinproProfileClient;
pub use provider::{AppIdentifier, ClientId, ClientSecret, Credentials, Finpro, OrganisationId};
#[doc(no_inline)]
pub use provider_core;
pub use rate_limit::RateLimit;
