//! Consents: what is refused before it is sent, what is believed, and the journey through the sandbox.

use finpro_fiu::{
    AccountId, ConsentHandle, ConsentId, ConsentStatus, ListConsentsV1, ListConsentsV2,
    ListConsentsV3, ListUniqueAccounts, PartyIdentifier, PartyIdentifierType, ProductId,
    RequestConsentV2, RequestConsentV3, RequestConsentV4, RequestedConsent, ReturnUrl,
    RevokeConsent, Vua,
};
use kyc_sandbox::settings::{ConsentDecisions, ConsentReply, Failure, RedirectMember};
use kyc_sandbox::{
    AggregatorConsentStatus, Fault, FaultKind, FinproSettings, Provider, Sandbox, Settings,
};
use provider_core::lint::Rule;
use provider_core::{ErrorKind, Mobile, Outcome, Pan, request_from_value};
use serde_json::json;

use crate::{answer, client, findings, refused};

const HANDLE: &str = "3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b";

fn product(text: &str) -> ProductId {
    ProductId::parse(text).unwrap()
}

fn vua(user: &str) -> Vua {
    Vua::parse(&format!("{user}@onemoney")).unwrap()
}

fn party() -> PartyIdentifier {
    PartyIdentifier::mobile(&Mobile::parse("9000000001").unwrap())
}

fn account() -> AccountId {
    AccountId::parse("application-4711").unwrap()
}

fn handle(text: &str) -> ListConsentsV3 {
    ListConsentsV3::Handles(vec![ConsentHandle::parse(text).unwrap()])
}

fn id(text: &str) -> ConsentId {
    ConsentId::parse(text).unwrap()
}

#[test]
fn a_member_that_breaks_a_rule_is_named_before_anything_is_sent() {
    use PartyIdentifierType::{Aadhaar, Email, Gstin, Mobile as Number, Pan};

    let of = |kind, value: &str| PartyIdentifier::new(kind, value);
    let v3 = || RequestConsentV3::new(product("LOAN-1"), vua("9000000001"));
    for (field, request) in [
        (
            "productID",
            RequestConsentV3::new(product("LOAN 1"), vua("a")),
        ),
        ("productID", RequestConsentV3::orchestrated([], vua("a"))),
        (
            "productIDList[0]",
            RequestConsentV3::orchestrated([product("a/b")], vua("a")),
        ),
        (
            "partyIdentifierValue",
            v3().set_party(of(Number, "+919000000001")),
        ),
        ("partyIdentifierValue", v3().set_party(of(Email, "nobody"))),
        (
            "partyIdentifierValue",
            v3().set_party(of(Pan, "aaaaa0000a")),
        ),
        (
            "partyIdentifierType",
            v3().set_party(of(Gstin, "29AAAAA0000A1Z5")),
        ),
        (
            "partyIdentifierType",
            v3().set_party(of("mobile".into(), "9000000001")),
        ),
    ] {
        assert_eq!(refused(&request), field, "{request:?}");
    }
    let v2 = |product, party| RequestConsentV2::new(product, vua("a"), party, account());
    let v4 = |product, party| RequestConsentV4::new(product, vua("a"), party, account());
    assert_eq!(refused(&v2(product("a b"), party())), "productID");
    assert_eq!(refused(&v4(product("a b"), party())), "productID");
    assert_eq!(
        refused(&v2(product("a"), of(Number, "1"))),
        "partyIdentifierValue"
    );
    assert_eq!(
        refused(&v4(product("a"), of(Aadhaar, "1"))),
        "partyIdentifierType"
    );

    let mobile = || Mobile::parse("9000000001").unwrap();
    assert_eq!(
        refused(&ListConsentsV1::new(mobile(), product("a b"))),
        "productID"
    );
    let v2 = ListConsentsV2::new(of(Aadhaar, "1"), product("a"), account());
    assert_eq!(refused(&v2), "partyIdentifierType");
    for (field, request) in [
        ("consentHandle", ListConsentsV3::Handles(Vec::new())),
        (
            "consentHandle[0]",
            handle("00000000-0000-0000-0000-000000000000"),
        ),
        (
            "consentHandle[0]",
            handle("d69a07cf-4434-1d36-be6c-d22af7dc01fb"),
        ),
        (
            "consentHandle[0]",
            handle("d69a07cf44344d36be6cd22af7dc01fb"),
        ),
        ("consentID", ListConsentsV3::Ids(Vec::new())),
        ("consentID[0]", ListConsentsV3::Ids(vec![id("<NULL>")])),
        (
            "partyIdentifierValue",
            ListConsentsV3::Party {
                party: of(Gstin, " "),
                product: product("a"),
                account: account(),
            },
        ),
    ] {
        assert_eq!(refused(&request), field, "{request:?}");
    }
    for status in [ConsentStatus::Resumed, ConsentStatus::from("Active")] {
        let request = ListUniqueAccounts::new(mobile(), product("a")).set_status([status]);
        assert_eq!(refused(&request), "status[0]");
    }
    assert_eq!(refused(&RevokeConsent::new(id("a/b"))), "consentID");
    for text in ["", "@", "a@", "@b", "a@b@c", "9000000001"] {
        assert_eq!(Vua::parse(text).unwrap_err().field(), "vua", "{text}");
    }
    for text in [
        "",
        "lender.example.test",
        "://a",
        "https://",
        "https://a b",
        "1s://a",
        "https://a\n",
    ] {
        assert_eq!(
            ReturnUrl::parse(text).unwrap_err().field(),
            "redirectUrl",
            "{text}"
        );
    }
    assert!(ReturnUrl::parse("lender-app://consent/done?a=b").is_ok());
}

#[test]
fn a_list_has_the_members_of_one_question() {
    let read = |json| request_from_value::<ListConsentsV3>(json).is_ok();
    let party = json!({"partyIdentifierType": "PAN", "partyIdentifierValue": "AAAAA0000A", "productID": "a", "accountID": "b"});
    assert!(read(party.clone()));
    assert!(read(json!({"consentHandle": [HANDLE]})));
    assert!(read(json!({"consentID": ["a", "b"]})));
    let mut both = party.clone();
    both["consentID"] = json!(["a"]);
    for json in [
        both,
        json!({}),
        json!({"consentHandle": []}),
        json!({"consentHandle": [HANDLE], "consentID": ["a"]}),
        json!({"partyIdentifierType": "PAN", "partyIdentifierValue": "AAAAA0000A", "productID": "a"}),
        json!({"productID": "a"}),
    ] {
        let error = request_from_value::<ListConsentsV3>(json).unwrap_err();
        assert!(error.rule().contains("alone"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_needs_its_handle_and_a_revocation_its_word() {
    let request = || RequestConsentV3::new(product("LOAN-1"), vua("9000000001"));
    for body in [
        r#"{"ver":"1","status":"success","data":{}}"#,
        r#"{"ver":"1","status":"success","data":{"consent_handle":""}}"#,
        r#"{"ver":"1","status":"success"}"#,
    ] {
        let error = answer(request(), 200, body).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Decode, Outcome::Done),
            "{body}"
        );
        let v4 = RequestConsentV4::new(product("a"), vua("a"), party(), account());
        let error = answer(v4, 200, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
    }
    for (body, kind) in [
        (r#"{"ver":"1","txnid":"t"}"#, ErrorKind::Decode),
        (r#"{"ver":"1","status":"PENDING"}"#, ErrorKind::Decode),
        (
            r#"{"ver":"1","status":"failure","message":"x"}"#,
            ErrorKind::Api,
        ),
        (
            r#"{"ver":"1","status":"success","errorCode":"InvalidStatus"}"#,
            ErrorKind::Api,
        ),
    ] {
        let error = answer(RevokeConsent::new(id("a")), 200, body)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{body}");
    }
}

/// A success that says something else in its data, or nothing that can be read.
#[tokio::test(start_paused = true)]
async fn a_revocation_s_data_does_not_contradict_it() {
    let revoke = async |data: &str| {
        let body = format!(r#"{{"ver":"1","status":"success"{data}}}"#);
        let error = answer(RevokeConsent::new(id("a")), 200, &body).await.err();
        error.map(|error| (error.kind(), error.outcome()))
    };
    for data in [
        "",
        r#","data":{}"#,
        r#","data":{"status":"REVOKED","consentID":"a"}"#,
        r#","data":{"consentId":""}"#,
    ] {
        assert_eq!(revoke(data).await, None, "{data}");
    }
    for status in [r#""ACTIVE""#, r#""failed""#, r#"["REVOKED"]"#] {
        let data = format!(r#","data":{{"status":{status}}}"#);
        assert_eq!(
            revoke(&data).await,
            Some((ErrorKind::Api, Outcome::Unknown)),
            "{data}"
        );
    }
    let other = Some((ErrorKind::Verification, Outcome::Unknown));
    assert_eq!(revoke(r#","data":{"consentId":"b"}"#).await, other);
}

#[tokio::test(start_paused = true)]
async fn a_list_has_the_consents_that_were_asked_for_and_rows_that_agree() {
    const OTHER: &str = "7d1f6a3e-0c52-4b8e-9a41-5b2c9e7d1f60";
    let mobile = || Mobile::parse("9000000001").unwrap();
    let list = async |request: ListConsentsV3, rows: &str| {
        let body = format!(r#"{{"ver":"1","status":"success","data":[{rows}]}}"#);
        let error = answer(request, 200, &body).await.err();
        error.map(|error| (error.kind(), error.outcome()))
    };
    let other = Some((ErrorKind::Verification, Outcome::Unknown));
    let ids = || ListConsentsV3::Ids(vec![id("a"), id("b")]);
    let row = |handle: &str, id: &str, status: &str| {
        format!(r#"{{"consentHandle":"{handle}","consentID":"{id}","status":"{status}"}}"#)
    };
    let asked = row(HANDLE, "a", "ACTIVE");
    assert_eq!(list(handle(HANDLE), &asked).await, None);
    assert_eq!(list(handle(OTHER), &asked).await, other);
    assert_eq!(list(ids(), &asked).await, None);
    assert_eq!(list(ids(), &row(HANDLE, "c", "ACTIVE")).await, other);
    // A row for each account of a consent is usual.
    assert_eq!(list(ids(), &format!("{asked},{asked}")).await, None);
    let later = row("", "a", "REVOKED");
    let contradiction = Some((ErrorKind::Api, Outcome::Unknown));
    assert_eq!(
        list(ids(), &format!("{asked},{later}")).await,
        contradiction
    );
    let body = format!(r#"{{"ver":"1","status":"success","data":[{asked},{later}]}}"#);
    let error = answer(ListConsentsV1::new(mobile(), product("a")), 200, &body).await;
    assert_eq!(error.unwrap_err().outcome(), Outcome::Unknown);
    let error = answer(
        ListConsentsV2::new(party(), product("a"), account()),
        200,
        &body,
    )
    .await;
    assert_eq!(error.unwrap_err().outcome(), Outcome::Unknown);
    let error = answer(ListUniqueAccounts::new(mobile(), product("a")), 200, &body).await;
    assert_eq!(error.unwrap_err().outcome(), Outcome::Unknown);
}

/// Each call opens something, so nothing is repeated.
#[tokio::test(start_paused = true)]
async fn a_status_that_refuses_what_the_body_says_was_done_leaves_it_open() {
    let handle = r#""data":{"consent_handle":"3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b"}"#;
    for status in [400, 401, 404, 408, 409, 424, 429, 499, 503] {
        for body in [
            format!(r#"{{"ver":"1","status":"success",{handle}}}"#),
            format!(r#"{{"ver":"1",{handle}}}"#),
            r#"{"ver":"1","status":"success","errorCode":"InvalidRequest"}"#.to_owned(),
            r#"{"ver":"1","status":500,"errorMsg":"made-up"}"#.to_owned(),
        ] {
            let request = RequestConsentV3::new(product("LOAN-1"), vua("9000000001"));
            let error = answer(request, status, &body).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Api, Outcome::Unknown),
                "{status} {body}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_consent_that_cannot_be_read_does_not_lose_the_others() {
    let body = r#"{"ver":1.21,"data":[{"status":"PAUSED","consentID":"","accounts":"none","createdOn":7},
        "odd",{"consentID":"a"},{"status":"ACTIVE","consentID":"b","accounts":[7,{"fipId":null}]}]}"#;
    let listed = answer(handle(HANDLE), 200, body).await.unwrap();
    assert_eq!(listed.data.unread_count(), 2);
    assert_eq!(
        (&listed.data[0].consent_id, &listed.data[0].accounts),
        (&None, &None)
    );
    assert!(listed.data[1].status.is_active() && !listed.data[0].status.is_active());
    let accounts = listed.data[1].accounts.as_ref().unwrap();
    assert_eq!((accounts.len(), accounts.unread_count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_printed() {
    let text = "9000000001";
    let item = json!({"status": text, "consentID": text, "consentHandle": HANDLE, "productID": text, "accountID": text,
        "aaId": text, "vua": text, "createdOn": text, "modifiedOn": text, "consentStart": text, "consentExpiry": text,
        "fetchType": text, "fiTypes": [text], "fipId": text, "maskedAccountNumber": text,
        "accounts": [{"fipName": text, "linkReferenceNumber": text, "maskedAccountNumber": text, "fiType": text}]});
    let body = json!({"ver": text, "status": "success", "timestamp": text, "txnid": text, "message": text, "data": [item]});
    let listed = answer(handle(HANDLE), 200, &body.to_string())
        .await
        .unwrap();
    let body = json!({"ver": text, "data": {"consent_handle": text, "status": text, "webRedirectionUrl": "https://aa.example.test/9000000001", "transaction_id": text}});
    let request = RequestConsentV3::new(product("LOAN-1"), vua(text)).set_party(party());
    let asked = answer(request.clone(), 200, &body.to_string())
        .await
        .unwrap();
    let printed = format!(
        "{listed:?} {asked:?} {request:?} {:?}",
        ReturnUrl::parse("a://9000000001")
    );
    assert!(!printed.contains(text), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn a_customer_is_sent_to_a_web_address_only() {
    let v2 = || RequestConsentV2::new(product("LOAN-1"), vua("9000000001"), party(), account());
    let v3 = || RequestConsentV3::new(product("LOAN-1"), vua("9000000001"));
    let v4 = || RequestConsentV4::new(product("LOAN-1"), vua("9000000001"), party(), account());
    for (url, is_one) in [
        (json!("https://aa.example.test/?fi=a"), Some(true)),
        (json!("http://localhost:8080/"), Some(true)),
        (json!(""), Some(false)),
        (json!(" "), Some(false)),
        (json!(null), Some(false)),
        (json!("javascript:1"), None),
        (json!("aa.example.test"), None),
        (json!("file:///etc/passwd"), None),
    ] {
        for name in ["webRedirectionUrl", "webRedirectionURL"] {
            let consent = json!({"ver": "1", "consent_handle": HANDLE, name: url});
            let flat = consent.clone();
            // A flat reply without what is asked for is not told from another one's.
            for (body, kind, outcome) in [
                (
                    json!({"ver": "1", "data": consent}),
                    ErrorKind::Decode,
                    Outcome::Done,
                ),
                (flat, ErrorKind::Unrecognized, Outcome::Unknown),
            ] {
                let body = body.to_string();
                let of_consent = |asked: RequestedConsent| asked.web_redirection_url.is_some();
                let found = [
                    answer(v2(), 200, &body)
                        .await
                        .map(|asked| of_consent(asked.data)),
                    answer(v3(), 200, &body)
                        .await
                        .map(|asked| of_consent(asked.data)),
                    answer(v4(), 200, &body)
                        .await
                        .map(|asked| asked.data.web_redirection_url.is_some()),
                ];
                for found in found {
                    match (found, is_one) {
                        (Ok(found), Some(is_one)) => assert_eq!(found, is_one, "{url}"),
                        (Err(error), None) => {
                            let found = (error.kind(), error.outcome());
                            assert_eq!(found, (kind, outcome), "{url}");
                        }
                        (found, _) => panic!("{url}: {found:?}"),
                    }
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_consent_is_asked_for_found_and_revoked() {
    let sandbox = Sandbox::default();
    let client = client(sandbox.transport());
    let request = RequestConsentV3::new(product("LOAN-1"), vua("9000000001"))
        .set_party(PartyIdentifier::pan(&Pan::parse("AAAAA0000A").unwrap()))
        .set_account(account());
    let asked = client
        .request_consent_v3(request)
        .await
        .unwrap()
        .into_value()
        .data;
    assert_eq!(asked.status, Some(ConsentStatus::Pending));
    assert!(
        asked
            .web_redirection_url
            .unwrap()
            .expose()
            .contains("ecreq=")
    );

    let by_handle = ListConsentsV3::Handles(vec![asked.consent_handle.clone()]);
    let listed = client
        .list_consents_v3(by_handle.clone())
        .await
        .unwrap()
        .into_value()
        .data;
    assert_eq!(listed[0].status, ConsentStatus::Active);
    let consent = listed[0].consent_id.clone().unwrap();
    let accounts = listed[0].accounts.as_ref().unwrap();
    assert_eq!(accounts.len(), 2);

    let mobile = || Mobile::parse("9000000001").unwrap();
    let pan = PartyIdentifier::pan(&Pan::parse("AAAAA0000A").unwrap());
    let v2 = ListConsentsV2::new(pan, product("LOAN-1"), account());
    assert_eq!(
        client
            .list_consents_v2(v2)
            .await
            .unwrap()
            .value()
            .data
            .len(),
        1
    );
    let v1 = ListConsentsV1::new(mobile(), product("LOAN-1"));
    assert_eq!(
        client
            .list_consents_v1(v1)
            .await
            .unwrap()
            .value()
            .data
            .len(),
        2,
        "a row an account"
    );
    let unique = ListUniqueAccounts::new(mobile(), product("LOAN-2"));
    let unique = unique.set_status([ConsentStatus::Active]);
    let found = client
        .list_unique_accounts(unique)
        .await
        .unwrap()
        .into_value()
        .data;
    assert_eq!(
        found[0].product_id,
        Some(product("LOAN-1")),
        "of any template"
    );

    // The journey of an active consent is found by the id alone.
    let fault = Fault::new(Provider::Finpro, FaultKind::Failure(Failure::new(400)));
    let fault = fault.of_journey("j_1".parse().unwrap()).first(1);
    sandbox.switch_fault_on(fault).unwrap();
    let revoke = || client.revoke_consent(RevokeConsent::new(consent.clone()));
    let status = revoke().await.unwrap_err().status();
    assert_eq!(status.map(|status| status.as_u16()), Some(400));
    revoke().await.unwrap();
    let listed = client
        .list_consents_v3(by_handle)
        .await
        .unwrap()
        .into_value()
        .data;
    assert_eq!(listed[0].status, ConsentStatus::Revoked);
    for (consent, code) in [
        (consent, "InvalidStatus"),
        (id("unknown"), "InvalidConsentId"),
    ] {
        let error = client
            .revoke_consent(RevokeConsent::new(consent))
            .await
            .unwrap_err();
        assert_eq!(error.fault().unwrap().code(), Some(code));
    }
    assert_eq!(sandbox.ledger().total().effects, 2);
}

#[tokio::test(start_paused = true)]
async fn every_place_and_spelling_of_a_consent_is_read() {
    for (reply, member) in [
        (ConsentReply::InData, RedirectMember::CapitalUrl),
        (ConsentReply::Flat, RedirectMember::Url),
    ] {
        let finpro = FinproSettings::default()
            .with_consent_reply(reply)
            .with_redirect_member(member)
            .with_consent_decisions(ConsentDecisions::Pending);
        let sandbox = Sandbox::new(Settings::default().with_finpro(finpro));
        let client = client(sandbox.transport());
        let v3 = RequestConsentV3::new(product("LOAN-1"), vua("9000000001"));
        let asked = client
            .request_consent_v3(v3)
            .await
            .unwrap()
            .into_value()
            .data;
        assert!(asked.web_redirection_url.is_some());
        let v2 = RequestConsentV2::new(product("LOAN-1"), vua("9000000001"), party(), account());
        client.request_consent_v2(v2).await.unwrap();

        let status = async || {
            let request = ListConsentsV3::Handles(vec![asked.consent_handle.clone()]);
            let listed = client
                .list_consents_v3(request)
                .await
                .unwrap()
                .into_value()
                .data;
            (listed[0].status.clone(), listed[0].consent_id.is_some())
        };
        assert_eq!(status().await, (ConsentStatus::Pending, false));
        let decide = |next| sandbox.decide_consent(asked.consent_handle.as_str(), next);
        assert!(!decide(AggregatorConsentStatus::Paused), "it is not active");
        assert!(decide(AggregatorConsentStatus::Active) && decide(AggregatorConsentStatus::Paused));
        assert_eq!(status().await, (ConsentStatus::Paused, true));
    }
    let client = client(Sandbox::default().transport());
    let v4 = RequestConsentV4::new(product("LOAN-1"), vua("9000000001"), party(), account());
    let v4 = v4.set_fip_ids(["FIP-1", "FIP-2"].map(fip_id));
    let asked = client
        .request_consent_v4(v4)
        .await
        .unwrap()
        .into_value()
        .data;
    let fips: Vec<_> = asked
        .consents
        .iter()
        .map(|consent| consent.fip_id.clone())
        .collect();
    assert_eq!(fips, ["FIP-1", "FIP-2"].map(|fip| Some(fip_id(fip))));
}

fn fip_id(text: &str) -> finpro_fiu::FipId {
    finpro_fiu::FipId::parse(text).unwrap()
}

#[test]
fn the_identifiers_of_a_request_are_checked_against_the_rules_of_their_kind() {
    let of = |kind, value: &str| PartyIdentifier::new(kind, value);
    let pan = Pan::parse("AAADT1234Z").unwrap();
    let number = || of(PartyIdentifierType::Mobile, "9000000002");
    let mobile = || of(PartyIdentifierType::Mobile, "5000000001");
    let v2 = RequestConsentV2::new(product("P"), vua("9000000001"), number(), account());
    assert_eq!(findings(&v2), [("vua", Rule::VuaMobile)]);
    let v3 = RequestConsentV3::new(product("P"), vua("a b")).set_pan(pan.clone());
    assert_eq!(
        findings(&v3),
        [("vua", Rule::VuaForm), ("pan", Rule::PanClass)]
    );
    let v4 = RequestConsentV4::new(product("P"), vua("asha"), mobile(), account());
    assert_eq!(findings(&v4), [("partyIdentifierValue", Rule::MobileRange)]);
    let of_pan = of(PartyIdentifierType::Pan, "AAADT1234Z");
    let list = ListConsentsV2::new(of_pan, product("P"), account());
    assert_eq!(findings(&list), [("partyIdentifierValue", Rule::PanClass)]);
    let list = |value: &str| ListConsentsV3::Party {
        party: of(PartyIdentifierType::Aadhaar, value),
        product: product("P"),
        account: account(),
    };
    assert_eq!(findings(&list("XXXX-XXXX-0000")), []);
    assert_eq!(
        findings(&list("00000000000")),
        [("partyIdentifierValue", Rule::AadhaarMask)]
    );
    let list = |kind, value: &str| ListConsentsV3::Party {
        party: of(kind, value),
        product: product("P"),
        account: account(),
    };
    for (kind, right, wrong, rule) in [
        (
            PartyIdentifierType::DateOfBirth,
            "1990-02-28",
            "28-02-1990",
            Rule::BirthDateForm,
        ),
        (
            PartyIdentifierType::Gstin,
            "29AAAPT0000Z1Z5",
            "29AAAPT0000Z1Z6",
            Rule::GstinForm,
        ),
    ] {
        assert_eq!(findings(&list(kind.clone(), right)), []);
        assert_eq!(
            findings(&list(kind, wrong)),
            [("partyIdentifierValue", rule)]
        );
    }
    let right = RequestConsentV2::new(product("P"), vua("9000000001"), party(), account());
    assert_eq!(findings(&right), []);
}

#[test]
fn a_list_is_no_request_and_no_error_repeats_a_value() {
    fn refuses<T: serde::de::DeserializeOwned>(member: &str) {
        for json in [
            r#"["CANARY"]"#.to_owned(),
            format!(r#"{{"{member}":{{"CANARY":1}}}}"#),
            r#"{"CANARY 1":"CANARY"}"#.to_owned(),
        ] {
            let error = serde_json::from_str::<T>(&json).err().unwrap().to_string();
            assert!(!error.contains("CANARY"), "{error}");
        }
    }
    refuses::<ListConsentsV1>("mobileNumber");
    refuses::<ListConsentsV2>("productID");
    refuses::<ListConsentsV3>("consentHandle");
    refuses::<ListUniqueAccounts>("mobileNumber");
    refuses::<RequestConsentV2>("vua");
    refuses::<RequestConsentV3>("vua");
    refuses::<RequestConsentV4>("vua");
    refuses::<RevokeConsent>("consentID");
    for text in ["a\r\nb", "a\0"] {
        assert!(AccountId::parse(text).is_err() && ConsentHandle::parse(text).is_err());
        assert!(Vua::parse(&format!("{text}@onemoney")).is_err());
    }
}
