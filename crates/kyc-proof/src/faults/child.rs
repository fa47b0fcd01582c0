//! A cell in a process of its own, in another environment.

use std::process::Command;

use super::case::Environment;
use super::cell::{Cell, Report};
use super::server::Bystander;
use crate::failure::{Failure, Result};

/// The variable that carries the number of the one cell that a process is for.
pub(crate) const CELL: &str = "KYC_PROOF_CELL";

/// What begins the line with a cell's report.
pub(crate) const REPORT: &str = "report: ";

/// Runs a cell in another process, and gives the report that it printed.
pub(crate) fn run(cell: &Cell<'_>, environment: Environment, seed: u64) -> Result<Report> {
    let program = std::env::current_exe()?;
    let proxy = Bystander::new()?;
    let mut command = match environment {
        Environment::NoDescriptors => {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
                .arg(program);
            shell
        }
        Environment::NoRoots | Environment::Proxy => Command::new(program),
    };
    command
        .args(["faults", "--seed", &seed.to_string()])
        .env(CELL, cell.index.to_string());
    match environment {
        Environment::NoDescriptors => {}
        Environment::NoRoots => {
            command.env("SSL_CERT_FILE", "/nonexistent");
            command.env("SSL_CERT_DIR", "/nonexistent");
        }
        Environment::Proxy => {
            for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
                let url = format!("http://127.0.0.1:{}", proxy.port());
                command.env(name, &url).env(name.to_lowercase(), &url);
            }
            for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
                command.env_remove(name);
            }
        }
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(REPORT));
    let mut report: Report = match report {
        Some(report) => serde_json::from_str(report)?,
        None => {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::new(format!(
                "its process printed no report: {error}"
            )));
        }
    };
    let strangers = proxy.connections();
    if strangers > 0 {
        report
            .violations
            .push(format!("I8: {strangers} connections to the proxy"));
    }
    Ok(report)
}
