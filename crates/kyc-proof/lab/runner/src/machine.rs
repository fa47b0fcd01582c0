//! What this machine is, and what it must bring for tools that cargo does not.

use std::fs;
use std::process::Command;
use std::thread;

use crate::failure::{Failure, Result};
use crate::shell;

/// Cores and processor, for beside a figure.
pub(crate) fn description() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    format!("{cores} cores, {cpu}")
}

/// A package of the operating system with a program in it. It has the same name on Debian and on Fedora, or almost.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) program: &'static str,
    /// What it is for, for whoever has to install it.
    pub(crate) reason: &'static str,
}

impl Package {
    /// Installs the package where its program is missing and that needs no question.
    pub(crate) fn provide(&self) -> Result<()> {
        // Go's tool takes the word without dashes.
        let there = ["--version", "version"].map(|asked| shell::succeeds(self.program, &[asked]));
        if there.contains(&true) {
            return Ok(());
        }
        self.install()
    }

    /// Installs the package where that needs no question: as root on a system with `apt-get`.
    pub(crate) fn install(&self) -> Result<()> {
        let Self {
            name,
            program,
            reason,
        } = self;
        let root = shell::read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
        if !(root && shell::succeeds("apt-get", &["--version"])) {
            return Err(Failure::new(format!(
                "`{program}` is missing: {reason}; \
                 `sudo apt-get install {name}` on Debian and Ubuntu"
            )));
        }
        shell::run(Command::new("apt-get").arg("update"))?;
        let mut install = Command::new("apt-get");
        install.env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(install.args(["install", "--yes", name]))
    }
}
