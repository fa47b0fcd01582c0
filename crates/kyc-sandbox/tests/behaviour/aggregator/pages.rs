//! The pages as a browser without scripts uses them: links are followed, forms are sent, redirects lead on.

use std::cell::RefCell;
use std::time::Duration;

use kyc_sandbox::settings::{JointAccounts, PeopleAct};
use kyc_sandbox::{AggregatorConsentStatus, FinproSettings, Settings};
use serde_json::json;

use super::{DAY, World, finpass_body};
use crate::browser::Browser;
use crate::{Reply, send};

const ORDINARY: &str = "9812300000";
const ORIGIN: &str = "http://localhost";

/// A person with a browser, at a page.
struct Person<'w> {
    world: &'w World,
    page: String,
    shown: String,
    cookie: RefCell<String>,
}

impl<'w> Person<'w> {
    /// Opens a link, and goes where it leads.
    async fn open(world: &'w World, url: &str) -> Self {
        let path = url.strip_prefix(ORIGIN).unwrap_or(url);
        let mut person = Self {
            world,
            page: path.to_owned(),
            shown: String::new(),
            cookie: RefCell::default(),
        };
        person.look().await;
        person
    }

    async fn look(&mut self) -> u16 {
        loop {
            let cookie = self.cookie.borrow().clone();
            let headers = [("cookie", cookie.as_str())];
            let reply = send(&self.world.sandbox, "GET", &self.page, &headers, "").await;
            match reply.header("location") {
                Some(to) => self.page = to.to_owned(),
                None => {
                    check_page(&reply);
                    self.shown = reply.text;
                    return reply.status;
                }
            }
        }
    }

    fn token(&self) -> String {
        let (_, rest) = self.shown.split_once("name=\"token\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    async fn post(&self, headers: &[(&str, &str)], body: &str) -> Reply {
        let cookie = self.cookie.borrow().clone();
        let headers = [&[("cookie", cookie.as_str())], headers].concat();
        let reply = send(&self.world.sandbox, "POST", &self.page, &headers, body).await;
        if let Some(cookie) = reply.header("set-cookie") {
            let cookie = cookie.split(';').next().unwrap().to_owned();
            *self.cookie.borrow_mut() = cookie;
        }
        reply
    }

    /// Presses a button with these fields beside it.
    async fn press(&mut self, action: &str, fields: &[(&str, &str)]) -> &str {
        let mut body = format!("token={}&do={}", self.token(), action.replace(' ', "+"));
        for (name, value) in fields {
            body.push_str(&format!("&{name}={}", value.replace(' ', "+")));
        }
        let reply = self.post(HEADERS, &body).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        self.page = reply.header("location").unwrap().to_owned();
        self.look().await;
        &self.shown
    }

    fn sees(&self, text: &str) -> bool {
        self.shown.contains(text)
    }

    /// The title of the screen.
    fn title(&self) -> &str {
        let (_, rest) = self.shown.split_once("<h1>").unwrap();
        rest.split("</h1>").next().unwrap()
    }

    /// What is said above the form.
    fn problem(&self) -> Option<&str> {
        let (_, rest) = self.shown.split_once("id=\"error\"")?;
        let (_, rest) = rest.split_once('>')?;
        rest.split('<').next()
    }

    /// The address of the last screen's link back.
    fn back(&self) -> Option<String> {
        let (_, rest) = self
            .shown
            .split_once("<a class=\"button primary\" href=\"")?;
        let address = rest.split('"').next()?;
        Some(address.replace("&amp;", "&"))
    }

    /// Goes as far as the accounts.
    async fn go_to_accounts(&mut self) {
        let mobile = self.mobile();
        self.press("mobile", &[("mobile", &mobile)]).await;
        self.press("otp", &[("otp", "123456")]).await;
        self.press("banks", &[("bank", "0")]).await;
    }

    fn mobile(&self) -> String {
        let (_, rest) = self.shown.split_once("maxlength=\"80\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// The accounts that are ticked.
    fn ticked(&self) -> Vec<String> {
        let boxes = self.shown.split("name=\"account\" value=\"").skip(1);
        let ticked = boxes.filter(|text| text.split('>').next().unwrap().contains("checked"));
        ticked
            .map(|text| text.split('"').next().unwrap().to_owned())
            .collect()
    }

    async fn go_to_review(&mut self) {
        self.go_to_accounts().await;
        let ticked = self.ticked();
        let fields: Vec<_> = ticked
            .iter()
            .map(|link| ("account", link.as_str()))
            .collect();
        self.press("accounts", &fields).await;
        self.press("bank-otp", &[("otp", "123456")]).await;
    }
}

const HEADERS: &[(&str, &str)] = &[
    ("origin", ORIGIN),
    ("content-type", "application/x-www-form-urlencoded"),
];

/// What holds of every page: it says what it is, and nothing of it comes from elsewhere.
fn check_page(reply: &Reply) {
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    // With a stricter policy browsers hide a form's origin from its own page.
    assert_eq!(reply.header("referrer-policy"), Some("same-origin"));
    let text = &reply.text;
    assert!(
        text.contains("Invented people. Do not type real data."),
        "{text}"
    );
    assert!(!text.contains("<script") && !text.contains("style=\"") && !text.contains(" onclick"));
    assert!(text.matches("<form").count() <= 1, "one form a screen");
    assert_eq!(text.matches("<h1>").count(), 1);
    // Every field has a label.
    for field in text.split("<input id=\"").skip(1) {
        let id = field.split('"').next().unwrap();
        assert!(text.contains(&format!("for=\"{id}\"")), "{id}");
    }
}

#[tokio::test]
async fn a_person_approves_and_returns() {
    let world = World::new();
    let (handle, url) = world.ask_with(ORDINARY, json!({})).await;
    assert!(
        url.starts_with("http://localhost/aa/consent?ecreq="),
        "{url}"
    );
    let mut person = Person::open(&world, &url).await;
    assert!(person.title().contains("asks to see your accounts"));
    let shown = person.press("mobile", &[("mobile", ORDINARY)]).await;
    assert!(shown.contains("We would have sent 123456 to the phone."));
    person.press("otp", &[("otp", "123456")]).await;
    assert_eq!(person.title(), "Your banks");
    person.press("banks", &[("bank", "0")]).await;
    assert_eq!(person.ticked().len(), 2);
    let first = person.ticked().remove(0);
    person.press("accounts", &[("account", &first)]).await;
    assert!(person.title().contains("wants to know that it is you"));
    person.press("bank-otp", &[("otp", "123456")]).await;
    assert_eq!(person.title(), "What you are asked for");
    assert!(person.sees("purpose code 101") && person.sees("Valid until"));
    assert_eq!(person.back(), None);
    assert_eq!(world.status(&handle).await, "PENDING");
    person.press("approve", &[("consent", "0")]).await;
    assert_eq!(person.title(), "Approved");

    // Only what was ticked is shared.
    let given = world.consent(&handle).await;
    assert_eq!(given["status"], "ACTIVE");
    let accounts = given["accounts"].as_array().unwrap();
    assert_eq!(
        (accounts.len(), &accounts[0]["linkReferenceNumber"]),
        (1, &json!(first))
    );
    // The return keeps what the address had, and tells the truth.
    let back = person.back().unwrap();
    assert!(
        back.starts_with("https://lender.example.test/done?state=s-1&ecres="),
        "{back}"
    );
    assert_eq!(
        world.decrypted(&back).await,
        ("S".into(), "0".into(), handle)
    );
    // Looked at again it is the same, and a form that is sent again is no second event.
    person.look().await;
    assert_eq!(person.back(), Some(back));
    world.pass_seconds(1).await;
    assert_eq!(world.events(), ["CONSENT_APPROVED"]);
}

#[tokio::test]
async fn a_person_rejects_with_a_reason() {
    let world = World::new();
    let (handle, url) = world.ask_with(ORDINARY, json!({})).await;
    let mut person = Person::open(&world, &url).await;
    person.go_to_review().await;
    person.press("reject", &[]).await;
    for reason in [
        "I do not understand",
        "do not want to share",
        "were not found",
        "Another",
    ] {
        assert!(person.sees(reason), "{reason}");
    }
    person.press("reason", &[]).await;
    assert_eq!(person.problem(), Some("Choose a reason."));
    person.press("back", &[]).await;
    assert_eq!(person.title(), "What you are asked for");
    person.press("reject", &[]).await;
    person.press("reason", &[("reason", "1")]).await;
    assert_eq!(
        (person.title(), world.status(&handle).await.as_str()),
        ("Rejected", "REJECTED")
    );
    let back = person.back().unwrap();
    assert_eq!(
        world.decrypted(&back).await,
        ("F".into(), "1".into(), handle)
    );
}

#[tokio::test]
async fn leaving_keeps_the_request_and_coming_back_goes_on() {
    let world = World::new();
    let (handle, url) = world.ask_with(ORDINARY, json!({})).await;
    let mut person = Person::open(&world, &url).await;
    person.press("leave", &[]).await;
    let left = person.back().unwrap();
    assert_eq!(person.title(), "Not decided");
    assert_eq!(world.status(&handle).await, "PENDING");
    person.press("again", &[]).await;
    person.go_to_review().await;
    person.press("approve", &[("consent", "0")]).await;
    let approved = person.back().unwrap();
    // Each return tells of itself.
    assert_eq!(world.decrypted(&left).await.1, "5");
    assert_eq!(world.decrypted(&approved).await.1, "0");
    assert_ne!(left, approved);
}

#[tokio::test]
async fn one_time_passwords_have_their_meanings_and_three_wrong_ones_lock() {
    let world = World::new();
    let (handle, url) = world.ask_with(ORDINARY, json!({})).await;
    let mut person = Person::open(&world, &url).await;
    person.press("mobile", &[("mobile", "9812300001")]).await;
    assert!(person.problem().unwrap().contains("not the mobile number"));
    person.press("mobile", &[("mobile", ORDINARY)]).await;
    person.press("otp", &[("otp", "000000")]).await;
    assert!(person.problem().unwrap().contains("too old"));
    person.press("resend", &[]).await;
    assert!(person.problem().is_none() && person.sees("Another one-time password was sent."));
    for _ in 0..2 {
        person.press("otp", &[("otp", "111111")]).await;
        assert!(person.problem().unwrap().contains("is wrong"));
        assert!(person.sees("tabindex=\"-1\" autofocus"));
    }
    person.press("otp", &[("otp", "222222")]).await;
    assert!(person.sees("This request is locked") && !person.sees("Start again"));
    let back = person.back().unwrap();
    assert_eq!(
        world.decrypted(&back).await,
        ("F".into(), "4".into(), handle.clone())
    );
    assert_eq!(world.status(&handle).await, "PENDING");

    let (_, url) = world.ask_with("9812300002", json!({})).await;
    let mut person = Person::open(&world, &url).await;
    person.press("mobile", &[("mobile", "9812300002")]).await;
    person.press("otp", &[("otp", "999999")]).await;
    assert!(person.sees("This request is locked"));
}

#[tokio::test]
async fn banks_answer_and_the_return_says_what() {
    for (banks, words, code) in [
        (&["1"][..], "has no account", "7"),
        (&["2"], "does not answer", "8"),
        (&["1", "2"], "does not answer", "8"),
    ] {
        let world = World::new();
        let (_, url) = world.ask_with(ORDINARY, json!({})).await;
        let mut person = Person::open(&world, &url).await;
        person.press("mobile", &[("mobile", ORDINARY)]).await;
        person.press("otp", &[("otp", "123456")]).await;
        person.press("banks", &[]).await;
        assert_eq!(person.problem(), Some("Choose at least one bank."));
        let fields: Vec<_> = banks.iter().map(|bank| ("bank", *bank)).collect();
        person.press("banks", &fields).await;
        assert!(person.problem().unwrap().contains(words), "{banks:?}");
        person.press("leave", &[]).await;
        assert_eq!(world.decrypted(&person.back().unwrap()).await.1, code);
    }
}

#[tokio::test]
async fn a_bank_that_needs_it_is_told_an_invented_pan_only() {
    let settings = Settings::default().with_people_act(PeopleAct::OnPages);
    let world = World::with(settings);
    let (_, url) = world.ask_with("9001180000", json!({})).await;
    let mut person = Person::open(&world, &url).await;
    person.press("mobile", &[("mobile", "9001180000")]).await;
    person.press("otp", &[("otp", "123456")]).await;
    for (pan, born, words) in [
        ("", "", "Fill in both"),
        ("ABCPE1234F", "1990-01-31", "may be a real person's"),
        (
            "ABC",
            "1990-01-31",
            "five letters, four digits and a letter",
        ),
    ] {
        person
            .press("banks", &[("bank", "0"), ("pan", pan), ("born", born)])
            .await;
        assert!(person.problem().unwrap().contains(words), "{pan}");
        assert!(!person.sees("ABCPE1234F"), "what looks real is not kept");
    }
    let fields = [("bank", "0"), ("pan", "AAAPA0000A"), ("born", "1990-01-31")];
    person.press("banks", &fields).await;
    assert_eq!(person.title(), "Your accounts");
}

#[tokio::test]
async fn a_joint_account_is_shown_and_not_linked_unless_a_setting_allows_it() {
    for (joint, problem) in [
        (
            JointAccounts::ShownOnly,
            Some("A joint account cannot be linked. Take away its tick."),
        ),
        (JointAccounts::Linkable, None),
    ] {
        let finpro = FinproSettings::default().with_joint_accounts(joint);
        let settings = Settings::default().with_finpro(finpro);
        let world = World::with(settings.with_people_act(PeopleAct::OnPages));
        let (_, url) = world.ask_with("9001170000", json!({})).await;
        let mut person = Person::open(&world, &url).await;
        person.go_to_accounts().await;
        assert!(person.sees("JOINT"));
        let (_, rest) = person
            .shown
            .split_once("name=\"account\" value=\"")
            .unwrap();
        let link = rest.split('"').next().unwrap().to_owned();
        person.press("accounts", &[("account", &link)]).await;
        assert_eq!(person.problem(), problem);
    }
}

#[tokio::test]
async fn a_page_out_of_order_in_another_window_or_after_the_end_says_so() {
    let world = World::new();
    let (handle, url) = world.ask_with(ORDINARY, json!({})).await;
    let mut first = Person::open(&world, &url).await;
    let mut second = Person::open(&world, &url).await;
    first.press("mobile", &[("mobile", ORDINARY)]).await;
    first.press("otp", &[("otp", "123456")]).await;
    // The other window of the browser is a screen behind, and loses nothing.
    second.cookie.clone_from(&first.cookie);
    second.press("mobile", &[("mobile", ORDINARY)]).await;
    assert_eq!(second.title(), "Your banks");
    assert!(
        second
            .problem()
            .unwrap()
            .contains("Nothing is lost: go on here.")
    );
    second.press("approve", &[("consent", "0")]).await;
    assert_eq!(
        (second.title(), world.status(&handle).await.as_str()),
        ("Your banks", "PENDING")
    );

    // Decided elsewhere.
    assert!(
        world
            .sandbox
            .decide_consent(&handle, AggregatorConsentStatus::Rejected)
    );
    second.press("banks", &[("bank", "0")]).await;
    assert_eq!(second.title(), "This request is over");
    assert!(second.sees("rejected since"));
    assert_eq!(world.decrypted(&second.back().unwrap()).await.1, "1");

    // After its time.
    let (handle, url) = world.ask_with("9812300002", json!({})).await;
    let late = Person::open(&world, &url).await;
    world.pass(DAY + Duration::from_secs(1)).await;
    let body = format!("token={}&do=mobile&mobile=9812300002", late.token());
    assert_eq!(late.post(HEADERS, &body).await.status, 303);
    let late = Person::open(&world, &url).await;
    assert_eq!(late.title(), "This request is over");
    assert!(late.sees("expired since"));
    assert_eq!(world.status(&handle).await, "EXPIRED");
}

/// From the first screen to the review.
async fn to_review(browser: &mut Browser<'_>, mobile: &str) {
    for fields in [
        &[("do", "mobile"), ("mobile", mobile)],
        &[("do", "otp"), ("otp", "123456")],
        &[("do", "banks"), ("bank", "0")],
    ] {
        browser.send(fields).await;
    }
    let (_, link) = browser
        .page
        .text
        .split_once("name=\"account\" value=\"")
        .unwrap();
    let link = link.split('"').next().unwrap().to_owned();
    let link = [("do", "accounts"), ("account", link.as_str())];
    browser.send(&link).await;
    browser.send(&[("do", "bank-otp"), ("otp", "123456")]).await;
    assert_eq!(browser.title(), REVIEW);
}

const REVIEW: &str = "What you are asked for";
const OF_ANOTHER: (u16, &str) = (409, "Session of another person");
const INSTEAD: &str = "Sign in here instead";

#[tokio::test]
async fn only_the_browser_that_signed_in_goes_on_with_a_request() {
    let world = World::with(Settings::default().with_people_act(PeopleAct::OnPages));
    let (_, finpro) = world.ask_with(ORDINARY, json!({})).await;
    let opened = world
        .finpass("/services/account-aggregator/init", finpass_body(ORDINARY))
        .await;
    let finpass = opened.json()["data"]["redirect_url"].clone();
    for url in [finpro.as_str(), finpass.as_str().unwrap()] {
        let link = url.strip_prefix(ORIGIN).unwrap();
        let mut first = Browser::open(&world.sandbox, link).await;
        // Any browser may open it before somebody begins.
        let mut other = Browser::open(&world.sandbox, link).await;
        assert!(other.title().contains("asks to see your accounts"));
        let page = other.at.clone();
        to_review(&mut first, ORDINARY).await;
        let token = first.hidden().remove(0).1;

        // What the other one still shows, and what it makes up, does nothing.
        other.send(&[("do", "mobile"), ("mobile", ORDINARY)]).await;
        assert_eq!((other.page.status, other.title()), OF_ANOTHER);
        other.get(link).await;
        assert_eq!((other.page.status, other.title()), OF_ANOTHER);
        assert!(!other.shows(&token) && !other.shows("XX"));
        check_page(&other.page);
        for address in [page.clone(), format!("{page}?at=start")] {
            for action in ["approve", "reject", "back", "leave"] {
                other.at.clone_from(&address);
                let forged = [("token", token.as_str()), ("do", action), ("consent", "0")];
                other.post(&forged, &[]).await;
                assert_eq!((other.page.status, other.title()), OF_ANOTHER, "{action}");
            }
        }
        let instead = other.link(INSTEAD).unwrap();
        other.get(&instead).await;
        assert!(other.title().contains("asks to see your accounts"));
        other
            .send(&[("do", "mobile"), ("mobile", "9812300009")])
            .await;
        assert!(other.error().unwrap().contains("not the mobile number"));
        first.get(&page).await;
        assert_eq!((first.title(), first.error()), (REVIEW, None));

        // Whoever signs in instead begins again, and is the only one from then on.
        other.get(&instead).await;
        to_review(&mut other, ORDINARY).await;
        first.get(&page).await;
        assert_eq!((first.page.status, first.title()), OF_ANOTHER);
        other.send(&[("do", "approve")]).await;
        assert_eq!(other.title(), "Approved");
        first.get(&page).await;
        assert_eq!((first.page.status, first.title()), OF_ANOTHER);
        assert!(!first.shows("lender.example.test") && first.link(INSTEAD).is_none());
    }
}

#[tokio::test]
async fn a_request_that_was_left_is_taken_up_in_another_browser() {
    let world = World::with(Settings::default().with_people_act(PeopleAct::OnPages));
    for (action, seconds) in [("leave", 0), ("back", 0), ("resend", 601)] {
        let (_, url) = world.ask_with(ORDINARY, json!({})).await;
        let link = url.strip_prefix(ORIGIN).unwrap();
        let mut first = Browser::open(&world.sandbox, link).await;
        first.send(&[("do", "mobile"), ("mobile", ORDINARY)]).await;
        first.send(&[("do", action)]).await;
        world.pass_seconds(seconds).await;
        let mut other = Browser::open(&world.sandbox, link).await;
        assert_eq!((other.page.status, other.title()), OF_ANOTHER, "{action}");
        let instead = other.link(INSTEAD).unwrap();
        other.get(&instead).await;
        to_review(&mut other, ORDINARY).await;
        first.get(link).await;
        assert_eq!((first.page.status, first.title()), OF_ANOTHER, "{action}");
    }
}

#[tokio::test]
async fn given_consents_are_shown_in_the_browser_that_signed_in_only() {
    let world = World::new();
    let handle = world.ask("9000000001").await;
    world.pass_seconds(1).await;
    let mut first = Browser::open(&world.sandbox, "/aa/me").await;
    first.send(&[("mobile", "9000000001")]).await;
    let mut other = Browser::open(&world.sandbox, &first.at).await;
    assert_eq!((other.page.status, other.title()), OF_ANOTHER);
    first.send(&[("do", "otp"), ("otp", "123456")]).await;
    assert_eq!(first.title(), "My consents");
    let token = first.hidden().remove(0).1;
    let revoke = format!("revoke {handle}");
    other.post(&[("token", &token), ("do", &revoke)], &[]).await;
    assert_eq!((other.page.status, other.title()), OF_ANOTHER);
    assert_eq!(world.status(&handle).await, "ACTIVE");
    assert_eq!(other.link("Sign in").as_deref(), Some("/aa/me"));
    first.send(&[("do", &revoke)]).await;
    assert_eq!(world.status(&handle).await, "REVOKED");
}

#[tokio::test]
async fn whoever_does_nothing_for_too_long_is_told_and_starts_again() {
    let world = World::new();
    let (handle, url) = world.ask_with(ORDINARY, json!({})).await;
    let mut person = Person::open(&world, &url).await;
    person.press("mobile", &[("mobile", ORDINARY)]).await;
    world.pass_seconds(601).await;
    person.press("otp", &[("otp", "123456")]).await;
    assert!(person.sees("Nothing happened for ten minutes.") && person.sees("Start again"));
    let back = person.back().unwrap();
    assert_eq!(
        world.decrypted(&back).await,
        ("F".into(), "6".into(), handle)
    );
}

#[tokio::test]
async fn forms_from_elsewhere_change_nothing() {
    let world = World::new();
    let (handle, url) = world.ask_with(ORDINARY, json!({})).await;
    let person = Person::open(&world, &url).await;
    let token = person.token();
    let right = format!("token={token}&do=leave");
    let form = "application/x-www-form-urlencoded";
    for (headers, body, status) in [
        (
            &[("origin", "https://example.test"), ("content-type", form)][..],
            right.as_str(),
            403,
        ),
        (&[("origin", "null"), ("content-type", form)], &right, 403),
        (
            &[("sec-fetch-site", "cross-site"), ("content-type", form)],
            &right,
            403,
        ),
        (HEADERS, "token=other&do=leave", 403),
        (HEADERS, "do=leave", 403),
        (HEADERS, "token=%", 400),
        (HEADERS, &"a".repeat(16 * 1024 + 1), 400),
    ] {
        let reply = person.post(headers, body).await;
        assert_eq!(reply.status, status, "{headers:?} {body:.40}");
        check_page(&reply);
    }
    let mut again = Person::open(&world, &url).await;
    assert!(again.title().contains("asks to see"), "nothing was changed");
    again.press("leave", &[]).await;
    assert_eq!(world.status(&handle).await, "PENDING");
    // Nothing is read or sent under another name.
    for (method, path) in [
        ("GET", again.page.as_str()),
        ("POST", &again.page),
        ("GET", "/aa/me"),
    ] {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://example.test{path}"))
            .header("origin", "http://example.test")
            .body(provider_core::Body::from(right.clone().into_bytes()));
        let limits = provider_core::ExchangeLimits::new(Duration::from_secs(1), usize::MAX);
        let transport = world.sandbox.transport();
        let reply = provider_core::Transport::send(&transport, request.unwrap(), limits);
        assert_eq!(reply.await.unwrap().status(), 421, "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_and_markup_is_text() {
    let world = World::new();
    for path in [
        "/aa/consent",
        "/aa/consent?ecreq=%3Cb%3E",
        "/aa/consent?ecreq=3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b",
        "/aa/finpro/x",
        "/aa/finpro/%ff",
        "/aa/finpass/aa_1_2",
        "/aa/session",
        "/aa/session?fi=x",
        "/aa/me/x",
    ] {
        let mut person = Person {
            world: &world,
            page: path.to_owned(),
            shown: String::new(),
            cookie: RefCell::default(),
        };
        if path.ends_with("%ff") {
            let reply = send(&world.sandbox, "GET", path, &[], "").await;
            assert_eq!(reply.status, 400);
            continue;
        }
        assert_eq!(person.look().await, 404, "{path}");
        assert!(person.sees("Ask the lender for a new link."));
    }
    let markup = "<b onmouseover=alert(1)>\"'&";
    let (_, url) = world
        .ask_with(
            markup,
            json!({"fipID": ["<i>&amp;</i>"], "redirectUrl": "https://a.test/\"><i>?x='"}),
        )
        .await;
    let mut person = Person::open(&world, &url).await;
    assert!(!person.sees("<b ") && person.sees("&lt;b onmouseover"));
    person.press("mobile", &[("mobile", "%3Ci%3E")]).await;
    assert!(!person.sees("<i>"));
    person.press("leave", &[]).await;
    assert!(
        !person.sees("<i>")
            && person
                .back()
                .unwrap()
                .starts_with("https://a.test/&quot;&gt;")
    );
    for address in ["javascript://a/%0aalert(1)", "data://x", "nowhere"] {
        let body =
            json!({"productID": "LOAN-1", "vua": "9000000001@onemoney", "redirectUrl": address});
        let refused = world.finpro("/v3/requestconsent", body).await;
        assert_eq!(refused.json()["errorMsg"], "redirectUrl is not valid");
    }
}

#[tokio::test]
async fn two_requests_are_approved_one_by_one() {
    let world = World::new();
    let first = world.ask(ORDINARY).await;
    let second = world.ask(ORDINARY).await;
    let body = json!({
        "consentHandle": [first, second],
        "redirectUrl": "https://lender.example.test/both",
    });
    let encrypted = world.finpro("/webRedirection/getEncryptedUrl", body).await;
    let url = encrypted.json()["data"]["webRedirectionURL"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut person = Person::open(&world, &url).await;
    person.go_to_review().await;
    person.press("approve", &[]).await;
    assert!(
        person
            .problem()
            .unwrap()
            .contains("Tick at least one request")
    );
    person.press("approve", &[("consent", "1")]).await;
    let statuses = (world.status(&first).await, world.status(&second).await);
    assert_eq!(statuses, ("REJECTED".to_owned(), "ACTIVE".to_owned()));
    let back = person.back().unwrap();
    assert!(back.starts_with("https://lender.example.test/both?ecres="));
    let told = world.decrypt(&back).await.json()["data"].clone();
    assert_eq!(told["srcref"], json!([first, second]));
    assert_eq!(told["userid"], format!("{ORDINARY}@onemoney"));
    assert_eq!(told["redirect"], "https://lender.example.test/both");
}

#[tokio::test]
async fn a_return_that_is_not_of_this_sandbox_or_was_altered_is_refused() {
    let world = World::new();
    let handle = world.ask("9000000001").await;
    let url = world.sandbox.consent_return_url(&handle).unwrap();
    assert_eq!(world.decrypt(&url).await.status, 200);
    let other = World::new();
    for altered in [
        url.replace("ecres=", "ecres=0"),
        url.replace("fi=sandbox", "fi=other"),
        url.replace("resdate=", "resdate=0"),
    ] {
        let refused = world.decrypt(&altered).await;
        assert_eq!(
            (refused.status, &refused.json()["errorCode"]),
            (400, &json!("InvalidRequest"))
        );
    }
    assert_eq!(other.decrypt(&url).await.status, 400);
    let settings = FinproSettings::default().with_journey_code(Some(3));
    let lenient = World::with_finpro(settings);
    assert_eq!(lenient.decrypted(&url).await.1, "3");
}

#[tokio::test]
async fn my_consents_are_paused_resumed_and_revoked() {
    let world = World::new();
    let handle = world.ask("9000000001").await;
    let opened = world
        .finpass(
            "/services/account-aggregator/init",
            finpass_body("9000000001"),
        )
        .await;
    let session = opened.json()["data"]["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.pass_seconds(1).await;
    world.events();

    let mut person = Person::open(&world, "/aa/me").await;
    for (mobile, words) in [
        ("9812399999", "Nobody with this number"),
        ("12", "ten digits"),
    ] {
        let reply = person.post(HEADERS, &format!("mobile={mobile}")).await;
        assert!(reply.text.contains(words) && reply.text.contains("id=\"error\""));
        check_page(&reply);
    }
    let signed = person.post(HEADERS, "mobile=9000000001").await;
    person.page = signed.header("location").unwrap().to_owned();
    person.look().await;
    // Nobody changes anything before signing in.
    person.press(&format!("revoke {handle}"), &[]).await;
    assert_eq!(world.status(&handle).await, "ACTIVE");
    person.press("otp", &[("otp", "123456")]).await;
    assert_eq!(person.title(), "My consents");
    for (action, status) in [
        ("pause", "PAUSED"),
        ("resume", "ACTIVE"),
        ("revoke", "REVOKED"),
    ] {
        person.press(&format!("{action} {handle}"), &[]).await;
        assert_eq!(
            (person.problem(), world.status(&handle).await.as_str()),
            (None, status)
        );
    }
    person.press(&format!("pause {handle}"), &[]).await;
    assert!(person.problem().unwrap().contains("has ended already"));
    person.press(&format!("revoke {session}"), &[]).await;
    world.pass_seconds(1).await;
    let mut events = world.events();
    events.sort();
    assert_eq!(
        events,
        [
            "CONSENT_PAUSED",
            "CONSENT_RESUMED",
            "CONSENT_REVOKED",
            "REVOKED"
        ]
    );
    // Somebody else's consent is none of mine.
    let other = world.ask("9000000004").await;
    person.press(&format!("revoke {other}"), &[]).await;
    assert_eq!(world.status(&other).await, "ACTIVE");
}

#[tokio::test]
async fn a_session_and_a_journey_of_finpass_lead_to_pages_too() {
    let world = World::new();
    let opened = world
        .finpass("/services/account-aggregator/init", finpass_body(ORDINARY))
        .await;
    let data = opened.json()["data"].clone();
    let session = data["client_id"].as_str().unwrap().to_owned();
    let mut person = Person::open(&world, data["redirect_url"].as_str().unwrap()).await;
    assert_eq!(person.page, format!("/aa/finpass/{session}"));
    person.go_to_review().await;
    person.press("approve", &[("consent", "0")]).await;
    let back = format!("https://lender.example.test/back?client_id={session}&status=ACTIVE");
    assert_eq!(person.back(), Some(back));

    let opened = world
        .finpass("/aa-bsa-journey/init", finpass_body(ORDINARY))
        .await;
    let data = opened.json()["data"].clone();
    let journey = data["client_id"].as_str().unwrap().to_owned();
    let mut person = Person::open(&world, data["journey_url"].as_str().unwrap()).await;
    person.go_to_review().await;
    person.press("reject", &[]).await;
    person.press("reason", &[("reason", "0")]).await;
    let back =
        format!("https://lender.example.test/back?client_id={journey}&status=consent_denied");
    assert_eq!(person.back(), Some(back));
    world.pass_seconds(1).await;
    assert_eq!(
        world.events(),
        ["ACTIVE", "consent_pending", "consent_denied"]
    );
}

#[tokio::test]
async fn recorded_replies_keep_the_documented_addresses() {
    let world = World::with(Settings::default().with_deterministic_ids(true));
    let (_, url) = world.ask_with("9000000001", json!({})).await;
    assert!(url.starts_with("https://aggregator.example.test/consent?ecreq="));
    let opened = world
        .finpass("/aa-bsa-journey/init", finpass_body("9000000001"))
        .await;
    let url = opened.json()["data"]["journey_url"].clone();
    assert!(
        url.as_str()
            .unwrap()
            .starts_with("https://consent.example.test/j/")
    );
    assert!(opened.header("x-sandbox-journey").is_none());
}
