//! The journeys, newest first, with how far each provider is.

use std::borrow::Cow;
use std::collections::HashMap;

use maud::{Markup, html};

use super::people;
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

    /// What it is after this.
    fn after(self, what: &What) -> Self {
        match what {
            What::Call(call) => self.after_call(call),
            What::Step { words, .. } | What::Change { words, .. } => match is_bad(words) {
                true => Self::Failed,
                false => Self::Done,
            },
            _ => self,
        }
    }

    fn after_call(self, call: &Call) -> Self {
        match (call.status.is_success(), call.had_effect) {
            (false, _) => Self::Failed,
            (true, true) => Self::Waiting,
            // Reading changes nothing, but what was read of is there.
            (true, false) => match self {
                Self::Waiting => Self::Waiting,
                _ => Self::Done,
            },
        }
    }
}

/// Whether words tell of an end that is not the one hoped for.
fn is_bad(words: &str) -> bool {
    let words = words.to_lowercase();
    let bad = [
        "expire", "reject", "den", "declin", "fail", "revoke", "lock", "abandon", "cancel",
    ];
    bad.iter().any(|bad| words.contains(bad))
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
    marks: [Mark; 4],
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
        marks: seen.marks,
        newest_ms: seen.newest_ms,
        count: seen.count,
    });
    listed.collect()
}

fn note(seen: &mut Seen, happening: &Happening) {
    let place = happening.what.provider();
    let place = place.and_then(|of| Provider::ALL.iter().position(|provider| *provider == of));
    if let Some(mark) = place.and_then(|place| seen.marks.get_mut(place)) {
        *mark = mark.after(&happening.what);
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
        let after = |steps: &[What]| {
            steps
                .iter()
                .fold(Mark::Nothing, |mark, what| mark.after(what))
        };
        assert_eq!(after(&[call(200, true)]), Mark::Waiting);
        assert_eq!(after(&[call(200, true), call(200, false)]), Mark::Waiting);
        assert_eq!(after(&[call(200, true), step("approves")]), Mark::Done);
        assert_eq!(after(&[call(200, true), step("Rejects")]), Mark::Failed);
        assert_eq!(after(&[call(422, false)]), Mark::Failed);
        assert_eq!(after(&[call(200, false)]), Mark::Done);
        assert_eq!(
            (age(59_999), age(90_000_000)),
            ("59 s".to_owned(), "1 d".to_owned())
        );
    }
}
