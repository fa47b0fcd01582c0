#![doc = include_str!("../README.md")]

mod analytics;
mod bulk;
mod capability;
mod client;
mod discovery;
mod endpoint;
mod fi_account;
mod fi_data;
mod fi_request;
mod list_consents;
mod progress;
#[cfg(feature = "rebit")]
pub mod rebit;
mod redirection;
mod request_consent;
mod revoke_consent;
mod values;
#[cfg(feature = "webhook")]
mod webhook;
mod xml;

pub use analytics::{
    Analytics, AnalyticsExcel, AnalyticsSubject, DownloadUrl, ExcelLink, GetAnalyticsExcel,
    GetAnalyticsJson, GetAnalyticsXml, GetPdfAnalyticsJson, GetPdfAnalyticsStatus,
    PdfAnalyticsPushed, PdfAnalyticsState, PdfAnalyticsStatus, PushPdfAnalytics, Report,
    StatementFile,
};
pub use bulk::{
    BulkBatch, BulkConfig, BulkConsent, BulkError, BulkMetadata, BulkPage, BulkProgress,
    BulkRecord, BulkStatus, BulkSummary, ConsentsFile, GetBulkStatus, RetryEligible,
    ScheduleFiRequests, UploadFiRequests,
};
pub use capability::AggregatorConsents;
pub use client::FiuClient;
pub use discovery::{
    Aggregator, AggregatorStatus, ConsentMode, Fip, FipEventType, FipHealth, FipMetrics, Fips,
    GetFipHealth, ListAggregators, ListFips, ListProducts, Product,
};
pub use fi_account::{FiAccount, FiAccounts};
pub use fi_data::{
    GetAllFiData, GetAllFiDataPdf, GetAllLatestFiData, GetFiBalance, GetFiData, GetFiDataXml,
};
pub use fi_request::{
    FiAccountStatus, FiEventStatus, FiSession, FiSessionStatus, FiStatus, GetFiStatus, RequestFi,
};
#[doc(no_inline)]
pub use finpro_profile;
pub use list_consents::{
    ListConsentsV1, ListConsentsV2, ListConsentsV3, ListUniqueAccounts, ListedAccount,
    ListedConsent, ListedConsents,
};
pub use progress::{ConsentState, SessionState};
#[doc(no_inline)]
pub use provider_core::{Observation, Progress, State};
pub use redirection::{
    DecryptRedirection, EncryptRedirection, Journey, JourneyEnd, JourneyStatus, Redirection,
    ReturnParameters,
};
pub use request_consent::{
    FipConsent, RedirectionUrl, RequestConsentV2, RequestConsentV3, RequestConsentV4,
    RequestedConsent, RequestedConsents,
};
pub use revoke_consent::{RevokeConsent, Revoked};
pub use values::{
    AccountId, ConfigId, ConsentHandle, ConsentId, ConsentStatus, FipId, JourneyId, LinkRefNumber,
    PartyIdentifier, PartyIdentifierType, ProductId, RefToken, ReferenceId, ReturnUrl, SessionId,
    TransactionId, UtcTime, Vua,
};
#[cfg(feature = "webhook")]
pub use webhook::{
    ConsentEvent, ConsentEventStatus, ConsentExpiry, DataEvent, DataPushEvent, FinproEvent,
    FinproWebhooks,
};
