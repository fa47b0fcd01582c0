//! The crate as a whole: the call loop over scripted exchanges, redaction, and both transports over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a failed expectation ends the test"
)]

mod answers;
mod call_loop;
mod catalogue;
mod circuit_breaker;
mod consent;
mod downloads;
#[cfg(feature = "drift")]
mod drift;
mod expiring_token;
mod fixtures;
mod forms;
mod http2_server;
mod hyper_transport;
mod leased_limit;
mod lints;
mod money;
mod observation;
mod rate_limiter;
mod reconciler;
mod redaction;
mod refresh;
mod requests;
mod reqwest_transport;
mod server;
mod toy;
mod traces;
mod webhook_http;
mod webhook_layers;
mod webhooks;
