//! Values: parsed once, printed masked, wiped on drop.

mod copied;
mod environment;
mod ids;
mod invalid_request;
mod masked;
mod missing_consent;
#[cfg(feature = "money")]
mod money;
mod names;
#[doc(hidden)]
pub mod open_enum;
mod progress;
mod query;
mod randomness;
mod secret;
mod settings;
mod text_input;
mod web_url;

pub use copied::is_invisible;
pub(crate) use copied::stray;
pub use environment::{from_environment, required_from_environment};
pub use ids::{Email, Mobile, Pan, PathId, check_id};
pub use invalid_request::InvalidRequest;
pub use masked::Masked;
pub use missing_consent::MissingConsent;
#[cfg(feature = "money")]
pub use money::Amount;
pub use names::read_name;
pub use open_enum::{OpenEnum, UnknownText};
pub use progress::{Observation, Progress, State};
pub use query::{Plus, is_same_text, query_parameters};
pub(crate) use randomness::random_bits;
pub use secret::Secret;
pub use settings::Settings;
pub use text_input::deserialize_text;
#[cfg(feature = "schema")]
#[doc(hidden)]
pub use text_input::schema_description;
pub(crate) use web_url::is_loopback;
pub use web_url::{check_person_url, check_web_url};
