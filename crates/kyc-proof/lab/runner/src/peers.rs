//! Clients that a user would take instead, from other places than this workspace: how each is had, and its version.
//!
//! All are programs in `crates/kyc-proof/lab/peers` that take `EXCHANGE PORT CONCURRENCY CALLS` and print
//! `CALLS ELAPSED_S P50_US P99_US USER_S SYSTEM_S`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::machine::Package;
use crate::shell::{self, Workspace};

/// What the programs of a peer are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Runtime {
    Rust,
    Go,
    Node,
    Python,
}

/// A runtime with its programs, ready to be started.
pub(crate) struct Ready {
    /// The program, before the name of the peer where one program is several.
    program: PathBuf,
    /// Where the scripts of peers lie, if they are scripts.
    scripts: Option<PathBuf>,
    /// Its version and those of its peers.
    pub(crate) versions: String,
}

impl Ready {
    /// The program of a peer and what comes before the common arguments.
    pub(crate) fn command(&self, peer: &str) -> (PathBuf, Vec<OsString>) {
        let first = match &self.scripts {
            Some(scripts) => vec![scripts.join(peer).into_os_string()],
            None if peer.is_empty() => Vec::new(),
            None => vec![peer.into()],
        };
        (self.program.clone(), first)
    }
}

impl Runtime {
    pub(crate) const ALL: [Self; 4] = [Self::Rust, Self::Go, Self::Node, Self::Python];

    /// Builds or installs the programs below `output`, and the runtime where it is missing and that needs no question.
    pub(crate) fn prepare(self, workspace: &Workspace, output: &Path) -> Result<Ready> {
        let sources = workspace.root().join("crates/kyc-proof/lab/peers");
        match self {
            Self::Rust => rust(workspace, &sources.join("rust")),
            Self::Go => go(&sources.join("go"), &output.join("go")),
            Self::Node => node(&sources.join("node"), &output.join("node")),
            Self::Python => python(&sources.join("python"), &output.join("python")),
        }
    }
}

fn rust(workspace: &Workspace, sources: &Path) -> Result<Ready> {
    let program = cargo_package(workspace, sources, "peers")?;
    let lock = read(&sources.join("Cargo.lock"))?;
    let version = |name| locked(&lock, name).unwrap_or("?");
    Ok(Ready {
        program,
        scripts: None,
        versions: format!("awc {}, ureq {}", version("awc"), version("ureq")),
    })
}

/// Builds the program of a package with a lock file of its own.
pub(crate) fn cargo_package(workspace: &Workspace, sources: &Path, name: &str) -> Result<PathBuf> {
    let mut build = shell::cargo_in(
        sources,
        [
            "build",
            "--release",
            "--locked",
            "--message-format=json-render-diagnostics",
        ],
    );
    // Beside the workspace's own: what both need is built twice, because the features differ.
    let target = crate::metadata::Metadata::read(workspace)?.target_directory;
    build.arg("--target-dir").arg(target.join("bench/peers"));
    let messages = shell::read(&mut build)?;
    shell::executable(&messages, name)
        .ok_or_else(|| Failure::new(format!("cargo built no program `{name}`")))
}

fn go(sources: &Path, output: &Path) -> Result<Ready> {
    let go = Package {
        name: "golang-go",
        program: "go",
        reason: "one of the peers is Go's net/http",
    };
    go.provide()?;
    let program = output.join("peer");
    let mut build = shell::program_in(sources, "go");
    // It has no dependencies, so there is nothing to look up.
    build
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .args(["build", "-o"])
        .arg(&program)
        .arg("peer.go");
    shell::read(&mut build)?;
    let version = shell::read(Command::new("go").args(["env", "GOVERSION"]))?;
    Ok(Ready {
        program,
        scripts: None,
        versions: format!("Go {}", version.trim().trim_start_matches("go")),
    })
}

fn node(sources: &Path, output: &Path) -> Result<Ready> {
    for program in ["node", "npm"] {
        let package = Package {
            name: if program == "node" { "nodejs" } else { "npm" },
            program,
            reason: "three of the peers run on Node.js",
        };
        package.provide()?;
    }
    copy(sources, output)?;
    let mut install = shell::program_in(output, "npm");
    shell::read(install.args(["ci", "--no-audit", "--no-fund", "--silent"]))?;
    let version = |expression| {
        let mut node = Command::new("node");
        shell::read(node.args(["--print", expression])).map(|version| version.trim().to_owned())
    };
    let manifest = read(&sources.join("package.json"))?;
    let pinned = |name| pinned(&manifest, name).unwrap_or("?");
    Ok(Ready {
        program: "node".into(),
        scripts: Some(output.to_owned()),
        versions: format!(
            "Node.js {}, undici {}, axios {}, built-in fetch (undici {})",
            version("process.versions.node")?,
            pinned("undici"),
            pinned("axios"),
            version("process.versions.undici")?,
        ),
    })
}

fn python(sources: &Path, output: &Path) -> Result<Ready> {
    let program = environment(sources, output)?;
    let requirements = output.join("requirements.txt");
    let version = shell::read(Command::new(&program).arg("--version"))?;
    let lines = read(&requirements)?;
    let pinned = |name: &str| {
        let lines = lines.lines().filter_map(|line| line.split_once("=="));
        let found = lines.into_iter().find(|(found, _)| *found == name);
        found.map_or_else(|| "?".to_owned(), |(_, version)| version.to_owned())
    };
    Ok(Ready {
        program,
        scripts: Some(output.to_owned()),
        versions: format!(
            "{}, aiohttp {}, httpx {}",
            version.trim(),
            pinned("aiohttp"),
            pinned("httpx")
        ),
    })
}

/// Copies scripts of Python, installs what they require into an environment of its own beside them, and returns its interpreter.
pub(crate) fn environment(sources: &Path, output: &Path) -> Result<PathBuf> {
    let python = Package {
        name: "python3",
        program: "python3",
        reason: "some of the peers run on Python",
    };
    python.provide()?;
    let environment = output.join("environment");
    let program = environment.join("bin/python");
    let make = || {
        shell::read(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(&environment),
        )
    };
    if !program.is_file() && make().is_err() {
        // Debian has it in a package of its own.
        let venv = Package {
            name: "python3-venv",
            program: "python3 -m venv",
            reason: "the Python peers are installed into an environment of their own",
        };
        venv.install()?;
        make()?;
    }
    copy(sources, output)?;
    let mut install = Command::new(&program);
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    let requirements = output.join("requirements.txt");
    shell::read(install.arg("--requirement").arg(requirements))?;
    Ok(program)
}

/// Copies the files of a directory: what is installed or compiled beside them is not to lie among the sources.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let doing = || format!("cannot copy {} to {}", from.display(), to.display());
    fs::create_dir_all(to).context(doing)?;
    for entry in fs::read_dir(from).context(doing)? {
        let entry = entry.context(doing)?;
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).context(doing)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).context(|| format!("cannot read {}", path.display()))
}

/// The version of a package in a lock file of cargo's.
pub(crate) fn locked<'l>(lock: &'l str, package: &str) -> Option<&'l str> {
    let (_, after) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split('"').next()
}

/// The version of a dependency in npm's manifest.
fn pinned<'m>(manifest: &'m str, package: &str) -> Option<&'m str> {
    let (_, after) = manifest.split_once(&format!("\"{package}\": \""))?;
    after.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_stands_in_the_lock_file() {
        let lock =
            "name = \"reqwest-x\"\nversion = \"1\"\n\nname = \"reqwest\"\nversion = \"0.13.5\"\n";
        assert_eq!(locked(lock, "reqwest"), Some("0.13.5"));
    }

    #[test]
    fn a_version_stands_in_the_manifest() {
        let manifest = "{ \"dependencies\": { \"axios\": \"1.2.3\" } }";
        assert_eq!(pinned(manifest, "axios"), Some("1.2.3"));
        assert_eq!(pinned(manifest, "undici"), None);
    }
}
