//! The other side of every benchmark: one thread that keeps connections and answers each exchange with one fixed reply.
//!
//! `server [exact] [message=BYTES] [aggregators=COUNT] [people=COUNT] [faults-every=EXCHANGES]` prints its port and answers until
//! its standard input ends; then it prints what it counted. It is no part of the figures, and cheap, so that it is not what
//! limits them: the first request of a connection is looked through, and each one after that has to be the same but for the
//! session, the request id and the person, or is looked through too.

#[path = "../exchange/mod.rs"]
#[allow(dead_code, reason = "each program uses some of it")]
mod exchange;
mod ledger;
mod replies;
mod request;

use std::io::{self, Write as _};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use ledger::{Fate, Ledger};
use replies::Replies;
use request::{Known, Request};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How the server was asked to be.
#[derive(Debug, Default)]
struct Settings {
    /// Whether every request has to be as our clients write it: the same header names, the same bytes in the body.
    exact: bool,
    /// How long Finpass's message is.
    message: usize,
    /// How many aggregators FinPro knows.
    aggregators: usize,
    /// How many people FinPro may be asked about, 9000000001 and those after; 0 for the one of every exchange.
    people: usize,
    /// One exchange of so many fails: 503, closed, cut, in turn. None with 0.
    faults_every: u64,
}

fn main() -> Result<()> {
    let mut settings = Settings::default();
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            None if argument == "exact" => settings.exact = true,
            Some(("message", bytes)) => settings.message = bytes.parse()?,
            Some(("aggregators", count)) => settings.aggregators = count.parse()?,
            Some(("people", count)) => settings.people = count.parse()?,
            Some(("faults-every", exchanges)) => settings.faults_every = exchanges.parse()?,
            // Nothing else is known.
            _ => {
                println!(
                    "usage: server [exact] [message=BYTES] [aggregators=COUNT] [people=COUNT] [faults-every=EXCHANGES]"
                );
                return Ok(());
            }
        }
    }
    let ledger = Arc::new(Mutex::new(Ledger::new(&settings)));
    let shared = Shared {
        replies: Replies::new(&settings)?,
        ledger: Arc::clone(&ledger),
        settings,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let listening = LocalSet::new();
    listening.spawn_local(listen(Rc::new(shared)));
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        // Most runners do not ask.
        let _ = writeln!(io::stdout(), "{ledger}");
        std::process::exit(0);
    });
    runtime.block_on(listening);
    Ok(())
}

/// What all connections have in common.
struct Shared {
    settings: Settings,
    replies: Replies,
    ledger: Arc<Mutex<Ledger>>,
}

impl Shared {
    /// The reply to a request and what becomes of it, if it is one that should be answered.
    fn reply(&self, known: &Known, seen: &[u8]) -> Option<(&[u8], Fate)> {
        let reply = self.replies.to(known, seen)?;
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        Some((reply, ledger.note(known.mobile(seen))?))
    }
}

async fn listen(shared: Rc<Shared>) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::task::spawn_local(answer(stream, Rc::clone(&shared)));
    }
}

async fn answer(mut stream: TcpStream, shared: Rc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut seen = Vec::with_capacity(4096);
    let mut known: Option<Known> = None;
    loop {
        if stream.read_buf(&mut seen).await? == 0 {
            return Ok(());
        }
        if !known.as_ref().is_some_and(|known| known.is_like(&seen)) {
            // Nobody sends ahead of a reply, so a complete request is all there is.
            let Some(request) = Request::complete(&seen) else {
                continue;
            };
            known = request.known(&shared.settings);
        }
        let reply = known.as_ref().and_then(|known| shared.reply(known, &seen));
        match reply {
            Some((reply, Fate::Answered)) => stream.write_all(reply).await?,
            Some((_, Fate::Unavailable)) => stream.write_all(replies::UNAVAILABLE).await?,
            Some((_, Fate::Closed)) => return Ok(()),
            Some((reply, Fate::Cut)) => {
                let (begun, _) = reply.split_at(reply.len() / 4 * 3);
                return stream.write_all(begun).await;
            }
            None => stream.write_all(replies::REFUSAL).await?,
        }
        seen.clear();
    }
}
