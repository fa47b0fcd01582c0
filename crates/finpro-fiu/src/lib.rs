#![doc = include_str!("../README.md")]

mod capability;
mod client;
mod endpoint;
mod fi_account;
mod fi_data;
mod fi_request;
mod list_consents;
mod progress;
mod redirection;
mod request_consent;
mod revoke_consent;
mod values;

pub use capability::AggregatorConsents;
pub use client::FiuClient;
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
    AccountId, ConsentHandle, ConsentId, ConsentStatus, FipId, LinkRefNumber, PartyIdentifier,
    PartyIdentifierType, ProductId, ReturnUrl, SessionId, TransactionId, UtcTime, Vua,
};
