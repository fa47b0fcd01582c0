//! Veriff's verification sessions: what may follow on what.

use uuid::Uuid;

use super::store::Word;
use super::{DecisionStatus, NameScript};

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long a person has to begin and to finish an attempt, as documented.
pub(crate) const ATTEMPT_MS: i64 = 7 * DAY_MS;
/// How long the notice of a requested resubmission is held back for a person who was on Veriff's own pages, as documented.
pub(crate) const NOTICE_HELD_MS: i64 = 5 * 60 * SECOND_MS;
/// When a person who is watched is screened again. Own choice.
pub(crate) const SCREENED_AGAIN_MS: i64 = 30 * DAY_MS;
/// How often a resubmission is requested at most, as documented; the attempt after the last one is declined.
pub(crate) const RESUBMISSIONS: usize = 9;

/// The documented reason of the attempt after the last resubmission.
const TOO_MANY_ATTEMPTS: u16 = 539;

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Phase {
    /// Nobody has come yet.
    Created,
    /// The person is on the way.
    Started,
    /// Everything is handed in.
    Submitted(Through),
    /// There is a decision.
    Decided(Decided),
}

impl Phase {
    /// Veriff's name of it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Started => "started",
            Self::Submitted(_) => "submitted",
            Self::Decided(decided) => decided.status.pair().0,
        }
    }

    fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Started)
    }
}

/// Through what an attempt is handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Through {
    /// The API.
    Api,
    /// The person's own pages.
    Pages,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Decided {
    pub(crate) status: DecisionStatus,
    pub(crate) reason_code: Option<u16>,
    pub(crate) at_ms: i64,
}

/// What is going to be decided about an attempt that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: DecisionStatus,
    pub(crate) reason_code: Option<u16>,
    pub(crate) after_ms: i64,
}

/// One of the prepared pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Picture {
    Good,
    Blurred,
    Glare,
    Cropped,
    Expired,
    OtherFace,
}

impl Picture {
    pub(crate) const ALL: [Self; 6] = [
        Self::Good,
        Self::Blurred,
        Self::Glare,
        Self::Cropped,
        Self::Expired,
        Self::OtherFace,
    ];

    /// Its name in forms and addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Blurred => "blurred",
            Self::Glare => "glare",
            Self::Cropped => "cropped",
            Self::Expired => "expired",
            Self::OtherFace => "other-face",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|picture| picture.name() == name)
    }

    /// What it leads to, with the documented reason; none for one that is good, or that is refused at once.
    fn verdict(self) -> Option<(DecisionStatus, u16)> {
        match self {
            Self::Good | Self::Blurred => None,
            Self::Cropped => Some((DecisionStatus::ResubmissionRequested, 203)),
            Self::Glare => Some((DecisionStatus::ResubmissionRequested, 204)),
            Self::Expired => Some((DecisionStatus::ResubmissionRequested, 207)),
            Self::OtherFace => Some((DecisionStatus::Declined, 103)),
        }
    }
}

/// What the person did on the pages in an attempt.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Progress {
    /// Agreed to be verified.
    pub(crate) agreed: bool,
    /// Did not agree, and has not changed that.
    #[cfg_attr(feature = "state-file", serde(default))]
    pub(crate) disagreed: bool,
    /// In which browser.
    pub(crate) browser: Option<Uuid>,
    /// Chose where to go on.
    pub(crate) device: bool,
    /// The country and the kind of the document.
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "super::store::form::words")
    )]
    pub(crate) document: Option<(Word, Word)>,
    /// The front, the back and the face, as far as they were taken.
    pub(crate) pictures: [Option<Picture>; 3],
}

#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Attempt {
    pub(crate) opened_ms: i64,
    pub(crate) phase: Phase,
    pub(crate) progress: Progress,
}

impl Attempt {
    fn new(opened_ms: i64) -> Self {
        Self {
            opened_ms,
            phase: Phase::Created,
            progress: Progress::default(),
        }
    }
}

/// A session with its attempts. Each step is allowed or refused here, and counted.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Verification {
    /// Oldest first; there is one at least.
    attempts: Vec<Attempt>,
    turn: u32,
}

impl Verification {
    pub(crate) fn new(opened_ms: i64) -> Self {
        Self {
            attempts: vec![Attempt::new(opened_ms)],
            turn: 0,
        }
    }

    pub(crate) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The number of the last attempt, from 1.
    pub(crate) fn number(&self) -> usize {
        self.attempts.len()
    }

    /// How many steps were taken: what was planned before the last one does not count any more.
    pub(crate) fn turn(&self) -> u32 {
        self.turn
    }

    pub(crate) fn phase(&self) -> Phase {
        self.attempts
            .last()
            .map_or(Phase::Created, |attempt| attempt.phase)
    }

    pub(crate) fn progress(&self) -> Option<&Progress> {
        self.attempts.last().map(|attempt| &attempt.progress)
    }

    /// The browser in which the person agreed last, in this attempt or in an earlier one.
    pub(crate) fn browser(&self) -> Option<Uuid> {
        let mut newest = self.attempts.iter().rev();
        newest.find_map(|attempt| attempt.progress.browser)
    }

    /// Whether the person can still act, and files can be uploaded.
    pub(crate) fn is_open(&self) -> bool {
        self.phase().is_open()
    }

    /// Whether the person was done with an attempt: it was handed in, and not left.
    pub(crate) fn was_handed_in(&self) -> bool {
        self.attempts.iter().any(|attempt| match attempt.phase {
            Phase::Created | Phase::Started => false,
            Phase::Submitted(_) => true,
            Phase::Decided(decided) => !matches!(
                decided.status,
                DecisionStatus::Expired | DecisionStatus::Abandoned
            ),
        })
    }

    /// The decision that counts and the number of its attempt: of the last attempt, or of the one before while the person has
    /// not handed in the next.
    pub(crate) fn decision(&self) -> Option<(usize, Decided)> {
        let mut newest = self.attempts.iter().enumerate().rev();
        let counts = newest.find(|(_, attempt)| !attempt.phase.is_open());
        counts.and_then(|(index, attempt)| match attempt.phase {
            Phase::Decided(decided) => Some((index.saturating_add(1), decided)),
            _ => None,
        })
    }

    /// The person comes. `false` if that is no news.
    pub(crate) fn start(&mut self) -> bool {
        self.step(Phase::Started, |phase| phase == Phase::Created)
    }

    /// The person says more on the pages. `false` once everything is handed in.
    pub(crate) fn proceed(&mut self, change: impl FnOnce(&mut Progress)) -> bool {
        match self.attempts.last_mut() {
            Some(attempt) if attempt.phase.is_open() => {
                change(&mut attempt.progress);
                true
            }
            _ => false,
        }
    }

    /// Everything is handed in. `false` if it was before.
    pub(crate) fn submit(&mut self, through: Through) -> bool {
        self.step(Phase::Submitted(through), Phase::is_open)
    }

    /// Decides, also where a person has not finished, and also where it was decided before. After the last resubmission the
    /// attempt is declined.
    pub(crate) fn decide(
        &mut self,
        at_ms: i64,
        status: DecisionStatus,
        reason_code: Option<u16>,
    ) -> Decided {
        use DecisionStatus::{Declined, ResubmissionRequested};

        let number = self.number();
        let too_many = status == ResubmissionRequested && number > RESUBMISSIONS;
        let (status, reason_code) = match (too_many, status) {
            (true, _) => (Declined, Some(TOO_MANY_ATTEMPTS)),
            (false, Declined) => (Declined, reason_code.or(Some(101))),
            (false, ResubmissionRequested) => (status, reason_code.or(Some(201))),
            (false, _) => (status, None),
        };
        let decided = Decided {
            status,
            reason_code,
            at_ms,
        };
        self.step(Phase::Decided(decided), |_| true);
        if status == ResubmissionRequested {
            self.attempts.push(Attempt::new(at_ms));
        }
        decided
    }

    /// What the end of the person's time makes of the session, if it is over.
    pub(crate) fn lapses(&self, now_ms: i64) -> Option<DecisionStatus> {
        let attempt = self.attempts.last()?;
        let over = now_ms >= attempt.opened_ms.saturating_add(ATTEMPT_MS);
        (over && attempt.phase.is_open()).then(|| self.left_status())
    }

    /// What a session is that its person leaves now.
    pub(crate) fn left_status(&self) -> DecisionStatus {
        match (self.phase(), self.number()) {
            (Phase::Created, 1) => DecisionStatus::Expired,
            _ => DecisionStatus::Abandoned,
        }
    }

    /// What is going to be decided about the last attempt: by the name that the session was opened for, else by the pictures,
    /// else it is approved.
    pub(crate) fn outcome(&self, script: Option<NameScript>, plain_ms: i64) -> Outcome {
        let scripted = script.and_then(|script| script.outcome(self.number()));
        let seen = self.progress().into_iter();
        let seen = seen.flat_map(|progress| progress.pictures.iter().flatten());
        // A face that is another's weighs more than a picture that can be taken again.
        let verdict = seen
            .filter_map(|picture| picture.verdict())
            .max_by_key(|(status, _)| *status == DecisionStatus::Declined);
        let (status, reason_code) = match verdict {
            Some((status, code)) => (status, Some(code)),
            None => (DecisionStatus::Approved, None),
        };
        scripted.unwrap_or(Outcome {
            status,
            reason_code,
            after_ms: plain_ms,
        })
    }

    fn step(&mut self, next: Phase, allowed: impl FnOnce(Phase) -> bool) -> bool {
        let Some(attempt) = self.attempts.last_mut() else {
            return false;
        };
        let allowed = allowed(attempt.phase);
        if allowed {
            attempt.phase = next;
            self.turn = self.turn.saturating_add(1);
        }
        allowed
    }
}

impl NameScript {
    /// What the person does next by script in this attempt, and after how many milliseconds: comes, then hands in.
    pub(crate) fn next_step_ms(self, phase: Phase, attempt: usize) -> Option<i64> {
        match (self, phase) {
            (Self::Expire, _) | (Self::Abandon, Phase::Started) => None,
            // After the notice of the resubmission.
            (_, Phase::Created) if attempt > 1 => Some(10 * 60 * SECOND_MS),
            (_, Phase::Created) => Some(10 * SECOND_MS),
            (_, Phase::Started) => Some(60 * SECOND_MS),
            (_, Phase::Submitted(_) | Phase::Decided(_)) => None,
        }
    }

    fn outcome(self, attempt: usize) -> Option<Outcome> {
        use DecisionStatus::{Approved, Declined, ResubmissionRequested};

        let (status, reason_code, after_ms) = match self {
            Self::Decline => (Declined, Some(106), 30 * SECOND_MS),
            Self::Resubmit if attempt == 1 => (ResubmissionRequested, Some(204), 30 * SECOND_MS),
            Self::Resubmitten => (ResubmissionRequested, Some(204), 30 * SECOND_MS),
            Self::Review => (Approved, None, 2 * HOUR_MS),
            Self::Silent => (Approved, None, HOUR_MS),
            Self::Approve | Self::Resubmit | Self::Flip | Self::Watch | Self::Rewatch => {
                (Approved, None, 30 * SECOND_MS)
            }
            Self::Expire | Self::Abandon => return None,
        };
        Some(Outcome {
            status,
            reason_code,
            after_ms,
        })
    }

    /// What a decision becomes later, and after how many milliseconds.
    pub(crate) fn changes_later(self, decided: Decided) -> Option<(i64, DecisionStatus, u16)> {
        let flips = self == Self::Flip && decided.status == DecisionStatus::Approved;
        flips.then_some((DAY_MS, DecisionStatus::Declined, 106))
    }
}

#[cfg(test)]
mod tests {
    use DecisionStatus::{Abandoned, Approved, Declined, Expired, ResubmissionRequested};

    use super::*;

    fn statuses(verification: &Verification) -> Vec<&'static str> {
        let attempts = verification.attempts().iter();
        attempts.map(|attempt| attempt.phase.as_str()).collect()
    }

    #[test]
    fn steps_are_taken_in_order_and_once() {
        let mut session = Verification::new(0);
        assert!(session.start() && !session.start());
        assert!(session.proceed(|progress| progress.agreed = true));
        assert!(session.submit(Through::Pages) && !session.submit(Through::Api));
        assert!(!session.start() && !session.proceed(|_| ()) && !session.is_open());
        assert_eq!(session.decision(), None);
        let decided = session.decide(5, Approved, None);
        assert_eq!(session.decision(), Some((1, decided)));
        assert!(!session.submit(Through::Api));
        assert_eq!((session.turn(), statuses(&session)), (3, vec!["approved"]));
    }

    #[test]
    fn a_resubmission_opens_an_attempt_and_the_tenth_is_declined() {
        let mut session = Verification::new(0);
        for number in 1..=RESUBMISSIONS {
            assert!(session.submit(Through::Api));
            assert_eq!(session.decision(), None);
            session.decide(0, ResubmissionRequested, None);
            let decision = session.decision().map(|(of, decided)| (of, decided.status));
            assert_eq!(decision, Some((number, ResubmissionRequested)));
            assert!(session.is_open());
        }
        let last = session.decide(0, ResubmissionRequested, None);
        assert_eq!((last.status, last.reason_code), (Declined, Some(539)));
        assert_eq!((session.number(), session.is_open()), (10, false));
    }

    #[test]
    fn time_ends_what_is_not_finished() {
        let mut session = Verification::new(10);
        assert_eq!(session.lapses(ATTEMPT_MS + 9), None);
        assert_eq!(session.lapses(ATTEMPT_MS + 10), Some(Expired));
        session.start();
        assert_eq!(session.lapses(ATTEMPT_MS + 10), Some(Abandoned));
        session.decide(20, ResubmissionRequested, None);
        assert_eq!(session.lapses(ATTEMPT_MS + 19), None);
        assert_eq!(session.lapses(ATTEMPT_MS + 20), Some(Abandoned));
        session.submit(Through::Pages);
        assert_eq!(session.lapses(i64::MAX), None);
    }

    #[test]
    fn the_name_decides_else_the_pictures_else_it_is_approved() {
        let outcome = |pictures: &[Picture], script| {
            let mut session = Verification::new(0);
            session.proceed(|progress| {
                let taken = progress.pictures.iter_mut().zip(pictures);
                taken.for_each(|(taken, picture)| *taken = Some(*picture));
            });
            let outcome = session.outcome(script, 7);
            (outcome.status, outcome.reason_code)
        };
        assert_eq!(outcome(&[], None), (Approved, None));
        let glare = [Picture::Good, Picture::Glare, Picture::Good];
        assert_eq!(outcome(&glare, None), (ResubmissionRequested, Some(204)));
        let other = [Picture::OtherFace, Picture::Cropped];
        assert_eq!(outcome(&other, None), (Declined, Some(103)));
        let approve = Some(NameScript::Approve);
        assert_eq!(outcome(&other, approve), (Approved, None));
    }
}
