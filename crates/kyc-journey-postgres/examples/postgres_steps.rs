//! Prints how many steps a second the engine makes durable, beside `pgbench` with the same statements.
//!
//! `cargo run --release -p kyc-journey-postgres --features testing --example postgres_steps ROUNDS SECONDS ADDRESS`: the variants take turns in each
//! round, so that a machine that changes its mood changes all of them. A row has the median of the rounds, and the least and most steps a
//! second; its figures begin at column 24. The address is of an empty database, in libpq's words `host=… user=… dbname=…`. Nothing is
//! asserted.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a measurement"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kyc_journey::provider_core::capability::ProviderReference;
use kyc_journey::provider_core::jiff::Timestamp;
use kyc_journey::testing::ClearText;
use kyc_journey::{
    Answer, CorrelationToken, Effect, EffectId, EffectKind, Event, EventKey, Fact, Journey,
    JourneyEngine as _, JourneyId, Operation, Plan, Source, Transition, VerificationPlan, apply,
};
use kyc_journey_postgres::{PostgresEngine, PostgresOptions};
use tokio::task::JoinSet;

/// What is submitted at once.
const AT_ONCE: [usize; 4] = [1, 16, 64, 256];

// Lengths of the engine's bodies on average.
const STATE: usize = 830;
const ENTRY: usize = 310;
const EFFECT: usize = 180;

/// The machine, which besides asks for a call at each unknown report. Its answer is the next step.
fn machine(journey: &Journey, event: &Event) -> Transition {
    let mut transition = apply(journey, event);
    if let Fact::Unrecognized(_) = event.fact {
        let session = ProviderReference::parse("a-session-of-veriff").unwrap();
        transition.effects.push(Effect {
            id: EffectId {
                journey: journey.id().clone(),
                seq: transition.state.seq(),
                ordinal: 0,
            },
            kind: EffectKind::Call(Operation::ReadDecision { session }),
        });
    }
    transition
}

/// Steps a second, and how long each of them took, in milliseconds.
struct Measured {
    speed: f64,
    latencies: Vec<f64>,
}

async fn engine(address: &str, schema: &str) -> Arc<PostgresEngine> {
    let options = PostgresOptions::new(address).unwrap();
    let options = options.with_schema(schema).unwrap();
    let engine = options.connect(Arc::new(ClearText)).await.unwrap();
    Arc::new(engine.with_machine(machine))
}

async fn start(engine: &PostgresEngine, number: usize) {
    let plan = Plan::new().set_verification(Some(VerificationPlan::new()));
    let bits = number as u128;
    let start = Fact::Start {
        plan: Box::new(plan),
        token: CorrelationToken::from_bits(bits),
    };
    let key = EventKey::command("start").unwrap();
    let event = Event::new(key, Timestamp::now(), None, start);
    engine
        .submit(&JourneyId::from_bits(bits), event)
        .await
        .unwrap();
}

/// Step after step of one journey.
async fn steps(engine: &PostgresEngine, number: usize, round: usize, end: Instant) -> Vec<f64> {
    let id = JourneyId::from_bits(number as u128);
    let (mut latencies, mut asked) = (Vec::new(), None);
    while Instant::now() < end {
        let fact = match asked.take() {
            None => Fact::Unrecognized(Source::default()),
            Some(effect) => Fact::Answered {
                effect,
                answer: Answer::Done,
            },
        };
        let asks = matches!(fact, Fact::Unrecognized(_));
        let key = EventKey::command(&format!("{round}:{}", latencies.len())).unwrap();
        let event = Event::new(key, Timestamp::now(), None, fact);
        let start = Instant::now();
        let submitted = engine.submit(&id, event).await.unwrap();
        latencies.push(start.elapsed().as_secs_f64() * 1e3);
        if asks {
            asked = Some(EffectId {
                journey: id.clone(),
                seq: submitted.seq,
                ordinal: 0,
            });
        }
    }
    latencies
}

async fn run(engine: &Arc<PostgresEngine>, at_once: usize, round: usize, seconds: u64) -> Measured {
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for number in 0..at_once {
        let engine = Arc::clone(engine);
        tasks.spawn(async move { steps(&engine, number, round, end).await });
    }
    let latencies: Vec<f64> = tasks.join_all().await.into_iter().flatten().collect();
    Measured {
        speed: latencies.len() as f64 / began.elapsed().as_secs_f64(),
        latencies,
    }
}

/// The engine's statements for one step in one transaction, over tables that the engine made: two steps of a journey follow each other, a
/// call that is asked for and its answer. Each client has a journey of its own, as each task of the engine has.
fn script(file: &Path, schema: &str) {
    let body =
        |letter: &str, length: usize| format!("decode(repeat('{letter}', {}), 'hex')", length);
    let mut text = String::from(
        "\\set seq :seq + 1\n\\set key random(1, 9223372036854775807)\n\\set journey :client_id + 1\n",
    );
    for asks in [true, false] {
        let (state, entry, effect) = (body("ab", STATE), body("cd", ENTRY), body("ef", EFFECT));
        let settle = match asks {
            true => format!(
                "INSERT INTO {schema}.effect (journey, seq, ordinal, lane, due, timer, generation, body)
                 VALUES (:journey, :seq, 0, 0, :seq, NULL, NULL, {effect});"
            ),
            false => format!(
                "DELETE FROM {schema}.effect WHERE journey = :journey AND seq = :seq::bigint - 1 AND ordinal = 0;"
            ),
        };
        let statements = format!(
            "BEGIN;
             SELECT id, number, state FROM {schema}.journey WHERE number = :journey FOR NO KEY UPDATE;
             SELECT seq FROM {schema}.event WHERE journey = :journey AND key = int8send(:key::bigint) || int8send(:seq::bigint);
             UPDATE {schema}.journey SET seq = :seq, status = 'running', updated_at = :seq, state = {state}
                 WHERE number = :journey;
             {settle}
             INSERT INTO {schema}.event (journey, seq, key, body, leg, class, payload)
                 VALUES (:journey, :seq, int8send(:key::bigint) || int8send(:seq::bigint), {entry}, NULL, NULL, NULL);
             COMMIT;"
        );
        // One statement a line.
        for statement in statements.split(';') {
            let words: Vec<&str> = statement.split_whitespace().collect();
            if !words.is_empty() {
                writeln!(text, "{};", words.join(" ")).unwrap();
            }
        }
        if asks {
            text.push_str("\\set seq :seq + 1\n\\set key random(1, 9223372036854775807)\n");
        }
    }
    std::fs::write(file, text).unwrap();
}

/// pgbench's own count: two steps a transaction of its script. A run begins where the one before it ended.
fn pgbench(
    programs: &Path,
    address: &str,
    script: &Path,
    clients: usize,
    round: usize,
    seconds: u64,
) -> Measured {
    let output = Command::new(programs.join("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={clients}"))
        .arg(format!("--time={seconds}"))
        .arg(format!("--define=seq={}", (round + 1) * 1_000_000_000))
        .arg("--file")
        .arg(script)
        .arg(address)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap_or_else(|| panic_with(&output));
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    Measured {
        speed: 2.0 * number("tps = "),
        latencies: vec![number("latency average = ") / 2.0],
    }
}

#[allow(clippy::panic, reason = "a measurement")]
fn panic_with(output: &std::process::Output) -> ! {
    panic!("pgbench failed, or had no time for a transaction: {output:?}")
}

fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut versions: Vec<_> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    versions.pop().unwrap_or_default()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().unwrap().parse().unwrap();
    let seconds: u64 = arguments.next().unwrap().parse().unwrap();
    let address = arguments.next().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let programs = programs();
    let most = AT_ONCE.into_iter().max().unwrap();
    let engine_under_test = engine(&address, "kyc_steps").await;
    // The tables of pgbench, and its journeys.
    let peer = engine(&address, "kyc_pgbench").await;
    for number in 0..most {
        start(&engine_under_test, number).await;
        start(&peer, number).await;
    }
    let file = directory.path().join("steps.sql");
    script(&file, "kyc_pgbench");
    let mut table: Vec<(String, Vec<Measured>)> = Vec::new();
    for at_once in AT_ONCE {
        table.push((format!("pgbench, {at_once} at once"), Vec::new()));
        table.push((format!("engine, {at_once} at once"), Vec::new()));
    }
    for round in 0..rounds {
        for (place, at_once) in AT_ONCE.into_iter().enumerate() {
            let peer = pgbench(
                &programs,
                &address,
                &file,
                at_once,
                round * AT_ONCE.len() + place,
                seconds,
            );
            table[2 * place].1.push(peer);
            let number = round * AT_ONCE.len() + place;
            let measured = run(&engine_under_test, at_once, number, seconds).await;
            table[2 * place + 1].1.push(measured);
        }
    }
    println!("{rounds} rounds of {seconds} s, medians; pgbench says no percentile, but the mean");
    println!(
        "{:<24}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}",
        "", "steps/s", "least", "most", "p50 ms", "p99 ms", "of pgbench"
    );
    let mut of_peer = 1.0;
    for (name, rounds) in &table {
        let mut speeds: Vec<f64> = rounds.iter().map(|round| round.speed).collect();
        let speed = median(&mut speeds);
        let quantile = |share: f64| {
            let of_round = |round: &Measured| {
                let mut sorted = round.latencies.clone();
                sorted.sort_by(f64::total_cmp);
                sorted[((sorted.len() as f64 * share) as usize).min(sorted.len() - 1)]
            };
            median(&mut rounds.iter().map(of_round).collect::<Vec<_>>())
        };
        let (least, most) = (speeds[0], speeds[speeds.len() - 1]);
        let mut row = format!("{name:<24}{speed:>10.0}{least:>10.0}{most:>10.0}");
        if name.starts_with("pgbench") {
            of_peer = speed;
            write!(row, "{:>10.2}{:>10}{:>12}", quantile(0.5), "-", "-").unwrap();
        } else {
            let ratio = speed / of_peer;
            write!(
                row,
                "{:>10.2}{:>10.2}{ratio:>12.2}",
                quantile(0.5),
                quantile(0.99)
            )
            .unwrap();
        }
        println!("{row}");
    }
}
