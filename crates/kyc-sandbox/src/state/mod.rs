//! The state of the sandbox, and its sources of ids and times. Pure: no HTTP, no settings.

mod aggregator_consents;
mod bounded;
mod clock;
mod consents;
mod data_sessions;
mod decisions;
mod happenings;
mod ids;
mod journeys;
mod ledger;
mod outbox;
pub mod people;
mod rates;
mod recent;
mod schedule;
mod script;
mod simulation;

pub use aggregator_consents::AggregatorConsentStatus;
pub(crate) use aggregator_consents::{AggregatorConsent, LinkedAccount};
pub(crate) use bounded::Bounded;
pub use clock::ClockMode;
pub(crate) use clock::{Clock, iso};
pub(crate) use consents::Consents;
pub use consents::{LatestScope, StoredConsent};
pub use data_sessions::DataOutcome;
pub(crate) use data_sessions::DataSession;
pub use decisions::DecisionStatus;
pub(crate) use happenings::{
    Call, Exchange, Happening, Happenings, Message, Repeats, What, Wire,
};
pub(crate) use ids::Ids;
pub(crate) use journeys::Journeys;
pub use journeys::{JourneyId, ParseJourneyIdError};
pub use ledger::{Counts, Entry, Ledger, Provider};
pub(crate) use outbox::WebhookDraft;
pub use outbox::{Delivery, ParseWebhookIdError, Webhook, WebhookId, WebhookSigning};
pub(crate) use rates::{Quota, RateWindows};
pub(crate) use recent::Recent;
pub(crate) use schedule::Timer;
pub use script::MobileScript;
pub(crate) use simulation::Simulation;
