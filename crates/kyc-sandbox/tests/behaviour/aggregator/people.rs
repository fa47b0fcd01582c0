//! Each scripted journey that concerns aggregators, consents and data, as a caller sees it.

use std::time::Duration;

use kyc_sandbox::settings::{ConsentDecisions, JointAccounts, UnknownName};
use kyc_sandbox::{
    AggregatorConsentStatus, FinproSettings, Provider, Sandbox, Settings, settings::PeopleAct,
};
use serde_json::{Value, json};

use super::{DAY, FINPRO, World, finpass_body, finpass_life, words};
use crate::{control, send};

/// Enough for all steps of a person that is not slow.
const STEPS: u64 = 30;

#[tokio::test]
async fn approve_goes_through_everything_in_order() {
    let world = World::new();
    let handle = world.ask("9001000008").await;
    let asked = world.consent(&handle).await;
    assert_eq!(asked["status"], "PENDING");
    assert_eq!(
        (&asked["consentID"], &asked["accounts"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(world.sandbox.consent_return_url(&handle), None);

    world.pass_seconds(STEPS).await;
    let given = world.consent(&handle).await;
    assert_eq!(given["status"], "ACTIVE");
    assert_eq!(given["accounts"].as_array().unwrap().len(), 3);
    assert_eq!(
        world.returned(&handle).await,
        ("S".into(), "0".into(), handle.clone())
    );

    let session = world.request_data(&handle).await;
    assert_eq!(world.data_status(&session).await.0, "PENDING");
    assert_eq!(world.data(&handle).await, Err("NoDataAvailable".to_owned()));
    world.pass_seconds(5).await;
    let delivered = words(&["DELIVERED"; 3]);
    assert_eq!(
        world.data_status(&session).await,
        ("DATA_READY".to_owned(), delivered)
    );
    assert_eq!(world.data(&handle).await, Ok(3));
    assert_eq!(world.events(), ["CONSENT_APPROVED", "DATA_READY"]);

    // The data's life ends, and then the consent's.
    world.pass(7 * DAY).await;
    assert_eq!(world.data(&handle).await, Err("DataIsDeleted".to_owned()));
    world.pass(359 * DAY).await;
    assert_eq!(world.status(&handle).await, "EXPIRED");
    assert_eq!(world.events(), ["CONSENT_EXPIRED"]);
}

#[tokio::test]
async fn slow_does_nothing_visible_for_ten_minutes() {
    let world = World::new();
    let handle = world.ask("9001010000").await;
    world.pass_seconds(600).await;
    assert_eq!(
        (world.status(&handle).await.as_str(), world.events().len()),
        ("PENDING", 0)
    );
    world.pass_seconds(300).await;
    assert_eq!(world.status(&handle).await, "ACTIVE");
    assert_eq!(world.events(), ["CONSENT_APPROVED"]);
}

#[tokio::test]
async fn partial_shares_one_of_three_accounts() {
    let world = World::new();
    let handle = world.ask("9001020000").await;
    world.pass_seconds(STEPS).await;
    let given = world.consent(&handle).await;
    assert_eq!(given["accounts"].as_array().unwrap().len(), 1);
    world.request_data(&handle).await;
    world.pass_seconds(5).await;
    assert_eq!(world.data(&handle).await, Ok(1));
}

#[tokio::test]
async fn deny_has_no_consent_id_in_either_documented_form() {
    let world = World::new();
    for expected in ["", "<NULL>"] {
        let handle = world.ask("9001030000").await;
        world.pass_seconds(STEPS).await;
        let consent = world.consent(&handle).await;
        assert_eq!(
            (&consent["status"], &consent["consentID"]),
            (&json!("REJECTED"), &Value::Null)
        );
        let arrived = world.arrived();
        assert_eq!(arrived.len(), 1);
        let webhook = arrived[0].json();
        assert_eq!(webhook["eventStatus"], "CONSENT_REJECTED");
        assert_eq!(webhook["consentHandle"], handle.as_str());
        assert_eq!(webhook["consentId"], expected);
        assert_eq!(
            world.returned(&handle).await,
            ("F".into(), "1".into(), handle)
        );
    }
}

#[tokio::test]
async fn the_clock_is_moved_to_each_event_of_a_consent() {
    let world = World::new();
    let until = async |event: &str| {
        let body = json!({"until": event});
        let reply = control::post(&world.sandbox, "/sandbox/clock", &body).await;
        assert_eq!(reply.status, 200, "{event}: {}", reply.text);
        reply.json()["event"].clone()
    };
    // What was planned for the link is called off, and the consent's own end is found.
    let (handle, _) = world.ask_with("9001090000", json!({})).await;
    assert_eq!(until("j_1.expired").await, "j_1.expired");
    assert_eq!(world.status(&handle).await, "EXPIRED");
    assert!(world.events().contains(&"CONSENT_APPROVED".to_owned()));

    let (handle, _) = world.ask_with("9001080000", json!({})).await;
    world.pass_seconds(STEPS).await;
    for (event, status) in [("j_2.paused", "PAUSED"), ("j_2.active", "ACTIVE")] {
        assert_eq!(until(event).await, event);
        assert_eq!(world.status(&handle).await, status);
    }
    // One that never comes: the link itself expires.
    let (handle, _) = world.ask_with("9001060000", json!({})).await;
    assert_eq!(until("j_3.expired").await, "j_3.expired");
    assert_eq!(world.status(&handle).await, "EXPIRED");
}

#[tokio::test]
async fn a_person_stops_where_somebody_else_has_decided() {
    let world = World::new();
    let step = async || {
        let body = json!({"until": "step"});
        let reply = control::post(&world.sandbox, "/sandbox/clock", &body).await;
        reply.status
    };
    let (handle, _) = world.ask_with("9001000000", json!({})).await;
    let body = finpass_body("9001000000");
    let opened = world.finpass("/services/account-aggregator/init", body);
    let opened = opened.await.json();
    let session = opened["data"]["client_id"].as_str().unwrap();
    for id in [handle.as_str(), session] {
        let decided = world
            .sandbox
            .decide_consent(id, AggregatorConsentStatus::Active);
        assert!(decided);
    }
    world.pass_seconds(5).await;
    assert_eq!(step().await, 404, "nobody has anything left to do");
    world.ask_with("9001000000", json!({})).await;
    assert_eq!(step().await, 200);
}

#[tokio::test]
async fn a_consent_that_somebody_else_gave_runs_out_as_any_other() {
    let world = World::new();
    let (handle, _) = world.ask_with("9001050000", json!({})).await;
    let body = finpass_body("9001050000");
    let opened = world.finpass("/services/account-aggregator/init", body);
    let opened = opened.await.json();
    let session = opened["data"]["client_id"].as_str().unwrap();
    for id in [handle.as_str(), session] {
        let decided = world
            .sandbox
            .decide_consent(id, AggregatorConsentStatus::Active);
        assert!(decided);
    }
    world.pass_seconds(STEPS).await;
    assert!(!world.events().is_empty());
    world.pass(800 * DAY).await;
    let expired = world.events();
    let expired = expired.iter().filter(|event| event.ends_with("EXPIRED"));
    assert_eq!(expired.count(), 2);
}

#[tokio::test]
async fn cancel_leaves_the_consent_pending_and_the_link_usable() {
    let world = World::new();
    let (handle, url) = world.ask_with("9001040000", json!({})).await;
    world.pass_seconds(STEPS).await;
    assert_eq!(world.status(&handle).await, "PENDING");
    let left = world.returned(&handle).await;
    assert_eq!(left, ("F".into(), "5".into(), handle.clone()));
    assert!(world.events().is_empty());
    // The link works again.
    let url = url.strip_prefix("http://localhost").unwrap();
    let entered = send(&world.sandbox, "GET", url, &[], "").await;
    let page = entered.header("location").unwrap().to_owned();
    let shown = send(&world.sandbox, "GET", &page, &[], "").await;
    assert!(shown.text.contains("Start again"), "{}", shown.text);
}

#[tokio::test]
async fn abandon_says_nothing_ever() {
    let world = World::new();
    let handle = world.ask("9001050000").await;
    world.pass_seconds(3600).await;
    assert_eq!(world.status(&handle).await, "PENDING");
    world.pass(2 * DAY).await;
    assert!(world.events().is_empty());
    assert_eq!(world.status(&handle).await, "EXPIRED");
    assert_eq!(world.consent(&handle).await["consentID"], Value::Null);
}

#[tokio::test]
async fn expire_never_opens_the_link() {
    let world = World::with(finpass_life(3600));
    let handle = world.ask("9001060000").await;
    let opened = world
        .finpass(
            "/services/account-aggregator/init",
            finpass_body("9001060000"),
        )
        .await;
    let session = opened.json()["data"]["client_id"].clone();
    let journey = world
        .finpass("/aa-bsa-journey/init", finpass_body("9001060000"))
        .await;
    let journey = journey.json()["data"]["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.pass(DAY + Duration::from_secs(1)).await;
    assert_eq!(world.status(&handle).await, "EXPIRED");
    let mut events = world.events();
    events.sort();
    assert_eq!(events, ["CONSENT_EXPIRED", "EXPIRED", "expired"]);
    assert_eq!(
        world.returned(&handle).await,
        ("F".into(), "2".into(), handle)
    );
    let fetch = json!({ "client_id": session });
    let fetched = world
        .finpass("/services/account-aggregator/fetch-json-report", fetch)
        .await;
    assert_eq!(
        (fetched.status, &fetched.json()["message_code"]),
        (400, &json!("invalid_client_id"))
    );
    assert_eq!(journey_word(&world, &journey).await, "expired");
}

#[tokio::test]
async fn revoke_later_has_data_until_the_seventh_day() {
    let world = World::new();
    let handle = world.ask("9001070008").await;
    world.pass_seconds(STEPS).await;
    world.request_data(&handle).await;
    world.pass(6 * DAY).await;
    assert_eq!(world.data(&handle).await, Ok(3));
    assert_eq!(world.events(), ["CONSENT_APPROVED", "DATA_READY"]);
    world.pass(2 * DAY).await;
    assert_eq!(world.events(), ["CONSENT_REVOKED"]);
    let consent = world.consent(&handle).await;
    assert_eq!(consent["status"], "REVOKED");
    let body = json!({"consentId": consent["consentID"]});
    let refused = world.finpro("/fi/request", body).await;
    assert_eq!(refused.json()["errorCode"], "InvalidStatus");
}

#[tokio::test]
async fn pause_is_paused_on_the_third_day_and_resumed_on_the_fifth() {
    let world = World::new();
    let handle = world.ask("9001080000").await;
    let mut seen = Vec::new();
    world.pass_seconds(STEPS).await;
    for _ in 0..6 {
        seen.push(world.status(&handle).await);
        world.pass(DAY).await;
    }
    assert_eq!(
        seen,
        ["ACTIVE", "ACTIVE", "ACTIVE", "PAUSED", "PAUSED", "ACTIVE"]
    );
    assert_eq!(
        world.events(),
        ["CONSENT_APPROVED", "CONSENT_PAUSED", "CONSENT_RESUMED"]
    );
}

#[tokio::test]
async fn run_out_is_active_until_its_validity_ends() {
    let world = World::with_finpro(FinproSettings::default().with_consent_life(30 * DAY));
    let handle = world.ask("9001090000").await;
    world.pass(29 * DAY).await;
    assert_eq!(world.status(&handle).await, "ACTIVE");
    world.pass(DAY).await;
    assert_eq!(world.status(&handle).await, "EXPIRED");
    assert_eq!(world.events(), ["CONSENT_APPROVED", "CONSENT_EXPIRED"]);
}

#[tokio::test]
async fn what_ends_without_a_decision_has_its_code_and_no_event() {
    for (mobile, code) in [
        ("9001100000", "4"),
        ("9001110000", "6"),
        ("9001120000", "7"),
        ("9001130000", "9"),
        ("9001140000", "8"),
        ("9001170000", "7"),
    ] {
        let world = World::new();
        let handle = world.ask(mobile).await;
        world.pass_seconds(15 * 60).await;
        assert_eq!(world.status(&handle).await, "PENDING", "{mobile}");
        let returned = world.returned(&handle).await;
        assert_eq!(returned, ("F".into(), code.into(), handle), "{mobile}");
        assert!(world.events().is_empty(), "{mobile}");
    }
}

#[tokio::test]
async fn flaky_aa_has_one_that_is_silent_and_one_that_fails() {
    tokio::time::pause();
    let world = World::new();
    let body = json!({"mobileNumber": "9001150000", "userConsentId": "c"});
    let reply = world.finpro("/profile", body).await.json();
    let rows = reply["data"].as_array().unwrap().iter();
    let statuses: Vec<_> = rows.map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["success", "failed", "timeout"]);
}

#[tokio::test]
async fn aa_down_twice_works_the_third_time() {
    let world = World::new();
    let body = json!({"productID": "LOAN-1", "vua": "9001160000@onemoney"});
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let reply = world.finpro("/v3/requestconsent", body.clone()).await;
        statuses.push(reply.status);
    }
    assert_eq!(statuses, [503, 503, 200]);
    let counts = world
        .sandbox
        .ledger()
        .operation_counts(Provider::Finpro, "request-consent-v3");
    assert_eq!(counts.effects, 1);
    let mut statuses = Vec::new();
    for path in [
        "/services/account-aggregator/init",
        "/aa-bsa-journey/init",
        "/aa-bsa-journey/init",
    ] {
        statuses.push(world.finpass(path, finpass_body("9001160000")).await.status);
    }
    assert_eq!(statuses, [503, 503, 200]);
}

#[tokio::test]
async fn joint_can_be_linked_by_a_setting_and_needs_pan_tells_one() {
    let settings = FinproSettings::default().with_joint_accounts(JointAccounts::Linkable);
    let world = World::with_finpro(settings);
    let handle = world.ask("9001170000").await;
    world.pass_seconds(STEPS).await;
    let given = world.consent(&handle).await;
    assert_eq!(given["accounts"].as_array().unwrap().len(), 1);

    let world = World::new();
    let handle = world.ask("9001180000").await;
    world.pass_seconds(STEPS).await;
    assert_eq!(world.status(&handle).await, "ACTIVE");
}

#[tokio::test]
async fn back_twice_has_the_same_return_both_times() {
    let world = World::new();
    let handle = world.ask("9001190000").await;
    world.pass_seconds(STEPS).await;
    let urls = [(); 2].map(|()| world.sandbox.consent_return_url(&handle).unwrap());
    assert_eq!(urls[0], urls[1]);
    let first = world.decrypt(&urls[0]).await.json()["data"].clone();
    let second = world.decrypt(&urls[1]).await.json()["data"].clone();
    assert_eq!(first, second);
    assert_eq!(world.events(), ["CONSENT_APPROVED"]);
}

#[tokio::test]
async fn data_ends_as_its_digit_says() {
    for (mobile, after, word, links, data, events) in [
        (
            "9001000100",
            5,
            "DATA_READY",
            &["DELIVERED", "TIMEOUT"][..],
            Ok(1),
            &["DATA_READY"][..],
        ),
        (
            "9001000200",
            299,
            "PENDING",
            &["PENDING"],
            Err("NoDataAvailable"),
            &[],
        ),
        (
            "9001000200",
            300,
            "DATA_READY",
            &["DELIVERED"],
            Ok(1),
            &["DATA_READY"],
        ),
        (
            "9001000300",
            5,
            "TIMEOUT",
            &["TIMEOUT"],
            Ok(0),
            &["SESSION_FAILED"],
        ),
        (
            "9001000400",
            5,
            "TIMEOUT",
            &["TIMEOUT"],
            Ok(0),
            &["SESSION_EXPIRED"],
        ),
        (
            "9001000500",
            5,
            "DATA_DENIED",
            &["DENIED"],
            Ok(0),
            &["DATA_DENIED"],
        ),
        (
            "9001000600",
            5,
            "DATA_READY",
            &["DELIVERED"],
            Ok(1),
            &["DATA_READY"],
        ),
        (
            "9001000600",
            3600,
            "DATA_READY",
            &["DELIVERED"],
            Err("DataIsDeleted"),
            &["DATA_READY"],
        ),
        (
            "9001000700",
            86_400,
            "PENDING",
            &["PENDING"],
            Err("NoDataAvailable"),
            &[],
        ),
    ] {
        let world = World::new();
        let handle = world.ask(mobile).await;
        world.pass_seconds(STEPS).await;
        let session = world.request_data(&handle).await;
        world.pass_seconds(after).await;
        let seen = world.data_status(&session).await;
        assert_eq!(seen, (word.to_owned(), words(links)), "{mobile}");
        assert_eq!(
            world.data(&handle).await,
            data.map_err(str::to_owned),
            "{mobile}"
        );
        let told = world.arrived();
        let told: Vec<_> = told.iter().map(super::Arrived::json).collect();
        let data = told.iter().filter(|body| body["eventType"] == "DATA");
        let names: Vec<_> = data
            .clone()
            .map(|body| body["eventStatus"].clone())
            .collect();
        assert_eq!(names, events, "{mobile}");
        for body in data {
            // An expired session may lack its accounts, and no other one does.
            let lacks = body.get("linkRefNumbers").is_none();
            assert_eq!(lacks, body["eventStatus"] == "SESSION_EXPIRED", "{mobile}");
        }
    }
}

#[tokio::test]
async fn outcomes_combine() {
    // Partial, doubled webhooks, one of the accounts that is shared delivered late.
    let world = World::new();
    let handle = world.ask("9001021200").await;
    world.pass_seconds(STEPS).await;
    assert_eq!(world.events(), ["CONSENT_APPROVED"; 2]);
    let session = world.request_data(&handle).await;
    world.pass_seconds(299).await;
    assert_eq!(
        world.data_status(&session).await,
        ("PENDING".to_owned(), words(&["PENDING"]))
    );
    world.pass_seconds(2).await;
    assert_eq!(world.events(), ["DATA_READY"; 2]);
    // Denied, and its webhook is late.
    let handle = world.ask("9001034000").await;
    world.pass_seconds(3600).await;
    assert_eq!(
        (world.status(&handle).await.as_str(), world.events().len()),
        ("REJECTED", 0)
    );
    world.pass_seconds(3630).await;
    assert_eq!(world.events(), ["CONSENT_REJECTED"]);
}

async fn journey_word(world: &World, journey: &str) -> String {
    let path = format!("/finpass/api/v1/aa-bsa-journey/status?client_id={journey}");
    let reply = send(&world.sandbox, "GET", &path, super::FINPASS, "").await;
    reply.json()["data"]["status"].as_str().unwrap().to_owned()
}

async fn statement(world: &World, journey: &str) -> u16 {
    let path = format!("/finpass/api/v1/aa-bsa-journey/statement-result?client_id={journey}");
    send(&world.sandbox, "GET", &path, super::FINPASS, "")
        .await
        .status
}

#[tokio::test]
async fn a_journey_of_finpass_is_lived_word_by_word() {
    for (mobile, expected) in [
        (
            "9001000000",
            &[
                "consent_pending",
                "consent_granted",
                "data_fetching",
                "analysis_complete",
            ][..],
        ),
        ("9001030000", &["consent_pending", "consent_denied"]),
        (
            "9001000300",
            &[
                "consent_pending",
                "consent_granted",
                "data_fetching",
                "failed",
            ],
        ),
        ("9001050000", &["consent_pending"]),
    ] {
        let world = World::new();
        let opened = world
            .finpass("/aa-bsa-journey/init", finpass_body(mobile))
            .await;
        let journey = opened.json()["data"]["client_id"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(journey_word(&world, &journey).await, "initiated");
        let mut seen = Vec::new();
        for _ in 0..40 {
            world.pass_seconds(1).await;
            let word = journey_word(&world, &journey).await;
            let complete = word == "analysis_complete";
            assert_eq!(
                statement(&world, &journey).await,
                if complete { 200 } else { 409 }
            );
            if seen.last() != Some(&word) {
                seen.push(word);
            }
        }
        assert_eq!(seen, expected, "{mobile}");
        let arrived = world.arrived();
        assert!(arrived.iter().all(|webhook| {
            webhook.url == "http://127.0.0.1:3000/finpass"
                && webhook.json()["client_id"] == journey.as_str()
        }));
        let told: Vec<_> = arrived
            .iter()
            .map(|webhook| webhook.json()["status"].clone())
            .collect();
        assert_eq!(told, expected, "{mobile}");
    }
}

#[tokio::test]
async fn a_session_of_finpass_has_reports_once_its_person_consented() {
    for (mobile, expected, told) in [
        ("9001000000", json!(["READY"]), &["ACTIVE"][..]),
        ("9001020000", json!(["READY"]), &["ACTIVE"]),
        ("9001000100", json!(["READY", "PENDING"]), &["ACTIVE"]),
        ("9001000700", json!(["PENDING"]), &["ACTIVE"]),
        ("9001030000", json!(["FAILED"]), &["REJECTED"]),
        ("9001040000", json!(["PENDING"]), &[]),
        ("9001070000", json!(["READY"]), &["ACTIVE", "REVOKED"]),
    ] {
        let world = World::new();
        let path = "/services/account-aggregator/init";
        let opened = world.finpass(path, finpass_body(mobile)).await.json();
        let session = opened["data"]["client_id"].clone();
        let statuses = async || {
            let path = "/services/account-aggregator/fetch-statement-pdf";
            let reply = world
                .finpass(path, json!({"client_id": session}))
                .await
                .json();
            let reports = reply["data"]["reports"].as_array().unwrap().iter();
            json!(
                reports
                    .map(|report| report["status"].clone())
                    .collect::<Vec<_>>()
            )
        };
        let all = match mobile {
            "9001020000" => 3,
            "9001000100" => 2,
            _ => 1,
        };
        assert_eq!(statuses().await, json!(vec!["PENDING"; all]), "{mobile}");
        world.pass_seconds(STEPS).await;
        assert_eq!(statuses().await, expected, "{mobile}");
        world.pass(8 * DAY).await;
        let events = world.events();
        let ours: Vec<_> = events.iter().filter(|event| *event != "EXPIRED").collect();
        assert_eq!(ours, told, "{mobile}");
        if mobile == "9001070000" {
            let path = "/services/account-aggregator/refresh-data";
            let refused = world.finpass(path, json!({"client_id": session})).await;
            assert_eq!(refused.json()["message_code"], "invalid_client_id");
        }
    }
}

#[tokio::test]
async fn a_setting_puts_everybody_on_the_pages_and_a_command_decides() {
    let world = World::with(Settings::default().with_people_act(PeopleAct::OnPages));
    for mobile in ["9000000001", "9000000002", "9001000000", "9812300000"] {
        let handle = world.ask(mobile).await;
        world.pass_seconds(3600).await;
        assert_eq!(world.status(&handle).await, "PENDING", "{mobile}");
        assert!(
            world
                .sandbox
                .decide_consent(&handle, AggregatorConsentStatus::Active)
        );
        assert!(
            !world
                .sandbox
                .decide_consent(&handle, AggregatorConsentStatus::Rejected)
        );
        assert_eq!(world.status(&handle).await, "ACTIVE");
        assert_eq!(world.returned(&handle).await.1, "0");
    }
    let opened = world
        .finpass(
            "/services/account-aggregator/init",
            finpass_body("9000000001"),
        )
        .await;
    let session = opened.json()["data"]["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        world
            .sandbox
            .decide_consent(&session, AggregatorConsentStatus::Rejected)
    );
    assert_eq!(
        world.sandbox.consent_return_url(&session).as_deref(),
        Some(
            format!("https://lender.example.test/back?client_id={session}&status=REJECTED")
                .as_str()
        )
    );
}

#[tokio::test]
async fn the_documented_people_decide_at_once_and_pending_ones_wait() {
    let world = World::new();
    let given = world.ask("9000000001").await;
    let refused = world.ask("9000000002").await;
    let pending = world.ask("9812300000").await;
    world.pass_seconds(1).await;
    assert_eq!(world.events(), ["CONSENT_APPROVED", "CONSENT_REJECTED"]);
    let statuses = [&given, &refused, &pending].map(|handle| world.status(handle));
    let statuses = futures_util::future::join_all(statuses).await;
    assert_eq!(statuses, ["ACTIVE", "REJECTED", "PENDING"]);
    let world = World::with_finpro(
        FinproSettings::default().with_consent_decisions(ConsentDecisions::Pending),
    );
    let scripted = world.ask("9001000000").await;
    world.pass_seconds(STEPS).await;
    assert_eq!(world.status(&scripted).await, "PENDING");
}

#[tokio::test]
async fn unknown_templates_and_aggregators_are_refused_unless_a_setting_takes_them() {
    let lenient = FinproSettings::default()
        .with_unknown_product(UnknownName::Accepted)
        .with_unknown_aggregator(UnknownName::Accepted);
    let lenient = Sandbox::new(Settings::default().with_finpro(lenient));
    for (product, vua, code) in [
        ("NOPE", "9000000001@onemoney", "InvalidRequest"),
        ("LOAN-1", "9000000001@nowhere", "FP0029"),
    ] {
        let body = json!({"productID": product, "vua": vua}).to_string();
        let path = "/finpro/v3/requestconsent";
        let strict = Sandbox::default();
        let refused = send(&strict, "POST", path, FINPRO, body.as_str()).await;
        assert_eq!(
            (refused.status, &refused.json()["errorCode"]),
            (400, &json!(code))
        );
        assert_eq!(strict.ledger().total().effects, 0);
        assert_eq!(
            send(&lenient, "POST", path, FINPRO, body.as_str())
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn odd_data_has_amounts_in_the_other_form_and_huge_data_is_long() {
    let fetched = async |mobile: &str| {
        let world = World::new();
        let handle = world.ask(mobile).await;
        world.pass_seconds(STEPS).await;
        world.request_data(&handle).await;
        world.pass_seconds(5).await;
        let consent = world.consent(&handle).await;
        let body = json!({"consentID": consent["consentID"]});
        world.finpro("/getallfidata", body).await
    };
    let amount =
        |reply: &crate::Reply| reply.json()["data"][0]["transactions"][0]["amount"].clone();
    assert!(amount(&fetched("9001000000").await).is_string());
    assert!(amount(&fetched("9001000800").await).is_number());
    let huge = fetched("9001000900").await;
    assert!(huge.text.len() > 10 * 1024 * 1024, "{}", huge.text.len());
    // Its narrations are long, and not its list.
    let rows = huge.json()["data"][0]["transactions"]
        .as_array()
        .unwrap()
        .len();
    assert!((1000..3000).contains(&rows), "{rows}");
}
