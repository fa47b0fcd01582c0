//! The state of the sandbox, and its sources of ids and times. Pure: no HTTP, no settings.

mod bounded;
mod clock;
mod consents;
mod decisions;
mod ids;
mod ledger;
pub mod people;
mod rates;

pub(crate) use bounded::Bounded;
pub(crate) use clock::WireClock;
pub(crate) use consents::Consents;
pub use consents::{LatestScope, StoredConsent};
pub use decisions::DecisionStatus;
pub(crate) use ids::Ids;
pub use ledger::{Counts, Entry, Ledger, Provider};
pub(crate) use rates::{Quota, RateWindows};
