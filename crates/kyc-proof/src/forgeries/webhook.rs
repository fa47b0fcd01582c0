//! `Verifier` without a client, as a webhook's receiver uses it: random edits of a right signature.

use consent_hmac::{Signature, Verifier};
use fastrand::Rng;
use provider_core::VerificationError::{MalformedSignature, SignatureMismatch};

use super::Table;
use super::Verdict::{self, Accepted, Refused};
use super::veriff::{REPLY, SECRET, mac, secret, sign};
use crate::Settings;

pub(super) fn run(table: &mut Table, settings: &Settings) {
    let verifier = Verifier::new(&secret(SECRET));
    let mut random = Rng::with_seed(settings.seed);
    let cases = if settings.short { 20_000 } else { 1_000_000 };
    for _ in 0..cases {
        edited(table, &verifier, &mut random);
    }
}

/// What a receiver finds out, as in the crate's README.
fn verdict(verifier: &Verifier, body: &[u8], text: &[u8]) -> Verdict {
    let found = Signature::from_hex(text).and_then(|signature| verifier.verify(body, &signature));
    match found {
        Ok(()) => Accepted,
        Err(error) => Refused(error),
    }
}

/// Edits the text of a right signature at random, and reads it digit by digit for what must come out.
fn edited(table: &mut Table, verifier: &Verifier, random: &mut Rng) {
    let mut text = sign(SECRET, REPLY.as_bytes()).into_bytes();
    for _ in 0..random.usize(1..=3) {
        edit(&mut text, random);
    }
    let expected = match read(&text) {
        None => Refused(MalformedSignature),
        Some(bytes) if bytes == mac(SECRET, REPLY.as_bytes()) => Accepted,
        Some(_) => Refused(SignatureMismatch),
    };
    let found = verdict(verifier, REPLY.as_bytes(), &text);
    table.add(
        "F68-F74",
        "webhook: random edits of a right signature",
        expected,
        found,
    );
}

fn edit(text: &mut Vec<u8>, random: &mut Rng) {
    let at = random.usize(..=text.len());
    match random.u8(..6) {
        0 => text.insert(at, random.u8(..)),
        1 => text.insert(at, b"0123456789abcdefABCDEF"[random.usize(..22)]),
        2 => text.truncate(at),
        3 if at < text.len() => text[at] = random.u8(..),
        4 if at < text.len() => text[at] = b"0123456789abcdefABCDEF"[random.usize(..22)],
        _ if at < text.len() => text[at] ^= 0x20,
        _ => text.extend_from_within(..at),
    }
}

/// 64 digits of either case as 32 bytes.
fn read(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; 32];
    for (place, pair) in text.chunks(2).enumerate() {
        let &[high, low] = pair else { return None };
        *bytes.get_mut(place)? = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    }
    (text.len() == 64).then_some(bytes)
}
