//! What a transition asks the world for.

use std::fmt;

use jiff::Timestamp;
use provider_core::capability::ProviderReference;
use serde::{Deserialize, Serialize};

use super::id::{EffectId, ReceiptId, Seq};
use super::leg::Leg;
use super::operation::Operation;
use super::status::JourneyStatus;

/// Something that a transition asks for. It is stored in the transaction of its transition, and carried out afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Its identity.
    pub id: EffectId,
    /// What is asked for.
    pub kind: EffectKind,
}

/// What an effect asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EffectKind {
    /// A call to a provider. Its result is an event: [`Answered`](crate::Fact::Answered), [`Failed`](crate::Fact::Failed) or
    /// [`Interrupted`](crate::Fact::Interrupted).
    Call(Operation),
    /// A call that an earlier effect asked for is no longer wanted: if it has not begun, it is not made. One that has begun goes on, and
    /// its result is an event as ever.
    CancelCall(EffectId),
    /// An event [`TimerFired`](crate::Fact::TimerFired) at this time or later, never earlier. A timer replaces an earlier one of
    /// the same name.
    Timer {
        /// The name.
        name: TimerName,
        /// Which of the timers of this name.
        generation: u64,
        /// When.
        at: Timestamp,
    },
    /// The timer of this name is no longer wanted. One that fires nevertheless changes nothing.
    CancelTimer(TimerName),
    /// A message to the person or to an operator, at least once.
    Notify(Notice),
    /// An entry of the consent ledger, once: its key is the effect's id.
    Ledger(LedgerEntry),
    /// The stored payloads of this class are erased, of one leg or of the whole journey, also one that this transition keeps. What
    /// a hold of the ledger keeps stays, which is the ledger's to say.
    Erase {
        /// The leg; `None`: every one.
        leg: Option<Leg>,
        /// The class.
        class: DataClass,
    },
}

/// The name of a timer: at most one of a name is set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimerName {
    /// The leg; `None`: the journey itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<Leg>,
    /// What for.
    pub purpose: TimerPurpose,
}

impl TimerName {
    /// A timer of the journey.
    pub const fn journey(purpose: TimerPurpose) -> Self {
        Self { leg: None, purpose }
    }

    /// A timer of a leg.
    pub const fn leg(leg: Leg, purpose: TimerPurpose) -> Self {
        Self {
            leg: Some(leg),
            purpose,
        }
    }
}

/// `<leg or journey>.<purpose>`, and the number of the call for a retry.
impl fmt::Display for TimerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leg = self.leg.map_or("journey", Leg::as_str);
        write!(f, "{leg}.{}", self.purpose.as_str())?;
        match self.purpose {
            TimerPurpose::Retry(call) => write!(f, ".{call}"),
            _ => Ok(()),
        }
    }
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimerPurpose {
    /// The person has not answered the consent's notice.
    Notice,
    /// The consent should be renewed.
    Renewal,
    /// The consent is over.
    ConsentExpiry,
    /// The journey's time is over.
    Deadline,
    /// The person has not used the link.
    Link,
    /// What the provider gave access to is over, such as DigiLocker's token.
    Access,
    /// The provider is asked whether something happened of which nothing was heard.
    Reconcile,
    /// What nobody wants any more and the person may yet approve is looked for, to be given back.
    LeftOpen,
    /// An unknown outcome is looked up, or given up on.
    Settle,
    /// Data is asked for again.
    Poll,
    /// A failed data session is begun again.
    Again,
    /// What the provider holds will be deleted there.
    DataExpiry,
    /// Data is fetched again, because the plan says so.
    Periodic,
    /// A person at the provider has not decided.
    Review,
    /// What is stored has reached the end of its life.
    DataLife,
    /// A call is made again; the number tells it from others of its leg.
    Retry(u32),
}

impl TimerPurpose {
    /// The name for logs and machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Renewal => "renewal",
            Self::ConsentExpiry => "consent_expiry",
            Self::Deadline => "deadline",
            Self::Link => "link",
            Self::Access => "access",
            Self::Reconcile => "reconcile",
            Self::LeftOpen => "left_open",
            Self::Settle => "settle",
            Self::Poll => "poll",
            Self::Again => "again",
            Self::DataExpiry => "data_expiry",
            Self::Periodic => "periodic",
            Self::Review => "review",
            Self::DataLife => "data_life",
            Self::Retry(_) => "retry",
        }
    }
}

/// A message to the person or to an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// To the person: go on here.
    Link {
        /// The leg.
        leg: Leg,
        /// The event whose payload is the link; `None`: the link of before, or none is known.
        link: Option<Seq>,
    },
    /// To the person: they have not gone on.
    Reminder {
        /// The leg.
        leg: Leg,
    },
    /// To the person: try again, by the same link.
    TryAgain {
        /// The leg.
        leg: Leg,
    },
    /// To the person: what they asked for is not certain to have worked, and they may ask again.
    AskAgain {
        /// The leg.
        leg: Leg,
    },
    /// To the person: the aggregator did not work for them, and another one may.
    OtherAggregator,
    /// To the person: renew the consent.
    RenewConsent,
    /// To an operator: look at this.
    Operator {
        /// The leg; `None`: the journey.
        leg: Option<Leg>,
        /// Why.
        task: OperatorTask,
    },
    /// To whoever follows the journey: it is in this state now.
    Status(JourneyStatus),
}

/// Why an operator has to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OperatorTask {
    /// The provider refused the credentials.
    Credentials,
    /// The consent does not cover a call, which was not made.
    Consent,
    /// An unsafe call has an unknown outcome, and no look-up settles it.
    Unsettled,
    /// The provider refused the request itself.
    Refused,
    /// A call failed until its time was over.
    Failing,
    /// A decision came after another one.
    Conflict,
    /// A person at the provider has not decided.
    Review,
    /// Something is to be deleted at the provider by hand.
    DeleteByHand,
    /// A consent is to be revoked at the aggregator by hand.
    RevokeByHand,
    /// A person on a watchlist may be this one, or what a screening found cannot be read.
    Screening,
    /// A return named another session.
    ForeignReturn,
    /// More sessions were requested than fair use allows.
    FairUse,
}

impl OperatorTask {
    /// Whether it stays until a person says that it was done ([`Resolved`](crate::Fact::Resolved)): no event of a provider's settles
    /// it.
    pub const fn is_by_hand(self) -> bool {
        matches!(
            self,
            Self::DeleteByHand | Self::RevokeByHand | Self::Conflict | Self::Screening
        )
    }
}

provider_core::named_enum! {
    OperatorTask("task") {
        Credentials = "credentials",
        Consent = "consent",
        Unsettled = "unsettled",
        Refused = "refused",
        Failing = "failing",
        Conflict = "conflict",
        Review = "review",
        DeleteByHand = "delete_by_hand",
        RevokeByHand = "revoke_by_hand",
        Screening = "screening",
        ForeignReturn = "foreign_return",
        FairUse = "fair_use",
    }
}

/// An entry of the consent ledger that a transition causes. Who, when and which journey is the engine's to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LedgerEntry {
    /// The consent was asked for.
    Requested,
    /// The consent was given.
    Given {
        /// The receipt.
        receipt: ReceiptId,
    },
    /// The consent was refused.
    Refused,
    /// The consent was given anew, before its end.
    Renewed {
        /// The new receipt.
        receipt: ReceiptId,
    },
    /// The consent was withdrawn.
    Withdrawn,
    /// The consent's time is over.
    Expired,
    /// An aggregator's consent became active.
    Artefact {
        /// The id that the aggregator gave it.
        consent: ProviderReference,
        /// The digest of the artefact, if it is known.
        digest: Option<String>,
    },
    /// An aggregator's consent is over: revoked there, revoked by us, or expired.
    ArtefactEnded {
        /// The id that the aggregator gave it.
        consent: ProviderReference,
    },
    /// Stored payloads were to be erased.
    Erased {
        /// The class.
        class: DataClass,
    },
}

/// A class of stored payloads, each with a life of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DataClass {
    /// Who the journey is about, as calls need it: the payload of the start.
    Person,
    /// Links for the person: they open a session.
    Links,
    /// Codes and parameters that the person brought back.
    Codes,
    /// Documents, and the list of them.
    Documents,
    /// Data of bank accounts.
    AccountData,
    /// What a provider said in its own words: decisions, webhooks.
    Evidence,
}

provider_core::named_enum! {
    DataClass("class") {
        Person = "person",
        Links = "links",
        Codes = "codes",
        Documents = "documents",
        AccountData = "account_data",
        Evidence = "evidence",
    }
}
