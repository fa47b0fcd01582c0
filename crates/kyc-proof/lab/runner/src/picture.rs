//! Pictures of how a figure grows: a table in `crates/kyc-proof/plots` each, and what draws it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::peers::locked;
use crate::shell::{self, Workspace};
use crate::spread::Spread;

/// What stands beside the figures.
pub(crate) struct Picture<'a> {
    pub(crate) title: &'a str,
    pub(crate) note: &'a str,
    /// What grows.
    pub(crate) axis: &'a str,
    /// What was measured.
    pub(crate) unit: &'a str,
}

/// The figures of one picture: a row for each value and client.
pub(crate) type Rows = Vec<(u32, &'static str, Spread)>;

impl Picture<'_> {
    /// Writes the table that the picture is drawn from.
    pub(crate) fn write(&self, file: PathBuf, rows: &Rows) -> Result<PathBuf> {
        let mut text = format!(
            "# title: {}\n# note: {}\n# x: {}\n# y: {}\nx,client,median,lowest,highest\n",
            self.title, self.note, self.axis, self.unit
        );
        for (value, client, spread) in rows {
            if client.contains(',') {
                let why = format!("`{client}` has a comma, which ends a field of a table");
                return Err(Failure::new(why));
            }
            let _ = writeln!(
                text,
                "{value},{client},{:.2},{:.2},{:.2}",
                spread.median(),
                spread.least(),
                spread.most()
            );
        }
        fs::write(&file, text).context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    }
}

/// Where the tables and pictures are.
pub(crate) fn directory(workspace: &Workspace) -> Result<PathBuf> {
    let plots = workspace.root().join("crates/kyc-proof/plots");
    fs::create_dir_all(&plots).context(|| format!("cannot create {}", plots.display()))?;
    Ok(plots)
}

/// Draws each table as a picture beside it.
pub(crate) fn draw(workspace: &Workspace, tables: &[impl AsRef<Path>]) -> Result<()> {
    let mut draw = workspace.lab_cargo(&["run", "--quiet", "--package=plot"]);
    draw.arg("--");
    shell::run(draw.args(tables.iter().map(AsRef::as_ref)))
}

/// When and on what the figures were made.
pub(crate) fn note() -> Result<String> {
    let date = shell::read(Command::new("date").arg("+%Y-%m-%d"))?;
    let rustc = shell::read(Command::new("rustc").arg("--version"))?;
    let rustc: Vec<&str> = rustc.split(' ').take(2).collect();
    Ok(format!(
        "{}, {}, {}",
        date.trim(),
        machine::description().replace(',', ""),
        rustc.join(" "),
    ))
}

/// [`note`], of calls to a server.
pub(crate) fn note_of_calls(workspace: &Workspace) -> Result<String> {
    let lock = fs::read_to_string(workspace.lab().join("Cargo.lock"))
        .context(|| "cannot read Cargo.lock".into())?;
    let reqwest = locked(&lock, "reqwest").unwrap_or("?");
    Ok(format!(
        "{}, reqwest {reqwest}; loopback, plain HTTP/1.1",
        note()?
    ))
}
