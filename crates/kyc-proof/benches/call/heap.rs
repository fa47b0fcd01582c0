//! The same calls under an allocator that counts: `call-heap CALLER CALLS PORT` prints blocks and bytes allocated.
#![allow(clippy::print_stdout, reason = "its output is what the gate reads")]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "counts that a benchmark's length bounds"
)]

mod calls;
#[allow(dead_code, reason = "the lab uses the rest")]
mod exchange;
#[allow(dead_code, reason = "the lab uses the rest")]
mod ours;

/// What can go wrong here is only printed.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [caller, calls, port] = *arguments.as_slice() {
        let (calls, port) = (calls.parse()?, port.parse()?);
        let _profiler = dhat::Profiler::builder().testing().build();
        calls::make(caller, calls, port)?;
        let heap = dhat::HeapStats::get();
        println!("{} {}", heap.total_blocks, heap.total_bytes);
    } else {
        println!("usage: call-heap CALLER CALLS PORT");
    }
    Ok(())
}
