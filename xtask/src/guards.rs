//! Guards on what each crate may pull in, read from `cargo tree`, so that one provider alone stays small.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::tidy::Role;
use crate::workspace::{Workspace, portable};

/// The largest number of crates, including those of build scripts, that one provider may bring with a single feature.
/// Counted for one target, so that the count is the same on every machine.
const MOST: [(&str, usize); 2] = [("hyper", 50), ("rustls", 75)];

/// The additional crates of a provider that signs: nine for a MAC, and `consent-hmac` itself.
const SIGNING: usize = 10;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = |arguments: &str| -> Result<BTreeSet<String>> {
        let printed = workspace
            .cargo("tree --prefix none --format {p} --target x86_64-unknown-linux-gnu")
            .args(arguments.split(' '))
            .quiet()
            .read()?;
        // A crate that was printed before ends in ` (*)`, a workspace crate in its path.
        let crates = printed.lines().filter(|line| !line.is_empty());
        let short = crates.map(|line| line.split(" (").next().unwrap_or(line).to_owned());
        Ok(short.collect())
    };
    let brings = |tree: &BTreeSet<String>, name: &str| {
        tree.iter().any(|line| line.split(' ').next() == Some(name))
    };
    let mut broken = Vec::new();
    let mut forbid = |what: &str, tree: &BTreeSet<String>, names: &[&str]| {
        let found = names.iter().filter(|name| brings(tree, name));
        broken.extend(found.map(|name| format!("{what} brings {name}")));
    };

    let core = tree("--package provider-core --edges normal --no-default-features")?;
    let transports = [
        "reqwest",
        "rustls",
        "ring",
        "native-tls",
        "openssl-sys",
        "hyper",
    ];
    forbid("provider-core without features", &core, &transports);
    let features = workspace.portable_features()?;
    let portable_tree = tree(&format!("--workspace --edges normal --features {features}"))?;
    forbid(
        "the workspace without native-tls",
        &portable_tree,
        &["openssl-sys"],
    );
    let whole = tree("--workspace --edges normal,build,dev --all-features")?;
    forbid("the workspace", &whole, &["aws-lc-sys"]);

    let packages = workspace.packages()?;
    let mut grown = Vec::new();
    for provider in &packages {
        let name = provider.name.as_str();
        if Role::of(name) != Role::Provider {
            continue;
        }
        let features = portable(provider).collect::<Vec<_>>().join(",");
        let of = |edges: &str, features: &str| {
            tree(&format!(
                "--package {name} --edges {edges} --no-default-features --features {features}"
            ))
        };
        let others: Vec<&str> = packages
            .iter()
            .map(|other| other.name.as_str())
            .filter(|other| !Role::may_depend(name, other, false) && *other != name)
            .chain(["axum", "clap"])
            .collect();
        forbid(name, &of("normal", &features)?, &others);
        for (feature, most) in MOST {
            let found = of("normal,build", feature)?;
            let signs = brings(&found, "hmac") && feature == "hyper";
            let most = most + if signs { SIGNING } else { 0 };
            println!(
                "{name} with {feature} alone: {} crates, at most {most}",
                found.len()
            );
            if found.len() > most {
                grown.push(format!(
                    "{name} with {feature} alone brings {} crates, more than {most}",
                    found.len()
                ));
            }
        }
    }
    broken.extend(grown);
    if broken.is_empty() {
        return Ok(());
    }
    bail!("{}", broken.join("\n"))
}
