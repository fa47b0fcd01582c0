//! *Refresh Data*: the request's bytes, the relevant replies, and retries.

use std::sync::Arc;

use finpass::provider_core::testing::{FixedClock, ScriptedTransport, Step};
use finpass::provider_core::{Error, ErrorKind, Outcome, Response, TransportErrorKind};
use finpass::{FinpassClient, RefreshData, Refreshed, SessionId};

use crate::sandbox::finpass;

const ACCEPTED: &str = r#"{"data":{"request_id":"r-1"},"success":true}"#;

async fn send(
    steps: impl IntoIterator<Item = Step>,
) -> (Result<Response<Refreshed>, Error>, ScriptedTransport) {
    let transport = ScriptedTransport::new(steps);
    let client = FinpassClient::builder(finpass("https://api.finpass.ai"))
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::default()))
        .build()
        .unwrap();
    let request = RefreshData::new(SessionId::parse("aa_1_CANARY").unwrap());
    (client.refresh_data(request).await, transport)
}

#[tokio::test(start_paused = true)]
async fn the_request_names_the_session() {
    let (result, transport) = send([Step::respond(200, ACCEPTED)]).await;
    assert_eq!(result.unwrap().value().data.request_id.as_str(), "r-1");
    insta::assert_snapshot!(transport.only().golden(), @r#"
    POST https://api.finpass.ai/api/v1/services/account-aggregator/refresh-data
    accept-encoding: identity
    accept: application/json
    content-type: application/json
    user-agent: provider-core/0.1.0
    x-api-key: <sensitive>
    x-api-secret: <sensitive>
    x-request-id: 7fffffffffffffff0000000000000001

    {"client_id":"aa_1_CANARY"}
    "#);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_or_expired_session_is_reported_with_its_code() {
    for status in [200, 400] {
        let body =
            r#"{"data":null,"status_code":400,"success":false,"message_code":"invalid_client_id"}"#;
        let (result, _) = send([Step::respond(status, body)]).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Api, Outcome::Refused)
        );
        assert!(
            error
                .to_string()
                .contains("invalid_client_id: the client id is unknown")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_may_have_started_is_not_retried() {
    let interrupted = Step::Fail(TransportErrorKind::Interrupted);
    let (result, transport) = send([interrupted]).await;
    assert_eq!(result.unwrap_err().outcome(), Outcome::Unknown);
    assert_eq!(transport.sent().len(), 1);

    let connect = Step::Fail(TransportErrorKind::Connect);
    let (result, transport) = send([connect, Step::respond(200, ACCEPTED)]).await;
    assert_eq!(result.unwrap().attempts(), 2);
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_without_its_id_is_not_a_success() {
    for body in [
        r#"{"success":true,"status_code":200}"#,
        r#"{"success":true,"data":{}}"#,
        r#"{"success":true,"data":{"request_id":""}}"#,
        r#"{"success":true,"data":{"request_id":null}}"#,
    ] {
        let (result, _) = send([Step::respond(200, body)]).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Decode, Outcome::Done),
            "{body}"
        );
        assert_eq!(error.raw_response().unwrap().body(), body);
        assert!(!format!("{error} {error:?} {}", error.report()).contains("CANARY"));
    }
}
