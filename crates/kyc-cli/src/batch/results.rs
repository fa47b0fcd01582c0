//! A batch's results: a growing file of JSON lines, from which an interrupted run resumes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use kyc_facade::finpro_profile::{BatchAnswer, ProfileReport, ProfileRow};
use kyc_facade::provider_core::{Error, Outcome, Response};
use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::kept::{Kept, ask_again};
use super::line_set::LineSet;
use super::lines::{End, Lines};
use super::tag::Tag;
use crate::failure::Failure;

/// No row is longer: a reply is at most a few MiB.
const LONGEST_ROW: usize = 64 * 1024 * 1024;

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    kyc_batch: u32,
    operation: String,
    input: Option<Fingerprint>,
}

/// One row of the file. It does not contain the mobile number: line and reference identify it.
#[derive(Serialize)]
struct ResultRow<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "userConsentId")]
    user_consent_id: Option<&'a str>,
    outcome: &'static str,
    attempts: u64,
    request_id: Option<&'a str>,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum What<'a> {
    Answer {
        txnid: Option<&'a str>,
        rows: Vec<AggregatorRow<'a>>,
    },
    Failure {
        /// Whether the next run with `--resume` asks again.
        ask_again: bool,
        error: RowError<'a>,
    },
}

/// One aggregator's row, without its text, which may contain personal data.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AggregatorRow<'a> {
    aa_id: &'a str,
    registration_status: Option<bool>,
    has_linked_accounts: Option<bool>,
    status: &'a str,
    readiness: &'static str,
}

#[derive(Serialize)]
struct RowError<'a> {
    kind: &'static str,
    status: Option<u16>,
    code: Option<&'a str>,
    message: String,
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

/// The file, and the buffered rows.
#[derive(Debug)]
pub(super) struct Results {
    file: File,
    unwritten: Vec<u8>,
    rows: usize,
    window: usize,
}

impl Results {
    /// Creates the file, readable only by its owner, or with `resume` opens the existing one. At most `window` rows are
    /// buffered.
    pub(super) fn open(
        path: &Path,
        resume: bool,
        input: Option<Fingerprint>,
        window: usize,
    ) -> Result<(Self, LineSet, Kept), Failure> {
        let lines = input.as_ref().map_or(0, |input| input.lines);
        if resume && input.is_none() {
            let rule = "the input has to be a file: a pipe cannot be read again";
            return Err(Failure::configuration("--resume", rule));
        }
        if path.as_os_str() == "-" {
            return Err(Failure::configuration("--out", "must be a file; - is none"));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        if !resume {
            options.create_new(true);
        }
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let rule = "already exists; use --resume to continue it, or choose another name";
                Failure::configuration("--out", rule)
            }
            _ => Failure::file("--out", "written", &error),
        })?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::configuration(
                    "--out",
                    "another run is writing to it",
                ));
            }
            // A file system without locks offers no protection.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let about = About {
            kyc_batch: 1,
            operation: "finpro profile".to_owned(),
            input,
        };
        let mut results = Self {
            file,
            unwritten: Vec::new(),
            rows: 0,
            window,
        };
        let (done, kept) = results.resume(&about, lines)?;
        Ok((results, done, kept))
    }

    /// Reads the existing rows, truncates an incomplete last line, and writes the first line of a new file.
    fn resume(&mut self, about: &About, lines: u64) -> Result<(LineSet, Kept), Failure> {
        let unreadable = |error: io::Error| Failure::file("--out", "read", &error);
        let (mut done, mut kept) = (LineSet::up_to(lines), Kept::default());
        let (mut length, mut number, mut line) = (0_u64, 0_u64, Vec::new());
        let mut rows = Lines::new(Read::by_ref(&mut self.file), LONGEST_ROW);
        while let Some(End::Fed | End::TooLong) = rows.next(&mut line).map_err(unreadable)? {
            number = number.saturating_add(1);
            if number == 1 {
                about.check(&line)?;
            } else {
                let row = serde_json::from_slice::<WrittenRow>(&line).ok();
                let known = row.is_some_and(|row| match row {
                    WrittenRow {
                        ask_again: true, ..
                    } => true,
                    WrittenRow { line, error, .. } => {
                        kept.add(error.as_ref().map(|error| error.kind.as_str()));
                        done.insert(line)
                    }
                });
                if !known {
                    let rule = format!("line {number} is not a row of this batch");
                    return Err(Failure::configuration("--out", rule));
                }
            }
            let read = u64::try_from(line.len()).unwrap_or(u64::MAX);
            length = length.saturating_add(read).saturating_add(1);
        }
        let cut = self.file.set_len(length);
        cut.and_then(|()| self.file.seek(SeekFrom::End(0)))
            .map_err(unreadable)?;
        if number == 0 {
            self.append(about).map_err(|_| Failure::Unwritten(None))?;
            self.flush()?;
        }
        Ok((done, kept))
    }

    /// Adds a row.
    pub(super) fn push(&mut self, answer: &BatchAnswer<Tag>) -> Result<(), Failure> {
        let BatchAnswer {
            tag,
            result,
            attempts,
            ..
        } = answer;
        let (outcome, request_id) = match result {
            Ok(response) => (Outcome::Done, Some(response.request_id())),
            Err(error) => (error.outcome(), error.request_id()),
        };
        let row = ResultRow {
            line: tag.line,
            reference: tag.reference.as_deref(),
            user_consent_id: tag.generated_id.as_deref(),
            outcome: outcome.as_str(),
            attempts: *attempts,
            request_id: request_id.map(|id| id.as_str()),
            what: match result {
                Ok(response) => What::answer(response),
                Err(error) => What::failure(error),
            },
        };
        self.append(&row).map_err(|_| Failure::Unwritten(None))?;
        self.rows = self.rows.saturating_add(1);
        if self.rows >= self.window {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes all buffered rows to the file, so that they outlive this process.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        if !self.unwritten.is_empty() {
            self.file
                .write_all(&self.unwritten)
                .map_err(|_| Failure::Unwritten(None))?;
            self.unwritten.clear();
            self.rows = 0;
        }
        Ok(())
    }

    /// Syncs all rows to the disk.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        self.file.sync_all().map_err(|_| Failure::Unwritten(None))
    }

    fn append<T: Serialize>(&mut self, row: &T) -> serde_json::Result<()> {
        serde_json::to_writer(&mut self.unwritten, row)?;
        self.unwritten.push(b'\n');
        Ok(())
    }
}

impl About {
    /// Checks that results with this first line belong to the same input.
    fn check(&self, line: &[u8]) -> Result<(), Failure> {
        let rule = match serde_json::from_slice::<Self>(line) {
            Ok(about) if about == *self => return Ok(()),
            Ok(About { input: None, .. }) => {
                "belongs to a run from a pipe, which cannot be resumed"
            }
            Ok(_) => "belongs to another input, or the input has changed since",
            Err(_) => "is not a results file",
        };
        Err(Failure::configuration("--out", rule))
    }
}

impl<'a> What<'a> {
    fn answer(response: &'a Response<ProfileReport>) -> Self {
        let report = response.value();
        Self::Answer {
            txnid: report.txnid.as_deref(),
            rows: report.data.iter().map(AggregatorRow::new).collect(),
        }
    }

    fn failure(error: &'a Error) -> Self {
        Self::Failure {
            ask_again: ask_again(error),
            error: RowError {
                kind: error.kind().as_str(),
                status: error.status().map(|status| status.as_u16()),
                code: error.fault().and_then(|fault| fault.printable_code()),
                message: error.report_line(),
            },
        }
    }
}

impl<'a> AggregatorRow<'a> {
    fn new(row: &'a ProfileRow) -> Self {
        Self {
            aa_id: &row.aa_id,
            registration_status: row.registration_status,
            has_linked_accounts: row.has_linked_accounts,
            status: row.status.as_str(),
            readiness: row.readiness().as_str(),
        }
    }
}
