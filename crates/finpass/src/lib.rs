#![doc = include_str!("../README.md")]

mod capability;
mod client;
mod envelope;
mod initialize;
mod provider;
mod refresh_data;

pub use client::FinpassClient;
pub use envelope::Envelope;
pub use initialize::{
    ConsentType, ConsentUrl, Initialize, Initialized, InitializedData, SessionId,
};
pub use provider::{ApiKey, ApiSecret, Finpass};
#[doc(no_inline)]
pub use provider_core;
pub use refresh_data::{DataRequestId, RefreshData, Refreshed, RefreshedData};

/// Finpass as an OpenAPI document without operations: addresses, credentials and refusals. The
/// operations are in the catalogue.
#[cfg(feature = "schema")]
pub const OPENAPI: &str = include_str!("../openapi.json");
