#![doc = include_str!("../README.md")]

mod capability;
mod client;
mod initialize;
mod provider;

pub use client::FinpassClient;
pub use initialize::{ClientId, ConsentType, ConsentUrl, Initialize, Initialized, InitializedData};
pub use provider::{ApiKey, ApiSecret, Finpass};
#[doc(no_inline)]
pub use provider_core;
