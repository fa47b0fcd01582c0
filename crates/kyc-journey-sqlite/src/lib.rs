#![doc = include_str!("../README.md")]

mod engine;
mod mounts;
mod open;
mod tables;
mod writer;

pub use engine::SqliteEngine;
pub use open::{OpenError, SqliteError};
