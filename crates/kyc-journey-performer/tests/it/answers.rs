//! What is sent for each operation, and what its documented answer becomes.

use kyc_journey::{
    AggregatorReturn, Answer, ConsentQuery, ConsentState, DataClass, DataNews, DataState,
    DocumentKind, FinpassFlow, FoundFile, Leg, Operation, ProfileStanding, Readiness, SessionNews,
    SessionState, Source,
};
use provider_core::capability::AggregatorId;
use provider_core::jiff::Timestamp;
use provider_core::testing::{Sent, Step};
use serde_json::{Value, json};

use crate::{correlation, payload, perform, reference, reply, token};

const DEEPVUE: &str = "0c8c7833678e412f9fec77dbe0494562";
const VERIFF: &str = "aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7";
const HANDLE: &str = "3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b";
const CONSENT: &str = "6c1b4f2e-8a7d-4b6e-9f0a-2d3c4b5a6978";
const FINPASS: &str = "aa_00000001_000000000000000000000001";

fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

fn aggregator(id: &str) -> AggregatorId {
    AggregatorId::parse(id).unwrap()
}

/// The answer to the reply of this case, what is personal beside it, and the only request.
async fn told(operation: Operation, case: &str) -> (Answer, Option<(DataClass, String)>, Sent) {
    told_with(operation, None, case).await
}

async fn told_with(
    operation: Operation,
    input: Option<kyc_journey::Payload>,
    case: &str,
) -> (Answer, Option<(DataClass, String)>, Sent) {
    let (performed, mut sent) = perform(operation, input, [reply(case)]).await;
    assert_eq!(sent.len(), 1, "{case}");
    let kept = performed.payload;
    let kept = kept.map(|kept| (kept.class, kept.content.expose().to_owned()));
    (performed.result.unwrap(), kept, sent.remove(0))
}

fn parsed(kept: Option<(DataClass, String)>, class: DataClass) -> Value {
    let (of, content) = kept.unwrap();
    assert_eq!(of, class);
    serde_json::from_str(&content).unwrap()
}

#[tokio::test(start_paused = true)]
async fn documents_are_opened_for_what_is_wanted_with_the_token_in_the_path_of_the_return() {
    let leg = Leg::Documents;
    let open = Operation::OpenDocuments {
        correlation: correlation(leg),
        wanted: vec![DocumentKind::Pan, DocumentKind::EAadhaar, DocumentKind::Pan],
    };
    let (answer, kept, sent) = told(open, "deepvue/initiate-session/created").await;
    assert_eq!(
        sent.json(),
        json!({
            "consent": "Y",
            "purpose": "KYC of a new customer",
            "redirect_url": format!("https://lender.example.test/kyc/return/{}", token(leg)),
            "doc_types": ["aadhaar", "pan"],
        })
    );
    // The effect, so that it is found again at the provider.
    assert_eq!(
        sent.header("x-request-id"),
        "00000000000000000000000000000011-3-1"
    );
    let reference = reference(DEEPVUE);
    assert_eq!(answer, Answer::Opened { reference });
    let (class, link) = kept.unwrap();
    assert_eq!(class, DataClass::Links);
    assert!(link.ends_with(&format!("state={DEEPVUE}")), "{link}");
}

#[tokio::test(start_paused = true)]
async fn a_code_is_redeemed_and_the_persons_details_are_not_kept() {
    let complete = Operation::CompleteAuthorization {
        session: reference(DEEPVUE),
        code: kyc_journey::Seq::new(2),
    };
    let code = payload(DataClass::Codes, "made-up-code-0001");
    let case = "deepvue/complete-authorization/completed";
    let (answer, kept, sent) = told_with(complete, code, case).await;
    let body = sent.json();
    assert_eq!(body["digilocker_code"], "made-up-code-0001");
    assert_eq!(body["initial_deepvue_transaction_id"], DEEPVUE);
    assert_eq!(
        answer,
        Answer::Authorized {
            has_e_aadhaar: true,
            consent_until: time("2026-01-17T18:29:59Z"),
        }
    );
    assert_eq!(kept, None);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_documents_is_kept_and_one_of_it_fetched() {
    let list = Operation::ListIssuedFiles {
        session: reference(DEEPVUE),
    };
    let (answer, kept, _) = told(list, "deepvue/issued-files/two-files").await;
    let found = [(0, DocumentKind::EAadhaar), (1, DocumentKind::Pan)];
    let found = found.map(|(item, kind)| FoundFile { item, kind }).to_vec();
    assert_eq!(answer, Answer::Files { found });
    let (class, list) = kept.unwrap();
    assert_eq!(class, DataClass::Documents);
    let fetch = |item| Operation::FetchFile {
        session: reference(DEEPVUE),
        list: kyc_journey::Seq::new(5),
        item,
    };
    let case = "deepvue/file/pdf-in-base64";
    let (answer, kept, sent) = told_with(fetch(1), payload(class, &list), case).await;
    assert_eq!(sent.json()["uri"], "in.gov.pan-PANCR-invented0002");
    assert_eq!(answer, Answer::File);
    let (class, document) = kept.unwrap();
    assert_eq!(class, DataClass::Documents);
    assert!(document.starts_with("JVBER"), "{document}");
    // Beyond the list, and after an erasure, nothing is sent.
    for input in [payload(class, &list), None, payload(class, "{}")] {
        let (performed, sent) = perform(fetch(2), input, []).await;
        assert_eq!(performed.result, Err(kyc_journey::Failure::not_sent()));
        assert!(sent.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_e_aadhaar_is_kept_as_it_is_read_with_the_number_masked() {
    let fetch = Operation::FetchEAadhaar {
        session: reference(DEEPVUE),
    };
    let (answer, kept, _) = told(fetch, "deepvue/e-aadhaar/without-pdf").await;
    assert_eq!(answer, Answer::File);
    let record = parsed(kept, DataClass::Documents);
    assert_eq!(record["proof_of_identity"]["name"], "Made-Up Person");
    assert!(record["masked_uid"].as_str().unwrap().ends_with("1234"));
}

#[tokio::test(start_paused = true)]
async fn every_aggregator_has_a_standing_in_the_plans_spelling() {
    let check = Operation::CheckProfile {
        aggregators: ["OneMoney", "finvu", "anumati"].map(aggregator).to_vec(),
    };
    let (answer, kept, sent) = told(check, "finpro/check-profile/several-aggregators").await;
    assert_eq!(
        sent.json(),
        json!({
            "mobileNumber": "9000000001",
            "userConsentId": "00000000000000000000000000000011/3/1",
            "aaId": ["OneMoney", "finvu", "anumati"],
        })
    );
    let standings = [
        ("OneMoney", Readiness::Ready),
        ("finvu", Readiness::NeedsRegistration),
        ("anumati", Readiness::Undetermined),
    ];
    let standings = standings.map(|(id, readiness)| ProfileStanding {
        aggregator: aggregator(id),
        readiness,
    });
    let standings = standings.to_vec();
    assert_eq!((answer, kept), (Answer::Profiles { standings }, None));
}

#[tokio::test(start_paused = true)]
async fn a_consent_is_requested_with_the_token_as_account_and_in_the_path_of_the_return() {
    let leg = Leg::Accounts;
    let request = |aggregator| Operation::RequestConsent {
        correlation: correlation(leg),
        aggregator,
    };
    let named = request(Some(aggregator("finvu")));
    let (answer, kept, sent) = told(named, "finpro/request-consent-v3/handle-and-url").await;
    assert_eq!(
        sent.json(),
        json!({
            "productID": "LOAN-1",
            "vua": "9000000001@finvu",
            "partyIdentifierType": "MOBILE",
            "partyIdentifierValue": "9000000001",
            "accountID": token(leg),
            "redirectUrl": format!("https://lender.example.test/kyc/return/{}", token(leg)),
            "pan": "NAMPV0000V",
        })
    );
    let opened = Answer::Opened {
        reference: reference(HANDLE),
    };
    assert_eq!(answer, opened);
    let (class, link) = kept.unwrap();
    assert_eq!(class, DataClass::Links);
    assert!(link.starts_with("https://aggregator.example.test/?ecreq="));

    // A reply without the address: it is asked for, and if that fails the consent is known all the same.
    let body = json!({"ver": "1.21.0", "status": "success", "data": {"consent_handle": HANDLE}});
    let asked = || Step::respond(200, body.to_string());
    let (performed, sent) = perform(
        request(None),
        None,
        [asked(), reply("finpro/encrypt-redirection/encrypted")],
    )
    .await;
    assert_eq!(sent[0].json()["vua"], "9000000001@onemoney");
    assert_eq!(sent[1].json()["consentHandle"], json!([HANDLE]));
    assert_eq!(performed.result, Ok(opened.clone()));
    assert_eq!(performed.payload.unwrap().class, DataClass::Links);
    let refused = Step::respond(400, r#"{"errorCode":"FP0024","errorMsg":"made up"}"#);
    let (performed, _) = perform(request(None), None, [asked(), refused]).await;
    assert_eq!((performed.result, performed.payload), (Ok(opened), None));
}

#[tokio::test(start_paused = true)]
async fn the_link_of_a_consent_is_made_again() {
    let read = Operation::ReadLink {
        handle: reference(HANDLE),
    };
    let (answer, kept, sent) = told(read, "finpro/encrypt-redirection/encrypted").await;
    assert_eq!(
        sent.json(),
        json!({"consentHandle": [HANDLE], "pan": "NAMPV0000V"})
    );
    assert_eq!(answer, Answer::Link);
    assert_eq!(kept.unwrap().0, DataClass::Links);
}

#[tokio::test(start_paused = true)]
async fn consents_are_listed_by_what_is_known_of_them() {
    let leg = Leg::Accounts;
    let by_party = ConsentQuery::Person {
        correlation: correlation(leg),
    };
    let active = (ConsentState::Active, Some(reference(CONSENT)));
    for (by, case, body, (state, consent)) in [
        (
            by_party,
            "by-party",
            json!({"partyIdentifierType": "MOBILE", "partyIdentifierValue": "9000000001",
                "productID": "LOAN-1", "accountID": token(leg)}),
            active.clone(),
        ),
        (
            ConsentQuery::Handle(reference(HANDLE)),
            "by-handle",
            json!({"consentHandle": [HANDLE]}),
            (ConsentState::Rejected, None),
        ),
        (
            ConsentQuery::Id(reference(CONSENT)),
            "by-id",
            json!({"consentID": [CONSENT]}),
            active,
        ),
    ] {
        let list = Operation::ListConsents { by };
        let case = format!("finpro/list-consents-v3/{case}");
        let (answer, kept, sent) = told(list, &case).await;
        assert_eq!(sent.json(), body);
        let Answer::Consents { consents } = answer else {
            panic!("{case}: {answer:?}");
        };
        let found: Vec<_> = consents
            .iter()
            .map(|news| (news.state, news.consent.clone()))
            .collect();
        assert_eq!(found, [(state, consent)], "{case}");
        assert_eq!(kept, None);
    }
}

/// A list that cannot be read in full says nothing about what is not in it.
#[tokio::test(start_paused = true)]
async fn a_list_with_other_journeys_or_unread_rows_is_no_proof_of_absence() {
    let leg = Leg::Accounts;
    let list = || Operation::ListConsents {
        by: ConsentQuery::Person {
            correlation: correlation(leg),
        },
    };
    let mut other = correlation(leg);
    other.attempt = 1;
    let row = |handle: &str, account: String| {
        json!({"consentHandle": handle, "status": "PENDING", "accountID": account,
            "modifiedOn": "2030-01-01T00:00:00.000Z"})
    };
    let body = |rows: &[Value]| {
        Step::respond(
            200,
            json!({"ver": "1.21.0", "status": "success", "data": rows}).to_string(),
        )
    };
    let own = row(HANDLE, token(leg));
    let before = row("5d2f8c61-0b7e-4a93-9c1d-7e4f60a2b85c", other.expose());
    let (performed, _) = perform(list(), None, [body(&[before, own.clone()])]).await;
    let Ok(Answer::Consents { consents }) = performed.result else {
        panic!("{performed:?}");
    };
    let of: Vec<_> = consents
        .iter()
        .map(|news| (news.source.clone(), news.state, news.at))
        .collect();
    let source = Source::new(Some(reference(HANDLE)), Some(correlation(leg)));
    assert_eq!(
        of,
        [(source, ConsentState::Pending, time("2030-01-01T00:00:00Z"))]
    );
    let (performed, _) = perform(list(), None, [body(&[json!("a row"), own])]).await;
    assert_eq!(performed.result, Err(kyc_journey::Failure::unreadable()));
}

#[tokio::test(start_paused = true)]
async fn a_return_is_decrypted_and_proves_its_form_only() {
    let decrypt = || Operation::DecryptReturn {
        returned: kyc_journey::Seq::new(4),
    };
    let parameters = || payload(DataClass::Codes, "?ecres=QUJD+Rg==&resdate=1&fi=QUJD");
    for (case, end) in [
        ("accepted", AggregatorReturn::Accepted),
        ("rejected", AggregatorReturn::Rejected),
    ] {
        let case = format!("finpro/decrypt-redirection/{case}");
        let (answer, kept, sent) = told_with(decrypt(), parameters(), &case).await;
        assert_eq!(sent.json()["webRedirectionURL"]["ecres"], "QUJD+Rg==");
        assert_eq!((answer, kept), (Answer::ReturnRead { end }, None));
    }
    let without = payload(DataClass::Codes, "?ecres=QUJD");
    let (performed, sent) = perform(decrypt(), without, []).await;
    assert_eq!(performed.result, Err(kyc_journey::Failure::not_sent()));
    assert!(sent.is_empty());
}

#[tokio::test(start_paused = true)]
async fn data_is_requested_followed_and_fetched() {
    let consent = || reference(CONSENT);
    let request = Operation::RequestData { consent: consent() };
    let (answer, kept, sent) = told(request, "finpro/request-fi/accepted").await;
    assert_eq!(sent.json(), json!({"consentId": CONSENT}));
    let Answer::DataRequested { session } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(kept, None);
    let questions = [
        (
            Some(session.clone()),
            json!({"sessionId": session.as_str()}),
        ),
        (None, json!({"consentId": CONSENT})),
    ];
    for (session, question) in questions {
        let status = Operation::DataStatus {
            consent: consent(),
            session,
        };
        let (performed, sent) = perform(
            status,
            None,
            [reply("finpro/fi-request-status/partly-ready")],
        )
        .await;
        assert_eq!(sent[0].json(), question);
        let Ok(Answer::DataStatus { news }) = performed.result else {
            panic!("{performed:?}");
        };
        let source = Source::new(Some(reference(HANDLE)), None);
        let expected = DataNews::new(source, DataState::Ready)
            .set_consent(Some(consent()))
            .set_session(Some(reference("0b5f2f3c-1c5e-4a3e-8a57-0d2f6e1b7c90")))
            .set_delivered(1, 2)
            .set_until(time("2030-01-08T00:00:00Z"))
            .set_at(time("2030-01-01T00:00:00Z"));
        assert_eq!(*news, expected);
        assert_eq!(performed.payload, None);
    }
    let fetch = Operation::FetchData {
        consent: consent(),
        session: Some(session),
    };
    let (answer, kept, sent) = told(fetch, "finpro/get-all-fi-data/two-forms-of-a-body").await;
    assert_eq!(sent.json(), json!({"consentID": CONSENT}));
    assert_eq!(answer, Answer::AccountData);
    let data = parsed(kept, DataClass::AccountData);
    assert!(
        data["data"]
            .as_array()
            .is_some_and(|accounts| accounts.len() >= 2)
    );
    let revoke = Operation::RevokeConsent { consent: consent() };
    let (answer, kept, _) = told(revoke, "finpro/revoke-consent/revoked").await;
    assert_eq!((answer, kept), (Answer::Done, None));
}

#[tokio::test(start_paused = true)]
async fn finpass_gets_the_token_in_the_paths_of_webhook_and_return() {
    let leg = Leg::Accounts;
    let open = |flow| Operation::OpenAccounts {
        correlation: correlation(leg),
        flow,
    };
    let hook = format!(
        "https://lender.example.test/kyc/hooks/finpass/{}",
        token(leg)
    );
    let back = format!("https://lender.example.test/kyc/return/{}", token(leg));
    for (flow, word) in [
        (FinpassFlow::Underwriting, "loan_underwriting"),
        (FinpassFlow::Monitoring, "loan_monitoring"),
    ] {
        let (answer, kept, sent) = told(open(flow), "finpass/initialize/minimal").await;
        assert_eq!(
            sent.json(),
            json!({
                "mobile_number": "9000000001",
                "pan_number": "NAMPV0000V",
                "consent_type": word,
                "webhook_url": hook,
                "redirect_url": back,
            })
        );
        let reference = reference(FINPASS);
        assert_eq!(answer, Answer::Opened { reference });
        assert_eq!(kept.unwrap().0, DataClass::Links);
    }
    let case = "finpass/initialize-journey/initiated";
    let (answer, kept, sent) = told(open(FinpassFlow::Analyzer), case).await;
    assert_eq!(sent.json()["webhook_url"], hook.as_str());
    assert_eq!(sent.json()["redirect_url"], back.as_str());
    assert!(matches!(answer, Answer::Opened { .. }));
    assert_eq!(kept.unwrap().0, DataClass::Links);
}

#[tokio::test(start_paused = true)]
async fn reports_are_counted_and_kept_as_they_came() {
    let fetch = |request| Operation::FetchReports {
        client: reference(FINPASS),
        request,
        flow: FinpassFlow::Underwriting,
    };
    let counts = |ready, pending, failed| Answer::Reports {
        ready,
        pending,
        failed,
    };
    let (answer, kept, sent) = told(fetch(None), "finpass/fetch-json-report/ready").await;
    assert_eq!(sent.json(), json!({"client_id": FINPASS}));
    assert_eq!(answer, counts(1, 0, 0));
    let report = parsed(kept, DataClass::AccountData);
    assert_eq!(
        report["data"]["account_aggregator_json"][0]["profile_details"]["name"],
        "Test Person"
    );
    let refreshed = fetch(Some(reference("request-1")));
    let (answer, _, sent) = told(refreshed, "finpass/fetch-json-report/pending").await;
    assert_eq!(sent.json()["request_id"], "request-1");
    assert_eq!(answer, counts(0, 1, 0));
    for (data, expected) in [
        (json!({"status": "FAILED"}), counts(0, 0, 1)),
        // A word that no page has ends nothing.
        (json!({"status": "COMPLETED"}), counts(0, 1, 0)),
        (json!({"account_aggregator_json": []}), counts(0, 1, 0)),
        (
            json!({"account_aggregator_json": [
                {"account_id": "1"}, {"account_id": "2", "status": "PENDING"},
                {"account_id": "3", "status": "FAILED"}, {"account_id": "4", "status": "ready"},
                "unreadable",
            ]}),
            counts(2, 1, 2),
        ),
    ] {
        let body = json!({"data": data, "status_code": 200, "success": true,
            "message": "Success", "message_code": "success"});
        let (performed, _) =
            perform(fetch(None), None, [Step::respond(200, body.to_string())]).await;
        assert_eq!(performed.result, Ok(expected), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_analysis_is_fetched_once_the_status_says_that_it_is_complete() {
    let fetch = || Operation::FetchReports {
        client: reference("bsa_clnt_000000000001"),
        request: None,
        flow: FinpassFlow::Analyzer,
    };
    let status = |word: &str| {
        let body = json!({"success": true, "message": "made up",
            "data": {"client_id": "bsa_clnt_000000000001", "status": word}});
        Step::respond(200, body.to_string())
    };
    for word in [
        "initiated",
        "consent_pending",
        "consent_granted",
        "data_fetched",
        "new",
    ] {
        let (performed, _) = perform(fetch(), None, [status(word)]).await;
        let pending = Answer::Reports {
            ready: 0,
            pending: 1,
            failed: 0,
        };
        assert_eq!(performed.result, Ok(pending), "{word}");
        assert_eq!(performed.payload, None);
    }
    let of = |mut value: Value| {
        value["data"]["client_id"] = "bsa_clnt_000000000001".into();
        Step::respond(200, value.to_string())
    };
    let statement =
        json!({"success": true, "message": "made up", "data": {"accounts": [{"account_id": "1"}]}});
    let analysis = json!({"success": true, "message": "made up", "data": {"summary": {"total_credits": "1.00"}}});
    let steps = [status("analysis_complete"), of(statement), of(analysis)];
    let (performed, sent) = perform(fetch(), None, steps).await;
    assert_eq!(sent.len(), 3);
    let ready = Answer::Reports {
        ready: 1,
        pending: 0,
        failed: 0,
    };
    assert_eq!(performed.result, Ok(ready));
    let kept = performed.payload.unwrap();
    assert_eq!(kept.class, DataClass::AccountData);
    let both: Value = serde_json::from_str(kept.content.expose()).unwrap();
    assert_eq!(both["statement"]["data"]["accounts"][0]["account_id"], "1");
    assert_eq!(both["analysis"]["data"]["summary"]["total_credits"], "1.00");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_known_by_its_request() {
    let refresh = Operation::RefreshData {
        client: reference(FINPASS),
    };
    let (answer, kept, sent) = told(refresh, "finpass/refresh-data/accepted").await;
    assert_eq!(sent.json(), json!({"client_id": FINPASS}));
    assert!(matches!(answer, Answer::Refreshing { .. }), "{answer:?}");
    assert_eq!(kept, None);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_created_with_the_token_as_vendor_data() {
    let leg = Leg::Verification;
    let create = Operation::CreateSession {
        correlation: correlation(leg),
    };
    let (answer, kept, sent) = told(create, "veriff/create-session/smallest").await;
    assert_eq!(
        sent.json(),
        json!({"verification": {
            "callback": format!("https://lender.example.test/kyc/return/{}", token(leg)),
            "person": {
                "firstName": "Asha",
                "lastName": "Made-Up",
                "phoneNumber": "9000000001",
                "dateOfBirth": "1990-01-01",
            },
            "vendorData": token(leg),
        }})
    );
    let opened = Answer::Opened {
        reference: reference(VERIFF),
    };
    assert_eq!(answer, opened);
    let link = "https://veriff.example.test/v/made-up-token".to_owned();
    assert_eq!(kept, Some((DataClass::Links, link)));
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_signed_news_and_kept_as_evidence() {
    let read = || Operation::ReadDecision {
        session: reference(VERIFF),
    };
    let source = || Source::new(Some(reference(VERIFF)), None);
    let (answer, kept, _) = told(read(), "veriff/decision/approved").await;
    let news = SessionNews::new(source(), SessionState::Approved)
        .set_attempt(Some(reference("00000000-0000-4000-8000-000000000011")))
        .set_at(time("2030-01-01T00:01:00.123Z"))
        .set_is_signed(true);
    let news = Box::new(news);
    assert_eq!(answer, Answer::SessionState { news });
    let decision = parsed(kept, DataClass::Evidence);
    assert_eq!(decision["verification"]["person"]["firstName"], "Made-Up");
    let (answer, kept, _) = told(read(), "veriff/decision/undecided").await;
    assert_eq!((answer, kept), (Answer::Done, None));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_handed_in_says_where_it_stands() {
    let submit = Operation::SubmitSession {
        session: reference(VERIFF),
    };
    let (answer, kept, _) = told(submit, "veriff/submit-session/submitted").await;
    let source = Source::new(Some(reference(VERIFF)), None);
    let news = SessionNews::new(source, SessionState::Submitted).set_is_signed(true);
    let news = Box::new(news);
    assert_eq!((answer, kept), (Answer::SessionState { news }, None));
}

#[tokio::test(start_paused = true)]
async fn the_newest_attempt_says_where_a_session_stands() {
    let list = Operation::ListAttempts {
        session: reference(VERIFF),
    };
    let (answer, kept, _) = told(list, "veriff/attempts/two").await;
    let source = Source::new(Some(reference(VERIFF)), None);
    let news = SessionNews::new(source, SessionState::Approved)
        .set_attempt(Some(reference("00000000-0000-4000-8000-000000000012")))
        .set_is_signed(true);
    let news = Box::new(news);
    assert_eq!((answer, kept), (Answer::SessionState { news }, None));
}

#[tokio::test(start_paused = true)]
async fn what_has_nothing_to_say_is_done() {
    let session = || reference(VERIFF);
    let code = kyc_journey::Seq::new(2);
    for (operation, input, case) in [
        (
            Operation::CheckOneTimeCode {
                session: session(),
                code,
            },
            payload(DataClass::Codes, "000123"),
            "veriff/verify-mfa/done",
        ),
        (
            Operation::DeleteSession { session: session() },
            None,
            "veriff/delete-session/deleted",
        ),
    ] {
        let (answer, kept, _) = told_with(operation, input, case).await;
        assert_eq!((answer, kept), (Answer::Done, None), "{case}");
    }
}
