//! The steps that every operation goes through: routing, ledger, failures and delays.

use std::collections::BTreeSet;
use std::time::Duration;

use kyc_sandbox::settings::Failure;
use kyc_sandbox::{
    FinpassSettings, FinproSettings, Provider, Sandbox, Settings, VeriffSettings, credentials,
};

use crate::finpass::HEADERS;
use crate::{finpro, send};

const INIT: &str = "/finpass/api/v1/services/account-aggregator/init";
const REFRESH: &str = "/finpass/api/v1/services/account-aggregator/refresh-data";
const INIT_BODY: &str = r#"{"mobile_number":"9000000001","consent_type":"loan_monitoring"}"#;

async fn init(sandbox: &Sandbox) -> u16 {
    send(sandbox, "POST", INIT, HEADERS, INIT_BODY).await.status
}

async fn refresh(sandbox: &Sandbox) -> u16 {
    let body = r#"{"client_id":"listed"}"#;
    send(sandbox, "POST", REFRESH, HEADERS, body).await.status
}

fn finpass() -> FinpassSettings {
    FinpassSettings::default().with_client_ids(vec!["listed".to_owned()])
}

fn sandbox(settings: FinpassSettings) -> Sandbox {
    Sandbox::new(Settings::default().with_finpass(settings))
}

/// The path of a route with every parameter filled in.
fn filled(path: &str) -> String {
    path.replace("{id}", "d69a07cf-4434-4d36-be6c-d22af7dc01fb")
}

#[tokio::test]
async fn every_route_has_a_unique_name_and_refuses_unknown_credentials() {
    let operations = Sandbox::operations();
    let names: BTreeSet<_> = operations
        .iter()
        .map(|operation| (operation.provider, operation.name))
        .collect();
    assert_eq!(names.len(), operations.len(), "names are unique");

    for operation in operations {
        let sandbox = Sandbox::default();
        let path = format!("/{}{}", operation.provider, filled(operation.path));
        let reply = send(&sandbox, operation.method.as_str(), &path, &[], "{}").await;
        assert_eq!(reply.status, 401, "{path}");
        let entries = sandbox.ledger().entries();
        assert_eq!(
            (
                entries[0].provider(),
                entries[0].operation(),
                entries[0].method()
            ),
            (
                operation.provider,
                operation.name,
                operation.method.as_str()
            )
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_with_the_methods_that_the_path_has() {
    for operation in Sandbox::operations() {
        let sandbox = Sandbox::default();
        let path = format!("/{}{}", operation.provider, filled(operation.path));
        for method in ["PUT", "BREW"] {
            let reply = send(&sandbox, method, &path, &[], "").await;
            assert_eq!(reply.status, 405, "{path}");
            let allowed = reply.header("allow").unwrap();
            let allowed: Vec<_> = allowed.split(',').collect();
            assert!(allowed.contains(&operation.method.as_str()), "{path}");
        }
        let entries = sandbox.ledger().entries();
        let logged: Vec<_> = entries
            .iter()
            .map(|entry| (entry.operation(), entry.method()))
            .collect();
        assert_eq!(logged, [("other", "PUT"), ("other", "other")]);
    }
}

#[tokio::test]
async fn a_path_next_to_a_known_one_is_404_in_the_providers_form() {
    let sandbox = Sandbox::default();
    for path in [
        // The path on another page of Finpass.
        "/finpass/api/v1/account-aggregator/refresh-data",
        "/finpass/api/v1/services/account-aggregator/refresh-data/",
        "/finpass/api/v1/services/account-aggregator/refresh",
    ] {
        send(&sandbox, "POST", path, HEADERS, "{}").await.is(
            404,
            r#"{"status_code":404,"success":false,"message":"Not Found","message_code":"not_found"}"#,
        );
    }
    for path in [
        "/veriff/v1/sessions/a/b/decision",
        "/veriff/v1/sessions/a/decision/ine-registry",
    ] {
        send(&sandbox, "GET", path, &[], "").await.is(
            404,
            r#"{"status":"fail","code":"1101","message":"Resource not found"}"#,
        );
    }
    assert!(
        sandbox
            .ledger()
            .entries()
            .iter()
            .all(|entry| entry.operation() == "other")
    );
}

#[tokio::test]
async fn a_failure_of_one_operation_does_not_touch_another() {
    let sandbox = sandbox(finpass().fail_operation("refresh-data", Failure::new(503).first(2)));
    assert_eq!([init(&sandbox).await, refresh(&sandbox).await], [200, 503]);
    assert_eq!([init(&sandbox).await, refresh(&sandbox).await], [200, 503]);
    assert_eq!([init(&sandbox).await, refresh(&sandbox).await], [200, 200]);
    let ledger = sandbox.ledger();
    let refreshed = ledger.operation_counts(Provider::Finpass, "refresh-data");
    assert_eq!((refreshed.requests, refreshed.effects), (3, 1));
    let opened = ledger.operation_counts(Provider::Finpass, "initialize");
    assert_eq!((opened.requests, opened.effects), (3, 3));
    assert_eq!(ledger.counts(Provider::Finpass).requests, 6);
}

#[tokio::test]
async fn an_operations_failure_replaces_the_providers() {
    let settings = finpass()
        .with_failure(Some(Failure::new(500).first(1)))
        .fail_operation("refresh-data", Failure::new(502).first(1));
    let sandbox = sandbox(settings);
    // Each failure has its own count.
    assert_eq!(
        [refresh(&sandbox).await, refresh(&sandbox).await],
        [502, 200]
    );
    assert_eq!([init(&sandbox).await, init(&sandbox).await], [500, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_one_operation_does_not_touch_another() {
    let delay = Duration::from_secs(3);
    let sandbox = sandbox(finpass().delay_operation("refresh-data", delay));
    let started = tokio::time::Instant::now();
    assert_eq!(init(&sandbox).await, 200);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(refresh(&sandbox).await, 200);
    assert_eq!(started.elapsed(), delay);
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_effect_waits_for_the_aggregators_too() {
    let finpro = FinproSettings::default();
    let timeout = *finpro.aggregator_timeout();
    let sandbox = Sandbox::new(
        Settings::default()
            .with_finpro(finpro.fail_operation("check-profile", Failure::new(503).after_effect())),
    );
    // One of this person's aggregators never answers.
    let body = r#"{"mobileNumber":"9000000004","userConsentId":"c"}"#;
    let check = || send(&sandbox, "POST", "/finpro/profile", finpro::HEADERS, body);

    let cancelled = tokio::time::timeout(timeout / 2, check()).await;
    assert!(cancelled.is_err());
    assert!(
        sandbox.ledger().entries().is_empty(),
        "no reply was decided"
    );
    let started = tokio::time::Instant::now();
    assert_eq!(check().await.status, 503);
    assert_eq!(started.elapsed(), timeout);
}

#[test]
fn settings_show_no_credentials() {
    let sandbox = Sandbox::default();
    let printed = format!(
        "{sandbox:?} {:?} {:?}",
        sandbox.settings(),
        VeriffSettings::default()
    );
    assert!(!printed.contains(credentials::VERIFF_SHARED_SECRET));
    assert!(!printed.contains(credentials::FINPASS_API_SECRET));
}

#[test]
fn the_readme_lists_every_operation() {
    let readme = include_str!("../../README.md");
    for operation in Sandbox::operations() {
        let row = format!(
            "| `{}` | `{} {}` | `/{}` |",
            operation.name, operation.method, operation.path, operation.provider
        );
        assert!(readme.contains(&row), "{row}");
    }
}

#[tokio::test]
async fn documents_are_read_without_credentials_and_hide_no_provider() {
    let documents = [
        ("/openapi/finpass.json", r#"{"openapi":"3.1.0"}"#),
        (INIT, "{}"),
    ];
    let documents = documents.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let sandbox = Sandbox::new(Settings::default().with_documents(documents.into()));
    let read = send(&sandbox, "GET", "/openapi/finpass.json", &[], "").await;
    read.is(200, r#"{"openapi":"3.1.0"}"#);
    assert_eq!(read.header("content-type"), Some("application/json"));
    let posted = send(&sandbox, "POST", "/openapi/finpass.json", &[], "{}").await;
    assert_eq!(
        (posted.status, posted.header("allow")),
        (405, Some("GET, HEAD"))
    );
    assert_eq!(send(&sandbox, "GET", "/openapi", &[], "").await.status, 404);
    assert_eq!(init(&sandbox).await, 200);
}
