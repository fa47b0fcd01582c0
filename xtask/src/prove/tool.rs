//! Programs from the registry that a proof drives: each at one version, installed once below the target directory.

use std::path::Path;
use std::process::Command;

use crate::failure::Result;
use crate::metadata::Metadata;
use crate::shell::{self, Workspace};

/// A program that `cargo install` makes from the package of the same name.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

impl Tool {
    /// A command line of the program in a directory. Installs the program first where it is missing.
    pub(super) fn command(
        &self,
        workspace: &Workspace,
        metadata: &Metadata,
        directory: &Path,
    ) -> Result<Command> {
        let Self { name, version } = self;
        let root = metadata
            .target_directory
            .join("tools")
            .join(format!("{name}-{version}"));
        let program = root.join("bin").join(name);
        if !program.is_file() {
            let mut install =
                workspace.cargo(["install", "--locked", "--debug", "--no-default-features"]);
            install
                .arg("--root")
                .arg(&root)
                .arg(format!("{name}@{version}"))
                // Not optimised: a minute to build instead of five, and what is waited for is other programs.
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                // Cargo's own temporary directory instead of ours, which nothing else would use again.
                .env_remove("CARGO_TARGET_DIR");
            shell::run(&mut install)?;
        }
        let mut command = shell::program_in(directory, program);
        // Called by cargo, a subcommand is told its own name first.
        command.args(name.strip_prefix("cargo-"));
        Ok(command)
    }
}
