//! Veriff's pages: forms and links as a person uses them.

use std::time::Duration;

use kyc_sandbox::settings::PeopleAct;
use kyc_sandbox::{ClockMode, Sandbox, Settings, VeriffSettings};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::verifications::{frozen, get, open, state};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn path(session: &str) -> String {
    format!("/veriff/v/sandbox-token-of-{session}")
}

async fn opened(sandbox: &Sandbox) -> String {
    open(
        sandbox,
        json!({"callback": "https://app.example.test/back?n=1&m=2"}),
    )
    .await
}

/// From the first page up to the first picture.
async fn to_pictures(browser: &mut Browser<'_>, kind: &str) {
    browser.send(&[("agree", "yes")]).await;
    browser.send(&[("device", "here")]).await;
    browser.send(&[("country", "IN"), ("document", kind)]).await;
}

#[tokio::test]
async fn a_person_goes_through_and_returns() {
    let sandbox = frozen(VeriffSettings::default());
    let session = opened(&sandbox).await;
    let mut browser = Browser::open(&sandbox, &path(&session)).await;
    assert_eq!(
        (browser.page.status, browser.title()),
        (200, "Verify who you are")
    );
    assert!(browser.shows("app.example.test") && browser.shows("Do not type real data"));
    // Opening the page is no consent.
    assert_eq!(state(&sandbox, &session).await.2, ["created"]);
    browser.send(&[("agree", "yes")]).await;
    assert_eq!(state(&sandbox, &session).await.2, ["started"]);
    assert_eq!(browser.title(), "Where do you want to go on?");
    browser.send(&[("device", "phone")]).await;
    let address = format!("http://localhost{}", path(&session));
    assert_eq!(browser.link(&address), Some(address));
    let back = browser.link("Back").unwrap();
    browser.get(&back).await;
    browser.send(&[("device", "here")]).await;
    browser
        .send(&[("country", "EE"), ("document", "ID_CARD")])
        .await;
    for title in [
        "The front of your document",
        "The back of your document",
        "Your face",
    ] {
        assert_eq!(browser.title(), title);
        browser.send(&[("picture", "good")]).await;
    }
    assert_eq!(browser.title(), "Handed in");
    let back = Some("https://app.example.test/back?n=1&m=2".to_owned());
    assert_eq!(browser.link("Return to app.example.test"), back);
    sandbox.advance(Duration::from_secs(60)).await;
    browser.get(&path(&session)).await;
    assert_eq!(browser.title(), "You are verified");
    let decision = get(&sandbox, &session, "/decision").await["verification"].clone();
    let document = (
        &decision["document"]["type"],
        &decision["document"]["country"],
    );
    assert_eq!(document, (&json!("ID_CARD"), &json!("EE")));
    let media = get(&sandbox, &session, "/media").await["images"].clone();
    assert_eq!(media.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn every_screen_has_a_way_back_and_a_way_out() {
    let sandbox = frozen(VeriffSettings::default());
    let session = opened(&sandbox).await;
    let mut browser = Browser::open(&sandbox, &path(&session)).await;
    to_pictures(&mut browser, "ID_CARD").await;
    browser.send(&[("picture", "good")]).await;
    browser.send(&[("picture", "good")]).await;
    let mut titles = Vec::new();
    loop {
        titles.push(browser.title().to_owned());
        let leave = browser.link("Leave").unwrap();
        let back = browser.link("Back");
        browser.get(&leave).await;
        assert_eq!(browser.title(), "You are leaving");
        assert!(browser.link("Return to app.example.test").is_some());
        let Some(back) = back else { break };
        browser.get(&back).await;
    }
    let expected = [
        "Your face",
        "The back of your document",
        "The front of your document",
        "Your document",
        "Where do you want to go on?",
        "Verify who you are",
    ];
    assert_eq!(titles, expected);
    // Nothing is lost by leaving.
    let on = browser.link("Go on after all").unwrap();
    browser.get(&on).await;
    assert_eq!(browser.title(), "Your face");
    sandbox.advance(8 * DAY).await;
    assert_eq!(state(&sandbox, &session).await.0, "abandoned");
    browser.get(&path(&session)).await;
    assert_eq!(browser.title(), "This link is over");
}

#[tokio::test]
async fn who_does_not_agree_is_told_that_nothing_was_taken() {
    let sandbox = frozen(VeriffSettings::default());
    let session = opened(&sandbox).await;
    let mut browser = Browser::open(&sandbox, &path(&session)).await;
    browser.send(&[("agree", "no")]).await;
    assert_eq!(browser.title(), "You did not agree");
    assert_eq!(state(&sandbox, &session).await.2, ["created"]);
    assert!(sandbox.webhooks().is_empty());
    let again = browser.link("Back to the question").unwrap();
    browser.get(&again).await;
    assert_eq!(browser.title(), "Verify who you are");
    sandbox.advance(8 * DAY).await;
    assert_eq!(state(&sandbox, &session).await.0, "expired");
}

#[tokio::test]
async fn who_agreed_does_not_disagree_by_an_older_tab() {
    let sandbox = frozen(VeriffSettings::default());
    let session = opened(&sandbox).await;
    let disagreed = format!("{}?at=disagreed", path(&session));
    let mut browser = Browser::open(&sandbox, &disagreed).await;
    assert_eq!(browser.title(), "Verify who you are", "nobody disagreed");
    browser.send(&[("agree", "no")]).await;
    assert_eq!(browser.title(), "You did not agree");
    let again = browser.link("Back to the question").unwrap();
    browser.get(&again).await;
    browser.send(&[("agree", "yes")]).await;
    browser.get(&again).await;
    browser.send(&[("agree", "no")]).await;
    assert_eq!(
        (browser.page.status, browser.title()),
        (409, "Already agreed")
    );
    for page in [disagreed, path(&session)] {
        browser.get(&page).await;
        assert_eq!(browser.title(), "Where do you want to go on?");
    }
    assert_eq!(state(&sandbox, &session).await.2, ["started"]);
}

#[tokio::test]
async fn pictures_decide_unless_the_name_does() {
    for (front, face, status, code) in [
        ("good", "good", "approved", Value::Null),
        ("good", "other-face", "declined", json!(103)),
        ("cropped", "good", "resubmission_requested", json!(203)),
        ("glare", "good", "resubmission_requested", json!(204)),
        ("expired", "good", "resubmission_requested", json!(207)),
    ] {
        let sandbox = frozen(VeriffSettings::default());
        let session = opened(&sandbox).await;
        let mut browser = Browser::open(&sandbox, &path(&session)).await;
        to_pictures(&mut browser, "PASSPORT").await;
        browser.send(&[("picture", front)]).await;
        assert_eq!(browser.title(), "Your face", "a passport has no back");
        browser.send(&[("picture", face)]).await;
        sandbox.advance(Duration::from_secs(60)).await;
        let (found, reason, _) = state(&sandbox, &session).await;
        assert_eq!((found, reason), (json!(status), code));
    }
    let settings = Settings::default().with_people_act(PeopleAct::OnPages);
    let sandbox = Sandbox::new(settings);
    sandbox.set_clock_mode(ClockMode::Frozen);
    let session = open(&sandbox, json!({"person": {"firstName": "Approve"}})).await;
    sandbox.advance(DAY).await;
    assert_eq!(state(&sandbox, &session).await.2, ["created"]);
    let mut browser = Browser::open(&sandbox, &path(&session)).await;
    to_pictures(&mut browser, "PASSPORT").await;
    browser.send(&[("picture", "cropped")]).await;
    browser.send(&[("picture", "other-face")]).await;
    sandbox.advance(Duration::from_secs(60)).await;
    assert_eq!(state(&sandbox, &session).await.0, "approved");
}

#[tokio::test]
async fn a_blurred_picture_is_refused_at_once_with_an_example() {
    let sandbox = frozen(VeriffSettings::default());
    let session = opened(&sandbox).await;
    let mut browser = Browser::open(&sandbox, &path(&session)).await;
    to_pictures(&mut browser, "PASSPORT").await;
    browser.send(&[("picture", "blurred")]).await;
    assert_eq!(browser.page.status, 422);
    assert!(browser.error().unwrap().contains("blurred"));
    assert!(browser.shows("Like this one."));
    assert!(browser.shows("role=\"alert\" tabindex=\"-1\" autofocus"));
    for fields in [[("picture", "")], [("picture", "<b>")]] {
        browser.send(&fields).await;
        assert_eq!(browser.page.status, 422);
        assert!(browser.error().unwrap().contains("Nothing is chosen"));
    }
    browser.send(&[("picture", "good")]).await;
    assert_eq!(browser.title(), "Your face");
}

#[tokio::test]
async fn what_is_to_be_done_again_is_done_at_the_same_address() {
    let sandbox = frozen(VeriffSettings::default());
    let session = opened(&sandbox).await;
    let mut browser = Browser::open(&sandbox, &path(&session)).await;
    to_pictures(&mut browser, "PASSPORT").await;
    browser.send(&[("picture", "glare")]).await;
    browser.send(&[("picture", "good")]).await;
    sandbox.advance(Duration::from_secs(60)).await;
    browser.get(&path(&session)).await;
    assert!(browser.shows("Attempt 2 of 9"));
    assert!(browser.shows("The picture was not good enough to read."));
    browser.send(&[("agree", "yes")]).await;
    assert_eq!(browser.title(), "The front of your document");
    assert!(browser.shows("Attempt 2 of 9"));
    browser.send(&[("picture", "good")]).await;
    browser.send(&[("picture", "good")]).await;
    sandbox.advance(Duration::from_secs(60)).await;
    assert_eq!(
        state(&sandbox, &session).await.2,
        ["approved", "resubmission_requested"]
    );
    // It came within five minutes, so nobody was told to ask for it.
    sandbox.advance(Duration::from_secs(600)).await;
    let events: Vec<_> = sandbox.webhooks().iter().map(|w| w.event).collect();
    let expected = [
        "event.started",
        "event.submitted",
        "event.started",
        "event.submitted",
        "decision.approved",
        "watchlist.initial_result",
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn a_page_out_of_order_says_so_and_loses_nothing() {
    let sandbox = frozen(VeriffSettings::default());
    let session = opened(&sandbox).await;
    let mut browser = Browser::open(&sandbox, &path(&session)).await;
    browser.get(&format!("{}?at=face", path(&session))).await;
    assert_eq!((browser.page.status, browser.title()), (409, "Not yet"));
    assert!(browser.shows("First: Verify who you are"));
    let on = browser.link("Go on").unwrap();
    browser.get(&on).await;
    let token = browser.hidden().remove(0).1;
    let early = [
        ("token", token.as_str()),
        ("step", "face"),
        ("picture", "good"),
    ];
    browser.post(&early, &[]).await;
    assert_eq!((browser.page.status, browser.title()), (409, "Not yet"));
    assert_eq!(state(&sandbox, &session).await.2, ["created"]);

    browser.get(&path(&session)).await;
    to_pictures(&mut browser, "PASSPORT").await;
    browser.send(&[("picture", "good")]).await;
    let last = browser.hidden();
    browser.send(&[("picture", "good")]).await;
    // The button of the last page again.
    let mut again: Vec<_> = last.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    again.push(("picture", "other-face"));
    browser.post(&again, &[]).await;
    assert_eq!((browser.page.status, browser.title()), (409, "Handed in"));
    sandbox.advance(Duration::from_secs(60)).await;
    let (status, _, attempts) = state(&sandbox, &session).await;
    assert_eq!((status, attempts.len()), (json!("approved"), 1));
    // Another device sees the same.
    let other = Browser::open(&sandbox, &path(&session)).await;
    assert_eq!(other.title(), "You are verified");
}

#[tokio::test]
async fn only_the_browser_that_began_goes_on() {
    const OF_ANOTHER: (u16, &str) = (409, "Session of another person");
    const FRONT: &str = "The front of your document";
    let sandbox = Sandbox::new(Settings::default().with_people_act(PeopleAct::OnPages));
    sandbox.set_clock_mode(ClockMode::Frozen);
    let session = opened(&sandbox).await;
    let page = path(&session);
    let mut first = Browser::open(&sandbox, &page).await;
    // Any browser may open it before somebody begins.
    let mut other = Browser::open(&sandbox, &page).await;
    assert_eq!(other.title(), "Verify who you are");
    to_pictures(&mut first, "PASSPORT").await;
    let token = first.hidden().remove(0).1;

    // What the other one still shows, and what it makes up, does nothing.
    other.send(&[("agree", "yes")]).await;
    assert_eq!((other.page.status, other.title()), OF_ANOTHER);
    for at in [page.clone(), format!("{page}?at=front")] {
        other.get(&at).await;
        assert_eq!((other.page.status, other.title()), OF_ANOTHER);
        assert!(!other.shows(&token));
    }
    for at in [page.clone(), format!("{page}?at=start")] {
        other.at = at;
        let forged = [
            ("token", token.as_str()),
            ("step", "front"),
            ("picture", "other-face"),
        ];
        other.post(&forged, &[]).await;
        assert_eq!((other.page.status, other.title()), OF_ANOTHER);
    }
    first.get(&page).await;
    assert_eq!(first.title(), FRONT);
    assert!(!first.shows("checked"));

    // Whoever begins instead begins again, and is the only one from then on; also with what is to be done again.
    let instead = other.link("Begin here instead").unwrap();
    other.get(&instead).await;
    other.send(&[("agree", "no")]).await;
    first.get(&page).await;
    assert_eq!(first.title(), FRONT);
    other.get(&instead).await;
    to_pictures(&mut other, "PASSPORT").await;
    assert_eq!(other.title(), FRONT);
    first.get(&page).await;
    assert_eq!((first.page.status, first.title()), OF_ANOTHER);
    other.send(&[("picture", "glare")]).await;
    other.send(&[("picture", "good")]).await;
    sandbox.advance(Duration::from_secs(60)).await;
    first.get(&page).await;
    assert_eq!((first.page.status, first.title()), OF_ANOTHER);
    other.get(&page).await;
    assert!(other.shows("Attempt 2 of 9"));
    let instead = first.link("Begin here instead").unwrap();
    first.get(&instead).await;
    first.send(&[("agree", "yes")]).await;
    assert_eq!(first.title(), "Where do you want to go on?");
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    let sandbox = frozen(VeriffSettings::default());
    let session = opened(&sandbox).await;
    let mut browser = Browser::open(&sandbox, &path(&session)).await;
    let token = browser.hidden().remove(0).1;
    let step = [("step", "start"), ("agree", "yes")];
    let with_token = [&step[..], &[("token", &token)]].concat();
    let wrong_token = [
        &step[..],
        &[("token", "00000000-0000-4000-8000-000000000000")],
    ]
    .concat();
    let host = ("host", "127.0.0.1:8787");
    for (fields, headers) in [
        (step.to_vec(), vec![]),
        (wrong_token, vec![]),
        (
            with_token.clone(),
            vec![host, ("origin", "http://evil.example")],
        ),
        (with_token.clone(), vec![("sec-fetch-site", "cross-site")]),
    ] {
        browser.at = path(&session);
        browser.post(&fields, &headers).await;
        assert_eq!(
            (browser.page.status, browser.title()),
            (403, "Not from here")
        );
        assert_eq!(state(&sandbox, &session).await.2, ["created"]);
    }
    browser.at = path(&session);
    let own = [host, ("origin", "http://127.0.0.1:8787")];
    browser.post(&with_token, &own).await;
    assert_eq!(state(&sandbox, &session).await.2, ["started"]);
}

#[tokio::test]
async fn an_address_of_nothing_says_so() {
    let sandbox = frozen(VeriffSettings::default());
    for token in [
        "x",
        "sandbox-token-of-",
        "sandbox-token-of-aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7",
        "%3Cscript%3E",
    ] {
        let browser = Browser::open(&sandbox, &format!("/veriff/v/{token}")).await;
        assert_eq!(
            (browser.page.status, browser.title()),
            (404, "Nothing here")
        );
        assert!(!browser.shows("<script"));
    }
    let reply = crate::send(&sandbox, "GET", "/veriff/pictures/face/x", &[], "").await;
    assert_eq!(reply.status, 404);
    // What is below a provider and no page is the provider's.
    let reply = crate::send(&sandbox, "GET", "/veriff/v", &[], "").await;
    assert_eq!(
        (reply.status, reply.json()["status"].clone()),
        (404, json!("fail"))
    );
}

#[tokio::test]
async fn markup_of_the_caller_is_shown_as_text_and_its_script_is_not_linked() {
    let sandbox = frozen(VeriffSettings::default());
    let callback = "https://<b>x</b>.example.test/\"onclick=\"x";
    let session = open(&sandbox, json!({ "callback": callback })).await;
    let mut browser = Browser::open(&sandbox, &path(&session)).await;
    assert!(browser.shows("&lt;b&gt;x&lt;") && !browser.shows("<b>x"));
    let leave = browser.link("Leave").unwrap();
    browser.get(&leave).await;
    assert!(browser.shows("href=\"https://&lt;b&gt;x&lt;/b&gt;.example.test/&quot;onclick"));
    let policy = browser.page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"));
}
