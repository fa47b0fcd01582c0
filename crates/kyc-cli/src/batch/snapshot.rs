//! An input file as it was when the batch began: what has changed since is noticed before it is asked.

use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read, Seek as _};

use crate::files::key::Key;

/// What one hash is of.
const BLOCK: usize = 64 * 1024;

/// The contents of a file, by the hashes of its blocks.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Its fingerprint by the batch's key.
    pub(super) fingerprint: String,
    /// The number of lines, or more: line ends of either kind, and a last line without.
    pub(super) most_lines: u64,
    hasher: RandomState,
    blocks: Vec<u64>,
}

impl Snapshot {
    /// Reads the file once.
    pub(super) fn of(file: &mut File, key: &Key) -> io::Result<Self> {
        let hasher = RandomState::new();
        let (mut feeds, mut returns, mut blocks) = (0_u64, 0_u64, Vec::new());
        let mut ended = true;
        file.rewind()?;
        let fingerprint = key.fingerprint(|update| {
            let mut block = Vec::new();
            while next_block(file, &mut block)? {
                let count = |end| block.iter().filter(|byte| **byte == end).count();
                let add = |sum: u64, more| sum.saturating_add(u64::try_from(more).unwrap_or(0));
                (feeds, returns) = (add(feeds, count(b'\n')), add(returns, count(b'\r')));
                ended = matches!(block.last(), Some(b'\n' | b'\r'));
                blocks.push(hasher.hash_one(&block));
                update(&block);
            }
            Ok(())
        })?;
        Ok(Self {
            fingerprint,
            most_lines: feeds.max(returns).saturating_add((!ended).into()),
            hasher,
            blocks,
        })
    }
}

/// Reads a block, the last one of a file may be shorter; `false` at its end.
fn next_block(file: &mut File, block: &mut Vec<u8>) -> io::Result<bool> {
    block.clear();
    let most = u64::try_from(BLOCK).unwrap_or(u64::MAX);
    file.take(most).read_to_end(block)?;
    Ok(!block.is_empty())
}

/// Reads a file from its beginning, as long as it is what it was.
#[derive(Debug)]
pub(super) struct Unchanged<'a> {
    file: &'a mut File,
    snapshot: &'a Snapshot,
    block: Vec<u8>,
    number: usize,
    at: usize,
}

/// The error of a read behind a change.
#[derive(Debug)]
pub(super) struct Changed;

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("changed while it was read")
    }
}

impl std::error::Error for Changed {}

impl<'a> Unchanged<'a> {
    pub(super) fn new(file: &'a mut File, snapshot: &'a Snapshot) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self {
            file,
            snapshot,
            block: Vec::new(),
            number: 0,
            at: 0,
        })
    }
}

impl Read for Unchanged<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.block.len() {
            let any = next_block(self.file, &mut self.block)?;
            let hash = any.then(|| self.snapshot.hasher.hash_one(&self.block));
            if hash.as_ref() != self.snapshot.blocks.get(self.number) {
                self.block.clear();
                return Err(io::Error::other(Changed));
            }
            self.number = self.number.saturating_add(1);
            self.at = 0;
        }
        let mut rest = self.block.get(self.at..).unwrap_or_default();
        let read = rest.read(into)?;
        self.at = self.at.saturating_add(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(file: &mut File, snapshot: &Snapshot) -> (usize, Option<String>) {
        let mut text = Vec::new();
        let read = Unchanged::new(file, snapshot)
            .unwrap()
            .read_to_end(&mut text);
        (text.len(), read.err().map(|error| error.to_string()))
    }

    #[test]
    fn nothing_behind_a_change_is_read() {
        let key = Key::random().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let text = "9000000001\n".repeat(20_000);
        file.write_all(text.as_bytes()).unwrap();
        let snapshot = Snapshot::of(&mut file, &key).unwrap();
        assert_eq!(snapshot.most_lines, 20_000);
        assert_eq!(read(&mut file, &snapshot), (text.len(), None));

        let changed = Some("changed while it was read".to_owned());
        // The handle is at the end.
        file.write_all(b"9").unwrap();
        assert_eq!(read(&mut file, &snapshot), (3 * BLOCK, changed.clone()));
        let other = Snapshot::of(&mut file, &key).unwrap();
        assert_ne!(other.fingerprint, snapshot.fingerprint);
        file.set_len(text.len() as u64).unwrap();
        assert_eq!(read(&mut file, &snapshot), (text.len(), None));
        file.seek(io::SeekFrom::Start(BLOCK as u64 + 5)).unwrap();
        file.write_all(b"x").unwrap();
        assert_eq!(read(&mut file, &snapshot), (BLOCK, changed.clone()));
        file.set_len(7).unwrap();
        assert_eq!(read(&mut file, &snapshot), (0, changed));
    }

    #[test]
    fn a_fingerprint_says_nothing_without_its_key() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"mobileNumber\n9000000001\n").unwrap();
        let fingerprints = [(); 2].map(|()| {
            let key = Key::random().unwrap();
            Snapshot::of(&mut file, &key).unwrap().fingerprint
        });
        assert_ne!(fingerprints[0], fingerprints[1]);
        assert_eq!(fingerprints[0].len(), 32);
    }
}
