//! The ids, names and identifiers that several operations share.

use std::fmt;

use provider_core::jiff::Timestamp;
use provider_core::lint::Findings;
use provider_core::{
    Email, InvalidRequest, Items, Label, Masked, Mobile, Pan, VerificationError, check_id, lenient,
};
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

provider_core::opaque_id! {
    /// A consent request's id, a UUID; the id that every later message has (`[docs]`).
    pub struct ConsentHandle("consentHandle");

    /// The id that the aggregator gives a consent once it is approved (`[docs]`).
    pub struct ConsentId("consentID");

    /// A consent template's id, the `productCode` of the products list (`[docs]`).
    pub struct ProductId("productID");

    /// The caller's own reference of an account or application (`[docs]`).
    pub struct AccountId("accountID");

    /// A financial information provider's id (`[docs]`).
    pub struct FipId("fipID");

    /// The id of one fetching of data under a consent. Keep it (`[docs]`).
    pub struct SessionId("sessionId");

    /// The id of an account that is linked to a consent. Opaque: a published sample is no UUID.
    pub struct LinkRefNumber("linkReferenceNumber");

    /// The id of an orchestrated journey (`[docs]`, a guide).
    pub struct TransactionId("transaction_id");

    /// The caller's id of a batch (`[docs]`), 5 to 60 letters, digits, `-` and `_`. It is checked with the request.
    pub struct ReferenceId("reference_id");

    /// The id of a consent journey (`[docs]`).
    pub struct JourneyId("journeyID");

    /// The token of statements that are analysed (`[docs]`).
    pub struct RefToken("ref_token");

    /// The id of a configuration of batches (`[docs]`).
    pub struct ConfigId("configId");
}

impl ReferenceId {
    /// The documented length and characters.
    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        let id = self.as_str();
        rule(
            (5..=60).contains(&id.len()) && has_only(id, b"_-"),
            "reference_id",
            "must be 5 to 60 characters of A-Z, a-z, 0-9, _ and -",
        )
    }
}

impl ConsentHandle {
    /// The documented rule: a version 4 UUID, and so not all zeros.
    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        let bytes = self.as_str().as_bytes();
        let shaped = bytes.len() == 36
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => *byte == b'-',
                14 => *byte == b'4',
                19 => b"89abAB".contains(byte),
                _ => byte.is_ascii_hexdigit(),
            });
        rule(shaped, "consentHandle", "must be a version 4 UUID")
    }

    /// Checks a list of them, which needs one.
    pub(crate) fn check_all(handles: &[Self]) -> Result<(), InvalidRequest> {
        check_not_empty(handles, "consentHandle")?;
        check_each(handles, "consentHandle", Self::check)
    }
}

impl ConsentId {
    /// The documented characters.
    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        check_characters(self.as_str(), "consentID")
    }
}

impl ProductId {
    /// The documented characters.
    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        check_characters(self.as_str(), "productID")
    }
}

fn check_characters(id: &str, field: &'static str) -> Result<(), InvalidRequest> {
    rule(
        has_only(id, b"_-."),
        field,
        "must consist of A-Z, a-z, 0-9, _, - and .",
    )
}

fn has_only(text: &str, marks: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
}

/// The error if a rule is broken.
pub(crate) fn rule(
    holds: bool,
    field: &'static str,
    rule: &'static str,
) -> Result<(), InvalidRequest> {
    if holds {
        Ok(())
    } else {
        Err(InvalidRequest::new(field, rule))
    }
}

/// Refuses a reply that names something else than the request.
pub(crate) fn is_same<T: PartialEq>(
    told: Option<&T>,
    asked: Option<&T>,
) -> Result<(), VerificationError> {
    match told.zip(asked) {
        Some((told, asked)) if told != asked => Err(VerificationError::OtherRequest),
        _ => Ok(()),
    }
}

/// Checks that a list names something.
pub(crate) fn check_not_empty<T>(list: &[T], field: &'static str) -> Result<(), InvalidRequest> {
    rule(!list.is_empty(), field, "must name at least one")
}

/// Checks every item of a list; the error names it, as in `aaId[1]`.
pub(crate) fn check_each<T>(
    list: &[T],
    field: &'static str,
    check: impl Fn(&T) -> Result<(), InvalidRequest>,
) -> Result<(), InvalidRequest> {
    let mut items = list.iter().enumerate();
    items.try_for_each(|(index, item)| {
        check(item).map_err(|error| error.for_field(format!("{field}[{index}]")))
    })
}

/// That a word is none that the operation documents.
pub(crate) const NOT_TAKEN: &str = "is not one that this operation takes";

/// A virtual user account: `mobile@onemoney`, `email@onemoney` (`[docs]`), and on another page `pan@…`.
///
/// `Debug` prints nothing of it; the memory is wiped on drop.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Vua(Masked);

provider_core::text_input! {
    Vua, "A virtual user account: two parts around one @.", pattern: "^[^@]+@[^@]+$"
}

impl Vua {
    /// Checks what all documented forms have in common.
    ///
    /// # Errors
    ///
    /// Not exactly one `@` with text on both sides, or a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let parts = text.split_once('@');
        let shaped = parts
            .is_some_and(|(user, at)| !user.is_empty() && !at.is_empty() && !at.contains('@'))
            && check_id("vua", text).is_ok();
        rule(shaped, "vua", "must be two parts around one @").map(|()| Self(Masked::new(text)))
    }

    /// The account.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The address to which the customer returns: a web address, or one that an app on the device opens.
///
/// `Debug` prints nothing of it, because it may name the customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ReturnUrl(Masked);

provider_core::text_input! {
    ReturnUrl, "An absolute URL.", pattern: "^[A-Za-z][A-Za-z0-9+.-]*://[^\\s]+$"
}

impl ReturnUrl {
    /// Checks a URL. FinPro refuses one that is badly formed, and does not say what it accepts (`[docs]`).
    ///
    /// # Errors
    ///
    /// Not a scheme, `://` and more, or white space or a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let gap = |c: char| c.is_whitespace() || c.is_control();
        let shaped = text.split_once("://").is_some_and(|(scheme, rest)| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && has_only(scheme, b"+.-")
                && !rest.is_empty()
                && !rest.contains(gap)
        });
        rule(
            shaped,
            "redirectUrl",
            "must be an absolute URL without white space",
        )
        .map(|()| Self(Masked::new(text)))
    }

    /// The URL.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A moment of a request, sent as `2030-01-01T00:00:00.000Z`.
///
/// ```
/// use finpro_fiu::UtcTime;
///
/// let time = UtcTime::parse("2030-01-01T05:30:00+05:30")?;
/// assert_eq!(time.to_string(), "2030-01-01T00:00:00.000Z");
/// # Ok::<(), finpro_fiu::finpro_profile::provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcTime(Timestamp);

provider_core::text_input! {
    UtcTime, "A time with its zone, ISO 8601: 2030-01-01T00:00:00Z.", pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+$"
}

impl UtcTime {
    /// Parses a time with its zone.
    ///
    /// # Errors
    ///
    /// Not ISO 8601 with date, time and zone. The error names `time`.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        text.parse().map(Self).map_err(|_| {
            InvalidRequest::new(
                "time",
                "must be a day of the calendar and a time with its zone, such as 2030-01-01T00:00:00Z",
            )
        })
    }

    /// Checks that a range does not end before it begins. `to` is the name of its end.
    pub(crate) fn check_range(
        from: Option<Self>,
        to: Option<Self>,
        name: &'static str,
    ) -> Result<(), InvalidRequest> {
        let ordered = from.zip(to).is_none_or(|(from, to)| from <= to);
        rule(ordered, name, "must not be before the range begins")
    }
}

impl From<Timestamp> for UtcTime {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

provider_core::open_enum! {
    /// What identifies a customer.
    pub enum PartyIdentifierType {
        /// A mobile number, 10 digits.
        Mobile = "MOBILE",
        /// An e-mail address.
        Email = "EMAIL",
        /// A PAN.
        Pan = "PAN",
        /// An Aadhaar reference, in consent lists only; its form is not documented. Do not send an unmasked number.
        Aadhaar = "AADHAR",
        /// A date of birth, in consent lists only; its form is not documented.
        DateOfBirth = "DOB",
        /// A GSTIN, in consent lists only.
        Gstin = "GSTIN",
    }
}

impl PartyIdentifierType {
    /// Those of every operation but the third version of consent lists.
    pub(crate) const COMMON: [Self; 3] = [Self::Mobile, Self::Email, Self::Pan];
}

/// What identifies a customer, and its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyIdentifier {
    pub(crate) kind: PartyIdentifierType,
    pub(crate) value: Masked,
}

impl PartyIdentifier {
    /// An identifier of any kind. Its value is checked with the request.
    pub fn new(kind: PartyIdentifierType, value: impl Into<Masked>) -> Self {
        let value = value.into();
        Self { kind, value }
    }

    /// A mobile number.
    pub fn mobile(mobile: &Mobile) -> Self {
        Self::new(PartyIdentifierType::Mobile, mobile.expose())
    }

    /// An e-mail address.
    pub fn email(email: &Email) -> Self {
        Self::new(PartyIdentifierType::Email, email.expose())
    }

    /// A PAN.
    pub fn pan(pan: &Pan) -> Self {
        Self::new(PartyIdentifierType::Pan, pan.expose())
    }
}

/// Applies the rules of the identifier's kind.
pub(crate) fn lint_party(findings: &mut Findings<'_>, kind: &PartyIdentifierType, value: &Masked) {
    let (field, value) = ("partyIdentifierValue", value.expose());
    match kind {
        PartyIdentifierType::Mobile => {
            let mobile = Mobile::parse(value);
            mobile
                .iter()
                .for_each(|mobile| findings.mobile(field, mobile));
        }
        PartyIdentifierType::Pan => {
            let pan = Pan::parse(value);
            pan.iter().for_each(|pan| findings.pan(field, pan, None));
        }
        PartyIdentifierType::Aadhaar => findings.masked_aadhaar(field, value),
        PartyIdentifierType::DateOfBirth => findings.birth_date(field, value),
        PartyIdentifierType::Gstin => findings.gstin(field, value),
        _ => {}
    }
}

/// Checks an identifier's kind against those that the operation takes, and its value against its kind.
pub(crate) fn check_party(
    kind: &PartyIdentifierType,
    value: &Masked,
    kinds: &[PartyIdentifierType],
) -> Result<(), InvalidRequest> {
    const VALUE: &str = "partyIdentifierValue";
    rule(kinds.contains(kind), "partyIdentifierType", NOT_TAKEN)?;
    let value = value.expose();
    let checked = match kind {
        PartyIdentifierType::Mobile => Mobile::parse(value).map(drop),
        PartyIdentifierType::Email => Email::parse(value).map(drop),
        PartyIdentifierType::Pan => Pan::parse(value).map(drop),
        _ => rule(!value.trim().is_empty(), VALUE, "must not be empty"),
    };
    checked.map_err(|error| error.for_field(VALUE))
}

provider_core::open_enum! {
    /// The status of a consent (`[docs]`).
    pub enum ConsentStatus {
        /// The customer has not decided.
        Pending = "PENDING",
        /// The customer approved.
        Active = "ACTIVE",
        /// Paused by the customer.
        Paused = "PAUSED",
        /// Active again after a pause. A state of one guide; the lists know it neither as a status nor as a filter.
        Resumed = "RESUMED",
        /// The customer declined; final.
        Rejected = "REJECTED",
        /// Withdrawn; final.
        Revoked = "REVOKED",
        /// Its time is over; final.
        Expired = "EXPIRED",
    }
}

impl ConsentStatus {
    /// Whether data may be requested under the consent.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Active | Self::Resumed)
    }
}

/// Reads an optional id: absence, null, empty text and the literal `<NULL>` that FinPro sends are none.
pub(crate) fn id<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text: Option<Label> = lenient::text(deserializer)?;
    let given = text.filter(|text| !text.trim().is_empty() && &**text != "<NULL>");
    Ok(given.and_then(|text| {
        let text: StrDeserializer<'_, Error> = (*text).into_deserializer();
        T::deserialize(text).ok()
    }))
}

/// Reads an optional number, also as text; none for anything else.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let text: Option<Label> = lenient::text(deserializer)?;
    let number = text.and_then(|text| text.trim().parse().ok());
    Ok(number.filter(|number: &f64| number.is_finite()))
}

/// Reads a list, or one item of it; what cannot be read is left out.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Items<T>, D::Error> {
    let Some(json) = lenient::value::<_, Box<RawValue>>(deserializer)? else {
        return Ok(Items::default());
    };
    // A list of one as an object is a list to `Items`, as a text it is not.
    let one = |_| serde_json::from_str(json.get()).map(|item| vec![item].into());
    let many = serde_json::from_str(json.get());
    Ok(many.or_else(one).unwrap_or_default())
}
