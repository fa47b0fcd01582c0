#![doc = include_str!("../README.md")]

mod call;
pub mod capability;
mod error;
pub mod lint;
mod resilience;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
mod values;
#[cfg(feature = "webhook")]
pub mod webhook;
mod wire;

pub use call::*;
pub use error::{Error, ErrorKind, Outcome};
pub use resilience::*;
pub use transport::*;
pub use values::*;
pub use wire::*;

// For the expansion of the macros, and for implementers of the traits, who need the same versions.
#[doc(no_inline)]
#[cfg(feature = "money")]
pub use rust_decimal;
#[doc(no_inline)]
#[cfg(feature = "schema")]
pub use schemars;
#[doc(no_inline)]
pub use {async_trait::async_trait, bytes, http, jiff, secrecy, serde, serde_json};
