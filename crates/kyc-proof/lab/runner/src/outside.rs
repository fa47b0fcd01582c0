//! Packages outside the workspace, generated and built below `target/bench`: programs as a user would have them, and peers
//! that must not enter our lock file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::crates::{self, Crates};
use crate::failure::{Context, Failure, Result};
use crate::metadata::Metadata;
use crate::shell::{self, Workspace};

/// Where the sources lie.
const SOURCES: &str = "crates/kyc-proof/lab/programs";

/// The version of each generated package, as cargo prints it.
const VERSION: &str = "v0.0.0";

/// One program: its source, and what it depends on.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Directory and file of its `main.rs`; the other sources of the directory are its modules.
    pub(crate) source: &'static str,
    /// Lines of its manifest; `CRATES` stands for the directory of our crates.
    pub(crate) dependencies: &'static [&'static str],
}

/// How a program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
    /// As this workspace builds its own programs.
    Workspace,
    /// For size alone: `opt-level = "z"`, fat LTO, one unit, abort at a panic.
    Smallest,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
            Self::Workspace => "workspace",
            Self::Smallest => "smallest",
        }
    }

    fn directory(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            other => other.name(),
        }
    }
}

/// The packages of one benchmark, below `target/bench/NAME`.
pub(crate) struct Packages {
    crates: PathBuf,
    lock: String,
    pub(crate) output: PathBuf,
}

impl Packages {
    pub(crate) fn of(workspace: &Workspace, benchmark: &str) -> Result<Self> {
        let output = Metadata::read(workspace)?
            .target_directory
            .join("bench")
            .join(benchmark);
        fs::create_dir_all(&output).context(|| format!("cannot create {}", output.display()))?;
        Ok(Self {
            crates: workspace.root().join("crates"),
            lock: fs::read_to_string(workspace.root().join("Cargo.lock"))
                .context(|| "cannot read Cargo.lock".into())?,
            output,
        })
    }

    /// Writes a program's package and fetches what it depends on: the versions of our lock file, and for what is not
    /// there the newest ones.
    pub(crate) fn package(&self, workspace: &Workspace, program: &Program) -> Result<Package> {
        let directory = self.output.join("packages").join(program.name);
        let sources = directory.join("src");
        fs::create_dir_all(&sources).context(|| format!("cannot create {}", sources.display()))?;
        let crates = self.crates.to_string_lossy().replace('\\', "/");
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"{}\"\nedition = \"2024\"\npublish = false\n\n\
             [profile.release]\nstrip = true\n\n\
             [profile.workspace]\ninherits = \"release\"\nlto = \"thin\"\ncodegen-units = 1\n\n\
             [profile.smallest]\ninherits = \"release\"\nopt-level = \"z\"\nlto = true\ncodegen-units = 1\npanic = \"abort\"\n\n\
             [workspace]\n\n[lints.rust]\nunexpected_cfgs = \"allow\"\n\n[dependencies]\n{}\n",
            program.name,
            VERSION.trim_start_matches('v'),
            program.dependencies.join("\n").replace("CRATES", &crates),
        );
        write(&directory.join("Cargo.toml"), &manifest)?;
        let lock = directory.join("Cargo.lock");
        if !lock.exists() {
            write(&lock, &self.lock)?;
        }
        let main = workspace.root().join(SOURCES).join(program.source);
        let reading = || format!("cannot read {}", main.display());
        for entry in main
            .parent()
            .map(fs::read_dir)
            .into_iter()
            .flatten()
            .flatten()
        {
            let from = entry.context(reading)?.path();
            let name = if from == main {
                Some("main.rs".as_ref())
            } else {
                from.file_name()
            };
            if let Some(name) = name {
                fs::copy(&from, sources.join(name))
                    .context(|| format!("cannot copy {}", from.display()))?;
            }
        }
        let package = Package {
            name: program.name,
            directory,
            // One for all benchmarks: they stand on the same crates.
            target: self.output.with_file_name("packages-target"),
        };
        shell::run(&mut package.cargo(&["fetch", "--quiet"]))?;
        Ok(package)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).context(|| format!("cannot write {}", path.display()))
}

/// A program's package, ready to be built without the network.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    directory: PathBuf,
    target: PathBuf,
}

impl Package {
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = shell::cargo_in(&self.directory, arguments);
        command
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTFLAGS");
        command
    }

    /// The same package, built somewhere else.
    pub(crate) fn built_in(&self, target: &Path) -> Self {
        Self {
            name: self.name,
            directory: self.directory.clone(),
            target: target.to_path_buf(),
        }
    }

    /// The packages it stands on, without itself; those of build scripts among them or not.
    pub(crate) fn crates(&self, with_build: bool) -> Result<Crates> {
        let edges = if with_build { "normal,build" } else { "normal" };
        let mut crates = crates::tree(&mut self.cargo(&["tree", "--offline", "--edges", edges]))?;
        // A program may have the name of a crate that it uses; its version tells them apart.
        crates.retain(|_, versions| {
            versions.remove(VERSION);
            !versions.is_empty()
        });
        Ok(crates)
    }

    /// The versions of some packages, in words.
    pub(crate) fn versions(&self, names: &[&str]) -> Result<String> {
        let crates = self.crates(true)?;
        let version = |name: &&str| {
            let versions: Vec<&str> = crates.get(*name)?.iter().map(String::as_str).collect();
            Some(format!("{name} {}", versions.join(" and ")))
        };
        Ok(names
            .iter()
            .filter_map(version)
            .collect::<Vec<_>>()
            .join(", "))
    }

    /// Builds it, and tells the program and how long it took.
    pub(crate) fn build(&self, profile: Profile) -> Result<(PathBuf, Duration)> {
        let arguments = ["build", "--offline", "--quiet", "--profile", profile.name()];
        let started = Instant::now();
        shell::run(&mut self.cargo(&arguments))?;
        let took = started.elapsed();
        let program = self.target.join(profile.directory()).join(self.name);
        if program.is_file() {
            Ok((program, took))
        } else {
            Err(Failure::new(format!(
                "cargo built no {}",
                program.display()
            )))
        }
    }
}
