//! The command as a user runs it: a process with its environment, output streams and exit code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bad_input;
mod batch;
mod batch_endings;
mod batch_input;
mod batch_job;
mod batch_results;
mod browser_return;
mod configuration;
mod consent;
mod derived;
mod forwarding;
mod journey;
#[cfg(unix)]
mod journey_damaged;
mod journey_database;
mod journey_file;
mod journey_killed;
mod journey_providers;
mod journey_serve;
#[cfg(unix)]
mod journey_serve_killed;
mod json_schema;
mod kept_report;
mod kyc;
mod listen;
mod onboard;
mod openapi;
mod operations;
mod profile_server;
mod readme;
mod refusals;
mod reply_file;
mod running_sandbox;
mod sandbox_state;
#[cfg(unix)]
mod signals;
#[cfg(target_os = "linux")]
mod silent_resolver;
mod steering;
mod unread;
mod verify;
