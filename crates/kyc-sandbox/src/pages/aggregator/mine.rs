//! The consents that a person gave: pause, resume, revoke.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use super::screens::{form, otp_field, otp_message, said, state_words, token};
use super::{Pages, foreign, unknown, unreadable};
use crate::pages::browser;
use crate::pages::forms::{Visit, error};
use crate::pages::layout::{Frame, page, see_other};
use crate::providers::aggregator::{ConsentView, Visits};
use crate::state::flow::{Action, Flow, Problem, Screen};
use crate::state::people::is_mobile_number;
use crate::state::{AggregatorConsentStatus, MobileScript, iso};

const SERVICE: &str = "Account aggregator";

/// Asks for the mobile number.
pub(super) async fn begin(State(pages): State<Pages>) -> Response {
    ask_mobile(&pages.settled(), None)
}

fn ask_mobile(now: &str, problem: Option<&str>) -> Response {
    let content = html! {
        (error(problem))
        form method="post" {
            label for="mobile" { "Mobile number" }
            input #mobile type="tel" name="mobile" inputmode="numeric" autocomplete="off" maxlength="20";
            button.primary { "Continue" }
        }
    };
    let frame = Frame {
        title: "My consents",
        service: SERVICE,
        now,
        message: None,
    };
    page(StatusCode::OK, &frame, &content)
}

/// Sends the one-time password, if the person has any consent here.
pub(super) async fn sign_in(State(pages): State<Pages>, request: Request) -> Response {
    let now = pages.settled();
    let Some(visit) = Visit::read(request).await else {
        return unreadable(&now);
    };
    if !visit.is_same_origin() {
        return foreign(&now);
    }
    let mobile = visit.field("mobile");
    if !is_mobile_number(mobile) {
        return ask_mobile(&now, Some("A mobile number has ten digits."));
    }
    if given(&pages, mobile).is_empty() {
        let words = "Nobody with this number gave a consent here. Use a number of an invented person who did.";
        return ask_mobile(&now, Some(words));
    }
    let ids = &pages.providers.simulation.ids;
    let name = ids.hex();
    let mut flow = Flow::new(Some(ids.uuid()), mobile, Vec::new(), 0);
    flow.sends_otp = MobileScript::of(mobile).is_none_or(MobileScript::sends_otp);
    let now_ms = pages.providers.simulation.now_ms();
    let browser = browser::name_of(&visit);
    let confirmed = Action::ConfirmMobile {
        mobile: mobile.to_owned(),
        browser: Some(browser),
    };
    flow.act(confirmed, now_ms);
    pages.mine.update(name.clone(), |_| flow);
    browser::see_other_as(browser, &format!("/aa/me/{name}"))
}

fn begun_elsewhere(now: &str) -> Response {
    let words = "Somebody signed in here with another browser. Nothing was shown or changed. Sign in for yourself to see your own consents.";
    browser::refuse(SERVICE, now, words, Some(("Sign in", "/aa/me")))
}

/// The consents of a person at all providers.
fn given(pages: &Pages, mobile: &str) -> Vec<ConsentView> {
    let mut given = pages.providers.finpro.given(mobile);
    given.extend(pages.providers.finpass.given(mobile));
    given
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let now = pages.settled();
    let Some(visit) = Visit::read(request).await else {
        return unreadable(&now);
    };
    let Some(flow) = pages.mine.get(name.as_str()) else {
        return unknown(&now);
    };
    if browser::is_by_another(&visit, flow.browser) {
        return begun_elsewhere(&now);
    }
    let (title, message, content) = match flow.screen {
        Screen::Otp => {
            let buttons = [
                ("primary", "otp", "Verify"),
                ("", "resend", "Send another one"),
                ("", "leave", "Leave"),
            ];
            let content = form(&flow, &otp_field(), &buttons);
            ("Is this your phone?", Some(otp_message(&flow)), content)
        }
        Screen::Mine => (
            "My consents",
            None,
            list(&flow, &given(&pages, &flow.mobile)),
        ),
        _ => {
            let content = html! {
                @if let Some(ending) = &flow.ending { p { (ending.words()) } }
                p { a href="/aa/me" { "Sign in again" } }
            };
            ("Signed out", None, content)
        }
    };
    let frame = Frame {
        title,
        service: SERVICE,
        now: &now,
        message: message.as_deref(),
    };
    page(StatusCode::OK, &frame, &content)
}

fn list(flow: &Flow, given: &[ConsentView]) -> Markup {
    html! {
        (said(flow.problem))
        form method="post" {
            (token(flow))
            @for (at, consent) in given.iter().enumerate() {
                fieldset {
                    legend { (consent.lender) ": " (consent.purpose) }
                    p { (state_words(consent.status)) " since " (iso(consent.since_ms)) }
                    p { "Valid until " (iso(consent.expires_ms)) }
                    ul { @for account in &consent.accounts { li { (account) } } }
                    @if consent.status == AggregatorConsentStatus::Active {
                        button name="do" value={ "pause " (consent.id) }
                            aria-label={ "Pause consent " (at.saturating_add(1)) } { "Pause" }
                    }
                    @if consent.status == AggregatorConsentStatus::Paused {
                        button name="do" value={ "resume " (consent.id) }
                            aria-label={ "Resume consent " (at.saturating_add(1)) } { "Resume" }
                    }
                    @if consent.status.may_become(AggregatorConsentStatus::Revoked) {
                        button.danger name="do" value={ "revoke " (consent.id) }
                            aria-label={ "Revoke consent " (at.saturating_add(1)) } { "Revoke" }
                    }
                }
            }
            button name="do" value="leave" { "Leave" }
        }
    }
}

pub(super) async fn send(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let now = pages.settled();
    let Some(visit) = Visit::read(request).await else {
        return unreadable(&now);
    };
    let Some(flow) = pages.mine.get(name.as_str()) else {
        return unknown(&now);
    };
    if !visit.may_act(flow.token) {
        return foreign(&now);
    }
    if browser::is_by_another(&visit, flow.browser) {
        return begun_elsewhere(&now);
    }
    let pressed = visit.field("do");
    let (what, id) = pressed.split_once(' ').unwrap_or((pressed, ""));
    let status = match what {
        "pause" => Some(AggregatorConsentStatus::Paused),
        "resume" => Some(AggregatorConsentStatus::Active),
        "revoke" => Some(AggregatorConsentStatus::Revoked),
        _ => None,
    };
    let action = match what {
        "otp" => Some(Action::Otp(visit.field("otp").to_owned())),
        "resend" => Some(Action::Resend),
        "leave" => Some(Action::Leave),
        _ => None,
    };
    let now_ms = pages.providers.simulation.now_ms();
    // Whoever did not sign in changes nothing.
    if let Some(status) = status.filter(|_| flow.screen == Screen::Mine) {
        let changed = pages
            .providers
            .finpro
            .change_given(&flow.mobile, id, status)
            || pages
                .providers
                .finpass
                .change_given(&flow.mobile, id, status);
        pages.mine.change(name.as_str(), |flow| {
            flow.problem = (!changed).then_some(Problem::AlreadyEnded);
        });
    } else if let Some(action) = action {
        pages
            .mine
            .change(name.as_str(), |flow| flow.act(action, now_ms));
    }
    see_other(&format!("/aa/me/{name}"))
}
