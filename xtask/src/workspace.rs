//! Where the workspace is, what is in it, and how commands run in it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{Message, Metadata, MetadataCommand, Package};
use regex_lite::Captures;
use xshell::{Cmd, Shell, cmd};

use crate::pattern;

/// A checkout of this workspace, and a shell whose working directory is its root.
pub(crate) struct Workspace {
    pub(crate) sh: Shell,
    root: PathBuf,
    metadata: OnceCell<Metadata>,
}

impl Workspace {
    /// The workspace that the current directory lies in.
    pub(crate) fn find() -> Result<Self> {
        let here = env::current_dir().context("cannot read the current directory")?;
        let root = here
            .ancestors()
            .find(|directory| directory.join("xtask/Cargo.toml").is_file())
            .context("run this inside the workspace: no `xtask/Cargo.toml` here or above")?;
        Self::at(root)
    }

    /// The workspace at a known place.
    pub(crate) fn at(root: &Path) -> Result<Self> {
        let sh = Shell::new()?;
        sh.change_dir(root);
        Ok(Self {
            sh,
            root: root.to_owned(),
            metadata: OnceCell::new(),
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A `cargo` command line in the root; the words of `line` are arguments.
    pub(crate) fn cargo(&self, line: &str) -> Cmd<'_> {
        clean(cmd!(self.sh, "cargo").args(line.split_whitespace()))
    }

    /// What `cargo metadata` prints about the members.
    pub(crate) fn metadata(&self) -> Result<&Metadata> {
        if let Some(metadata) = self.metadata.get() {
            return Ok(metadata);
        }
        let metadata = MetadataCommand::new()
            .current_dir(&self.root)
            .no_deps()
            .exec()
            .context("`cargo metadata` failed; run it for the reason")?;
        Ok(self.metadata.get_or_init(|| metadata))
    }

    /// The members, by name.
    pub(crate) fn packages(&self) -> Result<Vec<&Package>> {
        let mut packages = self.metadata()?.workspace_packages();
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(packages)
    }

    /// The directory that cargo builds in.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        Ok(self.metadata()?.target_directory.clone().into())
    }

    /// Every feature of every member as `package/feature`, without those that need the operating system's TLS library:
    /// what a machine with only Rust on it can build.
    pub(crate) fn portable_features(&self) -> Result<String> {
        let features: Vec<String> = self
            .packages()?
            .into_iter()
            .flat_map(|package| {
                portable(package).map(move |feature| format!("{}/{feature}", package.name))
            })
            .collect();
        Ok(features.join(","))
    }

    /// The text files that git tracks or would track, relative to the root, with `/` between the parts.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let listed = cmd!(
            self.sh,
            "git ls-files -z --cached --others --exclude-standard"
        )
        .quiet()
        .read()?;
        let mut names: Vec<String> = listed
            .split('\0')
            .filter(|name| !name.is_empty() && self.root.join(name).is_file())
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Copies every file of the workspace into a new temporary directory, so that a task can change sources.
    ///
    /// It has a repository of its own, which lists its files, and needs a target directory of its own, because cargo identifies
    /// members by their place inside the workspace and would confuse the two.
    pub(crate) fn copy(&self) -> Result<(tempfile::TempDir, Self)> {
        let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
        for name in self.files()? {
            let to = directory.path().join(&name);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::copy(self.root.join(&name), &to).with_context(|| format!("cannot copy {name}"))?;
        }
        let copy = Self::at(directory.path())?;
        cmd!(copy.sh, "git init --quiet").quiet().run()?;
        Ok((directory, copy))
    }

    /// The path below the root of a workspace program, built in this profile.
    pub(crate) fn build(&self, arguments: &[&str], program: &str) -> Result<PathBuf> {
        let printed = self
            .cargo("build --quiet --message-format=json-render-diagnostics")
            .args(arguments)
            .read()?;
        Message::parse_stream(printed.as_bytes())
            .find_map(|message| match message.ok()? {
                Message::CompilerArtifact(built) if built.target.name == program => {
                    built.executable.map(PathBuf::from)
                }
                _ => None,
            })
            .with_context(|| format!("cargo built no program `{program}`"))
    }
}

/// The features of a package that a machine with only Rust on it can build.
pub(crate) fn portable(package: &Package) -> impl Iterator<Item = &str> {
    package
        .features
        .keys()
        .map(String::as_str)
        .filter(|feature| !["default", "native-tls"].contains(feature))
}

/// The command without what an outer `cargo run` left in the environment: build scripts that watch those variables would
/// run again in every nested build, and again without it.
pub(crate) fn clean(mut command: Cmd<'_>) -> Cmd<'_> {
    for (name, _) in env::vars_os() {
        let outer = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
        if name
            .to_str()
            .is_some_and(|name| outer.iter().any(|prefix| name.starts_with(prefix)))
        {
            command = command.env_remove(name);
        }
    }
    command
}

/// Runs a command, passes its output through, and hands each line of stdout and stderr to `see`.
pub(crate) fn watch(command: Cmd<'_>, mut see: impl FnMut(&str)) -> Result<()> {
    let line = command.to_string();
    let line = shown(&line);
    println!("$ {line}");
    let mut command = Command::from(command);
    let (reader, writer) = std::io::pipe()?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    // It holds the other end of the pipe, which must close for the loop to end.
    drop(command);
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 {
        let text = String::from_utf8_lossy(&bytes);
        print!("{}", shown(&text));
        see(text.trim_end());
        bytes.clear();
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("failed ({status}): {line}");
    }
    Ok(())
}

/// A command line for people: of a long list of features how many they are. All of them would fill the screen, and hide
/// what failed.
fn shown(line: &str) -> Cow<'_, str> {
    const LONGEST: usize = 80;
    pattern(r"--features (\S+)").replace_all(line, |found: &Captures<'_>| {
        match found[1].len() > LONGEST {
            true => format!("--features <{} features>", found[1].split(',').count()),
            false => found[0].to_owned(),
        }
    })
}

/// Whether a program starts and succeeds; prints nothing.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A process beside this one, which ends with this value.
pub(crate) struct Background(Child);

impl Background {
    /// Starts it, and returns what it prints.
    pub(crate) fn start(command: &mut Command) -> Result<(Self, BufReader<ChildStdout>)> {
        let child = command.stdout(Stdio::piped()).spawn();
        let mut process = Self(child.with_context(|| format!("cannot start {command:?}"))?);
        let output = process.0.stdout.take().context("it has no output")?;
        Ok((process, BufReader::new(output)))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Installs a package of the operating system where its program is missing: as root on a system with `apt-get`.
pub(crate) fn require(program: &str, package: &str, reason: &str) -> Result<()> {
    let found = env::var_os("PATH").is_some_and(|path| {
        env::split_paths(&path).any(|directory| directory.join(program).is_file())
    });
    if found {
        return Ok(());
    }
    let sh = Shell::new()?;
    let root = cmd!(sh, "id -u").quiet().read().is_ok_and(|id| id == "0");
    if !(root && succeeds("apt-get", &["--version"])) {
        bail!(
            "`{program}` is missing: {reason}; on Debian and Ubuntu `sudo apt-get install {package}`"
        );
    }
    cmd!(sh, "apt-get update -qq").run()?;
    cmd!(
        sh,
        "apt-get install -y -qq --no-install-recommends {package}"
    )
    .env("DEBIAN_FRONTEND", "noninteractive")
    .run()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_features_is_counted() {
        let long = ["kyc-facade/finpass"; 10].join(",");
        assert_eq!(
            shown(&format!("cargo test --features {long} --doc")),
            "cargo test --features <10 features> --doc"
        );
        let short = "cargo test --features a/b,c/d --doc";
        assert_eq!(shown(short), short);
    }
}
