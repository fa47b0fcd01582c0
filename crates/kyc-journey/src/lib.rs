#![doc = include_str!("../README.md")]

mod engine;
mod machine;
mod point;
mod runner;
#[cfg(feature = "testing")]
pub mod testing;
mod values;

pub use engine::{
    Bodies, BodyKind, Domain, Due, EffectCall, EngineError, EngineErrorKind, HistoryEntry,
    JourneyEngine, JourneyFilter, JourneyPage, JourneyRecord, JourneySummary, Lane, Lookup,
    Machine, MemoryEngine, Outbox, PAGE, PARKED, PageToken, ParkedReport, Performed, Performer,
    Place, Recording, Reported, RunLease, SealError, SealedRecording, Sealer, Settles, Submitted,
    Undelivered, not_before,
};
pub use machine::{Journey, LegView, Reference, SetTimer, Transition, UnknownRequest, apply};
#[doc(hidden)]
pub use point::point;
#[doc(no_inline)]
pub use provider_core;
pub use runner::Runner;
pub use values::{
    AccountsPlan, AggregatorReturn, Answer, CalendarUnit, ConsentNews, ConsentQuery, ConsentState,
    Correlation, CorrelationToken, DataClass, DataNews, DataState, DocumentKind, DocumentsPlan,
    Effect, EffectId, EffectKind, Event, EventKey, Fact, Failure, FinpassFlow, FoundFile,
    Frequency, JourneyId, JourneyStatus, LedgerEntry, Leg, LegStatus, Notice, Operation,
    OperatorTask, Payload, Plan, ProfileStanding, Provider, Readiness, Reason, ReceiptId, Refusal,
    Return, ReturnEnd, Screening, Seq, SessionNews, SessionState, Source, TimerName, TimerPurpose,
    Verdict, VerificationPlan,
};
