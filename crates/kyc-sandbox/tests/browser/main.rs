//! The pages in a browser.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod browser;
mod console;
mod looks;
