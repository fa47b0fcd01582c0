#![doc = include_str!("../README.md")]

/// The examples of the workspace's own README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct WorkspaceReadme;
