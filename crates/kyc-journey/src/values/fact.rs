//! What an event says.

use jiff::Timestamp;
use provider_core::Outcome;
use provider_core::capability::{AggregatorId, ProviderReference};
use serde::{Deserialize, Serialize};

use super::effect::{OperatorTask, TimerName};
use super::id::{Correlation, CorrelationToken, EffectId, ReceiptId};
use super::plan::{DocumentKind, Plan, Provider};

/// What happened. Words are the journey's own, so that a stored fact outlives a change of a provider's crate; what a provider's word
/// means is decided once, where the fact is made. Nothing personal is in a fact: that is the [payload](crate::Payload) of its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fact {
    // Commands of the application, the person or an operator.
    /// The journey begins. Its payload may say who it is [about](crate::DataClass::Person).
    Start {
        /// What it is to reach.
        plan: Box<Plan>,
        /// Its token, made of random bits by the caller.
        token: CorrelationToken,
    },
    /// The person gave the consent.
    ConsentGiven {
        /// The receipt in the ledger.
        receipt: ReceiptId,
        /// When it ends; `None`: it has no end of its own.
        #[serde(default)]
        expires_at: Option<Timestamp>,
    },
    /// The person refused the consent.
    ConsentRefused,
    /// The person gave the consent anew, before its end.
    ConsentRenewed {
        /// The new receipt.
        receipt: ReceiptId,
        /// When it ends.
        #[serde(default)]
        expires_at: Option<Timestamp>,
    },
    /// The ledger says that the consent is over.
    ConsentExpired,
    /// The person withdrew the consent.
    Withdrawn,
    /// An operator ends the journey.
    Cancel,
    /// An operator has removed what stood in the way: the leg's call is made again, also one that gives something back after the journey's
    /// end; one of which nobody knows whether it was done is looked up again instead.
    Resume,
    /// An operator has found out what became of the leg's unsettled call.
    Settled {
        /// Whether it was done.
        done: bool,
    },
    /// An operator has done at the leg's provider what was left to a person, or found it done.
    Resolved {
        /// What was left.
        task: OperatorTask,
    },
    /// The person asks for the leg again, knowing that the last time may have been counted.
    AskAgain,
    /// An operator or the person begins an ended leg again.
    Reopen,
    /// What the data is for has been reached: nothing more is fetched, and the consent at the aggregator is given back.
    PurposeMet,
    /// Everything is uploaded to Veriff, and is to be handed in.
    HandIn,
    /// The person wants a one-time code.
    OneTimeCodeWanted,
    /// The person typed the one-time code, which is the event's payload.
    OneTimeCodeTyped,

    // Results of effects.
    /// A call was answered.
    Answered {
        /// The effect.
        effect: EffectId,
        /// What it said.
        answer: Answer,
    },
    /// A call was not answered.
    Failed {
        /// The effect.
        effect: EffectId,
        /// Why.
        failure: Failure,
    },
    /// A call was marked as begun, and whoever made it is gone: it may have been done.
    Interrupted {
        /// The effect.
        effect: EffectId,
    },
    /// A timer fired.
    TimerFired {
        /// Its name.
        timer: TimerName,
        /// Which of the timers of this name.
        generation: u64,
    },

    // What providers and browsers report.
    /// The person's browser came back from the provider. What it brought (a code, parameters) is the event's payload.
    Returned(Return),
    /// FinPro: a consent is in this state.
    Consent(ConsentNews),
    /// FinPro: a data session is in this state.
    Data(DataNews),
    /// Finpass: something happened; nobody vouches for it.
    Hint(Source),
    /// Veriff: a session is in this state.
    Session(SessionNews),
    /// Veriff: the person was looked for on watchlists. What was found is the event's payload.
    Screened(Screening),
    /// A webhook of a kind that is known and from which nothing follows here, such as a status of an integration's own.
    Noted(Source),
    /// A webhook of an unknown kind.
    Unrecognized(Source),
}

/// What a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Source {
    /// The provider's id: a session, a consent handle, a client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ProviderReference>,
    /// What our request carried, if the report has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Correlation>,
}

impl Source {
    /// A report that names what it is about by the provider's id, by what our request carried, or by both.
    pub fn new(reference: Option<ProviderReference>, correlation: Option<Correlation>) -> Self {
        Self {
            reference,
            correlation,
        }
    }
}

/// A return of the person's browser. It proves nothing but what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Return {
    /// What it is about; `reference` is the session that the return itself named.
    pub source: Source,
    /// How it ended there, if the return says so in the clear.
    pub end: ReturnEnd,
}

impl Return {
    /// A return about this, which ended so.
    pub fn new(source: Source, end: ReturnEnd) -> Self {
        Self { source, end }
    }
}

/// How the person's visit at a provider ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReturnEnd {
    /// The person approved, of some of it at least.
    Approved,
    /// The person said no.
    Denied,
    /// Anything else, or not said: never taken for an approval or a denial.
    Unclear,
}

provider_core::named_enum! {
    ReturnEnd("end") {
        Approved = "approved",
        Denied = "denied",
        Unclear = "unclear",
    }
}

/// The state of a consent at an aggregator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsentState {
    /// The person has not decided.
    Pending,
    /// Approved, or active again.
    Active,
    /// Paused.
    Paused,
    /// Declined.
    Rejected,
    /// Withdrawn.
    Revoked,
    /// Its time is over.
    Expired,
    /// A word that is not documented.
    Unknown,
}

provider_core::named_enum! {
    ConsentState("consent_state") {
        Pending = "pending",
        Active = "active",
        Paused = "paused",
        Rejected = "rejected",
        Revoked = "revoked",
        Expired = "expired",
        Unknown = "unknown",
    }
}

/// FinPro: a consent is in this state, by a webhook or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConsentNews {
    /// Which consent: its handle, and our `accountID` where the report has it.
    pub source: Source,
    /// The state.
    pub state: ConsentState,
    /// The id that the aggregator gave it, once it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ProviderReference>,
    /// The digest of the artefact, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The report's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl ConsentNews {
    /// A consent in this state.
    pub fn new(source: Source, state: ConsentState) -> Self {
        Self {
            source,
            state,
            consent: None,
            digest: None,
            at: None,
        }
    }

    /// The id that the aggregator gave it.
    #[must_use]
    pub fn set_consent(mut self, consent: Option<ProviderReference>) -> Self {
        self.consent = consent;
        self
    }

    /// The digest of the artefact.
    #[must_use]
    pub fn set_digest(mut self, digest: Option<String>) -> Self {
        self.digest = digest;
        self
    }

    /// The report's own time.
    #[must_use]
    pub fn set_at(mut self, at: Option<Timestamp>) -> Self {
        self.at = at;
        self
    }
}

/// The state of a data session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataState {
    /// The institutions have not answered.
    Pending,
    /// Data can be fetched.
    Ready,
    /// Some institutions did not answer in time; what the others delivered can be fetched.
    TimedOut,
    /// Refused.
    Denied,
    /// Failed, often for a while only.
    Failed,
    /// Its time ran out before the institutions answered.
    Expired,
    /// The data was there, and is no more.
    Deleted,
    /// A word that is not documented.
    Unknown,
}

provider_core::named_enum! {
    DataState("data_state") {
        Pending = "pending",
        Ready = "ready",
        TimedOut = "timed_out",
        Denied = "denied",
        Failed = "failed",
        Expired = "expired",
        Deleted = "deleted",
        Unknown = "unknown",
    }
}

/// FinPro: a data session is in this state, by a webhook or a status call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DataNews {
    /// Which consent: its handle, and our `accountID` where the report has it.
    pub source: Source,
    /// The state.
    pub state: DataState,
    /// The consent's id, if the report has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ProviderReference>,
    /// The session, if the report has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<ProviderReference>,
    /// How many accounts were delivered.
    #[serde(default)]
    pub delivered: u32,
    /// How many accounts the session has; 0 if the report names none.
    #[serde(default)]
    pub accounts: u32,
    /// Until when the data can be fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The report's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl DataNews {
    /// A data session in this state.
    pub fn new(source: Source, state: DataState) -> Self {
        Self {
            source,
            state,
            consent: None,
            session: None,
            delivered: 0,
            accounts: 0,
            until: None,
            at: None,
        }
    }

    /// The consent's id.
    #[must_use]
    pub fn set_consent(mut self, consent: Option<ProviderReference>) -> Self {
        self.consent = consent;
        self
    }

    /// The session.
    #[must_use]
    pub fn set_session(mut self, session: Option<ProviderReference>) -> Self {
        self.session = session;
        self
    }

    /// How many of how many accounts were delivered.
    #[must_use]
    pub fn set_delivered(mut self, delivered: u32, accounts: u32) -> Self {
        self.delivered = delivered;
        self.accounts = accounts;
        self
    }

    /// Until when the data can be fetched.
    #[must_use]
    pub fn set_until(mut self, until: Option<Timestamp>) -> Self {
        self.until = until;
        self
    }

    /// The report's own time.
    #[must_use]
    pub fn set_at(mut self, at: Option<Timestamp>) -> Self {
        self.at = at;
        self
    }
}

/// The state of a session at Veriff: what its status and its code tell as a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// It exists, and the person has not entered it.
    Created,
    /// The person has entered it: 7001.
    Started,
    /// The data were handed in: 7002.
    Submitted,
    /// A person at Veriff decides: 9121.
    Review,
    /// The person has to try again: 9103.
    ResubmissionRequested,
    /// Final and positive: 9001.
    Approved,
    /// Final and negative: 9102.
    Declined,
    /// Never started within its time: 9104.
    Expired,
    /// Started, and not finished within its time: 9104.
    Abandoned,
    /// A word that is not documented, a pair that contradicts itself, or 9104 alone.
    Unknown,
}

provider_core::named_enum! {
    SessionState("session_state") {
        Created = "created",
        Started = "started",
        Submitted = "submitted",
        Review = "review",
        ResubmissionRequested = "resubmission_requested",
        Approved = "approved",
        Declined = "declined",
        Expired = "expired",
        Abandoned = "abandoned",
        Unknown = "unknown",
    }
}

/// Veriff: a session is in this state, by a webhook or a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionNews {
    /// Which session, and our `vendorData` where the report has it.
    pub source: Source,
    /// The state.
    pub state: SessionState,
    /// Veriff's attempt, if the report names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<ProviderReference>,
    /// When it was decided, if the report says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether a live secret signed it. A decision without is confirmed by a call first.
    #[serde(default)]
    pub is_signed: bool,
}

impl SessionNews {
    /// A session in this state, unsigned.
    pub fn new(source: Source, state: SessionState) -> Self {
        Self {
            source,
            state,
            attempt: None,
            at: None,
            is_signed: false,
        }
    }

    /// Veriff's attempt.
    #[must_use]
    pub fn set_attempt(mut self, attempt: Option<ProviderReference>) -> Self {
        self.attempt = attempt;
        self
    }

    /// When it was decided.
    #[must_use]
    pub fn set_at(mut self, at: Option<Timestamp>) -> Self {
        self.at = at;
        self
    }

    /// Whether a live secret signed it.
    #[must_use]
    pub fn set_is_signed(mut self, is_signed: bool) -> Self {
        self.is_signed = is_signed;
        self
    }
}

/// Veriff: the person of a session was looked for on watchlists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Screening {
    /// Which session, and our `vendorData` where the report has it.
    pub source: Source,
    /// Whether somebody has to look: a person on a list may be this one, or what was found cannot be read.
    pub needs_review: bool,
}

impl Screening {
    /// A screening of this session's person.
    pub fn new(source: Source, needs_review: bool) -> Self {
        Self {
            source,
            needs_review,
        }
    }
}

/// What a call said. What is personal in it is the payload of its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// A session was opened, a consent requested: by [`OpenDocuments`](crate::Operation::OpenDocuments),
    /// [`RequestConsent`](crate::Operation::RequestConsent) (its handle), [`OpenAccounts`](crate::Operation::OpenAccounts),
    /// [`CreateSession`](crate::Operation::CreateSession). The link is the event's payload.
    Opened {
        /// The provider's id for it.
        reference: ProviderReference,
    },
    /// The code was redeemed.
    Authorized {
        /// Whether there is an e-Aadhaar.
        has_e_aadhaar: bool,
        /// When the consent at DigiLocker ends.
        #[serde(default)]
        consent_until: Option<Timestamp>,
    },
    /// The documents were listed; the list is the event's payload.
    Files {
        /// Those that have a kind, in the list's order.
        found: Vec<FoundFile>,
    },
    /// A document was fetched; it is the event's payload.
    File,
    /// Which aggregators know the person.
    Profiles {
        /// One an aggregator.
        standings: Vec<ProfileStanding>,
    },
    /// The link was made; it is the event's payload.
    Link,
    /// The consents that were asked for.
    Consents {
        /// One a consent.
        consents: Vec<ConsentNews>,
    },
    /// How the person's visit at the aggregator ended.
    ReturnRead {
        /// How.
        end: AggregatorReturn,
    },
    /// Data was requested.
    DataRequested {
        /// The session.
        session: ProviderReference,
    },
    /// The state of a data session.
    DataStatus {
        /// The session.
        news: Box<DataNews>,
    },
    /// Data of accounts was fetched; it is the event's payload.
    AccountData,
    /// Reports of Finpass: how many accounts are in which state. The reports are the event's payload.
    Reports {
        /// Can be read.
        ready: u32,
        /// Not yet.
        pending: u32,
        /// Never will.
        failed: u32,
    },
    /// A refresh was begun.
    Refreshing {
        /// The refresh.
        request: ProviderReference,
    },
    /// The state of a session; the decision, if there is one, is the event's payload.
    SessionState {
        /// The session.
        news: Box<SessionNews>,
    },
    /// Done, with nothing to say: recorded, revoked, handed in, sent, deleted. To [`ReadDecision`](crate::Operation::ReadDecision):
    /// there is no decision yet.
    Done,
}

/// A document of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundFile {
    /// Its place in the list, from 0.
    pub item: u32,
    /// Its kind.
    pub kind: DocumentKind,
}

/// What an aggregator knows about a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileStanding {
    /// The aggregator.
    pub aggregator: AggregatorId,
    /// What it knows.
    pub readiness: Readiness,
}

/// How far a person is at an aggregator, the readiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Readiness {
    /// Registered, with accounts linked.
    Ready,
    /// Registered, without an account.
    NeedsLinking,
    /// Not registered.
    NeedsRegistration,
    /// It did not answer.
    Undetermined,
}

provider_core::named_enum! {
    Readiness("readiness") {
        Ready = "ready",
        NeedsLinking = "needs_linking",
        NeedsRegistration = "needs_registration",
        Undetermined = "undetermined",
    }
}

/// How a person's visit at an aggregator ended. It proves the form of the return, not the consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AggregatorReturn {
    /// 0: accepted.
    Accepted,
    /// 1: the person rejected.
    Rejected,
    /// 2: the aggregator does not know the consent.
    ConsentNotFound,
    /// 3: the redirection was malformed.
    Malformed,
    /// 4: the person could not authenticate.
    NotAuthenticated,
    /// 5: the person left the consent pending.
    LeftPending,
    /// 6: the login timed out.
    TimedOut,
    /// 7: the institution has no account of the person.
    NoAccount,
    /// 8: the institution could not be asked.
    DiscoveryFailed,
    /// 9: no institution has an account.
    NothingDiscovered,
    /// Anything else.
    Unclear,
}

provider_core::named_enum! {
    AggregatorReturn("aggregator_return") {
        Accepted = "accepted",
        Rejected = "rejected",
        ConsentNotFound = "consent_not_found",
        Malformed = "malformed",
        NotAuthenticated = "not_authenticated",
        LeftPending = "left_pending",
        TimedOut = "timed_out",
        NoAccount = "no_account",
        DiscoveryFailed = "discovery_failed",
        NothingDiscovered = "nothing_discovered",
        Unclear = "unclear",
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// What became of the request.
    pub outcome: Outcome,
    /// What the provider refused it for; or, of a request that was not sent, what kept the consent from covering it:
    /// [`Consent`](Refusal::Consent), [`Withdrawn`](Refusal::Withdrawn) or [`NotCovered`](Refusal::NotCovered). It means nothing with another outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The wait that the provider asked for, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Failure {
    /// Nothing was sent, also because the circuit is open.
    pub fn not_sent() -> Self {
        Self {
            outcome: Outcome::NotSent,
            refusal: None,
            retry_after: None,
        }
    }

    /// Nothing was sent, because the consent was withdrawn: the ledger says so before the journey hears of it. The journey ends as by
    /// [`Withdrawn`](Fact::Withdrawn).
    pub fn withdrawn() -> Self {
        Self {
            refusal: Some(Refusal::Withdrawn),
            ..Self::not_sent()
        }
    }

    /// Nothing was sent, because no consent lives: the ledger says that it has expired. The journey ends as it does at the consent's end,
    /// and sends nothing more.
    pub fn without_consent() -> Self {
        Self {
            refusal: Some(Refusal::Consent),
            ..Self::not_sent()
        }
    }

    /// Nothing was sent, because no consent covers it: the purpose, a kind of data, the provider. The call waits until the consent is
    /// [renewed](Fact::ConsentRenewed) or an operator [resumes](Fact::Resume).
    pub fn not_covered() -> Self {
        Self {
            refusal: Some(Refusal::NotCovered),
            ..Self::not_sent()
        }
    }

    /// Whether nothing was sent because no consent lives.
    pub(crate) fn is_without_consent(&self) -> bool {
        let is_over = matches!(self.refusal, Some(Refusal::Consent | Refusal::Withdrawn));
        self.outcome == Outcome::NotSent && is_over
    }

    /// The provider refused it.
    pub fn refused(refusal: Refusal) -> Self {
        Self {
            outcome: Outcome::Refused,
            refusal: Some(refusal),
            retry_after: None,
        }
    }

    /// It may have been done.
    pub fn unknown() -> Self {
        Self {
            outcome: Outcome::Unknown,
            refusal: None,
            retry_after: None,
        }
    }

    /// It was done, and the answer could not be read.
    pub fn unreadable() -> Self {
        Self {
            outcome: Outcome::Done,
            refusal: None,
            retry_after: None,
        }
    }

    /// The wait that the provider asked for, in seconds.
    #[must_use]
    pub fn set_retry_after(mut self, seconds: Option<u32>) -> Self {
        self.retry_after = seconds;
        self
    }
}

/// What a provider refused a request for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The credentials.
    Credentials,
    /// Too many requests.
    RateLimited,
    /// It is not there yet: FinPro `NoDataAvailable`, a report that is pending.
    NotYet,
    /// It is there no more: FinPro `DataIsDeleted`.
    Deleted,
    /// What was asked for is so already, or its state forbids it: FinPro `InvalidStatus`, Veriff 1304.
    AlreadySo,
    /// The code is wrong, used or too old.
    Code,
    /// The consent does not live any more.
    Consent,
    /// The consent was withdrawn. The ledger says so, and nothing was sent.
    Withdrawn,
    /// The consent does not cover it. The ledger says so, and nothing was sent.
    NotCovered,
    /// There is no such thing.
    NotFound,
    /// The account may not do it, such as Veriff's 403 to a deletion.
    Forbidden,
    /// Anything else.
    Other,
}

provider_core::named_enum! {
    Refusal("refusal") {
        Credentials = "credentials",
        RateLimited = "rate_limited",
        NotYet = "not_yet",
        Deleted = "deleted",
        AlreadySo = "already_so",
        Code = "code",
        Consent = "consent",
        Withdrawn = "withdrawn",
        NotCovered = "not_covered",
        NotFound = "not_found",
        Forbidden = "forbidden",
        Other = "other",
    }
}

impl Fact {
    /// The name for logs and machines.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::ConsentGiven { .. } => "consent-given",
            Self::ConsentRefused => "consent-refused",
            Self::ConsentRenewed { .. } => "consent-renewed",
            Self::ConsentExpired => "consent-expired",
            Self::Withdrawn => "withdrawn",
            Self::Cancel => "cancel",
            Self::Resume => "resume",
            Self::Settled { .. } => "settled",
            Self::Resolved { .. } => "resolved",
            Self::AskAgain => "ask-again",
            Self::Reopen => "reopen",
            Self::PurposeMet => "purpose-met",
            Self::HandIn => "hand-in",
            Self::OneTimeCodeWanted => "one-time-code-wanted",
            Self::OneTimeCodeTyped => "one-time-code-typed",
            Self::Answered { .. } => "answered",
            Self::Failed { .. } => "failed",
            Self::Interrupted { .. } => "interrupted",
            Self::TimerFired { .. } => "timer-fired",
            Self::Returned(_) => "returned",
            Self::Consent(_) => "consent",
            Self::Data(_) => "data",
            Self::Hint(_) => "hint",
            Self::Session(_) => "session",
            Self::Screened(_) => "screened",
            Self::Noted(_) => "noted",
            Self::Unrecognized(_) => "unrecognized",
        }
    }

    /// Whether somebody asked for it, so that the same one twice would do it twice.
    pub(crate) const fn is_command(&self) -> bool {
        matches!(
            self,
            Self::AskAgain
                | Self::Reopen
                | Self::Resume
                | Self::Settled { .. }
                | Self::Resolved { .. }
                | Self::HandIn
                | Self::OneTimeCodeWanted
                | Self::OneTimeCodeTyped
        )
    }

    /// The effect whose result it is.
    pub const fn effect(&self) -> Option<&EffectId> {
        match self {
            Self::Answered { effect, .. }
            | Self::Failed { effect, .. }
            | Self::Interrupted { effect } => Some(effect),
            _ => None,
        }
    }

    /// What a report of a provider or a browser is about.
    pub const fn source(&self) -> Option<&Source> {
        match self {
            Self::Returned(returned) => Some(&returned.source),
            Self::Consent(news) => Some(&news.source),
            Self::Data(news) => Some(&news.source),
            Self::Session(news) => Some(&news.source),
            Self::Screened(screening) => Some(&screening.source),
            Self::Hint(source) | Self::Noted(source) | Self::Unrecognized(source) => Some(source),
            _ => None,
        }
    }

    /// The provider whose report it is; `None` if it is not one, or may be any's.
    pub const fn provider(&self) -> Option<Provider> {
        match self {
            Self::Consent(_) | Self::Data(_) => Some(Provider::FinPro),
            Self::Hint(_) => Some(Provider::Finpass),
            Self::Session(_) | Self::Screened(_) => Some(Provider::Veriff),
            _ => None,
        }
    }
}
