//! The resources of this process, from `/proc`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::failure::{Failure, Result};

/// Bytes of memory that are resident.
pub(crate) fn resident_bytes() -> Result<u64> {
    field("VmRSS:")
}

/// The most resident bytes since [`reset_peak`].
pub(crate) fn peak_bytes() -> Result<u64> {
    field("VmHWM:")
}

/// Begins to measure the peak anew.
pub(crate) fn reset_peak() -> Result<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

fn field(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib: Option<u64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| Failure::new(format!("no {name} in /proc/self/status")))
}

/// How many file descriptors are open.
pub(crate) fn descriptors() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// How many sockets are open.
pub(crate) fn open_sockets() -> Result<usize> {
    let is_socket = |link: &Path| link.to_string_lossy().starts_with("socket:");
    Ok(fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|link| is_socket(link))
        .count())
}

/// Tasks of this runtime that are still there once those that are about to end have had the time for it.
pub(crate) async fn tasks_left() -> usize {
    let metrics = Handle::current().metrics();
    for _ in 0..1_000 {
        if metrics.num_alive_tasks() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    metrics.num_alive_tasks()
}

/// For people: `12.3 MiB`.
pub(crate) fn mebibytes(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    format!("{mebibytes:.1} MiB")
}
