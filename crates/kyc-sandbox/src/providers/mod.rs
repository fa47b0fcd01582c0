//! One folder for each provider: its table of routes, one file per operation, and its settings.

pub(crate) mod address;
pub(crate) mod aggregator;
mod amounts;
pub(crate) mod deepvue;
pub(crate) mod finpass;
pub(crate) mod finpro;
pub(crate) mod statement;
pub(crate) mod veriff;
