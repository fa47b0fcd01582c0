//! Where a whole journey stands.

/// Where a journey stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JourneyStatus {
    /// Not started.
    New,
    /// The person has not answered the consent's notice.
    AwaitConsent,
    /// Its legs are under way.
    Running,
    /// A required leg waits for the person to go on.
    NeedsPerson,
    /// A required leg waits for an operator.
    NeedsOperator,
    /// Every required leg ended well.
    Completed,
    /// A required leg ended against the person.
    Rejected,
    /// The person refused the consent.
    Refused,
    /// The consent's time, or the journey's, is over.
    Expired,
    /// The person withdrew the consent.
    Withdrawn,
    /// An operator cancelled it.
    Cancelled,
}

provider_core::named_enum! {
    JourneyStatus("status") {
        New = "new",
        AwaitConsent = "await_consent",
        Running = "running",
        NeedsPerson = "needs_person",
        NeedsOperator = "needs_operator",
        Completed = "completed",
        Rejected = "rejected",
        Refused = "refused",
        Expired = "expired",
        Withdrawn = "withdrawn",
        Cancelled = "cancelled",
    }
}

impl JourneyStatus {
    /// Whether it stays so without a command: only a withdrawal leaves `Completed`, only a reopening leaves `Rejected`, and nothing
    /// leaves the others.
    pub const fn is_end(self) -> bool {
        !matches!(
            self,
            Self::New
                | Self::AwaitConsent
                | Self::Running
                | Self::NeedsPerson
                | Self::NeedsOperator
        )
    }
}
