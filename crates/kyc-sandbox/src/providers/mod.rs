//! One folder for each provider: its table of routes, one file per operation, and its settings.

mod amounts;
pub(crate) mod deepvue;
pub(crate) mod finpass;
pub(crate) mod finpro;
pub(crate) mod veriff;
