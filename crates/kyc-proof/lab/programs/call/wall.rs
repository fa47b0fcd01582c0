//! Times on the wall clock, for information: they wander with whatever else the machine does.

use std::time::{Duration, Instant};

use crate::clients::Result;
use crate::peers::{Caller, Peer, runtime};

const ROUNDS: usize = 5;
const CALLS: usize = 2_000;
const WARM_UP: usize = 200;
const AT_ONCE: usize = 32;

struct Times {
    name: &'static str,
    peer: Peer,
    alone: Vec<Duration>,
    per_second: Vec<f64>,
}

/// Times all peers, round by round in turn, and prints a line for each: name, p50 and p99 in µs of calls one after
/// another, and the median over the rounds of calls a second with 32 at once on one thread.
pub(crate) fn measure(port: u16) -> Result<()> {
    let mut all: Vec<Times> = Peer::ALL
        .into_iter()
        .map(|(name, peer)| Times {
            name,
            peer,
            alone: Vec::new(),
            per_second: Vec::new(),
        })
        .collect();
    for _ in 0..ROUNDS {
        for times in &mut all {
            runtime()?.block_on(round(times, port))?;
        }
    }
    for times in &mut all {
        times.alone.sort_unstable();
        times.per_second.sort_unstable_by(f64::total_cmp);
        println!(
            "{} {} {} {:.0}",
            times.name,
            at(&times.alone, 50).as_micros(),
            at(&times.alone, 99).as_micros(),
            at(&times.per_second, 50),
        );
    }
    Ok(())
}

async fn round(times: &mut Times, port: u16) -> Result<()> {
    let peer = times.peer;
    let caller: &'static Caller = Box::leak(Box::new(peer.caller(port)?));
    for number in 0..WARM_UP {
        peer.call(caller, number).await?;
    }
    for number in 0..CALLS {
        let started = Instant::now();
        peer.call(caller, number).await?;
        times.alone.push(started.elapsed());
    }
    let started = Instant::now();
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            tokio::spawn(async move {
                for number in 0..CALLS / AT_ONCE {
                    peer.call(caller, number).await?;
                }
                Result::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let calls = u32::try_from(CALLS / AT_ONCE * AT_ONCE)?;
    times
        .per_second
        .push(f64::from(calls) / started.elapsed().as_secs_f64());
    Ok(())
}

/// The value that `percent` of a sorted list lie below.
fn at<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    let index = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(index).copied().unwrap_or_default()
}
