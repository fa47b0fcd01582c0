//! DigiLocker as a person sees it: sign in, password, consent, return.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, StatusCode};
use maud::{Markup, html};

use super::browser;
use super::forms::{Visit, error, exits, form, host_of, is_web_address, plain, radio, submit};
use super::layout::{Frame, page, see_other};
use crate::exchange::settle;
use crate::providers::deepvue::{Deepvue, Link, Session, consent_day};
use crate::state::digilocker::{DocumentKind, OtpProblem, Stage};
use crate::state::flow::OTP;
use crate::state::{MobileScript, iso, people};

const SERVICE: &str = "DigiLocker";

/// The people to choose from, and what is special about them.
const PEOPLE: [(&str, &str); 9] = [
    ("9001000000", "has everything"),
    (
        "9000000001",
        "has everything, and is the person of the documented numbers",
    ),
    ("9001110000", "gets no password"),
    ("9001300000", "has no account yet"),
    (
        "9000000003",
        "has no account, and no number that is linked to Aadhaar",
    ),
    ("9001310000", "has no e-Aadhaar"),
    ("9001320000", "has no PAN card"),
    ("9001340000", "returns with a code that is dead"),
    ("9001350000", "has an issuer that does not answer twice"),
];

/// The pages, and the link that leads to them.
pub(crate) fn routes(deepvue: Arc<Deepvue>) -> Router {
    Router::new()
        .route(
            "/deepvue/v1/kyc/digilocker/digilocker-redirect",
            get(redirect),
        )
        .route("/digilocker/{id}", get(visit).post(visit))
        .with_state(deepvue)
}

/// A session while its page is made.
struct Screen<'a> {
    deepvue: &'a Deepvue,
    session: &'a Session,
    id: &'a str,
    path: String,
    now_ms: i64,
    now: String,
    return_url: Option<String>,
}

impl Screen<'_> {
    fn frame<'f>(&'f self, title: &'f str) -> Frame<'f> {
        Frame {
            title,
            service: SERVICE,
            now: &self.now,
            message: None,
        }
    }

    fn at(&self, name: &str) -> String {
        format!("{}?at={name}", self.path)
    }

    /// Who asks, to be named.
    fn caller(&self) -> &str {
        let url = self.session.redirect_url.as_deref();
        url.map_or("Whoever sent you here", host_of)
    }

    fn exits(&self, back: Option<&str>) -> Markup {
        exits(back, &self.at("leave"), self.session.journey)
    }

    fn say(
        &self,
        status: StatusCode,
        title: &str,
        words: &[&str],
        next: Option<(&str, &str)>,
    ) -> Response {
        plain(status, &self.frame(title), words, next)
    }

    /// A screen with a form.
    fn ask(
        &self,
        (status, wrong): (StatusCode, Option<&str>),
        frame: &Frame<'_>,
        step: &str,
        back: Option<&str>,
        content: &Markup,
    ) -> Response {
        let content = html! {
            (error(wrong))
            (form(self.session.authorization.form_token, &html! {
                input type="hidden" name="step" value=(step);
                (content)
            }))
            (self.exits(back))
        };
        page(status, frame, &content)
    }
}

/// Whether a form was all right, and else what is wrong with it.
type Answer<'a> = (StatusCode, Option<&'a str>);

const FINE: Answer<'static> = (StatusCode::OK, None);

fn wrong(words: &str) -> Answer<'_> {
    (StatusCode::UNPROCESSABLE_ENTITY, Some(words))
}

fn nothing_here(now_ms: i64) -> Response {
    let now = iso(now_ms);
    let frame = Frame {
        title: "Nothing here",
        service: SERVICE,
        now: &now,
        message: None,
    };
    let words =
        "There is no session at this address. Go back to whoever sent you, and ask for a new link.";
    plain(StatusCode::NOT_FOUND, &frame, &[words], None)
}

/// Where the caller sends the person.
async fn redirect(State(deepvue): State<Arc<Deepvue>>, request: Request) -> Response {
    settle(&*deepvue);
    let visit = Visit::read(request).await;
    let id = visit.as_ref().and_then(|visit| visit.query("state"));
    match id.filter(|id| deepvue.find_link(id).is_some()) {
        Some(id) => see_other(&format!("/digilocker/{id}")),
        None => nothing_here(deepvue.now_ms()),
    }
}

async fn visit(
    State(deepvue): State<Arc<Deepvue>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    settle(&*deepvue);
    let now_ms = deepvue.now_ms();
    let Some((session, link)) = deepvue.find_link(&id) else {
        return nothing_here(now_ms);
    };
    let screen = Screen {
        deepvue: &deepvue,
        session: &session,
        id: &id,
        path: format!("/digilocker/{id}"),
        now_ms,
        now: iso(now_ms),
        return_url: deepvue.return_url(&id, &session),
    };
    let Some(visit) = Visit::read(request).await else {
        let words = "What was sent could not be read. Nothing was done.";
        let next = Some(("Open the page again", screen.path.as_str()));
        return screen.say(
            StatusCode::BAD_REQUEST,
            "That did not arrive",
            &[words],
            next,
        );
    };
    if link == Link::Expired {
        let over = iso(session.authorization.opened_ms);
        let words = format!(
            "It was made at {over}, and works for a short time only. Nothing was shared. Go back to {}, and ask for a new link.",
            screen.caller()
        );
        return screen.say(StatusCode::GONE, "This link has expired", &[&words], None);
    }
    match visit.is_form() {
        true => act(&deepvue, &screen, &visit, link),
        false => show(&screen, &visit, link),
    }
}

/// Whether this browser is the one that signed in.
fn is_same_browser(screen: &Screen<'_>, visit: &Visit) -> bool {
    browser::is_by(visit, screen.session.authorization.browser)
}

fn show(screen: &Screen<'_>, visit: &Visit, link: Link) -> Response {
    let authorization = &screen.session.authorization;
    let at = visit.query("at").unwrap_or_default();
    let is_new = authorization.stage == Stage::SignIn;
    if authorization.is_answered() || link == Link::Used {
        return match is_same_browser(screen, visit) {
            true => show_returning(screen, link),
            false if authorization.is_by_script() => send_back(screen, link),
            false => show_answered_elsewhere(screen),
        };
    }
    if at == "leave" {
        return show_leaving(screen);
    }
    if authorization.stage == Stage::Locked {
        return show_locked(screen);
    }
    if is_new || at == "start" {
        return show_sign_in(screen, false, FINE);
    }
    if !is_same_browser(screen, visit) {
        return show_begun_elsewhere(screen);
    }
    match authorization.stage {
        Stage::SignUp => show_sign_up(screen, FINE),
        Stage::Otp => show_otp(screen, at == "pin", FINE),
        _ => show_consent(screen),
    }
}

fn show_sign_in(screen: &Screen<'_>, is_other: bool, answer: Answer<'_>) -> Response {
    let authorization = &screen.session.authorization;
    let expected = authorization.whose.mobile.as_str();
    let is_listed = |mobile: &str| PEOPLE.iter().any(|(listed, _)| *listed == mobile);
    let chosen = match expected {
        "" => "9001000000",
        expected => expected,
    };
    let person = |mobile: &str, words: &str| {
        let name = screen.deepvue.identity(mobile).name;
        let label = html! { (name) ", " (mobile) ": " (words) };
        radio("person", mobile, mobile == chosen && !is_other, &label)
    };
    let content = html! {
        fieldset {
            legend { "Who are you?" }
            @if !expected.is_empty() && !is_listed(expected) {
                (person(expected, "as the request says"))
            }
            @for (mobile, words) in PEOPLE {
                (person(mobile, words))
            }
            (radio("person", "other", is_other, &html! { "somebody else, by number" }))
        }
        label for="number" { "Number of somebody else (it begins with 9001)" }
        input #number type="text" inputmode="numeric" name="number" autocomplete="off" maxlength="20" aria-describedby=[answer.1.map(|_| "error")];
        (submit("Next"))
        button type="submit" name="do" value="create" { "Create account" }
    };
    let frame = screen.frame("Sign in to DigiLocker");
    screen.ask(answer, &frame, "start", None, &content)
}

fn show_sign_up(screen: &Screen<'_>, answer: Answer<'_>) -> Response {
    let whose = &screen.session.authorization.whose;
    let name = screen.deepvue.identity(&whose.mobile).name;
    let content = html! {
        p { (name) " gets an account by a password to the mobile number that is linked to Aadhaar." }
        (submit("Send the password"))
    };
    let frame = screen.frame("Create account");
    screen.ask(
        answer,
        &frame,
        "create",
        Some(&screen.at("start")),
        &content,
    )
}

fn show_otp(screen: &Screen<'_>, is_pin: bool, answer: Answer<'_>) -> Response {
    let whose = &screen.session.authorization.whose;
    let message = match (is_pin, whose.gets_otp()) {
        (true, true) => format!("The PIN would be {OTP}."),
        (false, true) => format!("We would have sent {OTP} to {}.", whose.mobile),
        (_, false) => "No password arrives for this person, and no PIN is right.".to_owned(),
    };
    let (label, title) = match is_pin {
        true => ("Your PIN of six digits", "Your PIN"),
        false => ("The password of six digits", "Enter the password"),
    };
    let content = html! {
        label for="otp" { (label) }
        input #otp type="text" inputmode="numeric" name="otp" autocomplete="one-time-code" maxlength="20" aria-describedby=[answer.1.map(|_| "error")] aria-invalid=[answer.1.map(|_| "true")];
        (submit("Verify"))
        @if !is_pin {
            button type="submit" name="do" value="resend" { "Send another one" }
        }
        p {
            @match is_pin {
                true => a href=(screen.path) { "Use a password" },
                false => a href=(screen.at("pin")) { "Use PIN" },
            }
        }
    };
    let frame = Frame {
        message: Some(&message),
        ..screen.frame(title)
    };
    screen.ask(answer, &frame, "otp", Some(&screen.at("start")), &content)
}

fn words_of(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Aadhaar => "Aadhaar card",
        DocumentKind::Pan => "PAN card",
        DocumentKind::Licence => "Driving licence",
    }
}

fn show_consent(screen: &Screen<'_>) -> Response {
    let authorization = &screen.session.authorization;
    let name = screen.deepvue.identity(&authorization.whose.mobile).name;
    let content = html! {
        p { (screen.caller()) " asks " (name) " for documents." }
        dl {
            dt { "Purpose" }
            dd { (screen.session.purpose) }
            dt { "Valid until" }
            dd { (consent_day(screen.now_ms)) }
        }
        fieldset {
            legend { "Documents" }
            @for kind in &authorization.asked {
                @let has = authorization.whose.has(*kind);
                label.choice {
                    input type="checkbox" name="document" value=(kind.name()) checked[has] disabled[!has];
                    span {
                        (words_of(*kind))
                        @if !has {
                            " (the issuer has none)"
                        }
                    }
                }
            }
        }
        p.muted { "You may tick fewer, or none." }
        button.primary type="submit" name="do" value="allow" { "Allow" }
        button.danger type="submit" name="do" value="deny" { "Deny" }
    };
    let frame = screen.frame("Do you consent?");
    screen.ask(FINE, &frame, "consent", Some(&screen.at("start")), &content)
}

fn show_returning(screen: &Screen<'_>, link: Link) -> Response {
    let authorization = &screen.session.authorization;
    let granted = authorization.granted.iter();
    let names: Vec<&str> = granted.map(|kind| words_of(*kind)).collect();
    let (title, words) = match (link, authorization.stage) {
        (Link::Used, _) => (
            "Already used",
            "Your answer has reached whoever asked. It cannot be used twice.".to_owned(),
        ),
        (_, Stage::Denied) => ("Returning…", "You allowed nothing.".to_owned()),
        _ if names.is_empty() => (
            "Returning…",
            "You consented, and ticked no document. None is shared.".to_owned(),
        ),
        _ => ("Returning…", format!("You allowed: {}.", names.join(", "))),
    };
    let url = screen
        .return_url
        .as_deref()
        .filter(|url| is_web_address(url));
    let content = html! {
        p { (words) }
        @match url {
            Some(url) => p { a.button.primary href=(url) { "Continue" } },
            None => {
                p { "Whoever sent you gave no web address to return to." }
                @if let Some(code) = authorization.code() {
                    p { "The code is " code { (code) } "." }
                }
            }
        }
    };
    page(StatusCode::OK, &screen.frame(title), &content)
}

/// Sends on whoever opens the link of a person who has answered by script: the browser of such a person is nobody's, so that
/// of whoever comes stands for it.
fn send_back(screen: &Screen<'_>, link: Link) -> Response {
    let url = screen.return_url.as_deref();
    // An address that no header can have is a link of the page.
    let url = url.filter(|url| is_web_address(url) && HeaderValue::from_str(url).is_ok());
    match (link, url) {
        (Link::Works, Some(url)) => see_other(url),
        _ => show_returning(screen, link),
    }
}

fn show_begun_elsewhere(screen: &Screen<'_>) -> Response {
    let who = match screen.session.authorization.is_by_script() {
        true => "The person of the script signed in here, and does nothing more.",
        false => "Somebody signed in here with another browser.",
    };
    let words =
        format!("{who} Whoever signs in here instead begins again; nothing was shared yet.");
    let start = screen.at("start");
    let next = Some(("Sign in here instead", start.as_str()));
    browser::refuse(SERVICE, &screen.now, &words, next)
}

fn show_answered_elsewhere(screen: &Screen<'_>) -> Response {
    let words = format!(
        "This session was answered without you, in another browser or by whoever asked. Ask {} for a link of your own.",
        screen.caller()
    );
    browser::refuse(SERVICE, &screen.now, &words, None)
}

fn show_locked(screen: &Screen<'_>) -> Response {
    let words = format!(
        "There were too many wrong passwords. Nothing was shared. Ask {} for a new link.",
        screen.caller()
    );
    screen.say(StatusCode::FORBIDDEN, "Locked", &[&words], None)
}

fn show_leaving(screen: &Screen<'_>) -> Response {
    let words = "Nothing was shared, and nobody is told that you left. Until the link expires you can go on.";
    let next = Some(("Go on after all", screen.path.as_str()));
    screen.say(StatusCode::OK, "You are leaving", &[words], next)
}

/// The person's number, or why it is not taken.
fn number(typed: &str, any: bool) -> Result<&str, &'static str> {
    let is_digits = typed.bytes().all(|byte| byte.is_ascii_digit());
    let is_ours = MobileScript::of(typed).is_some()
        || people::PEOPLE.iter().any(|person| person.mobile == typed);
    match typed.len() {
        0 => Err("Nobody is chosen. Choose a person, or type a number that begins with 9001."),
        _ if is_ours => Ok(typed),
        10 if is_digits && any => Ok(typed),
        10 if is_digits => Err(
            "This number may be somebody's. Type one that begins with 9001: those are invented.",
        ),
        12 if is_digits => Err("This may be somebody's Aadhaar number. Never type one here."),
        _ => {
            Err("This is no number of an invented person. It has ten digits, and begins with 9001.")
        }
    }
}

fn act(deepvue: &Deepvue, screen: &Screen<'_>, visit: &Visit, link: Link) -> Response {
    let authorization = &screen.session.authorization;
    if !visit.may_act(Some(authorization.form_token)) {
        let words = "This form is not from this page. Nothing was done.";
        let next = Some(("Open the page again", screen.path.as_str()));
        return screen.say(StatusCode::FORBIDDEN, "Not from here", &[words], next);
    }
    let step = visit.field("step");
    let is_answered = authorization.is_answered() || link == Link::Used;
    if is_answered || authorization.stage == Stage::Locked {
        return show(screen, visit, link);
    }
    if step == "start" {
        return sign_in(deepvue, screen, visit);
    }
    if browser::is_by_another(visit, authorization.browser) {
        return show_begun_elsewhere(screen);
    }
    let expected = match authorization.stage {
        Stage::SignUp => "create",
        Stage::Otp => "otp",
        Stage::Consent => "consent",
        _ => "start",
    };
    if step != expected {
        let words = "This is not what comes next here. Nothing was done.";
        let next = Some(("Go on", screen.path.as_str()));
        return screen.say(StatusCode::CONFLICT, "Not yet", &[words], next);
    }
    match authorization.stage {
        Stage::SignUp => {
            let made = deepvue.change(screen.id, |authorization| {
                let made = authorization.sign_up(screen.now_ms);
                (made, made.then(|| "makes an account".to_owned()))
            });
            match made {
                Some(true) => see_other(&screen.path),
                _ => show_sign_up(
                    screen,
                    wrong(
                        "The mobile number is not linked to Aadhaar. No account can be made: choose another person.",
                    ),
                ),
            }
        }
        Stage::Otp => otp(deepvue, screen, visit),
        _ => consent(deepvue, screen, visit),
    }
}

fn sign_in(deepvue: &Deepvue, screen: &Screen<'_>, visit: &Visit) -> Response {
    let person = visit.field("person");
    let typed = visit.field("number");
    // Whoever types a number means it, whichever person is still chosen above.
    let is_other = person == "other" || !typed.is_empty();
    let chosen = match is_other {
        true => number(typed, deepvue.takes_any_number()),
        false => number(person, false),
    };
    let mobile = match chosen {
        Ok(mobile) => mobile,
        // What may be somebody's is not shown again.
        Err(words) => return show_sign_in(screen, is_other, wrong(words)),
    };
    let browser = browser::name_of(visit);
    let creates = visit.field("do") == "create";
    deepvue.change(screen.id, |authorization| {
        let chose = authorization.choose(screen.now_ms, mobile, browser);
        if chose && creates {
            authorization.stage = Stage::SignUp;
        }
        ((), chose.then(|| "signs in".to_owned()))
    });
    browser::see_other_as(browser, &screen.path)
}

fn otp(deepvue: &Deepvue, screen: &Screen<'_>, visit: &Visit) -> Response {
    let is_pin = visit.query("at") == Some("pin");
    if visit.field("do") == "resend" {
        let sent = deepvue.change(screen.id, |authorization| {
            let sent = authorization.resend(screen.now_ms);
            (sent, sent.then(|| "asks for another password".to_owned()))
        });
        return match sent {
            Some(true) => see_other(&screen.path),
            _ => show_otp(
                screen,
                is_pin,
                wrong("The last one was sent less than 30 seconds ago. Wait a moment."),
            ),
        };
    }
    let typed = visit.field("otp");
    if typed.len() != 6 || !typed.bytes().all(|byte| byte.is_ascii_digit()) {
        return show_otp(
            screen,
            is_pin,
            wrong("It has six digits. Type all of them, and nothing else."),
        );
    }
    let verified = deepvue.change(screen.id, |authorization| {
        let verified = authorization.verify(typed);
        let words = match verified {
            Ok(()) => "gives the right password",
            Err(_) => "gives a wrong password",
        };
        (verified, Some(words.to_owned()))
    });
    match verified {
        Some(Err(OtpProblem::Wrong(left))) => {
            let words = format!("This is wrong. Attempts left: {left}.");
            show_otp(screen, is_pin, wrong(&words))
        }
        Some(Err(OtpProblem::Expired)) => show_otp(
            screen,
            is_pin,
            wrong("This one has expired. Ask for another one."),
        ),
        Some(Ok(()) | Err(OtpProblem::Locked)) | None => see_other(&screen.path),
    }
}

fn consent(deepvue: &Deepvue, screen: &Screen<'_>, visit: &Visit) -> Response {
    match visit.field("do") {
        "allow" => {
            let ticked = DocumentKind::ALL.into_iter();
            let ticked = ticked.filter(|kind| visit.is_ticked("document", kind.name()));
            let ticked: Vec<_> = ticked.collect();
            let code = Deepvue::new_secret().simple().to_string();
            deepvue.change(screen.id, |authorization| {
                let allowed = authorization.allow(screen.now_ms, &ticked, code);
                let count = authorization.granted.len();
                ((), allowed.then(|| format!("allows {count} documents")))
            });
        }
        "deny" => {
            deepvue.change(screen.id, |authorization| {
                let denied = authorization.deny();
                ((), denied.then(|| "denies".to_owned()))
            });
        }
        _ => {}
    }
    see_other(&screen.path)
}
