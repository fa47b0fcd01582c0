//! The account aggregator's pages in a browser.

use std::time::Duration;

use kyc_sandbox::settings::PeopleAct;
use kyc_sandbox::{Sandbox, Settings, credentials};
use serde_json::{Value, json};

use crate::browser::{ENTER, Lender, Page, Width, call, visit};
use crate::console::still;

const MOBILE: &str = "9812300000";

/// A sandbox in which nobody acts but whoever is at the pages.
pub(crate) fn on_pages() -> Settings {
    still().with_people_act(PeopleAct::OnPages)
}

async fn finpro(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    let headers = [
        ("client_id", credentials::FINPRO_CLIENT_ID),
        ("client_secret", credentials::FINPRO_CLIENT_SECRET),
        ("organisationId", credentials::FINPRO_ORGANISATION_ID),
        ("appIdentifier", credentials::FINPRO_APP_IDENTIFIER),
    ];
    let path = format!("/finpro{path}");
    let (status, reply) = call(sandbox, ("POST", &path), &headers, body.to_string()).await;
    assert_eq!(status, 200, "{reply}");
    reply
}

/// Asks for a consent: its handle, and the link for its customer.
pub(crate) async fn ask(page: &Page, lender: &Lender, mobile: &str) -> (String, String) {
    let body = json!({
        "productID": "LOAN-1",
        "vua": format!("{mobile}@onemoney"),
        "accountID": "application-4711",
        "redirectUrl": lender.url(),
    });
    let reply = finpro(&page.sandbox, "/v3/requestconsent", body).await;
    let text = |name: &str| reply["data"][name].as_str().unwrap().to_owned();
    (text("consent_handle"), text("webRedirectionUrl"))
}

async fn consent(page: &Page, handle: &str) -> Value {
    let body = json!({"consentHandle": [handle]});
    let reply = finpro(&page.sandbox, "/v3/getconsentslist", body).await;
    reply["data"][0].clone()
}

async fn status(page: &Page, handle: &str) -> String {
    let consent = consent(page, handle).await;
    consent["status"].as_str().unwrap().to_owned()
}

/// Presses the button that leads back, and reads what came of it as the lender does: status, code, handle.
async fn return_to(page: &Page, lender: &Lender) -> Value {
    page.click("a.button.primary").await;
    page.sees("Welcome back").await;
    let parameters: serde_json::Map<_, _> = lender
        .returned()
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let body = json!({ "webRedirectionURL": parameters });
    let reply = finpro(&page.sandbox, "/webRedirection/decryptUrl", body).await;
    let data = &reply["data"];
    json!([data["status"], data["errorcode"], data["srcref"]])
}

async fn to_banks(page: &Page) {
    page.press("Continue").await;
    page.fill(&[("otp", "123456")]).await;
    page.press("Verify").await;
    page.screen("Your banks").await;
}

pub(crate) async fn to_review(page: &Page) {
    to_banks(page).await;
    page.press("Find accounts").await;
    page.press("Link accounts").await;
    page.fill(&[("otp", "123456")]).await;
    page.press("Verify").await;
    page.screen("What you are asked for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_approves_fewer_accounts_by_keys_alone_and_returns() {
    visit("aggregator-keys", Width::Phone, on_pages(), async |page| {
        let lender = Lender::start().await;
        let (handle, link) = ask(page, &lender, MOBILE).await;
        page.follow(&link).await;
        let start = page.title_with("asks to see your accounts").await;
        page.screen(&start).await;
        page.enter("[name='mobile']").await;

        page.screen("Is this your phone?").await;
        page.sees("We would have sent 123456 to the phone.").await;
        page.tab_to("[name='otp']").await;
        page.keys(&format!("12{ENTER}")).await;
        page.is_told("is wrong").await;
        page.screen("Is this your phone?").await;
        page.tab_to("[name='otp']").await;
        page.keys(&format!("123456{ENTER}")).await;

        page.screen("Your banks").await;
        page.enter("button.primary").await;
        page.screen("Your accounts").await;
        assert_eq!(page.count("[name='account']:checked").await, 2);
        page.tab_to("label:nth-of-type(2) [name='account']").await;
        page.keys(" ").await;
        page.enter("button.primary").await;
        let bank = page.title_with("wants to know that it is you").await;
        page.screen(&bank).await;
        page.tab_to("[name='otp']").await;
        page.keys(&format!("123456{ENTER}")).await;
        page.screen("What you are asked for").await;
        assert_eq!(status(page, &handle).await, "PENDING");
        page.enter("button.primary").await;

        page.screen("Approved").await;
        let given = consent(page, &handle).await;
        assert_eq!(given["status"], "ACTIVE");
        assert_eq!(given["accounts"].as_array().map(Vec::len), Some(1));
        page.enter("a.button.primary").await;
        page.sees("Welcome back").await;

        // Reached twice it says the same, by the button of the browser and by the link.
        page.back().await;
        page.screen("Approved").await;
        page.follow(&link).await;
        page.screen("Approved").await;
        assert_eq!(return_to(page, &lender).await, json!(["S", "0", handle]));
        assert_eq!(consent(page, &handle).await, given);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_rejects_with_a_reason_or_approves_one_of_two() {
    visit(
        "aggregator-reject",
        Width::Phone,
        on_pages(),
        async |page| {
            page.prefers("prefers-color-scheme", "dark").await;
            let lender = Lender::start().await;
            let (handle, link) = ask(page, &lender, MOBILE).await;
            page.follow(&link).await;
            to_review(page).await;
            page.press("Reject").await;
            page.screen("Why do you reject?").await;
            page.press("Reject").await;
            page.is_told("Choose a reason.").await;
            page.press("Back").await;
            page.press("Reject").await;
            page.click("[name='reason'][value='1']").await;
            page.press("Reject").await;
            page.screen("Rejected").await;
            assert_eq!(status(page, &handle).await, "REJECTED");
            assert_eq!(return_to(page, &lender).await, json!(["F", "1", handle]));

            let (first, _) = ask(page, &lender, MOBILE).await;
            let (second, _) = ask(page, &lender, MOBILE).await;
            let body = json!({"consentHandle": [first, second], "redirectUrl": lender.url()});
            let both = finpro(&page.sandbox, "/webRedirection/getEncryptedUrl", body).await;
            page.follow(both["data"]["webRedirectionURL"].as_str().unwrap())
                .await;
            to_review(page).await;
            assert_eq!(page.count("ul li").await, 2, "each account once");
            for place in ["0", "1"] {
                page.click(&format!("[name='consent'][value='{place}']"))
                    .await;
            }
            page.press("Approve").await;
            page.is_told("Tick at least one request").await;
            page.click("[name='consent'][value='0']:checked").await;
            page.press("Approve").await;
            page.screen("Approved").await;
            assert_eq!(status(page, &first).await, "REJECTED");
            let given = consent(page, &second).await;
            assert_eq!(given["status"], "ACTIVE");
            assert_eq!(given["accounts"].as_array().map(Vec::len), Some(2));
            assert_eq!(
                return_to(page, &lender).await,
                json!(["S", "0", [first, second]])
            );
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_leaves_and_comes_back_or_comes_too_late() {
    visit("aggregator-leave", Width::Phone, on_pages(), async |page| {
        let lender = Lender::start().await;
        let (handle, link) = ask(page, &lender, MOBILE).await;
        page.follow(&link).await;
        page.press("Cancel").await;
        page.screen("Not decided").await;
        assert_eq!(return_to(page, &lender).await[1], "5");
        assert_eq!(status(page, &handle).await, "PENDING");

        // After the one-time password, and without a word.
        page.follow(&link).await;
        page.press("Start again").await;
        to_banks(page).await;
        page.open("/").await;
        page.follow(&link).await;
        page.screen("Your banks").await;
        page.sandbox.advance(Duration::from_secs(11 * 60)).await;
        page.press("Find accounts").await;
        page.screen("Not decided").await;
        page.sees("Nothing happened for ten minutes").await;
        assert_eq!(status(page, &handle).await, "PENDING");
        page.press("Start again").await;
        to_review(page).await;
        page.press("Approve").await;
        page.screen("Approved").await;
        assert_eq!(status(page, &handle).await, "ACTIVE");

        // Three wrong passwords lock.
        let (handle, link) = ask(page, &lender, "9812300001").await;
        page.follow(&link).await;
        page.fill(&[("mobile", "9812300002")]).await;
        page.press("Continue").await;
        page.is_told("not the mobile number").await;
        page.fill(&[("mobile", "9812300001")]).await;
        page.press("Continue").await;
        page.fill(&[("otp", "000000")]).await;
        page.press("Verify").await;
        page.is_told("too old").await;
        page.press("Send another one").await;
        page.sees("Another one-time password was sent.").await;
        for _ in 0..2 {
            page.fill(&[("otp", "111111")]).await;
            page.press("Verify").await;
            page.is_told("is wrong").await;
        }
        page.fill(&[("otp", "111111")]).await;
        page.press("Verify").await;
        page.screen("Locked").await;
        assert_eq!(return_to(page, &lender).await, json!(["F", "4", handle]));

        let (handle, link) = ask(page, &lender, "9812300003").await;
        page.follow(&link).await;
        page.sandbox.advance(Duration::from_secs(25 * 3_600)).await;
        page.press("Continue").await;
        page.screen("This request is over").await;
        assert_ne!(status(page, &handle).await, "ACTIVE");
        page.open("/aa/finpro/x").await;
        page.screen("That did not work").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consents_are_paused_resumed_and_revoked_and_markup_is_text() {
    visit("aggregator-mine", Width::Phone, on_pages(), async |page| {
        let lender = Lender::start().await;
        let (handle, link) = ask(page, &lender, MOBILE).await;
        page.follow(&link).await;
        to_review(page).await;
        page.press("Approve").await;
        page.press("My consents").await;
        page.screen("My consents").await;
        page.fill(&[("mobile", "<b>9812300000</b>")]).await;
        page.press("Continue").await;
        page.is_told("ten digits").await;
        page.fill(&[("mobile", MOBILE)]).await;
        page.press("Continue").await;
        page.screen("Is this your phone?").await;
        page.fill(&[("otp", "123456")]).await;
        page.press("Verify").await;
        page.screen("My consents").await;
        for (button, words, expected) in [
            ("Pause", "paused since", "PAUSED"),
            ("Resume", "given since", "ACTIVE"),
            ("Revoke", "revoked since", "REVOKED"),
        ] {
            page.press(button).await;
            page.sees(words).await;
            page.screen("My consents").await;
            assert_eq!(status(page, &handle).await, expected);
        }
        page.press("Leave").await;
        page.screen("Signed out").await;

        let (_, link) = ask(page, &lender, "<b id='b'>9812</b>").await;
        page.follow(&link).await;
        let shown = "return document.querySelector('[name=mobile]').value";
        assert_eq!(page.run(shown).await, "<b id='b'>9812</b>");
        assert_eq!(page.count("#b").await, 0);
        page.press("Cancel").await;
        page.screen("Not decided").await;
    })
    .await;
}
