//! The completed lines, as a bit set.

/// A set of line numbers, one bit for each line: 125 kB for a million.
#[derive(Debug, Default)]
pub(super) struct LineSet {
    words: Vec<u64>,
    lines: u64,
}

impl LineSet {
    /// An empty set for lines from 1 to this one.
    pub(super) fn up_to(lines: u64) -> Self {
        let words = usize::try_from(lines.div_euclid(64).saturating_add(1)).unwrap_or(0);
        Self {
            words: vec![0; words],
            lines,
        }
    }

    /// Adds a line; `false` if it is out of range.
    #[must_use]
    pub(super) fn insert(&mut self, line: u64) -> bool {
        let (at, bit) = place(line);
        match self.words.get_mut(at) {
            Some(word) if (1..=self.lines).contains(&line) => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(super) fn contains(&self, line: u64) -> bool {
        let (at, bit) = place(line);
        self.words.get(at).is_some_and(|word| word & bit != 0)
    }
}

fn place(line: u64) -> (usize, u64) {
    let at = usize::try_from(line.div_euclid(64)).unwrap_or(usize::MAX);
    (at, 1 << line.rem_euclid(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_lines_of_a_file() {
        let mut set = LineSet::up_to(128);
        for line in [1, 63, 64, 128] {
            assert!(!set.contains(line));
            assert!(set.insert(line));
            assert!(set.contains(line));
        }
        assert!(!set.contains(2));
        for line in [0, 129, u64::MAX] {
            assert!(!set.insert(line), "{line}");
            assert!(!set.contains(line));
        }
        assert!(!LineSet::default().contains(1));
        assert!(LineSet::default().is_empty() && !set.is_empty());
    }
}
