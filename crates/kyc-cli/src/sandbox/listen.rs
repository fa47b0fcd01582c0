//! `kyc listen`: receives webhooks, verifies them, prints them and forwards them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use kyc_facade::finpro_fiu::FinproWebhooks;
use kyc_facade::provider_core::http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::webhook::{Receiver, Refusal, Scheme, Unreadable, read_post};
use kyc_facade::provider_core::{Body, ExchangeLimits, HyperTransport, Transport as _};
use kyc_facade::veriff_sessions::VeriffWebhooks;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::receivers::{
    MAX_BODY_BYTES, begins, finpro_if_configured, finpro_words, known_event, veriff_if_configured,
    veriff_words,
};
use super::running::Running;
use crate::arguments::Listen;
use crate::connections::answer_each;
use crate::failure::{EXIT_UNREACHED, Failure, reason};
use crate::interrupt::Interrupt;
use crate::output::{Output, printable};
use crate::parse::{listen_address, seconds, web_uri};

/// How long a body may take, and the one that it is forwarded to.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER_BYTES: usize = 1024 * 1024;
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
    /// The status of the answer, which is the forwarded one's.
    status: StatusCode,
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
        .map(|text| seconds("--within", text))
        .transpose()?;
    let forward_to = arguments
        .forward_to
        .as_deref()
        .map(|text| web_uri("--forward-to", text))
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
    let listener = Arc::new(Listener {
        veriff: veriff_if_configured()?,
        finpro: finpro_if_configured()?,
        forward_to,
        events,
        transport: HyperTransport::builder().build()?,
    });
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
    let mut interrupt = Interrupt::listen();
    let running = match arguments.alone {
        true => None,
        false => Registration::make(&format!("http://{address}")).await?,
    };
    let url = format!("http://{address}");
    let wanted = Wanted {
        until: until.as_deref(),
        within,
    };
    let ended = match ready(output, &listener, &url, running.is_some()) {
        Ok(()) => receive(listener, socket, &wanted, &mut interrupt, output).await,
        Err(unread) => Err(unread),
    };
    if let Some(running) = running {
        running.undo().await;
    }
    ended
}

/// What ends the command.
struct Wanted<'w> {
    until: Option<&'w str>,
    within: Option<Duration>,
}

/// Receives and prints webhooks until the one that is wanted came, or its time is over.
async fn receive(
    listener: Arc<Listener>,
    socket: TcpListener,
    wanted: &Wanted<'_>,
    interrupt: &mut Interrupt,
    output: Output,
) -> Result<u8, Failure> {
    let (sender, mut received) = mpsc::channel(64);
    let server = tokio::spawn(answer_each(socket, move |request| {
        let (listener, sender) = (Arc::clone(&listener), sender.clone());
        async move {
            let mut response = Response::new(Empty::<Bytes>::new());
            *response.status_mut() = listener.answer(request, &sender).await;
            response
        }
    }));
    let deadline = async {
        match wanted.within {
            Some(within) => tokio::time::sleep(within).await,
            None => std::future::pending().await,
        }
    };
    let mut deadline = std::pin::pin!(deadline);
    let ended = loop {
        tokio::select! {
            biased;
            () = interrupt.next() => break Ok(0),
            Some(webhook) = received.recv() => {
                if let Err(unread) = print(output, &webhook) {
                    break Err(unread);
                }
                if wanted.until.is_some_and(|until| webhook.is(until)) {
                    break Ok(0);
                }
            }
            () = &mut deadline => break Ok(EXIT_UNREACHED),
        }
    };
    server.abort();
    ended
}

const PROVIDERS: [&str; 3] = ["veriff", "finpro", "finpass"];

/// Says where it listens, and what it can verify.
fn ready(output: Output, listener: &Listener, url: &str, registered: bool) -> Result<(), Failure> {
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
        true => "verifies nothing: without the settings of a provider its webhooks are refused"
            .to_owned(),
        false => format!("verifies {}", verified.join(", ")),
    })?;
    output.told(match registered {
        true => "sandbox  sends its webhooks here until this command ends",
        false => "sandbox  none is told to send its webhooks here",
    })
}

/// What a running sandbox was told, to be undone.
struct Registration {
    sandbox: Running,
    before: serde_json::Value,
}

impl Registration {
    /// Tells the running sandbox to send its webhooks here; none if none runs.
    async fn make(url: &str) -> Result<Option<Self>, Failure> {
        const PATH: &str = "/sandbox/webhook-urls";
        let Ok(sandbox) = Running::find() else {
            return Ok(None);
        };
        let known = sandbox.get(PATH).await?;
        let of = |name: &str| known.get(name).cloned().unwrap_or_default();
        let before = json!({"veriff": of("veriff"), "finpro": of("finpro")});
        let here = json!({"veriff": format!("{url}/veriff"), "finpro": format!("{url}/finpro")});
        sandbox.post(PATH, &here).await?;
        Ok(Some(Self { sandbox, before }))
    }

    async fn undo(self) {
        // The sandbox may have ended before.
        let _ = self
            .sandbox
            .post("/sandbox/webhook-urls", &self.before)
            .await;
    }
}

struct Listener {
    veriff: Option<Receiver<VeriffWebhooks>>,
    finpro: Option<Receiver<FinproWebhooks>>,
    forward_to: Option<Uri>,
    events: Vec<String>,
    transport: HyperTransport,
}

impl Listener {
    async fn answer(
        &self,
        request: Request<Incoming>,
        sender: &mpsc::Sender<Received>,
    ) -> StatusCode {
        let started = Instant::now();
        let named = request.uri().path().trim_matches('/');
        let Some(provider) = PROVIDERS.into_iter().find(|provider| *provider == named) else {
            return StatusCode::NOT_FOUND;
        };
        let headers = request.headers().clone();
        let ids = SANDBOX_HEADERS.map(|name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        });
        let told = match provider {
            "veriff" => verify(self.veriff.as_ref(), request, veriff_words).await,
            "finpro" => verify(self.finpro.as_ref(), request, finpro_words).await,
            _ => read_post(request, MAX_BODY_BYTES, PATIENCE)
                .await
                .map(|body| Told {
                    event: "finpass.hint".to_owned(),
                    verdict: "unsigned: a hint only",
                    body,
                }),
        };
        let mut received = Received {
            provider,
            event: None,
            ids,
            verdict: String::new(),
            status: StatusCode::OK,
            forwarded: false,
            took: Duration::ZERO,
        };
        match told {
            Ok(told) => {
                let is_chosen = self.events.iter().any(|wanted| begins(&told.event, wanted));
                if !is_chosen && !self.events.is_empty() {
                    return StatusCode::OK;
                }
                (received.event, received.verdict) = (Some(told.event), told.verdict.to_owned());
                if let Some(uri) = &self.forward_to {
                    received.forwarded = true;
                    received.status = self.forward(uri, &headers, told.body).await;
                }
            }
            Err(refusal) => {
                received.status = refusal.status();
                received.verdict = format!("refused: {refusal}");
            }
        }
        received.took = started.elapsed();
        let status = received.status;
        // Nobody prints any more: the command ends.
        let _ = sender.send(received).await;
        status
    }

    /// Sends a webhook on, and returns the status of the answer.
    async fn forward(&self, uri: &Uri, headers: &HeaderMap, body: Bytes) -> StatusCode {
        let mut request = Request::post(uri.clone())
            .body(Body::from(body.to_vec()))
            .unwrap_or_default();
        for (name, value) in headers {
            // What belongs to the connection to here.
            let own = [
                header::HOST,
                header::CONTENT_LENGTH,
                header::TRANSFER_ENCODING,
                header::CONNECTION,
            ];
            if !own.contains(name) {
                request.headers_mut().append(name, value.clone());
            }
        }
        let limits = ExchangeLimits::new(PATIENCE, ANSWER_BYTES);
        match tokio::time::timeout(PATIENCE, self.transport.send(request, limits)).await {
            Ok(Ok(answer)) => answer.status(),
            Ok(Err(_)) => StatusCode::BAD_GATEWAY,
            Err(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// A webhook that may be forwarded.
struct Told {
    event: String,
    verdict: &'static str,
    body: Bytes,
}

/// Receives a webhook of a provider that signs.
async fn verify<P: Scheme>(
    receiver: Option<&Receiver<P>>,
    request: Request<Incoming>,
    words: fn(&P::Event) -> String,
) -> Result<Told, Refusal> {
    let verified = receiver
        .ok_or(Refusal::Unconfigured)?
        .receive(request)
        .await?;
    let event: Result<_, Unreadable> = verified.parse();
    let (event, verdict) = match event {
        Ok(event) => (words(&event), "verified"),
        Err(_) => ("unreadable".to_owned(), "verified, and cannot be read"),
    };
    Ok(Told {
        event: format!("{}.{event}", P::PROVIDER),
        verdict,
        body: verified.raw().clone(),
    })
}

impl Received {
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
                "status": received.status.as_u16(),
                "forwarded": received.forwarded,
                "took_ms": u64::try_from(received.took.as_millis()).unwrap_or(u64::MAX),
            })
            .to_string()
        }
    };
    output.told(&line)
}
