//! The verified document, and what Veriff adds to a decision.

use provider_core::{Items, Masked, RawJson, lenient};
use serde::{Deserialize, Deserializer, Serialize};

use crate::reply::id_number;

provider_core::open_enum! {
    /// A kind of document in a decision (`[3p]`).
    pub enum VerifiedDocumentType {
        /// An identity card.
        IdCard = "ID_CARD",
        /// A passport.
        Passport = "PASSPORT",
        /// A driving licence.
        DriversLicense = "DRIVERS_LICENSE",
        /// A residence permit.
        ResidencePermit = "RESIDENCE_PERMIT",
        /// A visa.
        Visa = "VISA",
        /// Another one.
        Other = "OTHER",
    }
}

/// Reads what is kept as it came; null is nothing.
pub(crate) fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RawJson>, D::Error> {
    let json: Option<RawJson> = lenient::value(deserializer)?;
    Ok(json.filter(|json| json.as_str() != "null"))
}

/// The verified document (`[3p]`, unconfirmed): each field may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DocumentData {
    /// Its number; of an Aadhaar number the last four digits.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "id_number"
    )]
    pub number: Option<Masked>,
    /// Its kind.
    #[serde(
        rename = "type",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub kind: Option<VerifiedDocumentType>,
    /// The country that issued it, two letters.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub country: Option<Masked>,
    /// The state that issued it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub state: Option<Masked>,
    /// The first day that it is valid, `YYYY-MM-DD`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub valid_from: Option<Masked>,
    /// The last day that it is valid, `YYYY-MM-DD`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub valid_until: Option<Masked>,
    /// When it was first issued, `YYYY-MM-DD`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub first_issue: Option<Masked>,
    /// Where it was issued.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub place_of_issue: Option<Masked>,
    /// Who issued it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub issued_by: Option<Masked>,
    /// The number of the issue.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub issue_number: Option<Masked>,
    /// Remarks, in a form that is not documented.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "raw"
    )]
    pub remarks: Option<RawJson>,
    /// Whether its chip was validated.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::boolean"
    )]
    pub nfc_validated: Option<bool>,
    /// The kind of a residence permit.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub residence_permit_type: Option<Masked>,
    /// Whether its portrait can be seen.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::boolean"
    )]
    pub portrait_is_visible: Option<bool>,
    /// Whether its signature can be seen.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::boolean"
    )]
    pub signature_is_visible: Option<bool>,
    /// Whether it is a specimen, in a form that is not documented.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "raw"
    )]
    pub specimen: Option<RawJson>,
}

/// What Veriff noticed (`[3p]`, unconfirmed).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RiskLabel {
    /// What it is.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub label: Option<Masked>,
    /// The group of such labels.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub category: Option<Masked>,
    /// The sessions that it connects.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::value"
    )]
    pub session_ids: Option<Items<Masked>>,
}

/// How risky a session is (`[3p]`, unconfirmed).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RiskScore {
    /// The score, digit by digit.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "number", "null"])))]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub score: Option<Masked>,
}

/// What is known of the device (`[3p]`, unconfirmed).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TechnicalData {
    /// The person's IP address.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub ip: Option<Masked>,
}
