//! What an onboarding needs from providers, in words that belong to none of them.
//!
//! Each trait is small and object-safe: a provider implements those it has, an application mocks those it uses. There are
//! no default bodies; a new ability is a new trait.

mod aggregator_consent;
mod aggregator_discovery;
mod consent_recorder;
mod document_access;
mod reference;

pub use aggregator_consent::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession, ConsentPurpose,
};
pub use aggregator_discovery::{
    AggregatorDiscovery, AggregatorQuery, AggregatorStanding, Readiness,
};
pub use consent_recorder::{ConsentKind, ConsentRecorder, ConsentStatement, RecordedConsent};
pub use document_access::{DocumentAccess, DocumentAccessRequest, DocumentKind, DocumentSession};
pub use reference::{AggregatorId, BrowserUrl, ProviderReference};
