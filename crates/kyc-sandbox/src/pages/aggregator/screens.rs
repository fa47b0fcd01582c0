//! The screens of a request for consents.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use crate::pages::forms::{TOKEN, console_link, error};
use crate::pages::layout::{Frame, page};
use crate::providers::aggregator::{ConsentView, VisitView};
use crate::state::flow::{BANKS, BankAnswer, Ending, Flow, OTP, Problem, Reason, Screen};
use crate::state::{AggregatorConsentStatus, iso};

/// The page on which a visit is.
pub(super) fn page_of(view: &VisitView, now: &str) -> Response {
    let flow = &view.flow;
    let is_over = !view.waits();
    let (title, content) = if is_over || flow.screen == Screen::Done {
        done(view)
    } else {
        screen(view)
    };
    let content = html! {
        (content)
        @if let Some(journey) = view.journey { p { (console_link(journey)) } }
    };
    let message = match flow.screen {
        _ if is_over => None,
        Screen::Otp | Screen::BankOtp => Some(otp_message(flow)),
        _ => None,
    };
    let frame = Frame {
        title: &title,
        service: &service_of(view),
        now,
        message: message.as_deref(),
    };
    page(StatusCode::OK, &frame, &content)
}

/// Whose screens they are.
pub(super) fn service_of(view: &VisitView) -> String {
    format!("Account aggregator {}", view.aggregator)
}

/// The first screen, for a browser that begins instead of the one that signed in.
pub(super) fn begin_instead(view: &VisitView, problem: Option<Problem>, now: &str) -> Response {
    let mut view = view.clone();
    view.flow.problem = problem;
    let frame = Frame {
        title: &start_title(&view),
        service: &service_of(&view),
        now,
        message: None,
    };
    page(StatusCode::OK, &frame, &start(&view, &[CONTINUE]))
}

/// What a phone would have shown.
pub(super) fn otp_message(flow: &Flow) -> String {
    if flow.sends_otp {
        format!("We would have sent {OTP} to the phone.")
    } else {
        "Nothing was sent to the phone: messages do not reach this person.".to_owned()
    }
}

/// What went wrong, above everything that can be filled in. A browser puts the focus there.
pub(super) fn said(problem: Option<Problem>) -> Markup {
    html! {
        @if let Some(problem) = problem {
            @if problem == Problem::OtpSentAgain {
                p role="status" { (problem.words()) }
            } @else {
                (error(Some(problem.words())))
            }
        }
    }
}

/// What makes a form one of this flow's.
pub(super) fn token(flow: &Flow) -> Markup {
    html! {
        @if let Some(token) = flow.token { input type="hidden" name=(TOKEN) value=(token); }
    }
}

/// The form of a screen. The primary button is the first one, which is what the Enter key presses.
pub(super) fn form(flow: &Flow, fields: &Markup, buttons: &[(&str, &str, &str)]) -> Markup {
    html! {
        (said(flow.problem))
        form method="post" {
            (token(flow))
            (fields)
            @for (class, action, words) in buttons {
                button class=(class) name="do" value=(action) { (words) }
            }
        }
    }
}

const CONTINUE: (&str, &str, &str) = ("primary", "mobile", "Continue");
const LEAVE: (&str, &str, &str) = ("", "leave", "Leave");
const BACK: (&str, &str, &str) = ("", "back", "Back");

/// The field for a one-time password.
pub(super) fn otp_field() -> Markup {
    html! {
        label for="otp" { "One-time password" }
        input #otp type="text" name="otp" inputmode="numeric" autocomplete="one-time-code" maxlength="12";
    }
}

fn screen(view: &VisitView) -> (String, Markup) {
    let flow = &view.flow;
    match flow.screen {
        Screen::Start | Screen::Done | Screen::Mine => {
            let cancel = ("", "leave", "Cancel");
            (start_title(view), start(view, &[CONTINUE, cancel]))
        }
        Screen::Otp => ("Is this your phone?".to_owned(), otp(flow)),
        Screen::Banks => ("Your banks".to_owned(), banks(flow)),
        Screen::Accounts => ("Your accounts".to_owned(), accounts(flow)),
        Screen::BankOtp => bank_otp(flow),
        Screen::Review => ("What you are asked for".to_owned(), review(view)),
        Screen::Reason => ("Why do you reject?".to_owned(), reason(flow)),
    }
}

fn start_title(view: &VisitView) -> String {
    format!("{} asks to see your accounts", view.lender)
}

fn start(view: &VisitView, buttons: &[(&str, &str, &str)]) -> Markup {
    let fields = html! {
        @for consent in &view.consents { p { (consent.purpose) } }
        label for="mobile" { "Mobile number" }
        input #mobile type="tel" name="mobile" inputmode="numeric" autocomplete="off" maxlength="80"
            value=(view.flow.mobile);
    };
    form(&view.flow, &fields, buttons)
}

fn otp(flow: &Flow) -> Markup {
    let buttons = [
        ("primary", "otp", "Verify"),
        ("", "resend", "Send another one"),
        BACK,
        LEAVE,
    ];
    form(flow, &otp_field(), &buttons)
}

fn banks(flow: &Flow) -> Markup {
    let fields = html! {
        p { "Banks at which your mobile number was found are ticked. Tick at most " (BANKS) "." }
        fieldset {
            legend { "Banks" }
            @for (at, bank) in flow.banks.iter().enumerate() {
                label.choice {
                    input type="checkbox" name="bank" value=(at) checked[flow.chosen.contains(at)];
                    span {
                        (bank.fip_id)
                        @if bank.answer == BankAnswer::NeedsIdentity { " (needs PAN and date of birth)" }
                    }
                }
            }
        }
        @if flow.needs_identity() {
            label for="pan" { "PAN (an invented one, such as AAAPA0000A)" }
            input #pan type="text" name="pan" autocomplete="off" maxlength="20";
            label for="born" { "Date of birth" }
            input #born type="date" name="born";
        }
    };
    form(
        flow,
        &fields,
        &[("primary", "banks", "Find accounts"), BACK, LEAVE],
    )
}

fn accounts(flow: &Flow) -> Markup {
    let fields = html! {
        p { "Linking shares nothing: what is shared you decide later." }
        fieldset {
            legend { "Accounts" }
            @for (bank, account) in flow.offered() {
                @let can_link = flow.can_link(account);
                label.choice {
                    input type="checkbox" name="account" value=(account.link)
                        checked[flow.ticked.contains(&account.link)] disabled[!can_link];
                    span {
                        (bank.fip_id) ": " (account.masked_number) ", " (account.fi_type) ", "
                        @if account.joint { "JOINT" } @else { "SINGLE" }
                        @if !can_link { " (accounts of two holders cannot be linked)" }
                    }
                }
            }
        }
    };
    let link = ("primary", "accounts", "Link accounts");
    form(flow, &fields, &[link, BACK, LEAVE])
}

fn bank_otp(flow: &Flow) -> (String, Markup) {
    let bank = flow.asking_bank().map_or("the bank", |bank| &bank.fip_id);
    let buttons = [
        ("primary", "bank-otp", "Verify"),
        ("", "resend", "Send another one"),
        ("", "skip", "Skip this bank"),
        BACK,
        LEAVE,
    ];
    let title = format!("{bank} wants to know that it is you");
    (title, form(flow, &otp_field(), &buttons))
}

fn review(view: &VisitView) -> Markup {
    let several = view.consents.len() > 1;
    let fields = html! {
        @for (at, consent) in view.consents.iter().enumerate() {
            fieldset {
                legend { (consent.lender) }
                @if several {
                    label.choice {
                        input type="checkbox" name="consent" value=(at) checked;
                        span { "Approve this request" }
                    }
                } @else {
                    input type="hidden" name="consent" value=(at);
                }
                (terms(consent))
            }
        }
        h2 { "From these accounts" }
        ul {
            @for (bank, account) in view.flow.offered() {
                @if view.flow.ticked.contains(&account.link) {
                    li { (bank.fip_id) ": " (account.masked_number) }
                }
            }
        }
    };
    let buttons = [
        ("primary", "approve", "Approve"),
        ("danger", "reject", "Reject"),
        BACK,
        LEAVE,
    ];
    form(&view.flow, &fields, &buttons)
}

/// What a consent allows. Beside the purpose and the time all of it is invented.
fn terms(consent: &ConsentView) -> Markup {
    html! {
        dl {
            dt { "For" } dd { (consent.purpose) " (purpose code 101)" }
            dt { "What" } dd { "Profile, summary and transactions" }
            dt { "Of" } dd { "The last twelve months" }
            dt { "How often" } dd { "Once a day at most" }
            dt { "Valid until" } dd { (iso(consent.expires_ms)) }
            dt { "Kept for" } dd { "As long as the loan lasts" }
        }
    }
}

fn reason(flow: &Flow) -> Markup {
    let fields = html! {
        fieldset {
            legend { "Reason" }
            @for (at, reason) in Reason::ALL.iter().enumerate() {
                label.choice {
                    input type="radio" name="reason" value=(at);
                    span { (reason.words()) }
                }
            }
        }
    };
    form(
        flow,
        &fields,
        &[("danger", "reason", "Reject"), BACK, LEAVE],
    )
}

/// What became of the request.
fn done(view: &VisitView) -> (String, Markup) {
    let flow = &view.flow;
    let waits = view.waits();
    let can_restart = waits && flow.ending.as_deref().is_some_and(Ending::is_open);
    let title = match (flow.ending.as_deref(), waits) {
        (Some(Ending::Approved { .. }), _) => "Approved",
        (Some(Ending::Rejected(_)), _) => "Rejected",
        (Some(Ending::Locked), true) => "Locked",
        (_, true) => "Not decided",
        (_, false) => "This request is over",
    };
    let content = html! {
        (said(flow.problem.filter(|_| waits)))
        @if let Some(ending) = &flow.ending { p { (ending.words()) } }
        dl {
            @for consent in &view.consents {
                dt { (consent.purpose) }
                dd { (state_words(consent.status)) " since " (iso(consent.since_ms)) }
                @for account in &consent.accounts { dt { "Shared" } dd { (account) } }
            }
        }
        @if let Some(url) = &view.return_url {
            p { a.button.primary href=(url) { "Return to " (view.lender) } }
        } @else {
            p { "The lender gave no address to return to. You can close this page." }
        }
        @if can_restart {
            form method="post" {
                (token(flow))
                button name="do" value="again" { "Start again" }
            }
        }
        p { a href="/aa/me" { "My consents" } }
    };
    (title.to_owned(), content)
}

/// A status in words.
pub(super) fn state_words(status: AggregatorConsentStatus) -> &'static str {
    match status {
        AggregatorConsentStatus::Pending => "waits for your decision",
        AggregatorConsentStatus::Active => "given",
        AggregatorConsentStatus::Paused => "paused",
        AggregatorConsentStatus::Rejected => "rejected",
        AggregatorConsentStatus::Revoked => "revoked",
        AggregatorConsentStatus::Expired => "expired",
    }
}
