//! Clock and faults: what is on, and the forms that change it. A form that is refused comes back as it was filled in, with the rule.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use super::form::Form;
use super::frame;
use super::viewer::Viewer;
use crate::control::clock::{FARTHEST, FASTEST, length};
use crate::control::faults::LONGEST_MS;
use crate::exchange::{Failure, Fault, FaultKind};
use crate::pages::layout::see_other;
use crate::sandbox::Sandbox;
use crate::state::{ClockMode, Provider};

/// What is on, and the forms.
pub(super) fn render(sandbox: &Sandbox, viewer: &Viewer) -> Markup {
    let faults = sandbox.faults();
    let empty = Form::default();
    html! {
        (frame::urls(viewer))
        h2 { "Faults" }
        @if faults.is_empty() {
            p.muted { "None is on." }
        }
        ul.plain {
            @for (id, fault) in &faults {
                li {
                    (id) ": " (fault.words())
                    @if viewer.is_known {
                        form.inline method="post" action="/console/faults/off" {
                            input type="hidden" name="id" value=(id);
                            button { "Switch off " (id) }
                        }
                    }
                }
            }
        }
        @if viewer.is_known {
            details {
                summary { "Switch a fault on" }
                (fault_form(&empty))
            }
            h2 { "Clock" }
            details {
                summary { "Move the clock" }
                p { "The clock never goes back: what ends on the way has ended." }
                (move_form(&empty))
            }
            details {
                summary { "Change how it runs" }
                (mode_form(&empty))
            }
        }
    }
}

/// A fault to switch on, as it was filled in.
fn fault_form(given: &Form) -> Markup {
    html! {
        form method="post" action="/console/faults" {
            label for="fault-provider" { "Provider" }
            select #fault-provider name="provider" {
                @for provider in Provider::ALL {
                    (choice(provider.as_str(), provider.as_str(), given.text("provider")))
                }
            }
            label for="fault-operation" { "Operation, or all" }
            select #fault-operation name="operation" {
                option value="" { "all" }
                @for provider in Provider::ALL {
                    optgroup label=(provider) {
                        @for operation in Sandbox::operations().iter().filter(|known| known.provider == provider) {
                            (choice(operation.name, operation.name, given.text("operation")))
                        }
                    }
                }
            }
            label for="fault-kind" { "What it does" }
            select #fault-kind name="kind" {
                (choice("status", "answers with a status", given.text("kind")))
                (choice("delay", "answers late", given.text("kind")))
            }
            label for="fault-value" { "Status, or how late, such as 1.5s or 300 for milliseconds" }
            input #fault-value type="text" name="value" value=(given.text_or("value", "503")) required;
            label for="fault-first" { "How many requests, or all" }
            input #fault-first type="text" inputmode="numeric" name="first" value=(given.text("first"));
            label for="fault-percent" { "Which share of the requests, such as 10 %, or all" }
            input #fault-percent type="text" inputmode="numeric" name="percent" value=(given.text("percent"));
            label for="fault-seed" { "Where the draw of that share begins, or 1: the same number meets the same requests" }
            input #fault-seed type="text" inputmode="numeric" name="seed" value=(given.text("seed"));
            label for="fault-journey" { "Of one journey, such as j_19, or of all" }
            input #fault-journey type="text" name="journey" value=(given.text("journey"));
            label.choice {
                input type="checkbox" name="after" value="yes" checked[!given.text("after").is_empty()];
                "The work is done all the same"
            }
            label.choice {
                input type="checkbox" name="page" value="yes" checked[!given.text("page").is_empty()];
                "A gateway's page instead of the provider's error"
            }
            button { "Switch on" }
        }
    }
}

/// How far the clock is moved.
fn move_form(given: &Form) -> Markup {
    html! {
        form method="post" action="/console/clock" {
            label for="clock-by" { "By how much, such as 90s, 1h 30m or 7d" }
            input #clock-by type="text" name="by" value=(given.text("by")) required;
            button.danger { "Move it" }
        }
    }
}

/// How the clock runs.
fn mode_form(given: &Form) -> Markup {
    html! {
        form method="post" action="/console/clock" {
            label for="clock-mode" { "Mode" }
            select #clock-mode name="mode" {
                (choice("real", "in real time", given.text("mode")))
                (choice("frozen", "stands still", given.text("mode")))
                (choice("fast", "fast", given.text("mode")))
            }
            label for="clock-factor" { "How many times as fast, at most " (FASTEST) }
            input #clock-factor type="text" inputmode="numeric" name="factor" value=(given.text_or("factor", "60"));
            button { "Change" }
        }
    }
}

/// A word of a list, chosen if it is what was filled in.
fn choice(value: &str, words: &str, given: &str) -> Markup {
    html! {
        option value=(value) selected[value == given] { (words) }
    }
}

/// The form again, with what speaks against it.
fn refused(viewer: &Viewer, rule: &str, form: &Markup) -> Response {
    frame::again(viewer, StatusCode::BAD_REQUEST, "Not done", rule, form)
}

/// Moves the clock, or changes how it runs.
pub(super) async fn clock(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    body: Body,
) -> Response {
    let form = Form::read(body).await;
    if form.text("mode").is_empty() {
        return match length(form.text("by")) {
            Ok(Duration::ZERO) => {
                let rule =
                    "By nothing the clock does not move: give a length such as 90s, 1h 30m or 7d.";
                refused(&viewer, rule, &move_form(&form))
            }
            Ok(by) if by <= FARTHEST => {
                sandbox.advance(by).await;
                see_other("/")
            }
            Ok(_) => {
                let rule = "The clock is moved by at most ten years at once.";
                refused(&viewer, rule, &move_form(&form))
            }
            Err(refusal) => {
                let rule = format!("The length {}.", refusal.rule);
                refused(&viewer, &rule, &move_form(&form))
            }
        };
    }
    match mode(&form) {
        Ok(mode) => {
            sandbox.set_clock_mode(mode);
            see_other("/")
        }
        Err(rule) => refused(&viewer, &rule, &mode_form(&form)),
    }
}

fn mode(form: &Form) -> Result<ClockMode, String> {
    match form.text("mode") {
        "real" => Ok(ClockMode::Real),
        "frozen" => Ok(ClockMode::Frozen),
        "fast" => match form.text("factor").parse::<u32>() {
            Ok(factor @ 1..) if u64::from(factor) <= FASTEST => Ok(ClockMode::Fast(factor)),
            _ => Err(format!(
                "How many times as fast is a number from 1 to {FASTEST}."
            )),
        },
        _ => Err("A clock runs in real time, stands still or is fast.".to_owned()),
    }
}

/// Switches a fault on.
pub(super) async fn fault_on(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    body: Body,
) -> Response {
    let form = Form::read(body).await;
    let switched_on = fault(&form).and_then(|fault| {
        let id = sandbox.switch_fault_on(fault);
        id.map_err(|error| format!("The {} {}.", error.field(), error.rule()))
    });
    match switched_on {
        Ok(_) => see_other("/"),
        Err(rule) => refused(&viewer, &rule, &fault_form(&form)),
    }
}

fn fault(form: &Form) -> Result<Fault, String> {
    let provider = Provider::of(form.text("provider"))
        .ok_or("The provider must be finpass, finpro, veriff or deepvue.")?;
    let (value, page, after) = (form.text("value"), form.text("page"), form.text("after"));
    let kind = match form.text("kind") {
        "status" => {
            // What is no number is outside the range as well, which is checked with the fault.
            let mut failure = Failure::new(value.parse().unwrap_or(0));
            if !page.is_empty() {
                failure = failure.gateway_page();
            }
            if !after.is_empty() {
                failure = failure.after_effect();
            }
            FaultKind::Failure(failure)
        }
        "delay" if !page.is_empty() || !after.is_empty() => {
            let rule = "A gateway's page and work that is done all the same are for a fault with a status.";
            return Err(rule.to_owned());
        }
        "delay" => {
            let late = value.parse().map(Duration::from_millis);
            match late.or_else(|_| length(value)) {
                Ok(late) if late <= Duration::from_millis(LONGEST_MS) => FaultKind::Delay(late),
                _ => {
                    let rule = "How late is a length such as 1.5s, or a number of milliseconds, and at most ten minutes.";
                    return Err(rule.to_owned());
                }
            }
        }
        _ => return Err("A fault answers with a status or late.".to_owned()),
    };
    let mut fault = Fault::new(provider, kind);
    let given = |name| Some(form.text(name)).filter(|text| !text.is_empty());
    if let Some(operation) = given("operation") {
        fault = fault.of_operation(operation);
    }
    if let Some(journey) = given("journey") {
        let journey = journey.parse();
        fault = fault.of_journey(journey.map_err(|_| "The journey must be an id such as j_19.")?);
    }
    if let Some(count) = given("first") {
        let count = count.parse::<u64>();
        fault = fault.first(count.map_err(|_| "How many requests must be a number of 1 or more.")?);
    }
    let seed = match given("seed") {
        None => 1,
        Some(seed) => seed
            .parse()
            .map_err(|_| "The beginning of the draw must be a whole number.")?,
    };
    match given("percent").map(|percent| percent.trim_end_matches('%').trim_end().parse()) {
        None if given("seed").is_some() => {
            Err("The beginning of a draw is for a share of the requests.".to_owned())
        }
        None => Ok(fault),
        Some(Ok(percent @ 1..=100)) => Ok(fault.at_rate(percent, seed)),
        Some(_) => Err("The share of the requests must be from 1 to 100 %.".to_owned()),
    }
}

pub(super) async fn fault_off(
    State(sandbox): State<Sandbox>,
    Extension(viewer): Extension<Viewer>,
    body: Body,
) -> Response {
    match Form::read(body).await.text("id").parse() {
        // One that has met its last request meanwhile is off as well.
        Ok(id) => {
            sandbox.switch_fault_off(id);
            see_other("/")
        }
        Err(_) => {
            let rule = "A fault's id is one such as f_2.";
            frame::problem(&viewer, StatusCode::BAD_REQUEST, "Not done", rule)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_a_form_is_checked() {
        let sandbox = Sandbox::default();
        sandbox.simulation().journeys.of("9001000000");
        let read = |text: &str| {
            let on = fault(&Form::parse(text)).map(|fault| sandbox.switch_fault_on(fault));
            on.is_ok_and(|id| id.is_ok())
        };
        for text in [
            "provider=finpass&kind=status&value=503&first=2&after=yes&operation=initialize",
            "provider=veriff&kind=delay&value=100&journey=j_1",
            "provider=veriff&kind=delay&value=1.5s",
            "provider=finpro&kind=status&value=502&page=yes&percent=10%25&seed=4",
            "provider=finpro&kind=status&value=200&percent=1",
        ] {
            assert!(read(text), "{text}");
        }
        let words = sandbox
            .faults()
            .pop()
            .map(|_| sandbox.faults()[3].1.words());
        assert_eq!(
            words.as_deref(),
            Some("finpro answers 502, as a gateway's page, 10 % of requests, seed 4")
        );
        for text in [
            "",
            "provider=finpass",
            "provider=finpass&kind=status&value=99",
            "provider=finpass&kind=status&value=600",
            "provider=finpass&kind=status&value=x",
            "provider=finpass&kind=delay&value=600001",
            "provider=finpass&kind=delay&value=11m",
            "provider=finpass&kind=delay&value=soon",
            "provider=finpass&kind=delay&value=5&page=yes",
            "provider=finpass&kind=delay&value=5&after=yes",
            "provider=finpass&kind=status&value=503&operation=decision",
            "provider=finpass&kind=status&value=503&journey=19",
            "provider=finpass&kind=status&value=503&journey=j_2",
            "provider=finpass&kind=status&value=503&first=0",
            "provider=finpass&kind=status&value=503&percent=0",
            "provider=finpass&kind=status&value=503&percent=101",
            "provider=finpass&kind=status&value=204",
            "provider=finpass&kind=status&value=503&seed=4",
            "provider=finpass&kind=status&value=503&percent=10&seed=-1",
        ] {
            assert!(!read(text), "{text}");
        }
    }
}
