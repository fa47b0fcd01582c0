//! Nothing of a person stands in a file or a log, and what was erased opens from no backup.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kyc_consent::{
    Class, ConsentLedger, ErasureOrder, ErasureReason, Files, KeyError, LedgerError, Place, Subject,
};
use kyc_journey::provider_core::{Clock, Mobile, SystemClock};
use kyc_journey::testing::ClearText;
use kyc_journey::{
    self as journey, DataClass, Domain, JourneyEngine as _, JourneyId, SealError, Sealer, Seq,
};
use kyc_journey_sqlite::SqliteEngine;
use sha2::Sha256;

use super::lives::{self, Pace};
use super::world::{CANARY, World};
use crate::Settings;
use crate::planted::search::{Search, Source};
use crate::planted::{Planted, Printed, capture};
use crate::process;

/// Seals bodies under the consent ledger's keys, one a person and class.
struct LedgerSealer {
    ledger: ConsentLedger,
    persons: HashMap<JourneyId, Subject>,
    /// Of what belongs to no journey yet.
    nobody: Subject,
}

impl fmt::Debug for LedgerSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LedgerSealer")
    }
}

impl LedgerSealer {
    fn with<T>(
        &self,
        place: &journey::Place<'_>,
        what: impl FnOnce(&Place<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, SealError> {
        let row = format!(
            "{}/{}",
            place.seq,
            place.journey.map_or("", JourneyId::as_str)
        );
        let person = place.journey.and_then(|id| self.persons.get(id));
        let class = match place.class {
            Some(DataClass::Links | DataClass::Codes) => Class::Transient,
            Some(DataClass::Documents) => Class::Documents,
            Some(DataClass::AccountData) => Class::AccountData,
            Some(_) => Class::Evidence,
            // References without the person, which outlive the data.
            None => Class::Ledger,
        };
        let place = Place {
            table: place.body.as_str(),
            row: row.as_bytes(),
            subject: *person.unwrap_or(&self.nobody),
            class,
            version: 0,
        };
        what(&place).map_err(|_| SealError::NoKey)
    }
}

impl Sealer for LedgerSealer {
    fn seal(&self, place: &journey::Place<'_>, body: &[u8]) -> Result<Vec<u8>, SealError> {
        self.with(place, |place| self.ledger.seal(place, body))
    }

    fn open(&self, place: &journey::Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.with(place, |place| {
            Ok(self.ledger.unseal(place, sealed)?.to_vec())
        })
    }

    fn digest(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"a key of this proof").unwrap();
        mac.update(domain.as_str().as_bytes());
        mac.update(text);
        mac.finalize().into_bytes().into()
    }
}

fn mobile(person: u64) -> String {
    format!("9000000{:03}", person + 1)
}

fn files(directory: &Path) -> Files {
    let [ledger, keys, key_encryption_key] =
        ["ledger.db", "keys.db", "kek"].map(|name| directory.join(name));
    Files {
        ledger,
        keys,
        key_encryption_key,
    }
}

/// Copies every file but the key-encryption key, as a backup does; how many bytes there are, and which values stand in them.
fn copy(from: &Path, to: &Path, search: &Search) -> Result<(usize, Vec<String>)> {
    let (mut size, mut found) = (0, Vec::new());
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let bytes = fs::read(entry.path())?;
        size += bytes.len();
        found.extend(
            search
                .leaks(&bytes, Source::Anything)
                .into_iter()
                .map(|leak| format!("{}: {}, {}", entry.path().display(), leak.what, leak.form)),
        );
        if entry.file_name() != "kek" {
            fs::write(to.join(entry.file_name()), bytes)?;
        }
    }
    Ok((size, found))
}

pub(super) async fn run(settings: &Settings) -> Result<()> {
    let count = if settings.short { 16 } else { 160 };
    let value = |what: &str, value: String| Planted {
        what: what.to_owned(),
        value,
        printed: Printed::Never,
    };
    let mobiles = (0..count).map(|person| value("mobile number", mobile(person)));
    let search = Search::new(
        &mobiles
            .chain([value("payload", CANARY.to_owned())])
            .collect::<Vec<_>>(),
    );
    let journeys = lives::journeys(0..count);
    let home = tempfile::tempdir()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ledger = files(home.path()).open(Arc::clone(&clock))?;
    let person = |number| anyhow::Ok(ledger.subject(&Mobile::parse(&mobile(number))?)?);
    let persons = journeys
        .iter()
        .zip(0..)
        .map(|((id, _), number)| Ok((id.clone(), person(number)?)));
    let persons: HashMap<_, _> = persons.collect::<Result<_>>()?;
    let sealer = Arc::new(LedgerSealer {
        nobody: person(count)?,
        persons,
        ledger: ledger.clone(),
    });

    capture::install();
    drop(capture::take_shared());
    let clear = tempfile::tempdir()?;
    for (directory, seals) in [
        (clear.path(), Arc::new(ClearText) as Arc<dyn Sealer>),
        (home.path(), sealer.clone()),
    ] {
        let engine = Arc::new(SqliteEngine::open(directory.join("kyc.db"), seals)?);
        let world = Arc::new(World::new(settings.seed, None)?);
        world.set_engine(Arc::clone(&engine) as _);
        lives::live(&engine, &world, &journeys, Pace::Coarse).await?;
        lives::check(&*engine, &world, &journeys).await?;
        log(&engine, &journeys).await?;
        // The log has not been moved into the database yet.
        let backup = tempfile::tempdir()?;
        let (size, found) = copy(directory, backup.path(), &search)?;
        if directory == clear.path() {
            ensure!(!found.is_empty(), "what is not sealed is not found");
            continue;
        }
        let logs = capture::take_shared();
        let told = search.leaks(logs.as_bytes(), Source::Anything);
        ensure!(!logs.is_empty(), "nothing was logged");
        ensure!(found.is_empty() && told.is_empty(), "{found:?} {told:?}");
        println!(
            "  {} planted values in {count} journeys: 0 in {size} bytes of database, log, ledger and keys, 0 in {} bytes logged",
            count + 1,
            logs.len()
        );
        erased(
            &engine,
            &sealer,
            [directory, backup.path()],
            &journeys,
            &clock,
        )
        .await?;
    }
    command(&search)
}

/// Logs what a program can print of its journeys: what each is, its history, and payloads that were opened for it.
async fn log(engine: &SqliteEngine, journeys: &[(JourneyId, journey::Plan)]) -> Result<()> {
    for (id, _) in journeys {
        capture::note(&format!("{:?}", engine.read(id).await?));
        for entry in engine.history(id, Seq::ZERO).await? {
            let payload = engine.payload(id, entry.seq).await?;
            capture::note(&format!("{entry:?} {payload:?}"));
        }
    }
    Ok(())
}

/// After an erasure and a rotation of the keys a backup made before does not open for that person, and does for the others.
async fn erased(
    engine: &SqliteEngine,
    sealer: &Arc<LedgerSealer>,
    [home, backup]: [&Path; 2],
    journeys: &[(JourneyId, journey::Plan)],
    clock: &Arc<dyn Clock>,
) -> Result<()> {
    let mut kept: Vec<(JourneyId, Seq)> = Vec::new();
    for (id, _) in journeys {
        for entry in engine.history(id, Seq::ZERO).await? {
            if engine.payload(id, entry.seq).await?.is_some() {
                kept.push((id.clone(), entry.seq));
            }
        }
    }
    let erased = kept.first().context("nothing is kept")?.0.clone();
    let order = ErasureOrder {
        reason: ErasureReason::Withdrawal,
        classes: None,
        relationship_ended: None,
    };
    sealer.ledger.erase(sealer.persons[&erased], &order)?;
    let restored = SqliteEngine::open(backup.join("kyc.db"), Arc::clone(sealer) as _)?;
    let (mut gone, mut there) = (0, 0);
    for (id, seq) in &kept {
        match restored.payload(id, *seq).await {
            Ok(Some(_)) if *id != erased => there += 1,
            Ok(None) if *id == erased => gone += 1,
            other => anyhow::bail!("{id} {seq}: {:?}", other.map(|payload| payload.is_some())),
        }
    }
    ensure!(
        gone > 0 && there > 0,
        "{gone} of one, {there} of the others"
    );
    fs::copy(home.join("kek"), backup.join("kek"))?;
    let with_old_keys = files(backup).open(Arc::clone(clock));
    ensure!(
        matches!(with_old_keys, Err(LedgerError::Keys(KeyError::Lost { .. }))),
        "old keys open"
    );
    println!(
        "  after an erasure and a rotation a backup made before: {gone} payloads of that person do not open, {there} of others do; its keys open nothing"
    );
    Ok(())
}

/// The command, its file of journeys and what it prints.
fn command(search: &Search) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("journeys.db");
    let started = Command::new(process::program()?)
        .args([
            "journey",
            "start",
            "-vv",
            "--sandbox",
            "--mobile-number",
            &mobile(0),
            "--json",
            "--db",
        ])
        .arg(&database)
        .env_clear()
        .output()?;
    ensure!(
        started.status.success(),
        "{}",
        String::from_utf8_lossy(&started.stderr)
    );
    let logged = started.stderr.len();
    ensure!(logged > 0, "nothing was logged");
    let mut searched = [started.stdout, started.stderr].concat();
    for entry in fs::read_dir(directory.path())? {
        let entry = entry?;
        // What the sandbox's providers know is in the clear, as providers know it.
        if !entry.file_name().to_string_lossy().contains(".sandbox") {
            searched.extend(fs::read(entry.path())?);
        }
    }
    let found = search.leaks(&searched, Source::Anything);
    ensure!(found.is_empty(), "{found:?}");
    println!(
        "  kyc journey: the number 0 times in {} bytes of database, ledger, keys and output, {logged} of them logged",
        searched.len()
    );
    Ok(())
}
