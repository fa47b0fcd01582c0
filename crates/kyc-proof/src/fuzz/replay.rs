//! Runs inputs that are on file: those that were kept, or the ones named.

use std::fs;
use std::io;
use std::panic::{catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use crate::target;

/// One directory a target, one file an input.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

/// Runs these inputs of a target, or every one that is kept if there are none. A panic of the target names the file first.
pub(crate) fn run(name: &str, mut files: Vec<PathBuf>) -> io::Result<()> {
    let target = target(name);
    if files.is_empty() {
        let kept = fs::read_dir(Path::new(KEPT).join(name))?;
        files = kept
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        files.sort();
    }
    assert!(!files.is_empty(), "no inputs of {name}");
    for file in &files {
        let input = fs::read(file)?;
        if let Err(panic) = catch_unwind(|| target(&input)) {
            eprintln!("{name} fails on {}", file.display());
            resume_unwind(panic);
        }
    }
    println!("{name:<20}{} inputs", files.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_inputs_and_they_hold() {
        let kept = fs::read_dir(KEPT).unwrap().map(|entry| entry.unwrap());
        let kept = kept.filter(|entry| entry.file_type().unwrap().is_dir());
        let kept: Vec<String> = kept
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        assert_eq!(kept.len(), crate::TARGETS.len());
        for name in kept {
            run(&name, Vec::new()).unwrap();
        }
    }
}
