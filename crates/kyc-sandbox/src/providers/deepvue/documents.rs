//! What follows an open session: the authorisation, the list of documents, the e-Aadhaar and single documents.
//!
//! The routes and the members of requests and successes are documented. Everything about sessions, codes and documents that are
//! not there is the sandbox's own choice, in the words of DigiLocker's own errors where it has one, and so is the encoding of a
//! document. The person is invented, and has no Aadhaar number but its mask.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::initiate_session::{check_common, flag, refuse, required, unreadable};
use super::issued::{self, address, as_pdf, consent_ends, listed, masked_uid, photo};
use super::options::BeforeAuthorization;
use super::sessions::Session;
use super::validation::Problem;
use super::{Deepvue, detail};
use crate::exchange::{Json, ProviderApi, ReceivedRequest, Reply};
use crate::invented::Identity;
use crate::state::MobileScript;
use crate::state::digilocker::{Authorization, DocumentKind};

/// Below it are the documents to which replies lead by a link, by session.
pub(crate) const DOCUMENTS: &str = "/deepvue/documents";

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
    let authorization = &session.authorization;
    let is_valid = deepvue.takes(&id, authorization, code.unwrap_or_default());
    if authorization.is_complete || !is_valid {
        return detail(400, "Invalid digilocker_code")
            .of_journey(session.journey)
            .because(match authorization.is_complete {
                true => "the code was used",
                false => "the code is not the person's, or it is too old",
            });
    }
    deepvue.sessions.change(id.as_str(), |session| {
        session.authorization.complete();
    });
    let person = person(deepvue, authorization);
    let has_aadhaar = match authorization.whose.has(DocumentKind::Aadhaar) {
        true => "Y",
        false => "N",
    };
    let number = match MobileScript::of(&person.mobile) {
        Some(_) => person.mobile.as_str(),
        None => "d161",
    };
    let now_ms = deepvue.now_ms();
    let data = Json::Object(vec![
        ("expires_in", 3600_u16.into()),
        (
            "consent_valid_till",
            consent_ends(now_ms).to_string().into(),
        ),
        (
            "digilockerid",
            format!("00000000-0000-4000-8000-{number:0>12}").into(),
        ),
        ("name", person.name.as_str().into()),
        ("dob", person.birth.strftime("%d%m%Y").to_string().into()),
        ("gender", person.gender.into()),
        ("eaadhaar", has_aadhaar.into()),
        ("mobile", person.mobile.as_str().into()),
    ]);
    let message = "Access token generated successfully.";
    success(deepvue, true, message, data)
        .with_effect(id)
        .of_journey(session.journey)
        .with_change("completed the authorization")
}

/// Whose documents these are.
fn person(deepvue: &Deepvue, authorization: &Authorization) -> Identity {
    deepvue.identity(&authorization.whose.mobile)
}

pub(super) fn list(deepvue: &Deepvue, request: &ReceivedRequest) -> Reply {
    let (_, session, _) = match authorized(deepvue, request, |_| Vec::new()) {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let now_ms = deepvue.now_ms();
    let granted = session.authorization.granted.iter();
    let files = granted.map(|kind| listed(*kind).entry(now_ms));
    let files = Json::List(files.collect());
    success(deepvue, false, "Issued files fetched successfully.", files).of_journey(session.journey)
}

pub(super) fn e_aadhaar(deepvue: &Deepvue, request: &ReceivedRequest) -> Reply {
    let mut wants_pdf = false;
    let read = authorized(deepvue, request, |body| {
        let flag = flag(&deepvue.settings, body, "generate_pdf");
        wants_pdf = flag.as_ref().is_ok_and(|flag| *flag);
        flag.err().into_iter().collect()
    });
    let (_, session, _) = match read {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let authorization = &session.authorization;
    if !authorization.granted.contains(&DocumentKind::Aadhaar) {
        let (status, text, reason) = match authorization.whose.has(DocumentKind::Aadhaar) {
            true => (
                400,
                "Consent is not given for this document",
                "the person did not allow it",
            ),
            false => (
                *deepvue.settings.not_found_status(),
                "aadhaar_not_available",
                "the person has no e-Aadhaar",
            ),
        };
        return detail(status, text)
            .of_journey(session.journey)
            .because(reason);
    }
    let person = person(deepvue, authorization);
    let identity = Json::Object(vec![
        ("dob", person.birth.strftime("%d-%m-%Y").to_string().into()),
        ("gender", person.gender.into()),
        ("name", person.name.as_str().into()),
    ]);
    let address = address(&person).map(|(name, _, text)| (name, text.into()));
    let pdf = || {
        STANDARD.encode(as_pdf(
            DocumentKind::Aadhaar,
            &person,
            None,
            deepvue.now_ms(),
        ))
    };
    let data = Json::Object(vec![
        ("masked_uid", masked_uid(&person).into()),
        ("proof_of_identity", identity),
        ("proof_of_address", Json::Object(address.into())),
        ("photo", photo(&person).into()),
        ("document_pdf", wants_pdf.then(pdf).into()),
    ]);
    success(deepvue, true, "Eaadhaar fetched successfully.", data).of_journey(session.journey)
}

pub(super) fn file(deepvue: &Deepvue, request: &ReceivedRequest) -> Reply {
    let read = authorized(deepvue, request, |body| {
        required(body, "uri").err().into_iter().collect()
    });
    let (id, session, body) = match read {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let uri = body.get("uri").and_then(Value::as_str).unwrap_or_default();
    let authorization = &session.authorization;
    let mut granted = authorization.granted.iter();
    let Some(kind) = granted.find(|kind| listed(**kind).uri == uri) else {
        return detail(*deepvue.settings.not_found_status(), "invalid_uri")
            .of_journey(session.journey);
    };
    let is_down = deepvue.sessions.change(id.as_str(), |session| {
        let outages = &mut session.authorization.outages;
        let left = outages.checked_sub(1);
        *outages = left.unwrap_or(0);
        left.is_some()
    });
    if is_down == Some(true) {
        return deepvue
            .error(503)
            .of_journey(session.journey)
            .because("the issuer does not answer twice");
    }
    let person = person(deepvue, authorization);
    let form = *deepvue.settings.file_form();
    let text = issued::file(
        form,
        *kind,
        &person,
        authorization.whose.pan,
        deepvue.now_ms(),
        || match deepvue.simulation.ids.are_deterministic() {
            // Recorded replies lead nowhere.
            true => "https://documents.example.test/invented".to_owned(),
            false => format!(
                "{}{DOCUMENTS}/{id}/{}.pdf",
                request.origin(),
                listed(*kind).doctype
            ),
        },
    );
    // The page has the text of the list.
    success(
        deepvue,
        false,
        "Issued files fetched successfully.",
        text.into(),
    )
    .of_journey(session.journey)
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
    match deepvue.find(id) {
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
    if session.authorization.is_complete {
        return Ok((id, session, body));
    }
    if any {
        let mut session = session;
        session.authorization.complete();
        return Ok((id, session, body));
    }
    Err(detail(400, "invalid_token")
        .of_journey(session.journey)
        .because("the person's code was not exchanged"))
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

impl Deepvue {
    /// The document at a link of a session, which was allowed; none where there is no such link.
    pub(crate) fn document(&self, id: &str, file: &str) -> Option<Vec<u8>> {
        let doctype = file.strip_suffix(".pdf")?;
        let authorization = self.find(id)?.authorization;
        let mut granted = authorization.granted.iter();
        let kind = granted.find(|kind| listed(**kind).doctype == doctype)?;
        let person = person(self, &authorization);
        let pan = authorization.whose.pan;
        Some(issued::as_pdf(*kind, &person, pan, self.now_ms()))
    }
}
