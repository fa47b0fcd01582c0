//! What the server was asked and how it answered, so that a run can be settled; and which exchanges it breaks.

use std::fmt;

use crate::Settings;

/// The mobile number before that of the first person.
const NOBODY: u64 = 9_000_000_000;

/// What becomes of an exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// It is answered.
    Answered,
    /// A gateway says that nobody is there.
    Unavailable,
    /// The connection is closed instead of a reply.
    Closed,
    /// The connection is closed before the reply's end.
    Cut,
}

/// Counts of exchanges that were asked for rightly.
pub(crate) struct Ledger {
    /// One exchange of so many fails; none with 0.
    faults_every: u64,
    requests: u64,
    faults: u64,
    /// How often each person was answered.
    answered: Vec<u8>,
}

impl Ledger {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            faults_every: settings.faults_every,
            requests: 0,
            faults: 0,
            answered: vec![0; settings.people],
        }
    }

    /// Notes an exchange about a person, if it is about one, and says what becomes of it: nothing if nobody has that number.
    pub(crate) fn note(&mut self, mobile: Option<&[u8]>) -> Option<Fate> {
        let answered = match mobile {
            Some(mobile) => Some(self.answered.get_mut(index(mobile)?)?),
            None => None,
        };
        self.requests += 1;
        if self.faults_every > 0 && self.requests.is_multiple_of(self.faults_every) {
            self.faults += 1;
            return Some(match self.faults % 3 {
                1 => Fate::Unavailable,
                2 => Fate::Closed,
                _ => Fate::Cut,
            });
        }
        if let Some(answered) = answered {
            *answered = answered.saturating_add(1);
        }
        Some(Fate::Answered)
    }
}

/// `REQUESTS FAULTS PEOPLE_ANSWERED PEOPLE_ANSWERED_TWICE`
impl fmt::Display for Ledger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let people = |least: u8| {
            self.answered
                .iter()
                .filter(|times| **times >= least)
                .count()
        };
        let (requests, faults) = (self.requests, self.faults);
        write!(formatter, "{requests} {faults} {} {}", people(1), people(2))
    }
}

fn index(mobile: &[u8]) -> Option<usize> {
    let number: u64 = std::str::from_utf8(mobile).ok()?.parse().ok()?;
    usize::try_from(number.checked_sub(NOBODY + 1)?).ok()
}
