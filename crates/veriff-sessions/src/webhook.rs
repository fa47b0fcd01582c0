//! Veriff's webhooks: decisions, events of the flow, full auto, user-defined statuses, screenings.

use std::fmt;

use consent_hmac::{ApiKey, SharedSecrets, WebhookSignature};
use provider_core::http::HeaderMap;
use provider_core::jiff::Timestamp;
use provider_core::lenient::{Printable, Read};
use provider_core::webhook::{Authentic, EventKey, Refusal, Scheme, Unreadable, decode};
use provider_core::{InvalidRequest, Label, Masked, Provider as _, Settings, lenient};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::reply::status;
use crate::{
    ReplyStatus, SessionState, SessionStatus, UserDefinedStatus, Verdict, Verification,
    WatchlistScreening,
};

/// Verifies the webhooks of an integration and reads them, for a [`Receiver`](provider_core::webhook::Receiver).
///
/// Veriff delivers at least once, in any order, and repeats what is not answered with 200 for up to 7 days (`[docs]`). It names no
/// event: a delivery is recognised by its bytes, and what another one says again by [`SessionProgress`](crate::SessionProgress).
///
/// ```
/// use veriff_sessions::consent_hmac::provider_core::webhook::Receiver;
/// use veriff_sessions::consent_hmac::{ApiKey, SharedSecret, Signer};
/// use veriff_sessions::{VeriffEvent, VeriffWebhooks, Verdict};
///
/// let secret = SharedSecret::new("abcdef12-abcd-abcd-abcd-abcdef012345")?;
/// let receiver = Receiver::new(VeriffWebhooks::new(&ApiKey::new("made-up")?, &secret));
///
/// let body = br#"{"status":"success","verification":{"id":"s-1","status":"approved","code":9001}}"#;
/// let mut headers = veriff_sessions::consent_hmac::provider_core::http::HeaderMap::new();
/// headers.insert("x-hmac-signature", Signer::new(&secret).sign(body).to_string().parse()?);
///
/// let event = receiver.verify(&headers, body, "2026-01-01T00:00:00Z".parse()?)?;
/// let VeriffEvent::Decision(decision) = event.parse()? else { unreachable!() };
/// assert_eq!(decision.verdict(), Verdict::Approved);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct VeriffWebhooks(WebhookSignature);

impl VeriffWebhooks {
    /// The webhooks of an integration with this API key, by its shared secret or the secrets of a rotation. For secrets that end
    /// at a date, and several integrations with one key, make a [`WebhookSignature`].
    pub fn new(api_key: &ApiKey, secrets: impl Into<SharedSecrets>) -> Self {
        Self(WebhookSignature::new(api_key, secrets))
    }

    /// The names of the settings that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] = WebhookSignature::SETTINGS;

    /// Reads the integration from `VERIFF_API_KEY` and `VERIFF_WEBHOOK_SECRET`: see [`WebhookSignature::from_settings`].
    ///
    /// # Errors
    ///
    /// A setting is missing or invalid; the error names it, never the value.
    pub fn from_settings(settings: &Settings) -> Result<Self, InvalidRequest> {
        WebhookSignature::from_settings(settings).map(Self)
    }
}

impl From<WebhookSignature> for VeriffWebhooks {
    fn from(signature: WebhookSignature) -> Self {
        Self(signature)
    }
}

impl Scheme for VeriffWebhooks {
    const PROVIDER: &'static str = consent_hmac::Veriff::NAME;

    type Event = VeriffEvent;

    fn is_configured(&self) -> bool {
        self.0.is_configured()
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Authentic, Refusal> {
        self.0.verify(headers, body, now)
    }

    /// By the bytes: nothing in them names the event.
    fn key(body: &[u8]) -> EventKey {
        EventKey::of(Self::PROVIDER, &[body])
    }

    fn parse(body: &[u8]) -> Result<VeriffEvent, Unreadable> {
        VeriffEvent::read(body)
    }

    fn is_known(event: &VeriffEvent) -> bool {
        !matches!(event, VeriffEvent::Unknown)
    }
}

/// What a webhook says. Its kind is in no member; it is told by the members that each kind has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VeriffEvent {
    /// A decision (`[docs]`).
    Decision(Box<DecisionEvent>),
    /// The person entered the flow, handed in the data, or something else happened there (`[docs]`).
    Flow(Box<FlowEvent>),
    /// The scores of a session without a decision, in the place of a decision (`[docs]`).
    FullAuto(Box<FullAutoEvent>),
    /// The integration's own status (`[docs]`).
    UserDefinedStatus(Box<UserDefinedStatusEvent>),
    /// A screening, the first or a changed one (`[docs]`).
    Watchlist(Box<WatchlistScreening>),
    /// Another kind, such as those of Mexican registries (`[docs]`: a listener tolerates unknown ones). Its bytes are in
    /// [`Verified::raw`](provider_core::webhook::Verified::raw).
    Unknown,
}

impl VeriffEvent {
    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let received: Received<'_> = decode(body)?;
        if let Some(verification) = received.verification {
            return Ok(Self::Decision(Box::new(DecisionEvent {
                status: received.status,
                verification,
            })));
        }
        if let Some(data) = received.data {
            let told: Data = decode(data.get().as_bytes())?;
            if told.is_screening() {
                let screening = decode(data.get().as_bytes())?;
                return Ok(Self::Watchlist(Box::new(screening)));
            }
            let Some(told) = told.verification else {
                return Ok(Self::Unknown);
            };
            if told.user_defined_data.is_some() {
                return Ok(Self::UserDefinedStatus(Box::new(UserDefinedStatusEvent {
                    session_id: told.id,
                    attempt_id: received.attempt_id,
                    event_type: received.event_type,
                    time: received.time,
                    status: told.user_defined_data,
                })));
            }
            if !matches!(told.decision_score, Read::Absent) {
                return Ok(Self::FullAuto(Box::new(FullAutoEvent {
                    session_id: received.session_id.or(told.id),
                    attempt_id: received.attempt_id,
                    vendor_data: received.vendor_data,
                    end_user_id: received.end_user_id,
                    time: received.time,
                    decision_score: told.decision_score,
                })));
            }
            return Ok(Self::Unknown);
        }
        if received.check_type.is_some() || received.match_status.is_some() {
            return Ok(Self::Watchlist(Box::new(decode(body)?)));
        }
        if received.action.is_some() || received.feature.is_some() {
            return Ok(Self::Flow(Box::new(decode(body)?)));
        }
        Ok(Self::Unknown)
    }

    /// The session that it is about.
    pub fn session_id(&self) -> Option<&str> {
        match self {
            Self::Decision(event) => Some(&event.verification.id),
            Self::Flow(event) => Some(&event.session_id),
            Self::FullAuto(event) => event.session_id.as_deref(),
            Self::UserDefinedStatus(event) => event.session_id.as_deref(),
            Self::Watchlist(event) => Some(&event.session_id),
            Self::Unknown => None,
        }
    }

    /// The attempt that it is about.
    pub fn attempt_id(&self) -> Option<&str> {
        match self {
            Self::Decision(event) => event.verification.attempt_id.as_deref(),
            Self::Flow(event) => event.attempt_id.as_deref(),
            Self::FullAuto(event) => event.attempt_id.as_deref(),
            Self::UserDefinedStatus(event) => event.attempt_id.as_deref(),
            Self::Watchlist(event) => event.attempt_id.as_deref(),
            Self::Unknown => None,
        }
    }

    /// The state of the session that it tells, for [`SessionProgress`](crate::SessionProgress), which knows late and repeated
    /// ones. `None` if it tells none, or not clearly.
    pub fn state(&self) -> Option<SessionState> {
        match self {
            Self::Decision(event) => SessionState::decided(event.verdict()),
            Self::Flow(event) => event.state(),
            _ => None,
        }
    }
}

/// A decision. Its members are those of the reply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecisionEvent {
    /// `success`.
    pub status: Option<ReplyStatus>,
    /// The decision.
    pub verification: Verification,
}

impl DecisionEvent {
    /// The verdict; [`Verdict::Unclear`] if the status beside it is none of a success.
    pub fn verdict(&self) -> Verdict {
        match self.status {
            None | Some(ReplyStatus::Success | ReplyStatus::Created) => self.verification.verdict(),
            Some(_) => Verdict::Unclear,
        }
    }
}

/// Something in the flow; no decision (`[docs]`).
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FlowEvent {
    /// The session.
    #[serde(rename = "id", deserialize_with = "lenient::id")]
    pub session_id: String,
    /// The attempt.
    #[serde(default, deserialize_with = "lenient::text")]
    pub attempt_id: Option<String>,
    /// `selfid`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub feature: Option<Label>,
    /// 7001 started, 7002 submitted, 7007 something else.
    #[serde(default, deserialize_with = "Read::integer")]
    pub code: Read<u16>,
    /// `started`, `submitted`, or such as `waiting_complete`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub action: Option<Label>,
    /// What the session was created with.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vendor_data: Option<Masked>,
    /// The end-user.
    #[serde(default, deserialize_with = "lenient::text")]
    pub end_user_id: Option<Masked>,
    /// What else is known, of code 7007 only.
    #[serde(default, deserialize_with = "lenient::object")]
    pub context: Option<FlowContext>,
}

impl FlowEvent {
    /// The state of the session: by action and code as a pair.
    pub fn state(&self) -> Option<SessionState> {
        let action = self.action.as_deref().map(SessionStatus::from);
        match &self.code {
            Read::Unreadable(_) => None,
            code => SessionState::of(action.as_ref(), code.value().copied()),
        }
    }
}

/// Prints no text of Veriff's but the id, if it looks like one.
impl fmt::Debug for FlowEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowEvent")
            .field("session_id", &Printable(&self.session_id))
            .field("code", &self.code.value())
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// The context of an event of the flow (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct FlowContext {
    /// Why.
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason: Option<Masked>,
    /// Where.
    #[serde(default, deserialize_with = "lenient::text")]
    pub state: Option<Masked>,
}

/// What a session without a decision scored; on one plan only (`[docs]`). The members but the score are unconfirmed; insights and
/// extractions are in the raw bytes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FullAutoEvent {
    /// The session.
    pub session_id: Option<String>,
    /// The attempt.
    pub attempt_id: Option<String>,
    /// What the session was created with.
    pub vendor_data: Option<Masked>,
    /// The end-user.
    pub end_user_id: Option<Masked>,
    /// When, ISO 8601.
    pub time: Option<Label>,
    /// From 0 to 1, digit by digit as it came: read [`score`](Self::score).
    pub decision_score: Read<Label>,
}

impl FullAutoEvent {
    /// The score; `None` if it is none from 0 to 1.
    pub fn score(&self) -> Option<f64> {
        let score: f64 = self.decision_score.value()?.trim().parse().ok()?;
        (0.0..=1.0).contains(&score).then_some(score)
    }
}

/// Prints no text of Veriff's but the ids, if they look like some.
impl fmt::Debug for FullAutoEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FullAutoEvent")
            .field("session_id", &self.session_id.as_deref().map(Printable))
            .field("score", &self.score())
            .finish_non_exhaustive()
    }
}

/// A status that the integration gave a session itself (`[docs]`).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserDefinedStatusEvent {
    /// The session.
    pub session_id: Option<String>,
    /// The attempt.
    pub attempt_id: Option<String>,
    /// What happened to the status; the page is cut after `user-status.cre`.
    pub event_type: Option<Label>,
    /// When, ISO 8601.
    pub time: Option<Label>,
    /// The status.
    pub status: Option<UserDefinedStatus>,
}

/// Prints no text of Veriff's but the id, if it looks like one.
impl fmt::Debug for UserDefinedStatusEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserDefinedStatusEvent")
            .field("session_id", &self.session_id.as_deref().map(Printable))
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

/// The members by which the kinds are told apart, and those that several have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Received<'a> {
    #[serde(default, deserialize_with = "status")]
    status: Option<ReplyStatus>,
    // Strictly: what says nothing about a session is no decision.
    #[serde(default, deserialize_with = "lenient::object_or_null")]
    verification: Option<Verification>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient::text")]
    session_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    attempt_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    vendor_data: Option<Masked>,
    #[serde(default, deserialize_with = "lenient::text")]
    end_user_id: Option<Masked>,
    #[serde(default, deserialize_with = "lenient::text")]
    event_type: Option<Label>,
    #[serde(default, deserialize_with = "lenient::text")]
    time: Option<Label>,
    feature: Option<IgnoredAny>,
    action: Option<IgnoredAny>,
    check_type: Option<IgnoredAny>,
    match_status: Option<IgnoredAny>,
}

/// `data`, as far as it tells the kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default, deserialize_with = "lenient::object")]
    verification: Option<DataVerification>,
    check_type: Option<IgnoredAny>,
    match_status: Option<IgnoredAny>,
}

impl Data {
    fn is_screening(&self) -> bool {
        self.check_type.is_some() || self.match_status.is_some()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DataVerification {
    #[serde(default, deserialize_with = "lenient::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::object")]
    user_defined_data: Option<UserDefinedStatus>,
    #[serde(default, deserialize_with = "Read::text")]
    decision_score: Read<Label>,
}
