//! Webhooks of FinPro and Finpass: bodies, signatures, and what the webhook digit makes of them.

use std::time::Duration;

use base64::Engine;
use kyc_sandbox::settings::{WebhookCategory, WebhookEncoding, WebhookPayload};
use kyc_sandbox::{FinproSettings, credentials};
use serde_json::json;

use super::{Arrived, World, finpass_body};
use crate::{control, send, sign};

const HEADER: &str = "x-sandbox-signature";

fn signature<'a>(arrived: &'a Arrived, header: &str) -> &'a str {
    arrived.headers[header].to_str().unwrap()
}

fn is_signed(arrived: &Arrived, secret: &str) -> bool {
    signature(arrived, HEADER) == sign(secret, &arrived.body)
}

fn is_genuine(arrived: &Arrived) -> bool {
    is_signed(arrived, credentials::FINPRO_WEBHOOK_SECRET)
}

#[tokio::test]
async fn both_forms_have_their_documented_members() {
    let common = [
        "timestamp",
        "consentHandle",
        "eventType",
        "eventStatus",
        "consentId",
        "vua",
        "eventMessage",
    ];
    let more = ["productID", "accountID", "fetchType", "consentExpiry"];
    for (payload, members, link_members) in [
        (
            WebhookPayload::Basic,
            common.to_vec(),
            vec!["fiStatus", "linkRefNumber"],
        ),
        (
            WebhookPayload::Extended,
            [&common[..], &more].concat(),
            vec![
                "fiStatus",
                "fipId",
                "fipName",
                "linkRefNumber",
                "maskedAccountNumber",
            ],
        ),
    ] {
        let world = World::with_finpro(FinproSettings::default().with_webhook_payload(payload));
        let handle = world.ask("9001000000").await;
        world.pass_seconds(30).await;
        world.request_data(&handle).await;
        world.pass_seconds(5).await;
        let consent = world.consent(&handle).await;
        let arrived = world.arrived();
        let [approved, ready] = arrived.as_slice() else {
            panic!("{arrived:?}");
        };
        assert!(is_genuine(approved) && is_genuine(ready));
        assert_eq!(approved.url, "http://127.0.0.1:3000/finpro");
        assert_eq!(approved.headers["content-type"], "application/json");
        let (approved, ready) = (approved.json(), ready.json());
        let mut expected = members.clone();
        expected.sort_unstable();
        let found: Vec<_> = approved.as_object().unwrap().keys().collect();
        assert_eq!(found, expected);
        assert_eq!(
            (&approved["eventType"], &ready["eventType"]),
            (&json!("CONSENT"), &json!("DATA"))
        );
        assert_eq!(approved["consentId"], consent["consentID"]);
        let basic = payload == WebhookPayload::Basic;
        let vua = if basic {
            "9001000000@onemoney"
        } else {
            "XXXXXXX000@onemoney"
        };
        assert_eq!(approved["vua"], vua);
        let link = ready["linkRefNumbers"][0].as_object().unwrap();
        assert_eq!(link.keys().collect::<Vec<_>>(), link_members);
        assert_eq!(link["fiStatus"], "READY");
        if !basic {
            let expiry = approved["consentExpiry"].as_str().unwrap();
            assert_eq!((expiry.len(), &expiry[10..11]), (19, " "));
            assert_eq!(ready["firstTimeFetch"], "true");
            assert!(ready["dataExpiry"].as_str().unwrap().ends_with('Z'));
        }
    }
}

#[tokio::test]
async fn the_form_of_a_signature_is_a_setting() {
    let settings = FinproSettings::default()
        .with_webhook_header("x-moneyone".to_owned())
        .with_webhook_encoding(WebhookEncoding::Base64)
        .with_webhook_prefix("v1=".to_owned())
        .with_webhook_secret("other".to_owned());
    let world = World::with_finpro(settings);
    world.ask("9000000001").await;
    world.pass_seconds(1).await;
    let arrived = world.arrived();
    let expected = hex::decode(sign("other", &arrived[0].body)).unwrap();
    let expected = base64::engine::general_purpose::STANDARD.encode(expected);
    assert_eq!(
        signature(&arrived[0], "x-moneyone"),
        format!("v1={expected}")
    );
    assert!(!arrived[0].headers.contains_key(HEADER));
}

#[tokio::test]
async fn each_digit_does_with_webhooks_what_it_says() {
    let statuses = |arrived: &[Arrived]| -> Vec<String> {
        let status = |arrived: &Arrived| arrived.json()["eventStatus"].as_str().unwrap().to_owned();
        arrived.iter().map(status).collect()
    };
    let lived = async |mobile: &str, seconds: u64| {
        let world = World::new();
        let handle = world.ask(mobile).await;
        world.pass_seconds(30).await;
        world.request_data(&handle).await;
        world.pass_seconds(seconds).await;
        let arrived = world.arrived();
        (world, arrived)
    };
    // Twice: the same bytes with the same signature.
    let (_, twice) = lived("9001001000", 10).await;
    assert_eq!(
        statuses(&twice),
        [
            "CONSENT_APPROVED",
            "CONSENT_APPROVED",
            "DATA_READY",
            "DATA_READY"
        ]
    );
    assert_eq!(twice[0].body, twice[1].body);
    assert!(twice.iter().all(is_genuine));
    // Reordered.
    let (_, reordered) = lived("9001002000", 3600).await;
    assert_eq!(statuses(&reordered), ["DATA_READY", "CONSENT_APPROVED"]);
    // Never.
    let (world, never) = lived("9001003000", 86_400 * 30).await;
    assert!(never.is_empty());
    assert_eq!(world.sandbox.webhooks().len(), 2);
    // Late.
    let (world, early) = lived("9001004000", 7000).await;
    assert!(early.is_empty());
    world.pass_seconds(300).await;
    assert_eq!(
        statuses(&world.arrived()),
        ["CONSENT_APPROVED", "DATA_READY"]
    );
    // With an old secret.
    let (_, old) = lived("9001006000", 10).await;
    let old_secret = credentials::FINPRO_OLD_WEBHOOK_SECRET;
    assert!(old.len() == 2 && old.iter().all(|webhook| is_signed(webhook, old_secret)));
    // Thrice although it was answered 200.
    let (_, thrice) = lived("9001007000", 10).await;
    assert_eq!(statuses(&thrice[..3]), ["CONSENT_APPROVED"; 3]);
    assert_eq!(thrice.len(), 6);
    // Something on no page, and then what happened.
    let (_, strange) = lived("9001008000", 10).await;
    assert_eq!(
        statuses(&strange),
        [
            "CONSENT_SOMETHING_NEW",
            "CONSENT_APPROVED",
            "CONSENT_SOMETHING_NEW",
            "DATA_READY"
        ]
    );
    assert!(strange[0].json().get("memberOnNoPage").is_some());
    assert!(strange.iter().all(is_genuine));
}

#[tokio::test]
async fn a_forged_webhook_is_refused_once_and_the_genuine_one_follows() {
    let world = World::new();
    *world.receiver.answers.lock().unwrap() = vec![401];
    world.ask("9001005000").await;
    world.pass_seconds(3600).await;
    let arrived = world.arrived();
    assert_eq!(arrived.len(), 2);
    assert!(!is_genuine(&arrived[0]) && is_genuine(&arrived[1]));
}

#[tokio::test]
async fn what_is_not_accepted_is_sent_again_with_the_same_bytes() {
    let world = World::new();
    *world.receiver.answers.lock().unwrap() = vec![500, 500];
    world.ask("9000000001").await;
    world.pass_seconds(29).await;
    assert_eq!(world.arrived().len(), 1);
    world.pass(Duration::from_secs(200)).await;
    let again = world.arrived();
    assert_eq!(again.len(), 2);
    assert_eq!(again[0].body, again[1].body);
}

#[tokio::test]
async fn categories_choose_what_is_sent_and_data_ext_has_the_data() {
    let settings =
        FinproSettings::default().with_webhook_categories(vec![WebhookCategory::DataExt]);
    let world = World::with_finpro(settings);
    let handle = world.ask("9000000001").await;
    world.request_data(&handle).await;
    world.pass_seconds(1).await;
    let arrived = world.arrived();
    assert_eq!(arrived.len(), 1);
    let body = arrived[0].json();
    assert_eq!(
        (&body["eventType"], &body["eventStatus"]),
        (&json!("DATA_EXT"), &json!("DATA_PUSH"))
    );
    let consent = world.consent(&handle).await;
    let fetched = world
        .finpro("/getallfidata", json!({"consentID": consent["consentID"]}))
        .await;
    assert_eq!(body["data"], fetched.json()["data"]);
}

#[tokio::test]
async fn a_revocation_by_the_organisation_is_told_or_not() {
    for (told, expected) in [
        (true, &["CONSENT_APPROVED", "CONSENT_REVOKED"][..]),
        (false, &["CONSENT_APPROVED"]),
    ] {
        let settings = FinproSettings::default().with_revocation_webhook(told);
        let world = World::with_finpro(settings);
        let handle = world.ask("9000000001").await;
        let consent = world.consent(&handle).await;
        let revoked = world
            .finpro("/revokeconsent", json!({"consentID": consent["consentID"]}))
            .await;
        assert_eq!(revoked.status, 200);
        world.pass_seconds(1).await;
        assert_eq!(world.events(), expected);
        assert_eq!(world.status(&handle).await, "REVOKED");
    }
}

#[tokio::test]
async fn finpass_signs_nothing_and_needs_an_address() {
    let world = World::new();
    let path = "/services/account-aggregator/init";
    world.finpass(path, finpass_body("9000000001")).await;
    let mut silent = finpass_body("9000000001");
    silent.as_object_mut().unwrap().remove("webhook_url");
    world.finpass(path, silent).await;
    // Neither forged nor signed with an old secret.
    world.finpass(path, finpass_body("9001005000")).await;
    world.pass_seconds(30).await;
    let arrived = world.arrived();
    assert_eq!(arrived.len(), 2);
    for webhook in arrived {
        assert_eq!(webhook.json()["status"], "ACTIVE");
        let names: Vec<_> = webhook
            .headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect();
        assert_eq!(
            names,
            ["content-type", "x-sandbox-webhook", "x-sandbox-journey"]
        );
    }
}

#[tokio::test]
async fn a_webhook_that_is_sent_again_is_not_sent_once_more_by_itself() {
    let world = World::new();
    *world.receiver.answers.lock().unwrap() = vec![500, 503];
    world.ask("9000000001").await;
    world.pass_seconds(1).await;
    let id = world.sandbox.webhooks()[0].id;
    let attempts = || {
        let webhook = world.sandbox.webhook(id).unwrap();
        let attempts = webhook.attempts.into_iter();
        attempts.map(|(_, delivery)| delivery).collect::<Vec<_>>()
    };
    use kyc_sandbox::Delivery::Answered;
    // The first one that is sent again is refused too: the next one is planned anew, and only one.
    world.sandbox.resend(id).await;
    assert_eq!(attempts(), [Answered(500), Answered(503)]);
    world.sandbox.resend(id).await;
    assert_eq!(attempts().last(), Some(&Answered(200)));
    world.pass(Duration::from_secs(30 * 86_400)).await;
    assert_eq!(attempts().len(), 3, "a 2xx ends the attempts");

    // Neither is one that is held back, while what is said twice is said twice.
    for (mobile, expected) in [("9001004000", 1), ("9001001000", 2)] {
        let world = World::new();
        let handle = world.ask(mobile).await;
        world.pass_seconds(10).await;
        assert_eq!(world.status(&handle).await, "ACTIVE");
        let id = world.sandbox.webhooks()[0].id;
        world.sandbox.resend(id).await;
        world.pass(Duration::from_secs(86_400)).await;
        let attempts = world.sandbox.webhook(id).unwrap().attempts.len();
        assert!((expected..=3).contains(&attempts), "{mobile}: {attempts}");
        assert!(mobile != "9001004000" || attempts == 1);
    }
}

#[tokio::test]
async fn what_is_not_sent_is_told_why_and_is_no_failure() {
    use kyc_sandbox::Delivery;

    let world = World::new();
    let path = "/services/account-aggregator/init";
    for (url, delivery, reason) in [
        (
            "http://192.0.2.1/hooks",
            Delivery::OtherMachine,
            "another machine",
        ),
        (
            "https://example.com/hooks",
            Delivery::OtherMachine,
            "--allow-other-machines",
        ),
        ("hooks", Delivery::UnusableUrl, "no absolute http"),
        (
            "ftp://127.0.0.1/",
            Delivery::UnusableUrl,
            "no absolute http",
        ),
    ] {
        let mut body = finpass_body("9000000001");
        body["webhook_url"] = json!(url);
        // No page says that a caller's URL is refused.
        assert_eq!(world.finpass(path, body).await.status, 200, "{url}");
        let advanced = world.sandbox.advance(Duration::from_secs(1)).await;
        let counts = (advanced.delivered, advanced.failed, advanced.not_sent);
        assert_eq!(counts, (0, 0, 1), "{url}");
        let webhook = world.sandbox.webhooks().pop().unwrap();
        assert_eq!(webhook.attempts.last().unwrap().1, delivery, "{url}");
        assert!(delivery.why_not_sent().unwrap().contains(reason), "{url}");
        for shown in [
            format!("/sandbox/webhooks/{}", webhook.id),
            format!("/sandbox/journeys/{}", webhook.journey.unwrap()),
            format!("/w/{}", webhook.id),
            format!("/j/{}", webhook.journey.unwrap()),
        ] {
            let text = control::known(&world.sandbox, &shown).await.text;
            assert!(text.contains(reason), "{shown}: {text}");
        }
    }
    assert_eq!(world.arrived().len(), 0);

    // Without a URL nothing failed either.
    world
        .sandbox
        .set_webhook_url(kyc_sandbox::Provider::Finpro, None);
    world.ask("9000000001").await;
    let body = json!({"advance": "1s"});
    let moved = control::post(&world.sandbox, "/sandbox/clock", &body).await;
    let moved = moved.json();
    assert_eq!(
        (&moved["webhooks_failed"], &moved["webhooks_not_sent"]),
        (&json!(0), &json!(1))
    );
    let list = send(&world.sandbox, "GET", "/sandbox/webhooks", &[], "").await;
    assert!(list.text.contains("no URL is set"), "{}", list.text);
}
