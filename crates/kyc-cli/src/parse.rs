//! Values of arguments. They are parsed here, because clap's own messages would print a wrong one.

use std::time::Duration;

use crate::failure::Failure;

/// Parses a positive number of seconds.
pub(crate) fn seconds(field: &'static str, text: &str) -> Result<Duration, Failure> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| Failure::configuration(field, "must be a positive number of seconds"))
}

/// Parses `true` or `false`, and nothing else.
pub(crate) fn yes_or_no(field: &'static str, text: &str) -> Result<bool, Failure> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Failure::configuration(field, "must be true or false")),
    }
}
