//! Every feature of every crate alone, none, and all together.

use super::Session;
use crate::failure::{Failure, Result};
use crate::metadata::{Metadata, Package};
use crate::shell;

/// One set of features of one package.
#[derive(Debug, PartialEq, Eq)]
struct Combination {
    package: String,
    features: Vec<String>,
    native_tls: bool,
}

/// Clippy instead of plain `check`: as quick, and an import that one set of features leaves unused is found.
pub(super) fn run(session: &mut Session) -> Result<()> {
    let mut failed = Vec::new();
    for Combination {
        package,
        features,
        native_tls,
    } in combinations(&session.metadata)
    {
        let features = features.join(",");
        if native_tls && let Some(why) = session.no_native_tls() {
            println!("skipped {package} with {features}: {why}");
            session
                .notes
                .push(format!("skipped {package} with {features}: {why}"));
            continue;
        }
        let mut clippy = session.workspace.cargo([
            "clippy",
            "--quiet",
            "--package",
            &package,
            "--no-default-features",
        ]);
        if !features.is_empty() {
            clippy.args(["--features", &features]);
        }
        if let Err(failure) = shell::run(clippy.args(["--", "-D", "warnings"])) {
            println!("error: {failure}");
            failed.push(format!(
                "{package} with {}",
                if features.is_empty() {
                    "no feature"
                } else {
                    &features
                }
            ));
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "does not build: {}",
            failed.join("; ")
        )))
    }
}

fn combinations(metadata: &Metadata) -> Vec<Combination> {
    metadata
        .packages
        .values()
        .filter(|package| package.name != "xtask")
        .flat_map(|package| of(metadata, package))
        .collect()
}

fn of(metadata: &Metadata, package: &Package) -> Vec<Combination> {
    let own: Vec<String> = package.own_features().map(str::to_owned).collect();
    let mut sets: Vec<Vec<String>> = vec![Vec::new()];
    sets.extend(own.iter().map(|feature| vec![feature.clone()]));
    if own.len() > 1 {
        sets.push(own);
    }
    sets.into_iter()
        .map(|features| Combination {
            package: package.name.clone(),
            native_tls: features
                .iter()
                .any(|feature| metadata.brings_native_tls(&package.name, feature)),
            features,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::sample;

    #[test]
    fn none_each_and_all() {
        let combinations: Vec<String> = combinations(&sample())
            .into_iter()
            .map(
                |Combination {
                     package,
                     features,
                     native_tls,
                 }| {
                    format!(
                        "{package}:{}{}",
                        features.join(","),
                        if native_tls { "!" } else { "" }
                    )
                },
            )
            .collect();
        assert_eq!(
            combinations,
            [
                "finpass:",
                "finpass:rustls",
                "finpass:system!",
                "finpass:rustls,system!",
                "kyc-facade:",
                "kyc-facade:all!",
                "kyc-facade:finpass",
                "kyc-facade:all,finpass!",
                "provider-core:",
                "provider-core:native-tls!",
                "provider-core:reqwest",
                "provider-core:rustls",
                "provider-core:testing",
                "provider-core:native-tls,reqwest,rustls,testing!",
            ]
        );
    }
}
