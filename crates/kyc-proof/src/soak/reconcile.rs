//! The result of a call beside the ledger: the rule, as a pure function.

use provider_core::{Idempotency, Outcome};

/// The result of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A reply, with all texts in it.
    Reply(Vec<String>),
    /// An error with this outcome.
    Error(Outcome),
    /// The caller dropped it; the observer got this outcome.
    Dropped(Outcome),
}

/// What the provider's ledger has under the id of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traces {
    /// Requests that reached the provider.
    pub(super) requests: usize,
    /// The ids of what they did.
    pub(super) effects: Vec<String>,
}

/// The comparison of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// What was reported is so.
    True,
    /// Reported as done, and was not.
    Lost,
    /// Reported as not done or not sent, and was.
    Denied,
    /// It was done twice although it must not be repeated, or a read did something.
    Doubled,
    /// The reply names nothing that this call did.
    Mistaken,
}

pub(super) fn judge(idempotency: Idempotency, answer: &Answer, traces: &Traces) -> Verdict {
    let done = traces.effects.len();
    let most = match idempotency {
        Idempotency::Safe => 0,
        Idempotency::Repeatable => usize::MAX,
        Idempotency::Unsafe => 1,
    };
    if done > most {
        return Verdict::Doubled;
    }
    let reads = idempotency == Idempotency::Safe;
    match answer {
        Answer::Reply(_) if traces.requests == 0 || (done == 0 && !reads) => Verdict::Lost,
        Answer::Reply(texts) if !reads && !traces.effects.iter().any(|id| texts.contains(id)) => {
            Verdict::Mistaken
        }
        Answer::Reply(_) => Verdict::True,
        Answer::Error(outcome) | Answer::Dropped(outcome) => match outcome {
            Outcome::NotSent if traces.requests > 0 => Verdict::Denied,
            Outcome::Refused if done > 0 => Verdict::Denied,
            Outcome::Done if traces.requests == 0 || (done == 0 && !reads) => Verdict::Lost,
            Outcome::NotSent | Outcome::Refused | Outcome::Unknown | Outcome::Done => Verdict::True,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Idempotency::{Repeatable, Safe, Unsafe};
    use Outcome::{Done, NotSent, Refused, Unknown};
    use Verdict::{Denied, Doubled, Lost, Mistaken, True};

    fn traces(requests: usize, effects: &[&str]) -> Traces {
        Traces {
            requests,
            effects: effects.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    /// By the requests that arrived and the ids of what they did: what each of the answers to such a call comes to.
    #[test]
    fn an_answer_is_true_if_the_ledger_has_what_it_says() {
        let named = || Answer::Reply(vec!["success".to_owned(), "a".to_owned()]);
        let unnamed = || Answer::Reply(vec!["success".to_owned()]);
        for (answer, idempotency, traces, expected) in [
            (named(), Unsafe, traces(1, &["a"]), True),
            (named(), Unsafe, traces(3, &["a"]), True),
            (named(), Unsafe, traces(2, &["a", "b"]), Doubled),
            (named(), Unsafe, traces(1, &[]), Lost),
            (named(), Unsafe, traces(0, &[]), Lost),
            (named(), Unsafe, traces(1, &["b"]), Mistaken),
            (named(), Repeatable, traces(1, &["a"]), True),
            (named(), Repeatable, traces(3, &["a", "b"]), True),
            (named(), Repeatable, traces(2, &["b", "c"]), Mistaken),
            (named(), Repeatable, traces(1, &[]), Lost),
            (unnamed(), Safe, traces(1, &[]), True),
            (unnamed(), Safe, traces(0, &[]), Lost),
            (unnamed(), Safe, traces(1, &["a"]), Doubled),
            (unnamed(), Unsafe, traces(1, &["a"]), Mistaken),
        ] {
            assert_eq!(judge(idempotency, &answer, &traces), expected, "{traces:?}");
        }
        let nothing = traces(0, &[]);
        let asked = traces(1, &[]);
        let once = traces(1, &["a"]);
        let twice = traces(2, &["a", "b"]);
        for (outcome, idempotency, traces, expected) in [
            (NotSent, Unsafe, &nothing, True),
            (NotSent, Unsafe, &asked, Denied),
            (NotSent, Unsafe, &once, Denied),
            (NotSent, Safe, &asked, Denied),
            (Refused, Unsafe, &nothing, True),
            (Refused, Unsafe, &asked, True),
            (Refused, Unsafe, &once, Denied),
            (Refused, Repeatable, &once, Denied),
            (Unknown, Unsafe, &nothing, True),
            (Unknown, Unsafe, &once, True),
            (Unknown, Unsafe, &twice, Doubled),
            (Unknown, Repeatable, &twice, True),
            (Unknown, Safe, &once, Doubled),
            (Done, Unsafe, &once, True),
            (Done, Unsafe, &asked, Lost),
            (Done, Unsafe, &twice, Doubled),
            (Done, Repeatable, &twice, True),
            (Done, Repeatable, &nothing, Lost),
            (Done, Safe, &asked, True),
            (Done, Safe, &nothing, Lost),
        ] {
            for answer in [Answer::Error(outcome), Answer::Dropped(outcome)] {
                assert_eq!(judge(idempotency, &answer, traces), expected, "{answer:?}");
            }
        }
    }
}
