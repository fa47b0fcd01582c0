//! A provider's settings, read from the environment or from values at hand.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

use super::environment::from_environment;
use super::invalid_request::InvalidRequest;

/// Where settings come from: this process's environment, or values at hand. `Debug` prints no value.
///
/// A provider reads its settings with `from_settings`; each crate documents their names. A setting of the environment is
/// read once: make a new `Settings` to read them again after a rotation.
///
/// ```
/// use provider_core::Settings;
///
/// let settings = Settings::of([("ACME_API_KEY", "made-up")]);
/// assert!(settings.optional("ACME_API_KEY")?.is_some());
/// assert!(settings.optional("ACME_BASE_URL")?.is_none());
/// let error = settings.required(&["ACME_API_KEY", "ACME_API_SECRET", "ACME_USER"]).unwrap_err();
/// assert_eq!(error.field(), "ACME_API_SECRET, ACME_USER");
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
pub struct Settings(Source);

enum Source {
    /// With what was read.
    Environment(Mutex<BTreeMap<&'static str, Option<SecretString>>>),
    Values(BTreeMap<String, SecretString>),
}

impl Settings {
    /// The environment of this process: a setting is the variable of its name, or the file that `name_FILE` names, see
    /// [`from_environment`](crate::from_environment).
    pub fn environment() -> Self {
        Self(Source::Environment(Mutex::default()))
    }

    /// Values at hand, such as those of a secret store, by the names of the variables.
    pub fn of<N: Into<String>, V: Into<SecretString>>(
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let values = values.into_iter();
        let values = values.map(|(name, value)| (name.into(), value.into()));
        Self(Source::Values(values.collect()))
    }

    /// The setting of this name; `None` if it is not set.
    ///
    /// # Errors
    ///
    /// As for [`from_environment`](crate::from_environment).
    pub fn optional(&self, name: &'static str) -> Result<Option<SecretString>, InvalidRequest> {
        match &self.0 {
            Source::Values(values) => Ok(values.get(name).cloned()),
            Source::Environment(read) => {
                let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(value) = read.get(name) {
                    return Ok(value.clone());
                }
                let value = from_environment(name)?;
                read.insert(name, value.clone());
                Ok(value)
            }
        }
    }

    /// Checks that all of these settings are there.
    ///
    /// # Errors
    ///
    /// The field of the error names every one that is missing; also as for [`optional`](Self::optional).
    pub fn required(&self, names: &[&'static str]) -> Result<(), InvalidRequest> {
        let mut missing = Vec::new();
        for name in names {
            if self.optional(name)?.is_none() {
                missing.push(*name);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let rule = "not set in the environment, nor as NAME_FILE";
        Err(InvalidRequest::new(missing.join(", "), rule))
    }

    /// A required setting as `parse` reads it, such as the constructor of a credential.
    ///
    /// # Errors
    ///
    /// It is missing, or as `parse`; the error has the setting's name.
    pub fn parsed<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(SecretString) -> Result<T, InvalidRequest>,
    ) -> Result<T, InvalidRequest> {
        self.required(&[name])?;
        let value = self.optional(name)?.unwrap_or_default();
        parse(value).map_err(|error| error.for_field(name))
    }

    /// An optional setting as `parse` reads it from text.
    ///
    /// # Errors
    ///
    /// As for [`optional`](Self::optional), or as `parse`; the error has the setting's name.
    pub fn parsed_text<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, InvalidRequest>,
    ) -> Result<Option<T>, InvalidRequest> {
        let Some(value) = self.optional(name)? else {
            return Ok(None);
        };
        let parsed = parse(value.expose_secret());
        parsed.map(Some).map_err(|error| error.for_field(name))
    }

    /// Whether any of these settings is there.
    ///
    /// # Errors
    ///
    /// As for [`optional`](Self::optional).
    pub fn any(&self, names: &[&'static str]) -> Result<bool, InvalidRequest> {
        for name in names {
            if self.optional(name)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Environment(_) => "Settings(environment)",
            Source::Values(_) => "Settings(values)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_from_the_environment_or_from_values_and_are_not_printed() {
        let environment = Settings::environment();
        let name = environment.optional("CARGO_PKG_NAME").unwrap().unwrap();
        assert_eq!(name.expose_secret(), "provider-core");
        assert!(environment.any(&["KYC_NOT_SET", "CARGO_PKG_NAME"]).unwrap());
        assert!(!environment.any(&["KYC_NOT_SET"]).unwrap());
        let values = Settings::of([("KEY", "CANARY")]);
        let refused = |_: SecretString| Err::<(), _>(InvalidRequest::new("x-key", "is wrong"));
        let error = values.parsed("KEY", refused).unwrap_err();
        assert_eq!(error.to_string(), "KEY: is wrong");
        let error = values.parsed("OTHER", |_| Ok(())).unwrap_err();
        assert_eq!(error.field(), "OTHER");
        assert_eq!(
            format!("{values:?} {environment:?}"),
            "Settings(values) Settings(environment)"
        );
    }
}
