//! What each crate may pull in, read from `cargo tree`.

use super::Session;
use crate::crates::{self, Crates};
use crate::failure::{Failure, Result};
use crate::shell::Workspace;
use crate::tidy::Role;

/// The most crates, with those of build scripts, that one provider crate may bring: what it is built for, and how many.
/// Counted for one target, so that the count is the same on every machine.
const MOST: [(&str, usize); 2] = [("hyper", 50), ("rustls", 75)];

/// Nine crates for a MAC, and `consent-hmac`'s own.
const SIGNED: &str = "consent-hmac";
const SIGNING: usize = 10;

pub(super) fn run(session: &mut Session) -> Result<()> {
    let workspace = session.workspace.clone();
    let mut broken = Vec::new();
    let mut forbid = |what: &str, tree: &Crates, forbidden: &[&str]| {
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
            crates::duplicates(&found).map(|line| format!("warning: {} has {line}", provider.name)),
        );
    }

    let mut grown = Vec::new();
    for provider in session
        .metadata
        .packages
        .values()
        .filter(|package| Role::of(&package.name) == Role::Provider)
    {
        for (feature, most) in MOST {
            let found = crates::count(&tree(
                &workspace,
                &[
                    "--package",
                    &provider.name,
                    "--edges",
                    "normal,build",
                    "--target",
                    "x86_64-unknown-linux-gnu",
                    "--no-default-features",
                    "--features",
                    feature,
                ],
            )?);
            println!("{} with {feature} alone: {found} crates", provider.name);
            let allowed = if provider.name == SIGNED && feature == "hyper" {
                most.saturating_add(SIGNING)
            } else {
                most
            };
            if found > allowed {
                grown.push(format!(
                    "{} with {feature} alone brings {found} crates, more than {allowed}",
                    provider.name
                ));
            }
        }
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
    broken.extend(grown);
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(broken.join("\n")))
    }
}

/// The packages that `cargo tree` prints.
fn tree(workspace: &Workspace, arguments: &[&str]) -> Result<Crates> {
    crates::tree(workspace.cargo(["tree"]).args(arguments))
}
