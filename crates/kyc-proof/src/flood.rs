//! Hostile traffic at the served sandbox, as much of it as it takes: what it holds meanwhile, and what is left afterwards.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use kyc_sandbox::{Sandbox, credentials};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Settings;
use crate::process::{mebibytes, open_sockets, resident_bytes, tasks_left};

/// The sandbox's own limit, so that every place is taken.
const CONNECTIONS: usize = 1024;

/// What it may hold of all of them together. 64 KiB of headers and 64 KiB of a body each are 128 MiB; buffers grow by
/// doubling, and the allocator keeps what one attack took.
const MOST_MEMORY: u64 = 384 << 20;

/// How long it is given to take in what was sent, or to answer. Nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(60);

const INIT: &str = "POST /finpass/api/v1/services/account-aggregator/init HTTP/1.1\r\nhost: x\r\n";

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let comers = if settings.short { 1_000 } else { 5_000 };
    let before = open_sockets()?;
    let most = runtime.block_on(flood(comers))?;
    let tasks = runtime.block_on(tasks_left());
    let sockets = open_sockets()?.saturating_sub(before);
    println!("  left behind: {tasks} tasks, {sockets} sockets");
    ensure!(most <= MOST_MEMORY, "it holds more than it should");
    ensure!(tasks + sockets == 0, "something was left behind");
    Ok(())
}

/// The most memory that any of the attacks took.
async fn flood(comers: usize) -> Result<u64> {
    let served = Sandbox::default().serve("127.0.0.1:0".parse()?).await?;
    let address = served.address();
    alive(address).await?;
    let before = resident_bytes()?;
    let mut most = 0;
    let endless_headers = [b"GET / HTTP/1.1\r\nx-a: ".as_slice(), &vec![b'a'; 65_000]].concat();
    let endless_body = [
        authorised("content-length: 2000000\r\n").as_bytes(),
        &vec![b' '; 65_536],
    ]
    .concat();
    let attacks: [(&str, &[u8]); 4] = [
        ("say nothing", b""),
        ("never end their headers", &endless_headers),
        ("never end their body", &endless_body),
        ("never read", &never_read()),
    ];
    for (name, bytes) in attacks {
        let mut held = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let mut stream = TcpStream::connect(address).await?;
            // What the sandbox does not take stays in the kernel, and is not waited for.
            let _ = timeout(Duration::from_millis(20), stream.write_all(bytes)).await;
            held.push(stream);
        }
        sleep(Duration::from_millis(200)).await;
        let grown = resident_bytes()?.saturating_sub(before);
        most = most.max(grown);
        println!(
            "  {CONNECTIONS} connections that {name}: {} more",
            mebibytes(grown)
        );
        drop(held);
        alive(address).await?;
    }
    come_and_go(address, comers).await?;
    alive(address).await?;
    let grown = resident_bytes()?.saturating_sub(before);
    println!(
        "  {comers} connections that come and go: {} more",
        mebibytes(grown)
    );
    served.shutdown().await;
    Ok(most.max(grown))
}

/// Begins requests, 200 at a time, and leaves at once.
async fn come_and_go(address: SocketAddr, comers: usize) -> Result<()> {
    for _ in 0..comers / 200 {
        let mut flood = JoinSet::new();
        for _ in 0..200 {
            flood.spawn(async move {
                let mut stream = TcpStream::connect(address).await?;
                stream.write_all(INIT.as_bytes()).await
            });
        }
        flood
            .join_all()
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
    }
    Ok(())
}

fn authorised(extra: &str) -> String {
    format!(
        "{INIT}x-api-key: {}\r\nx-api-secret: {}\r\ncontent-type: application/json\r\n{extra}\r\n",
        credentials::FINPASS_API_KEY,
        credentials::FINPASS_API_SECRET,
    )
}

fn never_read() -> Vec<u8> {
    let body = r#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#;
    let head = authorised(&format!("content-length: {}\r\n", body.len()));
    format!("{head}{body}").repeat(200).into_bytes()
}

/// An ordinary request is answered.
async fn alive(address: SocketAddr) -> Result<()> {
    let answered = timeout(PATIENCE, async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(b"GET /finpass HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await?;
        std::io::Result::Ok(reply)
    });
    let answers = answered.await??.starts_with(b"HTTP/1.1 404 ");
    ensure!(answers, "an ordinary request is not answered");
    Ok(())
}
