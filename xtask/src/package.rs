//! The packages as they would be published: every one has what it needs, and builds and passes its tests without the workspace around
//! it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use cargo_metadata::Package;
use xshell::cmd;

use crate::test::{self, Counts, tested};
use crate::tools;
use crate::workspace::{Workspace, portable};

/// Packages that lie unpacked in a workspace of their own.
struct Unpacked {
    manifest: PathBuf,
    /// All features of all of them, but those that need what a machine may not have.
    features: String,
}

/// Builds every target of every package, and looks for what breaks users of the last release; returns what was not checked, and why.
///
/// Each file of a crate is in its package, so what builds here passes the tests that it passes in the workspace, unless a test reads
/// files outside of its crate: [`test_all`] finds those.
pub(crate) fn check(workspace: &Workspace, counts: &mut Counts) -> Result<Option<String>> {
    let unpacked = unpack(workspace)?;
    let build = workspace.cargo("check --workspace --all-targets --features");
    let build = build.arg(&unpacked.features);
    tested(build.args(place(workspace, &unpacked)?), counts)?;
    breaks(workspace)
}

/// Runs all tests of all packages.
pub(crate) fn test_all(workspace: &Workspace) -> Result<()> {
    let unpacked = unpack(workspace)?;
    let mut counts = Counts::default();
    let place = place(workspace, &unpacked)?;
    let place: Vec<&OsStr> = place.iter().map(OsStr::new).collect();
    let outcome = test::all(workspace, &unpacked.features, &place, &mut counts);
    counts.close(outcome)
}

/// The packages that are for users.
fn published(workspace: &Workspace) -> Result<Vec<&Package>> {
    let mut packages = workspace.packages()?;
    packages.retain(|package| package.publish.is_none());
    Ok(packages)
}

/// The arguments that name the workspace of the packages, and where it is built: where dependencies are built already.
fn place(workspace: &Workspace, unpacked: &Unpacked) -> Result<[String; 4]> {
    Ok([
        "--manifest-path".to_owned(),
        unpacked.manifest.display().to_string(),
        "--target-dir".to_owned(),
        workspace.target()?.display().to_string(),
    ])
}

/// Packages them all, in the order in which they can be published, and unpacks them beside each other.
fn unpack(workspace: &Workspace) -> Result<Unpacked> {
    let sh = &workspace.sh;
    let packages = published(workspace)?;
    let mut selected = Vec::new();
    let mut features = Vec::new();
    for package in &packages {
        let name = &package.name;
        for file in ["LICENSE-MIT", "LICENSE-APACHE", "README.md"] {
            let there = package.manifest_path.with_file_name(file).is_file();
            ensure!(there, "{name}: a package needs {file}; a link is followed");
        }
        let lists = [&package.keywords, &package.categories];
        let found = package.description.is_some() && lists.iter().all(|list| !list.is_empty());
        ensure!(found, "{name}: needs description, keywords, categories");
        selected.extend(["--package".to_owned(), name.to_string()]);
        features.extend(portable(package).map(|feature| format!("{name}/{feature}")));
    }
    workspace
        .cargo("package --no-verify --allow-dirty --quiet")
        .args(&selected)
        .run()?;

    let unpacked = workspace.target()?.join("package").join("unpacked");
    sh.remove_path(&unpacked)?;
    sh.create_dir(unpacked.join(".config"))?;
    let mut members = String::new();
    for package in &packages {
        let directory = format!("{}-{}", package.name, package.version);
        let archive = unpacked.with_file_name(format!("{directory}.crate"));
        // All files of all archives have one time: without one of their own cargo would take them for built.
        cmd!(sh, "tar -xzmf {archive} -C {unpacked}")
            .quiet()
            .run()?;
        writeln!(members, "{} = {{ path = {directory:?} }}", package.name)?;
    }
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"*-*\"]\n\n[profile.dev]\ndebug = \"line-tables-only\"\n\n[patch.crates-io]\n{members}"
    );
    sh.write_file(unpacked.join("Cargo.toml"), manifest)?;
    sh.copy_file(workspace.root().join("Cargo.lock"), &unpacked)?;
    // With the same limits to tests that hang.
    sh.copy_file(
        workspace.root().join(".config/nextest.toml"),
        unpacked.join(".config/nextest.toml"),
    )?;
    Ok(Unpacked {
        manifest: unpacked.join("Cargo.toml"),
        features: features.join(","),
    })
}

/// What the last release has, and is not there any more; or why nobody looked.
fn breaks(workspace: &Workspace) -> Result<Option<String>> {
    let sh = &workspace.sh;
    let packages = published(workspace)?;
    let released = cmd!(sh, "git tag --list v* --sort -version:refname")
        .quiet()
        .read()?;
    let Some(last) = released.lines().next() else {
        let missing = packages.iter().any(|package| package.repository.is_none());
        let note = if missing {
            "; no repository: set it before publishing"
        } else {
            ""
        };
        return Ok(Some(format!(
            "semver: skipped, there is no release yet{note}"
        )));
    };
    let without = packages.iter().find(|package| package.repository.is_none());
    ensure!(without.is_none(), "a released package needs a repository");
    let check = tools::SEMVER_CHECKS.command(workspace)?;
    check.args(["--workspace", "--baseline-rev", last]).run()?;
    Ok(None)
}
