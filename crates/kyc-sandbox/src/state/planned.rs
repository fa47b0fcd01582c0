//! What is going to happen, by name.

use std::fmt;

use super::{JourneyId, Timer};

/// Something that is going to happen by itself, such as `j_23.expired`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    /// In Unix milliseconds of the sandbox's clock.
    pub(crate) at_ms: i64,
    pub(crate) journey: Option<JourneyId>,
    /// One word.
    pub(crate) event: &'static str,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(journey) = self.journey {
            write!(f, "{journey}.")?;
        }
        f.write_str(self.event)
    }
}

/// The name of an event: of a journey, as `j_23.expired`, or of any, as `expired`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlannedName<'n> {
    pub(crate) journey: Option<JourneyId>,
    event: &'n str,
}

/// The words of all events.
pub(crate) const EVENTS: [&str; 11] = [
    "step",
    "decision",
    "notice",
    "screened",
    "expired",
    "abandoned",
    "active",
    "paused",
    "revoked",
    "data",
    "webhook",
];

impl<'n> PlannedName<'n> {
    /// `None` for a text that is no name.
    pub(crate) fn of(text: &'n str) -> Option<Self> {
        let (journey, event) = match text.split_once('.') {
            Some((journey, event)) => (Some(journey.parse().ok()?), event),
            None => (None, text),
        };
        let is_word = !event.is_empty() && event.bytes().all(|byte| byte.is_ascii_lowercase());
        is_word.then_some(Self { journey, event })
    }

    /// The events of consents and those of verifications that may lead to this one: what a person or a provider does, and not
    /// what happens if nobody does anything.
    pub(crate) fn led_to_by(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self.event {
            "step" => (&[], &["decision"]),
            "active" | "paused" | "revoked" | "data" => (&["step", "active"], &[]),
            "decision" | "abandoned" => (&[], &["step"]),
            "notice" | "screened" => (&[], &["step", "decision"]),
            "webhook" => (&["step", "active", "data"], &["step", "decision", "notice"]),
            _ => (&[], &[]),
        }
    }

    /// Whether an event can have this name at all.
    pub(crate) fn is_known(self) -> bool {
        EVENTS.contains(&self.event)
    }

    pub(crate) fn names(self, planned: &Planned) -> bool {
        self.event == planned.event && (self.journey.is_none() || self.journey == planned.journey)
    }

    /// The soonest event of this name in lists of which each is in order.
    pub(crate) fn soonest<L>(self, lists: impl IntoIterator<Item = L>) -> Option<Planned>
    where
        L: IntoIterator<Item = Planned>,
    {
        let firsts = lists
            .into_iter()
            .filter_map(|list| list.into_iter().find(|planned| self.names(planned)));
        firsts.min_by_key(|planned| (planned.at_ms, planned.journey))
    }
}

/// The next stop of a clock that is moved to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Something else is due before, and may change what is planned.
    OnTheWay(i64),
    There(i64),
}

impl Stop {
    /// The next stop before an event, where this is the time of what is due next.
    pub(crate) fn before(event: &Planned, next_ms: Option<i64>) -> Self {
        match next_ms {
            Some(next_ms) if next_ms < event.at_ms => Self::OnTheWay(next_ms),
            _ => Self::There(event.at_ms),
        }
    }
}

/// What is planned at a provider, in order, with what comes of each timer: `None` where nothing does any more.
pub(crate) fn planned(
    timers: Vec<(i64, Option<JourneyId>, Timer)>,
    comes: impl Fn(&Timer) -> Option<&'static str>,
) -> impl Iterator<Item = Planned> {
    timers
        .into_iter()
        .filter_map(move |(at_ms, journey, timer)| {
            let event = comes(&timer)?;
            Some(Planned {
                at_ms,
                journey,
                event,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at_ms: i64, journey: u64, event: &'static str) -> Planned {
        let journey = Some(JourneyId::new(journey));
        Planned {
            at_ms,
            journey,
            event,
        }
    }

    #[test]
    fn a_name_is_a_word_perhaps_of_a_journey() {
        let name = PlannedName::of("j_23.expired").unwrap();
        assert!(name.names(&event(0, 23, "expired")));
        assert!(!name.names(&event(0, 24, "expired")));
        assert!(!name.names(&event(0, 23, "revoked")));
        assert!(
            PlannedName::of("expired")
                .unwrap()
                .names(&event(0, 24, "expired"))
        );
        for none in ["", ".", "j_23", "j_23.", "x.expired", "j_23.a.b", "Expired"] {
            assert_eq!(PlannedName::of(none), None, "{none}");
        }
    }

    #[test]
    fn the_soonest_of_all_lists_is_found_and_the_way_there_stops_at_what_is_due_before() {
        let lists = || {
            [
                vec![event(5, 1, "step"), event(30, 1, "expired")],
                vec![event(20, 2, "expired"), event(40, 1, "expired")],
            ]
        };
        let soonest = |name| PlannedName::of(name).unwrap().soonest(lists());
        assert_eq!(soonest("expired"), Some(event(20, 2, "expired")));
        assert_eq!(soonest("j_1.expired"), Some(event(30, 1, "expired")));
        assert_eq!(soonest("j_2.step"), None);

        let expired = event(30, 1, "expired");
        assert_eq!(Stop::before(&expired, Some(5)), Stop::OnTheWay(5));
        assert_eq!(Stop::before(&expired, Some(30)), Stop::There(30));
        assert_eq!(Stop::before(&expired, None), Stop::There(30));
        assert_eq!(expired.to_string(), "j_1.expired");
    }
}
