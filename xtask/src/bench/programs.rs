//! The measured programs, as they are released.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::shell::{self, Workspace};

/// Programs of `crates/kyc-proof/benches`, by name.
pub(super) struct Programs(BTreeMap<&'static str, PathBuf>);

impl Programs {
    pub(super) fn build(workspace: &Workspace, names: &[&'static str]) -> Result<Self> {
        println!("building {}", names.join(", "));
        let benches = names.iter().map(|name| format!("--bench={name}"));
        let mut build = workspace.cargo(["build", "--release", "--package=kyc-proof"]);
        build.args(benches);
        build.arg("--message-format=json-render-diagnostics");
        let messages = shell::read(&mut build)?;
        let find = |name: &'static str| {
            shell::executable(&messages, name)
                .map(|program| (name, program))
                .ok_or_else(|| Failure::new(format!("cargo built no program `{name}`")))
        };
        names
            .iter()
            .copied()
            .map(find)
            .collect::<Result<_>>()
            .map(Self)
    }

    pub(super) fn get(&self, name: &str) -> Result<&Path> {
        let program = self.0.get(name).map(PathBuf::as_path);
        program.ok_or_else(|| Failure::new(format!("`{name}` was not built")))
    }
}
