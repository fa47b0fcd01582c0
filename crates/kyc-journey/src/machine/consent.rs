//! The consent under which a journey runs.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::step::{SetTimer, Step};
use crate::values::{LedgerEntry, Plan, ReceiptId, TimerName, TimerPurpose};

/// The consent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Consent {
    /// Not asked for.
    #[default]
    None,
    /// Its notice is shown.
    Asked,
    /// Given.
    Given {
        receipt: ReceiptId,
        #[serde(default)]
        expires_at: Option<Timestamp>,
        /// When it was given anew, in place of another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        renewed_at: Option<Timestamp>,
    },
    Refused,
    Withdrawn,
    Expired,
}

/// How long a person who renews the consent once more says what was said, unless somebody asks for it.
const SAID_AGAIN: SignedDuration = SignedDuration::from_hours(24);
const NOTICE: TimerName = TimerName::journey(TimerPurpose::Notice);
const RENEWAL: TimerName = TimerName::journey(TimerPurpose::Renewal);
const EXPIRY: TimerName = TimerName::journey(TimerPurpose::ConsentExpiry);

impl Consent {
    pub(crate) fn is_live(&self, at: Timestamp) -> bool {
        matches!(self, Self::Given { expires_at, .. } if expires_at.is_none_or(|end| at < end))
    }

    /// Whether it was given, and its end has come.
    pub(crate) fn is_over(&self, at: Timestamp) -> bool {
        matches!(self, Self::Given { .. }) && !self.is_live(at)
    }

    pub(crate) fn receipt(&self) -> Option<&ReceiptId> {
        match self {
            Self::Given { receipt, .. } => Some(receipt),
            _ => None,
        }
    }

    /// Whether it is this one.
    pub(crate) fn is(&self, known: &ReceiptId, end: Option<Timestamp>) -> bool {
        matches!(self, Self::Given { receipt, expires_at, .. } if receipt == known && *expires_at == end)
    }

    /// Whether it was given anew within the last day, and nobody has been asked to give it anew since.
    pub(crate) fn is_renewed(&self, timers: &[SetTimer], at: Timestamp) -> bool {
        let Self::Given {
            expires_at,
            renewed_at: Some(since),
            ..
        } = self
        else {
            return false;
        };
        let is_asked_later = timers.iter().any(|timer| timer.name == RENEWAL);
        at.duration_since(*since) < SAID_AGAIN && (expires_at.is_none() || is_asked_later)
    }

    pub(crate) fn ask(&mut self, step: &mut Step<'_>, plan: &Plan) {
        *self = Self::Asked;
        step.set_timer_after(NOTICE, plan.notice);
        step.ledger(LedgerEntry::Requested);
    }

    /// The person gave it, for the first time or anew; whether it is not over already.
    pub(crate) fn give(
        &mut self,
        step: &mut Step<'_>,
        plan: &Plan,
        receipt: &ReceiptId,
        expires_at: Option<Timestamp>,
    ) -> bool {
        let is_renewed = matches!(self, Self::Given { .. });
        let given = Self::Given {
            receipt: receipt.clone(),
            expires_at,
            renewed_at: is_renewed.then_some(step.at),
        };
        if !given.is_live(step.at) {
            return false;
        }
        *self = given;
        let receipt = receipt.clone();
        step.cancel_timer(NOTICE);
        step.cancel_timer(RENEWAL);
        step.cancel_timer(EXPIRY);
        step.ledger(match is_renewed {
            true => LedgerEntry::Renewed { receipt },
            false => LedgerEntry::Given { receipt },
        });
        if let Some(end) = expires_at {
            step.set_timer(EXPIRY, end);
            let ask = end.checked_sub(plan.renewal).unwrap_or(step.at);
            step.set_timer(RENEWAL, ask.max(step.at));
        }
        true
    }

    pub(crate) fn end(&mut self, step: &mut Step<'_>, end: Self, entry: LedgerEntry) {
        *self = end;
        step.ledger(entry);
        step.cancel_timers(|name| name.leg.is_none());
    }
}
