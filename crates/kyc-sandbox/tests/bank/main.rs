//! The bank data of scripted people, as a lender would read it: from the replies alone, by a calculator that is written here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod analyses;
mod archetypes;
mod book;
mod dates;
mod files;
mod forms;
mod served;
