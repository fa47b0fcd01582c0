//! One folder a provider: its table of routes, one file an operation, and its settings.

pub(crate) mod deepvue;
pub(crate) mod finpass;
pub(crate) mod finpro;
pub(crate) mod veriff;
