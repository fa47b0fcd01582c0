//! Ids and addresses that several capabilities share.

use serde::{Deserialize, Serialize};

use crate::values::InvalidRequest;

crate::opaque_id! {
    /// An account aggregator's id, without `@`: `onemoney`.
    pub struct AggregatorId("aggregator");

    /// The id of a session or a record at a provider: opaque, and meaningful to that provider only.
    pub struct ProviderReference("reference");
}

crate::masked_text! {
    /// A URL to send the person's browser to, byte for byte as the provider sent it. Never decode and re-encode it.
    pub struct BrowserUrl;
}

/// An opened session as it is stored until it is read: the provider's id for it, and which provider's it is. As JSON:
/// `reference` and, if it is known, `provider`.
///
/// ```
/// use provider_core::capability::SessionReference;
///
/// let stored: SessionReference = serde_json::from_str(r#"{"reference": "s-1", "provider": "acme"}"#)?;
/// assert_eq!(stored.reference_at("acme")?.as_str(), "s-1");
/// assert!(stored.reference_at("other").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionReference {
    /// The provider's id for it.
    pub reference: ProviderReference,
    /// The provider that opened it; `None` where there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl SessionReference {
    /// A session with this id.
    pub fn new(reference: ProviderReference) -> Self {
        Self {
            reference,
            provider: None,
        }
    }

    /// The provider that opened it.
    #[must_use]
    pub fn set_provider(mut self, provider: Option<&str>) -> Self {
        self.provider = provider.map(str::to_owned);
        self
    }

    /// The id, for the provider of this name: what another one opened means nothing to it.
    ///
    /// # Errors
    ///
    /// The session is another provider's.
    pub fn reference_at(&self, provider: &str) -> Result<&ProviderReference, InvalidRequest> {
        match &self.provider {
            Some(named) if named != provider => Err(InvalidRequest::new(
                "provider",
                "must be the one that opened the session",
            )),
            _ => Ok(&self.reference),
        }
    }
}
