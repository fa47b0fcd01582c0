//! The replies, made once.

use std::fmt::Write as _;

use hmac::Mac;

use crate::exchange::by_hand::mac;
use crate::request::{Exchange, Known};
use crate::{Result, Settings, exchange};

/// The answer to what nobody should send.
pub(crate) const REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

/// The answer to an exchange that is broken on purpose.
pub(crate) const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

/// One reply for each exchange, and for Veriff one for each session.
pub(crate) struct Replies {
    finpass: Vec<u8>,
    veriff: Vec<Vec<u8>>,
    finpro: Vec<u8>,
}

impl Replies {
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let sessions = exchange::sessions();
        let veriff: Result<_> = sessions.iter().map(|session| recorded(session)).collect();
        Ok(Self {
            finpass: reply("", &initialized(settings.message)),
            veriff: veriff?,
            finpro: reply(
                "x-ratelimit-remaining: 999\r\nx-ratelimit-reset: 1893456060\r\n",
                &profile(settings.aggregators),
            ),
        })
    }

    /// The reply to a request that is like one that was looked through.
    pub(crate) fn to(&self, known: &Known, seen: &[u8]) -> Option<&[u8]> {
        match known.exchange {
            Exchange::Finpass => Some(&self.finpass),
            Exchange::Finpro => Some(&self.finpro),
            Exchange::Veriff => {
                let session = std::str::from_utf8(seen.get(known.session.clone())?).ok()?;
                let (_, number) = session.rsplit_once('-')?;
                let reply = self.veriff.get(number.parse::<usize>().ok()?)?;
                Some(reply)
            }
        }
    }
}

fn initialized(message: usize) -> String {
    let message = match message {
        0 => "Success".to_owned(),
        bytes => "m".repeat(bytes),
    };
    format!(
        r#"{{"data":{{"client_id":"aa_00000000_000040008000000000000001","mobile_number":"9000000001","pan_number":"AAAAA0000A","email_id":"person@example.test","redirect_url":"https://consent.example.test/onboarding?fi=000040008000000000000001+Rg==&reqdate00000000+X=="}},"status_code":200,"success":true,"message":"{message}","message_code":"success"}}"#
    )
}

fn recorded(session: &str) -> Result<Vec<u8>> {
    let body = format!(
        r#"{{"id":"00000000-0000-4000-8000-00000000000c","context":"consent","sessionId":"{session}"}}"#
    );
    let key = exchange::VERIFF_KEY;
    let signature = hex::encode(mac(body.as_bytes())?.finalize().into_bytes());
    let headers = format!(
        "x-auth-client: {key}\r\nx-hmac-signature: {signature}\r\n\
         vrf-auth-client: {key}\r\nvrf-hmac-signature: {signature}\r\n"
    );
    Ok(reply(&headers, &body))
}

fn profile(aggregators: usize) -> String {
    let mut rows = String::new();
    for number in 0..aggregators {
        let comma = if number == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(
            rows,
            r#"{comma}{{"aaId":"aggregator{number:02}","registrationStatus":true,"hasLinkedAccounts":true,"status":"success"}}"#
        );
    }
    format!(
        r#"{{"ver":"1.0.0","timestamp":"2026-11-22T00:00:00.000Z","txnid":"00000000-0000-4000-8000-000000000001","data":[{rows}]}}"#
    )
}

fn reply(headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Sun, 22 Nov 2026 00:00:00 GMT\r\n{headers}\
         content-length: {length}\r\n\r\n{body}"
    );
    reply.into_bytes()
}
