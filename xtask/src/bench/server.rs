//! The other side of a benchmark, in a process of its own so that its work is not counted.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::cores::{self, Core};
use crate::failure::{Context, Failure, Result};

/// A running server. Stopped when dropped.
pub(super) struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    pub(super) port: String,
}

impl Server {
    /// Starts the program, with what its first lines say it takes.
    pub(super) fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        Self::spawn(Command::new(program).args(arguments))
    }

    /// The same on the core that is for servers.
    pub(super) fn pinned(program: &Path, arguments: &[&str]) -> Result<Self> {
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
        let mut output = BufReader::new(output);
        let mut port = String::new();
        output
            .read_line(&mut port)
            .context(|| "cannot read the server's port".into())?;
        let port = port.trim().to_owned();
        Ok(Self {
            process,
            output,
            port,
        })
    }

    /// Ends its standard input and gives the line that it then prints.
    pub(super) fn end(mut self) -> Result<String> {
        drop(self.process.stdin.take());
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .context(|| "cannot read what the server counted".into())?;
        Ok(line)
    }

    /// The processor time that it has taken, in seconds, where Linux tells it.
    pub(super) fn processor_time(&self) -> Option<f64> {
        let path = format!("/proc/{}/schedstat", self.process.id());
        let line = fs::read_to_string(path).ok()?;
        let nanoseconds: f64 = line.split(' ').next()?.parse().ok()?;
        Some(nanoseconds / 1e9)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its standard input, too; nothing is left to do if this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
