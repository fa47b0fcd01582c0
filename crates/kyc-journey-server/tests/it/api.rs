//! What callers with the token ask for.

use kyc_journey::JourneyStatus;
use provider_core::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{APPROVES, World, verification};

#[tokio::test(start_paused = true)]
async fn a_key_begins_one_journey_and_another_body_none() {
    let world = World::new();
    let first = world.start("ORDER-17", &verification()).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let begun = first.json();
    let id = begun["id"].as_str().unwrap();
    assert_eq!(first.header("location"), format!("/v1/journeys/{id}"));
    assert_eq!(begun["status"], "running");

    // The same, its members in another order.
    let text = r#"{"plan":{"verification":{}},"consent":{"receipt":"receipt-1"},"applicant":{"mobile":"9001000000"}}"#;
    let again: Value = serde_json::from_str(text).unwrap();
    let again = world.start("ORDER-17", &again).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["id"], begun["id"]);
    assert_eq!(again.json()["seq"], begun["seq"]);

    let mut other = verification();
    other["applicant"]["mobile"] = "9001000001".into();
    let before = world.history(id).await;
    // However often it is sent.
    for _ in 0..3 {
        let refused = world.start("ORDER-17", &other).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
        assert_eq!(refused.header("content-type"), "application/problem+json");
        let problem = refused.json();
        assert_eq!(problem["type"], "/problems/idempotency-key-reused");
        assert_eq!(problem["field"], "idempotency-key");
    }
    // Whoever sent it was told; it is no event of this journey.
    assert_eq!(world.history(id).await, before);
    assert_eq!(world.status(id).await, JourneyStatus::Running);

    other["applicant"]["date_of_birth"] = "1990-02-28".into();
    let next = world.start("ORDER-18", &other).await;
    assert_eq!(next.status, StatusCode::CREATED);
    assert_ne!(next.json()["id"], begun["id"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_begin_names_the_field_and_the_rule_and_no_value() {
    let world = World::new();
    let with = |path: &str, value: Value| {
        let mut body = verification();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let mut extra = verification();
    extra["applicant"]["aadhar"] = "CANARY".into();
    let born = |day: &str| {
        let mut body = verification();
        body["applicant"]["date_of_birth"] = day.into();
        body
    };
    let mut slip = verification();
    slip["plan"]["verification"]["requird"] = true.into();
    for (body, field) in [
        (
            with("/applicant/mobile", "CANARY".into()),
            "applicant.mobile",
        ),
        (with("/consent/receipt", "".into()), "consent.receipt"),
        (born("CANARY"), "applicant.date_of_birth"),
        (born("31-12-1990"), "applicant.date_of_birth"),
        (born("1990-02-30"), "applicant.date_of_birth"),
        // Nobody here writes one.
        (with("/consent", json!({})), "consent.receipt"),
        (with("/plan", json!({})), "plan"),
        (with("/plan", "CANARY".into()), "plan"),
        (
            with("/plan", json!({ "documents": { "wanted": ["CANARY"] } })),
            "plan.documents.wanted[0]",
        ),
        (
            with(
                "/plan",
                json!({ "verification": { "after": ["documents"] } }),
            ),
            "plan.verification.after",
        ),
        (slip, "plan.verification.requird"),
        (extra, "applicant.aadhar"),
        (json!({}), "applicant"),
        (json!([]), "request"),
    ] {
        let refused = world.start("ORDER-17", &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let problem = refused.json();
        assert_eq!(problem["field"], field, "{body} {problem}");
        assert!(!problem["rule"].as_str().unwrap().is_empty());
        assert!(!refused.body.contains("CANARY"), "{refused:?}");
    }
    let without = world.call("POST", "/v1/journeys", Some(verification()));
    let without = without.await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(without.json()["field"], "idempotency-key");
    let listed = world.call("GET", "/v1/journeys", None).await.json();
    assert_eq!(listed, json!({ "journeys": [], "next_page_token": null }));
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_in_pages_of_any_length() {
    let world = World::new();
    let mut begun = Vec::new();
    for order in 0..7 {
        begun.push(
            world
                .started(&format!("ORDER-{order}"), &verification())
                .await,
        );
    }
    let cancelled = format!("/v1/journeys/{}/cancel", begun[3]);
    let cancelled = world.call("POST", &cancelled, None).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
    for limit in [1, 2, 3, 7, 100] {
        let mut found = Vec::new();
        let mut next = String::new();
        loop {
            let path = format!("/v1/journeys?status=running&limit={limit}{next}");
            let page = world.call("GET", &path, None).await.json();
            let journeys = page["journeys"].as_array().unwrap();
            assert!(journeys.len() <= limit);
            found.extend(journeys.iter().map(|journey| journey["id"].clone()));
            match page["next_page_token"].as_str() {
                Some(token) => next = format!("&page_token={token}"),
                None => break,
            }
        }
        let mut expected: Vec<Value> = begun.iter().map(|id| id.clone().into()).collect();
        expected.remove(3);
        found.sort_by_key(Value::to_string);
        expected.sort_by_key(Value::to_string);
        assert_eq!(found, expected, "{limit}");
    }
    let none = "/v1/journeys?status=completed&status=rejected";
    assert_eq!(
        world.call("GET", none, None).await.json()["journeys"],
        json!([])
    );
    world
        .sandbox
        .advance(std::time::Duration::from_secs(3600))
        .await;
    let since = "2020-01-01T00:00:00Z";
    let path = format!("/v1/journeys?unchanged_since={since}");
    assert_eq!(
        world.call("GET", &path, None).await.json()["journeys"],
        json!([])
    );
    for (query, field) in [
        ("status=CANARY", "status"),
        ("unchanged_since=CANARY", "unchanged_since"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1&limit=2", "limit"),
        ("page_token=CANARY", "page_token"),
        ("CANARY=1", "query"),
    ] {
        let path = format!("/v1/journeys?{query}");
        let refused = world.call("GET", &path, None).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(refused.json()["field"], field, "{query}");
        assert!(!refused.body.contains("CANARY"), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_journey_waits_for_its_consent_and_is_ended_by_its_withdrawal() {
    let world = World::new();
    let mut body = verification();
    body.as_object_mut().unwrap().remove("consent");
    let id = world.started("ORDER-17", &body).await;
    assert_eq!(world.status(&id).await, JourneyStatus::AwaitConsent);
    let path = format!("/v1/journeys/{id}");
    let consent = json!({
        "answer": "given",
        "consent": { "receipt": "receipt-1", "expires_at": "2100-01-01T00:00:00Z" },
    });
    let given = world
        .call("POST", &format!("{path}/consent"), Some(consent))
        .await;
    assert_eq!(given.status, StatusCode::OK, "{given:?}");
    assert_eq!(given.json()["status"], "running");
    // What says nothing is no refusal.
    for (body, field) in [
        (json!({}), "answer"),
        (json!({ "answer": "given" }), "consent"),
        (json!({ "answer": "renewed" }), "consent"),
        (
            json!({ "answer": "renewed", "consent": {} }),
            "consent.receipt",
        ),
        (
            json!({ "answer": "refused", "consent": { "receipt": "r" } }),
            "consent",
        ),
    ] {
        let path = format!("{path}/consent");
        let refused = world.call("POST", &path, Some(body)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["field"], field, "{refused:?}");
    }
    world.pass(1).await;

    let export = world
        .call("GET", &format!("{path}/export"), None)
        .await
        .json();
    let classes = |export: &Value| {
        let payloads = export["payloads"].as_array().unwrap().iter();
        let classes = payloads.map(|payload| payload["class"].as_str().unwrap().to_owned());
        classes.collect::<Vec<_>>()
    };
    assert_eq!(classes(&export), ["person", "links"], "{export:#}");
    assert!(
        export["payloads"][0]["content"]
            .as_str()
            .unwrap()
            .contains(APPROVES)
    );
    assert!(export["plan"]["verification"].is_object());

    let withdrawn = world.call("POST", &format!("{path}/withdraw"), None).await;
    assert_eq!(withdrawn.json()["status"], "withdrawn", "{withdrawn:?}");
    let export = world
        .call("GET", &format!("{path}/export"), None)
        .await
        .json();
    assert_eq!(classes(&export), [""; 0]);
    let links = world
        .call("GET", &format!("{path}/links"), None)
        .await
        .json();
    assert_eq!(links, json!({ "links": [] }));
    // Whoever lost the reply asks again.
    let again = world.call("POST", &format!("{path}/withdraw"), None).await;
    assert_eq!(again.json(), withdrawn.json(), "{again:?}");
    for command in ["cancel", "resume"] {
        let refused = world.call("POST", &format!("{path}/{command}"), None).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{command}");
        assert_eq!(refused.json()["type"], "/problems/not-now");
    }
    let events = world.history(&id).await.len();
    for late in [
        json!({ "answer": "given", "consent": { "receipt": "receipt-2" } }),
        json!({ "answer": "given", "consent": { "receipt": "receipt-1" } }),
        json!({ "answer": "refused" }),
    ] {
        let late = world
            .call("POST", &format!("{path}/consent"), Some(late))
            .await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{late:?}");
    }
    assert_eq!(world.history(&id).await.len(), events);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_said_again_is_the_same_answer() {
    let world = World::new();
    let mut body = verification();
    body.as_object_mut().unwrap().remove("consent");
    let said = async |id: &str, answer: Value| {
        let path = format!("/v1/journeys/{id}/consent");
        world.call("POST", &path, Some(answer)).await
    };
    let end = "2099-01-01T00:00:00Z";
    let given = |receipt: &str, end: Option<&str>| json!({ "answer": "given", "consent": { "receipt": receipt, "expires_at": end } });

    let id = world.started("ORDER-17", &body).await;
    let first = said(&id, given("receipt-1", Some(end))).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    // Whoever lost the reply says it again, also once the journey has gone on.
    let again = said(&id, given("receipt-1", Some(end))).await;
    assert_eq!(
        (again.status, again.json()),
        (StatusCode::OK, first.json()),
        "{again:?}"
    );
    world.pass(1).await;
    let again = said(&id, given("receipt-1", Some(end))).await;
    assert_eq!(again.status, StatusCode::OK, "{again:?}");
    // Another one is none.
    for other in [
        given("receipt-2", Some(end)),
        given("receipt-1", None),
        given("receipt-1", Some("2098-01-01T00:00:00Z")),
        json!({ "answer": "refused" }),
    ] {
        let other = said(&id, other).await;
        assert_eq!(other.status, StatusCode::CONFLICT, "{other:?}");
    }

    let id = world.started("ORDER-18", &body).await;
    let refused = said(&id, json!({ "answer": "refused" })).await;
    assert_eq!(refused.json()["status"], "refused", "{refused:?}");
    let again = said(&id, json!({ "answer": "refused" })).await;
    assert_eq!(
        (again.status, again.json()),
        (StatusCode::OK, refused.json()),
        "{again:?}"
    );
    let given = said(&id, given("receipt-1", None)).await;
    assert_eq!(given.status, StatusCode::CONFLICT, "{given:?}");
    assert_eq!(world.history(&id).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_does_not_wait_says_so() {
    let world = World::new();
    let body = json!({
        "applicant": { "mobile": "9000000001" },
        "plan": {
            "documents": { "wanted": ["pan"], "link": "PT10M" },
            "verification": {},
            "accounts": { "provider": "finpass", "after": ["documents"] },
        },
        "consent": { "receipt": "receipt-1" },
    });
    let id = world.started("ORDER-17", &body).await;
    world.pass(1).await;
    let path = format!("/v1/journeys/{id}/resume");
    for (leg, rule) in [
        (
            "verification",
            "verification is open, and goes on by itself",
        ),
        ("accounts", "accounts waits for other legs, and begins then"),
    ] {
        let refused = world.call("POST", &path, Some(json!({ "leg": leg }))).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
        let refused = refused.json();
        assert_eq!(
            (&refused["field"], &refused["rule"]),
            (&"leg".into(), &rule.into())
        );
    }
    let whole = world.call("POST", &path, None).await.json();
    assert_eq!(
        whole["rule"],
        "must wait for the person or an operator: it is running"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_refused_with_what_it_may_have() {
    let world = World::new();
    for (plan, field, rule) in [
        (
            json!({ "accounts": { "provider": "setu" } }),
            "plan.accounts.provider",
            "must be `finpro` or `finpass`",
        ),
        (
            json!({ "accounts": { "provider": "deepvue" } }),
            "plan.accounts.provider",
            "must be `finpro` or `finpass`",
        ),
        (
            json!({ "accounts": { "provider": "finpass", "aggregators": ["onemoney"] } }),
            "plan.accounts.aggregators",
            "must not be given: Finpass has no choice of aggregator",
        ),
        (
            json!({ "accounts": { "provider": "finpro", "flow": "monitoring" } }),
            "plan.accounts.flow",
            "must not be given: FinPro has no flows, which are Finpass's",
        ),
        (
            json!({ "accounts": { "provider": "finpass", "sessions_a_month": 2 } }),
            "plan.accounts.sessions_a_month",
            "must not be given: Finpass has no data sessions",
        ),
        (
            json!({ "verification": { "nothing": null } }),
            "plan.verification.nothing",
            "is not a member of a plan",
        ),
        (
            json!({ "verification": {}, "deadline": "3" }),
            "plan.deadline",
            "must be a length of time such as `30d` or `12h`, 10 years at most",
        ),
        (
            json!({ "verification": {}, "deadline": "5000d" }),
            "plan.deadline",
            "must be 10 years at most",
        ),
    ] {
        let mut body = verification();
        body["plan"] = plan;
        let refused = world.start("ORDER-17", &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let refused = refused.json();
        assert_eq!(
            (&refused["field"], &refused["rule"]),
            (&field.into(), &rule.into())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_waits_for_its_person_goes_on() {
    let world = World::new();
    let body = json!({
        "applicant": { "mobile": "9000000001" },
        "plan": { "documents": { "wanted": ["pan"], "link": "PT10M" } },
        "consent": { "receipt": "receipt-1" },
    });
    let id = world.started("ORDER-17", &body).await;
    world.pass(1).await;
    world.pass(11 * 60).await;
    assert_eq!(world.status(&id).await, JourneyStatus::NeedsPerson);
    let path = format!("/v1/journeys/{id}/resume");
    let other = world
        .call("POST", &path, Some(json!({ "leg": "accounts" })))
        .await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{other:?}");
    assert_eq!(
        other.json()["rule"],
        "accounts is not in the journey's plan"
    );
    let resumed = world
        .call("POST", &path, Some(json!({ "leg": "documents" })))
        .await;
    assert_eq!(resumed.status, StatusCode::OK, "{resumed:?}");
    let resumed = resumed.json();
    assert_eq!(
        (&resumed["status"], &resumed["legs"][0]["attempt"]),
        (&"running".into(), &2.into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_history_is_read_in_parts_and_tells_nothing_secret() {
    let world = World::new();
    let mut body = verification();
    body["notice_text"] = "I agree.".into();
    let id = world.started("ORDER-17", &body).await;
    world.pass(1).await;
    let whole = world.history(&id).await;
    assert!(whole.len() >= 4, "{whole:#?}");
    let (mut parts, mut after) = (Vec::new(), Some(0));
    while let Some(seq) = after {
        let path = format!("/v1/journeys/{id}/history?after={seq}&limit=1");
        let part = world.call("GET", &path, None).await.json();
        parts.extend(part["events"].as_array().unwrap().clone());
        after = part["next_after"].as_u64();
    }
    assert_eq!(parts, whole);
    // What an answer is to is known although its call is in another part.
    assert!(
        parts
            .iter()
            .any(|item| item["event"] == "answered" && item["about"] == "create-session"),
        "{parts:#?}"
    );
    let link = whole
        .iter()
        .flat_map(|item| item["notices"].as_array().unwrap());
    assert!(
        link.into_iter()
            .any(|notice| notice["kind"] == "link" && notice["leg"] == "verification")
    );
    let id = kyc_journey::JourneyId::parse(&id).unwrap();
    let record = kyc_journey::JourneyEngine::read(&*world.engine, &id)
        .await
        .unwrap()
        .unwrap();
    let token = record.state.token().unwrap().expose();
    let told = serde_json::to_string(&whole).unwrap();
    for secret in [token.as_str(), APPROVES, "http"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found() {
    let world = World::new();
    for (method, path) in [
        ("GET", "/v1/journeys/unknown"),
        ("GET", "/v1/journeys/unknown/history"),
        ("GET", "/v1/journeys/unknown/links"),
        ("GET", "/v1/journeys/unknown/events"),
        ("GET", "/v1/journeys/unknown/export"),
        ("POST", "/v1/journeys/unknown/resume"),
        ("POST", "/v1/journeys/unknown/resolve"),
        ("POST", "/v1/journeys/unknown/cancel"),
        ("POST", "/v1/journeys/unknown/withdraw"),
        ("GET", "/v1/journeys/not%20an%20id"),
        ("GET", "/v2/journeys"),
    ] {
        let answer = world.call(method, path, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let answer = world.call("DELETE", "/v1/journeys", None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.json()["type"], "/problems/wrong-method");
}
