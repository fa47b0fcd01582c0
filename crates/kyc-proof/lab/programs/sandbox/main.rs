//! What loads the sandbox: `sandbox load ADDRESS CONNECTIONS REQUESTS veriff KEY SECRET`, or `… get` for any other server.
//! Prints the wall time and its own processor time in ns. `sandbox console ADDRESS RATE LOOKS KEY SECRET` asks so many times a
//! second, looks at the console meanwhile, and prints how long each look took in µs, the median, the 99th of a hundred and the
//! longest. `cargo xtask bench sandbox` runs both.

use std::fs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const BODY: &str = r#"{"type":"aadhaar","approved":true,"text":"I agree that my Aadhaar details are verified for this loan."}"#;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (address, connections, requests, request) = match *arguments.as_slice() {
        [
            "load",
            address,
            connections,
            requests,
            "veriff",
            key,
            secret,
        ] => (
            address,
            connections,
            requests,
            veriff(address, key, secret)?,
        ),
        ["load", address, connections, requests, "get"] => (
            address,
            connections,
            requests,
            format!("GET / HTTP/1.1\r\nhost: {address}\r\n\r\n"),
        ),
        ["console", address, rate, looks, key, secret] => {
            let request = Rc::from(veriff(address, key, secret)?);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let console = console(Rc::from(address), rate.parse()?, looks.parse()?, request);
            return runtime.block_on(LocalSet::new().run_until(console));
        }
        // Without a command there is nothing to load by itself.
        _ => {
            println!(
                "usage: sandbox load ADDRESS CONNECTIONS REQUESTS (get | veriff KEY SECRET)\n       \
                 sandbox console ADDRESS RATE LOOKS KEY SECRET"
            );
            return Ok(());
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let load = load(
        Rc::from(address),
        connections.parse()?,
        requests.parse()?,
        Rc::from(request),
    );
    runtime.block_on(LocalSet::new().run_until(load))
}

/// The exchange of a recorded consent, signed.
fn veriff(address: &str, key: &str, secret: &str) -> Result<String> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?.chain_update(BODY);
    let signature = hex::encode(mac.finalize().into_bytes());
    let length = BODY.len();
    Ok(format!(
        "POST /veriff/v1/sessions/00000000-0000-4000-8000-000000000001/consents HTTP/1.1\r\nhost: {address}\r\n\
         content-type: application/json\r\naccept: application/json\r\nx-auth-client: {key}\r\n\
         x-hmac-signature: {signature}\r\nx-request-id: 7fffffffffffffff0000000000000001\r\n\
         content-length: {length}\r\n\r\n{BODY}"
    ))
}

/// Every connection asks as soon as it is answered, and never before.
async fn load(
    address: Rc<str>,
    connections: usize,
    requests: usize,
    request: Rc<str>,
) -> Result<()> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(&*address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let (started, processor) = (Instant::now(), processor_time());
    let tasks: Vec<_> = streams
        .into_iter()
        .map(|stream| {
            tokio::task::spawn_local(ask(stream, Rc::clone(&request), requests / connections))
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    println!(
        "{} {}",
        started.elapsed().as_nanos(),
        processor_time() - processor
    );
    Ok(())
}

/// Opens the console so many times while it is asked at this rate.
async fn console(address: Rc<str>, rate: u32, looks: usize, request: Rc<str>) -> Result<()> {
    const CONNECTIONS: u32 = 10;
    let pause = Duration::from_secs(1) * CONNECTIONS / rate;
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(&*address).await?;
        stream.set_nodelay(true)?;
        let request = Rc::clone(&request);
        let asking = async move {
            let mut next = tokio::time::interval(pause);
            let mut buffer = vec![0; 4096];
            loop {
                next.tick().await;
                stream.write_all(request.as_bytes()).await?;
                if stream.read(&mut buffer).await? == 0 || !buffer.starts_with(b"HTTP/1.1 200 ") {
                    return Err("not the expected reply".into());
                }
            }
        };
        tokio::task::spawn_local(async move {
            let asked: Result<()> = asking.await;
            asked
        });
    }
    let page = format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let (mut took, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..looks {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let started = Instant::now();
        let mut stream = TcpStream::connect(&*address).await?;
        stream.write_all(page.as_bytes()).await?;
        bytes.clear();
        stream.read_to_end(&mut bytes).await?;
        took.push(started.elapsed().as_micros());
        if !bytes.starts_with(b"HTTP/1.1 200 ") {
            return Err("the console is not answered".into());
        }
    }
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).or(took.last()).copied();
    let figures = [at(50), at(99), took.last().copied()].map(Option::unwrap_or_default);
    println!("{} {} {}", figures[0], figures[1], figures[2]);
    Ok(())
}

async fn ask(mut stream: TcpStream, request: Rc<str>, times: usize) -> Result<()> {
    let mut buffer = vec![0; 4096];
    // All replies are as long as the first one.
    let mut whole = None;
    for _ in 0..times {
        stream.write_all(request.as_bytes()).await?;
        let mut read = 0;
        while whole.is_none_or(|whole| read < whole) {
            let more = stream
                .read(buffer.get_mut(read..).unwrap_or_default())
                .await?;
            if more == 0 {
                return Err("the server closed the connection".into());
            }
            read += more;
            if whole.is_none() {
                whole = length(buffer.get(..read).unwrap_or_default());
            }
        }
        if whole != Some(read) || !buffer.starts_with(b"HTTP/1.1 200 ") {
            return Err("not the expected reply".into());
        }
    }
    Ok(())
}

/// The length of a reply, once its headers are there.
fn length(seen: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(seen).ok()?;
    let (head, _) = text.split_once("\r\n\r\n")?;
    let (_, value) = head.split_once("content-length: ")?;
    let body: usize = value.split("\r\n").next()?.parse().ok()?;
    Some(head.len() + 4 + body)
}

/// The time that this process has run, in ns.
fn processor_time() -> u64 {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let first = text.split(' ').next();
    first.and_then(|ns| ns.parse().ok()).unwrap_or(0)
}
