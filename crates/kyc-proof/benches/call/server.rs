//! The other side: a server of bytes that keeps connections and answers each exchange with one fixed reply.
//!
//! It is no part of the figures. It checks that all peers send the same thing: the same body, the same header names,
//! and a right signature where there is one.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::exchange;
use crate::peers::Result;

const FINPASS_BODY: &str = r#"{"mobile_number":"9000000001","pan_number":"AAAAA0000A","email":"person@example.test","consent_type":"loan_underwriting","webhook_url":"https://lender.example.test/hook","redirect_url":"https://lender.example.test/done"}"#;
const FINPASS_HEADERS: [&str; 8] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "user-agent",
    "x-api-key",
    "x-api-secret",
    "x-request-id",
];
const FINPASS_REPLY: &str = r#"{"data":{"client_id":"aa_00000000_000040008000000000000001","mobile_number":"9000000001","pan_number":"AAAAA0000A","email_id":"person@example.test","redirect_url":"https://consent.example.test/onboarding?fi=000040008000000000000001+Rg==&reqdate00000000+X=="},"status_code":200,"success":true,"message":"Success","message_code":"success"}"#;

const VERIFF_BODY: &str = r#"{"type":"aadhaar","approved":true,"text":"I agree that my Aadhaar details are verified for this loan."}"#;
const VERIFF_HEADERS: [&str; 7] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "user-agent",
    "x-auth-client",
    "x-request-id",
];
const SIGNATURE: &str = "x-hmac-signature";

/// Answers until standard input ends. The first line of output is the port.
pub(crate) fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        seen.extend_from_slice(buffer.get(..read).unwrap_or_default());
        // Nobody sends ahead of a reply, so a complete request is all there is.
        let Some(request) = Request::complete(&seen) else {
            continue;
        };
        let reply = request.finpass().or_else(|| request.veriff());
        stream.write_all(reply.unwrap_or_else(refusal).as_bytes())?;
        seen.clear();
    }
}

/// A request as it stands on the wire.
struct Request<'a> {
    start: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
}

impl<'a> Request<'a> {
    /// The request, once all of it is there; headers by name.
    fn complete(seen: &'a [u8]) -> Option<Self> {
        let (head, body) = std::str::from_utf8(seen).ok()?.split_once("\r\n\r\n")?;
        let (start, headers) = head.split_once("\r\n")?;
        let mut headers: Vec<_> = headers
            .lines()
            .filter_map(|line| line.split_once(": "))
            .collect();
        headers.sort_unstable();
        let request = Self {
            start,
            headers,
            body,
        };
        let length: usize = request.header("content-length")?.parse().ok()?;
        (body.len() == length).then_some(request)
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        let mut named = self.headers.iter().filter(|(found, _)| *found == name);
        named.next().map(|(_, value)| *value)
    }

    fn has(&self, names: &[&str]) -> bool {
        let found = self.headers.iter().map(|(name, _)| *name);
        found
            .filter(|name| *name != SIGNATURE)
            .eq(names.iter().copied())
    }

    fn finpass(&self) -> Option<String> {
        let path = self
            .start
            .strip_prefix("POST ")?
            .strip_suffix(" HTTP/1.1")?;
        let expected = path == exchange::FINPASS_PATH
            && self.has(&FINPASS_HEADERS)
            && self.body == FINPASS_BODY;
        expected.then(|| reply("", FINPASS_REPLY))
    }

    fn veriff(&self) -> Option<String> {
        let path = self.start.strip_prefix("POST /v1/sessions/")?;
        let session = path.strip_suffix("/consents HTTP/1.1")?;
        let right = match self.header(SIGNATURE) {
            Some(signature) => signature == signed(VERIFF_BODY)?,
            None => true,
        };
        if !(right && self.has(&VERIFF_HEADERS) && self.body == VERIFF_BODY) {
            return None;
        }
        let body = format!(
            r#"{{"id":"00000000-0000-4000-8000-00000000000c","context":"consent","sessionId":"{session}"}}"#
        );
        let (key, signature) = (exchange::VERIFF_KEY, signed(&body)?);
        let headers = format!(
            "x-auth-client: {key}\r\nx-hmac-signature: {signature}\r\n\
             vrf-auth-client: {key}\r\nvrf-hmac-signature: {signature}\r\n"
        );
        Some(reply(&headers, &body))
    }
}

fn signed(body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(exchange::VERIFF_SECRET.as_bytes()).ok()?;
    mac.update(body.as_bytes());
    Some(hex::encode(mac.finalize().into_bytes()))
}

fn reply(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Sun, 22 Nov 2026 00:00:00 GMT\r\n{headers}\
         content-length: {length}\r\n\r\n{body}"
    )
}

fn refusal() -> String {
    "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_owned()
}
