//! F32 to F50: statuses, redirects and what a body says that it is.

use std::time::Duration;

use provider_core::ErrorKind::{Api, Credentials, Decode, RateLimited, Verification};
use provider_core::Outcome::{Done, Refused, Unknown};

use super::row;
use crate::canaries::planted::{CHALLENGE, HTML, LOCATION, REASON};
use crate::faults::case::Repeat::{Always, IfHarmless, Never};
use crate::faults::case::{Case, Expect, NOW, Place, Row, Stage, WallClock, done_then, read_then};
use crate::faults::columns::Subject;
use crate::faults::server::Script;
use crate::faults::tls::Certificate;
use crate::faults::wire::{answer, correct, send, vouched, vouched_and};

/// A redirect to each kind of place. Servers that answer so have or have not done what was asked.
fn redirect(number: u32, status: &'static str) -> Row {
    // 307 and 308 say that another address handles the request unchanged, so this one did not.
    let moved = matches!(number, 35 | 36);
    let targets = move |_: &Subject, place: Place| {
        let targets = [
            (
                "to the same host",
                format!("http://127.0.0.1:{}/{LOCATION}", place.port),
            ),
            (
                "to another host",
                format!("http://localhost:{}/{LOCATION}", place.bystander),
            ),
            (
                "to another scheme",
                format!("https://127.0.0.1:{}/{LOCATION}", place.bystander),
            ),
            ("to a relative place", format!("/{LOCATION}")),
            ("to nowhere", String::new()),
        ];
        let script = |location: String| {
            let steps = [send(answer(status, &[("location", location)], ""))];
            if moved {
                read_then(steps)
            } else {
                done_then(steps)
            }
        };
        let targets = targets.into_iter();
        targets
            .map(|(name, location)| (name.to_owned(), script(location)))
            .collect()
    };
    let outcome = if moved { Refused } else { Unknown };
    let note = if moved {
        ""
    } else {
        "nothing says that it was not done"
    };
    let down = Case::new("from TLS to plain text", move |_| {
        let steps = [send(answer(
            status,
            &[("location", format!("http://127.0.0.1:1/{LOCATION}"))],
            "",
        ))];
        if moved {
            read_then(steps)
        } else {
            done_then(steps)
        }
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

/// Each of these statuses with the documented refusal, and with a page of a gateway.
fn refusals(statuses: &'static [&'static str]) -> Case {
    Case::each("", move |subject, _| {
        let mut variants = Vec::new();
        for status in statuses {
            let headers = [("www-authenticate", format!("Basic realm=\"{CHALLENGE}\""))];
            let bodies = [("", subject.answer.refusal.clone()), (", a page", page())];
            for (name, body) in bodies {
                let bytes = answer(&with_reason(status), &headers, body);
                variants.push((format!("{status}{name}"), read_then([send(bytes)])));
            }
        }
        variants
    })
}

fn page() -> String {
    format!("<html><body>{HTML}</body></html>")
}

/// A status by its number alone is given a reason of the peer's own.
fn with_reason(status: &str) -> String {
    if status.contains(' ') {
        status.to_owned()
    } else {
        format!("{status} {REASON}")
    }
}

/// The server breaks, after it has done what was asked.
fn breaks(statuses: &'static [&'static str]) -> Case {
    Case::each("", move |subject, _| {
        let script =
            |status: &str, body: &str| done_then([send(answer(&with_reason(status), &[], body))]);
        let variants = statuses.iter().flat_map(|status| {
            [
                (format!("{status}, a page"), script(status, &page())),
                (
                    (*status).to_owned(),
                    script(status, &subject.answer.refusal),
                ),
            ]
        });
        variants.collect()
    })
    .fails(Api, Unknown, IfHarmless)
}

fn throttled(name: &'static str, retry_after: Option<&'static str>) -> Case {
    Case::new(name, move |subject| {
        let headers = retry_after.map(|wait| ("retry-after", wait.to_owned()));
        let headers: Vec<_> = headers.into_iter().collect();
        read_then([send(answer(
            "429 Too Many Requests",
            &headers,
            &subject.answer.refusal,
        ))])
    })
    .fails(RateLimited, Refused, Always)
}

fn unreadable(case: Case) -> Case {
    case.comes_to(|subject| {
        vec![if subject.signs() {
            Expect::Fails(Verification, Unknown, Never)
        } else {
            Expect::Fails(Decode, Done, Never)
        }]
    })
}

fn utf_16(subject: &Subject) -> Vec<u8> {
    subject
        .answer
        .body
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect()
}

const SEVEN: Duration = Duration::from_secs(7);

pub(super) fn rows() -> Vec<Row> {
    let too_late = "the wait is longer than the rest of the deadline";
    vec![
        redirect(32, "301 Moved Permanently"),
        redirect(33, "302 Found"),
        redirect(34, "303 See Other"),
        redirect(35, "307 Temporary Redirect"),
        redirect(36, "308 Permanent Redirect"),
        row(
            37,
            "refused by a 4xx",
            [refusals(&[
                "400 Bad Request",
                "404 Not Found",
                "410 Gone",
                "422 Unprocessable Content",
                "451",
            ])
            .fails(Api, Refused, Never)],
        ),
        row(
            38,
            "401 and 403",
            [refusals(&["401 Unauthorized", "403 Forbidden"]).fails(Credentials, Refused, Never)],
        ),
        row(39, "409", [refusals(&["409 Conflict"]).fails(Api, Refused, Never)]),
        row(40, "429 with seconds", [throttled("", Some("7")).pauses(SEVEN)]),
        row(
            41,
            "429 with a date",
            [throttled("", Some("Fri, 01 Jun 2029 00:00:07 GMT"))
                .clock(WallClock::At(NOW))
                .pauses(SEVEN)],
        ),
        row(42, "429 without a wait", [throttled("", None)]),
        row(
            43,
            "429 with a wait that is none",
            [
                throttled("negative", Some("-1")),
                throttled("a word", Some(REASON)),
                throttled("too long a number", Some("99999999999999999999")),
            ],
        ),
        row(
            44,
            "429 with 10^9 s",
            [throttled("", Some("1000000000"))
                .fails(RateLimited, Refused, Never)
                .note(too_late)],
        ),
        row(
            45,
            "500",
            [breaks(&["500 Internal Server Error", "500"])],
        ),
        row(
            46,
            "502, 503, 504, 408",
            [
                breaks(&["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"]),
                Case::new("503 with seconds", |subject| {
                    let headers = [("retry-after", "7".to_owned())];
                    let bytes = answer("503 Service Unavailable", &headers, &subject.answer.refusal);
                    done_then([send(bytes)])
                })
                .fails(Api, Unknown, IfHarmless)
                .pauses(SEVEN)
                .note("an Unsafe operation is not repeated: gateways send 503 after the request was passed on, too"),
                Case::new("408", |_| done_then([send(answer("408 Request Timeout", &[], page()))]))
                    .fails(Api, Unknown, IfHarmless),
            ],
        ),
        row(47, "599", [breaks(&["599"])]),
        row(
            48,
            "200 with a page",
            [
                unreadable(Case::new("", |subject| {
                    let status = subject.answer.status.replace("OK", REASON);
                    done_then([send(answer(&status, &[], page()))])
                })),
                Case::each("signed", |subject, _| signed_page(subject))
                    .fails(Decode, Done, Never)
                    .unless("signs nothing"),
            ]
            .map(|case| case.note("a 2xx over TLS counts as the provider's: not to be sent again")),
        ),
        row(
            49,
            "204 with a body",
            [unreadable(Case::new("", |subject| {
                let headers = subject.vouched(subject.answer.body.as_bytes());
                done_then([send(answer("204 No Content", &headers, &subject.answer.body))])
            }))
            .note("HTTP knows no body there, so there is none to read or to verify")],
        ),
        row(
            50,
            "charset and content type",
            [
                Case::new("UTF-16", |subject| {
                    let headers = [("content-type", "application/json; charset=utf-16".to_owned())];
                    done_then([send(vouched_and(subject, &headers, utf_16(subject)))])
                })
                .fails(Decode, Done, Never),
                Case::new("UTF-8 under another name", |subject| {
                    let headers = [("content-type", "text/html; charset=latin1".to_owned())];
                    done_then([send(vouched_and(subject, &headers, &subject.answer.body))])
                })
                .note("the content type is not asked: the bytes decide"),
                Case::new("no content type", |subject| {
                    let correct = String::from_utf8(correct(subject).to_vec()).unwrap();
                    let bytes = correct.replace("content-type: application/json\r\n", "");
                    done_then([send(bytes)])
                }),
            ],
        ),
    ]
}

fn signed_page(subject: &Subject) -> Vec<(String, Script)> {
    let script = || done_then([send(vouched(subject, page()))]);
    subject
        .signs()
        .then(|| (String::new(), script()))
        .into_iter()
        .collect()
}
