//! The words of a journey: ids, plans, facts and events, and the effects that answer them.

mod effect;
mod event;
mod fact;
mod id;
mod leg;
mod operation;
mod plan;
mod schema;
mod status;

pub use effect::{
    DataClass, Effect, EffectKind, LedgerEntry, Notice, OperatorTask, TimerName, TimerPurpose,
};
pub use event::{Event, Payload, Reason, Verdict};
pub use fact::{
    AggregatorReturn, Answer, ConsentNews, ConsentState, DataNews, DataState, Fact, Failure,
    FoundFile, ProfileStanding, Readiness, Refusal, Return, ReturnEnd, Screening, SessionNews,
    SessionState, Source,
};
pub use id::{Correlation, CorrelationToken, EffectId, EventKey, JourneyId, ReceiptId, Seq};
pub(crate) use leg::{Blame, Stop};
pub use leg::{Leg, LegStatus};
pub use operation::{ConsentQuery, Operation};
pub(crate) use plan::later;
pub use plan::{
    AccountsPlan, CalendarUnit, DocumentKind, DocumentsPlan, FinpassFlow, Frequency, Plan,
    Provider, VerificationPlan,
};
pub(crate) use schema::Schema;
pub use status::JourneyStatus;
