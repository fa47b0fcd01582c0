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
                if seen.insert(needle.clone()) {
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
fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    let texts = [
        ("plain", value.to_owned()),
        ("lower case", value.to_lowercase()),
        ("upper case", value.to_uppercase()),
        ("JSON", json(value, false)),
        ("JSON in ASCII", json(value, true)),
        ("escaped by Debug", value.escape_debug().to_string()),
        ("escaped to ASCII", bytes.escape_ascii().to_string()),
        ("hex", hex::encode(bytes)),
        ("hex in capitals", hex::encode_upper(bytes)),
        // As `Debug` prints a slice of bytes, without the brackets.
        (
            "list of bytes",
            format!("{bytes:?}").replace(['[', ']'], ""),
        ),
        ("percent-encoded", percent(value, false)),
        ("percent-encoded throughout", percent(value, true)),
        ("form-encoded", percent(value, false).replace("%20", "+")),
    ];
    let texts = texts
        .into_iter()
        .map(|(form, text)| (form, text.into_bytes()));
    let mut forms: Vec<_> = texts.collect();
    for shift in 0..3 {
        forms.push(("base64", base64(bytes, shift, &STANDARD_NO_PAD)));
        forms.push(("base64 for URLs", base64(bytes, shift, &URL_SAFE_NO_PAD)));
    }
    // However often a value is escaped, its words stay as they are. A few hexadecimal digits of a UUID are in a random id by
    // chance.
    if !is_uuid(value) {
        let words = value.split(|c: char| !c.is_ascii_alphanumeric());
        forms.extend(words.map(|word| ("a word of it", word.into())));
    }
    // Cut where a chunk could end.
    let mut middle = (0..=value.len() / 2).rev();
    let middle = middle.find(|at| value.is_char_boundary(*at));
    let (first, second) = value.split_at(middle.unwrap_or(0));
    let halves = [("first half", first), ("second half", second)];
    let halves = halves.into_iter().filter(|(_, half)| !is_common(half));
    forms.extend(halves.map(|(form, half)| (form, half.into())));
    // A short one could be found by chance.
    forms.retain(|(_, needle)| needle.len() >= SHORTEST);
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
    for unit in inner.encode_utf16() {
        let _ = match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => write!(text, "{}", char::from(byte)),
            _ => write!(text, "\\u{unit:04x}"),
        };
    }
    text
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
        let planted = planted::all([]);
        let search = Search::new(&planted);
        assert_eq!(search.leaks(b"nothing to see", Source::Anything), []);
        for planted in planted {
            for (form, needle) in forms(&planted.value) {
                let text = [b"before ".as_slice(), &needle, b" after"].concat();
                let mut leaks = search.leaks(&text, Source::Anything).into_iter();
                let found = leaks.any(|leak| leak.what == planted.what);
                assert!(found, "{} {form}", planted.what);
            }
        }
    }

    #[test]
    fn a_leak_inside_a_larger_encoded_text_is_found() {
        let search = Search::new(&planted::all([]));
        for before in ["", "a", "ab", "abc", "{\"text\":\""] {
            let text = format!("{before}{CONSENT_TEXT} and more");
            let json = serde_json::to_string(&text).unwrap();
            for encoded in [
                STANDARD.encode(&text),
                hex::encode(&text),
                hex::encode_upper(&text),
                format!("{text:?}"),
                format!("{:?}", text.as_bytes()),
                percent(&text, false),
                percent(&text, true),
                format!("{:?}", json.as_bytes().escape_ascii().to_string()),
                json,
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
        let found = leaks.iter().any(|leak| leak.form == "second half");
        assert!(found, "{leaks:?}");
        assert_eq!(search.leaks(&MOBILE.as_bytes()[5..], Source::Anything), []);
    }

    #[test]
    fn an_id_may_be_printed_by_its_owner_only() {
        let search = Search::new(&planted::all([]));
        let text = format!("SessionId({SESSION_ID})");
        assert_eq!(search.leaks(text.as_bytes(), Source::Owner), []);
        assert_ne!(search.leaks(text.as_bytes(), Source::Anything), []);
        assert_ne!(search.leaks(MOBILE.as_bytes(), Source::Owner), []);
    }
}
