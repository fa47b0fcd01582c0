#![doc = include_str!("../README.md")]

mod clock;
mod consents;
pub mod credentials;
mod deepvue;
mod exchange;
mod finpass;
mod finpro;
mod ids;
mod json;
mod ledger;
pub mod people;
mod rate;
mod sandbox;
mod serve;
pub mod settings;
mod transport;
mod veriff;
mod write_timeout;

pub use consents::RecordedConsent;
pub use credentials::BaseUrls;
pub use ledger::{Counts, Entry, Ledger, Provider};
pub use sandbox::Sandbox;
pub use serve::{ServeError, ServedSandbox};
pub use settings::{DeepvueSettings, FinpassSettings, FinproSettings, Settings, VeriffSettings};
pub use transport::SandboxTransport;
