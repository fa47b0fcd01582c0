//! What may be seen of what was on the wire. Pure.
//!
//! What is provably invented is shown and labelled: PANs with the digits `0000`, which are nobody's, ids that this sandbox made, and the
//! names of its people. Everything else that may be a person's or a secret is masked by its kind, mobile numbers always,
//! because any ten digits may be somebody's. A word of the interface, such as a status, is shown.
//!
//! A value is judged by its member's name and by its form, after it was decoded; it is cut out of the bytes as they were sent, so
//! that what is between values is seen exactly.

mod forms;
mod kinds;

pub(crate) use self::forms::{body, head, target};
pub(crate) use self::kinds::Kind;

/// What is known about where values come from.
pub(crate) trait Provenance {
    /// Whether the sandbox made this id.
    fn is_own_id(&self, id: &str) -> bool;
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// The caller: a text is masked unless it is known to be harmless.
    Caller,
    /// The sandbox, whose own texts are invented; what it echoes is recognised by name and form.
    Sandbox,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// As it was sent.
    pub(crate) text: String,
    pub(crate) shown: Shown,
}

/// How a piece is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As it is.
    Plain,
    /// As it is, and as the sandbox's invention.
    Invented,
    /// By its kind only.
    Masked(Kind),
}

impl Piece {
    /// What is seen of it.
    pub(crate) fn seen(&self) -> String {
        match self.shown {
            Shown::Plain | Shown::Invented => self.text.clone(),
            Shown::Masked(kind) => kind.mask(&self.text),
        }
    }
}

/// A text in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Masked {
    pub(crate) pieces: Vec<Piece>,
    /// Whether something in it looks like a real PAN or Aadhaar number.
    pub(crate) looks_real: bool,
}

impl Masked {
    fn push(&mut self, text: &str, shown: Shown) {
        if text.is_empty() {
            return;
        }
        match self.pieces.last_mut() {
            Some(last) if shown == Shown::Plain && last.shown == Shown::Plain => {
                last.text.push_str(text);
            }
            _ => self.pieces.push(Piece {
                text: text.to_owned(),
                shown,
            }),
        }
    }

    fn plain(&mut self, text: &str) {
        self.push(text, Shown::Plain);
    }

    fn append(&mut self, other: Self) {
        self.looks_real |= other.looks_real;
        for piece in other.pieces {
            self.push(&piece.text, piece.shown);
        }
    }

    /// All that is seen of it.
    #[cfg(test)]
    pub(crate) fn seen(&self) -> String {
        self.pieces.iter().map(Piece::seen).collect()
    }
}

#[cfg(test)]
mod tests;
