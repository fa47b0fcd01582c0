//! A person, as decisions and webhooks show one.

use provider_core::{Items, Masked, RawJson, lenient};
use serde::{Deserialize, Serialize};

use super::document;
use crate::reply::id_number;

/// The verified person (`[3p]`, unconfirmed): each field may be absent, and the reply's body may have others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PersonData {
    /// Given names.
    #[serde(default, deserialize_with = "lenient::text")]
    pub first_name: Option<Masked>,
    /// Family name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub last_name: Option<Masked>,
    /// Full name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub full_name: Option<Masked>,
    /// `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub date_of_birth: Option<Masked>,
    /// The person's national id number; of an Aadhaar number the last four digits.
    #[serde(default, deserialize_with = "id_number")]
    pub id_number: Option<Masked>,
    /// `M`, `F` or another text.
    #[serde(default, deserialize_with = "lenient::text")]
    pub gender: Option<Masked>,
    /// Two letters.
    #[serde(default, deserialize_with = "lenient::text")]
    pub nationality: Option<Masked>,
    /// Where the person was born.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub place_of_birth: Option<Masked>,
    /// The year of birth.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub year_of_birth: Option<Masked>,
    /// Where the person lives.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::value"
    )]
    pub addresses: Option<Items<PersonAddress>>,
    /// The occupation.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub occupation: Option<Masked>,
    /// The employer.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub employer: Option<Masked>,
    /// Other names.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub extra_names: Option<Masked>,
    /// The title.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub title: Option<Masked>,
    /// The colour of the eyes.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub eye_color: Option<Masked>,
    /// The colour of the hair.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub hair_color: Option<Masked>,
    /// The height.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub height: Option<Masked>,
    /// The weight.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub weight: Option<Masked>,
    /// The number in Mexico's register of voters.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub elector_number: Option<Masked>,
    /// The number of an INE card.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub ine_identifier: Option<Masked>,
    /// The number of an IFE card.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub ife_identifier: Option<Masked>,
    /// Always null.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub citizenship: Option<Masked>,
    /// Legacy: read [`ScreeningReply`](crate::ScreeningReply) instead. Its form is not documented.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "document::raw"
    )]
    pub pep_sanction_match: Option<RawJson>,
}

/// An address (`[3p]`, unconfirmed).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PersonAddress {
    /// The address as one text.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub full_address: Option<Masked>,
    /// The same in parts.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::object"
    )]
    pub parsed_address: Option<ParsedAddress>,
}

/// The parts of an address (`[3p]`, unconfirmed).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ParsedAddress {
    /// The street.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub street: Option<Masked>,
    /// The house.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub house_number: Option<Masked>,
    /// The flat.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub unit: Option<Masked>,
    /// The city.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub city: Option<Masked>,
    /// The state.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub state: Option<Masked>,
    /// The postal code.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub postcode: Option<Masked>,
    /// The country.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub country: Option<Masked>,
}
