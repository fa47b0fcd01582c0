//! F37 to F50: statuses, and what a body says that it is.

use std::time::Duration;

use provider_core::ErrorKind::{Api, Credentials, Decode, RateLimited, Verification};
use provider_core::Outcome::{Done, Refused, Unknown};

use super::reply_row;
use crate::canaries::planted::{CHALLENGE, HTML, REASON};
use crate::faults::case::Repeat::{Always, IfHarmless, Never};
use crate::faults::case::{Case, Expect, NOW, Row, Variant, WallClock};
use crate::faults::column::Column;
use crate::faults::wire::{answer, correct, done_then, read_then, send, vouched, vouched_and};

/// Each of these statuses with the documented refusal, and with a page of a gateway.
fn refusals(statuses: &'static [&'static str]) -> Case {
    Case::each("", move |column, _| {
        let headers = [("www-authenticate", format!("Basic realm=\"{CHALLENGE}\""))];
        let script = |status: &str, body: String| {
            read_then([send(answer(&with_reason(status), &headers, body))])
        };
        let variants = statuses.iter().flat_map(|status| {
            [
                Variant::new(*status, script(status, column.refusal())),
                Variant::new(format!("{status}, a page"), script(status, page())),
            ]
        });
        variants.collect()
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
    Case::each("", move |column, _| {
        let script =
            |status: &str, body: String| done_then([send(answer(&with_reason(status), &[], body))]);
        let variants = statuses.iter().flat_map(|status| {
            [
                Variant::new(format!("{status}, a page"), script(status, page())),
                Variant::new(*status, script(status, column.refusal())),
            ]
        });
        variants.collect()
    })
    .fails(Api, Unknown, IfHarmless)
}

fn throttled(name: &'static str, retry_after: Option<&'static str>) -> Case {
    Case::new(name, move |column| {
        let headers = retry_after.map(|wait| ("retry-after", wait.to_owned()));
        let headers: Vec<_> = headers.into_iter().collect();
        read_then([send(answer(
            "429 Too Many Requests",
            &headers,
            column.refusal(),
        ))])
    })
    .fails(RateLimited, Refused, Always)
}

fn unreadable(case: Case) -> Case {
    case.gives(|column| {
        vec![if column.signs_replies() {
            Expect::Fails(Verification, Unknown, Never)
        } else {
            Expect::Fails(Decode, Done, Never)
        }]
    })
}

fn utf_16(column: &Column) -> Vec<u8> {
    column
        .body()
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect()
}

const SEVEN: Duration = Duration::from_secs(7);

pub(super) fn rows() -> Vec<Row> {
    let too_late = "the wait is longer than the rest of the deadline";
    vec![
        reply_row(
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
        reply_row(
            38,
            "401 and 403",
            [refusals(&["401 Unauthorized", "403 Forbidden"]).fails(Credentials, Refused, Never)],
        ),
        reply_row(39, "409", [refusals(&["409 Conflict"]).fails(Api, Refused, Never)]),
        reply_row(40, "429 with seconds", [throttled("", Some("7")).pauses(SEVEN)]),
        reply_row(
            41,
            "429 with a date",
            [throttled("", Some("Fri, 01 Jun 2029 00:00:07 GMT"))
                .clock(WallClock::At(NOW))
                .pauses(SEVEN)],
        ),
        reply_row(42, "429 without a wait", [throttled("", None)]),
        reply_row(
            43,
            "429 with a wait that is none",
            [
                throttled("negative", Some("-1")),
                throttled("a word", Some(REASON)),
                throttled("too long a number", Some("99999999999999999999")),
            ],
        ),
        reply_row(
            44,
            "429 with 10^9 s",
            [throttled("", Some("1000000000"))
                .fails(RateLimited, Refused, Never)
                .note(too_late)],
        ),
        reply_row(
            45,
            "500",
            [breaks(&["500 Internal Server Error", "500"])],
        ),
        reply_row(
            46,
            "502, 503, 504, 408",
            [
                breaks(&["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"]),
                Case::new("503 with seconds", |column| {
                    let headers = [("retry-after", "7".to_owned())];
                    let bytes = answer("503 Service Unavailable", &headers, column.refusal());
                    done_then([send(bytes)])
                })
                .fails(Api, Unknown, IfHarmless)
                .pauses(SEVEN)
                .note("an Unsafe operation is not repeated: gateways send 503 after the request was passed on, too"),
                Case::new("408", |_| done_then([send(answer("408 Request Timeout", &[], page()))]))
                    .fails(Api, Unknown, IfHarmless),
            ],
        ),
        reply_row(47, "599", [breaks(&["599"])]),
        reply_row(
            48,
            "200 with a page",
            [
                unreadable(Case::new("", |column| {
                    let status = &column.status().replace("OK", REASON);
                    done_then([send(answer(status, &[], page()))])
                })),
                Case::each("signed", |column, _| signed_page(column))
                    .fails(Decode, Done, Never)
                    .unless("signs nothing"),
            ]
            .map(|case| case.note("a 2xx over TLS counts as the provider's: not to be sent again")),
        ),
        reply_row(
            49,
            "204 with a body",
            [unreadable(Case::new("", |column| {
                let headers = column.vouched(column.body().as_bytes());
                done_then([send(answer("204 No Content", &headers, column.body()))])
            }))
            .note("HTTP knows no body there, so there is none to read or to verify")],
        ),
        reply_row(
            50,
            "charset and content type",
            [
                Case::new("UTF-16", |column| {
                    let headers = [("content-type", "application/json; charset=utf-16".to_owned())];
                    done_then([send(vouched_and(column, &headers, utf_16(column)))])
                })
                .fails(Decode, Done, Never),
                Case::new("UTF-8 under another name", |column| {
                    let headers = [("content-type", "text/html; charset=latin1".to_owned())];
                    done_then([send(vouched_and(column, &headers, column.body()))])
                })
                .note("the content type is not asked: the bytes decide"),
                Case::new("no content type", |column| {
                    let correct = String::from_utf8(correct(column).to_vec()).unwrap();
                    let bytes = correct.replace("content-type: application/json\r\n", "");
                    done_then([send(bytes)])
                }),
            ],
        ),
    ]
}

fn signed_page(column: &Column) -> Vec<Variant> {
    let script = || done_then([send(vouched(column, page()))]);
    let signs = column.signs_replies();
    signs
        .then(|| Variant::new("", script()))
        .into_iter()
        .collect()
}
