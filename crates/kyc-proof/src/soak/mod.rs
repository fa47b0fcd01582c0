//! A million calls of every operation while three exchanges of ten break: the result of each call beside the sandbox's
//! ledger.

mod reconcile;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kyc_proof::catalogue::{Caller, Setup, Subject, operations};
use kyc_sandbox::{
    FinproSettings, Ledger, Sandbox, SandboxTransport, ServedSandbox, VeriffSettings,
};
use provider_core::{
    CallOptions, CircuitBreaker, HyperTransport, Idempotency, Outcome, ReqwestTransport,
    RetryPolicy, Transport,
};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use self::reconcile::{Answer, Traces, Verdict, judge};
use crate::Settings;
use crate::inputs::{Inputs, PREPARING, request_id};
use crate::load::chance::{self, DropObserver, SeededClock};
use crate::load::{FailingTransport, Fault, Passage};
use crate::planted::texts;
use crate::process::{mebibytes, open_sockets, resident_bytes, tasks_left};

/// Calls under way at the same time.
const CALLERS: u64 = 64;

/// Of so many calls the exchanges of the first ones are all faulty, so that circuits open.
const BETWEEN_STORMS: u64 = 5_000;
const STORM: u64 = 100;

/// How much memory may grow in the last four tenths. The sandbox, in the same process, keeps what happened up to numbers of rows,
/// which a full run reaches before; a shortened one, and one through sockets, end while it fills. A leak of seventy bytes a call is
/// more than this in a full one.
const MOST_GROWTH: u64 = 24 << 20;

/// What may be done twice. Stated here once more: a proof does not rely on the declaration that it is about, so any other
/// operation that has effects may be done once.
const REPEATABLE: [&str; 1] = ["veriff record-consent"];

/// Of a hundred exchanges, how many break.
const FAULTY: u32 = 30;
const FAILURES: [u16; 5] = [408, 500, 502, 503, 504];
const REFUSALS: [u16; 6] = [307, 400, 401, 404, 413, 422];
const WAITS: [Option<&str>; 3] = [None, Some("0"), Some("1")];

/// Of a hundred calls, how many have a caller that loses patience. About half of these calls end before that.
const IMPATIENT: u32 = 3;

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let (in_process, through_sockets, windows) = if settings.short {
        (18_000, 1_000, 10)
    } else {
        (900_000, 50_000, 50)
    };
    for (way, calls) in [
        (Way::InProcess, in_process),
        (Way::Hyper, through_sockets),
        (Way::Reqwest, through_sockets),
    ] {
        let seed = settings.seed;
        let soak = Soak {
            way,
            calls,
            windows,
            seed,
        };
        soak.run()?;
    }
    Ok(())
}

/// How requests reach the sandbox: in process on virtual time, or through sockets by one of the transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    InProcess,
    Hyper,
    Reqwest,
}

/// How often what was done.
#[derive(Debug, Default)]
struct Count {
    attempts: AtomicU64,
    faults: AtomicU64,
}

/// What becomes of the next exchange of the call that runs.
fn passage(count: &Count, longest_way: Duration) -> Passage {
    let passage = chance::draw(|random| Passage {
        fault: fault(random),
        out: longest_way.mul_f64(random.f64()),
        back: longest_way.mul_f64(random.f64()),
        share: random.f64(),
    });
    let faults = u64::from(passage.fault.is_some());
    count.attempts.fetch_add(1, Ordering::Relaxed);
    count.faults.fetch_add(faults, Ordering::Relaxed);
    passage
}

fn fault(random: &mut fastrand::Rng) -> Option<Fault> {
    use Fault::{
        Cut, FailureAfter, FailureBefore, Forged, Garbage, Impostor, Limited, ReplyLost,
        RequestLost, SilenceAfter, SilenceBefore, Unreachable,
    };

    if chance::is_storm() {
        // What a circuit breaker counts: no answer, or none of the provider's.
        let (before, after) = (FailureBefore(503), FailureAfter(503));
        return random.choice([Unreachable, ReplyLost, before, after]);
    }
    if random.u32(..100) >= FAULTY {
        return None;
    }
    // It costs a whole deadline, so it is rare; the others are as likely as one another.
    if random.u32(..111) == 0 {
        return random.choice([SilenceBefore, SilenceAfter]);
    }
    let failure = random.choice(FAILURES)?;
    let (refusal, wait) = (random.choice(REFUSALS)?, random.choice(WAITS)?);
    random.choice([
        Unreachable,
        Impostor,
        RequestLost,
        FailureBefore(failure),
        FailureBefore(refusal),
        Limited(wait),
        ReplyLost,
        FailureAfter(failure),
        Cut,
        Garbage,
        Forged,
    ])
}

/// One run of calls and what is known of it beforehand.
#[derive(Debug, Clone, Copy)]
struct Soak {
    way: Way,
    calls: u64,
    /// The ledger is compared after each such part of the calls.
    windows: u64,
    seed: u64,
}

impl Soak {
    fn run(self) -> Result<()> {
        let started = Instant::now();
        let runtime = match self.through_sockets() {
            true => Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build(),
            false => Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build(),
        }?;
        // The runtime itself may hold some.
        let sockets_before = open_sockets()?;
        let report = runtime.block_on(self.soak())?;
        let tasks = runtime.block_on(tasks_left());
        let sockets = open_sockets()?.saturating_sub(sockets_before);
        drop(runtime);
        report.print(self, started.elapsed());
        println!("    left behind: {tasks} tasks, {sockets} sockets");
        ensure!(tasks + sockets == 0, "something was left behind");
        report.verdict()
    }

    fn through_sockets(self) -> bool {
        self.way != Way::InProcess
    }

    async fn soak(self) -> Result<Report> {
        let window = self.calls.div_ceil(self.windows);
        let sandbox = Sandbox::new(self.sandbox_settings(window));
        let served = match self.through_sockets() {
            true => Some(sandbox.serve("127.0.0.1:0".parse()?).await?),
            false => None,
        };
        let base_urls = served
            .as_ref()
            .map_or_else(SandboxTransport::base_urls, ServedSandbox::base_urls);
        let transport: Arc<dyn Transport> = match self.way {
            Way::InProcess => Arc::new(sandbox.transport()),
            Way::Hyper => Arc::new(HyperTransport::new()?),
            Way::Reqwest => Arc::new(ReqwestTransport::new()?),
        };
        let count = Arc::new(Count::default());
        let longest_way = Duration::from_millis(if self.through_sockets() { 2 } else { 10 });
        let counted = Arc::clone(&count);
        let setup = self.setup(Arc::new(FailingTransport {
            inner: transport,
            passage: move || passage(&counted, longest_way),
        }));
        let connect = |subject: Subject| {
            let client = subject.connect_to(&base_urls, &setup)?;
            Ok((subject, client))
        };
        let operations = operations().into_iter().map(connect);
        let clients = Arc::new(Clients {
            operations: operations.collect::<Result<_>>()?,
            // What comes before a call is no part of it, so nothing there breaks.
            inputs: Inputs::new(
                &SandboxTransport::base_urls(),
                &Setup::standard(Arc::new(sandbox.transport())),
            )?,
        });
        let ledger = sandbox.ledger();
        let mut report = Report {
            replies: vec![0; clients.operations.len()],
            ..Report::default()
        };
        let mut unsettled = Vec::new();
        for number in 0..self.windows {
            let calls = number * window..((number + 1) * window).min(self.calls);
            let records = self.window(&clients, calls).await;
            report.read(&ledger)?;
            // One window late: what a caller gave up may still be on its way.
            for record in std::mem::replace(&mut unsettled, records) {
                report.settle(record);
            }
            // The ledger and the sandbox's other stores are full by then.
            if number == self.windows * 6 / 10 {
                report.memory_warm = resident_bytes()?;
            }
        }
        report.memory_end = resident_bytes()?;
        drop((clients, setup));
        if let Some(served) = served {
            served.shutdown().await;
        }
        report.read(&ledger)?;
        for record in unsettled {
            report.settle(record);
        }
        report.attempts = count.attempts.load(Ordering::Relaxed);
        report.faults = count.faults.load(Ordering::Relaxed);
        Ok(report)
    }

    fn sandbox_settings(self, window: u64) -> kyc_sandbox::Settings {
        // Of each window the ledger gets fewer entries than four a call, with the repeats and what comes before it, and it is
        // read after each.
        let capacity = usize::try_from(window * 4).unwrap();
        kyc_sandbox::Settings::default()
            .with_ledger_capacity(capacity)
            // Kept connections are closed under the clients' hands.
            .with_header_read_timeout(Duration::from_millis(20))
            .with_veriff(VeriffSettings::default().with_consent_capacity(100))
            .with_finpro(
                FinproSettings::default()
                    .with_rate_limit(u64::MAX)
                    // Lists have no more, and are not read for long.
                    .with_consent_capacity(200)
                    .with_aggregator_timeout(Duration::from_millis(20)),
            )
    }

    fn setup(self, transport: Arc<dyn Transport>) -> Setup {
        let retry = RetryPolicy::standard();
        let millisecond = Duration::from_millis(1);
        Setup {
            clock: Arc::new(SeededClock),
            observer: Some(Arc::new(DropObserver)),
            // Virtual pauses cost nothing, real ones do.
            retry: if self.through_sockets() {
                retry.with_pauses(millisecond, millisecond * 5)
            } else {
                retry
            },
            // Calls follow upon calls here, so a pause of a second would leave nothing to look at.
            circuit_breaker: CircuitBreaker::standard().with_pause(millisecond * 5),
            timeout: self.through_sockets().then(|| Duration::from_millis(500)),
            ..Setup::standard(transport)
        }
    }

    /// Makes the calls with these numbers.
    async fn window(self, clients: &Arc<Clients>, calls: std::ops::Range<u64>) -> Vec<Record> {
        let next = Arc::new(AtomicU64::new(calls.start));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (clients, next, end) = (Arc::clone(clients), Arc::clone(&next), calls.end);
            callers.spawn(async move {
                let mut records = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return records;
                    }
                    // Or a call that is not sent would be followed by the next without any time passing.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    let storm = number % BETWEEN_STORMS < STORM;
                    let call = self.call(&clients, number);
                    records.push(chance::with_seed(self.seed, number, storm, call).await);
                }
            });
        }
        callers.join_all().await.concat()
    }

    async fn call(self, clients: &Clients, number: u64) -> Record {
        let (at, person, session, patience) = chance::draw(|random| {
            let patience = (random.u32(..100) < IMPATIENT)
                .then(|| Duration::from_micros(random.u64(..30_000)));
            let session = format!("00000000-0000-4000-8000-{:012x}", random.u64(..1 << 48));
            let at = random.usize(..clients.operations.len());
            (at, random.u32(1..=10), session, patience)
        });
        let (subject, client) = &clients.operations[at];
        let mobile = format!("90000000{person:02}");
        let input = clients.inputs.of(subject, &mobile, &session).await;
        let input = input.expect("the sandbox answers what comes before");
        let asked = texts(&input);
        let options = CallOptions::new().with_request_id(request_id(number).unwrap());
        let call = client.call(input, options);
        let ended = match patience {
            Some(patience) => tokio::time::timeout(patience, call).await.ok(),
            None => Some(call.await),
        };
        let answer = match ended {
            Some(Ok(response)) => {
                // What the request is about need not be said again.
                let texts = texts(response.value()).into_iter().chain(asked);
                Answer::Reply(texts.map(|(_, text)| text).collect())
            }
            Some(Err(error)) => Answer::Error(error.outcome()),
            // A call that was dropped before its first attempt has no events.
            None => Answer::Dropped(chance::outcome_when_dropped().unwrap_or(Outcome::NotSent)),
        };
        let idempotency = match subject.operation.idempotency {
            Idempotency::Safe => Idempotency::Safe,
            _ if REPEATABLE.contains(&&*subject.name()) => Idempotency::Repeatable,
            _ => Idempotency::Unsafe,
        };
        Record {
            number,
            operation: at,
            idempotency,
            answer,
        }
    }
}

/// The clients of every operation.
struct Clients {
    operations: Vec<(Subject, Arc<dyn Caller>)>,
    inputs: Inputs,
}

/// One call and its result.
#[derive(Debug, Clone)]
struct Record {
    number: u64,
    /// In the order of the catalogue.
    operation: usize,
    idempotency: Idempotency,
    answer: Answer,
}

/// The results of all calls beside the ledger.
#[derive(Debug, Default)]
struct Report {
    /// The ledger's entries by call, of calls that are not settled yet; in the end those that belong to no call, or came after
    /// their call was settled.
    unsettled: HashMap<String, Traces>,
    read_to: u64,
    attempts: u64,
    faults: u64,
    answers: BTreeMap<&'static str, u64>,
    /// Replies by operation, in the order of the catalogue: each has to have some.
    replies: Vec<u64>,
    verdicts: BTreeMap<Verdict, u64>,
    memory_warm: u64,
    memory_end: u64,
}

impl Report {
    /// Takes over what is new in the ledger.
    fn read(&mut self, ledger: &Ledger) -> Result<()> {
        let read_to = self.read_to;
        let entries = ledger.entries().into_iter();
        for entry in entries.filter(|entry| entry.sequence() > read_to) {
            ensure!(
                entry.sequence() == self.read_to + 1,
                "the ledger dropped entries that nobody read"
            );
            self.read_to = entry.sequence();
            let id = entry.request_id().unwrap_or_default();
            if id != PREPARING {
                let traces = self.unsettled.entry(id.to_owned()).or_default();
                traces.requests += 1;
                traces.effects.extend(entry.effect_id().map(str::to_owned));
            }
        }
        Ok(())
    }

    fn settle(&mut self, record: Record) {
        let id = format!("call-{}", record.number);
        let traces = self.unsettled.remove(&id).unwrap_or_default();
        let verdict = judge(record.idempotency, &record.answer, &traces);
        let count = self.verdicts.entry(verdict).or_default();
        *count += 1;
        if verdict != Verdict::True && *count <= 3 {
            println!("  {verdict:?}: {record:?} {traces:?}");
        }
        let answer = match record.answer {
            Answer::Reply(_) => "answered",
            Answer::Error(outcome) => outcome.as_str(),
            Answer::Dropped(_) => "dropped",
        };
        self.replies[record.operation] += u64::from(answer == "answered");
        *self.answers.entry(answer).or_default() += 1;
    }

    fn print(&self, soak: Soak, took: Duration) {
        #[allow(clippy::cast_precision_loss, reason = "for people")]
        let faulty = 100.0 * self.faults as f64 / self.attempts.max(1) as f64;
        println!(
            "  {:?}: {} calls in {:.1} s, {} attempts, {faulty:.1} % faulty",
            soak.way,
            soak.calls,
            took.as_secs_f64(),
            self.attempts,
        );
        println!("    results: {:?}", self.answers);
        println!("    replies by operation: {:?}", self.replies);
        let [lost, denied, doubled, mistaken] = [
            Verdict::Lost,
            Verdict::Denied,
            Verdict::Doubled,
            Verdict::Mistaken,
        ]
        .map(|verdict| self.verdicts.get(&verdict).unwrap_or(&0));
        println!(
            "    lost {lost}, denied {denied}, doubled {doubled}, mistaken {mistaken}, of no call {}",
            self.unsettled.len(),
        );
        println!(
            "    memory {} after six tenths, {} at the end",
            mebibytes(self.memory_warm),
            mebibytes(self.memory_end),
        );
    }

    /// Fails unless every promise holds.
    fn verdict(&self) -> Result<()> {
        let all_true = self
            .verdicts
            .keys()
            .all(|verdict| *verdict == Verdict::True);
        ensure!(
            all_true && self.unsettled.is_empty(),
            "callers and ledger do not agree"
        );
        let silent = operations().into_iter().zip(&self.replies);
        let silent = silent.filter(|(_, replies)| **replies == 0);
        let silent: Vec<_> = silent.map(|(subject, _)| subject.name()).collect();
        ensure!(silent.is_empty(), "never answered: {}", silent.join(", "));
        ensure!(
            self.memory_end <= self.memory_warm + MOST_GROWTH,
            "memory grows with the number of calls"
        );
        Ok(())
    }
}
