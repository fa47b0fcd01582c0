//! Requests of financial information, and their status.

use finpro_profile::Envelope;
use provider_core::{
    BuiltRequest, Endpoint, Idempotency, InvalidRequest, Items, Label, Mark, Masked, Operation,
    RequestBuilder, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::values::{self, is_same, rule};
use crate::{
    AccountId, ConsentHandle, ConsentId, FipId, LinkRefNumber, ProductId, SessionId, SessionState,
    UtcTime,
};
use finpro_profile::Finpro;

/// A request of a consent's data (`[docs]`), which arrives later.
///
/// Without a range it is the consent's, or what is new where the consent is periodic: give one where it matters. It is not
/// needed where the template fetches automatically.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestFi {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED
    consent_id: ConsentId,
    /// The beginning of the data, such as 2030-01-01T00:00:00Z
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fi_data_range_from: Option<UtcTime>,
    /// The end of the data
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fi_data_range_to: Option<UtcTime>,
}

provider_core::request! { RequestFi }

impl RequestFi {
    /// Creates a request for the consent's own range.
    pub fn new(consent: ConsentId) -> Self {
        Self {
            consent_id: consent,
            fi_data_range_from: None,
            fi_data_range_to: None,
        }
    }

    /// Sets the range of the data.
    #[must_use]
    pub fn set_range(mut self, from: UtcTime, to: UtcTime) -> Self {
        (self.fi_data_range_from, self.fi_data_range_to) = (Some(from), Some(to));
        self
    }
}

/// A session that has begun (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FiSession {
    /// The consent. This client refuses a reply that names another one than the request.
    #[serde(alias = "consentID", default, deserialize_with = "values::id")]
    pub consent_id: Option<ConsentId>,
    /// The session.
    pub session_id: SessionId,
}

impl Endpoint for RequestFi {
    type Provider = Finpro;
    type Output = Envelope<FiSession>;

    const OPERATION: Operation =
        // Each call begins another session, and a consent allows so many of them.
        Operation::new("request-fi", "POST /fi/request", Idempotency::Unsafe)
                .documented(Mark::Docs)
                .settled_by("ask for the status by consent: it tells whether a session has begun");

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        let consent = self.consent_id.check();
        consent.map_err(|error| error.for_field("consentId"))?;
        let (from, to) = (self.fi_data_range_from, self.fi_data_range_to);
        UtcTime::check_range(from, to, "fiDataRangeTo")?;
        request.json(self)
    }

    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError> {
        let session: Envelope<FiSession> = Envelope::read(response)?;
        is_same(session.data.consent_id.as_ref(), Some(&self.consent_id))?;
        Ok(session)
    }
}

/// A question for the status of a data request (`[docs]`), by consent, handle or session. Ask again after 5, 10, 20 s and so
/// on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct GetFiStatus {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED; it, consentHandle or
    /// sessionId is required
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent_id: Option<ConsentId>,
    /// The consent request's id, from request-consent-v3
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent_handle: Option<ConsentHandle>,
    /// The session's id, from request-fi
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_id: Option<SessionId>,
}

provider_core::request! { GetFiStatus }

impl GetFiStatus {
    /// Asks about a session.
    pub fn of_session(session: SessionId) -> Self {
        Self {
            session_id: Some(session),
            ..Self::default()
        }
    }

    /// Asks about a consent's data.
    pub fn of_consent(consent: ConsentId) -> Self {
        Self {
            consent_id: Some(consent),
            ..Self::default()
        }
    }

    /// Asks about the data of a consent by its handle.
    pub fn of_handle(handle: ConsentHandle) -> Self {
        Self {
            consent_handle: Some(handle),
            ..Self::default()
        }
    }
}

provider_core::open_enum! {
    /// How a session is. The status call documents three, webhooks the others.
    pub enum FiEventStatus {
        /// Get the data.
        DataReady = "DATA_READY",
        /// Ask again later.
        Pending = "PENDING",
        /// Not in time; some accounts may be there all the same.
        Timeout = "TIMEOUT",
        /// Refused (webhook).
        DataDenied = "DATA_DENIED",
        /// Failed, often because an institution did not answer (webhook).
        SessionFailed = "SESSION_FAILED",
        /// Its time ran out before the institutions answered (webhook).
        SessionExpired = "SESSION_EXPIRED",
    }
}

provider_core::open_enum! {
    /// How one account of a session is: the words of the status call and of webhooks.
    pub enum FiStatus {
        /// There (webhook).
        Ready = "READY",
        /// There (status call).
        Delivered = "DELIVERED",
        /// Not yet (status call).
        Pending = "PENDING",
        /// Refused (webhook).
        Denied = "DENIED",
        /// Not in time.
        Timeout = "TIMEOUT",
    }
}

impl FiEventStatus {
    /// The state of the session; `None` for a word that is not documented. `TIMEOUT` probably is how a failure shows in the
    /// status call (`[derived]`).
    pub fn session_state(&self) -> Option<SessionState> {
        Some(match self {
            Self::DataReady => SessionState::Ready,
            Self::Pending => SessionState::Pending,
            Self::Timeout | Self::SessionFailed => SessionState::Failed,
            Self::DataDenied => SessionState::Denied,
            Self::SessionExpired => SessionState::Expired,
            Self::Unknown(_) => return None,
        })
    }
}

impl FiStatus {
    /// Whether the account's data can be read.
    pub fn is_available(&self) -> bool {
        matches!(self, Self::Ready | Self::Delivered)
    }
}

/// The status of a consent's data (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FiSessionStatus {
    /// How it is.
    pub event_status: FiEventStatus,
    /// `DATA`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub event_type: Option<Label>,
    /// For people.
    #[serde(default, deserialize_with = "lenient::text")]
    pub event_message: Option<Masked>,
    /// When it changed, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub timestamp: Option<Label>,
    /// The session. This client refuses a reply that names another session, consent or handle than the request.
    #[serde(default, deserialize_with = "values::id")]
    pub session_id: Option<SessionId>,
    /// The consent.
    #[serde(alias = "consentID", default, deserialize_with = "values::id")]
    pub consent_id: Option<ConsentId>,
    /// The consent request.
    #[serde(default, deserialize_with = "values::id")]
    pub consent_handle: Option<ConsentHandle>,
    /// The customer's virtual user account, possibly masked.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vua: Option<Masked>,
    /// When the data was fetched.
    #[serde(rename = "datafetchDate", default, deserialize_with = "lenient::text")]
    pub data_fetch_date: Option<Label>,
    /// The consent template.
    #[serde(rename = "productID", default, deserialize_with = "values::id")]
    pub product_id: Option<ProductId>,
    /// Your reference of the account or application.
    #[serde(rename = "accountID", default, deserialize_with = "values::id")]
    pub account_id: Option<AccountId>,
    /// `ONETIME` or `PERIODIC`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fetch_type: Option<Label>,
    /// When the consent ends: ISO 8601, or with a space and without a zone, which is not documented.
    #[serde(default, deserialize_with = "lenient::text")]
    pub consent_expiry: Option<Masked>,
    /// Until when the data can be read. Its form is not documented.
    #[serde(default, deserialize_with = "lenient::text")]
    pub data_expiry: Option<Label>,
    /// Whether it is the first data of the consent; text in some replies (`[3p]`).
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["boolean", "string", "null"])))]
    #[serde(default, deserialize_with = "lenient::boolean_or_text")]
    pub first_time_fetch: Option<bool>,
    /// The accounts. Some of them may be there when others are not.
    #[serde(default, deserialize_with = "values::one_or_many")]
    pub link_ref_numbers: Items<FiAccountStatus>,
}

/// One account of a session (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FiAccountStatus {
    /// The link's id, with which the account's data is read.
    #[serde(alias = "linkReferenceNumber")]
    pub link_ref_number: LinkRefNumber,
    /// How it is.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fi_status: Option<FiStatus>,
    /// The institution's name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fip_name: Option<Masked>,
    /// The institution.
    #[serde(default, deserialize_with = "values::id")]
    pub fip_id: Option<FipId>,
    /// The account's number, masked by the institution.
    #[serde(default, deserialize_with = "lenient::text")]
    pub masked_account_number: Option<Masked>,
}

impl Endpoint for GetFiStatus {
    type Provider = Finpro;
    type Output = Envelope<FiSessionStatus>;

    const OPERATION: Operation = Operation::new(
        "fi-request-status",
        "POST /consent/firequest/status",
        Idempotency::Safe,
    )
    .documented(Mark::Docs);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        rule(
            self.consent_id.is_some() || self.consent_handle.is_some() || self.session_id.is_some(),
            "sessionId",
            "it, consentId or consentHandle is required",
        )?;
        let consent = self.consent_id.as_ref().map_or(Ok(()), ConsentId::check);
        consent.map_err(|error| error.for_field("consentId"))?;
        self.consent_handle
            .as_ref()
            .map_or(Ok(()), ConsentHandle::check)?;
        request.json(self)
    }

    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError> {
        let status: Envelope<FiSessionStatus> = Envelope::read(response)?;
        is_same(status.data.session_id.as_ref(), self.session_id.as_ref())?;
        is_same(status.data.consent_id.as_ref(), self.consent_id.as_ref())?;
        is_same(
            status.data.consent_handle.as_ref(),
            self.consent_handle.as_ref(),
        )?;
        Ok(status)
    }
}
