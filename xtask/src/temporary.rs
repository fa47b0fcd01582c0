//! Directories outside the workspace that are gone when a check ends.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::failure::{Context, Failure, Result};
use crate::files;
use crate::shell::{self, Workspace};

/// A directory below the system's temporary one, removed when dropped.
///
/// Its name depends on the workspace and the purpose only, so that what cargo built for a path last time is
/// found again this time instead of piling up.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    kept: bool,
}

impl Directory {
    pub(crate) fn new(workspace: &Workspace, purpose: &str) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        workspace.root().hash(&mut hasher);
        let name = format!("kyc-workspace-{:016x}-{purpose}", hasher.finish());
        let path = std::env::temp_dir().join(name);
        if path.exists() {
            fs::remove_dir_all(&path).context(|| format!("cannot clear {}", path.display()))?;
        }
        fs::create_dir_all(&path).context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path, kept: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Copies every file that belongs to the workspace: neither `.git` nor build output.
    ///
    /// Build it with a target directory of its own. Cargo tells members apart by their place inside their workspace,
    /// so with a shared one it would take what was built from the copy for the original, and the other way round.
    pub(crate) fn copy_of(workspace: &Workspace, purpose: &str) -> Result<Self> {
        let directory = Self::new(workspace, purpose)?;
        for name in files::of(workspace.root())? {
            let (from, to) = (workspace.root().join(&name), directory.path().join(&name));
            let copying = || format!("cannot copy {name}");
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).context(copying)?;
            }
            fs::copy(&from, &to).context(copying)?;
        }
        Ok(directory)
    }

    /// Removes what was built of a copy's own crates in a target directory, and leaves what was built of others: the next
    /// copy may lie elsewhere, and would not find its own among those.
    pub(crate) fn clean(&self, target: &Path) -> Result<()> {
        let mut clean = shell::cargo_in(&self.path, ["clean", "--quiet", "--workspace"]);
        shell::run(clean.arg("--target-dir").arg(target))
    }

    /// Ends the use of the directory: it stays if the outcome is a failure, so that the failure can be looked into.
    pub(crate) fn finish(mut self, outcome: Result<()>) -> Result<()> {
        outcome.map_err(|failure| {
            self.kept = true;
            Failure::new(format!("{failure}\nin {}", self.path.display()))
        })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("warning: cannot remove {}: {error}", self.path.display());
        }
    }
}
