//! Events that wait for their commit: what is submitted while others are committed shares the next transaction.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use deadpool_postgres::Pool;
use kyc_journey::{
    Bodies, EngineError, EngineErrorKind, Event, Fact, Journey, JourneyId, Lookup, Machine, Place,
    Recording, SealedRecording, Seq, Submitted, Verdict, point,
};
use tokio::sync::{Notify, oneshot};
use tokio_postgres::types::ToSql;

use crate::changes::{Beginnings, Changes, Planned, Said};
use crate::database::{Failure, Outcome, Request, Transaction, at_once, may_wait, within};

/// How many events one transaction takes in at most.
const GROUP: usize = 128;

/// How many bytes of payloads one transaction takes in at most, unless one event alone has more: documents and account data are large,
/// and a message to the server has an end.
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// How many transactions of groups are under way at once: while the disk syncs one, the next one is worked out.
const WRITERS: usize = 4;

/// How often one event is tried again that others prevented.
const CONTENTIONS: usize = 16;

/// Submits events, each journey's one after another.
#[derive(Clone)]
pub(crate) struct Groups(Arc<Shared>);

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}

/// Writes what events say to the ledger, in their transaction.
#[async_trait]
pub(crate) trait Book: Send + Sync {
    /// Writes as much as can be written, and returns the rest, which is left to a runner; and what to keep until the transaction has ended.
    /// The answers are those to the events.
    async fn write(
        &self,
        database: &Arc<Transaction>,
        said: Vec<Said>,
        answers: &[Answer],
    ) -> Outcome<Written>;

    /// Whether it has something to write of its own, whatever the events say.
    fn has_its_own(&self) -> bool {
        false
    }
}

/// What an event came to.
pub(crate) type Answer = Result<Submitted, EngineError>;

/// What the events of a transaction say to a ledger that is written in it.
struct Aside<'b> {
    book: Option<&'b dyn Book>,
    said: Vec<Said>,
}

impl Aside<'_> {
    /// Where what is said is put; `None`: it is left to a runner.
    fn place(&mut self) -> Option<&mut Vec<Said>> {
        self.book.map(|_| &mut self.said)
    }

    /// Whether there is something to write.
    fn is_due(&self) -> bool {
        !self.said.is_empty() || self.book.is_some_and(Book::has_its_own)
    }
}

/// What was not written, and what to keep until the transaction has ended.
pub(crate) type Written = (Vec<Said>, Box<dyn Send>);

struct Shared {
    pool: Pool,
    bodies: Bodies,
    machine: Mutex<Machine>,
    /// Where the ledger lies in the same database; otherwise a runner carries to it what events say.
    book: OnceLock<Box<dyn Book>>,
    queue: Mutex<Queue>,
    /// Told when nothing waits any more.
    idle: Notify,
    /// Told when there may be something to carry out.
    changed: Arc<Notify>,
    commits: AtomicU64,
}

struct Queue {
    waiting: VecDeque<Waiting>,
    /// Journeys whose events a transaction under way applies.
    busy: HashSet<JourneyId>,
    writers: usize,
    capacity: usize,
    closed: bool,
}

impl Queue {
    /// Takes out the next events, none of a journey that is busy, whose journeys are busy from then on.
    fn group(&mut self) -> Vec<Waiting> {
        let (mut group, mut others) = (Vec::new(), VecDeque::new());
        let mut bytes = 0_usize;
        while let Some(waiting) = self.waiting.pop_front() {
            if self.busy.contains(&waiting.journey) {
                others.push_back(waiting);
                continue;
            }
            let all = bytes.saturating_add(waiting.bytes());
            if group.len() == GROUP || (all > GROUP_BYTES && !group.is_empty()) {
                others.push_back(waiting);
                break;
            }
            bytes = all;
            group.push(waiting);
        }
        others.append(&mut self.waiting);
        self.waiting = others;
        for waiting in &group {
            self.busy.insert(waiting.journey.clone());
        }
        group
    }
}

struct Waiting {
    journey: JourneyId,
    event: Event,
    reply: oneshot::Sender<Result<Submitted, EngineError>>,
}

impl Waiting {
    /// How large its payload is. Everything else is small.
    fn bytes(&self) -> usize {
        self.event.payload_bytes()
    }
}

/// No code that may panic runs while the lock is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Groups {
    pub(crate) fn new(
        pool: Pool,
        bodies: Bodies,
        machine: Machine,
        capacity: usize,
        changed: Arc<Notify>,
    ) -> Self {
        Self(Arc::new(Shared {
            pool,
            bodies,
            machine: Mutex::new(machine),
            book: OnceLock::new(),
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                busy: HashSet::new(),
                writers: 0,
                capacity,
                closed: false,
            }),
            idle: Notify::new(),
            changed,
            commits: AtomicU64::new(0),
        }))
    }

    /// Writes to this ledger from now on. `false`: it has one.
    #[cfg(feature = "consent")]
    pub(crate) fn keep_book(&self, book: impl Book + 'static) -> bool {
        self.0.book.set(Box::new(book)).is_ok()
    }

    /// Applies events in one transaction of their own with what `book` writes: all of it or nothing.
    #[cfg(feature = "consent")]
    pub(crate) async fn together(
        &self,
        events: Vec<(JourneyId, Event)>,
        book: &dyn Book,
    ) -> Outcome<Vec<Answer>> {
        let waiting = events.into_iter().map(|(journey, event)| Waiting {
            journey,
            event,
            // All of them are answered at once.
            reply: oneshot::channel().0,
        });
        let waiting: Vec<Waiting> = waiting.collect();
        let all: Vec<&Waiting> = waiting.iter().collect();
        crate::database::persistently(|| self.0.attempt(&all, Some(book))).await
    }

    #[cfg(feature = "testing")]
    pub(crate) fn set_machine(&self, machine: Machine) {
        *lock(&self.0.machine) = machine;
    }

    /// How many transactions were committed.
    pub(crate) fn commits(&self) -> u64 {
        self.0.commits.load(Ordering::Relaxed)
    }

    /// Applies an event, and answers after its commit. Whoever gives up waiting does not take the event back.
    pub(crate) async fn submit(
        &self,
        journey: &JourneyId,
        event: Event,
    ) -> Result<Submitted, EngineError> {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            journey: journey.clone(),
            event,
            reply,
        };
        self.enqueue(waiting)?;
        // A writer that is gone took its runtime's end with it.
        let gone = Err(EngineError::new(EngineErrorKind::Unavailable));
        answer.await.unwrap_or(gone)
    }

    fn enqueue(&self, waiting: Waiting) -> Result<(), EngineError> {
        let mut queue = lock(&self.0.queue);
        if queue.closed {
            return Err(EngineError::new(EngineErrorKind::Closed));
        }
        if queue.waiting.len() >= queue.capacity {
            return Err(EngineError::new(EngineErrorKind::Overloaded));
        }
        queue.waiting.push_back(waiting);
        if queue.writers < WRITERS {
            queue.writers = queue.writers.saturating_add(1);
            let shared = Arc::clone(&self.0);
            let writer = Writer {
                shared,
                has_ended: false,
            };
            tokio::spawn(writer.run());
        }
        Ok(())
    }

    /// Takes nothing more, and returns once everything that was taken is committed or refused.
    pub(crate) async fn close(&self) {
        loop {
            let idle = self.0.idle.notified();
            {
                let mut queue = lock(&self.0.queue);
                queue.closed = true;
                if queue.writers == 0 {
                    return;
                }
            }
            idle.await;
        }
    }
}

/// A task that commits group after group while there are any.
struct Writer {
    shared: Arc<Shared>,
    /// It is not counted any more.
    has_ended: bool,
}

impl Writer {
    async fn run(mut self) {
        while let Some(events) = self.shared.group() {
            let group = Group {
                shared: &self.shared,
                events,
            };
            group.commit().await;
        }
        self.has_ended = true;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.has_ended {
            self.shared.end(&mut lock(&self.shared.queue));
        }
    }
}

/// Events whose journeys are busy until it is dropped.
struct Group<'a> {
    shared: &'a Shared,
    events: Vec<Waiting>,
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.shared.queue);
        for waiting in &self.events {
            queue.busy.remove(&waiting.journey);
        }
    }
}

impl Group<'_> {
    /// Commits the group, or, if the server refuses something of it, each event alone, so that one that cannot be stored holds up
    /// no other.
    async fn commit(mut self) {
        let all: Vec<&Waiting> = self.events.iter().collect();
        let answers = match self.shared.attempt(&all, None).await {
            Ok(answers) => answers,
            Err(failure) if failure.is_of_the_server() => {
                let mut answers = Vec::with_capacity(all.len());
                for waiting in all {
                    answers.push(self.shared.alone(waiting).await);
                }
                answers
            }
            Err(failure) => {
                let error = EngineError::from(failure);
                vec![Err(error); all.len()]
            }
        };
        let mut freed = Vec::with_capacity(answers.len());
        for waiting in std::mem::take(&mut self.events) {
            let Waiting { journey, reply, .. } = waiting;
            freed.push((journey, reply));
        }
        let mut queue = lock(&self.shared.queue);
        for (journey, _) in &freed {
            queue.busy.remove(journey);
        }
        drop(queue);
        for ((_, reply), answer) in freed.into_iter().zip(answers) {
            // Whoever asked may have given up; what is stored stays stored.
            let _ = reply.send(answer);
        }
    }
}

/// An event of a group, or one that was parked.
struct Job<'a> {
    event: std::borrow::Cow<'a, Event>,
    key: [u8; 32],
    /// Whose answer it is; `None`: it was parked under its key.
    answer: Option<usize>,
}

/// A journey of a group.
struct Line<'a> {
    id: &'a JourneyId,
    number: Option<i64>,
    state: Option<Result<Journey, EngineError>>,
    seen: HashMap<[u8; 32], Seq>,
    jobs: VecDeque<Job<'a>>,
}

/// What becomes of an event before anything is stored.
enum Next {
    Answered(Result<Submitted, EngineError>),
    Planned(Box<Planned>, Submitted),
}

impl Shared {
    /// One writer less.
    fn end(&self, queue: &mut Queue) {
        queue.writers = queue.writers.saturating_sub(1);
        if queue.writers == 0 {
            self.idle.notify_waiters();
        }
    }

    /// The next events, none of a journey that is busy. `None` if there are none: then the writer has ended, under the same lock under
    /// which whoever submits counts writers.
    fn group(&self) -> Option<Vec<Waiting>> {
        let mut queue = lock(&self.queue);
        let group = queue.group();
        if group.is_empty() {
            self.end(&mut queue);
            return None;
        }
        Some(group)
    }

    /// Commits one event, and tries again while others prevent it.
    async fn alone(&self, waiting: &Waiting) -> Result<Submitted, EngineError> {
        let mut attempts = CONTENTIONS;
        loop {
            match self.attempt(&[waiting], None).await {
                Ok(mut answers) => {
                    let none = Err(EngineError::new(EngineErrorKind::Corrupt));
                    return answers.pop().unwrap_or(none);
                }
                Err(failure) if failure.is_contention() && attempts > 0 => {
                    attempts = attempts.saturating_sub(1);
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// Applies events in one transaction, with what `book` writes in it, or the ledger of the engine.
    async fn attempt(&self, events: &[&Waiting], book: Option<&dyn Book>) -> Outcome<Vec<Answer>> {
        let book = book.or_else(|| self.book.get().map(AsRef::as_ref));
        within(async {
            let database = Arc::new(Transaction::on(&self.pool).await?);
            let applied = self.apply(&database, events, book).await;
            // Whoever wrote the ledger in it has ended, so that it is the only one.
            let database = Arc::into_inner(database);
            match applied {
                Ok((answers, may_ask, kept)) => {
                    if let Some(database) = database {
                        database.ended();
                    }
                    drop(kept);
                    self.commits.fetch_add(1, Ordering::Relaxed);
                    point("after a commit");
                    if may_ask {
                        self.changed.notify_one();
                    }
                    Ok(answers)
                }
                Err(failure) => {
                    if let Some(database) = database {
                        database.roll_back().await;
                    }
                    Err(failure)
                }
            }
        })
        .await
    }

    /// Applies events in one transaction: round by round, one event of each journey in a round.
    async fn apply(
        &self,
        database: &Arc<Transaction>,
        events: &[&Waiting],
        book: Option<&dyn Book>,
    ) -> Outcome<Applied> {
        let mut lines = self.lines(database, events).await?;
        let missing = || Err(EngineError::new(EngineErrorKind::Corrupt));
        let mut answers: Vec<Answer> = Vec::new();
        answers.resize_with(events.len(), missing);
        let mut may_ask = false;
        let mut aside = Aside {
            book,
            said: Vec::new(),
        };
        loop {
            let mut adopted: Vec<[u8; 32]> = Vec::new();
            let mut round = Vec::new();
            for (place, line) in lines.iter_mut().enumerate() {
                while let Some(job) = line.jobs.pop_front() {
                    let (answer, planned) = match self.plan(line, &job).await {
                        Next::Answered(answer) => (answer, None),
                        Next::Planned(planned, submitted) => (Ok(submitted), Some(planned)),
                    };
                    match (job.answer, answer) {
                        (Some(place), answer) => {
                            if let Some(slot) = answers.get_mut(place) {
                                *slot = answer;
                            }
                        }
                        (None, Ok(_)) => adopted.push(job.key),
                        (None, Err(error)) => {
                            tracing::error!(journey = %line.id, %error, "a parked report cannot be applied and stays parked");
                        }
                    }
                    if let Some(planned) = planned {
                        round.push((place, planned));
                        break;
                    }
                }
            }
            point("in a transaction");
            let is_last = lines.iter().all(|line| line.jobs.is_empty());
            let found = self.store(database, &mut lines, round, &adopted, is_last, &mut aside);
            match found.await? {
                Stored::Committed(asks) => return Ok((answers, may_ask || asks, None)),
                Stored::More(asks) => may_ask |= asks,
                Stored::Unsaid(asks) => {
                    let kept = say(database, aside, &answers).await?;
                    return Ok((answers, may_ask || asks, Some(kept)));
                }
            }
        }
    }

    /// Locks the journeys of these events, and reads what is known of them: one round trip.
    async fn lines<'a>(
        &self,
        database: &Transaction,
        events: &[&'a Waiting],
    ) -> Outcome<Vec<Line<'a>>> {
        let mut lines: Vec<Line<'a>> = Vec::new();
        let mut places: HashMap<&'a JourneyId, usize> = HashMap::new();
        let (mut ids, mut keys) = (Vec::new(), Vec::new());
        for (answer, waiting) in events.iter().enumerate() {
            let key = self.bodies.key(&waiting.event.key);
            ids.push(waiting.journey.as_str());
            keys.push(key.to_vec());
            let place = *places.entry(&waiting.journey).or_insert_with(|| {
                lines.push(Line {
                    id: &waiting.journey,
                    number: None,
                    state: None,
                    seen: HashMap::new(),
                    jobs: VecDeque::new(),
                });
                lines.len().saturating_sub(1)
            });
            if let Some(line) = lines.get_mut(place) {
                line.jobs.push_back(Job {
                    event: std::borrow::Cow::Borrowed(&waiting.event),
                    key,
                    answer: Some(answer),
                });
            }
        }
        // In one order everywhere, so that no two transactions wait for each other.
        let lock = database
            .prepare(
                "SELECT id, number, state FROM journey WHERE id = ANY($1::text[])
                 ORDER BY id FOR NO KEY UPDATE",
            )
            .await?;
        let seen = database
            .prepare(
                "SELECT asked.id, event.key, event.seq
                 FROM unnest($1::text[], $2::bytea[]) AS asked (id, key)
                 JOIN journey ON journey.id = asked.id
                 JOIN event ON event.journey = journey.number AND event.key = asked.key",
            )
            .await?;
        let lock_values: [&(dyn ToSql + Sync); 1] = [&ids];
        let seen_values: [&(dyn ToSql + Sync); 2] = [&ids, &keys];
        let begin: Request<'_, _> = Box::pin(async {
            database.run("BEGIN").await?;
            Ok(Vec::new())
        });
        let requests: Vec<Request<'_, _>> = vec![
            begin,
            Box::pin(database.query(&lock, &lock_values)),
            Box::pin(database.query(&seen, &seen_values)),
        ];
        let mut rows = at_once(requests).await?.into_iter().skip(1);
        for row in rows.next().unwrap_or_default() {
            let id: &str = row.try_get(0)?;
            let line = journey(id).and_then(|id| Some(*places.get(&id)?));
            if let Some(line) = line.and_then(|place| lines.get_mut(place)) {
                line.number = Some(row.try_get(1)?);
                line.state = Some(self.bodies.open(&Place::state(line.id), row.try_get(2)?));
            }
        }
        for row in rows.next().unwrap_or_default() {
            let line = journey(row.try_get(0)?).and_then(|id| Some(*places.get(&id)?));
            if let Some(line) = line.and_then(|place| lines.get_mut(place)) {
                line.seen
                    .insert(digest(row.try_get(1)?)?, number(row.try_get(2)?)?);
            }
        }
        Ok(lines)
    }

    /// Applies an event to what is known of its journey, and seals what it changes: everything that can be refused is refused here.
    async fn plan(&self, line: &mut Line<'_>, job: &Job<'_>) -> Next {
        let before = match &line.state {
            Some(Ok(state)) => state.clone(),
            Some(Err(error)) => return Next::Answered(Err(error.clone())),
            None if matches!(job.event.fact, Fact::Start { .. }) => Journey::new(line.id.clone()),
            None => {
                let unknown = EngineError::new(EngineErrorKind::UnknownJourney);
                return Next::Answered(Err(unknown));
            }
        };
        if let Some(seq) = line.seen.get(&job.key) {
            return Next::Answered(Ok(Submitted {
                seq: *seq,
                verdict: Verdict::Duplicate,
                reason: None,
                status: before.status(),
            }));
        }
        let machine = *lock(&self.machine);
        let recording = Recording::of(machine, &before, job.event.clone().into_owned());
        let submitted = Submitted {
            seq: recording.entry.seq,
            verdict: recording.entry.verdict,
            reason: recording.entry.reason,
            status: recording.state.status(),
        };
        // The machine remembers some keys by itself.
        if submitted.verdict == Verdict::Duplicate {
            return Next::Answered(Ok(submitted));
        }
        let (recording, sealed) = match self.seal(line.id, recording).await {
            Ok(sealed) => sealed,
            Err(error) => return Next::Answered(Err(error)),
        };
        line.state = Some(Ok(recording.state.clone()));
        line.seen.insert(job.key, submitted.seq);
        let planned = Planned {
            id: line.id.clone(),
            number: line.number,
            key: job.key,
            recording,
            sealed,
        };
        Next::Planned(Box::new(planned), submitted)
    }

    /// Seals what an event changes. The keys of persons, by which payloads are sealed, may lie in a database: they are waited for on a
    /// thread that may wait.
    async fn seal(
        &self,
        id: &JourneyId,
        recording: Recording,
    ) -> Result<(Recording, SealedRecording), EngineError> {
        if recording.payload.is_none() {
            let sealed = self.bodies.seal_recording(id, &recording)?;
            return Ok((recording, sealed));
        }
        let (bodies, id) = (self.bodies.clone(), id.clone());
        may_wait(move || {
            let sealed = bodies.seal_recording(&id, &recording)?;
            Ok((recording, sealed))
        })
        .await
    }

    /// Stores a round, and commits if nothing can follow it. What was parked for a journey that became known by something follows.
    async fn store(
        &self,
        database: &Transaction,
        lines: &mut [Line<'_>],
        round: Vec<(usize, Box<Planned>)>,
        adopted: &[[u8; 32]],
        is_last: bool,
        aside: &mut Aside<'_>,
    ) -> Outcome<Stored> {
        let mut beginnings = Beginnings::default();
        for (_, planned) in &round {
            if planned.number.is_none() {
                beginnings.push(planned);
            }
        }
        if !beginnings.id.is_empty() {
            let begun: HashMap<String, i64> =
                beginnings.store(database).await?.into_iter().collect();
            for (place, planned) in &round {
                if planned.number.is_none() {
                    // Begun by another engine since it was looked for.
                    let number = begun.get(planned.id.as_str()).ok_or(Failure::Overtaken)?;
                    if let Some(line) = lines.get_mut(*place) {
                        line.number = Some(*number);
                    }
                }
            }
        }
        let mut asks = false;
        let mut changes = Changes::default();
        let mut known = KnownBy::default();
        let mut places = HashMap::new();
        for (place, planned) in round {
            let line = lines.get(place).and_then(|line| line.number);
            let number = line.ok_or(Failure::Overtaken)?;
            places.insert(number, place);
            asks |= !planned.recording.entry.effects.is_empty();
            for lookup in &planned.recording.added {
                known.push(&self.bodies, number, lookup);
            }
            let is_new = planned.number.is_none();
            changes.push(number, is_new, *planned, aside.place());
        }
        let adopted: Vec<Vec<u8>> = adopted.iter().map(|key| key.to_vec()).collect();
        let adopted_values: [&(dyn ToSql + Sync); 1] = [&adopted];
        let mut requests: Vec<Request<'_, Vec<tokio_postgres::Row>>> = Vec::new();
        for request in changes.requests(database).await? {
            requests.push(Box::pin(async move {
                request.await?;
                Ok(Vec::new())
            }));
        }
        if !adopted.is_empty() {
            let delete = "DELETE FROM parked WHERE key = ANY($1::bytea[])";
            let delete = database.prepare(delete).await?;
            requests.push(Box::pin(async move {
                database.query(&delete, &adopted_values).await
            }));
        }
        if known.digests.is_empty() {
            if is_last && !aside.is_due() {
                point("before a commit");
                requests.push(Box::pin(async {
                    database.run("COMMIT").await?;
                    Ok(Vec::new())
                }));
            }
            at_once(requests).await?;
            return Ok(match is_last {
                true if !aside.is_due() => Stored::Committed(asks),
                true => Stored::Unsaid(asks),
                false => Stored::More(asks),
            });
        }
        known.requests(database, &mut requests).await?;
        let parked = at_once(requests).await?.pop().unwrap_or_default();
        let mut found: HashMap<i64, Vec<Job<'_>>> = HashMap::new();
        let mut taken = HashSet::new();
        for row in parked {
            let key = digest(row.try_get(1)?)?;
            // By its token and by the provider's id.
            if !taken.insert(key) {
                continue;
            }
            let journey: i64 = row.try_get(0)?;
            let line = places.get(&journey).and_then(|place| lines.get_mut(*place));
            if let (Some(line), Some(seq)) = (line, row.try_get::<_, Option<i64>>(3)?) {
                line.seen.insert(key, number(seq)?);
            }
            match self.bodies.open::<Event>(&Place::parked(), row.try_get(2)?) {
                Ok(event) => found.entry(journey).or_default().push(Job {
                    event: std::borrow::Cow::Owned(event),
                    key,
                    answer: None,
                }),
                Err(error) => {
                    tracing::error!(%error, "a parked report cannot be opened and stays parked");
                }
            }
        }
        if found.is_empty() && is_last && aside.is_due() {
            return Ok(Stored::Unsaid(asks));
        }
        if found.is_empty() && is_last {
            point("before a commit");
            database.run("COMMIT").await?;
            return Ok(Stored::Committed(asks));
        }
        for (journey, jobs) in found {
            let line = places.get(&journey).and_then(|place| lines.get_mut(*place));
            if let Some(line) = line {
                for job in jobs.into_iter().rev() {
                    line.jobs.push_front(job);
                }
            }
        }
        Ok(Stored::More(asks))
    }
}

/// Writes to the ledger, and commits. It is the last thing of a transaction, because whoever appends to the ledger keeps everybody else
/// from it: so that nobody who waits for the ledger has something that its writer waits for.
async fn say(
    database: &Arc<Transaction>,
    aside: Aside<'_>,
    answers: &[Answer],
) -> Outcome<Box<dyn Send>> {
    let (unsaid, kept): Written = match aside.book {
        Some(book) => book.write(database, aside.said, answers).await?,
        None => (aside.said, Box::new(())),
    };
    let changes = Changes::of_unsaid(unsaid);
    at_once(changes.requests(database).await?).await?;
    point("before a commit");
    database.run("COMMIT").await?;
    Ok(kept)
}

/// What was done with a round, and whether it asks for something.
enum Stored {
    Committed(bool),
    More(bool),
    /// Everything but what the events say to the ledger, and not committed.
    Unsaid(bool),
}

/// What events came to, whether they ask for something, and what to keep until the end of the transaction is known.
type Applied = (Vec<Answer>, bool, Option<Box<dyn Send>>);

/// By what journeys become known.
#[derive(Default)]
struct KnownBy {
    digests: Vec<Vec<u8>>,
    journeys: Vec<i64>,
    locks: Vec<i64>,
}

impl KnownBy {
    fn push(&mut self, bodies: &Bodies, journey: i64, lookup: &Lookup) {
        let digest = bodies.lookup(lookup);
        self.locks.push(lock_of(&digest));
        self.digests.push(digest.to_vec());
        self.journeys.push(journey);
    }

    /// Makes the journeys known, and finds what was parked for them: the last of the requests.
    async fn requests<'a>(
        &'a mut self,
        database: &'a Transaction,
        requests: &mut Vec<Request<'a, Vec<tokio_postgres::Row>>>,
    ) -> Outcome<()> {
        self.locks.sort_unstable();
        self.locks.dedup();
        let this: &'a Self = self;
        let lock = database.prepare(LOCK).await?;
        let know = database
            .prepare(
                // What two journeys claim stays the first one's.
                "INSERT INTO reference (digest, journey) SELECT * FROM unnest($1::bytea[], $2::bigint[])
                 ON CONFLICT DO NOTHING",
            )
            .await?;
        let find = database
            .prepare(
                "SELECT known.journey, parked.key, parked.body, event.seq
                 FROM unnest($1::bytea[], $2::bigint[]) AS known (digest, journey)
                 JOIN parked ON parked.token = known.digest OR parked.reference = known.digest
                 LEFT JOIN event ON event.journey = known.journey AND event.key = parked.key
                 ORDER BY parked.at, parked.key FOR UPDATE OF parked",
            )
            .await?;
        requests.push(Box::pin(async move {
            database.query(&lock, &[&this.locks]).await
        }));
        for statement in [know, find] {
            requests.push(Box::pin(async move {
                let values: [&(dyn ToSql + Sync); 2] = [&this.digests, &this.journeys];
                database.query(&statement, &values).await
            }));
        }
        Ok(())
    }
}

/// Whoever parks a report for something, and whoever makes a journey known by it, do so one after the other: each sees what the other
/// one did. The locks go with the transaction.
pub(crate) const LOCK: &str =
    "SELECT pg_advisory_xact_lock(number) FROM unnest($1::bigint[]) AS wanted (number)";

/// The number of the lock of a digest. Two digests that share one only wait for each other.
pub(crate) fn lock_of(digest: &[u8; 32]) -> i64 {
    let mut number = [0; 8];
    for (to, from) in number.iter_mut().zip(digest) {
        *to = *from;
    }
    i64::from_be_bytes(number)
}

fn journey(id: &str) -> Option<JourneyId> {
    JourneyId::parse(id).ok()
}

fn digest(bytes: &[u8]) -> Outcome<[u8; 32]> {
    bytes.try_into().map_err(|_| corrupt())
}

pub(crate) fn number(seq: i64) -> Outcome<Seq> {
    u64::try_from(seq).map(Seq::new).map_err(|_| corrupt())
}

pub(crate) fn corrupt() -> Failure {
    Failure::Refused(EngineError::new(EngineErrorKind::Corrupt))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use kyc_journey::provider_core::Masked;
    use kyc_journey::{DataClass, EventKey, Payload};

    use super::*;

    fn waiting(journey: u128, bytes: usize) -> Waiting {
        let key = EventKey::command("a key").expect("a key");
        let payload = Payload {
            class: DataClass::Documents,
            content: Masked::new("x".repeat(bytes)),
        };
        let event = Event::new(key, Timestamp::UNIX_EPOCH, None, Fact::Cancel);
        Waiting {
            journey: JourneyId::from_bits(journey),
            event: event.set_payload(Some(payload)),
            reply: oneshot::channel().0,
        }
    }

    fn groups(waiting: impl IntoIterator<Item = Waiting>) -> Vec<usize> {
        let mut queue = Queue {
            waiting: waiting.into_iter().collect(),
            busy: HashSet::new(),
            writers: 0,
            capacity: 0,
            closed: false,
        };
        let mut sizes = Vec::new();
        loop {
            let group = queue.group();
            if group.is_empty() {
                return sizes;
            }
            sizes.push(group.len());
            queue.busy.clear();
        }
    }

    #[test]
    fn a_group_is_capped_by_count_and_by_bytes() {
        let half = GROUP_BYTES / 2;
        assert_eq!(
            groups((0..200).map(|journey| waiting(journey, 1))),
            [128, 72]
        );
        // One that is larger than a group is one of its own, and is not overtaken.
        let sizes = [half, half, 1, GROUP_BYTES * 2, half, half];
        let waiting = (0..)
            .zip(sizes)
            .map(|(journey, bytes)| waiting(journey, bytes));
        assert_eq!(groups(waiting), [2, 1, 1, 2]);
    }

    #[test]
    fn events_of_a_journey_keep_their_order() {
        let sizes = [1, GROUP_BYTES, 1];
        assert_eq!(groups(sizes.map(|bytes| waiting(7, bytes))), [1, 1, 1]);
    }
}
