//! AA-BSA: what is sent, the states of a journey, what is believed, and the journey through the sandbox.

use std::sync::Arc;

use finpass::provider_core::lenient::Read;
use finpass::provider_core::testing::{FixedClock, ScriptedTransport, Step};
use finpass::provider_core::{
    Endpoint, Error, ErrorKind, Masked, Mobile, Observation, Outcome, Progress, Response,
    VerificationError, request_from_json,
};
use finpass::{
    ConsentType, Finpass, FinpassClient, GetAnalysis, GetJourneyStatus, GetStatementResult,
    InitializeJourney, JourneyId, JourneyState, JourneyStatus, JourneyUrl,
};
use kyc_sandbox::settings::JourneyOutcome;
use kyc_sandbox::{FinpassSettings, Sandbox, Settings};

use crate::sandbox::{base_url, client, finpass};

use JourneyState::{
    AnalysisComplete, ConsentGranted, ConsentPending, DataFetch, Denied, Expired, Failed, Initiated,
};
use Observation::{Contradiction, Late, Moved, MovedAcross, MovedUnlisted, Unchanged};

fn journey(text: &str) -> JourneyId {
    JourneyId::parse(text).unwrap()
}

fn request(consent: ConsentType, back: JourneyUrl, hook: JourneyUrl) -> InitializeJourney {
    InitializeJourney::new(Mobile::parse("9000000001").unwrap(), consent, back, hook)
}

fn scripted(status: u16, body: &str) -> (FinpassClient, ScriptedTransport) {
    let transport = ScriptedTransport::new([Step::respond(status, body.to_owned())]);
    let client = client("https://api.finpass.ai", Arc::new(transport.clone()));
    (client, transport)
}

async fn answer<E: Endpoint<Provider = Finpass>>(
    request: E,
    status: u16,
    body: &str,
) -> Result<E::Output, Error> {
    let (client, _) = scripted(status, body);
    client
        .client()
        .call(request)
        .await
        .map(Response::into_value)
}

const OPENED: &str =
    r#"{"success":true,"data":{"client_id":"j","journey_url":"https://consent.example.test/j"}}"#;

#[tokio::test(start_paused = true)]
async fn an_address_is_sent_or_finpass_s_own_is_chosen() {
    let back = || JourneyUrl::at("https://lender.example.test/back");
    let hook = || JourneyUrl::at("https://lender.example.test/hook");
    for (back, hook, sent) in [
        (
            back(),
            hook(),
            r#""redirect_url":"https://lender.example.test/back","webhook_url":"https://lender.example.test/hook""#,
        ),
        (
            back(),
            JourneyUrl::FinpassSite,
            r#""redirect_url":"https://lender.example.test/back""#,
        ),
        (
            JourneyUrl::FinpassSite,
            hook(),
            r#""webhook_url":"https://lender.example.test/hook""#,
        ),
    ] {
        let (client, transport) = scripted(200, OPENED);
        let request = request(ConsentType::LoanMonitoring, back, hook);
        client.initialize_journey(request).await.unwrap();
        let body =
            format!(r#"{{"mobile_number":"9000000001","consent_type":"loan_monitoring",{sent}}}"#);
        assert_eq!(transport.only().body, body);
    }
    let transport = ScriptedTransport::new([Step::respond(200, r#"{"data":{"status":"x"}}"#)]);
    let client = FinpassClient::builder(finpass("https://api.finpass.ai"))
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap();
    let asked = GetJourneyStatus::new(journey("bsa_clnt_1&a=b c/ü"));
    client.journey_status(asked).await.unwrap();
    insta::assert_snapshot!(transport.only().golden());
}

#[tokio::test(start_paused = true)]
async fn a_member_that_breaks_a_rule_is_named_before_anything_is_sent() {
    let site = || JourneyUrl::FinpassSite;
    let underwriting = || ConsentType::LoanUnderwriting;
    for (request, field) in [
        (
            request(ConsentType::from(""), site(), site()),
            "consent_type",
        ),
        (
            request(underwriting(), JourneyUrl::at("app://CANARY"), site()),
            "redirect_url",
        ),
        (
            request(underwriting(), site(), JourneyUrl::at("CANARY")),
            "webhook_url",
        ),
        (
            request(underwriting(), JourneyUrl::at(""), site()),
            "redirect_url",
        ),
    ] {
        let (client, transport) = scripted(200, OPENED);
        let error = client.initialize_journey(request).await.unwrap_err();
        assert_eq!(error.invalid_request().unwrap().field(), field);
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert!(!error.report().contains("CANARY") && transport.sent().is_empty());
    }
    for (json, field) in [
        (r#"{"consent_type":"loan_monitoring"}"#, "mobile_number"),
        (r#"{"mobile_number":"9000000001"}"#, "consent_type"),
        (
            r#"{"mobile_number":"9000000001","consent_type":"loan_monitoring","pan_number":"x"}"#,
            "pan_number",
        ),
    ] {
        let error = request_from_json::<InitializeJourney>(json.as_bytes()).unwrap_err();
        assert_eq!(error.field(), field, "{json}");
    }
    for json in ["{}", r#"{"client_id":""}"#, r#"{"client_id":7}"#] {
        for error in [
            request_from_json::<GetJourneyStatus>(json.as_bytes()).unwrap_err(),
            request_from_json::<GetStatementResult>(json.as_bytes()).unwrap_err(),
            request_from_json::<GetAnalysis>(json.as_bytes()).unwrap_err(),
        ] {
            assert_eq!(error.field(), "client_id", "{json}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_journey_without_its_id_or_with_a_url_for_no_browser_is_not_opened() {
    let url = r#""journey_url":"https://consent.example.test/j""#;
    for (data, path) in [
        (format!("{{{url}}}"), "$.data.client_id"),
        (format!(r#"{{"client_id":" ",{url}}}"#), "$.data.client_id"),
        (r#"{"client_id":"j"}"#.to_owned(), "$.data.journey_url"),
        (
            r#"{"client_id":"j","journey_url":"javascript:CANARY"}"#.to_owned(),
            "$.data.journey_url",
        ),
    ] {
        let site = || JourneyUrl::FinpassSite;
        let request = request(ConsentType::LoanUnderwriting, site(), site());
        let body = format!(r#"{{"success":true,"data":{data}}}"#);
        let error = answer(request, 200, &body).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Decode, Outcome::Done)
        );
        assert!(path.starts_with(error.decode().unwrap().path()), "{data}");
        assert!(!format!("{error:?} {}", error.report()).contains("CANARY"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_has_either_key_s_code_in_either_case() {
    for (status, body, kind, code) in [
        (
            400,
            r#"{"success":false,"error_code":"INVALID_INPUT"}"#,
            ErrorKind::Api,
            "INVALID_INPUT",
        ),
        (
            200,
            r#"{"success":false,"error_code":"INVALID_INPUT"}"#,
            ErrorKind::Api,
            "INVALID_INPUT",
        ),
        (
            400,
            r#"{"success":false,"error_code":"INVALID_CREDENTIAL_PAIR"}"#,
            ErrorKind::Credentials,
            "INVALID_CREDENTIAL_PAIR",
        ),
        (
            401,
            r#"{"success":false,"message_code":"unauthorized"}"#,
            ErrorKind::Credentials,
            "unauthorized",
        ),
    ] {
        let error = answer(GetJourneyStatus::new(journey("j")), status, body)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (kind, Outcome::Refused),
            "{body}"
        );
        assert_eq!(error.fault().unwrap().code(), Some(code));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_about_another_journey_is_refused() {
    let data = r#""status":"initiated","accounts":[],"summary":{}"#;
    for (id, is_accepted) in [("j", true), ("", true), ("k", false)] {
        let body = format!(r#"{{"success":true,"data":{{"client_id":"{id}",{data}}}}}"#);
        let errors = [
            answer(GetJourneyStatus::new(journey("j")), 200, &body)
                .await
                .err(),
            answer(GetStatementResult::new(journey("j")), 200, &body)
                .await
                .err(),
            answer(GetAnalysis::new(journey("j")), 200, &body)
                .await
                .err(),
        ];
        for error in errors {
            let found = error.as_ref().and_then(Error::verification).copied();
            let expected = (!is_accepted).then_some(VerificationError::OtherRequest);
            assert_eq!(found, expected, "{id}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_page_shows_is_kept_as_it_came_and_not_printed() {
    let transaction = r#"{"date":"2029-12-30", "amount" : 1.50,"narration":"CANARY"}"#;
    let account = format!(
        r#"{{"holder_name":"CANARY","closing_balance":90071992547409930.01,"opening_balance":[1],"transactions":[{transaction},["CANARY"]]}}"#
    );
    let body = format!(r#"{{"success":true,"data":{{"accounts":[{account},"CANARY"]}}}}"#);
    let data = answer(GetStatementResult::new(journey("j")), 200, &body)
        .await
        .unwrap()
        .data;
    assert_eq!((data.accounts.len(), data.accounts.unread_count()), (1, 1));
    let account = &data.accounts[0];
    let closing = Read::Value(Masked::new("90071992547409930.01"));
    assert_eq!(account.closing_balance, closing);
    assert_eq!(
        account.opening_balance,
        Read::Unreadable(Masked::new("[1]"))
    );
    let transactions = account.transactions.as_ref().unwrap();
    assert_eq!(
        (transactions[0].json(), transactions.unread_count()),
        (transaction, 1)
    );
    assert!(!format!("{data:?}").contains("CANARY") && !format!("{data:?}").contains("1.50"));

    let body = r#"{"success":true,"data":{"analysis_period":{"CANARY":1},"income":{"identified_salary_credits":[{"CANARY":2}]}}}"#;
    let data = answer(GetAnalysis::new(journey("j")), 200, body)
        .await
        .unwrap()
        .data;
    assert_eq!(
        data.analysis_period.as_ref().unwrap().as_str(),
        r#"{"CANARY":1}"#
    );
    let income = data.income.as_ref().unwrap();
    let salaries = income.identified_salary_credits.as_ref().unwrap();
    assert_eq!(salaries[0].as_str(), r#"{"CANARY":2}"#);
    assert!(!format!("{data:?}").contains("CANARY"));
    for body in [
        r#"{"success":true,"data":{}}"#,
        r#"{"success":true,"data":{"summary":7}}"#,
    ] {
        let error = answer(GetAnalysis::new(journey("j")), 200, body)
            .await
            .unwrap_err();
        assert_eq!(error.decode().unwrap().path(), "$.data.summary", "{body}");
        let error = answer(GetStatementResult::new(journey("j")), 200, body)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
    }
}

#[test]
fn every_pair_of_states_is_in_the_table_or_reported() {
    let columns = [
        Initiated,
        ConsentPending,
        ConsentGranted,
        DataFetch,
        AnalysisComplete,
        Denied,
        Failed,
        Expired,
    ];
    let c = Contradiction;
    let m = MovedAcross;
    for (from, expected) in [
        (
            Initiated,
            [Unchanged, Moved, m, m, m, m, MovedUnlisted, Moved],
        ),
        (
            ConsentPending,
            [Late, Unchanged, Moved, m, m, Moved, MovedUnlisted, Moved],
        ),
        (
            ConsentGranted,
            [Late, Late, Unchanged, Moved, m, c, MovedUnlisted, c],
        ),
        (
            DataFetch,
            [Late, Late, Late, Unchanged, Moved, c, MovedUnlisted, c],
        ),
        (
            AnalysisComplete,
            [Late, Late, Late, Late, Unchanged, c, c, c],
        ),
        (Denied, [Late, Late, c, c, c, Unchanged, c, c]),
        (Failed, [Late, Late, Late, Late, c, c, Unchanged, c]),
        (Expired, [Late, Late, c, c, c, c, c, Unchanged]),
    ] {
        for (fact, expected) in columns.into_iter().zip(expected) {
            let mut journey = Progress::default();
            journey.observe(from, None);
            assert_eq!(journey.observe(fact, None), expected, "{from:?} {fact:?}");
            let stays = matches!(expected, Unchanged | Late | Contradiction);
            assert_eq!(journey.state(), if stays { from } else { fact });
        }
        let is_final = expected
            .iter()
            .all(|fact| !format!("{fact:?}").starts_with("Moved"));
        assert_eq!(from.is_final(), is_final, "{from:?}");
    }
}

#[test]
fn every_documented_word_is_a_state_and_no_other_is_final() {
    for word in JourneyStatus::KNOWN {
        assert!(JourneyStatus::from(*word).state().is_some(), "{word}");
    }
    for word in ["data_fetching", "data_fetched", "data_fetch_in_progress"] {
        assert_eq!(JourneyStatus::from(word).state(), Some(DataFetch));
    }
    for word in [
        "",
        "expired",
        "failed",
        "INITIATED",
        "data",
        "consent_denied",
    ] {
        assert_eq!(JourneyStatus::from(word).state(), None, "{word}");
    }
}

/// A client of a sandbox with these settings, and a journey there.
async fn opened(settings: FinpassSettings) -> (FinpassClient, JourneyId) {
    let sandbox = Sandbox::new(Settings::default().with_finpass(settings));
    let client = client(&base_url(), Arc::new(sandbox.transport()));
    let site = || JourneyUrl::FinpassSite;
    let request = request(ConsentType::LoanUnderwriting, site(), site());
    let opened = client
        .initialize_journey(request)
        .await
        .unwrap()
        .into_value()
        .data;
    assert_eq!(opened.status, Some(JourneyStatus::Initiated));
    (client, opened.client_id)
}

#[tokio::test(start_paused = true)]
async fn a_journey_is_followed_to_its_analysis() {
    let (client, id) = opened(FinpassSettings::default().with_journey_steps(4)).await;
    let mut progress = Progress::<JourneyState>::default();
    let mut observed = Vec::new();
    for question in 0..6 {
        let early = client.analysis_json(GetAnalysis::new(id.clone())).await;
        assert_eq!(early.is_ok(), question >= 4);
        if let Err(error) = early {
            let code = error.fault().unwrap().code();
            assert_eq!(code, Some("ANALYSIS_NOT_COMPLETE"));
        }
        let status = client
            .journey_status(GetJourneyStatus::new(id.clone()))
            .await;
        observed.push(status.unwrap().value().data.told(&mut progress).unwrap());
    }
    assert_eq!(observed, [Unchanged, Moved, Moved, Moved, Moved, Unchanged]);
    let statement = client.statement_result(GetStatementResult::new(id)).await;
    let statement = statement.unwrap().into_value().data;
    let transactions = statement.accounts[0].transactions.as_ref().unwrap();
    assert_eq!(transactions.len(), 2);
    let unknown = client
        .journey_status(GetJourneyStatus::new(journey("bsa_clnt_x")))
        .await;
    let error = unknown.unwrap_err();
    assert_eq!(error.fault().unwrap().code(), Some("INVALID_CLIENT_ID"));
}

#[tokio::test(start_paused = true)]
async fn an_ending_whose_word_is_unknown_is_reported_and_changes_nothing() {
    for outcome in [
        JourneyOutcome::Denied,
        JourneyOutcome::Failed,
        JourneyOutcome::Expired,
    ] {
        let (client, id) = opened(FinpassSettings::default().with_journey_outcome(outcome)).await;
        let status = client.journey_status(GetJourneyStatus::new(id)).await;
        let status = status.unwrap().into_value().data;
        let mut progress = Progress::default();
        assert_eq!(status.told(&mut progress), None);
        assert_eq!(progress.state(), Initiated);
        assert!(matches!(status.status, JourneyStatus::Unknown(_)));
    }
}
