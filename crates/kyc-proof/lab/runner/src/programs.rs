//! The measured programs, as they are released.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::shell::{self, Workspace};

/// Programs of `crates/kyc-proof/lab/programs`, by name.
pub(crate) struct Programs(BTreeMap<&'static str, PathBuf>);

impl Programs {
    pub(crate) fn build(workspace: &Workspace, names: &[&'static str]) -> Result<Self> {
        println!("building {}", names.join(", "));
        let mut cargo = workspace.lab_cargo(&["build", "--release", "--package=programs"]);
        cargo.args(names.iter().map(|name| format!("--bin={name}")));
        build(cargo, names).map(Self)
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Path> {
        let program = self.0.get(name).map(PathBuf::as_path);
        program.ok_or_else(|| Failure::new(format!("`{name}` was not built")))
    }
}

/// The command `kyc`.
pub(crate) fn kyc(workspace: &Workspace) -> Result<PathBuf> {
    println!("building kyc");
    let what = ["build", "--release", "--package=kyc-cli", "--bin=kyc"];
    let mut built = build(workspace.cargo(what), &["kyc"])?;
    built.remove("kyc").ok_or_else(|| missing("kyc"))
}

/// An example of a crate of the workspace.
pub(crate) fn example(
    workspace: &Workspace,
    package: &str,
    features: &[&str],
    name: &'static str,
) -> Result<PathBuf> {
    println!("building {name} of {package}");
    let what = [
        "build",
        "--release",
        "--package",
        package,
        "--example",
        name,
    ];
    let built = build(workspace.cargo(what.iter().chain(features)), &[name])?;
    built
        .into_iter()
        .next()
        .map(|(_, program)| program)
        .ok_or_else(|| missing(name))
}

fn build(mut build: Command, names: &[&'static str]) -> Result<BTreeMap<&'static str, PathBuf>> {
    build.arg("--message-format=json-render-diagnostics");
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
