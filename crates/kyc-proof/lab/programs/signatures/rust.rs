//! HMAC-SHA256 by our crate and by others: each case once, a line each with its name, ns an operation and allocations
//! of one operation.

use std::alloc::System;
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::time::{Duration, Instant};

use consent_hmac::{ApiKey, SharedSecret, Signature, Signer, Verifier};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http_body_util::Full;
use provider_core::Masked;
use provider_core::bytes::Bytes;
use provider_core::webhook::{Receiver, Reply, Scheme as _};
use serde::Deserialize;
use sha2::Sha256;
use standardwebhooks::Webhook;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use veriff_sessions::VeriffWebhooks;

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const SECRET: &str = "00000000-0000-4000-8000-00000000000b";
const CASE: Duration = Duration::from_millis(60);

/// What a decision webhook looks like: 1 KiB, most of it text.
#[derive(Deserialize)]
struct Event<'a> {
    id: &'a str,
    #[serde(rename = "sessionId")]
    session_id: &'a str,
    status: &'a str,
    approved: bool,
    text: &'a str,
}

fn main() -> Result<()> {
    let event = event();
    let body = event.as_bytes();
    let short = &body[..200];
    let secret = SharedSecret::new(SECRET)?;
    let (signer, verifier) = (Signer::new(&secret), Verifier::new(&secret));
    let header = signer.sign(body).to_string();
    let signature = Signature::from_hex(&header)?;
    let bytes = hex::decode(&header)?;

    case("verify ours", || verifier.verify(body, &signature).is_ok());
    case("verify ours, header", || {
        Signature::from_hex(&header)
            .is_ok_and(|signature| verifier.verify(body, &signature).is_ok())
    });
    let keyed = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    case("verify hmac+sha2", || {
        keyed
            .clone()
            .chain_update(body)
            .verify_slice(&bytes)
            .is_ok()
    });
    let ring_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    case("verify ring", || {
        ring::hmac::verify(&ring_key, body, &bytes).is_ok()
    });
    let aws_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    case("verify aws-lc-rs", || {
        aws_lc_rs::hmac::verify(&aws_key, body, &bytes).is_ok()
    });
    let webhook = Webhook::from_bytes(SECRET.as_bytes().to_vec())?;
    let headers = webhook_headers(&webhook, body, 1)?;
    case("verify standardwebhooks", || {
        webhook.verify(body, &headers).is_ok()
    });

    case("parse ours", || {
        Signature::from_hex(&header)
            .is_ok_and(|signature| verifier.verify(body, &signature).is_ok())
            && parsed(body)
    });
    case("parse hmac+sha2", || {
        let mut signature = [0; 32];
        hex::decode_to_slice(&header, &mut signature).is_ok()
            && keyed
                .clone()
                .chain_update(body)
                .verify_slice(&signature)
                .is_ok()
            && parsed(body)
    });
    case("parse standardwebhooks", || {
        webhook.verify(body, &headers).is_ok() && parsed(body)
    });

    case("both ours", || {
        verifier.verify(short, &signer.sign(short)).is_ok()
    });
    case("both hmac+sha2", || {
        let made = keyed.clone().chain_update(short).finalize().into_bytes();
        keyed
            .clone()
            .chain_update(short)
            .verify_slice(&made)
            .is_ok()
    });
    case("both ring", || {
        let made = ring::hmac::sign(&ring_key, short);
        ring::hmac::verify(&ring_key, short, made.as_ref()).is_ok()
    });
    case("both aws-lc-rs", || {
        let made = aws_lc_rs::hmac::sign(&aws_key, short);
        aws_lc_rs::hmac::verify(&aws_key, short, made.as_ref()).is_ok()
    });

    // Headers of an attacker: all of them are refused.
    let refused = |header: &str| {
        !Signature::from_hex(header)
            .is_ok_and(|signature| verifier.verify(body, &signature).is_ok())
    };
    let wrong = "0".repeat(64);
    case("hostile a wrong signature", || refused(&wrong));
    let last = format!("{}g", "0".repeat(63));
    case("hostile not hexadecimal at the end", || refused(&last));
    let many = vec![header.as_str(); 10_000].join(" ");
    case("hostile 10,000 signatures", || refused(&many));
    let long = "0".repeat(1024 * 1024);
    case("hostile 1 MiB of digits", || refused(&long));
    let mut crowded = webhook_headers(&webhook, body, 10_000)?;
    let wrong: Vec<String> = (0..10_000)
        .map(|_| format!("v1,{}=", "A".repeat(43)))
        .collect();
    crowded.insert("webhook-signature", wrong.join(" ").parse()?);
    case("hostile standardwebhooks, 10,000 signatures", || {
        webhook.verify(body, &crowded).is_err()
    });
    let both = verifier
        .clone()
        .or(&SharedSecret::new("the-previous-secret")?);
    case("secrets ours, two", || {
        both.verify(body, &signature).is_ok()
    });
    webhooks(&secret)
}

/// A receiver's work beside the bare MAC and serde's derive with the same members and types.
fn webhooks(secret: &SharedSecret) -> Result<()> {
    let signer = Signer::new(secret);
    let signed = |number: usize| -> Result<(Bytes, HeaderMap)> {
        let body = decision(number);
        let mut headers = HeaderMap::new();
        let signature = signer.sign(body.as_bytes()).to_string();
        headers.insert("x-hmac-signature", signature.parse()?);
        headers.insert("x-auth-client", "made-up".parse()?);
        Ok((body.into(), headers))
    };
    let key = ApiKey::new("made-up")?;
    let receiver = || Receiver::new(VeriffWebhooks::new(&key, secret));
    let (body, headers) = signed(0)?;
    let (ours, now) = (receiver(), "2026-01-01T00:00:00Z".parse()?);
    case("webhook ours", || {
        let verified = ours.verify(&headers, &body, now);
        verified.is_ok_and(|event| event.parse().is_ok())
    });
    let keyed = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    let bare = || {
        let mut signature = [0; 32];
        let header = headers.get("x-hmac-signature");
        header.is_some_and(|header| hex::decode_to_slice(header, &mut signature).is_ok())
            && keyed
                .clone()
                .chain_update(&body)
                .verify_slice(&signature)
                .is_ok()
    };
    case("webhook hmac+sha2", bare);
    case("webhook hmac+sha2, derive", || {
        bare() && serde_json::from_slice::<Decision>(&body).is_ok()
    });
    case("webhook hmac+sha2, serde_json's Value", || {
        bare() && serde_json::from_slice::<serde_json::Value>(&body).is_ok()
    });

    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build()?;
    let events = (0..4096).map(signed).collect::<Result<Vec<_>>>()?;
    let (next, ours) = (Cell::new(0), RefCell::new(ours));
    case("receive ours", || {
        let number = next.get();
        if number == 0 {
            // All are new to it again.
            ours.replace(receiver());
        }
        next.set((number + 1) % events.len());
        let (body, headers) = &events[number];
        let mut request = http::Request::new(Full::new(body.clone()));
        *request.method_mut() = http::Method::POST;
        *request.headers_mut() = headers.clone();
        let read = |raw: Bytes, _| async move { VeriffWebhooks::parse(&raw).map(drop) };
        let ours = ours.borrow();
        matches!(runtime.block_on(ours.handle(request, read)), Reply::Handled)
    });
    Ok(())
}

/// The members of a decision that our type has, in its types.
#[derive(Deserialize)]
#[allow(dead_code, reason = "they are only read")]
struct Decision {
    status: Option<String>,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are only read")]
struct Verification {
    id: String,
    attempt_id: Option<String>,
    acceptance_time: Option<String>,
    decision_time: Option<String>,
    code: Option<u16>,
    vendor_data: Option<Masked>,
    end_user_id: Option<Masked>,
    status: Option<Masked>,
    reason: Option<Masked>,
    reason_code: Option<u16>,
    person: Option<Person>,
    document: Option<Document>,
    risk_labels: Option<Vec<RiskLabel>>,
    risk_score: Option<RiskScore>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are only read")]
struct Person {
    first_name: Option<Masked>,
    last_name: Option<Masked>,
    full_name: Option<Masked>,
    date_of_birth: Option<Masked>,
    id_number: Option<Masked>,
    gender: Option<Masked>,
    nationality: Option<Masked>,
    place_of_birth: Option<Masked>,
    addresses: Option<Vec<Address>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are only read")]
struct Address {
    full_address: Option<Masked>,
    parsed_address: Option<Parsed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are only read")]
struct Parsed {
    street: Option<Masked>,
    house_number: Option<Masked>,
    city: Option<Masked>,
    state: Option<Masked>,
    country: Option<Masked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are only read")]
struct Document {
    number: Option<Masked>,
    #[serde(rename = "type")]
    kind: Option<String>,
    country: Option<Masked>,
    valid_from: Option<Masked>,
    valid_until: Option<Masked>,
    remarks: Option<Box<serde_json::value::RawValue>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "they are only read")]
struct RiskLabel {
    label: Option<Masked>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "they are only read")]
struct RiskScore {
    score: Option<f64>,
}

/// A decision webhook of 2 kB.
fn decision(number: usize) -> String {
    let text: String = "made up ".chars().cycle().take(1130).collect();
    format!(
        r#"{{"status":"success","verification":{{"id":"00000000-0000-4000-8000-000000000001","attemptId":"00000000-0000-4000-8000-000000000002","acceptanceTime":"2026-01-01T00:00:00.000000Z","decisionTime":"2026-01-01T00:05:00.000000Z","code":9001,"vendorData":"application-{number:08}","endUserId":null,"status":"approved","reason":null,"reasonCode":null,"person":{{"firstName":"Made","lastName":"Up","fullName":"Made Up","dateOfBirth":"1990-01-01","idNumber":"X-1","gender":"F","nationality":"IN","placeOfBirth":null,"addresses":[{{"fullAddress":"1 Made Up Road","parsedAddress":{{"street":"Made Up Road","houseNumber":"1","city":"Pune","state":null,"country":"IN"}}}}]}},"document":{{"number":"P-1","type":"PASSPORT","country":"IN","validFrom":"2020-01-01","validUntil":"2030-01-01","remarks":"{text}"}},"riskLabels":[],"riskScore":{{"score":0.1}}}},"technicalData":{{"ip":"192.0.2.1"}}}}"#
    )
}

/// Times an operation that must succeed, and counts its allocations.
fn case(name: &str, operation: impl Fn() -> bool) {
    assert!(operation(), "{name}");
    let region = Region::new(COUNTING);
    assert!(black_box(&operation)());
    let allocations = region.change();
    let allocations = allocations.allocations + allocations.reallocations;
    let (mut done, started) = (0_u32, Instant::now());
    while started.elapsed() < CASE {
        for _ in 0..64 {
            black_box(black_box(&operation)());
        }
        done += 64;
    }
    let ns = started.elapsed().as_secs_f64() * 1e9 / f64::from(done);
    println!("{name}\t{ns:.1}\t{allocations}");
}

fn parsed(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| {
        serde_json::from_str::<Event<'_>>(text).is_ok_and(|event| {
            event.approved
                && event.id.len() + event.session_id.len() + event.status.len() + event.text.len()
                    > 0
        })
    })
}

fn event() -> String {
    let start = "{\"id\":\"00000000-0000-4000-8000-00000000000c\",\"sessionId\":\"00000000-0000-4000-8000-000000000001\",\
                 \"status\":\"approved\",\"approved\":true,\"text\":\"";
    let text: String = "made up "
        .chars()
        .cycle()
        .take(1024 - start.len() - 2)
        .collect();
    format!("{start}{text}\"}}")
}

fn webhook_headers(webhook: &Webhook, body: &[u8], count: usize) -> Result<http::HeaderMap> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let now = i64::try_from(now.as_secs())?;
    let signature = webhook.sign("msg_made_up", now, body)?;
    let mut headers = http::HeaderMap::new();
    headers.insert("webhook-id", "msg_made_up".parse()?);
    headers.insert("webhook-timestamp", now.to_string().parse()?);
    headers.insert(
        "webhook-signature",
        vec![signature; count].join(" ").parse()?,
    );
    Ok(headers)
}
