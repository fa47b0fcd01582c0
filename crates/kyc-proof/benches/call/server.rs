//! The other side: keeps connections, and answers each exchange with its one reply. It is a process of its own and not counted.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Result, exchange};

/// The longest request, which is a few hundred bytes.
const LONGEST: usize = 8192;

/// Prints the port, and answers until standard input ends.
pub(crate) fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks fails the caller, who says so.
            std::thread::spawn(move || answer(stream));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut seen = Vec::with_capacity(LONGEST);
    let mut piece = [0; LONGEST];
    loop {
        let read = stream.read(&mut piece)?;
        let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else {
            return Ok(());
        };
        seen.extend_from_slice(read);
        if let Some(path) = path_of_complete(&seen) {
            stream.write_all(&reply(path)?)?;
            seen.clear();
        }
    }
}

/// The path of a request whose body has arrived. Nobody sends ahead of a reply.
fn path_of_complete(seen: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(seen).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let named = name.eq_ignore_ascii_case("content-length");
        named.then(|| value.trim().parse::<usize>().ok())?
    })?;
    (body.len() >= length).then(|| head.split(' ').nth(1))?
}

/// The reply of Finpass or of Veriff: the bytes are those that the lab's server sends.
fn reply(path: &str) -> Result<Vec<u8>> {
    if path == exchange::FINPASS_PATH {
        let body = r#"{"data":{"client_id":"aa_00000000_000040008000000000000001","mobile_number":"9000000001","pan_number":"AAAAA0000A","email_id":"person@example.test","redirect_url":"https://consent.example.test/onboarding?fi=000040008000000000000001+Rg==&reqdate00000000+X=="},"status_code":200,"success":true,"message":"Success","message_code":"success"}"#;
        return Ok(with_head("", body));
    }
    let session = exchange::sessions()
        .into_iter()
        .find(|session| path.contains(session.as_str()))
        .ok_or("no such session")?;
    let body = format!(
        r#"{{"id":"00000000-0000-4000-8000-00000000000c","context":"consent","sessionId":"{session}"}}"#
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(exchange::VERIFF_SECRET.as_bytes())?;
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let key = exchange::VERIFF_KEY;
    let headers = format!(
        "x-auth-client: {key}\r\nx-hmac-signature: {signature}\r\n\
         vrf-auth-client: {key}\r\nvrf-hmac-signature: {signature}\r\n"
    );
    Ok(with_head(&headers, &body))
}

fn with_head(headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Sun, 22 Nov 2026 00:00:00 GMT\r\n{headers}\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
