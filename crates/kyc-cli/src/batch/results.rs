//! A batch's results: a growing file of JSON lines, from which an interrupted run resumes.

use std::io;
use std::path::Path;

use kyc_facade::finpro_profile::{BatchAnswer, Finpro};
use serde::{Deserialize, Serialize};

use super::input::{Asked, Input};
use super::kept::Kept;
use super::line_set::LineSet;
use super::lines::{End, Lines};
use super::result_row::ResultRow;
use super::results_file::{ResultsFile, Unwritten};
use super::tag::Tag;
use crate::failure::Failure;
use crate::files::key::Key;

/// No row is longer: a reply is at most a few MiB.
const LONGEST_ROW: usize = 64 * 1024 * 1024;

/// The form of the file.
const VERSION: u32 = 3;

/// How every form of the file begins.
const BEGINNING: &[u8] = br#"{"kyc_batch":"#;

/// The first line. The fingerprints need the batch's key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    kyc_batch: u32,
    operation: String,
    /// The input, and the installation with who asks there; `None` for a pipe, which cannot be resumed.
    input: Option<String>,
    installation: Option<String>,
}

/// The part of a row that is needed to resume.
#[derive(Deserialize)]
struct WrittenRow {
    line: u64,
    #[serde(default)]
    ask_again: bool,
    #[serde(default)]
    error: Option<WrittenError>,
}

#[derive(Deserialize)]
struct WrittenError {
    kind: String,
}

/// The rows of this run, and those of earlier ones.
#[derive(Debug)]
pub(super) struct Results {
    file: ResultsFile,
    /// Lines of the file that are no rows of this run.
    before: u64,
    added: usize,
    window: usize,
    begins_again: bool,
}

impl Results {
    /// Creates the file, readable only by its owner, or with `resume` opens the existing one. Nothing is created before all
    /// else has been checked. At most `window` rows are buffered.
    pub(super) fn open(
        path: &Path,
        resume: bool,
        input: &mut Input,
        provider: &Finpro,
        window: usize,
    ) -> Result<(Self, Asked, Kept), Failure> {
        let refused = |rule: &str| Err(Failure::configuration("--out", rule));
        if resume && !input.is_file() {
            let rule = "the input has to be a file: a pipe cannot be read again";
            return Err(Failure::configuration("--resume", rule));
        }
        let mut existing = ResultsFile::existing(path, resume)?;
        let unreadable = |error: io::Error| Failure::file("--out", "read", &error);
        let (mut lines, mut is_private) = (None, Ok(()));
        if let Some(file) = &mut existing {
            if input.is_same_file(file.handle()).map_err(unreadable)? {
                return refused("is the input");
            }
            is_private = file.check_private();
            lines = Some(Lines::new(file.reading().map_err(unreadable)?, LONGEST_ROW));
        }
        let (mut first, mut most_lines) = (Vec::new(), 0);
        let end = match &mut lines {
            Some(lines) => lines.next(&mut first).map_err(unreadable)?,
            None => None,
        };
        let ours = match end {
            Some(End::Fed) => first.starts_with(BEGINNING),
            Some(End::TooLong) => false,
            Some(End::File) | None => first.iter().zip(BEGINNING).all(|(is, ours)| is == ours),
        };
        if !ours {
            return refused(NOT_RESULTS);
        }
        is_private?;
        let (key, is_new_key) = match Key::of(path)? {
            _ if !input.is_file() => (None, false),
            Some(key) => (Some(key), false),
            None if end.is_none() => (Some(Key::random()?), true),
            None => return refused(&Key::missing(path, "input")),
        };
        let mut about = About {
            kyc_batch: VERSION,
            operation: "finpro profile".to_owned(),
            input: None,
            installation: None,
        };
        if let Some(key) = &key {
            if let Some(snapshot) = input.remember(key)? {
                about.input = Some(snapshot.fingerprint.clone());
                most_lines = snapshot.most_lines;
            }
            let installation = key.fingerprint(|update| {
                for part in provider.caller() {
                    // With its length, so that no part can be taken for the beginning of the next one.
                    update(&part.len().to_be_bytes());
                    update(&part);
                }
                Ok(())
            });
            about.installation = Some(installation.map_err(unreadable)?);
        }
        let header = line(&about).map_err(unreadable)?;
        let mut earlier = Earlier::up_to(most_lines);
        match (end, lines) {
            (Some(End::Fed), Some(lines)) => {
                about.check(&first)?;
                earlier.read(lines)?;
            }
            // The beginning of a file of ours whose first line was not finished.
            (Some(_), _) if header.starts_with(&first) => {}
            (Some(_), _) => return refused(NOT_RESULTS),
            (None, _) => {}
        }
        let had_key = key.is_some() && !is_new_key;
        if let Some(key) = key.filter(|_| is_new_key) {
            key.keep(path)?;
        }
        let is_new = existing.is_none();
        let mut file = match existing {
            Some(file) => file,
            None => ResultsFile::create(path)?,
        };
        if let Err(failure) = Self::begin(&mut file, &earlier, &header) {
            if is_new {
                file.remove();
            }
            return Err(failure);
        }
        let results = Self {
            before: file.written(),
            file,
            added: 0,
            window,
            begins_again: resume && had_key && earlier.length == 0,
        };
        Ok((results, earlier.asked, earlier.kept))
    }

    /// Makes the file ready for the rows of this run.
    fn begin(file: &mut ResultsFile, earlier: &Earlier, header: &[u8]) -> Result<(), Failure> {
        file.check_private()?;
        let unwritable = |error: io::Error| Failure::file("--out", "written", &error);
        file.go_on_at(earlier.length).map_err(unwritable)?;
        if earlier.length == 0 {
            file.append(header);
        } else if !earlier.ended {
            file.append(b"\n");
        }
        file.flush().map_err(|unwritten| match unwritten {
            Unwritten::Failed(kind) => unwritable(kind.into()),
            unwritten => Failure::configuration("--out", unwritten.reason()),
        })
    }

    /// Whether an earlier run began these results, and whatever it wrote is gone.
    pub(super) fn begins_again(&self) -> bool {
        self.begins_again
    }

    /// Adds a row.
    pub(super) fn push(&mut self, answer: &BatchAnswer<Tag>) -> Result<(), Unwritten> {
        self.file.append(&line(&ResultRow::of(answer))?);
        self.added = self.added.saturating_add(1);
        match self.added >= self.window {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes all buffered rows to the file, so that they outlive this process.
    pub(super) fn flush(&mut self) -> Result<(), Unwritten> {
        self.added = 0;
        self.file.flush()
    }

    /// Syncs all rows to the disk.
    pub(super) fn sync(&mut self) -> Result<(), Unwritten> {
        self.file.sync()
    }

    /// The number of rows of this run that are in the file.
    pub(super) fn written(&self) -> u64 {
        self.file.written().saturating_sub(self.before)
    }
}

const NOT_RESULTS: &str = "is not a results file";

/// The rows of earlier runs.
struct Earlier {
    asked: Asked,
    kept: Kept,
    /// The length of what is kept of the file: its whole lines.
    length: u64,
    /// Whether the last line has its end.
    ended: bool,
}

impl Earlier {
    fn up_to(lines: u64) -> Self {
        Self {
            asked: Asked {
                done: LineSet::up_to(lines),
                again: LineSet::up_to(lines),
            },
            kept: Kept::default(),
            length: 0,
            ended: true,
        }
    }

    /// Reads the rows below the first line. An unfinished last one is not kept.
    fn read<R: io::Read>(&mut self, mut lines: Lines<R>) -> Result<(), Failure> {
        self.length = lines.taken();
        let (mut number, mut text) = (1_u64, Vec::new());
        loop {
            let end = lines.next(&mut text);
            let end = end.map_err(|error| Failure::file("--out", "read", &error))?;
            let Some(end) = end else { return Ok(()) };
            number = number.saturating_add(1);
            match (self.add(&text), end) {
                (true, _) => self.length = lines.taken(),
                (false, End::File) => return Ok(()),
                (false, _) => {
                    let rule = format!("line {number} is not a row of this batch");
                    return Err(Failure::configuration("--out", rule));
                }
            }
            self.ended = end == End::Fed;
        }
    }

    /// Adds a row; `false` if it is none of this batch.
    fn add(&mut self, text: &[u8]) -> bool {
        let Ok(row) = serde_json::from_slice::<WrittenRow>(text) else {
            return false;
        };
        if row.ask_again {
            return self.asked.again.insert(row.line);
        }
        if !self.asked.done.contains(row.line) {
            let error = row.error.as_ref();
            self.kept.add(error.map(|error| error.kind.as_str()));
        }
        self.asked.done.insert(row.line)
    }
}

fn line<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

impl About {
    /// Checks that results with this first line belong to the same input, installation and account.
    fn check(&self, line: &[u8]) -> Result<(), Failure> {
        let rule = match serde_json::from_slice::<Self>(line) {
            Ok(about) if about == *self => return Ok(()),
            Ok(About { input: None, .. }) => {
                "belongs to a run from a pipe, which cannot be resumed"
            }
            Ok(about) if about.input != self.input => {
                "belongs to another input, or the input has changed since"
            }
            Ok(about) if about.installation != self.installation => {
                "was begun against another installation or for another account: FINPRO_BASE_URL, FINPRO_CLIENT_ID, \
                 FINPRO_ORGANISATION_ID or FINPRO_APP_IDENTIFIER has changed since"
            }
            _ => "was begun by another version of this command",
        };
        Err(Failure::configuration("--out", rule))
    }
}
