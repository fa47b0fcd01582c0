//! `cargo xtask bench size`: how large a program is that makes one call, beside the same on bare HTTP clients.
//!
//! cargo's own release profile with `strip = true` for all of them. Sizes are the same in each run, so they are judged.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::numbers::grouped;
use crate::one_call;
use crate::outside::{Packages, Profile, Program};
use crate::report;
use crate::shell::{self, Workspace};

/// A program, and the most bytes that it may have: about what it has, so that it does not grow unseen.
const ROWS: &[(Program, Option<u64>)] = &[
    (one_call::EMPTY, None),
    (one_call::FINPASS, Some(2_150_000)),
    (one_call::FINPASS_TLS, Some(3_750_000)),
    (one_call::TWO, None),
    (one_call::TWO_TLS, None),
    (one_call::VERIFF, Some(2_150_000)),
    (one_call::SESSIONS, None),
    (one_call::FINPRO, None),
    (one_call::FIU, None),
    (one_call::HYPER, None),
    (one_call::UREQ, None),
    (one_call::UREQ_TLS, None),
    (one_call::REQWEST, None),
    (one_call::REQWEST_RING, None),
    (one_call::REQWEST_DEFAULT, None),
];

/// The most that one program may have more than another, and what makes the difference: a second provider, or another operation
/// and all those beside it that are not called.
///
/// The latter is judged at the smallest: a release without link-time optimisation has a copy of serde's code for each type of
/// the called operation, which says nothing about the others.
const DIFFERENCES: [(&str, &str, &str, Profile, u64); 4] = [
    (
        "a second provider",
        "finpass",
        "two",
        Profile::Release,
        350_000,
    ),
    (
        "a second provider",
        "finpass-tls",
        "two-tls",
        Profile::Release,
        350_000,
    ),
    (
        "an operation of many",
        "finpro",
        "fiu",
        Profile::Smallest,
        60_000,
    ),
    (
        "an operation of many",
        "veriff",
        "sessions",
        Profile::Smallest,
        60_000,
    ),
];

/// Bytes with cargo's release profile, and at the smallest.
#[derive(Clone, Copy)]
struct Sizes {
    release: u64,
    smallest: u64,
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let packages = Packages::of(workspace, "size")?;
    let mut sizes = BTreeMap::new();
    for (program, _) in ROWS {
        let package = packages.package(workspace, program)?;
        let size = |profile| {
            let (program, _) = package.build(profile)?;
            let about = fs::metadata(&program);
            Ok::<_, Failure>(
                about
                    .context(|| format!("cannot read {}", program.display()))?
                    .len(),
            )
        };
        let found = Sizes {
            release: size(Profile::Release)?,
            smallest: size(Profile::Smallest)?,
        };
        sizes.insert(program.name, found);
    }
    let (table, passed) = table(&sizes);
    let rustc = shell::read(Command::new("rustc").arg("--version"))?;
    let report = format!(
        "bytes of a program that makes one call; {}; {}\n\
         release: cargo's own profile with `strip = true`; smallest: also opt-level \"z\", fat LTO, one unit, abort at a panic\n\n{table}",
        rustc.trim(),
        machine::description(),
    );
    report::finish(
        &packages.output,
        &report,
        passed,
        "a program is larger than it may be",
    )
}

fn table(sizes: &BTreeMap<&str, Sizes>) -> (String, bool) {
    let mut text = format!("{:<54} {:>12} {:>12}\n", "", "release", "smallest");
    let mut all = true;
    let mut judge = |size: u64, most: Option<u64>| match most {
        None => String::new(),
        Some(most) if size <= most => format!("PASS (at most {})", grouped(most)),
        Some(most) => {
            all = false;
            format!("FAIL (at most {})", grouped(most))
        }
    };
    for (program, most) in ROWS {
        if let Some(found) = sizes.get(program.name) {
            let _ = writeln!(
                text,
                "{:<54} {:>12} {:>12}  {}",
                program.about,
                grouped(found.release),
                grouped(found.smallest),
                judge(found.release, *most),
            );
        }
    }
    for (what, one, two, profile, most) in DIFFERENCES {
        if let (Some(one_size), Some(two_size)) = (sizes.get(one), sizes.get(two)) {
            let more = two_size.release.saturating_sub(one_size.release);
            let least = two_size.smallest.saturating_sub(one_size.smallest);
            let _ = writeln!(
                text,
                "{:<54} {:>12} {:>12}  {}",
                format!("{what}: {two} - {one}"),
                grouped(more),
                grouped(least),
                judge(
                    if profile == Profile::Smallest {
                        least
                    } else {
                        more
                    },
                    Some(most)
                ),
            );
        }
    }
    (text, all)
}
