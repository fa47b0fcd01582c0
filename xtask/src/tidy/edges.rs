//! Which crate may depend on which.

use super::{Problem, Tree, manifests};
use crate::metadata::{Dependency, Metadata, Package};

/// What a crate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Core,
    Provider,
    Facade,
    Sandbox,
    Cli,
    Proof,
    Tasks,
}

impl Role {
    /// Every crate that is nothing else is a provider, so that a new provider is held to the rules unasked.
    pub(crate) fn of(package: &str) -> Self {
        match package {
            "provider-core" => Self::Core,
            "kyc-facade" => Self::Facade,
            "kyc-sandbox" => Self::Sandbox,
            "kyc-cli" => Self::Cli,
            "kyc-proof" => Self::Proof,
            "xtask" => Self::Tasks,
            _ => Self::Provider,
        }
    }

    fn may_depend_on(self, other: Self, for_tests: bool) -> bool {
        match self {
            Self::Core | Self::Tasks => false,
            Self::Sandbox => other == Self::Core,
            Self::Provider => other == Self::Core || (for_tests && other == Self::Sandbox),
            Self::Facade => {
                matches!(other, Self::Core | Self::Provider)
                    || (for_tests && other == Self::Sandbox)
            }
            Self::Cli => matches!(
                other,
                Self::Core | Self::Provider | Self::Facade | Self::Sandbox
            ),
            Self::Proof => other != Self::Tasks,
        }
    }
}

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in tree.metadata.packages.values() {
        let path = format!("{}/Cargo.toml", package.directory);
        let manifest = tree.files.get(&path).map_or("", String::as_str);
        for (dependency, what) in forbidden(&tree.metadata, package) {
            problems.push(Problem::at(
                &path,
                manifests::line_of_dependency(manifest, &dependency),
                what,
            ));
        }
    }
    problems
}

/// The dependencies of one package that break a rule, each with the rule.
fn forbidden(metadata: &Metadata, package: &Package) -> Vec<(String, String)> {
    let role = Role::of(&package.name);
    let ours = package
        .dependencies
        .iter()
        .filter(|dependency| metadata.packages.contains_key(&dependency.name));
    ours.filter(|dependency| !(dependency.for_tests && dependency.name == package.name))
        .filter_map(|dependency| {
            let Dependency {
                name,
                for_tests,
                optional,
            } = dependency;
            let other = Role::of(name);
            let what = if !role.may_depend_on(other, *for_tests) {
                format!(
                    "`{}` ({role:?}) must not depend on `{name}` ({other:?})",
                    package.name
                )
            } else if role == Role::Facade && other == Role::Provider && !for_tests && !optional {
                format!("the provider `{name}` must be optional here")
            } else {
                return None;
            };
            Some((name.clone(), what))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::sample;

    fn depend(metadata: &mut Metadata, package: &str, on: &str, for_tests: bool, optional: bool) {
        let dependency = Dependency {
            name: on.to_owned(),
            for_tests,
            optional,
        };
        metadata
            .packages
            .get_mut(package)
            .unwrap()
            .dependencies
            .push(dependency);
    }

    #[test]
    fn the_sample_keeps_the_rules() {
        let metadata = sample();
        assert!(
            metadata
                .packages
                .values()
                .all(|package| forbidden(&metadata, package).is_empty())
        );
    }

    #[test]
    fn edges_against_the_rules_are_found() {
        let mut metadata = sample();
        depend(&mut metadata, "provider-core", "finpass", true, false);
        depend(&mut metadata, "finpass", "kyc-facade", false, false);
        depend(&mut metadata, "kyc-facade", "finpass", false, false);
        depend(&mut metadata, "finpass", "serde", false, false);
        depend(&mut metadata, "finpass", "finpass", true, false);
        let found: Vec<String> = metadata
            .packages
            .values()
            .flat_map(|package| forbidden(&metadata, package))
            .map(|(_, what)| what)
            .collect();
        assert_eq!(
            found,
            [
                "`finpass` (Provider) must not depend on `kyc-facade` (Facade)",
                "the provider `finpass` must be optional here",
                "`provider-core` (Core) must not depend on `finpass` (Provider)",
            ]
        );
    }

    #[test]
    fn a_provider_may_use_the_sandbox_in_tests_only() {
        assert!(Role::Provider.may_depend_on(Role::Sandbox, true));
        assert!(!Role::Provider.may_depend_on(Role::Sandbox, false));
        assert!(!Role::of("finpass").may_depend_on(Role::of("consent-hmac"), true));
        assert!(!Role::Sandbox.may_depend_on(Role::Provider, true));
    }
}
