//! Tools from the registry that a proof drives: each at one version, installed once below the target directory.

use anyhow::Result;
use xshell::Cmd;

use crate::workspace::{Workspace, clean, require};

/// A tool that `cargo install` builds from the package of the same name.
pub(crate) struct Tool(&'static str, &'static str);

/// Licences, banned crates, sources and build scripts, by `.deny.toml`.
pub(crate) const DENY: Tool = Tool("cargo-deny", "0.20.2");
/// Bills of materials.
pub(crate) const CYCLONEDX: Tool = Tool("cargo-cyclonedx", "0.5.9");
/// Every combination of features.
pub(crate) const HACK: Tool = Tool("cargo-hack", "0.6.46");
/// Lines that tests run, by `.config/tarpaulin.toml`.
pub(crate) const TARPAULIN: Tool = Tool("cargo-tarpaulin", "0.37.5");
/// Changed operators, conditions and values, by `.cargo/mutants.toml`.
pub(crate) const MUTANTS: Tool = Tool("cargo-mutants", "27.1.0");
/// Changes of the public interface since the last release.
pub(crate) const SEMVER_CHECKS: Tool = Tool("cargo-semver-checks", "0.51.0");
/// Spelling, by `.typos.toml`.
pub(crate) const TYPOS: Tool = Tool("typos-cli", "1.42.3");
/// The form of TOML files, by `.taplo.toml`.
pub(crate) const TAPLO: Tool = Tool("taplo-cli", "0.10.0");

impl Tool {
    /// A command line of the tool in the workspace's root. Builds the tool first where it is missing.
    pub(crate) fn command<'a>(&self, workspace: &'a Workspace) -> Result<Cmd<'a>> {
        let Self(package, version) = self;
        let root = workspace.target()?.join("tools");
        let root = root.join(format!("{package}-{version}"));
        let program = root.join("bin").join(package.trim_end_matches("-cli"));
        if !program.is_file() {
            println!("{package} {version} is missing and is built once, which takes some minutes");
            require("cc", "gcc", "cargo links with it")?;
            workspace
                .cargo("install --locked --debug --no-default-features --root")
                .arg(&root)
                .arg(format!("{package}@{version}"))
                // Not optimised: it builds in a minute instead of five, and the tool mostly waits for other programs.
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                // Cargo's own temporary directory instead of ours, which nothing else would use again.
                .env_remove("CARGO_TARGET_DIR")
                .run()?;
        }
        let command = clean(xshell::cmd!(workspace.sh, "{program}"));
        // Called by cargo, a subcommand is given its own name first.
        Ok(command.args(package.strip_prefix("cargo-")))
    }
}
