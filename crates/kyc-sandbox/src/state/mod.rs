//! The state of the sandbox, and its sources of ids and times. Pure: no HTTP, no settings.

mod aggregator_consents;
pub(crate) mod bank;
mod bounded;
mod clock;
mod consents;
mod data_sessions;
mod decisions;
mod ids;
mod ledger;
pub mod people;
mod rates;
mod recent;
mod script;

pub use aggregator_consents::AggregatorConsentStatus;
pub(crate) use aggregator_consents::{AggregatorConsent, LinkedAccount};
pub(crate) use bounded::Bounded;
pub(crate) use clock::WireClock;
pub(crate) use consents::Consents;
pub use consents::{LatestScope, StoredConsent};
pub use data_sessions::DataOutcome;
pub(crate) use data_sessions::{DataSession, Range};
pub use decisions::DecisionStatus;
pub(crate) use ids::Ids;
pub use ledger::{Counts, Entry, Ledger, Provider};
pub(crate) use rates::{Quota, RateWindows};
pub(crate) use recent::Recent;
pub use script::MobileScript;
