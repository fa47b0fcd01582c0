//! Reads lines of a bounded length.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

/// Reads lines into a buffer that is reused.
#[derive(Debug)]
pub(super) struct Lines<R> {
    /// The beginning, which was read to tell the line ends, and the rest.
    input: Chain<Cursor<Vec<u8>>, BufReader<R>>,
    feed: u8,
    longest: usize,
    /// How many bytes were taken, line ends included.
    taken: u64,
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With a line end.
    Fed,
    /// With the file.
    File,
    /// It was longer than allowed, and the rest of it was skipped.
    TooLong,
}

impl<R: Read> Lines<R> {
    const BUFFER: usize = 64 * 1024;

    /// Lines that end with LF; any CR before it belongs to the end.
    pub(super) fn new(input: R, longest: usize) -> Self {
        let input = BufReader::with_capacity(Self::BUFFER, input);
        Self {
            input: Cursor::new(Vec::new()).chain(input),
            feed: b'\n',
            longest,
            taken: 0,
        }
    }

    /// Lines that end as the first one does: with CR alone if its first 64 KiB have no LF, else as with [`new`](Self::new).
    pub(super) fn of_any_end(input: R, longest: usize) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(Self::BUFFER, input);
        let mut head = Vec::new();
        let most = u64::try_from(Self::BUFFER).unwrap_or(u64::MAX);
        input.by_ref().take(most).read_until(b'\n', &mut head)?;
        let feed = match head.contains(&b'\r') && !head.contains(&b'\n') {
            true => b'\r',
            false => b'\n',
        };
        Ok(Self {
            input: Cursor::new(head).chain(input),
            feed,
            longest,
            taken: 0,
        })
    }

    /// The beginning, as far as it was read to tell the line ends.
    pub(super) fn head(&self) -> &[u8] {
        self.input.get_ref().0.get_ref()
    }

    /// How many bytes were taken, line ends included.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether a whole line is buffered, so that it can be read without waiting.
    pub(super) fn has_one(&self) -> bool {
        let (head, rest) = self.input.get_ref();
        let from = usize::try_from(head.position()).unwrap_or(usize::MAX);
        let head = head.get_ref().get(from..).unwrap_or_default();
        head.contains(&self.feed) || rest.buffer().contains(&self.feed)
    }

    /// Reads the next line without its end; `None` after the last.
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
            let (part, fed) = match chunk.iter().position(|byte| *byte == self.feed) {
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
            let read = u64::try_from(read).unwrap_or(u64::MAX);
            self.taken = self.taken.saturating_add(read);
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
        while line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut lines: Lines<&[u8]>) -> Vec<(String, End)> {
        let (mut all, mut line) = (Vec::new(), Vec::new());
        while let Some(end) = lines.next(&mut line).unwrap() {
            all.push((String::from_utf8(line.clone()).unwrap(), end));
        }
        all
    }

    fn all(text: &str, longest: usize) -> Vec<(String, End)> {
        let read = [
            read(Lines::new(text.as_bytes(), longest)),
            read(Lines::of_any_end(text.as_bytes(), longest).unwrap()),
        ];
        assert_eq!(read[0], read[1]);
        read[0].clone()
    }

    fn line(text: &str, end: End) -> (String, End) {
        (text.to_owned(), end)
    }

    #[test]
    fn all_line_endings_are_read_and_a_long_line_is_skipped() {
        assert_eq!(all("", 4), []);
        assert_eq!(
            all("ab\r\n\nab\r\r\nabcde\nx", 4),
            [
                line("ab", End::Fed),
                line("", End::Fed),
                line("ab", End::Fed),
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

    #[test]
    fn carriage_returns_alone_end_lines_if_the_first_one_ends_so() {
        let lines = |text: &'static str| read(Lines::of_any_end(text.as_bytes(), 9).unwrap());
        let cr = [
            line("a", End::Fed),
            line("", End::Fed),
            line("b", End::File),
        ];
        assert_eq!(lines("a\r\rb"), cr);
        assert_eq!(lines("a\nb\rc\n")[1], line("b\rc", End::Fed));
    }

    #[test]
    fn what_was_taken_is_counted_with_the_line_ends() {
        let mut lines = Lines::new(&b"a\r\nbcdef\n\nx"[..], 2);
        let mut taken = Vec::new();
        while lines.next(&mut Vec::new()).unwrap().is_some() {
            taken.push(lines.taken());
        }
        assert_eq!(taken, [3, 9, 10, 11]);
    }
}
