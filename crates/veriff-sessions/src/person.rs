//! A person, as decisions and webhooks show one.

use provider_core::{Masked, lenient};
use serde::{Deserialize, Serialize};

/// The verified person (`[3p]`, unconfirmed): each field may be absent, and the reply's body may have others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("x-kyc-members" = ["placeOfBirth", "yearOfBirth", "addresses", "occupation", "employer", "extraNames", "title", "eyeColor", "hairColor", "height", "weight", "electorNumber", "ineIdentifier", "ifeIdentifier", "citizenship", "pepSanctionMatch"])))]
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
    /// The person's national id number.
    #[serde(default, deserialize_with = "lenient::text")]
    pub id_number: Option<Masked>,
    /// `M`, `F` or another text.
    #[serde(default, deserialize_with = "lenient::text")]
    pub gender: Option<Masked>,
    /// Two letters.
    #[serde(default, deserialize_with = "lenient::text")]
    pub nationality: Option<Masked>,
}
