//! How much memory the process has, now and at its most.

use std::fs;

use crate::failure::{Failure, Result};

/// Resident bytes now.
pub(crate) fn resident() -> Result<u64> {
    field("VmRSS:")
}

/// The most resident bytes since [`reset_peak`].
pub(crate) fn peak() -> Result<u64> {
    field("VmHWM:")
}

/// Begins to measure the most anew.
pub(crate) fn reset_peak() -> Result<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

/// Open file descriptors of this process.
pub(crate) fn descriptors() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

fn field(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib: Option<u64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| Failure::new(format!("no {name} in /proc/self/status")))
}
