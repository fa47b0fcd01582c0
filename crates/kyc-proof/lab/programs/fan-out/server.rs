//! A server that answers after a time which the path begins with: `/20/…` after 20 ms. `/tail/…` answers after 5 ms, and
//! once in a hundred after 2 s.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const FINPASS: &str = r#"{"data":{"client_id":"aa_00000000_000040008000000000000001","redirect_url":"https://consent.example.test/onboarding"},"status_code":200,"success":true,"message":"Success","message_code":"success"}"#;
const FINPRO: &str = r#"{"ver":"1.0.0","timestamp":"2026-11-22T00:00:00.000Z","txnid":"00000000-0000-4000-8000-000000000001","data":[{"aaId":"onemoney","registrationStatus":true,"hasLinkedAccounts":true,"status":"success"}]}"#;

pub(crate) const USUAL: Duration = Duration::from_millis(5);
const STALL: Duration = Duration::from_secs(2);

/// A server on a port of its own, and how many requests it was sent.
pub(crate) fn start() -> io::Result<(u16, Arc<AtomicU64>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let asked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            thread::spawn(move || answer(stream, &counter));
        }
    });
    Ok((port, asked))
}

fn answer(mut stream: TcpStream, asked: &AtomicU64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        seen.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let Some((delay, body)) = request(&seen, asked) else {
            continue;
        };
        thread::sleep(delay);
        let reply = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(reply.as_bytes())?;
        seen.clear();
    }
}

/// How long a request is to wait and what it is answered, once all of it is there.
fn request(seen: &[u8], asked: &AtomicU64) -> Option<(Duration, &'static str)> {
    let (head, body) = std::str::from_utf8(seen).ok()?.split_once("\r\n\r\n")?;
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length?.1.parse().ok()?;
    if body.len() < length {
        return None;
    }
    let number = asked.fetch_add(1, Ordering::Relaxed);
    let begins = head.split('/').nth(1)?;
    if begins == "tail" {
        let stalls = number % 100 == 50;
        return Some((if stalls { STALL } else { USUAL }, FINPRO));
    }
    Some((Duration::from_millis(begins.parse().ok()?), FINPASS))
}
