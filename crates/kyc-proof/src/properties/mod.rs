//! Properties that hold for every value, each tried on random ones. A value that breaks one is shrunk before it is shown.

mod addresses;
mod choice;
mod inputs;
mod repeats;
mod replies;
mod requests;
mod signatures;
mod values;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::Settings;
use crate::failure::{Failure, Result};

/// One property: what it says, and the function that tries it.
struct Property {
    says: &'static str,
    holds: fn(&mut TestRunner) -> Result<()>,
}

macro_rules! properties {
    ($($says:literal => $holds:path;)+) => {
        const PROPERTIES: &[Property] = &[$(Property { says: $says, holds: $holds }),+];
    };
}

properties! {
    "what is signed verifies, its digits in either case" => signatures::what_is_signed_verifies;
    "one changed bit of message, signature or key does not verify" => signatures::one_changed_bit_does_not_verify;
    "of several secrets those that count now verify, and no others" => signatures::secrets_that_count_verify;
    "64 hexadecimal digits are a signature, and nothing else is" => signatures::only_hexadecimal_digits_are_a_signature;
    "an operation's URL keeps base, segments and origin through a URL parser" => addresses::urls_keep_their_segments;
    "a hostile id is refused, or stays one segment" => addresses::hostile_ids_stay_one_segment;
    "a hostile base URL is refused, or keeps its segments" => addresses::hostile_addresses_keep_their_segments;
    "a reply decodes without loss, whatever else is in it" => replies::replies_lose_nothing;
    "a field of another type is named by its path, and its value nowhere" => replies::another_type_is_named_by_its_path;
    "a request is sent as it is taken, or nothing is sent" => requests::requests_are_sent_as_they_are_taken;
    "an input is taken unchanged, or refused in words that do not depend on it" => inputs::inputs_are_taken_or_refused;
    "personal values print masked" => inputs::personal_values_print_masked;
    "Retry-After: seconds and dates are understood, and nothing else" => repeats::retry_after_is_seconds_or_a_date;
    "a repeat is harmless, within the attempts and within the deadline" => repeats::repeats_are_harmless_and_bounded;
    "the aggregator chosen is the most ready one, then the preferred one" => choice::the_most_ready_aggregator_is_chosen;
}

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let cases = if settings.short { 2_000 } else { 1_000_000 };
    for Property { says, holds } in PROPERTIES {
        holds(&mut runner(settings.seed, says, cases))
            .map_err(|failure| Failure::new(format!("{says}: {failure}")))?;
        println!("  {says}: {cases} cases");
    }
    Ok(())
}

/// A runner with chance of its own, so that a property gets the same cases whichever others are there.
fn runner(seed: u64, says: &str, cases: u32) -> TestRunner {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    for (at, byte) in says.bytes().enumerate() {
        key[8 + at % 24] ^= byte.rotate_left(u32::try_from(at / 24).unwrap_or_default());
    }
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key))
}
