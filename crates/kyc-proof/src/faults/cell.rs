//! One cell: a fault, an operation, a transport, and the ten invariants.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kyc_proof::catalogue::{Caller, Setup};
use provider_core::{
    CallOptions, Error, ErrorKind, Idempotency, JsonCall, MetricsObserver, Outcome, Response,
    Transport,
};
use serde_json::Value;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_rustls::rustls::ServerConfig;

use super::case::{Case, Drive, Expected, Hits, Idle, Row, Stage, Variant, Verdict};
use super::column::{Column, Size};
use super::observer::{CellClock, Events, Metrics, RecordingObserver};
use super::server::{DEAD_ADDRESS, Server};
use super::transports::{Authorities, Certificate, Kind, Roots, Wanted};
use super::wire::correct;
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
    pub(crate) index: usize,
    pub(crate) row: &'m Row,
    pub(crate) case: &'m Case,
    pub(crate) column: &'m Column,
    pub(crate) kind: &'static Kind,
    pub(crate) variant: &'m Variant,
    pub(crate) hits: Hits,
    pub(crate) expected: Vec<Expected>,
}

impl Cell<'_> {
    /// What to call it.
    pub(crate) fn name(&self) -> String {
        let mut name = format!("F{} {}", self.row.number, self.row.fault);
        for part in [self.case.name, &self.variant.name] {
            if !part.is_empty() {
                let _ = write!(name, ", {part}");
            }
        }
        let _ = write!(name, " × {} × {}", self.column, self.kind.name);
        if self.hits == Hits::Once {
            name.push_str(", once");
        }
        name
    }
}

/// What all cells share.
pub(crate) struct World {
    pub(crate) servers: Handle,
    pub(crate) authorities: Authorities,
    pub(crate) search: Search,
    pub(crate) metrics: Arc<MetricsObserver>,
    pub(crate) recorded: Metrics,
    pub(crate) seed: u64,
    /// How long something that must happen is waited for.
    pub(crate) patience: Duration,
}

/// What a cell showed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The verdict with attempts and effects.
    pub(crate) measured: String,
    /// What is not as it must be, each with its invariant.
    pub(crate) violations: Vec<String>,
    /// How long after its deadline a call ended.
    pub(crate) overrun: Duration,
    /// The most memory above what there was before.
    pub(crate) memory: Option<u64>,
    /// How many calls were made.
    pub(crate) calls: u32,
    /// How many bytes of output were searched.
    pub(crate) searched: u64,
    /// How many lines were logged, by target.
    pub(crate) targets: BTreeMap<String, u64>,
}

/// Runs a cell on this thread.
pub(crate) fn run(cell: &Cell<'_>, world: &World) -> Report {
    let capture = Capture::begin();
    let caught = catch_unwind(AssertUnwindSafe(|| TestBench::new(cell, world)?.perform()));
    let mut report = match caught {
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
    report.searched += text.len() as u64;
    for Leak { what, form } in world.search.leaks(text.as_bytes(), Source::Anything) {
        report.violations.push(format!("I4: {what}, {form}"));
    }
    report
}

/// What a call came to, as far as it is tabled.
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
    server: Server,
    runtime: Runtime,
    clock: Arc<CellClock>,
    observer: Arc<RecordingObserver>,
    transport: Arc<dyn Transport>,
    client: Arc<dyn Caller>,
    patience: Duration,
    /// Bytes of requests before the fault.
    before: u64,
    /// What the server proves itself by when the fault is over.
    good: Option<Arc<ServerConfig>>,
    report: Report,
}

impl<'c> TestBench<'c> {
    fn new(cell: &'c Cell<'c>, world: &World) -> Result<Self> {
        let case = cell.case;
        let certificate = match case.stage {
            Stage::Tls(certificate) => Some(certificate),
            Stage::NoSuchName => Some(Certificate::Good),
            _ => None,
        };
        let config = |certificate| world.authorities.server(certificate);
        let route = cell.column.operation().route;
        let served = certificate.map(config).transpose()?;
        let starting = Server::start(case.stage, served, route, correct(cell.column));
        let server = world.servers.block_on(starting)?;
        let roots = world.authorities.roots();
        let transport = (cell.kind.make)(&Wanted {
            roots: certificate.map_or(Roots::None, |_| Roots::Pem(&roots)),
            connect_timeout: case.connect_timeout,
            names: match case.stage {
                Stage::SilentResolver => Some(&[]),
                Stage::DeadAddressFirst => Some(&[DEAD_ADDRESS, IpAddr::V4(Ipv4Addr::LOCALHOST)]),
                _ => None,
            },
        })?;
        let origin = match case.stage {
            Stage::Plain | Stage::Refused | Stage::Ignored => "http://127.0.0.1",
            Stage::Tls(_) => "https://localhost",
            Stage::NoSuchName => "https://nobody.invalid",
            Stage::SilentResolver | Stage::DeadAddressFirst => "http://localhost",
        };
        let clock = Arc::new(CellClock::new(case.clock, world.seed ^ cell.index as u64));
        let observer = Arc::new(RecordingObserver::new(world.metrics.clone()));
        let setup = setup(&transport, &clock, &observer);
        let base_url = format!("{origin}:{}", server.port());
        let client = cell.column.subject.connect(&base_url, &setup)?;
        Ok(Self {
            cell,
            server,
            runtime: Builder::new_current_thread().enable_all().build()?,
            clock,
            observer,
            transport,
            client,
            good: certificate.map(|_| config(Certificate::Good)).transpose()?,
            patience: world.patience,
            before: 0,
            report: Report::default(),
        })
    }

    fn perform(mut self) -> Result<Report> {
        let baseline = resident_bytes()?;
        if self.cell.case.alone {
            reset_peak()?;
        }
        capture::note(&format!("{:?}\n{:#?}", self.client, self.client));
        let measured = self.provoke()?;
        self.check(&measured);
        if self.cell.case.evicts && self.runtime.block_on(self.server.closed()) > 0 {
            self.violation("I10: the connection is kept");
        }
        self.recover()?;
        if self.cell.case.alone {
            self.check_memory(peak_bytes()?.saturating_sub(baseline));
        }
        Ok(self.close())
    }

    fn violation(&mut self, text: impl Into<String>) {
        self.report.violations.push(text.into());
    }

    fn arm(&self) {
        let hits = match self.cell.hits {
            Hits::Once => 1,
            Hits::Always => usize::MAX,
        };
        self.server.arm(self.cell.variant.script.clone(), hits);
    }

    /// Makes the call, or the calls, under the fault.
    fn provoke(&mut self) -> Result<Measured> {
        let Case {
            drive,
            size,
            deadline,
            ..
        } = *self.cell.case;
        match drive {
            Drive::Call => {
                self.arm();
                Ok(self.call(size, deadline))
            }
            Drive::Again(idle) => {
                self.expect_ok("the call before");
                self.before = self.server.received();
                match idle {
                    Idle::Kept => self.arm(),
                    Idle::Ending => self.server.hang_up(),
                    Idle::Ended => {
                        self.server.hang_up();
                        let left = self.runtime.block_on(self.server.closed());
                        if left > 0 {
                            self.violation("I6: a connection that ended is kept");
                        }
                    }
                }
                Ok(self.call(size, deadline))
            }
            Drive::DropAtStall => {
                self.arm();
                let input = self.input(size)?;
                let dropped = async {
                    tokio::select! {
                        biased;
                        result = start(&self.client, &input, deadline) => Some(result),
                        () = self.server.stalled() => None,
                    }
                };
                let result = self.runtime.block_on(dropped);
                Ok(self.measure(result))
            }
            Drive::DropAtEachPoll => self.drop_at_each_poll(),
            Drive::Shutdown => {
                self.arm();
                let first = Builder::new_current_thread().enable_all().build()?;
                let (client, input) = (self.client.clone(), self.input(size)?);
                let call = first.spawn(async move { start(&client, &input, deadline).await });
                first.block_on(self.server.stalled());
                drop(first);
                let result = self.runtime.block_on(call);
                Ok(self.measure(result.ok()))
            }
            Drive::Often(calls) => self.call_often(calls),
            Drive::WithoutDescriptors => {
                let _few = WithFewDescriptors::set()?;
                let open = || File::open("/dev/null").ok();
                let _taken: Vec<_> = std::iter::from_fn(open).collect();
                Ok(self.call(size, deadline))
            }
            Drive::WithoutRoots => {
                let made = (self.cell.kind.make)(&Wanted {
                    roots: Roots::Platform,
                    connect_timeout: AMPLE,
                    names: None,
                });
                let error = made.err().context("there are root certificates")?;
                Ok(self.measure(Some(Err(error))))
            }
        }
    }

    fn input(&self, size: Size) -> Result<Value> {
        let input = self.cell.column.input(size);
        input.cloned().context("no request of this size")
    }

    /// One call, waited for until its deadline and then some.
    fn call(&mut self, size: Size, deadline: Duration) -> Measured {
        self.report.calls += 1;
        let started = Instant::now();
        let input = self.cell.column.input(size).unwrap_or(&Value::Null);
        let call = start(&self.client, input, deadline);
        let waiting = async { tokio::time::timeout(deadline + SLACK, call).await };
        let result = self.runtime.block_on(waiting);
        let overrun = started.elapsed().saturating_sub(deadline);
        self.report.overrun = self.report.overrun.max(overrun);
        if overrun > SLACK {
            self.violation(format!("I2: it ends {} s late", overrun.as_secs()));
        }
        match result {
            Ok(result) => self.measure(Some(result)),
            Err(_) => {
                self.violation("I2: it does not end");
                self.measure(None)
            }
        }
    }

    fn measure(&mut self, result: Option<Result<Response<Value>, Error>>) -> Measured {
        let pauses = self.clock.take_pauses();
        let events = self.observer.take();
        let measured = match result {
            Some(Ok(response)) => {
                if response.value().to_string().contains("forged") {
                    self.violation("I9: a forged reply was believed");
                }
                Measured {
                    verdict: Verdict::Ok,
                    attempts: response.attempts(),
                    id: Some(response.request_id().to_string()),
                    pauses,
                }
            }
            Some(Err(error)) => {
                capture::note(&printed(&error));
                Measured {
                    verdict: Verdict::Failed(error.kind(), error.outcome()),
                    attempts: error.attempts(),
                    id: error.request_id().map(ToString::to_string),
                    pauses,
                }
            }
            None => Measured {
                verdict: Verdict::Dropped(events.dropped.unwrap_or(Outcome::NotSent)),
                attempts: events.attempts_started,
                id: None,
                pauses,
            },
        };
        self.check_events(&measured, events);
        measured
    }

    /// The observer is notified of what the caller gets.
    fn check_events(&mut self, measured: &Measured, events: Events) {
        let dropped = match measured.verdict {
            Verdict::Dropped(outcome) => Some(outcome),
            Verdict::Ok | Verdict::Failed(..) => None,
        };
        let begun = dropped.is_none() || events.attempts_started > 0;
        let built = self.cell.case.drive != Drive::WithoutRoots;
        let expected = Events {
            attempts_started: measured.attempts,
            attempts_ended: measured
                .attempts
                .saturating_sub(u32::from(dropped.is_some())),
            calls_ended: u32::from(begun),
            dropped: dropped.filter(|_| begun),
        };
        if events != expected && built {
            self.violation(format!("I7: the observer got {events:?}"));
        }
    }

    /// Never polled, polled once, twice, and so on, until the call comes to its end.
    fn drop_at_each_poll(&mut self) -> Result<Measured> {
        const MOST: u32 = 1_000;
        self.arm();
        let mut worst = None;
        for limit in 0..MOST {
            self.report.calls += 1;
            let input = self.input(Size::Usual)?;
            let mut call = start(&self.client, &input, AMPLE);
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

    fn call_often(&mut self, calls: u32) -> Result<Measured> {
        self.arm();
        let Case { size, deadline, .. } = *self.cell.case;
        let first = self.call(size, deadline);
        for _ in 1..calls {
            self.call(size, deadline);
        }
        let requests = self.server.ledger().requests.len();
        let most = match first.verdict {
            Verdict::Ok => calls,
            _ => calls + calls / 10,
        };
        if requests > most as usize {
            self.violation(format!("I7: {requests} requests of {calls} calls"));
        }
        Ok(first)
    }

    /// The invariants that hold of the call under any fault.
    fn check(&mut self, measured: &Measured) {
        let ledger = self.server.ledger();
        let effects = match &measured.id {
            Some(id) => ledger.effects_of(id),
            // Dropped: its id is unknown, and no other call had as many effects.
            None => ledger.most_effects(),
        };
        let (verdict, attempts) = (measured.verdict, measured.attempts);
        self.report.measured = format!("{verdict} ×{attempts} e{effects}");
        let tabled = self.cell.expected.iter().any(|expected| {
            expected.verdict == verdict
                && expected.attempts.contains(&attempts)
                && expected.effects.contains(&effects)
        });
        if !tabled {
            let expected: Vec<_> = self.cell.expected.iter().map(ToString::to_string).collect();
            let measured = self.report.measured.clone();
            self.violation(format!(
                "I9: {measured}, tabled is {}",
                expected.join(" or ")
            ));
        }
        self.check_effects();
        if let Some(id) = &measured.id {
            let complete = ledger.of(id).filter(|request| request.complete).count();
            if complete > attempts as usize {
                self.violation(format!("I7: {complete} requests of {attempts} attempts"));
            }
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
        self.check_pauses(measured);
        let strangers = self.server.strangers();
        if strangers > 0 {
            self.violation(format!("I8: {strangers} connections to somebody else"));
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

    fn check_pauses(&mut self, measured: &Measured) {
        let pauses = &measured.pauses;
        let repeats = measured.attempts.saturating_sub(1) as usize;
        if pauses.len() != repeats {
            self.violation(format!("I7: {} pauses, {repeats} repeats", pauses.len()));
        }
        let fits = |(at, pause): (usize, &Duration)| match self.cell.case.pause {
            Some(named) => *pause == named,
            None => PAUSES.get(at).is_some_and(|most| pause < most),
        };
        if !pauses.iter().enumerate().all(fits) {
            self.violation(format!("I7: the pauses are {pauses:?}"));
        }
    }

    /// The next call on the same client.
    fn recover(&mut self) -> Result<()> {
        self.server.recover(self.good.take())?;
        self.runtime.block_on(self.server.reachable());
        // The name will not come to exist: the same transport, another address.
        let elsewhere = match self.cell.case.stage {
            Stage::NoSuchName => Some("https://localhost"),
            Stage::SilentResolver => Some("http://127.0.0.1"),
            _ => None,
        };
        if let Some(origin) = elsewhere {
            let setup = setup(&self.transport, &self.clock, &self.observer);
            let base_url = format!("{origin}:{}", self.server.port());
            self.client = self.cell.column.subject.connect(&base_url, &setup)?;
        }
        if let Drive::Often(_) = self.cell.case.drive {
            self.wait_for_the_circuit();
        }
        self.expect_ok("I10: the call afterwards");
        self.check_effects();
        Ok(())
    }

    /// After so many failures the circuit is open for a moment.
    fn wait_for_the_circuit(&mut self) {
        let unavailable = Verdict::Failed(ErrorKind::Unavailable, Outcome::NotSent);
        let started = Instant::now();
        while self.call(Size::Usual, AMPLE).verdict == unavailable
            && started.elapsed() < self.patience
        {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn expect_ok(&mut self, name: &str) {
        let measured = self.call(Size::Usual, AMPLE);
        let id = measured.id.unwrap_or_default();
        let effects = self.server.ledger().effects_of(&id);
        if (measured.verdict, measured.attempts, effects) != (Verdict::Ok, 1, 1) {
            let (verdict, attempts) = (measured.verdict, measured.attempts);
            self.violation(format!("{name}: {verdict} ×{attempts} e{effects}"));
        }
    }

    fn check_memory(&mut self, used: u64) {
        self.report.memory = Some(used);
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
        drop((self.client, self.transport));
        let metrics = runtime.metrics();
        let started = Instant::now();
        while metrics.num_alive_tasks() > 0 && started.elapsed() < self.patience {
            runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        }
        for (left, what) in [
            (metrics.num_alive_tasks(), "tasks"),
            (runtime.block_on(server.closed()), "connections"),
        ] {
            if left > 0 {
                report
                    .violations
                    .push(format!("I6: {left} {what} are left"));
            }
        }
        report
    }
}

fn setup(
    transport: &Arc<dyn Transport>,
    clock: &Arc<CellClock>,
    observer: &Arc<RecordingObserver>,
) -> Setup {
    Setup {
        account: planted::SETTINGS,
        clock: clock.clone(),
        observer: Some(observer.clone()),
        ..Setup::standard(transport.clone())
    }
}

fn start<'c>(client: &'c Arc<dyn Caller>, input: &Value, deadline: Duration) -> JsonCall<'c> {
    client.call(input.clone(), CallOptions::new().with_timeout(deadline))
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
