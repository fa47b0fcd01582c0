//! The four providers of this workspace, by name. No other file names them.

#[cfg(feature = "veriff")]
#[doc(no_inline)]
pub use consent_hmac;
#[cfg(feature = "deepvue")]
#[doc(no_inline)]
pub use deepvue_digilocker;
#[cfg(feature = "finpass")]
#[doc(no_inline)]
pub use finpass;
#[cfg(feature = "finpro")]
#[doc(no_inline)]
pub use finpro_fiu;
#[cfg(feature = "finpro")]
#[doc(no_inline)]
pub use finpro_profile;
#[cfg(feature = "veriff")]
#[doc(no_inline)]
pub use veriff_sessions;

#[allow(unused_imports, reason = "not used without a provider feature")]
use std::sync::Arc;

use provider_core::{Client, Error, InvalidRequest, Provider, Settings};

use crate::{Kyc, KycBuilder};

impl Kyc {
    /// Starts with every provider of which a variable is set in the environment, see
    /// [`KycBuilder::providers_from_environment`].
    ///
    /// # Errors
    ///
    /// As for [`KycBuilder::providers_from`].
    pub fn from_environment() -> Result<Self, Error> {
        Ok(Self::builder().providers_from_environment()?.build())
    }
}

/// The providers of this workspace, one feature each.
impl KycBuilder {
    /// Opens consents at aggregators with Finpass.
    #[cfg(feature = "finpass")]
    #[must_use]
    pub fn finpass(self, client: finpass::FinpassClient) -> Self {
        self.aggregator_consent(Arc::new(client))
    }

    /// Finds the aggregators that know a person with MoneyOne FinPro.
    ///
    /// A client is wrapped in [`CachedProfiles`](finpro_profile::CachedProfiles) with its default settings: successful rows
    /// are cached for 10 minutes. Pass a `CachedProfiles` to choose the settings and to keep a clone that can forget a
    /// person. To ask every time, pass the client to [`aggregator_discovery`](KycBuilder::aggregator_discovery) instead.
    #[cfg(feature = "finpro")]
    #[must_use]
    pub fn finpro(self, profiles: impl Into<finpro_profile::CachedProfiles>) -> Self {
        self.aggregator_discovery(Arc::new(profiles.into()))
    }

    /// Opens consents at aggregators with MoneyOne FinPro. After Finpass, with `or_aggregator_consent`, it is the provider that
    /// is called next.
    #[cfg(feature = "finpro")]
    #[must_use]
    pub fn finpro_consents(self, consents: finpro_fiu::AggregatorConsents) -> Self {
        self.aggregator_consent(Arc::new(consents))
    }

    /// Records consents with Veriff.
    #[cfg(feature = "veriff")]
    #[must_use]
    pub fn veriff(self, client: consent_hmac::ConsentClient) -> Self {
        self.consent_recorder(Arc::new(client))
    }

    /// Opens access to DigiLocker documents with Deepvue.
    #[cfg(feature = "deepvue")]
    #[must_use]
    pub fn deepvue(self, client: deepvue_digilocker::DigilockerClient) -> Self {
        self.document_access(Arc::new(client))
    }

    /// Adds every provider of which a variable is set in the environment, such as `FINPASS_API_KEY`, or a `_FILE`: see
    /// [`providers_from`](Self::providers_from).
    ///
    /// # Errors
    ///
    /// As for [`providers_from`](Self::providers_from).
    pub fn providers_from_environment(self) -> Result<Self, Error> {
        self.providers_from(&Settings::environment())
    }

    /// Adds every provider of which a setting is there; such a provider must have all that it requires. Their clients start
    /// from the [`client_defaults`](Self::client_defaults), and share one transport.
    ///
    /// # Errors
    ///
    /// No setting of any provider is there, one is missing or invalid, or the transport cannot be created. The error names
    /// the settings, never a value.
    #[allow(
        unused_mut,
        unused_variables,
        reason = "not used without a provider feature"
    )]
    pub fn providers_from(mut self, settings: &Settings) -> Result<Self, Error> {
        let mut none = true;
        #[cfg(feature = "veriff")]
        if settings.any(consent_hmac::Veriff::SETTINGS)? {
            let client = self.client(consent_hmac::Veriff::from_settings(settings)?)?;
            (self, none) = (self.veriff(client), false);
        }
        #[cfg(feature = "deepvue")]
        if settings.any(deepvue_digilocker::Deepvue::SETTINGS)? {
            let client = self.client(deepvue_digilocker::Deepvue::from_settings(settings)?)?;
            (self, none) = (self.deepvue(client), false);
        }
        #[cfg(feature = "finpro")]
        if settings.any(finpro_profile::Finpro::SETTINGS)? {
            let client = self.client(finpro_profile::Finpro::from_settings(settings)?)?;
            let client: finpro_profile::FinproProfileClient = client;
            (self, none) = (self.finpro(client), false);
        }
        #[cfg(feature = "finpass")]
        if settings.any(finpass::Finpass::SETTINGS)? {
            let client = self.client(finpass::Finpass::from_settings(settings)?)?;
            (self, none) = (self.finpass(client), false);
        }
        if none {
            let rule = "no provider is configured; set its variables";
            return Err(
                InvalidRequest::new("VERIFF_*, DEEPVUE_*, FINPRO_*, FINPASS_*", rule).into(),
            );
        }
        Ok(self)
    }

    /// A client that shares one transport with the others.
    #[allow(dead_code, reason = "not used without a provider feature")]
    fn client<P: Provider, C: From<Client<P>>>(&mut self, provider: P) -> Result<C, Error> {
        self.defaults = std::mem::take(&mut self.defaults).with_one_transport()?;
        self.defaults.client(provider)
    }
}
