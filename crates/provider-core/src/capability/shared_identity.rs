//! Reads the identity record that a person shared in a session in the browser.

use std::fmt;

use async_trait::async_trait;

use super::shared_documents::{Document, SessionAccess};
use crate::call::CallOptions;
use crate::error::Error;
use crate::values::Masked;

/// Where a person lives, in the parts that the record has. A part that it has not is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostalAddress {
    /// In whose care.
    pub care_of: Option<Masked>,
    /// The house.
    pub house: Option<Masked>,
    /// The street.
    pub street: Option<Masked>,
    /// The locality.
    pub locality: Option<Masked>,
    /// The village, town or city.
    pub town: Option<Masked>,
    /// The district.
    pub district: Option<Masked>,
    /// The state.
    pub state: Option<Masked>,
    /// The postal code.
    pub postal_code: Option<Masked>,
    /// The country.
    pub country: Option<Masked>,
}

impl PostalAddress {
    /// An address of which no part is known.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A person's record at the authority that issues identities, such as the e-Aadhaar. What the record has not is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityRecord {
    /// The last digits of the person's number behind a mask; never the whole number.
    pub masked_number: Option<Masked>,
    /// The name.
    pub name: Option<Masked>,
    /// The date of birth as the record has it: its form differs, and is not guessed.
    pub date_of_birth: Option<Masked>,
    /// The gender, in the record's word.
    pub gender: Option<Masked>,
    /// Where the person lives.
    pub address: Option<PostalAddress>,
    /// The person's picture.
    pub photo: Option<Document>,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl IdentityRecord {
    /// A record of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Reads the identity record of a session whose access was completed as of
/// [`SharedDocuments`](super::SharedDocuments).
#[async_trait]
pub trait SharedIdentity: fmt::Debug + Send + Sync {
    /// Returns the provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input as the call itself would, without sending anything.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` with the field and the rule, also for a session of another provider.
    fn check_identity(&self, access: &SessionAccess) -> Result<(), Error>;

    /// Reads the record. A read: it may be repeated once access is complete. Before, it is no way to ask how the session is: a
    /// provider may end the session for it.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind): `InvalidRequest` for a session of another provider, `Api` if the person has no
    /// record or did not share it, `Decode` for one that tells nothing of the person.
    async fn read_identity(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<IdentityRecord, Error>;
}
