//! Runs inputs that are on file: those that were kept, or the ones named.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::{TARGETS, Target, target};

/// One directory a target, one file an input.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

pub(crate) fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let name = arguments.next();
    let files: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let chosen = name.map(|name| name.to_string_lossy().into_owned());
    let targets: Vec<&Target> = match &chosen {
        None => TARGETS.iter().collect(),
        Some(name) => target(name).into_iter().collect(),
    };
    if targets.is_empty() {
        eprintln!("usage: fuzz [TARGET [FILE…]]\n");
        for Target { name, about, .. } in TARGETS {
            eprintln!("  {name:<20}{about}");
        }
        return ExitCode::FAILURE;
    }
    for target in targets {
        let run = if files.is_empty() {
            run_kept(target)
        } else {
            run_files(target, &files)
        };
        match run {
            Ok(count) => println!("{:<20}{count} inputs", target.name),
            Err(error) => {
                eprintln!("{}: {error}", target.name);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Runs every input that is kept for a target. A panic of the target names the file first.
fn run_kept(target: &Target) -> io::Result<usize> {
    let mut files = Vec::new();
    for entry in fs::read_dir(Path::new(KEPT).join(target.name))? {
        files.push(entry?.path());
    }
    files.sort();
    run_files(target, &files)
}

fn run_files(target: &Target, files: &[PathBuf]) -> io::Result<usize> {
    for file in files {
        let input = fs::read(file)?;
        let ran = std::panic::catch_unwind(|| (target.run)(&input));
        if let Err(panic) = ran {
            eprintln!("{} fails on {}", target.name, file.display());
            std::panic::resume_unwind(panic);
        }
    }
    Ok(files.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kept_input_holds() {
        for target in TARGETS {
            assert!(run_kept(target).unwrap() > 0, "{}", target.name);
        }
    }

    #[test]
    fn every_target_has_inputs_and_the_other_way_round() {
        let names = fs::read_dir(KEPT).unwrap().map(|entry| entry.unwrap());
        let kept: BTreeSet<String> = names
            .filter(|entry| entry.file_type().unwrap().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        let targets: BTreeSet<String> = TARGETS.iter().map(|row| row.name.to_owned()).collect();
        assert_eq!(kept, targets);
    }
}
