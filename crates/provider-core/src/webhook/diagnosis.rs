//! What usually changes a body between its sender and a receiver.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};

use super::refusal::MismatchCause;

/// The longest body that is looked into, which takes up to ten more MACs: a forger must not be able to make that dear.
pub(super) const MAX_BYTES: usize = 16 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The change that, undone, makes the body what was signed.
pub(super) fn undone(body: &[u8], is_signed: impl Fn(&[u8]) -> bool) -> Option<MismatchCause> {
    if body.is_empty() {
        return Some(MismatchCause::Empty);
    }
    if body.len() > MAX_BYTES {
        return None;
    }
    let trimmed = body.trim_ascii_end();
    let ended = |end: &[u8]| is_signed(&[trimmed, end].concat());
    if [&b""[..], b"\n", b"\r\n"].into_iter().any(ended) {
        return Some(MismatchCause::TrailingWhitespace);
    }
    let unmarked = body.strip_prefix(BYTE_ORDER_MARK);
    if unmarked.is_some_and(&is_signed) || is_signed(&[BYTE_ORDER_MARK, body].concat()) {
        return Some(MismatchCause::ByteOrderMark);
    }
    if STANDARD
        .decode(trimmed)
        .is_ok_and(|plain| is_signed(&plain))
    {
        return Some(MismatchCause::Base64);
    }
    is_signed(&without_white_space(body)).then_some(MismatchCause::Reformatted)
}

/// What the head shows.
pub(super) fn by_head(headers: &HeaderMap, body: &[u8]) -> Option<MismatchCause> {
    let encodings = headers.get_all(CONTENT_ENCODING).iter();
    let mut encodings = encodings.map(|value| value.as_bytes().trim_ascii());
    if encodings.any(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity")) {
        return Some(MismatchCause::ContentEncoding);
    }
    let announced = announced(headers)?;
    (announced != body.len() as u64).then_some(MismatchCause::Length)
}

/// The length that the head announces.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The JSON without white space between its tokens.
fn without_white_space(json: &[u8]) -> Vec<u8> {
    let (mut in_text, mut escaped) = (false, false);
    let mut kept = Vec::with_capacity(json.len());
    for byte in json {
        if !in_text && byte.is_ascii_whitespace() {
            continue;
        }
        in_text ^= *byte == b'"' && !escaped;
        escaped = in_text && *byte == b'\\' && !escaped;
        kept.push(*byte);
    }
    kept
}

/// What was done to a body of which both sides are known: by the self-test.
pub(super) fn change(sent: &[u8], received: &[u8]) -> Option<MismatchCause> {
    let found = undone(received, |undone| {
        undone == sent || undone == without_white_space(sent)
    });
    // What was printed again from a parsed value has lost its order, its escapes and its repeated members.
    let value = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).ok();
    found.or_else(|| {
        let same = value(sent).is_some_and(|sent| value(received).as_ref() == Some(&sent));
        same.then_some(MismatchCause::Reformatted)
    })
}
