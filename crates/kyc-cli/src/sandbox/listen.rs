//! `kyc listen`: receives webhooks, verifies them, prints them and forwards them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use kyc_facade::finpro_fiu::FinproWebhooks;
use kyc_facade::provider_core::http::{Request, Response, StatusCode, header};
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::webhook::{Receiver, Refusal, Reply, Scheme, Unreadable, read_post};
use kyc_facade::veriff_sessions::VeriffWebhooks;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::forward::{NotAccepted, Target};
use super::receivers::{
    MAX_BODY_BYTES, begins, finpro_if_configured, finpro_words, known_event, veriff_if_configured,
    veriff_words,
};
use super::registration::{BEFORE, Before, Registration};
use crate::arguments::Listen;
use crate::arguments::parse::{length, listen_address};
use crate::connections::answer_each;
use crate::failure::{EXIT_UNREACHED, Failure, reason};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::{Output, printable};

/// The sender is answered within this time, as the library's receivers do. Veriff waits for 5 seconds.
const ANSWER_WITHIN: Duration = Receiver::<VeriffWebhooks>::ANSWER_WITHIN;
/// How long what was begun may take once the command ends.
const GRACE: Duration = Duration::from_millis(600);
/// How long the answers may take that say that it has ended.
const LAST: Duration = Duration::from_millis(200);
/// How long a sandbox may take to be told where its webhooks went before.
const RESTORED_WITHIN: Duration = Duration::from_secs(2);
/// What a sandbox adds to its webhooks: which one it is, and of which journey.
const SANDBOX_HEADERS: [&str; 2] = ["x-sandbox-webhook", "x-sandbox-journey"];

/// A webhook that was received, and what became of it.
struct Received {
    provider: &'static str,
    /// `None` for one that is not genuine.
    event: Option<String>,
    /// The ids that a sandbox adds.
    ids: [Option<String>; 2],
    verdict: String,
    /// Whether it came before, so that it is not forwarded.
    repeat: bool,
    /// The status of the answer, which is that of where it was forwarded to.
    status: StatusCode,
    /// Why the sender has to try again, where no answer from there says it.
    reason: Option<String>,
    forwarded: bool,
    took: Duration,
}

pub(crate) async fn run(arguments: Listen, output: Output) -> Result<u8, Failure> {
    let address = listen_address("--listen", &arguments.listen)?;
    if !address.ip().is_loopback() {
        return Err(Failure::configuration(
            "--listen",
            "must be an address of this machine only",
        ));
    }
    let within = arguments
        .within
        .as_deref()
        .map(|text| length("--within", text))
        .transpose()?;
    let named = |event: &String| known_event("--events", event);
    let events = arguments
        .events
        .iter()
        .map(named)
        .collect::<Result<_, _>>()?;
    let until = arguments
        .until
        .as_deref()
        .map(|event| known_event("--until", event))
        .transpose()?;
    let target = arguments.forward_to.as_deref();
    let target = target.map(Target::new).transpose()?;
    let (veriff, finpro) = (veriff_if_configured()?, finpro_if_configured()?);
    let socket = TcpListener::bind(address).await;
    let socket = socket.map_err(|error| {
        Failure::configuration(
            "--listen",
            format!("could not listen on {address}: {}", reason(error.kind())),
        )
    })?;
    let address = socket
        .local_addr()
        .map_err(|error| Failure::system(&error))?;
    if let Some(target) = &target {
        target.check_for_loop(address)?;
    }
    let mut interrupt = Interrupt::listen();
    let url = format!("http://{address}");
    let running = match arguments.alone {
        true => None,
        false => tokio::select! {
            running = Registration::make(&url) => running?,
            () = interrupt.next() => return Ok(0),
        },
    };
    let listener = Arc::new(Listener {
        url,
        veriff,
        finpro,
        target: target.map(Arc::new),
        events,
        before: running.as_ref().map(|running| running.before().clone()),
    });
    let (sender, mut received) = mpsc::channel(64);
    let (going, end) = watch::channel(());
    let (ending, ended) = watch::channel(false);
    let (answering, over) = (Arc::clone(&listener), end.clone());
    let server = tokio::spawn(answer_each(
        socket,
        move |request| {
            let listener = Arc::clone(&answering);
            let (sender, ended) = (sender.clone(), ended.clone());
            let is_over = over.has_changed().is_err();
            async move {
                match is_over {
                    // It came on a connection that is about to be closed.
                    true => empty(StatusCode::SERVICE_UNAVAILABLE),
                    false => listener.respond(request, &sender, ended).await,
                }
            }
        },
        end,
    ));
    let wanted = Wanted {
        until: until.as_deref(),
        within,
    };
    let result = match ready(output, &listener, running.is_some()) {
        Ok(()) => receive(&mut received, &wanted, &mut interrupt, output).await,
        Err(unread) => Err(unread),
    };
    // From here on no connection is accepted.
    drop(going);
    let connections = server.await.unwrap_or_default();
    let restored = async {
        if let Some(running) = running {
            // One that does not answer is not waited for.
            let _ = tokio::time::timeout(RESTORED_WITHIN, running.undo()).await;
        }
    };
    let finishing = finish(connections, &mut received, &ending, output);
    let (finished, ()) = tokio::join!(finishing, restored);
    result.and_then(|code| finished.map(|()| code))
}

/// What ends the command.
struct Wanted<'w> {
    until: Option<&'w str>,
    within: Option<Duration>,
}

/// Prints webhooks until the one that is wanted came, or its time is over.
async fn receive(
    received: &mut mpsc::Receiver<Received>,
    wanted: &Wanted<'_>,
    interrupt: &mut Interrupt,
    output: Output,
) -> Result<u8, Failure> {
    let deadline = async {
        match wanted.within {
            Some(within) => tokio::time::sleep(within).await,
            None => std::future::pending().await,
        }
    };
    let mut deadline = std::pin::pin!(deadline);
    loop {
        tokio::select! {
            biased;
            () = interrupt.next() => return Ok(0),
            Some(webhook) = received.recv() => {
                print(output, &webhook)?;
                if wanted.until.is_some_and(|until| webhook.is(until)) {
                    return Ok(0);
                }
            }
            () = &mut deadline => return Ok(EXIT_UNREACHED),
        }
    }
}

/// Lets what was begun come to its end for a while. Then each sender is told to try again, and each line says what became of it.
async fn finish(
    mut connections: JoinSet<()>,
    received: &mut mpsc::Receiver<Received>,
    ending: &watch::Sender<bool>,
    output: Output,
) -> Result<(), Failure> {
    let mut until = Instant::now().checked_add(GRACE);
    let mut printed = Ok(());
    loop {
        let over = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::ready(()).await,
            }
        };
        tokio::select! {
            biased;
            // Senders are answered whether anybody reads it or not.
            Some(webhook) = received.recv() => printed = printed.and(print(output, &webhook)),
            connection = connections.join_next() => if connection.is_none() {
                break;
            },
            () = over => match ending.send_replace(true) {
                true => break,
                false => until = Instant::now().checked_add(LAST),
            },
        }
    }
    while let Ok(webhook) = received.try_recv() {
        printed = printed.and(print(output, &webhook));
    }
    printed
}

const PROVIDERS: [&str; 3] = ["veriff", "finpro", "finpass"];

/// Says where it listens, and what it can verify.
fn ready(output: Output, listener: &Listener, registered: bool) -> Result<(), Failure> {
    let url = &listener.url;
    let veriff = listener.veriff.iter().map(|_| "veriff");
    let verified: Vec<_> = veriff
        .chain(listener.finpro.iter().map(|_| "finpro"))
        .collect();
    if output.json {
        return output
            .told(&json!({"ready": url, "verifies": verified, "sandbox": registered}).to_string());
    }
    output.told(&format!("ready    {url}/{{{}}}", PROVIDERS.join(",")))?;
    output.told(&match verified.is_empty() {
        true => "verifies nothing, so all webhooks are refused: set VERIFF_API_KEY and VERIFF_WEBHOOK_SECRET, \
                 or FINPRO_WEBHOOK_SECRET, as `kyc sandbox` prints them"
            .to_owned(),
        false => format!("verifies {}", verified.join(", ")),
    })?;
    output.told(match registered {
        true => "sandbox  sends its webhooks here until this command ends",
        false => "sandbox  none is told to send its webhooks here",
    })
}

/// An answer of a status alone.
fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

struct Listener {
    url: String,
    veriff: Option<Receiver<VeriffWebhooks>>,
    finpro: Option<Receiver<FinproWebhooks>>,
    target: Option<Arc<Target>>,
    events: Vec<String>,
    /// Where a sandbox sent its webhooks before.
    before: Option<Before>,
}

impl Listener {
    async fn respond(
        &self,
        request: Request<Incoming>,
        sender: &mpsc::Sender<Received>,
        ended: watch::Receiver<bool>,
    ) -> Response<Full<Bytes>> {
        if request.uri().path() == BEFORE {
            return self.tell_before(&request);
        }
        empty(self.answer(request, sender, ended).await)
    }

    /// Tells another listener, which takes over from this one, what there is to be restored.
    fn tell_before(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let host = request.headers().get(header::HOST);
        let is_own = host.is_some_and(|host| {
            let authority = self.url.strip_prefix("http://");
            authority.map(str::as_bytes) == Some(host.as_bytes())
        });
        match &self.before {
            Some(before) if is_own => {
                let told = json!({"listens": "kyc", "before": before});
                Response::new(Full::from(told.to_string()))
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        sender: &mpsc::Sender<Received>,
        mut ended: watch::Receiver<bool>,
    ) -> StatusCode {
        let started = Instant::now();
        let named = request.uri().path().trim_matches('/');
        let Some(provider) = PROVIDERS.into_iter().find(|provider| *provider == named) else {
            return StatusCode::NOT_FOUND;
        };
        let ids = SANDBOX_HEADERS.map(|name| {
            let value = request.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        });
        let mut received = Received {
            provider,
            event: None,
            ids,
            verdict: "not received to its end".to_owned(),
            repeat: false,
            status: StatusCode::OK,
            reason: None,
            forwarded: false,
            took: Duration::ZERO,
        };
        let result = tokio::select! {
            biased;
            result = self.receive(request, &mut received) => Some(result),
            _ = ended.wait_for(|ended| *ended) => None,
        };
        match result {
            Some(Ok(true)) => {}
            Some(Ok(false)) => return StatusCode::OK,
            Some(Err(refusal)) => {
                received.status = refusal.status();
                received.verdict = format!("refused: {refusal}");
            }
            None => {
                let reason = match received.forwarded {
                    true => "the command ended before an answer came; it may have been handled",
                    false => "the command ended first",
                };
                received.is_not_answered(StatusCode::SERVICE_UNAVAILABLE, reason);
            }
        }
        received.took = started.elapsed();
        let status = received.status;
        // Nobody prints any more: the command ends.
        let _ = sender.send(received).await;
        status
    }

    /// Receives a webhook, and says whether it is one of those that are printed.
    async fn receive(
        &self,
        request: Request<Incoming>,
        received: &mut Received,
    ) -> Result<bool, Refusal> {
        let target = self.target.as_deref();
        if target.is_some_and(|target| target.has_sent(request.headers())) {
            received.verdict = "refused: it was forwarded from here and came back".to_owned();
            received.status = StatusCode::LOOP_DETECTED;
            return Ok(true);
        }
        match received.provider {
            "veriff" => {
                let receiver = self.veriff.as_ref();
                self.genuine(receiver, request, veriff_words, received)
                    .await
            }
            "finpro" => {
                let receiver = self.finpro.as_ref();
                self.genuine(receiver, request, finpro_words, received)
                    .await
            }
            _ => self.hint(request, received).await,
        }
    }

    /// Receives a webhook of a provider that signs, and forwards each event once.
    async fn genuine<P: Scheme>(
        &self,
        receiver: Option<&Receiver<P>>,
        request: Request<Incoming>,
        words: fn(&P::Event) -> String,
        received: &mut Received,
    ) -> Result<bool, Refusal> {
        let headers = request.headers().clone();
        let receiver = receiver.ok_or(Refusal::Unconfigured)?;
        let verified = receiver.receive(request).await?;
        let event: Result<_, Unreadable> = verified.parse();
        let (event, verdict) = match event {
            Ok(event) => (words(&event), "verified"),
            Err(_) => ("unreadable".to_owned(), "verified, and cannot be read"),
        };
        let event = format!("{}.{event}", P::PROVIDER);
        if !self.is_chosen(&event) {
            return Ok(false);
        }
        (received.event, received.verdict) = (Some(event), verdict.to_owned());
        received.forwarded = self.target.is_some();
        let target = self.target.clone();
        let (accepted, mut told) = oneshot::channel();
        let forward = move |body, _| async move {
            let Some(target) = target else {
                return Ok(());
            };
            let status = target.forward(&headers, body).await?;
            // Whoever waited may have given up.
            let _ = accepted.send(status);
            Ok::<_, NotAccepted>(())
        };
        match verified.once(forward).await {
            Reply::Handled => received.status = told.try_recv().unwrap_or(StatusCode::OK),
            reply @ (Reply::Repeated | Reply::InFlight) => {
                (received.repeat, received.forwarded) = (true, false);
                received.verdict.push_str(", a repeat");
                if let Reply::InFlight = reply {
                    received.is_not_answered(reply.status(), "the first is still being forwarded");
                }
            }
            Reply::HandlerSlow => received.is_slow(),
            Reply::HandlerFailed(error) => match error.downcast::<NotAccepted>() {
                Ok(failure) => received.is_not_accepted(*failure),
                Err(error) => {
                    received.is_not_answered(StatusCode::BAD_GATEWAY, error.to_string());
                }
            },
            reply => received.is_not_answered(reply.status(), reply.to_string()),
        }
        Ok(true)
    }

    /// Receives a webhook of a provider that signs nothing. Nothing tells a repeat from a second hint, and a forged one must not
    /// be able to hold back another: each is forwarded.
    async fn hint(
        &self,
        request: Request<Incoming>,
        received: &mut Received,
    ) -> Result<bool, Refusal> {
        let answer_by = Instant::now().checked_add(ANSWER_WITHIN);
        let headers = request.headers().clone();
        let body = read_post(request, MAX_BODY_BYTES, ANSWER_WITHIN).await?;
        let event = "finpass.hint".to_owned();
        if !self.is_chosen(&event) {
            return Ok(false);
        }
        (received.event, received.verdict) = (Some(event), "unsigned: a hint only".to_owned());
        if let Some(target) = self.target.clone() {
            received.forwarded = true;
            // A task of its own, so that it comes to its end when the sender hangs up.
            let forward = async move { target.forward(&headers, body).await };
            let forwarding = tokio::spawn(forward);
            let answer_by = answer_by.unwrap_or_else(Instant::now);
            match timeout_at(answer_by, forwarding).await {
                Ok(Ok(Ok(status))) => received.status = status,
                Ok(Ok(Err(failure))) => received.is_not_accepted(failure),
                Ok(Err(_)) => {
                    received.is_not_answered(StatusCode::BAD_GATEWAY, "it was not forwarded");
                }
                Err(_) => received.is_slow(),
            }
        }
        Ok(true)
    }

    fn is_chosen(&self, event: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| begins(event, wanted))
    }
}

impl Received {
    fn is_not_answered(&mut self, status: StatusCode, reason: impl Into<String>) {
        (self.status, self.reason) = (status, Some(reason.into()));
    }

    fn is_not_accepted(&mut self, failure: NotAccepted) {
        (self.status, self.reason) = (failure.status, failure.reason);
    }

    fn is_slow(&mut self) {
        let reason = format!(
            "no answer within {} seconds; one that comes yet decides about the next attempt",
            ANSWER_WITHIN.as_secs()
        );
        self.is_not_answered(StatusCode::GATEWAY_TIMEOUT, reason);
    }

    /// Whether this event was genuine, and accepted where it was forwarded to.
    fn is(&self, wanted: &str) -> bool {
        self.status.is_success()
            && self
                .event
                .as_deref()
                .is_some_and(|event| begins(event, wanted))
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = Timestamp::now().strftime("%H:%M:%S");
        let event = self
            .event
            .as_deref()
            .and_then(|event| event.split_once('.'));
        write!(
            f,
            "{now} {:7} {:30}",
            self.provider,
            printable(event.map_or("-", |(_, event)| event))
        )?;
        for id in self.ids.iter().flatten() {
            write!(f, "  {}", printable(id))?;
        }
        write!(f, "  {}  {}", self.verdict, self.status.as_u16())?;
        if self.forwarded {
            write!(f, "  {} ms", self.took.as_millis())?;
        }
        if let Some(reason) = &self.reason {
            write!(f, "  {reason}")?;
        }
        Ok(())
    }
}

fn print(output: Output, received: &Received) -> Result<(), Failure> {
    let line = match output.json {
        false => received.to_string(),
        true => {
            let [webhook, journey] = &received.ids;
            json!({
                "provider": received.provider,
                "event": received.event,
                "webhook": webhook,
                "journey": journey,
                "verdict": received.verdict,
                "repeat": received.repeat,
                "status": received.status.as_u16(),
                "reason": received.reason,
                "forwarded": received.forwarded,
                "took_ms": u64::try_from(received.took.as_millis()).unwrap_or(u64::MAX),
            })
            .to_string()
        }
    };
    output.told(&line)
}
