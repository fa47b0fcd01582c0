//! Reads the rows of an input, line by line, with their numbers.

use std::collections::VecDeque;
use std::io::{self, Read};

use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};
use kyc_facade::provider_core::InvalidRequest;

use super::csv::named_delimiter;
use super::lines::{End, Lines};
use super::quotes::Quotes;
use super::rows::{Format, Row, Rows};

/// The longest accepted line.
const LONGEST_LINE: usize = 64 * 1024;

/// The largest number of rows that are handed on together.
const TOGETHER: usize = 64;

/// How many lines below an open quote are searched for its end.
const MOST_QUOTED_LINES: usize = 100;

/// An input whose header has been read.
pub(super) struct Reader<R> {
    lines: Lines<DecodeReaderBytes<R, Vec<u8>>>,
    rows: Rows,
    /// The number of the last line.
    line: u64,
    /// Lines that were read to find the end of a quoted field.
    ahead: VecDeque<(Vec<u8>, End)>,
    /// The line that opens a quoted field, and the one that closes it.
    quoted: Option<(u64, u64)>,
}

/// A row with its line number.
pub(super) struct NumberedRow {
    pub(super) line: u64,
    pub(super) row: Row,
}

impl<R: Read> Reader<R> {
    /// Reads the header, if the format has one.
    pub(super) fn begin(source: R, format: Format) -> io::Result<Result<Self, InvalidRequest>> {
        // Text in UTF-16 begins with a mark, which in UTF-8 is left out.
        let decoded = DecodeReaderBytesBuilder::new()
            .utf8_passthru(true)
            .strip_bom(true)
            .build(source);
        let mut reader = Self {
            lines: Lines::of_any_end(decoded, LONGEST_LINE)?,
            rows: Rows::JsonLines,
            line: 0,
            ahead: VecDeque::new(),
            quoted: None,
        };
        if reader.lines.head().contains(&0) {
            let rule = "must be text: UTF-8, or UTF-16 with a byte order mark";
            return Ok(Err(InvalidRequest::new("--batch", rule)));
        }
        if format == Format::JsonLines {
            return Ok(Ok(reader));
        }
        let mut header = reader.line_with_text()?;
        let delimiter = named_delimiter(&header);
        if delimiter.is_some() {
            header = reader.line_with_text()?;
        }
        Ok(Rows::csv(&header, delimiter).map(|rows| Self { rows, ..reader }))
    }

    /// How many lines were read.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next wanted rows, as many as are available without waiting; `None` after the last.
    pub(super) fn next_rows(
        &mut self,
        wanted: impl Fn(u64) -> bool,
    ) -> io::Result<Option<Vec<NumberedRow>>> {
        let mut rows = Vec::new();
        while let Some((text, end)) = self.next_line()? {
            let row = self.row(&text, end, &wanted)?;
            rows.extend(row.map(|row| NumberedRow {
                line: self.line,
                row,
            }));
            let waits = self.ahead.is_empty() && !self.lines.has_one();
            if rows.len() >= TOGETHER || (!rows.is_empty() && waits) {
                break;
            }
        }
        Ok((!rows.is_empty()).then_some(rows))
    }

    fn row(
        &mut self,
        text: &[u8],
        end: End,
        wanted: impl Fn(u64) -> bool,
    ) -> io::Result<Option<Row>> {
        if end != End::TooLong && self.rows.is_blank(text) {
            return Ok(None);
        }
        let rest = self.quoted.filter(|(_, last)| self.line <= *last);
        // Also of a line that is not wanted, because those below it may be.
        if rest.is_none() && self.rows.quotes(text, false) == Quotes::Open {
            self.quoted = self.quoted_lines()?;
        }
        if !wanted(self.line) {
            return Ok(None);
        }
        Ok(Some(match (rest, end) {
            (Some((first, _)), _) => {
                let rule = format!("is the rest of a quoted field, which line {first} opens");
                Row::broken("line", rule)
            }
            (None, End::TooLong) => Row::broken("line", "must be at most 65,536 bytes long"),
            (None, _) => self.rows.read(text),
        }))
    }

    /// The lines of a field that the last line opens, if a quote in one of the next lines closes it as it should: they look
    /// like rows and are not. Otherwise the quote is a stray one.
    fn quoted_lines(&mut self) -> io::Result<Option<(u64, u64)>> {
        let mut last = self.line;
        for at in 0..MOST_QUOTED_LINES {
            if at >= self.ahead.len() {
                let mut text = Vec::new();
                let Some(end) = self.lines.next(&mut text)? else {
                    return Ok(None);
                };
                self.ahead.push_back((text, end));
            }
            last = last.saturating_add(1);
            match self.ahead.get(at) {
                Some((text, End::Fed | End::File)) => match self.rows.quotes(text, true) {
                    Quotes::Open => {}
                    Quotes::Closed => return Ok(Some((self.line, last))),
                    Quotes::Stray => return Ok(None),
                },
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The next line that is not blank; an empty one at the end.
    fn line_with_text(&mut self) -> io::Result<Vec<u8>> {
        while let Some((text, _)) = self.next_line()? {
            if !text.trim_ascii().is_empty() {
                return Ok(text);
            }
        }
        Ok(Vec::new())
    }

    fn next_line(&mut self) -> io::Result<Option<(Vec<u8>, End)>> {
        self.line = self.line.saturating_add(1);
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut text = Vec::new();
        let end = self.lines.next(&mut text)?;
        Ok(end.map(|end| (text, end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read: the line, and the number that is asked about or the rule that is broken.
    fn read(bytes: &[u8], format: Format) -> Vec<(u64, String)> {
        let mut reader = Reader::begin(bytes, format).unwrap().unwrap();
        let mut all = Vec::new();
        while let Some(rows) = reader.next_rows(|line| line != 99).unwrap() {
            all.extend(rows.into_iter().map(|row| {
                let text = match row.row.request {
                    Ok(request) => request.mobile.expose().to_owned(),
                    Err(error) => error.to_string(),
                };
                (row.line, text)
            }));
        }
        all
    }

    fn csv(text: &str) -> Vec<(u64, String)> {
        read(text.as_bytes(), Format::Csv)
    }

    fn refused(bytes: &[u8]) -> String {
        let read = Reader::begin(bytes, Format::Csv).unwrap();
        read.err().unwrap().to_string()
    }

    fn two(first: u64, second: u64) -> Vec<(u64, String)> {
        let row = |line, number: &str| (line, number.to_owned());
        vec![row(first, "9000000001"), row(second, "9000000002")]
    }

    fn utf_16(text: &str, big: bool) -> Vec<u8> {
        let units = format!("\u{feff}{text}").encode_utf16().collect::<Vec<_>>();
        let bytes = |unit: u16| match big {
            true => unit.to_be_bytes(),
            false => unit.to_le_bytes(),
        };
        units.into_iter().flat_map(bytes).collect()
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        for text in [
            "mobileNumber,reference\n9000000001,a\n9000000002,b\n",
            "\u{feff}mobileNumber;reference\r\n9000000001;a\r\n9000000002;b\r\n",
            "mobileNumber\treference\r\r\n9000000001\ta\r\r\n9000000002\tb",
            "reference|mobilenumber\ra|9000000001\rb|9000000002\r",
            " MobileNumber , Reference\n9000000001,\n9000000002,\n,,,,\n \n",
            "mobileNumber\n9000000001\n9000000002",
            "\"mobileNumber\";\"reference\"\n\"9000000001\";\"a\"\"\"\n9000000002;\n;\n",
        ] {
            assert_eq!(csv(text), two(2, 3), "{text:?}");
            assert_eq!(read(&utf_16(text, true), Format::Csv), two(2, 3));
            assert_eq!(read(&utf_16(text, false), Format::Csv), two(2, 3));
        }
        assert_eq!(
            csv("sep=;\nmobileNumber\n9000000001\n9000000002\n"),
            two(3, 4)
        );
        assert_eq!(
            csv("\n\"sep=,\"\nmobileNumber\n9000000001\n9000000002"),
            two(4, 5)
        );
        let json =
            "\u{feff}{\"mobileNumber\":\"9000000001\"}\r\r{\"mobileNumber\":\"9000000002\"}\r";
        assert_eq!(read(json.as_bytes(), Format::JsonLines), two(1, 3));
        assert_eq!(read(&utf_16(json, true), Format::JsonLines), two(1, 3));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_cause() {
        let text = utf_16("mobileNumber\n9000000001\n", false);
        let not_text = "--batch: must be text: UTF-8, or UTF-16 with a byte order mark";
        assert_eq!(refused(&text[2..]), not_text);
        assert_eq!(refused(b"PK\x03\x04\x00\x00"), not_text);
        assert_eq!(refused(b"mobileNumber,\n"), "column 2: has no name");
        let semicolons = refused(b"mobileNumber;CANARY\n");
        assert!(
            semicolons.starts_with("column 2: is unknown"),
            "{semicolons}"
        );
    }

    #[test]
    fn the_lines_of_a_quoted_field_are_no_rows() {
        let rest = |line: u64, first: u64| {
            let rule = format!("line: is the rest of a quoted field, which line {first} opens");
            (line, rule)
        };
        let open = (
            2,
            "line: must be one row, with each quote closed".to_owned(),
        );
        let header = "mobileNumber,reference\n";
        let rows = csv(&format!(
            "{header}9000000000,\"note\n9000000005,of\n\n9000000006,two\",x\n9000000001,\n9000000002,"
        ));
        let expected = [vec![open.clone(), rest(3, 2), rest(5, 2)], two(6, 7)].concat();
        assert_eq!(rows, expected);
        // A quote that nothing closes is its own row's alone.
        for below in ["9000000001,\n9000000002,", "9000000001,\"a\"\n9000000002,"] {
            let rows = csv(&format!("{header}9000000000,\"note\n{below}"));
            assert_eq!(rows, [vec![open.clone()], two(3, 4)].concat(), "{below}");
        }
    }

    #[test]
    fn a_quoted_field_is_found_although_its_first_line_is_not_wanted() {
        let blank = "\n".repeat(97);
        let text = format!("mobileNumber,reference\n{blank}9000000000,\"a\n9000000001,b\"\n");
        let rows = csv(&text);
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(rows[0].0, 100);
        assert!(rows[0].1.ends_with("which line 99 opens"), "{rows:?}");
    }
}
