//! One row of the stream.

use std::borrow::Cow;
use std::collections::HashMap;

use maud::{Markup, html};

use super::{Own, masking, people};
use crate::control;
use crate::sandbox::Sandbox;
use crate::state::{Call, Delivery, Happening, JourneyId, What, iso};

/// How a row is meant, never told by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Quiet,
    Good,
    Bad,
}

/// What is seen of a happening.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) at_ms: i64,
    journey: Option<JourneyId>,
    /// The sign of its kind, and the kind in a word.
    sign: &'static str,
    kind: &'static str,
    title: String,
    person: Option<Cow<'static, str>>,
    outcome: String,
    took: Option<String>,
    words: String,
    tone: Tone,
    href: Option<String>,
    looks_real: bool,
}

/// Makes rows, and remembers whose journeys are whose.
pub(super) struct Rows<'s> {
    sandbox: &'s Sandbox,
    people: HashMap<JourneyId, Option<Cow<'static, str>>>,
}

impl<'s> Rows<'s> {
    pub(super) fn new(sandbox: &'s Sandbox) -> Self {
        Self {
            sandbox,
            people: HashMap::new(),
        }
    }

    fn person(&mut self, journey: Option<JourneyId>) -> Option<Cow<'static, str>> {
        let journeys = &self.sandbox.simulation().journeys;
        let found = || people::of_journey(journeys, journey);
        self.people.entry(journey?).or_insert_with(found).clone()
    }

    pub(super) fn row(&mut self, happening: &Happening) -> Row {
        let mut row = Row {
            number: happening.number,
            at_ms: happening.at_ms,
            journey: happening.journey,
            sign: "·",
            kind: "",
            title: String::new(),
            person: self.person(happening.journey),
            outcome: String::new(),
            took: None,
            words: String::new(),
            tone: Tone::Quiet,
            href: None,
            looks_real: false,
        };
        match &happening.what {
            What::Call(call) => self.call(&mut row, call),
            What::Webhook {
                id,
                provider,
                event,
                attempt,
                delivery,
            } => {
                (row.sign, row.kind) = ("→", "webhook");
                row.title = format!("{provider} {event}");
                row.outcome = outcome(*delivery);
                row.tone = match delivery {
                    _ if delivery.why_not_sent().is_some() => Tone::Quiet,
                    _ if delivery.is_accepted() => Tone::Good,
                    _ => Tone::Bad,
                };
                row.words = match (delivery.why_not_sent(), attempt) {
                    (Some(why), _) => why.to_owned(),
                    (None, 2..) => format!("attempt {attempt}"),
                    (None, _) => String::new(),
                };
                row.href = Some(format!("/w/{id}"));
            }
            What::Step { provider, words } => {
                (row.sign, row.kind) = ("☞", "person");
                row.title = provider.to_string();
                row.words.clone_from(words);
            }
            What::Change { provider, words } => {
                (row.sign, row.kind) = ("↻", "by itself");
                row.title = provider.to_string();
                row.words.clone_from(words);
            }
            What::Clock { words } => {
                (row.sign, row.kind) = ("◷", "clock");
                row.words.clone_from(words);
            }
            What::Fault { words } => {
                (row.sign, row.kind) = ("⚡", "fault");
                row.words.clone_from(words);
            }
            What::Console { words } => {
                (row.sign, row.kind) = ("⌨", "console");
                row.words.clone_from(words);
            }
        }
        row
    }

    fn call(&self, row: &mut Row, call: &Call) {
        (row.sign, row.kind) = ("←", "call");
        row.title = match call.operation {
            "other" => format!("{} no operation", call.provider),
            operation => format!("{} {operation}", call.provider),
        };
        row.outcome = call.status.as_u16().to_string();
        row.tone = match call.status.is_success() {
            true => Tone::Good,
            false => Tone::Bad,
        };
        row.took = Some(took(call.took_us));
        row.words = words(call);
        row.href = Some(format!("/r/{}", row.number));
        row.looks_real = looks_real(self.sandbox, row.number);
    }
}

/// What came of a call, in words.
pub(super) fn words(call: &Call) -> String {
    let what = match (&*call.changed, call.is_unverified, call.had_effect) {
        ("", true, _) => "credentials or signature refused",
        ("", _, true) => "took effect",
        ("", ..) => call.reason,
        (changed, ..) => changed,
    };
    match &call.repeats {
        Some(repeats) if repeats.is_edited => format!("edited from {}; {what}", repeats.number),
        Some(repeats) => format!("replay of {}; {what}", repeats.number),
        None => what.to_owned(),
    }
}

/// Whether a request brings what looks like a real person's number.
pub(super) fn looks_real(sandbox: &Sandbox, number: u64) -> bool {
    let Some(wire) = sandbox.simulation().happenings.wire(number) else {
        return false;
    };
    *wire.looks_real.get_or_init(|| {
        let (request, own) = (wire.request(), Own(sandbox));
        let content_type = request.header("content-type").unwrap_or_default();
        let author = masking::Author::Caller;
        masking::body(request.body, content_type, author, &own).looks_real
            || masking::target(wire.target(), author, &own).looks_real
    })
}

/// How an attempt to deliver ended, in short.
pub(super) fn outcome(delivery: Delivery) -> String {
    match delivery {
        Delivery::Answered(status) => status.to_string(),
        _ => control::webhooks::outcome(delivery).to_owned(),
    }
}

/// A time that passed, for people.
pub(super) fn took(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{} s", us / 1_000_000),
    }
}

/// A moment, with its day: the clock is moved over many.
fn moment(ms: i64) -> String {
    iso(ms).trim_end_matches('Z').replace('T', " ")
}

impl Row {
    pub(super) fn render(&self, current: Option<u64>) -> Markup {
        let tone = match self.tone {
            Tone::Quiet => "quiet",
            Tone::Good => "good",
            Tone::Bad => "bad",
        };
        let is_current = current == Some(self.number);
        let content = html! {
            time datetime=(iso(self.at_ms)) { (moment(self.at_ms)) }
            " "
            span.sign aria-hidden="true" { (self.sign) }
            span.hidden { (self.kind) }
            " "
            @if !self.title.is_empty() { b { (self.title) } " " }
            @if let Some(person) = &self.person { span.person { (person) } " " }
            @if !self.outcome.is_empty() { span.outcome { (self.outcome) } " " }
            @if let Some(took) = &self.took { span.took { (took) } " " }
            span.words { (self.words) }
            @if self.looks_real { " " strong.real { "may be a real person" } }
        };
        html! {
            li class={ "row " (tone) } data-number=(self.number) {
                @match &self.href {
                    Some(href) => a.open href=(href) aria-current=[is_current.then_some("true")] { (content) },
                    None => div.open { (content) },
                }
                @if let Some(journey) = self.journey {
                    a.journey href={ "/j/" (journey) } { (journey) }
                }
            }
        }
    }
}
