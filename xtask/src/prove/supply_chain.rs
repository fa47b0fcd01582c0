//! Proof `supply-chain`: under which licences, from where and with which build scripts other people's code comes in.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Settings;
use super::tool::Tool;
use crate::failure::{Context, Failure, Result};
use crate::metadata::{Metadata, Package};
use crate::shell::{self, Workspace};
use crate::temporary::Directory;
use crate::tidy::Role;

const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

const CARGO_CYCLONEDX: Tool = Tool {
    name: "cargo-cyclonedx",
    version: "0.5.9",
};

/// What cargo-deny goes by. Whoever adds a dependency finds the rules, and their reasons, there.
const RULES: &str = ".deny.toml";

/// Where cargo-deny has the database of known faults from.
const RUSTSEC: &str = "https://github.com/RustSec/advisory-db";

/// How many crates a provider should bring to a user at most: without TLS, and with it.
const TARGETS: (usize, usize) = (50, 75);

pub(super) fn run(workspace: &Workspace, settings: &Settings) -> Result<()> {
    let metadata = Metadata::read(workspace)?;
    rules(workspace, &metadata)?;
    advisories(workspace, &metadata, settings)?;
    build_scripts(workspace)?;
    build_alone(workspace, &metadata)?;
    counts(workspace, &metadata)?;
    bills_of_materials(workspace, &metadata)
}

/// Licences, sources, duplicates, banned crates and the list of build scripts.
fn rules(workspace: &Workspace, metadata: &Metadata) -> Result<()> {
    let mut deny = CARGO_DENY.command(workspace, metadata, workspace.root())?;
    shell::run(deny.args([
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// Known faults, by a copy of the RustSec database: a Git repository, here or elsewhere.
fn advisories(workspace: &Workspace, metadata: &Metadata, settings: &Settings) -> Result<()> {
    let Some(database) = &settings.advisories else {
        println!(
            "  advisories: not looked at; `--advisories DATABASE` does, with a copy of RustSec's"
        );
        return Ok(());
    };
    // An address is left as it is; a directory has to be absolute.
    let database = fs::canonicalize(database)
        .map_or_else(|_| database.clone(), |path| path.display().to_string());
    let rules = fs::read_to_string(workspace.root().join(RULES))
        .context(|| format!("cannot read {RULES}"))?;
    let directory = Directory::new(workspace, "advisories")?;
    let config = directory.path().join("deny.toml");
    let copies = directory.path().join("copies").display().to_string();
    let section = format!("{rules}\n[advisories]\ndb-path = {copies:?}\nyanked = \"allow\"\n");
    fs::write(&config, section).context(|| format!("cannot write {}", config.display()))?;
    let mut deny = CARGO_DENY.command(workspace, metadata, workspace.root())?;
    deny.arg("--config").arg(&config);
    deny.args(["check", "--hide-inclusion-graph", "advisories"]);
    // It copies the database by Git from one address only; Git is told to look elsewhere for that.
    deny.env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", format!("url.{database}.insteadOf"))
        .env("GIT_CONFIG_VALUE_0", RUSTSEC);
    directory.finish(shell::run(&mut deny))
}

/// Prints every build script of the tree with what [`RULES`] says that it does.
fn build_scripts(workspace: &Workspace) -> Result<()> {
    let json = shell::read(&mut workspace.cargo([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--all-features",
    ]))?;
    let json: Value =
        serde_json::from_str(&json).context(|| "output of `cargo metadata`".into())?;
    let scripts = with_build_script(&json)
        .ok_or_else(|| Failure::new("`cargo metadata` printed something unexpected"))?;
    let rules = fs::read_to_string(workspace.root().join(RULES))
        .context(|| format!("cannot read {RULES}"))?;
    println!("  {} build scripts:", scripts.len());
    let mut unexplained = Vec::new();
    for (name, version) in &scripts {
        match reason(&rules, name) {
            Some(reason) => println!("    {:<40}{reason}", format!("{name} {version}")),
            None => unexplained.push(name.as_str()),
        }
    }
    if unexplained.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "{RULES} does not say what these build scripts do: {}",
            unexplained.join(", ")
        )))
    }
}

/// Names and versions of the packages that run code of theirs when they are built.
fn with_build_script(metadata: &Value) -> Option<BTreeSet<(String, String)>> {
    let mut found = BTreeSet::new();
    for package in metadata.get("packages")?.as_array()? {
        let runs = package.get("targets")?.as_array()?.iter().any(|target| {
            let kinds = target.get("kind").and_then(Value::as_array);
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "custom-build"))
        });
        if runs {
            let text = |key: &str| Some(package.get(key)?.as_str()?.to_owned());
            found.insert((text("name")?, text("version")?));
        }
    }
    Some(found)
}

/// The comment after a crate in a list: `    "name", # reason`.
fn reason<'r>(rules: &'r str, name: &str) -> Option<&'r str> {
    let entry = format!("\"{name}\",");
    let rest = rules
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(&entry))?;
    let reason = rest.trim_start().strip_prefix("# ")?;
    (!reason.is_empty()).then_some(reason)
}

/// Builds the workspace from nothing, without a network: a build script that downloads fails.
fn build_alone(workspace: &Workspace, metadata: &Metadata) -> Result<()> {
    let target = metadata.target_directory.join("alone");
    let remove = || match fs::remove_dir_all(&target) {
        Err(error) if target.exists() => Err(Failure::new(format!(
            "cannot clear {}: {error}",
            target.display()
        ))),
        _ => Ok(()),
    };
    remove()?;
    let check = ["check", "--workspace", "--exclude", "kyc-proof", "--quiet"];
    let check = workspace.cargo(check);
    let alone = shell::succeeds("unshare", &["--map-root-user", "--net", "true"]);
    let mut command = if alone {
        let mut unshare = shell::program_in(workspace.root(), "unshare");
        unshare.args(["--map-root-user", "--net", "--"]);
        unshare.arg(check.get_program()).args(check.get_args());
        unshare
    } else {
        println!("  no network namespace can be made here: only cargo itself is kept offline");
        check
    };
    let features: Vec<String> = metadata
        .portable_features()
        .into_iter()
        .filter(|feature| !feature.starts_with("kyc-proof/"))
        .collect();
    command.args(["--locked", "--offline", "--features", &features.join(",")]);
    command.arg("--target-dir").arg(&target);
    shell::run(&mut command)?;
    println!("  built without a network: nothing is downloaded by a build");
    remove()
}

/// How many crates a user of one provider gets, itself included. Told only: the number is no promise.
fn counts(workspace: &Workspace, metadata: &Metadata) -> Result<()> {
    println!(
        "  crates, without TLS / with (targets {} / {}):",
        TARGETS.0, TARGETS.1
    );
    for package in metadata.packages.values() {
        if Role::of(&package.name) != Role::Provider {
            continue;
        }
        let without = crates(workspace, package, &["--no-default-features"])?;
        let with = crates(workspace, package, &[])?;
        println!("    {:<24}{without} / {with}", package.name);
    }
    Ok(())
}

fn crates(workspace: &Workspace, package: &Package, features: &[&str]) -> Result<usize> {
    let mut tree = workspace.cargo(["tree", "--edges", "normal,build", "--prefix", "none"]);
    tree.args(["--format", "{p}", "--package", &package.name])
        .args(features);
    let printed = shell::read(&mut tree)?;
    // A crate that was printed before ends in ` (*)`.
    let crates: BTreeSet<&str> = printed
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    Ok(crates.len())
}

/// Writes a CycloneDX file for each published crate, with all features on all platforms, below `target/sbom`.
///
/// In a copy, because cargo-cyclonedx writes beside the manifests, and because what only tests need must not be in it.
fn bills_of_materials(workspace: &Workspace, metadata: &Metadata) -> Result<()> {
    let directory = Directory::copy_of(workspace, "sbom")?;
    let written = write_bills(workspace, metadata, directory.path());
    directory.finish(written)
}

fn write_bills(workspace: &Workspace, metadata: &Metadata, copy: &Path) -> Result<()> {
    for package in metadata.packages.values() {
        let path = copy.join(&package.directory).join("Cargo.toml");
        let manifest =
            fs::read_to_string(&path).context(|| format!("cannot read {}", path.display()))?;
        fs::write(&path, without_tests(&manifest))
            .context(|| format!("cannot write {}", path.display()))?;
    }
    let mut cyclonedx = CARGO_CYCLONEDX.command(workspace, metadata, copy)?;
    cyclonedx.args(["--quiet", "--format", "json", "--spec-version", "1.5"]);
    cyclonedx.args(["--all-features", "--target", "all"]);
    if let Some(time) = time_of_last_change(workspace) {
        // The same sources then give the same files.
        cyclonedx.env("SOURCE_DATE_EPOCH", time);
    }
    shell::run(&mut cyclonedx)?;

    let target = metadata.target_directory.join("sbom");
    fs::create_dir_all(&target).context(|| format!("cannot create {}", target.display()))?;
    let place = copy.display().to_string();
    println!(
        "  CycloneDX 1.5, components of each published crate, in {}:",
        target.display()
    );
    for package in metadata
        .packages
        .values()
        .filter(|package| package.published)
    {
        let name = format!("{}.cdx.json", package.name);
        let from = copy.join(&package.directory).join(&name);
        let bill =
            fs::read_to_string(&from).context(|| format!("cannot read {}", from.display()))?;
        // Where it was made is nobody's business.
        let bill = bill.replace(&place, "");
        let components =
            check_bill(&bill).map_err(|what| Failure::new(format!("{name}: {what}")))?;
        let to = target.join(&name);
        fs::write(&to, bill).context(|| format!("cannot write {}", to.display()))?;
        println!("    {name:<32}{components}");
    }
    Ok(())
}

/// A manifest without its dependencies for tests.
fn without_tests(manifest: &str) -> String {
    let mut kept = true;
    let mut text = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            kept = !line.contains("dev-dependencies");
        }
        if kept {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// How many components a bill has. Every one from the registry must have its checksum and its licence there.
fn check_bill(bill: &str) -> std::result::Result<usize, String> {
    let bill: Value = serde_json::from_str(bill).map_err(|error| error.to_string())?;
    let is = |key: &str, value: &str| bill.get(key).and_then(Value::as_str) == Some(value);
    if !is("bomFormat", "CycloneDX") || !is("specVersion", "1.5") {
        return Err("is not CycloneDX 1.5".to_owned());
    }
    let components = bill.get("components").and_then(Value::as_array);
    let components = components.ok_or("has no components")?;
    for component in components {
        let text = |key: &str| {
            component
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let has = |key: &str| {
            let values = component.get(key).and_then(Value::as_array);
            values.is_some_and(|values| !values.is_empty())
        };
        let ours = text("bom-ref").starts_with("path+");
        if !has("licenses") || !(ours || has("hashes")) {
            return Err(format!("{} has no licence or no checksum", text("name")));
        }
    }
    Ok(components.len())
}

/// Seconds since 1970 of the last commit, where there is a repository.
fn time_of_last_change(workspace: &Workspace) -> Option<String> {
    let output = Command::new("git")
        .current_dir(workspace.root())
        .args(["log", "-1", "--format=%ct"])
        .output()
        .ok()?;
    let time = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!time.is_empty()).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_stands_beside_its_crate() {
        let rules = "allow = [\n    \"ring\", # compiles C\n    \"libc\",\n]\n";
        assert_eq!(reason(rules, "ring"), Some("compiles C"));
        assert_eq!(reason(rules, "libc"), None);
        assert_eq!(reason(rules, "rin"), None);
    }

    #[test]
    fn build_scripts_are_found() {
        let metadata = serde_json::json!({ "packages": [
            { "name": "ring", "version": "0.17.14", "targets": [{ "kind": ["lib"] }, { "kind": ["custom-build"] }] },
            { "name": "http", "version": "1.5.0", "targets": [{ "kind": ["lib"] }] },
        ]});
        let found = with_build_script(&metadata).unwrap();
        let expected = ("ring".to_owned(), "0.17.14".to_owned());
        assert_eq!(found, BTreeSet::from([expected]));
    }

    #[test]
    fn dependencies_for_tests_are_left_out() {
        let manifest = "[dependencies]\na = \"1\"\n\n[dev-dependencies]\nb = \"1\"\n\n[lints]\nworkspace = true\n";
        let expected = "[dependencies]\na = \"1\"\n\n[lints]\nworkspace = true\n";
        assert_eq!(without_tests(manifest), expected);
    }

    #[test]
    fn a_bill_says_licence_and_checksum_of_every_component() {
        let bill = |hashes: Value| {
            serde_json::json!({
                "bomFormat": "CycloneDX",
                "specVersion": "1.5",
                "components": [
                    { "name": "core", "bom-ref": "path+file:///core", "licenses": [{}] },
                    { "name": "http", "bom-ref": "registry+…", "licenses": [{}], "hashes": hashes },
                ],
            })
            .to_string()
        };
        assert_eq!(check_bill(&bill(serde_json::json!([{}]))), Ok(2));
        assert!(
            check_bill(&bill(serde_json::json!([])))
                .unwrap_err()
                .contains("http")
        );
        assert!(check_bill("{}").is_err());
    }
}
