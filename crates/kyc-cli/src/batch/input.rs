//! A batch's input: its rows, read on demand.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kyc_facade::finpro_profile::BatchQuestion;
use kyc_facade::provider_core::InvalidRequest;
use tokio::sync::mpsc;

use super::fingerprint::Fingerprint;
use super::line_set::LineSet;
use super::lines::{End, Lines};
use super::rows::{Format, Row, Rows};
use super::tag::Tag;
use crate::failure::Failure;

/// The longest accepted line.
const LONGEST_LINE: usize = 64 * 1024;

/// The largest number of rows in one message.
const TOGETHER: usize = 64;

/// An input whose header has been read.
pub(super) struct Input {
    lines: Lines<Box<dyn Read + Send>>,
    rows: Rows,
    /// The number of the last line read.
    line: u64,
    /// `None` if it can be read only once: a pipe.
    pub(super) fingerprint: Option<Fingerprint>,
}

/// A row with its line number.
pub(super) struct NumberedRow {
    pub(super) line: u64,
    pub(super) row: Row,
}

impl NumberedRow {
    /// The row as a question; a row that breaks a rule is answered with that error.
    pub(super) fn question(self) -> BatchQuestion<Tag> {
        let Self { line, row } = self;
        let tag = |generated_id| Tag {
            line,
            reference: row.reference,
            generated_id,
        };
        match row.request {
            Ok(request) => BatchQuestion::new(tag(request.generated_id), request.question),
            Err(error) => BatchQuestion::invalid(tag(None), error),
        }
    }
}

impl Input {
    /// Opens the input and reads its header; `-` is standard input.
    pub(super) fn open(path: &Path, format: Option<&str>) -> Result<Self, Failure> {
        let format = match format {
            Some("csv") => Format::Csv,
            Some("jsonl") => Format::JsonLines,
            Some(_) => return Err(Failure::configuration("--format", "must be csv or jsonl")),
            None => by_extension(path)?,
        };
        let unreadable = |error: io::Error| Failure::file("--batch", "read", &error);
        let (source, fingerprint) = match path.as_os_str() == "-" {
            true => (Box::new(io::stdin()) as Box<dyn Read + Send>, None),
            false => {
                let mut file = File::open(path).map_err(unreadable)?;
                let regular = file.metadata().map_err(unreadable)?.is_file();
                let fingerprint = regular.then(|| Fingerprint::of(&mut file)).transpose();
                (Box::new(file) as _, fingerprint.map_err(unreadable)?)
            }
        };
        let mut input = Self {
            lines: Lines::new(source, LONGEST_LINE),
            rows: Rows::json_lines(),
            line: 0,
            fingerprint,
        };
        if format == Format::Csv {
            let mut header = Vec::new();
            input.next_line(&mut header).map_err(unreadable)?;
            input.rows = Rows::csv(&header)?;
        }
        Ok(input)
    }

    /// The number of rows, blank lines included, if it is known.
    pub(super) fn rows(&self) -> Option<u64> {
        let fingerprint = self.fingerprint.as_ref()?;
        Some(fingerprint.lines.saturating_sub(self.line))
    }

    /// Reads rows on a thread of its own, because a pipe may block. Those in `done` are skipped.
    ///
    /// Rows are sent in small groups and read only slightly ahead: one message per row would cost more than reading it.
    pub(super) fn read(mut self, done: LineSet) -> mpsc::Receiver<io::Result<Vec<NumberedRow>>> {
        let (sender, receiver) = mpsc::channel(2);
        std::thread::spawn(move || {
            loop {
                let rows = self.next_rows(&done).transpose();
                let Some(rows) = rows else { return };
                let failed = rows.is_err();
                // The receiver is dropped when the batch stops.
                if sender.blocking_send(rows).is_err() || failed {
                    return;
                }
            }
        });
        receiver
    }

    /// The next rows, as many as are available without waiting; `None` after the last.
    fn next_rows(&mut self, done: &LineSet) -> io::Result<Option<Vec<NumberedRow>>> {
        let (mut rows, mut text) = (Vec::new(), Vec::new());
        while let Some(end) = self.next_line(&mut text)? {
            if let Some(row) = self.row(&text, end, done) {
                rows.push(row);
            }
            if rows.len() >= TOGETHER || (!rows.is_empty() && !self.lines.has_one()) {
                break;
            }
        }
        Ok((!rows.is_empty()).then_some(rows))
    }

    fn row(&mut self, text: &[u8], end: End, done: &LineSet) -> Option<NumberedRow> {
        let line = self.line;
        if done.contains(line) {
            return None;
        }
        let row = match end {
            End::TooLong => Row::broken("line", "must be at most 65,536 bytes long"),
            _ if text.trim_ascii().is_empty() => return None,
            _ => self.rows.read(text),
        };
        Some(NumberedRow { line, row })
    }

    fn next_line(&mut self, text: &mut Vec<u8>) -> io::Result<Option<End>> {
        let end = self.lines.next(text)?;
        if self.line == 0 && text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        self.line = self.line.saturating_add(1);
        Ok(end)
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

fn by_extension(path: &Path) -> Result<Format, InvalidRequest> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok(Format::Csv),
        Some("jsonl" | "ndjson") => Ok(Format::JsonLines),
        _ => Err(InvalidRequest::new(
            "--format",
            "csv or jsonl: required where the input's name does not end in either",
        )),
    }
}
