//! The packages as they would be published: every one has what it needs, and its tests pass without the workspace around it.

use std::ffi::OsStr;
use std::fmt::Write as _;

use anyhow::{Result, ensure};
use cargo_metadata::Package;
use xshell::cmd;

use crate::test::{self, Counts};
use crate::tools;
use crate::workspace::{Workspace, portable};

/// Packages, unpacks and tests them all; returns what was not checked, and why.
pub(crate) fn run(workspace: &Workspace, counts: &mut Counts) -> Result<Option<String>> {
    let sh = &workspace.sh;
    let packages = workspace.packages()?.into_iter();
    let packages: Vec<&Package> = packages
        .filter(|package| package.publish.is_none())
        .collect();
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
    // In the order in which they can be published; the tests below build them, from what is in the packages.
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
    let manifest = unpacked.join("Cargo.toml");
    let target = workspace.target()?;
    let place = [
        OsStr::new("--manifest-path"),
        manifest.as_os_str(),
        OsStr::new("--target-dir"),
        target.as_os_str(),
    ];
    test::all(workspace, &features.join(","), &place, counts)?;

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
