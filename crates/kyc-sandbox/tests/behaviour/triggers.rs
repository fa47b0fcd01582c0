//! Every event on demand.

use kyc_sandbox::{Sandbox, Trigger, TriggerError, WebhookSigning};
use serde_json::{Value, json};

use super::{control, send};

#[tokio::test]
async fn each_event_is_made_and_later_calls_agree() {
    for name in Trigger::names() {
        let sandbox = Sandbox::default();
        let made = sandbox.trigger(Trigger::of(&name).unwrap()).await;
        let made = made.unwrap_or_else(|error| panic!("{name}: {error}"));
        let own = sandbox.webhook(made.webhook).unwrap();
        assert!(made.made.contains(&own.id), "{name}");
        let (_, event) = name.split_once('.').unwrap();
        assert_eq!(own.event, event);
    }

    let sandbox = Sandbox::default();
    let made = sandbox
        .trigger(Trigger::of("veriff.decision.declined").unwrap())
        .await
        .unwrap();
    let webhook = sandbox.webhook(made.webhook).unwrap();
    let told: Value = serde_json::from_slice(&webhook.body).unwrap();
    let session = told["verification"]["id"].as_str().unwrap();
    let key = kyc_sandbox::credentials::VERIFF_API_KEY;
    let signature = super::sign(
        kyc_sandbox::credentials::VERIFF_SHARED_SECRET,
        session.as_bytes(),
    );
    let headers = [
        ("x-auth-client", key),
        ("x-hmac-signature", signature.as_str()),
    ];
    let pulled = send(
        &sandbox,
        "GET",
        &format!("/veriff/v1/sessions/{session}/decision"),
        &headers,
        "",
    )
    .await;
    assert_eq!(
        pulled.json()["verification"]["code"],
        told["verification"]["code"]
    );
}

#[tokio::test]
async fn a_change_that_cannot_be_made_sends_nothing() {
    let sandbox = Sandbox::default();
    let trigger = |member| {
        Trigger::of("finpro.CONSENT_APPROVED")
            .unwrap()
            .set(member, "x")
    };
    let unknown = sandbox.trigger(trigger("consentID")).await;
    assert_eq!(
        unknown,
        Err(TriggerError::UnknownMember {
            nearest: "consentId".to_owned()
        })
    );
    assert!(sandbox.webhooks().is_empty());

    let made = sandbox
        .trigger(
            trigger("consentId")
                .times(2)
                .signed(WebhookSigning::OldSecret),
        )
        .await
        .unwrap();
    let webhook = sandbox.webhook(made.webhook).unwrap();
    let body: Value = serde_json::from_slice(&webhook.body).unwrap();
    assert_eq!(
        (&body["consentId"], webhook.repeats, webhook.signing),
        (&json!("x"), 1, WebhookSigning::OldSecret)
    );
}

/// All that a sandbox tells of itself.
async fn told_of(sandbox: &Sandbox) -> (String, u64, usize) {
    let stream = send(sandbox, "GET", "/", &[], "").await;
    let requests = sandbox.ledger().total().requests;
    (stream.text, requests, sandbox.webhooks().len())
}

fn stands_still() -> Sandbox {
    let settings = kyc_sandbox::Settings::default();
    Sandbox::new(settings.with_deterministic_ids(true))
}

#[tokio::test]
async fn a_refused_change_leaves_everything_as_it_was() {
    let nothing = told_of(&stands_still()).await;
    for name in Trigger::names() {
        let sandbox = stands_still();
        let trigger = Trigger::of(&name).unwrap();
        let refused = sandbox.trigger(trigger.clone().set("nope", "1")).await;
        assert!(
            matches!(refused, Err(TriggerError::UnknownMember { .. })),
            "{name}"
        );
        assert_eq!(told_of(&sandbox).await, nothing, "{name}");
        let made = sandbox.trigger(trigger).await.unwrap();
        assert_eq!(made.made[0].to_string(), "w_0001", "{name}");
    }
}

#[tokio::test]
async fn a_refused_change_leaves_a_journey_where_it_stands() {
    for (begin, next) in [
        ("finpro.CONSENT_APPROVED", "finpro.CONSENT_PAUSED"),
        ("veriff.event.started", "veriff.decision.declined"),
        ("veriff.event.submitted", "veriff.user_defined_status"),
    ] {
        let sandbox = stands_still();
        told(&sandbox, &json!({"event": begin})).await;
        let before = told_of(&sandbox).await;
        let trigger = Trigger::of(next).unwrap();
        let trigger = trigger.of_journey("j_1".parse().unwrap());
        let refused = sandbox.trigger(trigger.clone().set("nope", "1")).await;
        assert!(
            matches!(refused, Err(TriggerError::UnknownMember { .. })),
            "{next}"
        );
        assert_eq!(told_of(&sandbox).await, before, "{next}");
        assert!(sandbox.trigger(trigger).await.is_ok(), "{next}");
    }
}

#[cfg(feature = "state-file")]
#[tokio::test]
async fn a_refused_change_leaves_the_state_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sandbox.state");
    let open = || Sandbox::open(kyc_sandbox::Settings::default(), &path).unwrap();
    let of = |event: &str| Trigger::of(event).unwrap();
    let sandbox = open();
    for name in Trigger::names() {
        let refused = sandbox.trigger(of(&name).set("nope", "1")).await;
        assert!(refused.is_err(), "{name}");
    }
    drop(sandbox);
    let sandbox = open();
    assert!(sandbox.webhooks().is_empty());
    let made = sandbox.trigger(of("veriff.event.started")).await.unwrap();
    assert_eq!(made.webhook.to_string(), "w_0001");
    let webhook = sandbox.webhook(made.webhook).unwrap();
    assert_eq!(webhook.journey.unwrap().to_string(), "j_1");
}

#[tokio::test]
async fn a_fault_late_on_the_way_leaves_everything_as_it_was() {
    use kyc_sandbox::settings::Failure;
    use kyc_sandbox::{Fault, FaultKind, Provider};

    let sandbox = stands_still();
    let fault = Fault::new(Provider::Finpro, FaultKind::Failure(Failure::new(503)));
    let fault = fault.of_operation("request-fi").first(1);
    let on = sandbox.switch_fault_on(fault).unwrap();
    let before = told_of(&sandbox).await;
    let trigger = Trigger::of("finpro.DATA_READY").unwrap();
    let blocked = sandbox.trigger(trigger.clone()).await;
    assert_eq!(blocked, Err(TriggerError::Blocked));
    assert_eq!(told_of(&sandbox).await, before);
    assert!(sandbox.switch_fault_off(on));
    assert!(sandbox.trigger(trigger).await.is_ok());
}

#[tokio::test]
async fn a_fault_in_the_way_is_told() {
    use kyc_sandbox::settings::Failure;
    use kyc_sandbox::{Fault, FaultKind, Provider};

    let sandbox = Sandbox::default();
    let fault = FaultKind::Failure(Failure::new(503));
    let on = sandbox.switch_fault_on(Fault::new(Provider::Veriff, fault));
    assert!(on.is_ok());
    let blocked = sandbox
        .trigger(Trigger::of("veriff.event.started").unwrap())
        .await;
    assert_eq!(blocked, Err(TriggerError::Blocked));
}

#[tokio::test]
async fn events_are_made_while_the_clock_is_moved_and_each_is_delivered_as_it_is_wanted() {
    use std::time::Duration;

    use kyc_sandbox::{Fault, FaultKind, Provider, Settings};

    let caller = crate::aggregator::Receiver::default();
    let urls = [(Provider::Veriff, "http://127.0.0.1:3000/hooks".to_owned())];
    let settings = Settings::default()
        .with_webhook_urls(urls.into())
        .with_webhook_transport(Some(std::sync::Arc::new(caller.clone())));
    let sandbox = Sandbox::new(settings);
    let delay = FaultKind::Delay(Duration::from_millis(5));
    let on = sandbox.switch_fault_on(Fault::new(Provider::Veriff, delay));
    assert!(on.is_ok());
    let made = (0..20_u64).map(|number| {
        let sandbox = &sandbox;
        async move {
            let trigger = Trigger::of("veriff.decision.approved").unwrap();
            let wanted = trigger.set("vendorData", &format!("application-{number}"));
            // One is made while another's webhooks are due.
            tokio::time::sleep(Duration::from_millis(number)).await;
            (number, sandbox.trigger(wanted).await.unwrap().webhook)
        }
    });
    let moved = async {
        for _ in 0..60 {
            sandbox.advance(Duration::from_secs(3600)).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let (made, ()) = tokio::join!(futures_util::future::join_all(made), moved);
    sandbox.advance(Duration::from_secs(3600)).await;
    for (number, webhook) in made {
        let wanted = format!("\"application-{number}\"");
        let body = sandbox.webhook(webhook).unwrap().body;
        assert!(std::str::from_utf8(&body).unwrap().contains(&wanted));
        let arrived = caller.arrived.lock().unwrap();
        assert_eq!(
            arrived
                .iter()
                .filter(|arrived| arrived.body == body)
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn events_are_triggered_from_outside() {
    let sandbox = Sandbox::default();
    let events = send(&sandbox, "GET", "/sandbox/triggers", &[], "")
        .await
        .json();
    assert_eq!(
        events["events"].as_array().map(Vec::len),
        Some(Trigger::names().count())
    );
    let body = json!({"event": "finpro.DATA_READY", "set": {"eventMessage": "set"}, "times": 2, "sign": "wrong"});
    let made = control::post(&sandbox, "/sandbox/triggers", &body)
        .await
        .json();
    let own = made["webhooks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|webhook| webhook["id"] == made["webhook"])
        .unwrap();
    assert_eq!(own["event"], "DATA_READY", "{made}");
    assert_eq!(own["attempts"][0]["outcome"], "not sent", "there is no URL");
    let id = made["webhook"].as_str().unwrap();
    let shown = control::known(&sandbox, &format!("/sandbox/webhooks/{id}")).await;
    let headers = shown.json()["headers"].clone();
    assert_eq!(
        (&headers["content-type"], &headers["x-sandbox-webhook"]),
        (&json!("application/json"), &json!(id))
    );
    assert_eq!(headers["x-sandbox-journey"], own["journey"]);

    for (body, field) in [
        (json!({}), "event"),
        (json!({"event": "finpro.DATA_RDY"}), "event"),
        (
            json!({"event": "finpro.DATA_READY", "set": {"nothing": "x"}}),
            "set",
        ),
        (
            json!({"event": "finpro.DATA_READY", "set": {"consentId": 1}}),
            "set",
        ),
        (
            json!({"event": "finpro.DATA_READY", "set": "consentId=1"}),
            "set",
        ),
        (json!({"event": "finpro.DATA_READY", "times": 0}), "times"),
        (
            json!({"event": "finpro.DATA_READY", "sign": "twice"}),
            "sign",
        ),
        (
            json!({"event": "finpro.DATA_READY", "person": "deny"}),
            "body",
        ),
    ] {
        let refused = control::post(&sandbox, "/sandbox/triggers", &body).await;
        assert_eq!(
            (refused.status, &refused.json()["error"]["field"]),
            (400, &json!(field)),
            "{body}"
        );
    }
}

/// The events of the webhooks that were made for a trigger.
async fn told(sandbox: &Sandbox, body: &Value) -> Vec<String> {
    let made = control::post(sandbox, "/sandbox/triggers", body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let webhooks = made.json()["webhooks"].as_array().unwrap().clone();
    let events = webhooks.iter();
    events
        .map(|webhook| webhook["event"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_person_comes_and_hands_in_before_a_decision() {
    for (event, expected) in [
        ("event.started", &["event.started"][..]),
        ("event.submitted", &["event.started", "event.submitted"]),
        (
            "decision.approved",
            &[
                "event.started",
                "event.submitted",
                "decision.approved",
                "watchlist.initial_result",
            ],
        ),
        (
            "decision.resubmission_requested",
            &[
                "event.started",
                "event.submitted",
                "decision.resubmission_requested",
            ],
        ),
        ("decision.expired", &["decision.expired"]),
    ] {
        let body = json!({"event": format!("veriff.{event}")});
        assert_eq!(told(&Sandbox::default(), &body).await, expected);
    }
}

#[tokio::test]
async fn an_event_happens_in_a_journey_from_where_that_stands() {
    let sandbox = Sandbox::default();
    let of = |event: &str| json!({"event": event, "journey": "j_1"});
    told(&sandbox, &json!({"event": "finpro.CONSENT_APPROVED"})).await;
    for event in ["PAUSED", "RESUMED", "REVOKED"] {
        let event = format!("finpro.CONSENT_{event}");
        assert_eq!(told(&sandbox, &of(&event)).await, [&event[7..]]);
    }
    let before = sandbox.webhooks().len();
    for (body, rule) in [
        (of("finpro.CONSENT_PAUSED"), "does not lead there"),
        (of("veriff.decision.approved"), "does not lead there"),
        (of("finpro.DATA_READY"), "does not lead there"),
        (
            json!({"event": "finpro.CONSENT_APPROVED", "journey": "j_2"}),
            "none of this sandbox",
        ),
        (
            json!({"event": "finpro.CONSENT_APPROVED", "journey": "2"}),
            "j_19",
        ),
    ] {
        let refused = control::post(&sandbox, "/sandbox/triggers", &body).await;
        let error = refused.json()["error"].clone();
        assert_eq!(
            (refused.status, &error["field"]),
            (400, &json!("journey")),
            "{body}"
        );
        assert!(error["rule"].as_str().unwrap().contains(rule), "{error}");
    }
    assert_eq!(sandbox.webhooks().len(), before);

    let sandbox = Sandbox::default();
    told(&sandbox, &json!({"event": "veriff.event.started"})).await;
    let events = told(&sandbox, &of("veriff.decision.declined")).await;
    assert_eq!(events[..2], ["event.submitted", "decision.declined"]);
}

#[tokio::test]
async fn a_name_that_several_members_have_is_refused_with_their_paths() {
    let sandbox = Sandbox::default();
    let refused = async |member: &str| {
        let body = json!({"event": "veriff.decision.approved", "set": {member: "foo"}});
        let reply = control::post(&sandbox, "/sandbox/triggers", &body).await;
        assert_eq!(reply.status, 400, "{member}");
        reply.json()["error"]["rule"].as_str().unwrap().to_owned()
    };
    let rule = refused("status").await;
    assert!(rule.contains(".status, verification.status"), "{rule}");
    let rule = refused("person.firstName").await;
    assert!(rule.ends_with("verification.person.firstName"), "{rule}");
    assert!(sandbox.webhooks().is_empty());
}

#[tokio::test]
async fn what_is_signed_otherwise_has_the_headers_of_a_genuine_one() {
    let headers = async |event: &str, signing: WebhookSigning| {
        let sandbox = Sandbox::default();
        let trigger = Trigger::of(event).unwrap().signed(signing);
        let made = sandbox.trigger(trigger).await.unwrap();
        let webhook = sandbox.webhook(made.webhook).unwrap();
        (sandbox.webhook_headers(&webhook), webhook.body)
    };
    for event in ["veriff.decision.approved", "finpro.CONSENT_APPROVED"] {
        let (genuine, _) = headers(event, WebhookSigning::Genuine).await;
        for signing in [WebhookSigning::OldSecret, WebhookSigning::Forged] {
            let (other, body) = headers(event, signing).await;
            let names = |headers: &[(std::borrow::Cow<'static, str>, String)]| {
                let names = headers.iter().map(|(name, _)| name.to_string());
                names.collect::<Vec<_>>()
            };
            assert_eq!(names(&other), names(&genuine), "{event} {signing:?}");
            let old = match event {
                "veriff.decision.approved" => kyc_sandbox::credentials::VERIFF_OLD_SECRET,
                _ => kyc_sandbox::credentials::FINPRO_OLD_WEBHOOK_SECRET,
            };
            let signature = super::sign(old, &body);
            let signatures = other.iter().filter(|(name, _)| name.contains("signature"));
            for (name, value) in signatures {
                let is_old = *value == signature;
                assert_eq!(is_old, signing == WebhookSigning::OldSecret, "{name}");
            }
        }
        let (none, _) = headers(event, WebhookSigning::Unsigned).await;
        assert!(none.is_empty());
    }
}
