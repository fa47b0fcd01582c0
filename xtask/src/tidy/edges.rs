//! Which crate may depend on which.

use cargo_metadata::{DependencyKind, Package};

use super::{Files, Problem, code};
use crate::pattern;

/// What a crate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Core,
    Provider,
    Journey,
    Performer,
    Engine,
    Server,
    Facade,
    Consent,
    Sandbox,
    File,
    Cli,
    Proof,
    Tasks,
}

/// Crates of one company that build on each other. Those of different companies never do.
const SAME_COMPANY: &[(&str, &str)] = &[
    ("finpro-fiu", "finpro-profile"),
    ("veriff-sessions", "consent-hmac"),
];

/// The one file of the facade that names providers.
const PRESETS: &str = "crates/kyc-facade/src/presets.rs";

impl Role {
    /// Any other crate is a provider, so that the rules apply to a new provider automatically.
    pub(crate) fn of(package: &str) -> Self {
        match package {
            "provider-core" => Self::Core,
            "kyc-facade" => Self::Facade,
            "kyc-journey" => Self::Journey,
            "kyc-journey-performer" => Self::Performer,
            "kyc-journey-postgres" | "kyc-journey-restate" | "kyc-journey-sqlite" => Self::Engine,
            "kyc-journey-server" => Self::Server,
            "kyc-consent" => Self::Consent,
            "kyc-sandbox" => Self::Sandbox,
            "sqlite-file" => Self::File,
            "kyc-cli" => Self::Cli,
            "kyc-proof" => Self::Proof,
            "xtask" => Self::Tasks,
            _ => Self::Provider,
        }
    }

    /// Whether a crate may depend on another workspace crate.
    pub(crate) fn may_depend(package: &str, on: &str, for_tests: bool) -> bool {
        let other = Self::of(on);
        let sandbox_in_tests = for_tests && other == Self::Sandbox;
        match Self::of(package) {
            Self::Core | Self::File | Self::Tasks => false,
            Self::Journey => other == Self::Core,
            Self::Consent | Self::Sandbox => matches!(other, Self::Core | Self::File),
            Self::Engine => {
                let ledger_beside = package == "kyc-journey-postgres" && other == Self::Consent;
                matches!(other, Self::Core | Self::Journey | Self::File) || ledger_beside
            }
            Self::Provider => {
                other == Self::Core || sandbox_in_tests || SAME_COMPANY.contains(&(package, on))
            }
            Self::Server => match other {
                Self::Core | Self::Journey | Self::Performer => true,
                Self::Provider | Self::Sandbox => for_tests,
                _ => false,
            },
            Self::Facade => {
                let consent_in_tests = for_tests && other == Self::Consent;
                matches!(other, Self::Core | Self::Provider) || sandbox_in_tests || consent_in_tests
            }
            Self::Performer => {
                let seams = matches!(other, Self::Core | Self::Journey | Self::Consent);
                seams || other == Self::Provider || sandbox_in_tests
            }
            Self::Cli => !matches!(other, Self::Proof | Self::Tasks),
            Self::Proof => other != Self::Tasks,
        }
    }
}

pub(super) fn check(packages: &[&Package], files: &Files) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in packages {
        let path = format!("crates/{}/Cargo.toml", package.name);
        for dependency in &package.dependencies {
            let ours = packages
                .iter()
                .any(|other| other.name.as_str() == dependency.name);
            let for_tests = dependency.kind == DependencyKind::Development;
            let itself = for_tests && package.name.as_str() == dependency.name;
            if ours && !itself {
                let on = Dependency {
                    name: &dependency.name,
                    for_tests,
                    optional: dependency.optional,
                };
                problems.extend(forbidden(&package.name, &on).map(|what| Problem::of(&path, what)));
            }
        }
    }
    let providers: Vec<String> = packages
        .iter()
        .filter(|package| Role::of(&package.name) == Role::Provider)
        .map(|package| package.name.replace('-', "_"))
        .collect();
    problems.extend(presets(files, &providers));
    problems
}

/// A dependency on another workspace crate.
struct Dependency<'a> {
    name: &'a str,
    for_tests: bool,
    optional: bool,
}

/// The rule that a dependency breaks.
fn forbidden(package: &str, on: &Dependency<'_>) -> Option<String> {
    let (role, other) = (Role::of(package), Role::of(on.name));
    if !Role::may_depend(package, on.name, on.for_tests) {
        return Some(format!(
            "`{package}` ({role:?}) must not depend on `{}` ({other:?})",
            on.name
        ));
    }
    let composes = matches!(role, Role::Facade | Role::Performer);
    let required = composes && other == Role::Provider && !on.for_tests && !on.optional;
    required.then(|| format!("the provider `{}` must be optional here", on.name))
}

/// The facade names a provider in one file, so that a new provider edits no other.
fn presets(files: &Files, providers: &[String]) -> Vec<Problem> {
    let names = providers.join("|");
    let named = pattern(&format!(r"\b({names})::|\buse ({names})[ ;]"));
    let facade = files
        .iter()
        .filter(|(path, _)| path.starts_with("crates/kyc-facade/src/") && *path != PRESETS);
    let mut problems = Vec::new();
    for (path, text) in facade {
        for (index, line) in text.lines().enumerate() {
            if named.is_match(code(line)) {
                let what = format!("a provider is named here; they are named in {PRESETS} only");
                problems.push(Problem::at(path, index + 1, what));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_against_the_rules_are_found() {
        let plain = |name| Dependency {
            name,
            for_tests: false,
            optional: false,
        };
        for (package, on) in [
            ("provider-core", "finpass"),
            ("finpass", "kyc-facade"),
            ("finpass", "consent-hmac"),
            ("consent-hmac", "veriff-sessions"),
            ("finpass", "kyc-sandbox"),
            ("kyc-sandbox", "finpass"),
            ("provider-core", "kyc-consent"),
            ("kyc-consent", "finpass"),
            ("kyc-facade", "finpass"),
            ("kyc-cli", "kyc-proof"),
            ("xtask", "provider-core"),
            ("kyc-journey", "finpass"),
            ("finpass", "kyc-journey"),
            ("kyc-journey", "kyc-journey-performer"),
            ("kyc-journey-performer", "finpass"),
            ("kyc-journey-performer", "kyc-sandbox"),
            ("kyc-journey", "kyc-journey-sqlite"),
            ("kyc-journey-restate", "kyc-journey-sqlite"),
            ("kyc-journey", "kyc-journey-server"),
            ("kyc-journey-server", "kyc-journey-sqlite"),
            ("kyc-journey-server", "finpass"),
            ("kyc-facade", "kyc-journey"),
            ("kyc-facade", "kyc-journey-sqlite"),
            ("kyc-journey-postgres", "kyc-journey-sqlite"),
            ("kyc-journey-sqlite", "kyc-consent"),
            ("sqlite-file", "provider-core"),
            ("finpass", "sqlite-file"),
        ] {
            assert!(
                forbidden(package, &plain(on)).is_some(),
                "{package} on {on}"
            );
        }
        for (package, on) in [
            ("finpass", "provider-core"),
            ("finpro-fiu", "finpro-profile"),
            ("veriff-sessions", "consent-hmac"),
            ("kyc-sandbox", "provider-core"),
            ("kyc-consent", "provider-core"),
            ("kyc-cli", "kyc-facade"),
            ("kyc-proof", "kyc-cli"),
            ("kyc-journey", "provider-core"),
            ("kyc-journey-sqlite", "kyc-journey"),
            ("kyc-journey-sqlite", "sqlite-file"),
            ("kyc-consent", "sqlite-file"),
            ("kyc-journey-restate", "kyc-journey"),
            ("kyc-journey-postgres", "kyc-journey"),
            ("kyc-journey-postgres", "kyc-consent"),
            ("kyc-cli", "kyc-journey-sqlite"),
            ("kyc-cli", "kyc-journey-server"),
            ("kyc-journey-server", "kyc-journey-performer"),
            ("kyc-journey-performer", "kyc-journey"),
        ] {
            assert_eq!(forbidden(package, &plain(on)), None, "{package} on {on}");
        }
    }

    #[test]
    fn tests_may_use_the_sandbox_and_the_facade_optional_providers() {
        let tested = |name| Dependency {
            name,
            for_tests: true,
            optional: false,
        };
        assert_eq!(forbidden("finpass", &tested("kyc-sandbox")), None);
        assert_eq!(forbidden("kyc-facade", &tested("finpass")), None);
        assert!(forbidden("kyc-sandbox", &tested("finpass")).is_some());
        let optional = Dependency {
            name: "finpass",
            for_tests: false,
            optional: true,
        };
        assert_eq!(forbidden("kyc-facade", &optional), None);
        assert_eq!(forbidden("kyc-journey-performer", &optional), None);
        assert_eq!(
            forbidden("kyc-journey-performer", &tested("kyc-sandbox")),
            None
        );
    }

    #[test]
    fn providers_are_named_in_presets_alone() {
        let found = |path: &str, line: &str| {
            let files = [(path.to_owned(), format!("\n{line}\n"))].into();
            presets(&files, &["deepvue".to_owned(), "finpass".to_owned()])
        };
        let facade = "crates/kyc-facade/src/lib.rs";
        for line in [
            "use finpass::X;",
            "use finpass;",
            "a(finpass::b())",
            "use finpass as f;",
        ] {
            let problems = found(facade, line);
            assert_eq!(problems.len(), 1, "{line}");
            assert!(problems.iter().all(|problem| problem.line == 2), "{line}");
            assert_eq!(found(PRESETS, line), []);
            assert_eq!(found("crates/kyc-cli/src/main.rs", line), []);
        }
        for line in [
            "my_finpass::x()",
            "feature = \"finpass\"",
            "finpass: bool",
            "finpass2::x",
            "// finpass::x",
        ] {
            assert_eq!(found(facade, line), [], "{line}");
        }
    }
}
