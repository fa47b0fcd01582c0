#![doc = include_str!("../README.md")]

mod effect;
mod engine;
mod event;
mod fact;
mod id;
mod journey;
mod leg;
mod operation;
mod plan;
mod schema;
mod status;

pub use effect::{
    DataClass, Effect, EffectKind, LedgerEntry, Notice, OperatorTask, TimerName, TimerPurpose,
};
pub use engine::{
    EffectCall, EngineError, EngineErrorKind, HistoryEntry, JourneyEngine, JourneyFilter,
    JourneyPage, JourneyRecord, JourneySummary, PageToken, Performed, Performer, Submitted,
};
pub use event::{Event, Payload, Reason, Verdict};
pub use fact::{
    AggregatorReturn, Answer, ConsentNews, ConsentState, DataNews, DataState, Fact, Failure,
    FoundFile, ProfileStanding, Readiness, Refusal, Return, ReturnEnd, SessionNews, SessionState,
    Source,
};
pub use id::{Correlation, CorrelationToken, EffectId, EventKey, JourneyId, ReceiptId, Seq};
pub use journey::{Journey, Reference, SetTimer, Transition, apply};
pub use leg::{Leg, LegStatus};
pub use operation::{ConsentQuery, Operation};
pub use plan::{
    AccountsPlan, CalendarUnit, DocumentKind, DocumentsPlan, FinpassFlow, Frequency, Plan,
    Provider, VerificationPlan,
};
#[doc(no_inline)]
pub use provider_core;
pub use status::JourneyStatus;
