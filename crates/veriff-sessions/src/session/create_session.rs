//! Creates a verification session.

use consent_hmac::{ConsentType, Veriff};
use provider_core::jiff::civil::Date;
use provider_core::lint::Findings;
use provider_core::{
    BuiltRequest, DecodeError, Endpoint, Idempotency, InvalidRequest, Mark, Masked, Operation,
    RequestBuilder, ResponseError, Verified, check_person_url, check_web_url, lenient,
};
use serde::{Deserialize, Serialize};

use super::{INFORMATIONAL, SessionReply};
use crate::reply::refused;

provider_core::open_enum! {
    /// A kind of document in a request (`[docs]`).
    pub enum DocumentType {
        /// An identity card.
        IdCard = "ID_CARD",
        /// A passport.
        Passport = "PASSPORT",
        /// A driving licence.
        DriversLicense = "DRIVERS_LICENSE",
        /// A residence permit.
        ResidencePermit = "RESIDENCE_PERMIT",
    }
}

/// The request of a session; every member of it is optional (`[docs]`, the kinds of members `[3p]`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct CreateSession {
    /// The session that is wanted; `{}` is one
    verification: WantedSession,
}

/// The members of a session that is wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WantedSession {
    /// Where the person's browser comes back to, an https URL; the portal's setting if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    callback: Option<Masked>,
    /// Who is verified, as far as it is known
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<ExpectedPerson>,
    /// The document, as far as it is known
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<ExpectedDocument>,
    /// The address, as far as it is known
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<ExpectedAddress>,
    /// What proves the address, where the session asks for it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof_of_address: Option<ProofOfAddress>,
    /// Your own reference, at most 1,000 characters; it comes back unchanged
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vendor_data: Option<Masked>,
    /// Your end-user, a UUID; it comes back unchanged
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_user_id: Option<Masked>,
    /// Consents that were given before the session
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    consents: Vec<GivenConsent>,
}

/// Who is verified, to be compared with the document. This client does not send members that are `None`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ExpectedPerson {
    /// Given names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<Masked>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Masked>,
    /// National id number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_number: Option<Masked>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<Masked>,
    /// Email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Masked>,
    /// `M`, `MALE`, `F` or `FEMALE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Masked>,
    /// A day of the calendar, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<Masked>,
    /// Single, married, divorced or widowed; the pages disagree about its case, so it is sent as it is (`[3p]`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marital_status: Option<Masked>,
    /// Whether the person is dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_deceased: Option<bool>,
}

/// The document that is expected. This client does not send members that are `None`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ExpectedDocument {
    /// Its number, letters and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Masked>,
    /// The country that issued it, two letters (ISO 3166-1 alpha-2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Masked>,
    /// Its kind.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<DocumentType>,
    /// The kind of a Colombian identity card, which two pages write differently: sent as it is (`[3p]`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_card_type: Option<Masked>,
    /// When it was first issued, a day of the calendar, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_issue: Option<Masked>,
}

/// The address that is expected.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExpectedAddress {
    /// The whole address as one text
    full_address: Masked,
}

/// What proves the address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProofOfAddress {
    /// The kinds of documents that are accepted
    acceptable_types: Vec<ProofType>,
}

/// A kind of document that proves an address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ProofType {
    /// Its name, as agreed with Veriff
    name: Masked,
}

/// A consent without the text that was shown (`[3p]`); [`RecordConsent`](consent_hmac::RecordConsent) records one with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GivenConsent {
    /// What the person consents to: ine, bipa, aadhaar, or another text
    #[serde(rename = "type")]
    pub kind: ConsentType,
    /// Whether the person agreed. A session for `ine` is not created without it.
    pub approved: bool,
}

provider_core::request! { CreateSession }

impl CreateSession {
    /// Creates a request without any member, which is a legal one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where the person's browser comes back to: an https URL.
    #[must_use]
    pub fn set_callback(mut self, callback: impl Into<Masked>) -> Self {
        self.verification.callback = Some(callback.into());
        self
    }

    /// Sets who is verified.
    #[must_use]
    pub fn set_person(mut self, person: ExpectedPerson) -> Self {
        self.verification.person = Some(person);
        self
    }

    /// Sets the document.
    #[must_use]
    pub fn set_document(mut self, document: ExpectedDocument) -> Self {
        self.verification.document = Some(document);
        self
    }

    /// Sets the address, as one text.
    #[must_use]
    pub fn set_address(mut self, full_address: impl Into<Masked>) -> Self {
        let full_address = full_address.into();
        self.verification.address = Some(ExpectedAddress { full_address });
        self
    }

    /// Sets the kinds of documents that prove the address, by the names that were agreed with Veriff (`[3p]`).
    #[must_use]
    pub fn set_proofs_of_address<N: Into<Masked>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        let names = names.into_iter().map(Into::into);
        let acceptable_types = names.map(|name| ProofType { name }).collect();
        self.verification.proof_of_address = Some(ProofOfAddress { acceptable_types });
        self
    }

    /// Sets your own reference, at most 1,000 characters. Put no personal data in it: it is in every webhook.
    #[must_use]
    pub fn set_vendor_data(mut self, vendor_data: impl Into<Masked>) -> Self {
        self.verification.vendor_data = Some(vendor_data.into());
        self
    }

    /// Sets your end-user, a UUID.
    #[must_use]
    pub fn set_end_user_id(mut self, end_user_id: impl Into<Masked>) -> Self {
        self.verification.end_user_id = Some(end_user_id.into());
        self
    }

    /// Sets the consents that were given before.
    #[must_use]
    pub fn set_consents(mut self, consents: impl IntoIterator<Item = GivenConsent>) -> Self {
        self.verification.consents = consents.into_iter().collect();
        self
    }
}

impl WantedSession {
    /// The rules of the page and of the table of codes: what breaks one is refused by Veriff with the code in parentheses.
    fn check(&self) -> Result<(), InvalidRequest> {
        let person = self.person.as_ref();
        let document = self.document.as_ref();
        let birth = person.and_then(|person| person.date_of_birth.as_ref());
        let issue = document.and_then(|document| document.first_issue.as_ref());
        let gender = person.and_then(|person| person.gender.as_ref());
        let number = document.and_then(|document| document.number.as_ref());
        let country = document.and_then(|document| document.country.as_ref());
        let kind = document.and_then(|document| document.kind.as_ref());
        let kinds = self.consents.iter().map(|consent| consent.kind.as_str());
        let rules = [
            // 1500
            rule(
                &self.vendor_data,
                "verification.vendorData",
                "must be 1 to 1,000 characters",
                |text| (1..=1000).contains(&text.chars().count()),
            ),
            rule(
                &self.end_user_id,
                "verification.endUserId",
                "must be a UUID",
                is_uuid,
            ),
            // 1203
            rule(
                birth,
                "verification.person.dateOfBirth",
                "must be a day as YYYY-MM-DD",
                is_day,
            ),
            rule(
                issue,
                "verification.document.firstIssue",
                "must be a day as YYYY-MM-DD",
                is_day,
            ),
            rule(
                gender,
                "verification.person.gender",
                "must be M, MALE, F or FEMALE",
                |text| ["M", "MALE", "F", "FEMALE"].contains(&text),
            ),
            // 2102
            rule(
                number,
                "verification.document.number",
                "must be letters and digits",
                |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            ),
            rule(
                country,
                "verification.document.country",
                "must be two capital letters",
                |text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
            ),
        ];
        rules.into_iter().collect::<Result<(), _>>()?;
        // 1302
        if let Some(callback) = &self.callback {
            check_web_url("verification.callback", callback.expose())?;
            if !callback
                .expose()
                .to_ascii_lowercase()
                .starts_with("https://")
            {
                return Err(InvalidRequest::new(
                    "verification.callback",
                    "must be an https URL",
                ));
            }
        }
        if kind.is_some_and(|kind| kind.as_str().is_empty()) {
            return Err(InvalidRequest::new(
                "verification.document.type",
                "must not be empty",
            ));
        }
        if let Some(index) = kinds.into_iter().position(str::is_empty) {
            return Err(InvalidRequest::new(
                format!("verification.consents[{index}].type"),
                "must not be empty",
            ));
        }
        Ok(())
    }
}

/// Checks a member that is there.
fn rule<'a>(
    member: impl Into<Option<&'a Masked>>,
    field: &'static str,
    rule: &'static str,
    holds: impl FnOnce(&str) -> bool,
) -> Result<(), InvalidRequest> {
    match member.into() {
        Some(member) if !holds(member.expose()) => Err(InvalidRequest::new(field, rule)),
        _ => Ok(()),
    }
}

/// Whether it is `8-4-4-4-12` hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let hexadecimal = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.split('-').all(hexadecimal)
}

/// Whether it is a day of the calendar in the form `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = text.split('-').map(str::len).eq([4, 2, 2]) && text.split('-').all(digits);
    is_date && text.parse::<Date>().is_ok_and(|day| day.year() > 0)
}

impl Endpoint for CreateSession {
    type Provider = Veriff;
    type Output = SessionReply;

    const OPERATION: Operation = Operation::new(
        "create-session",
        "POST /v1/sessions",
        // Each call makes another session; no idempotency key is documented.
        Idempotency::Unsafe,
    )
    .settled_by(
        "create another one: no look-up by your own reference is documented, and a session whose URL nobody has is not \
         started and expires after 7 days",
    )
    .documented(Mark::Docs);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Veriff>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        self.verification.check()?;
        request.json(self)
    }

    fn lint(&self, findings: &mut Findings<'_>) {
        let person = self.verification.person.as_ref();
        let names = [
            (
                "verification.person.firstName",
                person.and_then(|person| person.first_name.as_ref()),
            ),
            (
                "verification.person.lastName",
                person.and_then(|person| person.last_name.as_ref()),
            ),
            (
                "verification.address.fullAddress",
                (self.verification.address.as_ref()).map(|address| &address.full_address),
            ),
        ];
        for (field, text) in names {
            findings.free_text(field, text.map_or("", |text| text.expose()));
        }
    }

    fn response(&self, response: &Verified) -> Result<SessionReply, ResponseError> {
        let reply: SessionReply = lenient::reply(response, &INFORMATIONAL)?;
        refused(response, reply.status.as_ref(), true)?;
        // The person is sent there: not to another scheme, such as `javascript:`.
        let url = reply.verification.url.as_ref();
        check_person_url("verification.url", url.map_or("", |url| url.expose()))
            .map_err(|_| DecodeError::missing_data("$.verification.url"))?;
        Ok(reply)
    }
}
