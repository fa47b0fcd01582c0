//! The other side of a benchmark, in a process of its own so that its work is not counted.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::cores::{self, Core};
use crate::failure::{Context, Failure, Result};

/// A running server. Stopped when dropped.
pub(crate) struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    first_line: String,
}

impl Server {
    /// Starts the program, with what its first lines say it takes.
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        Self::spawn(Command::new(program).args(arguments))
    }

    /// The same on the core that is for servers.
    pub(crate) fn pinned(program: &Path, arguments: &[&str]) -> Result<Self> {
        Self::spawn(cores::on(Core::Server, program).args(arguments))
    }

    fn spawn(command: &mut Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context(|| "cannot start the server".into())?;
        let output = process.stdout.take();
        let output = output.ok_or_else(|| Failure::new("the server has no output"))?;
        let mut server = Self {
            process,
            output: BufReader::new(output),
            first_line: String::new(),
        };
        server.first_line = server.line()?;
        Ok(server)
    }

    /// What it told when it was ready.
    pub(crate) fn first_line(&self) -> &str {
        &self.first_line
    }

    /// Its port, of a server that tells that first.
    pub(crate) fn port(&self) -> &str {
        self.first_line()
    }

    /// The next line that it prints, without its end; empty if there is none.
    pub(crate) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self
            .output
            .read_line(&mut line)
            .context(|| "cannot read what the server prints".into())?;
        if read == 0 {
            return Err(Failure::new("the server prints no more"));
        }
        Ok(line.trim_end().to_owned())
    }

    /// Ends its standard input and gives the line that it then prints.
    pub(crate) fn end(mut self) -> Result<String> {
        drop(self.process.stdin.take());
        self.line()
    }

    /// The processor time that it has taken, in seconds, where Linux tells it.
    pub(crate) fn processor_time(&self) -> Option<f64> {
        let line = self.file("schedstat")?;
        let nanoseconds: f64 = line.split(' ').next()?.parse().ok()?;
        Some(nanoseconds / 1e9)
    }

    /// Its memory in KiB, where Linux tells it.
    pub(crate) fn memory(&self) -> Option<u64> {
        let text = self.file("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(format!("/proc/{}/{name}", self.process.id())).ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its standard input, too; nothing is left to do if this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
