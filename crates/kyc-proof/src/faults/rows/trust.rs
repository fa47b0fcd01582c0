//! F67 to F89: who vouches for an answer. And the rows of HTTP/2, which is not spoken.

use provider_core::ErrorKind::Verification;
use provider_core::Outcome::Unknown;

use super::{not_applicable, reply_row};
use crate::canaries::planted::{VERIFF_FOREIGN, VERIFF_KEY, VERIFF_PREVIOUS, VERIFF_SECRET};
use crate::faults::case::Repeat::Never;
use crate::faults::case::{Case, Row, Variant, WallClock};
use crate::faults::column::Column;
use crate::faults::server::Script;
use crate::faults::wire::{answer, correct, done_then, read_then, send, successes, vouched_and};

type Headers = Vec<(&'static str, String)>;

const UNSIGNED: &str = "signs nothing: TLS alone vouches";

/// A script, for those who sign.
fn if_signed(column: &Column, script: impl FnOnce() -> Script) -> Vec<Variant> {
    let signs = column.signs_replies();
    signs
        .then(|| Variant::new("", script()))
        .into_iter()
        .collect()
}

/// The correct body under other headers; for those who sign.
fn signed(
    name: &'static str,
    change: impl Fn(Headers, &Column) -> Headers + Send + Sync + 'static,
) -> Case {
    Case::each(name, move |column, _| {
        let body = column.body();
        let headers = change(column.vouched(body.as_bytes()), column);
        if_signed(column, || {
            done_then([send(answer(&column.status(), &headers, body))])
        })
    })
    .unless(UNSIGNED)
}

/// The same, and it must not be believed.
fn refused(
    name: &'static str,
    change: impl Fn(Headers, &Column) -> Headers + Send + Sync + 'static,
) -> Case {
    signed(name, change).fails(Verification, Unknown, Never)
}

/// Changes the values of the headers that carry a signature.
fn signatures(headers: Headers, change: impl Fn(&str) -> String) -> Headers {
    let changed = headers.into_iter().map(|(name, value)| {
        let value = if name.ends_with("signature") {
            change(&value)
        } else {
            value
        };
        (name, value)
    });
    changed.collect()
}

fn flip_first_digit(signature: &str) -> String {
    let other = if signature.starts_with('0') { "1" } else { "0" };
    format!("{other}{}", &signature[1..])
}

/// Signed with this secret, at this moment.
fn with_secret(name: &'static str, secret: &'static str) -> Case {
    signed(name, move |_, column| {
        column.vouched_with(secret, column.body().as_bytes())
    })
}

const AFTER_THE_ROTATION: WallClock = WallClock::At("2031-01-01T00:00:00Z");

pub(super) fn rows() -> Vec<Row> {
    let no_time = "no provider signs a time; the signature covers the body alone";
    let no_http_2 = "HTTP/1.1 only, by ALPN too";
    vec![
        reply_row(
            67,
            "signature missing",
            [
                refused("all headers", |_, _| Vec::new()),
                refused("the signatures", |headers, _| {
                    headers.into_iter().filter(|(name, _)| !name.ends_with("signature")).collect()
                }),
            ],
        ),
        reply_row(
            68,
            "signature wrong",
            [
                refused("one digit", |headers, _| signatures(headers, flip_first_digit)),
                refused("of another body", |_, column| column.vouched(b"{}")),
                refused("addressed to another client", |headers, _| {
                    let other = VERIFF_KEY.replace('3', "4");
                    headers
                        .into_iter()
                        .map(|(name, value)| (name, if value == VERIFF_KEY { other.clone() } else { value }))
                        .collect()
                }),
            ],
        ),
        reply_row(
            69,
            "signed with another key",
            [with_secret("", VERIFF_FOREIGN).fails(Verification, Unknown, Never)],
        ),
        reply_row(
            70,
            "signature cut off",
            [refused("", |headers, _| signatures(headers, |value| value[..32].to_owned()))],
        ),
        reply_row(71, "signature empty", [refused("", |headers, _| signatures(headers, |_| String::new()))]),
        reply_row(
            72,
            "two signatures",
            [
                refused("one wrong", |mut headers, _| {
                    headers.push(("x-hmac-signature", "0".repeat(64)));
                    headers
                }),
                refused("the same twice", |mut headers, _| {
                    headers.extend(headers.clone());
                    headers
                }),
                refused("in one header", |headers, _| {
                    signatures(headers, |value| format!("{value}, {value}"))
                }),
                refused("of both names, one wrong", |headers, _| {
                    let wrong = |(name, value): (&'static str, String)| match name {
                        "vrf-hmac-signature" => (name, flip_first_digit(&value)),
                        _ => (name, value),
                    };
                    headers.into_iter().map(wrong).collect()
                }),
            ]
            .map(|case| case.note("also when they agree: which of them a peer means is anybody's guess")),
        ),
        reply_row(
            73,
            "signature written otherwise",
            [
                signed("capitals", |headers, _| signatures(headers, str::to_ascii_uppercase)),
                signed("space around it", |headers, _| signatures(headers, |value| format!("  {value}\t"))),
            ]
            .map(|case| case.note("the same 32 bytes: digits of either case, and HTTP trims a header's value"))
            .into_iter()
            .chain([refused("space within", |headers, _| {
                signatures(headers, |value| value.replacen(&value[..8], &format!("{} ", &value[..7]), 1))
            })]),
        ),
        reply_row(
            74,
            "another algorithm named",
            [
                refused("before it", |headers, _| signatures(headers, |value| format!("sha512={value}"))),
                refused("by its length", |headers, _| signatures(headers, |value| value.repeat(2))),
                refused("base64", |headers, _| signatures(headers, |_| "A".repeat(43) + "=")),
            ],
        ),
        not_applicable(75, "timestamp stale", no_time),
        not_applicable(76, "timestamp in the future", no_time),
        not_applicable(77, "timestamp at the ends of i64", no_time),
        not_applicable(78, "timestamp with a sign or zeros", no_time),
        not_applicable(79, "timestamp that is no number", no_time),
        reply_row(
            80,
            "genuine answer to another request",
            [Case::each("", |column, _| successes(column, column.others()))
                .unless("a reply repeats nothing of its request")
                .note("each text that repeats the request's; what a provider may repeat in another form is not compared")],
        ),
        reply_row(
            81,
            "genuine old answer to the same request, replayed",
            [Case::each("", |column, _| {
                if_signed(column, || read_then([send(correct(column))]))
            })
            .replayed()
            .unless(UNSIGNED)
            .note("believed: Veriff's signature binds the body to nothing else, and TLS is what keeps a replayer out")],
        ),
        reply_row(
            82,
            "body written anew by a middlebox",
            [Case::each("", |column, _| {
                let body = column.body().replace(':', ": ");
                let headers = column.vouched(column.body().as_bytes());
                if_signed(column, || done_then([send(answer(&column.status(), &headers, body))]))
            })
            .fails(Verification, Unknown, Never)
            .unless(UNSIGNED)],
        ),
        reply_row(
            83,
            "key being replaced",
            [
                with_secret("signed with the new one", VERIFF_SECRET),
                with_secret("signed with the old one", VERIFF_PREVIOUS),
                with_secret("the new one, after the end", VERIFF_SECRET).clock(AFTER_THE_ROTATION),
                with_secret("the old one, after the end", VERIFF_PREVIOUS)
                    .clock(AFTER_THE_ROTATION)
                    .fails(Verification, Unknown, Never),
            ],
        ),
        reply_row(
            84,
            "server's clock ten minutes off",
            [Case::each("", |column, _| {
                let dated = |date: &str| {
                    let headers = [("date", date.to_owned())];
                    let bytes = vouched_and(column, &headers, column.body());
                    Variant::new(date, done_then([send(bytes)]))
                };
                ["Thu, 31 May 2029 23:50:00 GMT", "Fri, 01 Jun 2029 00:10:00 GMT", "never"].map(dated).into()
            })
            .note("no request and no answer is signed with a time, so nothing depends on it")],
        ),
        not_applicable(85, "GOAWAY around our stream", no_http_2),
        not_applicable(86, "REFUSED_STREAM", no_http_2),
        not_applicable(87, "RST_STREAM", no_http_2),
        not_applicable(88, "SETTINGS with no stream", no_http_2),
        not_applicable(89, "silent death of the path", no_http_2),
    ]
}
