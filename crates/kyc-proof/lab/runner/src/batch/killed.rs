//! A batch that is killed again and again, and gone on with.

use std::fs;
use std::time::Duration;

use super::clients::{AT_ONCE, Setting};
use super::settlement::{Counts, Settlement};
use crate::failure::{Context, Failure, Result};
use crate::shell;

/// How often it is killed on its way.
pub(super) const KILLS: u32 = 5;
/// Rows that a run with SIGKILL may leave to be asked twice, as its documentation has it: those under way and those that are
/// kept back.
pub(super) const WINDOW: u32 = 2 * AT_ONCE;

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Killed {
    pub(super) counts: Counts,
    pub(super) settlement: Settlement,
}

/// Asks about so many people, kills the process whenever another part of `whole` bytes is written, and goes on.
pub(super) fn run(setting: &Setting<'_>, rows: u32, whole: u64) -> Result<Killed> {
    let (input, results) = (setting.input(rows)?, setting.results());
    let _ = fs::remove_file(&results);
    let server = setting.server(rows)?;
    for kill in 0..KILLS {
        let mut command = setting.kyc(None, &input, server.port());
        if kill > 0 {
            command.arg("--resume");
        }
        let mut process = command.spawn().context(|| "cannot start kyc".into())?;
        let enough = whole / u64::from(KILLS + 1) * u64::from(kill + 1);
        while fs::metadata(&results).map_or(0, |file| file.len()) < enough {
            let ended = process.try_wait();
            if let Some(status) = ended.context(|| "cannot wait for kyc".into())? {
                let early = format!("kyc ended with {status} before it was killed");
                return Err(Failure::new(early));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let killed = process.kill().and_then(|()| process.wait());
        killed.context(|| "cannot kill kyc".into())?;
    }
    let mut command = setting.kyc(None, &input, server.port());
    shell::read(command.arg("--resume"))?;
    let line = server.end()?;
    let counts = Counts::parse(&line);
    Ok(Killed {
        counts: counts.ok_or_else(|| Failure::new(format!("cannot read `{line}`")))?,
        settlement: Settlement::read(&results, rows)?,
    })
}
