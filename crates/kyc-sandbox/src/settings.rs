//! Every choice of the sandbox, as a named setting.
//!
//! Each point on which a provider's documentation is silent is a setting here. Its documentation says *own choice*, which
//! means: the default is the sandbox's, not the provider's, and no client should rely on it. Settings without that label switch
//! between behaviours that are documented, or are faults for tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use provider_core::Transport;

pub use crate::exchange::{
    ContentType, EmptyText, ExtraFields, Failure, NullOptional, RepeatedHeaders, SettingError,
    SettingName,
};
use crate::exchange::{named, settings};
pub use crate::providers::deepvue::options::*;
pub use crate::providers::finpass::options::*;
pub use crate::providers::finpro::options::*;
pub use crate::providers::veriff::options::*;
pub use crate::state::LatestScope;
pub use crate::state::PeopleAct;
use crate::state::Provider;

settings! {
    /// The whole sandbox: limits, ids, and one group of settings per provider.
    ///
    /// ```
    /// use kyc_sandbox::{FinpassSettings, Settings};
    ///
    /// let settings = Settings::default()
    ///     .with_deterministic_ids(true)
    ///     .with_finpass(FinpassSettings::default().with_validation_status(400));
    /// assert_eq!(*settings.finpass().validation_status(), 400);
    /// ```
    Settings {
        /// Finpass.
        with_finpass / finpass: FinpassSettings = FinpassSettings::default();
        /// MoneyOne FinPro.
        with_finpro / finpro: FinproSettings = FinproSettings::default();
        /// Veriff.
        with_veriff / veriff: VeriffSettings = VeriffSettings::default();
        /// Deepvue.
        with_deepvue / deepvue: DeepvueSettings = DeepvueSettings::default();
        /// Takes ids from a counter and uses one fixed time (2030-01-01T00:00:00.000Z, unless
        /// another one is set) in every reply, so that recorded replies are the same byte for byte. Rate-limit windows and delays still run on the real clock.
        with_deterministic_ids / deterministic_ids: bool = false;
        /// Stops the clock of replies at this time. What it decides: each time in a reply, and the twelve months of bank data,
        /// which end with the last whole month in India. Rate-limit windows and delays still run on the real clock.
        with_fixed_time / fixed_time: Option<SystemTime> = None;
        /// Other names, shops, small payments and numbers for the same people with bank data, whose figures stay the same.
        with_data_seed / data_seed: u64 = 0;
        /// Who takes a person's part.
        with_people_act / people_act: PeopleAct = PeopleAct::ByScript;
        /// Lets [`Sandbox::serve`](crate::Sandbox::serve) bind an address that other machines can reach. The sandbox's
        /// credentials are published; leave this off unless the network is your own.
        with_allow_other_machines / allow_other_machines: bool = false;
        /// JSON documents that anyone may GET, by path, such as `/openapi/finpass.json`. A path below one of the providers
        /// is that provider's and not looked up here.
        with_documents / documents: BTreeMap<String, String> = BTreeMap::new();
        /// Where a provider's webhooks go that are not told where by the caller: Veriff's and FinPro's, whose URL is set in a
        /// portal. Without one they are kept and sent nowhere. A URL of another machine is not called unless
        /// [`with_allow_other_machines`](Self::with_allow_other_machines) allows it.
        with_webhook_urls / webhook_urls: BTreeMap<Provider, String> = BTreeMap::new();
        /// What sends webhooks; nothing is sent without.
        with_webhook_transport / webhook_transport: Option<Arc<dyn Transport>> = None;
        /// The longest request body, in bytes; a longer one is answered 413 in the provider's error form.
        with_body_limit / body_limit: usize = 64 * 1024;
        /// How long a connection may take to send its headers, counted from the start of each request, before it is
        /// closed. Applies to the served sandbox.
        with_header_read_timeout / header_read_timeout: Duration = Duration::from_secs(30);
        /// How long a connection may take to send its body before it is answered with 408 in the provider's error form.
        /// Applies to the served sandbox.
        with_body_read_timeout / body_read_timeout: Duration = Duration::from_secs(10);
        /// How long a connection may leave its replies unread, with all buffers full, before it is closed.
        /// Applies to the served sandbox.
        with_reply_write_timeout / reply_write_timeout: Duration = Duration::from_secs(10);
        /// The number of concurrent connections of the served sandbox; more wait to be accepted.
        with_max_connections / max_connections: usize = 1024;
        /// The number of entries the ledger keeps, at about 130 bytes each; the oldest are dropped first. Its counts stay exact.
        with_ledger_capacity / ledger_capacity: usize = 20_000;
    }
}

impl Settings {
    /// Changes the setting of this name by a text: `body-limit` for [`with_body_limit`](Self::with_body_limit), and
    /// `finpass.auth-status` for a provider's.
    ///
    /// ```
    /// use kyc_sandbox::Settings;
    ///
    /// let mut settings = Settings::default();
    /// settings.set("finpass.validation-status", "400")?;
    /// settings.set("veriff.reply-signing", "unsigned")?;
    /// assert_eq!(*settings.finpass().validation_status(), 400);
    /// assert!(settings.set("veriff.reply-signing", "perhaps").is_err());
    /// # Ok::<(), kyc_sandbox::settings::SettingError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SettingError::Unknown`] for a name that is none of [`all`](Self::all), and [`SettingError::Malformed`] for a text
    /// that has not the setting's form.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), SettingError> {
        match name.split_once('.') {
            Some(("finpass", name)) => self.finpass.set_by_name(name, text),
            Some(("finpro", name)) => self.finpro.set_by_name(name, text),
            Some(("veriff", name)) => self.veriff.set_by_name(name, text),
            Some(("deepvue", name)) => self.deepvue.set_by_name(name, text),
            Some(_) => Err(SettingError::Unknown),
            None => self.set_by_name(name, text),
        }
    }

    /// The same without the failures and delays of the providers.
    pub(crate) fn without_faults(self) -> Self {
        Self {
            finpass: self.finpass.without_faults(),
            finpro: self.finpro.without_faults(),
            veriff: self.veriff.without_faults(),
            deepvue: self.deepvue.without_faults(),
            ..self
        }
    }

    /// All settings that can be given as text.
    pub fn all() -> Vec<SettingName> {
        let of = |provider: &'static str, names: Vec<SettingName>| {
            names.into_iter().map(move |setting| SettingName {
                name: format!("{provider}.{}", setting.name),
                ..setting
            })
        };
        let mut all = Self::names();
        all.extend(of("finpass", FinpassSettings::names()));
        all.extend(of("finpro", FinproSettings::names()));
        all.extend(of("veriff", VeriffSettings::names()));
        all.extend(of("deepvue", DeepvueSettings::names()));
        all
    }
}

named! { PeopleAct { ByScript OnPages } }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_that_the_readme_names_exists_and_takes_what_it_says() {
        let mut changes = include_str!("../README.md").split("--set ").skip(1);
        let change = |text: &str| -> Option<()> {
            let word = text.split([' ', '`', '\n']).next()?;
            let (name, value) = word.split_once('=')?;
            Settings::default().set(name, value).ok()
        };
        assert!(changes.clone().count() > 0);
        assert!(changes.all(|text| change(text).is_some()));
    }
}
