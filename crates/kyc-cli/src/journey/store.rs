//! The file of journeys.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use kyc_facade::provider_core::jiff::Timestamp;
use kyc_journey::{
    Domain, EngineError, EngineErrorKind, JourneyId, Lane, Outbox as _, Sealer as _,
};
use kyc_journey_sqlite::{OpenError, SqliteEngine};

use super::seal::FileSealer;
use crate::failure::Failure;

const FIELD: &str = "--db";

/// A file of journeys that this process has.
pub(crate) struct Store {
    pub(crate) engine: Arc<SqliteEngine>,
    sealer: Arc<FileSealer>,
}

impl Store {
    /// Opens the file, or makes one.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        match is_there(path) {
            true => Self::with(path, FileSealer::read(path)?),
            false => Self::with(path, FileSealer::create(path)?),
        }
    }

    /// Opens the file, which is there.
    pub(crate) fn existing(path: &Path) -> Result<Self, Failure> {
        match is_there(path) {
            true => Self::with(path, FileSealer::read(path)?),
            false => Err(no_such_file()),
        }
    }

    /// Opens the file, which is there, once no other process has it.
    pub(crate) async fn once_free(path: &Path) -> Result<Self, Failure> {
        if !is_there(path) {
            return Err(no_such_file());
        }
        let sealer = Arc::new(FileSealer::read(path)?);
        let engine = SqliteEngine::stand_by(path, sealer.clone()).await;
        Ok(Self {
            engine: Arc::new(engine.map_err(not_opened)?),
            sealer,
        })
    }

    fn with(path: &Path, sealer: FileSealer) -> Result<Self, Failure> {
        let sealer = Arc::new(sealer);
        let engine = SqliteEngine::open(path, sealer.clone()).map_err(not_opened)?;
        Ok(Self {
            engine: Arc::new(engine),
            sealer,
        })
    }

    /// The journey of a caller's key. Without the file's key nobody can tell which it is.
    pub(crate) fn named(&self, key: &str) -> JourneyId {
        let digest = self
            .sealer
            .digest(Domain::EventKey, format!("journey:{key}").as_bytes());
        let (half, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        JourneyId::from_bits(u128::from_be_bytes(*half))
    }

    /// How many calls of a journey wait to be made.
    pub(crate) async fn waiting_calls(&self, id: &JourneyId) -> Result<usize, Failure> {
        const MOST: usize = 10_000;
        let room = [(Lane::Calls, MOST)];
        let due = self
            .engine
            .due(Timestamp::MAX, &room, &HashSet::new())
            .await;
        let effects = due.map_err(failed)?.effects;
        Ok(effects
            .iter()
            .filter(|effect| effect.id.journey == *id)
            .count())
    }
}

fn no_such_file() -> Failure {
    Failure::configuration(FIELD, "no such file")
}

/// An empty file is none: whoever made it has no key for it.
fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() > 0 || !found.is_file())
}

/// What an engine did not do.
pub(crate) fn failed(error: EngineError) -> Failure {
    let rule = match error.kind() {
        EngineErrorKind::Corrupt => {
            "cannot be opened with the key beside it; the two do not belong together".to_owned()
        }
        _ => error.to_string(),
    };
    Failure::configuration(FIELD, rule)
}

fn not_opened(error: OpenError) -> Failure {
    let rule = match error {
        OpenError::NetworkFileSystem { .. } => {
            "is on a network file system; journeys need a disk of this machine"
        }
        OpenError::ReadOnly { .. } => "cannot be written",
        OpenError::NotADatabase { .. } => "is no SQLite database",
        OpenError::MissingDatabase { .. } => "is missing, and its write-ahead log is there",
        OpenError::OtherApplication { .. } => "is another application's database",
        OpenError::NewerSchema { .. } => "was written by a later version of kyc",
        OpenError::Held { .. } => "is in use by another kyc",
        _ => "cannot be opened",
    };
    Failure::configuration(FIELD, rule)
}
