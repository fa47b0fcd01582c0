//! Settings from the environment: `NAME`, or `NAME_FILE` for the path of a file that holds the value.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kyc_facade::provider_core::from_environment_within;
use kyc_facade::provider_core::secrecy::{ExposeSecret as _, SecretString};

use crate::failure::Failure;

/// The source of settings: the process environment, the sandbox's variables, or placeholders.
#[derive(Debug)]
pub(crate) enum Configuration {
    Environment(Environment),
    Given(BTreeMap<&'static str, String>),
    /// A value for every setting, to build and check a request that is not sent.
    Placeholders,
}

/// The process environment. A setting is read once, because a FIFO gives its content once.
#[derive(Debug)]
pub(crate) struct Environment {
    read: Mutex<BTreeMap<&'static str, Option<SecretString>>>,
    wait: Duration,
}

impl Environment {
    fn setting(&self, name: &'static str) -> Result<Option<String>, Failure> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if !read.contains_key(name) {
            read.insert(name, from_environment_within(name, self.wait)?);
        }
        let value = read.get(name).and_then(Option::as_ref);
        Ok(value.map(|value| value.expose_secret().to_owned()))
    }
}

impl Configuration {
    /// The process environment; a setting that a file gives is waited for no longer than a call may take.
    pub(crate) fn environment(timeout: Option<Duration>) -> Self {
        Self::Environment(Environment {
            read: Mutex::default(),
            wait: timeout.unwrap_or(Duration::MAX),
        })
    }

    /// The value of an optional setting.
    pub(crate) fn optional(&self, name: &'static str) -> Result<Option<String>, Failure> {
        match self {
            Self::Given(pairs) => Ok(pairs.get(name).cloned()),
            Self::Placeholders if name.ends_with("_BASE_URL") => {
                Ok(Some("http://localhost".to_owned()))
            }
            Self::Placeholders => Ok(Some("placeholder".to_owned())),
            Self::Environment(environment) => environment.setting(name),
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
