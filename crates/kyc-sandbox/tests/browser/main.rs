//! The pages in a browser.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout
)]

mod aggregator;
mod browser;
mod console;
mod digilocker;
mod looks;
mod pictures;
mod veriff;
