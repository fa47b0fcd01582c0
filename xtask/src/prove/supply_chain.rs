//! Proof `supply-chain`: licences, sources and build scripts of the dependencies.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;
use xshell::cmd;

use super::Settings;
use crate::guards;
use crate::tools::{CYCLONEDX, DENY};
use crate::workspace::{Workspace, succeeds};

/// Where cargo-deny downloads the database of known faults from.
const RUSTSEC: &str = "https://github.com/RustSec/advisory-db";

pub(super) fn run(workspace: &Workspace, settings: &Settings) -> Result<()> {
    // Licences, sources, duplicates, banned crates and the list of build scripts, each with what it does.
    let deny = || DENY.command(workspace);
    deny()?
        .args([
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ])
        .run()?;
    match &settings.advisories {
        None => println!(
            "advisories: not checked; `--advisories DIRECTORY` does, with a clone of RustSec's database"
        ),
        Some(directory) => {
            // cargo-deny clones the database from one address; Git finds the copy under it instead.
            let directory = workspace.sh.current_dir().join(directory);
            deny()?
                .args(["check", "--hide-inclusion-graph", "advisories"])
                .env("GIT_CONFIG_COUNT", "1")
                .env(
                    "GIT_CONFIG_KEY_0",
                    format!("url.{}.insteadOf", directory.display()),
                )
                .env("GIT_CONFIG_VALUE_0", RUSTSEC)
                .run()?;
        }
    }
    build_offline(workspace)?;
    guards::run(workspace)?;
    bills_of_materials(workspace)
}

/// Builds the workspace from nothing without a network: a build script that downloads fails.
fn build_offline(workspace: &Workspace) -> Result<()> {
    let target = workspace.target()?.join("alone");
    workspace.sh.remove_path(&target)?;
    let features = workspace.portable_features()?;
    let features: Vec<&str> = features
        .split(',')
        .filter(|feature| !feature.starts_with("kyc-proof/"))
        .collect();
    let features = features.join(",");
    let check = [
        "check",
        "--workspace",
        "--exclude",
        "kyc-proof",
        "--quiet",
        "--locked",
        "--offline",
    ];
    let alone = ["unshare", "--map-root-user", "--net", "--"];
    let alone: &[&str] = match succeeds("unshare", &["--map-root-user", "--net", "true"]) {
        true => &alone,
        false => &["env"],
    };
    let (first, rest) = alone.split_first().context("no command")?;
    crate::workspace::clean(cmd!(workspace.sh, "{first} {rest...} cargo {check...}"))
        .args(["--features", &features, "--target-dir"])
        .arg(&target)
        .run()?;
    println!(
        "built {}: no build downloads",
        if rest.is_empty() {
            "offline"
        } else {
            "without a network"
        }
    );
    workspace.sh.remove_path(&target)?;
    Ok(())
}

/// Writes a CycloneDX file for each published crate, with all features on all platforms, below `target/sbom`.
///
/// In a copy, because cargo-cyclonedx writes beside the manifests, and because what only tests need must not be in it.
fn bills_of_materials(workspace: &Workspace) -> Result<()> {
    let (directory, copy) = workspace.copy()?;
    for package in copy.packages()? {
        let manifest = copy.sh.read_file(&package.manifest_path)?;
        copy.sh
            .write_file(&package.manifest_path, without_tests(&manifest))?;
    }
    let epoch = cmd!(workspace.sh, "git log -1 --format=%ct").quiet().read();
    let target = workspace.target()?;
    // The tool is where the workspace built it, and its working directory is the copy.
    CYCLONEDX
        .command(workspace)?
        .args(["--quiet", "--format", "json", "--spec-version", "1.5"])
        .args(["--all-features", "--target", "all", "--manifest-path"])
        .arg(directory.path().join("Cargo.toml"))
        // The same sources then produce the same files.
        .env("SOURCE_DATE_EPOCH", epoch.unwrap_or_default())
        .run()?;
    let bills = target.join("sbom");
    workspace.sh.create_dir(&bills)?;
    let place = directory.path().display().to_string();
    println!(
        "CycloneDX 1.5, components of each published crate, in {}:",
        bills.display()
    );
    for package in copy.packages()? {
        // An empty list of registries stands for `publish = false`.
        if package.publish.is_some() {
            continue;
        }
        let name = format!("{}.cdx.json", package.name);
        let from = package.manifest_path.with_file_name(&name);
        // The build machine's path must not be published.
        let bill = copy.sh.read_file(&from)?.replace(&place, "");
        println!(
            "  {name:<32}{}",
            components(&bill).with_context(|| name.clone())?
        );
        workspace.sh.write_file(bills.join(&name), bill)?;
    }
    Ok(())
}

/// A manifest without its dependencies for tests.
fn without_tests(manifest: &str) -> String {
    let mut kept = true;
    manifest
        .split_inclusive('\n')
        .filter(|line| {
            if line.starts_with('[') {
                kept = !line.contains("dev-dependencies");
            }
            kept
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bill {
    spec_version: String,
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    #[serde(rename = "bom-ref")]
    reference: String,
    #[serde(default)]
    licenses: Vec<IgnoredAny>,
    #[serde(default)]
    hashes: Vec<IgnoredAny>,
}

/// How many components a bill has. Each one from the registry has its checksum and its licence there.
fn components(bill: &str) -> Result<usize> {
    let bill: Bill = serde_json::from_str(bill)?;
    ensure!(bill.spec_version == "1.5", "is not CycloneDX 1.5");
    for component in &bill.components {
        let ours = component.reference.starts_with("path+");
        ensure!(
            !component.licenses.is_empty() && (ours || !component.hashes.is_empty()),
            "{} has no licence or no checksum",
            component.name
        );
    }
    Ok(bill.components.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_for_tests_are_left_out() {
        let manifest = "[dependencies]\na = \"1\"\n\n[dev-dependencies]\nb = \"1\"\n\n[lints]\nworkspace = true\n";
        let expected = "[dependencies]\na = \"1\"\n\n[lints]\nworkspace = true\n";
        assert_eq!(without_tests(manifest), expected);
    }

    #[test]
    fn a_component_without_a_checksum_is_refused() {
        let bill = |hashes: serde_json::Value| {
            let components = serde_json::json!([
                { "name": "core", "bom-ref": "path+file:///core", "licenses": [{}] },
                { "name": "http", "bom-ref": "registry+…", "licenses": [{}], "hashes": hashes },
            ]);
            serde_json::json!({ "specVersion": "1.5", "components": components }).to_string()
        };
        assert_eq!(components(&bill(serde_json::json!([{}]))).unwrap(), 2);
        assert!(components(&bill(serde_json::json!([]))).is_err());
        assert!(components("{}").is_err());
    }
}
