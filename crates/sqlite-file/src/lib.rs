#![doc = include_str!("../README.md")]

mod error;
mod mounts;
mod open;

pub use error::{OpenError, SqliteError};
pub use open::{Application, Candidate, Opened, open_to_read};
