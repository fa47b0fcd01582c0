//! To what the persons of journeys consent.

use std::path::Path;

use kyc_consent::{
    Basis, Code, DataKind, Notice, NoticeItems, Party, Purpose, Receipt, Recipient, Subject,
};
use kyc_facade::provider_core::jiff::tz::TimeZone;
use kyc_facade::provider_core::jiff::{Span, Timestamp};
use kyc_facade::provider_core::{Clock as _, InvalidRequest, SystemClock, request_from_value};
use kyc_journey::Provider;
use serde::Deserialize;
use serde_json::json;

use crate::failure::Failure;
use crate::files::written;

const FIELD: &str = "--terms";
/// What a person of the sandbox agrees to.
pub(crate) const NOTICE: &str = "I agree that my identity is verified and my accounts are read.";

/// A notice, and what a receipt says of a consent after it.
#[derive(Debug, Clone)]
pub(crate) struct ConsentTerms {
    notice: Notice,
    purpose: Purpose,
    kinds: Vec<DataKind>,
    written: Written,
    validity: Span,
}

/// How they are written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    channel: Code,
    validity: String,
    retention: String,
    storage_locations: Vec<String>,
    notice: WrittenNotice,
    purpose: Named<Purpose>,
    data: Vec<Named<DataKind>>,
    controller: Party,
    recipients: Vec<Recipient>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenNotice {
    id: String,
    version: String,
    language: String,
    text: String,
    service: String,
    withdraw: String,
    rights: String,
    complain: String,
}

/// A code, and what it is in the notice's words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named<T> {
    name: T,
    words: String,
}

impl ConsentTerms {
    /// Reads them: JSON if the name of the file ends so, TOML otherwise.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let (text, is_json) = written::read(FIELD, path)?;
        parse(&text, is_json).map_err(|rule| Failure::configuration(FIELD, rule))
    }

    /// Those of the lender in the sandbox.
    pub(crate) fn of_the_sandbox() -> Result<Self, Failure> {
        let party = |name: &str| {
            json!({
                "id": format!("https://{name}.example.test"),
                "name": name,
                "address": "1 Made-up Road, Mumbai",
                "contact": format!("privacy@{name}.example.test"),
            })
        };
        let recipients = Provider::ALL.iter().map(|provider| {
            let name = provider.as_str();
            json!({ "provider": name, "party": party(name) })
        });
        let written = json!({
            "channel": "command",
            "validity": "P1Y",
            "retention": "P1Y",
            "storage_locations": ["IN"],
            "notice": {
                "id": "sandbox",
                "version": "1",
                "language": "en",
                "text": NOTICE,
                "service": "a loan",
                "withdraw": "https://lender.example.test/withdraw",
                "rights": "https://lender.example.test/rights",
                "complain": "https://lender.example.test/complain",
            },
            "purpose": { "name": "customer-onboarding", "words": "to accept you as a customer" },
            "data": [
                { "name": "identity-document", "words": "your documents and your identity" },
                { "name": "bank-account", "words": "your accounts and what happened on them" },
            ],
            "controller": party("lender"),
            "recipients": recipients.collect::<Vec<_>>(),
        });
        Ok(Self::of(request_from_value(written)?)?)
    }

    fn of(written: Written) -> Result<Self, InvalidRequest> {
        check_parties(&written)?;
        let validity = written.validity.parse::<Span>().ok();
        let validity =
            validity.filter(|span| written.validity.starts_with('P') && span.is_positive());
        let validity = validity.ok_or_else(|| {
            InvalidRequest::new("validity", "must be an ISO 8601 duration such as `P1Y`")
        })?;
        let of = written.notice.clone();
        let items = NoticeItems {
            data: pairs(&written.data),
            purposes: pairs(std::slice::from_ref(&written.purpose)),
            service: of.service,
            withdraw: of.withdraw,
            rights: of.rights,
            complain: of.complain,
        };
        let notice = Notice::new(&of.id, &of.version, &of.language, &of.text, items);
        let notice = notice.map_err(|error| match error.field() {
            "notice.data" => error.for_field("data"),
            "notice.purposes" => error.for_field("purpose"),
            _ => error,
        })?;
        let terms = Self {
            notice,
            purpose: written.purpose.name.clone(),
            kinds: written.data.iter().map(|kind| kind.name.clone()).collect(),
            validity,
            written,
        };
        // What a receipt refuses is refused now.
        terms.receipt(Subject::random()?)?;
        Ok(terms)
    }

    /// The notice that persons are shown.
    pub(crate) fn notice(&self) -> &Notice {
        &self.notice
    }

    /// The notice as it is shown.
    pub(crate) fn notice_text(&self) -> &str {
        &self.written.notice.text
    }

    /// For what data is used.
    pub(crate) fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// Which data.
    pub(crate) fn kinds(&self) -> &[DataKind] {
        &self.kinds
    }

    /// Refuses terms by which a provider receives nothing that is to be called.
    pub(crate) fn cover(&self, providers: &[Provider]) -> Result<(), Failure> {
        let is_named = |provider: &&Provider| {
            let mut recipients = self.written.recipients.iter();
            recipients.any(|recipient| recipient.provider.as_str() == provider.as_str())
        };
        match providers.iter().find(|provider| !is_named(provider)) {
            None => Ok(()),
            Some(missing) => {
                let rule = format!(
                    "recipients: must name {}, which is set up",
                    missing.as_str()
                );
                Err(Failure::configuration(FIELD, rule))
            }
        }
    }

    /// A receipt of a person who consents now.
    pub(crate) fn receipt(&self, subject: Subject) -> Result<Receipt, InvalidRequest> {
        let (written, now) = (&self.written, SystemClock.now());
        let terms = kyc_consent::Terms {
            notice: self.notice.clone(),
            purposes: vec![self.purpose.clone()],
            kinds: self.kinds.clone(),
            controller: written.controller.clone(),
            recipients: written.recipients.clone(),
            storage_locations: written.storage_locations.clone(),
            retention: written.retention.clone(),
            channel: written.channel.clone(),
            given_at: now,
            expires_at: self.end(now).unwrap_or(now),
            basis: Basis::Consent,
        };
        Receipt::new(subject, terms).map_err(|error| match error.field() {
            "expires_at" => InvalidRequest::new("validity", "must end within the calendar"),
            _ => error,
        })
    }

    fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let end = now.to_zoned(TimeZone::UTC).checked_add(self.validity);
        end.ok().map(|end| end.timestamp())
    }
}

/// The terms, or the rule that the text breaks: where, and no value of it.
fn parse(text: &str, is_json: bool) -> Result<ConsentTerms, String> {
    let written = written::value(text, is_json).and_then(request_from_value);
    let terms = written.and_then(ConsentTerms::of);
    terms.map_err(|error| written::place(&error))
}

fn pairs<T: Clone>(named: &[Named<T>]) -> Vec<(T, String)> {
    let pair = |of: &Named<T>| (of.name.clone(), of.words.clone());
    named.iter().map(pair).collect()
}

/// Receipts check this, too, and do not say which party it is.
fn check_parties(written: &Written) -> Result<(), InvalidRequest> {
    let check = |place: &str, party: &Party| {
        for (field, value) in [
            ("id", &party.id),
            ("name", &party.name),
            ("address", &party.address),
            ("contact", &party.contact),
        ] {
            if value.trim().is_empty() {
                let field = format!("{place}.{field}");
                return Err(InvalidRequest::new(field, "must not be empty"));
            }
        }
        Ok(())
    };
    check("controller", &written.controller)?;
    let known: Vec<_> = Provider::ALL.iter().map(|known| known.as_str()).collect();
    for (number, recipient) in written.recipients.iter().enumerate() {
        let place = format!("recipients[{number}]");
        if !known.contains(&recipient.provider.as_str()) {
            let rule = format!("must be one of {}", known.join(", "));
            return Err(InvalidRequest::new(format!("{place}.provider"), rule));
        }
        check(&format!("{place}.party"), &recipient.party)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the README has it.
    const TOML: &str = include_str!("../../tests/terms.toml");

    fn are_of(terms: &ConsentTerms, receipt: &Receipt) -> bool {
        *receipt.notice() == terms.notice
            && receipt.purposes() == [terms.purpose.clone()]
            && receipt.kinds() == terms.kinds
            && receipt.recipients() == terms.written.recipients
            && *receipt.basis() == Basis::Consent
    }

    #[test]
    fn terms_are_read_from_both_forms() {
        let terms = parse(TOML, false).unwrap();
        let value: serde_json::Value = toml::from_str(TOML).unwrap();
        let json = parse(&value.to_string(), true).unwrap();
        let receipt = terms.receipt(Subject::random().unwrap()).unwrap();
        assert!(are_of(&terms, &receipt) && are_of(&json, &receipt));
        assert!(terms.notice().is_text(&terms.written.notice.text));
        let days = receipt.expires_at().duration_since(receipt.given_at());
        assert!((365..=366).contains(&(days.as_hours() / 24)), "{days}");
        assert!(terms.cover(&[Provider::Veriff, Provider::FinPro]).is_ok());
        let refused = terms.cover(&[Provider::Veriff, Provider::Finpass]);
        let refused = format!("{:?}", refused.unwrap_err());
        assert!(refused.contains("must name finpass"), "{refused}");
        let sandbox = ConsentTerms::of_the_sandbox().unwrap();
        assert!(sandbox.cover(Provider::ALL).is_ok());
        assert!(!are_of(&sandbox, &receipt));
        assert!(include_str!("../../README.md").contains(TOML));
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place_and_never_by_its_value() {
        for (from, to, told) in [
            ("channel = \"app\"", "channel = \"CANARY!\"", "channel: "),
            ("channel = \"app\"", "", "channel: is required"),
            (
                "channel =",
                "chanel = 1\nchannel =",
                "chanel: is not a member",
            ),
            ("validity", "[CANARY\nvalidity", "is not TOML at line 2"),
            (
                "\"P1Y\"",
                "\"CANARY\"",
                "validity: must be an ISO 8601 duration such as `P1Y`",
            ),
            (
                "\"P1Y\"",
                "\"P0D\"",
                "validity: must be an ISO 8601 duration",
            ),
            (
                "\"P1Y\"",
                "\"P9998Y\"",
                "validity: must end within the calendar",
            ),
            ("\"P5Y\"", "\"CANARY\"", "retention: must be an ISO 8601"),
            (
                "[\"IN\"]",
                "[\"CANARY CANARY\"]",
                "storage_locations: must be codes",
            ),
            (
                "\"en\"",
                "\"CANARY\"",
                "[notice] language: must be a language tag",
            ),
            (
                "\"https://lender.example/complain\"",
                "\"CANARY\"",
                "[notice] complain: ",
            ),
            ("\"a loan\"", "\" \"", "[notice] service: must not be empty"),
            (
                "\"to open your account\"",
                "\"\"",
                "purpose: must not be empty",
            ),
            (
                "\"bank-account\"",
                "\"identity-document\"",
                "data: names an item twice",
            ),
            (
                "\"Lender Ltd\"",
                "\"\"",
                "[controller] name: must not be empty",
            ),
            (
                "\"Veriff OÜ\"",
                "\"\"",
                "[recipients[1]] party.name: must not be empty",
            ),
            (
                "provider = \"veriff\"",
                "provider = \"verif\"",
                "[recipients[1]] provider: must be one of ",
            ),
            ("recipients", "recipient", "recipient: is not a member"),
        ] {
            let text = TOML.replace(from, to);
            assert_ne!(text, TOML, "{from}");
            let error = parse(&text, false).unwrap_err();
            assert!(error.starts_with(told), "{told} in {error}");
            assert!(!error.contains("CANARY"), "{error}");
        }
        let value: serde_json::Value = toml::from_str(TOML).unwrap();
        let twice = |from: &str, to: &str| {
            let text = value.to_string();
            let text = text.replacen(from, to, 1);
            assert_ne!(text, value.to_string(), "{from}");
            parse(&text, true).unwrap_err()
        };
        assert_eq!(
            twice("\"validity\":", "\"validity\":\"CANARY\",\"validity\":"),
            "validity: must not appear twice"
        );
        assert_eq!(
            twice("\"notice\":{", "\"notice\":{\"id\":\"CANARY\","),
            "[notice] id: must not appear twice"
        );
        let unknown = twice("\"notice\":{", "\"notice\":{\"ids\":\"CANARY\",");
        assert!(unknown.starts_with("[notice] ids: is not a member"));
    }
}
