//! The path of one call.

mod answer;
mod builder;
#[expect(
    clippy::module_inception,
    reason = "`Call` is what the room is named for"
)]
mod call;
#[cfg(feature = "catalogue")]
mod catalogue;
mod client;
mod consent;
mod deadline;
mod defaults;
mod download;
mod downloaded;
#[cfg(feature = "drift")]
mod drift_radar;
#[cfg(feature = "opentelemetry")]
mod metrics;
mod observer;
mod operations;
mod options;
mod progress;
mod read;
mod receive;
mod sink;

pub use builder::ClientBuilder;
pub use call::Call;
#[cfg(feature = "catalogue")]
pub use catalogue::{CatalogueEntry, JsonCall, JsonDownload, ReplyText, TextCall};
#[cfg(feature = "testing")]
pub use catalogue::{Printed, PrintingCall};
pub use client::Client;
pub use consent::{ConsentEvidence, ConsentGate, GatedCall};
pub use defaults::ClientDefaults;
pub use downloaded::Downloaded;
#[cfg(feature = "drift")]
pub use drift_radar::{Drift, DriftKind, DriftRadar, printable_member};
#[cfg(feature = "opentelemetry")]
pub use metrics::MetricsObserver;
pub use observer::{CallEvent, CallObserver, CallStage};
pub use options::CallOptions;
pub use sink::{ContentSink, FileSink};
