#![doc = include_str!("../README.md")]

mod application;
mod engine;
mod tables;
mod writer;

pub use engine::SqliteEngine;
pub use sqlite_file::{OpenError, SqliteError};
