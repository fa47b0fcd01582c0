//! F15 to F20: while sending.

use std::time::Duration;

use provider_core::ErrorKind::{Api, Connect, Transport};
use provider_core::Idempotency;
use provider_core::Outcome::{NotSent, Refused, Unknown};

use super::{not_applicable, row};
use crate::faults::case::Repeat::{Always, IfHarmless, Never};
use crate::faults::case::{Case, Drive, Expect, Hits, Idle, Row, done_then};
use crate::faults::columns::Subject;
use crate::faults::server::{Script, Step};
use crate::faults::wire::{answer, correct, send};

fn well(subject: &Subject) -> Script {
    done_then([send(correct(subject))])
}

/// A refusal as soon as the head is there, and then this.
fn early_refusal(name: &'static str, then: Step) -> Case {
    Case::new(name, move |subject| {
        let refusal = answer("413 Content Too Large", &[], &subject.answer.refusal);
        Script::AtRequest(vec![Step::Head, send(refusal), then.clone()])
    })
    .large()
}

pub(super) fn rows() -> Vec<Row> {
    let broken = Expect::Fails(Transport, Unknown, IfHarmless);
    vec![
        row(
            15,
            "kept connection was ended, and the end was seen",
            [Case::new("", well).driven(Drive::Again(Idle::Ended))],
        ),
        row(
            16,
            "kept connection breaks as the request is sent",
            [
                Case::new("reset at its first byte", |_| Script::AtRequest(vec![Step::Reset]))
                    .driven(Drive::Again(Idle::Kept))
                    .comes_to(move |_| vec![broken]),
                Case::new("ended at the same time", |_| Script::AtRequest(vec![Step::Finish]))
                    .driven(Drive::Again(Idle::Ending))
                    .hits(Hits::Once)
                    .comes_to(move |_| vec![Expect::Understood, broken])
                    .note("a race: either a new connection is made, or the request was lost on the old one"),
                Case::new("new one reset before it is read", |_| {
                    Script::AtConnection(vec![Step::Reset])
                })
                .comes_to(move |_| {
                    let not_made = Expect::Fails(Connect, NotSent, Always);
                    vec![
                        broken,
                        not_made,
                        Expect::FailsAtLast(Connect, Unknown),
                        Expect::FailsAtLast(Transport, Unknown),
                    ]
                })
                .note("a race: the reset comes before or after the connection counts as made"),
            ],
        ),
        row(
            17,
            "reset in the middle of the body",
            [Case::new("", |_| Script::AtRequest(vec![Step::Head, Step::Reset]))
                .large()
                .comes_to(move |_| vec![broken])],
        ),
        row(
            18,
            "peer stops reading",
            [Case::new("", |_| Script::AtRequest(vec![Step::Head, Step::Stall]))
                .times_out()
                .large()
                .within(Duration::from_millis(600))],
        ),
        row(
            19,
            "refused before the body is read",
            [
                early_refusal("and read on", Step::Finish).fails(Api, Refused, Never),
                early_refusal("and reset", Step::Reset)
                    .comes_to(move |subject| {
                        let mut expect = vec![Expect::Fails(Api, Refused, Never), broken];
                        if subject.operation.idempotency != Idempotency::Unsafe {
                            expect.push(Expect::FailsAtLast(Api, Unknown));
                        }
                        expect
                    })
                    .note("a race: a reset may overtake the answer"),
            ],
        ),
        not_applicable(
            20,
            "100-continue never comes",
            "no request asks for it; the server objects to an `expect` header in every cell",
        ),
    ]
}
