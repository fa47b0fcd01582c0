//! What is found by each of the keys by which it is documented to be found: data, analyses and returns.

use serde_json::{Value, json};

use super::{World, finpass_body};
use crate::{control, send, verifications};

/// Asks for a consent in an orchestrated journey; the handle and the journey's transaction.
async fn orchestrated(world: &World, mobile: &str) -> (String, String) {
    let body = json!({"productIDList": ["LOAN-1"], "vua": format!("{mobile}@onemoney")});
    let reply = world.finpro("/v3/requestconsent", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let data = reply.json()["data"].clone();
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    (text("consent_handle"), text("transaction_id"))
}

/// A consent without a reference of the caller's, whose data is another person's.
async fn somebody_else(world: &World) {
    let body = json!({"productID": "LOAN-1", "vua": "9000000001@onemoney"});
    let reply = world.finpro("/v3/requestconsent", body).await.json();
    let handle = reply["data"]["consent_handle"].as_str().unwrap().to_owned();
    world.request_data(&handle).await;
}

#[tokio::test]
async fn the_data_of_an_orchestrated_journey_is_found_by_its_transaction() {
    let world = World::new();
    let (handle, transaction) = orchestrated(&world, "9001000000").await;
    somebody_else(&world).await;
    let by_transaction = json!({ "transactionId": transaction });
    let code = async |path: &str| {
        let reply = world.finpro(path, by_transaction.clone()).await;
        reply.json()["errorCode"].clone()
    };
    const READ: &str = "/getallfidata";
    // Nothing was approved, then nothing was fetched.
    assert_eq!(code(READ).await, "NoDataFound");
    assert_eq!(code("/analytics/json").await, "NoDataFound");
    world.pass_seconds(30).await;
    assert_eq!(code(READ).await, "NoDataAvailable");
    assert_eq!(code("/analytics/json").await, "NoDataAvailable");
    world.request_data(&handle).await;
    world.pass_seconds(5).await;

    let id = world.consent(&handle).await["consentID"].clone();
    let data = async |body: Value| world.finpro(READ, body).await.json()["data"].clone();
    let of_consent = data(json!({ "consentID": id })).await;
    assert_eq!(of_consent.as_array().unwrap().len(), 1);
    assert_eq!(data(by_transaction.clone()).await, of_consent);

    let by_consent = json!({"consentID": id, "journeyID": "journey-1"});
    for path in ["/analytics/json", "/analytics/xml"] {
        let [one, other] =
            [&by_consent, &by_transaction].map(|body| world.finpro(path, body.clone()));
        let (one, other) = (one.await, other.await);
        assert_eq!(
            (one.status, other.status),
            (200, 200),
            "{path} {}",
            other.text
        );
        if path == "/analytics/json" {
            let [one, other] = [one.json(), other.json()];
            assert_eq!(one["data"]["data"], other["data"]["data"]);
            assert_eq!(one["data"]["journey_id"], "journey-1");
            assert_eq!(other["data"]["transaction_id"], transaction);
        } else {
            assert_eq!(one.text, other.text);
        }
    }
    let excel = world
        .finpro("/analytics/excel", by_transaction.clone())
        .await;
    let link = excel.json()["data"]["data"]["s3Url"].clone();
    let link = link
        .as_str()
        .unwrap()
        .strip_prefix("http://localhost")
        .unwrap()
        .to_owned();
    assert!(link.contains(id.as_str().unwrap()), "{link}");

    let more = json!({"transactionId": transaction, "consentID": id});
    let refused = world.finpro(READ, more).await.json();
    assert_eq!(refused["errorCode"], "InvalidPayload");
}

#[tokio::test]
async fn the_data_of_a_reference_is_that_of_all_its_consents() {
    let world = World::new();
    let body = json!({
        "productID": "LOAN-1",
        "vua": "9001000008@onemoney",
        "partyIdentifierType": "MOBILE",
        "partyIdentifierValue": "9001000008",
        "accountID": "application-4711",
        "fipID": ["FIP-1", "FIP-2"],
    });
    let asked = world
        .finpro("/v4/requestconsent", body.clone())
        .await
        .json();
    let handle = |index: usize| {
        let handle = asked["data"][index]["consent_handle"].as_str();
        handle.unwrap().to_owned()
    };
    world.pass_seconds(30).await;
    let of_account = async || {
        let body = json!({"accountID": "application-4711"});
        let reply = world.finpro("/getallfidata", body).await.json();
        let Some(accounts) = reply["data"].as_array() else {
            return Err(reply["errorCode"].clone());
        };
        let link = |account: &Value| account["linkReferenceNumber"].as_str().unwrap().to_owned();
        Ok(accounts.iter().map(link).collect::<Vec<_>>())
    };
    let links_of = async |handle: &str| {
        let accounts = world.consent(handle).await["accounts"].clone();
        let link = |account: &Value| account["linkReferenceNumber"].as_str().unwrap().to_owned();
        accounts
            .as_array()
            .unwrap()
            .iter()
            .map(link)
            .collect::<Vec<_>>()
    };
    assert_eq!(of_account().await, Err(json!("NoDataAvailable")));
    let mut expected = Vec::new();
    for index in 0..2 {
        world.request_data(&handle(index)).await;
        world.pass_seconds(5).await;
        expected.extend(links_of(&handle(index)).await);
        assert_eq!(of_account().await, Ok(expected.clone()));
    }
    // Who is asked again for the same account has it once, as it was fetched last.
    let again = world.finpro("/v4/requestconsent", body).await.json();
    let again = again["data"][0]["consent_handle"]
        .as_str()
        .unwrap()
        .to_owned();
    world.pass_seconds(30).await;
    world.request_data(&again).await;
    world.pass_seconds(5).await;
    let mut expected = links_of(&handle(1)).await;
    expected.extend(links_of(&again).await);
    assert_eq!(of_account().await, Ok(expected));
}

#[tokio::test]
async fn a_return_is_told_to_who_knows_the_token_whoever_the_provider_is() {
    let world = World::new();
    let sandbox = &world.sandbox;
    let handle = world.ask("9001000000").await;
    let body = finpass_body("9001000000");
    let opened = world
        .finpass("/services/account-aggregator/init", body)
        .await;
    let client = opened.json()["data"]["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let verification = json!({
        "callback": "https://lender.example.test/verified",
        "person": {"firstName": "Approve", "lastName": "Sample"},
    });
    let session = verifications::open(sandbox, verification).await;
    let left = json!({
        "callback": "https://lender.example.test/verified",
        "person": {"firstName": "Abandon", "lastName": "Sample"},
    });
    let left = verifications::open(sandbox, left).await;

    let told = async |id: &str| {
        let path = format!("/sandbox/returns/{id}");
        let refused = send(sandbox, "GET", &path, &[], "").await;
        assert_eq!(refused.status, 401);
        let reply = control::known(sandbox, &path).await;
        match reply.status {
            404 => None,
            _ => Some(reply.json()["url"].as_str().unwrap().to_owned()),
        }
    };
    for id in [&handle, &client, &session, &left] {
        assert_eq!(told(id).await, None, "nobody has acted");
    }
    world.pass_seconds(120).await;
    let back = told(&handle).await.unwrap();
    assert!(back.starts_with("https://lender.example.test/done?state=s-1&ecres="));
    assert_eq!(
        world.decrypted(&back).await,
        ("S".into(), "0".into(), handle)
    );
    let expected = format!("https://lender.example.test/back?client_id={client}&status=ACTIVE");
    assert_eq!(told(&client).await, Some(expected));
    let verified = Some("https://lender.example.test/verified".to_owned());
    assert_eq!(told(&session).await, verified);
    world.pass(super::DAY * 8).await;
    assert_eq!((told(&session).await, told(&left).await), (verified, None));
    assert_eq!(told("unknown").await, None);
}
