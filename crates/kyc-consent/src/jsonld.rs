//! Consent records and receipts of ISO/IEC TS 27560:2023 as JSON-LD, by the profile `dpv-27560` of the Data Privacy Vocabulary.
//!
//! The names are those of DPV 2.2, its Indian extension, the profile and its guide, as the community group's repository has
//! them. The profile calls itself a draft, and two of its profiles are used: [`RECORD`] and [`RECEIPT`]. It says nothing about
//! India's Act, so the Act, its Board and India's location are named by the terms of the extension, which has no others;
//! whatever else the Act asks for is in the notice that the record refers to. No validator for the profile is known, so none
//! was run.

use jiff::Timestamp;
use provider_core::{InvalidRequest, check_web_url};
use serde_json::{Map, Value, json};

use crate::entry::EntryKind;
use crate::receipt::{Basis, Party, Receipt};

/// The profile of consent records.
pub const RECORD: &str = "https://w3id.org/dpv/schema/dpv-27560#record";
/// The profile of consent receipts. The page names it `dpv-27560:receipt-record`, the vocabulary and the page's link this.
pub const RECEIPT: &str = "https://w3id.org/dpv/schema/dpv-27560#receipt";

/// Prefixes and what they stand for.
const CONTEXT: [(&str, &str); 6] = [
    ("dct", "http://purl.org/dc/terms/"),
    ("dpv", "https://w3id.org/dpv#"),
    ("legal-in", "https://w3id.org/dpv/legal/in#"),
    ("loc", "https://w3id.org/dpv/loc#"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("schema", "https://schema.org/"),
];

/// Something that happened to a consent: `event_time` and `event_state` of ISO/IEC TS 27560.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What. Kinds that are no state of a consent are left out.
    pub kind: EntryKind,
}

/// The consent record of a receipt and what happened to it. `base` is the address below which the application names its
/// receipts, notices and people; nothing has to answer there.
///
/// # Errors
///
/// A base that is no address on the web with a `/` at its end, or a receipt of a legal duty, which is no consent.
pub fn record(receipt: &Receipt, events: &[Event], base: &str) -> Result<Value, InvalidRequest> {
    document(
        receipt,
        events,
        base,
        "dpv:ConsentRecord",
        RECORD,
        Map::new(),
    )
}

/// The receipt of that record, issued to the person: a copy of the record, as the profile has it.
///
/// # Errors
///
/// As for [`record`].
pub fn receipt(
    receipt: &Receipt,
    events: &[Event],
    base: &str,
    issued_at: Timestamp,
) -> Result<Value, InvalidRequest> {
    let source = json!({ "@id": format!("{base}record/{}", receipt.id()) });
    let own = Map::from_iter([
        ("dct:issued".to_owned(), json!(issued_at)),
        ("dct:source".to_owned(), source),
    ]);
    document(receipt, events, base, "dpv:ConsentReceipt", RECEIPT, own)
}

fn document(
    receipt: &Receipt,
    events: &[Event],
    base: &str,
    kind: &str,
    profile: &str,
    own: Map<String, Value>,
) -> Result<Value, InvalidRequest> {
    check_web_url("base", base)?;
    if !base.ends_with('/') {
        return Err(InvalidRequest::new("base", "must end with `/`"));
    }
    if let Basis::LegalDuty(_) = receipt.basis() {
        return Err(InvalidRequest::new(
            "basis",
            "a legal duty has no record of consent",
        ));
    }
    let notice = receipt.notice();
    let subject = format!("{base}person/{}", receipt.subject());
    let name = kind.rsplit_once("Consent").map_or(kind, |(_, name)| name);
    let name = name.to_lowercase();
    let mut entities = vec![entity(receipt.controller(), "dpv:DataController")];
    let recipients = receipt.recipients().iter();
    entities.extend(recipients.map(|recipient| entity(&recipient.party, "dpv:Recipient")));
    let described = |kind: &str, code: &str, words: Option<&String>| json!({ "@type": kind, "dct:identifier": code, "dct:description": words });
    let purposes = receipt.purposes().iter().map(|purpose| {
        let told = notice.purposes().iter().find(|(told, _)| told == purpose);
        described(
            "dpv:Purpose",
            purpose.as_str(),
            told.map(|(_, words)| words),
        )
    });
    let kinds = receipt.kinds().iter().map(|kind| {
        let told = notice.data().iter().find(|(told, _)| told == kind);
        described(
            "dpv:PersonalData",
            kind.as_str(),
            told.map(|(_, words)| words),
        )
    });
    let locations = receipt.storage_locations().iter();
    let mut storage: Vec<Value> = locations
        .map(|code| {
            let location = json!({ "@id": format!("loc:{code}") });
            json!({ "@type": "dpv:StorageLocation", "dpv:hasLocation": location })
        })
        .collect();
    let duration = json!({ "@type": "dpv:TemporalDuration", "rdf:value": receipt.retention() });
    storage.push(json!({ "@type": "dpv:StorageDuration", "dpv:hasDuration": duration }));
    let refer = |party: &Party| json!({ "@id": party.id });
    let process = json!({
        "@type": "dpv:Process",
        "dpv:hasPurpose": purposes.collect::<Vec<_>>(),
        "dpv:hasPersonalData": kinds.collect::<Vec<_>>(),
        "dpv:hasLegalBasis": { "@id": "dpv:Consent" },
        "dpv:hasDataController": refer(receipt.controller()),
        "dpv:hasRecipient": receipt.recipients().iter().map(|to| refer(&to.party)).collect::<Vec<_>>(),
        "dpv:hasStorageCondition": storage,
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": notice.withdraw(),
        },
        "dpv:hasRight": { "@type": "dpv:DataSubjectRight", "dpv:isExercisedAt": notice.rights() },
        "dpv:hasAuthority": { "@id": "legal-in:DPA-IN", "dpv:hasContact": notice.complain() },
        "dpv:hasService": { "@type": "dpv:Service", "dct:title": notice.service() },
        "dpv:hasJurisdiction": { "@id": "loc:IN" },
        "dpv:hasApplicableLaw": { "@id": "legal-in:law-DPDP" },
    });
    let states = events.iter().filter_map(|event| {
        let mut state = json!({
            "@type": status(event.kind)?,
            "dct:date": event.at,
            "dpv:isIndicatedBy": { "@id": subject },
        });
        if let (EntryKind::Given | EntryKind::Renewed, Some(state)) =
            (event.kind, state.as_object_mut())
        {
            let valid = format!("{}/{}", receipt.given_at(), receipt.expires_at());
            state.insert("dct:valid".to_owned(), json!(valid));
            state.insert(
                "dpv:hasIndicationMethod".to_owned(),
                json!(receipt.channel()),
            );
        }
        Some(state)
    });
    let mut document = json!({
        "@context": CONTEXT.iter().map(|(prefix, iri)| ((*prefix).to_owned(), json!(iri))).collect::<Map<_, _>>(),
        "@id": format!("{base}{name}/{}", receipt.id()),
        "@type": kind,
        "dct:conformsTo": { "@id": profile },
        "dct:identifier": receipt.id(),
        "dpv:hasDataSubject": {
            "@id": subject,
            "@type": "dpv:DataSubject",
            "dct:identifier": receipt.subject(),
        },
        "dpv:hasNotice": {
            "@id": format!("{base}notice/{}/{}", path(notice.id()), path(notice.version())),
            "@type": "dpv:ConsentNotice",
            "dct:identifier": notice.id(),
            "dct:language": notice.language(),
            "schema:version": notice.version(),
            "schema:sha256": notice.text(),
        },
        "dpv:hasProcess": [process],
        "dpv:hasConsentStatus": states.collect::<Vec<_>>(),
        "dpv:hasEntity": entities,
    });
    if let Some(document) = document.as_object_mut() {
        document.extend(own);
    }
    Ok(document)
}

fn entity(party: &Party, role: &str) -> Value {
    json!({
        "@id": party.id,
        "@type": ["dpv:LegalEntity", role],
        "dpv:hasIdentifier": party.id,
        "dpv:hasName": party.name,
        "dpv:hasAddress": party.address,
        "dpv:hasContact": party.contact,
    })
}

/// The state of the consent after such an entry.
fn status(kind: EntryKind) -> Option<&'static str> {
    match kind {
        EntryKind::Requested => Some("dpv:ConsentRequested"),
        EntryKind::Given => Some("dpv:ConsentGiven"),
        EntryKind::Refused => Some("dpv:ConsentRefused"),
        EntryKind::Renewed => Some("dpv:RenewedConsentGiven"),
        EntryKind::Withdrawn => Some("dpv:ConsentWithdrawn"),
        EntryKind::Expired => Some("dpv:ConsentExpired"),
        EntryKind::Artefact
        | EntryKind::Used
        | EntryKind::Erased
        | EntryKind::Held
        | EntryKind::Released
        | EntryKind::ArtefactEnded
        | EntryKind::Deleted => None,
    }
}

/// A segment of an address.
fn path(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                segment.push(byte.into())
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::testing;

    const BASE: &str = "https://lender.example.test/consent/";

    /// The terms that were read in their sources: DPV 2.2's modules and its Indian extension, the profile's guide and table.
    const READ: [&str; 50] = [
        "dct:conformsTo",
        "dct:date",
        "dct:description",
        "dct:identifier",
        "dct:issued",
        "dct:language",
        "dct:source",
        "dct:title",
        "dct:valid",
        "dpv:Consent",
        "dpv:ConsentExpired",
        "dpv:ConsentGiven",
        "dpv:ConsentNotice",
        "dpv:ConsentReceipt",
        "dpv:ConsentRecord",
        "dpv:ConsentRefused",
        "dpv:ConsentRequested",
        "dpv:ConsentWithdrawn",
        "dpv:DataController",
        "dpv:DataSubject",
        "dpv:DataSubjectRight",
        "dpv:LegalEntity",
        "dpv:PersonalData",
        "dpv:Process",
        "dpv:Purpose",
        "dpv:Recipient",
        "dpv:RenewedConsentGiven",
        "dpv:Service",
        "dpv:StorageDuration",
        "dpv:StorageLocation",
        "dpv:TemporalDuration",
        "dpv:WithdrawConsent",
        "dpv:hasApplicableLaw",
        "dpv:hasAuthority",
        "dpv:hasConsentControl",
        "dpv:hasConsentStatus",
        "dpv:hasDataController",
        "dpv:hasDataSubject",
        "dpv:hasDuration",
        "dpv:hasEntity",
        "dpv:hasIndicationMethod",
        "dpv:hasJurisdiction",
        "dpv:hasLegalBasis",
        "dpv:hasNotice",
        "dpv:hasPersonalData",
        "dpv:hasProcess",
        "dpv:isExercisedAt",
        "dpv:isIndicatedBy",
        "legal-in:DPA-IN",
        "legal-in:law-DPDP",
    ];
    const READ_TOO: [&str; 12] = [
        "dpv:hasAddress",
        "dpv:hasContact",
        "dpv:hasIdentifier",
        "dpv:hasLocation",
        "dpv:hasName",
        "dpv:hasPurpose",
        "dpv:hasRecipient",
        "dpv:hasRight",
        "dpv:hasService",
        "dpv:hasStorageCondition",
        "loc:IN",
        "rdf:value",
    ];
    /// Known, and not read in their source here.
    const NOT_READ: [&str; 2] = ["schema:sha256", "schema:version"];

    fn events() -> Vec<Event> {
        let kinds = EntryKind::ALL.into_iter().enumerate();
        kinds
            .map(|(second, kind)| Event {
                at: testing::after(second as i64),
                kind,
            })
            .collect()
    }

    fn terms<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    found.insert(name);
                    if name != "@context" {
                        terms(value, found);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| terms(item, found)),
            Value::String(text) => {
                found.insert(text);
            }
            _ => {}
        }
    }

    #[test]
    fn every_term_is_one_that_was_read_or_is_labelled() {
        let receipt = testing::receipt();
        let record = record(&receipt, &events(), BASE).unwrap();
        let issued = self::receipt(&receipt, &events(), BASE, testing::after(99)).unwrap();
        let mut found = BTreeSet::new();
        terms(&record, &mut found);
        terms(&issued, &mut found);
        let prefixed = |text: &&str| {
            CONTEXT.iter().any(|(prefix, _)| {
                text.strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with(':'))
            })
        };
        let found: BTreeSet<_> = found.into_iter().filter(prefixed).collect();
        let known = READ.iter().chain(&READ_TOO).chain(&NOT_READ);
        assert_eq!(found, known.copied().collect());
    }

    #[test]
    fn a_record_has_the_mandatory_fields_of_the_profile() {
        let receipt = testing::receipt();
        let record = record(&receipt, &events(), BASE).unwrap();
        assert_eq!(record["dct:conformsTo"]["@id"], RECORD);
        assert_eq!(record["dct:identifier"], receipt.id().to_string());
        assert_eq!(
            record["dpv:hasDataSubject"]["dct:identifier"],
            receipt.subject().to_string()
        );
        assert_eq!(record["dpv:hasNotice"]["dct:language"], "en");
        let process = &record["dpv:hasProcess"][0];
        for field in [
            "dpv:hasPurpose",
            "dpv:hasPersonalData",
            "dpv:hasStorageCondition",
            "dpv:hasDataController",
            "dpv:hasRecipient",
            "dpv:hasConsentControl",
            "dpv:hasJurisdiction",
            "dpv:hasRight",
        ] {
            assert!(!process[field].is_null(), "{field}");
        }
        let entities = record["dpv:hasEntity"].as_array().unwrap();
        assert_eq!(entities.len(), 3);
        for entity in entities {
            for field in [
                "dpv:hasName",
                "dpv:hasIdentifier",
                "dpv:hasAddress",
                "dpv:hasContact",
            ] {
                assert!(entity[field].is_string(), "{field}");
            }
        }
        let states = record["dpv:hasConsentStatus"].as_array().unwrap();
        let states: Vec<_> = states
            .iter()
            .map(|state| state["@type"].as_str().unwrap())
            .collect();
        assert_eq!(
            states,
            [
                "dpv:ConsentRequested",
                "dpv:ConsentGiven",
                "dpv:ConsentRefused",
                "dpv:RenewedConsentGiven",
                "dpv:ConsentWithdrawn",
                "dpv:ConsentExpired",
            ]
        );
    }

    #[test]
    fn a_receipt_is_a_copy_of_its_record() {
        let receipt = testing::receipt();
        let mut copy = self::receipt(&receipt, &events(), BASE, testing::after(99)).unwrap();
        assert_eq!(copy["dct:conformsTo"]["@id"], RECEIPT);
        let mut record = record(&receipt, &events(), BASE).unwrap();
        assert_eq!(copy["dct:source"]["@id"], record["@id"]);
        for document in [&mut copy, &mut record] {
            let members = document.as_object_mut().unwrap();
            members.retain(|name, _| {
                !["@id", "@type", "dct:conformsTo", "dct:issued", "dct:source"]
                    .contains(&name.as_str())
            });
        }
        assert_eq!(copy, record);
    }

    #[test]
    fn a_legal_duty_and_a_bad_base_are_refused() {
        let field = |result: Result<Value, InvalidRequest>| result.unwrap_err().field().to_owned();
        let receipt = testing::receipt();
        for base in ["", "lender", "https://lender.example.test/consent"] {
            assert_eq!(field(record(&receipt, &[], base)), "base");
        }
        let mut terms = testing::terms();
        terms.basis = Basis::LegalDuty(crate::Rule::new("pmla-rule-9").unwrap());
        let duty = Receipt::new(receipt.subject(), terms).unwrap();
        assert_eq!(field(record(&duty, &[], BASE)), "basis");
    }
}
