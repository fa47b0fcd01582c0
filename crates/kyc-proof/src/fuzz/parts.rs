//! An input cut into the values that a target needs.

/// Stands between two values. No UTF-8 text holds it.
pub(crate) const BETWEEN: u8 = 0xff;

/// What is left of an input.
pub(crate) struct Parts<'i>(&'i [u8]);

impl<'i> Parts<'i> {
    pub(crate) fn of(input: &'i [u8]) -> Self {
        Self(input)
    }

    /// One byte, for a choice; 0 at the end.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// Everything up to the next [`BETWEEN`].
    pub(crate) fn bytes(&mut self) -> &'i [u8] {
        match self.0.iter().position(|byte| *byte == BETWEEN) {
            Some(at) => {
                let (value, rest) = self.0.split_at(at);
                self.0 = &rest[1..];
                value
            }
            None => std::mem::take(&mut self.0),
        }
    }

    /// As [`bytes`](Parts::bytes), if that is text.
    pub(crate) fn text(&mut self) -> Option<&'i str> {
        std::str::from_utf8(self.bytes()).ok()
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'i [u8] {
        self.0
    }
}
