//! Recorded fixtures equal the current exchanges of client and sandbox. `cargo xtask fixtures` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use finpass::provider_core::testing::{FixedClock, Mode, Recorder};
use finpass::provider_core::{BaseUrl, Email, Endpoint, Mobile, Pan, Response};
use finpass::{ApiKey, ApiSecret, ConsentType, Finpass, FinpassClient, SessionId};
use finpass::{DataRequestId, FetchJsonReport, FetchPdfReport, JourneyUrl, ReportFlow};
use finpass::{GetAnalysis, GetJourneyStatus, GetStatementResult, InitializeJourney, JourneyId};
use finpass::{Initialize, RefreshData};
use kyc_sandbox::credentials::{FINPASS_API_KEY, FINPASS_API_SECRET};
use kyc_sandbox::{Sandbox, SandboxTransport, Settings};
use serde::Serialize;

const INITIALIZE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/initialize");
const FETCH_JSON_REPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fetch-json-report");
const FETCH_PDF_REPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fetch-pdf-report");
const REFRESH_DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/refresh-data");

/// A client of a new sandbox, and its recorder.
fn recorded(secret: &str) -> (FinpassClient, Recorder) {
    let transport = Sandbox::new(Settings::default().with_deterministic_ids(true)).transport();
    let base_url = BaseUrl::parse("base_url", &SandboxTransport::base_urls().finpass).unwrap();
    let finpass = Finpass::new(
        ApiKey::new(FINPASS_API_KEY).unwrap(),
        ApiSecret::new(secret).unwrap(),
    )
    .with_base_url(base_url);
    let recorder = Recorder::new(Arc::new(transport));
    let client = FinpassClient::builder(finpass)
        .transport(Arc::new(recorder.clone()))
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap();
    (client, recorder)
}

fn minimal() -> Initialize {
    Initialize::new(
        Mobile::parse("9000000001").unwrap(),
        ConsentType::LoanUnderwriting,
    )
}

#[tokio::test]
async fn recorded_sessions_are_up_to_date() {
    let full = minimal()
        .set_pan_number(Pan::parse("AAAAA0000A").unwrap())
        .set_email(Email::parse("person@example.test").unwrap())
        .set_webhook_url("https://lender.example.test/hook")
        .set_return_url("https://lender.example.test/done");
    for (case, secret, request) in [
        ("recorded-full", FINPASS_API_SECRET, full),
        ("recorded-wrong-secret", "other", minimal()),
    ] {
        let (client, recorder) = recorded(secret);
        let result = client.initialize(request.clone()).await;
        recorder.finish(
            Mode::from_environment(),
            INITIALIZE,
            case,
            &request,
            &result,
        );
    }
}

#[tokio::test]
async fn recorded_refreshes_are_up_to_date() {
    let (client, recorder) = recorded(FINPASS_API_SECRET);
    let session = client
        .initialize(minimal())
        .await
        .unwrap()
        .into_value()
        .data;
    let unknown = SessionId::parse("aa_1_unknown").unwrap();
    for (case, client_id) in [
        ("recorded-accepted", session.client_id),
        ("recorded-unknown-session", unknown),
    ] {
        let request = RefreshData::new(client_id);
        let result = client.refresh_data(request.clone()).await;
        recorder.finish(
            Mode::from_environment(),
            REFRESH_DATA,
            case,
            &request,
            &result,
        );
    }
}

#[tokio::test]
async fn recorded_reports_are_up_to_date() {
    const FIRST: ReportFlow = ReportFlow::Underwriting { request_id: None };
    let (client, recorder) = recorded(FINPASS_API_SECRET);
    let opened = client.initialize(minimal()).await.unwrap().into_value();
    let unknown = ReportFlow::Underwriting {
        request_id: Some(DataRequestId::parse("account_aggregator_v2_unknown").unwrap()),
    };
    for (case, flow) in [
        ("recorded-ready", FIRST),
        ("recorded-unknown-refresh", unknown),
    ] {
        let mode = Mode::from_environment();
        let id = opened.data.client_id.clone();
        let request = FetchJsonReport::new(id.clone(), flow.clone());
        let result = client.fetch_json_report(request.clone()).await;
        recorder.finish(mode, FETCH_JSON_REPORT, case, &request, &result);
        let request = FetchPdfReport::new(id, flow);
        let result = client.fetch_pdf_report(request.clone()).await;
        recorder.finish(mode, FETCH_PDF_REPORT, case, &request, &result);
    }
}

#[tokio::test]
async fn recorded_journeys_are_up_to_date() {
    async fn call<E>(
        (client, recorder): &(FinpassClient, Recorder),
        case: &str,
        request: E,
    ) -> Option<E::Output>
    where
        E: Endpoint<Provider = Finpass, Output: Serialize> + Serialize + Clone,
    {
        let result = client.client().call(request.clone()).await;
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let directory = directory.join(E::OPERATION.name);
        recorder.finish(Mode::from_environment(), directory, case, &request, &result);
        result.ok().map(Response::into_value)
    }

    let recorded = recorded(FINPASS_API_SECRET);
    let request = InitializeJourney::new(
        Mobile::parse("9000000001").unwrap(),
        ConsentType::LoanUnderwriting,
        JourneyUrl::at("https://lender.example.test/done"),
        JourneyUrl::at("https://lender.example.test/hook"),
    );
    let opened = call(&recorded, "recorded-initiated", request).await;
    let id = opened.unwrap().data.client_id;
    let unknown = JourneyId::parse("bsa_clnt_unknown").unwrap();
    for (case, id) in [
        ("recorded-complete", id),
        ("recorded-unknown-journey", unknown),
    ] {
        call(&recorded, case, GetJourneyStatus::new(id.clone())).await;
        call(&recorded, case, GetStatementResult::new(id.clone())).await;
        call(&recorded, case, GetAnalysis::new(id)).await;
    }
}
