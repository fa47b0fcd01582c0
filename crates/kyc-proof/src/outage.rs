//! Ten minutes in which a provider does not answer: what the clients send meanwhile, and how soon they recover.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, ensure};
use kyc_proof::catalogue::{Setup, Subject, operations};
use kyc_sandbox::{FinproSettings, Sandbox, SandboxTransport};
use provider_core::{CallOptions, ErrorKind, Outcome, Transport};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::Settings;
use crate::inputs::request_id;
use crate::load::chance::{self, SeededClock};
use crate::load::{FailingTransport, Fault, Passage};

/// Calls a second, before, during and after.
const RATE: u32 = 50;

/// Before it begins all is well.
const BEFORE: Duration = Duration::from_secs(10);

/// Long enough for the last call of the outage to run out of time.
const AFTER: Duration = Duration::from_secs(60);

/// How long the provider takes to answer anything.
const LATENCY: Duration = Duration::from_millis(50);

/// Requests a call, at most, while nothing is answered.
const MOST_AMPLIFICATION: f64 = 1.10;

/// By then every new call is answered again, and each is one request.
const RECOVERED: Duration = Duration::from_secs(2);

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let lasts = Duration::from_secs(if settings.short { 60 } else { 600 });
    println!(
        "  {} s of outage at {RATE} calls a second, virtual time; healthy again, at most {MOST_AMPLIFICATION} requests a call and {} s",
        lasts.as_secs(),
        RECOVERED.as_secs(),
    );
    println!(
        "  {:<24}{:<26}{:>7}{:>10}{:>14}{:>12}{:>12}{:>8}",
        "outage",
        "operation",
        "calls",
        "requests",
        "amplification",
        "not sent",
        "full after",
        "then"
    );
    let mut missed = Vec::new();
    let mut subjects = operations();
    if settings.short {
        // What is retried depends on the provider and on this alone.
        let kind = |subject: &Subject| (subject.provider, subject.operation.idempotency);
        let mut kinds = HashSet::new();
        subjects.retain(|subject| kinds.insert(kind(subject)));
    }
    // How soon it recovers depends on where in the circuit breaker's pause the outage ends.
    let ends = if settings.short { 2 } else { 5 };
    let lasting = || (0..ends).map(|part| lasts + Duration::from_secs(1) * part / ends);
    for (name, fault) in FAULTS {
        for subject in &subjects {
            let mut worst = Report::default();
            for lasts in lasting() {
                let report = passed(fault, subject, lasts, settings.seed)?;
                worst = worst.or_worse(report);
            }
            println!("  {:<24}{:<26}{worst}", name, subject.name());
            if !worst.holds() {
                missed.push(format!("{} {}", name, subject.name()));
            }
        }
    }
    ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
    Ok(())
}

/// The figures of an outage for this operation.
fn passed(fault: Fault, subject: &Subject, lasts: Duration, seed: u64) -> Result<Report> {
    in_virtual_time(async { Outage::new(fault, lasts).passes(subject, seed).await })?
}

fn in_virtual_time<T>(work: impl Future<Output = T>) -> Result<T> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    Ok(runtime.block_on(work))
}

/// How a provider fails, each with its name.
const FAULTS: [(&str, Fault); 5] = [
    ("503", Fault::FailureBefore(503)),
    ("connection refused", Fault::Unreachable),
    ("connection broken", Fault::RequestLost),
    ("silence", Fault::SilenceBefore),
    ("429, Retry-After: 2", Fault::Limited(Some("2"))),
];

/// A sandbox with an outage, and the requests to it.
struct Outage {
    begins: Instant,
    ends: Instant,
    transport: Arc<dyn Transport>,
    requests: Arc<Mutex<Vec<Instant>>>,
}

impl Outage {
    /// An outage that begins after a healthy while.
    fn new(fault: Fault, lasts: Duration) -> Self {
        let finpro = FinproSettings::default().with_rate_limit(u64::MAX);
        let sandbox = Sandbox::new(kyc_sandbox::Settings::default().with_finpro(finpro));
        let begins = Instant::now() + BEFORE;
        let ends = begins + lasts;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let passage = move || {
            let now = Instant::now();
            seen.lock().unwrap().push(now);
            Passage {
                fault: (begins..ends).contains(&now).then_some(fault),
                out: LATENCY,
                ..Passage::default()
            }
        };
        Self {
            begins,
            ends,
            transport: Arc::new(FailingTransport {
                inner: Arc::new(sandbox.transport()),
                passage,
            }),
            requests,
        }
    }

    /// A client of ours as its builder makes it makes one call each tick, before, during and after.
    async fn passes(&self, subject: &Subject, seed: u64) -> Result<Report> {
        let setup = Setup {
            clock: Arc::new(SeededClock),
            ..Setup::standard(Arc::clone(&self.transport))
        };
        let client = subject.connect_to(&SandboxTransport::base_urls(), &setup)?;
        let input = subject.exchange().input;
        let tick = Duration::from_secs(1) / RATE;
        let mut next = Instant::now();
        let mut calls = JoinSet::new();
        for number in 0.. {
            if next >= self.ends + AFTER {
                break;
            }
            sleep_until(next).await;
            let (client, input) = (Arc::clone(&client), input.clone());
            let options = CallOptions::new().with_request_id(request_id(number)?);
            calls.spawn(chance::with_seed(seed, number, false, async move {
                let began = Instant::now();
                let result = client.call(input, options).await;
                let ended = match result.map_err(|error| (error.kind(), error.outcome())) {
                    // A refusal by the provider itself is an answer.
                    Ok(_) | Err((ErrorKind::Api, Outcome::Refused)) => Ended::Answered,
                    Err((ErrorKind::Unavailable, _)) => Ended::NotSent,
                    Err(_) => Ended::Failed,
                };
                (began, ended)
            }));
            next += tick;
        }
        Ok(self.report(&calls.join_all().await))
    }

    fn report(&self, calls: &[(Instant, Ended)]) -> Report {
        let requests = self.requests.lock().unwrap();
        let away = self.begins..self.ends;
        let well = self.ends + RECOVERED..self.ends + AFTER;
        let calls_in = |time: &Range<Instant>| {
            let began = calls.iter().filter(|(began, _)| time.contains(began));
            began.count()
        };
        let requests_in =
            |time: &Range<Instant>| requests.iter().filter(|at| time.contains(at)).count();
        let full_after = calls
            .iter()
            .filter(|(began, ended)| *began >= self.ends && *ended != Ended::Answered)
            .map(|(began, _)| began.duration_since(self.ends) + Duration::from_secs(1) / RATE)
            .max()
            .unwrap_or_default();
        let not_sent =
            |(began, ended): &&(Instant, Ended)| away.contains(began) && *ended == Ended::NotSent;
        Report {
            calls: calls_in(&away),
            requests: requests_in(&away),
            not_sent: calls.iter().filter(not_sent).count(),
            full_after,
            then: ratio(requests_in(&well), calls_in(&well)),
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Answered,
    NotSent,
    Failed,
}

/// The figures of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Report {
    /// Calls made and requests sent while it lasted.
    calls: usize,
    requests: usize,
    /// Calls that ended at once because the circuit was open.
    not_sent: usize,
    /// From then on, after its end, every new call was answered.
    full_after: Duration,
    /// Requests a call once all should be well.
    then: f64,
}

impl Report {
    /// The worse of two runs in each respect.
    fn or_worse(self, other: Self) -> Self {
        let worse = if self.amplification() > other.amplification() {
            self
        } else {
            other
        };
        Self {
            full_after: self.full_after.max(other.full_after),
            then: self.then.max(other.then),
            ..worse
        }
    }

    fn amplification(&self) -> f64 {
        ratio(self.requests, self.calls)
    }

    fn holds(&self) -> bool {
        self.amplification() <= MOST_AMPLIFICATION
            && self.full_after <= RECOVERED
            && self.then <= 1.0
    }
}

#[allow(clippy::cast_precision_loss, reason = "thousands")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>7}{:>10}{:>14}{:>12}{:>12}{:>8}",
            self.calls,
            self.requests,
            format!("{:.4}", self.amplification()),
            format!("{:.1} %", 100.0 * ratio(self.not_sent, self.calls)),
            format!("{:.2} s", self.full_after.as_secs_f64()),
            format!("{:.2}", self.then),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_requests_are_counted_by_when_they_began() {
        let counted = in_virtual_time(async {
            let outage = Outage::new(Fault::Unreachable, Duration::from_secs(1));
            let at = |millis: i64| {
                let offset = Duration::from_millis(millis.unsigned_abs());
                if millis < 0 {
                    outage.begins - offset
                } else {
                    outage.begins + offset
                }
            };
            *outage.requests.lock().unwrap() = [-1, 0, 1, 999, 1_000, 5_000].map(at).to_vec();
            outage.report(&[
                (at(-1), Ended::Failed),
                (at(0), Ended::NotSent),
                (at(999), Ended::Failed),
                (at(1_000), Ended::Answered),
                (at(1_100), Ended::NotSent),
                (at(5_000), Ended::Answered),
            ])
        });
        let expected = Report {
            calls: 2,
            requests: 3,
            not_sent: 1,
            full_after: Duration::from_millis(120),
            then: 1.0,
        };
        assert_eq!(counted.unwrap(), expected);
    }

    #[test]
    fn an_outage_costs_no_more_requests_than_promised() {
        let lasts = Duration::from_secs(30);
        // One of each provider: all of them are the proof's.
        let mut subjects = operations();
        subjects.dedup_by_key(|subject| subject.provider);
        for subject in subjects {
            let report = passed(Fault::FailureBefore(503), &subject, lasts, 1).unwrap();
            assert!(report.holds(), "{}", subject.name());
        }
    }
}
