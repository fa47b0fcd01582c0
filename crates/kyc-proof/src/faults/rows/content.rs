//! F51 to F66: what stands in the body.

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use provider_core::ErrorKind::{Decode, Transport};
use provider_core::Outcome::{Done, Unknown};

use super::row;
use crate::canaries::planted::{
    ECHOED_ADDRESS, ECHOED_NAME, RUBBISH, UNKNOWN_KEY, UNKNOWN_VALUE, VARIANT, VUA, WRONG_VALUE,
};
use crate::faults::case::Repeat::Never;
use crate::faults::case::{Case, Row, done_then};
use crate::faults::columns::Subject;
use crate::faults::server::{Script, Step};
use crate::faults::wire::{head, send, vouched, vouched_and};

/// The body is this instead, and the provider vouches for it.
fn body(name: &'static str, body: impl Fn(&Subject) -> Vec<u8> + Send + Sync + 'static) -> Case {
    Case::new(name, move |subject| {
        done_then([send(vouched(subject, body(subject)))])
    })
}

fn understood(script_body: String, subject: &Subject) -> (String, Script) {
    (
        String::new(),
        done_then([send(vouched(subject, script_body))]),
    )
}

/// Each required member in turn, changed so.
fn each_required(name: &'static str, change: fn(&str, &str) -> String) -> Case {
    Case::each(name, move |subject, _| {
        let answer = &subject.answer;
        let variants = answer.required.iter().map(|member| {
            let changed = change(&answer.body, member);
            (name_of(member).to_owned(), understood(changed, subject).1)
        });
        variants.collect()
    })
    .fails(Decode, Done, Never)
}

/// A member that only some answers have, changed so.
fn some_member(
    name: &'static str,
    member: fn(&Subject) -> Option<&str>,
    value: impl Into<String>,
) -> Case {
    let value = value.into();
    Case::each(name, move |subject, _| {
        let changed =
            member(subject).map(|member| with_value(&subject.answer.body, member, &value));
        changed
            .into_iter()
            .map(|body| understood(body, subject))
            .collect()
    })
}

fn name_of(member: &str) -> &str {
    member.split('"').nth(1).unwrap_or_default()
}

fn with_value(body: &str, member: &str, value: &str) -> String {
    body.replace(member, &format!("\"{}\":{value}", name_of(member)))
}

fn without(body: &str, member: &str) -> String {
    let followed = format!("{member},");
    if body.contains(&followed) {
        return body.replace(&followed, "");
    }
    let preceded = format!(",{member}");
    body.replace(
        if body.contains(&preceded) {
            &preceded
        } else {
            member
        },
        "",
    )
}

/// The body with more members at its beginning.
fn with_more(body: &str, members: &str) -> Vec<u8> {
    body.replacen('{', &format!("{{{members},"), 1).into_bytes()
}

fn integer(subject: &Subject) -> Option<&str> {
    subject.answer.integer
}

fn endless(name: &'static str, framing: (&'static str, String), piece: Vec<u8>) -> Case {
    Case::new(name, move |subject| {
        let headers = [framing.clone()];
        done_then([
            send(head(subject.answer.status, &headers)),
            Step::Flood(piece.clone().into(), Duration::ZERO),
        ])
    })
    .fails(Transport, Unknown, Never)
    .alone()
}

const GIB: usize = 1 << 30;
const KIB_64: usize = 64 << 10;

/// 64 MiB of spaces, compressed.
fn bomb() -> &'static [u8] {
    static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for _ in 0..1024 {
            encoder.write_all(&[b' '; KIB_64]).unwrap();
        }
        encoder.finish().unwrap()
    });
    &BOMB
}

/// JSON that is nowhere expected.
fn wrong() -> String {
    format!("{{\"{WRONG_VALUE}\":[\"{WRONG_VALUE}\"]}}")
}

pub(super) fn rows() -> Vec<Row> {
    let deep = || format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let no_integer = "no integer in its answer";
    vec![
        row(
            51,
            "JSON cut off",
            [
                body("half", |subject| {
                    let body = subject.answer.body.as_bytes();
                    body[..body.len() / 2].to_vec()
                }),
                body("nothing", |_| Vec::new()),
                body("the last byte", |subject| {
                    let body = subject.answer.body.as_bytes();
                    body[..body.len() - 1].to_vec()
                }),
            ]
            .map(|case| case.fails(Decode, Done, Never)),
        ),
        row(
            52,
            "wrong type",
            [
                each_required("each required field", |body, member| {
                    with_value(body, member, &wrong())
                }),
                body("the whole", |_| wrong().into()).fails(Decode, Done, Never),
                body("a list", |_| format!("[{}]", wrong()).into()).fails(Decode, Done, Never),
            ],
        ),
        row(53, "required field missing", [each_required("", without)]),
        row(
            54,
            "unknown field",
            [
                body("", |subject| {
                    let members = format!(
                        "\"{UNKNOWN_KEY}\":{{\"{UNKNOWN_VALUE}\":[\"{ECHOED_NAME}\",\"{ECHOED_ADDRESS}\",\"{VUA}\",1e400]}}"
                    );
                    with_more(&subject.answer.body, &members)
                }),
            ],
        ),
        row(
            55,
            "unlisted value of an enumeration",
            [some_member(
                "",
                |subject| subject.answer.open,
                format!("\"{VARIANT}\""),
            )
            .unless("no enumeration in its answer")],
        ),
        row(
            56,
            "repeated field",
            [each_required("", |body, member| {
                body.replace(member, &format!("{member},{member}"))
            })],
        ),
        row(
            57,
            "integer above 2^63",
            [some_member("", integer, "9223372036854775808")
                .fails(Decode, Done, Never)
                .unless(no_integer)],
        ),
        row(
            58,
            "1.0 for 1",
            [some_member("", integer, "1.0").fails(Decode, Done, Never).unless(no_integer)],
        ),
        row(59, "NaN", [each_required("", |body, member| with_value(body, member, "NaN"))]),
        row(
            60,
            "null",
            [
                each_required("each required field", |body, member| with_value(body, member, "null")),
                some_member("an optional field", |subject| subject.answer.optional.as_deref(), "null"),
                body("the whole", |_| b"null".to_vec()).fails(Decode, Done, Never),
            ],
        ),
        row(
            61,
            "bytes that are no UTF-8",
            [
                body("in a required field", |subject| {
                    let member = &subject.answer.required[0];
                    let changed = with_value(&subject.answer.body, member, "\"\u{1}\"");
                    changed.bytes().map(|byte| if byte == 1 { 0xff } else { byte }).collect()
                })
                .fails(Decode, Done, Never),
                each_required("half a pair, escaped", |body, member| {
                    with_value(body, member, r#""\ud800""#)
                }),
            ],
        ),
        row(
            62,
            "byte order mark",
            [body("", |subject| format!("\u{feff}{}", subject.answer.body).into())
                .fails(Decode, Done, Never)],
        ),
        row(
            63,
            "more after the end of the JSON",
            [
                body("rubbish", |subject| format!("{}{RUBBISH}", subject.answer.body).into()),
                body("the same again", |subject| subject.answer.body.repeat(2).into()),
            ]
            .map(|case| case.fails(Decode, Done, Never)),
        ),
        row(
            64,
            "10,000 levels",
            [
                body("the whole", move |_| deep().into()).fails(Decode, Done, Never),
                body("in an unknown field", move |subject| {
                    with_more(&subject.answer.body, &format!("\"{UNKNOWN_KEY}\":{}", deep()))
                })
                .note("what is not read does not nest"),
            ],
        ),
        row(
            65,
            "1 GiB",
            [
                endless("announced", ("content-length", GIB.to_string()), vec![b' '; KIB_64]),
                endless(
                    "in chunks",
                    ("transfer-encoding", "chunked".to_owned()),
                    [b"10000\r\n".as_slice(), &[b' '; KIB_64], b"\r\n"].concat(),
                ),
                endless(
                    "until the connection ends",
                    ("connection", "close".to_owned()),
                    vec![b' '; KIB_64],
                ),
            ]
            .map(|case| case.note("transport, cause \"longer than the limit\": asking again would end the same way")),
        ),
        row(
            66,
            "compressed unasked",
            [
                Case::new("64 MiB in 64 KiB", |subject| {
                    let headers = [("content-encoding", "gzip".to_owned())];
                    done_then([send(vouched_and(subject, &headers, bomb()))])
                })
                .fails(Decode, Done, Never)
                .alone()
                .note("nothing is ever unpacked"),
                Case::each("label only", |subject, _| {
                    let label = |name: &str| {
                        let headers = [("content-encoding", name.to_owned())];
                        let bytes = vouched_and(subject, &headers, &subject.answer.body);
                        (name.to_owned(), done_then([send(bytes)]))
                    };
                    ["gzip", "zstd", "br", VARIANT].map(label).into()
                })
                .note("the bytes decide, not the label"),
            ],
        ),
    ]
}
