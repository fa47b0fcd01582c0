//! What follows an open session: the authorisation, the list of documents, the e-Aadhaar and single documents.
//!
//! The routes and the members of requests and successes are documented. Everything about sessions, codes and documents that are
//! not there is the sandbox's own choice, and so is the encoding of a document. The person is invented, and has no Aadhaar number
//! but its mask.

use serde_json::{Map, Value};

use super::initiate_session::{check_common, flag, refuse, required, unreadable};
use super::options::{BeforeAuthorization, DigilockerCodes, FileForm};
use super::validation::Problem;
use super::{Deepvue, Session, detail};
use crate::exchange::{Json, ReceivedRequest, Reply};

/// A document of one page without anything on it, in base64.
const PDF: &str = "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCjIgMCBvYmo8PC9UeXBlL1BhZ2VzL0tp\
ZHNbMyAwIFJdL0NvdW50IDE+PmVuZG9iagozIDAgb2JqPDwvVHlwZS9QYWdlL1BhcmVudCAyIDAgUi9NZWRpYUJveFswIDAgNzIg\
NzJdPj5lbmRvYmoKdHJhaWxlcjw8L1Jvb3QgMSAwIFI+PgolJUVPRgo=";
const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Certificate name=\"Invented document\"><IssuedTo><Person name=\"INVENTED PERSON\"/></IssuedTo></Certificate>";
const XML_BASE64: &str = "PD94bWwgdmVyc2lvbj0iMS4wIiBlbmNvZGluZz0iVVRGLTgiPz48Q2VydGlmaWNhdGUgbmFtZT0iSW52ZW50ZWQgZG9jdW1lbnQi\
PjxJc3N1ZWRUbz48UGVyc29uIG5hbWU9IklOVkVOVEVEIFBFUlNPTiIvPjwvSXNzdWVkVG8+PC9DZXJ0aWZpY2F0ZT4=";
/// The beginning and the end of a picture.
const JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q==";
/// When the consent ends, in Unix seconds: 2030-01-31T18:29:59Z, as text.
const CONSENT_ENDS: &str = "1896114599";

/// The documents of everybody: kind in a session, key, code, issuer, its name.
const FILES: [(&str, &str, &str, &str, &str); 3] = [
    (
        "aadhaar",
        "in.gov.uidai-ADHAR-invented0001",
        "ADHAR",
        "in.gov.uidai",
        "Invented Aadhaar issuer",
    ),
    (
        "pan",
        "in.gov.pan-PANCR-invented0002",
        "PANCR",
        "in.gov.pan",
        "Invented PAN issuer",
    ),
    (
        "dl",
        "in.gov.transport-DRVLC-invented0003",
        "DRVLC",
        "in.gov.transport",
        "Invented licence issuer",
    ),
];

pub(super) fn authorize(deepvue: &Deepvue, request: &ReceivedRequest) -> Reply {
    let read = read(deepvue, request, |body| {
        required(body, "digilocker_code")
            .err()
            .into_iter()
            .collect()
    });
    let (id, session, body) = match read {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let code = body.get("digilocker_code").and_then(Value::as_str);
    let is_valid = match deepvue.settings.codes() {
        DigilockerCodes::Any => true,
        DigilockerCodes::OfSession => code == Some(&format!("code-{id}")),
    };
    if session.is_authorized || !is_valid {
        return detail(400, "Invalid digilocker_code");
    }
    deepvue.sessions.update(id.clone(), |_| Session {
        is_authorized: true,
        ..session
    });
    let data = Json::Object(vec![
        ("expires_in", 3600_u16.into()),
        ("consent_valid_till", CONSENT_ENDS.into()),
        (
            "digilockerid",
            "00000000-0000-4000-8000-00000000d161".into(),
        ),
        ("name", "INVENTED PERSON".into()),
        ("dob", "31011990".into()),
        ("gender", "F".into()),
        ("eaadhaar", "Y".into()),
        ("mobile", "9000000001".into()),
    ]);
    let message = "Access token generated successfully.";
    success(deepvue, true, message, data).with_effect(id)
}

pub(super) fn list(deepvue: &Deepvue, request: &ReceivedRequest) -> Reply {
    let (_, session, _) = match authorized(deepvue, request, |_| Vec::new()) {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let files = FILES.iter().filter(|(kind, ..)| {
        session.kinds.is_empty() || session.kinds.iter().any(|wanted| wanted == kind)
    });
    let file = |(_, uri, doctype, issuer_id, issuer): &(_, &str, &str, &str, &str)| {
        Json::Object(vec![
            ("name", "Invented document".into()),
            ("type", "file".into()),
            ("size", "".into()),
            ("date", "2029-12-31T00:00:00+05:30".into()),
            ("parent", "".into()),
            (
                "mime",
                Json::List(vec!["application/pdf".into(), "application/xml".into()]),
            ),
            ("uri", (*uri).into()),
            ("doctype", (*doctype).into()),
            ("description", "Invented document".into()),
            ("issuerid", (*issuer_id).into()),
            ("issuer", (*issuer).into()),
        ])
    };
    let files = Json::List(files.map(file).collect());
    success(deepvue, false, "Issued files fetched successfully.", files)
}

pub(super) fn e_aadhaar(deepvue: &Deepvue, request: &ReceivedRequest) -> Reply {
    let mut wants_pdf = false;
    let read = authorized(deepvue, request, |body| {
        let flag = flag(&deepvue.settings, body, "generate_pdf");
        wants_pdf = flag.as_ref().is_ok_and(|flag| *flag);
        flag.err().into_iter().collect()
    });
    if let Err(refusal) = read {
        return refusal;
    }
    let identity = Json::Object(vec![
        ("dob", "31-01-1990".into()),
        ("gender", "F".into()),
        ("name", "INVENTED PERSON".into()),
    ]);
    let address = Json::Object(vec![
        ("care_of", "INVENTED PARENT".into()),
        ("district", "Sample District".into()),
        ("house", "12".into()),
        ("locality", "".into()),
        ("street", "Sample Street".into()),
        ("vtc", "Sample Town".into()),
        ("pincode", "560000".into()),
        ("state", "Karnataka".into()),
        ("country", "India".into()),
    ]);
    let data = Json::Object(vec![
        ("masked_uid", "xxxxxxxx1234".into()),
        ("proof_of_identity", identity),
        ("proof_of_address", address),
        ("photo", JPEG.into()),
        ("document_pdf", wants_pdf.then_some(PDF).into()),
    ]);
    success(deepvue, true, "Eaadhaar fetched successfully.", data)
}

pub(super) fn file(deepvue: &Deepvue, request: &ReceivedRequest) -> Reply {
    let read = authorized(deepvue, request, |body| {
        required(body, "uri").err().into_iter().collect()
    });
    let (_, _, body) = match read {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let uri = body.get("uri").and_then(Value::as_str).unwrap_or_default();
    if !FILES.iter().any(|(_, known, ..)| *known == uri) {
        return detail(*deepvue.settings.not_found_status(), "File not found");
    }
    let text = match deepvue.settings.file_form() {
        FileForm::PdfBase64 => PDF,
        FileForm::Xml => XML,
        FileForm::XmlBase64 => XML_BASE64,
        FileForm::Link => "https://documents.example.test/invented",
    };
    // The page has the text of the list.
    success(
        deepvue,
        false,
        "Issued files fetched successfully.",
        text.into(),
    )
}

type Read = (String, Session, Map<String, Value>);

/// The session that a well-formed body names, and the body.
fn read(
    deepvue: &Deepvue,
    request: &ReceivedRequest,
    check: impl FnOnce(&Map<String, Value>) -> Vec<Problem>,
) -> Result<Read, Reply> {
    const ID: &str = "initial_deepvue_transaction_id";
    let settings = &deepvue.settings;
    let body = request.json_object(*settings.content_type());
    let body = body.map_err(|problem| refuse(settings, vec![unreadable(problem)]))?;
    let mut problems = check_common(settings, &body);
    problems.extend(required(&body, ID).err());
    problems.extend(check(&body));
    if !problems.is_empty() {
        return Err(refuse(settings, problems));
    }
    let id = body.get(ID).and_then(Value::as_str).unwrap_or_default();
    let lifetime = i64::try_from(settings.session_lifetime().as_millis()).unwrap_or(i64::MAX);
    let is_open = |session: &Session| {
        deepvue
            .simulation
            .clock
            .now_ms()
            .saturating_sub(session.opened_ms)
            <= lifetime
    };
    match deepvue.sessions.get(id).filter(is_open) {
        Some(session) => Ok((id.to_owned(), session, body)),
        None => Err(detail(*settings.not_found_status(), "Session not found")),
    }
}

/// The same, if the session's authorisation is complete.
fn authorized(
    deepvue: &Deepvue,
    request: &ReceivedRequest,
    check: impl FnOnce(&Map<String, Value>) -> Vec<Problem>,
) -> Result<Read, Reply> {
    let (id, session, body) = read(deepvue, request, check)?;
    let any = *deepvue.settings.before_authorization() == BeforeAuthorization::Answered;
    match session.is_authorized || any {
        true => Ok((id, session, body)),
        false => Err(detail(400, "Authorization is not complete")),
    }
}

/// A success; two of the four pages have no time.
fn success(deepvue: &Deepvue, has_time: bool, message: &str, data: Json) -> Reply {
    let time = has_time.then(|| deepvue.simulation.clock.now_ms());
    let body = Json::Object(vec![
        ("code", 200_u16.into()),
        ("timestamp", time.into()),
        ("transaction_id", deepvue.simulation.ids.hex().into()),
        ("sub_code", "SUCCESS".into()),
        ("message", message.into()),
        ("data", data),
    ]);
    Reply::json(200, &body)
}
