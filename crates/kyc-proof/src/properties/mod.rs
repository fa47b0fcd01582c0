//! Properties that hold for every value, each tried on random ones. A value that breaks one is shrunk before it is shown.

mod addresses;
mod inputs;
mod replies;
mod requests;
mod values;

use anyhow::{Context as _, Result};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};

use crate::Settings;

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let trial = Trial {
        seed: settings.seed,
        cases: if settings.short { 2_000 } else { 1_000_000 },
    };
    addresses::urls_keep_their_segments(&trial)?;
    addresses::hostile_addresses_keep_their_segments(&trial)?;
    replies::replies_lose_nothing(&trial)?;
    replies::another_type_is_named_by_its_path(&trial)?;
    requests::requests_are_sent_as_they_are_taken(&trial)?;
    inputs::inputs_are_taken_or_refused(&trial)
}

/// How properties are tried.
struct Trial {
    seed: u64,
    cases: u32,
}

impl Trial {
    /// Tries whether a property holds of every value.
    fn holds<S: Strategy<Value: Send + Sync + 'static>>(
        &self,
        says: &'static str,
        values: S,
        holds: impl Fn(S::Value) -> TestCaseResult,
    ) -> Result<()> {
        self.runner(says).run(&values, holds).context(says)?;
        println!("  {says}: {} cases", self.cases);
        Ok(())
    }

    /// A runner with chance of its own, so that a property gets the same cases whichever others are there.
    fn runner(&self, says: &str) -> TestRunner {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        for (at, byte) in says.bytes().enumerate() {
            key[8 + at % 24] ^= byte.rotate_left(u32::try_from(at / 24).unwrap_or_default());
        }
        let config = Config {
            cases: self.cases,
            failure_persistence: None,
            // A filter turns away one number in twenty or so: the default is meant for fewer cases.
            max_local_rejects: self.cases.saturating_mul(4),
            ..Config::default()
        };
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key))
    }
}
