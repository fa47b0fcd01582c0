//! The fingerprint of a batch's input.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Identifies an input: a different or changed input has a different fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    pub(super) bytes: u64,
    pub(super) lines: u64,
    /// The first 24 bits of the SHA-256 of the file: enough to detect a mistake, and too few to recover the number from a
    /// file with one row.
    digest: String,
}

impl Fingerprint {
    /// Reads the file once and rewinds it.
    pub(super) fn of(file: &mut File) -> io::Result<Self> {
        let (mut bytes, mut lines, mut last) = (0_u64, 0_u64, b'\n');
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let chunk = buffer.get(..read).unwrap_or_default();
            let Some(end) = chunk.last() else { break };
            last = *end;
            digest.update(chunk);
            let fed = chunk.iter().filter(|byte| **byte == b'\n').count();
            bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            lines = lines.saturating_add(u64::try_from(fed).unwrap_or(u64::MAX));
        }
        file.rewind()?;
        let [first, second, third, ..] = <[u8; 32]>::from(digest.finalize());
        Ok(Self {
            bytes,
            lines: lines.saturating_add(u64::from(last != b'\n')),
            digest: format!("{first:02x}{second:02x}{third:02x}"),
        })
    }
}
