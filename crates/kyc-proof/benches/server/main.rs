//! The other side of every benchmark: one thread that keeps connections and answers each exchange with one fixed reply.
//!
//! `server [exact] [message=BYTES] [aggregators=COUNT]` prints its port and answers until its standard input ends. It is
//! no part of the figures, and cheap, so that it is not what limits them: the first request of a connection is looked
//! through, and each one after that has to be the same but for the session and the request id, or is looked through too.
#![allow(
    clippy::print_stdout,
    reason = "its output is what the runner of the benchmark reads"
)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "places in requests of a few hundred bytes"
)]

#[path = "../exchange/mod.rs"]
#[allow(dead_code, reason = "each program uses some of it")]
mod exchange;
mod replies;
mod request;

use std::io;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

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
}

fn main() -> Result<()> {
    let mut settings = Settings::default();
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            None if argument == "exact" => settings.exact = true,
            Some(("message", bytes)) => settings.message = bytes.parse()?,
            Some(("aggregators", count)) => settings.aggregators = count.parse()?,
            // `cargo test --benches` and `cargo bench` start it with options of a harness.
            _ => {
                println!("usage: server [exact] [message=BYTES] [aggregators=COUNT]");
                return Ok(());
            }
        }
    }
    let replies = Rc::new(Replies::new(&settings)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let listening = LocalSet::new();
    listening.spawn_local(listen(replies, settings.exact));
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    runtime.block_on(listening);
    Ok(())
}

async fn listen(replies: Rc<Replies>, exact: bool) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::task::spawn_local(answer(stream, Rc::clone(&replies), exact));
    }
}

async fn answer(mut stream: TcpStream, replies: Rc<Replies>, exact: bool) -> io::Result<()> {
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
            known = request.known(exact);
        }
        let reply = known.as_ref().and_then(|known| replies.to(known, &seen));
        match reply {
            Some(reply) => stream.write_all(reply).await?,
            None => stream.write_all(replies::REFUSAL).await?,
        }
        seen.clear();
    }
}
