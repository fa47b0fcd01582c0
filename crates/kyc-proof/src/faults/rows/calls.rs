//! F90 to F104: the caller, the process and the clock, and many calls.

use std::time::Duration;

use provider_core::ErrorKind::{Api, RateLimited};
use provider_core::Outcome::{Refused, Unknown};

use super::{not_applicable, not_provoked, row};
use crate::faults::case::Repeat::{Always, IfHarmless, Never};
use crate::faults::case::{Case, Drive, Expect, Hits, Row, Stage, WallClock};
use crate::faults::column::Column;
use crate::faults::server::{Script, Step};
use crate::faults::transports::Certificate;
use crate::faults::wire::{answer, correct, done_then, read_then, send, well};

/// Dropped when the server has come so far.
fn dropped(name: &'static str, script: impl Fn(&Column) -> Script + Send + Sync + 'static) -> Case {
    Case::new(name, script)
        .driven(Drive::DropAtStall)
        .gives(|_| vec![Expect::Dropped])
}

/// Throttled until this date, while the wall clock is this far ahead at every second reading.
fn until(name: &'static str, date: &'static str, clock: WallClock) -> Case {
    Case::new(name, move |column| {
        let headers = [("retry-after", date.to_owned())];
        read_then([send(answer(
            "429 Too Many Requests",
            &headers,
            column.refusal(),
        ))])
    })
    .clock(clock)
    .fails(RateLimited, Refused, Always)
}

const SEVEN_PAST: &str = "Fri, 01 Jun 2029 00:00:07 GMT";
const HOUR: i64 = 3600;

/// So many that the budget of repeats is a tenth of them.
const CALLS: u32 = 200;

pub(super) fn rows() -> Vec<Row> {
    let at_most = "the first call as tabled; all 200 together at most 1.1 requests each, by the budget of repeats";
    let no_journal = "nothing here is kept on disk: what began is told to the caller, who keeps it";
    vec![
        row(
            90,
            "call dropped",
            [
                Case::new("at each poll in turn", |column| {
                    done_then([Step::Trickle(correct(column), 64, Duration::from_millis(1))])
                })
                .driven(Drive::DropAtEachPoll)
                .gives(|_| vec![Expect::Dropped])
                .note("first never polled, then polled once, and so on until it comes to its end"),
                dropped("while the head of the request is on its way", |_| {
                    Script::AtRequest(vec![Step::Stall])
                }),
                dropped("after the request", |_| done_then([Step::Stall])),
                dropped("in the head of the answer", |_| {
                    done_then([send("HTTP/1.1 200 OK\r\ncontent-"), Step::Stall])
                }),
                dropped("in the body of the answer", |column| {
                    let bytes = correct(column);
                    done_then([send(bytes.slice(..bytes.len() - 20)), Step::Stall])
                }),
                dropped("in the handshake", |_| Script::AtConnection(vec![Step::Stall]))
                    .at(Stage::Tls(Certificate::Good)),
            ],
        ),
        not_applicable(91, "killed at each point of the journal", no_journal),
        not_applicable(92, "disk full", no_journal),
        not_applicable(93, "SQLite busy", no_journal),
        not_applicable(94, "Postgres lost at commit", no_journal),
        not_applicable(95, "journal cut off", no_journal),
        row(
            96,
            "wall clock jumps by an hour",
            [
                Case::new("", well).clock(WallClock::Jumping(-HOUR)),
                Case::new("and the server breaks", |column| {
                    done_then([send(answer("503 Service Unavailable", &[], column.refusal()))])
                })
                .clock(WallClock::Jumping(HOUR))
                .fails(Api, Unknown, IfHarmless),
                until("ahead, throttled until a date", SEVEN_PAST, WallClock::Jumping(HOUR))
                    .pauses(Duration::ZERO)
                    .note("the date has passed: repeated at once"),
                until("back, throttled until a date", SEVEN_PAST, WallClock::Jumping(-HOUR))
                    .fails(RateLimited, Refused, Never)
                    .note("the date is further away than the deadline, which does not count on the wall clock"),
            ],
        ),
        not_provoked(97, "monotonic clock jumps", "it cannot be moved while sockets are real"),
        row(
            98,
            "leap second",
            [until(
                "throttled until one",
                "Sat, 31 Dec 2016 23:59:60 GMT",
                WallClock::At("2016-12-31T23:59:58Z"),
            )
            .pauses(Duration::from_secs(1))],
        ),
        not_applicable(99, "fork() after first use", "the workspace forbids unsafe code, and std has no fork"),
        row(
            100,
            "runtime shut down in the middle of a call",
            [Case::new("", |_| done_then([Step::Stall]))
                .driven(Drive::Shutdown)
                .gives(|_| vec![Expect::Dropped])
                .note("the next call, on another runtime, works")],
        ),

        row(
            101,
            "nothing but 503",
            [Case::new("", |column| {
                done_then([send(answer(
                    "503 Service Unavailable",
                    &[],
                    column.refusal(),
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
            [Case::new("", |column| {
                read_then([send(answer(
                    "429 Too Many Requests",
                    &[],
                    column.refusal(),
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
            [Case::new("", |column| {
                let late = Step::Pause(Duration::from_millis(50));
                done_then([late, send(correct(column))])
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
