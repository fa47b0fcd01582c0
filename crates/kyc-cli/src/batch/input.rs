//! A batch's input: a file or a pipe, read on a thread of its own.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kyc_facade::provider_core::InvalidRequest;
use same_file::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::line_set::LineSet;
use super::reader::{NumberedRow, Reader};
use super::rows::Format;
use super::snapshot::{Changed, Snapshot, Unchanged};
use crate::failure::{Failure, reason};
use crate::files::key::Key;

/// An input whose header has been read.
pub(super) struct Input {
    source: Source,
    format: Format,
    /// The number of lines up to the header.
    header: u64,
}

enum Source {
    File {
        file: File,
        snapshot: Option<Snapshot>,
    },
    /// What can be read only once, and its first rows.
    Pipe(Box<Reader<Box<dyn Read + Send>>>, Vec<NumberedRow>),
}

/// Rows that were read together, or why there are no more.
pub(super) type Rows = Result<Vec<NumberedRow>, Unread>;

/// Why the input was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It changed while it was read.
    Changed,
    Failed(io::ErrorKind),
}

/// The lines that earlier runs asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Those that are not asked again.
    pub(super) done: LineSet,
    /// Those that are asked again, after all others: what failed before must not hold up what was never asked.
    pub(super) again: LineSet,
}

impl Input {
    /// Opens the input and reads its header and a first row, without which there is nothing to ask; `-` is standard input.
    pub(super) fn open(path: &Path, format: Option<&str>) -> Result<Self, Failure> {
        let format = match format {
            Some("csv") => Format::Csv,
            Some("jsonl") => Format::JsonLines,
            Some(_) => return Err(Failure::configuration("--format", "must be csv or jsonl")),
            None => by_extension(path)?,
        };
        let unreadable = |error: io::Error| Failure::file("--batch", "read", &error);
        let pipe: Box<dyn Read + Send> = match path.as_os_str() == "-" {
            true => Box::new(io::stdin()),
            false => {
                let mut file = File::open(path).map_err(unreadable)?;
                if file.metadata().map_err(unreadable)?.is_file() {
                    let (_, header, _) = begin(&mut file, format)?;
                    return Ok(Self {
                        source: Source::File {
                            file,
                            snapshot: None,
                        },
                        format,
                        header,
                    });
                }
                Box::new(file)
            }
        };
        let (reader, header, first) = begin(pipe, format)?;
        Ok(Self {
            source: Source::Pipe(Box::new(reader), first),
            format,
            header,
        })
    }

    /// Whether it can be read again.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.source, Source::File { .. })
    }

    /// Whether it is this file, by whatever name.
    pub(super) fn is_same_file(&self, other: &Handle) -> io::Result<bool> {
        match &self.source {
            Source::File { file, .. } => Ok(Handle::from_file(file.try_clone()?)? == *other),
            Source::Pipe(..) => Ok(false),
        }
    }

    /// Reads a file to its end and remembers what is in it; `None` for a pipe.
    pub(super) fn remember(&mut self, key: &Key) -> Result<Option<&Snapshot>, Failure> {
        let Source::File { file, snapshot } = &mut self.source else {
            return Ok(None);
        };
        let now = Snapshot::of(file, key);
        let now = now.map_err(|error| Failure::file("--batch", "read", &error))?;
        Ok(Some(snapshot.insert(now)))
    }

    /// About the number of rows, if it is known.
    pub(super) fn rows(&self) -> Option<u64> {
        match &self.source {
            Source::File {
                snapshot: Some(snapshot),
                ..
            } => Some(snapshot.most_lines.saturating_sub(self.header)),
            _ => None,
        }
    }

    /// Reads rows on a thread of its own, because a pipe may block.
    ///
    /// Rows are sent in small groups and read only slightly ahead: one message per row would cost more than reading it.
    pub(super) fn read(self, asked: Asked) -> Receiver<Rows> {
        let (sender, receiver) = mpsc::channel(2);
        std::thread::spawn(move || {
            // The receiver is dropped when the batch stops.
            if let Err(error) = self.send(&asked, &sender) {
                let _ = sender.blocking_send(Err(Unread::from(error)));
            }
        });
        receiver
    }

    fn send(self, asked: &Asked, sender: &Sender<Rows>) -> io::Result<()> {
        match self.source {
            Source::Pipe(mut reader, first) => match sender.blocking_send(Ok(first)) {
                Ok(()) => send(&mut reader, |_| true, sender),
                Err(_) => Ok(()),
            },
            Source::File {
                mut file,
                snapshot: Some(snapshot),
            } => {
                for again in [false, true] {
                    if again && asked.again.is_empty() {
                        break;
                    }
                    let source = Unchanged::new(&mut file, &snapshot)?;
                    let reader = Reader::begin(source, self.format)?;
                    // The header was read before.
                    let mut reader = reader.map_err(|_| io::Error::other(Changed))?;
                    let wanted =
                        |line| !asked.done.contains(line) && asked.again.contains(line) == again;
                    send(&mut reader, wanted, sender)?;
                }
                Ok(())
            }
            // What was not remembered is not asked.
            Source::File { snapshot: None, .. } => Err(io::Error::other(Changed)),
        }
    }
}

/// Reads the header and the first rows, as many as are there; with the number of lines up to the header.
fn begin<R: Read>(
    source: R,
    format: Format,
) -> Result<(Reader<R>, u64, Vec<NumberedRow>), Failure> {
    let unreadable = |error: io::Error| Failure::file("--batch", "read", &error);
    let mut reader = Reader::begin(source, format).map_err(unreadable)??;
    let header = reader.line();
    let rows = reader.next_rows(|_| true).map_err(unreadable)?;
    let rows = rows.ok_or_else(|| Failure::configuration("--batch", "has no rows"))?;
    Ok((reader, header, rows))
}

fn send<R: Read>(
    reader: &mut Reader<R>,
    wanted: impl Fn(u64) -> bool,
    sender: &Sender<Rows>,
) -> io::Result<()> {
    while let Some(rows) = reader.next_rows(&wanted)? {
        if sender.blocking_send(Ok(rows)).is_err() {
            break;
        }
    }
    Ok(())
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        match error.get_ref().is_some_and(|inner| inner.is::<Changed>()) {
            true => Self::Changed,
            false => Self::Failed(error.kind()),
        }
    }
}

impl Unread {
    /// What happened, in words.
    pub(super) fn reason(self) -> String {
        match self {
            Self::Changed => "the input changed while it was read".to_owned(),
            Self::Failed(kind) => {
                format!("the input could not be read to its end: {}", reason(kind))
            }
        }
    }
}

fn by_extension(path: &Path) -> Result<Format, InvalidRequest> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => Ok(Format::Csv),
        Some("jsonl" | "ndjson") => Ok(Format::JsonLines),
        _ => Err(InvalidRequest::new(
            "--format",
            "csv or jsonl: required where the input's name does not end in either",
        )),
    }
}
