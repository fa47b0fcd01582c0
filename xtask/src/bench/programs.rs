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
        let mut what = vec!["--package=kyc-proof".to_owned()];
        what.extend(names.iter().map(|name| format!("--bench={name}")));
        build(workspace, &what, names).map(Self)
    }

    pub(super) fn get(&self, name: &str) -> Result<&Path> {
        let program = self.0.get(name).map(PathBuf::as_path);
        program.ok_or_else(|| Failure::new(format!("`{name}` was not built")))
    }
}

/// The command `kyc`.
pub(super) fn kyc(workspace: &Workspace) -> Result<PathBuf> {
    println!("building kyc");
    let what = ["--package=kyc-cli".to_owned(), "--bin=kyc".to_owned()];
    let mut built = build(workspace, &what, &["kyc"])?;
    built.remove("kyc").ok_or_else(|| missing("kyc"))
}

fn build(
    workspace: &Workspace,
    what: &[String],
    names: &[&'static str],
) -> Result<BTreeMap<&'static str, PathBuf>> {
    let mut build = workspace.cargo(["build", "--release"]);
    build
        .args(what)
        .arg("--message-format=json-render-diagnostics");
    let messages = shell::read(&mut build)?;
    let find = |name: &'static str| {
        let program = shell::executable(&messages, name).ok_or_else(|| missing(name))?;
        Ok((name, program))
    };
    names.iter().copied().map(find).collect()
}

fn missing(name: &str) -> Failure {
    Failure::new(format!("cargo built no program `{name}`"))
}
