//! Limits interim (1xx) responses, which hyper reads and skips without end.

use std::io;

/// Follows the bytes of one connection from a request to the head of its final response.
#[derive(Debug, Default)]
pub(crate) struct InterimResponses {
    place: Place,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// This far into a status line that may be an interim one.
    Status(usize),
    /// In an interim head, after a line end or not.
    Head { line_ended: bool },
    /// In the final response, or in none.
    Final,
}

impl Default for Place {
    fn default() -> Self {
        Self::Status(0)
    }
}

impl InterimResponses {
    /// The most bytes of interim responses to one request; a single head may be as long.
    pub(crate) const MAX_BYTES: usize = 64 * 1024;

    /// A request, or a piece of one, was written.
    pub(crate) fn written(&mut self) {
        if self.place == Place::Final {
            *self = Self::default();
        }
    }

    /// These bytes were read.
    ///
    /// # Errors
    ///
    /// The peer sends more than [`MAX_BYTES`](Self::MAX_BYTES) of interim responses.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Nearly every read begins with a final status line.
        if self.place == Place::Status(0)
            && let [
                b'H',
                b'T',
                b'T',
                b'P',
                b'/',
                b'1',
                b'.',
                _,
                b' ',
                b'2'..=b'9',
                ..,
            ] = bytes
        {
            self.place = Place::Final;
        }
        for &byte in bytes {
            self.place = match self.place {
                Place::Final => return Ok(()),
                Place::Status(at) => Self::status(at, byte),
                Place::Head { line_ended: true } if byte == b'\n' => Place::Status(0),
                Place::Head { line_ended } => Place::Head {
                    line_ended: byte == b'\n' || line_ended && byte == b'\r',
                },
            };
            self.bytes = self.bytes.saturating_add(1);
            if self.bytes > Self::MAX_BYTES {
                return Err(io::Error::other("the interim responses do not end"));
            }
        }
        Ok(())
    }

    fn status(at: usize, byte: u8) -> Place {
        // Any digit of the version.
        const INTERIM: &[u8] = b"HTTP/1._ 1";
        match INTERIM.get(at) {
            // hyper skips empty lines before a status line.
            _ if at == 0 && matches!(byte, b'\r' | b'\n') => Place::Status(0),
            Some(expected) if *expected == byte || at == 7 => match at.saturating_add(1) {
                10 => Place::Head { line_ended: false },
                next => Place::Status(next),
            },
            _ => Place::Final,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    const HINTS: &[u8] = b"HTTP/1.0 103 Early Hints\nlink: </a>\r\n x\r\n\r\n";

    /// Whether all of it passes, however it is split.
    fn passes(bytes: &[u8]) -> bool {
        let results = [1, 7, bytes.len()].map(|size| {
            let mut responses = InterimResponses::default();
            let mut pieces = bytes.chunks(size);
            pieces.all(|piece| responses.read(piece).is_ok())
        });
        assert!(results.iter().all(|passed| *passed == results[0]));
        results[0]
    }

    #[test]
    fn some_interim_responses_pass_and_a_flood_does_not() {
        let fin = b"HTTP/1.1 200 OK\r\n\r\n".as_slice();
        let body = vec![b'x'; 4 * InterimResponses::MAX_BYTES];
        for few in [
            &[][..],
            CONTINUE,
            HINTS,
            &[CONTINUE, b"\r\n", HINTS].concat(),
        ] {
            assert!(passes(&[few, fin, &body].concat()));
        }
        // What a body looks like does not matter.
        assert!(passes(&[fin, &CONTINUE.repeat(10_000)].concat()));
        for flood in [
            CONTINUE.repeat(10_000),
            HINTS.repeat(10_000),
            b"\r\n".repeat(100_000),
            [b"HTTP/1.1 100 ".as_slice(), &body].concat(),
        ] {
            assert!(!passes(&flood));
        }
    }

    #[test]
    fn each_request_has_its_own_limit() {
        let mut responses = InterimResponses::default();
        let most = CONTINUE.repeat(InterimResponses::MAX_BYTES / CONTINUE.len() - 1);
        for _ in 0..3 {
            responses.written();
            responses.read(&most).unwrap();
            responses.written();
            responses.read(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        }
        responses.written();
        responses.read(&most).unwrap();
        responses.written();
        responses.read(&most).unwrap_err();
    }
}
