//! The OpenAPI document, and that it is of this router.

use std::collections::BTreeSet;

use kyc_journey_server::openapi;
use provider_core::InvalidRequest;
use provider_core::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{World, request};

/// The operations of the document: method, path.
fn operations() -> Vec<(String, String)> {
    let document = openapi();
    let paths = document["paths"].as_object().unwrap().clone();
    let of_path = |(path, item): (String, Value)| {
        let methods = item.as_object().unwrap().clone().into_iter();
        let methods = methods.map(move |(method, _)| (method, path.clone()));
        methods.collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(of_path).collect()
}

#[test]
fn it_is_a_document_of_openapi_3_1_with_every_reference_in_it() {
    let document = openapi();
    let text = document.to_string();
    let read = oas3::from_json(&text).unwrap();
    assert_eq!(read.openapi, "3.1.0");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
    let ids: Vec<_> = text.split("\"operationId\":\"").skip(1).collect();
    let names: BTreeSet<_> = ids.iter().map(|id| id.split('"').next()).collect();
    assert_eq!(names.len(), ids.len());
    // Closed words are listed, and texts are for people of every language.
    let status = &schemas["JourneyView"]["properties"]["status"];
    assert!(
        status["enum"]
            .as_array()
            .unwrap()
            .contains(&"needs_person".into()),
        "{status}"
    );
    // Of a choice of constants generators make less than of a list.
    assert!(!text.contains("\"const\""), "{text}");
    assert!(!text.contains("::") && !text.contains("[`"), "{text}");
}

/// Every operation of the document is answered by the router, and no path takes another method.
#[tokio::test(start_paused = true)]
async fn what_it_describes_is_what_the_router_serves() {
    let world = World::new();
    let described = operations();
    assert_eq!(described.len(), 16, "{described:?}");
    let paths: BTreeSet<_> = described.iter().map(|(_, path)| path).collect();
    for path in paths {
        let filled = path.replace("{provider}", "veriff");
        let filled = filled.replace("{token}", &format!("{:032x}-documents-1", 7));
        let filled = filled.replace("{id}", "unknown");
        for method in ["get", "post", "put", "delete", "patch"] {
            let given = request(&method.to_uppercase(), &filled, Some(json!({})));
            let answer = world.send(given).await;
            let is_described = described.contains(&(method.to_owned(), path.clone()));
            let is_taken = answer.status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(is_taken, is_described, "{method} {path}: {answer:?}");
            let is_missing = answer.body.contains("no-such-address");
            // A return whose token nobody gave out is a page of its own.
            assert!(!is_missing || !is_described, "{method} {path}: {answer:?}");
        }
    }
    let served = world.call("GET", "/v1/openapi.json", None).await;
    assert_eq!(served.json(), openapi());
}

/// Every status that comes of an operation is described.
#[tokio::test(start_paused = true)]
async fn statuses_are_described() {
    let world = World::new();
    let document = openapi();
    for (method, path) in operations() {
        let described = &document["paths"][&path][&method]["responses"];
        let filled = path
            .replace("{provider}", "deepvue")
            .replace("{token}", "none");
        for id in ["unknown", "%20"] {
            let filled = filled.replace("{id}", id);
            for body in [None, Some(json!({ "x": 1 }))] {
                let answer = world.call(&method.to_uppercase(), &filled, body).await;
                let status = answer.status.as_str();
                assert!(
                    described.get(status).is_some(),
                    "{method} {path}: {answer:?}"
                );
            }
        }
    }
}

#[test]
fn a_whole_plan_is_in_the_schema_and_back() {
    let plan = json!({
        "documents": { "required": true, "after": [], "wanted": ["pan"], "link": "PT1H", "return_names_session": true, "data_life": "PT1H" },
        "accounts": {
            "provider": "finpro", "required": true, "after": [], "link": "PT1H", "aggregators": ["onemoney"], "default_aggregator": "onemoney",
            "fetches_by_itself": false, "every": { "count": 1, "unit": "month" }, "flow": "underwriting", "sessions_a_month": 1,
            "data_life": "PT1H",
        },
        "verification": {},
        "deadline": "PT720H",
    });
    let plan = kyc_journey_server::plan_from_value(plan).unwrap();
    let written = serde_json::to_value(&plan).unwrap();
    let document = openapi();
    let schemas = &document["components"]["schemas"];
    for (name, part) in [
        ("Plan", &written),
        ("DocumentsPlan", &written["documents"]),
        ("AccountsPlan", &written["accounts"]),
        ("VerificationPlan", &written["verification"]),
        ("Frequency", &written["accounts"]["every"]),
    ] {
        let names = |value: &Value| {
            let names = value.as_object().unwrap().keys().cloned();
            names.collect::<BTreeSet<_>>()
        };
        let described = names(&schemas[name]["properties"]);
        assert_eq!(described, names(part), "{name}");
    }
    // Each of them may be null where it may be absent, and no other one.
    for place in [
        "",
        "/documents",
        "/accounts",
        "/verification",
        "/accounts/every",
    ] {
        let mut given = written.clone();
        given.pointer_mut(place).unwrap()["nothing"] = Value::Null;
        let error = kyc_journey_server::plan_from_value(given).unwrap_err();
        assert_eq!(error.rule(), "is not a member of a plan", "{place}");
        let path = format!("{place}/nothing").replace('/', ".");
        assert_eq!(format!(".{}", error.field()), path);
        let names = written.pointer(place).unwrap().as_object().unwrap();
        for name in names.keys() {
            let mut given = written.clone();
            given.pointer_mut(place).unwrap()[name] = Value::Null;
            let read = kyc_journey_server::plan_from_value(given);
            let is_known = |error: InvalidRequest| error.rule() != "is not a member of a plan";
            assert!(read.err().is_none_or(is_known), "{place} {name}");
        }
    }
}
