//! Who asks about everybody in a file: the command, and what users would write.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::settlement::{Counts, Settlement, Summary};
use crate::cores::{self, Core};
use crate::failure::{Context, Failure, Result};
use crate::peers::Ready;
use crate::programs::Programs;
use crate::server::Server;
use crate::shell;

/// One exchange of so many fails.
pub(super) const FAULTS_EVERY: u32 = 1_000;
/// Questions at once, of everybody.
pub(super) const AT_ONCE: u32 = 32;

/// What the server wants of `kyc`; the others have it in their text.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("FINPRO_CLIENT_ID", "made-up-client-0001"),
    ("FINPRO_CLIENT_SECRET", "made-up-secret-0001"),
    ("FINPRO_ORGANISATION_ID", "made-up-organisation-0001"),
    ("FINPRO_APP_IDENTIFIER", "made-up-app-0001"),
];

/// Whose batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    Ours,
    Reqwest,
    Aiohttp,
}

impl Client {
    pub(super) const ALL: [Self; 3] = [Self::Ours, Self::Reqwest, Self::Aiohttp];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "kyc --batch",
            Self::Reqwest => "reqwest + buffer_unordered",
            Self::Aiohttp => "aiohttp + semaphore",
        }
    }

    /// Whether it is measured with so many rows: one takes too long for a million.
    pub(super) fn does(self, rows: u32) -> bool {
        self != Self::Aiohttp || rows <= 100_000
    }
}

/// The programs, and where the files are.
pub(super) struct Setting<'a> {
    pub(super) programs: &'a Programs,
    pub(super) kyc: PathBuf,
    /// What runs scripts of Python, if it could be had.
    pub(super) python: Option<Ready>,
    pub(super) directory: &'a Path,
}

/// What one run took, and what became of its rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    pub(super) elapsed: f64,
    pub(super) processor: f64,
    pub(super) kib: f64,
    /// The processor time of the server.
    pub(super) server: f64,
    pub(super) summary: Summary,
    pub(super) counts: Counts,
    pub(super) settlement: Settlement,
}

impl Setting<'_> {
    /// The file of results of the last run.
    pub(super) fn results(&self) -> PathBuf {
        self.directory.join("results.jsonl")
    }

    /// Writes the questions: about another person in each row.
    pub(super) fn input(&self, rows: u32) -> Result<PathBuf> {
        let input = self.directory.join(format!("people-{rows}.csv"));
        if !input.exists() {
            let mut text = String::from("mobileNumber,userConsentId\n");
            for person in 1..=u64::from(rows) {
                let _ = writeln!(text, "{},reference-1", 9_000_000_000 + person);
            }
            fs::write(&input, text).context(|| format!("cannot write {}", input.display()))?;
        }
        Ok(input)
    }

    /// A server that knows so many people.
    pub(super) fn server(&self, rows: u32) -> Result<Server> {
        let people = format!("people={rows}");
        let faults = format!("faults-every={FAULTS_EVERY}");
        Server::pinned(
            self.programs.get("server")?,
            &["aggregators=3", &people, &faults],
        )
    }

    /// `kyc` told to ask about everybody in a file, started by another program if there is one, on the client's core.
    pub(super) fn kyc(&self, started_by: Option<&Path>, input: &Path, port: &str) -> Command {
        let mut command = cores::on(Core::Client, started_by.unwrap_or(&self.kyc));
        if started_by.is_some() {
            command.arg(&self.kyc);
        }
        command
            .args(["--json", "finpro", "profile", "--batch"])
            .arg(input)
            .arg("--out")
            .arg(self.results())
            .env("FINPRO_BASE_URL", format!("http://127.0.0.1:{port}"))
            .envs(ENVIRONMENT)
            .stdin(Stdio::null());
        command
    }

    /// Asks about so many people and settles what came of it.
    pub(super) fn measure(&self, client: Client, rows: u32) -> Result<Run> {
        let input = self.input(rows)?;
        let _ = fs::remove_file(self.results());
        let server = self.server(rows)?;
        let measured = self.programs.get("measured")?;
        let mut command = match client {
            Client::Ours => self.kyc(Some(measured), &input, server.port()),
            Client::Reqwest => {
                let batch = self.programs.get("batch")?;
                self.peer(batch, Vec::new(), &input, server.port())?
            }
            Client::Aiohttp => {
                let python = self.python.as_ref();
                let python = python.ok_or_else(|| Failure::new("there is no Python"))?;
                let (program, first) = python.command("aiohttp_batch.py");
                self.peer(&program, first, &input, server.port())?
            }
        };
        let output = shell::read(&mut command)?;
        let processor = server.processor_time().unwrap_or(f64::NAN);
        let unreadable = || Failure::new(format!("cannot read `{output}`"));
        let mut run = Run::parse(&output).ok_or_else(unreadable)?;
        run.server = processor;
        run.counts = Counts::parse(&server.end()?).ok_or_else(unreadable)?;
        run.settlement = Settlement::read(&self.results(), rows)?;
        Ok(run)
    }

    fn peer(
        &self,
        program: &Path,
        first: Vec<OsString>,
        input: &Path,
        port: &str,
    ) -> Result<Command> {
        let mut command = cores::on(Core::Client, self.programs.get("measured")?);
        command.arg(program).args(first).arg(port).arg(input);
        command.arg(self.results()).arg(AT_ONCE.to_string());
        command.stdin(Stdio::null());
        Ok(command)
    }
}

impl Run {
    /// The client's own summary, and in the last line what it took.
    fn parse(output: &str) -> Option<Self> {
        let (summary, figures) = output.trim_end().rsplit_once('\n')?;
        let mut figures = figures.split(' ').map(str::parse::<f64>);
        let mut next = || figures.next()?.ok();
        let (elapsed, user, system, kib) = (next()?, next()?, next()?, next()?);
        Some(Self {
            elapsed,
            processor: user + system,
            kib,
            summary: Summary::parse(summary)?,
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read() {
        let run =
            Run::parse("{\n\"rows\": 2,\n\"requests\": 3,\n\"repeats\": 1 }\n1.5 0.25 0.5 7472\n");
        let run = run.unwrap();
        assert_eq!(run.summary.requests, 3);
        assert_eq!([run.elapsed, run.processor, run.kib], [1.5, 0.75, 7472.0]);
        assert!(Run::parse("1.5 0.25 0.5 7472").is_none());
    }
}
