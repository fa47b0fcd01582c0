//! The operator's page.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use kyc_journey::JourneyStatus;
use kyc_journey_server::Limits;
use kyc_sandbox::settings::Failure;
use kyc_sandbox::{Fault, FaultKind, Provider as At};
use provider_core::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::world::{APPROVES, Answer, TOKEN, World, outside, verification};

impl World {
    async fn open(&self, path: &str, cookie: &str) -> Answer {
        self.send(with_cookie("GET", path, cookie, "")).await
    }

    async fn sign_in(&self) -> String {
        let form = format!("token={TOKEN}");
        let answer = self
            .send(outside("POST", "/sign-in", form.as_bytes()))
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        let cookie = answer.header("set-cookie");
        assert!(
            cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
            "{cookie}"
        );
        cookie.split(';').next().unwrap().to_owned()
    }
}

fn with_cookie(method: &str, path: &str, cookie: &str, form: &str) -> Request<Body> {
    let mut request = outside(method, path, form.as_bytes());
    request
        .headers_mut()
        .insert("cookie", cookie.parse().unwrap());
    request
}

fn csrf(page: &Answer) -> &str {
    let (_, after) = page.body.split_once("name=\"csrf\" value=\"").unwrap();
    after.split('"').next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shown_before_signing_in() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    for path in ["/".to_owned(), format!("/journeys/{id}")] {
        for cookie in ["", "kyc_journeys=", "kyc_journeys=0"] {
            let page = world.open(&path, cookie).await;
            assert!(page.body.contains("The server's token"), "{page:?}");
            assert!(!page.body.contains(&id));
        }
    }
    let wrong = world
        .send(outside("POST", "/sign-in", b"token=another"))
        .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.header("set-cookie"), "");
}

/// A browser sends a machine's cookies to each of its ports.
#[tokio::test(start_paused = true)]
async fn servers_on_two_ports_of_a_machine_keep_their_sessions_apart() {
    let (one, other) = (World::new(), World::new());
    let at = |port: u16, mut request: Request<Body>| {
        let host = format!("127.0.0.1:{port}").parse().unwrap();
        request.headers_mut().insert("host", host);
        request
    };
    let form = format!("token={TOKEN}");
    let mut browser = HashMap::new();
    for (world, port) in [(&one, 8088), (&other, 8089)] {
        let sign_in = outside("POST", "/sign-in", form.as_bytes());
        let answer = world.send(at(port, sign_in)).await;
        let cookie = answer.header("set-cookie");
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        browser.insert(name.to_owned(), value.to_owned());
    }
    let cookies = browser
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    for (world, port) in [(&one, 8088), (&other, 8089)] {
        let list = world
            .send(at(port, with_cookie("GET", "/", &cookies, "")))
            .await;
        assert!(list.body.contains("There is no such journey."), "{list:?}");
    }
}

fn guess(peer: &str) -> Request<Body> {
    let mut guess = outside("POST", "/sign-in", b"token=another");
    let peer: SocketAddr = peer.parse().unwrap();
    guess.extensions_mut().insert(ConnectInfo(peer));
    guess
}

#[tokio::test(start_paused = true)]
async fn a_stranger_who_guesses_keeps_no_operator_out() {
    let mut limits = Limits::default();
    limits.sign_ins_per_minute = 2;
    let world = World::with(limits);
    let status = async |peer| world.send(guess(peer)).await.status;
    let (wrong, refused) = (StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS);
    let stranger = "203.0.113.7:1024";
    assert_eq!(status(stranger).await, wrong);
    // Another connection is the same peer.
    assert_eq!(status("203.0.113.7:1025").await, wrong);
    assert_eq!(status(stranger).await, refused);
    assert_eq!(status("203.0.113.8:1024").await, wrong);
    // Behind the same proxy, an operator comes from the same address.
    let mut right = guess(stranger);
    *right.body_mut() = Body::from(format!("token={TOKEN}"));
    assert_eq!(world.send(right).await.status, StatusCode::SEE_OTHER);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(status(stranger).await, wrong);
}

#[tokio::test(start_paused = true)]
async fn strangers_use_up_nothing_of_an_operator_s_share() {
    let mut limits = Limits::default();
    limits.requests_per_second = 2;
    let world = World::with(limits);
    let cookie = world.sign_in().await;
    for _ in 0..3 {
        world.open("/", "").await;
    }
    let stranger = world.open("/", "").await;
    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS);
    let operator = world.open("/", &cookie).await;
    assert_eq!(operator.status, StatusCode::OK);
    assert!(operator.body.contains("There is no such journey."));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_to_a_person_is_on_each_list_and_page() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    let (path, list) = (format!("/v1/journeys/{id}"), "/v1/journeys");
    world.pass(1).await;
    let leg = async || world.call("GET", &path, None).await.json()["legs"][0]["by_hand"].clone();
    let listed =
        async || world.call("GET", list, None).await.json()["journeys"][0]["by_hand"].clone();
    assert_eq!((leg().await, listed().await), (json!([]), json!([])));
    // Whether the session is deleted, nobody knows then.
    let fault = FaultKind::Failure(Failure::new(500));
    let fault = Fault::new(At::Veriff, fault).of_operation("delete-session");
    world.sandbox.switch_fault_on(fault).unwrap();
    let withdrawn = world.call("POST", &format!("{path}/withdraw"), None).await;
    assert_eq!(withdrawn.status, StatusCode::OK, "{withdrawn:?}");
    world.pass(1).await;
    let tasks = json!(["delete_by_hand"]);
    assert_eq!((leg().await, listed().await), (tasks.clone(), tasks));
    let cookie = world.sign_in().await;
    let page = world.open("/", &cookie).await;
    assert!(page.body.contains("delete by hand"), "{page:?}");
    let page = world.open(&format!("/journeys/{id}"), &cookie).await;
    assert!(page.body.contains("to do: delete by hand"), "{page:?}");

    // Until an operator says that it was done.
    let button = format!("action=\"/journeys/{id}/resolve\"");
    assert!(page.body.contains(&button), "{page:?}");
    assert!(!page.body.contains("/cancel\""), "{page:?}");
    let resolve = format!("/journeys/{id}/resolve");
    let old = world
        .send(with_cookie("POST", &resolve, &cookie, "csrf=0"))
        .await;
    assert_eq!(old.status, StatusCode::FORBIDDEN);
    let form = format!("csrf={}", csrf(&page));
    let done = world
        .send(with_cookie("POST", &resolve, &cookie, &form))
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    assert_eq!((leg().await, listed().await), (json!([]), json!([])));
    let page = world.open(&format!("/journeys/{id}"), &cookie).await;
    assert!(!page.body.contains("/resolve\""), "{page:?}");
    assert!(
        page.body.contains("<b>resolved</b> delete by hand"),
        "{page:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_person_did_is_said_once_or_again_and_nothing_is_called() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    let path = format!("/v1/journeys/{id}");
    world.pass(1).await;
    let resolve = async |body: Option<Value>| {
        let path = format!("{path}/resolve");
        world.call("POST", &path, body).await
    };
    for (body, field) in [
        (None, "journey"),
        (Some(json!({})), "journey"),
        (Some(json!({ "leg": "verification" })), "leg"),
        (Some(json!({ "leg": "accounts" })), "leg"),
    ] {
        let nothing = resolve(body).await;
        assert_eq!(nothing.status, StatusCode::CONFLICT, "{nothing:?}");
        assert_eq!(nothing.json()["field"], field);
    }
    let unknown = resolve(Some(json!({ "task": "CANARY" }))).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fault = FaultKind::Failure(Failure::new(500));
    let fault = Fault::new(At::Veriff, fault).of_operation("delete-session");
    world.sandbox.switch_fault_on(fault).unwrap();
    world.call("POST", &format!("{path}/withdraw"), None).await;
    world.pass(1).await;
    let before = world.history(&id).await;
    let other = resolve(Some(json!({ "leg": "accounts" }))).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{other:?}");
    let done = resolve(Some(json!({ "leg": "verification" }))).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(done.json()["legs"][0]["by_hand"], json!([]));
    assert_eq!(done.json()["status"], "withdrawn");
    for body in [None, Some(json!({ "leg": "verification" }))] {
        let again = resolve(body).await;
        assert_eq!((again.status, again.json()), (StatusCode::OK, done.json()));
    }
    let history = world.history(&id).await;
    let said = &history[before.len()..];
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0]["event"], "resolved");
    assert_eq!(said[0]["about"], "delete_by_hand");
    assert_eq!(said[0]["verdict"], "applied");
    assert_eq!(said[0]["asks"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn an_operator_sees_why_an_event_was_ignored_and_cancels() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    world.pass(1).await;
    let given = json!({"answer": "given", "consent": {"receipt": "receipt-2"}});
    let path = format!("/v1/journeys/{id}/consent");
    let refused = world.call("POST", &path, Some(given)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let cookie = world.sign_in().await;
    let list = world.open("/", &cookie).await;
    assert!(
        list.body.contains(&format!("href=\"/journeys/{id}\"")),
        "{list:?}"
    );
    let none = world.open("/?status=completed&stuck=1h", &cookie).await;
    assert!(none.body.contains("There is no such journey."), "{none:?}");
    for stuck in ["90m", "bogus", "-1d", "99999d"] {
        let refused = world.open(&format!("/?stuck={stuck}"), &cookie).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("must be 1h, 1d or 7d"), "{refused:?}");
    }
    let path = format!("/journeys/{id}");
    let page = world.open(&path, &cookie).await;
    assert!(page.body.contains("late: known"), "{page:?}");
    for part in ["<script", "style=", "http://", APPROVES] {
        assert!(!page.body.contains(part), "{part}: {page:?}");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self'"));

    // Not without the form's own token, from another site, or without a session.
    let csrf = csrf(&page).to_owned();
    let form = format!("csrf={csrf}");
    let cancel = format!("{path}/cancel");
    for form in ["csrf=0", ""] {
        let old = world
            .send(with_cookie("POST", &cancel, &cookie, form))
            .await;
        assert_eq!(old.status, StatusCode::FORBIDDEN);
        assert!(old.body.contains("too old: load the page again"), "{old:?}");
        assert!(!old.body.contains("origin"), "{old:?}");
    }
    let mut foreign = with_cookie("POST", &cancel, &cookie, &form);
    let origin = "http://127.0.0.1:3000".parse().unwrap();
    foreign.headers_mut().insert("origin", origin);
    assert_eq!(world.send(foreign).await.status, StatusCode::FORBIDDEN);
    let stranger = world.send(with_cookie("POST", &cancel, "", &form)).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.status(&id).await, JourneyStatus::Running);

    let done = world
        .send(with_cookie("POST", &cancel, &cookie, &form))
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    assert_eq!(done.header("location"), path);
    assert_eq!(world.status(&id).await, JourneyStatus::Cancelled);
    let page = world.open(&path, &cookie).await;
    assert!(!page.body.contains("/cancel\""), "{page:?}");

    let out = world
        .send(with_cookie("POST", "/sign-out", &cookie, &form))
        .await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    let page = world.open(&path, &cookie).await;
    assert!(page.body.contains("The server's token"));
}
