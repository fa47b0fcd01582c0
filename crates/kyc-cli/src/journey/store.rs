//! The journeys of a file or a database.

use std::collections::HashMap;
use std::fs;
use std::future::ready;
use std::io::ErrorKind;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{Stream, TryStreamExt as _, stream};
use kyc_consent::{Code, ConsentLedger, Follower, Scope, Subject, Withdrawal};
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::{Clock, InvalidRequest, SystemClock};
use kyc_journey::{
    Domain, EngineError, EngineErrorKind, Event, JourneyEngine, JourneyFilter, JourneyId,
    JourneyRecord, JourneySummary, Outbox, PageToken, Reference, Sealer, Seq,
};
use kyc_journey_performer::{LedgerConsents, NotWithdrawn, OneDatabase, Withdrawals};
use kyc_journey_postgres::{Claim, NotWithdrawn as NotInOne, PostgresEngine, PostgresStore, Share};
use kyc_journey_server::Digests;
use kyc_journey_sqlite::{OpenError, SqliteEngine};
use kyc_sandbox::{Sandbox, Settings, StateFileError};
use tokio::sync::OnceCell;

use super::awaited::{awaited, looks};
use super::invented::SandboxClock;
use super::seal::{FileSealer, NoKey};
use super::show::looks_until;
use crate::failure::Failure;
use crate::files::temporary;
use crate::storage::ledger::{Ledger, not_withdrawn};
use crate::storage::place::{Database, FIELD, MEND, Place, failed, unopened};
use crate::terminal::output::{Output, counted};

/// How often a database is looked at for what another process does.
pub(crate) const OFTEN: Duration = Duration::from_secs(1);

/// The end of the name of the file in which the sandbox's state lies.
const SANDBOX: &str = ".sandbox";

/// What to do while another process has the file.
const WHILE_IN_USE: &str = "Nothing was done. If that is `kyc journey serve`, ask it: over its HTTP API, or on its operator's page, whose \
                            addresses it printed. Otherwise wait until it has ended.";

/// Journeys that this process has, alone or with others.
pub(crate) struct Store {
    pub(crate) engine: Arc<dyn Outbox>,
    pub(crate) ledger: Ledger,
    kept: Kept,
    sealer: Arc<FileSealer>,
    place: Place,
    /// Keeps other processes from what one alone may carry out.
    claim: OnceCell<Claim>,
    /// Journeys that cannot be told that their consent was withdrawn, because they cannot be read.
    untold: Vec<String>,
}

/// A journey of a person, as it stands.
pub(crate) struct Standing {
    pub(crate) follower: Follower,
    pub(crate) id: JourneyId,
    /// `None`: it is damaged, and cannot be read.
    pub(crate) record: Option<JourneyRecord>,
}

/// In what they are kept.
enum Kept {
    File(Arc<SqliteEngine>),
    Database(Arc<PostgresEngine>),
}

impl Kept {
    fn engine(&self) -> Arc<dyn Outbox> {
        match self {
            Self::File(engine) => engine.clone(),
            Self::Database(engine) => engine.clone(),
        }
    }
}

impl Store {
    /// Opens the journeys, or makes a file or tables for them.
    pub(crate) async fn open(place: &Place) -> Result<Self, Failure> {
        match place {
            Place::File(path) => {
                SqliteEngine::check(path).map_err(not_opened)?;
                match is_there(path) {
                    true => Self::existing(place).await,
                    false => Self::in_file(place, path, FileSealer::create(place)?).await,
                }
            }
            Place::Database(database) => {
                // First of all it tells whether the keys are this database's.
                let ledger = Ledger::open(place)?;
                let sealer = match FileSealer::read(place)? {
                    Some(sealer) => sealer,
                    None => match (held_in(database).await?, ledger.has_key_of_journeys()?) {
                        (0, false) => FileSealer::create(place)?,
                        (journeys, _) => return Err(without_key(place, Some(journeys))),
                    },
                };
                Self::in_database(place, database, sealer, ledger).await
            }
        }
    }

    /// Opens the journeys, which are there.
    pub(crate) async fn existing(place: &Place) -> Result<Self, Failure> {
        match place {
            Place::File(path) => {
                let sealer = key_of(place, path).await?;
                Self::in_file(place, path, sealer).await
            }
            Place::Database(database) => {
                let place = database.existing();
                let Place::Database(database) = &place else {
                    return Err(no_such_file());
                };
                let ledger = Ledger::open(&place)?;
                let sealer = match FileSealer::read(&place)? {
                    Some(sealer) => sealer,
                    None => return Err(without_key(&place, held_in(database).await.ok())),
                };
                Self::in_database(&place, database, sealer, ledger).await
            }
        }
    }

    /// Opens the journeys, which are there, to show them: also where they may not be written.
    pub(crate) async fn to_show(place: &Place) -> Result<Self, Failure> {
        match may_be_written(place) {
            true => Self::existing(place).await,
            false => Self::reading(place).await,
        }
    }

    /// Opens the journeys, which are there, and writes nothing: no withdrawal is told.
    pub(crate) async fn reading(place: &Place) -> Result<Self, Failure> {
        let Place::File(path) = place else {
            return Self::existing(place).await;
        };
        let sealer = Arc::new(key_of(place, path).await?);
        let ledger = Ledger::to_read(place)?;
        let engine = SqliteEngine::open_to_read(path, ledger.sealer(sealer.clone()));
        let kept = Kept::File(Arc::new(engine.map_err(not_opened)?));
        Self::with_its_key(place, kept, sealer, ledger).await
    }

    /// Opens the journeys, which are there; of a file, once no other process has it. `wait` is called if one has.
    pub(crate) async fn once_free(place: &Place, wait: impl FnOnce()) -> Result<Self, Failure> {
        let Place::File(path) = place else {
            return Self::existing(place).await;
        };
        if !may_be_written(place) {
            return Self::reading(place).await;
        }
        let sealer = Arc::new(key_of(place, path).await?);
        SqliteEngine::check(path).map_err(not_opened)?;
        let ledger = Ledger::open(place)?;
        let sealers = ledger.sealer(sealer.clone());
        let engine = match SqliteEngine::open(path, sealers.clone()) {
            Err(OpenError::Held { .. }) => {
                wait();
                SqliteEngine::stand_by(path, sealers).await
            }
            other => other,
        };
        let kept = Kept::File(Arc::new(engine.map_err(not_opened)?));
        Self::of(place, kept, sealer, ledger).await
    }

    /// Opens the journeys, which are there; if another process has their file, to read what stands in it.
    pub(crate) async fn even_if_held(place: &Place) -> Result<Self, Failure> {
        match Self::existing(place).await {
            Err(Failure::InUse(..)) => Self::reading(place).await,
            opened => opened,
        }
    }

    async fn in_file(place: &Place, path: &Path, sealer: FileSealer) -> Result<Self, Failure> {
        let sealer = Arc::new(sealer);
        SqliteEngine::check(path).map_err(not_opened)?;
        let ledger = Ledger::open(place)?;
        let engine = SqliteEngine::open(path, ledger.sealer(sealer.clone()));
        let kept = Kept::File(Arc::new(engine.map_err(not_opened)?));
        Self::of(place, kept, sealer, ledger).await
    }

    async fn in_database(
        place: &Place,
        database: &Database,
        sealer: FileSealer,
        ledger: Ledger,
    ) -> Result<Self, Failure> {
        let sealer = Arc::new(sealer);
        let options = database.options.clone();
        let engine = options.connect(ledger.sealer(sealer.clone())).await;
        let engine = engine.map_err(|error| unopened(&error))?;
        let kept = Kept::Database(Arc::new(engine));
        let store = Self::with_its_key(place, kept, sealer, ledger).await?;
        // Under two keys, one key of a caller's would be two journeys.
        let digest = store.sealer.digest(Domain::Reference, b"journeys");
        if !store.ledger.is_key_of_journeys(&digest)? {
            let rule = "has another key at PATH.key than the one of this database's journeys; bring that from where it is";
            return Err(Failure::configuration(place.keys_field(), rule));
        }
        store.told().await
    }

    async fn of(
        place: &Place,
        kept: Kept,
        sealer: Arc<FileSealer>,
        ledger: Ledger,
    ) -> Result<Self, Failure> {
        let store = Self::with_its_key(place, kept, sealer, ledger).await?;
        store.told().await
    }

    /// Tells them of a withdrawal that a crash, or the file's being in use, kept from them.
    async fn told(mut self) -> Result<Self, Failure> {
        let told = self
            .ledger
            .fan_out(self.engine.clone(), Arc::new(SystemClock));
        match told.await {
            Ok(_) => {}
            // One that is damaged closes nothing to the others.
            Err(NotWithdrawn::Untold { journeys }) => self.untold = journeys,
            Err(error) => return Err(not_withdrawn(error)),
        }
        Ok(self)
    }

    /// The journeys that could not be told of a withdrawal when these were opened.
    pub(crate) fn untold(&self) -> &[String] {
        &self.untold
    }

    /// Says which journeys could not be told of a withdrawal when these were opened.
    pub(crate) fn tell_untold(&self, output: Output) {
        if !self.untold.is_empty() {
            output.tell(&untold(&self.untold));
        }
    }

    /// Another file's key is noticed before anything is written under it.
    async fn with_its_key(
        place: &Place,
        kept: Kept,
        sealer: Arc<FileSealer>,
        ledger: Ledger,
    ) -> Result<Self, Failure> {
        let engine = kept.engine();
        // Those who share a database have agreed on its key.
        let is_agreed = ledger.in_database().is_some() && ledger.has_key_of_journeys()?;
        if !is_agreed && !opens(&*engine).await.map_err(failed)? {
            let rule = "cannot be opened with its key: the two do not belong together, or nothing that it holds is whole";
            return Err(Failure::configuration(FIELD, rule));
        }
        Ok(Self {
            engine,
            ledger,
            kept,
            sealer,
            place: place.clone(),
            claim: OnceCell::new(),
            untold: Vec::new(),
        })
    }

    /// Withdrawals that tell these journeys, in the same transaction where one database has both.
    pub(crate) fn withdrawals(&self, clock: Arc<dyn Clock>) -> Withdrawals {
        let withdrawals = Withdrawals::new(self.ledger.0.clone(), self.engine.clone());
        let withdrawals = withdrawals.with_clock(clock);
        match (&self.kept, self.ledger.in_database()) {
            (Kept::Database(engine), Some(store)) => withdrawals.in_one_database(Arc::new(Both {
                engine: engine.clone(),
                store: store.clone(),
                ledger: self.ledger.0.clone(),
            })),
            _ => withdrawals,
        }
    }

    /// Has what journeys say written to the ledger in the transactions of their events, where both lie in one database.
    pub(crate) async fn write_ledger(&self, consents: &Arc<LedgerConsents>) -> Result<(), Failure> {
        let (Kept::Database(engine), Some(store)) = (&self.kept, self.ledger.in_database()) else {
            return Ok(());
        };
        let consents = Arc::clone(consents);
        let written = engine.write_ledger(store, &self.ledger.0, move |ledger, id, entry| {
            consents.enter(ledger, id, entry)
        });
        written.await.map_err(|error| unopened(&error))
    }

    /// Whether other processes may have these journeys at the same time.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.kept, Kept::Database(_))
    }

    /// Waits while another process carries the journey out, or until its lease has ended if it died. `wait` is called if one does.
    pub(crate) async fn once_left(
        &self,
        id: &JourneyId,
        mut wait: impl FnMut(),
    ) -> Result<(), Failure> {
        let Kept::Database(engine) = &self.kept else {
            return Ok(());
        };
        let mut is_told = false;
        while engine.is_carried_out_elsewhere(id).await.map_err(failed)? {
            if !is_told {
                wait();
                is_told = true;
            }
            SystemClock.sleep(OFTEN).await;
        }
        Ok(())
    }

    /// Leaves what is to be done to other processes, at once and not when a lease ends.
    pub(crate) async fn leave(&self) {
        if let Kept::Database(engine) = &self.kept {
            // If it cannot be said now, the lease ends by itself.
            let _left = engine.close().await;
        }
    }

    /// The sandbox in which this journey goes on, or begins.
    pub(crate) async fn sandbox_of(
        &self,
        id: &JourneyId,
        settings: Settings,
    ) -> Result<Sandbox, Failure> {
        self.enter_sandbox().await?;
        let known = self.engine.read(id).await.map_err(failed)?;
        self.sandbox_for(known.as_slice(), settings)
    }

    /// The sandbox in which all journeys go on that have something to do.
    pub(crate) async fn sandbox_of_all(&self, settings: Settings) -> Result<Sandbox, Failure> {
        let rule = "would take up the journeys of another process, and a sandbox knows nothing of what began in another one, or with real providers: a server, or a journey that is followed, has this database; end that first, or use a database of its own";
        self.claim(Share::Alone, "--sandbox", rule).await?;
        self.refuse_real_journeys().await?;
        self.sandbox_for(&self.journeys_left().await?, settings)
    }

    /// Takes the journeys for this process, where several may have them, before it looks at them: nobody else changes then what they are.
    async fn claim(&self, share: Share, field: &'static str, rule: &str) -> Result<(), Failure> {
        let Kept::Database(engine) = &self.kept else {
            return Ok(());
        };
        let claimed = self.claim.get_or_try_init(async || {
            let claim = engine.claim(share).await.map_err(failed)?;
            claim.ok_or_else(|| Failure::configuration(field, rule))
        });
        claimed.await.map(drop)
    }

    /// Refuses real providers for journeys that began in a sandbox, also for those that have ended: they have something to give back once
    /// their consent is withdrawn.
    pub(crate) async fn without_sandbox(&self) -> Result<(), Failure> {
        let rule = "is in use by another process with a sandbox, whose journeys real providers know nothing of; end that first, and use another database for real providers";
        self.claim(Share::Real, FIELD, rule).await?;
        let Some((id, true)) = self.began_in_a_sandbox().await? else {
            return Ok(());
        };
        let path = self.place.beside(SANDBOX);
        let missing = match path.exists() {
            true => "",
            false => ", which is missing there",
        };
        let path = path.display();
        let rule = format!(
            "is required: the journeys there, such as {id}, began in a sandbox, {path}{missing}, and never go on with real providers; serve with --sandbox, or name another file or database with --db"
        );
        Err(Failure::configuration("--sandbox", rule))
    }

    /// Takes the journeys for one that is followed in a sandbox.
    async fn enter_sandbox(&self) -> Result<(), Failure> {
        let rule = "would begin or go on with a journey that a server takes up, which serves this database with another sandbox or with real providers; ask that server, or use a database of its own";
        self.claim(Share::Sandbox, "--sandbox", rule).await?;
        self.refuse_real_journeys().await
    }

    /// Refuses a sandbox for journeys that began with real providers: it knows nothing of them, and would answer with invented data.
    async fn refuse_real_journeys(&self) -> Result<(), Failure> {
        let Some((id, false)) = self.began_in_a_sandbox().await? else {
            return Ok(());
        };
        let rule = format!(
            "is not for the journeys there, such as {id}, which began with real providers: `kyc journey serve` without --sandbox goes on with them; name another file or database with --db"
        );
        Err(Failure::configuration("--sandbox", rule))
    }

    /// Refuses to make a sandbox beside a file's journeys that are left without theirs.
    pub(crate) async fn may_begin_in_a_sandbox(&self) -> Result<(), Failure> {
        self.enter_sandbox().await?;
        // Of machines that share a database each has a sandbox of its own, one at a time.
        if self.is_shared() || self.has_sandbox() {
            return Ok(());
        }
        let left = self.journeys_left().await?;
        let Some(left) = left.first() else {
            return Ok(());
        };
        let id = left.state.id();
        let rule = format!(
            "would put a sandbox beside journeys that began in the one that is missing here, such as {id}, which has not ended or has something to give back; begin in another file"
        );
        Err(Failure::configuration("--sandbox", rule))
    }

    /// A journey, and whether it began in a sandbox, which its token says; `None` if there is none. All of a place are as one of them:
    /// whoever begins one asks this first.
    async fn began_in_a_sandbox(&self) -> Result<Option<(JourneyId, bool)>, Failure> {
        let sandbox = self.sandbox_digests();
        let mut pages = pin!(pages(&*self.engine, JourneyFilter::new()));
        while let Some(journeys) = pages.try_next().await.map_err(failed)? {
            // One is enough, and mostly it is the first: the others are not opened.
            for journey in &journeys {
                let records = self.records_of(std::slice::from_ref(journey)).await?;
                let begun = records.values().find_map(|record| record.state.token());
                if let Some(token) = begun {
                    return Ok(Some((journey.id.clone(), sandbox.is_ours(token))));
                }
            }
        }
        Ok(None)
    }

    /// Those that have not ended, or have something to give back.
    async fn journeys_left(&self) -> Result<Vec<JourneyRecord>, Failure> {
        let mut left = Vec::new();
        let mut pages = pin!(pages(&*self.engine, JourneyFilter::new()));
        while let Some(journeys) = pages.try_next().await.map_err(failed)? {
            let records = self.records_of(&journeys).await?;
            let calls = self.waiting_calls(&ended(&journeys), &records).await?;
            let is_left = |record: &JourneyRecord| {
                let state = &record.state;
                !state.status().is_end() || calls.contains_key(state.id()) || looks(state).is_some()
            };
            left.extend(records.into_values().filter(is_left));
        }
        Ok(left)
    }

    /// The journeys of a page, by one question; one that cannot be opened is listed and left out here.
    pub(super) async fn records_of(
        &self,
        page: &[JourneySummary],
    ) -> Result<HashMap<JourneyId, JourneyRecord>, Failure> {
        let ids: Vec<_> = page.iter().map(|journey| journey.id.clone()).collect();
        self.engine.read_listed(&ids).await.map_err(failed)
    }

    /// The journeys that these name, as they stand; those that are not here are left out.
    pub(crate) async fn journeys_of(
        &self,
        followers: Vec<Follower>,
    ) -> Result<Vec<Standing>, Failure> {
        let mut journeys = Vec::new();
        for follower in followers {
            let Ok(id) = JourneyId::parse(&follower.name) else {
                continue;
            };
            let record = match self.engine.read(&id).await {
                Ok(None) => continue,
                Err(error) if error.kind() == EngineErrorKind::Corrupt => None,
                read => read.map_err(failed)?,
            };
            journeys.push(Standing {
                follower,
                id,
                record,
            });
        }
        Ok(journeys)
    }

    /// The sandbox beside the journeys, unless these began in another one: it knows nothing of what they opened there, and would answer
    /// with invented data.
    fn sandbox_for(
        &self,
        journeys: &[JourneyRecord],
        settings: Settings,
    ) -> Result<Sandbox, Failure> {
        let path = self.place.beside(SANDBOX);
        let path = path.display();
        let elsewhere = |record: &JourneyRecord, why: &str| {
            let id = record.state.id();
            let rule = format!(
                "journey {id} did not begin in a sandbox that is here, {why}: bring the file that ends in {SANDBOX} from where it began, or let it go on there"
            );
            Failure::configuration("--sandbox", rule)
        };
        if let Some(first) = journeys.first()
            && !self.has_sandbox()
        {
            return Err(elsewhere(first, &format!("where there is none at {path}")));
        }
        let sandbox = self.sandbox(settings)?;
        let is_foreign = |record: &&JourneyRecord| {
            let opened = record.state.references();
            let is_known = |opened: &Reference| sandbox.knows(opened.id.as_str());
            !opened.is_empty() && !opened.iter().any(is_known)
        };
        match journeys.iter().find(is_foreign) {
            Some(foreign) => Err(elsewhere(
                foreign,
                &format!("and the one at {path} knows nothing of it"),
            )),
            None => Ok(sandbox),
        }
    }

    /// The sandbox whose state lies beside the journeys: what they opened there, their persons' steps and the clock. It is of this file
    /// alone.
    fn sandbox(&self, settings: Settings) -> Result<Sandbox, Failure> {
        let owner = self.sealer.digest(Domain::Reference, b"sandbox");
        let path = self.place.beside(SANDBOX);
        let opened = Sandbox::open_for(&hex::encode(owner), settings, path);
        opened.map_err(|error| {
            const BESIDE: &str = "the sandbox beside --db";
            let rule = match &error {
                StateFileError::Sqlite { reason } => return Failure::unstored(BESIDE, reason),
                StateFileError::Create(error) => return Failure::file(BESIDE, "written", error),
                StateFileError::OtherOwner => "belongs to other journeys".to_owned(),
                error => error.to_string().replace("the state file ", ""),
            };
            Failure::configuration(BESIDE, rule)
        })
    }

    /// Whether they began in a sandbox, whose state is beside them.
    fn has_sandbox(&self) -> bool {
        self.place.beside(SANDBOX).exists()
    }

    /// The time by which the journeys go: that of the sandbox beside them, whose clock is moved, or of this machine where there is none.
    pub(crate) fn now(&self) -> Result<Timestamp, Failure> {
        match self.has_sandbox() {
            true => Ok(SandboxClock(self.sandbox(Settings::default())?).now()),
            false => Ok(SystemClock.now()),
        }
    }

    /// Digests by the file's key, of journeys with real providers. Without it nobody can tell which journey a caller's key means.
    pub(crate) fn digests(&self) -> Digests {
        let sealer = Arc::clone(&self.sealer);
        Digests::by(move |text| sealer.digest(Domain::EventKey, text))
    }

    /// The same of journeys in a sandbox, whose tokens are told by it from those of others.
    pub(crate) fn sandbox_digests(&self) -> Digests {
        let sealer = Arc::clone(&self.sealer);
        Digests::by(move |text| {
            let text = [&b"sandbox:"[..], text].concat();
            sealer.digest(Domain::EventKey, &text)
        })
    }

    /// How many calls each of these journeys, which have ended, has to make yet, which give something back, by one question: also of those
    /// that cannot be opened, so that they are not among the records. Those that have none are left out.
    pub(super) async fn waiting_calls(
        &self,
        ended: &[JourneyId],
        records: &HashMap<JourneyId, JourneyRecord>,
    ) -> Result<HashMap<JourneyId, usize>, Failure> {
        if ended.is_empty() {
            return Ok(HashMap::new());
        }
        let calls = match &self.kept {
            Kept::File(engine) => engine.waiting_calls(ended).await,
            // Whoever asks there what is due takes it up.
            Kept::Database(engine) => engine.waiting_calls(ended).await,
        };
        let mut calls = calls.map_err(failed)?;
        for id in ended {
            // Some have failed, and are made again later, or once an operator resumes the journey.
            let later = records.get(id).map_or(0, |record| {
                let again = awaited(&record.state).count();
                again.saturating_add(record.state.held().count())
            });
            if later > 0 {
                let of_it = calls.entry(id.clone()).or_default();
                *of_it = of_it.saturating_add(later);
            }
        }
        Ok(calls)
    }

    /// The same of one journey; of one that cannot be opened (`None`), whether it has ended or not.
    pub(crate) async fn waiting_of(
        &self,
        id: &JourneyId,
        record: Option<&JourneyRecord>,
    ) -> Result<usize, Failure> {
        if record.is_some_and(|record| !record.state.status().is_end()) {
            return Ok(0);
        }
        let records = record.map(|record| (id.clone(), record.clone()));
        let records = records.into_iter().collect();
        let calls = self
            .waiting_calls(std::slice::from_ref(id), &records)
            .await?;
        Ok(calls.get(id).copied().unwrap_or_default())
    }

    /// How many of the calls that wait cannot be read, so that nobody makes them, of those journeys that have such.
    pub(crate) async fn unreadable_calls(
        &self,
        journeys: &[JourneyId],
    ) -> Result<HashMap<JourneyId, usize>, Failure> {
        let calls = match &self.kept {
            Kept::File(engine) => engine.unreadable_calls(journeys).await,
            Kept::Database(engine) => engine.unreadable_calls(journeys).await,
        };
        calls.map_err(failed)
    }

    /// The journeys whose state cannot be read.
    pub(super) async fn damaged(&self) -> Result<Vec<JourneyId>, Failure> {
        let mut damaged = Vec::new();
        let mut pages = pin!(pages(&*self.engine, JourneyFilter::new()));
        while let Some(journeys) = pages.try_next().await.map_err(failed)? {
            let records = self.records_of(&journeys).await?;
            let ids = journeys.into_iter().map(|journey| journey.id);
            damaged.extend(ids.filter(|id| !records.contains_key(id)));
        }
        Ok(damaged)
    }

    /// Who makes the calls with which these journeys give something back, or what else to do.
    pub(crate) async fn what_to_do(&self, journeys: &[JourneyId]) -> Result<String, Failure> {
        let unreadable = self.unreadable_calls(journeys).await?;
        let (lost, whole): (Vec<_>, Vec<_>) =
            journeys.iter().partition(|id| unreadable.contains_key(*id));
        let records = self.engine.read_listed(journeys).await.map_err(failed)?;
        let is_held = |id: &&JourneyId| {
            let record = records.get(*id);
            record.is_some_and(|record| record.state.held().next().is_some())
        };
        let (held, whole): (Vec<_>, Vec<_>) = whole.into_iter().partition(is_held);
        let mut said = Vec::new();
        if !held.is_empty() {
            said.push(self.held_of(&names(held)).await?);
        }
        if !whole.is_empty() {
            said.push(
                self.done_by(&names(whole), ["makes them", "make them"])
                    .await?,
            );
        }
        if !lost.is_empty() {
            let lost = names(lost).join(", ");
            said.push(format!(
                "calls of {lost} cannot be read, because they are damaged, and nobody makes them: {MEND}"
            ));
        }
        Ok(said.join("; "))
    }

    /// What to do about the calls of these journeys that wait for an operator.
    async fn held_of(&self, journeys: &[String]) -> Result<String, Failure> {
        let how = match self.began_in_a_sandbox().await? {
            Some((_, true)) => {
                let commands = journeys.iter().map(|id| format!("`{}`", self.resuming(id)));
                commands.collect::<Vec<_>>().join(", ")
            }
            _ => "`POST /v1/journeys/ID/resume` of a running `kyc journey serve`".to_owned(),
        };
        Ok(format!(
            "calls of {} were refused for the credentials, or the consent does not cover them: once that is mended, {how} makes them again",
            journeys.join(", ")
        ))
    }

    /// The command that goes on with a journey.
    pub(crate) fn resuming(&self, journey: &str) -> String {
        let words = format!("journey resume {journey} --sandbox");
        self.place.command(&words)
    }

    /// Who looks for what these journeys left open, once that is due.
    pub(crate) async fn looked_by(&self, journeys: &[JourneyId]) -> Result<String, Failure> {
        let journeys = names(journeys.iter().collect());
        let words = [
            "looks for it once that is due",
            "look for them once that is due",
        ];
        self.done_by(&journeys, words).await
    }

    /// That these journeys look for what they left open, until when and by whom; `None` if there are none.
    pub(crate) async fn looks_of(
        &self,
        looking: &[(JourneyId, Timestamp)],
    ) -> Result<Option<String>, Failure> {
        let Some(last) = looking.iter().map(|(_, last)| *last).max() else {
            return Ok(None);
        };
        let journeys: Vec<_> = looking.iter().map(|(id, _)| id.clone()).collect();
        let looked_by = self.looked_by(&journeys).await?;
        Ok(Some(format!("{}; {looked_by}", looks_until(last))))
    }

    /// Which command does something for each of these journeys, in words for one command and for several.
    async fn done_by(
        &self,
        journeys: &[String],
        [does, do_so]: [&str; 2],
    ) -> Result<String, Failure> {
        if !matches!(self.began_in_a_sandbox().await?, Some((_, true))) {
            return Ok(format!("a running `kyc journey serve` {does}"));
        }
        let resume = |id: &String| format!("`{}`", self.resuming(id));
        let commands: Vec<_> = journeys.iter().map(resume).collect();
        let does = match commands.len() {
            1 => does,
            _ => do_so,
        };
        let commands = commands.join(", ");
        let path = self.place.beside(SANDBOX);
        Ok(match path.exists() {
            true => format!("{commands} {does}, as a running `kyc journey serve` does"),
            false => format!(
                "{commands} {does}, with the sandbox in which they began: bring its file, {}, which is missing",
                path.display()
            ),
        })
    }
}

fn names(journeys: Vec<&JourneyId>) -> Vec<String> {
    journeys.into_iter().map(ToString::to_string).collect()
}

/// That journeys cannot be told of a withdrawal.
pub(crate) fn untold(journeys: &[String]) -> String {
    let journeys = journeys.join(", ");
    format!(
        "cannot be read, because their stored state is damaged, and were not told that their consent was withdrawn: {journeys}; they make no call; {MEND}"
    )
}

/// Whether anything that the journeys hold opens with their key, or they hold nothing: what is damaged does not tell.
async fn opens(engine: &dyn Outbox) -> Result<bool, EngineError> {
    let mut is_first = true;
    let mut pages = pin!(pages(engine, JourneyFilter::new()));
    while let Some(journeys) = pages.try_next().await? {
        let ids: Vec<_> = journeys.into_iter().map(|journey| journey.id).collect();
        // One is enough, and mostly it is the first.
        let parts = ids.chunks(1).take(1).chain(ids.get(1..));
        for part in parts.filter(|part| !part.is_empty()) {
            if !engine.read_listed(part).await?.is_empty() {
                return Ok(true);
            }
        }
        if is_first {
            for id in &ids {
                match engine.history(id, Seq::ZERO).await {
                    Ok(history) if history.is_empty() => {}
                    Ok(_) => return Ok(true),
                    Err(error) if error.kind() == EngineErrorKind::Corrupt => {}
                    Err(error) => return Err(error),
                }
            }
        }
        is_first = is_first && ids.is_empty();
    }
    Ok(is_first)
}

/// The journeys that a filter lets through, as an engine gives them out.
pub(super) fn pages<E: JourneyEngine + ?Sized>(
    engine: &E,
    filter: JourneyFilter,
) -> impl Stream<Item = Result<Vec<JourneySummary>, EngineError>> {
    stream::try_unfold(Some(PageToken::default()), move |page| {
        let filter = filter.clone();
        async move {
            let Some(page) = page else { return Ok(None) };
            let found = engine.list(&filter, page).await?;
            Ok(Some((found.journeys, found.next)))
        }
    })
}

/// Journeys and their ledger in one database.
#[derive(Debug)]
struct Both {
    engine: Arc<PostgresEngine>,
    store: PostgresStore,
    ledger: ConsentLedger,
}

#[async_trait]
impl OneDatabase for Both {
    async fn withdraw(
        &self,
        subject: Subject,
        scope: Scope,
        channel: &Code,
        tell: Vec<(Follower, Event)>,
    ) -> Result<Withdrawal, NotWithdrawn> {
        let both = (&self.store, &self.ledger);
        let withdrawn = self.engine.withdraw(both, subject, scope, channel, tell);
        withdrawn.await.map_err(|error| match error {
            NotInOne::Ledger(error) => NotWithdrawn::Ledger(error),
            NotInOne::Engine(error) => NotWithdrawn::Engine(error),
            error => NotWithdrawn::Engine(
                EngineError::new(EngineErrorKind::Unavailable).with_source(error),
            ),
        })
    }
}

/// The key of a file that is there.
async fn key_of(place: &Place, path: &Path) -> Result<FileSealer, Failure> {
    if !is_there(path) {
        return Err(no_such_file());
    }
    match FileSealer::read(place)? {
        Some(sealer) => Ok(sealer),
        None => Err(without_key(place, held(path).await)),
    }
}

/// Says how much is lost with a key.
fn without_key(place: &Place, journeys: Option<usize>) -> Failure {
    let (here, field, what) = match place {
        Place::File(_) => ("beside it", FIELD, "it holds"),
        Place::Database(_) => ("at PATH.key", place.keys_field(), "the database holds"),
    };
    let rule = match journeys {
        Some(journeys) => format!(
            "has no key {here}, so that nothing {what} of {} can be read",
            counted(journeys, "journey")
        ),
        None => format!("has no key {here}: it is no file of journeys, or its key is lost"),
    };
    Failure::configuration(field, rule)
}

/// How many journeys a database holds, which is known without its key.
async fn held_in(database: &Database) -> Result<usize, Failure> {
    let engine = database.options.clone().connect(Arc::new(NoKey)).await;
    let engine = engine.map_err(|error| unopened(&error))?;
    let journeys = count(&engine).await.map_err(failed)?;
    Ok(journeys)
}

/// How many journeys a file holds, which is known without its key.
async fn held(path: &Path) -> Option<usize> {
    let engine = SqliteEngine::open(path, Arc::new(NoKey)).ok()?;
    count(&engine).await.ok()
}

async fn count(engine: &impl JourneyEngine) -> Result<usize, EngineError> {
    let pages = pages(engine, JourneyFilter::new());
    let add = |sum: usize, page: Vec<_>| ready(Ok(sum.saturating_add(page.len())));
    pages.try_fold(0, add).await
}

fn no_such_file() -> Failure {
    Failure::configuration(FIELD, "no such file")
}

/// Those that have ended.
pub(super) fn ended(journeys: &[JourneySummary]) -> Vec<JourneyId> {
    let ended = journeys.iter().filter(|journey| journey.status.is_end());
    ended.map(|journey| journey.id.clone()).collect()
}

/// Whether the files of journeys, and those that come and go beside them, may be written.
fn may_be_written(place: &Place) -> bool {
    let Place::File(path) = place else {
        return true;
    };
    let is_marked = |suffix| {
        let found = fs::metadata(place.beside(suffix));
        found.is_ok_and(|found| found.permissions().readonly())
    };
    let is_shut = || {
        let made = temporary::beside(path).map(drop);
        made.is_err_and(|error| {
            matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
            )
        })
    };
    !["", ".ledger", ".ledger-keys"].into_iter().any(is_marked) && !is_shut()
}

/// An empty file is none: whoever made it has no key for it.
fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() > 0 || !found.is_file())
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
        OpenError::Held { .. } => {
            let held = InvalidRequest::new(FIELD, "is in use by another kyc");
            return Failure::InUse(held, WHILE_IN_USE);
        }
        OpenError::LogUnread { .. } => {
            "was left by a process that died; open it once where it may be written"
        }
        OpenError::OlderSchema { .. } => {
            "was written by an earlier version of kyc; open it once where it may be written"
        }
        OpenError::File { source, .. } => return Failure::file(FIELD, "opened", &source),
        OpenError::Sqlite { .. } => return Failure::unstored(FIELD, "the database refuses it"),
        _ => "cannot be opened",
    };
    Failure::configuration(FIELD, rule)
}
