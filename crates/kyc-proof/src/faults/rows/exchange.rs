//! F15 to F36: while sending and while waiting, and redirects, which are answers like any other.

use std::time::Duration;

use provider_core::ErrorKind::{Api, Connect, Transport};
use provider_core::Idempotency;
use provider_core::Outcome::{NotSent, Refused, Unknown};

use super::{not_applicable, row};
use crate::canaries::planted::{CHUNK_EXTENSION, HTML, LOCATION, REASON, RUBBISH};
use crate::faults::case::Repeat::{Always, IfHarmless, Never};
use crate::faults::case::{Case, Drive, Expect, Hits, Idle, Place, Row, Stage, Variant};
use crate::faults::column::Column;
use crate::faults::server::{Script, Step};
use crate::faults::transports::Certificate;
use crate::faults::wire::{answer, correct, done_then, head, read_then, send, vouched, well};

/// A refusal as soon as the head is there, and then this.
fn early_refusal(name: &'static str, then: Step) -> Case {
    Case::new(name, move |column| {
        let refusal = answer("413 Content Too Large", &[], column.refusal());
        Script::AtRequest(vec![Step::Head, send(refusal), then.clone()])
    })
    .large()
}

const SLOWLY: Duration = Duration::from_millis(20);
const SOON: Duration = Duration::from_millis(2);

const TOTAL: &str = "one deadline for the whole call: an attempt has no limit of its own, so none is cut short and repeated";

/// After the effect this; the deadline passes.
fn silent(
    name: &'static str,
    steps: impl Fn(&Column) -> Vec<Step> + Send + Sync + 'static,
) -> Case {
    Case::new(name, move |column| done_then(steps(column)))
        .times_out()
        .note(TOTAL)
}

/// After the effect this; the exchange broke off.
fn broken(
    name: &'static str,
    steps: impl Fn(&Column) -> Vec<Step> + Send + Sync + 'static,
) -> Case {
    Case::new(name, move |column| done_then(steps(column))).fails(Transport, Unknown, IfHarmless)
}

/// The correct answer's head and body, framed otherwise.
fn framed(column: &Column, framing: (&'static str, &str), body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut headers = column.vouched(column.body().as_bytes());
    headers.push((framing.0, framing.1.to_owned()));
    [head(&column.status(), &headers).as_slice(), body.as_ref()].concat()
}

fn chunked(column: &Column, chunks: impl AsRef<[u8]>) -> Vec<u8> {
    framed(column, ("transfer-encoding", "chunked"), chunks)
}

fn chunk(text: &str) -> String {
    format!("{:x};x={CHUNK_EXTENSION}\r\n{text}\r\n", text.len())
}

fn half(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

/// The correct answer and, at once or later, what nobody asked for.
fn trailed(name: &'static str, extra: fn(&Column) -> Vec<u8>, pause: Duration) -> Case {
    Case::new(name, move |column| {
        let correct = correct(column);
        done_then(if pause.is_zero() {
            vec![send([correct.as_ref(), &extra(column)].concat())]
        } else {
            vec![send(correct), Step::Pause(pause), send(extra(column))]
        })
    })
    .evicts()
    .note(
        "the connection is given up before the next call; what comes at the same moment as the next request cannot \
         be told from its answer, because HTTP/1.1 numbers nothing",
    )
}

/// A reply to a request that was not made yet.
fn forged(column: &Column) -> Vec<u8> {
    vouched(column, column.forged()).to_vec()
}

fn interim(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nlink: <https://{HTML}.example.test/>\r\n\r\n")
}

/// A redirect to each kind of place. Servers that answer so have or have not done what was asked.
fn redirect(number: u32, status: &'static str) -> Row {
    // 307 and 308 say that another address handles the request unchanged, so this one did not.
    let moved = matches!(number, 35 | 36);
    let script = move |location: String| {
        let steps = [send(answer(status, &[("location", location)], ""))];
        match moved {
            true => read_then(steps),
            false => done_then(steps),
        }
    };
    let targets = move |_: &Column, place: Place| {
        let (port, bystander) = (place.port, place.bystander);
        let targets = [
            (
                "to the same host",
                format!("http://127.0.0.1:{port}/{LOCATION}"),
            ),
            (
                "to another host",
                format!("http://localhost:{bystander}/{LOCATION}"),
            ),
            (
                "to another scheme",
                format!("https://127.0.0.1:{bystander}/{LOCATION}"),
            ),
            ("to a relative place", format!("/{LOCATION}")),
            ("to nowhere", String::new()),
        ];
        targets
            .map(|(name, location)| Variant::new(name, script(location)))
            .into()
    };
    let outcome = if moved { Refused } else { Unknown };
    let note = if moved {
        ""
    } else {
        "nothing says that it was not done"
    };
    let down = Case::new("from TLS to plain text", move |_| {
        script(format!("http://127.0.0.1:1/{LOCATION}"))
    });
    let cases = [
        Case::each("", targets),
        down.at(Stage::Tls(Certificate::Good)),
    ];
    row(
        number,
        status,
        cases.map(|case| case.fails(Api, outcome, Never).note(note)),
    )
}

pub(super) fn rows() -> Vec<Row> {
    let lost = Expect::Fails(Transport, Unknown, IfHarmless);
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
                    .gives(move |_| vec![lost]),
                Case::new("ended at the same time", |_| Script::AtRequest(vec![Step::Finish]))
                    .driven(Drive::Again(Idle::Ending))
                    .hits(Hits::Once)
                    .gives(move |_| vec![Expect::Understood, lost])
                    .note("a race: either a new connection is made, or the request was lost on the old one"),
                Case::new("new one reset before it is read", |_| {
                    Script::AtConnection(vec![Step::Reset])
                })
                .gives(move |_| {
                    let not_made = Expect::Fails(Connect, NotSent, Always);
                    vec![
                        lost,
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
                .gives(move |_| vec![lost])],
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
                    .gives(move |column| {
                        let mut expect = vec![Expect::Fails(Api, Refused, Never), lost];
                        if column.operation().idempotency != Idempotency::Unsafe {
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
                Case::new("a few", |column| {
                    let few = interim("103 Early Hints").repeat(3);
                    done_then([send(few), send(correct(column))])
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
            [silent("", |column| {
                vec![
                    send(framed(column, ("content-length", "1000000"), "")),
                    Step::Flood(" ".into(), SLOWLY),
                ]
            })],
        ),
        row(
            27,
            "body stalls half way",
            [silent("", |column| {
                let bytes = correct(column);
                vec![send(bytes.slice(..bytes.len() - 40)), Step::Stall]
            })],
        ),
        row(
            28,
            "slow and alive",
            [Case::new("", |column| {
                done_then([Step::Trickle(correct(column), 16, SOON)])
            })],
        ),
        row(
            29,
            "body shorter than announced",
            [
                broken("ended", |column| {
                    let body = half(column.body().as_bytes());
                    let length = column.body().len().to_string();
                    vec![send(framed(column, ("content-length", &length), body)), Step::Finish]
                }),
                broken("reset", |column| {
                    let body = half(column.body().as_bytes());
                    let length = column.body().len().to_string();
                    vec![send(framed(column, ("content-length", &length), body)), Step::Reset]
                }),
                broken("two lengths", |column| {
                    let headers = [("content-length", "1".to_owned()), ("content-length", "2".to_owned())];
                    vec![send(head(&column.status(), &headers)), Step::Finish]
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
                broken("ended", |column| {
                    vec![send(chunked(column, chunk(&column.body()))), Step::Finish]
                }),
                broken("length is no number", |column| {
                    vec![send(chunked(column, format!("{RUBBISH}\r\n"))), Step::Finish]
                }),
                broken("longer than its length", |column| {
                    let chunks = format!("1\r\n{}\r\n0\r\n\r\n", column.body());
                    vec![send(chunked(column, chunks)), Step::Finish]
                }),
                broken("no HTTP at all", |_| vec![send(format!("{RUBBISH}\r\n\r\n")), Step::Finish]),
                Case::new("with an end", |column| {
                    let chunks = format!("{}0\r\n\r\n", chunk(&column.body()));
                    done_then([send(chunked(column, chunks))])
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
                Case::new("an answer of its own length", |column| {
                    // Nothing but the end of the connection ends it.
                    let bytes = framed(column, ("connection", "close"), column.body());
                    done_then([send(bytes), Step::Finish])
                }),
                Case::new("a second answer after a refusal", |column| {
                    let refusal = answer("404 Not Found", &[], column.refusal());
                    let both = [refusal.as_ref(), &forged(column)].concat();
                    Script::AtRequest(vec![Step::Request, send(both)])
                })
                .fails(Api, Refused, Never),
            ],
        ),
        redirect(32, "301 Moved Permanently"),
        redirect(33, "302 Found"),
        redirect(34, "303 See Other"),
        redirect(35, "307 Temporary Redirect"),
        redirect(36, "308 Permanent Redirect"),
    ]
}
