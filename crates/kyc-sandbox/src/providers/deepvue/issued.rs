//! The documents of an invented person: as they are listed, and as files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::options::FileForm;
use crate::exchange::Json;
use crate::invented::{Identity, Subject, pdf, png};
use crate::state::digilocker::DocumentKind;
use crate::state::{PanScript, Picture, day_in_india, in_india};

/// How many days a consent lasts, as in the documented example.
const CONSENT_DAYS: i64 = 30;

/// What the list says of a kind of document: key, code, issuer and the issuer's name.
pub(super) struct Listed {
    pub(super) uri: &'static str,
    pub(super) doctype: &'static str,
    issuer_id: &'static str,
    issuer: &'static str,
}

pub(super) fn listed(kind: DocumentKind) -> Listed {
    match kind {
        DocumentKind::Aadhaar => Listed {
            uri: "in.gov.uidai-ADHAR-invented0001",
            doctype: "ADHAR",
            issuer_id: "in.gov.uidai",
            issuer: "Invented Aadhaar issuer",
        },
        DocumentKind::Pan => Listed {
            uri: "in.gov.pan-PANCR-invented0002",
            doctype: "PANCR",
            issuer_id: "in.gov.pan",
            issuer: "Invented PAN issuer",
        },
        DocumentKind::Licence => Listed {
            uri: "in.gov.transport-DRVLC-invented0003",
            doctype: "DRVLC",
            issuer_id: "in.gov.transport",
            issuer: "Invented licence issuer",
        },
    }
}

/// When a consent ends that is given now, in Unix seconds: at the end of a day in India.
pub(super) fn consent_ends(now_ms: i64) -> i64 {
    let day = consent_day(now_ms).saturating_add(1.day());
    let epoch = in_india(Timestamp::UNIX_EPOCH);
    let seconds = day.at(0, 0, 0, 0).duration_since(epoch).as_secs();
    seconds.saturating_sub(1)
}

/// The last day of a consent that is given now.
pub(crate) fn consent_day(now_ms: i64) -> Date {
    day_in_india(now_ms).saturating_add(CONSENT_DAYS.days())
}

impl Listed {
    /// The entry of the list.
    pub(super) fn entry(&self, now_ms: i64) -> Json {
        let yesterday = day_in_india(now_ms).saturating_sub(1.day());
        Json::Object(vec![
            ("name", "Invented document".into()),
            ("type", "file".into()),
            ("size", "".into()),
            ("date", format!("{yesterday}T00:00:00+05:30").into()),
            ("parent", "".into()),
            (
                "mime",
                Json::List(vec!["application/pdf".into(), "application/xml".into()]),
            ),
            ("uri", self.uri.into()),
            ("doctype", self.doctype.into()),
            ("description", "Invented document".into()),
            ("issuerid", self.issuer_id.into()),
            ("issuer", self.issuer.into()),
        ])
    }
}

/// The face of a person, in base64.
pub(super) fn photo(person: &Identity) -> String {
    STANDARD.encode(png(Subject::Face, person.seed, Picture::Good))
}

/// The parts of a person's address in the order of an e-Aadhaar, by their names there and in its XML.
pub(super) fn address(person: &Identity) -> [(&'static str, &'static str, String); 9] {
    [
        ("care_of", "co", "INVENTED PARENT".to_owned()),
        ("district", "dist", "Sample District".to_owned()),
        ("house", "house", person.house.to_string()),
        ("locality", "loc", String::new()),
        ("street", "street", "Sample Street".to_owned()),
        ("vtc", "vtc", "Sample Town".to_owned()),
        ("pincode", "pc", "560000".to_owned()),
        ("state", "state", "Karnataka".to_owned()),
        ("country", "country", "India".to_owned()),
    ]
}

pub(super) fn masked_uid(person: &Identity) -> String {
    format!("xxxxxxxx{}", person.last_four)
}

/// A document in this form.
pub(super) fn file(
    form: FileForm,
    kind: DocumentKind,
    person: &Identity,
    pan: Option<PanScript>,
    now_ms: i64,
    link: impl FnOnce() -> String,
) -> String {
    match form {
        FileForm::PdfBase64 => STANDARD.encode(as_pdf(kind, person, pan, now_ms)),
        FileForm::Xml => as_xml(kind, person, pan, now_ms),
        FileForm::XmlBase64 => STANDARD.encode(as_xml(kind, person, pan, now_ms)),
        FileForm::Link => link(),
    }
}

pub(super) fn as_pdf(
    kind: DocumentKind,
    person: &Identity,
    pan: Option<PanScript>,
    now_ms: i64,
) -> Vec<u8> {
    let (title, mut lines) = match kind {
        DocumentKind::Aadhaar => {
            let parts = address(person).map(|(_, _, text)| text);
            let parts = parts.iter().filter(|part| !part.is_empty());
            let address: Vec<&str> = parts.map(String::as_str).collect();
            let lines = vec![
                format!("Name: {}", person.name),
                format!("Date of birth: {}", person.birth.strftime("%d-%m-%Y")),
                format!("Number: {}", masked_uid(person)),
                format!("Address: {}", address.join(", ")),
            ];
            ("e-Aadhaar", lines)
        }
        DocumentKind::Pan => {
            let (name, birth) = person.on_pan(pan);
            let lines = vec![
                format!("Name: {name}"),
                format!("Date of birth: {}", birth.strftime("%d-%m-%Y")),
                format!("Permanent account number: {}", person.pan),
                format!("Status: {}", pan_status(pan).1),
            ];
            ("PAN card", lines)
        }
        DocumentKind::Licence => {
            let valid = day_in_india(now_ms).saturating_add(10.years());
            let lines = vec![
                format!("Name: {}", person.name),
                format!("Date of birth: {}", person.birth.strftime("%d-%m-%Y")),
                format!("Licence number: {}", person.licence),
                format!("Valid until: {}", valid.strftime("%d-%m-%Y")),
            ];
            ("Driving licence", lines)
        }
    };
    lines.push(format!(
        "Issued on: {}",
        day_in_india(now_ms)
            .saturating_sub(1.day())
            .strftime("%d-%m-%Y")
    ));
    pdf(title, &lines)
}

fn pan_status(pan: Option<PanScript>) -> (&'static str, &'static str) {
    match pan {
        Some(PanScript::Inactive) => ("I", "not in use"),
        _ => ("A", "in use"),
    }
}

fn as_xml(kind: DocumentKind, person: &Identity, pan: Option<PanScript>, now_ms: i64) -> String {
    // Nobody signed it: what a signature looks like, over nothing.
    let signature = "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo/>\
        <SignatureValue>U2FuZGJveC4gSW52ZW50ZWQu</SignatureValue></Signature>";
    let issued = day_in_india(now_ms).saturating_sub(1.day());
    let issued = issued.strftime("%d-%m-%Y");
    let birth = |date: Date| date.strftime("%d-%m-%Y").to_string();
    let gender = person.gender;
    let certificate = |name: &str,
                       doctype: &str,
                       number: &str,
                       status: &str,
                       who: (&str, Date),
                       data: &str| {
        format!(
            "<Certificate name=\"{name}\" type=\"{doctype}\" number=\"{number}\" issueDate=\"{issued}\" status=\"{status}\">\
             <IssuedTo><Person name=\"{}\" dob=\"{}\" gender=\"{gender}\"/></IssuedTo>\
             <CertificateData>{data}</CertificateData>{signature}</Certificate>",
            who.0,
            birth(who.1)
        )
    };
    let content = match kind {
        DocumentKind::Aadhaar => {
            let parts = address(person);
            let parts = parts
                .iter()
                .map(|(_, name, text)| format!(" {name}=\"{text}\""));
            format!(
                "<Certificate name=\"Invented e-Aadhaar\" type=\"ADHAR\" status=\"A\"><CertificateData><KycRes ret=\"Y\">\
                 <UidData uid=\"{}\"><Poi name=\"{}\" dob=\"{}\" gender=\"{gender}\"/><Poa{}/><Pht>{}</Pht></UidData>\
                 </KycRes></CertificateData>{signature}</Certificate>",
                masked_uid(person),
                person.name,
                birth(person.birth),
                parts.collect::<String>(),
                photo(person)
            )
        }
        DocumentKind::Pan => {
            let (name, born) = person.on_pan(pan);
            let (status, _) = pan_status(pan);
            let data = format!("<PAN verifiedOn=\"{issued}\"/>");
            certificate(
                "Invented PAN card",
                "PANCR",
                &person.pan,
                status,
                (&name, born),
                &data,
            )
        }
        DocumentKind::Licence => {
            let valid = day_in_india(now_ms).saturating_add(10.years());
            let data = format!("<DrivingLicense validUpto=\"{}\"/>", birth(valid));
            let who = (person.name.as_str(), person.birth);
            certificate(
                "Invented driving licence",
                "DRVLC",
                &person.licence,
                "A",
                who,
                &data,
            )
        }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{content}")
}
