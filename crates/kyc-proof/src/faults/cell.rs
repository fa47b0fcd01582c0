//! One cell: a fault, an operation, a transport, and the ten invariants.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kyc_proof::catalogue::{Caller, Setup};
use provider_core::{
    CallOptions, Error, Idempotency, JsonCall, MetricsObserver, Outcome, Response,
};
use serde_json::Value;
use tokio::runtime::{Builder, Handle, Runtime};

use super::case::{Case, Drive, Idle, Stage, Variant, Verdict};
use super::column::Column;
use super::observer::{CellClock, Events, RecordingObserver};
use super::server::Server;
use super::transports::{Certificate, Certificates, Kind, Roots};
use super::wire::Reply;
use crate::planted;
use crate::planted::capture::{self, Capture};
use crate::planted::search::{Leak, Search, Source};
use crate::process::{WithFewDescriptors, peak_bytes, reset_peak, resident_bytes};

/// How far past its deadline a call may end. It tells a hang from a busy machine, and nothing finer.
const SLACK: Duration = Duration::from_secs(10);

/// The deadline of a call that nothing should delay.
const AMPLE: Duration = Duration::from_secs(30);

/// The longest pause before the second and the third attempt.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(400)];

/// One cell of the matrix.
pub(crate) struct Cell<'m> {
    pub(crate) case: &'m Case,
    pub(crate) column: &'m Column,
    pub(crate) kind: &'static Kind,
    pub(crate) variant: &'m Variant,
    /// Whether one exchange is hit, or every one.
    pub(crate) once: bool,
    /// Empty until it has run.
    pub(crate) report: Report,
}

/// What all cells share.
pub(crate) struct World {
    pub(crate) servers: Handle,
    pub(crate) certificates: Certificates,
    pub(crate) search: Search,
    pub(crate) metrics: Arc<MetricsObserver>,
    pub(crate) seed: u64,
    /// How long something that must happen is waited for.
    pub(crate) patience: Duration,
}

/// What a cell showed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What is not as it must be, each with its invariant.
    pub(crate) violations: Vec<String>,
    /// How long after its deadline a call ended.
    pub(crate) overrun: Duration,
    /// The most memory above what there was before.
    pub(crate) memory: u64,
    /// How many calls were made.
    pub(crate) calls: u32,
    /// How many bytes of output were searched.
    pub(crate) searched: u64,
    /// How many lines were logged, by target.
    pub(crate) targets: BTreeMap<String, u64>,
}

impl Cell<'_> {
    /// What to call it.
    pub(crate) fn name(&self) -> String {
        let mut name = self.case.title();
        if !self.variant.name.is_empty() {
            let _ = write!(name, ", {}", self.variant.name);
        }
        let _ = write!(name, " × {} × {}", self.column, self.kind.name);
        name + if self.once { ", once" } else { "" }
    }

    /// Runs it on this thread.
    pub(crate) fn run(&mut self, world: &World) {
        let capture = Capture::begin();
        let perform = || TestBench::new(self, world)?.perform();
        let mut report = match catch_unwind(AssertUnwindSafe(perform)) {
            Ok(Ok(report)) => report,
            Ok(Err(failure)) => Report {
                violations: vec![format!("the cell itself: {failure:#}")],
                ..Report::default()
            },
            Err(_) => Report::default(),
        };
        report.targets = capture.targets();
        let (text, panics) = capture.end();
        let panics = panics.into_iter().map(|panic| format!("I1: {panic}"));
        report.violations.extend(panics);
        report.searched = text.len() as u64;
        for Leak { what, form } in world.search.leaks(text.as_bytes(), Source::Anything) {
            report.violations.push(format!("I4: {what}, {form}"));
        }
        self.report = report;
    }
}

/// What a call came to.
#[derive(Debug, Clone)]
struct Measured {
    verdict: Verdict,
    attempts: u32,
    id: Option<String>,
    pauses: Vec<Duration>,
}

/// A server, a client, and the fault between them.
struct TestBench<'c> {
    cell: &'c Cell<'c>,
    case: &'c Case,
    server: Server,
    runtime: Runtime,
    setup: Setup,
    clock: Arc<CellClock>,
    observer: Arc<RecordingObserver>,
    client: Arc<dyn Caller>,
    world: &'c World,
    /// Bytes of requests before the fault.
    before: u64,
    report: Report,
}

impl<'c> TestBench<'c> {
    fn new(cell: &'c Cell<'c>, world: &'c World) -> Result<Self> {
        let case = cell.case;
        let (certificate, origin) = match case.stage {
            Stage::Plain | Stage::Refused => (None, "http://127.0.0.1"),
            Stage::Tls(certificate) => (Some(certificate), "https://localhost"),
            Stage::NoSuchName => (Some(Certificate::Good), "https://nobody.invalid"),
        };
        let Certificates { servers, roots } = &world.certificates;
        let tls = certificate.map(|certificate| &servers[&certificate]);
        let roots = certificate.map_or(Roots::None, |_| Roots::Pem(roots));
        let (route, reply) = (cell.column.operation().route, Reply::correct(cell.column));
        let starting = Server::start(case.stage, tls, route, reply.bytes());
        let server = world.servers.block_on(starting)?;
        let transport = (cell.kind.make)(roots, case.connect_timeout)?;
        let clock = Arc::new(CellClock::new(world.seed));
        let observer = Arc::new(RecordingObserver::new(world.metrics.clone()));
        let setup = Setup {
            account: planted::SETTINGS,
            clock: clock.clone(),
            observer: Some(observer.clone()),
            ..Setup::standard(transport)
        };
        let base_url = format!("{origin}:{}", server.port());
        let client = cell.column.subject.connect(&base_url, &setup)?;
        Ok(Self {
            cell,
            case,
            server,
            runtime: Builder::new_current_thread().enable_all().build()?,
            setup,
            clock,
            observer,
            client,
            world,
            before: 0,
            report: Report::default(),
        })
    }

    fn perform(mut self) -> Result<Report> {
        let baseline = resident_bytes()?;
        if self.case.alone {
            reset_peak()?;
        }
        capture::note(&format!("{:?}\n{:#?}", self.client, self.client));
        let measured = self.provoke()?;
        self.check(&measured);
        if self.case.evicts && self.runtime.block_on(self.server.closed()) > 0 {
            self.violation("I10: the connection is kept");
        }
        self.recover()?;
        if self.case.alone {
            self.check_memory(peak_bytes()?.saturating_sub(baseline));
        }
        Ok(self.close())
    }

    fn violation(&mut self, text: impl Into<String>) {
        self.report.violations.push(text.into());
    }

    fn arm(&self) {
        let hits = if self.cell.once { 1 } else { usize::MAX };
        self.server.arm(self.cell.variant.script.clone(), hits);
    }

    fn input(&self) -> Value {
        let input = self.cell.column.input(self.case.large);
        input.cloned().expect("a case only where there is one")
    }

    /// Makes the call, or the calls, under the fault.
    fn provoke(&mut self) -> Result<Measured> {
        match self.case.drive {
            Drive::Call => self.arm(),
            Drive::Again(idle) => {
                self.expect_ok("the call before");
                self.before = self.server.received();
                match idle {
                    Idle::Kept => self.arm(),
                    Idle::Ending => self.server.hang_up(),
                    Idle::Ended => {
                        self.server.hang_up();
                        if self.runtime.block_on(self.server.closed()) > 0 {
                            self.violation("I6: a connection that ended is kept");
                        }
                    }
                }
            }
            Drive::DropAtEachPoll => return self.drop_at_each_poll(),
            Drive::Shutdown => {
                self.arm();
                let first = Builder::new_current_thread().enable_all().build()?;
                let (client, input) = (self.client.clone(), self.input());
                let call = first.spawn(async move { start(&client, input, AMPLE).await });
                first.block_on(self.server.stalled());
                drop(first);
                let result = self.runtime.block_on(call);
                return Ok(self.measure(result.ok()));
            }
            Drive::WithoutDescriptors => {
                let _few = WithFewDescriptors::set()?;
                let open = || File::open("/dev/null").ok();
                let _taken: Vec<_> = std::iter::from_fn(open).collect();
                return Ok(self.call(self.input(), AMPLE));
            }
        }
        Ok(self.call(self.input(), self.case.deadline))
    }

    /// One call, waited for until its deadline and then some.
    fn call(&mut self, input: Value, deadline: Duration) -> Measured {
        self.report.calls += 1;
        let started = Instant::now();
        let call = start(&self.client, input, deadline);
        let waiting = async { tokio::time::timeout(deadline + SLACK, call).await };
        let result = self.runtime.block_on(waiting);
        let overrun = started.elapsed().saturating_sub(deadline);
        self.report.overrun = self.report.overrun.max(overrun);
        if overrun > SLACK {
            self.violation(format!("I2: it ends {} s late", overrun.as_secs()));
        }
        self.measure(result.ok())
    }

    /// The result of a call, or none if it was dropped.
    fn measure(&mut self, result: Option<Result<Response<Value>, Error>>) -> Measured {
        let events = self.observer.take();
        let (verdict, attempts, id) = match result {
            Some(Ok(response)) => {
                if response.value().to_string().contains("forged") {
                    self.violation("I9: a forged reply was believed");
                }
                let id = Some(response.request_id().to_string());
                (Verdict::Ok, response.attempts(), id)
            }
            Some(Err(error)) => {
                capture::note(&printed(&error));
                let failed = Verdict::Failed(error.kind(), error.outcome());
                let id = error.request_id().map(ToString::to_string);
                (failed, error.attempts(), id)
            }
            None => {
                let outcome = events.dropped.unwrap_or(Outcome::NotSent);
                (Verdict::Dropped(outcome), events.attempts_started, None)
            }
        };
        // The observer is notified of what the caller gets.
        let dropped = match verdict {
            Verdict::Dropped(outcome) => Some(outcome),
            Verdict::Ok | Verdict::Failed(..) => None,
        };
        let begun = dropped.is_none() || attempts > 0;
        let expected = Events {
            attempts_started: attempts,
            attempts_ended: attempts.saturating_sub(u32::from(dropped.is_some())),
            calls_ended: u32::from(begun),
            dropped: dropped.filter(|_| begun),
        };
        if events != expected {
            self.violation(format!("I7: the observer got {events:?}"));
        }
        Measured {
            verdict,
            attempts,
            id,
            pauses: self.clock.take_pauses(),
        }
    }

    /// Never polled, polled once, twice, and so on, until the call comes to its end.
    fn drop_at_each_poll(&mut self) -> Result<Measured> {
        const MOST: u32 = 1_000;
        self.arm();
        let mut worst = None;
        for limit in 0..MOST {
            self.report.calls += 1;
            let mut call = start(&self.client, self.input(), AMPLE);
            let mut polls = 0;
            let polled = poll_fn(|context| {
                if polls == limit {
                    return Poll::Ready(None);
                }
                polls += 1;
                call.as_mut().poll(context).map(Some)
            });
            let result = self.runtime.block_on(polled);
            {
                // hyper-util's pool spawns a task when it gets a connection back, and panics where it cannot.
                let _runtime = self.runtime.enter();
                drop(call);
            }
            if limit == 0 && self.server.received() > 0 {
                self.violation("I7: a call that was never polled was sent");
            }
            let measured = self.measure(result);
            match measured.verdict {
                Verdict::Dropped(Outcome::NotSent) if limit == 0 => {}
                Verdict::Dropped(_) => worst = Some(measured),
                Verdict::Ok => return worst.context("it comes to its end at once"),
                Verdict::Failed(..) => {
                    self.violation("I10: the call that was not dropped failed");
                    return Ok(measured);
                }
            }
        }
        bail!("the call never comes to its end")
    }

    /// The invariants that hold of the call under any fault.
    fn check(&mut self, measured: &Measured) {
        let Measured {
            verdict,
            attempts,
            id,
            pauses,
        } = measured;
        let (attempts, ledger) = (*attempts, self.server.ledger());
        let effects = match id {
            Some(id) => ledger.effects_of(id),
            // Dropped: its id is unknown, and no other call had as many effects.
            None => ledger.most_effects(),
        };
        let effect = self.cell.variant.script.has_effect();
        let idempotency = self.cell.column.operation().idempotency;
        let expected = self.case.expect(self.cell.variant).into_iter();
        let expected: Vec<_> = expected
            .map(|expect| expect.of_call(self.cell.once, effect, idempotency))
            .collect();
        let tabled = expected.iter().any(|expected| {
            expected.0 == *verdict
                && expected.1.contains(&attempts)
                && expected.2.contains(&effects)
        });
        if !tabled {
            self.violation(format!(
                "I9: {verdict:?} after {attempts} attempts with {effects} effects, expected {expected:?}"
            ));
        }
        self.check_effects();
        let repeats = attempts.saturating_sub(1) as usize;
        let requests = id.iter().flat_map(|id| ledger.of(id));
        let complete = requests.filter(|request| request.complete).count();
        if complete > attempts as usize || pauses.len() != repeats {
            self.violation(format!(
                "I7: {complete} requests and {pauses:?} in {attempts} attempts"
            ));
        }
        let fits = |(at, pause): (usize, &Duration)| match self.case.pause {
            Some(named) => *pause == named,
            None => PAUSES.get(at).is_some_and(|most| pause < most),
        };
        if !pauses.iter().enumerate().all(fits) {
            self.violation(format!("I7: the pauses are {pauses:?}"));
        }
        if let Verdict::Failed(_, outcome) | Verdict::Dropped(outcome) = verdict {
            let wrong = match outcome {
                Outcome::NotSent => self.server.received() > self.before,
                Outcome::Refused => effects > 0,
                Outcome::Unknown => false,
                Outcome::Done => effects == 0,
            };
            if wrong {
                self.violation(format!("I9: the outcome is {}", outcome.as_str()));
            }
        }
        for objection in ledger.objections {
            self.violation(format!("I8: {objection}"));
        }
    }

    fn check_effects(&mut self) {
        let idempotency = self.cell.column.operation().idempotency;
        if idempotency == Idempotency::Unsafe && self.server.ledger().most_effects() > 1 {
            self.violation("I3: done more than once");
        }
    }

    /// The next call on the same client.
    fn recover(&mut self) -> Result<()> {
        let good = &self.world.certificates.servers[&Certificate::Good];
        self.server.recover(good)?;
        // The name will not come to exist: the same transport, another address.
        if self.case.stage == Stage::NoSuchName {
            let base_url = format!("https://localhost:{}", self.server.port());
            self.client = self.cell.column.subject.connect(&base_url, &self.setup)?;
        }
        self.expect_ok("I10: the call afterwards");
        self.check_effects();
        Ok(())
    }

    fn expect_ok(&mut self, name: &str) {
        let input = self.cell.column.exchange.input.clone();
        let measured = self.call(input, AMPLE);
        let (verdict, attempts) = (measured.verdict, measured.attempts);
        let id = measured.id.unwrap_or_default();
        let effects = self.server.ledger().effects_of(&id);
        if (verdict, attempts, effects) != (Verdict::Ok, 1, 1) {
            self.violation(format!("{name}: {verdict:?} ×{attempts} e{effects}"));
        }
    }

    fn check_memory(&mut self, used: u64) {
        self.report.memory = used;
        let most = 4 * self.cell.column.operation().max_reply_bytes as u64;
        if used > most {
            self.violation(format!(
                "I5: {used} bytes above the beginning, at most {most}"
            ));
        }
    }

    /// Drops the client, and reports what is left of it.
    fn close(self) -> Report {
        let (server, runtime, mut report) = (self.server, self.runtime, self.report);
        drop((self.client, self.setup));
        let metrics = runtime.metrics();
        let started = Instant::now();
        while metrics.num_alive_tasks() > 0 && started.elapsed() < self.world.patience {
            runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        }
        let (tasks, connections) = (metrics.num_alive_tasks(), runtime.block_on(server.closed()));
        if tasks + connections > 0 {
            let left = format!("I6: {tasks} tasks and {connections} connections are left");
            report.violations.push(left);
        }
        report
    }
}

fn start<'c>(client: &'c Arc<dyn Caller>, input: Value, deadline: Duration) -> JsonCall<'c> {
    client.call(input, CallOptions::new().with_timeout(deadline))
}

/// All that can be printed of an error.
pub(crate) fn printed(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}\n", error.report());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = writeln!(text, "{error}\n{error:?}\n{error:#?}");
        cause = error.source();
    }
    let _ = writeln!(
        text,
        "{:?} {:?} {:?} {:?} {:?}",
        error.raw_response(),
        error.fault(),
        error.decode(),
        error.invalid_request(),
        error.verification(),
    );
    text
}
