//! What each crate may pull in, read from `cargo tree`.

use std::collections::{BTreeMap, BTreeSet};

use super::Session;
use crate::failure::{Failure, Result};
use crate::shell::{self, Workspace};
use crate::tidy::Role;

/// Names of packages with their versions.
type Tree = BTreeMap<String, BTreeSet<String>>;

pub(super) fn run(session: &mut Session) -> Result<()> {
    let workspace = session.workspace.clone();
    let mut broken = Vec::new();
    let mut forbid = |what: &str, tree: &Tree, forbidden: &[&str]| {
        broken.extend(
            forbidden
                .iter()
                .filter(|name| tree.contains_key(**name))
                .map(|name| format!("{what} brings {name}")),
        );
    };

    let core = tree(
        &workspace,
        &[
            "--package",
            "provider-core",
            "--edges",
            "normal",
            "--no-default-features",
        ],
    )?;
    forbid(
        "provider-core without features",
        &core,
        &[
            "reqwest",
            "rustls",
            "ring",
            "native-tls",
            "openssl-sys",
            "hyper",
        ],
    );

    let ours: Vec<&str> = session
        .metadata
        .packages
        .keys()
        .map(String::as_str)
        .collect();
    for provider in session
        .metadata
        .packages
        .values()
        .filter(|package| Role::of(&package.name) == Role::Provider)
    {
        let portable: Vec<&str> = provider
            .own_features()
            .filter(|feature| !session.metadata.brings_native_tls(&provider.name, feature))
            .collect();
        let features = portable.join(",");
        let arguments = [
            "--package",
            &provider.name,
            "--edges",
            "normal",
            "--no-default-features",
            "--features",
            &features,
        ];
        let found = tree(&workspace, &arguments)?;
        let others = ours
            .iter()
            .copied()
            .filter(|name| *name != provider.name && *name != "provider-core");
        let forbidden: Vec<&str> = others.chain(["axum", "clap"]).collect();
        forbid(&provider.name, &found, &forbidden);
        session.notes.extend(
            duplicates(&found).map(|line| format!("warning: {} has {line}", provider.name)),
        );
    }

    let portable = session.metadata.portable_features().join(",");
    let arguments = ["--workspace", "--edges", "normal", "--features", &portable];
    forbid(
        "the workspace without native-tls",
        &tree(&workspace, &arguments)?,
        &["openssl-sys"],
    );
    let arguments = [
        "--workspace",
        "--edges",
        "normal,build,dev",
        "--all-features",
    ];
    forbid(
        "the workspace",
        &tree(&workspace, &arguments)?,
        &["aws-lc-sys"],
    );

    session.notes.iter().for_each(|note| println!("{note}"));
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(broken.join("\n")))
    }
}

/// The packages that `cargo tree` prints.
fn tree(workspace: &Workspace, arguments: &[&str]) -> Result<Tree> {
    let mut command = workspace.cargo(["tree", "--prefix", "none", "--format", "{p}"]);
    Ok(parse(&shell::read(command.args(arguments))?))
}

/// Lines such as `http v1.5.0` or `finpass v0.1.0 (/path) (*)`.
pub(super) fn parse(output: &str) -> Tree {
    let mut tree = Tree::new();
    for line in output.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            tree.entry(name.to_owned())
                .or_default()
                .insert(version.to_owned());
        }
    }
    tree
}

fn duplicates(tree: &Tree) -> impl Iterator<Item = String> {
    tree.iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| {
            let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
            format!(
                "{name} in {} versions: {}",
                versions.len(),
                versions.join(", ")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_read_and_duplicates_found() {
        let tree = parse(
            "finpass v0.1.0 (/w/crates/finpass)\nhttp v1.5.0\nsyn v1.0.0\nhttp v1.5.0 (*)\nsyn v2.0.1\n\n",
        );
        assert!(tree.contains_key("finpass"));
        assert_eq!(
            duplicates(&tree).collect::<Vec<_>>(),
            ["syn in 2 versions: v1.0.0, v2.0.1"]
        );
    }
}
