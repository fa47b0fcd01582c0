use std::time::Duration;

use http::Request;
use kyc_sandbox::settings::Failure;
use kyc_sandbox::{
    DeepvueSettings, FinpassSettings, FinproSettings, Provider, Sandbox, SandboxTransport,
    Settings, VeriffSettings, credentials,
};
use provider_core::{Body, ExchangeLimits, Transport};

use crate::{Reply, finpro, send};

const INIT: &str = "/finpass/api/v1/services/account-aggregator/init";
const INIT_HEADERS: &[(&str, &str)] = &[
    ("x-api-key", credentials::FINPASS_API_KEY),
    ("x-api-secret", credentials::FINPASS_API_SECRET),
    ("content-type", "application/json"),
    ("x-request-id", "call-1"),
];
const INIT_BODY: &str = r#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#;

async fn init(sandbox: &Sandbox) -> Reply {
    send(sandbox, "POST", INIT, INIT_HEADERS, INIT_BODY).await
}

#[tokio::test]
async fn unknown_paths_and_methods_answer_in_the_providers_form() {
    let sandbox = Sandbox::default();
    for (path, text) in [
        (
            "/finpass/nothing",
            r#"{"status_code":404,"success":false,"message":"Not Found","message_code":"not_found"}"#,
        ),
        (
            "/finpass",
            r#"{"status_code":404,"success":false,"message":"Not Found","message_code":"not_found"}"#,
        ),
        (
            "/finpro/nothing",
            r#"{"ver":"1.0.0","status":"error","error":{"code":"NOT_FOUND","message":"Not Found","details":""}}"#,
        ),
        (
            "/veriff/v1/session",
            r#"{"status":"fail","code":"1101","message":"Resource not found"}"#,
        ),
        ("/deepvue/v1/authorize", r#"{"detail":"Not Found"}"#),
        (
            "/elsewhere",
            r#"{"sandbox":"no provider here; paths begin with /finpass, /finpro, /veriff or /deepvue"}"#,
        ),
        (
            "/finpasses/api",
            r#"{"sandbox":"no provider here; paths begin with /finpass, /finpro, /veriff or /deepvue"}"#,
        ),
    ] {
        send(&sandbox, "POST", path, &[], "").await.is(404, text);
    }
    for (path, text) in [
        (
            INIT,
            r#"{"status_code":405,"success":false,"message":"Method Not Allowed","message_code":"method_not_allowed"}"#,
        ),
        (
            "/finpro/profile",
            r#"{"ver":"1.0.0","status":"error","error":{"code":"METHOD_NOT_ALLOWED","message":"Method Not Allowed","details":""}}"#,
        ),
        (
            "/veriff/v1/sessions/x/consents",
            r#"{"status":"fail","code":"1101","message":"Method Not Allowed"}"#,
        ),
        (
            "/deepvue/v1/kyc/digilocker/initiate-session",
            r#"{"detail":"Method Not Allowed"}"#,
        ),
    ] {
        send(&sandbox, "GET", path, &[], "").await.is(405, text);
    }
    let operations: Vec<_> = sandbox
        .ledger()
        .entries()
        .iter()
        .map(|entry| entry.operation())
        .collect();
    assert_eq!(
        operations, ["other"; 9],
        "paths of no provider have no entry"
    );
}

#[tokio::test]
async fn the_authority_and_the_scheme_do_not_matter() {
    let sandbox = Sandbox::default();
    for origin in ["https://api.finpass.example", "http://localhost:1", ""] {
        let mut request = Request::post(format!("{origin}{INIT}"));
        for (name, value) in INIT_HEADERS {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Body::from(INIT_BODY.as_bytes().to_vec()))
            .unwrap();
        let reply = sandbox
            .transport()
            .send(request, ExchangeLimits::new(Duration::ZERO, usize::MAX))
            .await
            .unwrap();
        assert_eq!(reply.status(), 200);
    }
    assert_eq!(
        SandboxTransport::base_urls().veriff,
        "http://localhost/veriff"
    );
}

#[tokio::test]
async fn the_ledger_is_exact() {
    let sandbox = Sandbox::new(Settings::default().with_ledger_capacity(2));
    let ledger = sandbox.ledger();
    for _ in 0..3 {
        assert_eq!(init(&sandbox).await.status, 200);
    }
    assert_eq!(
        send(&sandbox, "POST", INIT, &[], INIT_BODY).await.status,
        401
    );
    assert_eq!(
        send(
            &sandbox,
            "GET",
            "/deepvue/x",
            &[("x-request-id", "with space")],
            ""
        )
        .await
        .status,
        404
    );
    let finpass = ledger.counts(Provider::Finpass);
    assert_eq!((finpass.requests, finpass.effects), (4, 3));
    assert_eq!(
        finpass.by_status.into_iter().collect::<Vec<_>>(),
        [(200, 3), (401, 1)]
    );
    let total = ledger.total();
    assert_eq!((total.requests, total.effects), (5, 3));
    assert_eq!(ledger.counts(Provider::Veriff).requests, 0);

    assert_eq!(ledger.dropped(), 3);
    let entries = ledger.entries();
    assert_eq!(
        entries
            .iter()
            .map(|entry| entry.sequence())
            .collect::<Vec<_>>(),
        [4, 5]
    );
    assert_eq!(entries[0].request_id(), None);
    assert_eq!(entries[1].request_id(), None, "only visible ASCII is kept");
    assert_eq!(
        (entries[1].provider(), entries[1].status()),
        (Provider::Deepvue, 404)
    );
    assert!(!entries[0].had_effect());
}

#[tokio::test]
async fn the_ledger_holds_nothing_of_the_body() {
    let sandbox = Sandbox::default();
    init(&sandbox).await;
    let printed = format!("{:?}", sandbox.ledger().entries());
    assert!(
        !printed.contains("9000000001") && !printed.contains("secret"),
        "{printed}"
    );
    assert_eq!(sandbox.ledger().entries_for("call-1").len(), 1);
    assert_eq!(sandbox.ledger().entries_for("call-2").len(), 0);
}

#[tokio::test]
async fn a_failure_can_end_and_can_come_after_the_effect() {
    let before =
        Sandbox::new(Settings::default().with_finpass(
            FinpassSettings::default().with_failure(Some(Failure::new(503).first(2))),
        ));
    let statuses = [
        init(&before).await.status,
        init(&before).await.status,
        init(&before).await.status,
    ];
    assert_eq!(statuses, [503, 503, 200]);
    assert_eq!(before.ledger().total().effects, 1);

    let after = Sandbox::new(Settings::default().with_finpass(
        FinpassSettings::default().with_failure(Some(Failure::new(503).first(1).after_effect())),
    ));
    assert_eq!(
        send(&after, "POST", INIT, &[], INIT_BODY).await.status,
        401,
        "not a success"
    );
    assert_eq!(
        [init(&after).await.status, init(&after).await.status],
        [503, 200]
    );
    let entries = after.ledger().entries_for("call-1");
    assert_eq!((entries[0].status(), entries[0].had_effect()), (503, true));
    assert!(entries[0].effect_id().unwrap().starts_with("aa_"));
    assert_eq!(after.ledger().total().effects, 2);
}

#[tokio::test]
async fn every_provider_can_fail_in_its_own_form() {
    let sandbox = Sandbox::new(
        Settings::default()
            .with_finpass(FinpassSettings::default().fail_with(500))
            .with_finpro(FinproSettings::default().fail_with(503))
            .with_veriff(VeriffSettings::default().fail_with(500))
            .with_deepvue(DeepvueSettings::default().fail_with(9999)),
    );
    init(&sandbox).await.is(
        500,
        r#"{"status_code":500,"success":false,"message":"Internal Server Error","message_code":"internal_server_error"}"#,
    );
    send(&sandbox, "POST", "/finpro/profile", &[], "").await.is(
        503,
        r#"{"ver":"1.0.0","status":"error","error":{"code":"SERVICE_UNAVAILABLE","message":"Service Unavailable","details":""}}"#,
    );
    send(&sandbox, "POST", "/veriff/v1/sessions/x/consents", &[], "")
        .await
        .is(
            500,
            r#"{"status":"fail","code":"1101","message":"Something went wrong"}"#,
        );
    let impossible = send(
        &sandbox,
        "POST",
        "/deepvue/v1/kyc/digilocker/initiate-session",
        &[],
        "",
    )
    .await;
    assert_eq!(impossible.status, 500);
    let gateway = Sandbox::new(Settings::default().with_finpass(
        FinpassSettings::default().with_failure(Some(Failure::new(502).gateway_page())),
    ));
    let page = init(&gateway).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (502, Some("text/html"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_has_its_effect() {
    let sandbox = Sandbox::new(
        Settings::default()
            .with_finpass(FinpassSettings::default().with_reply_delay(Duration::from_secs(30))),
    );
    let gone = tokio::time::timeout(Duration::from_secs(1), init(&sandbox)).await;
    assert!(gone.is_err());
    assert_eq!(sandbox.ledger().total().effects, 1);
}

#[tokio::test]
async fn replies_need_no_timer() {
    // A runtime without timers would panic if an ordinary request set one.
    let plain = std::thread::spawn(|| {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(async {
                let sandbox = Sandbox::default();
                let finpro = send(
                    &sandbox,
                    "POST",
                    "/finpro/profile",
                    finpro::HEADERS,
                    r#"{"mobileNumber":"9000000001","userConsentId":"c"}"#,
                )
                .await;
                (init(&sandbox).await.status, finpro.status)
            })
    });
    assert_eq!(plain.join().unwrap(), (200, 200));
}

#[test]
fn the_environment_names_exactly_the_documented_variables() {
    let environment = credentials::environment(&SandboxTransport::base_urls());
    let mut names: Vec<&str> = environment.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "DEEPVUE_BASE_URL",
            "DEEPVUE_CLIENT_ID",
            "DEEPVUE_CLIENT_SECRET",
            "FINPASS_API_KEY",
            "FINPASS_API_SECRET",
            "FINPASS_BASE_URL",
            "FINPRO_APP_IDENTIFIER",
            "FINPRO_BASE_URL",
            "FINPRO_CLIENT_ID",
            "FINPRO_CLIENT_SECRET",
            "FINPRO_ORGANISATION_ID",
            "FINPRO_WEBHOOK_ENCODING",
            "FINPRO_WEBHOOK_HEADER",
            "FINPRO_WEBHOOK_SECRET",
            "VERIFF_API_KEY",
            "VERIFF_BASE_URL",
            "VERIFF_SHARED_SECRET",
            "VERIFF_WEBHOOK_SECRET",
        ]
    );
    assert!(uuid::Uuid::parse_str(credentials::VERIFF_API_KEY).is_ok());
}

#[test]
fn a_setting_that_is_a_status_takes_one_that_a_reply_with_a_body_can_have() {
    let all = Settings::all();
    let statuses: Vec<_> = all
        .iter()
        .filter(|setting| setting.name.ends_with("-status") && !setting.form.contains("true"))
        .collect();
    assert!(statuses.len() > 10);
    for setting in statuses {
        let name = &setting.name;
        for wrong in [
            "0", "99", "150", "204", "205", "304", "600", "1000", "65535", "x", "",
        ] {
            let refused = Settings::default().set(name, wrong).unwrap_err();
            assert_eq!(
                refused.to_string(),
                "must be a status from 200 to 599, and none of 204, 205 and 304, whose replies have no body",
                "{name}={wrong}"
            );
        }
        for right in ["200", "418", "599"] {
            assert_eq!(Settings::default().set(name, right), Ok(()), "{name}");
        }
    }
}

#[tokio::test]
async fn a_status_that_a_reply_with_a_body_cannot_have_is_500() {
    for status in [0, 99, 150, 204, 205, 304, 600, 999, 1000, 65535] {
        let finpass = FinpassSettings::default();
        let replies = [
            finpass.clone().fail_with(status),
            finpass
                .clone()
                .with_failure(Some(Failure::new(status).gateway_page())),
            finpass.with_validation_status(status),
        ];
        for finpass in replies {
            let sandbox = Sandbox::new(Settings::default().with_finpass(finpass));
            let reply = send(&sandbox, "POST", INIT, INIT_HEADERS, "{}").await;
            assert_eq!(reply.status, 500, "{status}");
            assert!(
                !reply.text.contains(&format!(":{status},")),
                "{}",
                reply.text
            );
        }
    }
}
