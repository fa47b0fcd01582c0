//! Who makes the calls: our clients, and the same calls by hand on what a user would take instead.

pub(crate) mod bare_hyper;
pub(crate) mod bare_hyper_util;
pub(crate) mod bare_reqwest;
#[path = "../../../benches/call/ours.rs"]
pub(crate) mod ours;

use std::error::Error;

/// What can go wrong here is only printed.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
