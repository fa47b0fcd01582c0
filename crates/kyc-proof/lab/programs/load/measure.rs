//! Calls at once on one thread, timed: every caller warms up first, and then its calls are counted.
//!
//! All Rust peers are measured by this file.

use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Somebody who can make a call.
pub(crate) trait Caller: 'static {
    /// Makes one call and decodes the reply. `worker` is one of those who call at the same time, `number` the call's own.
    async fn call(&self, worker: usize, number: usize) -> Result<()>;
}

/// How long every call took, and what the process spent.
pub(crate) struct Measured {
    latencies: Vec<Duration>,
    elapsed: Duration,
    processor: Processor,
}

impl Measured {
    /// From the calls that began at `started`, when the process had spent `before`.
    pub(crate) fn since(
        started: Instant,
        before: &Processor,
        mut latencies: Vec<Duration>,
    ) -> Result<Self> {
        let elapsed = started.elapsed();
        let processor = Processor::now()?.minus(before);
        latencies.sort_unstable();
        Ok(Self {
            latencies,
            elapsed,
            processor,
        })
    }

    /// `CALLS ELAPSED_S P50_US P99_US USER_S SYSTEM_S`
    pub(crate) fn line(&self) -> String {
        let at = |percent: usize| {
            let index = self.latencies.len().saturating_sub(1) * percent / 100;
            let latency = self.latencies.get(index).copied().unwrap_or_default();
            latency.as_secs_f64() * 1e6
        };
        format!(
            "{} {:.6} {:.1} {:.1} {:.6} {:.6}",
            self.latencies.len(),
            self.elapsed.as_secs_f64(),
            at(50),
            at(99),
            self.processor.user.as_secs_f64(),
            self.processor.system.as_secs_f64(),
        )
    }
}

/// Processor time of this process.
pub(crate) struct Processor {
    user: Duration,
    system: Duration,
}

impl Processor {
    pub(crate) fn now() -> Result<Self> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        let micros = |micros: i64| u64::try_from(micros).map(Duration::from_micros);
        Ok(Self {
            user: micros(usage.user_time().num_microseconds())?,
            system: micros(usage.system_time().num_microseconds())?,
        })
    }

    fn minus(&self, before: &Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

/// How many calls warm up: half as many as are counted, and at least two for each who calls.
pub(crate) fn warm_up(concurrency: usize, calls: usize) -> usize {
    (calls / 2).max(2 * concurrency)
}

/// Makes the calls of a warm-up and `calls` more, `concurrency` at a time.
pub(crate) fn measure(caller: impl Caller, concurrency: usize, calls: usize) -> Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let caller = Rc::new(caller);
    let set = tokio::task::LocalSet::new();
    set.block_on(&runtime, async {
        all(&caller, concurrency, warm_up(concurrency, calls)).await?;
        let (before, started) = (Processor::now()?, Instant::now());
        let latencies = all(&caller, concurrency, calls).await?;
        Measured::since(started, &before, latencies)
    })
}

async fn all(caller: &Rc<impl Caller>, concurrency: usize, calls: usize) -> Result<Vec<Duration>> {
    let tasks: Vec<_> = (0..concurrency)
        .map(|worker| {
            let caller = Rc::clone(caller);
            tokio::task::spawn_local(async move {
                let mut latencies = Vec::with_capacity(calls / concurrency + 1);
                for number in (worker..calls).step_by(concurrency) {
                    let started = Instant::now();
                    caller.call(worker, number).await?;
                    latencies.push(started.elapsed());
                }
                Result::Ok(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::with_capacity(calls);
    for task in tasks {
        latencies.append(&mut task.await??);
    }
    Ok(latencies)
}
