//! The state of the sandbox, and its sources of ids and times. Pure: no HTTP, no settings.

mod aggregator_consents;
pub(crate) mod bank;
mod bounded;
mod clock;
mod consents;
mod data_sessions;
mod decisions;
pub(crate) mod digilocker;
mod explained;
pub(crate) mod flow;
mod flow_script;
mod happenings;
mod ids;
mod journeys;
mod ledger;
mod likes;
mod outbox;
pub mod people;
mod planned;
mod rates;
mod recent;
mod schedule;
mod script;
mod simulation;
mod store;
mod unmasked;
mod verification;

pub use aggregator_consents::AggregatorConsentStatus;
pub(crate) use aggregator_consents::{AggregatorConsent, LinkedAccount};
pub(crate) use bounded::Bounded;
pub use clock::ClockMode;
pub(crate) use clock::{Clock, day_in_india, in_india, iso, last_ms};
pub(crate) use consents::Consents;
pub use consents::{LatestScope, StoredConsent};
pub use data_sessions::DataOutcome;
pub(crate) use data_sessions::{DataScript, DataSession, Pending, Range};
pub use decisions::DecisionStatus;
pub(crate) use happenings::{Call, Exchange, Happening, Message, Repeats, What, Wire};
pub(crate) use ids::Ids;
pub(crate) use journeys::Journeys;
pub use journeys::{JourneyId, ParseJourneyIdError};
pub use ledger::{Counts, Entry, Ledger, Provider};
pub(crate) use likes::{Invented, InventedPeople, NotInvented};
pub(crate) use outbox::WebhookDraft;
pub use outbox::{Delivery, ParseWebhookIdError, Webhook, WebhookId, WebhookSigning};
pub(crate) use planned::{EVENTS, Planned, PlannedName, Stop, planned};
pub(crate) use rates::{Quota, RateWindows};
pub(crate) use recent::Recent;
pub(crate) use schedule::{Taken, Timer, VerificationStep};
pub use script::{MobileScript, NameScript, PanScript, PeopleAct};
pub(crate) use script::{carried, journey};
pub(crate) use simulation::Simulation;
#[cfg(feature = "state-file")]
pub use store::StateFileError;
#[cfg(feature = "state-file")]
pub(crate) use store::form;
pub(crate) use store::{Room, Store, Word};
pub(crate) use unmasked::Unmasked;
pub(crate) use verification::{
    ATTEMPT_MS, Decided, NOTICE_HELD_MS, Phase, Picture, Progress, RESUBMISSIONS,
    SCREENED_AGAIN_MS, Through, Verification,
};
