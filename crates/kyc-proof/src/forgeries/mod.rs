//! Replies that were altered or made up: each is refused with its own error, after one request, and its body is never read.
//!
//! Rows are numbered as those of the fault matrix, which has what happens to bytes on a socket; here is the rest, without a network. A
//! legal variant and a documented limit stand in the same table, with the reason. Pairs of headers, rotated secrets and genuine replies in
//! a place that is not theirs are in consent-hmac's tests.

mod replies;
pub(crate) mod veriff;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use consent_hmac::{SharedSecret, Signature, Verifier};
use fastrand::Rng;
use provider_core::VerificationError::{self, MalformedSignature, SignatureMismatch};

use self::veriff::{REPLY, SECRET, sign};
use crate::Settings;

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut table = Table::default();
    runtime.block_on(replies::run(&mut table))?;
    let cases = if settings.short { 20_000 } else { 1_000_000 };
    random_edits(&mut table, cases, &mut Rng::with_seed(settings.seed))?;
    table.print()
}

/// The verdict on what is believed: by a rule, or by a limit that is documented. Any other is the error that refuses it.
const ACCEPTED: &str = "accepted";

/// The verdict of a check alone.
fn verdict<T>(found: Result<T, VerificationError>) -> String {
    found.map_or_else(|error| format!("{error:?}"), |_| ACCEPTED.to_owned())
}

/// What was tried: by row of the fault matrix, sort and expected verdict, the verdicts that were found.
#[derive(Default)]
struct Table(BTreeMap<[String; 3], BTreeMap<String, usize>>);

impl Table {
    /// Adds one reply.
    fn add(&mut self, number: &str, what: &str, expected: &str, found: String) {
        let row = [number, what, expected].map(str::to_owned);
        *self.0.entry(row).or_default().entry(found).or_default() += 1;
    }

    /// Prints the rows and their sums; fails if anything came to something else than expected.
    fn print(&self) -> Result<()> {
        let (mut forged, mut refused, mut legal, mut all_right) = (0, 0, 0, true);
        for ([number, what, expected], found) in &self.0 {
            let replies: usize = found.values().sum();
            println!("  {number:<8}{what:<69}{expected:<19}{replies:>9}");
            if expected == ACCEPTED {
                legal += replies;
            } else {
                forged += replies;
                refused += replies - found.get(ACCEPTED).unwrap_or(&0);
            }
            for (other, count) in found.iter().filter(|(found, _)| *found != expected) {
                println!("          WRONG: {other}, {count} times");
                all_right = false;
            }
        }
        println!(
            "  {forged} forged replies, {refused} refused; {legal} legal ones or documented limits"
        );
        ensure!(all_right, "a reply came to something else than it should");
        Ok(())
    }
}

/// `Verifier` without a client, as a webhook's receiver uses it: random edits of a right signature.
fn random_edits(table: &mut Table, cases: usize, random: &mut Rng) -> Result<()> {
    let verifier = Verifier::new(&SharedSecret::new(SECRET)?);
    let (body, right) = (REPLY.as_bytes(), sign(SECRET, REPLY));
    for _ in 0..cases {
        let mut text = right.clone().into_bytes();
        for _ in 0..random.usize(1..=3) {
            edit(&mut text, random);
        }
        // 64 digits of either case are a signature.
        let expected = match text.len() == 64 && text.iter().all(u8::is_ascii_hexdigit) {
            true if text.eq_ignore_ascii_case(right.as_bytes()) => Ok(()),
            true => Err(SignatureMismatch),
            false => Err(MalformedSignature),
        };
        let signature = Signature::from_hex(&text);
        let found = signature.and_then(|signature| verifier.verify(body, &signature));
        let what = "webhook: random edits of a right signature";
        table.add("F68-F74", what, &verdict(expected), verdict(found));
    }
    Ok(())
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
