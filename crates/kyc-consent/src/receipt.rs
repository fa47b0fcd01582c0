//! What was agreed: a consent record in the fields of ISO/IEC TS 27560:2023.

use jiff::Timestamp;
use provider_core::InvalidRequest;
use serde::{Deserialize, Serialize};

use crate::ids::{Code, DataKind, ProviderName, Purpose, ReceiptId, Rule, Subject};
use crate::notice::{Notice, required};

/// On what the processing rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The person's consent. A withdrawal ends it.
    Consent,
    /// A duty under this rule. A withdrawal does not touch it.
    LegalDuty(Rule),
}

/// A party: `party_id`, `party_name`, `party_address`, `party_contact` of ISO/IEC TS 27560.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// An identifier within the record, such as an address on the web or a company's registration.
    pub id: String,
    /// The legal name.
    pub name: String,
    /// The postal address.
    pub address: String,
    /// How to reach it: an e-mail address, a telephone number or an address on the web.
    pub contact: String,
}

/// A party that receives data, with the name of the client that sends it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The provider, as the clients name it.
    pub provider: ProviderName,
    /// Who it is.
    pub party: Party,
}

/// What a receipt is made of. Every field is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The notice that was shown: `privacy_notice`, `language`, `service`, `withdrawal_method`, `privacy_rights`.
    pub notice: Notice,
    /// The purposes that were agreed to, of those in the notice: `purpose`.
    pub purposes: Vec<Purpose>,
    /// The kinds of data, of those in the notice: `pii_information`, `pii_type`.
    pub kinds: Vec<DataKind>,
    /// Who decides about the data: `pii_controllers`, the Act's Data Fiduciary.
    pub controller: Party,
    /// Who receives data: `recipient_third_parties`.
    pub recipients: Vec<Recipient>,
    /// Where data is stored, as codes of countries or regions such as `IN`: `storage_locations`.
    pub storage_locations: Vec<String>,
    /// How long data is kept, as an ISO 8601 duration such as `P5Y`: `retention_period`.
    pub retention: String,
    /// By which channel consent was given, such as `app` or `branch`: `collection_method`.
    pub channel: Code,
    /// When: `event_time`.
    pub given_at: Timestamp,
    /// Until when it is valid: `validity_duration`.
    pub expires_at: Timestamp,
    /// On what it rests: `lawful_basis`.
    pub basis: Basis,
}

/// A receipt: who agreed to what, when, after which notice. It is kept sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    id: ReceiptId,
    subject: Subject,
    notice: Notice,
    purposes: Vec<Purpose>,
    kinds: Vec<DataKind>,
    controller: Party,
    recipients: Vec<Recipient>,
    storage_locations: Vec<String>,
    retention: String,
    channel: Code,
    given_at: Timestamp,
    expires_at: Timestamp,
    basis: Basis,
}

impl Receipt {
    /// A receipt of `subject`, with an id of its own.
    ///
    /// # Errors
    ///
    /// A purpose or a kind that the notice does not name, an empty field or list, a retention that is no ISO 8601 duration, a
    /// storage location that is no code, or an end that is not after the beginning. The error names the field.
    pub fn new(subject: Subject, terms: Terms) -> Result<Self, InvalidRequest> {
        let Terms {
            notice,
            purposes,
            kinds,
            controller,
            recipients,
            storage_locations,
            retention,
            channel,
            given_at,
            expires_at,
            basis,
        } = terms;
        within("purposes", &purposes, notice.purposes())?;
        within("kinds", &kinds, notice.data())?;
        check_party(&controller)?;
        if recipients.is_empty() {
            return Err(InvalidRequest::new("recipients", "must have at least one"));
        }
        for recipient in &recipients {
            check_party(&recipient.party)?;
        }
        let is_code = |text: &String| {
            (2..=8).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if storage_locations.is_empty() || !storage_locations.iter().all(is_code) {
            let rule = "must be codes of countries or regions such as `IN` or `IN-MH`";
            return Err(InvalidRequest::new("storage_locations", rule));
        }
        let duration = retention.parse::<jiff::Span>();
        if !retention.starts_with('P') || !duration.is_ok_and(|span| span.is_positive()) {
            let rule = "must be an ISO 8601 duration such as `P5Y`";
            return Err(InvalidRequest::new("retention", rule));
        }
        if expires_at <= given_at {
            return Err(InvalidRequest::new(
                "expires_at",
                "must be after `given_at`",
            ));
        }
        Ok(Self {
            id: ReceiptId::random()?,
            subject,
            notice,
            purposes,
            kinds,
            controller,
            recipients,
            storage_locations,
            retention,
            channel,
            given_at: whole(given_at),
            expires_at: whole(expires_at),
            basis,
        })
    }

    /// Its id.
    pub fn id(&self) -> ReceiptId {
        self.id
    }

    /// Whose it is.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// The notice that was shown.
    pub fn notice(&self) -> &Notice {
        &self.notice
    }

    /// The purposes.
    pub fn purposes(&self) -> &[Purpose] {
        &self.purposes
    }

    /// The kinds of data.
    pub fn kinds(&self) -> &[DataKind] {
        &self.kinds
    }

    /// Who decides about the data.
    pub fn controller(&self) -> &Party {
        &self.controller
    }

    /// Who receives data.
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// Where data is stored.
    pub fn storage_locations(&self) -> &[String] {
        &self.storage_locations
    }

    /// How long data is kept, as an ISO 8601 duration.
    pub fn retention(&self) -> &str {
        &self.retention
    }

    /// By which channel it was given.
    pub fn channel(&self) -> &Code {
        &self.channel
    }

    /// When it was given.
    pub fn given_at(&self) -> Timestamp {
        self.given_at
    }

    /// Until when it is valid.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// On what it rests.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}

/// Without what a store does not keep: parts of a microsecond.
pub(crate) fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

fn within<T: PartialEq>(
    field: &'static str,
    chosen: &[T],
    told: &[(T, String)],
) -> Result<(), InvalidRequest> {
    let is_told = |item: &T| told.iter().any(|(other, _)| other == item);
    match () {
        () if chosen.is_empty() => Err(InvalidRequest::new(field, "must have at least one")),
        () if !chosen.iter().all(is_told) => Err(InvalidRequest::new(
            field,
            "must be among those that the notice names",
        )),
        () => Ok(()),
    }
}

fn check_party(party: &Party) -> Result<(), InvalidRequest> {
    required("party.id", &party.id)?;
    required("party.name", &party.name)?;
    required("party.address", &party.address)?;
    required("party.contact", &party.contact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_receipt_says_nothing_that_the_notice_did_not() {
        type Change = fn(&mut Terms);
        let changes: [(&str, Change); 13] = [
            ("purposes", |terms| terms.purposes.clear()),
            ("purposes", |terms| {
                terms.purposes.push(Purpose::new("marketing").unwrap())
            }),
            ("kinds", |terms| terms.kinds.clear()),
            ("kinds", |terms| {
                terms.kinds.push(DataKind::new("contacts").unwrap())
            }),
            ("party.name", |terms| terms.controller.name.clear()),
            ("party.contact", |terms| {
                terms.recipients[0].party.contact.clear()
            }),
            ("recipients", |terms| terms.recipients.clear()),
            ("storage_locations", |terms| terms.storage_locations.clear()),
            ("storage_locations", |terms| {
                terms.storage_locations[0] = "Mumbai".to_owned()
            }),
            ("retention", |terms| {
                terms.retention = "five years".to_owned()
            }),
            ("retention", |terms| terms.retention = "P0D".to_owned()),
            ("expires_at", |terms| terms.expires_at = terms.given_at),
            ("party.address", |terms| terms.controller.address.clear()),
        ];
        let subject = Subject::random().unwrap();
        for (field, change) in changes {
            let mut terms = testing::terms();
            change(&mut terms);
            assert_eq!(Receipt::new(subject, terms).unwrap_err().field(), field);
        }
        let receipt = Receipt::new(subject, testing::terms()).unwrap();
        assert_eq!(receipt.subject(), subject);
    }

    #[test]
    fn a_receipt_survives_being_written() {
        let receipt = testing::receipt();
        let json = serde_json::to_string(&receipt).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&json).unwrap(), receipt);
    }
}
