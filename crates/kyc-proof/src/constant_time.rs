//! Whether the time of a check tells how much of a forged signature is right: dudect's method (Reparaz, Balasch and
//! Verbauwhede, 2017), which can find a difference and never show that there is none.
//!
//! Two classes of forgeries, right but for the first byte or right but for the last one, take turns at random while the time
//! of each check is taken. Welch's t-test compares the classes, over all times and over those below a hundred percentiles,
//! because what a machine does besides shows in the longest ones. Chance alone hardly ever gives a |t| above 4.5. To read
//! [`Signature::from_hex`] need not take constant time: its text is the peer's own and no secret.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use consent_hmac::{Signature, Verifier};
use fastrand::Rng;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Settings;

/// Above it the classes differ.
const LIMIT: f64 = 4.5;

const KEY: &[u8] = b"abcdef12-abcd-abcd-abcd-abcdef012345";

/// A reply of the usual length.
const BODY: &[u8] = br#"{"id":"123e4567-e89b-12d3-a456-426614174000","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;

pub(crate) fn run(settings: &Settings) -> Result<()> {
    // Few samples on a machine with other work: what is not there shows by chance in one round of three at most, what is
    // there shows in all of them.
    let (samples, rounds) = if settings.short {
        (200_000, 3)
    } else {
        (10_000_000, 1)
    };
    let mut random = Rng::with_seed(settings.seed);
    let verifier = Verifier::with_key(KEY)?;
    let verify = |signature: &Signature, _: &[u8; 32]| verifier.verify(BODY, signature).is_ok();
    // What must not be done, one byte at a time also after optimisation: it ends at the first difference.
    let naive = |_: &Signature, bytes: &[u8; 32]| {
        let equal = |(left, right)| black_box(left) == black_box(right);
        mac().iter().zip(bytes).all(equal)
    };
    let shown: [(&str, [usize; 2], &Check<'_>); 3] = [
        (
            "Verifier::verify, first byte wrong in both classes",
            [0, 0],
            &verify,
        ),
        (
            "Verifier::verify, first byte against last",
            [0, 31],
            &verify,
        ),
        (
            "the same MAC compared byte by byte, first against last",
            [0, 31],
            &naive,
        ),
    ];
    let [same, ours, theirs] = shown.map(|(what, places, check)| {
        let t = least(rounds, || measure(samples, places, check, &mut random));
        println!("  {what}: {samples} samples, max |t| {t:.2}");
        t
    });
    ensure!(
        same <= LIMIT,
        "equal classes differ: this machine cannot measure now"
    );
    ensure!(
        ours <= LIMIT,
        "the time of a check tells where a signature is wrong"
    );
    ensure!(
        theirs > LIMIT,
        "a comparison that stops early was not found: nothing is shown"
    );
    Ok(())
}

/// Believes a signature, or these bytes of it, or not.
type Check<'c> = dyn Fn(&Signature, &[u8; 32]) -> bool + 'c;

/// The smallest result of some rounds, of which no more are made than it takes to get below the limit.
fn least(rounds: usize, mut round: impl FnMut() -> f64) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..rounds {
        least = least.min(round());
        if least <= LIMIT {
            break;
        }
    }
    least
}

/// How many forgeries are made before they are checked: what making one leaves behind in the processor must not be measured.
const BATCH: usize = 512;

/// The class of a signature that is right but for the byte at the place of that class, and the signature.
fn forgery(places: [usize; 2], random: &mut Rng) -> (usize, [u8; 32], Signature) {
    let (class, mut bytes) = (usize::from(random.bool()), mac());
    bytes[places[class]] ^= random.u8(1..);
    let signature = Signature::from_hex(hex::encode(bytes)).expect("64 digits");
    (class, bytes, signature)
}

/// The largest |t| between checks of signatures that are wrong in one or the other of two places.
fn measure(samples: usize, places: [usize; 2], check: &Check<'_>, random: &mut Rng) -> f64 {
    let mut times = [Vec::with_capacity(samples), Vec::with_capacity(samples)];
    for first in (0..samples).step_by(BATCH) {
        let batch = BATCH.min(samples - first);
        let forgeries: Vec<_> = (0..batch).map(|_| forgery(places, random)).collect();
        for (class, bytes, signature) in &forgeries {
            let started = Instant::now();
            let believed = check(black_box(signature), black_box(bytes));
            let took = started.elapsed();
            assert!(!black_box(believed), "a forgery was believed");
            times[*class].push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
        }
    }
    max_t(times)
}

fn mac() -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(KEY).expect("HMAC takes any key");
    mac.chain_update(black_box(BODY))
        .finalize()
        .into_bytes()
        .into()
}

/// The largest |t| of all times, and of those below each of the percentiles that dudect takes.
fn max_t(mut times: [Vec<u32>; 2]) -> f64 {
    times.iter_mut().for_each(|times| times.sort_unstable());
    let mut all = times.concat();
    all.sort_unstable();
    let [left, right] = &times;
    let below = |limit: u32| {
        let part = |times: &'_ [u32]| times.partition_point(|time| *time < limit);
        welch(&left[..part(left)], &right[..part(right)]).abs()
    };
    (1..=100)
        .map(|number| 1.0 - 0.5_f64.powf(f64::from(number) / 10.0))
        .map(|share| below(all[(share * (all.len() - 1) as f64) as usize]))
        .chain([welch(left, right).abs()])
        // No number where a class is empty or does not vary.
        .filter(|t| t.is_finite())
        .fold(0.0, f64::max)
}

/// Welch's t of two samples.
fn welch(left: &[u32], right: &[u32]) -> f64 {
    let (left, left_error) = mean(left);
    let (right, right_error) = mean(right);
    (left - right) / (left_error + right_error).sqrt()
}

/// The mean of a sample, and the square of its standard error.
fn mean(sample: &[u32]) -> (f64, f64) {
    let count = sample.len() as f64;
    let mean = sample.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let squares = sample
        .iter()
        .map(|value| (f64::from(*value) - mean).powi(2));
    (mean, squares.sum::<f64>() / (count - 1.0) / count)
}
