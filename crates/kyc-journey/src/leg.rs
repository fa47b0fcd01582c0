//! The legs of a journey.

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
