//! The file of journeys.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::{Clock as _, SystemClock};
use kyc_journey::{
    Domain, EngineError, EngineErrorKind, JourneyEngine as _, JourneyFilter, JourneyId, Lane,
    Outbox as _, PageToken, Sealer as _,
};
use kyc_journey_server::Digests;
use kyc_journey_sqlite::{OpenError, SqliteEngine};
use kyc_sandbox::{Sandbox, Settings, StateFileError};

use super::invented::SandboxClock;
use super::seal::{FileSealer, NoKey};
use crate::failure::Failure;
use crate::ledger::Ledger;
pub(crate) use crate::ledger::beside;
use crate::output::counted;

const FIELD: &str = "--db";

/// The end of the name of the file in which the sandbox's state lies.
const SANDBOX: &str = ".sandbox";

/// A file of journeys that this process has.
pub(crate) struct Store {
    pub(crate) engine: Arc<SqliteEngine>,
    pub(crate) ledger: Ledger,
    sealer: Arc<FileSealer>,
    path: PathBuf,
}

impl Store {
    /// Opens the file, or makes one.
    pub(crate) async fn open(path: &Path) -> Result<Self, Failure> {
        SqliteEngine::check(path).map_err(not_opened)?;
        match is_there(path) {
            true => Self::existing(path).await,
            false => Self::with(path, FileSealer::create(path)?).await,
        }
    }

    /// Opens the file, which is there.
    pub(crate) async fn existing(path: &Path) -> Result<Self, Failure> {
        let sealer = key_of(path).await?;
        Self::with(path, sealer).await
    }

    /// Opens the file, which is there, once no other process has it. `wait` is called if one has.
    pub(crate) async fn once_free(path: &Path, wait: impl FnOnce()) -> Result<Self, Failure> {
        let sealer = Arc::new(key_of(path).await?);
        SqliteEngine::check(path).map_err(not_opened)?;
        let ledger = Ledger::beside(path)?;
        let sealers = ledger.sealer(sealer.clone());
        let engine = match SqliteEngine::open(path, sealers.clone()) {
            Err(OpenError::Held { .. }) => {
                wait();
                SqliteEngine::stand_by(path, sealers).await
            }
            other => other,
        };
        Self::of(path, engine.map_err(not_opened)?, sealer, ledger).await
    }

    async fn with(path: &Path, sealer: FileSealer) -> Result<Self, Failure> {
        let sealer = Arc::new(sealer);
        SqliteEngine::check(path).map_err(not_opened)?;
        let ledger = Ledger::beside(path)?;
        let engine = SqliteEngine::open(path, ledger.sealer(sealer.clone()));
        Self::of(path, engine.map_err(not_opened)?, sealer, ledger).await
    }

    async fn of(
        path: &Path,
        engine: SqliteEngine,
        sealer: Arc<FileSealer>,
        ledger: Ledger,
    ) -> Result<Self, Failure> {
        // Another file's key is noticed before anything is written under it.
        let known = engine
            .list(&JourneyFilter::new(), PageToken::default())
            .await;
        if let Some(known) = known.map_err(failed)?.journeys.first() {
            engine.read(&known.id).await.map_err(failed)?;
        }
        let engine = Arc::new(engine);
        // A withdrawal that a crash, or this file's being in use, kept from them.
        ledger
            .fan_out(engine.clone(), Arc::new(SystemClock))
            .await?;
        Ok(Self {
            engine,
            ledger,
            sealer,
            path: path.to_owned(),
        })
    }

    /// The sandbox whose state lies beside the journeys: what they opened there, their persons' steps and the clock. It is of this file
    /// alone.
    pub(crate) fn sandbox(&self, settings: Settings) -> Result<Sandbox, Failure> {
        let owner = self.sealer.digest(Domain::Reference, b"sandbox");
        let path = beside(&self.path, SANDBOX);
        let opened = Sandbox::open_for(&hex::encode(owner), settings, path);
        opened.map_err(|error| {
            let rule = match &error {
                StateFileError::OtherOwner => "belongs to other journeys".to_owned(),
                error => error.to_string().replace("the state file ", ""),
            };
            Failure::configuration("the sandbox beside --db", rule)
        })
    }

    /// The time by which the journeys go: that of the sandbox beside them, whose clock is moved, or of this machine where there is none.
    pub(crate) fn now(&self) -> Result<Timestamp, Failure> {
        match beside(&self.path, SANDBOX).exists() {
            true => Ok(SandboxClock(self.sandbox(Settings::default())?).now()),
            false => Ok(SystemClock.now()),
        }
    }

    /// Digests by the file's key. Without it nobody can tell which journey a caller's key means.
    pub(crate) fn digests(&self) -> Digests {
        let sealer = Arc::clone(&self.sealer);
        Digests::by(move |text| sealer.digest(Domain::EventKey, text))
    }

    /// How many calls of a journey wait to be made, or were interrupted.
    pub(crate) async fn waiting_calls(&self, id: &JourneyId) -> Result<usize, Failure> {
        const MOST: usize = 10_000;
        let (room, none) = ([(Lane::Calls, MOST)], HashSet::new());
        let due = self.engine.due(Timestamp::MAX, &room, &none).await;
        let mut effects = due.map_err(failed)?.effects;
        effects.extend(self.engine.interrupted().await.map_err(failed)?);
        let of_it = effects.iter().filter(|effect| effect.id.journey == *id);
        Ok(of_it.count())
    }
}

/// The key of a file that is there.
async fn key_of(path: &Path) -> Result<FileSealer, Failure> {
    if !is_there(path) {
        return Err(no_such_file());
    }
    match FileSealer::read(path)? {
        Some(sealer) => Ok(sealer),
        None => Err(without_key(path).await),
    }
}

/// Says how much is lost with a key.
async fn without_key(path: &Path) -> Failure {
    let rule = match held(path).await {
        Some(journeys) => format!(
            "has no key beside it, so that nothing it holds of {} can be read",
            counted(journeys, "journey")
        ),
        None => "has no key beside it: it is no file of journeys, or its key is lost".to_owned(),
    };
    Failure::configuration(FIELD, rule)
}

/// How many journeys a file holds, which is known without its key.
async fn held(path: &Path) -> Option<usize> {
    let engine = SqliteEngine::open(path, Arc::new(NoKey)).ok()?;
    let (mut journeys, mut page) = (0_usize, PageToken::default());
    loop {
        let found = engine.list(&JourneyFilter::new(), page).await.ok()?;
        journeys = journeys.saturating_add(found.journeys.len());
        page = match found.next {
            Some(next) => next,
            None => return Some(journeys),
        };
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
        // A full disk, for one: in the words of SQLite, which repeat nothing of what is stored.
        EngineErrorKind::Unavailable => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            return Failure::Unstored(cause.unwrap_or_else(|| error.to_string()));
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
        OpenError::DanglingLink { .. } => "is a link to a file that is not there",
        OpenError::SeveralNames { .. } => {
            "has several names (hard links), of which each would have a lock of its own"
        }
        OpenError::MissingDatabase { .. } => "is missing, and its write-ahead log is there",
        OpenError::OtherApplication { .. } => "is another application's database",
        OpenError::NewerSchema { .. } => "was written by a later version of kyc",
        OpenError::Held { .. } => "is in use by another kyc",
        _ => "cannot be opened",
    };
    Failure::configuration(FIELD, rule)
}
