//! Properties that hold for every value, each tried on random ones. A value that breaks one is shrunk before it is shown.

mod addresses;
mod inputs;
mod replies;
mod requests;
mod values;

use anyhow::{Context as _, Result};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::Settings;

/// One property: what it says, and the function that tries it.
type Property = (&'static str, fn(&mut TestRunner) -> Result<()>);

const PROPERTIES: &[Property] = &[
    (
        "an operation's URL keeps base, segments and origin through a URL parser",
        addresses::urls_keep_their_segments,
    ),
    (
        "a hostile base URL or id is refused, or keeps its segments",
        addresses::hostile_addresses_keep_their_segments,
    ),
    (
        "a reply decodes without loss, whatever else is in it",
        replies::replies_lose_nothing,
    ),
    (
        "a field of another type is named by its path, and its value nowhere",
        replies::another_type_is_named_by_its_path,
    ),
    (
        "a request is sent as it is taken, or nothing is sent",
        requests::requests_are_sent_as_they_are_taken,
    ),
    (
        "an input is taken unchanged, or refused in words that do not depend on it",
        inputs::inputs_are_taken_or_refused,
    ),
];

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let cases = if settings.short { 2_000 } else { 1_000_000 };
    for (says, holds) in PROPERTIES {
        holds(&mut runner(settings.seed, says, cases)).context(*says)?;
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
        // A filter turns away one number in twenty or so: the default is meant for fewer cases.
        max_local_rejects: cases.saturating_mul(4),
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key))
}
