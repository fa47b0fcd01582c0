//! DigiLocker's pages in a browser.

use std::time::Duration;

use kyc_sandbox::{Sandbox, credentials};
use serde_json::{Value, json};

use crate::aggregator::on_pages;
use crate::browser::{ENTER, Lender, Page, Width, call, visit};

async fn deepvue(sandbox: &Sandbox, operation: &str, mut body: Value) -> (u16, Value) {
    body["consent"] = json!("Y");
    if body["purpose"].is_null() {
        body["purpose"] = json!("Opening an account");
    }
    let headers = [
        ("x-api-key", credentials::DEEPVUE_CLIENT_SECRET),
        ("client-id", credentials::DEEPVUE_CLIENT_ID),
    ];
    let path = format!("/deepvue/v1/kyc/digilocker/{operation}");
    call(sandbox, ("POST", &path), &headers, body.to_string()).await
}

/// Opens a session and its link; its id.
pub(crate) async fn open(page: &Page, lender: &Lender, purpose: Value) -> String {
    let body = json!({"redirect_url": lender.url(), "purpose": purpose});
    let (_, reply) = deepvue(&page.sandbox, "initiate-session", body).await;
    page.follow(reply["data"]["authorization_url"].as_str().unwrap())
        .await;
    reply["transaction_id"].as_str().unwrap().to_owned()
}

async fn sign_in(page: &Page, mobile: &str) {
    // A number that is typed is meant, whichever person is still chosen.
    page.fill(&[("number", mobile)]).await;
    page.press("Next").await;
}

pub(crate) async fn to_consent(page: &Page) {
    sign_in(page, "9001000000").await;
    page.fill(&[("otp", "123456")]).await;
    page.press("Verify").await;
    page.screen("Do you consent?").await;
}

/// Presses the button that leads back; the parameters of the return.
async fn return_to(page: &Page, lender: &Lender) -> Vec<(String, String)> {
    page.press("Continue").await;
    page.sees("Welcome back").await;
    lender.returned()
}

/// The kinds of documents that the caller can list after this return.
async fn documents(page: &Page, id: &str, returned: &[(String, String)]) -> Vec<String> {
    let [(code, value), (state, of)] = returned else {
        panic!("{returned:?}");
    };
    assert_eq!(
        (code.as_str(), state.as_str(), of.as_str()),
        ("code", "state", id)
    );
    let mut body = json!({"initial_deepvue_transaction_id": id, "digilocker_code": value});
    let (status, reply) = deepvue(&page.sandbox, "access-token", body.clone()).await;
    assert_eq!(status, 200, "{reply}");
    body["digilocker_code"].take();
    let (_, list) = deepvue(&page.sandbox, "issued-files", body).await;
    let files = list["data"].as_array().unwrap().iter();
    files
        .map(|file| file["doctype"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_allows_everything_by_keys_alone_and_returns() {
    visit("digilocker-keys", Width::Phone, on_pages(), async |page| {
        let lender = Lender::start().await;
        let id = open(page, &lender, json!("<b id='b'>Opening</b> an account")).await;
        page.screen("Sign in to DigiLocker").await;
        page.enter("button.primary").await;
        page.screen("Enter the password").await;
        page.tab_to("[name='otp']").await;
        page.keys(&format!("12{ENTER}")).await;
        page.is_told("six digits").await;
        page.screen("Enter the password").await;
        page.tab_to("[name='otp']").await;
        page.keys(&format!("111111{ENTER}")).await;
        page.is_told("Attempts left: 2").await;
        page.tab_to("[name='otp']").await;
        page.keys(&format!("123456{ENTER}")).await;
        page.screen("Do you consent?").await;
        page.sees("<b id='b'>Opening</b> an account").await;
        assert_eq!(page.count("#b").await, 0);
        page.enter("button.primary").await;
        page.screen("Returning…").await;
        page.sees("You allowed: Aadhaar card, PAN card, Driving licence.")
            .await;
        page.enter("a.button.primary").await;
        page.sees("Welcome back").await;

        // Reached twice it says so, and leads to the same.
        page.back().await;
        page.screen("Returning…").await;
        let path = page.path().await;
        let returned = return_to(page, &lender).await;
        assert_eq!(documents(page, &id, &returned).await.len(), 3);
        page.open(&path).await;
        page.screen("Already used").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_allows_fewer_documents_none_or_denies() {
    visit("digilocker-fewer", Width::Phone, on_pages(), async |page| {
        page.prefers("prefers-color-scheme", "dark").await;
        let lender = Lender::start().await;
        let id = open(page, &lender, json!(null)).await;
        to_consent(page).await;
        page.click("[name='document'][value='pan']").await;
        page.click("[name='document'][value='dl']").await;
        page.press("Allow").await;
        page.screen("Returning…").await;
        page.sees("You allowed: Aadhaar card.").await;
        let returned = return_to(page, &lender).await;
        assert_eq!(documents(page, &id, &returned).await.len(), 1);

        let id = open(page, &lender, json!(null)).await;
        to_consent(page).await;
        for document in ["aadhaar", "pan", "dl"] {
            page.click(&format!("[name='document'][value='{document}']"))
                .await;
        }
        page.press("Allow").await;
        page.sees("You consented, and ticked no document. None is shared.")
            .await;
        let returned = return_to(page, &lender).await;
        assert_eq!(documents(page, &id, &returned).await, [""; 0]);

        let id = open(page, &lender, json!(null)).await;
        to_consent(page).await;
        page.press("Deny").await;
        page.screen("Returning…").await;
        page.sees("You allowed nothing.").await;
        let returned = return_to(page, &lender).await;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            returned,
            [pair("error", "access_denied"), pair("state", &id)]
        );

        // What the issuer has not cannot be ticked.
        open(page, &lender, json!(null)).await;
        sign_in(page, "9001320000").await;
        page.fill(&[("otp", "123456")]).await;
        page.press("Verify").await;
        page.screen("Do you consent?").await;
        page.sees("PAN card (the issuer has none)").await;
        assert_eq!(page.count("[value='pan']:disabled").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_makes_an_account_leaves_and_comes_back_or_comes_too_late() {
    visit("digilocker-leave", Width::Phone, on_pages(), async |page| {
        let lender = Lender::start().await;
        open(page, &lender, json!(null)).await;
        let start = page.path().await;
        sign_in(page, "9812300000").await;
        page.is_told("may be somebody's").await;
        assert_eq!(page.count("[value='other']:checked").await, 1);
        page.screen("Sign in to DigiLocker").await;
        sign_in(page, "9001300000").await;
        page.screen("Create account").await;
        page.press("Send the password").await;
        page.screen("Enter the password").await;
        page.press("Use PIN").await;
        page.screen("Your PIN").await;
        page.press("Use a password").await;
        page.fill(&[("otp", "000000")]).await;
        page.press("Verify").await;
        page.is_told("has expired").await;
        page.press("Send another one").await;
        page.is_told("less than 30 seconds ago").await;
        page.sandbox.advance(Duration::from_secs(31)).await;
        page.press("Send another one").await;
        page.press("Leave").await;
        page.screen("You are leaving").await;
        page.press("Go on after all").await;
        page.fill(&[("otp", "123456")]).await;
        page.press("Verify").await;
        page.screen("Do you consent?").await;
        // Away without a word, and back.
        page.open("/").await;
        page.open(&start).await;
        page.press("Deny").await;
        page.sees("You allowed nothing.").await;

        open(page, &lender, json!(null)).await;
        sign_in(page, "9000000003").await;
        page.press("Send the password").await;
        page.is_told("not linked to Aadhaar").await;
        page.press("Back").await;
        sign_in(page, "9001000000").await;
        for left in ["2", "1"] {
            page.fill(&[("otp", "111111")]).await;
            page.press("Verify").await;
            page.is_told(&format!("Attempts left: {left}")).await;
        }
        page.fill(&[("otp", "111111")]).await;
        page.press("Verify").await;
        page.screen("Locked").await;

        open(page, &lender, json!(null)).await;
        page.sandbox.advance(Duration::from_secs(11 * 60)).await;
        page.press("Next").await;
        page.screen("This link has expired").await;
        page.open("/digilocker/x").await;
        page.screen("Nothing here").await;
    })
    .await;
}
