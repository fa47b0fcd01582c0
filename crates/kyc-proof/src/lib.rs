#![doc = include_str!("../README.md")]
#![allow(
    clippy::expect_used,
    reason = "a proof whose own material is wrong ends at once"
)]

#[cfg(feature = "scripted")]
pub mod catalogue;
#[cfg(feature = "scripted")]
pub mod checks;
#[cfg(feature = "scripted")]
pub mod companies;
#[cfg(feature = "scripted")]
pub mod scripted;

/// The examples of the workspace's own README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct WorkspaceReadme;
