//! FinPro's webhooks: consent and data events, in the basic and the extended form.

use finpro_profile::{AppIdentifier, Finpro};
use provider_core::http::{HeaderMap, HeaderName, HeaderValue};
use provider_core::jiff::{Timestamp, civil};
use provider_core::lenient::Read;
use provider_core::secrecy::ExposeSecret as _;
use provider_core::webhook::{
    Authentic, Encoding, EventKey, HeaderSignature, KeyForm, Refusal, Scheme, Secrets, SignedText,
    Unreadable, decode, only_header,
};
use provider_core::{InvalidRequest, Items, Label, Masked, Provider as _, Settings, lenient};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::values::{self, one_or_many};
use crate::{
    AccountId, ConsentHandle, ConsentId, ConsentState, FiAccountStatus, FiEventStatus, ProductId,
    SessionId, SessionState, TransactionId,
};

/// Verifies the webhooks of an organisation and reads them, for a [`Receiver`](provider_core::webhook::Receiver).
///
/// FinPro signs with HMAC-SHA256 and the secret key of its portal (`[docs]`). The header, the encoding, a prefix and what exactly
/// is signed are not readable (`[unknown]`), so each is named here, and none has a default: look at a webhook of your own
/// installation. The [`MismatchCause`](provider_core::webhook::MismatchCause) of a refusal helps.
///
/// ```
/// use finpro_fiu::finpro_profile::provider_core::http::{HeaderMap, HeaderName};
/// use finpro_fiu::finpro_profile::provider_core::webhook::{
///     Encoding, HeaderSignature, KeyForm, Receiver, Signed, SignedText, SigningKey,
/// };
/// use finpro_fiu::{ConsentState, FinproEvent, FinproWebhooks};
///
/// let key = SigningKey::new("made-up-secret-key", KeyForm::Text)?;
/// let header = HeaderName::from_static("x-as-your-installation-sends-it");
/// let signature = HeaderSignature::new(header.clone(), Encoding::Hex, SignedText::Body, key.clone());
/// let receiver = Receiver::new(FinproWebhooks::new(signature));
///
/// let body = br#"{"timestamp":"2026-01-01T00:00:00Z","consentHandle":"h-1","eventType":"CONSENT",
///     "eventStatus":"CONSENT_APPROVED","consentId":"c-1"}"#;
/// let mut headers = HeaderMap::new();
/// headers.insert(header, Encoding::Hex.encode(&key.sign(Signed::body(body))).parse()?);
///
/// let event = receiver.verify(&headers, body, "2026-01-01T00:00:00Z".parse()?)?;
/// let FinproEvent::Consent(consent) = event.parse()? else { unreachable!() };
/// assert_eq!(consent.state(), Some(ConsentState::Active));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FinproWebhooks {
    signature: HeaderSignature,
    app_identifier: Option<(HeaderName, HeaderValue)>,
}

impl FinproWebhooks {
    /// The webhooks that are signed like this.
    pub fn new(signature: HeaderSignature) -> Self {
        Self {
            signature,
            app_identifier: None,
        }
    }

    /// Refuses webhooks for another app. The portal asks for an App Identifier beside the secret (`[docs]`); in which header it is
    /// sent, if it is, is `[unknown]`.
    #[must_use]
    pub fn with_app_identifier(mut self, header: HeaderName, app: &AppIdentifier) -> Self {
        self.app_identifier = Some((header, app.header_value()));
        self
    }

    /// The names of the settings that [`from_settings`](Self::from_settings) cannot do without.
    pub const SETTINGS: &'static [&'static str] = &[
        "FINPRO_WEBHOOK_SECRET",
        "FINPRO_WEBHOOK_HEADER",
        "FINPRO_WEBHOOK_ENCODING",
    ];

    /// Reads `FINPRO_WEBHOOK_SECRET`, which may be a list (see [`Secrets::parse`]), `FINPRO_WEBHOOK_HEADER`, the name of the header,
    /// `FINPRO_WEBHOOK_ENCODING`, `hex` or `base64`, and, if it is set, `FINPRO_WEBHOOK_PREFIX`, what stands before the signature.
    /// The raw body is taken for what is signed; where it is not, use [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// A setting is missing or invalid; the error names it, never the value.
    pub fn from_settings(settings: &Settings) -> Result<Self, InvalidRequest> {
        settings.required(Self::SETTINGS)?;
        let secrets = settings.parsed("FINPRO_WEBHOOK_SECRET", |text| {
            Secrets::parse(text, KeyForm::Text)
        })?;
        let header = settings.parsed("FINPRO_WEBHOOK_HEADER", |name| {
            HeaderName::try_from(name.expose_secret())
                .map_err(|_| InvalidRequest::new("header", "must be the name of a header"))
        })?;
        let encoding = settings.parsed("FINPRO_WEBHOOK_ENCODING", |name| {
            match name.expose_secret() {
                "hex" => Ok(Encoding::Hex),
                "base64" => Ok(Encoding::Base64),
                _ => Err(InvalidRequest::new("encoding", "must be hex or base64")),
            }
        })?;
        let signature = HeaderSignature::new(header, encoding, SignedText::Body, secrets);
        let prefix = settings.parsed_text("FINPRO_WEBHOOK_PREFIX", |text| Ok(text.to_owned()))?;
        Ok(Self::new(signature.with_prefix(prefix.unwrap_or_default())))
    }
}

impl Scheme for FinproWebhooks {
    const PROVIDER: &'static str = Finpro::NAME;

    type Event = FinproEvent;

    fn is_configured(&self) -> bool {
        self.signature.is_configured()
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Authentic, Refusal> {
        if let Some((name, own)) = &self.app_identifier
            && only_header(headers, name)?.is_none_or(|told| told != own)
        {
            return Err(Refusal::OtherClient);
        }
        self.signature.verify(headers, body, now)
    }

    /// By what the event says of itself (`[derived]`: no id is documented): handle, kind, status, consent, session, accounts and
    /// time. By all bytes if it has no time, cannot be read, or brings data along: what differs anywhere is another event then.
    fn key(body: &[u8]) -> EventKey {
        let identity = decode(body).ok().and_then(Identity::parts);
        match identity {
            Some(parts) => EventKey::of(Self::PROVIDER, &parts),
            None => EventKey::of(Self::PROVIDER, &[body]),
        }
    }

    fn parse(body: &[u8]) -> Result<FinproEvent, Unreadable> {
        FinproEvent::read(body)
    }

    fn is_known(event: &FinproEvent) -> bool {
        !matches!(event, FinproEvent::Unknown)
    }
}

/// What a webhook says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinproEvent {
    /// A consent was decided, or changed later: `CONSENT` (`[docs]`).
    Consent(Box<ConsentEvent>),
    /// Data is there, or will not be: `DATA` (`[docs]`).
    Data(Box<DataEvent>),
    /// The data itself: `DATA_EXT` (`[docs]`). Its keys, its size and its encryption are `[unknown]`: it is in
    /// [`Verified::raw`](provider_core::webhook::Verified::raw).
    DataPush(Box<DataPushEvent>),
    /// Another kind, such as those of an orchestrated journey or of another product. Its bytes are in
    /// [`Verified::raw`](provider_core::webhook::Verified::raw).
    Unknown,
}

impl FinproEvent {
    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            #[serde(default, deserialize_with = "lenient::text")]
            event_type: Option<Label>,
        }

        let kind: Kind = decode(body)?;
        Ok(match kind.event_type.as_deref() {
            Some("CONSENT") => Self::Consent(Box::new(decode(body)?)),
            Some("DATA") => Self::Data(Box::new(decode(body)?)),
            Some("DATA_EXT") => Self::DataPush(Box::new(decode(body)?)),
            _ => Self::Unknown,
        })
    }

    /// The consent request that it is about.
    pub fn consent_handle(&self) -> Option<&ConsentHandle> {
        match self {
            Self::Consent(event) => Some(&event.consent_handle),
            Self::Data(event) => Some(&event.consent_handle),
            Self::DataPush(event) => event.consent_handle.as_ref(),
            Self::Unknown => None,
        }
    }
}

provider_core::open_enum! {
    /// What happened to a consent (`[docs]`).
    pub enum ConsentEventStatus {
        /// The customer approved, and the consent's id is known: request data, unless the template does.
        Approved = "CONSENT_APPROVED",
        /// The customer declined.
        Rejected = "CONSENT_REJECTED",
        /// Paused: suspend what is scheduled.
        Paused = "CONSENT_PAUSED",
        /// Active again.
        Resumed = "CONSENT_RESUMED",
        /// Withdrawn: stop, and delete what is stored.
        Revoked = "CONSENT_REVOKED",
        /// Its time is over: stop.
        Expired = "CONSENT_EXPIRED",
    }
}

/// Something happened to a consent. The members after [`message`](Self::message) are those of the extended form (`[docs]`); which
/// form is sent is set somewhere at FinPro (`[unknown]`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConsentEvent {
    /// When, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub timestamp: Option<Label>,
    /// The consent request: the key by which to find it (`[docs]`).
    pub consent_handle: ConsentHandle,
    /// What happened.
    #[serde(rename = "eventStatus")]
    pub status: ConsentEventStatus,
    /// The consent; `None` if it was rejected: empty text and the literal `<NULL>` are none.
    #[serde(alias = "consentID", default, deserialize_with = "values::id")]
    pub consent_id: Option<ConsentId>,
    /// The customer's virtual user account, possibly masked. Missing in a rejection's sample.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vua: Option<Masked>,
    /// For people.
    #[serde(rename = "eventMessage", default, deserialize_with = "lenient::text")]
    pub message: Option<Masked>,
    /// The consent template.
    #[serde(rename = "productID", default, deserialize_with = "values::id")]
    pub product_id: Option<ProductId>,
    /// Your reference of the account or application.
    #[serde(rename = "accountID", default, deserialize_with = "values::id")]
    pub account_id: Option<AccountId>,
    /// `ONETIME` or `PERIODIC`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fetch_type: Option<Label>,
    /// When the consent ends.
    #[serde(default, deserialize_with = "ConsentExpiry::read")]
    pub consent_expiry: Read<ConsentExpiry>,
}

impl ConsentEvent {
    /// The state that it tells, for [`Progress`](crate::Progress), which knows late and repeated ones; `None` for a word that is not
    /// documented.
    pub fn state(&self) -> Option<ConsentState> {
        ConsentState::of_event(self.status.as_str())
    }

    /// When it happened, if its time has a zone.
    pub fn at(&self) -> Option<Timestamp> {
        self.timestamp.as_ref()?.parse().ok()
    }
}

/// Data is there, or will not be. The members after [`link_ref_numbers`](Self::link_ref_numbers) are those of the extended form
/// (`[docs]`, some `[3p]`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataEvent {
    /// When, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub timestamp: Option<Label>,
    /// The consent request: the key by which to find it (`[docs]`).
    pub consent_handle: ConsentHandle,
    /// How the session is.
    #[serde(rename = "eventStatus")]
    pub status: FiEventStatus,
    /// The consent.
    #[serde(alias = "consentID", default, deserialize_with = "values::id")]
    pub consent_id: Option<ConsentId>,
    /// The customer's virtual user account, possibly masked.
    #[serde(default, deserialize_with = "lenient::text")]
    pub vua: Option<Masked>,
    /// For people.
    #[serde(rename = "eventMessage", default, deserialize_with = "lenient::text")]
    pub message: Option<Masked>,
    /// The accounts. Some of them may be there when others are not; a session that expired may name none.
    #[serde(default, deserialize_with = "one_or_many")]
    pub link_ref_numbers: Items<FiAccountStatus>,
    /// The session. It may be one that nobody here began: templates can fetch by themselves.
    #[serde(default, deserialize_with = "values::id")]
    pub session_id: Option<SessionId>,
    /// The id of the fetch (`[3p]`).
    #[serde(rename = "transactionID", default, deserialize_with = "values::id")]
    pub transaction_id: Option<TransactionId>,
    /// The consent template.
    #[serde(rename = "productID", default, deserialize_with = "values::id")]
    pub product_id: Option<ProductId>,
    /// Your reference of the account or application.
    #[serde(rename = "accountID", default, deserialize_with = "values::id")]
    pub account_id: Option<AccountId>,
    /// `ONETIME` or `PERIODIC`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fetch_type: Option<Label>,
    /// When the consent ends.
    #[serde(default, deserialize_with = "ConsentExpiry::read")]
    pub consent_expiry: Read<ConsentExpiry>,
    /// Until when the data can be read, unchanged (`[3p]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub data_expiry: Option<Label>,
    /// Whether it is the first data of the consent; text in a sample (`[3p]`).
    #[serde(default, deserialize_with = "lenient::boolean_or_text")]
    pub first_time_fetch: Option<bool>,
}

impl DataEvent {
    /// The state of the session that it tells, for [`Progress`](crate::Progress); `None` for a word that is not documented.
    pub fn state(&self) -> Option<SessionState> {
        self.status.session_state()
    }

    /// When it happened, if its time has a zone.
    pub fn at(&self) -> Option<Timestamp> {
        self.timestamp.as_ref()?.parse().ok()
    }
}

/// What is known of an event that brings data along.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataPushEvent {
    /// When, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub timestamp: Option<Label>,
    /// The consent request.
    #[serde(default, deserialize_with = "values::id")]
    pub consent_handle: Option<ConsentHandle>,
    /// `DATA_PUSH`.
    #[serde(rename = "eventStatus", default, deserialize_with = "lenient::text")]
    pub status: Option<Label>,
    /// The consent.
    #[serde(alias = "consentID", default, deserialize_with = "values::id")]
    pub consent_id: Option<ConsentId>,
    /// The session.
    #[serde(default, deserialize_with = "values::id")]
    pub session_id: Option<SessionId>,
}

/// When a consent ends. Webhooks have it without a zone (`[docs]`), and which zone is meant is `[unknown]`: it is not guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsentExpiry {
    /// `YYYY-MM-DD HH:MM:SS`, of an unknown zone: the moment is up to 14 hours away from the same text in UTC.
    Naive(civil::DateTime),
    /// With a zone, as lists have it.
    Moment(Timestamp),
}

impl ConsentExpiry {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        Read::parsed(deserializer, |text| {
            let text = text.trim();
            let moment = text.parse().map(Self::Moment);
            moment.or_else(|_| text.parse().map(Self::Naive)).ok()
        })
    }
}

/// The members by which an event is recognised, as they came.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow)]
    timestamp: &'a RawValue,
    #[serde(borrow)]
    consent_handle: &'a RawValue,
    #[serde(borrow)]
    event_type: &'a RawValue,
    #[serde(borrow)]
    event_status: &'a RawValue,
    #[serde(borrow)]
    consent_id: Option<&'a RawValue>,
    #[serde(borrow)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow)]
    link_ref_numbers: Option<&'a RawValue>,
    /// Of the other spelling: which of the two counts is not known.
    #[serde(rename = "consentID")]
    other_consent_id: Option<IgnoredAny>,
}

impl<'a> Identity<'a> {
    fn parts(self) -> Option<[&'a [u8]; 7]> {
        let said = [
            self.timestamp,
            self.consent_handle,
            self.event_type,
            self.event_status,
        ];
        let empty = |value: &&RawValue| matches!(value.get(), "null" | "\"\"");
        let pushes = !matches!(self.event_type.get(), "\"CONSENT\"" | "\"DATA\"");
        if pushes || said.iter().any(empty) || self.other_consent_id.is_some() {
            return None;
        }
        let said = said.into_iter().map(Some);
        let all = said.chain([self.consent_id, self.session_id, self.link_ref_numbers]);
        let mut parts = [&b""[..]; 7];
        for (part, value) in parts.iter_mut().zip(all) {
            *part = value.map_or("", RawValue::get).as_bytes();
        }
        Some(parts)
    }
}
