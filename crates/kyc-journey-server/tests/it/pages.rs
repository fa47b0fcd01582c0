//! The operator's page.

use axum::body::Body;
use kyc_journey::JourneyStatus;
use provider_core::http::{Request, StatusCode};

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
    // Guesses come no faster than a person types.
    let mut refused = 0;
    for _ in 0..10 {
        let answer = world
            .send(outside("POST", "/sign-in", b"token=another"))
            .await;
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused >= 8, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_operator_sees_why_an_event_was_ignored_and_cancels() {
    let world = World::new();
    let id = world.started("ORDER-17", &verification()).await;
    world.pass(1).await;
    let mut other = verification();
    other["applicant"]["mobile"] = "9001000001".into();
    assert_eq!(
        world.start("ORDER-17", &other).await.status,
        StatusCode::CONFLICT
    );
    let cookie = world.sign_in().await;
    let list = world.open("/", &cookie).await;
    assert!(
        list.body.contains(&format!("href=\"/journeys/{id}\"")),
        "{list:?}"
    );
    let none = world.open("/?status=completed&stuck=1h", &cookie).await;
    assert!(none.body.contains("There is no such journey."), "{none:?}");
    let path = format!("/journeys/{id}");
    let page = world.open(&path, &cookie).await;
    assert!(page.body.contains("late: already started"), "{page:?}");
    for part in ["<script", "style=", "http://", APPROVES] {
        assert!(!page.body.contains(part), "{part}: {page:?}");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self'"));

    // Not without the form's own token, from another site, or without a session.
    let csrf = csrf(&page).to_owned();
    let form = format!("csrf={csrf}");
    let cancel = format!("{path}/cancel");
    let forged = world
        .send(with_cookie("POST", &cancel, &cookie, "csrf=0"))
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
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
