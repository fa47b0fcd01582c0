//! `cargo xtask bench batch`: `kyc finpro profile --batch` over 100,000 and over a million rows, against a server of bytes.
//!
//! Judged are the processor time of a million rows, which a busy machine disturbs less than the clock on the wall, the most
//! memory, and what it grows by with the rows.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::cores::{self, Core};
use super::programs::Programs;
use super::server::Server;
use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::numbers::grouped;
use crate::shell::{self, Workspace};
use crate::temporary::Directory;

const FEW: u64 = 100_000;
const MANY: u64 = 1_000_000;

/// The most processor time of the million, the most memory, and what it may grow by with each 100,000 rows.
const MOST_SECONDS: f64 = 40.0;
const MOST_KIB: u64 = 64 * 1024;
const MOST_GROWTH_KIB: u64 = 1024;

/// Every row asks the same, so that the server need not look through each request.
const ROW: &str = "9000000001,reference-1\n";

/// What the server wants of a client.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("FINPRO_CLIENT_ID", "made-up-client-0001"),
    ("FINPRO_CLIENT_SECRET", "made-up-secret-0001"),
    ("FINPRO_ORGANISATION_ID", "made-up-organisation-0001"),
    ("FINPRO_APP_IDENTIFIER", "made-up-app-0001"),
];

/// What one run took.
#[derive(Debug, Default)]
struct Figures {
    seconds: f64,
    user: f64,
    system: f64,
    kib: u64,
}

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let programs = Programs::build(workspace, &["server"])?;
    let mut build = workspace.cargo(["build", "--release", "--package=kyc-cli", "--bin=kyc"]);
    build.arg("--message-format=json-render-diagnostics");
    let kyc = shell::executable(&shell::read(&mut build)?, "kyc")
        .ok_or_else(|| Failure::new("cargo built no program `kyc`"))?;
    let directory = Directory::new(workspace, "batch")?;
    let server = Server::pinned(programs.get("server")?, &["aggregators=3"])?;
    let few = measure(&kyc, &server.port, directory.path(), FEW)?;
    let many = measure(&kyc, &server.port, directory.path(), MANY)?;

    let mut report = format!(
        "`kyc finpro profile --batch`, 32 at once, three aggregators; {}; {}\n\n{:>10} {:>8} {:>8} {:>8} {:>12} {:>10}\n",
        cores::description(),
        machine::description(),
        "rows",
        "wall s",
        "user s",
        "system s",
        "rows a s",
        "most KiB"
    );
    for (rows, figures) in [(FEW, &few), (MANY, &many)] {
        let _ = writeln!(
            report,
            "{:>10} {:>8.1} {:>8.1} {:>8.1} {:>12} {:>10}",
            grouped(rows),
            figures.seconds,
            figures.user,
            figures.system,
            grouped(rate(rows, figures.seconds)),
            grouped(figures.kib)
        );
    }
    println!("\n{report}");
    let growth = many.kib.saturating_sub(few.kib) / (MANY / FEW - 1);
    let time = many.user + many.system;
    let verdicts = [
        (
            format!("processor time of a million rows: {time:.1} s, at most {MOST_SECONDS:.0}"),
            time <= MOST_SECONDS,
        ),
        (
            format!(
                "most memory: {} KiB, at most {}",
                grouped(many.kib),
                grouped(MOST_KIB)
            ),
            many.kib <= MOST_KIB,
        ),
        (
            format!("growth with each 100,000 rows: {growth} KiB, at most {MOST_GROWTH_KIB}"),
            growth <= MOST_GROWTH_KIB,
        ),
    ];
    for (about, passed) in &verdicts {
        println!("{} {about}", if *passed { "PASS" } else { "FAIL" });
    }
    match verdicts.iter().all(|(_, passed)| *passed) {
        true => Ok(()),
        false => Err(Failure::new("a batch costs more than it may")),
    }
}

/// Asks about so many rows and looks at the process while it runs.
fn measure(kyc: &Path, port: &str, directory: &Path, rows: u64) -> Result<Figures> {
    let (input, out) = (
        directory.join("people.csv"),
        directory.join("results.jsonl"),
    );
    let mut text = String::from("mobileNumber,userConsentId\n");
    (0..rows).for_each(|_| text.push_str(ROW));
    fs::write(&input, text).context(|| format!("cannot write {}", input.display()))?;
    let _ = fs::remove_file(&out);
    let started = Instant::now();
    let mut process = cores::on(Core::Client, kyc)
        .args(["finpro", "profile", "--batch"])
        .arg(&input)
        .arg("--out")
        .arg(&out)
        .env("FINPRO_BASE_URL", format!("http://127.0.0.1:{port}"))
        .envs(ENVIRONMENT)
        .stdin(Stdio::null())
        .spawn()
        .context(|| "cannot start kyc".into())?;
    let mut figures = Figures::default();
    let status = loop {
        // What the system tells of a process is gone with it: the last look before its end counts.
        look(process.id(), &mut figures);
        let ended = process
            .try_wait()
            .context(|| "cannot wait for kyc".into())?;
        if let Some(status) = ended {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    figures.seconds = started.elapsed().as_secs_f64();
    match status.success() {
        true => Ok(figures),
        false => Err(Failure::new(format!("kyc ended with {status}"))),
    }
}

/// The most memory and the processor time of a process so far.
fn look(process: u32, figures: &mut Figures) {
    let file =
        |name: &str| fs::read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default();
    let most = file("status").lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .ok()
    });
    figures.kib = figures.kib.max(most.unwrap_or(0));
    // The name stands in brackets and may have spaces; the times are the 14th and 15th field, in hundredths.
    let stat = file("stat");
    let times = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut times = times
        .split_whitespace()
        .skip(11)
        .map_while(|text| text.parse::<f64>().ok());
    if let (Some(user), Some(system)) = (times.next(), times.next()) {
        figures.user = figures.user.max(user / 100.0);
        figures.system = figures.system.max(system / 100.0);
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate to print"
)]
fn rate(rows: u64, seconds: f64) -> u64 {
    (rows as f64 / seconds) as u64
}
