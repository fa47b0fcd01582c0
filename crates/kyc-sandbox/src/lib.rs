#![doc = include_str!("../README.md")]

pub mod credentials;
mod exchange;
mod providers;
mod sandbox;
mod serve;
pub mod settings;
mod state;
mod transport;

pub use credentials::BaseUrls;
pub use exchange::Operation;
pub use sandbox::Sandbox;
pub use serve::{ServeError, ServedSandbox};
pub use settings::{DeepvueSettings, FinpassSettings, FinproSettings, Settings, VeriffSettings};
pub use state::{
    AggregatorConsentStatus, Counts, DecisionStatus, Entry, Ledger, MobileScript, Provider,
    StoredConsent, people,
};
pub use transport::SandboxTransport;
