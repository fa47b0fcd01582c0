//! The legs of a journey.

use serde::{Deserialize, Serialize};

/// A part of a journey that one provider carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leg {
    /// Documents from DigiLocker, by Deepvue.
    Documents,
    /// Bank accounts from an account aggregator, by FinPro or Finpass.
    Accounts,
    /// Who the person is, by Veriff.
    Verification,
}

provider_core::named_enum! {
    Leg("leg") {
        Documents = "documents",
        Accounts = "accounts",
        Verification = "verification",
    }
}

/// What ends a leg from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stop {
    /// The person withdrew the consent: everything stored is erased.
    Withdrawn,
    /// The consent's time is over: everything stored is erased.
    ConsentOver,
    /// The consent's time is over, and the journey had ended before: what is stored has a life of its own.
    ConsentOverLater,
    /// An operator cancelled the journey.
    Cancelled,
    /// The journey's time is over.
    Expired,
    /// Another leg ended against the person. A reopening undoes it.
    Rejected,
}

impl Stop {
    /// Whether what is stored is erased, and what is at the provider deleted.
    pub(crate) const fn erases(self) -> bool {
        matches!(self, Self::Withdrawn | Self::ConsentOver)
    }

    /// Whether a call may still name the person: their consent lives.
    pub(crate) const fn may_name_person(self) -> bool {
        matches!(self, Self::Cancelled | Self::Expired | Self::Rejected)
    }

    /// Where a leg stands that was open then.
    pub(crate) const fn status(self) -> LegStatus {
        match self {
            Self::Expired => LegStatus::Expired,
            _ => LegStatus::Stopped,
        }
    }
}

/// Who has to move after a leg failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Blame {
    /// The person, who can try again.
    Person,
    /// An operator.
    Operator,
}

impl Blame {
    pub(crate) const fn status(self) -> LegStatus {
        match self {
            Self::Person => LegStatus::NeedsPerson,
            Self::Operator => LegStatus::NeedsOperator,
        }
    }
}

/// Where a leg stands, whatever its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegStatus {
    /// The plan has no such leg.
    NotPlanned,
    /// Not begun: no consent yet, or another leg comes first.
    Waiting,
    /// Under way.
    Open,
    /// Ended with everything that was wanted.
    Ready,
    /// Ended with a part of it.
    Partial,
    /// Ended by a decision against the person, or by the person's own refusal.
    Rejected,
    /// The person can go on: they stopped half-way, or have to try again.
    NeedsPerson,
    /// Somebody has to look: credentials, an open question that no look-up answers, a failure that repeats.
    NeedsOperator,
    /// Its time, or the time of its consent, is over.
    Expired,
    /// Stopped from outside: the consent was withdrawn, or the journey ended.
    Stopped,
}

provider_core::named_enum! {
    LegStatus("leg_status") {
        NotPlanned = "not_planned",
        Waiting = "waiting",
        Open = "open",
        Ready = "ready",
        Partial = "partial",
        Rejected = "rejected",
        NeedsPerson = "needs_person",
        NeedsOperator = "needs_operator",
        Expired = "expired",
        Stopped = "stopped",
    }
}

impl LegStatus {
    /// Whether it ended with what was wanted, or with a part of it.
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Ready | Self::Partial)
    }

    /// Whether nothing more comes without a command.
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::NotPlanned | Self::Waiting | Self::Open)
    }
}
