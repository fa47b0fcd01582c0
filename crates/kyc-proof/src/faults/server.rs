//! A server that speaks bytes, not HTTP, so that it can misbehave exactly, and that keeps a ledger of what it was asked
//! and of what it did.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::Route;
use provider_core::bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::case::Stage;

/// When a wait for something that must happen is given up: it turns a hang into a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One thing that the server does in an exchange.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Reads one request to its end and enters it in the ledger.
    Request,
    /// Reads the head of a request and no more than came with it.
    Head,
    /// Breaks the connection if it has carried a request before.
    Unused,
    /// Does what was asked.
    Effect,
    /// Sends these bytes.
    Send(Bytes),
    /// Sends these bytes in pieces of this length, with a pause after each.
    Trickle(Bytes, usize, Duration),
    /// Sends these bytes again and again, with a pause after each time, as long as the client takes them.
    Flood(Bytes, Duration),
    /// Ends its side of the connection and reads on until the client ends its own.
    Finish,
    /// Breaks the connection.
    Reset,
    /// Neither reads nor writes until the fault is over.
    Stall,
}

/// A fault of the server, and where it begins.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// From the first byte of a request on.
    AtRequest(Vec<Step>),
    /// As soon as a connection is there: before TLS, before a request.
    AtConnection(Vec<Step>),
}

impl Script {
    fn steps(&self) -> &[Step] {
        match self {
            Self::AtRequest(steps) | Self::AtConnection(steps) => steps,
        }
    }

    /// Whether the server does what was asked.
    pub(crate) fn has_effect(&self) -> bool {
        self.steps().iter().any(|step| matches!(step, Step::Effect))
    }
}

/// One request as the server saw it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// Its `x-request-id`.
    pub(crate) id: String,
    /// Whether it was read to its end.
    pub(crate) complete: bool,
    /// How often what it asked for was done.
    pub(crate) effects: u32,
    /// Its beginning, to be compared with that of its repeats.
    body: Vec<u8>,
}

/// What the server was asked and what it did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    /// Every request whose head was read.
    pub(crate) requests: Vec<Request>,
    /// What no request may be like: another host, another method, a repeat that differs.
    pub(crate) objections: Vec<&'static str>,
}

impl Ledger {
    /// The requests of one call.
    pub(crate) fn of(&self, id: &str) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(move |request| request.id == id)
    }

    /// How often what the call asked for was done.
    pub(crate) fn effects_of(&self, id: &str) -> u32 {
        self.of(id).map(|request| request.effects).sum()
    }

    /// The most effects that any call had.
    pub(crate) fn most_effects(&self) -> u32 {
        let of_each = self.requests.iter();
        let of_each = of_each.map(|request| self.effects_of(&request.id));
        of_each.max().unwrap_or_default()
    }
}

struct Shared {
    port: u16,
    route: Route,
    clean: Script,
    tls: Mutex<Option<TlsAcceptor>>,
    fault: Mutex<(Script, usize)>,
    ledger: Mutex<Ledger>,
    /// Bytes of requests, after TLS.
    received: AtomicU64,
    open: watch::Sender<usize>,
    stalled: watch::Sender<bool>,
    over: watch::Sender<bool>,
    hang_up: watch::Sender<u32>,
}

impl Shared {
    /// What happens next: the fault, as long as there is some left.
    fn next(&self, at_connection: bool) -> Option<Script> {
        let mut fault = self.fault.lock().unwrap();
        let (script, hits) = &mut *fault;
        if *hits > 0 && matches!(script, Script::AtConnection(_)) == at_connection {
            *hits -= 1;
            return Some(script.clone());
        }
        (!at_connection).then(|| self.clean.clone())
    }
}

pub(crate) struct Server {
    runtime: Handle,
    shared: Arc<Shared>,
    /// Nobody listens yet.
    bound: Option<TcpSocket>,
    accepting: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // Its descriptor is closed before the next cell takes away what is left.
            let _ = self.runtime.block_on(accepting);
        }
    }
}

impl Server {
    /// A server that gives this correct reply to requests of this route until a fault is [armed](Server::arm).
    pub(crate) async fn start(
        stage: Stage,
        tls: Option<&Arc<ServerConfig>>,
        route: Route,
        answer: Bytes,
    ) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // So that a request need not be huge to fill what is between two sockets.
        socket.set_recv_buffer_size(64 * 1024)?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let clean = Script::AtRequest(vec![Step::Request, Step::Effect, Step::Send(answer)]);
        let shared = Arc::new(Shared {
            port: socket.local_addr()?.port(),
            route,
            fault: Mutex::new((clean.clone(), 0)),
            clean,
            tls: Mutex::new(tls.map(|config| TlsAcceptor::from(Arc::clone(config)))),
            ledger: Mutex::default(),
            received: AtomicU64::new(0),
            open: watch::Sender::new(0),
            stalled: watch::Sender::new(false),
            over: watch::Sender::new(false),
            hang_up: watch::Sender::new(0),
        });
        let mut server = Self {
            runtime: Handle::current(),
            shared,
            bound: None,
            accepting: None,
        };
        match stage {
            Stage::Refused => server.bound = Some(socket),
            _ => server.accept(socket.listen(1024)?),
        }
        Ok(server)
    }

    fn accept(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        self.accepting = Some(self.runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.open.send_modify(|open| *open += 1);
                tokio::spawn(connection(stream, Open(Arc::clone(&shared))));
            }
        }));
    }

    pub(crate) fn port(&self) -> u16 {
        self.shared.port
    }

    /// Plays `script` in the next `hits` exchanges.
    pub(crate) fn arm(&self, script: Script, hits: usize) {
        *self.shared.fault.lock().unwrap() = (script, hits);
    }

    /// Ends all faults: whoever stalls reads on, and whoever asks is answered; by TLS, if at all, with this configuration.
    pub(crate) fn recover(&mut self, good: &Arc<ServerConfig>) -> io::Result<()> {
        if let Some(tls) = &mut *self.shared.tls.lock().unwrap() {
            *tls = TlsAcceptor::from(Arc::clone(good));
        }
        let runtime = self.runtime.clone();
        let _runtime = runtime.enter();
        self.shared.fault.lock().unwrap().1 = 0;
        self.shared.over.send_replace(true);
        if let Some(socket) = self.bound.take() {
            self.accept(socket.listen(1024)?);
        }
        Ok(())
    }

    /// Ends the server's side of every idle connection.
    pub(crate) fn hang_up(&self) {
        self.shared.hang_up.send_modify(|times| *times += 1);
    }

    /// Waits until no connection is open on the server's side, which is when the client has let go of each of them.
    /// How many are open after all that patience.
    pub(crate) async fn closed(&self) -> usize {
        let mut open = self.shared.open.subscribe();
        let _ = timeout(PATIENCE, open.wait_for(|open| *open == 0)).await;
        *self.shared.open.borrow()
    }

    /// Waits until the server has stalled once.
    pub(crate) async fn stalled(&self) {
        let mut stalled = self.shared.stalled.subscribe();
        let _ = stalled.wait_for(|stalled| *stalled).await;
    }

    /// How many bytes of requests came in.
    pub(crate) fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.shared.ledger.lock().unwrap().clone()
    }
}

/// Counts a connection for as long as it lives.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// Exchange after exchange, until one side ends the connection. An error is such an end.
async fn connection(stream: TcpStream, open: Open) -> io::Result<()> {
    let shared = &*open.0;
    stream.set_nodelay(true)?;
    // Whoever drops it without having ended it breaks it.
    stream.set_zero_linger()?;
    let tls = shared.tls.lock().unwrap().clone();
    let mut raw = Connection::new(stream, shared);
    if let Some(script) = shared.next(true) {
        raw.counted = tls.is_none();
        raw.play(&script).await?;
    }
    match tls {
        None => raw.serve().await,
        Some(tls) => {
            let stream = tls.accept(raw.stream).await?;
            Connection::new(stream, shared).serve().await
        }
    }
}

struct Connection<'s, S> {
    stream: S,
    shared: &'s Shared,
    buffer: BytesMut,
    /// The request that is being answered, in the ledger.
    current: usize,
    /// Whether it has carried a request.
    used: bool,
    /// Whether what comes in is counted.
    counted: bool,
}

/// The server has ended the connection.
fn ended() -> io::Result<()> {
    Err(io::ErrorKind::NotConnected.into())
}

impl<'s, S: AsyncRead + AsyncWrite + Unpin> Connection<'s, S> {
    fn new(stream: S, shared: &'s Shared) -> Self {
        Self {
            stream,
            shared,
            buffer: BytesMut::new(),
            current: 0,
            used: false,
            counted: true,
        }
    }

    async fn serve(mut self) -> io::Result<()> {
        let mut hang_up = self.shared.hang_up.subscribe();
        loop {
            // The script is chosen when a request begins.
            if self.buffer.is_empty() {
                tokio::select! {
                    filled = self.fill() => filled?,
                    _ = hang_up.changed() => return self.finish().await,
                }
            }
            let script = self.shared.next(false).unwrap();
            self.play(&script).await?;
        }
    }

    async fn play(&mut self, script: &Script) -> io::Result<()> {
        for step in script.steps() {
            self.step(step).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> io::Result<()> {
        let shared = self.shared;
        match step {
            Step::Request => {
                let length = self.head().await?;
                self.body(length).await?;
            }
            Step::Head => {
                self.head().await?;
            }
            Step::Effect => shared.ledger.lock().unwrap().requests[self.current].effects += 1,
            Step::Send(bytes) => self.send(bytes).await?,
            Step::Trickle(bytes, length, pause) => {
                for piece in bytes.chunks(*length) {
                    self.send(piece).await?;
                    sleep(*pause).await;
                }
            }
            Step::Flood(bytes, pause) => {
                while !*shared.over.borrow() {
                    self.send(bytes).await?;
                    sleep(*pause).await;
                }
                return ended();
            }
            Step::Finish => return self.finish().await,
            Step::Unused if !self.used => {}
            Step::Unused | Step::Reset => return ended(),
            Step::Stall => {
                shared.stalled.send_replace(true);
                let _ = shared.over.subscribe().wait_for(|over| *over).await;
                return self.drain().await;
            }
        }
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        self.drain().await
    }

    /// Reads until the client ends its side.
    async fn drain(&mut self) -> io::Result<()> {
        loop {
            self.buffer.clear();
            self.fill().await?;
        }
    }

    /// Reads what comes in; an error if nothing will.
    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(16 * 1024);
        let count = self.stream.read_buf(&mut self.buffer).await?;
        if self.counted {
            let received = &self.shared.received;
            received.fetch_add(count as u64, Ordering::Relaxed);
        }
        if count == 0 { ended() } else { Ok(()) }
    }

    /// Reads a head, enters it in the ledger, and gives the length of the body to come.
    async fn head(&mut self) -> io::Result<usize> {
        let end = loop {
            let mut windows = self.buffer.windows(4);
            match windows.position(|window| window == b"\r\n\r\n") {
                Some(end) => break end,
                None => self.fill().await?,
            }
        };
        let head = String::from_utf8_lossy(&self.buffer.split_to(end)).into_owned();
        self.buffer.advance(4);
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let headers: HashMap<String, &str> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
            .collect();
        let header = |name: &str| headers.get(name).copied().unwrap_or_default();
        let Shared { port, route, .. } = self.shared;
        let known = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}"));
        let unasked = ["expect", "cookie", "referer", "transfer-encoding"];
        let objections = [
            (
                !is_request_of(first, route),
                "a request line that is not of the operation's route",
            ),
            (
                !known.contains(&header("host").to_owned()),
                "a request for another host",
            ),
            (
                header("accept-encoding") != "identity",
                "a request for compression",
            ),
            (
                unasked.iter().any(|name| headers.contains_key(*name)),
                "a header that nobody asked for",
            ),
        ];
        let objections = objections.iter().filter(|(objects, _)| *objects);
        let mut ledger = self.shared.ledger.lock().unwrap();
        ledger.objections.extend(objections.map(|(_, text)| *text));
        self.current = ledger.requests.len();
        self.used = true;
        ledger.requests.push(Request {
            id: header("x-request-id").to_owned(),
            ..Request::default()
        });
        Ok(header("content-length").parse().unwrap_or_default())
    }

    /// Reads a body, keeps its beginning, and compares it with that of the same call's other requests.
    async fn body(&mut self, mut left: usize) -> io::Result<()> {
        /// How much of a body is compared.
        const KEPT: usize = 4 * 1024;
        let mut kept = Vec::new();
        loop {
            let part = self.buffer.split_to(left.min(self.buffer.len()));
            kept.extend_from_slice(&part[..part.len().min(KEPT - kept.len())]);
            left -= part.len();
            if left == 0 {
                break;
            }
            self.fill().await?;
        }
        let mut ledger = self.shared.ledger.lock().unwrap();
        let differs = |other: &Request| other.complete && other.body != kept;
        if ledger.of(&ledger.requests[self.current].id).any(differs) {
            ledger.objections.push("a repeat with another body");
        }
        let request = &mut ledger.requests[self.current];
        (request.complete, request.body) = (true, kept);
        Ok(())
    }
}

/// Whether a request line has the route's method and its path, with a value for each placeholder.
fn is_request_of(line: &str, route: &Route) -> bool {
    let [method, target, "HTTP/1.1"] = *line.split(' ').collect::<Vec<_>>() else {
        return false;
    };
    let path = target.split('?').next().unwrap_or_default();
    let sent: Vec<_> = path.split('/').collect();
    let expected: Vec<_> = route.path().split('/').collect();
    let mut segments = sent.iter().zip(&expected);
    method == route.method().as_str()
        && sent.len() == expected.len()
        && segments.all(|(sent, expected)| match expected.contains('{') {
            true => !sent.is_empty(),
            false => sent == expected,
        })
}
