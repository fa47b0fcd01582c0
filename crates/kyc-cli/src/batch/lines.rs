//! Reads lines of a bounded length.

use std::io::{self, BufRead, BufReader, Read};

/// Reads lines into a buffer that is reused.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: BufReader<R>,
    longest: usize,
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With a line feed.
    Fed,
    /// With the file.
    File,
    /// It was longer than allowed, and the rest of it was skipped.
    TooLong,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R, longest: usize) -> Self {
        Self {
            input: BufReader::with_capacity(64 * 1024, input),
            longest,
        }
    }

    /// Whether a whole line is buffered, so that it can be read without waiting.
    pub(super) fn has_one(&self) -> bool {
        self.input.buffer().contains(&b'\n')
    }

    /// Reads the next line without its end, CR LF included; `None` after the last.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<End>> {
        line.clear();
        let (mut too_long, mut any) = (false, false);
        let end = loop {
            let chunk = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                break End::File;
            }
            any = true;
            let (part, fed) = match chunk.iter().position(|byte| *byte == b'\n') {
                Some(at) => (chunk.get(..at).unwrap_or_default(), true),
                None => (chunk, false),
            };
            let read = part.len().saturating_add(fed.into());
            if line.len().saturating_add(part.len()) > self.longest {
                too_long = true;
            } else {
                line.extend_from_slice(part);
            }
            self.input.consume(read);
            if fed {
                break End::Fed;
            }
        };
        if !any {
            return Ok(None);
        }
        if too_long {
            line.clear();
            return Ok(Some(End::TooLong));
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, longest: usize) -> Vec<(String, End)> {
        let (mut lines, mut line) = (Lines::new(text.as_bytes(), longest), Vec::new());
        let mut all = Vec::new();
        while let Some(end) = lines.next(&mut line).unwrap() {
            all.push((String::from_utf8(line.clone()).unwrap(), end));
        }
        all
    }

    #[test]
    fn all_line_endings_are_read_and_a_long_line_is_skipped() {
        let line = |text: &str, end| (text.to_owned(), end);
        assert_eq!(all("", 4), []);
        assert_eq!(
            all("ab\r\n\nabcd\nabcde\nx", 4),
            [
                line("ab", End::Fed),
                line("", End::Fed),
                line("abcd", End::Fed),
                line("", End::TooLong),
                line("x", End::File),
            ]
        );
        let long = format!("{}\nx\n", "y".repeat(1_000_000));
        assert_eq!(
            all(&long, 100_000),
            [line("", End::TooLong), line("x", End::Fed)]
        );
    }
}
