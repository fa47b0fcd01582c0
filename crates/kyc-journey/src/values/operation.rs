//! The calls that a journey asks for.

use provider_core::Idempotency;
use provider_core::capability::{AggregatorId, ProviderReference};
use serde::{Deserialize, Serialize};

use super::id::{Correlation, Seq};
use super::leg::Leg;
use super::plan::{DocumentKind, FinpassFlow, Provider};

/// A call to a provider, with everything that the journey knows for it. What is personal is not in it: the person's details are
/// found by the journey's id, and what came with an earlier event (a code, a list) by the number of that event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Deepvue: opens a session for the person's DigiLocker.
    OpenDocuments {
        /// For the path of the return's address.
        correlation: Correlation,
        /// What the person is asked for, and nothing else.
        #[serde(default)]
        wanted: Vec<DocumentKind>,
    },
    /// Deepvue: redeems the code of the person's return, which works once.
    CompleteAuthorization {
        /// The session.
        session: ProviderReference,
        /// The event whose payload is the code.
        code: Seq,
    },
    /// Deepvue: lists the documents.
    ListIssuedFiles {
        /// The session.
        session: ProviderReference,
    },
    /// Deepvue: fetches the e-Aadhaar. Before the authorisation it spoils the session.
    FetchEAadhaar {
        /// The session.
        session: ProviderReference,
    },
    /// Deepvue: fetches one document of the list.
    FetchFile {
        /// The session.
        session: ProviderReference,
        /// The event whose payload is the list.
        list: Seq,
        /// The document's place in the list, from 0.
        item: u32,
    },
    /// FinPro: asks which aggregators know the person.
    CheckProfile {
        /// The aggregators to ask about.
        aggregators: Vec<AggregatorId>,
    },
    /// FinPro: requests a consent.
    RequestConsent {
        /// For `accountID`.
        correlation: Correlation,
        /// The aggregator; `None`: the one that the client was set up with.
        aggregator: Option<AggregatorId>,
    },
    /// FinPro: makes the link of a consent whose first link is lost.
    ReadLink {
        /// The consent's handle.
        handle: ProviderReference,
    },
    /// FinPro: reads consents.
    ListConsents {
        /// Which ones.
        by: ConsentQuery,
    },
    /// FinPro: reads whether a consent was approved after its journey had ended, so that it is revoked.
    FindConsent {
        /// The consent's handle.
        handle: ProviderReference,
    },
    /// FinPro: reads whether a request whose outcome is unknown made a consent, after its attempt was replaced or its journey ended, so
    /// that it is revoked. It names the person, and is made under a live consent only.
    FindRequestedConsent {
        /// The `accountID`.
        correlation: Correlation,
    },
    /// FinPro: reads the parameters of the person's return.
    DecryptReturn {
        /// The event whose payload they are.
        returned: Seq,
    },
    /// FinPro: requests data.
    RequestData {
        /// The consent.
        consent: ProviderReference,
    },
    /// FinPro: reads the status of a data session.
    DataStatus {
        /// The consent.
        consent: ProviderReference,
        /// The session, if it is known.
        session: Option<ProviderReference>,
    },
    /// FinPro: fetches the data of a session.
    FetchData {
        /// The consent.
        consent: ProviderReference,
        /// The session, if it is known.
        session: Option<ProviderReference>,
    },
    /// FinPro: revokes a consent.
    RevokeConsent {
        /// The consent.
        consent: ProviderReference,
    },
    /// Finpass: opens a session.
    OpenAccounts {
        /// For the paths of the webhook's and the return's addresses.
        correlation: Correlation,
        /// The flow.
        flow: FinpassFlow,
    },
    /// Finpass: fetches the reports.
    FetchReports {
        /// The client id.
        client: ProviderReference,
        /// The refresh that they are of, if there was one.
        request: Option<ProviderReference>,
        /// The flow.
        flow: FinpassFlow,
    },
    /// Finpass: has the data refreshed.
    RefreshData {
        /// The client id.
        client: ProviderReference,
    },
    /// Veriff: creates a session.
    CreateSession {
        /// For `vendorData`.
        correlation: Correlation,
    },
    /// Veriff: records the person's consent.
    RecordConsent {
        /// The session.
        session: ProviderReference,
    },
    /// Veriff: reads the decision.
    ReadDecision {
        /// The session.
        session: ProviderReference,
    },
    /// Veriff: reads the attempts.
    ListAttempts {
        /// The session.
        session: ProviderReference,
    },
    /// Veriff: hands in what was uploaded.
    SubmitSession {
        /// The session.
        session: ProviderReference,
    },
    /// Veriff: has a one-time code sent to the person.
    SendOneTimeCode {
        /// The session.
        session: ProviderReference,
    },
    /// Veriff: checks the code that the person typed.
    CheckOneTimeCode {
        /// The session.
        session: ProviderReference,
        /// The event whose payload is the code.
        code: Seq,
    },
    /// Veriff: deletes a session.
    DeleteSession {
        /// The session.
        session: ProviderReference,
    },
}

/// Which consents to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConsentQuery {
    /// The person's, of the client's template and our `accountID`.
    Person {
        /// The `accountID`.
        correlation: Correlation,
    },
    /// One, by its handle.
    Handle(ProviderReference),
    /// One, by the id that the aggregator gave it.
    Id(ProviderReference),
}

impl Operation {
    /// The name for logs and machines.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OpenDocuments { .. } => "open-documents",
            Self::CompleteAuthorization { .. } => "complete-authorization",
            Self::ListIssuedFiles { .. } => "list-issued-files",
            Self::FetchEAadhaar { .. } => "fetch-e-aadhaar",
            Self::FetchFile { .. } => "fetch-file",
            Self::CheckProfile { .. } => "check-profile",
            Self::RequestConsent { .. } => "request-consent",
            Self::ReadLink { .. } => "read-link",
            Self::ListConsents { .. } => "list-consents",
            Self::FindConsent { .. } => "find-consent",
            Self::FindRequestedConsent { .. } => "find-requested-consent",
            Self::DecryptReturn { .. } => "decrypt-return",
            Self::RequestData { .. } => "request-data",
            Self::DataStatus { .. } => "data-status",
            Self::FetchData { .. } => "fetch-data",
            Self::RevokeConsent { .. } => "revoke-consent",
            Self::OpenAccounts { .. } => "open-accounts",
            Self::FetchReports { .. } => "fetch-reports",
            Self::RefreshData { .. } => "refresh-data",
            Self::CreateSession { .. } => "create-session",
            Self::RecordConsent { .. } => "record-consent",
            Self::ReadDecision { .. } => "read-decision",
            Self::ListAttempts { .. } => "list-attempts",
            Self::SubmitSession { .. } => "submit-session",
            Self::SendOneTimeCode { .. } => "send-one-time-code",
            Self::CheckOneTimeCode { .. } => "check-one-time-code",
            Self::DeleteSession { .. } => "delete-session",
        }
    }

    /// The effect of calling it again, as the provider's crate declares it. An engine performs an
    /// [unsafe](Idempotency::Unsafe) one at most once.
    pub const fn idempotency(&self) -> Idempotency {
        match self {
            Self::ListIssuedFiles { .. }
            | Self::FetchEAadhaar { .. }
            | Self::FetchFile { .. }
            | Self::CheckProfile { .. }
            | Self::ReadLink { .. }
            | Self::ListConsents { .. }
            | Self::FindConsent { .. }
            | Self::FindRequestedConsent { .. }
            | Self::DecryptReturn { .. }
            | Self::DataStatus { .. }
            | Self::FetchData { .. }
            | Self::FetchReports { .. }
            | Self::ReadDecision { .. }
            | Self::ListAttempts { .. } => Idempotency::Safe,
            Self::RevokeConsent { .. } | Self::RecordConsent { .. } => Idempotency::Repeatable,
            Self::OpenDocuments { .. }
            | Self::CompleteAuthorization { .. }
            | Self::RequestConsent { .. }
            | Self::RequestData { .. }
            | Self::OpenAccounts { .. }
            | Self::RefreshData { .. }
            | Self::CreateSession { .. }
            | Self::SubmitSession { .. }
            | Self::SendOneTimeCode { .. }
            | Self::CheckOneTimeCode { .. }
            | Self::DeleteSession { .. } => Idempotency::Unsafe,
        }
    }

    /// Who is called.
    pub const fn provider(&self) -> Provider {
        match self {
            Self::OpenDocuments { .. }
            | Self::CompleteAuthorization { .. }
            | Self::ListIssuedFiles { .. }
            | Self::FetchEAadhaar { .. }
            | Self::FetchFile { .. } => Provider::Deepvue,
            Self::CheckProfile { .. }
            | Self::RequestConsent { .. }
            | Self::ReadLink { .. }
            | Self::ListConsents { .. }
            | Self::FindConsent { .. }
            | Self::FindRequestedConsent { .. }
            | Self::DecryptReturn { .. }
            | Self::RequestData { .. }
            | Self::DataStatus { .. }
            | Self::FetchData { .. }
            | Self::RevokeConsent { .. } => Provider::FinPro,
            Self::OpenAccounts { .. } | Self::FetchReports { .. } | Self::RefreshData { .. } => {
                Provider::Finpass
            }
            Self::CreateSession { .. }
            | Self::RecordConsent { .. }
            | Self::ReadDecision { .. }
            | Self::ListAttempts { .. }
            | Self::SubmitSession { .. }
            | Self::SendOneTimeCode { .. }
            | Self::CheckOneTimeCode { .. }
            | Self::DeleteSession { .. } => Provider::Veriff,
        }
    }

    /// The leg that it belongs to.
    pub const fn leg(&self) -> Leg {
        match self.provider() {
            Provider::Deepvue => Leg::Documents,
            Provider::Finpass | Provider::FinPro => Leg::Accounts,
            Provider::Veriff => Leg::Verification,
        }
    }

    /// Whether it gives something back: a consent is looked for to be revoked, or is, or a session is deleted. Such a call is made after
    /// the journey's end too, and no other one is.
    pub const fn is_clean_up(&self) -> bool {
        matches!(
            self,
            Self::FindConsent { .. }
                | Self::FindRequestedConsent { .. }
                | Self::RevokeConsent { .. }
                | Self::DeleteSession { .. }
        )
    }

    /// Whether it is made under a live consent only. What gives something back is made after a withdrawal too, where it names no person.
    pub const fn needs_consent(&self) -> bool {
        matches!(self, Self::FindRequestedConsent { .. }) || !self.is_clean_up()
    }

    /// Whether it opens something at a provider, for the person.
    pub(crate) const fn is_opening(&self) -> bool {
        matches!(
            self,
            Self::OpenDocuments { .. }
                | Self::RequestConsent { .. }
                | Self::OpenAccounts { .. }
                | Self::CreateSession { .. }
        )
    }

    /// Whether it looks for something that may be to be given back, which is repeated by a timer whatever became of the last time.
    pub(crate) const fn is_look(&self) -> bool {
        matches!(
            self,
            Self::FindConsent { .. } | Self::FindRequestedConsent { .. }
        )
    }
}
