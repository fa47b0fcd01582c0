#![doc = include_str!("../README.md")]

mod accounts;
mod attempts;
mod calls;
mod consent;
mod documents;
mod effect;
mod engine;
mod event;
mod fact;
mod id;
mod journey;
mod leg;
mod memory;
mod operation;
mod outbox;
mod plan;
mod point;
mod recording;
mod runner;
mod schedule;
mod schema;
mod seal;
mod settle;
mod status;
mod step;
mod stored;
#[cfg(feature = "testing")]
pub mod testing;
mod verification;

pub use effect::{
    DataClass, Effect, EffectKind, LedgerEntry, Notice, OperatorTask, TimerName, TimerPurpose,
};
pub use engine::{
    EffectCall, EngineError, EngineErrorKind, HistoryEntry, JourneyEngine, JourneyFilter,
    JourneyPage, JourneyRecord, JourneySummary, PageToken, Performed, Performer, Reported,
    Submitted, Undelivered,
};
pub use event::{Event, Payload, Reason, Verdict};
pub use fact::{
    AggregatorReturn, Answer, ConsentNews, ConsentState, DataNews, DataState, Fact, Failure,
    FoundFile, ProfileStanding, Readiness, Refusal, Return, ReturnEnd, SessionNews, SessionState,
    Source,
};
pub use id::{Correlation, CorrelationToken, EffectId, EventKey, JourneyId, ReceiptId, Seq};
pub use journey::{Journey, LegView, Reference, Transition, apply};
pub use leg::{Leg, LegStatus};
pub use memory::MemoryEngine;
pub use operation::{ConsentQuery, Operation};
pub use outbox::{Due, Lane, Outbox, RunLease};
pub use plan::{
    AccountsPlan, CalendarUnit, DocumentKind, DocumentsPlan, FinpassFlow, Frequency, Plan,
    Provider, VerificationPlan,
};
#[doc(hidden)]
pub use point::point;
#[doc(no_inline)]
pub use provider_core;
pub use recording::{Lookup, Machine, Recording, Settles};
pub use runner::Runner;
pub use seal::{BodyKind, Domain, Place, SealError, Sealer};
pub use status::JourneyStatus;
pub use step::SetTimer;
pub use stored::{Bodies, PAGE, PARKED, ParkedReport, SealedRecording, not_before};
