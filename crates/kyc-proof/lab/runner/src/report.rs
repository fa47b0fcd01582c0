//! How a benchmark ends: what it found is printed and kept, and what was judged decides.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Context, Failure, Result};
use crate::metadata::Metadata;
use crate::shell::Workspace;

/// Where figures are published.
const PUBLISHED: &str = "BENCHMARKS.md";

/// Keeps a file where the benchmark keeps its raw output.
pub(crate) fn keep(output: &Path, name: &str, text: &str) -> Result<()> {
    let file = output.join(name);
    fs::write(&file, text).context(|| format!("cannot write {}", file.display()))
}

/// Prints the report, keeps it, and tells where; fails in these words unless everything that is judged has `passed`.
pub(crate) fn finish(output: &Path, report: &str, passed: bool, otherwise: &str) -> Result<()> {
    print!("\n{report}");
    keep(output, "report.txt", report)?;
    println!("\nraw output: {}", output.display());
    match passed {
        true => Ok(()),
        false => Err(Failure::new(otherwise)),
    }
}

/// Removes the report of an earlier run.
pub(crate) fn forget(workspace: &Workspace, benchmark: &str) -> Result<()> {
    let kept = kept(workspace, benchmark)?;
    match fs::remove_file(&kept) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context(|| format!("cannot remove {}", kept.display()))
        }
        _ => Ok(()),
    }
}

fn kept(workspace: &Workspace, benchmark: &str) -> Result<PathBuf> {
    let target = Metadata::read(workspace)?.target_directory;
    Ok(target.join("bench").join(benchmark).join("report.txt"))
}

/// Puts the report that a benchmark has kept between its markers in [`PUBLISHED`], under today's date.
pub(crate) fn record(workspace: &Workspace, benchmark: &str) -> Result<()> {
    let kept = kept(workspace, benchmark)?;
    let Ok(report) = fs::read_to_string(&kept) else {
        println!("{benchmark} keeps no report; its pictures are its figures");
        return Ok(());
    };
    let path = workspace.root().join(PUBLISHED);
    let text = fs::read_to_string(&path).context(|| format!("cannot read {PUBLISHED}"))?;
    let mut date = std::process::Command::new("date");
    let date = crate::shell::read(date.args(["-u", "+%F"]))?;
    let text = replaced(&text, benchmark, &format!("{}\n{report}", date.trim())).ok_or_else(|| {
        Failure::new(format!(
            "{PUBLISHED} needs the lines `<!-- bench:{benchmark} -->` and `<!-- end -->` around the place of the report"
        ))
    })?;
    fs::write(&path, text).context(|| format!("cannot write {PUBLISHED}"))?;
    println!("recorded in {PUBLISHED}");
    Ok(())
}

/// The text with a report between the markers of its benchmark.
fn replaced(text: &str, benchmark: &str, report: &str) -> Option<String> {
    let marker = format!("<!-- bench:{benchmark} -->\n");
    let (before, after) = text.split_once(&marker)?;
    let (_, after) = after.split_once("<!-- end -->")?;
    let report: String = report
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    Some(format!(
        "{before}{marker}```text\n{report}```\n<!-- end -->{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_replaces_the_one_before_it() {
        let text = "a\n<!-- bench:call -->\nold\n<!-- end -->\nb\n";
        let expected = "a\n<!-- bench:call -->\n```text\nnew\n```\n<!-- end -->\nb\n";
        assert_eq!(replaced(text, "call", "new \n").as_deref(), Some(expected));
        assert_eq!(replaced(text, "size", "new"), None);
    }
}
