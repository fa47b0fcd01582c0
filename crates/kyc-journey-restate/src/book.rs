//! What is kept of a journey beside its sealed bodies.

use jiff::Timestamp;
use kyc_journey::{
    DataClass, EffectId, JourneyId, JourneyStatus, JourneySummary, Leg, Seq, Settles, TimerName,
};
use serde::{Deserialize, Serialize};

use crate::message::{Kept, Mark};

/// The keys of a journey's values in Restate.
pub(crate) mod keys {
    use kyc_journey::Seq;

    /// The [`Book`](super::Book), in the clear.
    pub(crate) const BOOK: &str = "book";
    /// What a list shows, in the clear: [`Book::summary`](super::Book::summary).
    pub(crate) const SUMMARY: &str = "summary";
    /// The state, sealed.
    pub(crate) const STATE: &str = "state";

    /// The number of the event with this key.
    pub(crate) fn event(digest: &str) -> String {
        format!("key:{digest}")
    }

    /// An entry of the history, sealed.
    pub(crate) fn history(seq: Seq) -> String {
        format!("history:{seq}")
    }

    /// A payload, sealed.
    pub(crate) fn payload(seq: Seq) -> String {
        format!("payload:{seq}")
    }
}

/// What is needed to find a journey's bodies, and to know what still waits for it. Nothing in it is personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    /// The version of the stored form.
    schema: u32,
    /// Another number for each journey that begins, also for one whose id was used before.
    pub(crate) born: u64,
    pub(crate) status: JourneyStatus,
    pub(crate) seq: Seq,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    calls: Vec<Call>,
    timers: Vec<Running>,
    payloads: Vec<Kept>,
    /// The digests of what it is found by.
    pub(crate) lookups: Vec<String>,
}

/// A call that has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Call {
    seq: Seq,
    ordinal: u32,
    leg: Leg,
    is_begun: bool,
}

/// A timer that has not fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    name: TimerName,
    generation: u64,
}

impl Book {
    /// The version that this crate writes, and the newest one that it reads.
    const SCHEMA: u32 = 1;

    pub(crate) fn new(born: u64, status: JourneyStatus, at: Timestamp) -> Self {
        Self {
            schema: Self::SCHEMA,
            born,
            status,
            seq: Seq::ZERO,
            created_at: at,
            updated_at: at,
            calls: Vec::new(),
            timers: Vec::new(),
            payloads: Vec::new(),
            lookups: Vec::new(),
        }
    }

    /// Whether this crate can read it.
    pub(crate) fn is_readable(&self) -> bool {
        self.schema <= Self::SCHEMA
    }

    pub(crate) fn settle(&mut self, settles: &Settles) {
        match settles {
            Settles::Effect(effect) => self
                .calls
                .retain(|call| !call.is(effect.seq, effect.ordinal)),
            Settles::Timer(name, fired) => self
                .timers
                .retain(|timer| timer.name != *name || timer.generation != *fired),
        }
    }

    pub(crate) fn add_call(&mut self, effect: &EffectId, leg: Leg) {
        self.calls.push(Call {
            seq: effect.seq,
            ordinal: effect.ordinal,
            leg,
            is_begun: false,
        });
    }

    /// A call that was not begun is not wanted any more.
    pub(crate) fn cancel_call(&mut self, effect: &EffectId) {
        self.calls
            .retain(|call| call.is_begun || !call.is(effect.seq, effect.ordinal));
    }

    /// Whether a call has no result and was not begun.
    pub(crate) fn is_waiting(&self, mark: &Mark) -> bool {
        self.born == mark.born
            && self
                .calls
                .iter()
                .any(|call| call.is(mark.seq, mark.ordinal) && !call.is_begun)
    }

    /// Marks a call as begun. `false` if it is not wanted, or has been marked.
    pub(crate) fn begin(&mut self, mark: &Mark) -> bool {
        if !self.is_waiting(mark) {
            return false;
        }
        for call in &mut self.calls {
            call.is_begun |= call.is(mark.seq, mark.ordinal);
        }
        true
    }

    /// The leg of a call that has no result.
    pub(crate) fn open_call(&self, mark: &Mark) -> Option<Leg> {
        let mut calls = self.calls.iter();
        let call = calls.find(|call| call.is(mark.seq, mark.ordinal));
        call.filter(|_| self.born == mark.born).map(|call| call.leg)
    }

    /// A timer takes the place of the one of its name.
    pub(crate) fn set_timer(&mut self, name: &TimerName, generation: u64) {
        self.cancel_timer(name);
        self.timers.push(Running {
            name: name.clone(),
            generation,
        });
    }

    pub(crate) fn cancel_timer(&mut self, name: &TimerName) {
        self.timers.retain(|timer| timer.name != *name);
    }

    pub(crate) fn is_running(&self, name: &TimerName, generation: u64) -> bool {
        let mut timers = self.timers.iter();
        timers.any(|timer| timer.name == *name && timer.generation == generation)
    }

    pub(crate) fn keep(&mut self, kept: Kept) {
        self.payloads.push(kept);
    }

    pub(crate) fn kept(&self, seq: Seq) -> Option<DataClass> {
        let mut payloads = self.payloads.iter();
        payloads.find(|kept| kept.seq == seq).map(|kept| kept.class)
    }

    /// Takes the payloads of a class out, of one leg or of all, and says where they stood.
    pub(crate) fn erase(&mut self, leg: Option<Leg>, class: DataClass) -> Vec<Seq> {
        let is_erased = |kept: &Kept| kept.class == class && (leg.is_none() || kept.leg == leg);
        let erased = self.payloads.iter().filter(|kept| is_erased(kept));
        let erased = erased.map(|kept| kept.seq).collect();
        self.payloads.retain(|kept| !is_erased(kept));
        erased
    }

    /// What a list shows, as a text that sorts by the time of the last change.
    pub(crate) fn summary(&self) -> String {
        let (updated, created) = (sortable(self.updated_at), sortable(self.created_at));
        let (status, seq) = (self.status.as_str(), self.seq);
        format!("{updated}|{status}|{seq}|{created}")
    }
}

impl Call {
    fn is(&self, seq: Seq, ordinal: u32) -> bool {
        self.seq == seq && self.ordinal == ordinal
    }
}

/// A time as 22 digits, which sort as the times do: nanoseconds since the earliest one.
pub(crate) fn sortable(at: Timestamp) -> String {
    let since = at.as_nanosecond().saturating_sub(earliest());
    format!("{since:022}")
}

fn earliest() -> i128 {
    Timestamp::MIN.as_nanosecond()
}

fn time(text: &str) -> Option<Timestamp> {
    let since: i128 = text.parse().ok()?;
    Timestamp::from_nanosecond(since.checked_add(earliest())?).ok()
}

/// Reads what [`Book::summary`] wrote.
pub(crate) fn read_summary(id: &str, text: &str) -> Option<JourneySummary> {
    let mut parts = text.split('|');
    let updated_at = time(parts.next()?)?;
    let status = parts.next()?.parse().ok()?;
    let seq = Seq::new(parts.next()?.parse().ok()?);
    let created_at = time(parts.next()?)?;
    Some(JourneySummary {
        id: JourneyId::parse(id).ok()?,
        status,
        seq,
        created_at,
        updated_at,
    })
}

#[cfg(test)]
mod tests {
    use kyc_journey::EffectId;

    use super::*;

    fn book() -> Book {
        Book::new(7, JourneyStatus::Running, Timestamp::UNIX_EPOCH)
    }

    fn mark(seq: u64) -> Mark {
        Mark {
            born: 7,
            seq: Seq::new(seq),
            ordinal: 0,
            payload: None,
        }
    }

    fn effect(seq: u64) -> EffectId {
        mark(seq).effect(&JourneyId::from_bits(1))
    }

    #[test]
    fn a_call_is_marked_once_and_only_where_it_waits() {
        let mut book = book();
        assert!(!book.begin(&mark(2)), "nobody asked for it");
        book.add_call(&effect(2), Leg::Verification);
        let earlier = Mark { born: 6, ..mark(2) };
        assert!(!book.begin(&earlier), "of a journey that was forgotten");
        assert!(book.begin(&mark(2)));
        assert!(!book.begin(&mark(2)), "once");
        book.cancel_call(&effect(2));
        assert_eq!(
            book.open_call(&mark(2)),
            Some(Leg::Verification),
            "it has begun"
        );
        book.settle(&Settles::Effect(effect(2)));
        assert_eq!(book.open_call(&mark(2)), None);
        book.add_call(&effect(3), Leg::Verification);
        book.cancel_call(&effect(3));
        assert!(!book.begin(&mark(3)), "it was cancelled");
    }

    #[test]
    fn payloads_are_erased_by_class_and_leg() {
        let mut book = book();
        for (seq, leg) in [
            (1, None),
            (2, Some(Leg::Verification)),
            (3, Some(Leg::Documents)),
        ] {
            let seq = Seq::new(seq);
            let class = DataClass::Codes;
            book.keep(Kept { seq, leg, class });
        }
        assert_eq!(book.erase(None, DataClass::Evidence), []);
        let of_leg = book.erase(Some(Leg::Verification), DataClass::Codes);
        assert_eq!(of_leg, [Seq::new(2)]);
        let rest = book.erase(None, DataClass::Codes);
        assert_eq!(rest, [Seq::new(1), Seq::new(3)]);
    }

    #[test]
    fn a_summary_is_read_as_it_was_written_and_sorts_by_time() {
        let times = [
            Timestamp::MIN,
            Timestamp::constant(-1, 0),
            Timestamp::UNIX_EPOCH,
            Timestamp::constant(1_800_000_000, 1),
            Timestamp::MAX,
        ];
        let mut summaries = Vec::new();
        for at in times {
            let mut book = book();
            book.updated_at = at;
            book.seq = Seq::new(12);
            let id = JourneyId::from_bits(1);
            let read = read_summary(id.as_str(), &book.summary()).unwrap();
            assert_eq!((read.updated_at, read.created_at), (at, book.created_at));
            assert_eq!((read.id, read.seq), (id, book.seq));
            assert_eq!(read.status, JourneyStatus::Running);
            summaries.push(book.summary());
        }
        assert!(summaries.is_sorted());
        assert_eq!(read_summary("1", "later|running|1|0"), None);
    }
}
