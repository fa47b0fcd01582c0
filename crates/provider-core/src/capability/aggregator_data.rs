//! Follows a consent at an account aggregator, and reads the data under it.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::reference::{ProviderReference, SessionReference};
use crate::call::CallOptions;
use crate::error::Error;
use crate::values::Masked;
use crate::wire::Label;

/// Where a consent is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsentStanding {
    /// The person has not decided.
    Pending,
    /// Granted: data may be requested.
    Active,
    /// Paused by the person.
    Paused,
    /// Declined; final.
    Rejected,
    /// Withdrawn; final.
    Revoked,
    /// Its time is over; final.
    Expired,
    /// Not one of these, or facts that contradict each other: the word that was told, empty if there is none that can be read.
    /// It may be a word of approval: never take it for a grant.
    Unclear(Masked),
}

impl ConsentStanding {
    /// Whether the person granted it and it holds now: data may be requested.
    pub fn is_active(&self) -> bool {
        *self == Self::Active
    }

    /// Whether no other standing follows.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Rejected | Self::Revoked | Self::Expired)
    }
}

/// A consent as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowedConsent {
    /// Where it is.
    pub standing: ConsentStanding,
    /// What its data is requested by; `None` where it was never granted, and where its standing is unclear.
    pub consent: Option<SessionReference>,
}

impl FollowedConsent {
    /// A consent in this standing, with what its data is requested by, if there is something.
    pub fn new(standing: ConsentStanding, consent: Option<SessionReference>) -> Self {
        Self { standing, consent }
    }
}

/// The period that data is requested of. One that ends before it begins is refused by the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataRange {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// How far requested data is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataReadiness {
    /// Ask again later.
    Pending,
    /// Data can be read.
    Ready,
    /// Data of some accounts can be read. That of the others was refused, failed, or is late; it may never come.
    Partial,
    /// Refused.
    Denied,
    /// Failed, often for a while only: request it again.
    Failed,
    /// Its time ran out: request it again.
    Expired,
    /// Not one of these: the word that was told. Never take it for data that is there.
    Unclear(Masked),
}

/// An account's data: what identifies it, and all of it as the institution wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountData {
    /// The account's id under its consent.
    pub reference: Option<ProviderReference>,
    /// The account's number, masked by the institution.
    pub masked_number: Option<Masked>,
    /// The kind of account, such as `DEPOSIT`.
    pub kind: Option<Label>,
    /// The institution.
    pub institution: Option<Masked>,
    /// The whole account as JSON, byte for byte.
    pub json: Masked,
}

impl AccountData {
    /// An account of which nothing but its data is known.
    pub fn new(json: impl Into<Masked>) -> Self {
        Self {
            reference: None,
            masked_number: None,
            kind: None,
            institution: None,
            json: json.into(),
        }
    }
}

/// Follows a consent at an account aggregator, and reads the data under it, in this order: follow the consent until it
/// [is active](ConsentStanding::is_active), request data, ask until it is ready, read the accounts.
///
/// An implementation needs a provider that tells where a consent is: one that leaves it to its webhook cannot have it.
#[async_trait]
pub trait AggregatorData: fmt::Debug + Send + Sync {
    /// Returns the provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Reads where a consent is that [`open_consent`](super::AggregatorConsent::open_consent) opened, by its
    /// [`reference`](super::AggregatorConsentSession::reference). A read: it may be repeated.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind): `InvalidRequest` for a session of another provider, `Verification` for a reply
    /// about another one. That nobody has decided yet is no error.
    async fn follow_consent(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<FollowedConsent, Error>;

    /// Requests the data of a granted consent ([`FollowedConsent::consent`]), of its own period if there is no `range`. Returns
    /// what its readiness is asked by. Each call requests it again.
    ///
    /// # Errors
    ///
    /// As of [`follow_consent`](Self::follow_consent); a `range` that ends before it begins is `InvalidRequest`.
    async fn request_data(
        &self,
        consent: SessionReference,
        range: Option<DataRange>,
        options: CallOptions,
    ) -> Result<SessionReference, Error>;

    /// Reads how far data is, by what [`request_data`](Self::request_data) returned. A read.
    ///
    /// # Errors
    ///
    /// As of [`follow_consent`](Self::follow_consent).
    async fn data_readiness(
        &self,
        data: SessionReference,
        options: CallOptions,
    ) -> Result<DataReadiness, Error>;

    /// Reads the accounts of a consent ([`FollowedConsent::consent`]) whose data is ready. A read.
    ///
    /// # Errors
    ///
    /// As of [`follow_consent`](Self::follow_consent); an account that cannot be read is an error, not left out. Whether a reply
    /// about another consent can be noticed depends on the provider.
    async fn read_accounts(
        &self,
        consent: SessionReference,
        options: CallOptions,
    ) -> Result<Vec<AccountData>, Error>;
}
