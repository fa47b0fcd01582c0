//! The terminal: answers and errors, progress, logs, and the signals that end a command.

pub(crate) mod interrupt;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod verbose;
