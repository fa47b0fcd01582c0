//! One reply at a time with its signature or its body altered, around bodies of every sort.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consent_hmac::{ConsentAnswer, ConsentClient, ConsentType, RecordConsent, SessionId, Veriff};
use hmac::{Hmac, KeyInit, Mac};
use kyc_proof::companies::{SANDBOX, settings};
use provider_core::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use provider_core::testing::{FixedClock, ScriptedTransport, Step};
use provider_core::{ErrorKind, Outcome, Provider, RawResponse};
use serde::Deserialize;
use sha2::{Digest, Sha224, Sha256, Sha512};

use super::veriff::{API_KEY, NOW, REPLY, SECRET, SESSION, X, mac, sign};
use super::{ACCEPTED, Table, verdict};

/// Heads that are not what Veriff sent, or are and look otherwise. Names in braces stand for what [`named`] gives.
const ALTERED: &str = include_str!("replies.jsonl");

/// A row of [`ALTERED`].
#[derive(Deserialize)]
struct Row {
    number: String,
    what: String,
    expected: String,
    /// A text for the header of the signature each.
    #[serde(default)]
    signatures: Vec<String>,
    /// Header lines each.
    #[serde(default)]
    heads: Vec<String>,
    /// What takes the place of `{any}` in them, in turn.
    #[serde(default)]
    any: Vec<String>,
    /// How often the lines of a head are repeated.
    times: Option<usize>,
}

/// What a forger may put around a forgery: the right JSON, no JSON, a refusal in Veriff's form, nesting that breaks
/// parsers, nothing. Whoever reads any of it before the check gives another error for it.
fn bodies() -> [Vec<u8>; 5] {
    [
        REPLY.into(),
        b"\xff\xfe{\"id\":".to_vec(),
        br#"{"status":"fail","code":"1819","message":"made up"}"#.to_vec(),
        b"[".repeat(10_000),
        Vec::new(),
    ]
}

pub(super) async fn run(table: &mut Table) -> Result<()> {
    let rows: serde_json::Result<Vec<Row>> = ALTERED.lines().map(serde_json::from_str).collect();
    let rows = rows?;
    for body in bodies() {
        let named = named(&body);
        for row in &rows {
            let signatures = row.signatures.iter().map(|text| format!("{X}: {text}"));
            for head in signatures.chain(row.heads.iter().cloned()) {
                let any = filled(head, &[("any", row.any.clone())]);
                for head in any.into_iter().flat_map(|head| filled(head, &named)) {
                    ensure!(!head.contains('{'), "{head} names nothing");
                    let head = format!("{head}\n").repeat(row.times.unwrap_or(1));
                    let reply = reply(&head, &body)?;
                    add(table, [&row.number, &row.what, &row.expected], reply).await?;
                }
            }
        }
        let head = format!("{X}: {}", sign(SECRET, &body));
        for (what, altered) in rewritten(&body) {
            let reply = reply(&head, &altered)?;
            add(table, ["F82", what, "SignatureMismatch"], reply).await?;
        }
    }
    Ok(())
}

/// Adds a reply, and the same reply where unsigned ones are believed: that changes what becomes of those and of no other.
async fn add(
    table: &mut Table,
    [row, what, expected]: [&str; 3],
    reply: RawResponse,
) -> Result<()> {
    let settings = settings(SANDBOX, Veriff::NAME, "http://localhost");
    let strict = Veriff::from_settings(&settings)?;
    let lenient = strict.clone().accept_unsigned_replies();
    table.add(row, what, expected, meets(strict, &reply, expected).await?);
    let (what, expected) = match expected {
        "MissingSignature" => (
            "no signature, told to accept that: a limit, TLS alone vouches",
            ACCEPTED,
        ),
        _ => (what, expected),
    };
    table.add(row, what, expected, meets(lenient, &reply, expected).await?);
    Ok(())
}

/// A 200 with these header lines as a transport hands it on.
fn reply(head: &str, body: &[u8]) -> Result<RawResponse> {
    let mut headers = HeaderMap::new();
    for line in head.split('\n').filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").context("no header")?;
        let name = HeaderName::from_bytes(name.as_bytes())?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes())?);
    }
    Ok(RawResponse::new(
        StatusCode::OK,
        headers,
        body.to_vec().into(),
    ))
}

/// The verdict of the check of the raw bytes alone, near which is no client and no decoder, and if that is as expected, of a
/// whole call: it asks once and does not read what it refuses.
async fn meets(veriff: Veriff, reply: &RawResponse, expected: &str) -> Result<String> {
    let alone = verdict(veriff.verify(reply, NOW));
    if alone != expected {
        return Ok(alone);
    }
    // Further requests find replies too, and are counted.
    let replies = (0..4).map(|_| Step::Respond(reply.clone()));
    let transport = ScriptedTransport::new(replies);
    let client = ConsentClient::builder(veriff)
        .transport(Arc::new(transport.clone()))
        .clock(Arc::new(FixedClock::at(NOW)))
        .build()?;
    let (session, answer) = (SessionId::parse(SESSION)?, ConsentAnswer::Approved);
    let request = RecordConsent::new(session, ConsentType::Ine, answer, "I agree.");
    let result = client.record_consent(request).await;
    let requests = transport.sent().len();
    let Err(error) = result else {
        ensure!(requests == 1, "believed after {requests} requests");
        return Ok(ACCEPTED.to_owned());
    };
    // Who has read the body, as a success or as a refusal, says so.
    let unread = error.decode().is_none() && error.fault().is_none();
    let once = (requests, error.attempts(), error.is_retryable()) == (1, 1, false);
    Ok(
        match (error.kind(), error.outcome(), error.verification()) {
            // What is believed is read, and most of these bodies are no answer or say no.
            (_, _, None) if expected == ACCEPTED => ACCEPTED.to_owned(),
            (ErrorKind::Verification, Outcome::Unknown, Some(reason)) if unread && once => {
                format!("{reason:?}")
            }
            // Neither a signature nor a member of the provider's envelope: a gateway's, and repeated where that does no harm.
            (ErrorKind::Unrecognized, Outcome::Unknown, _)
                if error.fault().is_none() && requests == error.attempts() as usize =>
            {
                "MissingSignature".to_owned()
            }
            _ => format!("{error:?} after {requests} requests"),
        },
    )
}

/// What the texts of [`ALTERED`] name: one text or several, each of which is tried.
fn named(body: &[u8]) -> Vec<(&'static str, Vec<String>)> {
    const OTHER_SECRET: &str = "00000000-dead-4000-8000-000000000000";

    let right = sign(SECRET, body);
    let signed = mac(SECRET, body);
    let flipped = |bit: usize| {
        let mut bytes = signed;
        bytes[bit / 8] ^= 1 << (bit % 8);
        hex::encode(bytes)
    };
    let half_upper = format!("{}{}", right[..32].to_ascii_uppercase(), &right[32..]);
    let pairs: Vec<&str> = (0..64).step_by(2).map(|at| &right[at..at + 2]).collect();
    let digits = SECRET.replace('-', "");
    let keys: [&[u8]; 9] = [
        OTHER_SECRET.as_bytes(),
        &SECRET.to_ascii_uppercase().into_bytes(),
        &hex::decode(&digits).expect("hexadecimal digits"),
        digits.as_bytes(),
        &format!("{SECRET}\n").into_bytes(),
        API_KEY.as_bytes(),
        SESSION.as_bytes(),
        b"",
        b"null",
    ];
    let secret = SECRET.as_bytes();
    let sha256 = |parts: [&[u8]; 2]| hex::encode(Sha256::digest(parts.concat()));
    let sha512 = Hmac::<Sha512>::new_from_slice(secret).expect("HMAC takes any key");
    let sha512 = sha512.chain_update(body).finalize().into_bytes();
    // What a client or a path could have leaked the signature of.
    let request = r#"{"type":"ine","approved":true,"text":"I agree."}"#;
    let reversed: Vec<u8> = signed.iter().rev().copied().collect();
    let one = [
        ("key", API_KEY.to_owned()),
        ("key-but-1", API_KEY[1..].to_owned()),
        ("upper", right.to_ascii_uppercase()),
        ("half-upper", half_upper),
        ("first-half", right[..32].to_owned()),
        ("second-half", right[32..].to_owned()),
        ("but-1", right[1..].to_owned()),
        ("but-2", right[2..].to_owned()),
        ("but-3", right[3..].to_owned()),
        ("all-but-the-last", right[..63].to_owned()),
        ("with-colons", pairs.join(":")),
        ("with-hyphens", pairs.join("-")),
        ("percent-encoded", format!("%{}", pairs.join("%"))),
        ("reversed", hex::encode(reversed)),
        ("of-another-body", sign(SECRET, "another body")),
        ("of-the-request", sign(SECRET, request)),
        ("of-the-session", sign(SECRET, SESSION)),
        ("hmac-of-the-secret", sign(body, SECRET)),
        ("hmac-of-the-hmac", sign(SECRET, signed)),
        ("hmac-sha512", hex::encode(sha512)),
        ("hmac-sha512-cut", hex::encode(&sha512[..32])),
        ("sha512-cut", hex::encode(&Sha512::digest(body)[..32])),
        ("sha224", hex::encode(Sha224::digest(body))),
        ("sha256", sha256([body, b""])),
        ("sha256-of-body-and-secret", sha256([body, secret])),
        ("sha256-of-secret-and-body", sha256([secret, body])),
        ("base64", STANDARD.encode(signed)),
        ("wrong", sign(OTHER_SECRET, body)),
        ("right", right.clone()),
    ];
    let cut = (1..64).map(|length| right[..length].to_owned());
    let several = [
        ("flipped", (0..256).map(flipped).collect()),
        ("cut", cut.collect()),
        ("by-another-key", keys.map(|key| sign(key, body)).into()),
    ];
    let one = one.map(|(name, text)| (name, vec![text]));
    one.into_iter().chain(several).collect()
}

/// A head once for each text that its name stands for.
fn filled(head: String, named: &[(&str, Vec<String>)]) -> Vec<String> {
    named.iter().fold(vec![head], |heads, (name, texts)| {
        let name = format!("{{{name}}}");
        let fill = |head: String| match head.contains(&name) {
            true => texts.iter().map(|text| head.replace(&name, text)).collect(),
            false => vec![head],
        };
        heads.into_iter().flat_map(fill).collect()
    })
}

/// What a middlebox could have made of a body that was signed.
fn rewritten(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = String::from_utf8_lossy(body);
    let again = [
        text.replace(':', ": ").replace(',', ", "),
        text.replace(',', ",\n  "),
        text.replace('-', "\\u002d"),
        text.replace('/', "\\/"),
        text.replace("sessionId", "session\\u0049d"),
        text.replacen('{', "{\"status\":\"success\",", 1),
        text.replacen("consent", "Consent", 1),
        text.replacen(r#""context":"consent","#, "", 1),
        // The order of keys.
        r#"{"context":"consent","id":"123e4567-e89b-12d3-a456-426614174000","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#.to_owned(),
    ];
    let around = ["\n", "\r\n", " ", "\0"].map(|after| [body, after.as_bytes()].concat());
    let before = ["\u{feff}", " ", "\n"].map(|before| [before.as_bytes(), body].concat());
    let around = around
        .into_iter()
        .chain(before)
        .chain([[body, body].concat()]);
    let start = body.len().min(200);
    let flipped = (0..start * 8).map(|bit| {
        let mut flipped = body.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    });
    let cut = (0..start).map(|length| body[..length].to_vec());
    let utf_16 = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut altered = vec![
        ("the body in another character set", utf_16),
        ("the body in base64", STANDARD.encode(body).into_bytes()),
    ];
    let mut all = |what, bodies: &mut dyn Iterator<Item = Vec<u8>>| {
        altered.extend(bodies.map(|body| (what, body)));
    };
    all(
        "the body written again",
        &mut again.map(String::into_bytes).into_iter(),
    );
    all("bytes before or after the body", &mut around.into_iter());
    all("the body cut short", &mut cut.into_iter());
    all("one bit of the body changed", &mut flipped.into_iter());
    // What changes nothing in this body is no alteration.
    altered.retain(|(_, altered)| altered != body);
    altered
}
