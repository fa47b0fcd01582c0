//! Analyses: what is refused before it is sent, what is believed, and the sandbox.

use finpro_fiu::{
    AnalyticsExcel, ConsentId, GetAnalyticsExcel, GetAnalyticsJson, GetAnalyticsXml, GetFiDataXml,
    GetPdfAnalyticsJson, GetPdfAnalyticsStatus, JourneyId, LinkRefNumber, ListConsentsV3,
    PdfAnalyticsState, ProductId, PushPdfAnalytics, RefToken, RequestConsentV3, RequestFi,
    StatementFile, TransactionId, Vua,
};
use kyc_sandbox::settings::ExcelForm;
use kyc_sandbox::{FinproSettings, Sandbox, Settings};
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{
    DecodeErrorCategory, Error, ErrorKind, Mobile, Outcome, VerificationError, request_from_json,
};

use crate::{answer, client, refused};

fn consent(text: &str) -> ConsentId {
    ConsentId::parse(text).unwrap()
}

fn journey() -> JourneyId {
    JourneyId::parse("journey-1").unwrap()
}

fn token(text: &str) -> RefToken {
    RefToken::parse(text).unwrap()
}

fn push(files: impl IntoIterator<Item = StatementFile>) -> PushPdfAnalytics {
    let mobile = Mobile::parse("9000000001").unwrap();
    PushPdfAnalytics::new("Invented Person", mobile, "LOAN-1", files)
}

#[test]
fn a_subject_is_a_consent_in_a_journey_or_a_transaction() {
    assert_eq!(
        refused(&GetAnalyticsJson::of_consent(consent("a b"), journey())),
        "consentID"
    );
    for (members, field) in [
        (r#"{}"#, "consentID"),
        (r#"{"journeyID":"j"}"#, "consentID"),
        (r#"{"consentID":"a"}"#, "journeyID"),
        (r#"{"consentID":"a","transactionId":"t"}"#, "consentID"),
        (r#"{"journeyID":"j","transactionId":"t"}"#, "consentID"),
    ] {
        let json = members.as_bytes();
        let asked = [
            refused(&request_from_json::<GetAnalyticsJson>(json).unwrap()),
            refused(&request_from_json::<GetAnalyticsXml>(json).unwrap()),
            refused(&request_from_json::<GetAnalyticsExcel>(json).unwrap()),
        ];
        assert_eq!(asked, [field; 3], "{members}");
    }
    let none = request_from_json::<GetAnalyticsJson>(br#"{"linkRefNumber":["l"]}"#);
    assert_eq!(none.unwrap_err().field(), "linkRefNumber");
}

#[test]
fn a_statement_that_is_no_base64_or_no_pdf_is_refused() {
    for (content, rule) in [
        (b"<html></html>".as_slice(), "must be a PDF"),
        (b"", "must be a PDF"),
    ] {
        let error = StatementFile::new("content", content).unwrap_err();
        assert_eq!((error.field(), error.rule()), ("fileData", rule));
    }
    let base64 = "must be Base64: standard alphabet, padded, without line breaks";
    for (file, rule) in [
        (r#"{"content":"JVBERi0xLjQ","a":"b"}"#, base64),
        (
            r#"{"content":"data:application/pdf;base64,JVBERi0xLjQ="}"#,
            base64,
        ),
        (r#"{"content":"JVBERi0x\nLjQ="}"#, base64),
        (r#"{"content":"PGh0bWw+PC9odG1sPg=="}"#, "must be a PDF"),
        ("{}", "must have a member with the content as Base64"),
        (r#"{"content":7}"#, "must be a string"),
    ] {
        let json = format!(
            r#"{{"customer_name":"a","mobile_number":"9000000001","loan_account_number":"b","fileData":[{{"content":"JVBERi0xLjQ="}},{file}]}}"#
        );
        let error = request_from_json::<PushPdfAnalytics>(json.as_bytes()).unwrap_err();
        assert_eq!(error.rule(), rule, "{file}");
        assert!(
            error.field().starts_with("fileData[1]"),
            "{}",
            error.field()
        );
    }
    let file = StatementFile::new("content", b"%PDF-1.4").unwrap();
    let file = file.set_member("password", "JVBERi0xLjQ");
    assert_eq!(format!("{file:?}"), r#"{"content", "password"}"#);
    // A longer member is the content.
    let other = file
        .clone()
        .set_member("password", "a password that is long");
    assert_eq!(refused(&push([file, other])), "fileData[1]");
    assert_eq!(refused(&push([])), "fileData");
    let mobile = || Mobile::parse("9000000001").unwrap();
    let file = || StatementFile::new("content", b"%PDF-1.4").unwrap();
    let nameless = PushPdfAnalytics::new(" ", mobile(), "b", [file()]);
    assert_eq!(refused(&nameless), "customer_name");
    let nameless = PushPdfAnalytics::new("a", mobile(), "", [file()]);
    assert_eq!(refused(&nameless), "loan_account_number");
}

#[tokio::test(start_paused = true)]
async fn an_analysis_that_failed_inside_its_second_envelope_is_no_success() {
    let ask = || GetAnalyticsJson::of_consent(consent("a"), journey());
    for data in [
        r#"{"status":"FAILURE","status_code":"c","message":"m"}"#,
        r#"{"status":"failed","status_code":"c","message":"m","data":{}}"#,
        r#"{"status":"ERROR","status_code":"c","message":"m","data":null}"#,
    ] {
        let body = format!(r#"{{"ver":"1","status":"success","data":{data}}}"#);
        for error in [
            answer(ask(), 200, &body).await.unwrap_err(),
            answer(GetPdfAnalyticsJson::new(token("t")), 200, &body)
                .await
                .unwrap_err(),
            answer(
                GetAnalyticsExcel::of_consent(consent("a"), journey()),
                200,
                &body,
            )
            .await
            .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Api, "{data}");
            assert_eq!(error.fault().unwrap().code(), Some("c"));
        }
    }
    for data in [
        r#"{"status":"SUCCESS"}"#,
        r#"{"status":"SUCCESS","data":[]}"#,
        r#"{"status":"SUCCESS","data":"x"}"#,
    ] {
        let body = format!(r#"{{"ver":"1","status":"success","data":{data}}}"#);
        let error = answer(ask(), 200, &body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{data}");
    }
    let body = r#"{"ver":"1","data":{"data": {"a" : 1.50} }}"#;
    let found = answer(ask(), 200, body).await.unwrap();
    assert_eq!(found.data.data.json(), r#"{"a" : 1.50}"#);
    assert!(!format!("{found:?}").contains("1.5"));
}

async fn reply(content_type: &str, body: &[u8]) -> Result<AnalyticsExcel, Error> {
    let headers = [("content-type", content_type)];
    let step = Step::respond_with(200, &headers, body.to_vec());
    let client = client(ScriptedTransport::new([step]));
    let ask = GetAnalyticsExcel::of_consent(consent("a"), journey());
    let found = client.analytics_excel(ask).await;
    found.map(provider_core::Response::into_value)
}

#[tokio::test(start_paused = true)]
async fn a_spreadsheet_is_told_by_how_it_begins() {
    for content_type in [
        "application/vnd.ms-excel",
        "application/octet-stream",
        "application/json",
    ] {
        let zip = [b"PK\x03\x04aPK\x05\x06".as_slice(), &[0; 18]].concat();
        let sectors = [b"\xd0\xcf\x11\xe0".as_slice(), &[0; 1020]].concat();
        for body in [zip, sectors] {
            let found = reply(content_type, &body).await.unwrap();
            assert!(
                matches!(found, AnalyticsExcel::File(file) if file.size() == body.len() as u64)
            );
            for end in [4, body.len() - 1] {
                let error = reply(content_type, &body[..end]).await.unwrap_err();
                let decode = error.decode().unwrap();
                assert_eq!(decode.category(), DecodeErrorCategory::TruncatedDocument);
            }
        }
        for body in ["<html></html>", "", "%PDF-1.4"] {
            let error = reply(content_type, body.as_bytes()).await.unwrap_err();
            let kinds = [ErrorKind::Decode, ErrorKind::Unrecognized];
            assert!(kinds.contains(&error.kind()), "{content_type} {body}");
        }
    }
    let link = r#"{"ver":"1","data":{"data":{"s3Url":"https://a.example.test/?secret"}}}"#;
    let found = reply("application/json", link.as_bytes()).await.unwrap();
    assert!(!format!("{found:?}").contains("secret"));
    assert!(matches!(found, AnalyticsExcel::Link(link) if link.data.data.expires_in.is_none()));
}

#[tokio::test(start_paused = true)]
async fn an_analysis_of_another_journey_is_refused() {
    let body = r#"{"ver":"1","status":"success","data":{"journey_id":"journey-2","data":{"s3Url":"https://a.example.test"}}}"#;
    let json = GetAnalyticsJson::of_consent(consent("a"), journey());
    let excel = GetAnalyticsExcel::of_consent(consent("a"), journey());
    for error in [
        answer(json, 200, body).await.unwrap_err(),
        answer(excel, 200, body).await.unwrap_err(),
    ] {
        let other = Some(&VerificationError::OtherRequest);
        assert_eq!(error.verification(), other);
    }
    let own = body.replace("journey-2", "journey-1");
    let json = GetAnalyticsJson::of_consent(consent("a"), journey());
    assert!(answer(json, 200, &own).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_document_that_declares_its_type_is_an_error_of_its_own() {
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>"#;
    let reply = |body: &str| {
        let headers = [("content-type", "application/xml")];
        Step::respond_with(200, &headers, body.to_owned())
    };
    for (body, category) in [
        (bomb, Some(DecodeErrorCategory::DocumentType)),
        ("plain text", Some(DecodeErrorCategory::ContentType)),
        // Another parser may read other characters, and a declaration among them.
        (
            "<?xml version=\"1.0\" encoding=\"UTF-7\"?><!-- --+AD4- +ADw-!DOCTYPE a+AD4- <!-- --><a/>",
            Some(DecodeErrorCategory::ContentType),
        ),
        (
            "<?xml version='1.0' encoding='UTF-16'?><a/>",
            Some(DecodeErrorCategory::ContentType),
        ),
        (
            "<html><body/></html>",
            Some(DecodeErrorCategory::ContentType),
        ),
        (
            "<!-- a --><?xml version='1.0' encoding='utf-8'?><a/>",
            Some(DecodeErrorCategory::ContentType),
        ),
        ("<a><b>", Some(DecodeErrorCategory::TruncatedDocument)),
        ("<?xml version='1.0' encoding='utf-8'?><a/>", None),
        ("<a/>", None),
    ] {
        let client = client(ScriptedTransport::new([reply(body), reply(body)]));
        let link = LinkRefNumber::parse("l").unwrap();
        let data = client.get_fi_data_xml(GetFiDataXml::new(consent("a"), link));
        let data = data.await.map(|_| ());
        let analysis = client.analytics_xml(GetAnalyticsXml::of_consent(consent("a"), journey()));
        for found in [data, analysis.await.map(|_| ())] {
            let error = found.err();
            let found = error
                .as_ref()
                .map(|error| error.decode().unwrap().category());
            assert_eq!(found, category, "{body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_analyses_data_and_statements() {
    let finpro = FinproSettings::default().with_excel_form(ExcelForm::File);
    let sandbox = Sandbox::new(Settings::default().with_finpro(finpro));
    let client = client(sandbox.transport());
    let product = ProductId::parse("LOAN-1").unwrap();
    let vua = Vua::parse("9000000001@onemoney").unwrap();
    let asked = client.request_consent_v3(RequestConsentV3::new(product, vua));
    let handle = asked.await.unwrap().into_value().data.consent_handle;
    let listed = client.list_consents_v3(ListConsentsV3::Handles(vec![handle]));
    let id = listed.await.unwrap().value().data[0].consent_id.clone();
    let id = id.unwrap();

    let ask = || GetAnalyticsJson::of_consent(id.clone(), journey());
    let error = client.analytics_json(ask()).await.unwrap_err();
    assert_eq!(error.fault().unwrap().code(), Some("NoDataAvailable"));
    client.request_fi(RequestFi::new(id.clone())).await.unwrap();
    let found = client
        .analytics_json(ask())
        .await
        .unwrap()
        .into_value()
        .data;
    assert_eq!(found.journey_id, Some(journey()));
    assert!(found.data.json().contains("bankingAnalysis"));
    let excel = GetAnalyticsExcel::of_consent(id.clone(), journey());
    let excel = client.analytics_excel(excel).await.unwrap().into_value();
    assert!(matches!(excel, AnalyticsExcel::File(file) if file.file_name() == Some("report.xlsx")));
    let xml = GetAnalyticsXml::of_consent(id, journey());
    assert!(client.analytics_xml(xml).await.is_ok());
    let unknown = GetAnalyticsJson::of_transaction(TransactionId::parse("t").unwrap());
    let error = client.analytics_json(unknown).await.unwrap_err();
    assert_eq!(error.fault().unwrap().code(), Some("NoDataFound"));
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_analyses_statements_for_as_long_as_it_is_told() {
    let finpro = FinproSettings::default().with_pending_polls(1);
    let sandbox = Sandbox::new(Settings::default().with_finpro(finpro));
    let client = client(sandbox.transport());
    let file = StatementFile::new("content", b"%PDF-1.4").unwrap();
    let pushed = client.push_pdf_analytics(push([file])).await.unwrap();
    let token_of = pushed.into_value().data.ref_token;
    let status = async || {
        let status = GetPdfAnalyticsStatus::new(token_of.clone());
        let status = client.pdf_analytics_status(status).await.unwrap();
        status.into_value().data.status
    };
    let read = async || {
        let json = GetPdfAnalyticsJson::new(token_of.clone());
        client.pdf_analytics_json(json).await
    };
    let early = read().await.unwrap_err();
    assert_eq!(early.outcome(), Outcome::Refused);
    assert_ne!(status().await, PdfAnalyticsState::Completed);
    assert_eq!(status().await, PdfAnalyticsState::Completed);
    assert!(read().await.is_ok());
    let unknown = client.pdf_analytics_status(GetPdfAnalyticsStatus::new(token("unknown")));
    assert_eq!(unknown.await.unwrap_err().kind(), ErrorKind::Api);
}
