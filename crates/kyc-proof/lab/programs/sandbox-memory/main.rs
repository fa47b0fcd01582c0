//! `sandbox-memory SESSIONS` opens so many sessions at Finpass in a sandbox of this process, each for another person, and prints by how
//! many bytes the process has grown; with `counted` behind it, how many bytes are allocated more than before. Counting takes memory
//! itself.

use std::time::Duration;

use kyc_sandbox::{Sandbox, credentials};
use provider_core::http::Request;
use provider_core::{Body, ExchangeLimits, Transport as _};

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(sessions) = arguments.first().filter(|word| !word.starts_with("--")) else {
        println!("usage: sandbox-memory SESSIONS [counted]");
        return Ok(());
    };
    let counted = arguments.get(1).is_some();
    let profiler = counted.then(|| dhat::Profiler::builder().testing().build());
    let size = || match counted {
        true => Some(dhat::HeapStats::get().curr_bytes as u64),
        false => resident(),
    };
    let before = size().ok_or("the system does not tell a process's memory")?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let sandbox = Sandbox::default();
    for number in 0..sessions.parse()? {
        runtime.block_on(open(&sandbox, number))?;
    }
    println!("{}", size().unwrap_or(u64::MAX).saturating_sub(before));
    drop((sandbox, profiler));
    Ok(())
}

async fn open(sandbox: &Sandbox, number: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mobile = 9_800_000_000 + number;
    let body = format!(r#"{{"mobile_number":"{mobile}","consent_type":"loan_underwriting"}}"#);
    let request = Request::post("http://localhost/finpass/api/v1/services/account-aggregator/init")
        .header("content-type", "application/json")
        .header("x-api-key", credentials::FINPASS_API_KEY)
        .header("x-api-secret", credentials::FINPASS_API_SECRET)
        .header("x-request-id", format!("{number:032x}"))
        .body(Body::from(body.into_bytes()))?;
    let limits = ExchangeLimits::new(Duration::from_secs(60), usize::MAX);
    let reply = sandbox.transport().send(request, limits).await?;
    match reply.status().as_u16() {
        200 => Ok(()),
        status => Err(format!("answered with {status}").into()),
    }
}

/// The process's memory in bytes.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}
