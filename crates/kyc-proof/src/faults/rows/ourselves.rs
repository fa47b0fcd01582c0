//! F90 to F100: what happens to us.

use std::time::Duration;

use provider_core::ErrorKind::{Api, RateLimited};
use provider_core::Outcome::{Refused, Unknown};

use super::{not_applicable, not_provoked, row};
use crate::faults::case::Repeat::{Always, IfHarmless, Never};
use crate::faults::case::{Case, Drive, Expect, Row, Stage, WallClock, done_then, read_then};
use crate::faults::columns::Subject;
use crate::faults::server::{Script, Step};
use crate::faults::wire::{answer, correct, send};

/// Dropped when the server has come so far.
fn dropped(
    name: &'static str,
    script: impl Fn(&Subject) -> Script + Send + Sync + 'static,
) -> Case {
    Case::new(name, script)
        .driven(Drive::DropAtStall)
        .comes_to(|_| vec![Expect::Dropped])
}

/// Throttled until this date, while the wall clock is this far ahead at every second reading.
fn until(name: &'static str, date: &'static str, clock: WallClock) -> Case {
    Case::new(name, move |subject| {
        let headers = [("retry-after", date.to_owned())];
        read_then([send(answer(
            "429 Too Many Requests",
            &headers,
            &subject.answer.refusal,
        ))])
    })
    .clock(clock)
    .fails(RateLimited, Refused, Always)
}

const SEVEN_PAST: &str = "Fri, 01 Jun 2029 00:00:07 GMT";
const HOUR: i64 = 3600;

pub(super) fn rows() -> Vec<Row> {
    let no_journal = "nothing here is kept on disk: what began is told to the caller, who keeps it";
    vec![
        row(
            90,
            "call dropped",
            [
                Case::new("at each poll in turn", |subject| {
                    done_then([Step::Trickle(correct(subject), 64, Duration::from_millis(1))])
                })
                .driven(Drive::DropAtEachPoll)
                .comes_to(|_| vec![Expect::Dropped])
                .note("first never polled, then polled once, and so on until it comes to its end"),
                dropped("while the head of the request is on its way", |_| {
                    Script::AtRequest(vec![Step::Stall])
                }),
                dropped("after the request", |_| done_then([Step::Stall])),
                dropped("in the head of the answer", |_| {
                    done_then([send("HTTP/1.1 200 OK\r\ncontent-"), Step::Stall])
                }),
                dropped("in the body of the answer", |subject| {
                    let bytes = correct(subject);
                    done_then([send(bytes.slice(..bytes.len() - 20)), Step::Stall])
                }),
                dropped("in the handshake", |_| Script::AtConnection(vec![Step::Stall]))
                    .at(Stage::Tls(crate::faults::tls::Certificate::Good)),
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
                Case::new("", |subject| done_then([send(correct(subject))])).clock(WallClock::Jumping(-HOUR)),
                Case::new("and the server breaks", |subject| {
                    done_then([send(answer("503 Service Unavailable", &[], &subject.answer.refusal))])
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
                .comes_to(|_| vec![Expect::Dropped])
                .note("the next call, on another runtime, works")],
        ),
    ]
}
