//! The pages in a browser.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

mod aggregator;
mod browser;
mod console;
mod digilocker;
mod looks;
mod pictures;
mod veriff;
