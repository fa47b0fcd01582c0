//! Proof `coverage`: every line of core and providers is run by a test of theirs, or it is said why not.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::explained::Explained;
use super::tool::Tool;
use super::{Settings, TEST_SUPPORT};
use crate::failure::{Context, Failure, Result};
use crate::metadata::Metadata;
use crate::shell::{self, Workspace};
use crate::temporary::Directory;
use crate::tidy::Role;

const CARGO_TARPAULIN: Tool = Tool {
    name: "cargo-tarpaulin",
    version: "0.37.5",
};

/// Lines that no test runs, each with its reason.
const EXPLAINED: &str = "COVERAGE.md";

/// The share of each crate's lines that tests must run, in percent. Reasons do not count here.
const COVERED: f64 = 97.0;

/// The same run shortened or not: it is one build and the packages' own tests.
pub(super) fn run(workspace: &Workspace, _: &Settings) -> Result<()> {
    let metadata = Metadata::read(workspace)?;
    let packages: BTreeMap<&str, &str> = metadata
        .packages
        .values()
        .filter(|package| matches!(Role::of(&package.name), Role::Core | Role::Provider))
        .map(|package| (package.name.as_str(), package.directory.as_str()))
        .collect();
    let results = metadata.target_directory.join("prove/coverage");
    fs::create_dir_all(&results).context(|| format!("cannot create {}", results.display()))?;

    // A copy, because build scripts leave files of theirs beside the manifest.
    let copy = Directory::copy_of(workspace, "coverage")?;
    let mut tarpaulin = CARGO_TARPAULIN.command(workspace, &metadata, copy.path())?;
    tarpaulin.args(["--engine", "llvm", "--skip-clean", "--lib", "--tests"]);
    tarpaulin
        .args(["--out", "Json", "--output-dir"])
        .arg(&results);
    // Of its own, because its compiler flags are others.
    let target = metadata.target_directory.join("coverage");
    tarpaulin.arg("--target-dir").arg(&target);
    tarpaulin.args(packages.keys().flat_map(|name| ["--package", *name]));
    // It counts the lines of a module only if it is told of the module's feature, and takes no commas.
    let features = metadata.portable_features();
    let of_them = |feature: &&String| {
        let package = feature.split('/').next();
        package.is_some_and(|package| packages.contains_key(package))
    };
    let features: Vec<&str> = features
        .iter()
        .filter(of_them)
        .map(String::as_str)
        .collect();
    tarpaulin.arg("--features").arg(features.join(" "));
    tarpaulin
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("INSTA_UPDATE", "no");
    let run = shell::run(&mut tarpaulin);
    copy.clean(&target)?;
    copy.finish(run)?;

    let path = results.join("tarpaulin-report.json");
    let reading = || format!("cannot read {}", path.display());
    let json = fs::read_to_string(&path).context(reading)?;
    let json: Value = serde_json::from_str(&json).context(reading)?;
    let files = from_json(&json)
        .ok_or_else(|| Failure::new(format!("{} has another shape", path.display())))?;
    judge(&packages, &files, Explained::read(workspace, EXPLAINED)?)
}

/// What tests ran of one file.
#[derive(Debug, PartialEq, Eq)]
struct File {
    /// Ends in the path below the workspace.
    path: String,
    lines: usize,
    /// The lines that no test ran: number and text.
    open: Vec<(usize, String)>,
}

fn from_json(json: &Value) -> Option<Vec<File>> {
    let mut files = Vec::new();
    for file in json.get("files")?.as_array()? {
        let parts: Option<Vec<&str>> = file
            .get("path")?
            .as_array()?
            .iter()
            .map(Value::as_str)
            .collect();
        let text: Vec<&str> = file.get("content")?.as_str()?.lines().collect();
        let mut lines = 0;
        let mut open = Vec::new();
        for trace in file.get("traces")?.as_array()? {
            let line = usize::try_from(trace.get("line")?.as_u64()?).ok()?;
            lines += 1;
            if trace.get("stats")?.get("Line")?.as_u64()? == 0 {
                let text = text.get(line.checked_sub(1)?)?;
                open.push((line, text.trim().to_owned()));
            }
        }
        files.push(File {
            path: parts?.join("/"),
            lines,
            open,
        });
    }
    Some(files)
}

fn judge(packages: &BTreeMap<&str, &str>, files: &[File], mut explained: Explained) -> Result<()> {
    let mut short = Vec::new();
    let mut unexplained = Vec::new();
    for (name, directory) in packages {
        let within = format!("{directory}/src/");
        // The report has the places of the copy, so only their ends count.
        let files: Vec<(&str, &File)> = files
            .iter()
            .filter(|file| !file.path.contains(TEST_SUPPORT))
            .filter_map(|file| Some((file.path.get(file.path.find(&within)?..)?, file)))
            .collect();
        let lines = files.iter().map(|(_, file)| file.lines).sum();
        let open = files.iter().map(|(_, file)| file.open.len()).sum();
        println!("{}", line("  ", name, lines, open));
        if percent(lines, open) < COVERED {
            short.push(*name);
        }
        for (path, file) in files {
            println!(
                "{}",
                line("    ", &path[within.len()..], file.lines, file.open.len())
            );
            for (number, text) in &file.open {
                if !explained.take(&[path, text]) {
                    unexplained.push((path, *number, Explained::row(&[path, text])));
                }
            }
        }
    }
    explained.tell_left();
    for (path, number, row) in &unexplained {
        println!("  not run: {path}:{number}\n    {row}");
    }
    if !unexplained.is_empty() {
        let many = unexplained.len();
        return Err(Failure::new(format!(
            "{many} lines are run by no test, without a reason in {EXPLAINED}"
        )));
    }
    if !short.is_empty() {
        return Err(Failure::new(format!(
            "tests run less than {COVERED} % of the lines of {}",
            short.join(", ")
        )));
    }
    Ok(())
}

fn percent(lines: usize, open: usize) -> f64 {
    if lines == 0 {
        // A crate that was not found is not covered.
        return 0.0;
    }
    100.0 * (lines - open) as f64 / lines as f64
}

fn line(indent: &str, name: &str, lines: usize, open: usize) -> String {
    let name = format!("{indent}{name}");
    format!(
        "{name:<40}{:>7.2}%  {:>5} of {lines:>5} lines",
        percent(lines, open),
        lines - open
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<File> {
        let json = serde_json::json!({ "files": [{
            "path": ["/", "somewhere", "crates", "core", "src", "lib.rs"],
            "content": "fn a() {\n    b();\n}\n",
            "traces": [
                { "line": 1, "stats": { "Line": 3 } },
                { "line": 2, "stats": { "Line": 0 } },
            ],
        }]});
        from_json(&json).unwrap()
    }

    #[test]
    fn a_report_is_read() {
        let files = files();
        let [file] = &*files else { panic!("{files:?}") };
        assert!(file.path.ends_with("crates/core/src/lib.rs"));
        assert_eq!(
            (file.lines, &*file.open),
            (2, &[(2, "b();".to_owned())][..])
        );
    }

    #[test]
    fn a_line_without_a_reason_and_a_crate_without_lines_are_failures() {
        let judge = |name| {
            let packages = BTreeMap::from([(name, name)]);
            judge(&packages, &files(), Explained::default())
                .unwrap_err()
                .to_string()
        };
        assert!(judge("crates/core").starts_with("1 lines are run by no test"));
        assert!(judge("crates/gone").ends_with("of crates/gone"));
    }
}
