#![doc = include_str!("../README.md")]

mod base_url;
mod call;
pub mod capability;
mod client;
mod clock;
mod endpoint;
mod error;
mod fault;
mod ids;
mod invalid_request;
mod json;
mod masked;
#[doc(hidden)]
pub mod open_enum;
mod provider;
#[cfg(feature = "reqwest")]
mod reqwest_transport;
mod response;
mod retry;
mod retry_after;
mod retry_budget;
mod secret;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;

pub use base_url::{BaseUrl, Segment};
pub use call::{Call, CallOptions};
pub use client::{Client, ClientBuilder};
pub use clock::{Clock, SystemClock};
pub use endpoint::{Attempt, Endpoint, Idempotency, Operation, ResponseError, post_json};
pub use error::{Error, ErrorKind, Outcome};
pub use fault::{Fault, FaultClass};
pub use ids::{Email, Mobile, Pan, PathId};
pub use invalid_request::InvalidRequest;
pub use json::{DecodeError, DecodeErrorCategory};
pub use masked::Masked;
pub use provider::{Authenticity, Provider, VerificationError, Verified};
#[cfg(feature = "reqwest")]
pub use reqwest_transport::{ReqwestTransport, ReqwestTransportBuilder};
pub use response::{RequestId, Response};
pub use retry::{Decision, Failure, RetryPolicy};
pub use secret::Secret;
pub use transport::{Body, RawResponse, Transport, TransportError, TransportErrorKind};

// What the macros expand to, and what implementers of the traits need in the same versions.
#[doc(no_inline)]
pub use {async_trait::async_trait, bytes, http, jiff, secrecy, serde};
