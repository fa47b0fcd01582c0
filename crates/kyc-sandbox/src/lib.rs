#![doc = include_str!("../README.md")]

mod console;
mod control;
pub mod credentials;
mod exchange;
mod invented;
mod pages;
mod providers;
mod router;
mod sandbox;
mod serve;
pub mod settings;
mod state;
mod time;
mod transport;
mod triggers;
mod webhooks;

pub use credentials::BaseUrls;
pub use exchange::{Fault, FaultError, FaultId, FaultKind, Operation, ParseFaultIdError};
pub use sandbox::Sandbox;
pub use serve::{ServeError, ServedSandbox};
pub use settings::{DeepvueSettings, FinpassSettings, FinproSettings, Settings, VeriffSettings};
#[cfg(feature = "state-file")]
pub use state::StateFileError;
pub use state::{
    AggregatorConsentStatus, ClockMode, Counts, DecisionStatus, Delivery, Entry, JourneyId, Ledger,
    MobileScript, NameScript, PanScript, ParseJourneyIdError, ParseWebhookIdError, Provider,
    StoredConsent, Webhook, WebhookId, WebhookSigning, people,
};
pub use time::Advanced;
pub use transport::SandboxTransport;
pub use triggers::{Trigger, TriggerError, Triggered};
