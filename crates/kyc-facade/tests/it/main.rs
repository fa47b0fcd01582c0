//! Onboardings over fakes in virtual time, and over the sandbox.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod consent;
mod documents;
mod fakes;
mod fallback;
mod flow;
mod hedged;
mod openapi;
#[cfg(all(
    feature = "finpass",
    feature = "finpro",
    feature = "veriff",
    feature = "deepvue"
))]
mod presets;
mod resume;
#[cfg(all(
    feature = "finpass",
    feature = "finpro",
    feature = "veriff",
    feature = "deepvue"
))]
mod sandbox;
#[cfg(all(
    feature = "finpass",
    feature = "finpro",
    feature = "veriff",
    feature = "deepvue"
))]
mod settings;
mod stored;
mod tries;
