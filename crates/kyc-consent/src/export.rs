//! The ledger as lines of JSON, of which no byte can be changed without being noticed.

use std::io::Write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chain::{Head, Misfit, verify};
use crate::entry::{Entry, EntryKind};
use crate::error::{LedgerError, StoreError};
use crate::ids::{Digest, ReceiptId, Subject};

const FORM: &str = "kyc-consent-ledger-1";

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    form: String,
    head: Head,
}

/// A line for each entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    at: Timestamp,
    kind: EntryKind,
    subject: Subject,
    receipt: Option<ReceiptId>,
    body: Digest,
    prev: Digest,
    digest: Digest,
    /// The body, if it was asked for and not erased.
    says: Option<String>,
}

pub(crate) struct Export<'w> {
    to: &'w mut dyn Write,
}

impl<'w> Export<'w> {
    pub(crate) fn begin(head: Head, to: &'w mut dyn Write) -> Result<Self, LedgerError> {
        let mut export = Self { to };
        export.line(&Begin {
            form: FORM.to_owned(),
            head,
        })?;
        Ok(export)
    }

    pub(crate) fn entry(&mut self, entry: &Entry, body: Option<&[u8]>) -> Result<(), LedgerError> {
        let says = body.map(|body| String::from_utf8(body.to_vec()));
        self.line(&Line {
            seq: entry.seq,
            at: entry.at,
            kind: entry.kind,
            subject: entry.subject,
            receipt: entry.receipt,
            body: entry.body,
            prev: entry.prev,
            digest: entry.digest,
            says: says
                .transpose()
                .map_err(|_| StoreError::Unreadable("body of an entry"))?,
        })
    }

    pub(crate) fn end(self) -> Result<(), LedgerError> {
        self.to.flush().map_err(failed)
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), LedgerError> {
        let mut text = written(line).ok_or(StoreError::Unreadable("entry"))?;
        text.push('\n');
        self.to.write_all(text.as_bytes()).map_err(failed)
    }
}

fn written(line: &impl Serialize) -> Option<String> {
    serde_json::to_string(line).ok()
}

fn failed(error: std::io::Error) -> LedgerError {
    LedgerError::Unwritten(error.kind())
}

/// Why an exported ledger is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A line is not as it was written. Lines count from 1.
    #[error("line {line} is not as it was written: {what}")]
    Line {
        /// Which line.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The chain does not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
}

/// Checks an exported ledger, against heads that were kept elsewhere too, and returns its head. Every byte counts: each line is
/// written anew from what it says and compared.
///
/// # Errors
///
/// The first line or entry that is not what was written.
pub fn verify_export(export: &[u8], anchors: &[Head]) -> Result<Head, ExportError> {
    let wrong = |line, what| ExportError::Line { line, what };
    let text = match std::str::from_utf8(export) {
        Ok(text) => text,
        Err(error) => {
            let before = export.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count();
            return Err(wrong(line.saturating_add(1), "it is no text"));
        }
    };
    let lines = text.strip_suffix('\n');
    let mut lines = lines
        .ok_or(wrong(1, "the end of the last line is missing"))?
        .split('\n');
    let begin: Begin =
        canonical(lines.next().unwrap_or_default()).map_err(|what| wrong(1, what))?;
    if begin.form != FORM {
        return Err(wrong(1, "the form is unknown"));
    }
    let mut entries = Vec::new();
    for (index, text) in lines.enumerate() {
        let number = index.saturating_add(2);
        let line: Line = canonical(text).map_err(|what| wrong(number, what))?;
        let says = line.says.as_ref();
        if says.is_some_and(|says| Digest::of(says.as_bytes()) != line.body) {
            return Err(wrong(number, "what it says is not what the chain has"));
        }
        entries.push(Entry {
            seq: line.seq,
            at: line.at,
            kind: line.kind,
            subject: line.subject,
            receipt: line.receipt,
            body: line.body,
            prev: line.prev,
            digest: line.digest,
            sealed: Vec::new(),
        });
    }
    let own = [begin.head];
    let head = verify(begin.head.ledger, &entries, anchors)?;
    verify(begin.head.ledger, &entries, &own)?;
    match head == begin.head {
        true => Ok(head),
        false => Err(wrong(1, "the ledger goes on after its head")),
    }
}

/// Reads a line, and makes sure that it is written as we write it.
fn canonical<T: Serialize + for<'de> Deserialize<'de>>(text: &str) -> Result<T, &'static str> {
    let line: T = serde_json::from_str(text).map_err(|_| "it is not in the form of a line")?;
    match written(&line).is_some_and(|written| written == text) {
        true => Ok(line),
        false => Err("it says the same in other bytes"),
    }
}
