//! The same calls under an allocator that counts: `call-heap PEER CALLS PORT` prints blocks and bytes allocated.

#[path = "../clients/mod.rs"]
#[allow(dead_code, reason = "each program uses some of them")]
mod clients;
#[path = "../exchange/mod.rs"]
#[allow(dead_code, reason = "each program uses some of it")]
mod exchange;
mod peers;

use peers::Peer;

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

fn main() -> clients::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [peer, calls, port] = *arguments.as_slice() {
        let (peer, calls, port) = (Peer::named(peer)?, calls.parse()?, port.parse()?);
        let _profiler = dhat::Profiler::builder().testing().build();
        peers::runtime()?.block_on(peer.run(port, calls))?;
        let heap = dhat::HeapStats::get();
        println!("{} {}", heap.total_blocks, heap.total_bytes);
    } else {
        println!("usage: call-heap PEER CALLS PORT");
    }
    Ok(())
}
