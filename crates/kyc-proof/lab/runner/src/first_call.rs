//! `cargo xtask bench first-call`: what making a client and its first call cost, beside bare HTTP clients, in a process that
//! is new each time.
//!
//! Times of the wall clock, of which the least is the steadiest. Judged are ratios of it to reqwest's in the same run, with
//! room for noise.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::one_call;
use crate::outside::{Packages, Profile, Program};
use crate::programs::Programs;
use crate::report;
use crate::server::Server;
use crate::shell::{self, Workspace};
use crate::spread::Spread;

/// Each round starts each program once.
const ROUNDS: usize = 41;

const PLAIN: &[&Program] = &[
    &one_call::FINPASS,
    &one_call::HYPER,
    &one_call::UREQ,
    &one_call::REQWEST,
];
const SECURED: &[&Program] = &[
    &one_call::FINPASS_TLS,
    &one_call::UREQ_PLATFORM,
    &one_call::REQWEST_RING,
    &one_call::REQWEST_DEFAULT,
];

/// The most that client and first call may take in parts of a peer's, by the least of the rounds.
const RATIOS: [(&str, &str, f64); 2] = [
    ("finpass", "reqwest", 1.5),
    ("finpass-tls", "reqwest-ring", 1.5),
];

/// What the rounds gave for one program, in µs.
#[derive(Default)]
struct Figures {
    client: Spread,
    first: Spread,
    second: Spread,
    /// Client and first call together.
    together: Spread,
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let packages = Packages::of(workspace, "first-call")?;
    let mut programs = Vec::new();
    for (program, secured) in PLAIN
        .iter()
        .map(|program| (*program, false))
        .chain(SECURED.iter().map(|program| (*program, true)))
    {
        let (path, _) = packages
            .package(workspace, program)?
            .build(Profile::Release)?;
        programs.push((program, secured, path));
    }
    let server = Programs::build(workspace, &["first-call"])?;
    let directory = packages.output.to_string_lossy();
    let server = Server::start(server.get("first-call")?, &["serve", &directory])?;
    let (plain, secured) = server.first_line().split_once(' ').unwrap_or_default();
    let plain = format!("http://127.0.0.1:{plain}");
    let encrypted = format!("https://127.0.0.1:{secured}");
    let (roots, how_many) = roots(&packages.output)?;

    let mut figures = BTreeMap::<&str, Figures>::new();
    let mut raw = String::new();
    for _ in 0..ROUNDS {
        for (program, secured, path) in &programs {
            let url = if *secured { &encrypted } else { &plain };
            let line = first_line(path, url, &roots)?;
            let _ = writeln!(raw, "{} {line}", program.name);
            figures.entry(program.name).or_default().add(&line)?;
        }
    }
    drop(server);

    let (verdicts, passed) = verdicts(&figures);
    let rustc = shell::read(Command::new("rustc").arg("--version"))?;
    let report = format!(
        "a new process makes a client, a first call and a second one over loopback; {}; {}\n\
         µs, median of {ROUNDS} rounds in turn (least); TLS 1.3, {how_many} root certificates in the platform's file\n\n{}\n{verdicts}",
        rustc.trim(),
        machine::description(),
        table(&programs, &figures),
    );
    report::keep(&packages.output, "raw.txt", &raw)?;
    report::finish(
        &packages.output,
        &report,
        passed,
        "a first call costs more than it may",
    )
}

/// The platform's root certificates with the test's authority among them, as a file, and how many there are.
fn roots(output: &Path) -> Result<(PathBuf, usize)> {
    let platform = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
    ];
    let platform = platform
        .iter()
        .find_map(|file| fs::read_to_string(file).ok());
    let mut text = platform.ok_or_else(|| Failure::new("this machine has no root certificates"))?;
    let authority = output.join("authority.pem");
    let authority = fs::read_to_string(&authority)
        .context(|| format!("cannot read {}", authority.display()))?;
    text.push_str(&authority);
    let file = output.join("roots.pem");
    fs::write(&file, &text).context(|| format!("cannot write {}", file.display()))?;
    Ok((file, text.matches("BEGIN CERTIFICATE").count()))
}

/// What a program prints first.
fn first_line(path: &Path, url: &str, roots: &Path) -> Result<String> {
    let mut command = Command::new(path);
    command
        .arg(url)
        .env("SSL_CERT_FILE", roots)
        .env_remove("SSL_CERT_DIR");
    let text = shell::read(&mut command)?;
    let line = text.lines().next();
    line.map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("{} printed nothing", path.display())))
}

impl Figures {
    fn add(&mut self, line: &str) -> Result<()> {
        let numbers: Vec<f64> = line
            .split(' ')
            .filter_map(|number| Some(number.parse::<u64>().ok()? as f64 / 1e3))
            .collect();
        let [client, first, second] = *numbers.as_slice() else {
            return Err(Failure::new(format!("cannot read `{line}`")));
        };
        self.client.push(client);
        self.first.push(first);
        self.second.push(second);
        self.together.push(client + first);
        Ok(())
    }
}

fn table(programs: &[(&Program, bool, PathBuf)], figures: &BTreeMap<&str, Figures>) -> String {
    let mut text = format!(
        "{:<46} {:>16} {:>16} {:>16} {:>16}\n",
        "", "client", "first call", "second call", "client + first"
    );
    let told = |spread: &Spread| format!("{:.0} ({:.0})", spread.median(), spread.least());
    for (program, _, _) in programs {
        if let Some(found) = figures.get(program.name) {
            let _ = writeln!(
                text,
                "{:<46} {:>16} {:>16} {:>16} {:>16}",
                program.about,
                told(&found.client),
                told(&found.first),
                told(&found.second),
                told(&found.together),
            );
        }
    }
    text
}

fn verdicts(figures: &BTreeMap<&str, Figures>) -> (String, bool) {
    let (mut text, mut all) = (String::new(), true);
    for (ours, peer, limit) in RATIOS {
        let least = |name| {
            let found: Option<&Figures> = figures.get(name);
            found.map_or(f64::NAN, |found| found.together.least())
        };
        let ratio = least(ours) / least(peer);
        let passed = ratio <= limit;
        all &= passed;
        let verdict = if passed { "PASS" } else { "FAIL" };
        let _ = writeln!(
            text,
            "{verdict} {ours} / {peer}, client and first call, the least: {ratio:.2}, at most {limit:.2}"
        );
    }
    (text, all)
}
