//! Ten minutes in which a provider does not answer: what the clients send meanwhile, and how soon they recover.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kyc_proof::catalogue::{Setup, Subject, operations};
use kyc_sandbox::{FinproSettings, Sandbox, SandboxTransport, credentials};
use provider_core::bytes::Bytes;
use provider_core::http::{HeaderMap, HeaderValue, Request, StatusCode};
use provider_core::jiff::Timestamp;
use provider_core::{
    Body, CallOptions, Clock, ErrorKind, ExchangeLimits, InvalidRequest, Outcome, RawResponse,
    Transport, TransportError, TransportErrorKind,
};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::Settings;
use crate::failure::{Failure, Result};
use crate::inputs::request_id;

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
    // How soon it recovers depends on where in the circuit breaker's pause the outage ends.
    let ends = if settings.short { 2 } else { 5 };
    let lasting = || (0..ends).map(|part| lasts + Duration::from_secs(1) * part / ends);
    for fault in Fault::ALL {
        for subject in &operations() {
            let mut worst = Report::default();
            for lasts in lasting() {
                let report = in_virtual_time(ours(fault, subject, lasts, settings.seed))??;
                worst = worst.or_worse(report);
            }
            println!("  {:<24}{:<26}{worst}", fault.name(), subject.name());
            if !worst.holds() {
                missed.push(format!("{} {}", fault.name(), subject.name()));
            }
        }
        let report = in_virtual_time(plain(fault, lasts))??;
        println!(
            "  {:<24}{:<26}{report}",
            fault.name(),
            "three plain attempts"
        );
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("missed: {}", missed.join(", "))))
    }
}

fn in_virtual_time<T>(work: impl Future<Output = T>) -> Result<T> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    Ok(runtime.block_on(work))
}

/// How a provider fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Unavailable,
    Refused,
    Broken,
    Silent,
    Limited,
}

impl Fault {
    const ALL: [Self; 5] = [
        Self::Unavailable,
        Self::Refused,
        Self::Broken,
        Self::Silent,
        Self::Limited,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "503",
            Self::Refused => "connection refused",
            Self::Broken => "connection broken",
            Self::Silent => "silence",
            Self::Limited => "429, Retry-After: 2",
        }
    }
}

/// A sandbox with an outage, and the requests to it.
#[derive(Debug)]
struct Outage {
    fault: Fault,
    begins: Instant,
    ends: Instant,
    sandbox: SandboxTransport,
    requests: Mutex<Vec<Instant>>,
}

impl Outage {
    /// An outage that begins after a healthy while.
    fn new(fault: Fault, lasts: Duration) -> Arc<Self> {
        let finpro = FinproSettings::default().with_rate_limit(u64::MAX);
        let sandbox = Sandbox::new(kyc_sandbox::Settings::default().with_finpro(finpro));
        let begins = Instant::now() + BEFORE;
        Arc::new(Self {
            fault,
            begins,
            ends: begins + lasts,
            sandbox: sandbox.transport(),
            requests: Mutex::default(),
        })
    }

    /// Makes one call each tick, before, during and after, and returns when each began and how it ended.
    async fn run<C>(&self, call: impl Fn(u64) -> C) -> Vec<(Instant, Ended)>
    where
        C: Future<Output = Ended> + Send + 'static,
    {
        let tick = Duration::from_secs(1) / RATE;
        let mut next = Instant::now();
        let mut calls = JoinSet::new();
        let mut number = 0;
        while next < self.ends + AFTER {
            sleep_until(next).await;
            let call = call(number);
            calls.spawn(async move {
                let began = Instant::now();
                (began, call.await)
            });
            next += tick;
            number += 1;
        }
        calls.join_all().await
    }

    fn report(&self, calls: &[(Instant, Ended)]) -> Report {
        let requests = self.requests.lock().unwrap();
        let away = self.begins..self.ends;
        let well = self.ends + RECOVERED..self.ends + AFTER;
        let calls_in = |time: &std::ops::Range<Instant>| {
            calls
                .iter()
                .filter(|(began, _)| time.contains(began))
                .count()
        };
        let requests_in = |time: &std::ops::Range<Instant>| {
            requests.iter().filter(|at| time.contains(at)).count()
        };
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

#[async_trait]
impl Transport for Outage {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> std::result::Result<RawResponse, TransportError> {
        let now = Instant::now();
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(now);
        let away = (self.begins..self.ends).contains(&now);
        match self.fault {
            Fault::Refused if away => return Err(TransportError::new(TransportErrorKind::Connect)),
            Fault::Silent if away => pending().await,
            _ => sleep(LATENCY).await,
        }
        match self.fault {
            Fault::Broken if away => Err(TransportError::new(TransportErrorKind::Interrupted)),
            Fault::Unavailable if away => Ok(page(StatusCode::SERVICE_UNAVAILABLE, None)),
            Fault::Limited if away => Ok(page(StatusCode::TOO_MANY_REQUESTS, Some("2"))),
            _ => self.sandbox.send(request, limits).await,
        }
    }
}

fn page(status: StatusCode, retry_after: Option<&'static str>) -> RawResponse {
    let mut headers = HeaderMap::new();
    if let Some(wait) = retry_after {
        headers.insert("retry-after", HeaderValue::from_static(wait));
    }
    RawResponse::new(status, headers, Bytes::from_static(b"<html>away</html>"))
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Answered,
    NotSent,
    Failed,
}

/// A client of ours as its builder makes it.
async fn ours(fault: Fault, subject: &Subject, lasts: Duration, seed: u64) -> Result<Report> {
    let outage = Outage::new(fault, lasts);
    let setup = Setup {
        clock: Arc::new(SeededClock(Mutex::new(fastrand::Rng::with_seed(seed)))),
        ..Setup::standard(Arc::clone(&outage) as Arc<dyn Transport>)
    };
    let client = subject.connect_to(&SandboxTransport::base_urls(), &setup)?;
    let input = subject.exchange().input;
    let calls = outage.run(|number| {
        let (client, input) = (Arc::clone(&client), input.clone());
        async move {
            let options = CallOptions::new().with_request_id(request_id(number).unwrap());
            match client
                .call(input, options)
                .await
                .map_err(|error| (error.kind(), error.outcome()))
            {
                // A refusal by the provider itself is an answer.
                Ok(_) | Err((ErrorKind::Api, Outcome::Refused)) => Ended::Answered,
                Err((ErrorKind::Unavailable, _)) => Ended::NotSent,
                Err(_) => Ended::Failed,
            }
        }
    });
    let calls = calls.await;
    Ok(outage.report(&calls))
}

/// What is often written by hand: three attempts, each with a time limit, pauses that double, and nothing that the calls
/// have in common.
async fn plain(fault: Fault, lasts: Duration) -> Result<Report> {
    const ATTEMPT: Duration = Duration::from_secs(10);

    let outage = Outage::new(fault, lasts);
    let calls = outage.run(|_| {
        let outage = Arc::clone(&outage);
        async move {
            for pause in [Some(200), Some(400), None] {
                let sending = outage.send(by_hand(), ExchangeLimits::new(ATTEMPT, 1 << 20));
                if let Ok(Ok(reply)) = timeout(ATTEMPT, sending).await
                    && reply.status().is_success()
                {
                    return Ended::Answered;
                }
                if let Some(pause) = pause {
                    sleep(Duration::from_millis(pause)).await;
                }
            }
            Ended::Failed
        }
    });
    let calls = calls.await;
    Ok(outage.report(&calls))
}

fn by_hand() -> Request<Body> {
    let body = br#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#;
    let base_url = SandboxTransport::base_urls().finpass;
    Request::post(format!(
        "{base_url}/api/v1/services/account-aggregator/init"
    ))
    .header("x-api-key", credentials::FINPASS_API_KEY)
    .header("x-api-secret", credentials::FINPASS_API_SECRET)
    .header("content-type", "application/json")
    .body(Body::from(body.to_vec()))
    .unwrap()
}

/// The machine's time and tokio's pauses, with chance that a seed repeats.
#[derive(Debug)]
struct SeededClock(Mutex<fastrand::Rng>);

#[async_trait]
impl Clock for SeededClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn random(&self) -> std::result::Result<u128, InvalidRequest> {
        Ok(self.0.lock().unwrap().u128(..))
    }

    async fn sleep(&self, duration: Duration) {
        sleep(duration).await;
    }
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

    fn report() -> Report {
        Report {
            calls: 100,
            requests: 110,
            not_sent: 0,
            full_after: RECOVERED,
            then: 1.0,
        }
    }

    #[test]
    fn what_is_promised_holds_up_to_its_bounds() {
        assert!(report().holds());
        for missed in [
            Report {
                requests: 111,
                ..report()
            },
            Report {
                full_after: RECOVERED + Duration::from_millis(1),
                ..report()
            },
            Report {
                then: 1.01,
                ..report()
            },
        ] {
            assert!(!missed.holds(), "{missed:?}");
        }
    }

    #[test]
    fn calls_and_requests_are_counted_by_when_they_began() {
        let counted = in_virtual_time(async {
            let outage = Outage::new(Fault::Refused, Duration::from_secs(1));
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
    fn three_plain_attempts_triple_the_requests_and_ours_do_not() {
        let lasts = Duration::from_secs(30);
        let plain = in_virtual_time(plain(Fault::Unavailable, lasts)).unwrap();
        assert!(plain.unwrap().amplification() > 2.9);
        for subject in operations() {
            let ours = in_virtual_time(ours(Fault::Unavailable, &subject, lasts, 1)).unwrap();
            assert!(ours.unwrap().holds(), "{}", subject.name());
        }
    }
}
