#![doc = include_str!("../README.md")]

mod book;
mod engine;
mod http;
mod message;
mod names;
mod sealed;
mod transition;
mod worker;

pub use engine::{Addresses, RestateEngine};
pub use http::{BearerToken, RestateError};
pub use worker::RestateWorker;
