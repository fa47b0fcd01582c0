//! What providers and browsers report.

use consent_hmac::{SharedSecret, Signer};
use kyc_journey::{
    CorrelationToken, JourneyEngine as _, JourneyId, JourneyStatus, Leg, Plan, VerificationPlan,
};
use kyc_sandbox::credentials;
use provider_core::http::{Method, StatusCode};
use serde_json::json;

use crate::world::{Answer, World, outside, request, verification};

fn signed(body: &serde_json::Value) -> (Vec<u8>, String) {
    let body = body.to_string().into_bytes();
    let secret = SharedSecret::new(credentials::VERIFF_SHARED_SECRET).unwrap();
    let signature = Signer::new(&secret).sign(&body).to_string();
    (body, signature)
}

impl World {
    async fn hook(&self, path: &str, body: &serde_json::Value) -> Answer {
        let (body, signature) = signed(body);
        let mut hook = outside("POST", path, &body);
        let signature = signature.parse().unwrap();
        hook.headers_mut().insert("x-hmac-signature", signature);
        self.send(hook).await
    }

    /// What stands in this journey's addresses.
    async fn address(&self, id: &str, leg: Leg, attempt: u32) -> String {
        let id = JourneyId::parse(id).unwrap();
        let record = self.engine.read(&id).await.unwrap().unwrap();
        let token = *record.state.token().unwrap();
        let correlation = kyc_journey::Correlation {
            token,
            leg,
            attempt,
        };
        correlation.expose()
    }

    async fn session(&self, id: &str) -> String {
        let id = JourneyId::parse(id).unwrap();
        let record = self.engine.read(&id).await.unwrap().unwrap();
        record.state.references()[0].id.as_str().to_owned()
    }
}

fn decision(session: &str, token: Option<&str>, code: u16) -> serde_json::Value {
    let status = match code {
        9001 => "approved",
        _ => "declined",
    };
    json!({
        "status": "success",
        "verification": { "id": session, "code": code, "status": status, "vendorData": token },
    })
}

fn flow(session: &str, token: &str, action: &str, code: u16) -> serde_json::Value {
    json!({ "id": session, "attemptId": "a-1", "feature": "selfid", "code": code, "action": action, "vendorData": token })
}

#[tokio::test(start_paused = true)]
async fn what_is_not_authentic_stores_nothing() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    world.pass(1).await;
    let events = world.history(&id).await.len();
    let token = world.address(&id, Leg::Verification, 1).await;
    let (body, signature) = signed(&decision("s-1", Some(&token), 9001));
    let changed = [body.as_slice(), b" "].concat();
    for (body, signature) in [
        (body.clone(), None),
        (body, Some("0".repeat(64))),
        (changed, Some(signature)),
    ] {
        let mut hook = outside("POST", "/hooks/veriff", &body);
        if let Some(signature) = signature {
            hook.headers_mut()
                .insert("x-hmac-signature", signature.parse().unwrap());
        }
        let answer = world.send(hook).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        // The sender is told no reason.
        assert_eq!(answer.body, "");
    }
    let unsigned = world.send(outside("POST", "/hooks/finpro", b"{}")).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.history(&id).await.len(), events);
    for path in [
        "/hooks/deepvue",
        "/hooks/acme",
        "/hooks/veriff/none",
        "/hooks/finpass",
    ] {
        let answer = world.send(outside("POST", path, b"{}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_report_that_means_nothing_here_is_recorded_with_its_verdict() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    let other = world.started("ORDER-18", &verification()).await;
    world.pass(1).await;
    let (own, foreign) = (world.session(&id).await, world.session(&other).await);
    let token = world.address(&id, Leg::Verification, 1).await;
    let later = world.address(&id, Leg::Verification, 2).await;
    let others = world.address(&other, Leg::Verification, 1).await;
    let expect = async |answer: Answer, verdict: &str, reason: &str| {
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
        let (_, told, why) = world.last(&id).await;
        let history = world.history(&id).await;
        assert_eq!(
            (told.as_str(), why.as_str()),
            (verdict, reason),
            "{history:#?}"
        );
        assert_eq!(world.status(&id).await, JourneyStatus::Running);
    };
    let hook = "/hooks/veriff";
    // Another person's session under this journey's token.
    let answer = world
        .hook(hook, &decision(&foreign, Some(&token), 9001))
        .await;
    expect(answer, "discarded", "foreign_session").await;
    // This journey's session, at an address of a journey that nobody knows.
    let unknown = format!("{hook}/{:032x}-verification-1", 7);
    let answer = world.hook(&unknown, &decision(&own, None, 9001)).await;
    expect(answer, "discarded", "foreign_token").await;
    // An attempt that has not begun.
    let answer = world.hook(hook, &decision(&own, Some(&later), 9001)).await;
    expect(answer, "discarded", "foreign_session").await;
    // What the body says outweighs the path.
    let path = format!("{hook}/{others}");
    let answer = world
        .hook(&path, &flow(&own, &token, "submitted", 7002))
        .await;
    expect(answer, "applied", "").await;
    // Out of order.
    let answer = world.hook(hook, &flow(&own, &token, "started", 7001)).await;
    expect(answer, "late", "lower_rank").await;
    let events = world.history(&id).await.len();
    // Twice.
    let answer = world
        .hook(hook, &flow(&own, &token, "submitted", 7002))
        .await;
    expect(answer, "late", "lower_rank").await;
    assert_eq!(world.history(&id).await.len(), events);
    // Of a kind that is not known, and one that cannot be read.
    let answer = world
        .hook(hook, &flow(&own, &token, "waiting_complete", 7007))
        .await;
    expect(answer, "kept", "unknown_word").await;
    let odd = json!({ "verification": "none" });
    let answer = world.hook(&format!("{hook}/{token}"), &odd).await;
    expect(answer, "kept", "unknown_word").await;

    let answer = world.hook(hook, &decision(&own, Some(&token), 9001)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(world.status(&id).await, JourneyStatus::Completed);
    // After the end.
    let mut late = flow(&own, &token, "started", 7001);
    late["feature"] = "another".into();
    let answer = world.hook(hook, &late).await;
    assert_eq!(answer.status, StatusCode::OK);
    let (_, verdict, reason) = world.last(&id).await;
    assert_eq!((verdict.as_str(), reason.as_str()), ("late", "lower_rank"));
    assert_eq!(world.status(&id).await, JourneyStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_no_journey_yet_waits_for_it() {
    let world = World::new();
    let token = CorrelationToken::from_bits(7);
    let correlation = kyc_journey::Correlation {
        token,
        leg: Leg::Verification,
        attempt: 1,
    };
    let early = flow("s-1", &correlation.expose(), "started", 7001);
    let answer = world.hook("/hooks/veriff", &early).await;
    assert_eq!(answer.status, StatusCode::OK);
    let id = JourneyId::from_bits(1);
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    let fact = kyc_journey::Fact::Start {
        plan: Box::new(plan),
        token,
    };
    let key = kyc_journey::EventKey::command("start").unwrap();
    let at = provider_core::jiff::Timestamp::UNIX_EPOCH;
    let event = kyc_journey::Event::new(key, at, None, fact);
    world.engine.submit(&id, event).await.unwrap();
    let (event, ..) = world.last(id.as_str()).await;
    assert_eq!(event, "session");
}

#[tokio::test(start_paused = true)]
async fn a_hint_of_finpass_is_a_reason_to_ask_and_no_more() {
    let world = World::new();
    let mut body = verification();
    body["plan"] = json!({ "accounts": { "provider": "finpass" } });
    let id = world.started("ORDER-17", &body).await;
    world.pass(1).await;
    let token = world.address(&id, Leg::Accounts, 1).await;
    // Whatever it says of another session is not read.
    let hint = br#"{"client_id":"another","status":"READY"}"#;
    let path = format!("/hooks/finpass/{token}");
    let answer = world.send(outside("POST", &path, hint)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let (event, verdict, _) = world.last(&id).await;
    assert_eq!((event.as_str(), verdict.as_str()), ("hint", "applied"));
    assert_eq!(world.status(&id).await, JourneyStatus::Running);
    world.pass(3600).await;
    let history = world.history(&id).await;
    assert!(
        history
            .iter()
            .any(|item| item["about"] == "fetch-reports" && item["event"] == "answered"),
        "{history:#?}"
    );
    assert_eq!(world.status(&id).await, JourneyStatus::Completed);
    // A token that was not given out here is nobody's.
    let made_up = format!("/hooks/finpass/{:032x}-accounts-1", 7);
    let answer = world.send(outside("POST", &made_up, hint)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    // Who knows a token cannot fill the store.
    let mut stored = 0;
    for number in 0..100 {
        let body = number.to_string();
        let hook = outside("POST", &path, body.as_bytes());
        stored += usize::from(world.send(hook).await.status == StatusCode::OK);
        tokio::time::advance(std::time::Duration::from_millis(20)).await;
    }
    assert!(stored < 60, "{stored}");
}

#[tokio::test(start_paused = true)]
async fn a_return_says_what_it_says_and_the_page_nothing() {
    let world = World::new();
    let mut body = verification();
    body["plan"] = json!({ "documents": { "wanted": ["pan"] } });
    let id = world.started("ORDER-17", &body).await;
    world.pass(1).await;
    let events = world.history(&id).await.len();
    let token = world.address(&id, Leg::Documents, 1).await;
    let open = async |method: Method, path: String| {
        let answer = world.send(outside(method.as_str(), &path, b"")).await;
        (answer.status, answer.body)
    };
    // A preview of the link, a browser that only looks ahead.
    let (status, thanks) = open(Method::GET, format!("/return/{token}")).await;
    assert_eq!(status, StatusCode::OK);
    open(Method::HEAD, format!("/return/{token}?code=CANARY")).await;
    let mut ahead = outside("GET", &format!("/return/{token}?code=CANARY"), b"");
    ahead
        .headers_mut()
        .insert("sec-purpose", "prefetch".parse().unwrap());
    assert_eq!(world.send(ahead).await.status, StatusCode::OK);
    assert_eq!(world.history(&id).await.len(), events);
    // Another person's session.
    let foreign = format!("/return/{token}?state=another&code=CANARY");
    assert_eq!(
        open(Method::GET, foreign.clone()).await,
        (StatusCode::OK, thanks.clone())
    );
    let (event, verdict, _) = world.last(&id).await;
    assert_eq!(
        (event.as_str(), verdict.as_str()),
        ("returned", "discarded")
    );
    // Twice.
    let events = world.history(&id).await.len();
    assert_eq!(
        open(Method::GET, foreign).await,
        (StatusCode::OK, thanks.clone())
    );
    assert_eq!(world.history(&id).await.len(), events);
    // A token that was not given out here, and none at all.
    for path in [
        format!("/return/{:032x}-documents-1?code=CANARY", 7),
        "/return/none?code=CANARY".to_owned(),
    ] {
        let (status, page) = open(Method::GET, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(!page.contains("CANARY"));
    }
    assert_eq!(world.status(&id).await, JourneyStatus::Running);
    let cancelled = world
        .send(request("POST", &format!("/v1/journeys/{id}/cancel"), None))
        .await;
    assert_eq!(cancelled.status, StatusCode::OK);
    // After the end.
    let late = format!("/return/{token}?code=CANARY-2");
    assert_eq!(open(Method::GET, late).await, (StatusCode::OK, thanks));
    let (event, verdict, _) = world.last(&id).await;
    assert_eq!(
        (event.as_str(), verdict.as_str()),
        ("returned", "discarded")
    );
    let told = serde_json::to_string(&world.history(&id).await).unwrap();
    assert!(!told.contains("CANARY"), "{told}");
}
