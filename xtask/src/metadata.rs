//! What `cargo metadata` says about the packages of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::{Context, Failure, Result};
use crate::shell::{self, Workspace};

/// The packages, by name.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) packages: BTreeMap<String, Package>,
    pub(crate) target_directory: PathBuf,
}

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its directory relative to the root, with `/` between the parts.
    pub(crate) directory: String,
    pub(crate) has_description: bool,
    pub(crate) published: bool,
    /// What each feature turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) dependencies: Vec<Dependency>,
    /// Source files of test targets, relative to the package.
    pub(crate) tests: Vec<String>,
}

/// One entry in a package's dependency tables.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) for_tests: bool,
    pub(crate) optional: bool,
}

impl Metadata {
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let json =
            shell::read(&mut workspace.cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
        let json: Value =
            serde_json::from_str(&json).context(|| "output of `cargo metadata`".into())?;
        Self::from_json(&json)
            .ok_or_else(|| Failure::new("`cargo metadata` printed something unexpected"))
    }

    fn from_json(json: &Value) -> Option<Self> {
        let root = Path::new(json.get("workspace_root")?.as_str()?);
        let packages = json
            .get("packages")?
            .as_array()?
            .iter()
            .map(|package| Some((text(package, "name")?, Package::from_json(package, root)?)))
            .collect::<Option<_>>()?;
        Some(Self {
            packages,
            target_directory: text(json, "target_directory")?.into(),
        })
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Package> {
        self.packages
            .get(name)
            .ok_or_else(|| Failure::new(format!("the workspace has no package `{name}`")))
    }

    /// Whether turning on a feature brings the operating system's TLS library, here or in another member.
    pub(crate) fn brings_native_tls(&self, package: &str, feature: &str) -> bool {
        let mut seen = BTreeSet::new();
        self.reaches_native_tls(package, feature, &mut seen)
    }

    fn reaches_native_tls(
        &self,
        package: &str,
        feature: &str,
        seen: &mut BTreeSet<(String, String)>,
    ) -> bool {
        if feature == "native-tls" {
            return true;
        }
        if !seen.insert((package.to_owned(), feature.to_owned())) {
            return false;
        }
        let Some(turns_on) = self
            .packages
            .get(package)
            .and_then(|package| package.features.get(feature))
        else {
            return false;
        };
        turns_on.iter().any(|entry| match entry.split_once('/') {
            Some((other, feature)) => {
                self.reaches_native_tls(other.trim_end_matches('?'), feature, seen)
            }
            None => {
                self.reaches_native_tls(package, entry.strip_prefix("dep:").unwrap_or(entry), seen)
            }
        })
    }

    /// Every feature of every package as `package/feature`, without those that need a TLS library of the
    /// operating system: what a machine with only Rust on it can build.
    pub(crate) fn portable_features(&self) -> Vec<String> {
        self.packages
            .values()
            .flat_map(|package| {
                package
                    .own_features()
                    .map(move |feature| (package, feature))
            })
            .filter(|(package, feature)| !self.brings_native_tls(&package.name, feature))
            .map(|(package, feature)| format!("{}/{feature}", package.name))
            .collect()
    }
}

impl Package {
    fn from_json(json: &Value, root: &Path) -> Option<Self> {
        let manifest = PathBuf::from(text(json, "manifest_path")?);
        let directory = manifest.parent()?;
        let tests = json
            .get("targets")?
            .as_array()?
            .iter()
            .filter(|target| contains(target, "kind", "test"))
            .filter_map(|target| {
                Some(relative(
                    Path::new(target.get("src_path")?.as_str()?),
                    directory,
                ))
            })
            .collect();
        let features = json
            .get("features")?
            .as_object()?
            .iter()
            .map(|(name, turns_on)| {
                let turns_on = turns_on
                    .as_array()?
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect();
                Some((name.clone(), turns_on))
            })
            .collect::<Option<_>>()?;
        let dependencies = json
            .get("dependencies")?
            .as_array()?
            .iter()
            .map(Dependency::from_json)
            .collect::<Option<_>>()?;
        Some(Self {
            name: text(json, "name")?,
            directory: relative(directory, root),
            has_description: json
                .get("description")
                .and_then(Value::as_str)
                .is_some_and(|text| !text.trim().is_empty()),
            // An empty list of registries, where `publish = false`.
            published: json.get("publish").is_none_or(Value::is_null),
            features,
            dependencies,
            tests,
        })
    }

    /// Its features without `default`.
    pub(crate) fn own_features(&self) -> impl Iterator<Item = &str> {
        self.features
            .keys()
            .map(String::as_str)
            .filter(|feature| *feature != "default")
    }

    /// Its name as Rust code spells it.
    pub(crate) fn ident(&self) -> String {
        self.name.replace('-', "_")
    }
}

impl Dependency {
    fn from_json(json: &Value) -> Option<Self> {
        Some(Self {
            name: text(json, "name")?,
            for_tests: json.get("kind")?.as_str() == Some("dev"),
            optional: json.get("optional")?.as_bool()?,
        })
    }
}

fn text(json: &Value, key: &str) -> Option<String> {
    json.get(key)?.as_str().map(str::to_owned)
}

fn contains(json: &Value, key: &str, wanted: &str) -> bool {
    json.get(key)
        .and_then(Value::as_array)
        .is_some_and(|values| values.iter().any(|value| value == wanted))
}

fn relative(path: &Path, base: &Path) -> String {
    path.strip_prefix(base)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A workspace of three packages, as `cargo metadata` would describe it.
    pub(crate) fn sample() -> Metadata {
        let json = serde_json::json!({
            "workspace_root": "/w",
            "target_directory": "/w/target",
            "packages": [
                {
                    "name": "provider-core", "manifest_path": "/w/crates/provider-core/Cargo.toml",
                    "description": "core",
                    "features": { "default": [], "reqwest": [], "rustls": ["reqwest"],
                                  "native-tls": ["reqwest", "reqwest/native-tls"], "testing": [] },
                    "dependencies": [], "targets": [{ "kind": ["lib"], "src_path": "/w/crates/provider-core/src/lib.rs" }],
                },
                {
                    "name": "finpass", "manifest_path": "/w/crates/finpass/Cargo.toml", "description": " ",
                    "features": { "default": ["rustls"], "rustls": ["provider-core/rustls"],
                                  "system": ["provider-core/native-tls"] },
                    "dependencies": [
                        { "name": "provider-core", "kind": null, "optional": false },
                        { "name": "kyc-sandbox", "kind": "dev", "optional": false },
                    ],
                    "targets": [{ "kind": ["test"], "src_path": "/w/crates/finpass/tests/recordings.rs" }],
                },
                {
                    "name": "kyc-facade", "manifest_path": "/w/crates/kyc-facade/Cargo.toml", "description": null,
                    "features": { "finpass": ["dep:finpass"], "all": ["finpass", "finpass?/system"] },
                    "dependencies": [{ "name": "finpass", "kind": null, "optional": true }],
                    "targets": [],
                },
            ],
        });
        Metadata::from_json(&json).expect("a well-formed sample")
    }

    #[test]
    fn packages_are_read() {
        let metadata = sample();
        let finpass = metadata.get("finpass").unwrap();
        assert_eq!(finpass.directory, "crates/finpass");
        assert_eq!(finpass.tests, ["tests/recordings.rs"]);
        assert!(!finpass.has_description);
        assert!(finpass.dependencies[1].for_tests);
        assert!(metadata.get("nobody").is_err());
    }

    #[test]
    fn native_tls_is_found_through_other_packages() {
        let metadata = sample();
        assert!(metadata.brings_native_tls("provider-core", "native-tls"));
        assert!(metadata.brings_native_tls("finpass", "system"));
        assert!(metadata.brings_native_tls("kyc-facade", "all"));
        assert!(!metadata.brings_native_tls("finpass", "rustls"));
    }

    #[test]
    fn portable_features_leave_native_tls_and_default_out() {
        let expected = [
            "finpass/rustls",
            "kyc-facade/finpass",
            "provider-core/reqwest",
            "provider-core/rustls",
            "provider-core/testing",
        ];
        assert_eq!(sample().portable_features(), expected);
    }
}
