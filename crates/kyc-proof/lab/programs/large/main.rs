//! One call for an account body of 10 MB, the reading of it in its form, and one for a picture of 20 MB.
//!
//! `large serve` answers every request with the one or the other and prints its port; `large call PORT` asks for the account once,
//! `large read PORT` also reads the body; `large download PORT FILE` stores the picture, signed and verified; `large decode ROUNDS`
//! prints the nanoseconds of each round: ours, the same members and types by serde's derive, and the same by serde's derive with
//! text for every leaf.
#![allow(
    clippy::print_stdout,
    reason = "its output is what the runner of the benchmark reads"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use consent_hmac::{ApiKey, SharedSecret, Signer, Veriff};
use finpro_fiu::finpro_profile::{
    AppIdentifier, ClientId, ClientSecret, Credentials, Finpro, OrganisationId,
};
use finpro_fiu::rebit::{DepositAccount, Direction, Mode};
use finpro_fiu::{ConsentId, FiAccount, FiuClient, GetAllFiData};
use provider_core::{Amount, BaseUrl, Masked};
use serde::Deserialize;
use veriff_sessions::{DownloadMedia, MediaId, SessionsClient};

const LEAST_BYTES: usize = 10_000_000;
const PICTURE_BYTES: usize = 20_000_000;

const API_KEY: &str = "00000000-0000-4000-8000-00000000000a";
const SECRET: &str = "00000000-0000-4000-8000-00000000000b";

/// An account as FinPro sends it, in ReBIT's second version.
fn account() -> String {
    let mut json = String::from(
        r#"{"linkReferenceNumber":"00000000-0000-4000-8000-000000000001","maskedAccountNumber":"XXXXXXXX4020","fiType":"DEPOSIT","bank":"Test Bank","Profile":{"Holders":{"type":"SINGLE","Holder":[{"name":"ASHA TESTWALA","dob":"1990-01-31","mobile":"9000000001","nominee":"REGISTERED","pan":"AAAPT0000Z","ckycRegistered":"YES"}]}},"Summary":{"currentBalance":"101666.33","currency":"INR","accountType":"REGULAR","accountSubType":"SAVINGS","ifsc":"ZZZZ0000001","status":"ACTIVE"},"Transactions":{"startDate":"2015-04-01","endDate":"2025-06-22","Transaction":["#,
    );
    for row in 0_u32.. {
        if row > 0 {
            json.push(',');
        }
        let (rupees, paise, balance) = (row % 9_973, row % 100, 50_000 + row % 49_999);
        let (day, minute) = (1 + row % 28, row % 60);
        let way = if row % 3 == 0 { "CREDIT" } else { "DEBIT" };
        let _ = write!(
            json,
            r#"{{"txnId":"T{row:07}","type":"{way}","mode":"UPI","amount":"{rupees}.{paise:02}","transactionalBalance":"{balance}.25","transactionTimestamp":"2025-04-{day:02}T13:{minute:02}:14+05:30","valueDate":"2025-04-{day:02}","narration":"UPI/{row:012}/TEST STORE/test@example","reference":""}}"#
        );
        if json.len() >= LEAST_BYTES {
            break;
        }
    }
    json.push_str("]}}");
    json
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["serve"] => serve(),
        ["call", port] => call(port, false),
        ["read", port] => call(port, true),
        ["download", port, file] => download(port, file),
        ["decode", rounds] => decode(rounds.parse()?),
        _ => {
            println!(
                "usage: large serve | call PORT | read PORT | download PORT FILE | decode ROUNDS"
            );
            Ok(())
        }
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    let body = format!(
        r#"{{"ver":"1.21.0","status":"success","data":[{}]}}"#,
        account()
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut picture = vec![0x5a; PICTURE_BYTES];
    picture.splice(..4, [0xff, 0xd8, 0xff, 0xe0]);
    let signature = Signer::new(&SharedSecret::new(SECRET)?).sign(&picture);
    let picture_head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: {PICTURE_BYTES}\r\n\
         x-auth-client: {API_KEY}\r\nx-hmac-signature: {}\r\n\r\n",
        signature
    );
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(|| {
        // It ends with its standard input.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    for stream in listener.incoming() {
        let mut stream = stream?;
        let (head, body) = match receive(&mut stream)? {
            true => (&picture_head, picture.as_slice()),
            false => (&head, body.as_bytes()),
        };
        stream.write_all(head.as_bytes())?;
        // The client may have ended.
        let _ = stream.write_all(body);
    }
    Ok(())
}

/// Reads a request without a body, or with one of JSON without braces in it; tells whether it had none.
fn receive(stream: &mut TcpStream) -> std::io::Result<bool> {
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let is_get = received.starts_with(b"GET ");
        let end: &[u8] = if is_get { b"\r\n\r\n" } else { b"}" };
        if received.ends_with(end) {
            return Ok(is_get);
        }
        match stream.read(&mut piece)? {
            0 => return Ok(is_get),
            count => received.extend_from_slice(piece.get(..count).unwrap_or_default()),
        }
    }
}

fn download(port: &str, file: &str) -> Result<(), Box<dyn Error>> {
    let base = BaseUrl::parse("base", &format!("http://127.0.0.1:{port}"))?;
    let veriff = Veriff::new(base, ApiKey::new(API_KEY)?, &SharedSecret::new(SECRET)?);
    let client = SessionsClient::new(veriff)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let media = MediaId::parse("00000000-0000-4000-8000-000000000001")?;
    let call = client.download_media(DownloadMedia::new(media));
    let stored = runtime.block_on(async { call.download(file).await })?;
    println!("{}", stored.into_value().size());
    Ok(())
}

fn call(port: &str, read: bool) -> Result<(), Box<dyn Error>> {
    let credentials = Credentials {
        client_id: ClientId::new("client")?,
        client_secret: ClientSecret::new("secret")?,
        organisation_id: OrganisationId::new("organisation")?,
        app_identifier: AppIdentifier::new("app")?,
    };
    let base = BaseUrl::parse("base", &format!("http://127.0.0.1:{port}"))?;
    let client = FiuClient::new(Finpro::new(base, credentials))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let request = GetAllFiData::of_consent(ConsentId::parse("consent")?);
    let reply = runtime.block_on(async { client.get_all_fi_data(request).await })?;
    let accounts = reply.into_value().data;
    let account = accounts.first().ok_or("no account")?;
    let rows = match read {
        true => account.read_as::<DepositAccount>()?.transactions.rows.len(),
        false => 0,
    };
    println!("{} {rows}", account.json().len());
    Ok(())
}

/// The members that the body has, with the types of ours.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Typed {
    #[serde(rename = "Summary")]
    _summary: TypedSummary,
    transactions: TypedRows,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypedSummary {
    #[serde(rename = "currentBalance")]
    _current_balance: Option<Amount>,
    #[serde(rename = "currency")]
    _currency: Option<Masked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TypedRows {
    transaction: Vec<TypedRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypedRow {
    #[serde(rename = "txnId")]
    _txn_id: Option<Masked>,
    #[serde(rename = "type")]
    _direction: Option<Direction>,
    #[serde(rename = "mode")]
    _mode: Option<Mode>,
    #[serde(rename = "amount")]
    _amount: Option<Amount>,
    #[serde(rename = "transactionalBalance")]
    _balance: Option<Amount>,
    #[serde(rename = "transactionTimestamp")]
    _timestamp: Option<Masked>,
    #[serde(rename = "valueDate")]
    _value_date: Option<Masked>,
    #[serde(rename = "narration")]
    _narration: Option<Masked>,
    #[serde(rename = "reference")]
    _reference: Option<Masked>,
}

/// The same with text for every leaf.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Texts {
    transactions: TextRows,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TextRows {
    transaction: Vec<TextRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TextRow {
    #[serde(rename = "txnId")]
    _txn_id: Option<String>,
    #[serde(rename = "type")]
    _direction: Option<String>,
    #[serde(rename = "mode")]
    _mode: Option<String>,
    #[serde(rename = "amount")]
    _amount: Option<String>,
    #[serde(rename = "transactionalBalance")]
    _balance: Option<String>,
    #[serde(rename = "transactionTimestamp")]
    _timestamp: Option<String>,
    #[serde(rename = "valueDate")]
    _value_date: Option<String>,
    #[serde(rename = "narration")]
    _narration: Option<String>,
    #[serde(rename = "reference")]
    _reference: Option<String>,
}

fn decode(rounds: usize) -> Result<(), Box<dyn Error>> {
    let account: Arc<FiAccount> = Arc::new(serde_json::from_str(&account())?);
    for _ in 0..rounds {
        let (ours, rows) = timed(|| {
            let read: DepositAccount = account.read_as()?;
            Ok(black_box(read).transactions.rows.len())
        })?;
        let (typed, typed_rows) = timed(|| {
            let read: Typed = serde_json::from_str(account.json())?;
            Ok(black_box(read).transactions.transaction.len())
        })?;
        let (texts, text_rows) = timed(|| {
            let read: Texts = serde_json::from_str(account.json())?;
            Ok(black_box(read).transactions.transaction.len())
        })?;
        if rows != typed_rows || rows != text_rows {
            return Err("they read different numbers of rows".into());
        }
        println!("{ours} {typed} {texts}");
    }
    Ok(())
}

/// The nanoseconds that it took, the freeing of what was read included.
fn timed<T>(read: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<(u128, T), Box<dyn Error>> {
    let started = Instant::now();
    let read = read()?;
    Ok((started.elapsed().as_nanos(), read))
}
