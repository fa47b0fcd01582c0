//! One core for the server and another for whom it serves, so that they do not take turns on one.

use std::ffi::OsStr;
use std::process::Command;
use std::thread;

use crate::shell;

/// Whose core.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Core {
    Server = 0,
    Client = 1,
}

/// A command that stays on one core, where there are two and `taskset` keeps it there.
pub(crate) fn on(core: Core, program: impl AsRef<OsStr>) -> Command {
    if cannot_pin().is_some() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command
        .args(["--cpu-list", &(core as u8).to_string()])
        .arg(program);
    command
}

/// What to say of the cores beside the figures.
pub(crate) fn description() -> String {
    cannot_pin().map_or_else(
        || "the server on core 0, the client on core 1".into(),
        |why| format!("NOT pinned, {why}: figures of the wall clock mean little"),
    )
}

fn cannot_pin() -> Option<&'static str> {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        Some("there is one core only")
    } else if !shell::succeeds("taskset", &["--version"]) {
        Some("`taskset` of util-linux is missing")
    } else {
        None
    }
}
