//! Lists that are read page by page, and what can be asked for by its name.

use kyc_sandbox::FinproSettings;
use serde_json::{Value, json};

use super::{FINPRO, World};
use crate::send;

const V1: &str = "/getconsentslist";
const UNIQUE: &str = "/v1/accounts/getconsentslist";

/// The rows of a list, by what tells them apart.
async fn rows(world: &World, path: &str, more: Value) -> Vec<String> {
    let mut body = json!({"mobileNumber": "9000000001", "productID": "LOAN-1"});
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    let reply = world.finpro(path, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let data = reply.json()["data"].clone();
    let rows = data.as_array().unwrap().iter();
    let row = |row: &Value| format!("{} {}", row["consentHandle"], row["fiTypes"]);
    rows.map(row).collect()
}

/// Reads pages until one is empty, or there are more than there can be.
async fn pages(world: &World, path: &str, page: impl Fn(usize) -> Value) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    for number in 1..10 {
        let rows = rows(world, path, page(number)).await;
        if rows.is_empty() {
            break;
        }
        pages.push(rows);
    }
    pages
}

#[tokio::test]
async fn a_list_ends_with_an_empty_page_and_has_each_row_once() {
    let world = World::with_finpro(FinproSettings::default().with_page_rows(2));
    for _ in 0..3 {
        world.ask("9000000001").await;
    }
    let all = rows(&world, V1, json!({})).await;
    assert_eq!(all.len(), 6, "an account of two at each consent in a row");
    for (found, lengths) in [
        (
            pages(&world, V1, |page| json!({"pageno": page, "limit": 4})).await,
            vec![4, 2],
        ),
        (
            pages(&world, V1, |page| json!({"pageno": page})).await,
            vec![2, 2, 2],
        ),
    ] {
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
        assert_eq!(found.concat(), all);
    }
    let first = rows(&world, V1, json!({"limit": 1})).await;
    assert_eq!(first, all[..1]);
    assert_eq!(rows(&world, V1, json!({"pageno": 0})).await, all[..2]);

    let all = rows(&world, UNIQUE, json!({})).await;
    assert_eq!(all.len(), 3);
    let found = pages(&world, UNIQUE, |page| json!({ "pageNumber": page })).await;
    assert_eq!(found, [all[..2].to_vec(), all[2..].to_vec()]);

    for (path, member) in [(V1, "pageno"), (V1, "limit"), (UNIQUE, "pageNumber")] {
        let body = json!({"mobileNumber": "9000000001", "productID": "LOAN-1", member: "x"});
        let refused = world.finpro(path, body).await;
        assert_eq!(refused.json()["errorCode"], "InvalidRequest", "{member}");
    }
}

#[tokio::test]
async fn every_template_of_a_consent_request_must_be_the_organisation_s() {
    let two = vec!["LOAN-1".to_owned(), "LOAN-2".to_owned()];
    let world = World::with_finpro(FinproSettings::default().with_products(two));
    let ask = async |version: &str, templates: Value| {
        let mut body = json!({
            "vua": "9000000001@onemoney",
            "partyIdentifierType": "MOBILE",
            "partyIdentifierValue": "9000000001",
            "accountID": "application-4711",
        });
        let templates = templates.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(templates);
        let path = format!("/{version}/requestconsent");
        let reply = world.finpro(&path, body).await;
        (reply.status, reply.json()["errorMsg"].clone())
    };
    let known = (200, Value::Null);
    let unknown = |text: &str| (400, json!(text));
    let of_one = unknown("productID is not one of the organisation's");
    let of_list = unknown("productIDList has one that is not the organisation's");
    for version in ["v2", "v3", "v4"] {
        assert_eq!(ask(version, json!({"productID": "LOAN-2"})).await, known);
        assert_eq!(ask(version, json!({"productID": "NOPE"})).await, of_one);
        // Only an orchestrated journey, which begins in version 3, has a list.
        let both = json!({"productID": "LOAN-1", "productIDList": ["NOPE"]});
        assert_eq!(ask(version, both).await.0, 400);
    }
    for (list, expected) in [
        (json!(["LOAN-1", "LOAN-2"]), &known),
        (json!(["LOAN-1", "NOPE"]), &of_list),
        (json!(["NOPE", "LOAN-1"]), &of_list),
        (json!("NOPE"), &of_list),
    ] {
        let found = ask("v3", json!({ "productIDList": list })).await;
        assert_eq!(found, *expected, "{list}");
    }
    assert_eq!(ask("v4", json!({"productIDList": ["LOAN-1"]})).await.0, 400);
}

#[tokio::test]
async fn the_institutions_are_listed_and_so_is_their_health() {
    let world = World::new();
    let path = "/finpro/list/fips";
    let listed = send(&world.sandbox, "GET", path, FINPRO, "").await.json();
    let listed = listed["data"]["fip_newlist"].as_array().unwrap().clone();
    let names = listed.iter().map(|fip| {
        (
            fip["fipId"].as_str().unwrap(),
            fip["fipName"].as_str().unwrap(),
        )
    });
    let names: Vec<_> = names.collect();
    assert_eq!(
        names,
        [
            ("FIP-1", "Invented Bank"),
            ("FIP-2", "Sample Bank"),
            ("FIP-3", "Demo Cooperative Bank"),
        ]
    );
    for (fip, name) in names {
        // Whatever can be asked for is an institution with health and accounts of its own.
        let body = json!({"fipIds": [fip], "eventTypes": ["CONSENT"]});
        let health = world.finpro("/fiphealth", body).await.json();
        assert_eq!(health["data"].as_array().unwrap().len(), 1, "{fip}");
        let more = json!({ "fipID": [fip] });
        let (handle, _) = world.ask_with("9000000001", more).await;
        let account = world.consent(&handle).await["accounts"][0].clone();
        assert_eq!(
            (&account["fipId"], &account["fipName"]),
            (&json!(fip), &json!(name))
        );
    }
    let health = world.finpro("/fiphealth", json!({})).await.json();
    assert_eq!(health["data"].as_array().unwrap().len(), 3 * 8);
}
