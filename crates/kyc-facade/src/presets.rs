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
pub use finpro_profile;
#[cfg(feature = "veriff")]
#[doc(no_inline)]
pub use veriff_sessions;

#[allow(unused_imports, reason = "not used without a provider feature")]
use std::sync::Arc;

use crate::KycBuilder;

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
}
