//! x
#![allow(dead_code, missing_docs)]
mod mounts;
mod open;
mod point;
mod writer;
pub use open::{OpenError, SqliteError};
