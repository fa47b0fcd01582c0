//! What an onboarding needs from providers, in neutral terms.
//!
//! Each trait is small and object-safe: a provider implements those that it supports, an application mocks those that it
//! uses. No method has a default body; a new ability is a new trait.

mod aggregator_consent;
mod aggregator_data;
mod aggregator_discovery;
mod consent_recorder;
mod document_access;
mod identity_verification;
mod reference;
mod shared_documents;
mod shared_identity;

pub use aggregator_consent::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession, ConsentPurpose,
};
pub use aggregator_data::{
    AccountData, AggregatorData, ConsentStanding, DataRange, DataReadiness, FollowedConsent,
};
pub use aggregator_discovery::{
    AggregatorDiscovery, AggregatorQuery, AggregatorStanding, AggregatorStandings, Readiness,
};
pub use consent_recorder::{
    ConsentAnswer, ConsentKind, ConsentRecorder, ConsentStatement, RecordedConsent,
};
pub use document_access::{
    AccessConsent, DocumentAccess, DocumentAccessRequest, DocumentKind, DocumentSession,
};
pub use identity_verification::{
    IdentityVerification, Verdict, VerificationDecision, VerificationRequest, VerificationSession,
};
pub use reference::{AggregatorId, BrowserUrl, ProviderReference, SessionReference};
pub use shared_documents::{
    AccessGrant, AccessReturn, Document, DocumentError, DocumentFormat, DocumentList,
    DocumentReference, GrantedAccess, SessionAccess, SharedDocument, SharedDocuments,
    UnclearReturn,
};
pub use shared_identity::{IdentityRecord, PostalAddress, SharedIdentity};
