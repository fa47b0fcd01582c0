//! CSV below a header that names the columns.

use csv_core::{ReadRecordResult, ReaderBuilder};
use kyc_facade::provider_core::InvalidRequest;

use super::quotes::Quotes;

/// What separates fields, besides what a first line `sep=` names.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads the rows of one file.
pub(super) struct Csv {
    delimiter: u8,
    reader: csv_core::Reader,
    /// The name of each column.
    columns: Vec<&'static str>,
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl Csv {
    /// Rows below this header, whose columns are `known`, `required` among them. The delimiter is the given one, or that
    /// by which the header has known columns only.
    ///
    /// # Errors
    ///
    /// An unknown or duplicate column, or no required one. A column's text is not printed, because the header may be missing.
    pub(super) fn below(
        header: &[u8],
        delimiter: Option<u8>,
        known: &[&'static str],
        required: &'static str,
    ) -> Result<Self, InvalidRequest> {
        let mut first_error = None;
        for delimiter in delimiter.map_or(DELIMITERS.to_vec(), |given| vec![given]) {
            let mut csv = Self::new(delimiter, known.len());
            match csv.read_header(header, known, required) {
                Ok(()) => return Ok(csv),
                // The header's own delimiter is the one that occurs in it; its error says most.
                Err(error) if first_error.is_none() || header.contains(&delimiter) => {
                    first_error = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(first_error.unwrap_or_else(|| no_column(required)))
    }

    fn new(delimiter: u8, columns: usize) -> Self {
        Self {
            delimiter,
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            columns: Vec::new(),
            fields: Vec::new(),
            // One more than a row may have, to detect rows with too many.
            ends: vec![0; columns.saturating_add(1)],
        }
    }

    fn read_header(
        &mut self,
        header: &[u8],
        known: &[&'static str],
        required: &'static str,
    ) -> Result<(), InvalidRequest> {
        let header = match header.trim_ascii().is_empty() {
            true => Vec::new(),
            false => self.split(header)?,
        };
        for (at, name) in header.into_iter().enumerate() {
            let column = || format!("column {}", at.saturating_add(1));
            let same = |known: &&&str| known.eq_ignore_ascii_case(name.trim());
            let Some(known) = known.iter().find(same) else {
                let rule = match name.trim().is_empty() {
                    true => "has no name".to_owned(),
                    false => format!("is unknown; must be one of {}", known.join(", ")),
                };
                return Err(InvalidRequest::new(column(), rule));
            };
            if self.columns.contains(known) {
                return Err(InvalidRequest::new(column(), "is a duplicate"));
            }
            self.columns.push(known);
        }
        match self.columns.contains(&required) {
            true => Ok(()),
            false => Err(no_column(required)),
        }
    }

    /// Whether a line has no field that says something: a spreadsheet writes such rows below the last one.
    pub(super) fn is_blank(&self, line: &[u8]) -> bool {
        line.iter()
            .all(|byte| *byte == self.delimiter || byte.is_ascii_whitespace())
    }

    /// Whether a line's quotes stand as they should. With `open` it begins inside a quoted field.
    pub(super) fn quotes(&self, line: &[u8], open: bool) -> Quotes {
        Quotes::of(line, self.delimiter, open)
    }

    /// The fields of a line by the name of their column.
    pub(super) fn row(
        &mut self,
        line: &[u8],
    ) -> Result<impl Fn(&str) -> Option<String>, InvalidRequest> {
        let fields = self.split(line)?;
        if fields.len() != self.columns.len() {
            let rule = "must have as many fields as there are columns";
            return Err(InvalidRequest::new("line", rule));
        }
        let columns = &self.columns;
        Ok(move |name: &str| {
            let at = columns.iter().position(|column| *column == name)?;
            fields.get(at).cloned()
        })
    }

    /// The fields of one line. A line is a row, so that one stray quote cannot swallow the rest of the file.
    fn split(&mut self, line: &[u8]) -> Result<Vec<String>, InvalidRequest> {
        let refused = |rule: &'static str| Err(InvalidRequest::new("line", rule));
        match self.quotes(line, false) {
            Quotes::Closed => {}
            Quotes::Open => return refused("must be one row, with each quote closed"),
            Quotes::Stray => {
                return refused("must have quotes around whole fields only, doubled inside one");
            }
        }
        if line.contains(&b'\r') {
            return refused("must not have a carriage return inside");
        }
        let line = &[line, b"\n"].concat();
        self.fields.resize(line.len(), 0);
        let (result, read, _, fields) =
            self.reader
                .read_record(line, &mut self.fields, &mut self.ends);
        if result != ReadRecordResult::Record || read != line.len() {
            self.reader.reset();
            return refused(match result {
                ReadRecordResult::OutputEndsFull => "has more fields than there are columns",
                _ => "must be one row",
            });
        }
        let ends = self.ends.get(..fields).unwrap_or_default();
        let mut from = 0;
        ends.iter()
            .map(|end| {
                let field = self.fields.get(from..*end).unwrap_or_default();
                from = *end;
                let text = std::str::from_utf8(field);
                let text = text.map_err(|_| InvalidRequest::new("line", "must be UTF-8"))?;
                Ok(text.to_owned())
            })
            .collect()
    }
}

/// The delimiter that a first line such as `sep=;` names. Spreadsheets write it and read it.
pub(super) fn named_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (name, rest) = line.split_at_checked(4)?;
    match rest {
        [delimiter] | [delimiter, b'"'] if name.eq_ignore_ascii_case(b"sep=") => Some(*delimiter),
        _ => None,
    }
}

fn no_column(required: &'static str) -> InvalidRequest {
    InvalidRequest::new(required, "the first line has to name this column")
}
