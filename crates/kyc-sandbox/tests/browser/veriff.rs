//! Veriff's pages in a browser.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kyc_sandbox::{Settings, VeriffSettings, credentials};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::aggregator::on_pages;
use crate::browser::{Lender, Page, Width, call, visit};

pub(crate) fn settings() -> Settings {
    on_pages().with_veriff(VeriffSettings::default().with_loopback_callbacks(true))
}

async fn veriff(page: &Page, (method, path): (&str, &str), signed: &str, body: String) -> Value {
    let secret = credentials::VERIFF_SHARED_SECRET.as_bytes();
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    let signature = hex::encode(mac.chain_update(signed).finalize().into_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", signature.as_str()),
    ];
    let path = format!("/veriff/v1/sessions{path}");
    call(&page.sandbox, (method, &path), &headers, body).await.1
}

/// Opens a session and its page; its id.
pub(crate) async fn open(page: &Page, callback: &str) -> String {
    let body = json!({"verification": {"callback": callback}}).to_string();
    let reply = veriff(page, ("POST", ""), &body, body.clone()).await;
    let id = reply["verification"]["id"].as_str().unwrap().to_owned();
    page.open(&format!("/veriff/v/sandbox-token-of-{id}")).await;
    page.screen("Verify who you are").await;
    id
}

/// What the caller is told when it asks.
async fn decision(page: &Page, id: &str) -> Value {
    let path = format!("/{id}/decision");
    let reply = veriff(page, ("GET", &path), id, String::new()).await;
    let verification = &reply["verification"];
    json!([verification["status"], verification["reasonCode"]])
}

pub(crate) async fn to_pictures(page: &Page) {
    page.press("Agree").await;
    page.screen("Where do you want to go on?").await;
    page.press("Go on").await;
    page.screen("Your document").await;
    page.press("Go on").await;
}

async fn take(page: &Page, title: &str, picture: &str) {
    page.screen(title).await;
    page.click(&format!("[name='picture'][value='{picture}']"))
        .await;
    page.press("Use this picture").await;
}

const FRONT: &str = "The front of your document";
const FACE: &str = "Your face";

async fn decide(page: &Page) {
    page.screen("Handed in").await;
    page.sandbox.advance(Duration::from_secs(60)).await;
    page.press("Look again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_verified_by_keys_alone_and_returns() {
    visit("veriff-keys", Width::Phone, settings(), async |page| {
        let lender = Lender::start().await;
        let id = open(page, &lender.url()).await;
        page.enter("button.primary").await;
        page.screen("Where do you want to go on?").await;
        page.enter("button.primary").await;
        page.screen("Your document").await;
        // One further than the passport: an identity card, which has a back.
        page.tab_to("[name='document']").await;
        page.keys("\u{e015}").await;
        page.enter("button.primary").await;
        for title in [FRONT, "The back of your document", FACE] {
            page.screen(title).await;
            page.tab_to("[name='picture']").await;
            page.keys(" ").await;
            page.enter("button.primary").await;
        }
        decide(page).await;
        page.screen("You are verified").await;
        assert_eq!(decision(page, &id).await, json!(["approved", null]));
        page.enter("a.button.primary").await;
        page.sees("Welcome back").await;
        assert_eq!(lender.returned(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_not_good_is_refused_repeated_or_declined() {
    visit("veriff-pictures", Width::Phone, settings(), async |page| {
        page.prefers("prefers-color-scheme", "dark").await;
        let lender = Lender::start().await;
        let id = open(page, &lender.url()).await;
        to_pictures(page).await;
        take(page, FRONT, "blurred").await;
        page.is_told("blurred").await;
        page.sees("Like this one.").await;
        take(page, FRONT, "glare").await;
        take(page, FACE, "good").await;
        decide(page).await;
        // The same address shows what to do again.
        page.screen("Verify who you are").await;
        page.sees("Attempt 2 of 9").await;
        page.sees("The picture was not good enough to read.").await;
        assert_eq!(
            decision(page, &id).await,
            json!(["resubmission_requested", 204])
        );
        page.press("Try again").await;
        page.sees("Attempt 2 of 9").await;
        take(page, FRONT, "good").await;
        take(page, FACE, "other-face").await;
        decide(page).await;
        page.screen("You could not be verified").await;
        assert_eq!(decision(page, &id).await, json!(["declined", 103]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_disagrees_leaves_and_comes_back_or_comes_too_late() {
    visit("veriff-leave", Width::Phone, settings(), async |page| {
        let callback = "https://<b id='b'>x</b>.example.test/";
        let id = open(page, callback).await;
        page.sees("<b id='b'>x<").await;
        assert_eq!(page.count("#b").await, 0);
        page.press("Disagree").await;
        page.screen("You did not agree").await;
        page.press("Back to the question").await;
        let path = page.path().await;
        page.open("/veriff/v/x").await;
        page.screen("Nothing here").await;
        page.open(&path.replace("start", "face")).await;
        page.screen("Not yet").await;
        page.press("Go on").await;
        page.press("Agree").await;
        page.click("[name='device'][value='phone']").await;
        page.press("Go on").await;
        page.screen("On your phone").await;
        page.press("Leave").await;
        page.screen("You are leaving").await;
        page.press("Go on after all").await;
        page.screen("Where do you want to go on?").await;
        page.sandbox
            .advance(Duration::from_secs(8 * 24 * 3_600))
            .await;
        page.press("Go on").await;
        page.screen("This link is over").await;
        assert_eq!(decision(page, &id).await[0], "abandoned");
    })
    .await;
}
