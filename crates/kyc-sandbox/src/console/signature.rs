//! Why a signature does not match: what was probably signed instead, and with what. Pure.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::providers::veriff::signing::sign;

/// What is known about a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Examined {
    /// What the text is that had to be signed, in words.
    pub(super) signed: &'static str,
    pub(super) length: usize,
    /// The signature of that text, in hexadecimal digits.
    pub(super) expected: String,
    pub(super) received: String,
    pub(super) verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Matches,
    /// The first byte at which the two signatures differ, and why they probably do.
    Differs {
        byte: Option<usize>,
        cause: String,
    },
}

/// The keys with which something may have been signed, with their names.
pub(super) struct Keys<'k> {
    /// The accepted ones.
    pub(super) secrets: &'k [String],
    /// Others, with what they are.
    pub(super) others: &'k [(&'static str, &'k str)],
}

/// Examines a signature over `text`. `other_texts` are what else is signed by mistake.
pub(super) fn examine(
    signed: &'static str,
    text: &[u8],
    received: &str,
    keys: &Keys<'_>,
    other_texts: &[(&'static str, &[u8])],
) -> Examined {
    let key = keys.secrets.first().map_or("", String::as_str);
    let expected = sign(key, text);
    let verdict = verdict(text, received, keys, other_texts, &expected);
    Examined {
        signed,
        length: text.len(),
        expected,
        received: received.to_owned(),
        verdict,
    }
}

fn verdict(
    text: &[u8],
    received: &str,
    keys: &Keys<'_>,
    other_texts: &[(&'static str, &[u8])],
    expected: &str,
) -> Verdict {
    let is_genuine = |secret: &String| sign(secret, text) == received;
    if keys.secrets.iter().any(is_genuine) {
        return Verdict::Matches;
    }
    let differing = |a: &str, b: &str| {
        let mut pairs = a.bytes().zip(b.bytes());
        pairs
            .position(|(a, b)| a != b)
            .unwrap_or(a.len().min(b.len()))
    };
    let byte = (received.len() == expected.len()).then(|| differing(expected, received) / 2);
    let cause = cause(text, received, keys, other_texts);
    Verdict::Differs { byte, cause }
}

fn cause(
    text: &[u8],
    received: &str,
    keys: &Keys<'_>,
    other_texts: &[(&'static str, &[u8])],
) -> String {
    let trimmed = received.trim();
    if trimmed != received {
        return "There are spaces around the signature.".to_owned();
    }
    let bytes = hex::decode(trimmed).ok();
    let base64 = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, trimmed).ok();
    let Some(found) = bytes.filter(|bytes| bytes.len() == 32) else {
        return match base64 {
            Some(bytes) if bytes.len() == 32 => {
                "It is written in base64; it must be 64 hexadecimal digits.".to_owned()
            }
            _ => "It is not 64 hexadecimal digits.".to_owned(),
        };
    };
    let keyed = |text: &[u8]| keys.secrets.iter().any(|key| mac(key, text)[..] == found);
    if keyed(text) {
        return "It is right, but written in capitals.".to_owned();
    }
    for (words, candidate) in variants(text) {
        if keyed(&candidate) {
            let same = text
                .iter()
                .zip(&candidate)
                .take_while(|(a, b)| a == b)
                .count();
            return format!(
                "{words}; what was signed and what was sent differ from byte {same} on."
            );
        }
    }
    for (words, candidate) in other_texts {
        if keyed(candidate) {
            return format!("{words} was signed instead.");
        }
    }
    for (words, key) in keys.others {
        if mac(key, text)[..] == found {
            return format!("It was made with {words}.");
        }
    }
    for key in keys.secrets {
        let spaced = [
            format!("{key}\n"),
            format!("{key}\r\n"),
            format!("\"{key}\""),
        ];
        if spaced.iter().any(|key| mac(key, text)[..] == found) {
            return "The secret had a newline or quotes around it.".to_owned();
        }
        let decoded = hex::decode(key.replace('-', "")).unwrap_or_default();
        if !decoded.is_empty() && mac_with(&decoded, text)[..] == found {
            return "The secret was decoded; the key is its text.".to_owned();
        }
        let plain = Sha256::new().chain_update(text).chain_update(key);
        let before = Sha256::new().chain_update(key).chain_update(text);
        if plain.finalize()[..] == found || before.finalize()[..] == found {
            return "It is a plain SHA-256 of body and secret; it must be an HMAC.".to_owned();
        }
        if Sha256::digest(text)[..] == found {
            return "It is a SHA-256 of the body without the secret.".to_owned();
        }
    }
    "Another secret, or the body was changed after it was signed.".to_owned()
}

fn mac(key: &str, text: &[u8]) -> [u8; 32] {
    mac_with(key.as_bytes(), text)
}

fn mac_with(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key);
    mac.map(|mac| mac.chain_update(text).finalize().into_bytes().into())
        .unwrap_or_default()
}

/// What libraries make of a body that they parse and write again, and what editors do to its end.
fn variants(text: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut found = vec![
        ("A newline was signed at the end", [text, b"\n"].concat()),
        ("A newline was signed at the end", [text, b"\r\n"].concat()),
        (
            "The body was trimmed before it was signed",
            text.trim_ascii().to_vec(),
        ),
        ("Nothing was signed", Vec::new()),
    ];
    if let Ok(text) = std::str::from_utf8(text)
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        let again = "The body was parsed and written again before it was signed";
        let sorted = value.to_string();
        for written in [
            spaced(text, "", ""),
            spaced(text, " ", " "),
            spaced(text, "", " "),
            spaced(&sorted, "", ""),
            spaced(&sorted, " ", " "),
            serde_json::to_string_pretty(&value).unwrap_or_default(),
        ] {
            found.push((again, written.into_bytes()));
        }
    }
    found
}

/// The same JSON with these texts after commas and colons, and no other spaces.
fn spaced(text: &str, after_comma: &str, after_colon: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if quoted {
            out.push(c);
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else if !c.is_whitespace() {
            out.push(c);
            quoted = c == '"';
            match c {
                ',' => out.push_str(after_comma),
                ':' => out.push_str(after_colon),
                _ => {}
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"type": "ine", "approved": true, "text": "A \"b\", c: d"}"#;
    const SECRET: &str = "abcdef12-abcd-abcd-abcd-abcdef012345";

    fn cause_of(received: &str) -> String {
        let secrets = [SECRET.to_owned()];
        let keys = Keys {
            secrets: &secrets,
            others: &[("a replaced secret", "old"), ("the API key", "key")],
        };
        let others: [(&str, &[u8]); 1] = [("The id in the path", b"id")];
        let examined = examine("the body", BODY.as_bytes(), received, &keys, &others);
        match examined.verdict {
            Verdict::Matches => "matches".to_owned(),
            Verdict::Differs { cause, .. } => cause,
        }
    }

    fn signed(key: &str, text: &str) -> String {
        sign(key, text.as_bytes())
    }

    #[test]
    fn the_probable_cause_is_named() {
        let compact = r#"{"type":"ine","approved":true,"text":"A \"b\", c: d"}"#;
        let sorted = r#"{"approved":true,"text":"A \"b\", c: d","type":"ine"}"#;
        let decoded = hex::decode(SECRET.replace('-', "")).unwrap();
        for (received, part) in [
            (signed(SECRET, BODY), "matches"),
            (signed(SECRET, BODY).to_uppercase(), "capitals"),
            (
                signed(SECRET, compact),
                "written again before it was signed; what was signed and what was sent differ from byte 8 on",
            ),
            (signed(SECRET, sorted), "written again"),
            (signed(SECRET, &format!("{BODY}\n")), "newline was signed"),
            (signed(SECRET, ""), "Nothing was signed"),
            (
                signed(SECRET, "id"),
                "The id in the path was signed instead",
            ),
            (signed("old", BODY), "a replaced secret"),
            (signed("key", BODY), "the API key"),
            (signed(&format!("{SECRET}\n"), BODY), "newline or quotes"),
            (hex::encode(mac_with(&decoded, BODY.as_bytes())), "decoded"),
            (
                hex::encode(Sha256::digest(format!("{BODY}{SECRET}"))),
                "plain SHA-256",
            ),
            (hex::encode(Sha256::digest(BODY)), "without the secret"),
            (signed("other", BODY), "Another secret"),
            (format!(" {}", signed(SECRET, BODY)), "spaces"),
            ("abc".to_owned(), "not 64 hexadecimal digits"),
            (
                base64::Engine::encode(
                    &base64::engine::general_purpose::STANDARD,
                    mac(SECRET, BODY.as_bytes()),
                ),
                "base64",
            ),
        ] {
            let cause = cause_of(&received);
            assert!(cause.contains(part), "{part}: {cause}");
        }
    }
}
