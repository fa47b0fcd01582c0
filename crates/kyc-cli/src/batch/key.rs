//! The key of a batch: with it, results tell whether they belong to an input, and without it they tell nothing.
//!
//! A digest of a small file can be tried out: ten thousand million numbers take minutes, two digests leave one of them. So
//! the results hold a keyed one, and the key is a file of its own, beside them.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::failure::{Failure, reason};
use crate::temporary;

/// The key, 32 random bytes.
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key beside these results; `None` if there is none.
    pub(super) fn of(results: &Path) -> Result<Option<Self>, Failure> {
        let path = path(results);
        let refused = |rule: &str| Err(Failure::configuration("--out", named(&path, rule)));
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(there) if !there.is_file() => return refused("is not a file"),
            _ => {}
        }
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => return refused(&format!("cannot be read: {}", reason(error.kind()))),
        };
        let mut key = [0; 32];
        match hex::decode_to_slice(text.trim_ascii_end(), &mut key) {
            Ok(()) => Ok(Some(Self(key))),
            Err(_) => refused("is not the key of a batch"),
        }
    }

    /// A new key.
    pub(super) fn random() -> Result<Self, Failure> {
        let mut key = [0; 32];
        match getrandom::fill(&mut key) {
            Ok(()) => Ok(Self(key)),
            Err(_) => Err(Failure::configuration("runtime", "no randomness")),
        }
    }

    /// Writes it to its file, which only its owner can read.
    pub(super) fn keep(&self, results: &Path) -> Result<(), Failure> {
        let path = path(results);
        // Under its name it is complete or not there.
        let written = temporary::beside(&path).and_then(|mut file| {
            writeln!(file, "{}", hex::encode(self.0))?;
            file.as_file().sync_all()?;
            file.persist_noclobber(&path).map_err(|error| error.error)?;
            Ok(())
        });
        written.map_err(|error| {
            let rule = format!("cannot be written: {}", reason(error.kind()));
            Failure::configuration("--out", named(&path, &rule))
        })
    }

    /// The rule that the key is missing.
    pub(super) fn missing(results: &Path) -> String {
        let rule = "is missing: without it the input cannot be recognised";
        named(&path(results), rule)
    }

    /// The fingerprint of what is fed to `feed`: 128 bits in hexadecimal, which say nothing without the key.
    pub(super) fn fingerprint(
        &self,
        feed: impl FnOnce(&mut dyn FnMut(&[u8])) -> io::Result<()>,
    ) -> io::Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(io::Error::other)?;
        feed(&mut |bytes| mac.update(bytes))?;
        let mut text = hex::encode(mac.finalize().into_bytes());
        text.truncate(32);
        Ok(text)
    }
}

fn path(results: &Path) -> PathBuf {
    let mut path = results.as_os_str().to_owned();
    path.push(".key");
    path.into()
}

/// The file's name with a rule: the path before it is the user's own.
fn named(path: &Path, rule: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{name} beside it {rule}")
}
