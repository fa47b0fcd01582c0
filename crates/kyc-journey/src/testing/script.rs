//! A machine that asks for whatever a check needs.

use jiff::{SignedDuration, Timestamp};
use provider_core::capability::ProviderReference;

use crate::machine::{Journey, Transition, apply};
use crate::values::{
    Correlation, CorrelationToken, DataClass, Effect, EffectId, EffectKind, Event, Fact,
    JourneyStatus, LedgerEntry, Leg, Notice, Operation, Reason, ReceiptId, Seq, TimerName,
    TimerPurpose, Verdict,
};

/// How long the timer of [`scripted`] runs.
pub(super) const TIMER: SignedDuration = SignedDuration::from_hours(1);

/// The one timer of [`scripted`].
pub(super) const TIMER_NAME: TimerName = TimerName::leg(Leg::Verification, TimerPurpose::Poll);

/// A [`Machine`](crate::Machine) that obeys its events word for word, so that a check of an engine depends on no provider's rules:
///
/// | fact | asks for |
/// |---|---|
/// | `Start` | nothing; `Running` |
/// | `HandIn` | an unsafe call |
/// | `AskAgain` | a safe call |
/// | `PurposeMet` | an unsafe, a safe and another unsafe call |
/// | `OneTimeCodeTyped` | an unsafe call that needs the event's payload, which is kept |
/// | `OneTimeCodeWanted` | a timer in an hour, of one name and a new generation |
/// | `ConsentRefused` | no timer any more |
/// | `Cancel` | the first call of the event before is not wanted any more |
/// | `ConsentGiven` | an entry of the ledger |
/// | `Withdrawn` | typed codes are erased; `Withdrawn` |
/// | `Reopen` | nothing: discarded, and the payload dropped |
/// | results and timers | a notice |
/// | anything else | nothing: kept |
pub fn scripted(journey: &Journey, event: &Event) -> Transition {
    let seq = journey.seq().next();
    let mut status = journey.status();
    let token = journey.token().copied();
    let mut before = journey.clone();
    let session = || ProviderReference::parse("session").expect("an id");
    let unsafe_call = |token: Option<CorrelationToken>| {
        EffectKind::Call(Operation::CreateSession {
            correlation: Correlation {
                token: token.unwrap_or(CorrelationToken::from_bits(0)),
                leg: Leg::Verification,
                attempt: 1,
            },
        })
    };
    let safe_call = || EffectKind::Call(Operation::ReadDecision { session: session() });
    let mut verdict = (Verdict::Applied, None);
    let effects = match &event.fact {
        Fact::Start { .. } => {
            before = apply(journey, event).state;
            status = JourneyStatus::Running;
            vec![]
        }
        Fact::HandIn => vec![unsafe_call(token)],
        Fact::AskAgain => vec![safe_call()],
        Fact::PurposeMet => vec![unsafe_call(token), safe_call(), unsafe_call(token)],
        Fact::OneTimeCodeTyped => vec![EffectKind::Call(Operation::CheckOneTimeCode {
            session: session(),
            code: seq,
        })],
        Fact::OneTimeCodeWanted => vec![EffectKind::Timer {
            name: TIMER_NAME,
            generation: seq.get(),
            at: event.at.saturating_add(TIMER).unwrap_or(Timestamp::MAX),
        }],
        Fact::ConsentRefused => vec![EffectKind::CancelTimer(TIMER_NAME)],
        Fact::Cancel => vec![EffectKind::CancelCall(EffectId {
            journey: journey.id().clone(),
            seq: journey.seq(),
            ordinal: 0,
        })],
        Fact::ConsentGiven { .. } => vec![EffectKind::Ledger(LedgerEntry::Given {
            receipt: ReceiptId::parse("receipt").expect("an id"),
        })],
        Fact::Withdrawn => {
            status = JourneyStatus::Withdrawn;
            vec![EffectKind::Erase {
                leg: None,
                class: DataClass::Codes,
            }]
        }
        Fact::Reopen => {
            verdict = (Verdict::Discarded, Some(Reason::NotExpected));
            vec![]
        }
        Fact::Answered { .. }
        | Fact::Failed { .. }
        | Fact::Interrupted { .. }
        | Fact::TimerFired { .. } => vec![EffectKind::Notify(Notice::Status(status))],
        _ => {
            verdict = (Verdict::Kept, Some(Reason::UnknownWord));
            vec![]
        }
    };
    let effects = (0..).zip(effects).map(|(ordinal, kind)| Effect {
        id: EffectId {
            journey: journey.id().clone(),
            seq,
            ordinal,
        },
        kind,
    });
    Transition {
        state: state(&before, seq, status),
        effects: effects.collect(),
        verdict: verdict.0,
        reason: verdict.1,
        leg: event.leg,
        keeps_payload: matches!(verdict.0, Verdict::Applied),
    }
}

/// The journey's stored form with these members: only the machine makes states in another way.
fn state(journey: &Journey, seq: Seq, status: JourneyStatus) -> Journey {
    let mut stored = serde_json::to_value(journey).expect("a journey is JSON");
    let members = stored.as_object_mut().expect("an object");
    members.insert("seq".to_owned(), serde_json::json!(seq));
    members.insert("status".to_owned(), serde_json::json!(status));
    serde_json::from_value(stored).expect("a journey")
}
