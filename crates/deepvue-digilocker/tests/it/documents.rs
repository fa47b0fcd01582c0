//! What follows an open session: the bytes of the requests, what is believed, and the whole journey through the sandbox.

use std::sync::Arc;

use deepvue_digilocker::provider_core::testing::{FixedClock, ScriptedTransport, Step};
use deepvue_digilocker::provider_core::{
    Endpoint, Error, ErrorKind, Masked, Outcome, Progress, Response, TransportErrorKind,
    request_from_json,
};
use deepvue_digilocker::{
    CompleteAuthorization, Consent, Deepvue, DigilockerClient, DigilockerCode, DigilockerState,
    DocType, DocumentError, DocumentFormat, FileUri, GetEAadhaar, GetFile, InitiateSession,
    ListIssuedFiles, TransactionId, YesNo,
};
use kyc_sandbox::settings::{BeforeAuthorization, DigilockerCodes, FileForm};
use kyc_sandbox::{DeepvueSettings, Sandbox, Settings};

use crate::sandbox::{base_url, client, deepvue};

const PURPOSE: &str = "KYC of a new customer";

fn session(id: &str) -> TransactionId {
    TransactionId::parse(id).unwrap()
}

fn complete(id: &TransactionId, code: &str) -> CompleteAuthorization {
    let code = DigilockerCode::parse(code).unwrap();
    CompleteAuthorization::new(Consent::given_by_person(), PURPOSE, id.clone(), code)
}

fn list(id: &TransactionId) -> ListIssuedFiles {
    ListIssuedFiles::new(Consent::given_by_person(), PURPOSE, id.clone())
}

fn e_aadhaar(id: &TransactionId) -> GetEAadhaar {
    GetEAadhaar::new(Consent::given_by_person(), PURPOSE, id.clone())
}

fn file(id: &TransactionId, uri: &str) -> GetFile {
    let consent = Consent::given_by_person();
    GetFile::new(consent, PURPOSE, id.clone(), FileUri::new(uri))
}

fn scripted(steps: impl IntoIterator<Item = Step>) -> (DigilockerClient, ScriptedTransport) {
    let transport = ScriptedTransport::new(steps);
    let client = DigilockerClient::builder(deepvue("https://production.deepvue.tech"))
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap();
    (client, transport)
}

async fn answer<E: Endpoint<Provider = Deepvue>>(
    request: E,
    data: &str,
) -> Result<E::Output, Error> {
    let body = format!(r#"{{"code":200,"transaction_id":"call-1","data":{data}}}"#);
    let (client, _) = scripted([Step::respond(200, body)]);
    client
        .client()
        .call(request)
        .await
        .map(Response::into_value)
}

#[tokio::test(start_paused = true)]
async fn the_requests_are_the_documented_ones() {
    let refused = || Step::respond(400, r#"{"detail":"Bad Request"}"#);
    let (client, transport) = scripted([(); 4].map(|()| refused()));
    let id = session("0c8c7833678e412f9fec77dbe0494562");
    client
        .complete_authorization(complete(&id, "c-1"))
        .await
        .unwrap_err();
    client.issued_files(list(&id)).await.unwrap_err();
    let with_pdf = e_aadhaar(&id).set_generate_pdf(true);
    client.e_aadhaar(with_pdf).await.unwrap_err();
    client
        .file(file(&id, "in.gov.pan-PANCR-1"))
        .await
        .unwrap_err();
    let sent = transport.sent();
    let sent: Vec<_> = sent.iter().map(|sent| sent.golden().to_string()).collect();
    insta::assert_snapshot!(sent.join("\n\n"));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_breaks_a_rule_is_named_before_anything_is_sent() {
    let (client, transport) = scripted([]);
    let id = session("t");
    let blank = |consent| ListIssuedFiles::new(consent, " \n", session("t"));
    for (error, field) in [
        (
            client
                .issued_files(blank(Consent::given_by_person()))
                .await
                .unwrap_err(),
            "purpose",
        ),
        (client.file(file(&id, " ")).await.unwrap_err(), "uri"),
        (client.file(file(&id, "")).await.unwrap_err(), "uri"),
    ] {
        assert_eq!(error.invalid_request().unwrap().field(), field);
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    assert!(transport.sent().is_empty());
    for code in ["", "a\nb", &"a".repeat(4097)] {
        assert_eq!(
            DigilockerCode::parse(code).unwrap_err().field(),
            "digilocker_code"
        );
    }
    let whole = r#""consent":"Y","purpose":"KYC","initial_deepvue_transaction_id":"t""#;
    for (json, field) in [
        (
            r#"{"purpose":"KYC","initial_deepvue_transaction_id":"t"}"#.to_owned(),
            "consent",
        ),
        (r#"{"consent":"N","purpose":"KYC"}"#.to_owned(), "consent"),
        (
            r#"{"consent":"Y","initial_deepvue_transaction_id":"t"}"#.to_owned(),
            "purpose",
        ),
        (
            r#"{"consent":"Y","purpose":"KYC","initial_deepvue_transaction_id":""}"#.to_owned(),
            "initial_deepvue_transaction_id",
        ),
        (format!("{{{whole},\"doc_types\":[]}}"), "doc_types"),
    ] {
        let error = request_from_json::<ListIssuedFiles>(json.as_bytes()).unwrap_err();
        assert_eq!(error.field(), field, "{json}");
    }
    for (json, field) in [
        (
            format!("{{{whole},\"generate_pdf\":\"yes\"}}"),
            "generate_pdf",
        ),
        (format!("{{{whole},\"uri\":\"x\"}}"), "uri"),
    ] {
        let error = request_from_json::<GetEAadhaar>(json.as_bytes()).unwrap_err();
        assert_eq!(error.field(), field, "{json}");
    }
    for (json, field) in [
        (format!("{{{whole}}}"), "digilocker_code"),
        (
            format!("{{{whole},\"digilocker_code\":\"\"}}"),
            "digilocker_code",
        ),
    ] {
        let error = request_from_json::<CompleteAuthorization>(json.as_bytes()).unwrap_err();
        assert_eq!(error.field(), field, "{json}");
    }
}

/// Requests that are read by serde alone, as a web framework does, obey the same rules.
#[test]
fn a_request_is_an_object_and_its_errors_repeat_no_value() {
    fn check<R: serde::de::DeserializeOwned + serde::Serialize>(more: &str) {
        let read = |json: &str| serde_json::from_str::<R>(json);
        let json = format!(r#"{{"consent":"Y","purpose":"KYC"{more}}}"#);
        let request: serde_json::Value = serde_json::from_str(&json).unwrap();
        let written = serde_json::to_value(read(&json).ok().unwrap()).unwrap();
        assert_eq!(written, request);
        let members = request.as_object().unwrap();
        let list: Vec<_> = members.values().collect();
        let list = serde_json::to_string(&list).unwrap();
        let error = read(&list).err().unwrap().to_string();
        assert_eq!(error, "request: must be an object");
        for member in members.keys() {
            let mut wrong = members.clone();
            wrong.insert(member.clone(), serde_json::json!({"CANARY": "CANARY"}));
            let error = read(&serde_json::Value::from(wrong).to_string());
            let error = error.err().unwrap().to_string();
            assert!(
                error.contains(&**member) && !error.contains("CANARY"),
                "{error}"
            );
        }
        let twice = format!(r#"{{"purpose":"KYC",{}"#, &json[1..]);
        assert!(read(&twice).is_err());
        let not_yes = json.replace("\"Y\"", "\"CANARY\"");
        let error = read(&not_yes).err().unwrap().to_string();
        assert!(
            error.starts_with("consent") && !error.contains("CANARY"),
            "{error}"
        );
    }

    let session = r#","initial_deepvue_transaction_id":"t""#;
    check::<InitiateSession>(r#","redirect_url":"https://a.example.test/","doc_types":["pan"]"#);
    check::<CompleteAuthorization>(&format!(r#"{session},"digilocker_code":"c""#));
    check::<ListIssuedFiles>(session);
    check::<GetEAadhaar>(&format!(r#"{session},"generate_pdf":true"#));
    check::<GetFile>(&format!(r#"{session},"uri":"u""#));
}

#[tokio::test(start_paused = true)]
async fn a_code_is_not_sent_twice_and_a_read_is() {
    let interrupted = || Step::Fail(TransportErrorKind::Interrupted);
    let (client, transport) = scripted([interrupted()]);
    let error = client
        .complete_authorization(complete(&session("t"), "c"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.outcome(), transport.sent().len()),
        (Outcome::Unknown, 1)
    );
    assert!(error.settling().unwrap().contains("issued files"));
    let found = Step::respond(200, r#"{"transaction_id":"c","data":[]}"#);
    let (client, transport) = scripted([interrupted(), found]);
    client.issued_files(list(&session("t"))).await.unwrap();
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn data_of_another_kind_is_no_success() {
    let id = session("t");
    for data in ["null", "7", "\"CANARY\"", "[\"CANARY\"]"] {
        let errors = [
            answer(complete(&id, "c"), data).await.err(),
            answer(e_aadhaar(&id), data).await.err(),
        ];
        for error in errors {
            let error = error.unwrap();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Decode, Outcome::Done)
            );
            assert!(!format!("{error:?} {}", error.report()).contains("CANARY"));
        }
    }
    for data in ["{}", "{\"photo\":\"x\"}", "{\"masked_uid\":\"\"}"] {
        let error = answer(e_aadhaar(&id), data).await.unwrap_err();
        assert_eq!(error.decode().unwrap().path(), "$.data", "{data}");
    }
    for data in ["null", "7", "\"CANARY\"", "{\"name\":\"CANARY\"}"] {
        let error = answer(list(&id), data).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{data}");
    }
    for data in ["null", "7", "[\"CANARY\"]", "{}", "\"\"", "\" \""] {
        let error = answer(file(&id, "u"), data).await.unwrap_err();
        assert_eq!(error.decode().unwrap().path(), "$.data", "{data}");
    }
    let files = answer(
        list(&id),
        r#"[{"uri":"u","mime":"x","date":7},{"name":"CANARY"},"CANARY"]"#,
    );
    let files = files.await.unwrap().data;
    assert_eq!((files.len(), files.unread_count()), (1, 2));
    assert_eq!(
        (&files[0].mime, files[0].date.as_deref()),
        (&None, Some("7"))
    );
    assert!(!format!("{files:?}").contains("CANARY"));
}

/// A number of twelve digits that passes for an Aadhaar number. It is computed so that none stands in a file.
fn whole_number() -> String {
    let with = |last: u64| format!("{}{last}", "2".repeat(11));
    let is_masked = |text: &String| provider_core::lint::mask_aadhaar(text) != *text;
    (0..10).map(with).find(is_masked).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_aadhaar_number_that_the_provider_did_not_mask_is_in_no_output() {
    let (id, number) = (session("t"), whole_number());
    let grouped = format!("{} {} {}", &number[..4], &number[4..8], &number[8..]);
    let text = |text: &str| format!("of {text}.");
    let data = format!(
        r#"{{"masked_uid":"{number}","proof_of_identity":{{"name":"{}"}},"proof_of_address":{{"care_of":"{}","house":"{number}"}},"photo":"{number}"}}"#,
        text(&number),
        text(&grouped),
    );
    let reply = answer(e_aadhaar(&id), &data).await.unwrap();
    let last = &number[8..];
    let masked = format!("xxxxxxxx{last}");
    let data = &reply.data;
    assert_eq!(data.masked_uid.as_ref().map(Masked::expose), Some(&*masked));
    let address = data.proof_of_address.as_ref().unwrap();
    assert_eq!(address.house.as_ref().map(Masked::expose), Some(&*masked));
    let named = format!(r#"{{"name":"{number}"}}"#);
    let authorization = answer(complete(&id, "c"), &named).await.unwrap();
    let document = answer(file(&id, "u"), &format!("\"<a>{grouped}</a>\""))
        .await
        .unwrap();
    assert!(
        document.data.expose().contains(&grouped),
        "the original is kept"
    );
    let files = format!(r#"[{{"uri":"u","name":"{grouped}","description":"{number}"}}]"#);
    let files = answer(list(&id), &files).await.unwrap();
    for output in [
        format!("{reply:?} {authorization:?} {document:?} {files:?}"),
        serde_json::to_string(&reply).unwrap(),
        serde_json::to_string(&authorization).unwrap(),
        serde_json::to_string(&document).unwrap(),
        serde_json::to_string(&files).unwrap(),
    ] {
        assert!(!output.contains(&number) && !output.contains(&grouped));
        assert!(!output.contains(&number[..8]));
    }
}

#[tokio::test(start_paused = true)]
async fn an_aadhaar_number_is_hidden_in_every_member_of_a_list_and_in_items_that_cannot_be_read() {
    let (id, number) = (session("t"), whole_number());
    let escaped: String = number
        .chars()
        .map(|digit| format!("\\u003{digit}"))
        .collect();
    let masked = format!("xxxxxxxx{}", &number[8..]);
    for item in [
        r#"{"uri":"u","name":"TEXT","type":"TEXT","size":NUMBER,"date":"TEXT","parent":"TEXT","mime":["TEXT"]}"#,
        r#"{"uri":"u","doctype":"TEXT","description":"TEXT","issuerid":"TEXT","issuer":"TEXT"}"#,
        r#"{"name":"Asha TEXT","description":"TEXT"}"#,
        r#"{"uri":{"a":"TEXT"},"TEXT":NUMBER}"#,
        r#"{"uri":7e400,"uri":"TEXT"}"#,
        r#""TEXT""#,
        "NUMBER",
        r#"["TEXT",[NUMBER]]"#,
        r#""\ud800TEXT""#,
    ] {
        let hidden = item.matches("TEXT").count() + item.matches("NUMBER").count();
        for text in [&number, &escaped] {
            let item = item.replace("TEXT", text).replace("NUMBER", &number);
            let body = format!(
                r#"{{"code":200,"transaction_id":"t","message":"of {text}.","sub_code":"DONE {text}","data":[{item}]}}"#
            );
            let (client, _) = scripted([Step::respond(200, body)]);
            let reply = client.issued_files(list(&id)).await.unwrap().into_value();
            let output = serde_json::to_string(&reply).unwrap();
            assert!(!output.contains(&number) && !output.contains("003"));
            assert_eq!(output.matches(&masked).count(), hidden + 2, "{output}");
        }
    }
    let keyed = format!(r#"[{{"uri":"in.gov.uidai-ADHAR-{number}"}}]"#);
    let keyed = answer(list(&id), &keyed).await.unwrap();
    let uri = keyed.data[0].uri.expose();
    assert!(uri.ends_with(&number), "the document is fetched with it");
}

async fn opened(settings: DeepvueSettings) -> (DigilockerClient, Sandbox, TransactionId) {
    let sandbox = Sandbox::new(Settings::default().with_deepvue(settings));
    let client = client(&base_url(), Arc::new(sandbox.transport()));
    let url = "https://lender.example.test/back";
    let request = InitiateSession::new(Consent::given_by_person(), PURPOSE, url);
    let request = request.set_doc_types([DocType::Aadhaar, DocType::Pan]);
    let id = client
        .initiate_session(request)
        .await
        .unwrap()
        .into_value()
        .transaction_id;
    (client, sandbox, id)
}

#[tokio::test]
async fn documents_are_there_once_the_authorisation_is_complete() {
    let settings = DeepvueSettings::default().with_codes(DigilockerCodes::OfSession);
    let (client, sandbox, id) = opened(settings).await;
    let text = |error: Error| error.fault().unwrap().message().unwrap().to_owned();
    let error = client.e_aadhaar(e_aadhaar(&id)).await.unwrap_err();
    assert_eq!(text(error), "invalid_token");
    let error = client
        .complete_authorization(complete(&id, "other"))
        .await
        .unwrap_err();
    assert_eq!(text(error), "Invalid digilocker_code");

    let mut progress = Progress::<DigilockerState>::default();
    let back = format!(
        "https://lender.example.test/back?code=code-{0}&state={0}",
        id.as_str()
    );
    let back = deepvue_digilocker::BrowserReturn::read(&back, &id).unwrap();
    progress.observe(back.state().unwrap(), None);
    let deepvue_digilocker::BrowserReturn::Approved(code) = back else {
        panic!("an approval");
    };
    let request = complete(&id, code.expose());
    let done = client
        .complete_authorization(request.clone())
        .await
        .unwrap()
        .into_value();
    progress.observe(DigilockerState::Authorized, None);
    assert!(progress.state().is_authorized());
    assert_ne!(done.transaction_id, id, "the call's own id");
    assert_eq!(done.data.eaadhaar, Some(YesNo::Yes));
    assert_eq!(done.data.date_of_birth().unwrap().to_string(), "1990-01-31");
    assert!(done.data.consent_ends().is_some());
    let error = client.complete_authorization(request).await.unwrap_err();
    assert_eq!(text(error), "Invalid digilocker_code");

    let files = client.issued_files(list(&id)).await.unwrap().into_value();
    assert_eq!((files.data.len(), files.timestamp), (2, None));
    let without = client
        .e_aadhaar(e_aadhaar(&id))
        .await
        .unwrap()
        .into_value()
        .data;
    assert_eq!(without.document_pdf, None);
    let with = client
        .e_aadhaar(e_aadhaar(&id).set_generate_pdf(true))
        .await;
    let with = with.unwrap().into_value().data;
    assert!(with.document_pdf.unwrap().pdf().is_ok() && with.photo.unwrap().picture().is_ok());
    let uri = files.data[1].uri.expose();
    let found = client.file(file(&id, uri)).await.unwrap().into_value();
    assert!(found.data.pdf().unwrap().starts_with(b"%PDF-"));
    let error = client
        .file(file(&id, "in.gov.pan-PANCR-unknown"))
        .await
        .unwrap_err();
    assert_eq!(text(error), "invalid_uri");
    let error = client
        .issued_files(list(&session("unknown")))
        .await
        .unwrap_err();
    assert_eq!(text(error), "Session not found");
    assert_eq!(sandbox.ledger().total().effects, 2);
}

#[tokio::test]
async fn a_document_in_another_form_is_reported_and_kept() {
    for (form, format) in [
        (FileForm::PdfBase64, DocumentFormat::Pdf),
        (FileForm::Xml, DocumentFormat::Xml),
        (FileForm::XmlBase64, DocumentFormat::Xml),
        (FileForm::Link, DocumentFormat::Link),
    ] {
        let settings = DeepvueSettings::default()
            .with_before_authorization(BeforeAuthorization::Answered)
            .with_file_form(form);
        let (client, _, id) = opened(settings).await;
        let uri = "in.gov.pan-PANCR-invented0002";
        let document = client.file(file(&id, uri)).await.unwrap().into_value().data;
        assert_eq!(document.format(), format);
        let other = DocumentError::OtherFormat(format.clone());
        let expected = (format != DocumentFormat::Pdf).then(|| other.clone());
        assert_eq!(document.pdf().err(), expected);
        let expected = (format != DocumentFormat::Xml).then(|| other.clone());
        assert_eq!(document.xml().err(), expected);
        let expected = (format != DocumentFormat::Link).then_some(other);
        assert_eq!(document.link().err(), expected);
    }
}
