//! The control: clock, faults, webhooks, people and journeys from outside.

use kyc_sandbox::{Provider, Sandbox, Settings};
use serde_json::{Value, json};

use super::{Reply, send};

const INIT: &str = "/finpass/api/v1/services/account-aggregator/init";

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(sandbox, "GET", path, &[], "").await
}

pub(crate) async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {}", sandbox.control_token());
    let headers = [("authorization", bearer.as_str())];
    send(sandbox, "POST", path, &headers, body.to_string()).await
}

async fn init(sandbox: &Sandbox) -> Reply {
    let headers = [
        ("x-api-key", kyc_sandbox::credentials::FINPASS_API_KEY),
        ("x-api-secret", kyc_sandbox::credentials::FINPASS_API_SECRET),
        ("content-type", "application/json"),
    ];
    let body = r#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#;
    send(sandbox, "POST", INIT, &headers, body).await
}

fn frozen() -> Sandbox {
    Sandbox::new(Settings::default().with_deterministic_ids(true))
}

#[tokio::test]
async fn the_clock_is_moved_and_its_mode_changed() {
    let sandbox = frozen();
    let clock = get(&sandbox, "/sandbox/clock").await;
    clock.is(
        200,
        r#"{"factor":null,"mode":"frozen","now":"2030-01-01T00:00:00.000Z"}"#,
    );

    let moved = post(&sandbox, "/sandbox/clock", &json!({"advance": "7d"})).await;
    assert_eq!(moved.json()["now"], "2030-01-08T00:00:00.000Z");
    let moved = post(
        &sandbox,
        "/sandbox/clock",
        &json!({"to": "2030-02-28T12:00:00+05:30"}),
    )
    .await;
    assert_eq!(moved.json()["now"], "2030-02-28T06:30:00.000Z");
    let fast = post(
        &sandbox,
        "/sandbox/clock",
        &json!({"mode": "fast", "factor": 60}),
    )
    .await;
    assert_eq!(fast.json()["mode"], "fast");

    for (body, field) in [
        (json!({"to": "2030-01-01T00:00:00Z"}), "to"),
        (json!({"to": "tomorrow"}), "to"),
        (json!({"advance": "-1h"}), "advance"),
        (json!({"advance": "11000d"}), "advance"),
        (json!({"advance": 7}), "advance"),
        (json!({"mode": "fast"}), "factor"),
        (json!({"mode": "fast", "factor": 0}), "factor"),
        (json!({"mode": "real", "factor": 2}), "factor"),
        (json!({"mode": "slow"}), "mode"),
        (json!({}), "body"),
        (
            json!({"advance": "1h", "to": "2031-01-01T00:00:00Z"}),
            "body",
        ),
        (json!({"by": "1h"}), "body"),
        (json!([]), "body"),
    ] {
        let refused = post(&sandbox, "/sandbox/clock", &body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.json()["error"]["field"], field, "{body}");
    }
}

#[tokio::test]
async fn a_change_needs_the_token() {
    let sandbox = frozen();
    let refused = send(
        &sandbox,
        "POST",
        "/sandbox/clock",
        &[],
        r#"{"advance":"7d"}"#,
    )
    .await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        get(&sandbox, "/sandbox/clock").await.json()["now"],
        "2030-01-01T00:00:00.000Z"
    );
    let wrong = [("authorization", "Bearer wrong")];
    let refused = send(&sandbox, "DELETE", "/sandbox/faults/f_1", &wrong, "").await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn a_fault_is_switched_on_and_off() {
    let sandbox = frozen();
    let fault = json!({"provider": "finpass", "operation": "initialize", "status": 503, "after_effect": true, "first": 2});
    let on = post(&sandbox, "/sandbox/faults", &fault).await.json();
    assert_eq!((&on["id"], &on["left"]), (&json!("f_1"), &json!(2)));

    let failed = init(&sandbox).await;
    assert_eq!(failed.status, 503);
    assert_eq!(
        sandbox.ledger().counts(Provider::Finpass).effects,
        1,
        "the work is done all the same"
    );
    assert_eq!(
        get(&sandbox, "/sandbox/faults").await.json()["faults"][0]["left"],
        1
    );

    let bearer = format!("Bearer {}", sandbox.control_token());
    let headers = [("authorization", bearer.as_str())];
    let off = send(&sandbox, "DELETE", "/sandbox/faults/f_1", &headers, "").await;
    off.is(200, r#"{"id":"f_1"}"#);
    assert_eq!(init(&sandbox).await.status, 200);
    let gone = send(&sandbox, "DELETE", "/sandbox/faults/f_1", &headers, "").await;
    assert_eq!(
        (gone.status, &gone.json()["error"]["field"]),
        (404, &json!("id"))
    );

    for (body, field) in [
        (json!({"provider": "acme", "status": 503}), "provider"),
        (json!({"status": 503}), "provider"),
        (json!({"provider": "finpass", "status": 99}), "status"),
        (
            json!({"provider": "finpass", "status": 503, "delay_ms": 5}),
            "body",
        ),
        (json!({"provider": "finpass"}), "body"),
        (
            json!({"provider": "finpass", "operation": "decision", "status": 503}),
            "operation",
        ),
        (
            json!({"provider": "finpass", "journey": "19", "status": 503}),
            "journey",
        ),
        (
            json!({"provider": "finpass", "status": 503, "first": 0}),
            "first",
        ),
        (
            json!({"provider": "finpass", "status": 503, "percent": 101}),
            "percent",
        ),
    ] {
        let refused = post(&sandbox, "/sandbox/faults", &body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.json()["error"]["field"], field, "{body}");
    }
    assert!(sandbox.faults().is_empty());
}

#[tokio::test]
async fn where_webhooks_go_is_set() {
    let sandbox = frozen();
    let set = post(
        &sandbox,
        "/sandbox/webhook-urls",
        &json!({"veriff": "http://127.0.0.1:3000/hooks"}),
    )
    .await;
    set.is(200, r#"{"veriff":"http://127.0.0.1:3000/hooks"}"#);
    let set = post(&sandbox, "/sandbox/webhook-urls", &json!({"veriff": null})).await;
    set.is(200, "{}");
    for body in [
        json!({"veriff": "nowhere"}),
        json!({"veriff": "file:///etc"}),
        json!({"veriff": 1}),
    ] {
        assert_eq!(
            post(&sandbox, "/sandbox/webhook-urls", &body).await.status,
            400,
            "{body}"
        );
    }
    assert_eq!(
        get(&sandbox, "/sandbox/webhooks").await.json(),
        json!({"webhooks": []})
    );
    assert_eq!(get(&sandbox, "/sandbox/webhooks/w_0001").await.status, 404);
    assert_eq!(get(&sandbox, "/sandbox/webhooks/1").await.status, 400);
}

#[tokio::test]
async fn people_are_listed_and_explained() {
    let sandbox = frozen();
    let people = get(&sandbox, "/sandbox/people").await.json();
    assert_eq!(people["people"][0]["mobile"], "9000000001");
    let person = get(&sandbox, "/sandbox/people/9001031205").await.json();
    assert_eq!(
        person["script"],
        json!({"journey": 3, "webhook": 1, "data": 2, "archetype": 5})
    );
    assert_eq!(get(&sandbox, "/sandbox/people/900").await.status, 400);
}
