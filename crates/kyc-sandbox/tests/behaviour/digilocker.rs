//! DigiLocker: pages as a person uses them, people by script, and what the caller then gets.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kyc_sandbox::settings::{FileForm, PeopleAct, ReturnParameters};
use kyc_sandbox::{ClockMode, DeepvueSettings, Sandbox, Settings};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::deepvue::HEADERS;
use crate::{Reply, control, send};

const BACK: &str = "https://lender.example.test/back";
const MINUTE: Duration = Duration::from_secs(60);

fn frozen(settings: DeepvueSettings) -> Sandbox {
    let sandbox = Sandbox::new(Settings::default().with_deepvue(settings));
    sandbox.set_clock_mode(ClockMode::Frozen);
    sandbox
}

async fn call(sandbox: &Sandbox, operation: &str, mut body: Value) -> Reply {
    body["consent"] = json!("Y");
    if body["purpose"].is_null() {
        body["purpose"] = json!("Opening an account");
    }
    let path = format!("/deepvue/v1/kyc/digilocker/{operation}");
    send(sandbox, "POST", &path, HEADERS, body.to_string()).await
}

/// Opens a session: its id, and the path of its link.
async fn initiate(sandbox: &Sandbox, body: Value) -> (String, String) {
    let reply = call(sandbox, "initiate-session", body).await.json();
    let id = reply["transaction_id"].as_str().unwrap().to_owned();
    let url = reply["data"]["authorization_url"].as_str().unwrap();
    (id, url.strip_prefix("http://localhost").unwrap().to_owned())
}

async fn of(sandbox: &Sandbox, operation: &str, id: &str, mut body: Value) -> Reply {
    body["initial_deepvue_transaction_id"] = json!(id);
    call(sandbox, operation, body).await
}

async fn complete(sandbox: &Sandbox, id: &str, code: &str) -> Reply {
    of(
        sandbox,
        "access-token",
        id,
        json!({"digilocker_code": code}),
    )
    .await
}

/// The kinds of documents that the caller can list.
async fn doctypes(sandbox: &Sandbox, id: &str) -> Vec<String> {
    let list = of(sandbox, "issued-files", id, json!({})).await.json();
    let files = list["data"].as_array().unwrap().iter();
    files
        .map(|file| file["doctype"].as_str().unwrap().to_owned())
        .collect()
}

/// The parameters of a return.
fn parameters(url: &str) -> Vec<(String, String)> {
    let (_, query) = url.split_once('?').unwrap();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let found = parameters(url).into_iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value)
}

/// Signs in as this person, up to the consent.
async fn sign_in(browser: &mut Browser<'_>, mobile: &str) {
    browser
        .send(&[("person", "other"), ("number", mobile)])
        .await;
    assert_eq!(browser.title(), "Enter the password");
    browser.send(&[("otp", "123456")]).await;
    assert_eq!(browser.title(), "Do you consent?");
}

#[tokio::test]
async fn a_person_allows_everything_and_the_code_of_the_page_is_the_only_one() {
    let sandbox = frozen(DeepvueSettings::default());
    let (id, link) = initiate(
        &sandbox,
        json!({"redirect_url": format!("{BACK}?case=7#top")}),
    )
    .await;
    let mut browser = Browser::open(&sandbox, &link).await;
    assert_eq!(
        (browser.page.status, browser.title()),
        (200, "Sign in to DigiLocker")
    );
    browser.send(&[("person", "9001000000")]).await;
    assert!(browser.shows("We would have sent 123456 to 9001000000."));
    browser.send(&[("otp", "123456")]).await;
    for text in [
        "lender.example.test",
        "Opening an account",
        "Aadhaar card",
        "PAN card",
        "Driving licence",
    ] {
        assert!(browser.shows(text), "{text}");
    }
    browser
        .send(&[
            ("document", "aadhaar"),
            ("document", "pan"),
            ("document", "dl"),
            ("do", "allow"),
        ])
        .await;
    assert!(browser.shows("You allowed: Aadhaar card, PAN card, Driving licence."));
    let back = browser.link("Continue").unwrap();
    let code = parameter(&back, "code").unwrap();
    assert_eq!(back, format!("{BACK}?case=7&code={code}&state={id}#top"));
    assert_eq!(sandbox.digilocker_return(&id), Some(back.clone()));

    for wrong in ["any", &format!("code-{id}"), ""] {
        let reply = complete(&sandbox, &id, wrong).await;
        assert!((400..=422).contains(&reply.status), "{wrong}");
    }
    let reply = complete(&sandbox, &id, &code).await;
    assert_eq!(
        (reply.status, &reply.json()["data"]["mobile"]),
        (200, &json!("9001000000"))
    );
    complete(&sandbox, &id, &code)
        .await
        .is(400, r#"{"detail":"Invalid digilocker_code"}"#);
    assert_eq!(doctypes(&sandbox, &id).await, ["ADHAR", "PANCR", "DRVLC"]);
    // The same address says so afterwards, and leads to the same place.
    browser.get(&link).await;
    assert_eq!(browser.title(), "Already used");
    assert_eq!(browser.link("Continue"), Some(back));
}

#[tokio::test]
async fn fewer_documents_none_or_a_refusal_are_answers_too() {
    for (fields, words, expected) in [
        (
            vec![("document", "pan"), ("do", "allow")],
            "You allowed: PAN card.",
            vec!["PANCR"],
        ),
        (vec![("do", "allow")], "ticked no document", vec![]),
        // What was not asked for cannot be ticked.
        (
            vec![("document", "dl"), ("do", "allow")],
            "ticked no document",
            vec![],
        ),
    ] {
        let sandbox = frozen(DeepvueSettings::default());
        let body = json!({"redirect_url": BACK, "doc_types": ["aadhaar", "pan"]});
        let (id, link) = initiate(&sandbox, body).await;
        let mut browser = Browser::open(&sandbox, &link).await;
        sign_in(&mut browser, "9001000000").await;
        assert!(!browser.shows("Driving licence"));
        browser.send(&fields).await;
        assert!(browser.shows(words), "{words}");
        let back = browser.link("Continue").unwrap();
        let code = parameter(&back, "code").unwrap();
        assert_eq!(complete(&sandbox, &id, &code).await.status, 200);
        assert_eq!(doctypes(&sandbox, &id).await, expected);
        let refused = of(&sandbox, "eaadhaar", &id, json!({})).await;
        refused.is(
            400,
            r#"{"detail":"Consent is not given for this document"}"#,
        );
        let uri = json!({"uri": "in.gov.uidai-ADHAR-invented0001"});
        assert_eq!(of(&sandbox, "file", &id, uri).await.status, 404);
    }
    let sandbox = frozen(DeepvueSettings::default());
    let (id, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    sign_in(&mut browser, "9001000000").await;
    browser.send(&[("do", "deny")]).await;
    let back = browser.link("Continue").unwrap();
    assert_eq!(back, format!("{BACK}?error=access_denied&state={id}"));
    assert_eq!(complete(&sandbox, &id, "any").await.status, 400);
    // The answer stands.
    browser.get(&link).await;
    assert_eq!(browser.link("Continue"), Some(back));
}

#[tokio::test]
async fn the_names_of_the_parameters_are_a_setting() {
    for (form, code, state) in [
        (ReturnParameters::CodeAndState, "code", "state"),
        (
            ReturnParameters::DigilockerCodeAndState,
            "digilocker_code",
            "state",
        ),
        (
            ReturnParameters::DigilockerCodeAndTransactionId,
            "digilocker_code",
            "transaction_id",
        ),
    ] {
        let sandbox = frozen(DeepvueSettings::default().with_return_parameters(form));
        let body = json!({"redirect_url": BACK, "purpose": "KYC 9001000000"});
        let (id, _) = initiate(&sandbox, body).await;
        let back = sandbox.digilocker_return(&id).unwrap();
        let expected = [
            (code.to_owned(), format!("code-{id}")),
            (state.to_owned(), id),
        ];
        assert_eq!(parameters(&back), expected);
    }
}

#[tokio::test]
async fn links_and_codes_live_for_a_while() {
    let sandbox = frozen(DeepvueSettings::default());
    let (_, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    sandbox.advance(10 * MINUTE).await;
    assert_eq!(Browser::open(&sandbox, &link).await.page.status, 200);
    sandbox.advance(Duration::from_secs(1)).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    assert_eq!(
        (browser.page.status, browser.title()),
        (410, "This link has expired")
    );
    assert!(browser.shows("lender.example.test"));
    browser
        .send(&[("step", "start"), ("person", "9001000000")])
        .await;
    assert_eq!(browser.page.status, 410);

    // Whoever answered in time returns with a code that lasts ten minutes.
    for (wait, status) in [(10 * MINUTE, 200), (11 * MINUTE, 400)] {
        let (id, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
        let mut browser = Browser::open(&sandbox, &link).await;
        sign_in(&mut browser, "9001000000").await;
        browser.send(&[("document", "pan"), ("do", "allow")]).await;
        let code = parameter(&browser.link("Continue").unwrap(), "code").unwrap();
        sandbox.advance(wait).await;
        assert_eq!(complete(&sandbox, &id, &code).await.status, status);
    }
    let nothing = Browser::open(&sandbox, "/digilocker/unknown").await;
    assert_eq!(
        (nothing.page.status, nothing.title()),
        (404, "Nothing here")
    );
    let path = "/deepvue/v1/kyc/digilocker/digilocker-redirect";
    for query in ["", "?state=unknown", "?state=%3Cscript%3E"] {
        let nothing = Browser::open(&sandbox, &format!("{path}{query}")).await;
        assert_eq!(nothing.page.status, 404);
        assert!(!nothing.shows("<script"));
    }
}

#[tokio::test]
async fn passwords_are_right_wrong_expired_or_locked() {
    let sandbox = frozen(DeepvueSettings::default());
    let (id, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    browser.send(&[("person", "9001000000")]).await;
    for (otp, words) in [
        ("12345", "six digits"),
        ("<b>12", "six digits"),
        ("000000", "has expired"),
        ("111111", "Attempts left: 2"),
    ] {
        browser.send(&[("otp", otp)]).await;
        assert_eq!(browser.page.status, 422);
        assert!(browser.error().unwrap().contains(words), "{otp}");
    }
    browser.send(&[("do", "resend")]).await;
    assert!(browser.error().unwrap().contains("30 seconds"));
    sandbox.advance(Duration::from_secs(30)).await;
    browser.send(&[("do", "resend")]).await;
    assert_eq!((browser.page.status, browser.error()), (200, None));
    let pin = browser.link("Use PIN").unwrap();
    browser.get(&pin).await;
    assert_eq!(browser.title(), "Your PIN");
    browser.send(&[("otp", "222222")]).await;
    assert!(browser.error().unwrap().contains("Attempts left: 1"));
    browser.send(&[("otp", "333333")]).await;
    assert_eq!((browser.page.status, browser.title()), (403, "Locked"));
    browser.get(&link).await;
    assert_eq!(browser.title(), "Locked");
    assert_eq!(complete(&sandbox, &id, "any").await.status, 400);

    let (_, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    browser.send(&[("person", "9001110000")]).await;
    assert!(browser.shows("No password arrives"));
    browser.send(&[("otp", "999999")]).await;
    assert_eq!(browser.title(), "Locked");
}

#[tokio::test]
async fn whoever_has_no_account_makes_one_unless_no_number_is_linked() {
    let sandbox = frozen(DeepvueSettings::default());
    let (_, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    browser.send(&[("person", "9000000003")]).await;
    assert_eq!(browser.title(), "Create account");
    browser.send(&[]).await;
    assert!(browser.error().unwrap().contains("not linked to Aadhaar"));
    let back = browser.link("Back").unwrap();
    browser.get(&back).await;
    browser.send(&[("person", "9001300000")]).await;
    assert_eq!(browser.title(), "Create account");
    browser.send(&[]).await;
    browser.send(&[("otp", "123456")]).await;
    assert_eq!(browser.title(), "Do you consent?");
    // Who has one may make one all the same.
    let (_, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    browser
        .send(&[("person", "9001000000"), ("do", "create")])
        .await;
    assert_eq!(browser.title(), "Create account");
}

#[tokio::test]
async fn numbers_that_may_be_somebodys_are_refused_and_not_shown_again() {
    let sandbox = frozen(DeepvueSettings::default());
    let (_, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    for (number, words) in [
        ("9876543210", "may be somebody's."),
        (
            concat!("9999", "11112222"),
            "may be somebody's Aadhaar number",
        ),
        (
            "<script>alert(1)</script>",
            "no number of an invented person",
        ),
        ("", "Nobody is chosen"),
    ] {
        browser
            .send(&[("person", "other"), ("number", number)])
            .await;
        assert_eq!(browser.page.status, 422);
        let error = browser.error().unwrap().to_owned();
        assert!(error.replace("&#39;", "'").contains(words), "{error}");
        assert!(number.is_empty() || !browser.shows(number));
    }
    let any = frozen(DeepvueSettings::default().with_real_looking_numbers(true));
    let (_, link) = initiate(&any, json!({"redirect_url": BACK})).await;
    let mut other = Browser::open(&any, &link).await;
    sign_in(&mut other, "9876543210").await;
    assert!(other.shows("INVENTED PERSON"));
    assert!(browser.shows("aria-describedby=\"error\"") && browser.shows("id=\"error\""));
}

#[tokio::test]
async fn every_screen_has_a_way_out_and_nothing_is_lost() {
    let sandbox = frozen(DeepvueSettings::default());
    let (id, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    let mut titles = Vec::new();
    for fields in [
        vec![("person", "9001300000")],
        vec![],
        vec![("otp", "123456")],
        vec![("document", "pan"), ("do", "allow")],
    ] {
        let title = browser.title().to_owned();
        let leave = browser.link("Leave").unwrap();
        assert_eq!(
            browser.link("Back").is_some(),
            title != "Sign in to DigiLocker"
        );
        browser.get(&leave).await;
        assert_eq!(browser.title(), "You are leaving");
        let on = browser.link("Go on after all").unwrap();
        browser.get(&on).await;
        assert_eq!(browser.title(), title);
        titles.push(title);
        browser.send(&fields).await;
    }
    let expected = [
        "Sign in to DigiLocker",
        "Create account",
        "Enter the password",
        "Do you consent?",
    ];
    assert_eq!(titles, expected);
    assert!(sandbox.digilocker_return(&id).is_some());
}

#[tokio::test]
async fn forms_from_elsewhere_out_of_order_or_of_another_browser_do_nothing() {
    let sandbox = frozen(DeepvueSettings::default());
    let (id, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    let page = browser.at.clone();
    let token = browser.hidden().remove(0).1;
    let start = [("step", "start"), ("person", "9001000000")];
    browser.post(&start, &[]).await;
    assert_eq!(
        (browser.page.status, browser.title()),
        (403, "Not from here")
    );
    browser.at.clone_from(&page);
    let with_token = [&start[..], &[("token", &token)]].concat();
    let evil = [
        ("host", "127.0.0.1:8787"),
        ("origin", "http://evil.example"),
    ];
    browser.post(&with_token, &evil).await;
    assert_eq!(browser.page.status, 403);
    browser.at.clone_from(&page);
    let early = [
        ("token", token.as_str()),
        ("step", "consent"),
        ("do", "allow"),
    ];
    browser.post(&early, &[]).await;
    assert_eq!((browser.page.status, browser.title()), (409, "Not yet"));
    browser.get(&link).await;
    sign_in(&mut browser, "9001000000").await;

    // Somebody else with the same link.
    let mut other = Browser::open(&sandbox, &link).await;
    assert_eq!(
        (other.page.status, other.title()),
        (409, "Session of another person")
    );
    other.at.clone_from(&page);
    other.post(&early, &[]).await;
    assert_eq!(
        (other.page.status, other.title()),
        (409, "Session of another person")
    );
    assert_eq!(sandbox.digilocker_return(&id), None);
    browser.send(&[("document", "pan"), ("do", "allow")]).await;
    other.get(&link).await;
    assert_eq!(other.title(), "Session of another person");
    assert!(other.link("Continue").is_none());
    // The button again, later: the answer is what it was.
    let before = sandbox.digilocker_return(&id);
    let late = [
        ("token", token.as_str()),
        ("step", "consent"),
        ("do", "deny"),
    ];
    browser.post(&late, &[]).await;
    assert_eq!(browser.title(), "Returning…");
    assert_eq!(sandbox.digilocker_return(&id), before);

    // Whoever signs in instead begins again.
    let (_, link) = initiate(&sandbox, json!({"redirect_url": BACK})).await;
    let mut first = Browser::open(&sandbox, &link).await;
    sign_in(&mut first, "9001000000").await;
    let mut second = Browser::open(&sandbox, &link).await;
    let instead = second.link("Sign in here instead").unwrap();
    second.get(&instead).await;
    sign_in(&mut second, "9001310000").await;
    first.get(&link).await;
    assert_eq!(first.title(), "Session of another person");
}

#[tokio::test]
async fn markup_of_the_caller_is_shown_as_text_and_its_script_is_no_link() {
    let sandbox = frozen(DeepvueSettings::default());
    let body = json!({
        "redirect_url": "javascript:alert(1)",
        "purpose": "<img src=x onerror=alert(1)>",
    });
    let (_, link) = initiate(&sandbox, body).await;
    let mut browser = Browser::open(&sandbox, &link).await;
    sign_in(&mut browser, "9001000000").await;
    assert!(browser.shows("&lt;img src=x") && !browser.shows("<img"));
    browser.send(&[("do", "allow")]).await;
    assert!(browser.link("Continue").is_none());
    assert!(!browser.shows("href=\"javascript"));
    assert!(browser.shows("gave no web address"));
}

#[tokio::test]
async fn a_person_stops_where_somebody_else_has_signed_in() {
    let sandbox = frozen(DeepvueSettings::default());
    let body = json!({"redirect_url": BACK, "purpose": "KYC of 9001010000"});
    let (_, link) = initiate(&sandbox, body).await;
    let steps = async || {
        let journey = send(&sandbox, "GET", "/sandbox/journeys/j_1", &[], "").await;
        journey.text.matches("allow").count()
    };
    let mut browser = Browser::open(&sandbox, &link).await;
    sign_in(&mut browser, "9001010000").await;
    browser.send(&[("document", "pan"), ("do", "allow")]).await;
    let before = steps().await;
    assert_ne!(before, 0);
    sandbox.advance(11 * MINUTE).await;
    assert_eq!(steps().await, before, "nobody allows it again");
}

#[tokio::test]
async fn the_clock_is_moved_to_the_step_of_a_person() {
    let sandbox = frozen(DeepvueSettings::default());
    let body = json!({"redirect_url": BACK, "purpose": "KYC of 9001010000"});
    let (id, _) = initiate(&sandbox, body).await;
    assert_eq!(sandbox.digilocker_return(&id), None);
    let until = json!({"until": "j_1.step"});
    let moved = control::post(&sandbox, "/sandbox/clock", &until).await;
    assert_eq!(moved.json()["event"], "j_1.step", "{}", moved.text);
    assert!(sandbox.digilocker_return(&id).is_some());
    let again = control::post(&sandbox, "/sandbox/clock", &until).await;
    assert_eq!(again.status, 404, "{}", again.text);
}

#[tokio::test]
async fn the_link_of_a_scripted_person_leads_back_to_the_caller() {
    let outcome = async |number: &str, back: &str| {
        let sandbox = frozen(DeepvueSettings::default());
        let body = json!({"redirect_url": back, "purpose": format!("KYC {number}")});
        let (id, link) = initiate(&sandbox, body).await;
        let to_page = send(&sandbox, "GET", &link, &[], "").await;
        let page = to_page.header("location").unwrap().to_owned();
        assert_eq!(
            (to_page.status, &*page),
            (303, &*format!("/digilocker/{id}"))
        );
        let opened = send(&sandbox, "GET", &page, &[], "").await;
        (sandbox, id, page, opened)
    };
    const HERE: &str = "http://127.0.0.1:18251/back";
    // approve, code-late, no-pan-document, ticks-none: the code is in the address alone.
    for (number, completes, expected) in [
        ("9001000000", 200, vec!["ADHAR", "PANCR", "DRVLC"]),
        ("9001340000", 400, vec![]),
        ("9001320000", 200, vec!["ADHAR", "DRVLC"]),
        ("9001330000", 200, vec![]),
    ] {
        let (sandbox, id, page, opened) = outcome(number, HERE).await;
        let back = opened.header("location").unwrap_or_default().to_owned();
        assert_eq!(opened.status, 303, "{number}: {}", opened.text);
        let code = parameter(&back, "code").unwrap();
        assert_eq!(back, format!("{HERE}?code={code}&state={id}"), "{number}");
        assert_eq!(complete(&sandbox, &id, &code).await.status, completes);
        if completes == 200 {
            assert_eq!(doctypes(&sandbox, &id).await, expected, "{number}");
            let again = Browser::open(&sandbox, &page).await;
            assert_eq!((again.page.status, again.title()), (200, "Already used"));
        }
        // The row of the step says where, and no value of it.
        let rows = send(&sandbox, "GET", "/j/j_1", &[], "").await.text;
        let what = match expected.as_slice() {
            [] if completes == 200 => "ticked no document",
            _ => "allowed the documents",
        };
        let words =
            format!("{what}, and returns to http://127.0.0.1:18251/back?code=…&amp;state=…");
        assert!(rows.contains(&words), "{rows}");
        let step = send(&sandbox, "GET", "/sandbox/journeys/j_1", &[], "").await;
        assert!(!step.text.contains(&code), "{}", step.text);
    }
    let (_, id, _, denied) = outcome("9001030000", HERE).await;
    let back = format!("{HERE}?error=access_denied&state={id}");
    assert_eq!(denied.header("location"), Some(back.as_str()));
    // An address to which no browser is sent is none to which a reply leads.
    for back in ["javascript:alert(1)", "app://done"] {
        let (_, id, page, opened) = outcome("9001000000", back).await;
        assert_eq!((opened.status, opened.header("location")), (200, None));
        assert!(opened.text.contains(&format!("code-{id}")), "{page}");
    }
    // Whoever stopped on the way can be followed by somebody else.
    for number in ["9001050000", "9001110000"] {
        let (sandbox, _, page, opened) = outcome(number, HERE).await;
        // The name of people by script is no browser's.
        let nil = "00000000-0000-0000-0000-000000000000";
        let cookie = format!("browser={nil}");
        let named = send(&sandbox, "GET", &page, &[("cookie", &cookie)], "").await;
        assert_eq!(named.status, 409, "{number}");
        assert!(opened.text.contains("Sign in here instead"), "{number}");
        assert!(opened.text.contains("of the script"), "{number}");
    }
}

#[tokio::test]
async fn scripted_people_answer_by_themselves() {
    for (carrier, number) in [
        (
            json!({"redirect_url": format!("{BACK}?n=9001000000")}),
            "9001000000",
        ),
        (
            json!({"redirect_url": BACK, "purpose": "KYC of 9001020000"}),
            "9001020000",
        ),
    ] {
        let sandbox = frozen(DeepvueSettings::default());
        let (id, _) = initiate(&sandbox, carrier).await;
        let code = parameter(&sandbox.digilocker_return(&id).unwrap(), "code").unwrap();
        assert_eq!(complete(&sandbox, &id, "other").await.status, 400);
        let reply = complete(&sandbox, &id, &code).await;
        assert_eq!(reply.json()["data"]["mobile"], number);
    }
    let outcome = async |number: &str| {
        let sandbox = frozen(DeepvueSettings::default());
        let body = json!({"redirect_url": BACK, "purpose": number});
        let (id, link) = initiate(&sandbox, body).await;
        (sandbox, id, link)
    };
    // approve and partial
    for (number, expected) in [
        ("9001000000", vec!["ADHAR", "PANCR", "DRVLC"]),
        ("9001020000", vec!["ADHAR"]),
        ("9001190000", vec!["ADHAR", "PANCR", "DRVLC"]),
        ("9001300000", vec!["ADHAR", "PANCR", "DRVLC"]),
        ("9001310000", vec!["PANCR", "DRVLC"]),
        ("9001320000", vec!["ADHAR", "DRVLC"]),
        ("9001330000", vec![]),
    ] {
        let (sandbox, id, _) = outcome(number).await;
        for (name, body) in [
            ("eaadhaar", json!({})),
            ("issued-files", json!({})),
            ("file", json!({"uri": "u"})),
        ] {
            let early = of(&sandbox, name, &id, body).await;
            early.is(400, r#"{"detail":"invalid_token"}"#);
        }
        let reply = complete(&sandbox, &id, &format!("code-{id}")).await;
        assert_eq!(reply.status, 200, "{number}");
        let has = if number == "9001310000" { "N" } else { "Y" };
        assert_eq!(reply.json()["data"]["eaadhaar"], has, "{number}");
        assert_eq!(doctypes(&sandbox, &id).await, expected, "{number}");
        let unknown = json!({"uri": "in.gov.pan-PANCR-unknown"});
        let unknown = of(&sandbox, "file", &id, unknown).await;
        unknown.is(404, r#"{"detail":"invalid_uri"}"#);
        let aadhaar = of(&sandbox, "eaadhaar", &id, json!({})).await;
        assert_eq!(
            aadhaar.status == 200,
            expected.contains(&"ADHAR"),
            "{number}"
        );
        if has == "N" {
            aadhaar.is(404, r#"{"detail":"aadhaar_not_available"}"#);
        }
    }
    // deny
    let (sandbox, id, _) = outcome("9001030000").await;
    let back = format!("{BACK}?error=access_denied&state={id}");
    assert_eq!(sandbox.digilocker_return(&id), Some(back));
    assert_eq!(
        complete(&sandbox, &id, &format!("code-{id}")).await.status,
        400
    );
    // cancel, abandon, expire, otp-thrice, otp-none: nobody returns
    for number in [
        "9001040000",
        "9001050000",
        "9001060000",
        "9001100000",
        "9001110000",
    ] {
        let (sandbox, id, link) = outcome(number).await;
        assert_eq!(sandbox.digilocker_return(&id), None, "{number}");
        assert_eq!(
            complete(&sandbox, &id, &format!("code-{id}")).await.status,
            400,
            "{number}"
        );
        // Whoever left at the beginning can still come.
        let page = Browser::open(&sandbox, &link).await;
        let comes = number == "9001040000" || number == "9001060000";
        assert_eq!(page.title() == "Sign in to DigiLocker", comes, "{number}");
        sandbox.advance(11 * MINUTE).await;
        assert_eq!(
            Browser::open(&sandbox, &link).await.page.status,
            410,
            "{number}"
        );
    }
    // slow
    let (sandbox, id, _) = outcome("9001010000").await;
    sandbox.advance(9 * MINUTE).await;
    assert_eq!(sandbox.digilocker_return(&id), None);
    sandbox.advance(MINUTE).await;
    assert!(sandbox.digilocker_return(&id).is_some());
    // code-late
    let (sandbox, id, _) = outcome("9001340000").await;
    assert!(sandbox.digilocker_return(&id).is_some());
    complete(&sandbox, &id, &format!("code-{id}"))
        .await
        .is(400, r#"{"detail":"Invalid digilocker_code"}"#);
    // issuer-down
    let (sandbox, id, _) = outcome("9001350000").await;
    complete(&sandbox, &id, &format!("code-{id}")).await;
    let uri = json!({"uri": "in.gov.pan-PANCR-invented0002"});
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(of(&sandbox, "file", &id, uri.clone()).await.status);
    }
    assert_eq!(statuses, [503, 503, 200]);
    // On the pages only.
    let settings = Settings::default().with_people_act(PeopleAct::OnPages);
    let sandbox = Sandbox::new(settings);
    let body = json!({"redirect_url": BACK, "purpose": "9001000000"});
    let (id, link) = initiate(&sandbox, body).await;
    assert_eq!(complete(&sandbox, &id, "any").await.status, 400);
    let page = Browser::open(&sandbox, &link).await;
    assert!(page.shows("value=\"9001000000\" checked"));
}

#[tokio::test]
async fn a_document_that_comes_as_a_link_is_read_there_by_whoever_has_it() {
    let sandbox = frozen(DeepvueSettings::default().with_file_form(FileForm::Link));
    let body =
        json!({"redirect_url": BACK, "purpose": "9001000000", "doc_types": ["pan", "aadhaar"]});
    let (id, _) = initiate(&sandbox, body).await;
    let completed = complete(&sandbox, &id, &format!("code-{id}")).await;
    assert_eq!(completed.status, 200);
    let uri = json!({"uri": "in.gov.pan-PANCR-invented0002"});
    let file = of(&sandbox, "file", &id, uri).await.json();
    let link = file["data"].as_str().unwrap();
    assert_eq!(
        link,
        format!("http://localhost/deepvue/documents/{id}/PANCR.pdf")
    );
    let path = link.strip_prefix("http://localhost").unwrap();
    let pdf = send(&sandbox, "GET", path, &[], "").await;
    assert_eq!(
        (pdf.status, pdf.header("content-type")),
        (200, Some("application/pdf"))
    );
    assert!(pdf.text.starts_with("%PDF-1.4") && pdf.text.contains("PAN card"));
    // What the person did not allow is not there, and neither is what nobody opened.
    for missing in [
        format!("/deepvue/documents/{id}/DRVLC.pdf"),
        format!("/deepvue/documents/{id}/PANCR"),
        "/deepvue/documents/00000000000040008000000000000001/PANCR.pdf".to_owned(),
    ] {
        assert_eq!(send(&sandbox, "GET", &missing, &[], "").await.status, 404);
    }

    // Recorded replies are the same wherever the sandbox is.
    let recorded = Sandbox::new(
        Settings::default()
            .with_deterministic_ids(true)
            .with_deepvue(DeepvueSettings::default().with_file_form(FileForm::Link)),
    );
    let body = json!({"redirect_url": BACK, "purpose": "9001000000"});
    let (id, _) = initiate(&recorded, body).await;
    complete(&recorded, &id, &format!("code-{id}")).await;
    let uri = json!({"uri": "in.gov.pan-PANCR-invented0002"});
    let file = of(&recorded, "file", &id, uri).await.json();
    assert_eq!(file["data"], "https://documents.example.test/invented");
}

/// The XML of a person's PAN card, and the texts of its PDF.
async fn pan_card(carried: &str) -> Option<(String, String)> {
    let mut found = Vec::new();
    for form in [FileForm::Xml, FileForm::PdfBase64] {
        let sandbox = frozen(DeepvueSettings::default().with_file_form(form));
        let body = json!({"redirect_url": BACK, "purpose": format!("9001000000 {carried}")});
        let (id, _) = initiate(&sandbox, body).await;
        assert_eq!(
            complete(&sandbox, &id, &format!("code-{id}")).await.status,
            200
        );
        let uri = json!({"uri": "in.gov.pan-PANCR-invented0002"});
        let file = of(&sandbox, "file", &id, uri).await;
        if file.status != 200 {
            assert_eq!(file.status, 404);
            return None;
        }
        found.push(file.json()["data"].as_str().unwrap().to_owned());
    }
    let pdf = STANDARD.decode(&found[1]).unwrap();
    Some((found.remove(0), String::from_utf8(pdf).unwrap()))
}

#[tokio::test]
async fn a_pan_says_how_the_card_differs() {
    let (plain, pdf) = pan_card("").await.unwrap();
    assert!(pdf.starts_with("%PDF-1.4") && pdf.contains("Sandbox. Invented."));
    let attribute = |xml: &str, name: &str| {
        let (_, rest) = xml.split_once(&format!(" {name}=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let person = |xml: &str| {
        let (_, person) = xml.split_once("<Person").unwrap();
        (attribute(person, "name"), attribute(person, "dob"))
    };
    let (name, birth) = person(&plain);
    assert!(pdf.contains(&name) && pdf.contains(&birth));
    assert_eq!(attribute(&plain, "number").get(5..9), Some("0000"));
    let (_, surname) = name.split_once(' ').unwrap();
    let initial = format!("{} {surname}", &name[..1]);
    for (pan, expected) in [
        ("NAMPV0000V", (initial, birth.clone())),
        (
            "NAXPV0000V",
            (format!("SOMEBODY ELSE {surname}"), birth.clone()),
        ),
    ] {
        assert_eq!(person(&pan_card(pan).await.unwrap().0), expected);
    }
    let (same, other) = person(&pan_card("DOBPV0000V").await.unwrap().0);
    assert!(same == name && other != birth);
    let inactive = pan_card("INAPV0000V").await.unwrap();
    assert_eq!(attribute(&inactive.0, "status"), "I");
    assert!(inactive.1.contains("not in use"));
    for pan in ["UNLPV0000V", "NONPV0000V"] {
        assert!(pan_card(pan).await.is_none(), "{pan}");
    }
}

#[tokio::test]
async fn documents_are_of_the_person_of_the_clock_and_whole() {
    let sandbox = frozen(DeepvueSettings::default());
    let get = async |number: &str| {
        let body = json!({"redirect_url": BACK, "purpose": number});
        let (id, _) = initiate(&sandbox, body).await;
        let profile = complete(&sandbox, &id, &format!("code-{id}")).await.json();
        let aadhaar = of(&sandbox, "eaadhaar", &id, json!({"generate_pdf": true}))
            .await
            .json();
        let list = of(&sandbox, "issued-files", &id, json!({})).await.json();
        (
            profile["data"].clone(),
            aadhaar["data"].clone(),
            list["data"].clone(),
        )
    };
    let (profile, aadhaar, list) = get("9001000005").await;
    assert_eq!(
        (&profile, &aadhaar),
        (&get("9001000005").await.0, &get("9001000005").await.1)
    );
    assert_eq!(profile["name"], aadhaar["proof_of_identity"]["name"]);
    assert_ne!(profile["name"], get("9001000006").await.0["name"]);
    let uid = aadhaar["masked_uid"].as_str().unwrap();
    assert!(uid.len() == 12 && uid.starts_with("xxxxxxxx"));
    let photo = STANDARD.decode(aadhaar["photo"].as_str().unwrap()).unwrap();
    assert!(photo.starts_with(b"\x89PNG\r\n\x1a\n") && photo.ends_with(b"IEND\xaeB`\x82"));
    let pdf = STANDARD
        .decode(aadhaar["document_pdf"].as_str().unwrap())
        .unwrap();
    let pdf = String::from_utf8(pdf).unwrap();
    assert!(pdf.contains(uid) && pdf.contains("Sandbox. Invented."));

    let day = |list: &Value| list[0]["date"].as_str().unwrap().to_owned();
    let ends = |profile: &Value| -> u64 {
        profile["consent_valid_till"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    sandbox.advance(Duration::from_secs(24 * 3_600)).await;
    let (tomorrow, _, later) = get("9001000005").await;
    assert_eq!(ends(&tomorrow) - ends(&profile), 24 * 3_600);
    assert_ne!(day(&later), day(&list));
    let now = sandbox
        .now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let left = ends(&tomorrow) - now;
    assert!((30 * 86_400..31 * 86_400).contains(&left));
}
