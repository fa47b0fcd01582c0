#![doc = include_str!("../README.md")]

mod answer;
mod base_url;
mod call;
pub mod capability;
mod circuit_breaker;
mod client;
mod client_builder;
mod clock;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod connection_failure;
mod endpoint;
mod environment;
mod error;
mod fault;
#[cfg(feature = "hyper")]
mod hyper_connector;
#[cfg(feature = "hyper")]
mod hyper_transport;
mod ids;
mod invalid_request;
mod json;
mod masked;
#[cfg(feature = "opentelemetry")]
mod metrics;
mod observer;
#[doc(hidden)]
pub mod open_enum;
mod progress;
mod provider;
mod rate_limiter;
#[cfg(feature = "rate-limits")]
mod rate_limits;
#[cfg(feature = "reqwest")]
mod reqwest_transport;
mod response;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod response_body;
mod retry;
mod retry_after;
mod retry_budget;
mod secret;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(all(feature = "rustls", any(feature = "hyper", feature = "reqwest")))]
mod tls;
mod transport;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod transport_builder;

pub use base_url::{BaseUrl, Segment};
pub use call::{Call, CallOptions};
pub use circuit_breaker::CircuitBreaker;
pub use client::Client;
pub use client_builder::ClientBuilder;
pub use clock::{Clock, SystemClock};
pub use endpoint::{Attempt, Endpoint, Idempotency, Operation, ResponseError, post_json};
pub use environment::{from_environment, required_from_environment};
pub use error::{Error, ErrorKind, Outcome};
pub use fault::{Fault, FaultClass};
#[cfg(feature = "hyper")]
pub use hyper_transport::HyperTransport;
pub use ids::{Email, Mobile, Pan, PathId};
pub use invalid_request::InvalidRequest;
pub use json::{DecodeError, DecodeErrorCategory};
pub use masked::Masked;
#[cfg(feature = "opentelemetry")]
pub use metrics::MetricsObserver;
pub use observer::{CallEvent, CallObserver, CallStage};
pub use provider::{Authenticity, Provider, VerificationError, Verified};
pub use rate_limiter::{Allowance, RateLimiter, WhenLimited, Window};
#[cfg(feature = "rate-limits")]
pub use rate_limits::RateLimits;
#[cfg(feature = "reqwest")]
pub use reqwest_transport::ReqwestTransport;
pub use response::{RequestId, Response};
pub use retry::{Decision, Failure, RetryPolicy};
pub use secret::Secret;
pub use transport::{Body, RawResponse, Transport, TransportError, TransportErrorKind};
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub use transport_builder::TransportBuilder;

// What the macros expand to, and what implementers of the traits need in the same versions.
#[doc(no_inline)]
pub use {async_trait::async_trait, bytes, http, jiff, secrecy, serde};
