//! Bank accounts from an account aggregator, by one of two providers.

mod finpass;
mod finpro;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::machine::attempts::Attempts;
use crate::machine::calls::Calls;
use crate::machine::step::Step;
use crate::values::{AccountsPlan, Event, LegStatus, Operation, Provider, Stop, TimerPurpose};
use finpass::Finpass;
use finpro::FinPro;
use provider_core::capability::ProviderReference;

/// The leg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Accounts {
    #[serde(rename = "finpro")]
    FinPro(Box<FinPro>),
    Finpass(Box<Finpass>),
}

/// Calls a method of whichever provider it is.
macro_rules! either {
    ($accounts:expr, $leg:ident => $call:expr) => {
        match $accounts {
            Accounts::FinPro($leg) => $call,
            Accounts::Finpass($leg) => $call,
        }
    };
}

impl Accounts {
    pub(crate) fn new(plan: &AccountsPlan) -> Self {
        match plan.provider {
            Provider::Finpass => Self::Finpass(Box::default()),
            _ => Self::FinPro(Box::default()),
        }
    }

    pub(crate) fn status(&self) -> LegStatus {
        either!(self, leg => leg.status())
    }

    pub(crate) fn phase(&self) -> &'static str {
        either!(self, leg => leg.phase())
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        either!(self, leg => leg.attempts())
    }

    pub(crate) fn calls(&self) -> &Calls {
        either!(self, leg => leg.calls())
    }

    pub(crate) fn calls_mut(&mut self) -> &mut Calls {
        either!(self, leg => leg.calls_mut())
    }

    pub(crate) fn unsettled(&self) -> Option<&Operation> {
        either!(self, leg => leg.unsettled())
    }

    /// What reports may name besides what was opened.
    pub(crate) fn further_references(&self) -> Vec<&ProviderReference> {
        match self {
            Self::FinPro(leg) => leg.further_references(),
            Self::Finpass(_) => Vec::new(),
        }
    }

    /// When consents that were left open are looked for the last time, if the next time is then.
    pub(crate) fn last_look(&self, next: Timestamp) -> Timestamp {
        match self {
            Self::FinPro(leg) => leg.last_look(next),
            Self::Finpass(_) => next,
        }
    }

    pub(crate) fn begin(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        either!(self, leg => leg.begin(step, plan));
    }

    pub(crate) fn on(&mut self, step: &mut Step<'_>, plan: &AccountsPlan, event: &Event) {
        either!(self, leg => leg.on(step, plan, event));
    }

    pub(crate) fn timer(
        &mut self,
        step: &mut Step<'_>,
        plan: &AccountsPlan,
        purpose: TimerPurpose,
    ) {
        either!(self, leg => leg.timer(step, plan, purpose));
    }

    pub(crate) fn stop(&mut self, step: &mut Step<'_>, stop: Stop) {
        either!(self, leg => leg.stop(step, stop));
    }

    /// No call may name the person any more.
    pub(crate) fn forget_person(&mut self, step: &mut Step<'_>) {
        match self {
            Self::FinPro(leg) => leg.forget_person(step),
            Self::Finpass(_) => {}
        }
    }

    pub(crate) fn revive(&mut self, step: &mut Step<'_>, plan: &AccountsPlan) {
        either!(self, leg => leg.revive(step, plan));
    }
}
