//! Where output goes.

use std::path::PathBuf;

use crate::failure::Result;
use crate::shell::Workspace;

/// The directory that cargo builds the main workspace in.
pub(crate) struct Metadata {
    pub(crate) target_directory: PathBuf,
}

impl Metadata {
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let own = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        Ok(Self {
            target_directory: own.unwrap_or_else(|| workspace.root().join("target")),
        })
    }
}
