//! The capability's conformance suite against the in-process sandbox, and refusals of the capability and the sandbox.

use std::sync::Arc;

use finpro_profile::provider_core::capability::{
    AggregatorDiscovery, AggregatorId, AggregatorQuery, AggregatorStanding, Readiness,
};
use finpro_profile::provider_core::testing::{ScriptedTransport, Step, conformance};
use finpro_profile::provider_core::{BaseUrl, CallOptions, ErrorKind, Mobile, Outcome, Transport};
use finpro_profile::{
    AppIdentifier, CheckProfile, ClientId, ClientSecret, Finpro, FinproProfileClient,
    OrganisationId, UserConsentId,
};
use kyc_sandbox::settings::Failure;
use kyc_sandbox::{FinproSettings, Sandbox, Settings};

use crate::sandbox::{base_url, client, credentials};

pub(crate) fn query(mobile: &str, aggregators: &[&str]) -> AggregatorQuery {
    AggregatorQuery::new(Mobile::parse(mobile).unwrap(), "reference-1").set_aggregators(
        aggregators
            .iter()
            .map(|id| AggregatorId::parse(*id).unwrap()),
    )
}

/// Each aggregator and what it said.
pub(crate) fn readiness(standings: &[AggregatorStanding]) -> Vec<(&str, Readiness)> {
    standings
        .iter()
        .map(|standing| (standing.aggregator.as_str(), standing.readiness))
        .collect()
}

/// The sandbox in each of its moods; its rows name aggregators, and no person.
pub(crate) fn setup(
    connect: impl Fn(Arc<dyn Transport>) -> Arc<dyn AggregatorDiscovery> + 'static,
) -> conformance::Setup<dyn AggregatorDiscovery> {
    let peer = |failure| -> Arc<dyn Transport> {
        let finpro = FinproSettings::default().with_failure(failure);
        Arc::new(Sandbox::new(Settings::default().with_finpro(finpro)).transport())
    };
    conformance::Setup::new(
        peer(None),
        peer(Some(Failure::new(400))),
        peer(Some(Failure::new(503).after_effect())),
        connect,
    )
    .replies_say_nothing()
}

#[tokio::test(start_paused = true)]
async fn finpro_implements_aggregator_discovery() {
    let setup = setup(|transport| Arc::new(client(&base_url(), transport)));
    let answered = query("9000000001", &["onemoney", "finvu"]);
    let silent = query("9000000006", &[]);
    conformance::aggregator_discovery(&setup, answered, silent).await;
}

#[tokio::test(start_paused = true)]
async fn each_standing_is_that_of_its_aggregator() {
    let client = client(&base_url(), Arc::new(Sandbox::default().transport()));
    for (mobile, expected) in [
        (
            "9000000001",
            [
                ("onemoney", Readiness::Ready),
                ("finvu", Readiness::NeedsRegistration),
                ("anumati", Readiness::NeedsRegistration),
            ],
        ),
        (
            "9000000002",
            [
                ("onemoney", Readiness::NeedsLinking),
                ("finvu", Readiness::NeedsRegistration),
                ("anumati", Readiness::NeedsRegistration),
            ],
        ),
        (
            "9000000005",
            [
                ("onemoney", Readiness::Ready),
                ("finvu", Readiness::Undetermined),
                ("anumati", Readiness::NeedsRegistration),
            ],
        ),
    ] {
        let standings = client
            .discover(query(mobile, &[]), CallOptions::new())
            .await
            .unwrap();
        assert_eq!(readiness(&standings), expected, "{mobile}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_input_that_finpro_refuses_is_named_and_not_sent() {
    let transport = ScriptedTransport::new([]);
    let client = client(&base_url(), Arc::new(transport.clone()));
    let long = "x".repeat(101);
    for (query, field) in [
        (query("9000000001", &["onemoney", "onemoney-aa"]), "aaId[1]"),
        (query("9000000001", &["@finvu", "onemoney"]), "aaId[0]"),
        (
            AggregatorQuery::new(Mobile::parse("9000000001").unwrap(), long.clone()),
            "userConsentId",
        ),
        (
            AggregatorQuery::new(Mobile::parse("9000000001").unwrap(), String::new()),
            "userConsentId",
        ),
    ] {
        let error = client
            .discover(query, CallOptions::new())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{field}");
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert_eq!(error.invalid_request().unwrap().field(), field);
        assert_eq!(
            (error.provider(), error.operation()),
            ("finpro", "check-profile")
        );
    }
    assert!(transport.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_row_without_a_name_is_a_decode_error() {
    let body = r#"{"data":[{"aaId":"","status":"success"}]}"#;
    let transport = ScriptedTransport::new([Step::respond(200, body)]);
    let client = client(&base_url(), Arc::new(transport));
    let error = client
        .discover(query("9000000001", &[]), CallOptions::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.outcome(), Outcome::Done);
    assert!(error.request_id().is_some() && error.raw_response().is_some());
    assert_eq!(
        (error.attempts(), error.status().unwrap().as_u16()),
        (1, 200)
    );
}

#[tokio::test(start_paused = true)]
async fn rows_that_cannot_be_read_are_counted() {
    let row = |id: &str| format!(r#"{{"aaId":{id},"status":"success"}}"#);
    let rows = [
        "\"onemoney\"",
        "\"fin\\u001bvu\"",
        "5",
        "null",
        "{\"aaId\":7}",
        "\"\"",
    ]
    .map(row);
    let body = format!(r#"{{"data":[{},7]}}"#, rows.join(","));
    let transport = ScriptedTransport::new([Step::respond(200, body)]);
    let client = client(&base_url(), Arc::new(transport));
    let found = client
        .discover(query("9000000001", &[]), CallOptions::new())
        .await;
    let found = found.unwrap();
    assert_eq!((found.len(), found.unread), (1, 6));
}

#[tokio::test(start_paused = true)]
async fn a_row_costs_only_itself_and_nobody_else_is_answered_for() {
    let row = |id: &str, more: &str| {
        format!(
            r#"{{"aaId":"{id}","status":"success","registrationStatus":true,"hasLinkedAccounts":true{more}}}"#
        )
    };
    let rows = [
        row("", ""),
        row("OneMoney", ""),
        row("anumati", ""),
        row("finvu", r#","errorMessage":"made-up""#),
        row("saafe", r#","errorMessage":" ""#),
    ];
    let body = format!(r#"{{"data":[{}]}}"#, rows.join(","));
    let ready = |id| (id, Readiness::Ready);
    let (one, other) = (ready("OneMoney"), ("finvu", Readiness::Undetermined));
    for (asked, expected) in [
        (&[][..], &[one, ready("anumati"), other, ready("saafe")][..]),
        (&["finvu", "onemoney"], &[one, other]),
        (&["cams"], &[]),
    ] {
        let transport = ScriptedTransport::new([Step::respond(200, body.clone())]);
        let client = client(&base_url(), Arc::new(transport));
        let standings = client
            .discover(query("9000000001", asked), CallOptions::new())
            .await
            .unwrap();
        assert_eq!(readiness(&standings), expected, "{asked:?}");
    }
}

#[tokio::test]
async fn each_wrong_credential_is_refused() {
    let sandbox = Sandbox::default();
    for place in 0..4 {
        let mut credentials = credentials();
        match place {
            0 => credentials.client_id = ClientId::new("other").unwrap(),
            1 => credentials.client_secret = ClientSecret::new("other").unwrap(),
            2 => credentials.organisation_id = OrganisationId::new("other").unwrap(),
            _ => credentials.app_identifier = AppIdentifier::new("other").unwrap(),
        }
        let base_url = BaseUrl::parse("base_url", &base_url()).unwrap();
        let client = FinproProfileClient::builder(Finpro::new(base_url, credentials))
            .transport(Arc::new(sandbox.transport()))
            .build()
            .unwrap();
        let request = CheckProfile::new(
            Mobile::parse("9000000001").unwrap(),
            UserConsentId::parse("reference-1").unwrap(),
        );
        let error = client.check_profile(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{place}");
        assert_eq!(error.outcome(), Outcome::Refused);
        assert_eq!(error.attempts(), 1);
    }
}
