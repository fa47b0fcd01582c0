//! F21 to F31: while waiting for the answer.

use std::time::Duration;

use provider_core::ErrorKind::{Api, Transport};
use provider_core::Outcome::{Refused, Unknown};

use super::row;
use crate::canaries::planted::{CHUNK_EXTENSION, HTML, REASON, RUBBISH};
use crate::faults::case::Repeat::{IfHarmless, Never};
use crate::faults::case::{Case, Row, done_then};
use crate::faults::columns::Subject;
use crate::faults::server::{Script, Step};
use crate::faults::wire::{answer, correct, head, send, vouched};

const SLOWLY: Duration = Duration::from_millis(20);
const SOON: Duration = Duration::from_millis(2);

const TOTAL: &str = "one deadline for the whole call: an attempt has no limit of its own, so none is cut short and repeated";

/// After the effect this; the deadline passes.
fn silent(
    name: &'static str,
    steps: impl Fn(&Subject) -> Vec<Step> + Send + Sync + 'static,
) -> Case {
    Case::new(name, move |subject| done_then(steps(subject)))
        .times_out()
        .note(TOTAL)
}

/// After the effect this; the exchange broke off.
fn broken(
    name: &'static str,
    steps: impl Fn(&Subject) -> Vec<Step> + Send + Sync + 'static,
) -> Case {
    Case::new(name, move |subject| done_then(steps(subject))).fails(Transport, Unknown, IfHarmless)
}

/// The correct answer's head and body, framed otherwise.
fn framed(subject: &Subject, framing: (&'static str, &str), body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut headers = subject.vouched(subject.answer.body.as_bytes());
    headers.push((framing.0, framing.1.to_owned()));
    [
        head(subject.answer.status, &headers).as_slice(),
        body.as_ref(),
    ]
    .concat()
}

fn chunked(subject: &Subject, chunks: impl AsRef<[u8]>) -> Vec<u8> {
    framed(subject, ("transfer-encoding", "chunked"), chunks)
}

fn chunk(text: &str) -> String {
    format!("{:x};x={CHUNK_EXTENSION}\r\n{text}\r\n", text.len())
}

fn half(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

/// The correct answer and, at once or later, what nobody asked for.
fn trailed(name: &'static str, extra: fn(&Subject) -> Vec<u8>, pause: Duration) -> Case {
    Case::new(name, move |subject| {
        let correct = correct(subject);
        done_then(if pause.is_zero() {
            vec![send([correct.as_ref(), &extra(subject)].concat())]
        } else {
            vec![send(correct), Step::Pause(pause), send(extra(subject))]
        })
    })
    .evicts()
    .note(
        "the connection is given up before the next call; what comes at the same moment as the next request cannot \
         be told from its answer, because HTTP/1.1 numbers nothing",
    )
}

/// An answer to a request that was not made yet.
fn forged(subject: &Subject) -> Vec<u8> {
    let body = subject
        .answer
        .body
        .replace("example.test", "forged.example.test");
    vouched(subject, body.replace("onemoney", "forged")).to_vec()
}

fn interim(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nlink: <https://{HTML}.example.test/>\r\n\r\n")
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row(21, "silence after the whole request", [silent("", |_| vec![Step::Stall])]),
        row(
            22,
            "done, and then no answer",
            [
                broken("reset", |_| vec![Step::Reset]),
                broken("ended", |_| vec![Step::Finish]),
            ],
        ),
        row(
            23,
            "head byte by byte without end",
            [silent("", |_| {
                vec![
                    send(format!("HTTP/1.1 200 {REASON}\r\nx-a: ")),
                    Step::Flood("a".into(), SLOWLY),
                ]
            })],
        ),
        row(
            24,
            "interim answers",
            [
                silent("without end", |_| {
                    vec![Step::Flood(interim("103 Early Hints").into(), SLOWLY)]
                }),
                silent("without end and without pause", |_| {
                    let many = interim("100 Continue").repeat(200);
                    vec![Step::Flood(many.into(), Duration::ZERO)]
                }),
                Case::new("a few", |subject| {
                    let few = interim("103 Early Hints").repeat(3);
                    done_then([send(few), send(correct(subject))])
                }),
                Case::new("switching protocols unasked", |_| {
                    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
                    done_then([send(switch), Step::Finish])
                })
                .fails(Api, Unknown, Never),
            ],
        ),
        row(
            25,
            "head too long",
            [
                broken("10,000 headers", |_| {
                    let many: String = (0..10_000).map(|i| format!("x-{i}: {RUBBISH}\r\n")).collect();
                    vec![send(format!("HTTP/1.1 200 OK\r\n{many}\r\n")), Step::Finish]
                }),
                broken("a header of 1 MiB", |_| {
                    let long = RUBBISH.repeat((1 << 20) / RUBBISH.len());
                    vec![send(format!("HTTP/1.1 200 OK\r\nx: {long}\r\n\r\n")), Step::Finish]
                }),
            ]
            .map(|case| case.note("a head that cannot be read breaks the exchange off, like any other")),
        ),
        row(
            26,
            "body byte by byte without end",
            [silent("", |subject| {
                vec![
                    send(framed(subject, ("content-length", "1000000"), "")),
                    Step::Flood(" ".into(), SLOWLY),
                ]
            })],
        ),
        row(
            27,
            "body stalls half way",
            [silent("", |subject| {
                let bytes = correct(subject);
                vec![send(bytes.slice(..bytes.len() - 40)), Step::Stall]
            })],
        ),
        row(
            28,
            "slow and alive",
            [Case::new("", |subject| {
                done_then([Step::Trickle(correct(subject), 16, SOON)])
            })],
        ),
        row(
            29,
            "body shorter than announced",
            [
                broken("ended", |subject| {
                    let body = half(subject.answer.body.as_bytes());
                    let length = subject.answer.body.len().to_string();
                    vec![send(framed(subject, ("content-length", &length), body)), Step::Finish]
                }),
                broken("reset", |subject| {
                    let body = half(subject.answer.body.as_bytes());
                    let length = subject.answer.body.len().to_string();
                    vec![send(framed(subject, ("content-length", &length), body)), Step::Reset]
                }),
                broken("two lengths", |subject| {
                    let headers = [("content-length", "1".to_owned()), ("content-length", "2".to_owned())];
                    vec![send(head(subject.answer.status, &headers)), Step::Finish]
                }),
                broken("length is no number", |_| {
                    let headers = [("content-length", RUBBISH.to_owned())];
                    vec![send(head("200 OK", &headers)), Step::Finish]
                }),
            ]
            .map(|case| case.note("the exchange broke off: there is no whole body that could be called malformed")),
        ),
        row(
            30,
            "chunks without an end",
            [
                broken("ended", |subject| {
                    vec![send(chunked(subject, chunk(&subject.answer.body))), Step::Finish]
                }),
                broken("length is no number", |subject| {
                    vec![send(chunked(subject, format!("{RUBBISH}\r\n"))), Step::Finish]
                }),
                broken("longer than its length", |subject| {
                    let chunks = format!("1\r\n{}\r\n0\r\n\r\n", subject.answer.body);
                    vec![send(chunked(subject, chunks)), Step::Finish]
                }),
                broken("no HTTP at all", |_| vec![send(format!("{RUBBISH}\r\n\r\n")), Step::Finish]),
                Case::new("with an end", |subject| {
                    let chunks = format!("{}0\r\n\r\n", chunk(&subject.answer.body));
                    done_then([send(chunked(subject, chunks))])
                }),
            ],
        ),
        row(
            31,
            "bytes after the end",
            [
                trailed("rubbish", |_| RUBBISH.into(), Duration::ZERO),
                trailed("a forged answer", forged, Duration::ZERO),
                trailed("a forged answer, later", forged, SOON),
                Case::new("an answer of its own length", |subject| {
                    // Nothing but the end of the connection ends it.
                    let bytes = framed(subject, ("connection", "close"), &subject.answer.body);
                    done_then([send(bytes), Step::Finish])
                }),
                Case::new("a second answer after a refusal", |subject| {
                    let refusal = answer("404 Not Found", &[], &subject.answer.refusal);
                    let both = [refusal.as_ref(), &forged(subject)].concat();
                    Script::AtRequest(vec![Step::Request, send(both)])
                })
                .fails(Api, Refused, Never),
            ],
        ),
    ]
}
