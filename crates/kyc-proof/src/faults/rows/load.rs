//! F101 to F104: many calls.

use std::time::Duration;

use provider_core::ErrorKind::{Api, RateLimited};
use provider_core::Outcome::{Refused, Unknown};

use super::{not_applicable, row};
use crate::faults::case::Repeat::{Always, IfHarmless};
use crate::faults::case::{Case, Drive, Hits, Row, done_then, read_then};
use crate::faults::server::Step;
use crate::faults::wire::{answer, correct, send};

/// So many that the budget of repeats is a tenth of them.
const CALLS: u32 = 200;

pub(super) fn rows() -> Vec<Row> {
    let at_most = "the first call as tabled; all 200 together at most 1.1 requests each, by the budget of repeats";
    vec![
        row(
            101,
            "nothing but 503",
            [Case::new("", |subject| {
                done_then([send(answer(
                    "503 Service Unavailable",
                    &[],
                    &subject.answer.refusal,
                ))])
            })
            .driven(Drive::Often(CALLS))
            .hits(Hits::Always)
            .fails(Api, Unknown, IfHarmless)
            .note(at_most)],
        ),
        row(
            102,
            "nothing but 429",
            [Case::new("", |subject| {
                read_then([send(answer(
                    "429 Too Many Requests",
                    &[],
                    &subject.answer.refusal,
                ))])
            })
            .driven(Drive::Often(CALLS))
            .hits(Hits::Always)
            .fails(RateLimited, Refused, Always)
            .note(at_most)],
        ),
        row(
            103,
            "some stragglers",
            [Case::new("", |subject| {
                let late = Step::Pause(Duration::from_millis(50));
                done_then([late, send(correct(subject))])
            })
            .driven(Drive::Often(10))
            .note("never hedged: one request a call")],
        ),
        not_applicable(
            104,
            "slow reader of a stream of pages",
            "no operation gives pages",
        ),
    ]
}
