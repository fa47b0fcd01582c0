//! Where the workspace is, and how commands are run in it.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::failure::{Context, Failure, Result};

/// A checkout of this workspace.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that the current directory lies in.
    pub(crate) fn find() -> Result<Self> {
        let here = env::current_dir().context(|| "cannot read the current directory".into())?;
        here.ancestors()
            .find(|directory| {
                directory.join("xtask/Cargo.toml").is_file()
                    && directory.join("Cargo.toml").is_file()
            })
            .map(Self::at)
            .ok_or_else(|| {
                Failure::new("run this inside the workspace: no `xtask/Cargo.toml` here or above")
            })
    }

    /// The workspace at a known place.
    fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// Where the measured programs and their lock file are.
    pub(crate) fn lab(&self) -> PathBuf {
        self.root.join("crates/kyc-proof/lab")
    }

    /// A `cargo` command line over the lab's own packages, built beside the main workspace's.
    pub(crate) fn lab_cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo_in(&self.lab(), arguments);
        if env::var_os("CARGO_TARGET_DIR").is_none() {
            command
                .arg("--target-dir")
                .arg(self.root.join("target/lab"));
        }
        command
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A `cargo` command line in the root, without what an outer `cargo run` left in the environment.
    pub(crate) fn cargo<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        cargo_in(&self.root, arguments)
    }
}

/// A `cargo` command line in any directory.
pub(crate) fn cargo_in<I: AsRef<OsStr>>(
    directory: &Path,
    arguments: impl IntoIterator<Item = I>,
) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = program_in(directory, cargo);
    command.args(arguments);
    command
}

/// Any program in any directory, without what an outer `cargo run` left in the environment.
pub(crate) fn program_in(directory: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    // `cargo run` describes this package to the program it starts. Build scripts that watch those variables
    // would run again in every nested build, and again without us.
    for (name, _) in env::vars_os() {
        let inherited = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_")
                || name.starts_with("CARGO_MANIFEST_")
                || name.starts_with("CARGO_BIN_")
        });
        if inherited {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command whose output goes straight to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command
        .status()
        .context(|| format!("cannot start `{}`", line(command)))?;
    expect_success(command, status)
}

/// Runs a command and returns what it printed; its complaints go to the terminal.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context(|| format!("cannot start `{}`", line(command)))?;
    expect_success(command, output.status)?;
    String::from_utf8(output.stdout).context(|| format!("output of `{}`", line(command)))
}

/// Whether a command can be started and succeeds; prints nothing.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The program of a target among cargo's messages.
pub(crate) fn executable(messages: &str, target: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some(target))
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
}

/// The command as one would type it, with the variables that were set for it.
pub(crate) fn line(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| {
            Some(format!(
                "{}={}",
                name.to_string_lossy(),
                quoted(&value?.to_string_lossy())
            ))
        })
        .collect();
    let program = Path::new(command.get_program())
        .file_stem()
        .unwrap_or_default();
    words.push(program.to_string_lossy().into_owned());
    words.extend(
        command
            .get_args()
            .map(|argument| quoted(&argument.to_string_lossy())),
    );
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{word}'")
    }
}

fn announce(command: &Command) {
    println!("$ {}", line(command));
}

fn expect_success(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "failed ({status}); to repeat: {}",
        line(command)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_printed_as_one_would_type_it() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command
            .env("FIXTURES", "check")
            .env_remove("GONE")
            .args(["test", "--", "a b"]);
        assert_eq!(line(&command), "FIXTURES=check cargo test -- 'a b'");
    }

    #[test]
    fn programs_are_found_among_the_messages() {
        let messages = "\
{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"call\"},\"executable\":null}
{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"call\"},\"executable\":\"a/call-1\"}
{\"reason\":\"build-finished\",\"success\":true}";
        assert_eq!(executable(messages, "call"), Some("a/call-1".into()));
        assert_eq!(executable(messages, "call-heap"), None);
    }
}
