//! Quotes in a line of CSV, by RFC 4180: a quote begins or ends a field, or is doubled inside a quoted one.
//!
//! Readers of CSV are lenient here, and a stray quote moves what is behind it into another field, or another row: a wrong
//! person would be asked about.

/// How the quotes of a line stand at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// Each quoted field is closed.
    Closed,
    /// A quoted field is still open.
    Open,
    /// A quote stands inside a field that is not quoted, or text behind the end of one that is.
    Stray,
}

impl Quotes {
    /// Reads a line that begins outside a quoted field, or with `open` inside one.
    pub(super) fn of(line: &[u8], delimiter: u8, open: bool) -> Self {
        enum At {
            Begin,
            Bare,
            Quoted,
            /// Behind a quote in a quoted field: its end, or the first of two.
            Quote,
        }
        let mut at = match open {
            true => At::Quoted,
            false => At::Begin,
        };
        for byte in line {
            at = match (at, *byte) {
                (At::Begin | At::Quote, b'"') => At::Quoted,
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) => At::Quoted,
                (_, byte) if byte == delimiter => At::Begin,
                (At::Begin | At::Bare, byte) if byte != b'"' => At::Bare,
                _ => return Self::Stray,
            };
        }
        match at {
            At::Quoted => Self::Open,
            _ => Self::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_begins_or_ends_a_field_or_is_doubled() {
        for line in ["", "a,b", r#""a","b""#, r#""a, ""b""",c"#, r#""",x"#] {
            assert_eq!(Quotes::of(line.as_bytes(), b',', false), Quotes::Closed);
        }
        for line in [r#""a"#, r#"a,"b"#, r#""a"""#] {
            assert_eq!(Quotes::of(line.as_bytes(), b',', false), Quotes::Open);
        }
        for line in [r#"5" pipe,b"#, r#""a"b,c"#, r#"a, "b""#, r#""a";b"#] {
            assert_eq!(Quotes::of(line.as_bytes(), b',', false), Quotes::Stray);
        }
        for (line, expected) in [
            ("more", Quotes::Open),
            (r#"more",b"#, Quotes::Closed),
            (r#"a,"b""#, Quotes::Stray),
        ] {
            assert_eq!(Quotes::of(line.as_bytes(), b',', true), expected);
        }
    }
}
