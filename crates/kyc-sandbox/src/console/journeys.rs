//! The journeys, newest first, with how far each provider is.

use std::borrow::Cow;
use std::collections::HashMap;

use maud::{Markup, html};

use super::people;
use crate::providers::address::RETURNS;
use crate::sandbox::Sandbox;
use crate::state::{Call, Happening, JourneyId, Provider, What};

/// How many journeys are listed.
pub(super) const MOST: usize = 40;

/// How far a provider is in a journey.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mark {
    #[default]
    Nothing,
    /// Something was opened and waits for the person or for time.
    Waiting,
    Done,
    Failed,
}

impl Mark {
    fn sign(self) -> (&'static str, &'static str) {
        match self {
            Self::Nothing => ("·", "nothing yet"),
            Self::Waiting => ("…", "waiting"),
            Self::Done => ("✓", "done"),
            Self::Failed => ("✗", "failed"),
        }
    }
}

/// How far a provider is, and how its last call ended.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    mark: Mark,
    /// Whether the last call was refused; what was before it stands again after the next one.
    is_refused: bool,
}

impl Progress {
    fn mark(self) -> Mark {
        match self.is_refused {
            true => Mark::Failed,
            false => self.mark,
        }
    }

    /// What it is after this.
    fn after(self, what: &What) -> Self {
        let mark = match what {
            What::Call(call) if !call.status.is_success() => {
                return Self {
                    is_refused: true,
                    ..self
                };
            }
            What::Call(call) => self.after_call(call),
            What::Step { words, .. } | What::Change { words, .. } => end(words),
            _ => return self,
        };
        Self {
            mark,
            is_refused: false,
        }
    }

    fn after_call(self, call: &Call) -> Mark {
        let opens = ["opened", "asked for", "begun"];
        match self.mark {
            _ if CONCLUDE.contains(&call.operation) => Mark::Done,
            _ if opens.iter().any(|opens| call.changed.contains(opens)) => Mark::Waiting,
            Mark::Nothing if call.had_effect => Mark::Waiting,
            // Whoever has nothing but what is read has that.
            Mark::Nothing => Mark::Done,
            mark => mark,
        }
    }
}

/// The operations that succeed only once everything is there that was waited for.
const CONCLUDE: [&str; 17] = [
    "analysis-json",
    "statement-result",
    "get-all-fi-data",
    "get-all-fi-data-pdf",
    "get-fi-data",
    "get-fi-data-xml",
    "get-fi-balance",
    "get-all-latest-fi-data",
    "analytics-json",
    "analytics-excel",
    "analytics-xml",
    "pdf-analytics-json",
    "complete-authorization",
    "issued-files",
    "e-aadhaar",
    "file",
    "delete-session",
];

/// How far the words of a step or a change say that a provider is.
fn end(words: &str) -> Mark {
    // Where somebody returns to is the caller's.
    let words = words.split(RETURNS).next().unwrap_or_default();
    let words = words.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let bad = [
        "expire",
        "reject",
        "denie",
        "declin",
        "fail",
        "revoke",
        "lock",
        "abandon",
        "cancel",
        "timeout",
        "timed out",
        "allowed nothing",
        "wrong password",
    ];
    let good = [
        "decided: approved",
        "consent active",
        "data session",
        "screened again",
    ];
    // Somebody may still change their mind, or take another picture.
    let is_open = words.starts_with("took a picture")
        || ["is about to reject", "gives a wrong password"].contains(&words.as_str());
    match (is_open, has(&bad), has(&good)) {
        (true, ..) => Mark::Waiting,
        (_, true, _) => Mark::Failed,
        (_, _, true) => Mark::Done,
        _ => Mark::Waiting,
    }
}

/// One journey of the list.
#[derive(Debug)]
pub(super) struct Listed {
    id: JourneyId,
    person: Option<Cow<'static, str>>,
    marks: [Mark; 4],
    newest_ms: i64,
    count: usize,
}

#[derive(Default)]
struct Seen {
    progress: [Progress; 4],
    newest_ms: i64,
    newest: u64,
    count: usize,
}

/// The newest journeys.
pub(super) fn newest(sandbox: &Sandbox) -> Vec<Listed> {
    let simulation = sandbox.simulation();
    let mut seen = HashMap::<JourneyId, Seen>::new();
    simulation.happenings.read(|all| {
        for journey in all.iter().rev().filter_map(|happening| happening.journey) {
            if seen.len() == MOST {
                break;
            }
            seen.entry(journey).or_default();
        }
        for happening in all {
            if let Some(seen) = happening.journey.and_then(|journey| seen.get_mut(&journey)) {
                note(seen, happening);
            }
        }
    });
    let mut seen: Vec<_> = seen.into_iter().collect();
    seen.sort_unstable_by_key(|(_, seen)| std::cmp::Reverse(seen.newest));
    let journeys = &simulation.journeys;
    let listed = seen.into_iter().map(|(id, seen)| Listed {
        id,
        person: people::of_journey(journeys, Some(id)),
        marks: seen.progress.map(Progress::mark),
        newest_ms: seen.newest_ms,
        count: seen.count,
    });
    listed.collect()
}

fn note(seen: &mut Seen, happening: &Happening) {
    let place = happening.what.provider();
    let place = place.and_then(|of| Provider::ALL.iter().position(|provider| *provider == of));
    if let Some(progress) = place.and_then(|place| seen.progress.get_mut(place)) {
        *progress = progress.after(&happening.what);
    }
    (seen.newest, seen.newest_ms) = (happening.number, happening.at_ms);
    seen.count = seen.count.saturating_add(1);
}

/// How long ago something was, for people.
fn age(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The list, as it stands beside the stream.
pub(super) fn render(sandbox: &Sandbox, current: Option<JourneyId>) -> Markup {
    let (journeys, now_ms) = (newest(sandbox), sandbox.now_ms());
    html! {
        @if journeys.is_empty() {
            p.muted { "None yet. A journey begins when a provider opens something for a person." }
        }
        ol.journeys {
            @for journey in &journeys {
                li {
                    a href={ "/j/" (journey.id) } aria-current=[(current == Some(journey.id)).then_some("true")] {
                        span.name {
                            b { (journey.id) } " "
                            @if let Some(person) = &journey.person { (person) }
                        }
                        span.marks {
                            @for (provider, mark) in Provider::ALL.iter().zip(journey.marks) {
                                @let (sign, words) = mark.sign();
                                span class={ "mark " (words) } {
                                    span aria-hidden="true" { (short(*provider)) (sign) }
                                    span.hidden { (provider) ": " (words) ". " }
                                }
                            }
                        }
                        span.took { (journey.count) " · " (age(now_ms.saturating_sub(journey.newest_ms))) }
                    }
                }
            }
        }
    }
}

fn short(provider: Provider) -> &'static str {
    match provider {
        Provider::Finpass => "Fp",
        Provider::Finpro => "Fo",
        Provider::Veriff => "Ve",
        Provider::Deepvue => "De",
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn call(status: u16, had_effect: bool) -> What {
        What::Call(Call {
            provider: Provider::Finpass,
            operation: "initialize",
            status: StatusCode::from_u16(status).unwrap(),
            changed: "".into(),
            had_effect,
            reason: "",
            is_unverified: false,
            repeats: None,
            request_id: None,
            took_us: 0,
        })
    }

    #[test]
    fn the_newest_journeys_are_listed_with_all_that_is_kept_of_them() {
        let sandbox = Sandbox::default();
        let journey = |number: usize| JourneyId::new(u64::try_from(number).unwrap());
        let happenings = &sandbox.simulation().happenings;
        for number in (1..=MOST + 2).chain([1]) {
            happenings.add(0, Some(journey(number)), call(200, true));
            happenings.add(0, None, call(500, false));
        }
        let listed: Vec<_> = newest(&sandbox)
            .iter()
            .map(|listed| (listed.id, listed.count))
            .collect();
        let others = (4..=MOST + 2).rev().map(|number| (journey(number), 1));
        let expected: Vec<_> = [(journey(1), 2)].into_iter().chain(others).collect();
        assert_eq!(listed, expected);
    }

    #[test]
    fn a_mark_tells_how_far_a_provider_is() {
        let step = |words: &str| What::Step {
            provider: Provider::Finpass,
            words: words.to_owned(),
        };
        let of = |operation: &'static str, changed: &str| match call(200, !changed.is_empty()) {
            What::Call(call) => What::Call(Call {
                operation,
                changed: changed.to_owned().into(),
                ..call
            }),
            other => other,
        };
        let after = |steps: &[What]| {
            let progress = steps.iter();
            let progress =
                progress.fold(Progress::default(), |progress, what| progress.after(what));
            progress.mark()
        };
        assert_eq!(after(&[call(200, true)]), Mark::Waiting);
        assert_eq!(after(&[call(200, true), call(200, false)]), Mark::Waiting);
        assert_eq!(after(&[call(200, false)]), Mark::Done);
        // A step is no end, and a refused call stands until the next one.
        let opened = || call(200, true);
        for (words, mark) in [
            ("opened the verification", Mark::Waiting),
            ("handed in attempt 1", Mark::Waiting),
            ("approves", Mark::Waiting),
            ("is about to reject", Mark::Waiting),
            ("took a picture: front, expired", Mark::Waiting),
            ("decided: approved", Mark::Done),
            ("decided: resubmission_requested", Mark::Waiting),
            ("decided: declined", Mark::Failed),
            ("consent ACTIVE", Mark::Done),
            ("consent REVOKED", Mark::Failed),
            ("Rejects", Mark::Failed),
            ("signed in, and left", Mark::Waiting),
            (
                "allowed the documents, and returns to https://a.test/expired/identity",
                Mark::Waiting,
            ),
            (
                "allowed nothing, and returns to https://a.test/back",
                Mark::Failed,
            ),
        ] {
            assert_eq!(after(&[opened(), step(words)]), mark, "{words}");
            let refused = [opened(), step(words), call(422, false)];
            assert_eq!(after(&refused), Mark::Failed, "{words}");
            let again = [opened(), step(words), call(503, false), call(200, false)];
            assert_eq!(after(&again), mark, "{words}");
        }
        assert_eq!(after(&[call(422, false)]), Mark::Failed);
        let deepvue = [
            of("initiate-session", "opened a session"),
            step("allowed the documents"),
            of("complete-authorization", "completed the authorization"),
            of("e-aadhaar", ""),
        ];
        assert_eq!(after(&deepvue), Mark::Done);
        assert_eq!(after(&deepvue[..2]), Mark::Waiting);
        let known = Sandbox::operations();
        for operation in CONCLUDE {
            assert!(
                known.iter().any(|known| known.name == operation),
                "{operation}"
            );
        }
        assert_eq!(
            (age(59_999), age(90_000_000)),
            ("59 s".to_owned(), "1 d".to_owned())
        );
    }
}
