//! Settings from the environment: `NAME`, or `NAME_FILE` for the path of a file that holds the value.

use std::collections::BTreeMap;

use kyc_facade::provider_core::from_environment;
use kyc_facade::provider_core::secrecy::ExposeSecret as _;

use crate::failure::Failure;

/// The source of settings: the process environment, the sandbox's variables, or placeholders.
#[derive(Debug)]
pub(crate) enum Configuration {
    Environment,
    Given(BTreeMap<&'static str, String>),
    /// A value for every setting, to build and check a request that is not sent.
    Placeholders,
}

impl Configuration {
    /// The value of an optional setting.
    pub(crate) fn optional(&self, name: &'static str) -> Result<Option<String>, Failure> {
        match self {
            Self::Given(pairs) => Ok(pairs.get(name).cloned()),
            Self::Placeholders if name.ends_with("_BASE_URL") => {
                Ok(Some("http://localhost".to_owned()))
            }
            Self::Placeholders => Ok(Some("placeholder".to_owned())),
            Self::Environment => {
                let value = from_environment(name)?;
                Ok(value.map(|value| value.expose_secret().to_owned()))
            }
        }
    }

    /// The values of required settings. The error names every missing one.
    pub(crate) fn required<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[String; N], Failure> {
        let mut missing = Vec::new();
        let mut values = [const { String::new() }; N];
        for (name, value) in names.iter().zip(&mut values) {
            match self.optional(name)? {
                Some(found) => *value = found,
                None => missing.push(*name),
            }
        }
        if missing.is_empty() {
            return Ok(values);
        }
        let rule = "not set in the environment, nor as NAME_FILE";
        Err(Failure::configuration(missing.join(", "), rule))
    }

    /// Whether any of these settings is set.
    pub(crate) fn any(&self, names: &[&'static str]) -> Result<bool, Failure> {
        for name in names {
            if self.optional(name)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
