#![doc = include_str!("../README.md")]

#[cfg(feature = "scripted")]
pub mod made_up;
#[cfg(feature = "scripted")]
pub mod scripted;

/// The examples of the workspace's own README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct WorkspaceReadme;
