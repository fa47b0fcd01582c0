//! Values that several properties are tried on.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;
use serde_json::Value;

/// Any text, control characters and those outside the basic plane included.
pub(super) fn text(longest: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..=longest).prop_map(|characters| characters.into_iter().collect())
}

/// Text of a form.
pub(super) fn shaped(pattern: &'static str) -> impl Strategy<Value = String> {
    string_regex(pattern).expect("a regular expression that generates")
}

/// Text of a form, and text that misses it by little: one character more, fewer or changed.
pub(super) fn nearly(pattern: &'static str) -> impl Strategy<Value = String> {
    let misses = (
        shaped(pattern),
        any::<prop::sample::Index>(),
        any::<char>(),
        0..3,
    );
    prop_oneof![
        shaped(pattern),
        misses.prop_map(|(text, at, character, how)| {
            let mut characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len() + 1);
            match (how, characters.get_mut(at)) {
                (0, Some(changed)) => *changed = character,
                (1, Some(_)) => drop(characters.remove(at)),
                _ => characters.insert(at, character),
            }
            characters.into_iter().collect()
        }),
        text(20),
    ]
}

/// What an attacker would put where an id belongs.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "..", ".", "/", "\\", "%2e", "%2E", "%2f", "%5c", "%00", "?", "#", "&", "=", "@", ":",
        "//", " ", "\r\n", "\n", "\t", "\0", "\u{7f}", "\u{85}", "\u{2028}", "\u{ff0f}",
        "\u{202e}", "é", "अ", "😀", "a", "Z", "0", "_", "-", "consents", "%", "|", "^", "`", "{",
        "}", "\"", "<", ";",
    ]);
    prop_oneof![
        3 => vec(pieces, 0..8).prop_map(|pieces| pieces.concat()),
        1 => text(140),
    ]
}

pub(super) fn path_id() -> impl Strategy<Value = String> {
    shaped("[A-Za-z0-9_-]{1,128}")
}

pub(super) fn mobile() -> impl Strategy<Value = String> {
    shaped("[0-9]{10}")
}

pub(super) fn pan() -> impl Strategy<Value = String> {
    shaped("[A-Z]{5}[0-9]{4}[A-Z]")
}

pub(super) fn email() -> impl Strategy<Value = String> {
    shaped("[!-?A-~éअ]{1,20}@[!-?A-~éअ]{1,20}")
}

/// Any JSON of moderate depth.
pub(super) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // serde_json reads some numbers of 17 digits as their neighbour; ours is not the parser that is proven.
        (-1e300..1e300_f64)
            .prop_map(Value::from)
            .prop_filter("read as written", |number| {
                serde_json::from_str::<Value>(&number.to_string()).is_ok_and(|read| read == *number)
            }),
        text(8).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(6), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
