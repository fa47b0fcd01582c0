//! F51 to F66: the body of a success.
//!
//! Where a place of the reply is changed, the places and their changes come from the fixtures, and the published table has
//! the result of each: which members a reply cannot do without is reviewed there.

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use provider_core::ErrorKind::{Decode, Transport};
use provider_core::Outcome::{Done, Unknown};
use provider_core::testing::tolerance::Mutation;
use serde_json::Value;

use super::reply_row;
use crate::canaries::planted::{
    ECHOED_ADDRESS, ECHOED_NAME, RUBBISH, UNKNOWN_KEY, UNKNOWN_VALUE, VARIANT, VUA, WRONG_VALUE,
};
use crate::faults::case::Repeat::Never;
use crate::faults::case::{Case, Row, Variant};
use crate::faults::column::Column;
use crate::faults::server::Step;
use crate::faults::wire::{done_then, head, send, successes, vouched, vouched_and};

/// The body is this instead, and the provider vouches for it.
fn body(name: &'static str, body: impl Fn(&Column) -> Vec<u8> + Send + Sync + 'static) -> Case {
    Case::new(name, move |column| {
        done_then([send(vouched(column, body(column)))])
    })
}

/// It is no JSON, or not of the reply's form.
fn unread(name: &'static str, bytes: impl Fn(&Column) -> Vec<u8> + Send + Sync + 'static) -> Case {
    body(name, bytes).fails(Decode, Done, Never)
}

/// Each place of the reply after this mutation.
fn mutated(name: &'static str, mutation: Mutation) -> Case {
    Case::each(name, move |column, _| {
        successes(column, column.mutated(mutation))
    })
}

/// Each place of the reply that has another text for it.
fn places(name: &'static str, change: fn(&Value, Option<&str>) -> Option<String>) -> Case {
    Case::each(name, move |column, _| {
        successes(column, column.with_raw(change))
    })
}

/// The body with more members at its beginning.
fn with_more(body: &str, members: &str) -> Vec<u8> {
    body.replacen('{', &format!("{{{members},"), 1).into_bytes()
}

fn is_leaf(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn endless(name: &'static str, framing: (&'static str, String), piece: Vec<u8>) -> Case {
    Case::new(name, move |column| {
        done_then([
            send(head(&column.status(), std::slice::from_ref(&framing))),
            Step::Flood(piece.clone().into(), Duration::ZERO),
        ])
    })
    .fails(Transport, Unknown, Never)
    .alone()
    .note("transport, cause \"longer than the limit\": asking again would end the same way")
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
    let no_integer = "no integer in its reply";
    let chunk = [b"10000\r\n".as_slice(), &[b' '; KIB_64], b"\r\n"].concat();
    let spaces = || vec![b' '; KIB_64];
    vec![
        reply_row(
            51,
            "JSON cut off",
            [
                unread("half", |column| {
                    column.body()[..column.body().len() / 2].into()
                }),
                unread("nothing", |_| Vec::new()),
                unread("the last byte", |column| {
                    column.body()[..column.body().len() - 1].into()
                }),
            ],
        ),
        reply_row(
            52,
            "wrong type",
            [
                places("each place", |_, _| Some(wrong())),
                mutated("each place, a plain one", Mutation::Retyped),
                unread("the whole", |_| wrong().into()),
                unread("a list", |_| format!("[{}]", wrong()).into()),
            ],
        ),
        reply_row(53, "field missing", [mutated("each", Mutation::Dropped)]),
        reply_row(
            54,
            "unknown field",
            [
                body("", |column| {
                    let members = format!(
                        "\"{UNKNOWN_KEY}\":{{\"{UNKNOWN_VALUE}\":[\"{ECHOED_NAME}\",\"{ECHOED_ADDRESS}\",\"{VUA}\",1e400]}}"
                    );
                    with_more(&column.body(), &members)
                }),
                mutated("in each object and list", Mutation::Extended),
            ],
        ),
        reply_row(
            55,
            "unlisted value of an enumeration",
            [places("each text is another", |value, _| {
                value.is_string().then(|| format!("\"{VARIANT}\""))
            })],
        ),
        reply_row(
            56,
            "repeated field",
            [places("each", |value, member| {
                Some(format!("{value},{:?}:{value}", member?))
            })],
        ),
        reply_row(
            57,
            "integer above 2^63",
            [places("each", |value, _| {
                value.is_number().then(|| "9223372036854775808".to_owned())
            })
            .unless(no_integer)],
        ),
        reply_row(
            58,
            "1.0 for 1",
            [places("each", |value, _| {
                value.is_number().then(|| format!("{value}.0"))
            })
            .unless(no_integer)],
        ),
        reply_row(
            59,
            "NaN",
            [Case::each("each", |column, _| {
                let bodies = column.with_raw(|value, _| is_leaf(value).then(|| "NaN".to_owned()));
                let script = |body: String| done_then([send(vouched(column, body))]);
                let bodies = bodies.into_iter();
                bodies
                    .map(|(at, body)| Variant::new(at, script(body)))
                    .collect()
            })
            .fails(Decode, Done, Never)],
        ),
        reply_row(
            60,
            "null",
            [
                mutated("each place", Mutation::Nulled),
                unread("the whole", |_| b"null".to_vec()),
            ],
        ),
        reply_row(
            61,
            "bytes that are no UTF-8",
            [
                unread("in the first text", |column| {
                    let body = column.body().into_bytes();
                    let text = body.windows(2).position(|pair| pair == b":\"").unwrap() + 2;
                    let mut changed = body;
                    changed[text] = 0xff;
                    changed
                }),
                places("half a pair, escaped, in each text", |value, _| {
                    value.is_string().then(|| r#""\ud800""#.to_owned())
                }),
            ],
        ),
        reply_row(
            62,
            "byte order mark",
            [unread("", |column| {
                format!("\u{feff}{}", column.body()).into()
            })],
        ),
        reply_row(
            63,
            "more after the end of the JSON",
            [
                unread("rubbish", |column| {
                    format!("{}{RUBBISH}", column.body()).into()
                }),
                unread("the same again", |column| column.body().repeat(2).into()),
            ],
        ),
        reply_row(
            64,
            "10,000 levels",
            [
                unread("the whole", move |_| deep().into()),
                body("in an unknown field", move |column| {
                    with_more(&column.body(), &format!("\"{UNKNOWN_KEY}\":{}", deep()))
                })
                .note("what is not read does not nest"),
            ],
        ),
        reply_row(
            65,
            "1 GiB",
            [
                endless("announced", ("content-length", GIB.to_string()), spaces()),
                endless(
                    "in chunks",
                    ("transfer-encoding", "chunked".to_owned()),
                    chunk,
                ),
                endless(
                    "until the connection ends",
                    ("connection", "close".to_owned()),
                    spaces(),
                ),
            ],
        ),
        reply_row(
            66,
            "compressed unasked",
            [
                Case::new("64 MiB in 64 KiB", |column| {
                    let headers = [("content-encoding", "gzip".to_owned())];
                    done_then([send(vouched_and(column, &headers, bomb()))])
                })
                .fails(Decode, Done, Never)
                .alone()
                .note("nothing is ever unpacked"),
                Case::each("label only", |column, _| {
                    let label = |name: &str| {
                        let headers = [("content-encoding", name.to_owned())];
                        let bytes = vouched_and(column, &headers, column.body());
                        Variant::new(name, done_then([send(bytes)]))
                    };
                    ["gzip", "zstd", "br", VARIANT].map(label).into()
                })
                .note("the bytes decide, not the label"),
            ],
        ),
    ]
}
