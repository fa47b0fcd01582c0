//! `cargo xtask bench sandbox`: how many requests the served sandbox answers in a second of one core, how soon it listens,
//! how much memory it takes, and how soon its console is shown under load, beside axum's least program.
//!
//! What a sandbox keeps of sessions at Finpass is measured in a process of its own: by how much that has grown since it began, and how
//! much of it is allocated.
//!
//! The server has the first core and what loads it another. A figure is requests by the processor time that the server
//! has used, in user space and in the kernel: that is what a core can do, and neighbours change it little. Judged are that
//! part of axum's figure and the memory; times are not.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cores::{self, Core};
use crate::failure::{Failure, Result};
use crate::machine;
use crate::numbers::grouped;
use crate::outside::{Packages, Profile, Program};
use crate::programs::{self, Programs};
use crate::report;
use crate::server::Server;
use crate::shell::{self, Workspace};
use crate::spread::Spread;

const ROUNDS: usize = 5;
const CONNECTIONS: usize = 64;
const REQUESTS: usize = 64 * 500;

/// The least part of axum's requests a core, the most memory, and what it may grow by once everything that it keeps is
/// full.
const LEAST_PART: f64 = 0.33;
const MOST_KIB: u64 = 64 * 1024;
const MOST_GROWTH_KIB: u64 = 256;

/// So many sessions are opened, and by so many bytes a process may have grown then.
const SESSIONS: &str = "100000";
const MOST_OF_SESSIONS: f64 = 25e6;

/// The console is looked at so often, while the sandbox is asked so often a second.
const LOOKS: &str = "200";
const RATE: &str = "1000";
/// The longest that the 99th look of a hundred may take, in ms: what a person takes for at once.
const MOST_LOOK_MS: f64 = 100.0;

const AXUM: Program = Program {
    name: "axum-hello",
    about: "",
    source: "sandbox/axum.rs",
    dependencies: &[
        "axum = { version = \"0.8\", default-features = false, features = [\"http1\", \"tokio\"] }",
        "tokio = { version = \"1\", default-features = false, features = [\"net\", \"rt\"] }",
    ],
};

const MEMORY: Program = Program {
    name: "sandbox-memory",
    about: "",
    source: "sandbox-memory/main.rs",
    dependencies: &[
        "dhat = \"0.3\"",
        "kyc-sandbox = { path = \"CRATES/kyc-sandbox\" }",
        "provider-core = { path = \"CRATES/provider-core\", default-features = false }",
        "tokio = { version = \"1\", default-features = false, features = [\"rt\"] }",
    ],
};

/// A server that is ready.
struct Served {
    server: Server,
    address: String,
    /// From its start until it has told its address.
    ready: Duration,
    /// What it printed besides.
    lines: Vec<String>,
}

impl Served {
    /// Starts it, and reads its lines up to the one with this, besides the first.
    fn start(program: &Path, arguments: &[&str], last: Option<&str>) -> Result<Self> {
        let started = Instant::now();
        let mut server = Server::pinned(program, arguments)?;
        let ready = started.elapsed();
        let told = server.first_line();
        let address = told
            .split([' ', ';'])
            .map(|word| word.trim_start_matches("http://"))
            .find(|word| word.starts_with("127.0.0.1:"))
            .ok_or_else(|| Failure::new(format!("no address in `{told}`")))?
            .to_owned();
        let mut lines = Vec::new();
        while let Some(last) = last {
            let line = server.line()?;
            let is_last = line.contains(last);
            lines.push(line);
            if is_last {
                break;
            }
        }
        Ok(Self {
            server,
            address,
            ready,
            lines,
        })
    }

    fn processor_time(&self) -> Result<f64> {
        let time = self.server.processor_time();
        time.ok_or_else(|| Failure::new("the system does not tell a process's time"))
    }

    /// Memory in KiB.
    fn memory(&self) -> u64 {
        self.server.memory().unwrap_or(u64::MAX)
    }

    /// The value of a variable that the sandbox told.
    fn variable(&self, name: &str) -> &str {
        self.lines
            .iter()
            .find_map(|line| {
                line.strip_prefix("export ")?
                    .strip_prefix(name)?
                    .strip_prefix('=')
            })
            .unwrap_or_default()
            .trim_matches('\'')
    }

    /// What to ask it.
    fn load(&self) -> Vec<&str> {
        let key = self.variable("VERIFF_API_KEY");
        if key.is_empty() {
            vec!["get"]
        } else {
            vec!["veriff", key, self.variable("VERIFF_SHARED_SECRET")]
        }
    }
}

/// What the rounds gave for one server.
#[derive(Default)]
struct Figures {
    /// Requests by the server's processor time.
    a_core: Spread,
    /// Requests by the wall clock.
    a_second: Spread,
    /// The part of the time that what loads it was busy.
    loader: Spread,
    ready_ms: Spread,
}

struct Built {
    kyc: PathBuf,
    axum: PathBuf,
    load: Programs,
    memory: PathBuf,
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    if !shell::succeeds("taskset", &["--version"]) {
        return Err(Failure::new(
            "`taskset` is missing: server and load have a core each, on Linux",
        ));
    }
    let packages = Packages::of(workspace, "sandbox")?;
    let (axum, _) = packages
        .package(workspace, &AXUM)?
        .build(Profile::Workspace)?;
    let (memory, _) = packages
        .package(workspace, &MEMORY)?
        .build(Profile::Workspace)?;
    let programs = Built {
        kyc: programs::kyc(workspace)?,
        axum,
        load: Programs::build(workspace, &["sandbox"])?,
        memory,
    };
    let (mut ours, mut peer) = (Figures::default(), Figures::default());
    let mut raw = String::new();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        let server = sandbox(&programs)?;
        measure(&programs, &server, &mut ours, &mut raw)?;
        drop(server);
        let server = Served::start(&programs.axum, &[], None)?;
        measure(&programs, &server, &mut peer, &mut raw)?;
    }
    println!("filling");
    let server = sandbox(&programs)?;
    let mut memory = vec![server.memory()];
    for _ in 0..8 {
        load(&programs, &server)?;
        memory.push(server.memory());
    }
    println!("looking at the console");
    let looks = console(&programs, &server)?;
    drop(server);
    println!("opening sessions");
    let sessions = [
        sessions(&programs, None)?,
        sessions(&programs, Some("counted"))?,
    ];

    let (verdicts, passed) = verdicts(&ours, &peer, &memory, sessions, looks);
    let rustc = shell::read(Command::new("rustc").arg("--version"))?;
    let report = format!(
        "`kyc sandbox`, a Veriff consent with the request's signature checked and the reply signed; {CONNECTIONS} connections,\n\
         one request at a time on each; {}; {}\nmedian of {ROUNDS} rounds in turn (least, most)\n\n{}{}\n{verdicts}",
        rustc.trim(),
        machine::description(),
        heading(),
        [("kyc sandbox", &ours), ("axum, Hello, World!", &peer)]
            .map(|(about, figures)| line(about, figures))
            .concat(),
    );
    report::keep(&packages.output, "raw.txt", &raw)?;
    report::finish(
        &packages.output,
        &report,
        passed,
        "the sandbox costs more than it may",
    )
}

fn sandbox(programs: &Built) -> Result<Served> {
    let arguments = ["sandbox", "--listen", "127.0.0.1:0"];
    Served::start(&programs.kyc, &arguments, Some("VERIFF_SHARED_SECRET"))
}

/// The wall time and the loader's processor time in ns.
fn load(programs: &Built, server: &Served) -> Result<(f64, f64)> {
    let mut command = cores::on(Core::Client, programs.load.get("sandbox")?);
    command
        .args(["load", &server.address])
        .args([CONNECTIONS.to_string(), REQUESTS.to_string()])
        .args(server.load());
    let line = shell::read(&mut command)?;
    line.trim()
        .split_once(' ')
        .and_then(|(wall, own)| Some((wall.parse().ok()?, own.parse().ok()?)))
        .ok_or_else(|| Failure::new(format!("cannot read `{line}`")))
}

/// By how many bytes a process has grown that opened sessions, or, counted, how many of them are allocated.
fn sessions(programs: &Built, counted: Option<&str>) -> Result<f64> {
    let mut command = Command::new(&programs.memory);
    let text = shell::read(command.arg(SESSIONS).args(counted))?;
    let bytes = text.trim().parse();
    bytes.map_err(|_| Failure::new(format!("cannot read `{text}`")))
}

/// How long the console takes in ms, while every row that it keeps is full: the median, the 99th of a hundred, the longest.
fn console(programs: &Built, server: &Served) -> Result<[f64; 3]> {
    let mut command = cores::on(Core::Client, programs.load.get("sandbox")?);
    let [_, key, secret] = server.load()[..] else {
        return Err(Failure::new("the sandbox has told no variables of Veriff"));
    };
    command.args(["console", &server.address, RATE, LOOKS, key, secret]);
    let line = shell::read(&mut command)?;
    let mut figures = [0.0; 3];
    for (figure, word) in figures.iter_mut().zip(line.split_whitespace()) {
        *figure = word
            .parse::<f64>()
            .map_err(|_| Failure::new(format!("cannot read `{line}`")))?
            / 1e3;
    }
    Ok(figures)
}

fn measure(
    programs: &Built,
    server: &Served,
    figures: &mut Figures,
    raw: &mut String,
) -> Result<()> {
    load(programs, server)?;
    let before = server.processor_time()?;
    let (wall, own) = load(programs, server)?;
    let used = (server.processor_time()? - before) * 1e9;
    let _ = writeln!(
        raw,
        "{} {wall} {own} {used:.0} {}",
        server.address,
        server.ready.as_micros()
    );
    figures.a_core.push(REQUESTS as f64 / used * 1e9);
    figures.a_second.push(REQUESTS as f64 / wall * 1e9);
    figures.loader.push(own / wall * 100.0);
    figures.ready_ms.push(server.ready.as_secs_f64() * 1e3);
    Ok(())
}

fn heading() -> String {
    format!(
        "{:<22} {:>26} {:>26} {:>14} {:>22}\n",
        "", "requests a core-second", "requests a second", "loader busy %", "listens after ms"
    )
}

fn line(about: &str, figures: &Figures) -> String {
    let whole = |spread: &Spread| {
        format!(
            "{} ({}, {})",
            grouped(spread.median()),
            grouped(spread.least()),
            grouped(spread.most())
        )
    };
    let ready = &figures.ready_ms;
    format!(
        "{about:<22} {:>26} {:>26} {:>14.0} {:>22}\n",
        whole(&figures.a_core),
        whole(&figures.a_second),
        figures.loader.median(),
        format!(
            "{:.1} ({:.1}, {:.1})",
            ready.median(),
            ready.least(),
            ready.most()
        ),
    )
}

fn verdicts(
    ours: &Figures,
    peer: &Figures,
    memory: &[u64],
    [grown, allocated]: [f64; 2],
    [median, late, longest]: [f64; 3],
) -> (String, bool) {
    let (mut text, mut all) = (String::new(), true);
    let mut judge = |about: String, passed: bool| {
        all &= passed;
        let verdict = if passed { "PASS" } else { "FAIL" };
        let _ = writeln!(text, "{verdict} {about}");
    };
    let part = ours.a_core.median() / peer.a_core.median();
    judge(
        format!("requests a core, in parts of axum's: {part:.2}, at least {LEAST_PART:.2}"),
        part >= LEAST_PART,
    );
    let most = memory.iter().max().copied().unwrap_or(u64::MAX);
    judge(
        format!(
            "memory in KiB after each {}: {memory:?}, at most {}",
            grouped(REQUESTS as u64),
            grouped(MOST_KIB)
        ),
        most <= MOST_KIB,
    );
    let growth = match memory {
        [.., before, last] => last.saturating_sub(*before),
        _ => u64::MAX,
    };
    judge(
        format!("growth at the end: {growth} KiB, at most {MOST_GROWTH_KIB}"),
        growth <= MOST_GROWTH_KIB,
    );
    judge(
        format!(
            "a process after {SESSIONS} sessions at Finpass: grown by {:.1} MB, {:.1} MB allocated; at most {:.1} MB",
            grown / 1e6,
            allocated / 1e6,
            MOST_OF_SESSIONS / 1e6
        ),
        grown <= MOST_OF_SESSIONS,
    );
    judge(
        format!(
            "the console at {RATE} requests a second, ms: {median:.1}, 99 of a hundred {late:.1}, longest {longest:.1}; \
             at most {MOST_LOOK_MS}"
        ),
        late <= MOST_LOOK_MS,
    );
    (text, all)
}
