//! The control: clock, faults, webhooks, people and journeys from outside.

use kyc_sandbox::{Provider, Sandbox, Settings, Trigger};
use serde_json::{Value, json};

use super::finpass::HEADERS as FINPASS;
use super::{Reply, send};

const INIT: &str = "/finpass/api/v1/services/account-aggregator/init";

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(sandbox, "GET", path, &[], "").await
}

/// Reads with the token.
pub(crate) async fn known(sandbox: &Sandbox, path: &str) -> Reply {
    let bearer = format!("Bearer {}", sandbox.control_token());
    send(sandbox, "GET", path, &[("authorization", &bearer)], "").await
}

pub(crate) async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {}", sandbox.control_token());
    let headers = [("authorization", bearer.as_str())];
    send(sandbox, "POST", path, &headers, body.to_string()).await
}

async fn init(sandbox: &Sandbox) -> Reply {
    let body = r#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#;
    send(sandbox, "POST", INIT, FINPASS, body).await
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

/// Asks Finpass for a consent of this person.
async fn asked_for(sandbox: &Sandbox, mobile: &str) {
    let body = json!({"mobile_number": mobile, "consent_type": "loan_underwriting"});
    let reply = send(sandbox, "POST", INIT, FINPASS, body.to_string()).await;
    assert_eq!(reply.status, 200, "{mobile}");
}

#[tokio::test]
async fn the_clock_is_moved_to_an_event() {
    let sandbox = frozen();
    let until = async |event: &str| {
        let reply = post(&sandbox, "/sandbox/clock", &json!({"until": event})).await;
        (reply.status, reply.json())
    };
    let (status, none) = until("expired").await;
    assert_eq!((status, &none["error"]["field"]), (404, &json!("until")));
    assert_eq!(none["error"]["rule"], "is not planned; nothing is");

    // The first revokes on day 7, the second never comes.
    asked_for(&sandbox, "9001070000").await;
    asked_for(&sandbox, "9001060000").await;
    let (status, none) = until("j_1.decision").await;
    let rule = none["error"]["rule"].as_str().unwrap().to_owned();
    assert_eq!(status, 404);
    assert!(rule.contains("whoever has no script waits"), "{rule}");
    for planned in [
        "j_1.step at 2030-01-01T",
        "j_1.expired at",
        "j_2.expired at",
    ] {
        assert!(rule.contains(planned), "{rule}");
    }
    assert_eq!(
        get(&sandbox, "/sandbox/clock").await.json()["now"],
        "2030-01-01T00:00:00.000Z"
    );

    // Its link does not expire, because it is used before; the consent itself is revoked before its end.
    let (status, moved) = until("j_1.expired").await;
    assert_eq!((status, &moved["event"]), (200, &Value::Null), "{moved}");
    let words = |moved: &Value| {
        let happened = moved["happened"].as_array().unwrap().clone();
        let of_first = happened.iter().all(|one| one["journey"] == "j_1");
        assert!(of_first, "{moved}");
        moved["happened"].to_string()
    };
    assert!(words(&moved).contains("REVOKED"), "{moved}");
    assert!(
        moved["now"].as_str().unwrap().starts_with("2030-01-08T"),
        "{moved}"
    );

    asked_for(&sandbox, "9001080000").await;
    // It is not planned before the person has approved, which is on the way.
    let (status, paused) = until("paused").await;
    assert_eq!((status, &paused["event"]), (200, &json!("j_3.paused")));
    assert!(
        paused["happened"].to_string().contains("PAUSED"),
        "{paused}"
    );

    for name in ["", "j_3", "j_3.", "19.expired", "j_3.Expired"] {
        let (status, refused) = until(name).await;
        assert_eq!(
            (status, &refused["error"]["field"]),
            (400, &json!("until")),
            "{name}"
        );
    }
    for (name, says) in [
        ("nonsense", "is no event; the events are step, decision,"),
        ("j_3.nonsense", "is no event"),
        (
            "j_999.expired",
            "is of a journey that is none of this sandbox",
        ),
    ] {
        let (status, refused) = until(name).await;
        let rule = refused["error"]["rule"].as_str().unwrap();
        assert!(status == 400 && rule.starts_with(says), "{name}: {rule}");
    }
    let far = json!({"advance": "99999999d"});
    let refused = post(&sandbox, "/sandbox/clock", &far).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("at most ten years"),
        "{}",
        refused.text
    );
    let both = json!({"until": "paused", "advance": "1h"});
    assert_eq!(post(&sandbox, "/sandbox/clock", &both).await.status, 400);
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
            json!({"provider": "finpass", "journey": "j_9999", "status": 503}),
            "journey",
        ),
        (json!({"provider": "finpass", "status": 600}), "status"),
        (json!({"provider": "finpass", "status": 204}), "status"),
        (
            json!({"provider": "finpass", "status": 503, "percent": 0}),
            "percent",
        ),
        (json!({"provider": "finpass", "status": 503.5}), "status"),
        (json!({"provider": "finpass", "status": "503"}), "status"),
        (json!({"provider": "finpass", "status": 66039}), "status"),
        (
            json!({"provider": "finpass", "delay_ms": 5, "gateway_page": true}),
            "gateway_page",
        ),
        (
            json!({"provider": "finpass", "delay_ms": 5, "after_effect": true}),
            "after_effect",
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
        let says = refused.json()["error"]["rule"].to_string();
        assert!(
            field != "status" || says.contains("must be from 200 to 599"),
            "{says}"
        );
    }
    assert!(sandbox.faults().is_empty());
}

#[test]
fn a_fault_that_cannot_be_met_is_not_switched_on() {
    use kyc_sandbox::settings::Failure;
    use kyc_sandbox::{Fault, FaultKind};

    const STATUS: &str =
        "status: must be from 200 to 599, and none of 204, 205 and 304, whose replies have no body";
    let sandbox = Sandbox::default();
    let fault = |status| Fault::new(Provider::Finpass, FaultKind::Failure(Failure::new(status)));
    for (fault, says) in [
        (fault(199), STATUS),
        (fault(600), STATUS),
        (fault(204), STATUS),
        (fault(205), STATUS),
        (fault(304), STATUS),
        (fault(503).at_rate(0, 1), "percent: must be from 1 to 100"),
        (fault(503).at_rate(101, 1), "percent: must be from 1 to 100"),
        (fault(503).first(0), "first: must be 1 or more"),
        (
            fault(503).of_operation("decision"),
            "operation: is none of this provider's",
        ),
        (
            fault(503).of_journey("j_9".parse().unwrap()),
            "journey: is none of this sandbox",
        ),
    ] {
        let refused = sandbox.switch_fault_on(fault).unwrap_err();
        assert_eq!(refused.to_string(), says);
    }
    assert!(sandbox.faults().is_empty());
}

#[tokio::test]
async fn a_fault_is_shown_with_all_that_was_switched_on() {
    let sandbox = frozen();
    init(&sandbox).await;
    let fault = json!({
        "provider": "finpro", "status": 502, "gateway_page": true, "percent": 10, "seed": 4,
        "journey": "j_1",
    });
    let on = post(&sandbox, "/sandbox/faults", &fault).await.json();
    let list = get(&sandbox, "/sandbox/faults").await.json();
    for shown in [&on, &list["faults"][0]] {
        for (member, value) in fault.as_object().unwrap() {
            assert_eq!(&shown[member], value, "{member}: {shown}");
        }
    }
    let words = "finpro of j_1 answers 502, as a gateway's page, 10 % of requests, seed 4";
    let page = get(&sandbox, "/").await.text;
    let words = words.replace('\'', "&#39;");
    let count = page.replace('\'', "&#39;").matches(&words).count();
    assert_eq!(count, 2, "the list and the row: {page}");
    let plain = json!({"provider": "veriff", "delay_ms": 5});
    let on = post(&sandbox, "/sandbox/faults", &plain).await.json();
    assert_eq!((&on["percent"], &on["seed"]), (&Value::Null, &Value::Null));
    assert_eq!(on["gateway_page"], false);
}

#[tokio::test]
async fn what_is_planned_instead_is_listed_once() {
    let sandbox = frozen();
    for _ in 0..3 {
        asked_for(&sandbox, "9001000000").await;
    }
    let until = json!({"until": "j_1.abandoned"});
    let refused = post(&sandbox, "/sandbox/clock", &until).await;
    let rule = refused.json()["error"]["rule"].as_str().unwrap().to_owned();
    for name in ["j_1.step at ", "j_1.expired at "] {
        assert_eq!(rule.matches(name).count(), 1, "{rule}");
    }
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
        json!({"veriff": "http://127.0.0.1:3000/hooks", "finpro": "http://192.0.2.1/hooks"}),
        json!({"finpro": "http://10.0.0.5/hooks"}),
        json!({"finpass": "https://example.com/hooks"}),
    ] {
        assert_eq!(
            post(&sandbox, "/sandbox/webhook-urls", &body).await.status,
            400,
            "{body}"
        );
    }
    assert!(sandbox.webhook_urls().is_empty(), "all or nothing is set");
    let elsewhere = json!({"veriff": "https://example.com/hooks"});
    let refused = post(&sandbox, "/sandbox/webhook-urls", &elsewhere).await;
    let rule = refused.json()["error"]["rule"].to_string();
    assert!(rule.contains("must lead to this machine") && rule.contains("--allow-other-machines"));
    let open = Sandbox::new(Settings::default().with_allow_other_machines(true));
    let set = post(&open, "/sandbox/webhook-urls", &elsewhere).await;
    assert_eq!(set.status, 200);
    assert_eq!(
        get(&sandbox, "/sandbox/webhooks").await.json(),
        json!({"webhooks": []})
    );
    assert_eq!(
        known(&sandbox, "/sandbox/webhooks/w_0001").await.status,
        404
    );
    assert_eq!(known(&sandbox, "/sandbox/webhooks/1").await.status, 400);
}

#[tokio::test]
async fn what_is_masked_elsewhere_is_shown_to_who_knows_the_token_and_that_is_told() {
    let sandbox = frozen();
    let made = Trigger::of("veriff.decision.approved").unwrap();
    let made = sandbox.trigger(made).await.unwrap().webhook;
    let path = format!("/sandbox/webhooks/{made}");
    for path in [path.as_str(), "/sandbox/returns/x"] {
        let refused = get(&sandbox, path).await;
        assert_eq!(refused.status, 401, "{path}: {}", refused.text);
        assert!(!refused.text.contains("Sample"));
    }
    let told = format!("showed the body of {made} as it is");
    assert!(!get(&sandbox, "/").await.text.contains(&told));
    let body = known(&sandbox, &path).await.json();
    assert!(body["body"].as_str().unwrap().contains("Sample"));
    assert!(get(&sandbox, "/").await.text.contains(&told));
}

#[tokio::test]
async fn the_clock_ends_where_times_can_no_longer_be_written() {
    let sandbox = Sandbox::new(
        Settings::default().with_fixed_time(Some(
            "9998-12-31T00:00:00Z"
                .parse::<jiff::Timestamp>()
                .unwrap()
                .into(),
        )),
    );
    let advance = async |by: &str| post(&sandbox, "/sandbox/clock", &json!({"advance": by})).await;
    assert_eq!(
        advance("300d").await.json()["now"],
        "9999-10-27T00:00:00.000Z"
    );
    let refused = advance("3650d").await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("where the clock ends"),
        "{}",
        refused.text
    );
    sandbox
        .advance(std::time::Duration::from_secs(u64::MAX))
        .await;
    assert_eq!(
        get(&sandbox, "/sandbox/clock").await.json()["now"],
        "9999-12-30T22:00:00.000Z"
    );
    let mut settings = Settings::default();
    assert!(settings.set("fixed-time", "0001-01-01T00:00:00Z").is_err());
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

#[tokio::test]
async fn people_are_invented_with_numbers_that_are_free() {
    let sandbox = frozen();
    let invent = async |body: Value| post(&sandbox, "/sandbox/people", &body).await;
    asked_for(&sandbox, "9001030005").await;
    let body = json!({"like": ["deny"], "archetype": "05", "name": "Says no"});
    let person = invent(body.clone()).await.json();
    assert_eq!(person["mobile"], "9001030025", "9001030005 is used");
    assert_eq!(person["does"], json!(["rejects", "accounts: circular"]));
    let second = invent(body).await.json();
    assert_eq!(second["mobile"], "9001030045");

    let listed = get(&sandbox, "/sandbox/people").await.json();
    let listed = listed["people"].as_array().unwrap();
    assert_eq!(listed.len(), 12);
    assert_eq!(
        listed[10]["description"],
        "Says no: rejects, accounts: circular"
    );
    // Does what was said.
    asked_for(&sandbox, "9001030025").await;
    let day = json!({"advance": "1h"});
    post(&sandbox, "/sandbox/clock", &day).await;
    let journeys = get(&sandbox, "/sandbox/journeys/j_2").await;
    assert!(journeys.text.contains("REJECTED"), "{}", journeys.text);
    let happenings = journeys.json()["happenings"].clone();
    let listed = get(&sandbox, "/sandbox/journeys").await.json();
    let listed = listed["journeys"].as_array().unwrap();
    let ids: Vec<&Value> = listed.iter().map(|journey| &journey["id"]).collect();
    assert_eq!(ids, ["j_2", "j_1"]);
    assert_eq!(
        Some(&listed[0]["newest"]),
        happenings.as_array().unwrap().last()
    );

    for (body, field, says) in [
        (json!({"like": ["approves"]}), "like", "approve, slow"),
        (json!({"like": ["deny", "slow"]}), "like", "deny and slow"),
        (json!({"like": "deny"}), "like", "list"),
        (json!({"like": [1]}), "like", "texts"),
        (json!({"archetype": "20"}), "archetype", "05 circular"),
        (json!({"name": ""}), "name", "1 to 60"),
        (json!({"name": "9876543210"}), "name", "four digits"),
        (json!({"name": "a\nb"}), "name", "letters"),
        (json!({"mobile": "9001000000"}), "body", "none of"),
    ] {
        let refused = invent(body.clone()).await;
        let error = refused.json()["error"].clone();
        assert_eq!(
            (refused.status, &error["field"]),
            (400, &json!(field)),
            "{body}"
        );
        assert!(error["rule"].as_str().unwrap().contains(says), "{error}");
    }
    let last = std::iter::repeat_n(json!({"like": ["webhook-late"]}), 6);
    let mut statuses = Vec::new();
    for body in last {
        statuses.push(invent(body).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 400], "all are taken");
}
