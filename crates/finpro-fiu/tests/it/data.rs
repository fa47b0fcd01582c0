//! Data of a consent: what is refused before it is sent, what is believed, and the journey through the sandbox.

use finpro_fiu::{
    ConsentHandle, ConsentId, FiEventStatus, FiStatus, FiuClient, GetAllFiData, GetAllFiDataPdf,
    GetAllLatestFiData, GetFiBalance, GetFiData, GetFiDataXml, GetFiStatus, LinkRefNumber,
    ListConsentsV3, ProductId, RequestConsentV3, RequestFi, SessionId, UtcTime, Vua,
};
use kyc_sandbox::settings::{AccountBody, DataOutcome};
use kyc_sandbox::{AggregatorConsentStatus, FinproSettings, Sandbox, Settings};
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{ErrorKind, Outcome, VerificationError};

use crate::{answer, client, refused};

fn id(text: &str) -> ConsentId {
    ConsentId::parse(text).unwrap()
}

fn time(text: &str) -> UtcTime {
    UtcTime::parse(text).unwrap()
}

#[test]
fn a_member_that_breaks_a_rule_is_named_before_anything_is_sent() {
    let (early, late) = (
        time("2030-01-01T05:29:59+05:30"),
        time("2030-01-01T00:00:00Z"),
    );
    assert_eq!(
        refused(&RequestFi::new(id("a")).set_range(late, early)),
        "fiDataRangeTo"
    );
    assert_eq!(refused(&RequestFi::new(id("a b"))), "consentId");
    assert_eq!(refused(&GetFiStatus::default()), "sessionId");
    assert_eq!(refused(&GetFiStatus::of_consent(id("<NULL>"))), "consentId");
    let handle = ConsentHandle::parse("not-a-uuid").unwrap();
    assert_eq!(refused(&GetFiStatus::of_handle(handle)), "consentHandle");
    for text in [
        "",
        "2030-01-01",
        "2030-01-01T00:00:00",
        "2030-13-01T00:00:00Z",
        "yesterday",
    ] {
        assert_eq!(UtcTime::parse(text).unwrap_err().field(), "time", "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_about_something_else_is_refused() {
    let other = |error: provider_core::Error| error.verification().copied();
    let session = r#"{"ver":"1","data":{"consentId":"b","sessionId":"s"}}"#;
    let error = answer(RequestFi::new(id("a")), 200, session)
        .await
        .unwrap_err();
    assert_eq!(other(error), Some(VerificationError::OtherRequest));
    assert!(answer(RequestFi::new(id("b")), 200, session).await.is_ok());
    let status = r#"{"ver":"1","data":{"eventStatus":"PENDING","consentId":"b","sessionId":"t"}}"#;
    for request in [
        GetFiStatus::of_consent(id("a")),
        GetFiStatus::of_session(SessionId::parse("s").unwrap()),
    ] {
        let error = answer(request, 200, status).await.unwrap_err();
        assert_eq!(other(error), Some(VerificationError::OtherRequest));
    }
    let link = |text: &str| LinkRefNumber::parse(text).unwrap();
    let accounts = r#"{"ver":"1","data":[{"linkRefNumber":"l-1"},{"linkReferenceNumber":"l-1"},{"fiType":"DEPOSIT"}]}"#;
    for (asked, refused) in [
        ("l-1", None),
        ("l-2", Some(VerificationError::OtherRequest)),
    ] {
        let data = answer(GetFiData::new(id("a"), link(asked)), 200, accounts).await;
        assert_eq!(data.err().and_then(other), refused, "{asked}");
        let request = GetFiBalance::new(id("a")).set_link(link(asked));
        let balance = answer(request, 200, accounts).await;
        assert_eq!(balance.err().and_then(other), refused, "{asked}");
    }
    for body in [
        r#"{"ver":"1","data":{"consentId":"a"}}"#,
        r#"{"ver":"1","response":"ok"}"#,
    ] {
        let error = answer(RequestFi::new(id("a")), 200, body)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_read_does_not_lose_the_status_of_the_others() {
    for (links, read, unread) in [
        (r#"[{"linkRefNumber":"a"},{"linkRefNumber":"b"}]"#, 2, 0),
        (r#"[{"linkRefNumber":"a","new":"\ud800"},7]"#, 1, 1),
        (r#"[{"linkRefNumber":"a"},"\ud800",["b"]]"#, 1, 2),
        (r#"{"linkRefNumber":"a","fiStatus":"\ud800"}"#, 1, 0),
        (r#""a""#, 0, 0),
        ("null", 0, 0),
    ] {
        let data = format!(r#"{{"eventStatus":"PENDING","linkRefNumbers":{links}}}"#);
        let body = format!(r#"{{"ver":"1","data":{data}}}"#);
        let request = GetFiStatus::of_consent(id("a"));
        let accounts = answer(request, 200, &body)
            .await
            .unwrap()
            .data
            .link_ref_numbers;
        assert_eq!(
            (accounts.len(), accounts.unread_count()),
            (read, unread),
            "{links}"
        );
    }
}

/// An approved consent of the sandbox.
async fn consent(client: &FiuClient) -> (ConsentHandle, ConsentId) {
    let product = ProductId::parse("LOAN-1").unwrap();
    let vua = Vua::parse("9000000001@onemoney").unwrap();
    let asked = client
        .request_consent_v3(RequestConsentV3::new(product, vua))
        .await
        .unwrap();
    let handle = asked.into_value().data.consent_handle;
    let listed = client
        .list_consents_v3(ListConsentsV3::Handles(vec![handle.clone()]))
        .await
        .unwrap();
    let id = listed.value().data[0].consent_id.clone().unwrap();
    (handle, id)
}

#[tokio::test(start_paused = true)]
async fn data_is_requested_and_waited_for() {
    for (outcome, words, available) in [
        (DataOutcome::Ready, FiEventStatus::DataReady, 2),
        (DataOutcome::Partial, FiEventStatus::DataReady, 1),
        (DataOutcome::Timeout, FiEventStatus::Timeout, 0),
    ] {
        let finpro = FinproSettings::default()
            .with_pending_polls(1)
            .with_data_outcome(outcome);
        let sandbox = Sandbox::new(Settings::default().with_finpro(finpro));
        let client = client(sandbox.transport());
        let (handle, id) = consent(&client).await;
        let range = RequestFi::new(id.clone());
        let range = range.set_range(time("2029-01-01T00:00:00Z"), time("2030-01-01T00:00:00Z"));
        let session = client
            .request_fi(range)
            .await
            .unwrap()
            .into_value()
            .data
            .session_id;

        let ask = async |request| {
            client
                .fi_request_status(request)
                .await
                .unwrap()
                .into_value()
                .data
        };
        let pending = ask(GetFiStatus::of_session(session.clone())).await;
        assert_eq!(pending.event_status, FiEventStatus::Pending);
        assert_eq!(
            pending.link_ref_numbers[0].fi_status,
            Some(FiStatus::Pending)
        );
        for request in [
            GetFiStatus::of_session(session.clone()),
            GetFiStatus::of_consent(id.clone()),
            GetFiStatus::of_handle(handle.clone()),
        ] {
            let status = ask(request).await;
            assert_eq!(
                (&status.event_status, status.first_time_fetch),
                (&words, Some(true))
            );
            let delivered = status.link_ref_numbers.iter().filter(|account| {
                account
                    .fi_status
                    .as_ref()
                    .is_some_and(FiStatus::is_available)
            });
            assert_eq!(delivered.count(), available);
        }
        let code = async |request| {
            let error = client.request_fi(request).await.unwrap_err();
            error.fault().unwrap().code().map(str::to_owned)
        };
        assert_eq!(
            code(RequestFi::new(ConsentId::parse("unknown").unwrap()))
                .await
                .as_deref(),
            Some("InvalidConsentId")
        );
        assert!(sandbox.decide_consent(handle.as_str(), AggregatorConsentStatus::Paused));
        assert_eq!(
            code(RequestFi::new(id)).await.as_deref(),
            Some("InvalidStatus")
        );
        let unknown = GetFiStatus::of_session(SessionId::parse("unknown").unwrap());
        assert!(client.fi_request_status(unknown).await.is_err());
        assert_eq!(sandbox.ledger().total().effects, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_is_kept_as_it_came_and_its_sections_are_found_in_any_case() {
    let account =
        r#"{"linkRefNumber":"l-1","fiType":"DEPOSIT", "Summary" : {"a":1.50},"extra":"\ud800"}"#;
    let body = format!(r#"{{"ver":"1","data":[{account},7,["l"],{{}}]}}"#);
    let data = answer(GetAllFiData::of_consent(id("a")), 200, &body)
        .await
        .unwrap()
        .data;
    assert_eq!((data.len(), data.unread_count()), (2, 2));
    assert_eq!(data[0].json(), account);
    assert_eq!(data[0].section("summary"), Some(r#"{"a":1.50}"#));
    assert_eq!(data[0].section("transactions"), None);
    assert_eq!(
        data[0].link_reference_number.as_ref().unwrap().as_str(),
        "l-1"
    );
    let alone = format!(r#"{{"data":{account}}}"#);
    let data = answer(GetFiBalance::new(id("a")), 200, &alone)
        .await
        .unwrap()
        .data;
    assert_eq!(data[0].section("SUMMARY"), Some(r#"{"a":1.50}"#));
    assert!(!format!("{data:?}").contains("1.50"));
    for body in [r#"{"ver":"1","data":"none"}"#, r#"{"ver":"1","txnid":"t"}"#] {
        let error = answer(GetAllFiData::of_consent(id("a")), 200, body)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_pdf_and_no_xml_is_an_error_and_not_a_file() {
    let reply = |content_type: &str, body: &str| {
        let headers = [("content-type", content_type)];
        Step::respond_with(200, &headers, body.to_owned())
    };
    let (html, pdf) = ("<html></html>", "%PDF-1.4\n%%EOF");
    for (content_type, body, is_pdf, is_xml) in [
        ("application/pdf", pdf, true, false),
        ("application/pdf", "%PDF-", false, false),
        ("application/pdf", "%PDF-1.4\nmade up", false, false),
        ("application/pdf", html, false, false),
        ("text/html", html, false, false),
        ("text/html", pdf, false, false),
        ("application/xml", "<a/>", false, true),
        ("application/xml; charset=UTF-8", "<a/>", false, true),
        ("application/xml; charset=utf-7", "<a/>", false, false),
        ("application/xml; charset=utf-16", "<a/>", false, false),
        ("text/xml; charset=\"iso-2022-jp\"", "<a/>", false, false),
        ("application/xml", "<a><b>", false, false),
        ("application/json", r#"{"data":[]}"#, false, false),
    ] {
        let link = || LinkRefNumber::parse("l").unwrap();
        let client = client(ScriptedTransport::new(
            [(); 2].map(|()| reply(content_type, body)),
        ));
        let found = client
            .get_all_fi_data_pdf(GetAllFiDataPdf::new(id("a"), [link()]))
            .await;
        assert_eq!(found.is_ok(), is_pdf, "{content_type} {body}");
        if let Err(error) = found {
            let kinds = [ErrorKind::Decode, ErrorKind::Unrecognized];
            assert!(kinds.contains(&error.kind()), "{content_type} {body}");
        }
        let found = client
            .get_fi_data_xml(GetFiDataXml::new(id("a"), link()))
            .await;
        assert_eq!(found.is_ok(), is_xml, "{content_type} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_s_data_is_read_in_every_form() {
    for (form, section) in [
        (AccountBody::AsDocumented, "holder"),
        (AccountBody::Rebit, "profile"),
    ] {
        let finpro = FinproSettings::default().with_account_body(form);
        let sandbox = Sandbox::new(Settings::default().with_finpro(finpro));
        let client = client(sandbox.transport());
        let (_, id) = consent(&client).await;
        let all = || GetAllFiData::of_consent(id.clone()).set_paging(true, true);
        let error = client.get_all_fi_data(all()).await.unwrap_err();
        assert_eq!(error.fault().unwrap().code(), Some("NoDataAvailable"));
        client.request_fi(RequestFi::new(id.clone())).await.unwrap();

        let data = client
            .get_all_fi_data(all())
            .await
            .unwrap()
            .into_value()
            .data;
        assert_eq!(data.len(), 2);
        assert!(
            data[0]
                .section(section)
                .unwrap()
                .contains("INVENTED PERSON")
        );
        let link = data[1].link_reference_number.clone().unwrap();
        let one = GetFiData::new(id.clone(), link.clone()).set_paging(false, false);
        let one = client.get_fi_data(one).await.unwrap().into_value().data;
        assert_eq!((one.len(), one[0].json()), (1, data[1].json()));
        let balance = GetFiBalance::new(id.clone());
        assert_eq!(
            client
                .get_fi_balance(balance.clone())
                .await
                .unwrap()
                .value()
                .data
                .len(),
            2
        );
        let balance = client
            .get_fi_balance(balance.set_link(link.clone()))
            .await
            .unwrap();
        assert!(balance.value().data[0].section("balance").is_some());
        let latest = client
            .get_all_latest_fi_data(GetAllLatestFiData::new(id.clone()))
            .await;
        assert_eq!(latest.unwrap().value().data.len(), 2);
        let xml = client
            .get_fi_data_xml(GetFiDataXml::new(id.clone(), link.clone()))
            .await
            .unwrap();
        assert!(xml.value().bytes().starts_with(b"<?xml"));
        let pdf = GetAllFiDataPdf::new(id.clone(), [link]);
        let pdf = client.get_all_fi_data_pdf(pdf).await.unwrap().into_value();
        assert_eq!(pdf.file_name(), Some("statement.pdf"));

        let unknown = GetAllFiData::of_consent(ConsentId::parse("unknown").unwrap());
        let error = client.get_all_fi_data(unknown).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Api, Outcome::Refused)
        );
        assert_eq!(error.fault().unwrap().code(), Some("InvalidConsentId"));
    }
}
