//! `cargo xtask bench operations`: how much longer a provider's crate with all its operations takes to build than one with a
//! single operation.
//!
//! In processor time, user and system, of cargo and of all that it starts, because others may build on the machine. Both programs of
//! a pair stand on the same crates: they are built once in each round, from nothing and with the first program, and what the
//! second one takes on top is compared with that. A little too much is counted: the first program, which the second has not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use crate::failure::Result;
use crate::machine;
use crate::one_call;
use crate::outside::{Packages, Profile, Program};
use crate::report;
use crate::shell::{self, Workspace};
use crate::spread::Spread;

const ROUNDS: usize = 3;

/// The most that all operations may take, in parts of one.
const MOST: f64 = 1.25;

/// A program on a crate with one operation, and one on a crate of the same company with many, both of which make one call.
const PAIRS: [(&str, &Program, &Program); 2] = [
    (
        "FinPro: finpro-fiu, finpro-profile",
        &one_call::FINPRO,
        &one_call::FIU,
    ),
    (
        "Veriff: veriff-sessions, consent-hmac",
        &one_call::VERIFF,
        &one_call::SESSIONS,
    ),
];

const PROFILES: [Profile; 2] = [Profile::Dev, Profile::Release];

/// Processor seconds, and the quotient of each round.
#[derive(Default)]
struct Figures {
    one: Spread,
    more: Spread,
    ratio: Spread,
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let packages = Packages::of(workspace, "operations")?;
    let mut figures = BTreeMap::<_, Figures>::new();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        for (about, one, all) in PAIRS {
            let one = packages.package(workspace, one)?;
            let all = packages.package(workspace, all)?;
            for profile in PROFILES {
                let first = packages.clean(&one, profile)?.processor.as_secs_f64();
                let more = all.built_in(&packages.clean_target()).build(profile)?;
                let more = more.processor.as_secs_f64();
                println!("{about}, {profile:?}: {first:.1} s, {more:.1} s more");
                let figures = figures.entry((about, profile.name())).or_default();
                figures.one.push(first);
                figures.more.push(more);
                figures.ratio.push(1.0 + more / first);
            }
        }
    }
    let (table, passed) = table(&figures);
    let rustc = shell::read(Command::new("rustc").arg("--version"))?;
    let cargo = shell::read(Command::new("cargo").arg("--version"))?;
    let report = format!(
        "a program that makes one call, built from nothing, without TLS, on a crate of one operation; more, if the crate has all of\n\
         the company's operations. Seconds of the processor, user and system; {}, {};\n\
         {}; median of {ROUNDS} rounds (least–most), the quotient within a round\n\n{table}",
        rustc.trim(),
        cargo.trim(),
        machine::description(),
    );
    report::finish(
        &packages.output,
        &report,
        passed,
        "all operations take longer to build than they may",
    )
}

fn table(figures: &BTreeMap<(&str, &str), Figures>) -> (String, bool) {
    let mut text = format!(
        "{:<40} {:<8} {:>20} {:>20} {:>7}\n",
        "", "profile", "one operation, s", "all: more, s", "all/one"
    );
    let mut passed = true;
    for ((about, profile), Figures { one, more, ratio }) in figures {
        let within = ratio.median() <= MOST;
        passed &= within;
        let verdict = if within { "PASS" } else { "FAIL" };
        let _ = writeln!(
            text,
            "{about:<40} {profile:<8} {one:>20} {more:>20} {:>7.2}  {verdict} (at most {MOST:.2})",
            ratio.median(),
        );
    }
    (text, passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_rounds_is_judged() {
        let figures = |ratios: [f64; 3]| Figures {
            one: [60.0].into_iter().collect(),
            more: [12.0].into_iter().collect(),
            ratio: ratios.into_iter().collect(),
        };
        let all = BTreeMap::from([(("a", "dev"), figures([1.1, 1.25, 1.6]))]);
        assert!(table(&all).1);
        let all = BTreeMap::from([
            (("a", "dev"), figures([1.1, 1.1, 1.1])),
            (("a", "release"), figures([1.1, 1.26, 1.26])),
        ]);
        let (text, passed) = table(&all);
        assert!(!passed);
        assert_eq!(
            (text.matches("PASS").count(), text.matches("FAIL").count()),
            (1, 1)
        );
    }
}
