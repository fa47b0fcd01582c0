#![doc = include_str!("../README.md")]

mod changes;
mod database;
mod engine;
mod error;
mod group;
mod lease;
mod open;
mod reads;
mod reports;
#[cfg(feature = "tls")]
mod tls;

pub use database::PostgresError;
pub use engine::PostgresEngine;
pub use error::OpenError;
pub use open::PostgresOptions;
