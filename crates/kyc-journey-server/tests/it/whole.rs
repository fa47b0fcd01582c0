//! Whole journeys, started and followed by the API, with webhooks and returns from the sandbox.

use kyc_journey::JourneyStatus;
use provider_core::http::StatusCode;
use serde_json::json;

use crate::world::{APPROVES, BASE, World, outside};

#[tokio::test(start_paused = true)]
async fn a_journey_of_three_legs_completes_by_webhooks_and_a_return() {
    let world = World::new();
    let id = world
        .started(
            "ORDER-17",
            &json!({
                "applicant": { "mobile": APPROVES },
                "plan": {
                    "documents": { "wanted": ["pan"] },
                    "accounts": { "provider": "finpro", "aggregators": ["onemoney"] },
                    "verification": {},
                },
                "consent": { "receipt": "receipt-1" },
                "notice_text": "I agree that my identity is verified and my accounts are read.",
            }),
        )
        .await;
    world.pass(1).await;

    let path = format!("/v1/journeys/{id}/links");
    let links = world.call("GET", &path, None).await.json();
    let legs = links["links"].as_array().unwrap().iter();
    let legs: Vec<_> = legs.map(|link| link["leg"].as_str().unwrap()).collect();
    assert_eq!(legs, ["documents", "accounts", "verification"], "{links}");

    // The person's browser comes back from DigiLocker.
    let journey = kyc_journey::JourneyId::parse(&id).unwrap();
    let record = kyc_journey::JourneyEngine::read(&*world.engine, &journey).await;
    let references = record.unwrap().unwrap().state.references();
    let session = references
        .iter()
        .find(|reference| reference.leg == kyc_journey::Leg::Documents)
        .unwrap();
    let url = world
        .sandbox
        .digilocker_return(session.id.as_str())
        .unwrap();
    let path = url.strip_prefix(BASE).unwrap();
    let page = world.send(outside("GET", path, b"")).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(page.body.contains("You can close this page"));

    for _ in 0..60 {
        world.pass(30).await;
        if world.status(&id).await.is_end() {
            break;
        }
    }
    let history = world.history(&id).await;
    assert_eq!(
        world.status(&id).await,
        JourneyStatus::Completed,
        "{history:#?}"
    );
    let happened = |event: &str, leg: &str| {
        history.iter().any(|item| {
            item["event"] == event && item["leg"] == leg && item["verdict"] == "applied"
        })
    };
    assert!(happened("returned", "documents"), "{history:#?}");
    // By webhooks, not by asking.
    assert!(
        history
            .iter()
            .any(|item| item["event"] == "session" && item["verdict"] == "applied"),
        "{history:#?}"
    );
    assert!(
        history
            .iter()
            .any(|item| item["event"] == "consent" && item["verdict"] == "applied"),
        "{history:#?}"
    );
}
