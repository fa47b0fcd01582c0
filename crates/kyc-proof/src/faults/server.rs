//! A server that speaks bytes, not HTTP, so that it can misbehave exactly, and that keeps a ledger of what it was asked
//! and of what it did.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use provider_core::Route;
use provider_core::bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

/// When a wait for something that must happen is given up: it turns a hang into a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One thing that the server does in an exchange.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Reads one request to its end and enters it in the ledger.
    Request,
    /// Reads the head of a request and no more than came with it.
    Head,
    /// Does what was asked.
    Effect,
    /// Sends these bytes.
    Send(Bytes),
    /// Sends these bytes in pieces of this length, with a pause after each.
    Trickle(Bytes, usize, Duration),
    /// Sends these bytes again and again, with a pause after each time, as long as the client takes them.
    Flood(Bytes, Duration),
    /// Waits.
    Pause(Duration),
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

/// Whether and how the server listens before the fault is over. Afterwards it always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listening {
    /// It does.
    Open,
    /// It does not: connections are refused.
    Closed,
    /// The queue of the kernel is full: the first packet of a connection is ignored.
    Full,
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
    pub(crate) objections: Vec<String>,
}

impl Ledger {
    /// How often what the call asked for was done.
    pub(crate) fn effects_of(&self, id: &str) -> u32 {
        self.of(id).map(|request| request.effects).sum()
    }

    /// The requests of one call.
    pub(crate) fn of(&self, id: &str) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(move |request| request.id == id)
    }

    /// The effects of each call.
    pub(crate) fn effects(&self) -> HashMap<&str, u32> {
        let mut effects = HashMap::new();
        for request in &self.requests {
            *effects.entry(request.id.as_str()).or_insert(0) += request.effects;
        }
        effects
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
    connections: watch::Sender<usize>,
    open: watch::Sender<usize>,
    /// Counts stalls, to wait for.
    stalls: watch::Sender<u64>,
    over: watch::Sender<bool>,
    hang_up: watch::Sender<u32>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// What happens next: the fault, as long as there is some left.
    fn next(&self, at_connection: bool) -> Option<Script> {
        let mut fault = lock(&self.fault);
        let (script, hits) = &mut *fault;
        let begins_here = matches!(script, Script::AtConnection(_)) == at_connection;
        if *hits > 0 && begins_here {
            *hits = hits.saturating_sub(1);
            return Some(script.clone());
        }
        (!at_connection).then(|| self.clean.clone())
    }
}

/// A listener that has not begun to accept.
enum Waiting {
    Bound(TcpSocket),
    Queue(
        TcpListener,
        #[expect(dead_code, reason = "kept so that the queue stays full")] Vec<TcpStream>,
    ),
}

pub(crate) struct Server {
    runtime: Handle,
    shared: Arc<Shared>,
    waiting: Option<Waiting>,
    /// How many connections fill the kernel's queue.
    queued: usize,
    accepting: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

impl Server {
    /// A server that gives this correct reply to requests of this route until a fault is [armed](Server::arm).
    pub(crate) async fn start(
        listening: Listening,
        tls: Option<Arc<ServerConfig>>,
        route: Route,
        answer: Bytes,
    ) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // So that a request need not be huge to fill what is between two sockets.
        socket.set_recv_buffer_size(64 * 1024)?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let port = socket.local_addr()?.port();
        let clean = Script::AtRequest(vec![Step::Request, Step::Effect, Step::Send(answer)]);
        let shared = Arc::new(Shared {
            port,
            route,
            fault: Mutex::new((clean.clone(), 0)),
            clean,
            tls: Mutex::new(tls.map(TlsAcceptor::from)),
            ledger: Mutex::default(),
            received: AtomicU64::new(0),
            connections: watch::Sender::new(0),
            open: watch::Sender::new(0),
            stalls: watch::Sender::new(0),
            over: watch::Sender::new(false),
            hang_up: watch::Sender::new(0),
        });
        let mut server = Self {
            runtime: Handle::current(),
            shared,
            waiting: None,
            queued: 0,
            accepting: None,
        };
        match listening {
            Listening::Open => server.accept(socket.listen(1024)?),
            Listening::Closed => server.waiting = Some(Waiting::Bound(socket)),
            Listening::Full => {
                let listener = socket.listen(0)?;
                let queue = fill(listener.local_addr()?).await;
                server.queued = queue.len();
                server.waiting = Some(Waiting::Queue(listener, queue));
            }
        }
        Ok(server)
    }

    fn accept(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        self.accepting = Some(self.runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.send_modify(|count| *count += 1);
                let open = Open::new(Arc::clone(&shared));
                let tls = lock(&shared.tls).clone();
                tokio::spawn(connection(stream, open, tls));
            }
        }));
    }

    pub(crate) fn port(&self) -> u16 {
        self.shared.port
    }

    /// Plays `script` in the next `hits` exchanges.
    pub(crate) fn arm(&self, script: Script, hits: usize) {
        *lock(&self.shared.fault) = (script, hits);
    }

    /// Ends all faults: whoever stalls reads on, and whoever asks is answered, by TLS with this configuration.
    pub(crate) fn recover(&mut self, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
        *lock(&self.shared.tls) = tls.map(TlsAcceptor::from);
        let runtime = self.runtime.clone();
        let _runtime = runtime.enter();
        lock(&self.shared.fault).1 = 0;
        self.shared.over.send_replace(true);
        match self.waiting.take() {
            Some(Waiting::Bound(socket)) => self.accept(socket.listen(1024)?),
            Some(Waiting::Queue(listener, _)) => self.accept(listener),
            None => {}
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
        let waiting = open.wait_for(|open| *open == 0);
        let _ = tokio::time::timeout(PATIENCE, waiting).await;
        *self.shared.open.borrow()
    }

    /// Waits until the server has stalled once.
    pub(crate) async fn stalled(&self) {
        let mut stalls = self.shared.stalls.subscribe();
        let _ = stalls.wait_for(|stalls| *stalls > 0).await;
    }

    /// How many bytes of requests came in.
    pub(crate) fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }

    /// Waits until the queue of the kernel has room again.
    pub(crate) async fn reachable(&self) {
        let queued = self.queued;
        let mut connections = self.shared.connections.subscribe();
        let waiting = connections.wait_for(|count| *count >= queued);
        let _ = tokio::time::timeout(PATIENCE, waiting).await;
    }

    pub(crate) fn ledger(&self) -> Ledger {
        lock(&self.shared.ledger).clone()
    }
}

/// Connects until a connection is not taken any more.
async fn fill(address: std::net::SocketAddr) -> Vec<TcpStream> {
    let mut queue = Vec::new();
    while queue.len() < 64 {
        let connecting = TcpStream::connect(address);
        match tokio::time::timeout(Duration::from_millis(100), connecting).await {
            Ok(Ok(stream)) => queue.push(stream),
            _ => break,
        }
    }
    queue
}

/// Counts a connection for as long as it lives.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: Arc<Shared>) -> Self {
        shared.open.send_modify(|open| *open += 1);
        Self(shared)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// What a connection is made of: bytes, and the socket below them.
trait Socket: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn connection(stream: TcpStream, open: Open, tls: Option<TlsAcceptor>) {
    let shared = &*open.0;
    let _ = stream.set_nodelay(true);
    let mut raw = Connection::new(stream, shared);
    if let Some(script) = shared.next(true) {
        raw.counted = tls.is_none();
        if raw.play(&script).await.is_break() {
            return;
        }
    }
    match tls {
        None => raw.serve().await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(raw.stream).await {
                Connection::new(stream, shared).serve().await;
            }
        }
    }
}

struct Connection<'s, S> {
    stream: S,
    shared: &'s Shared,
    buffer: BytesMut,
    /// The request that is being answered, in the ledger.
    current: Option<usize>,
    /// Whether what comes in is counted.
    counted: bool,
}

type Flow = std::ops::ControlFlow<()>;
const GO_ON: Flow = Flow::Continue(());
const STOP: Flow = Flow::Break(());

impl<'s, S: Socket> Connection<'s, S> {
    fn new(stream: S, shared: &'s Shared) -> Self {
        Self {
            stream,
            shared,
            buffer: BytesMut::new(),
            current: None,
            counted: true,
        }
    }

    /// Exchange after exchange, until one side ends the connection.
    async fn serve(mut self) {
        let mut hang_up = self.shared.hang_up.subscribe();
        loop {
            // The script is chosen when a request begins.
            if self.buffer.is_empty() {
                let come = tokio::select! {
                    come = self.fill() => come,
                    _ = hang_up.changed() => {
                        let _ = self.stream.shutdown().await;
                        return self.drain().await;
                    }
                };
                if !come {
                    return;
                }
            }
            let script = self
                .shared
                .next(false)
                .unwrap_or_else(|| self.shared.clean.clone());
            if self.play(&script).await.is_break() {
                return;
            }
        }
    }

    async fn play(&mut self, script: &Script) -> Flow {
        for step in script.steps() {
            if self.step(step).await.is_break() {
                return STOP;
            }
        }
        GO_ON
    }

    async fn step(&mut self, step: &Step) -> Flow {
        match step {
            Step::Request => self.request(true).await,
            Step::Head => self.request(false).await,
            Step::Effect => {
                if let Some(at) = self.current {
                    lock(&self.shared.ledger).requests[at].effects += 1;
                }
                GO_ON
            }
            Step::Send(bytes) => self.send(bytes).await,
            Step::Trickle(bytes, length, pause) => {
                for piece in bytes.chunks(*length) {
                    if self.send(piece).await.is_break() {
                        return STOP;
                    }
                    tokio::time::sleep(*pause).await;
                }
                GO_ON
            }
            Step::Flood(bytes, pause) => {
                let over = self.shared.over.subscribe();
                while !*over.borrow() && self.send(bytes).await.is_continue() {
                    tokio::time::sleep(*pause).await;
                }
                STOP
            }
            Step::Pause(pause) => {
                tokio::time::sleep(*pause).await;
                GO_ON
            }
            Step::Finish => {
                let _ = self.stream.shutdown().await;
                self.drain().await;
                STOP
            }
            Step::Reset => {
                let _ = self.stream.tcp().set_zero_linger();
                STOP
            }
            Step::Stall => {
                self.shared.stalls.send_modify(|stalls| *stalls += 1);
                let mut over = self.shared.over.subscribe();
                let _ = over.wait_for(|over| *over).await;
                self.drain().await;
                STOP
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Flow {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        if sent.await.is_ok() { GO_ON } else { STOP }
    }

    /// Reads until the client ends its side.
    async fn drain(&mut self) {
        self.buffer.clear();
        while self.fill().await {
            self.buffer.clear();
        }
    }

    /// Whether more came in.
    async fn fill(&mut self) -> bool {
        self.buffer.reserve(16 * 1024);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(count) if count > 0 => {
                if self.counted {
                    self.shared
                        .received
                        .fetch_add(count as u64, Ordering::Relaxed);
                }
                true
            }
            _ => false,
        }
    }

    /// Reads a request, or its head alone.
    async fn request(&mut self, whole: bool) -> Flow {
        let end = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(end) => break end,
                None if self.fill().await => {}
                None => return STOP,
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.advance(end + 4);
        let length = self.enter(&head);
        if !whole {
            return GO_ON;
        }
        let mut left = length;
        let mut kept = Vec::new();
        loop {
            let taken = left.min(self.buffer.len());
            let part = &self.buffer[..taken];
            kept.extend_from_slice(&part[..part.len().min(KEPT - kept.len())]);
            self.buffer.advance(taken);
            left -= taken;
            if left == 0 {
                break;
            }
            if !self.fill().await {
                return STOP;
            }
        }
        self.complete(kept);
        GO_ON
    }

    /// Enters a head in the ledger, and gives the length of the body to come.
    fn enter(&mut self, head: &str) -> usize {
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let headers: HashMap<String, &str> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
            .collect();
        let header = |name: &str| headers.get(name).copied().unwrap_or_default();
        let mut ledger = lock(&self.shared.ledger);
        if !is_request_of(first, &self.shared.route) {
            let objection = "a request line that is not of the operation's route";
            ledger.objections.push(objection.to_owned());
        }
        let host = header("host");
        let known = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", self.shared.port));
        if !known.iter().any(|known| known == host) {
            ledger
                .objections
                .push("a request for another host".to_owned());
        }
        let unasked = |name: &&&str| headers.contains_key(**name);
        for name in ["expect", "cookie", "referer", "transfer-encoding"]
            .iter()
            .filter(unasked)
        {
            let objection = format!("a header that nobody asked for: {name}");
            ledger.objections.push(objection);
        }
        if header("accept-encoding") != "identity" {
            ledger
                .objections
                .push("a request for compression".to_owned());
        }
        self.current = Some(ledger.requests.len());
        ledger.requests.push(Request {
            id: header("x-request-id").to_owned(),
            ..Request::default()
        });
        header("content-length").parse().unwrap_or_default()
    }

    fn complete(&mut self, body: Vec<u8>) {
        let Some(at) = self.current else { return };
        let mut ledger = lock(&self.shared.ledger);
        let id = ledger.requests[at].id.clone();
        let differs = ledger
            .of(&id)
            .any(|other| other.complete && other.body != body);
        if differs {
            ledger
                .objections
                .push("a repeat with another body".to_owned());
        }
        ledger.requests[at].complete = true;
        ledger.requests[at].body = body;
    }
}

/// Whether a request line has the route's method and its path, with a value for each placeholder.
fn is_request_of(line: &str, route: &Route) -> bool {
    let Some((method, rest)) = line.split_once(' ') else {
        return false;
    };
    let Some(target) = rest.strip_suffix(" HTTP/1.1") else {
        return false;
    };
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let (sent, expected) = (path.split('/'), route.path().split('/'));
    let fits = |(sent, expected): (&str, &str)| match expected.contains('{') {
        true => !sent.is_empty(),
        false => sent == expected,
    };
    method == route.method().as_str()
        && sent.clone().count() == expected.clone().count()
        && sent.zip(expected).all(fits)
}

/// How much of a body is kept to compare it.
const KEPT: usize = 4 * 1024;

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

/// An address on this machine that nobody has any business with.
pub(crate) struct Bystander {
    listener: std::net::TcpListener,
    port: u16,
}

impl Bystander {
    pub(crate) fn new() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many connections came to it after all. The kernel takes them; nobody has to wait here.
    pub(crate) fn connections(&self) -> usize {
        std::iter::from_fn(|| self.listener.accept().ok()).count()
    }
}
