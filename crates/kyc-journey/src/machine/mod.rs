//! The pure machine: a state and an event make the next state and its effects.

mod accounts;
mod attempts;
mod calls;
mod consent;
mod documents;
mod journey;
mod schedule;
mod settle;
mod step;
mod verification;

pub use journey::{Journey, LegView, Reference, Transition, UnknownRequest, apply};
pub use step::SetTimer;
