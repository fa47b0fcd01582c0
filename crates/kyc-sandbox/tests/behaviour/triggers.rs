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

#[tokio::test]
async fn a_fault_in_the_way_is_told() {
    use kyc_sandbox::settings::Failure;
    use kyc_sandbox::{Fault, FaultKind, Provider};

    let sandbox = Sandbox::default();
    sandbox.switch_fault_on(Fault::new(
        Provider::Veriff,
        FaultKind::Failure(Failure::new(503)),
    ));
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
    sandbox.switch_fault_on(Fault::new(Provider::Veriff, delay));
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
