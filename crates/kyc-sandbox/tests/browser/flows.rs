//! What a person does on the providers' pages, on a narrow screen and by the keyboard alone.

use hmac::{Hmac, KeyInit, Mac};
use kyc_sandbox::settings::PeopleAct;
use kyc_sandbox::{Settings, credentials};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::browser::{Page, Width, visit};

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// Nobody acts by a script.
fn settings() -> Settings {
    Settings::default().with_people_act(PeopleAct::OnPages)
}

/// Calls an operation over the socket, so that the links in its reply lead to this sandbox.
async fn call(page: &Page, path: &str, headers: &[(&str, &str)], body: &Value) -> Value {
    let host = page.origin.trim_start_matches("http://");
    let body = body.to_string();
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("\r\n{body}"));
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{reply}"))
}

/// Opens a link of a reply.
async fn open(page: &Page, link: &Value) {
    let link = link.as_str().unwrap();
    page.open(link.strip_prefix(&page.origin).unwrap()).await;
}

/// Goes on by the keyboard alone with what is offered first, and checks each screen, until this title is seen or the way leads out of
/// the sandbox. The titles of the screens, and where it leads.
async fn go_on(page: &Page, until: Option<&str>) -> (Vec<String>, Option<String>) {
    let mut titles = Vec::new();
    for _ in 0..20 {
        page.fits().await;
        page.is_accessible().await;
        let title = page
            .run("return document.querySelector('h1').innerText")
            .await;
        let title = title.as_str().unwrap_or_default().to_owned();
        titles.push(title.clone());
        if until == Some(title.as_str()) {
            return (titles, None);
        }
        if page.count("input[name='otp']").await == 1 {
            page.fill(&[("otp", "123456")]).await;
        }
        page.run(
            "for (const radio of document.querySelectorAll('input[type=radio]')) \
               if (!document.querySelector(`input[name='${radio.name}']:checked`)) radio.click(); \
             document.activeElement.blur(); document.body.dataset.old = 'yes';",
        )
        .await;
        let out = "const next = document.querySelector('main a.primary'); \
            return next && next.host !== location.host ? next.href : null";
        if let Some(out) = page.run(out).await.as_str() {
            return (titles, Some(out.to_owned()));
        }
        let is_there = "return document.activeElement.matches('.primary')";
        for _ in 0..60 {
            page.keys(TAB).await;
            if page.run(is_there).await == json!(true) {
                break;
            }
        }
        assert_eq!(
            page.run(is_there).await,
            json!(true),
            "keys reach no way on: {}",
            page.text().await
        );
        page.keys(ENTER).await;
        page.find("body:not([data-old])").await;
    }
    panic!("it does not end: {titles:?}");
}

async fn digilocker(page: &Page) {
    let headers = [
        ("x-api-key", credentials::DEEPVUE_CLIENT_SECRET),
        ("client-id", credentials::DEEPVUE_CLIENT_ID),
    ];
    let body = json!({"consent": "Y", "purpose": "Opening an account", "redirect_url": "https://lender.example.test/back"});
    let path = "/deepvue/v1/kyc/digilocker/initiate-session";
    let opened = call(page, path, &headers, &body).await;
    open(page, &opened["data"]["authorization_url"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_allows_at_digilocker() {
    visit("digilocker_allow", Width::Phone, settings(), async |page| {
        digilocker(page).await;
        let (titles, out) = go_on(page, None).await;
        assert_eq!(
            titles[..3],
            [
                "Sign in to DigiLocker",
                "Enter the password",
                "Do you consent?"
            ]
        );
        let out = out.unwrap();
        assert!(
            out.starts_with("https://lender.example.test/back?") && out.contains("code="),
            "{out}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_denies_at_digilocker() {
    visit("digilocker_deny", Width::Phone, settings(), async |page| {
        digilocker(page).await;
        go_on(page, Some("Do you consent?")).await;
        page.press("Deny").await;
        page.sees("Continue").await;
        let (_, out) = go_on(page, None).await;
        let out = out.unwrap();
        assert!(
            out.contains("error=access_denied") && !out.contains("code="),
            "{out}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_verified_at_veriff() {
    visit("veriff", Width::Phone, settings(), async |page| {
        let body = json!({"verification": {"callback": "https://app.example.test/back"}});
        let mac = Hmac::<Sha256>::new_from_slice(credentials::VERIFF_SHARED_SECRET.as_bytes());
        let mac = mac.unwrap().chain_update(body.to_string());
        let signature = hex::encode(mac.finalize().into_bytes());
        let headers = [
            ("x-auth-client", credentials::VERIFF_API_KEY),
            ("x-hmac-signature", signature.as_str()),
        ];
        let opened = call(page, "/veriff/v1/sessions", &headers, &body).await;
        open(page, &opened["verification"]["url"]).await;
        let (titles, out) = go_on(page, None).await;
        assert_eq!(
            titles.first().map(String::as_str),
            Some("Verify who you are")
        );
        assert!(
            titles.iter().any(|title| title == "Your face"),
            "{titles:?}"
        );
        assert_eq!(out.as_deref(), Some("https://app.example.test/back"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_approves_at_the_aggregator() {
    visit("aggregator", Width::Phone, settings(), async |page| {
        let headers = [
            ("x-api-key", credentials::FINPASS_API_KEY),
            ("x-api-secret", credentials::FINPASS_API_SECRET),
        ];
        let body = json!({
            "mobile_number": "9001000000", "consent_type": "loan_underwriting", "redirect_url": "https://lender.example.test/back",
        });
        let path = "/finpass/api/v1/services/account-aggregator/init";
        let opened = call(page, path, &headers, &body).await;
        open(page, &opened["data"]["redirect_url"]).await;
        let (titles, out) = go_on(page, None).await;
        assert_eq!(titles.last().map(String::as_str), Some("Approved"), "{titles:?}");
        assert!(out.is_some_and(|out| out.starts_with("https://lender.example.test/back")));
    })
    .await;
}
