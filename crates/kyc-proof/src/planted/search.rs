//! Finding a planted value in whatever form it got out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aho_corasick::AhoCorasick;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::{Planted, Printed, is_uuid};

/// Shorter than this a needle could be found by chance.
const SHORTEST: usize = 8;

/// Who wrote a text that is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Errors, logs, spans, panics, programs.
    Anything,
    /// `Debug` of a request or of a reply's value.
    Owner,
}

/// All needles at once.
pub(crate) struct Search {
    automaton: AhoCorasick,
    needles: Vec<Needle>,
}

#[derive(Debug, Clone)]
struct Needle {
    planted: Planted,
    form: &'static str,
}

/// One value that was given away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Leak {
    /// What the value stands for.
    pub(crate) what: String,
    /// The form it was found in.
    pub(crate) form: &'static str,
}

impl Search {
    /// For these values, in every form.
    pub(crate) fn new(planted: &[Planted]) -> Self {
        let (mut bytes, mut needles) = (Vec::new(), Vec::new());
        for planted in planted {
            let mut seen = BTreeSet::new();
            for (form, needle) in forms(&planted.value) {
                if needle.len() >= SHORTEST && seen.insert(needle.clone()) {
                    bytes.push(needle);
                    needles.push(Needle {
                        planted: planted.clone(),
                        form,
                    });
                }
            }
        }
        let automaton = AhoCorasick::new(&bytes).expect("few and short needles");
        Self { automaton, needles }
    }

    /// How many needles there are.
    pub(crate) fn needles(&self) -> usize {
        self.needles.len()
    }

    /// What `text` gives away, each once.
    pub(crate) fn leaks(&self, text: &[u8], source: Source) -> Vec<Leak> {
        let found = self.automaton.find_overlapping_iter(text);
        let leaks: BTreeSet<Leak> = found
            .map(|found| &self.needles[found.pattern().as_usize()])
            .filter(|needle| source == Source::Anything || needle.planted.printed == Printed::Never)
            .map(|needle| Leak {
                what: needle.planted.what.clone(),
                form: needle.form,
            })
            .collect();
        leaks.into_iter().collect()
    }
}

/// The forms that are searched, each with its name.
pub(crate) fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    let mut forms = vec![
        ("plain", bytes.to_vec()),
        ("lower case", value.to_lowercase().into_bytes()),
        ("upper case", value.to_uppercase().into_bytes()),
        ("JSON", json(value, false).into_bytes()),
        ("JSON in ASCII", json(value, true).into_bytes()),
        (
            "escaped by Debug",
            value.escape_debug().to_string().into_bytes(),
        ),
        (
            "escaped to ASCII",
            bytes.escape_ascii().to_string().into_bytes(),
        ),
        ("hex", hex::encode(bytes).into_bytes()),
        ("hex in capitals", hex::encode_upper(bytes).into_bytes()),
        ("list of bytes", list(bytes).into_bytes()),
        ("percent-encoded", percent(value, false).into_bytes()),
        (
            "percent-encoded throughout",
            percent(value, true).into_bytes(),
        ),
        (
            "form-encoded",
            percent(value, false).replace("%20", "+").into_bytes(),
        ),
    ];
    for shift in 0..3 {
        forms.push(("base64", base64(bytes, shift, &STANDARD_NO_PAD)));
        forms.push(("base64 for URLs", base64(bytes, shift, &URL_SAFE_NO_PAD)));
    }
    // However often a value is escaped, its words stay as they are. A few hexadecimal digits of a UUID are in a random id by
    // chance.
    let is_uuid = is_uuid(value);
    for word in value.split(|c: char| !c.is_ascii_alphanumeric()) {
        if word.len() >= SHORTEST && !is_uuid {
            forms.push(("a word of it", word.as_bytes().to_vec()));
        }
    }
    // Cut where a chunk could end. Half of a short value could be found by chance.
    let middle = (0..=value.len() / 2)
        .rev()
        .find(|at| value.is_char_boundary(*at));
    if let Some((first, second)) = middle.and_then(|at| value.split_at_checked(at)) {
        if first.len() >= SHORTEST && !is_common(first) {
            forms.push(("first half", first.as_bytes().to_vec()));
        }
        if second.len() >= SHORTEST && !is_common(second) {
            forms.push(("second half", second.as_bytes().to_vec()));
        }
    }
    forms
}

/// Whether half of a value says nothing, such as the beginning of every URL, or a date or a time of day, which stands in
/// logs too.
fn is_common(half: &str) -> bool {
    const COMMON: [&str; 3] = ["https://", ".example.test", "@example.test"];
    let of_a_moment = |byte: u8| byte.is_ascii_digit() || b"-:.TZ".contains(&byte);
    COMMON.iter().any(|common| common.contains(half))
        || half.contains(['-', ':']) && half.bytes().all(of_a_moment)
}

fn json(value: &str, ascii: bool) -> String {
    let quoted = serde_json::to_string(value).expect("a string");
    let inner = &quoted[1..quoted.len() - 1];
    if !ascii {
        return inner.to_owned();
    }
    let mut text = String::new();
    for character in inner.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// As `Debug` prints a slice of bytes, without the brackets.
fn list(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    numbers.join(", ")
}

fn percent(value: &str, throughout: bool) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if plain && !throughout {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The digits that stand in the encoding of any text with the value at this place, modulo three.
fn base64(value: &[u8], shift: usize, engine: &impl base64::Engine) -> Vec<u8> {
    let mut text = vec![0; shift];
    text.extend_from_slice(value);
    let digits = engine.encode(&text).into_bytes();
    // The first digits mix with what stands before, the last one with what follows.
    let from = (shift * 8).div_ceil(6);
    let to = text.len() * 8 / 6;
    digits[from..to].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{self, CONSENT_TEXT, MOBILE, SESSION_ID};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_planted_leak_is_found_in_every_form() {
        let search = Search::new(&planted::all([]));
        assert_eq!(search.leaks(b"nothing to see", Source::Anything), []);
        for planted in planted::all([]) {
            for (form, needle) in forms(&planted.value) {
                let text = [b"before ".as_slice(), &needle, b" after"].concat();
                let leaks = search.leaks(&text, Source::Anything);
                let found = leaks.iter().any(|leak| leak.what == planted.what);
                assert!(found || needle.len() < SHORTEST, "{} {form}", planted.what);
            }
        }
    }

    #[test]
    fn a_leak_inside_a_larger_encoded_text_is_found() {
        let search = Search::new(&planted::all([]));
        for before in ["", "a", "ab", "abc", "{\"text\":\""] {
            let text = format!("{before}{CONSENT_TEXT} and more");
            for encoded in [
                STANDARD.encode(&text),
                hex::encode(&text),
                hex::encode_upper(&text),
                serde_json::to_string(&text).unwrap(),
                format!("{text:?}"),
                format!("{:?}", text.as_bytes()),
                percent(&text, false),
                percent(&text, true),
                format!(
                    "{:?}",
                    serde_json::to_vec(&text)
                        .unwrap()
                        .escape_ascii()
                        .to_string()
                ),
            ] {
                let leaks = search.leaks(encoded.as_bytes(), Source::Anything);
                assert!(!leaks.is_empty(), "{encoded}");
            }
        }
    }

    #[test]
    fn a_value_that_was_cut_in_two_is_found_and_a_short_one_is_not_guessed() {
        let search = Search::new(&planted::all([]));
        let leaks = search.leaks(&CONSENT_TEXT.as_bytes()[18..], Source::Anything);
        assert!(
            leaks.iter().any(|leak| leak.form == "second half"),
            "{leaks:?}"
        );
        assert_eq!(search.leaks(&MOBILE.as_bytes()[5..], Source::Anything), []);
    }

    #[test]
    fn an_id_may_be_printed_by_its_owner_only() {
        let search = Search::new(&planted::all([]));
        let text = format!("SessionId({SESSION_ID})");
        assert_eq!(search.leaks(text.as_bytes(), Source::Owner), []);
        assert_ne!(search.leaks(text.as_bytes(), Source::Anything), []);
        let text = format!("{text} {MOBILE}");
        assert_ne!(search.leaks(text.as_bytes(), Source::Owner), []);
    }
}
