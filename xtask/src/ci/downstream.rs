//! A crate outside the workspace that uses one provider alone, as a user's would.

use std::fs;
use std::path::Path;

use super::Session;
use crate::crates;
use crate::failure::{Context, Failure, Result};
use crate::shell;
use crate::temporary::Directory;
use crate::tidy::Role;

const PROVIDER: &str = "finpass";
const MAIN: &str = include_str!("../downstream/main.rs.txt");

pub(super) fn run(session: &mut Session) -> Result<()> {
    let directory = Directory::new(&session.workspace, "downstream")?;
    let outcome = build(session, directory.path());
    directory.finish(outcome)
}

fn build(session: &Session, directory: &Path) -> Result<()> {
    let root = session.workspace.root();
    let provider = root.join(&session.metadata.get(PROVIDER)?.directory);
    write(directory, "Cargo.toml", &manifest(&provider))?;
    write(directory, "src/main.rs", MAIN)?;
    // The same versions as here, so that dependencies built for the workspace serve again.
    let lock =
        fs::read_to_string(root.join("Cargo.lock")).context(|| "cannot read Cargo.lock".into())?;
    write(directory, "Cargo.lock", &lock)?;

    let cargo = |arguments: &[&str]| {
        let mut command = shell::cargo_in(directory, arguments);
        command.env("CARGO_TARGET_DIR", &session.metadata.target_directory);
        command
    };
    shell::run(&mut cargo(&["run", "--quiet"]))?;

    let tree = crates::tree(&mut cargo(&["tree", "--edges", "normal"]))?;
    let ours = session
        .metadata
        .packages
        .keys()
        .filter(|name| *name != PROVIDER && Role::of(name) != Role::Core);
    let brought: Vec<&str> = ours
        .filter(|name| tree.contains_key(*name))
        .map(String::as_str)
        .collect();
    if brought.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "{PROVIDER} alone brings {}",
            brought.join(", ")
        )))
    }
}

/// A package of its own workspace, with the development profile of ours so that builds are shared.
fn manifest(provider: &Path) -> String {
    let path = provider.to_string_lossy().replace('\\', "/");
    format!(
        "[package]\nname = \"downstream\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\n{PROVIDER} = {{ path = \"{path}\" }}\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\n[workspace]\n"
    )
}

fn write(directory: &Path, name: &str, text: &str) -> Result<()> {
    let path = directory.join(name);
    let writing = || format!("cannot write {}", path.display());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).context(writing)?;
    }
    fs::write(&path, text).context(writing)
}
