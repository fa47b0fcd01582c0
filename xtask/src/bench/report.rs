//! How a benchmark ends: what it found is printed and kept, and what was judged decides.

use std::fs;
use std::path::Path;

use crate::failure::{Context, Failure, Result};

/// Keeps a file where the benchmark keeps its raw output.
pub(super) fn keep(output: &Path, name: &str, text: &str) -> Result<()> {
    let file = output.join(name);
    fs::write(&file, text).context(|| format!("cannot write {}", file.display()))
}

/// Prints the report, keeps it, and tells where; fails in these words unless everything that is judged has `passed`.
pub(super) fn finish(output: &Path, report: &str, passed: bool, otherwise: &str) -> Result<()> {
    print!("\n{report}");
    keep(output, "report.txt", report)?;
    println!("\nraw output: {}", output.display());
    match passed {
        true => Ok(()),
        false => Err(Failure::new(otherwise)),
    }
}
